"""A method beside SAC-SVG in Table 2, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from svgbench.words.experiment import Deviation, Variant
from svgbench.words.values import Setting

Cut = Literal["short", "smoke"]


@dataclass(frozen=True)
class Rival:
    """A row that the table quotes.

    short, smoke: settings in these budgets, in addition to those that all variants have. steps: environment steps in a
    budget, where they differ from the table's. blocks: how many seeds train together in a budget, likewise. deviations:
    they may be shared with other rivals; `rivals.DEVIATIONS` names their variants.
    """

    variant: Variant
    short: Mapping[str, Setting]
    smoke: Mapping[str, Setting]
    deviations: tuple[Deviation, ...]
    steps: Mapping[Cut, int] = field(default_factory=dict)
    blocks: Mapping[str, int] = field(default_factory=dict)
