"""The forms of numbers, seeds and questions in sentences, and the name of the untrained variant."""

from __future__ import annotations

import re
from collections.abc import Iterable

from svgbench.words.experiment import Experiment

RANDOM_VARIANT = "random"
"""The variant whose cell gives the level of a random policy, if an experiment has one."""


def shown(text: str) -> str:
    """A text of somebody else's file as a terminal may show it: without control characters."""
    return "".join(c if c.isprintable() else "?" for c in text)


def printed(x: float) -> str:
    """A number as it appears in reasons."""
    return f"{x + 0.0:.4g}"  # never "-0"


def amount(n: int, noun: str, several: str = "") -> str:
    """ "1 cell", "3 cells"; `several` is a plural that takes more than an s."""
    return f"{n} {noun if n == 1 else several or f'{noun}s'}"


def name_seeds(seeds: Iterable[int]) -> str:
    """ "seed 3", "seeds 0-4, 7"."""
    ordered = sorted(seeds)
    runs: list[list[int]] = []
    for seed in ordered:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    listed = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return f"seed{'s' * (len(ordered) > 1)} {listed}"


def question(experiment: Experiment) -> str:
    """The question of an experiment: "Does Figure 3 hold?" """
    if experiment.question:
        return experiment.question
    name = named_artifact(experiment)
    quoted = f'"{name}"' if name == experiment.title else name
    return f"Does {quoted} hold?"


def named_artifact(experiment: Experiment) -> str:
    """What the experiment redoes, as "Figure 3" or "Table 2"; its title if its id does not say that."""
    numbered = re.fullmatch(r"(fig|table)(\d+)", experiment.artifact)
    kind = {"fig": "Figure", "table": "Table"}
    return f"{kind[numbered[1]]} {numbered[2]}" if numbered else experiment.title
