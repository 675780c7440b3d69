"""MAAC's settings, and what its parts cost: approximate milliseconds of one core, for plans and progress.

`maac` says what the settings mean. Sizes are (O, A, S): of an observation, of an action, and the number of seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from svgbench.baselines.actor_critic import _imagined
from svgbench.learners.costs import milliseconds, products
from svgbench.ranges import Count, Natural, NonNegative, Range, Share


@dataclass(frozen=True)
class Config(_imagined.Config):
    """MAAC's own settings; those shared with MBPO are in `_imagined.Config`. Source: the code, if none is given."""

    H: Natural = 4  # model steps of the policy's objective; 0: none (walker2d: 2; the code's T is H - 1)
    paths: Count = 5  # K, samples for each state of a batch
    samples: Literal["paths", "last actions"] = "paths"  # the K samples: paths, or actions in a path's last state
    smaller_of_means: bool = False  # the smaller critic is taken after averaging over the K, or for each
    critic_steps: Natural = 2  # the greatest depth of the critics' targets; 0: SAC's targets
    targets: Literal["weighted", "as coded"] = "weighted"  # which variances give the weights of the depths
    target_members: Share = 1.0  # share of the members drawn at each depth ("as coded" only)
    target_entropy_on_the_way: bool = True  # targets include entropies of actions along the path, as Q does
    variance_as_deviation: bool = False  # as `GaussianEnsemble.forward`, in differentiated paths and targets
    next_in_reward: tuple[Natural, ...] = ()  # components of s that r(s, a) takes from the next s there; code: by task
    clip_obs: NonNegative = 100.0  # bound of observations predicted there, in their own units; 0: none
    imagined: Literal["rollouts", "single steps"] = "rollouts"  # what D_model holds; see `maac`
    lag: bool = False  # policy and critics do not see the last `rollout_steps` real transitions yet

    rollout_steps: Count = 1000  # environment steps of an iteration
    rounds: Count = 4  # rounds of imagining and updating per iteration
    updates_per_step: Count = 8  # per environment step of an iteration, spread over its rounds
    random_steps: Natural = 5000  # environment steps of uniform actions
    learning_starts: Count = 6000  # environment step, from 0, of the first iteration, after a rollout of the policy
    steps_per_slice: Count = 250  # environment steps per slice; does not affect the results
    imagined_capacity: Count = 2_000_000  # the capacity of D_model, in transitions
    members: Count = 8  # networks of a seed's ensemble
    persistence: Annotated[float, Range(0, below=1)] = 0.9  # see `svgbench.models.stopping.RollingMean`
    max_epochs: Natural = 200  # of a fit; 0: no cap
    plan_episodes: Natural = 0  # per seed after training, with and without planning (Table 1); 0: none
    plan_reading: Literal["text", "code"] = "text"  # the planner's reading, see `svgbench.planning.planned_policy`
    plan_horizon: Count = 5  # model steps
    plan_population: Annotated[int, Range(2)] = 256  # candidates per iteration of the search
    plan_elites: Count = 25  # the best of the candidates
    plan_iterations: Count = 5
    rollout_grows_until: Count = 100  # the iteration with the last length; linear from rollout_grows_from


ADDED = {"next_in_reward": ()}

Sizes = tuple[int, int, int]


def rollout_length(c: Config, step: int) -> int:
    """Model steps of the rollouts before an environment step."""
    return _imagined.rollout_length(c, (step - c.learning_starts) // c.rollout_steps)


def iteration_milliseconds(c: Config, sizes: Sizes, step: int) -> tuple[float, float]:
    """The cost of the fit before an environment step, and of the rounds after it."""
    rows, outputs = min(step, c.replay_capacity), sizes[0]
    made, updates = c.rounds * rollout_length(c, step) * c.rollouts_per_fit, c.rollout_steps * c.updates_per_step
    rounds = _imagined.imagining_milliseconds(c, outputs, sizes, made) + updates * update_milliseconds(c, sizes)
    return _imagined.fit_milliseconds(c, outputs, sizes, rows, int(rows * c.model_holdout)), rounds


def update_milliseconds(c: Config, sizes: Sizes) -> float:
    """The cost of an update of policy and critics. Every member expands the critics' targets."""
    actor, critics, member = _products(c, sizes)
    paths, last_actions = (c.paths, 1) if c.samples == "paths" else (1, c.paths)
    a_row = paths * (c.H * (3 * actor + 2 * member) + last_actions * (3 * actor + 2 * critics))
    a_row += 4 * critics + actor + c.critic_steps * c.members * (member + actor + critics)
    calls = 150 + c.H * (120 + 30 * len(c.model_hidden)) + c.critic_steps * 120
    return milliseconds(sizes[2] * c.step_batch * a_row, calls)


def trial_milliseconds(c: Config, sizes: Sizes, horizon: int) -> float:
    """The cost of episodes of `horizon` steps with planning. Those without planning cost almost nothing."""
    actor, critics, member = _products(c, sizes)
    a_row = c.plan_horizon * member + actor + critics
    rows = sizes[2] * c.plan_episodes * c.plan_population
    calls = c.plan_horizon * (30 + 10 * len(c.model_hidden)) + 60
    return horizon * c.plan_iterations * milliseconds(rows * a_row, calls) if c.plan_episodes else 0.0


def _products(c: Config, sizes: Sizes) -> tuple[float, float, float]:
    """Multiplications of a row in the policy, in both critics, and in a member of the model."""
    n, m, _ = sizes
    actor, critics = products((n, *c.actor_hidden, 2 * m)), 2 * products((n + m, *c.critic_hidden, 1))
    return actor, critics, products((n + m, *c.model_hidden, 2 * n))
