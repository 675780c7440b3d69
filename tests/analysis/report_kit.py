"""Reading a report's page as a browser does, for the tests of its structure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = ("meta", "link", "br", "input", "img", "hr")


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, *tags: str) -> list[Element]:
        """The elements of these tags below this one, in order; without tags, all."""
        found = []
        for child in self.children:
            found += [child] * (not tags or child.tag in tags) + child.all(*tags)
        return found

    @property
    def words(self) -> str:
        """Its text and that of everything below it."""
        return " ".join(" ".join([self.text, *(child.words for child in self.children)]).split())


class Page(HTMLParser):
    """The tree of a page. Raises AssertionError for a tag that closes another one."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = self._open = Element("page", {}, None)
        self.feed(text)
        self.close()
        assert self._open is self.root, f"<{self._open.tag}> is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(element)
        if tag not in VOID:
            self._open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.children.append(Element(tag, {name: value or "" for name, value in attrs}, self._open))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.tag == tag, f"</{tag}> closes <{self._open.tag}>"
        assert self._open.parent is not None
        self._open = self._open.parent

    def handle_data(self, data: str) -> None:
        self._open.text += data


def check_structure(text: str) -> Element:
    """Check what every report's page must be, whatever it shows, and return it."""
    page = Page(text).root
    assert [e.attributes.get("lang") for e in page.all("html")] == ["en"]
    assert any(e.attributes.get("name") == "viewport" for e in page.all("meta"))
    _check_links(page)
    _check_headings(page)
    for figure in page.all("figure"):
        (caption,) = figure.all("figcaption")
        assert caption.words
        assert figure.attributes["role"] == "img"
        assert figure.attributes["aria-labelledby"] == caption.attributes["id"]
    for table in page.all("table"):
        assert table.all("caption")[0].words
        assert all(head.attributes.get("scope") in ("row", "col") for head in table.all("th"))
        assert len({len(row.all("th", "td")) for row in table.all("tr")}) == 1
    for shape in (e for e in page.all("span") if "shape" in e.attributes.get("class", "").split()):
        assert shape.attributes["aria-hidden"] == "true"
        assert re.search("[A-Za-z]", shape.parent.words), "a word stands beside every shape"
    return page


def _check_links(page: Element) -> None:
    ids = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
    assert len(ids) == len(set(ids)), [i for i in ids if ids.count(i) > 1][:5]
    assert not page.all("link", "iframe", "base", "object", "embed")
    for element in page.all():
        for name, value in element.attributes.items():
            assert not name.startswith("on"), f"{name} of <{element.tag}> is a script"
            if name in ("src", "href", "action", "srcset", "poster"):
                inside = value.startswith("#") and value[1:] in ids
                assert inside or value.startswith("data:image/png;base64,"), f"{name}={value[:60]}"
            for link in re.findall(r"url\(([^)]*)\)", value):
                assert link[1:] in ids
    for style in page.all("style"):
        assert "url(" not in style.text
        assert "@import" not in style.text


def _check_headings(page: Element) -> None:
    levels = [int(e.tag[1]) for e in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels)), levels
