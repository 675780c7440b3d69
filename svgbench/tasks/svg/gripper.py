"""The gripper of Heess et al. 2015, section 6.2 (Figure 4): an arm with two fingers, and a ball.

The arm of `svgbench.tasks.svg.arm`, of other lengths, with two fingers at its end; an episode has 150 control steps of
0.05 s and is never terminated. "A manipulator that can grab a ball in a randomized position and return it to a
specified site": no number is published, not even the sizes of s and a.

The weights of the distances were changed once. With (d + 2 l) / 0.3 instead of (2 d + l / 2) / 0.3, almost nothing was
learned in 500 episodes of SVG(1)-ER (-385, untrained -404; ten seeds). Our explanation: V then depends mostly on where
the ball lies, which an empty hand cannot change, and the hand's own distance is lost in V's error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import mujoco
import numpy as np

from svgbench.ranges import Count, NonNegative
from svgbench.tasks.mujoco_batch import compiled, uniform
from svgbench.tasks.svg._mujoco import StateTask
from svgbench.tasks.svg._state_reward import StateReward, length
from svgbench.tasks.svg.arm import (
    BOX,
    FRAME_SKIP,
    SITE,
    WALL_BIT,
    add_arm,
    add_capsule,
    add_hinge,
    add_slides,
    arms,
    box,
    point,
)
from svgbench.words.task import Array

VERSION = 1

HORIZON = 150  # control steps
GRIPPER = (0.14, 0.12, 0.06)  # m, the last to the palm
FINGER_TORQUE = 0.02  # N m
PALM = 0.025  # half width; fingers hang at its ends
FINGER = 0.006  # radius
OPEN, CLOSED = -0.5, 0.5  # rad, of a finger
AJAR = -0.4  # rad, of fingers at the start; from about -0.3 down the ball passes between them
BALL = 0.02  # radius
BALL_MASS, BALL_FRICTION = 0.02, 0.1  # kg, N s/m on the ground
GRIP = 0.09  # m, from the wrist to where a held ball is
TO_GRIP = (*GRIPPER[:2], GRIP)
BALL_START = (0.16, 0.26)  # m from the arm's root
BALL_SITE = np.array([0.2, 0.0])  # target of the ball
GRIP_WEIGHT, BALL_WEIGHT = 2.0, 0.5  # of the distances from grip to ball and from ball to site

BALL_BIT = 2  # of contacts with the ball


def gripper_reward(grip_weight: float, ball_weight: float, xp: Any, s: Any, a: Any) -> Any:
    """Rewards [...] of s [..., 14], a [..., 5] in a namespace `xp`."""
    x, y = point(xp, TO_GRIP, s[..., :3])
    away = length(xp, xp.stack([x - s[..., 5], y - s[..., 6]], -1), 0.01)
    left = length(xp, xp.stack([s[..., 5] - BALL_SITE[0], s[..., 6] - BALL_SITE[1]], -1), 0.01)
    near = xp.exp(-((left / 0.05) ** 2)) + 0.5 * xp.exp(-((away / 0.03) ** 2))
    return near - (grip_weight * away + ball_weight * left) / BOX - 0.01 * (a**2).sum(-1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Gripper(StateTask):
    """An arm with two fingers, and a ball."""

    def drawn(self, rng: np.random.Generator) -> Array:
        k = self.starts_ahead
        found = np.zeros((0, 14))
        while len(found) < k:
            joints = arms(rng, TO_GRIP, k)
            radius = np.sqrt(rng.uniform(BALL_START[0] ** 2, BALL_START[1] ** 2, k))
            heading = rng.uniform(-np.pi, np.pi, k)
            ball = np.stack([radius * np.cos(heading), radius * np.sin(heading)], axis=1)
            hand = np.stack(point(np, TO_GRIP, joints), axis=1)
            starts = np.concatenate([joints, np.full((k, 2), AJAR), ball, np.zeros((k, 7))], axis=1)
            apart = np.square(hand - ball).sum(axis=1) > (0.1) ** 2
            found = np.concatenate([found, starts[apart]])
        return found[:k]


def add_fingers(spec: mujoco.MjSpec, hand: mujoco.MjsBody) -> None:
    """A palm across the hand's end, and at its ends two fingers, which bend inwards at their tips; closing counts
    positive."""
    end, bits = GRIPPER[2], WALL_BIT | BALL_BIT
    add_capsule(hand, FINGER, (end, -PALM), (end, PALM), bits)
    for name, side in (("left", 1.0), ("right", -1.0)):
        finger = hand.add_body(name=name, pos=[end, side * PALM, 0.0])
        add_hinge(spec, finger, name, (OPEN, CLOSED), FINGER_TORQUE, axis=(0.0, 0.0, -side))
        add_capsule(finger, FINGER, (0.0, 0.0), (0.035, 0.0), bits)
        add_capsule(finger, FINGER, (0.035, 0.0), (0.055, -0.015 * side), bits)


def make_gripper(
    horizon: Count = HORIZON, *, grip_weight: NonNegative = GRIP_WEIGHT, ball_weight: NonNegative = BALL_WEIGHT
) -> Gripper:
    """svg/gripper: the hand must grasp a ball and bring it to a site at (0.2, 0).

    s (14): q = (three joint angles of the arm, two of the fingers, x and y of the ball) and their velocities.
    a: 5, u = (0.4, 0.1, 0.02, 0.02, 0.02) a. Links of 0.14, 0.12 and 0.06 m, the last up to the palm; fingers from
    -0.5 (open) to 0.5 (closed); the grip, where a held ball is, is 0.09 m from the wrist.
    r(s, a) = exp(-(l / 0.05)^2) + 1/2 exp(-(d / 0.03)^2) - (2 d + l / 2) / 0.3 - 0.01 |a|^2, before the step,
    l = sqrt(|ball - site|^2 + 0.01^2), d the same of grip and ball; grip_weight and ball_weight are the 2 and the 1/2.
    Closed fingers earn nothing: the reward would come before the ball is between them.
    Start: the arm uniform among the angles that keep it within the box, fingers open (-0.4), the ball anywhere between
    0.16 and 0.26 m from the arm's root and 0.1 m or more from the grip, at rest.
    The ball (radius 0.02 m, 20 g) touches hand and walls only, does not turn, and slides with a friction of 0.1 N s/m.
    """
    spec = box("gripper")
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    hand = add_arm(spec, GRIPPER)
    add_fingers(spec, hand)
    ball = spec.worldbody.add_body(name="ball")
    add_slides(ball, BALL_FRICTION)
    sphere = ball.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[BALL, 0, 0], mass=BALL_MASS)
    sphere.contype, sphere.conaffinity = WALL_BIT, BALL_BIT
    spec.worldbody.add_site(name="goal", pos=[*BALL_SITE, 0.0], size=[SITE, 0, 0])
    return Gripper(
        id="svg/gripper",
        model=compiled(spec),
        frame_skip=FRAME_SKIP,
        horizon=horizon,
        qpos_noise=uniform(0.0),
        qvel_noise=uniform(0.0),
        observation_dim=14,
        reward_function=StateReward(partial(gripper_reward, grip_weight, ball_weight)),
    )
