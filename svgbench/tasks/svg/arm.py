"""The reachers of Heess et al. 2015, section 6.2 (Figure 4): with four targets, and with a moving one.

A planar arm of three links turns about the middle of a square box of +-0.3 m, whose walls stop it; gravity does not
act in its plane, and its links pass over each other. Action a in [-1, 1]: torques u = (largest torque) a [N m]; a motor
saturates, but the cost of a larger action counts in full. The friction of a joint is a third of its largest torque per
rad/s. So a joint turns at up to 3 rad/s, and the velocity of a stretched arm decays with a time constant of at most
0.08 s (0.13 s for the gripper's arm). Lengths are in metres, angles in radians; rewards are of the state before the
step. A control step is 0.05 s (10 x 0.005 s, Euler); an episode has 100, which is 5 s. Nothing terminates. Each
`make_...` states its task. The gripper (`svgbench.tasks.svg.gripper`) has the same kind of arm.

The paper prints the sizes of the reachers' s and a and describes the box, the corners and the aim in words. It prints
no length and no reward. The box is that of the DeepMind control suite's reacher, which has two links. The rewards are
of the kind that this group published in the same year (Lillicrap et al. 2015, supplement: a smooth distance, a bonus
near the target, a small cost of the action). The numbers are chosen. A light arm with a fifth of this friction, in
steps of 0.02 s, was not learned (trial runs, not committed): there an action changes little except the next velocities,
V barely depends on these, and the value of an action is lost in V's error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import mujoco
import numpy as np
from numpy.typing import NDArray

from svgbench.ranges import Count
from svgbench.simulation_batch import RawStep, Rows
from svgbench.tasks.mujoco_batch import MujocoSimulations, compiled, uniform
from svgbench.tasks.svg._mujoco import HINGE, SLIDE, StateTask, X, Y, Z, motor
from svgbench.tasks.svg._state_reward import StateReward, length
from svgbench.words.task import Array

VERSION = 1
VARIANTS = {"make_reacher": {"4-target": {"target": "corners"}, "moving": {"target": "moving"}}}
"""What is registered with gymnasium, by the end of its name."""

FRAME_SKIP = 10  # physics steps in a control step
HORIZON = 100  # control steps
BOX = 0.3  # half width, m
RADIUS = 0.01  # of a link
RANGES = (np.pi, 2.79, 2.79)  # +-, rad; the last two as the suite's wrist, 160 degrees
DAMPING = 1 / 3  # of the largest torque, s/rad: 3 rad/s is as fast as a joint turns
ARMATURE = 1e-4  # kg m^2
CANDIDATES = 64  # configurations that are drawn at once to find valid starts

REACHER = (0.12, 0.11, 0.10)  # m: a reach of 0.33 covers the box except its corners
TORQUES = (0.4, 0.1, 0.02)  # N m, of an arm's joints
SITE = 0.02  # radius of a target site
CORNER = 0.2  # m, of |x| and |y| of the four sites
FASTEST = 0.2  # m/s, of a moving site

WALL_BIT = 1  # of contacts with the walls


def point(xp: Any, lengths: Sequence[float], q: Any) -> tuple[Any, Any]:
    """x and y [...] of the end of a chain of these lengths at joint angles q [..., len(lengths)], in `xp`."""
    angles = xp.cumsum(q, -1)
    x = sum(each * xp.cos(angles[..., i]) for i, each in enumerate(lengths))
    y = sum(each * xp.sin(angles[..., i]) for i, each in enumerate(lengths))
    return x, y


def reacher_reward(xp: Any, s: Any, a: Any) -> Any:
    """Rewards [...] of s [..., 8], a [..., 3] in a namespace `xp`."""
    x, y = point(xp, REACHER, s[..., :3])
    away = length(xp, xp.stack([x - s[..., 6], y - s[..., 7]], -1), 0.01)
    return xp.exp(-((away / 0.05) ** 2)) - away / BOX - 0.01 * (a**2).sum(-1)


def inside(lengths: Sequence[float], q: Array) -> NDArray[np.bool_]:
    """Whether the arms [n] at joint angles q [n, 3] have all their links within the box."""
    room = BOX - RADIUS
    ends = [point(np, lengths[: i + 1], q[:, : i + 1]) for i in range(len(lengths))]
    within: NDArray[np.bool_] = np.abs(ends).max(axis=(0, 1)) <= room
    return within


def arms(rng: np.random.Generator, lengths: Sequence[float], count: int) -> Array:
    """Joint angles [count, 3], uniform among those within their ranges that keep the arm within the box."""
    found = np.zeros((0, 3))
    while len(found) < count:
        q = rng.uniform(-1.0, 1.0, (CANDIDATES, 3)) * RANGES
        found = np.concatenate([found, q[inside(lengths, q)]])
    return found[:count]


@dataclass(frozen=True, eq=False, kw_only=True)
class Reacher(StateTask):
    """moving: whether the site moves."""

    moving: bool

    def drawn(self, rng: np.random.Generator) -> Array:
        k = self.starts_ahead
        joints, still = arms(rng, REACHER, k), np.zeros((k, 3))
        if not self.moving:
            return np.concatenate([joints, CORNER * rng.choice([-1.0, 1.0], (k, 2)), still, np.zeros((k, 2))], axis=1)
        place = rng.uniform(-(BOX - SITE), BOX - SITE, (k, 2))
        speed, heading = rng.uniform(0.0, FASTEST, k), rng.uniform(-np.pi, np.pi, k)
        velocity = np.stack([speed * np.cos(heading), speed * np.sin(heading)], axis=1)
        return np.concatenate([joints, place, still, velocity], axis=1)

    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        return np.concatenate([qpos[:, :3], qvel[:, :3], reflected(qpos[:, 3:])[0]], axis=1)

    def simulate(
        self,
        seeds: Sequence[int],
        copies: int = 1,
        stream: str = "train",
        threads: int = 1,
        autoreset: bool = True,
    ) -> Reachers:
        """A batch of len(seeds) * copies simulations; see `svgbench.words.task.Task.simulate`."""
        return Reachers(self, seeds, copies, stream, threads, autoreset)


class Reachers(MujocoSimulations):
    """Reachers with sites that are reflected at the walls. No force acts on a site."""

    def _advance(self, ids: NDArray[np.int64] | None, rows: Rows, actions_nA: Array) -> RawStep:
        outcome = super()._advance(ids, rows, actions_nA)
        place, outside = reflected(self._qpos[rows, 3:])
        self._qpos[rows, 3:] = place
        self._qvel[rows, 3:] = np.where(outside, -1.0, 1.0) * self._qvel[rows, 3:]
        return outcome


def reflected(place: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Positions [n, 2] of sites, reflected at the walls that they passed; and which coordinates were reflected."""
    room = BOX - SITE
    outside = np.abs(place) > room
    return np.where(outside, np.sign(place) * 2.0 * room - place, place), outside


def box(name: str) -> mujoco.MjSpec:
    """Four walls, which face inwards."""
    spec = mujoco.MjSpec()
    spec.modelname = name
    spec.compiler.degree = False
    spec.option.timestep = 0.005
    spec.option.disableflags = int(mujoco.mjtDisableBit.mjDSBL_GRAVITY)
    spec.worldbody.add_light(pos=[0, 0, 2], dir=[0, 0, -1])
    half = np.sqrt(0.5)
    for side, turned in (((-1, 0), (0, half)), ((1, 0), (0, -half)), ((0, -1), (-half, 0)), ((0, 1), (half, 0))):
        wall = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[BOX, BOX, 0.02])
        wall.pos, wall.quat = [BOX * side[0], BOX * side[1], 0.0], [half, *turned, 0.0]
        wall.contype, wall.conaffinity, wall.solref = 0, WALL_BIT, [0.01, 1.0]
    return spec


def add_arm(spec: mujoco.MjSpec, lengths: Sequence[float]) -> mujoco.MjsBody:
    """The arm, stretched along x; returns its last link."""
    body = spec.worldbody
    for i, (each, torque) in enumerate(zip(lengths, TORQUES, strict=True)):
        body = body.add_body(name=f"link_{i}", pos=[lengths[i - 1] if i else 0.0, 0.0, 0.0])
        add_hinge(spec, body, f"joint_{i}", (-RANGES[i], RANGES[i]), torque)
        add_capsule(body, RADIUS, (0.0, 0.0), (each, 0.0), WALL_BIT)
    return body


def add_hinge(
    spec: mujoco.MjSpec,
    body: mujoco.MjsBody,
    name: str,
    limits: tuple[float, float],
    torque: float,
    axis: tuple[float, float, float] = Z,
) -> None:
    joint = body.add_joint(name=name, type=HINGE, axis=axis, range=limits, limited=True)
    joint.armature, joint.damping = ARMATURE, [DAMPING * torque, 0.0, 0.0]
    motor(spec, name, torque)


def add_capsule(
    body: mujoco.MjsBody, radius: float, one: tuple[float, float], other: tuple[float, float], bits: int
) -> None:
    capsule = body.add_geom(type=mujoco.mjtGeom.mjGEOM_CAPSULE, size=[radius, 0, 0], fromto=[*one, 0, *other, 0])
    capsule.contype, capsule.conaffinity = bits, 0


def add_slides(body: mujoco.MjsBody, friction: float) -> None:
    for name, axis in (("x", X), ("y", Y)):
        body.add_joint(name=f"{body.name}_{name}", type=SLIDE, axis=axis, damping=[friction, 0.0, 0.0])


def make_reacher(target: Literal["corners", "moving"] = "corners", horizon: Count = HORIZON) -> Reacher:
    """svg/reacher-4-target, svg/reacher-moving: the arm's tip is to be at a site.

    s (8): three joint angles, their velocities, x and y of the site.
    a: 3, u = (0.4, 0.1, 0.02) a. Links of 0.12, 0.11 and 0.1 m.
    r(s, a) = exp(-(d / 0.05)^2) - d / 0.3 - 0.01 |a|^2, d = sqrt(|tip - site|^2 + 0.01^2), before the step.
    Start: joint angles uniform among those that keep the arm within the box, at rest.
    "corners": the site is at one of (+-0.2, +-0.2) and stays there.
    "moving": it begins anywhere and moves straight on at up to 0.2 m/s, speed and heading uniform; a wall reflects it
    (its radius is 0.02 m). Its velocity is not in s, as in the paper, whose s has 8 numbers: so in one step the site
    moves by up to 10 mm that s does not show.
    Raises ValueError for another target.
    """
    if target not in ("corners", "moving"):
        raise ValueError(f"target is {target!r}, expected 'corners' or 'moving'")
    spec = box("reacher")
    tip = add_arm(spec, REACHER)
    tip.add_site(name="tip", pos=[REACHER[2], 0.0, 0.0])
    site = spec.worldbody.add_body(name="site")
    add_slides(site, 0.0)
    disc = site.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=[SITE, 0.002, 0], rgba=[0.8, 0.2, 0.2, 1])
    disc.contype, disc.conaffinity = 0, 0
    return Reacher(
        id="svg/reacher-4-target" if target == "corners" else "svg/reacher-moving",
        model=compiled(spec),
        frame_skip=FRAME_SKIP,
        horizon=horizon,
        qpos_noise=uniform(0.0),
        qvel_noise=uniform(0.0),
        observation_dim=8,
        moving=target == "moving",
        reward_function=StateReward(reacher_reward),
    )
