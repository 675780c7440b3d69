"""The planar robots of Figure 4 of Schulman 2016, chapter 3: swimmer, hopper, walker.

q and v are joint positions and velocities, root first; metres, radians, seconds, newtons. u are the controls before
saturation, in N m: an action a in [-1, 1] gives u = (largest control) a. The reward uses a larger action as it is; the
motor saturates, as in the original code. Each `make_...` states its task. All are truncated after 1000 control steps
(thesis, Table 2).

Rewards, bonus and terminations are the thesis's (section 3.8.1), with the numbers that it leaves out from the original
code, RLR: SFPD/rlreloaded at 650c64e, control4/mdps/mjc.py. The original models are binaries of a MuJoCo before 1.0
that no program reads any more. Time steps are those of the authors' recorded runs of these models (RLR, domain_data/
mjc_examples: positions there are integrals of the next velocities with 0.05, 0.02 and 0.01 s exactly). Bodies are
gymnasium's, whose hopper and walker have the geometry of the MJCF that the authors moved to in the same year (RLR,
domain_data/mujoco_worlds), and get the joints and motors of that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import mujoco
import numpy as np

from svgbench.ranges import Count, NonNegative, Positive
from svgbench.simulation_batch import never
from svgbench.tasks.mujoco_batch import (
    Motion,
    MujocoTask,
    asset,
    compiled,
    joint_observation,
    timing,
    torque,
    uniform,
)
from svgbench.tasks.planar_chain import PlanarChain
from svgbench.words.task import Array, Recorded

VERSION = 1

HORIZON = 1000  # control steps; thesis, Table 2
START = 0.2  # half width of positions and velocities at a start; RLR mjc.py, sample_halfrange
CONTROL_WEIGHT = 1e-5  # per (N m)^2; thesis, section 3.8.1
STARTS_AHEAD = 16  # episodes
TOUCHING = 0.1  # m, the largest clearance that is observed; RLR mjc.py


def swimmer_reward(control_weight: float, torque: float) -> Recorded:
    """Rewards [...] of recorded arrays obs [..., 9], action [..., 2]; the next observation does not count."""

    def reward(obs: Any, action: Any, next_obs: Any) -> Any:
        return obs[..., 4] - control_weight * ((torque * action) ** 2).sum(-1)

    return reward


def fallen(obs: Any, action: Any, next_obs: Any) -> Any:
    """Booleans [...] of recorded next_obs [..., O], which begin with height and pitch."""
    z, pitch = next_obs[..., 0], next_obs[..., 1]
    return ~((z > 0.8) & (z < 2.0) & (abs(pitch) < 1.0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Swimmer(MujocoTask):
    """A task whose reward needs only its observation, and that never terminates."""

    starts_ahead: int = STARTS_AHEAD
    reward_function: Recorded = field()
    termination_function: Recorded = never

    @property
    def observation_scale(self) -> Array:
        """Half the range of each observation [O] in the authors' recorded run (RLR, ex_swimmer.h5)."""
        return np.array([0.35, 0.67, 1.0, 1.1, 0.31, 0.57, 0.97, 1.7, 2.3])

    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        return joint_observation(qpos, qvel, 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Legged(MujocoTask):
    """A planar robot on legs, paid for the velocity of its centre of mass and for being up.

    impact_weight: per (N s)^2 of the impulse that the ground gives the robot in a control step.
    impact_limit: of what a step pays for impacts.
    """

    chain: PlanarChain
    impact_weight: float
    impact_limit: float
    starts_ahead: int = STARTS_AHEAD
    acting: tuple[str, ...] = ("qfrc_constraint",)
    termination_function: Recorded = fallen

    def placed(self, qpos: Array) -> Array:
        return self.chain.standing(qpos)

    def track(self, qpos: Array, derived: dict[str, Array]) -> Array:
        return self.chain.places(qpos)

    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        return joint_observation(qpos, qvel, 1)

    def augment_observation(self, observation: Array, tracked: Array, acting: dict[str, Array]) -> Array:
        clearances = tracked[:, 1:].clip(0.0, TOUCHING)
        return np.concatenate([observation, clearances, self.dt * acting["qfrc_constraint"]], axis=1)

    def reward(self, motion: Motion) -> Array:
        effort = np.square(motion.control).sum(axis=1)
        rewards: Array = motion.velocity[:, 0] + 1.0 - CONTROL_WEIGHT * effort
        if self.impact_weight:
            impulse = self.dt * motion.acting["qfrc_constraint"][:, :2]
            rewards -= np.minimum(self.impact_weight * np.square(impulse).sum(axis=1), self.impact_limit)
        return rewards


def make_swimmer(horizon: Count = HORIZON, control_weight: NonNegative = CONTROL_WEIGHT) -> Swimmer:
    """trpo/swimmer: three links in a viscous plane.

    State (10): q = (x, y of the tip of the head; heading; two joints) and v. s (9): without x. a: 2, u = 50 a.
    dt: 2 x 0.025 s, RK4. Never terminates.
    r = v_x - 1e-5 u'u, v_x of the tip of the head, in s (before the step, as in the original code); the original
    code's weight is 1e-8.
    Start: everything +-0.2 uniform around the stretched robot at rest, heading along x.
    Body: gymnasium's swimmer.xml (three links of 1 m; density of the water 4000 kg/m^3, viscosity 0.1 Pa s), turning
    about the tip of its head instead of a point 1.5 m behind it, without armature, motors of +-50 N m (RLR mjc.py).
    The authors' recorded run starts with the accelerations of such links: 7 % larger than these. Joint limits give
    way over 0.05 s, the least that goes with the physics step, instead of 0.02 s.
    """
    spec = asset("swimmer.xml")
    for joint in spec.joints:
        joint.armature, joint.solref_limit = 0.0, [0.05, 1.0]
    spec.joint("free_body_rot").pos = spec.geoms[1].fromto[:3]  # the tip, 1.5 m ahead
    torque(spec, [50.0, 50.0])
    timing(spec, 0.025, mujoco.mjtIntegrator.mjINT_RK4)
    return Swimmer(
        id="trpo/swimmer",
        model=compiled(spec),
        frame_skip=2,
        horizon=horizon,
        qpos_noise=uniform(START),
        qvel_noise=uniform(START),
        observation_dim=9,
        reward_function=swimmer_reward(control_weight, 50.0),
    )


def make_hopper(horizon: Count = HORIZON, impact_weight: NonNegative = 0.0, impact_limit: Positive = np.inf) -> Legged:
    """trpo/hopper: one leg.

    State (12): q = (x, z of the torso, pitch, hip, knee, ankle) and v. a: 3, u = 200 a.
    s (21): q without x, v, clearances of the four bodies above the ground up to 0.1 m, and 0.02 s times the
    constraint forces on the six coordinates (contacts and joint limits) in the last physics step; 0 at a start.
    dt: 2 x 0.01 s, Euler.
    r = v_x + 1 - 1e-5 u'u - min(w J'J, limit), v_x of the centre of mass over the step, J the impulse that the ground
    gives (x and z of the above), w = 0 as in the thesis (the original code has the walker's).
    Terminates unless 0.8 < z < 2 and the pitch is within +-1.
    Start: everything +-0.2 uniform around standing at rest, joints then within their ranges, lifted out of the ground.
    Body: gymnasium's hopper.xml, with the joints' armature 0.2 and damping 0.1 and the motors of the authors' later
    hopper.xml (RLR). Those of mjc.py, 15, 60 and 70 N m, were for a body that is lost: with them a search over linear
    policies taught this one to stand only.
    """
    spec = asset("hopper.xml")
    for name in ("thigh_joint", "leg_joint", "foot_joint"):
        spec.joint(name).armature = 0.2
        spec.joint(name).damping = [0.1, 0.0, 0.0]
    torque(spec, [200.0] * 3)
    timing(spec, 0.01, mujoco.mjtIntegrator.mjINT_EULER)
    return _legged("trpo/hopper", spec, 2, horizon, impact_weight, impact_limit)


def make_walker(
    horizon: Count = HORIZON, impact_weight: NonNegative = 0.005, impact_limit: Positive = np.inf
) -> Legged:
    """trpo/walker: two legs.

    State (18): q = (x, z of the torso, pitch, and hip, knee, ankle of each leg) and v. a: 6, u = (150, 100, 100) a of
    each leg.
    s (33): q without x, v, clearances of the seven bodies above the ground up to 0.1 m, and 0.01 s times the
    constraint forces on the nine coordinates (contacts and joint limits) in the last physics step; 0 at a start.
    dt: 2 x 0.005 s, Euler.
    r = v_x + 1 - 1e-5 u'u - min(w J'J, limit), v_x of the centre of mass over the step, J the impulse that the ground
    gives (x and z of the above), w = 0.005 per (N s)^2 (RLR mjc.py, whose forces are impulses; in its later
    mjc2.py, for forces in N, it is 5e-7: the same). Standing costs 0.03.
    Terminates unless 0.8 < z < 2 and the pitch is within +-1.
    Start: everything +-0.2 uniform around standing at rest, joints then within their ranges, lifted out of the ground.
    Body: gymnasium's walker2d.xml, with the same friction (0.9) at both feet and the motors of the authors' later
    walker2d.xml (RLR).
    """
    spec = asset("walker2d.xml")
    spec.geom("foot_left_geom").friction = spec.geom("foot_geom").friction
    torque(spec, [150.0, 100.0, 100.0] * 2)
    timing(spec, 0.005, mujoco.mjtIntegrator.mjINT_EULER)
    return _legged("trpo/walker", spec, 2, horizon, impact_weight, impact_limit)


def _legged(
    name: str, spec: mujoco.MjSpec, frame_skip: int, horizon: int, impact_weight: float, impact_limit: float
) -> Legged:
    model = compiled(spec)
    chain = PlanarChain(model)
    return Legged(
        id=name,
        model=model,
        frame_skip=frame_skip,
        horizon=horizon,
        qpos_noise=uniform(START),
        qvel_noise=uniform(START),
        observation_dim=model.nq - 1 + 2 * model.nv + model.nbody - 1,
        tracked=model.nbody,
        chain=chain,
        impact_weight=impact_weight,
        impact_limit=impact_limit,
    )
