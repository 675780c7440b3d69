"""How long blocks of the algorithms of Heess et al. 2015 take, roughly: for the estimate of a run's time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from svgbench.learners.costs import milliseconds, passes, stepping
from svgbench.words.task import Task

MODEL_CALLS, VALUE_CALLS, POLICY_CALLS = 42, 32, 32  # operations of an update
STEP_CALLS = 3  # of one time step of the recursions backward
FORWARD_CALLS = 14  # of one time step of an imagined trajectory
THERE_AND_BACK = 3  # what an update or a Jacobian takes, in passes forward


def block_work(
    config: Any, task: Task, S: int, episodes: int, *, critic_inputs: int = 0, trajectories: str = ""
) -> float:
    """Milliseconds of one core that a block of S seeds takes if no episode ends early.

    config: a learner's; a stage of training that it has no updates of takes nothing. critic_inputs: of its critic, 0
    without one. trajectories: that the policy is updated along, "real" or "imagined"; "" without.
    """
    c, O, A = config, task.observation_dim, task.action_dim  # noqa: E741
    steps = c.simulations * task.horizon
    policy, time = [O, *c.hidden, A], S * stepping(task, steps)
    if hasattr(c, "model_updates"):
        time += c.model_updates * update([O + A, *c.model_hidden, 1], S * O * c.batch_size, MODEL_CALLS)
    if critic_inputs:
        time += c.value_updates * update([critic_inputs, *c.value_hidden, 1], S * c.batch_size, VALUE_CALLS)
        time += passes(policy, S * c.value_updates * c.batch_size)
    if hasattr(c, "policy_updates"):
        rows = c.batch_size if c.replay else steps / c.policy_updates
        time += c.policy_updates * update(policy, S * rows, POLICY_CALLS)
    if trajectories:
        calls = STEP_CALLS + (FORWARD_CALLS if trajectories == "imagined" else 0)
        time += update([O + A, *c.model_hidden, 1], S * steps * O, task.horizon * calls)
        time += update(policy, S * steps * A, 0)
    return time * episodes / c.simulations


def update(sizes: Sequence[int], rows: float, calls: float) -> float:
    """Milliseconds of one core of an update on so many rows, in so many operations."""
    return passes(sizes, THERE_AND_BACK * rows) + milliseconds(0, calls)
