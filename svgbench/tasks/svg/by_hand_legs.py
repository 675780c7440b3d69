"""Hand-written policies for the monoped and the walker of Heess et al. 2015; `by_hand.py` says what they are for.

Their numbers were chosen by hand and by a random search of a few minutes on the tasks' own starts. Nothing is learned:
the monoped's gains are computed from its model, and the walker's gait is a published one.
"""

from __future__ import annotations

import mujoco
import numpy as np
from scipy.linalg import solve_discrete_are

from svgbench.tasks.mujoco_batch import compiled
from svgbench.tasks.planar_chain import PlanarChain
from svgbench.tasks.svg.legged import ANKLE, LEG, WALKER_TORQUES, monoped
from svgbench.words.task import Array

MONOPED_TORQUES = np.array([*(torque for *_, torque in LEG), ANKLE[1]])
SPRINGS = np.array([180.0, 240.0, 180.0, 90.0])  # of its joints in the air, and their dampers
DAMPERS = np.array([27.0, 35.0, 27.0, 13.0])
SUBSTEPS = 4  # physics steps of a control step
UPRIGHT = np.array([0.0, 0.9231, 0.0, 0.0, -0.24, 0.45, -0.21])  # q of the monoped at rest, its foot level
DEPTHS = np.array([0.05, *(length for _, length, *_ in LEG)])  # m from the trunk's middle to the ankle, along the links
BELOW_HIP = np.array([0.45, 0.5])  # m, of the walker: thigh, shank
HIP, SOLE, TOE = 0.2, 0.06, 0.2  # m, of the walker: hip below the trunk's middle, foot's radius and length


def regulator(model: mujoco.MjModel, q: Array) -> tuple[Array, Array]:
    """Torques [A] that hold a robot at rest at q, and gains [A, 2 nq - 1] of the linear-quadratic regulator there.

    It is of MuJoCo's own linearisation over a control step, in all of s but x. Costs: 1 for squared positions, 0.005
    for velocities, 40 for torques as a share of the largest.
    """
    data, n = mujoco.MjData(model), model.nv
    data.qpos[:] = q
    mujoco.mj_inverse(model, data)
    torques = data.qfrc_inverse[3:] - data.qfrc_inverse[2]  # the pressure moves in the foot until the trunk needs none
    data.ctrl[:] = torques
    A, B = np.zeros((2 * n, 2 * n)), np.zeros((2 * n, model.nu))
    mujoco.mjd_transitionFD(model, data, 1e-6, True, A, B, None, None)
    B = sum((np.linalg.matrix_power(A, k) @ B for k in range(1, SUBSTEPS)), B)[1:]
    A = np.linalg.matrix_power(A, SUBSTEPS)[1:, 1:]
    Q, R = np.diag([1.0] * (n - 1) + [0.005] * n), np.diag(40.0 / MONOPED_TORQUES**2)
    P = solve_discrete_are(A, B, Q, R)
    return torques, np.linalg.solve(R + B.T @ P @ B, B.T @ P @ A)


class Land:
    """The monoped puts its foot below its centre of mass while it falls, and then regulates itself to standing."""

    def __init__(self, n: int) -> None:
        model = compiled(monoped())
        self.chain = PlanarChain(model)
        self.landed = np.zeros(n, bool)
        self.torques, self.gains = regulator(model, UPRIGHT)

    def __call__(self, s: Array) -> Array:
        places, ahead = self.chain.places(s[:, :7]), 1e-4
        speed = (self.chain.places(s[:, :7] + ahead * s[:, 7:])[:, 0] - places[:, 0]) / ahead
        self.landed |= places[:, -1] < 0.004
        angles = np.cumsum(s[:, 2:7], axis=1)
        ankle = s[:, 0] - np.sin(angles[:, :4]) @ DEPTHS
        wrong = places[:, 0] + 0.01 + 0.07 * speed - ankle  # m: the robot would come to rest so far ahead of its ankle
        bent = np.stack([
            np.zeros(len(s)),
            np.clip(-0.19 - 4.6 * wrong, -1.5, 0.1),
            np.clip(0.35 - 11.0 * wrong, 0.12, 0.5),
            s[:, 6] - angles[:, 4] + np.clip(2.3 * wrong, -0.3, 0.3),  # the foot almost level
        ])  # fmt: skip
        falling = SPRINGS * (bent.T - s[:, 3:7]) - DAMPERS * s[:, 10:14]
        standing = self.torques - (s[:, 1:] - np.r_[UPRIGHT[1:], np.zeros(7)]) @ self.gains.T
        fallen = s[:, 1] < 0.6  # and rests: it does not get up
        acting = np.where(self.landed[:, None], standing, falling) * ~fallen[:, None]
        return np.clip(acting / MONOPED_TORQUES, -1, 1)


class Stride:
    """The walker's gait: SIMBICON (Yin, Loken and van de Panne 2007), with two states for each leg.

    For 0.25 s the swinging leg lifts its foot; then it reaches for the ground, until it is there. Its thigh's angle is
    corrected by the hip's place d and speed v relative to the foot that stands, whose hip keeps the trunk's pitch. Hips
    do not bend forward, so the trunk leans back by as much as a thigh has to swing forward.
    """

    def __init__(self, n: int) -> None:
        self.since, self.swings = np.zeros(n), np.zeros(n, int)  # s; which leg swings

    def __call__(self, s: Array) -> Array:
        each = np.arange(len(s))
        q, v = (part.reshape(-1, 2, 3) for part in (s[:, 3:9], s[:, 12:]))
        swinging, standing = (each, self.swings), (each, 1 - self.swings)
        pitch, rate = s[:, 2], s[:, 11]
        reach = np.cumsum(q[..., :2], axis=2) - pitch[:, None, None]  # rad, how far forward thighs and shanks are
        hip = s[:, 1] - HIP * np.cos(pitch)
        d = -np.sin(reach[standing]) @ BELOW_HIP
        speed = s[:, 9] - HIP * np.cos(pitch) * rate
        lifts = self.since < 0.25

        thigh = np.where(lifts, 0.27, -0.06) + 0.36 * (d - 0.036) + 0.16 * speed
        thigh = np.minimum(thigh, -pitch)
        knee = np.where(lifts, -0.93, -0.04)
        shank = reach[swinging][:, 1]
        swing = np.stack([
            300.0 * (thigh - reach[swinging][:, 0]) - 20.0 * (v[swinging][:, 0] - rate),
            200.0 * (knee - q[swinging][:, 1]) - 10.0 * v[swinging][:, 1],
            40.0 * (-shank - q[swinging][:, 2]) - 1.5 * v[swinging][:, 2],
        ])  # fmt: skip
        stance = np.stack([
            265.0 * (-0.22 - pitch) - 5.0 * rate - np.clip(swing[0], -WALKER_TORQUES[0], WALKER_TORQUES[0]),
            200.0 * (-0.09 - q[standing][:, 1]) - 10.0 * v[standing][:, 1],
            -75.0 * (d - 0.036),
        ])  # fmt: skip
        u = np.empty_like(q)
        u[swinging], u[standing] = swing.T, stance.T

        foot = hip - np.cos(reach[swinging]) @ BELOW_HIP + np.minimum(0, TOE * np.sin(shank + q[swinging][:, 2])) - SOLE
        self.since = self.since + 0.02
        steps = (self.since >= 0.25) & ((foot < 0.005) | (self.since > 0.55))
        self.swings = np.where(steps, 1 - self.swings, self.swings)
        self.since = np.where(steps, 0.0, self.since)
        return np.clip(u.reshape(len(s), 6) / np.array(WALKER_TORQUES), -1, 1)
