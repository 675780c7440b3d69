"""Two of gymnasium's environments, Swimmer-v5 and Hopper-v5, to compare our algorithms with a library's on them.

The same numbers as `gymnasium.make`, bit for bit from the same state with the same float64 actions; a test holds them
to it. v is a velocity along x over the control step; metres, radians, seconds. Both share:

* Actions are in [-1, 1], the motors' own control range. A larger one counts as 1, in the reward too: gymnasium does
  not clip, but libraries clip to the bounds of the action space.
* An episode is truncated after 1000 control steps, and starts at the model's own position and at rest, plus noise.
* A simulation that becomes unstable is dropped as everywhere here (`svgbench.words.task.Step`).

Sources: gymnasium 1.4.0, envs/mujoco/swimmer_v5.py, hopper_v5.py, mujoco_env.py; models likewise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from svgbench.ranges import Count
from svgbench.simulation_batch import never
from svgbench.tasks.forward import CLIP, ForwardTask, hopper_terminated
from svgbench.tasks.mujoco_batch import Motion, asset, compiled, uniform
from svgbench.words.task import Array

VERSION = 1

HORIZON = 1000  # control steps; gymnasium/envs/__init__.py


@dataclass(frozen=True, eq=False, kw_only=True)
class GymnasiumTask(ForwardTask):
    """A task that gymnasium has under the name `environment`. The constant reward is not paid on a failing step."""

    environment: str

    def reference_env(self) -> gymnasium.Env[Any, Any]:
        """The environment itself. Needs imageio, which gymnasium imports for its viewer."""
        return gymnasium.make(self.environment, max_episode_steps=self.horizon)

    def reward(self, motion: Motion) -> Array:
        healthy = np.where(self.terminated(motion), 0.0, self.constant)
        effort = np.square(np.clip(motion.action, -1.0, 1.0)).sum(axis=1)
        rewards: Array = motion.velocity[:, 0] + healthy - self.control_weight * effort
        return rewards


def make_swimmer(horizon: Count = HORIZON) -> GymnasiumTask:
    """gymnasium/swimmer-v5: three links in a viscous plane.

    s (8): qpos without x, y; qvel. a: 2. dt: 4 x 0.01 s, RK4. Never terminates.
    r = v - 1e-4 a'a, v of the root, 1.5 m behind the tip of the head.
    Start: positions (x and y too) and velocities +-0.1 uniform.
    """
    return GymnasiumTask(
        id="gymnasium/swimmer-v5",
        environment="Swimmer-v5",
        model=compiled(asset("swimmer.xml")),
        frame_skip=4,
        horizon=horizon,
        qpos_noise=uniform(0.1),
        qvel_noise=uniform(0.1),
        observation_dim=8,
        termination_function=never,
        unseen=2,
        constant=0.0,
        control_weight=1e-4,
    )


def make_hopper(horizon: Count = HORIZON) -> GymnasiumTask:
    """gymnasium/hopper-v5: one leg in a plane.

    s (11): qpos without x; qvel, clipped to +-10. a: 3. dt: 4 x 0.002 s, RK4.
    r = v + 1 - 1e-3 a'a, v of the root; without the 1 where the step terminates.
    Terminates unless z > 0.7, the pitch is within +-0.2, and all of qpos and qvel but x and z is within +-100.
    Start: positions and velocities +-0.005 uniform.
    """
    return GymnasiumTask(
        id="gymnasium/hopper-v5",
        environment="Hopper-v5",
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
