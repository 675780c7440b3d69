"""Shared part of the MuJoCo tasks of Heess et al. 2015: the observation is the state, the reward is r(s, a)."""

from __future__ import annotations

from dataclasses import dataclass, field

import mujoco

from svgbench.simulation_batch import never
from svgbench.tasks.mujoco_batch import MujocoTask, joint_observation
from svgbench.tasks.svg._state_reward import RewardedByState, StateReward
from svgbench.words.task import Array, Recorded

STARTS_AHEAD = 16  # episodes

SLIDE, HINGE = mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtJoint.mjJNT_HINGE
X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class StateTask(RewardedByState, MujocoTask):
    """s is all positions and velocities, unless a subclass observes otherwise."""

    starts_ahead: int = STARTS_AHEAD
    reward_function: StateReward = field()
    termination_function: Recorded = never

    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        return joint_observation(qpos, qvel, 0)


def motor(spec: mujoco.MjSpec, joint: str, torque: float) -> None:
    """A motor whose control is its torque in N m, limited to `torque`."""
    added = spec.add_actuator(name=joint, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    added.ctrlrange, added.ctrllimited = [-torque, torque], True
