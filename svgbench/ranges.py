"""Ranges of settings, stated in the type of a field. This module imports only the standard library.

    gamma: Annotated[float, Range(0, 1)] = 0.99
    hidden: tuple[Annotated[int, Range(1)], ...] = (64, 64)
    max_grad_norm: Annotated[float, Range(above=0)] | None = None
    dtype: Literal["float32", "float64"] = "float32"

svgbench checks a value against the type of its field before anything runs, and reads the type without importing the
module. Numbers are always finite, because settings are stored as JSON, which has neither NaN nor infinities. A number
in a range is also 0 or of a usual magnitude: from `SMALLEST` to `LARGEST`, and at most `MOST` if it is an integer. A
range with an end beyond these extends to that end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, Literal

_Number = float | None

SMALLEST, LARGEST = 1e-18, 1e18
"""Their squares are normal float32 numbers, so no product of two settings becomes 0 or infinite."""
MOST = 10**12
"""Steps, samples, units: more is probably a typo, and would fill the memory or never end."""


@dataclass(frozen=True)
class Range:
    """The numbers from `at_least` to `at_most`; `above` and `below` are excluded ends.

    A range without ends gives the `reason` why numbers of both signs are valid. Raises ValueError for an invalid range.
    """

    at_least: _Number = None
    at_most: _Number = None
    above: _Number = field(default=None, kw_only=True)
    below: _Number = field(default=None, kw_only=True)
    reason: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        ends = [end for end in (self.at_least, self.above, self.at_most, self.below) if end is not None]
        low = [end for end in (self.at_least, self.above) if end is not None]
        high = [end for end in (self.at_most, self.below) if end is not None]
        numbers = all(isinstance(end, int | float) and not isinstance(end, bool) and _finite(end) for end in ends)
        if not numbers or len(low) > 1 or len(high) > 1 or not (ends or self.reason):
            raise ValueError(f"{self!r}: expected one finite low end, one finite high end, or a reason for no end")
        if low and high and not any(end in self for end in (low[0], high[0], (low[0] + high[0]) / 2)):
            raise ValueError(f"{self!r} is empty")

    def __contains__(self, value: Any) -> bool:
        return (
            _finite(value)
            and (usual(value) or self._extends_to(value))
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )

    def _extends_to(self, value: float) -> bool:
        ends = [abs(end) for end in (self.at_least, self.above, self.at_most, self.below) if end]
        return any(min(end, 1) <= abs(value) <= max(end, 1) for end in ends if not usual(end))

    def __str__(self) -> str:
        if self.at_least is not None and self.at_most is not None:
            return f"from {self.at_least} to {self.at_most}"
        names = ("at_least", "above", "at_most", "below")
        ends = [(name, getattr(self, name)) for name in names]
        return " and ".join(f"{name.replace('_', ' ')} {end}" for name, end in ends if end is not None) or "finite"


@dataclass(frozen=True)
class Length:
    """How many elements a tuple has: `at_least` to `at_most`."""

    at_least: int = 0
    at_most: int | None = None

    def __contains__(self, value: Any) -> bool:
        return len(value) >= self.at_least and (self.at_most is None or len(value) <= self.at_most)

    def __str__(self) -> str:
        most = "or more" if self.at_most is None else f"to {self.at_most}"
        return f"of {self.at_least} {most} elements"


@dataclass(frozen=True)
class Increasing:
    """Each element of a tuple is larger than the one before it."""

    def __contains__(self, value: Any) -> bool:
        return all(low < high for low, high in pairwise(value))

    def __str__(self) -> str:
        return "increasing"


Constraint = Range | Length | Increasing


def usual(number: float) -> bool:
    """Whether a finite number is 0 or of a usual magnitude."""
    if isinstance(number, int):
        return abs(number) <= MOST
    return number == 0 or SMALLEST <= abs(number) <= LARGEST


def _finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except (OverflowError, TypeError):  # an integer larger than any float, or not a number
        return False


Count = Annotated[int, Range(1)]
Natural = Annotated[int, Range(0)]
Positive = Annotated[float, Range(above=0)]
NonNegative = Annotated[float, Range(0)]
Share = Annotated[float, Range(0, 1)]
PositiveShare = Annotated[float, Range(above=0, at_most=1)]
Nats = Annotated[float, Range(reason="the entropy of a density has either sign")]
LogScale = Annotated[float, Range(-20, 20)]
"""The logarithm of a deviation or of a variance."""
Widths = tuple[Count, ...]
"""Units of layers."""
Activation = Literal["tanh", "relu", "silu", "elu", "softplus", "identity"]
"""A layer's nonlinearity, in `svgbench.nn.layers`."""
Precision = Literal["float32", "float64"]
"""The number type of a network."""
