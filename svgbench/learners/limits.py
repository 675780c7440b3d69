"""The limits that learners read from a budget, and rules between settings that several learners share.

Both are read from this source, as a `Config` is: see `svgbench.lab.source` and `svgbench.lab.rules`.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from svgbench.ranges import Count, Natural, Range


class StepLimits(TypedDict):
    total_steps: Count  # environment steps


class IterationLimits(TypedDict):
    iterations: Count  # batches, each with an update


class SampleLimits(TypedDict):
    samples: Count  # draws of a graph, at most


class TrialLimits(TypedDict, total=False):
    """Limits of the trials of final policies (`svgbench.simulate.trials`); without `trial_steps` there are none."""

    trial_steps: Count
    trial_after: Natural  # steps that do not count
    trial_episodes: Count
    trial_noise: Annotated[float, Range(0)]  # of the task, in a second trial


class ActionLimits(TypedDict, total=False):
    """Whether rows have the size of actions (`svgbench.simulate.action_sizes`); without it they are NaN."""

    record_actions: bool


class EpisodeLimits(TrialLimits, ActionLimits):
    episodes: Count


PATH_RULES = {"path_length <= horizon": "a path ends with the task's episode"}
FISHER_RULES = {
    "(1 / fisher_fraction + 1e-6) % 1 < 2e-6": "every k-th step of a path is used, k = 1 / fisher_fraction; as 0.5, 0.1"
}
VALUE_RULES = {
    "(1 / value_fraction + 1e-6) % 1 < 2e-6": "every k-th step of a path is used, k = 1 / value_fraction; as 0.5, 0.1"
}
WHOLE_PATH_RULES = {
    **PATH_RULES,
    "timesteps == 0 or timesteps >= simulations": "each simulation takes a step",
}
EPISODE_RULES = {
    "episodes % simulations == 0": "each collection has an episode of every simulation",
    "trial_after < trial_steps": "a trial counts what comes after",
}
