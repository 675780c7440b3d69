"""What a benchmark returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One measured value beside the value of its peer or limit, both from the same run.

    name: what was measured, "seed_axis/one_block_of_ten". unit: of `value` and `reference_value`.
    reference: the peer or limit in words. reference_value: None for a peer that is not installed.
    ratio: value / reference_value. target: what the ratio should be, in words (">= 2.3"), if there is a requirement.
    """

    name: str
    value: float
    unit: str
    reference: str
    reference_value: float | None = None
    ratio: float | None = None
    target: str | None = None

    def text(self) -> str:
        """Two lines for a reader."""
        measured = f"{self.name}\n  {self.value:.4g} {self.unit}; {self.reference}: "
        if self.reference_value is None or self.ratio is None:
            return measured + "not measured"
        asked = f"  (asked: {self.target})" if self.target else ""
        return f"{measured}{self.reference_value:.4g}; ratio {self.ratio:.2f}{asked}"
