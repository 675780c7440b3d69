"""The statistics of an experiment's runs over its tasks, as plain data and as flat rows. `aggregating` makes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from svgbench.analysis.judge.cell_statistics import CellStatistics
from svgbench.analysis.judge.profiles import Profile
from svgbench.analysis.judge.resampling import Estimate
from svgbench.analysis.judge.scales import Scale

Row = dict[str, str | int | float | None]


@dataclass(frozen=True)
class VariantScores:
    """One variant over the tasks, on the experiment's scale. `gap` is None where the scale has no 1."""

    variant: str
    label: str
    n: int
    iqm: Estimate
    mean: Estimate
    median: Estimate
    gap: Estimate | None


@dataclass(frozen=True)
class PairOnTask:
    """Two variants on one task: A12 of the first over the second, and Hedges' g (None where it has no spread)."""

    task: str
    a12: float
    g: float | None
    n: tuple[int, int]


@dataclass(frozen=True)
class PairStatistics:
    """How likely a run of `variant` is better than one of `other`, over the tasks and on each of them."""

    variant: str
    other: str
    improvement: Estimate
    tasks: tuple[PairOnTask, ...]


@dataclass(frozen=True)
class Aggregates:
    """An experiment's statistics on one measure at one budget.

    `scores` and `profiles` are over `tasks`, which every variant in them has; they are empty, for the reason
    `scale.refused`, where several tasks have no common scale. `cells` has every measured cell. `notes` say what is left
    out, in sentences.
    """

    experiment: str
    budget: str
    measure: str
    higher_is_better: bool
    scale: Scale
    tasks: tuple[str, ...]
    scores: tuple[VariantScores, ...]
    profiles: tuple[Profile, ...]
    pairs: tuple[PairStatistics, ...]
    cells: tuple[CellStatistics, ...]
    notes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def normalised(self) -> bool:
        """Whether the scores are on the scale; else they are the values of the only task."""
        return bool(self.scale.ends)

    @property
    def ranked(self) -> list[VariantScores]:
        """The scores, the best interquartile mean first."""
        return sorted(self.scores, key=lambda s: s.iqm.value, reverse=self.normalised or self.higher_is_better)

    def rows(self) -> list[Row]:
        """Every number as a flat row, fit for JSON.

        `kind` is score, profile, pair, effect or cell; then come the cell or the pair, `statistic`, and the value.
        `low` and `high` are a 95 % interval; where there is none `note` says why. `level` is the score of a profile's
        point, or the level that a time belongs to.
        """
        head: Row = {"experiment": self.experiment, "budget": self.budget, "measure": self.measure}
        return [{**_blank(), **head, **row} for row in _rows(self)]


def _rows(aggregates: Aggregates) -> Iterator[Row]:
    for scores in aggregates.scores:
        yield from _of_scores(scores, aggregates.scale.words)
    for profile in aggregates.profiles:
        yield from _of_profile(profile)
    for pair in aggregates.pairs:
        names: Row = {"variant": pair.variant, "other": pair.other}
        yield {"kind": "pair", **names, "statistic": "probability_of_improvement", **_numbers(pair.improvement)}
        for one in pair.tasks:
            of: Row = {"kind": "effect", "task": one.task, **names, "n": sum(one.n)}
            yield {**of, "statistic": "a12", "value": one.a12}
            yield {**of, "statistic": "hedges_g", "value": one.g}
    for cell in aggregates.cells:
        yield from _of_cell(cell)


def _blank() -> Row:
    words = ("kind", "experiment", "budget", "measure", "task", "variant", "other", "statistic")
    return {**dict.fromkeys(words, ""), "level": None, "value": None, "low": None, "high": None, "n": None, "note": ""}


def _numbers(estimate: Estimate) -> Row:
    found = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {**found, "n": estimate.n, "note": estimate.why}


def _of_scores(scores: VariantScores, scale: str) -> Iterator[Row]:
    every = {"iqm": scores.iqm, "mean": scores.mean, "median": scores.median, "optimality_gap": scores.gap}
    for name, estimate in every.items():
        if estimate is not None:
            numbers = _numbers(estimate)
            note = "; ".join(filter(None, (estimate.why, scale)))
            yield {"kind": "score", "variant": scores.variant, "statistic": name, **numbers, "note": note}


def _of_profile(profile: Profile) -> Iterator[Row]:
    for k, (level, share) in enumerate(zip(profile.levels.tolist(), profile.shares.tolist(), strict=True)):
        low = None if profile.low is None else float(profile.low[k])
        high = None if profile.high is None else float(profile.high[k])
        ends: Row = {"level": level, "value": share, "low": low, "high": high, "n": profile.n, "note": profile.why}
        yield {"kind": "profile", "variant": profile.variant, "statistic": "share_above", **ends}


def _of_cell(cell: CellStatistics) -> Iterator[Row]:
    of: Row = {"kind": "cell", "task": cell.task, "variant": cell.variant, "n": cell.n}
    modes = "two modes: the mean describes neither" if cell.two_modes else ""
    plain = {"mean": cell.mean, "sd": cell.sd, "median": cell.median, "failed_seeds": len(cell.failed)}
    for name, value in plain.items():
        yield {**of, "statistic": name, "value": value, "note": modes}
    if cell.area is not None:
        yield {**of, "statistic": "area", "level": cell.area_until, **_numbers(cell.area)}
    if (time := cell.time) is not None:
        at: Row = {**of, "level": time.level, "note": time.source}
        yield {**at, "statistic": "reached", "value": time.reached}
        censored = "" if time.median is not None else "; censored: fewer than half of the runs reach it"
        yield {**at, "statistic": "time_median", "value": time.median, "note": f"{time.source}{censored}"}
        note = "; ".join(filter(None, (time.source, f"up to {time.until:g}", time.mean.why)))
        yield {**at, "statistic": "time_restricted_mean", **_numbers(time.mean), "note": note}
