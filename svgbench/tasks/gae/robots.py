"""The 3-D robots of Figures 9 and 10 of Schulman 2016, chapter 4: a biped and a quadruped that walk, a biped that
stands up.

q and v are positions and velocities, the trunk's first (x, y, z, quaternion; linear and angular velocity); metres,
radians, seconds, newtons. u are the controls before saturation, in N m: an action a in [-1, 1] gives u = (largest
control) a. The reward uses a larger action as it is; the motor saturates, as in the original code. Each `make_...`
states its task; all of them have this in common:

* s: q without x and y, and v. Neither reward nor motion depends on x and y.
* A control step is 0.01 s (2 x 0.005 s, Euler); an episode is truncated after 2000.
* An episode starts uniformly around a reference position at rest, the quaternion then put to length 1, the joints
  into their ranges, and the robot out of the ground. The thesis does not print the width.
* v_fwd is the velocity of the trunk along x over the step; f are the forces and torques of contacts on all bodies
  (MuJoCo's cfrc_ext) in the last physics step, each of them counted up to `force_limit`.

Sources: thesis, section 4.6.2 (dimensions, rewards, heights, time step, 2000 steps); rllab, rll/rllab at ba78e4c, and
RLR, SFPD/rlreloaded at 650c64e, where it is silent. "The center of mass" below which an episode ends is the trunk's:
the biped's own, 0.88 m at rest, would leave 8 cm (rllab's simple_humanoid and RLR's icml_humanoid test the trunk too).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import mujoco
import numpy as np

from svgbench.ranges import Count, Positive
from svgbench.simulation_batch import never
from svgbench.tasks.gae._biped_model import HEAD, STANDING, biped
from svgbench.tasks.mujoco_batch import (
    Motion,
    MujocoTask,
    asset,
    compiled,
    joint_observation,
    uniform,
    with_contact_forces,
)
from svgbench.words.task import Array, Recorded

VERSION = 1

HORIZON = 2000  # control steps; thesis, section 4.6.2
BIPED_START = 0.05  # half width; RLR mjc.py, human3d
QUADRUPED_START = 0.1  # half width; RLR mjc2.py, sample_halfrange
QUADRUPED_TORQUE = 150.0  # N m; gymnasium's ant.xml, rllab's ant.xml
STARTS_AHEAD = 16  # episodes
ON_ITS_BACK = (np.sqrt(0.5), 0.0, -np.sqrt(0.5), 0.0)  # a quaternion


def below(height: float, obs: Any, action: Any, next_obs: Any) -> Any:
    """Booleans [...] of recorded next_obs [..., O], which begin with the height; NaN counts as below."""
    return ~(next_obs[..., 0] >= height)


def head_height(next_obs: Any) -> Any:
    """Heights [...] of the biped's head from observations [..., 31]: the trunk's, and the third axis of its frame."""
    return next_obs[..., 0] + HEAD * (1.0 - 2.0 * (next_obs[..., 2] ** 2 + next_obs[..., 3] ** 2))


def standing_reward(largest: Array, obs: Any, action: Any, next_obs: Any) -> Any:
    """Rewards [...] of recorded arrays action [..., 10], next_obs [..., 31]; `obs` does not count."""
    return -((head_height(next_obs) - 1.5) ** 2) - 1e-5 * ((largest * action) ** 2).sum(-1)


class Lowest:
    """The lowest point of a robot of capsules and balls, from its position [nq], in metres."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model, self._data = model, mujoco.MjData(model)
        self._geoms = np.flatnonzero(model.geom_bodyid > 0)
        capsules = model.geom_type[self._geoms] == int(mujoco.mjtGeom.mjGEOM_CAPSULE)
        self._radii, lengths, _ = model.geom_size[self._geoms].T
        self._halves = np.where(capsules, lengths, 0.0)

    def __call__(self, qpos: Array) -> float:
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)
        rises = np.abs(self._data.geom_xmat[self._geoms, 8]) * self._halves
        return float((self._data.geom_xpos[self._geoms, 2] - rises - self._radii).min())


@dataclass(frozen=True, eq=False, kw_only=True)
class Robot(MujocoTask):
    """A robot with a free trunk."""

    lowest: Lowest
    starts_ahead: int = STARTS_AHEAD

    def placed(self, qpos: Array) -> Array:
        quaternion = qpos[:, 3:7] / np.sqrt(np.square(qpos[:, 3:7]).sum(axis=1, keepdims=True))
        joints = np.clip(qpos[:, 7:], *self.model.jnt_range[1:].T)
        placed = np.concatenate([qpos[:, :3], quaternion, joints], axis=1)
        placed[:, 2] -= [min(self.lowest(position), 0.0) for position in placed]
        return placed

    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        return joint_observation(qpos, qvel, 2)


@dataclass(frozen=True, eq=False, kw_only=True)
class Walking(Robot):
    """Paid for the velocity of its trunk along x, until it falls."""

    control_weight: float  # per (N m)^2
    force_weight: float  # per N^2
    force_limit: float  # N, N m
    bonus: float
    tracked: int = 1
    acting: tuple[str, ...] = ("cfrc_ext",)
    termination_function: Recorded = field()

    def track(self, qpos: Array, derived: dict[str, Array]) -> Array:
        return qpos[:, :1].copy()

    def reward(self, motion: Motion) -> Array:
        effort = np.square(motion.control).sum(axis=1)
        forces = motion.acting["cfrc_ext"]
        if self.force_limit < np.inf:
            forces = forces.clip(-self.force_limit, self.force_limit)
        impact = np.square(forces).sum(axis=(1, 2))
        rewards: Array = motion.velocity[:, 0] + self.bonus - self.control_weight * effort - self.force_weight * impact
        return rewards


@dataclass(frozen=True, eq=False, kw_only=True)
class Standing(Robot):
    """Paid for the height of its head; never terminates."""

    reward_function: Recorded = field()
    termination_function: Recorded = never


def make_biped(horizon: Count = HORIZON, force_limit: Positive = 1.0) -> Walking:
    """gae/biped: a 3-D biped that walks (`svgbench.tasks.gae._biped_model`).

    State 33 (17 positions, 16 velocities); s (31); a: 10, u = 100 a in the legs and 20 a at the shoulders.
    r = v_fwd - 1e-5 u'u - 1e-5 f'f + 0.2, each of f counted up to 1 (rllab's simple_humanoid, whose constants are
    these): without that limit, standing alone would cost 0.77 a step and not be worth it.
    Terminates where the trunk is below 0.8 m.
    Start: +-0.05 around standing upright, the trunk at 1.40 m.
    """
    spec = biped()
    model = compiled(with_contact_forces(spec))
    return Walking(
        id="gae/biped",
        model=model,
        frame_skip=2,
        horizon=horizon,
        qpos_noise=uniform(BIPED_START),
        qvel_noise=uniform(BIPED_START),
        observation_dim=31,
        reference=reference(model, STANDING),
        lowest=Lowest(model),
        control_weight=1e-5,
        force_weight=1e-5,
        force_limit=force_limit,
        bonus=0.2,
        termination_function=partial(below, 0.8),
    )


def make_quadruped(horizon: Count = HORIZON, force_limit: Positive = np.inf) -> Walking:
    """gae/quadruped: four legs; gymnasium's ant.xml.

    State 29 (15 positions, 14 velocities); s (27); a: 8, u = 150 a.
    r = v_fwd - 1e-6 u'u - 1e-3 f'f + 0.05. The robot weighs 0.9 kg: at rest forces cost 0.03 a step, random actions
    about 1.
    Terminates where the trunk is below 0.2 m. That is rare, because the trunk is a ball of 0.25 m radius.
    Start: +-0.1 around gymnasium's init_qpos: the trunk at 0.55 m, knees bent.
    """
    spec = asset("ant.xml")
    for motor in spec.actuators:
        motor.gear, motor.ctrlrange = [1, 0, 0, 0, 0, 0], [-QUADRUPED_TORQUE, QUADRUPED_TORQUE]
    spec.option.timestep, spec.option.integrator = 0.005, mujoco.mjtIntegrator.mjINT_EULER
    model = compiled(with_contact_forces(spec))
    return Walking(
        id="gae/quadruped",
        model=model,
        frame_skip=2,
        horizon=horizon,
        qpos_noise=uniform(QUADRUPED_START),
        qvel_noise=uniform(QUADRUPED_START),
        observation_dim=27,
        reference=model.numeric("init_qpos").data.copy(),
        lowest=Lowest(model),
        control_weight=1e-6,
        force_weight=1e-3,
        force_limit=force_limit,
        bonus=0.05,
        termination_function=partial(below, 0.2),
    )


def make_biped_standing(horizon: Count = HORIZON) -> Standing:
    """gae/biped-standing: the biped gets up from its back.

    State, s, a and u as gae/biped's.
    r = -(h_head - 1.5)^2 - 1e-5 u'u, h_head the height of the head's centre: 1.59 m upright, about 0.15 m at the start.
    Never terminates.
    Start: +-0.05 around lying on its back with legs stretched, the trunk at 0.12 m.
    """
    model = compiled(biped())
    return Standing(
        id="gae/biped-standing",
        model=model,
        frame_skip=2,
        horizon=horizon,
        qpos_noise=uniform(BIPED_START),
        qvel_noise=uniform(BIPED_START),
        observation_dim=31,
        reference=reference(model, 0.12, ON_ITS_BACK),
        lowest=Lowest(model),
        reward_function=partial(standing_reward, model.actuator_ctrlrange[:, 1].copy()),
    )


def reference(model: mujoco.MjModel, height: float, quaternion: Sequence[float] = (1.0, 0.0, 0.0, 0.0)) -> Array:
    """The model's own position [nq] with the trunk at another height, and turned."""
    qpos = model.qpos0.copy()
    qpos[2], qpos[3:7] = height, quaternion
    return qpos
