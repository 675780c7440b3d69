"""Aggregates as flat rows, a number in each."""

from __future__ import annotations

from collections.abc import Iterator

from svgbench.analysis.judge.aggregates import Aggregates, Row, VariantScores
from svgbench.analysis.judge.cell_statistics import CellStatistics
from svgbench.analysis.judge.profiles import Profile
from svgbench.analysis.judge.resampling import Estimate


def rows_of(aggregates: Aggregates) -> list[Row]:
    """One row per number: `kind` (score, profile, pair, effect, cell), the cell or pair, `statistic`, and the value.

    `low` and `high` are a 95 % interval; where there is none `note` says why. `level` is the score of a profile's
    point, or the level that a time belongs to.
    """
    head: Row = {"experiment": aggregates.experiment, "budget": aggregates.budget, "measure": aggregates.measure}
    return [{**_blank(), **head, **row} for row in _rows(aggregates)]


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
