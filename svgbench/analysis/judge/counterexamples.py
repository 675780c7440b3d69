"""Counterexamples: a sentence about every problem falls with the first problem that breaks it.

A mean over seeds with its interval answers another question: how often the sentence fails. So where a measure is exact,
each seed is a case, and the word has no error rate if a case breaks the sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from svgbench.analysis.judge.judgement import ClaimWord
from svgbench.analysis.read.naming import name_seeds, printed

FEWEST = 2
"""Least number of seeds without a counterexample for SUPPORTED."""
BREAKS: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda effect, margin: not effect < -margin,
    ">": lambda effect, margin: not effect > margin,
    "~": lambda effect, margin: not abs(effect) <= margin,
    "<~": lambda effect, margin: not effect <= margin,
    ">~": lambda effect, margin: not effect >= -margin,
}


@dataclass(frozen=True)
class ByCases:
    """The word of a comparison of every problem, and a sentence on the cases that decide it."""

    word: ClaimWord
    told: str


def by_cases(left: Mapping[int, float], right: Mapping[int, float], relation: str, margin: float) -> ByCases:
    """REFUTED if left - right of one seed breaks the relation; SUPPORTED if none of at least two does.

    The sentence names the seeds that break it and the effect that is furthest from what is required; without one, the
    largest share of such problems that these seeds do not exclude (95 %, Clopper and Pearson, one-sided).
    """
    effects = {seed: left[seed] - right[seed] for seed in sorted(left.keys() & right.keys())}
    n, broken = len(effects), {seed: x for seed, x in effects.items() if BREAKS[relation](x, margin)}
    if broken:
        worst = (min if relation.startswith(">") else max)(broken.values(), key=abs if relation == "~" else None)
        word = "counterexamples" if len(broken) > 1 else "a counterexample"
        return ByCases("REFUTED", f"{word}: {name_seeds(broken)} of {n}, the worst {printed(worst)}")
    if n < FEWEST:
        return ByCases("INCONCLUSIVE", f"no counterexample in {n} seed{'s' * (n != 1)}, at least {FEWEST} are needed")
    most = 100 * (1 - 0.05 ** (1 / n))
    return ByCases("SUPPORTED", f"no counterexample in {n} seeds, so that at most {most:.0f} % of such seeds have one")
