"""Small learners of stochastic value gradients, as the lab would make them, on small tasks whose reward has a slope."""

from __future__ import annotations

import numpy as np
import pytest
from point import Point, Points
from regulator import Regulator

from svgbench.baselines.value_gradients import actor_critic, reinforce, svg_inf, svg_one, svg_planner, svg_zero
from svgbench.lab.source import declared
from svgbench.simulation_batch import RawStep

SMALL = {
    "hidden": (6, 5),
    "model_hidden": (4, 3),
    "value_hidden": (7, 6),
    "gamma": 0.9,
    "model_updates": 6,
    "value_updates": 7,
    "policy_updates": 3,
    "target_period": 4,
    "batch_size": 8,
    "replay_size": 60,
    "steps_per_slice": 5,
    "policy_std": 2.5,  # some episodes leave the disc
}

LEARNERS = {
    "inf": (svg_inf, {}),
    "inf-value": (svg_inf, {"value_at_end": True, "simulations": 2}),
    "inf-one-network": (svg_inf, {"sub_networks": False}),
    "planner": (svg_planner, {"simulations": 2}),
    "one": (svg_one, {}),
    "one-er": (svg_one, {"replay": True, "kl_weight": 0.1}),
    "zero": (svg_zero, {}),
    "zero-er": (svg_zero, {"replay": True}),
    "dpg": (svg_zero, {"deterministic": True}),
    "ac": (actor_critic, {"simulations": 2}),
    "ac-er": (actor_critic, {"replay": True}),
    "reinforce": (reinforce, {"simulations": 2}),
}


FAST = ("inf-value", "inf-one-network", "planner", "one-er", "zero", "dpg", "ac", "reinforce")
"""One of each module, with and without replay; what the others do beyond them is little, and their tests are slow."""


def some(names=tuple(LEARNERS), fast=FAST):
    """The learners as parameters of a test."""
    return [pytest.param(name, marks=() if name in fast else pytest.mark.slow) for name in names]


class Reward:
    """The regulator's reward with its slopes."""

    def reward_function(self, s, a, next_s=None):
        return -0.5 * (s.square().sum(-1) + a.square().sum(-1))


class SmoothRegulator(Reward, Regulator):
    """s' = A s + B u, r = -1/2 (s's + u'u). Nothing is clipped: these bounds make u the policy's own action."""

    action_low, action_high = -np.ones(1), np.ones(1)


class Disc(Point):
    """The point task, whose reward is of the state before the step and of the action; it terminates beyond a circle."""

    def simulate(self, seeds, copies=1, stream="train", threads=1, autoreset=True):
        return Discs(self, seeds, copies, stream, autoreset)

    def reward_function(self, s, a, next_s=None):
        return 1 - s[..., 2] - 0.1 * a.square().sum(-1)


class Discs(Points):
    def _advance(self, ids, rows, actions):
        before = self._observe(self.p[rows])
        outcome = super()._advance(ids, rows, actions)
        reward = 1 - before[:, 2] - 0.1 * np.square(actions).sum(1)
        if ids is None or ids[0] == 0:  # whose reward the point task breaks
            reward = reward + 0 * outcome.reward
        return RawStep(outcome.observation, reward, *outcome[2:])


class BoundedDisc:
    """The disc as another task states it: the same, pushed by how far an action lies from the middle of its bounds."""

    def __init__(self, low, high, horizon=12):
        self.plain, self.seen = Disc(horizon=horizon), []
        self.action_low, self.action_high = np.full(2, low), np.full(2, high)

    def __getattr__(self, name):
        return getattr(self.plain, name)

    def _pushes(self, a):
        return (a - (self.action_low[0] + self.action_high[0]) / 2) / ((self.action_high[0] - self.action_low[0]) / 2)

    def simulate(self, *how, **more):
        simulations = self.plain.simulate(*how, **more)
        step = simulations.step

        def pushed(actions, ids=None):
            self.seen.append(np.array(actions))
            return step(self._pushes(actions), ids)

        simulations.step = pushed
        return simulations

    def reward_function(self, s, a, next_s=None):
        return self.plain.reward_function(s, self._pushes(a))


def learner(name, seeds=(0, 1, 2), episodes=6, task=None, small=SMALL, **config):
    module, own = LEARNERS[name]
    known = declared(f"{module.__name__}:make")
    layers = {k: v for k, v in {**small, **own, **config}.items() if k in known.types}
    return module.make(known.config(layers), task or Disc(horizon=12), seeds, {"episodes": episodes}, "cpu")


def parameters(one):
    """All that is learned, each [S, ...]."""
    return [part.adam.flat for part in one.agent.learned.values()]
