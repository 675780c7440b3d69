"""Counterexamples: a sentence about every problem falls with the first problem that breaks it.

A mean over seeds with its interval answers another question: how often the sentence fails. So where a measure is exact,
each seed is a case, and the word has no error rate if a case breaks the sentence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from svgbench.analysis.judge.absolute import Ruled
from svgbench.analysis.judge.relations import relation_holds
from svgbench.analysis.judge.statistics import Interval
from svgbench.analysis.read.naming import name_seeds, printed

FEWEST = 2
"""Least number of seeds without a counterexample for SUPPORTED."""


def cases_of(left: Mapping[int, float], right: Mapping[int, float]) -> dict[int, float]:
    """left - right of every seed that both have, where it is a number."""
    effects = {seed: left[seed] - right[seed] for seed in sorted(left.keys() & right.keys())}
    return {seed: x for seed, x in effects.items() if not math.isnan(x)}


def by_cases(left: Mapping[int, float], right: Mapping[int, float], relation: str, margin: float) -> Ruled:
    """REFUTED if left - right of one seed breaks the relation; SUPPORTED if none of at least two does.

    The reason names the seeds that break it and the effect that is furthest from what is required; without one, the
    largest share of such problems that these seeds do not exclude (95 %, Clopper and Pearson, one-sided). An infinite
    effect is a case like others. One that is no number (such as infinity less infinity) is none.
    """
    effects = cases_of(left, right)
    words = {seed: relation_holds(Interval(x, x, x, 1), relation, margin) for seed, x in effects.items()}
    n, broken = len(effects), {seed: x for seed, x in effects.items() if words[seed] != "SUPPORTED"}
    if broken:
        worst = (min if relation.startswith(">") else max)(broken.values(), key=abs if relation == "~" else None)
        word = "counterexamples" if len(broken) > 1 else "a counterexample"
        return Ruled("REFUTED", reason=f"{word}: {name_seeds(broken)} of {n}, the worst {printed(worst)}")
    if not n:
        return Ruled("INCONCLUSIVE", reason="no case is left")
    if n < FEWEST:
        few = f"no counterexample in {n} seed{'s' * (n != 1)}, at least {FEWEST} are needed"
        return Ruled("INCONCLUSIVE", reason=few)
    most = 100 * (1 - 0.05 ** (1 / n))
    none = f"no counterexample in {n} seeds, so that at most {most:.0f} % of such seeds have one"
    return Ruled("SUPPORTED", reason=none)
