"""What a benchmark returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One measured value beside the value of its peer or limit, both from the same run.

    name: what was measured, "seed_axis/one_block_of_ten". unit: of `value` and `reference_value`.
    reference: the peer or limit in words. ratio: value / reference_value.
    target: what the ratio should be, in words (">= 2.3"), where something is asked of it.
    """

    name: str
    value: float
    unit: str
    reference: str
    reference_value: float
    ratio: float
    target: str | None = None
