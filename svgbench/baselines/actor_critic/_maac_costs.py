"""The costs of MAAC's parts, in approximate milliseconds of one core. Plans and progress use them.

Sizes are (O, A, S): of an observation, of an action, and the number of seeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from svgbench.baselines.actor_critic import _imagined
from svgbench.learners.costs import milliseconds, products

if TYPE_CHECKING:
    from svgbench.baselines.actor_critic.maac import Config

Sizes = tuple[int, int, int]


def parts_of_iteration(c: Config, sizes: Sizes, step: int, rollout_length: int) -> tuple[float, float]:
    """The cost of the fit before an environment step, and of the rounds after it, with rollouts of this length."""
    rows, outputs = min(step, c.replay_capacity), sizes[0]
    made, updates = c.rounds * rollout_length * c.rollouts_per_fit, c.rollout_steps * c.updates_per_step
    rounds = _imagined.imagining_milliseconds(c, outputs, sizes, made) + updates * update(c, sizes)
    return _imagined.fit_milliseconds(c, outputs, sizes, rows, int(rows * c.model_holdout)), rounds


def update(c: Config, sizes: Sizes) -> float:
    """The cost of an update of policy and critics. Every member expands the critics' targets."""
    actor, critics, member = _products(c, sizes)
    paths, last_actions = (c.paths, 1) if c.samples == "paths" else (1, c.paths)
    a_row = paths * (c.H * (3 * actor + 2 * member) + last_actions * (3 * actor + 2 * critics))
    a_row += 4 * critics + actor + c.critic_steps * c.members * (member + actor + critics)
    calls = 150 + c.H * (120 + 30 * len(c.model_hidden)) + c.critic_steps * 120
    return milliseconds(sizes[2] * c.step_batch * a_row, calls)


def trial(c: Config, sizes: Sizes, horizon: int) -> float:
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
