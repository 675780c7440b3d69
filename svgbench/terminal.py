"""Output for a person or a program: grids at the terminal's width, JSON, durations."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from svgbench import strict_json
from svgbench.lab.eta import duration
from svgbench.words.errors import UsageError

LONGEST_SECONDS = 10 * 365.25 * 86400

Rows = Sequence[Mapping[str, Any]]


def width() -> int:
    """Columns of the terminal, at least 40; 80 without a terminal."""
    return max(shutil.get_terminal_size((80, 24)).columns, 40)


def out(text: str) -> None:
    """Print text to standard output, ending in one newline."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def notice(text: str) -> None:
    """A sentence to standard error: about the answer, not part of it. On a terminal it is wrapped at its width."""
    sys.stderr.write("\n".join(lines_of([text]) if sys.stderr.isatty() else [text]) + "\n")


def out_json(rows: Rows) -> None:
    """Print a list of flat objects as JSON. NaN and infinities, which JSON does not have, become null.

    Characters that standard output cannot encode become JSON escapes.
    """
    finite = strict_json.nulled(rows)
    text = strict_json.dumps(finite, indent=1, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = strict_json.dumps(finite, indent=1)
    out(text)


def out_rows(rows: Rows, as_json: bool, title: str, columns: Mapping[str, str], notes: Iterable[str] = ()) -> None:
    """Print the rows as JSON, or as a grid of the named columns (key -> heading)."""
    if as_json:
        return out_json(rows)
    from svgbench.analysis.show.tables import DisplayTable, Rounded, render

    def entry(value: Any) -> str | Rounded:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Rounded(value, 0 if isinstance(value, int) else None)
        return "" if value is None else str(value)

    (corner_key, corner), *rest = columns.items()
    body = tuple((str(row[corner_key]), tuple(entry(row[key]) for key, _ in rest)) for row in rows)
    grid = DisplayTable(title=title, corner=corner, columns=tuple(h for _, h in rest), rows=body, notes=tuple(notes))
    return out(render(grid, "text", width()))


def out_parts(rows: Rows) -> None:
    """Rows of `kind`, `id`, `text`, `detail`, as paragraphs under one heading per kind."""
    kind = ""
    for row in rows:
        if row["kind"] != kind:
            kind = row["kind"]
            if kind != "experiment":
                out(f"\n{kind}s")
        head, detail = f"{row['id']}: {row['text']}", row["detail"]
        indent = "" if kind == "experiment" else "  "
        out(_wrapped(f"{head} [{detail}]" if detail and indent else head, indent))
        if detail and not indent:
            out(_wrapped(detail, ""))


def out_records(rows: Rows, heading: str, fields: Sequence[str]) -> None:
    """Long texts: each row a heading and one wrapped paragraph per field that is not empty."""
    for row in rows:
        out_lines([f"{row[heading]}"])
        for name in (field for field in fields if row[field] != ""):
            out(_wrapped(f"{name}: {row[name]}", "  "))


def out_lines(lines: Iterable[str]) -> None:
    """Sentences, each wrapped at the terminal's width."""
    for line in lines_of(lines):
        out(line)


def lines_of(sentences: Iterable[str]) -> list[str]:
    """Each sentence wrapped at the terminal's width, further lines indented."""
    how: Any = {"subsequent_indent": "  ", "break_long_words": False, "break_on_hyphens": False}
    return [textwrap.fill(sentence, width(), **how) for sentence in sentences]


def _wrapped(text: str, indent: str) -> str:
    further = indent + ("  " if indent else "")
    return textwrap.fill(text, width(), initial_indent=indent, subsequent_indent=further, break_on_hyphens=False)


def parse_duration(text: str, option: str = "--time-limit") -> float:
    """The seconds in "90s", "30m", "2h" or "1h30m". Raises UsageError that says what was expected."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    expected = f"{option} {text}: expected a duration such as 90s, 30m, 2h or 1h30m"
    if not re.fullmatch(r"([0-9]+(\.[0-9]+)?[hms])+", text.strip()):
        raise UsageError(expected)
    seconds = sum(float(number) * units[unit] for number, unit in re.findall(r"([0-9.]+)([hms])", text))
    if not 0 < seconds <= LONGEST_SECONDS:
        raise UsageError(f"{expected}, more than 0 and at most {duration(LONGEST_SECONDS)}")
    return seconds


def size(number: float) -> str:
    """Bytes in words: "512 B", "3.4 MB"."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
