"""Trials of final policies: which steps count, their noise, and that a seed does not depend on the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from svgbench.simulate.trials import Trials, trials_of
from svgbench.simulation_batch import BaseSimulations, RawStep


@dataclass(frozen=True)
class Drift:
    """The reward is the position. An action a moves it by a, noise by 100 * noise. Episodes end beyond `end`."""

    horizon: int = 5
    noise: float = 0.0
    end: float = np.inf
    id: str = "test/drift"
    observation_dim: int = 1
    action_dim: int = 1
    action_low, action_high = np.array([-9.0]), np.array([9.0])

    def simulate(self, seeds, copies=1, stream="train", threads=1, autoreset=True):
        return Drifts(self, seeds, copies, stream, autoreset)


class Drifts(BaseSimulations):
    def __init__(self, task, *how):
        super().__init__(task, *how)
        self.task, self.x = task, np.zeros((len(self), 1))
        self.reset()

    def _begin(self, ids):
        self.x[ids] = 0.0
        return self.x[ids]

    def _advance(self, ids, rows, actions):
        chosen = np.arange(len(self)) if ids is None else ids
        noise = np.array([[self._generators[i].standard_normal()] for i in chosen])
        self.x[rows] += actions + 100 * self.task.noise * noise
        after = self.x[rows].copy()
        return RawStep(after, after[:, 0], after[:, 0] > self.task.end, np.zeros(len(after), bool))

    def _dynamics(self):
        return {"x": self.x}

    def _restore(self, dynamics):
        self.x = dynamics["x"]


def ahead(s):
    return np.ones_like(s)


def test_only_late_steps_count_within_the_training_horizon_and_beyond():
    """Without noise the rewards are 1, 2, ...; those of steps 6 to 8 have mean 7, of 4 and 5 4.5."""
    found = Trials(Drift(), (0, 1), steps=8, after=5, episodes=3, noise=0.0)(ahead)
    assert found["trial_reward"].tolist() == found["trial_reward_noisy"].tolist() == [7.0, 7.0]
    within = Trials(Drift(), (0,), steps=5, after=3, episodes=2)(ahead)
    assert {name: x.tolist() for name, x in within.items()} == {"trial_reward": [4.5]}
    assert Trials(Drift(), (0,), steps=5, after=0, episodes=2)(ahead)["trial_reward"].tolist() == [3.0]


def test_an_episode_that_ends_earns_nothing_more():
    """The episode ends with step 7. Of the three steps that count, only 6 and 7 earn a reward."""
    found = Trials(Drift(end=6.5), (0,), steps=8, after=5, episodes=2)(ahead)
    assert found["trial_reward"].tolist() == [pytest.approx(13 / 3)]


def test_the_second_trial_has_the_larger_noise_and_a_seed_its_own():
    both = Trials(Drift(noise=1e-3), (3, 4), steps=8, after=5, episodes=2, noise=1.0)(ahead)
    alone = Trials(Drift(noise=1e-3), (4,), steps=8, after=5, episodes=2, noise=1.0)(ahead)
    for name, closest, farthest in (("trial_reward", 0.0, 1.0), ("trial_reward_noisy", 5.0, np.inf)):
        off = abs(both[name].numpy() - 7.0)
        assert ((closest <= off) & (off < farthest)).all(), off
        assert both[name][1] == alone[name][0]


def test_what_the_budget_asks_for():
    asked = {"trial_steps": 8, "trial_after": 6, "trial_episodes": 2, "trial_noise": 0.25}
    assert trials_of(Drift(), (0,), {"episodes": 3}) is None
    made = trials_of(Drift(), (0,), {"episodes": 3, **asked})
    assert (made.steps, made.after, made.episodes, made.noise) == (8, 6, 2, 0.25)
    without = {name: value for name, value in asked.items() if name != "trial_noise"}
    assert trials_of(Drift(), (0,), without).noise is None
    with pytest.raises(ValueError, match="after 6 of 5 steps"):
        trials_of(Drift(), (0,), asked | {"trial_steps": 5})
