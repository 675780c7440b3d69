"""Rough times of blocks of the algorithms of Heess et al. 2015, for the estimate of a run's time."""

from __future__ import annotations

from collections.abc import Sequence

from svgbench.baselines.value_gradients._config import CriticSettings, MinibatchSettings, ModelSettings, Settings
from svgbench.learners.costs import milliseconds, passes, stepping
from svgbench.words.task import Task

MODEL_CALLS, VALUE_CALLS, POLICY_CALLS = 42, 32, 32  # operations of an update
STEP_CALLS = 3  # of one time step of the recursions backward
FORWARD_CALLS = 14  # of one time step of an imagined trajectory
THERE_AND_BACK = 3  # cost of an update or a Jacobian, in forward passes


def block_work(
    c: Settings,
    task: Task,
    S: int,
    episodes: int,
    *,
    critic_inputs: int = 0,
    trajectories: str = "",
    scored: bool = False,
) -> float:
    """Milliseconds of one core that a block of S seeds takes if no episode ends early.

    The groups of settings in `c` determine the stages. critic_inputs: length of the critic's input, 0 without a critic.
    trajectories: "real" or "imagined" if the policy is updated along trajectories, else "". scored: it takes one step
    for each round on all of its steps.
    """
    O, A = task.observation_dim, task.action_dim  # noqa: E741  # axis letters
    steps = c.simulations * task.horizon
    policy, time = [O, *c.hidden, A], S * stepping(task, steps)
    if isinstance(c, ModelSettings):
        networks, outputs = (O, 1) if c.sub_networks else (1, O)
        model = [O + A, *c.model_hidden, outputs]
        time += c.model_updates * update(model, S * networks * c.batch_size, MODEL_CALLS)
    if isinstance(c, CriticSettings) and critic_inputs:
        time += c.value_updates * update([critic_inputs, *c.value_hidden, 1], S * c.batch_size, VALUE_CALLS)
        time += passes(policy, S * c.value_updates * c.batch_size)
    if isinstance(c, MinibatchSettings):
        rows = c.batch_size if c.replay else steps / c.policy_updates
        time += c.policy_updates * update(policy, S * rows, POLICY_CALLS)
    if isinstance(c, ModelSettings) and trajectories:
        calls = STEP_CALLS + (FORWARD_CALLS if trajectories == "imagined" else 0)
        time += update([O + A, *c.model_hidden, 1], S * steps * O, task.horizon * calls)  # a Jacobian has O rows
        time += update(policy, S * steps * A, 0)
    if scored:
        time += update(policy, S * steps, POLICY_CALLS)
    return time * episodes / c.simulations


def update(sizes: Sequence[int], rows: float, calls: float) -> float:
    """Milliseconds of one core that an update on `rows` rows takes, with the overhead of `calls` operations."""
    return passes(sizes, THERE_AND_BACK * rows) + milliseconds(0, calls)
