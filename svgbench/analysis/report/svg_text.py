"""An SVG file of matplotlib as one element for a page: no foreign names, unique ids, short numbers, and colours that
follow the page's ground."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from svgbench.analysis.report.inks import as_variables

DECIMALS = 2  # of a point (1/72 inch)
FIXED = "fixed"
"""The id of groups whose colours stay as they are, because they lie on something that does not follow the page."""
NUMBERS = ("d", "x", "y", "transform", "points", "width", "height")
"""Attributes that hold coordinates."""
_LONG = re.compile(r"-?\d+\.\d{3,}")
_LINK = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"\s*font-family:[^;]*;?")


def page_element(svg: str, prefix: str) -> str:
    """The drawing without metadata, fonts and its own size; its ids begin with `prefix`, so that several fit one page.

    Fonts come from the page, as do colours that would not show on a dark one, outside groups that are `FIXED`.
    """
    root = ElementTree.fromstring(svg)
    _strip(root)
    fixed = {id(e) for group in root.iter() if group.get("id") == FIXED for e in group.iter()}
    _rename(root, prefix)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name in NUMBERS:
            if name in element.attrib:
                element.set(name, _short(element.attrib[name]))
        if "style" in element.attrib:
            element.set("style", _style(element.attrib["style"], id(element) in fixed))
        element.tail = None
        if element.text is not None and not element.text.strip():
            element.text = None
    _unwrap(root)
    width, height = root.attrib["viewBox"].split()[2:]
    root.attrib = {"viewBox": root.attrib["viewBox"], "width": width, "height": height, "aria-hidden": "true"}
    return ElementTree.tostring(root, encoding="unicode")


def _strip(root: ElementTree.Element) -> None:
    """Remove metadata and the style sheet, which would hold for the whole page."""
    for parent in [*root.iter()]:
        for child in [*parent]:
            if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)


def _rename(root: ElementTree.Element, prefix: str) -> None:
    """Keep ids that something refers to, as "prefix-1"; remove all others."""
    used: dict[str, str] = {}
    for element in root.iter():
        for name, value in [*element.attrib.items()]:
            if name.rpartition("}")[2] == "href":
                del element.attrib[name]
                if value.startswith("#"):
                    value = f"#{used.setdefault(value[1:], f'{prefix}-{len(used)}')}"
                element.set("href", value)
            elif linked := _LINK.search(value):
                new = used.setdefault(linked[1], f"{prefix}-{len(used)}")
                element.set(name, value.replace(f"#{linked[1]}", f"#{new}"))
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in used:
            element.set("id", used[own])


def _short(text: str) -> str:
    """Coordinates with few decimals, and paths without blanks that mean nothing."""
    if "scale(" in text or "matrix(" in text:
        return text
    text = _LONG.sub(lambda m: f"{float(m[0]):.{DECIMALS}f}".rstrip("0").rstrip("."), text)
    return re.sub(r"\s*([MLCQZz])\s*", r"\1", " ".join(text.split())) if text[:1] == "M" else text


def _style(text: str, fixed: bool) -> str:
    text = _FONT.sub("", text)
    text = text if fixed else as_variables(text)
    return text.strip().rstrip(";").replace("; ", ";").replace(": ", ":")


def _unwrap(parent: ElementTree.Element) -> None:
    """Remove groups and definitions that say nothing."""
    kept: list[ElementTree.Element] = []
    for child in parent:
        _unwrap(child)
        if child.tag == "g" and not child.attrib:
            kept += [*child]
        elif child.tag not in ("g", "defs") or len(child):
            kept.append(child)
    parent[:] = kept
