"""JSON by its standard, without NaN and infinities, which Python's own module writes and reads.

Everything that svgbench writes or reads as JSON goes through here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any


def dumps(value: Any, **how: Any) -> str:
    """`value` as JSON; `how` are options of `json.dumps`. Raises ValueError naming a number that JSON does not have."""
    try:
        return json.dumps(value, allow_nan=False, **how)
    except ValueError as error:
        where = next(_without_number(value), None)
        raise ValueError(f"{where}, which JSON does not have" if where else str(error)) from None


def loads(text: str | bytes) -> Any:
    """Parse `text`. Raises ValueError for text that is not JSON, including NaN, Infinity and 1e400."""
    return json.loads(text, parse_constant=_refuse, parse_float=_float)


def nulled(value: Any) -> Any:
    """`value` with null in place of every number that JSON does not have."""
    if isinstance(value, Mapping):
        return {key: nulled(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [nulled(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _without_number(value: Any, where: str = "") -> Iterator[str]:
    """The places of NaN and infinities, in words."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{where or 'it'} is {value}"
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for name, part in parts:
        yield from _without_number(part, f"{where}.{name}" if where else str(name))


def _refuse(token: str) -> Any:
    raise ValueError(f"{token} is not a JSON number")


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
