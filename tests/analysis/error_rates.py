"""How often verdicts on made seeds are wrong, and how often right: `python tests/analysis/error_rates.py`.

Prints the tables of docs/verdicts.md. Every interval is one of 95 %, so an error to one side is meant to come in 2.5 %.
"Above" is the claim that one variant is above the best of its rivals, by any amount; the truth is that of the means.
t: intervals of pairs alone. now: with what `judge/bounds.py` adds. ranks: Mann and Whitney's exact test in
place of both. Seeds are independent, of a standard deviation of 1 where they do not fail; a failure lies 10 below.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from svgbench.analysis.judge.effects import FEWEST, Beside, Effect, effect_interval
from svgbench.analysis.judge.spreads import relative_sd_interval, vangel_interval
from svgbench.analysis.judge.statistics import t_interval

SEEDS = (3, 5, 10, 20)
ERROR = 0.025
SKEW = 0.8
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def normal(rng, shape):
    return rng.normal(0, 1, shape)


def skewed_up(rng, shape):
    return rng.lognormal(0, SKEW, shape) - math.exp(SKEW**2 / 2)


def skewed_down(rng, shape):
    return -skewed_up(rng, shape)


def failing(share: float) -> Draw:
    """Seeds fail with this chance; the mean is 0."""
    return lambda rng, shape: rng.normal(0, 1, shape) - 10 * (rng.random(shape) < share) + 10 * share


def below_best(share: float) -> Draw:
    """No seed is above 0; they fail with this chance."""
    return lambda rng, shape: -rng.exponential(0.1, shape) - 10 * (rng.random(shape) < share)


@dataclass(frozen=True)
class Made:
    """A variant and J rivals whose means are `lead` above its own. Claim: it is above the best minus `margin`."""

    left: Draw
    rival: Draw
    J: int = 3
    lead: float = 0.0
    margin: float = 0.0
    best: float | None = None


def t_only(made: Made, x: np.ndarray, y: np.ndarray) -> tuple[bool, bool]:
    """Whether x [n] is said to be above the best of y [n, J] less the margin, and whether it is said not to be."""
    lows = [t_interval(x - y[:, j], 1 - 2 * ERROR).low for j in range(made.J)]
    highs = [t_interval(x - y[:, j], 1 - 2 * ERROR / made.J).high for j in range(made.J)]
    return min(lows) > -made.margin, min(highs) <= -made.margin


def now(made: Made, x: np.ndarray, y: np.ndarray) -> tuple[bool, bool]:
    if made.J > 1 and len(x) < FEWEST:
        return False, False
    left = [(dict(enumerate(x.tolist())),)]
    right = [(dict(enumerate(column)),) for column in y.T.tolist()]
    found = effect_interval(left, right, "difference", True, 1 - 2 * ERROR, Beside(made.best))
    assert isinstance(found, Effect)
    return found.interval.low > -made.margin, found.interval.high <= -made.margin


def ranks(made: Made, x: np.ndarray, y: np.ndarray) -> tuple[bool, bool]:
    wins = [int((x[:, None] + made.margin > y[:, j]).sum()) for j in range(made.J)]
    n, losses = len(x), [len(x) ** 2 - u for u in wins]
    return (
        all(chance(n, u) <= ERROR for u in wins),
        any(chance(n, u) <= ERROR / made.J for u in losses),
    )


METHODS = {"t": t_only, "now": now, "ranks": ranks}


@cache
def chance(n: int, wins: int) -> float:
    """The probability of at least `wins` wins of n values against n like ones: Mann and Whitney's exact test."""
    ways = ways_to_win(n, n)
    return float(ways[wins:].sum() / ways.sum())


@cache
def ways_to_win(n: int, m: int) -> np.ndarray:
    """The number of orders in which n values have 0, 1, ... wins against m others, by the place of the largest."""
    if not (n and m):
        return np.ones(1)
    ways = np.zeros(n * m + 1)
    ways[m:] += ways_to_win(n - 1, m)
    ways[: n * (m - 1) + 1] += ways_to_win(n, m - 1)
    return ways


@cache
def rates(made: Made, n: int, repetitions: int, seed: int = 0) -> dict[str, np.ndarray]:
    """By method the shares of "above" and of "not above", [2], with n seeds."""
    rng = np.random.default_rng([n, made.J, seed])
    count = {name: np.zeros(2) for name in METHODS}
    for _ in range(repetitions):
        x, y = made.left(rng, (n,)), made.rival(rng, (n, made.J)) + made.lead
        for name, method in METHODS.items():
            count[name] += method(made, x, y)
    return {name: found / repetitions for name, found in count.items()}


ALIKE: dict[str, tuple[Draw, Draw]] = {
    "normal": (normal, normal),
    "skewed, a long tail above": (skewed_up, skewed_up),
    "skewed, a long tail below": (skewed_down, skewed_down),
    **{f"{share} % fail": (failing(share / 100), failing(share / 100)) for share in (10, 20, 40)},
}
UNLIKE: dict[str, tuple[Draw, Draw]] = {
    "normal; rivals fail in 20 %": (normal, failing(0.2)),
    "a tail below; rivals fail in 20 %": (skewed_down, failing(0.2)),
    "10 % fail; rivals in 40 %": (failing(0.1), failing(0.4)),
    "20 % fail; rivals normal": (failing(0.2), normal),
}
BOUNDED = Made(below_best(0.0), below_best(0.2), margin=0.5, best=0.0)
RIVALS = 3


def print_table(title: str, rows: dict[str, Made], place: int, repetitions: int) -> None:
    """A row for each kind of seeds, a column for each n: by method the share of what stands in that place."""
    heading(title)
    for name, made in rows.items():
        row = []
        for n in SEEDS:
            found = rates(made, n, repetitions)
            row.append(" / ".join(f"{100 * found[method][place]:.1f}" for method in METHODS))
        print(f"| {name} | {' | '.join(row)} |", flush=True)


def heading(title: str) -> None:
    print(f"\n{title}\n\n| seeds | {' | '.join(f'n = {n}' for n in SEEDS)} |\n|---|{'---|' * len(SEEDS)}")


def two_modes(share: float) -> Draw:
    """Values at 1, and with this chance at 0."""
    return lambda rng, shape: np.where(rng.random(shape) < share, 0.0, 1.0) + rng.normal(0, 0.05, shape)


SPREADS: dict[str, tuple[Draw, float]] = {
    "normal, SD 0.15": (lambda rng, shape: rng.normal(1, 0.15, shape), 0.15),
    "lognormal, SD 0.25": (lambda rng, shape: rng.lognormal(0, 0.2462, shape), math.sqrt(math.expm1(0.2462**2))),
    **{
        f"{share} % fail, at 0": (
            two_modes(share / 100),
            math.sqrt(share / 100 * (1 - share / 100) + 0.05**2) / (1 - share / 100),
        )
        for share in (5, 10, 20, 40)
    },
}


def spread_errors(draw: Draw, truth: float, n: int, repetitions: int) -> np.ndarray:
    """How often Vangel's interval lies wholly below and above the truth, then the one in use, [4]."""
    wrong = np.zeros(4)
    for values in draw(np.random.default_rng(n), (repetitions, n)):
        plain, wide = vangel_interval(values), relative_sd_interval(values)
        wrong += [plain.high < truth, plain.low > truth, wide.high < truth, wide.low > truth]
    return wrong / repetitions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=2000, help="of every number; 2000 leave it 0.35 around 2.5")
    repetitions = parser.parse_args().repetitions

    def led(lead: float, J: int = RIVALS) -> dict[str, Made]:
        return {name: Made(*draws, J, lead) for name, draws in {**ALIKE, **UNLIKE}.items()}

    for J in (1, RIVALS):
        rivals = "one rival" if J == 1 else f"{J} rivals"
        print_table(f'"Above", {rivals}, all means equal: t / now / ranks, %', led(0.0, J), 0, repetitions)
        print_table(f'"Not above", {rivals}, all means equal', led(0.0, J), 1, repetitions)
    print_table('"Above", three rivals, 3 behind: right', led(-3.0), 0, repetitions)
    print_table('"Not above", three rivals, 3 ahead: right', led(3.0), 1, repetitions)
    print_table(
        '"Not below by 0.5", three rivals behind: right', {"none above 0; rivals fail in 20 %": BOUNDED}, 0, repetitions
    )
    wrong = [
        max(rates(made, n, repetitions)["now"][place] for n in SEEDS for made in led(lead).values())
        for lead, place in ((3.0, 0), (-3.0, 1))
    ]
    print(f'\n"Above" of rivals 3 ahead, "not above" of rivals 3 behind: now at most {100 * max(wrong):.1f}')
    heading("The relative SD, below / above its own value: Vangel; now, %")
    for name, (draw, truth) in SPREADS.items():
        row = [100 * spread_errors(draw, truth, n, repetitions) for n in SEEDS]
        print(f"| {name} | {' | '.join(f'{a:.1f} / {b:.1f}; {c:.1f} / {d:.1f}' for a, b, c, d in row)} |", flush=True)


if __name__ == "__main__":
    main()
