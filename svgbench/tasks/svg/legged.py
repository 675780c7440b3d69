"""The robots on legs of Heess et al. 2015, section 6.2 (Figure 4): monoped, half-cheetah, walker.

They are planar. s is all of q and v, joint positions and velocities, root first (x, z, pitch); metres, radians, N m. In
s, x is always 0: nothing depends on a robot's place, and a running robot would soon see values of x outside its
training data.
Action a in [-1, 1]: torques u = (largest torque) a; a motor saturates, but the cost of a larger action counts in full.
Rewards are of the state before the step; v_x is the root's. Each `make_...` states its task.

Published are the sizes of s and a (monoped, half-cheetah), the 200 steps, the fall and the torque noise of the monoped,
and that the cheetah is Wawrzynski's and the walker Schulman's. The rewards are not published. Ours resemble those that
this group published in the same year (Lillicrap et al. 2015, supplement: forward velocity, a small cost of the action).
They are smooth, and their numbers are our choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from svgbench.ranges import Count, NonNegative
from svgbench.simulation_batch import DrawnAhead
from svgbench.tasks.mujoco_batch import MujocoSimulations, asset, compiled, normal, timing, torque, uniform
from svgbench.tasks.planar_chain import PlanarChain
from svgbench.tasks.svg._mujoco import HINGE, SLIDE, StateTask, X, Y, Z, motor
from svgbench.tasks.svg._state_reward import StateReward
from svgbench.words.task import Array

VERSION = 1
VARIANTS: dict[str, dict[str, dict[str, bool]]] = {"make_cheetah": {"": {}, "no-springs": {"springs": False}}}
"""What is registered with gymnasium, by the end of its name."""

MONOPED_HORIZON, HORIZON = 200, 300  # control steps
MONOPED_NOISE = 0.05  # standard deviation of the torques, of the largest
NOISE_AHEAD = 100  # steps whose torque noise a simulation draws at once
DROP, STANDING = 1.3, 0.9  # m, heights of the trunk's middle
MONOPED_START, CHEETAH_START, WALKER_START = 0.1, 0.1, 0.1  # half widths; of the cheetah's velocities the deviation
# name, length [m] down to the next joint, radius [m], range [rad] of the joint at its top, largest torque [N m]
LEG: tuple[tuple[str, float, float, tuple[float, float], float], ...] = (
    ("waist", 0.2, 0.065, (-0.52, 0.52), 30.0),
    ("hip", 0.33, 0.04, (-2.97, 0.17), 40.0),
    ("knee", 0.32, 0.03, (0.09, 2.62), 30.0),
)
ANKLE = ((-0.79, 0.79), 10.0)
HEEL, TOE, FOOT = -0.08, 0.17, 0.04  # m; the last is its radius
BENT = (0.0, -0.2, 0.4, -0.2)  # of waist, hip, knee and ankle: the foot level below the trunk
WALKER_TORQUES = (100.0, 50.0, 20.0) * 2  # N m; the control suite's walker's
CONTROL_WEIGHT = 1e-5  # per (N m)^2, of the walker; thesis of its author, section 3.8.1
UPRIGHT_WEIGHT = 2.0  # of the walker; with 1, falling forward pays more than standing at a discount of 0.98


def monoped_reward(xp: Any, s: Any, a: Any) -> Any:
    """Rewards [...] of s [..., 14], a [..., 4] in a namespace `xp`."""
    off = xp.sqrt((s[..., 1] - STANDING) ** 2 + 0.05**2)
    return xp.cos(s[..., 2]) - 2.0 * off - 0.05 * (a**2).sum(-1)


def cheetah_reward(xp: Any, s: Any, a: Any) -> Any:
    """Rewards [...] of s [..., 18], a [..., 6] in a namespace `xp`."""
    return s[..., 9] - 0.05 * (a**2).sum(-1)


def walker_reward(xp: Any, s: Any, a: Any) -> Any:
    """Rewards [...] of s [..., 18], a [..., 6] in a namespace `xp`."""
    effort = sum((largest * a[..., i]) ** 2 for i, largest in enumerate(WALKER_TORQUES))
    return s[..., 9] + UPRIGHT_WEIGHT * xp.cos(s[..., 2]) - CONTROL_WEIGHT * effort


def fallen(obs: Any, action: Any, next_obs: Any) -> Any:
    """Booleans [...] of recorded next_obs [..., 18]; NaN counts as fallen."""
    z, pitch = next_obs[..., 1], next_obs[..., 2]
    return ~((z > 0.8) & (z < 2.0) & (pitch > -1.0) & (pitch < 1.0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Legged(StateTask):
    """Satisfies `svgbench.words.task.Task`. What it observes has x = 0."""

    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        s = super().observation(qpos, qvel, velocity)
        s[:, 0] = 0.0
        return s


@dataclass(frozen=True, eq=False, kw_only=True)
class Monoped(Legged):
    """noise: standard deviation of the torques, as a share of the largest."""

    noise: float

    def simulate(
        self,
        seeds: Sequence[int],
        copies: int = 1,
        stream: str = "train",
        threads: int = 1,
        autoreset: bool = True,
    ) -> Monopeds:
        """A batch of len(seeds) * copies simulations; see `svgbench.words.task.Task.simulate`."""
        return Monopeds(self, seeds, copies, stream, threads, autoreset)


class Monopeds(MujocoSimulations):
    """Monopeds whose torques are noisy, each by its own stream."""

    def __init__(
        self, task: Monoped, seeds: Sequence[int], copies: int, stream: str, threads: int, autoreset: bool
    ) -> None:
        super().__init__(task, seeds, copies, stream, threads, autoreset)
        deviation, shape = task.noise * task.action_scale, (NOISE_AHEAD, task.action_dim)
        self._torque_noise = DrawnAhead(
            self._generators, *shape, lambda rng: deviation * rng.standard_normal(shape), name="torque_noise_"
        )
        self._all = np.arange(len(self))

    def _applied(self, ids: NDArray[np.int64] | None, control_nA: Array) -> Array:
        largest = self._scale[: len(control_nA)]
        given = np.clip(control_nA, -largest, largest)
        noisy: Array = given + self._torque_noise.take(self._all if ids is None else ids)
        return noisy

    def _dynamics(self) -> dict[str, Any]:
        return super()._dynamics() | self._torque_noise.state()

    def _restore(self, dynamics: dict[str, Any]) -> None:
        super()._restore(dynamics)
        self._torque_noise.restore(dynamics)


@dataclass(frozen=True, eq=False, kw_only=True)
class Walker(Legged):
    chain: PlanarChain

    def placed(self, qpos: Array) -> Array:
        return self.chain.standing(qpos)


def monoped() -> mujoco.MjSpec:
    """A trunk on one leg, in the x-z plane: q is (x and height of the trunk, pitch, waist, hip, knee, ankle)."""
    spec = mujoco.MjSpec()
    spec.modelname = "monoped"
    spec.compiler.degree = False
    spec.option.timestep = 0.005
    spec.worldbody.add_light(pos=[0, 0, 3], dir=[0, 0, -1])
    floor = spec.worldbody.add_geom(name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[40, 40, 1])
    floor.contype, floor.conaffinity = 0, 1
    body = spec.worldbody.add_body(name="trunk", pos=[0.0, 0.0, DROP])
    body.add_joint(name="x", type=SLIDE, axis=X)
    body.add_joint(name="z", type=SLIDE, axis=Z, ref=DROP)
    body.add_joint(name="pitch", type=HINGE, axis=Y)
    _capsule(body, 0.0653, (0.0, -0.05), (0.0, 0.2))
    above = 0.05
    for name, length, radius, limits, largest in LEG:
        body = _below(spec, body, name, above, limits, largest)
        _capsule(body, radius, (0.0, 0.0), (0.0, -0.15 if name == "waist" else -length))
        above = length
    body = _below(spec, body, "ankle", above, *ANKLE)
    _capsule(body, FOOT, (HEEL, 0.0), (TOE, 0.0))
    return spec


def _below(
    spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, depth: float, limits: tuple[float, float], largest: float
) -> mujoco.MjsBody:
    lower = body.add_body(name=name, pos=[0.0, 0.0, -depth])
    joint = lower.add_joint(name=name, type=HINGE, axis=Y, range=limits, limited=True)
    joint.armature, joint.damping = 0.2, [0.05, 0.0, 0.0]
    motor(spec, name, largest)
    spec.actuators[-1].ctrllimited = False  # noise is added to the motor's torque, which `Monopeds` limits
    return lower


def _capsule(body: mujoco.MjsBody, radius: float, one: tuple[float, float], other: tuple[float, float]) -> None:
    ends = [one[0], 0.0, one[1], other[0], 0.0, other[1]]
    capsule = body.add_geom(type=mujoco.mjtGeom.mjGEOM_CAPSULE, size=[radius, 0, 0], fromto=ends)
    capsule.conaffinity = 0


def make_monoped(noise: NonNegative = MONOPED_NOISE, horizon: Count = MONOPED_HORIZON) -> Monoped:
    """svg/monoped: one leg is dropped from a height and must land and stand.

    s (14): q = (x, height of the trunk, pitch, waist, hip, knee, ankle) and v. a: 4, u = (30, 40, 30, 10) a.
    To the torques is added Gaussian noise of `noise` times the largest ones, new in every control step: they may go
    beyond the largest by it.
    r(s, a) = cos(pitch) - 2 sqrt((z - 0.9)^2 + 0.05^2) - 0.05 |a|^2: 0.9 standing, -1.7 lying. Never terminates.
    Start: +-0.1 uniform around the trunk at 1.3 m, joints slightly bent, foot level and 0.37 m above the ground, at
    rest except for velocities of +-0.1.
    dt: 4 x 0.005 s, Euler. 200 steps (section 6.2).
    Lengths, radii, joints, torques, control step: the DeepMind control suite's hopper (14 numbers, 4 motors), which
    also has a nose. The height is our choice.
    """
    model = compiled(monoped())
    return Monoped(
        id="svg/monoped",
        model=model,
        frame_skip=4,
        horizon=horizon,
        qpos_noise=uniform(MONOPED_START),
        qvel_noise=uniform(MONOPED_START),
        observation_dim=14,
        reference=np.array([0.0, DROP, 0.0, *BENT]),
        noise=noise,
        reward_function=StateReward(monoped_reward),
    )


def make_cheetah(springs: bool = True, horizon: Count = HORIZON) -> Legged:
    """svg/cheetah, svg/cheetah-no-springs: half a cat that runs.

    s (18): q = (x, z, pitch, and thigh, shin, foot of the hind and the fore leg) and v. a: 6, u = (120, 90, 60, 120,
    60, 30) a. Without springs the joints' stiffnesses are 0; it does not stand by itself then.
    r(s, a) = v_x - 0.05 |a|^2. Never terminates.
    Start: positions +-0.1 uniform around standing, velocities Gaussian with deviation 0.1, as gymnasium's.
    dt: 3 x 0.01 s, Euler. 300 steps, 9 s.
    Body: gymnasium's half_cheetah.xml, after the same source as the paper's (Wawrzynski 2009).
    """
    spec = asset("half_cheetah.xml")
    if not springs:
        for joint in spec.joints:
            joint.stiffness = [0.0, 0.0, 0.0]
    return Legged(
        id="svg/cheetah" if springs else "svg/cheetah-no-springs",
        model=compiled(spec),
        frame_skip=3,
        horizon=horizon,
        qpos_noise=uniform(CHEETAH_START),
        qvel_noise=normal(CHEETAH_START),
        observation_dim=18,
        reward_function=StateReward(cheetah_reward),
    )


def make_walker(horizon: Count = HORIZON) -> Walker:
    """svg/walker: two legs that walk.

    s (18): q = (x, z of the trunk, pitch, and hip, knee, ankle of each leg) and v. a: 6, u = (100, 50, 20) a of each
    leg.
    r(s, a) = v_x + 2 cos(pitch) - 1e-5 u'u. Terminates unless 0.8 < z < 2 and the pitch is within +-1.
    Start: +-0.1 uniform around standing upright at rest, joints then within their ranges, lifted out of the ground.
    dt: 4 x 0.005 s, Euler. 300 steps, 6 s.
    The paper's is "based on" that of Schulman et al. 2015: the body of trpo/walker (gymnasium's walker2d.xml, the same
    friction at both feet), its cost and its end; its bonus of 1 for being up is 2 cos(pitch) here, which has a
    derivative and makes standing worth more than a fall forward, and it pays for no impacts, which s does not show. The
    motors are the DeepMind control suite's walker's.
    """
    spec = asset("walker2d.xml")
    spec.geom("foot_left_geom").friction = spec.geom("foot_geom").friction
    torque(spec, WALKER_TORQUES)
    timing(spec, 0.005, mujoco.mjtIntegrator.mjINT_EULER)
    model = compiled(spec)
    return Walker(
        id="svg/walker",
        model=model,
        frame_skip=4,
        horizon=horizon,
        qpos_noise=uniform(WALKER_START),
        qvel_noise=uniform(WALKER_START),
        observation_dim=18,
        chain=PlanarChain(model),
        termination_function=fallen,
        reward_function=StateReward(walker_reward),
    )
