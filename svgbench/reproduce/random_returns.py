"""What uniform random actions return on the tasks of Wang and Ba 2019, over 1000 steps: the levels of failure of two
works. A seed that ends no better has failed.
"""

from __future__ import annotations

from svgbench.words.claims import FailureLevel, Measure

RANDOM_RETURN: dict[str, float] = {
    "poplin/ant": 484.0,  # 40 episodes, SD 46
    "poplin/hopper": -2669.0,  # `svgbench table sac-svg/table2 --budget short --variants random`, 5 seeds
    "poplin/swimmer": -9.6,  # the same
    "poplin/cheetah": -289.0,  # the same
    "poplin/walker2d": -2444.0,  # 6 episodes, SD 579
    "poplin/pets-cheetah": -243.0,  # 6 episodes, SD 58
}


def no_better_than_random(measure: Measure, *tasks: str) -> tuple[FailureLevel, ...]:
    """The levels of these tasks, by a measure that is a return of 1000 steps. Fixed on 2026-11-29."""
    return tuple(
        FailureLevel(task, measure, RANDOM_RETURN[task], "the mean return of random actions") for task in tasks
    )
