"""The five tasks of Figure 2 of Amos et al. 2020: gym's of 2020, as Janner et al. 2019 (MBPO) run them.

s is the observation, u the controls, v a velocity along x over the control step, z the height of the torso at the new
state; metres, radians, seconds. Each `make_...` states its task; all of them have this in common:

* An episode is truncated after 1000 control steps.
* Actions are in [-1, 1] and scaled to the control range of the motors: u = a, for the humanoid 0.4 a. A larger one
  counts as it is in the reward; its motor saturates.
* The constant of a reward is given on the failing step too.
* An episode starts at the model's own position and at rest, plus noise.

Sources: openai/gym 0.17.2 envs/mujoco; facebookresearch/svg at 9fdf03a (svg/env/ant.py, humanoid.py; utils.py:
scaling of actions), whose two environments are jannerm/mbpo's. The humanoid's 1.25 is their 0.25 / time step, with
5 time steps in a control step. Models: gymnasium's, which differ from gym's only where
`svgbench.differences` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from svgbench.ranges import Count
from svgbench.simulation_batch import never
from svgbench.tasks.forward import CLIP, ForwardTask, hopper_terminated
from svgbench.tasks.mujoco_batch import (
    Motion,
    asset,
    compiled,
    normal,
    uniform,
    with_contact_forces,
)
from svgbench.words.task import Array

VERSION = 1

HORIZON = 1000  # control steps; gym 0.17.2 envs/__init__.py, svg/env/__init__.py


def walker2d_terminated(obs: Any, action: Any, next_obs: Any) -> Any:
    """Booleans [...] of recorded next_obs [..., 17]."""
    z, pitch = next_obs[..., 0], next_obs[..., 1]
    return ~((z > 0.8) & (z < 2.0) & (pitch > -1.0) & (pitch < 1.0))


def ant_terminated(obs: Any, action: Any, next_obs: Any) -> Any:
    """Booleans [...] of recorded next_obs [..., 27]."""
    finite = (abs(next_obs) < float("inf")).all(-1)
    return ~(finite & (next_obs[..., 0] >= 0.2) & (next_obs[..., 0] <= 1.0))


def humanoid_terminated(obs: Any, action: Any, next_obs: Any) -> Any:
    """Booleans [...] of recorded next_obs [..., 45]."""
    z = next_obs[..., 0]
    return (z < 1.0) | (z > 2.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Ant(ForwardTask):
    """Contact forces cost something; each of them is clipped to +-1."""

    def reward(self, motion: Motion) -> Array:
        forces = np.clip(motion.derived["cfrc_ext"], -1.0, 1.0)
        return super().reward(motion) - 5e-4 * np.square(forces).sum(axis=(1, 2))


@dataclass(frozen=True, eq=False, kw_only=True)
class Humanoid(ForwardTask):
    """Paid for the velocity of its centre of mass; contact forces cost something, up to a limit.

    control_range: of every motor, at action 1.
    """

    control_range: float

    def track(self, qpos: Array, derived: dict[str, Array]) -> Array:
        return derived["subtree_com"][:, 0, :1].copy()  # of the world's subtree: of everything

    def reward(self, motion: Motion) -> Array:
        effort = np.square(self.control_range * motion.action).sum(axis=1)
        impact = np.minimum(5e-7 * np.square(motion.derived["cfrc_ext"]).sum(axis=(1, 2)), 10.0)
        rewards: Array = 1.25 * motion.velocity[:, 0] + self.constant - self.control_weight * effort - impact
        return rewards


def make_hopper(horizon: Count = HORIZON) -> ForwardTask:
    """mbpo/hopper: one leg in a plane.

    s (11): qpos without x; qvel, clipped to +-10. a: 3. dt: 4 x 0.002 s, RK4.
    r = v + 1 - 1e-3 u'u, v of the root.
    Terminates unless z > 0.7, the pitch is within +-0.2, and all of qpos and qvel but x and z is within +-100.
    Start: positions and velocities +-0.005 uniform.
    """
    return ForwardTask(
        id="mbpo/hopper",
        model=compiled(asset("hopper.xml")),
        frame_skip=4,
        horizon=horizon,
        qpos_noise=uniform(0.005),
        qvel_noise=uniform(0.005),
        observation_dim=11,
        termination_function=hopper_terminated,
        unseen=1,
        clip=CLIP,
        constant=1.0,
        control_weight=1e-3,
    )


def make_walker2d(horizon: Count = HORIZON) -> ForwardTask:
    """mbpo/walker2d: two legs in a plane, with feet of different friction (right 0.9, left 1.9), as gym had them.

    s (17): qpos without x; qvel, clipped to +-10. a: 6. dt: 4 x 0.002 s, RK4.
    r = v + 1 - 1e-3 u'u, v of the root.
    Terminates unless 0.8 < z < 2 and the pitch is within +-1.
    Start: positions and velocities +-0.005 uniform.
    """
    return ForwardTask(
        id="mbpo/walker2d",
        model=compiled(asset("walker2d.xml")),
        frame_skip=4,
        horizon=horizon,
        qpos_noise=uniform(0.005),
        qvel_noise=uniform(0.005),
        observation_dim=17,
        termination_function=walker2d_terminated,
        unseen=1,
        clip=CLIP,
        constant=1.0,
        control_weight=1e-3,
    )


def make_ant(horizon: Count = HORIZON) -> Ant:
    """mbpo/ant: four legs; gym's without contact forces in the observation.

    s (27): qpos without x, y; qvel. a: 8. dt: 5 x 0.01 s, RK4.
    r = v + 1 - 0.5 u'u - 5e-4 sum(clip(f, -1, 1)^2), v of the torso, f the contact forces and torques on all bodies
    (MuJoCo's cfrc_ext, 14 x 6) at the new state.
    Terminates unless 0.2 <= z <= 1 and everything is finite.
    Start: positions +-0.1 uniform, velocities Gaussian 0.1.
    """
    return Ant(
        id="mbpo/ant",
        model=compiled(with_contact_forces(asset("ant.xml"))),
        frame_skip=5,
        horizon=horizon,
        qpos_noise=uniform(0.1),
        qvel_noise=normal(0.1),
        observation_dim=27,
        derived=("cfrc_ext",),
        termination_function=ant_terminated,
        unseen=2,
        constant=1.0,
        control_weight=0.5,
    )


def make_cheetah(horizon: Count = HORIZON) -> ForwardTask:
    """mbpo/cheetah: two legs in a plane.

    s (17): qpos without x; qvel. a: 6. dt: 5 x 0.01 s, Euler.
    r = v - 0.1 u'u, v of the root. Never terminates.
    Start: positions +-0.1 uniform, velocities Gaussian 0.1.
    """
    return ForwardTask(
        id="mbpo/cheetah",
        model=compiled(asset("half_cheetah.xml")),
        frame_skip=5,
        horizon=horizon,
        qpos_noise=uniform(0.1),
        qvel_noise=normal(0.1),
        observation_dim=17,
        termination_function=never,
        unseen=1,
        constant=0.0,
        control_weight=0.1,
    )


def make_humanoid(horizon: Count = HORIZON) -> Humanoid:
    """mbpo/humanoid: gym's without inertias, velocities of bodies, motor and contact forces in the observation.

    s (45): qpos without x, y; qvel. a: 17, u = 0.4 a. dt: 5 x 0.003 s, RK4.
    r = 1.25 v + 5 - 0.1 u'u - min(5e-7 sum(f^2), 10), v of the centre of mass, f the contact forces and torques on all
    bodies (MuJoCo's cfrc_ext, 14 x 6) at the new state.
    Terminates unless 1 <= z <= 2.
    Start: positions and velocities +-0.01 uniform.
    """
    model = compiled(with_contact_forces(asset("humanoid.xml")))
    return Humanoid(
        id="mbpo/humanoid",
        model=model,
        frame_skip=5,
        horizon=horizon,
        qpos_noise=uniform(0.01),
        qvel_noise=uniform(0.01),
        observation_dim=45,
        derived=("cfrc_ext", "subtree_com"),
        termination_function=humanoid_terminated,
        unseen=2,
        constant=5.0,
        control_weight=0.1,
        control_range=float(model.actuator_ctrlrange[0, 1]),  # 0.4, of all 17
    )
