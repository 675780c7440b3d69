"""Rows of `coverage_study`: intervals of claims that are made of several, and of aggregates over tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from coverage_kinds import DATA, FEWER, Ends, Once, Row, ends, many, unrefused

from svgbench.analysis.judge.aggregating import median_of_tasks, optimality_gap
from svgbench.analysis.judge.effects import effect_interval
from svgbench.analysis.judge.failed_shares import Count, effect_of_shares
from svgbench.analysis.judge.resampling import Stratified

TASKS = 3


def of_comparisons() -> Iterator[Row]:
    """As claims make them: a difference with the bounds of rivals that fail, a best of several, a change of shares."""
    for name, draw in DATA.items():
        for other in dict.fromkeys((name, "normal")):
            yield Row("t, with bounds", name, other, lambda rng, n, d=draw, r=DATA[other]: _best(rng, n, [d], [r]), 0.0)
        yield Row("best of two", name, name, lambda rng, n, d=draw: _best(rng, n, [d, d], [d, d]), 0.0, least=5)
    for share in (10, 20, 40):
        yield Row(
            "change of shares, from 10 %",
            f"{share} % fail",
            "20 % fail",
            lambda rng, n, p=share / 100: _change(rng, n, p),
            share / 100 - 0.2,
        )


def over_tasks() -> Iterator[Row]:
    """Aggregates with intervals by resampling, on tasks that are alike."""
    made: dict[str, tuple[Once, Callable[[str], float]]] = {
        "mean over 3 tasks": (lambda x: x.mean(-1), lambda name: 0.0),
        "median over 3 tasks": (lambda x: median_of_tasks(x, [x.shape[-1] // TASKS] * TASKS), lambda name: 0.0),
        "optimality gap over 3 tasks": (optimality_gap, lambda name: float(optimality_gap(many(name)))),
    }
    for interval, (statistic, truth) in made.items():
        for name in ("normal", "skewed, a tail above", "20 % fail"):
            yield Row(
                interval,
                name,
                "a number",
                lambda rng, n, d=DATA[name], s=statistic: _of_tasks(d, rng, n, s),
                truth(name),
                FEWER,
            )


def _best(rng, n, lefts, rights) -> Ends:
    """The best of some less the best of others, all with a mean of 0: `effect_interval`'s, bounds included."""
    left, right = ([(dict(enumerate(draw(rng, n).tolist())),) for draw in draws] for draws in (lefts, rights))
    return ends(effect_interval(left, right, "difference", True, 0.95).interval)


def _change(rng, n, share) -> Ends:
    """The share that fails rises from 10 % to `share` on the left, and to 20 % on the right."""
    after, before, other, first = (Count("", int(rng.binomial(n, p)), n) for p in (share, 0.1, 0.2, 0.1))
    return ends(effect_of_shares([[after, before], [other, first]]))


def _of_tasks(draw, rng, n, statistic) -> Ends:
    runs = {f"{task}": draw(rng, n) for task in range(TASKS)}
    return ends(unrefused(lambda: Stratified(runs).estimate(statistic)))
