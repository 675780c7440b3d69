"""From TOML to tables. Listing the ids only parses; a file is validated when one of its tables is loaded."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from svgbench.paper_tables.words import PublishedDataError, PublishedNumber, PublishedTable, unknown


def ids() -> tuple[str, ...]:
    """Every table's id, sorted."""
    return tuple(sorted(f"{work}/{name}" for work, (_, raw) in _files().items() for name in raw.get("tables", {})))


@cache
def load(table_id: str) -> PublishedTable:
    """The table of that id.

    Raises UnknownPublishedError for an id that is not in `ids()`, PublishedDataError if the work's file does not follow
    the schema.
    """
    if table_id not in ids():
        raise unknown("published table", table_id, ids())
    return _work(table_id.split("/", 1)[0])[table_id]


def published_number(table_id: str, row: str, column: str) -> PublishedNumber:
    """One number. Raises UnknownPublishedError for a wrong name, or a cell that the paper leaves empty."""
    found = load(table_id).get(row, column)
    if found is None:
        raise unknown("number in row", row, _filled_rows(table_id, column), f"column '{column}' of {table_id}")
    return found


def read(path: Path) -> dict[str, PublishedTable]:
    """The tables of one TOML file, by id; the work's id is the file's name.

    Raises PublishedDataError with the file and the key.
    """
    return _validated(_work_id(path.name), path.name, _parse(path.name, path.read_text(encoding="utf-8")))


@cache
def _files() -> Mapping[str, tuple[str, dict[str, Any]]]:
    folder = resources.files("svgbench.paper_tables")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {_work_id(f.name): (f.name, _parse(f.name, f.read_text(encoding="utf-8"))) for f in files}


@cache
def _work(work: str) -> dict[str, PublishedTable]:
    name, raw = _files()[work]
    return _validated(work, name, raw)


def _validated(work: str, file: str, raw: dict[str, Any]) -> dict[str, PublishedTable]:
    from svgbench.paper_tables.schema import tables  # pydantic takes a quarter of a second

    return tables(work, file, raw)


def _parse(file: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PublishedDataError(f"{file}: not TOML: {error}") from None


def _work_id(file: str) -> str:
    return file.removesuffix(".toml").replace("_", "-")


def _filled_rows(table_id: str, column: str) -> list[str]:
    return [n.row for n in load(table_id).numbers if n.column == column]
