"""Small planners on the point task, whose reward they know."""

from __future__ import annotations

from point import Point

from svgbench.lab.source import declared


class Rewarded(Point):
    """The point, with its reward as a function: that of the state that the action leads to."""

    reward_function = staticmethod(lambda obs, action, next_obs: 1 - next_obs[..., 2])


SMALL = {
    "members": 3,
    "model_hidden": (8, 7),
    "model_decay": (1e-4, 2e-4, 3e-4),
    "model_batch": 8,
    "model_epochs": 2,
    "random_steps": 10,
    "rollout_steps": 10,
    "plan_horizon": 3,
    "plan_population": 12,
    "plan_elites": 3,
    "plan_iterations": 2,
    "eval_every": 10,
    "eval_episodes": 2,
    "steps_per_slice": 7,
    "minibatches_per_slice": 4,
}
STEPS = 35
HORIZON = 10


def learner(module, seeds=(0, 1, 2), total_steps=STEPS, profile=None, task=None, **config):
    known = declared(f"{module.__name__}:make")
    given = known.config({**SMALL, **config}, profile=profile or next(iter(module.PROFILES)))
    return module.make(given, task or Rewarded(horizon=HORIZON), seeds, {"total_steps": total_steps}, "cpu")


def trained(one):
    """Everything that training changes, each [S, ...]."""
    agent = one.agent
    found = [agent.fit.adam.flat, agent.fit.loss, agent.model.centre, one.experience.replay.rows]
    found += [agent.planner.last] if agent.planner.last is not None else []
    return [*found, agent.base.detach(), agent.seen.mean] if hasattr(agent, "base") else found
