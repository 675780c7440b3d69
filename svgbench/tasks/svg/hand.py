"""The hand and the ball of Heess et al. 2015, section 6.1 and eq. (15): Figure 2, left.

State and observation s (9): hand (2) [m], ball (2) [m], velocity of the ball (2) [m/s], target (2) [m], time [s]; the
second of each pair points up. Action a (2) in [-1, 1]: velocity of the hand [m/s]. A larger action moves it no faster,
but its cost counts in full. With a step of dt = 0.01 s:

    hand' = hand + dt clip(a, -1, 1),    ball' = ball + dt v
    v' = v + dt/m (k (hand' - ball') - (0, m g) + sigma eps),    eps ~ N(0, I), new in every step
    time' = time + dt, target' = target

    r(s, a) = alpha_1 |a|^2,  and in the step that ends at time T also  alpha_2 (d(hand', 0) + d(ball', target))

Eq. (15) gives the reward at time T to a final state without an action. Where a step ends is a function of s and a
alone, so we pay that reward in the step that leads there: 1000 steps carry all 1001 rewards. T = 10 s; the episode
terminates there.

Start: hand, ball and velocity 0, the target (2, 2) or (-2, 2) with equal chance.

The paper prints the ingredients (velocity of the hand, spring, gravity, Gaussian noise, dt, T, eq. (15)) without a
number. k = m = 1, |a| <= 1, the start, the target (2, 2) and the weight of the action (0.001 on its time integral) are
those of the problem that it is based on (Munos 2006, JMLR 7:771-791, as a public README has it). g = 1 lets the ball
hang 1 m below the hand. sigma = 1 N moves the ball by 0.22 m (standard deviation, each coordinate) until time T.
alpha_2 = -1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svgbench.ranges import Count, NonNegative, Positive
from svgbench.simulation_batch import DrawnAhead, FullyObserved, RawStep, Rows
from svgbench.tasks.svg._state_reward import RewardedByState, StateReward, length
from svgbench.tasks.unit_box import UnitBox
from svgbench.words.task import Array

VERSION = 1

HORIZON = 1000  # steps; section 6.1
DT, END = 0.01, 10.0  # s; section 6.1; T in eq. (15)
SPRING, MASS, GRAVITY, NOISE = 1.0, 1.0, 1.0, 1.0  # N/m, kg, m/s^2, N
TARGETS = np.array([[2.0, 2.0], [-2.0, 2.0]])  # m
ACTION_WEIGHT, DISTANCE_WEIGHT = -1e-5, -1.0  # alpha_1 a step, alpha_2 per metre
SOFTNESS = 1e-6  # m: lengths are sqrt(x^2 + SOFTNESS^2), to have derivatives at 0
STARTS_AHEAD = 16  # targets that a simulation draws at once
NOISE_AHEAD = 250  # steps whose noise it draws at once

HAND, BALL, VELOCITY, TARGET, TIME = slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8), 8


def hand_reward(end: float, action_weight: float, distance_weight: float, xp: Any, s: Any, a: Any) -> Any:
    """Rewards [...] of s [..., 9], a [..., 2] in a namespace `xp`; `end` is T in seconds."""
    hand = s[..., HAND] + DT * xp.clip(a, -1.0, 1.0)
    ball = s[..., BALL] + DT * s[..., VELOCITY]
    distances = length(xp, hand, SOFTNESS) + length(xp, ball - s[..., TARGET], SOFTNESS)
    last = s[..., TIME] > end - 1.5 * DT
    return action_weight * (a**2).sum(-1) + distance_weight * distances * last


@dataclass(frozen=True, kw_only=True)
class Hand(RewardedByState, UnitBox):
    """Satisfies `svgbench.words.task.Task`.

    noise: sigma [N]. end: T [s].
    """

    horizon: int
    end: float
    noise: float
    reward_function: StateReward
    id: str = "svg/hand"
    observation_dim: int = 9
    action_dim: int = 2
    dt: float = DT

    def termination_function(self, obs: Any, action: Any, next_obs: Any) -> Any:
        """Booleans [...] of recorded next_obs [..., 9]: whether time T is reached."""
        return next_obs[..., TIME] > self.end - 0.5 * self.dt

    def simulate(
        self,
        seeds: Sequence[int],
        copies: int = 1,
        stream: str = "train",
        threads: int = 1,
        autoreset: bool = True,
    ) -> Hands:
        """A batch of len(seeds) * copies simulations; see `svgbench.words.task.Task.simulate`. One thread."""
        return Hands(self, seeds, copies, stream, autoreset)


class Hands(FullyObserved):
    """A batch of hands and balls. Their observation is their whole state, except for numbers drawn ahead."""

    def __init__(self, task: Hand, seeds: Sequence[int], copies: int, stream: str, autoreset: bool) -> None:
        super().__init__(task, seeds, copies, stream, autoreset)
        self.task = task
        self._targets = DrawnAhead(self._generators, STARTS_AHEAD, 2, _targets, "target_")
        self._noise = DrawnAhead(self._generators, NOISE_AHEAD, 2, _noise, "noise_")
        self._ahead = (self._targets, self._noise)
        self._all = np.arange(len(self))
        self.reset()

    def _begin(self, ids: NDArray[np.int64]) -> Array:
        start = np.zeros((len(ids), 9))
        start[:, TARGET] = self._targets.take(ids)
        return start

    def _advance(self, ids: NDArray[np.int64] | None, rows: Rows, actions_nA: Array) -> RawStep:
        task, before = self.task, self._observation[rows]
        force = task.noise * self._noise.take(self._all if ids is None else ids)
        after = before.copy()
        after[:, HAND] += DT * np.clip(actions_nA, -1.0, 1.0)
        after[:, BALL] += DT * before[:, VELOCITY]
        force += SPRING * (after[:, HAND] - after[:, BALL])
        force[:, 1] -= MASS * GRAVITY
        after[:, VELOCITY] += DT / MASS * force
        after[:, TIME] += DT
        reward = task.reward_function(before, actions_nA, after)
        ended = task.termination_function(before, actions_nA, after)
        return RawStep(after, reward, ended, np.zeros(len(after), dtype=np.bool_))


def _targets(rng: np.random.Generator) -> Array:
    return TARGETS[rng.integers(len(TARGETS), size=STARTS_AHEAD)]


def _noise(rng: np.random.Generator) -> Array:
    return rng.standard_normal((NOISE_AHEAD, 2))


def make_hand(
    horizon: Count = HORIZON,
    end: Positive = END,
    noise: NonNegative = NOISE,
    action_weight: NonNegative = ACTION_WEIGHT,
    distance_weight: NonNegative = DISTANCE_WEIGHT,
) -> Hand:
    """svg/hand: as above. end: T, in s. noise: sigma, in N. action_weight, distance_weight: alpha_1, alpha_2.

    A horizon of fewer steps than `end` takes truncates an episode before its last reward.
    """
    formula = partial(hand_reward, end, action_weight, distance_weight)
    return Hand(horizon=horizon, end=end, noise=noise, reward_function=StateReward(formula))
