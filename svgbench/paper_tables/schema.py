"""The format of `<work>.toml`, checked with pydantic, and the step from there to frozen tables.

A number's attributes are looked up in its cell, its row, its column (training steps only), its row's protocol and the
table's defaults, in this order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from svgbench.paper_tables.words import (
    Kind,
    PolicyMode,
    PublishedDataError,
    PublishedNumber,
    PublishedTable,
    Source,
    SpreadKind,
    Statistic,
)

NEEDED = ("spread_kind", "n", "statistic", "policy_mode", "selection", "measured_by", "env_steps")


def _decimal(value: object) -> object:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


Digits = Annotated[Decimal, BeforeValidator(_decimal), Field(strict=True, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(gt=0, strict=True)] | Literal["unknown"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _About(_Model):
    """A number's attributes. "unknown" is a valid value; a missing one is an error."""

    spread_kind: SpreadKind | None = None
    n: Count | None = None
    statistic: Statistic | None = None
    window: Text | None = None
    policy_mode: PolicyMode | None = None
    selection: Text | None = None
    measured_by: Text | None = None
    env_steps: Count | None = None


class _Cell(_About):
    value: Digits
    spread: Annotated[Digits, Field(ge=0)] | None = None
    interval: tuple[Digits, Digits] | None = None
    printed: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, raw: Any) -> Any:
        """`value` and `[value, spread]` are short for a table."""
        if isinstance(raw, list):
            if len(raw) != 2:
                raise ValueError(f"expected a number, [value, spread] or a table, got a list of {len(raw)}")
            return {"value": raw[0], "spread": raw[1]}
        return raw if isinstance(raw, Mapping) else {"value": raw}

    @model_validator(mode="after")
    def _inside(self) -> _Cell:
        if self.interval is not None and not self.interval[0] <= self.value <= self.interval[1]:
            raise ValueError(f"{self.value} is outside of its `interval`")
        return self

    @model_validator(mode="after")
    def _printed_agrees(self) -> _Cell:
        if self.printed is not None:
            if self.interval is not None:
                raise ValueError("`printed` cannot stand beside an `interval`")
            said = [_number_in(part) for part in self.printed.split("±")]
            if said != [x for x in (self.value, self.spread) if x is not None]:
                raise ValueError(f"`printed` reads {said}, the cell says {self.value} and {self.spread}")
        return self


class _Row(_About):
    id: Text
    label: Text | None = None
    protocol: str | None = None
    cells: dict[str, _Cell]


class _Table(_Model):
    title: Text
    kind: Kind
    source: Text
    corner: str = ""
    columns: Annotated[list[Text], Field(min_length=1)]
    steps_row: Text | None = None
    notes: list[Text] = []
    env_steps: dict[str, Count] = {}
    defaults: _About = _About()
    protocols: dict[str, _About] = {}
    rows: Annotated[list[_Row], Field(min_length=1)]


class _File(_Model):
    cite: Text
    tables: dict[str, _Table]


def tables(work: str, file: str, raw: Mapping[str, Any]) -> dict[str, PublishedTable]:
    """The tables of one parsed file, by id. PublishedDataError names the file and the first wrong key."""
    try:
        data = _File.model_validate(raw)
    except ValidationError as error:
        raise PublishedDataError(_first(file, error)) from None
    return {f"{work}/{name}": _table(work, name, file, data.cite, table) for name, table in data.tables.items()}


def _table(work: str, name: str, file: str, cite: str, raw: _Table) -> PublishedTable:
    at = f"{file}: tables.{name}"
    rows = [row.id for row in raw.rows]
    for key, names in (("columns", raw.columns), ("rows", rows)):
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise PublishedDataError(f"{at}.{key}: '{twice[0]}' appears twice")
    _known(f"{at}.env_steps", "column", raw.env_steps, raw.columns)
    if raw.steps_row is not None and set(raw.env_steps) != set(raw.columns):
        raise PublishedDataError(f"{at}.steps_row: needs `env_steps` for every column")
    numbers: list[PublishedNumber] = []
    for index, row in enumerate(raw.rows):
        here = f"{at}.rows[{index}] ({row.id})"
        if row.protocol is not None:
            _known(f"{here}.protocol", "protocol", [row.protocol], list(raw.protocols))
        _known(f"{here}.cells", "column", row.cells, raw.columns)
        numbers += [
            _number(f"{here}.cells.{c}", f"{cite.split(',')[0]}, {raw.source}", raw, row, c)
            for c in raw.columns
            if c in row.cells
        ]
    return PublishedTable(
        id=f"{work}/{name}",
        title=raw.title,
        kind=raw.kind,
        cite=cite,
        source=raw.source,
        corner=raw.corner,
        columns=tuple(raw.columns),
        rows=tuple(rows),
        row_labels=tuple(row.label or row.id for row in raw.rows),
        numbers=tuple(numbers),
        steps_row=raw.steps_row,
        column_steps=tuple(_count(raw.env_steps.get(c)) for c in raw.columns),
        notes=tuple(raw.notes),
    )


def _number(at: str, table: str, raw: _Table, row: _Row, column: str) -> PublishedNumber:
    cell = row.cells[column]
    about = _inherited(raw, row, column, cell)
    for key in NEEDED:
        if about.get(key) is None:
            raise PublishedDataError(
                f'{at}: no `{key}`: say it ("unknown" is an answer) in the cell, its row, its protocol or the defaults'
            )
    kind = about["spread_kind"]
    if (cell.spread is None) != (kind in ("none", "interval95")):
        raise PublishedDataError(f"{at}: spread {cell.spread} with spread_kind '{kind}'")
    if (cell.interval is None) != (kind != "interval95"):
        raise PublishedDataError(f"{at}: `interval` goes with spread_kind 'interval95', not '{kind}'")
    if ("window" in about) != (about["statistic"] == "mean_of_last"):
        raise PublishedDataError(f"{at}: `window` goes with statistic 'mean_of_last', not '{about['statistic']}'")
    return PublishedNumber(
        row=row.id,
        column=column,
        value=cell.value,
        spread=cell.spread,
        spread_kind=kind,
        n=_count(about["n"]),
        statistic=about["statistic"],
        window=about.get("window"),
        policy_mode=about["policy_mode"],
        selection=about["selection"],
        measured_by=about["measured_by"],
        env_steps=_count(about["env_steps"]),
        source=Source(table=table, row=row.label or row.id, column=column),
        interval=cell.interval,
        printed=cell.printed,
    )


def _inherited(raw: _Table, row: _Row, column: str, cell: _Cell) -> dict[str, Any]:
    """Later parts override earlier ones."""
    protocol = raw.protocols[row.protocol] if row.protocol is not None else _About()
    steps = _About(env_steps=raw.env_steps.get(column))
    about: dict[str, Any] = {}
    for part in (raw.defaults, protocol, steps, row, cell):
        about |= {k: v for k in _About.model_fields if (v := getattr(part, k)) is not None}
    return about


def _known(at: str, kind: str, names: Any, known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise PublishedDataError(f"{at}: no {kind} '{name}' (there are: {', '.join(known) or 'none'})")


def _count(value: int | str | None) -> int | None:
    return value if isinstance(value, int) else None


def _number_in(text: str) -> Decimal | None:
    try:
        return Decimal(re.sub(r"[\s,]", "", text).replace("−", "-"))
    except InvalidOperation:
        return None


def _first(file: str, error: ValidationError) -> str:
    """One line for the first problem, and how many more there are."""
    problems = error.errors(include_url=False)
    first = problems[0]
    key = ""
    for part in first["loc"]:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    value = "" if first["type"] == "missing" else f" (got {first['input']!r})"
    more = f"; {len(problems) - 1} more" if len(problems) > 1 else ""
    return f"{file}: {key}: {first['msg']}{value}{more}"
