"""The best of several measured numbers, and those that a test does not distinguish from it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Literal

from svgbench.analysis.judge.paired import paired, paired_seeds
from svgbench.analysis.judge.statistics import holm, summarise, welch
from svgbench.analysis.read.measures import Sample, worst

ALPHA = 0.05
MARK = (
    "the best of its column, and what a test does not tell apart from it (t-test paired by seed, else Welch's; Holm's "
    "correction over the column; 5 %)"
)
MARK_LOGARITHMS = MARK.replace("t-test", "t-test of logarithms,")
Scale = Literal["difference", "log_ratio"]


def standouts(
    samples: Mapping[str, Sample],
    higher_is_better: bool,
    foreign: Collection[str] = (),
    scale: Scale = "difference",
) -> set[str]:
    """The names with the best mean and those that a test does not distinguish from it; none if there are fewer than two
    names.

    Two are compared as `compare` does: by their common seeds, or by Welch's test if these are fewer than two or one is
    `foreign`, measured by another program. Holm corrects over all of them. A failed seed counts as the worst value of
    all, so nothing wins by losing seeds. Nothing stands out if the best has only one seed, because there is no test.

    With the scale "log_ratio" the values' logarithms are compared, so the best has the best geometric mean. Nothing
    stands out then if a value is not positive.
    """
    if scale == "log_ratio":
        if any(value <= 0 for sample in samples.values() for value in sample.values.values()):
            return set()
        samples = {name: _logarithms(sample) for name, sample in samples.items()}
    floor = worst((v for sample in samples.values() for v in sample.values.values()), higher_is_better)
    if floor is None:
        return set()
    values = {name: sample.counted(floor) for name, sample in samples.items() if sample.n}
    if len(values) < 2:
        return set()
    sign = 1.0 if higher_is_better else -1.0
    best = max(values, key=lambda name: sign * summarise(list(values[name].values())).mean)
    if len(values[best]) < 2:
        return set()
    others = [name for name in values if name != best]
    shared = {name: name not in foreign and best not in foreign for name in others}
    adjusted = holm([_p(values[best], values[name], sign, shared[name]) for name in others])
    return {best, *(name for name, p in zip(others, adjusted, strict=True) if p >= ALPHA)}


def _logarithms(sample: Sample) -> Sample:
    return replace(sample, values={seed: math.log(value) for seed, value in sample.values.items()})


def _p(best: Mapping[int, float], other: Mapping[int, float], sign: float, shared: bool) -> float:
    """p of the test between another name and the best; 1 if the other is better in the common seeds."""
    if both := paired_seeds(best, other, shared):
        test = paired([best[seed] - other[seed] for seed in both])
    else:
        test = welch(summarise(list(best.values())), summarise(list(other.values())))
    return test.p if sign * test.difference >= 0 else 1.0
