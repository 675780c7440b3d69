"""The swimmers of Heess et al. 2015: chains of n = 3, 5 or 7 links (Figures 3 and 4).

State and observation s (2n + 4), x ahead of the first link and y to its left: from the nose to the goal (x, y) [m];
heading; n - 1 joint angles [rad]; velocity of the nose (x, y) [m/s]; rate of the heading and of the joints [rad/s].
Action a (n - 1): the joints' torques are u = 2e-3 a [N m]; a motor gives up to 6e-3; the cost of a larger action counts
in full.

    r(s, a) = alpha_1 r_goal . v_com + alpha_2 |a|^2,    r_goal = g / sqrt(|g|^2 + eps^2)

(appendix D): g is from the nose to the goal, so that r_goal has length 1 but near it; v_com is the velocity of the
centre of mass, both before the step. alpha_1 = 10 s/m: a reward of 1 for a link's length a second. alpha_2 = -0.03.
eps = 0.05 m, half a link: the unit vector itself turns about the goal without a derivative.

Start: the nose uniform in +-2 m about the goal, headed within 90 degrees of it, each joint within +-180/n degrees, at
rest. A control step is 0.06 s (4 x 0.015 s, RK4); 150 of them, 9 s. Never terminates.

Published are the sizes of s and a, the reward without its weights, and the start in words. s is MuJoCo's q and v with
its places seen from the head, as in the swimmer that the paper cites (Tassa et al. 2008); the heading, which neither
motion nor reward depends on, makes up its number. Links and water are those of the DeepMind control suite's swimmers
(links 0.1 m long, 2 cm high, 2 mm thick, of 10 g; water of 3000 kg/m^3); the model is our own, its root at the nose's
tip. Joints have no limits, as in the cited swimmer, but a spring of 2e-3 N m/rad that keeps them from winding up; and
motors saturate beyond what policies want. The suite's limits of joints are impacts, whose derivatives no small
network learns; behind a saturated motor there is no gradient, and policies that had bent a joint once and for all
stayed so; without any limit, those that climbed a wrong Q had torques that MuJoCo could not integrate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import mujoco
import numpy as np

from svgbench.ranges import Count, NonNegative, Range
from svgbench.tasks.mujoco_batch import compiled, uniform
from svgbench.tasks.svg._mujoco import HINGE, SLIDE, StateTask, X, Y, Z, motor
from svgbench.tasks.svg._state_reward import StateReward, length
from svgbench.words.task import Array

VERSION = 1
VARIANTS = {"make_swimmer": {"3": {"links": 3}, "5": {"links": 5}, "7": {"links": 7}}}
"""What is registered with gymnasium, by the end of its name."""

FRAME_SKIP, HORIZON = 4, 150  # physics steps in a control step, control steps
LINK, HEIGHT, THICKNESS, LINK_MASS = 0.1, 0.02, 0.002, 0.01  # m, m, m, kg
WATER = 3000.0  # kg/m^3
TORQUE, LARGEST_TORQUE = 2e-3, 6e-3  # N m, of an action of 1 and of a motor
ARMATURE = 1e-6  # kg m^2
STIFFNESS = 2e-3  # N m/rad, of the joints
START, ASIDE = 2.0, np.pi / 2  # half widths: m of the nose's place, rad of its heading about the goal's direction
VELOCITY_WEIGHT, ACTION_WEIGHT = 10.0, -0.03  # alpha_1 [s/m], alpha_2
SOFTNESS = 0.05  # eps, m


def centre_velocity(links: int, xp: Any, s: Any) -> tuple[Any, Any]:
    """Velocity (x, y) [...] of the centre of mass, in the head's frame, for s [..., 2 links + 4] in a namespace `xp`.

    Link i trails the joint in front of it: its centre is the nose less LINK times the directions of the links before
    it and half its own. All weigh the same.
    """
    turned = xp.cumsum(s[..., 3 : links + 2], -1)  # of links 1, 2, ... against the first
    rate = xp.cumsum(s[..., links + 4 :], -1)
    shares = [LINK * (links - i - 0.5) / links for i in range(links)]
    vx, vy = s[..., links + 2], s[..., links + 3] - shares[0] * rate[..., 0]
    for i in range(1, links):
        vx = vx + shares[i] * rate[..., i] * xp.sin(turned[..., i - 1])
        vy = vy - shares[i] * rate[..., i] * xp.cos(turned[..., i - 1])
    return vx, vy


def swimmer_reward(links: int, velocity_weight: float, action_weight: float, xp: Any, s: Any, a: Any) -> Any:
    """Rewards [...] of s [..., 2 links + 4], a [..., links - 1] in a namespace `xp`."""
    vx, vy = centre_velocity(links, xp, s)
    towards = (s[..., 0] * vx + s[..., 1] * vy) / length(xp, s[..., :2], SOFTNESS)
    return velocity_weight * towards + action_weight * (a**2).sum(-1)


def seen(vectors: Array, heading: Array) -> Array:
    """Vectors [n, 2] of the plane in the frame of a head that has turned by `heading` [n]."""
    cos, sin = np.cos(heading), np.sin(heading)
    x, y = vectors[:, 0], vectors[:, 1]
    return np.stack([cos * x + sin * y, cos * y - sin * x], axis=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Swimmer(StateTask):
    """links: n. q is (x, y of the nose, from the goal; heading; joints)."""

    links: int

    @property
    def action_scale(self) -> Array:
        return np.full(self.action_dim, TORQUE)

    def drawn(self, rng: np.random.Generator) -> Array:
        n, k = self.links, self.starts_ahead
        nose = rng.uniform(-START, START, (k, 2))
        heading = np.arctan2(-nose[:, 1], -nose[:, 0]) + rng.uniform(-ASIDE, ASIDE, k)
        joints = rng.uniform(-np.pi / n, np.pi / n, (k, n - 1))
        return np.concatenate([nose, heading[:, None], joints, np.zeros((k, n + 2))], axis=1)

    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        heading = qpos[:, 2]
        return np.concatenate(
            [-seen(qpos[:, :2], heading), qpos[:, 2:], seen(qvel[:, :2], heading), qvel[:, 2:]], axis=1
        )


def swimmer(links: int) -> mujoco.MjSpec:
    """The chain, its nose at the origin, stretched along x, head first. Links do not collide."""
    spec = mujoco.MjSpec()
    spec.modelname = f"swimmer with {links} links"
    spec.compiler.degree = False
    spec.option.timestep, spec.option.integrator = 0.015, mujoco.mjtIntegrator.mjINT_RK4
    spec.option.density = WATER
    spec.option.disableflags = int(mujoco.mjtDisableBit.mjDSBL_CONTACT | mujoco.mjtDisableBit.mjDSBL_GRAVITY)
    spec.worldbody.add_light(pos=[0, 0, 3], dir=[0, 0, -1])
    spec.worldbody.add_site(name="goal", size=[0.03, 0, 0])
    body = spec.worldbody
    for i in range(links):
        body = body.add_body(name=f"link_{i}", pos=[-LINK if i else 0.0, 0.0, 0.0])
        if i == 0:
            body.add_joint(name="x", type=SLIDE, axis=X)
            body.add_joint(name="y", type=SLIDE, axis=Y)
            body.add_joint(name="heading", type=HINGE, axis=Z)
        else:
            joint = body.add_joint(name=f"joint_{i}", type=HINGE, axis=Z)
            joint.armature, joint.stiffness = ARMATURE, [STIFFNESS, 0.0, 0.0]
            motor(spec, joint.name, LARGEST_TORQUE)
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[LINK / 2, THICKNESS / 2, HEIGHT / 2],
            pos=[-LINK / 2, 0.0, 0.0],
            mass=LINK_MASS,
        )
    return spec


def make_swimmer(
    links: Annotated[int, Range(2)] = 3,
    horizon: Count = HORIZON,
    velocity_weight: NonNegative = VELOCITY_WEIGHT,
    action_weight: NonNegative = ACTION_WEIGHT,
) -> Swimmer:
    """svg/swimmer-3, svg/swimmer-5, svg/swimmer-7: as above. velocity_weight, action_weight: alpha_1, alpha_2."""
    if links < 2:
        raise ValueError(f"links is {links}, expected at least 2")
    return Swimmer(
        id=f"svg/swimmer-{links}",
        model=compiled(swimmer(links)),
        frame_skip=FRAME_SKIP,
        horizon=horizon,
        qpos_noise=uniform(0.0),
        qvel_noise=uniform(0.0),
        observation_dim=2 * links + 4,
        links=links,
        reward_function=StateReward(partial(swimmer_reward, links, velocity_weight, action_weight)),
    )
