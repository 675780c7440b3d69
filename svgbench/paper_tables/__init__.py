"""The numbers that the four works print, as data, and later reference results, marked as such.

`<work>.toml` holds the tables of one work; `docs/published-numbers.md` describes the format.

>>> from svgbench import paper_tables
>>> str(paper_tables.published_number("sac-svg/table2", "SAC-SVG(2)", "Ant").value)
'4473.36'
"""

from __future__ import annotations

from svgbench.paper_tables.loader import ids, load, published_number, read
from svgbench.paper_tables.words import (
    PublishedDataError,
    PublishedNumber,
    PublishedTable,
    Source,
    UnknownPublishedError,
)

__all__ = [
    "PublishedDataError",
    "PublishedNumber",
    "PublishedTable",
    "Source",
    "UnknownPublishedError",
    "ids",
    "load",
    "published_number",
    "read",
]
