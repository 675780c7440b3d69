"""Hand-written policies for the tasks of Heess et al. 2015. They show that a claim's threshold can be reached.

`make(n)` returns a policy for n simulations that are in step: it maps observations [n, O] to actions [n, A] and is
called once per step. The policies need not be good; `python -m svgbench.reproduce.svg.by_hand` measures them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from svgbench.tasks.svg import hand
from svgbench.tasks.svg.arm import REACHER, TORQUES, point
from svgbench.tasks.svg.by_hand_legs import Land, Stride
from svgbench.tasks.svg.gripper import BALL_SITE, GRIP, GRIPPER, TO_GRIP
from svgbench.words.task import Array

Act = Callable[[Array], Array]

SLACK = 3e-4  # s^2: see `Steer`

FOLDED = 1.25  # rad: the reacher's links then zigzag by twice this, and its tip is within 0.15 m of its root


def wave(links: int, phase: float, steering: float = 0.0) -> Act:
    """A wave of torques along the swimmer's chain, with a bend towards the goal."""
    time = 0.0

    def act(s: Array) -> Array:
        nonlocal time
        a = np.sin(2 * np.pi * 2.0 * time - phase * np.arange(links - 1))
        time += 0.06
        bent: Array = 2 * (a - steering * np.clip(np.arctan2(s[:, 1], s[:, 0]), -1, 1)[:, None])
        return bent

    return act


def gallop(frequency: float, phases: Sequence[float], bends: Sequence[float] = (0.0,) * 6) -> Act:
    """A fixed rhythm of the cheetah's legs, in Hz, rad and shares of the torques; it ignores the observation."""
    time = 0.0

    def act(s: Array) -> Array:
        nonlocal time
        a = np.array(bends) + np.sin(2 * np.pi * frequency * time + np.array(phases))
        time += 0.03
        return np.tile(np.clip(a, -1, 1), (len(s), 1))

    return act


def leap() -> Act:
    """The rhythm of the cheetah whose joints have no springs, which bears its weight by bent legs.

    Its numbers were chosen by a random search of a minute, on other starts than those on which it is measured.
    """
    return gallop(2.3, (0.4, 2.5, 4.5, 2.6, 2.8, 6.9), (-0.1, 0.0, 0.3, 0.0, -0.3, 0.0))


def pull(s: Array) -> Array:
    """Pulls the reacher's tip to the site by a spring, through the transposed Jacobian; walls may be in the way."""
    angles = np.cumsum(s[:, :3], axis=1)
    force = 8.0 * (s[:, 6:] - np.stack(point(np, REACHER, s[:, :3]), axis=1))
    lengths = np.array(REACHER)
    torques = [
        force[:, 1] * (lengths[j:] * np.cos(angles[:, j:])).sum(1)
        - force[:, 0] * (lengths[j:] * np.sin(angles[:, j:])).sum(1)
        for j in range(3)
    ]
    return np.stack(torques, axis=1) / np.array(TORQUES)


class Unfold:
    """Folds the reacher into a zigzag, which no wall can touch, turns, and unfolds it towards the site."""

    def __init__(self, n: int) -> None:
        self.stage, self.side = np.zeros(n, int), np.zeros(0)

    def __call__(self, s: Array) -> Array:
        q, site = s[:, :3], s[:, 6:]
        if not len(self.side):
            self.side = np.where(q[:, 1] > 0, -1.0, 1.0)  # so that the middle joint never has to straighten
        goal = self.zigzag(np.where(self.stage == 2, self.opening(site), FOLDED), site)
        error = goal - q
        a = np.clip(3.0 * error, -1, 1)
        a[np.ix_(self.stage == 0, [0, 2])] = 0.0
        folded = (self.stage == 0) & (np.abs(error[:, 1]) < 0.3)
        turned = (self.stage == 1) & (np.abs(error).max(axis=1) < 0.25)
        self.stage = self.stage + (folded | turned)
        return a

    @staticmethod
    def opening(site: Array) -> Array:
        """The angle of the links to their mean direction at which the tip is as far out as the site."""
        along, across = sum(REACHER), REACHER[0] - REACHER[1] + REACHER[2]
        squared = (np.square(site).sum(1) - across**2) / (along**2 - across**2)
        opened: Array = np.arccos(np.sqrt(np.clip(squared, 0, 1)))
        return opened

    def zigzag(self, opened: Array, site: Array) -> Array:
        """The joint angles at which the links zigzag by `opened`, and the tip lies in the site's direction."""
        along, across = sum(REACHER), REACHER[0] - REACHER[1] + REACHER[2]
        aside = np.arctan2(across * np.sin(opened), along * np.cos(opened))
        shoulder = np.arctan2(site[:, 1], site[:, 0]) + self.side * (opened - aside)
        wrapped = (shoulder + np.pi) % (2 * np.pi) - np.pi
        return np.stack([wrapped, -2 * self.side * opened, 2 * self.side * opened], axis=1)


class Grasp:
    """The gripper goes to where it faces the ball from the arm's root, moves in, closes, and carries."""

    def __init__(self, n: int) -> None:
        self.phase, self.near, self.elbow = np.zeros(n, int), np.zeros(n, int), np.zeros((0, 1), bool)

    def __call__(self, s: Array) -> Array:
        q, ball = s[:, :3], s[:, 5:7]
        carrying = (self.phase == 2)[:, None]
        goal = np.where(carrying, BALL_SITE, ball)
        facing = goal / np.linalg.norm(goal, axis=1, keepdims=True)
        wrist = goal - np.choose(self.phase, [0.16, 0.085, GRIP])[:, None] * facing
        bent = [self.bent(wrist, facing, side) for side in (1, -1)]
        if not len(self.elbow):
            cost = [np.abs(b - q).sum(1) + 100 * (np.abs(b) > [3.1, 2.7, 2.7]).any(1) for b in bent]
            self.elbow = (cost[0] <= cost[1])[:, None]
        error = np.where(self.elbow, *bent) - q
        grip = np.stack(point(np, TO_GRIP, q), axis=1)
        self.near += (self.phase == 1) & (np.linalg.norm(grip - ball, axis=1) < 0.012)
        arrived = (self.phase == 0) & (np.abs(error).max(axis=1) < 0.15)
        self.phase = np.where(arrived, 1, np.where((self.phase == 1) & (self.near > 3), 2, self.phase))
        return np.concatenate([2.0 * error, np.where(carrying, 1.0, -1.0).repeat(2, axis=1)], axis=1)

    @staticmethod
    def bent(wrist: Array, facing: Array, side: float) -> Array:
        """Joint angles of the arm with its wrist there and its hand along `facing`; `side` is the elbow's."""
        upper, fore = GRIPPER[:2]
        cos = ((wrist**2).sum(1) - upper**2 - fore**2) / (2 * upper * fore)
        elbow = side * np.arccos(np.clip(cos, -0.94, 0.94))
        shoulder = np.arctan2(wrist[:, 1], wrist[:, 0]) - np.arctan2(fore * np.sin(elbow), upper + fore * np.cos(elbow))
        hand = np.arctan2(facing[:, 1], facing[:, 0]) - shoulder - elbow
        wrapped = (np.stack([shoulder, elbow, hand], axis=1) + np.pi) % (2 * np.pi) - np.pi
        return np.where([False, True, False], elbow[:, None], wrapped)


class Steer:
    """Steers hand and ball: in each step the smallest velocities that would end at the target if there were no noise.

    SLACK weighs their squares against the squared distances at the end: without it the last steps would ask for
    velocities that the hand does not have.
    """

    def __init__(self, n: int) -> None:
        dt = hand.DT
        spring, fall = dt * hand.SPRING / hand.MASS, dt * hand.GRAVITY
        # of one coordinate (hand, ball, velocity): a step moves hand and ball first, then the force acts
        step = np.array([[1, 0, 0], [0, 1, dt], [spring, -spring, 1 - spring * dt]])
        push, pull = np.array([dt, 0, spring * dt]), np.array([0, 0, -fall])
        ends, weight, effects = np.eye(3)[:2], np.zeros(2), np.zeros((2, 2))
        self.ends: list[Array] = []  # with 1, 2, ... steps left, as the next two
        self.weight: list[Array] = []
        self.gains: list[Array] = []
        for _ in range(hand.HORIZON):
            effect = ends @ push
            effects = effects + np.outer(effect, effect)
            weight = weight + ends @ pull
            self.gains.append(effect @ np.linalg.inv(effects + SLACK * np.eye(2)))
            ends = ends @ step
            self.ends.append(ends)
            self.weight.append(weight)

    def __call__(self, s: Array) -> Array:
        left = round((hand.END - float(s[0, hand.TIME])) / hand.DT) - 1
        coordinates = np.stack([s[:, hand.HAND], s[:, hand.BALL], s[:, hand.VELOCITY]], axis=-1)  # [n, 2, 3]
        missing = -coordinates @ self.ends[left].T
        missing[:, :, 1] += s[:, hand.TARGET]
        missing[:, 1] -= self.weight[left]
        velocities: Array = np.clip(missing @ self.gains[left], -1, 1)
        return velocities


POLICIES: dict[str, Callable[[int], Act]] = {
    "svg/hand": Steer,
    "svg/hand-noise-2": Steer,
    "svg/hand-noise-4": Steer,
    "svg/swimmer-3": lambda n: wave(3, 0.5, steering=0.6),
    "svg/swimmer-5": lambda n: wave(5, 1.5, steering=0.6),
    "svg/swimmer-7": lambda n: wave(7, 1.5, steering=0.6),
    "svg/reacher-4-target": Unfold,
    "svg/reacher-moving": Unfold,
    "svg/gripper": Grasp,
    "svg/monoped": Land,
    "svg/cheetah": lambda n: gallop(3.0, (0.0, 2.4, 4.8, 1.6, 4.0, 6.4)),
    "svg/cheetah-no-springs": lambda n: leap(),
    "svg/walker": Stride,
}
"""By task."""
