"""The six tasks of Table 2 of Amos et al. 2020: five of Wang et al. 2019 (as POPLIN runs them) and PETS' cheetah.

s is the observation in which the action a was taken, s' the next one; metres, radians, seconds. Five of the six
rewards are of the state *before* the step. Each `make_...` states its task; all of them have this in common:

* Nothing terminates: an episode is truncated after 1000 control steps, fallen over or not.
* Actions are in [-1, 1], the motors' own control range. A larger one counts as it is in the reward; its motor
  saturates.
* Velocities are not clipped in observations.
* An episode starts at the model's own position and at rest, plus noise; ant, hopper, walker2d and cheetah are then put
  to x = y = 0.

Sources: WilsonWangTHU/mbbl at bb88a01 (mbbl/env/gym_env/walker.py: observation, reward, end, x = y = 0 at a start;
fixed_swimmer.py and fix_swimmer/: the swimmer; env_register.py: sizes and 1000 steps); gym 0.7.4 envs/mujoco (frame
skips, starts); facebookresearch/svg at 9fdf03a (svg/env/pets_cheetah.py). Models: gymnasium's, which differ from
those only where `svgbench.differences` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import mujoco
import numpy as np

from svgbench.ranges import Count
from svgbench.simulation_batch import never
from svgbench.tasks.mujoco_batch import (
    MujocoTask,
    asset,
    compiled,
    joint_observation,
    normal,
    uniform,
)
from svgbench.words.task import Array, Recorded

VERSION = 1

HORIZON = 1000  # control steps; mbbl env_register.py, svg/env/__init__.py


def _squared(action: Any) -> Any:
    return (action * action).sum(-1)


def ant_reward(obs: Any, action: Any, next_obs: Any) -> Any:
    """Rewards [...] of recorded arrays obs [..., 27], action [..., 8]; `next_obs` does not count."""
    return obs[..., 13] + 1.0 - 3.0 * (obs[..., 0] - 0.57) ** 2 - 0.1 * _squared(action)


def hopper_reward(obs: Any, action: Any, next_obs: Any) -> Any:
    """Rewards [...] of recorded arrays obs [..., 11], action [..., 3]; `next_obs` does not count."""
    return obs[..., 5] + 1.0 - 3.0 * (obs[..., 0] - 1.3) ** 2 - 0.1 * _squared(action)


def walker2d_reward(obs: Any, action: Any, next_obs: Any) -> Any:
    """Rewards [...] of recorded arrays obs [..., 17], action [..., 6]; `next_obs` does not count."""
    return obs[..., 8] + 1.0 - 3.0 * (obs[..., 0] - 1.3) ** 2 - 0.1 * _squared(action)


def cheetah_reward(obs: Any, action: Any, next_obs: Any) -> Any:
    """Rewards [...] of recorded arrays obs [..., 17], action [..., 6]; `next_obs` does not count."""
    return obs[..., 8] - 0.1 * _squared(action)


def swimmer_reward(obs: Any, action: Any, next_obs: Any) -> Any:
    """Rewards [...] of recorded arrays obs [..., 9], action [..., 2]; `next_obs` does not count."""
    return obs[..., 8] - 1e-4 * _squared(action)


def pets_cheetah_reward(obs: Any, action: Any, next_obs: Any) -> Any:
    """Rewards [...] of recorded arrays next_obs [..., 19], action [..., 6]; `obs` does not count."""
    return next_obs[..., 0] - 0.1 * _squared(action)


@dataclass(frozen=True, eq=False, kw_only=True)
class PoplinTask(MujocoTask):
    """A task without termination whose observation is joint positions and velocities.

    unseen: leading positions that the observation leaves out (x, or x and y). centred: whether they start at 0.
    """

    unseen: int
    centred: bool = True
    reward_function: Recorded = field()
    termination_function: Recorded = never

    def placed(self, qpos: Array) -> Array:
        if self.centred:
            qpos[:, : self.unseen] = 0.0
        return qpos

    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        return joint_observation(qpos, qvel, self.unseen)


@dataclass(frozen=True, eq=False, kw_only=True)
class Swimmer(PoplinTask):
    """The observation ends in the velocity of the tip of the head along x, over the last control step."""

    reach: float  # metres from the joint that turns the whole body to the tip

    def track(self, qpos: Array, derived: dict[str, Array]) -> Array:
        return qpos[:, :1] + self.reach * np.cos(qpos[:, 2:3])

    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        return np.concatenate([qpos[:, self.unseen :], qvel, velocity], axis=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class PetsCheetah(PoplinTask):
    """The observation begins with the velocity of the root along x over the last step, and has no angle of pitch."""

    def track(self, qpos: Array, derived: dict[str, Array]) -> Array:
        return qpos[:, :1].copy()

    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        pitch = qpos[:, 2:3]
        return np.concatenate([velocity, qpos[:, 1:2], np.sin(pitch), np.cos(pitch), qpos[:, 3:], qvel], axis=1)


def make_ant(horizon: Count = HORIZON) -> PoplinTask:
    """poplin/ant: four legs.

    s (27): qpos without x, y; qvel. a: 8. dt: 5 x 0.01 s, RK4. Never terminates.
    r = s[13] + 1 - 3 (s[0] - 0.57)^2 - 0.1 a'a: velocity of the torso along x, its height (aim 0.57 m), effort.
    Start: positions +-0.1 uniform, velocities Gaussian 0.1.
    """
    return PoplinTask(
        id="poplin/ant",
        model=compiled(asset("ant.xml")),
        frame_skip=5,
        horizon=horizon,
        qpos_noise=uniform(0.1),
        qvel_noise=normal(0.1),
        observation_dim=27,
        reward_function=ant_reward,
        unseen=2,
    )


def make_hopper(horizon: Count = HORIZON) -> PoplinTask:
    """poplin/hopper: one leg in a plane.

    s (11): qpos without x; qvel. a: 3. dt: 4 x 0.002 s, RK4. Never terminates.
    r = s[5] + 1 - 3 (s[0] - 1.3)^2 - 0.1 a'a: velocity of the torso along x, its height (aim 1.3 m), effort.
    Start: positions and velocities +-0.005 uniform.
    """
    return PoplinTask(
        id="poplin/hopper",
        model=compiled(asset("hopper.xml")),
        frame_skip=4,
        horizon=horizon,
        qpos_noise=uniform(0.005),
        qvel_noise=uniform(0.005),
        observation_dim=11,
        reward_function=hopper_reward,
        unseen=1,
    )


def make_walker2d(horizon: Count = HORIZON) -> PoplinTask:
    """poplin/walker2d: two legs in a plane, with feet of different friction (right 0.9, left 1.9), as gym had them.

    s (17): qpos without x; qvel. a: 6. dt: 4 x 0.002 s, RK4. Never terminates.
    r = s[8] + 1 - 3 (s[0] - 1.3)^2 - 0.1 a'a: velocity of the torso along x, its height (aim 1.3 m), effort.
    Start: positions and velocities +-0.005 uniform.
    """
    return PoplinTask(
        id="poplin/walker2d",
        model=compiled(asset("walker2d.xml")),
        frame_skip=4,
        horizon=horizon,
        qpos_noise=uniform(0.005),
        qvel_noise=uniform(0.005),
        observation_dim=17,
        reward_function=walker2d_reward,
        unseen=1,
    )


def make_cheetah(horizon: Count = HORIZON) -> PoplinTask:
    """poplin/cheetah: two legs in a plane.

    s (17): qpos without x; qvel. a: 6. dt: 5 x 0.01 s, Euler. Never terminates.
    r = s[8] - 0.1 a'a: velocity of the torso along x, effort.
    Start: positions +-0.1 uniform, velocities Gaussian 0.1.
    """
    return PoplinTask(
        id="poplin/cheetah",
        model=compiled(asset("half_cheetah.xml")),
        frame_skip=5,
        horizon=horizon,
        qpos_noise=uniform(0.1),
        qvel_noise=normal(0.1),
        observation_dim=17,
        reward_function=cheetah_reward,
        unseen=1,
    )


def make_swimmer(horizon: Count = HORIZON) -> Swimmer:
    """poplin/swimmer: three links in a viscous plane.

    s (9): qpos without x, y; qvel; velocity along x of the tip of the head over the step that led to s, 0 at the
    start. a: 2. dt: 4 x 0.01 s, RK4. Never terminates.
    r = s[8] - 1e-4 a'a: the tip's velocity, effort.
    Start: positions (x and y too) and velocities +-0.1 uniform.
    """
    model = compiled(asset("swimmer.xml"))
    # The head is the link of the torso: a capsule along x of the body whose origin the three root joints move.
    head = int(model.body_geomadr[mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, "torso")])
    return Swimmer(
        id="poplin/swimmer",
        model=model,
        frame_skip=4,
        horizon=horizon,
        qpos_noise=uniform(0.1),
        qvel_noise=uniform(0.1),
        observation_dim=9,
        tracked=1,
        reward_function=swimmer_reward,
        unseen=2,
        centred=False,
        reach=float(model.geom_pos[head, 0] + model.geom_size[head, 1]),  # 1.5 m
    )


def make_pets_cheetah(horizon: Count = HORIZON) -> PetsCheetah:
    """poplin/pets-cheetah: the cheetah with the reward of Chua et al. 2018 and the observation of Amos et al.

    s (19): velocity of the root along x over the step that led to s, 0 at the start; z; sine and cosine of the
    pitch; 6 joints; qvel. a: 6. dt: 5 x 0.01 s, Euler. Never terminates.
    r = s'[0] - 0.1 a'a: velocity over this step, effort.
    Start: positions (x too) and velocities Gaussian 0.001.
    """
    return PetsCheetah(
        id="poplin/pets-cheetah",
        model=compiled(asset("half_cheetah.xml")),
        frame_skip=5,
        horizon=horizon,
        qpos_noise=normal(0.001),
        qvel_noise=normal(0.001),
        observation_dim=19,
        tracked=1,
        reward_function=pets_cheetah_reward,
        unseen=1,
        centred=False,
    )
