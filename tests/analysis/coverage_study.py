"""How often every interval of the suite holds the truth, on normal, skewed and two-mode seeds.

    python tests/analysis/coverage_study.py            # print the table of docs/statistics.md, some minutes
    python tests/analysis/coverage_study.py --write    # and write it where verdicts read it: judge/coverage.toml

A row has the share of intervals that lie wholly below, and wholly above, the truth, at n = 3, 5, 10 and 20 seeds. The
functions are those that the suite uses. A failure lies 100 standard deviations below: so far that seeds without a
failure say nothing about the mean, which is the worst case. Every mean is 0.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from coverage_claims import of_comparisons, over_tasks
from coverage_kinds import (
    DATA,
    FAILING,
    FEWER,
    LEVEL,
    MANY,
    REPETITIONS,
    Draw,
    Ends,
    Row,
    above_of,
    ends,
    iqm_of,
    median_of,
    shift_of,
    unrefused,
)
from error_rates import normal

from svgbench.analysis.judge import coverage, resampling
from svgbench.analysis.judge.curve_statistics import kaplan_meier
from svgbench.analysis.judge.effect_sizes import probability_of_improvement
from svgbench.analysis.judge.modes import failing
from svgbench.analysis.judge.profiles import profile_on
from svgbench.analysis.judge.rates import share_difference, share_interval, wilson_interval
from svgbench.analysis.judge.resampling import Stratified
from svgbench.analysis.judge.rising import rise
from svgbench.analysis.judge.robust import (
    difference,
    median_interval,
    shift_interval,
    skewed_interval,
    skewness,
    two_mode_interval,
)
from svgbench.analysis.judge.spreads import relative_sd_interval, vangel_interval
from svgbench.analysis.judge.statistics import (
    bootstrap_interval,
    curve_band,
    interquartile_mean,
    interval_of,
    stratified_bootstrap_interval,
    summarise,
    t_interval,
    welch,
)

WHERE = Path(coverage.__file__).with_name("coverage.toml")
SEEDS, NUMBER, NORMAL = coverage.SEEDS, coverage.NUMBER, coverage.NORMAL


def rows() -> Iterator[Row]:
    """Every interval on every kind of data."""
    for name, draw in DATA.items():
        yield Row("t", name, "a number", lambda rng, shape, d=draw: _bands(d(rng, shape)), 0.0, MANY, at_once=True)
        for other, rival in DATA.items():

            def less(rng, shape, d=draw, r=rival):
                return _bands(d(rng, shape) - r(rng, shape))

            yield Row("t", name, other, less, 0.0, MANY, at_once=True)
    yield from _of_means()
    yield from _by_ranks()
    yield from _by_resampling()
    yield from _of_shares()
    yield from _of_times()
    yield from _of_spreads()
    yield from of_comparisons()
    yield from over_tasks()


def _of_means() -> Iterator[Row]:
    for name, draw in DATA.items():
        yield Row("Welch", name, "normal", lambda rng, n, d=draw: _welch(d(rng, n), normal(rng, n)), 0.0)
        yield Row("Welch", name, "twice as many", lambda rng, n, d=draw: _welch(d(rng, n), d(rng, 2 * n)), 0.0)
        yield Row("band of a curve", name, "a number", lambda rng, n, d=draw: _band(d(rng, n)), 0.0)
        yield Row("rise of a share", name, name, lambda rng, n, d=draw: _rise(d, rng, n), 0.0)
        if name.startswith("skewed"):
            yield Row(
                "Hall's, where skewness is seen",
                name,
                "a number",
                lambda rng, n, d=draw: _hall(d(rng, n)),
                0.0,
                least=5,
            )
    for name in FAILING:
        yield Row(
            "two modes, where they are seen",
            name,
            "a number",
            lambda rng, n, d=DATA[name]: _two_modes(d(rng, n)),
            0.0,
            least=4,
        )
        for other in ("normal", *FAILING):
            yield Row(
                "two modes, where they are seen",
                name,
                other,
                lambda rng, n, d=DATA[name], r=DATA[other]: _two_modes_less(d(rng, n), r(rng, n)),
                0.0,
                least=4,
            )


def _by_ranks() -> Iterator[Row]:
    for name, draw in DATA.items():
        yield Row(
            "median",
            name,
            "a number",
            lambda rng, n, d=draw: _finite(median_interval(d(rng, n))),
            median_of(name),
            least=10,
        )
        for other in dict.fromkeys((name, "normal")):
            yield Row(
                "shift by ranks",
                name,
                other,
                lambda rng, n, d=draw, r=DATA[other]: _finite(shift_interval(d(rng, n), r(rng, n))),
                shift_of(name, other),
                least=5,
            )


def _by_resampling() -> Iterator[Row]:
    for name in ("normal", "skewed, a tail above", "20 % fail"):
        draw = DATA[name]
        for method in ("percentile", "BCa"):
            yield Row(
                f"bootstrap of a mean, {method}",
                name,
                "a number",
                lambda rng, n, d=draw, m=method: ends(bootstrap_interval(d(rng, n), method=m, resamples=1000)),
                0.0,
                FEWER,
            )
        for tasks in (1, 3):
            plural = "s" * (tasks > 1)
            yield Row(
                f"IQM over {tasks} task{plural}",
                name,
                "a number",
                lambda rng, n, d=draw, t=tasks: _iqm(d, rng, n, t),
                iqm_of(name),
                FEWER,
            )
            yield Row(
                f"probability of improvement over {tasks} task{plural}",
                name,
                name,
                lambda rng, n, d=draw, t=tasks: _better(d, rng, n, t),
                0.5,
                FEWER,
            )
        yield Row(
            "share above a level", name, "a number", lambda rng, n, d=draw: _profile(d(rng, n)), above_of(name), FEWER
        )


def _of_shares() -> Iterator[Row]:
    for share in (10, 20, 40):
        p, name = share / 100, f"{share} % fail"
        for called, make in (("share, exact", share_interval), ("share, Wilson's", wilson_interval)):
            yield Row(called, name, "a number", lambda rng, n, p=p, m=make: ends(m(int(rng.binomial(n, p)), n)), p)
        for other in (0, 20):
            q = other / 100
            yield Row(
                "difference of shares",
                name,
                f"{other} % fail",
                lambda rng, n, p=p, q=q: ends(share_difference(int(rng.binomial(n, p)), n, int(rng.binomial(n, q)), n)),
                p - q,
            )


def _of_times() -> Iterator[Row]:
    """Times of which a share is never reached: `until` is 1."""
    for share in (0, 20, 40):
        truth = share / 100 + (1 - share / 100) * 0.5
        yield Row(
            "time to a level",
            f"{share} % never",
            "a number",
            lambda rng, n, p=share / 100: _time(rng, n, p),
            truth,
            least=5,
        )


def _of_spreads() -> Iterator[Row]:
    def modes(p: float) -> Draw:
        return lambda rng, n: np.where(rng.random(n) < p, 0.0, 1.0) + rng.normal(0, 0.05, n)

    made: dict[str, tuple[Draw, float]] = {
        "normal": (lambda rng, n: rng.normal(1, 0.15, n), 0.15),
        "skewed, a tail above": (lambda rng, n: rng.lognormal(0, 0.2462, n), math.sqrt(math.expm1(0.2462**2))),
        **{
            f"{p} % fail": (modes(p / 100), math.sqrt(p / 100 * (1 - p / 100) + 0.05**2) / (1 - p / 100))
            for p in (10, 20, 40)
        },
    }
    for name, (draw, truth) in made.items():
        yield Row(
            "relative SD, Vangel's", name, "a number", lambda rng, n, d=draw: ends(vangel_interval(d(rng, n))), truth
        )
        yield Row(
            "relative SD, two modes",
            name,
            "a number",
            lambda rng, n, d=draw: ends(relative_sd_interval(d(rng, n))),
            truth,
            FEWER,
        )


def _finite(interval) -> Ends:
    return (interval.low, interval.high) if math.isfinite(interval.low) else None


def _welch(x, y) -> Ends:
    return ends(welch(summarise(x), summarise(y)))


def _bands(x):
    """Student's intervals of the columns of x [S, R], which `curve_band` makes all at once: `t_interval`'s."""
    band = curve_band(x)
    return band.low, band.high


def _band(x) -> Ends:
    band = curve_band(x[:, None])
    return float(band.low[0]), float(band.high[0])


def _rise(draw, rng, n) -> Ends:
    return ends(rise(t_interval(draw(rng, n)), t_interval(draw(rng, n))))


def _hall(x) -> Ends:
    return ends(skewed_interval(x)) if abs(skewness(x)) > 1 else None


def _two_modes(x) -> Ends:
    values = dict(enumerate(x.tolist()))
    failed = failing(values)
    return ends(two_mode_interval(values, failed)) if failed else None


def _two_modes_less(x, y) -> Ends:
    """Of x - y where x shows two modes; y's own interval is of two modes if it shows them too."""
    one, other = dict(enumerate(x.tolist())), dict(enumerate(y.tolist()))
    of_x, of_y = failing(one), failing(other)
    if not of_x:
        return None
    right = two_mode_interval(other, of_y) if of_y else interval_of(summarise(y))
    return ends(difference(two_mode_interval(one, of_x), right))


def _iqm(draw, rng, n, tasks) -> Ends:
    values = {f"{t}": draw(rng, n) for t in range(tasks)}
    return ends(stratified_bootstrap_interval(values, interquartile_mean, resamples=resampling.RESAMPLES))


def _better(draw, rng, n, tasks) -> Ends:
    x, y = ({f"{t}": draw(rng, n) for t in range(tasks)} for _ in range(2))
    found = unrefused(lambda: probability_of_improvement(x, y))
    return (found.value, found.value) if found.low is None else (found.low, found.high)


def _profile(x) -> Ends:
    found = unrefused(lambda: profile_on("x", Stratified({"t": x}), np.array([LEVEL])))
    return float(found.low[0]), float(found.high[0])


def _time(rng, n, never) -> Ends:
    reached = rng.random(n) >= never
    times = np.where(reached, rng.random(n), 1.0)
    found = kaplan_meier(times, reached.tolist()).restricted_mean(1.0)
    return (found.value, found.value) if found.low is None else (found.low, found.high)


def table(repetitions: float = 1.0) -> list[dict[str, Any]]:
    """A dict for each row: its names, and the shares below and above the truth by n (NaN where none is given)."""
    made = []
    for row in rows():
        found = [
            row.rates(n, max(int(repetitions * row.repetitions), 1)) if n >= row.least else (math.nan, math.nan, 0)
            for n in SEEDS
        ]
        made.append(
            {
                "interval": row.interval,
                "data": row.data,
                "against": row.against,
                "below": [round(below, 4) for below, _, _ in found],
                "above": [round(above, 4) for _, above, _ in found],
            }
        )
        sys.stderr.write(_markdown(made[-1]) + "\n")
    return made


def _markdown(row: Mapping[str, Any]) -> str:
    held = [100 * (1 - b - a) for b, a in zip(row["below"], row["above"], strict=True)]
    shown = " | ".join("–" if math.isnan(x) else f"{x:.0f}" for x in held)
    return f"| {row['interval']} | {row['data']} | {row['against']} | {shown} |"


def shown(made: Sequence[Mapping[str, Any]]) -> str:
    """The table of docs/statistics.md: of Student's intervals only those of one sample, and of two that are alike."""
    kept = [row for row in made if row["interval"] != "t" or row["against"] in (NUMBER, NORMAL, row["data"])]
    heads = ["| interval | seeds | against | n = 3 | n = 5 | n = 10 | n = 20 |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*heads, *map(_markdown, kept)])


def as_toml(made: Sequence[Mapping[str, Any]], repetitions: float) -> str:
    """The rows as `judge/coverage.toml`, one a line."""
    lines = [
        "# How often intervals lie wholly below and above the truth, at n = 3, 5, 10, 20 seeds: nan is no interval.",
        "# Written by `python tests/analysis/coverage_study.py --write`; svgbench/analysis/judge/coverage.py reads it.",
        f"repetitions = {int(repetitions * MANY)} # of t; of others by formula {int(repetitions * REPETITIONS)}, "
        f"by resampling {int(repetitions * FEWER)}",
        f"seeds = {list(SEEDS)}",
        "rows = [",
    ]
    for row in made:
        names = ", ".join(f'{key} = "{row[key]}"' for key in ("interval", "data", "against"))
        ends = ", ".join(f"{key} = [{', '.join(map(str, row[key]))}]" for key in ("below", "above"))
        lines.append(f"  {{ {names}, {ends} }},")
    return "\n".join([*lines, "]", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {WHERE.name}")
    parser.add_argument("--repetitions", type=float, default=1.0, help="a factor")
    asked = parser.parse_args()
    made = table(asked.repetitions)
    sys.stdout.write(shown(made) + "\n")
    if asked.write:
        WHERE.write_text(as_toml(made, asked.repetitions))


if __name__ == "__main__":
    main()
