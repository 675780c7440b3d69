"""MuJoCo robots with a reward for moving forward, as in gymnasium: the parts that the tasks of MBPO and of gymnasium
share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from svgbench.tasks.mujoco_batch import Motion, MujocoTask, joint_observation
from svgbench.words.task import Array, Bools, Recorded

CLIP = 10.0  # of hopper's and walker2d's velocities


def hopper_terminated(obs: Any, action: Any, next_obs: Any) -> Any:
    """Booleans [...] of recorded next_obs [..., 11]. The task applies it to velocities before they are clipped."""
    within = (abs(next_obs[..., 1:]) < 100).all(-1)  # false for NaN
    return ~(within & (next_obs[..., 0] > 0.7) & (abs(next_obs[..., 1]) < 0.2))


@dataclass(frozen=True, eq=False, kw_only=True)
class ForwardTask(MujocoTask):
    """A task with a reward for the velocity of its root along x.

    unseen: leading positions that the observation leaves out. clip: of the velocities in the observation.
    constant: reward of every step. control_weight: of the squared controls.
    """

    unseen: int
    clip: float = np.inf
    constant: float
    control_weight: float
    tracked: int = 1
    termination_function: Recorded = field()

    def track(self, qpos: Array, derived: dict[str, Array]) -> Array:
        return qpos[:, :1].copy()

    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        clipped = qvel if np.isinf(self.clip) else np.clip(qvel, -self.clip, self.clip)
        return joint_observation(qpos, clipped, self.unseen)

    def reward(self, motion: Motion) -> Array:
        effort = np.square(motion.action).sum(axis=1)
        rewards: Array = motion.velocity[:, 0] + self.constant - self.control_weight * effort
        return rewards

    def terminated(self, motion: Motion) -> Bools:
        unclipped = joint_observation(motion.qpos, motion.qvel, self.unseen)
        ended: Bools = self.termination_function(motion.observation, motion.action, unclipped)
        return ended
