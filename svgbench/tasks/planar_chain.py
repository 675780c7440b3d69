"""Positions of a planar robot's parts, computed from its joint positions alone, for many simulations at once.

The robot moves in the x-z plane: its root slides along x and z and turns about y, every other body turns about y on
its parent. The position of a point is then the root's position plus the lengths from joint to joint, each turned by the
absolute angle of its body: it is linear in the cosines and sines of these angles. No pass of MuJoCo is needed, and
nothing can be stale, because everything is computed from the state.
"""

from __future__ import annotations

import mujoco
import numpy as np

from svgbench.words.task import Array

SLIDE, HINGE = int(mujoco.mjtJoint.mjJNT_SLIDE), int(mujoco.mjtJoint.mjJNT_HINGE)


class PlanarChain:
    """Axes: n simulations, B moving bodies in the model's order, each a capsule.

    Raises ValueError for a model that is not a planar chain of capsules.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        _expect_planar(model)
        self.joint_low, self.joint_high = model.jnt_range[3:].T
        B = model.nbody - 1
        self._rest = model.qpos0[2:].copy()
        self._turns = np.zeros((B, B))  # an absolute angle is the sum of these hinges with these signs
        lengths = np.zeros((B, B, 2))  # of each body's origin, in the bodies' frames
        for b in range(B):
            if b > 0:
                parent, hinge = model.body_parentid[b + 1] - 1, model.jnt_pos[b + 2, [0, 2]]
                self._turns[b] = self._turns[parent]
                lengths[b] = lengths[parent]
                lengths[b, parent] += model.body_pos[b + 1, [0, 2]] + hinge
                lengths[b, b] -= hinge
            self._turns[b, b] = model.jnt_axis[b + 2, 1]

        mass = model.body_mass[1:] / model.body_mass[1:].sum()
        centre = np.einsum("b,bkc->kc", mass, lengths) + mass[:, None] * model.body_ipos[1:, [0, 2]]
        ends = [lengths.copy(), lengths.copy()]
        radii = np.zeros(B)
        for b, geom in enumerate(model.body_geomadr[1:]):
            axis = np.zeros(3)
            mujoco.mju_rotVecQuat(axis, np.array([0.0, 0.0, model.geom_size[geom, 1]]), model.geom_quat[geom])
            for end, sign in zip(ends, (-1, 1), strict=True):
                end[b, b] += (model.geom_pos[geom] + sign * axis)[[0, 2]]
            radii[b] = model.geom_size[geom, 0]
        x_of_centre = _along_x(centre[None])
        self._weights = np.concatenate([x_of_centre, _along_z(ends[0]), x_of_centre, _along_z(ends[1])])
        x, z = model.body_pos[1, [0, 2]] - model.qpos0[:2]
        self._root = np.array([0] + [1] * B)  # the coordinates that move the points of `places`
        self._offset = np.concatenate([[x], z - radii])

    def places(self, qpos: Array) -> Array:
        """[n, 1 + B] from qpos [n, nq], in metres.

        x of the centre of mass; of each body, how far it is above the ground z = 0, negative below.
        """
        angles = np.einsum("nj,bj->nb", qpos[:, 2:] - self._rest, self._turns)
        turned = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        points = np.einsum("nk,pk->np", turned, self._weights)
        P = len(self._root)
        places: Array = np.minimum(points[:, :P], points[:, P:])
        places += qpos[:, self._root] + self._offset
        return places

    def standing(self, qpos: Array) -> Array:
        """The positions [n, nq] with each joint clipped to its range and the robot lifted out of the ground."""
        placed = qpos.copy()
        placed[:, 3:] = np.clip(qpos[:, 3:], self.joint_low, self.joint_high)
        placed[:, 1] -= np.minimum(self.places(placed)[:, 1:].min(axis=1), 0.0)
        return placed


def _along_x(lengths: Array) -> Array:
    """Weights [P, 2B] of cosines and sines in the x of points with these lengths [P, B, (x, z)], turned about y."""
    return np.concatenate([lengths[..., 0], lengths[..., 1]], axis=-1)


def _along_z(lengths: Array) -> Array:
    return np.concatenate([lengths[..., 1], -lengths[..., 0]], axis=-1)


def _expect_planar(model: mujoco.MjModel) -> None:
    one_joint_each = model.nq == model.nv == model.njnt == model.nbody + 1
    if not one_joint_each or model.jnt_type.tolist() != [SLIDE, SLIDE] + [HINGE] * (model.njnt - 2):
        raise ValueError(f"joints are of types {model.jnt_type.tolist()}, expected two slides, then a hinge a body")
    slides, hinges = model.jnt_axis[:2], np.abs(model.jnt_axis[2:])
    along = np.array_equal(slides, [[1, 0, 0], [0, 0, 1]]) and (hinges == [0, 1, 0]).all()
    if not along or model.jnt_pos[2].any():
        raise ValueError(f"joints have axes {model.jnt_axis.tolist()}, expected x, z, and then y, at the root's origin")
    if not np.array_equal(model.body_quat, [[1, 0, 0, 0]] * model.nbody):
        raise ValueError(f"bodies are turned by {model.body_quat.tolist()}, expected none to be")
    geoms = model.geom_type[model.geom_bodyid > 0]
    if (geoms != int(mujoco.mjtGeom.mjGEOM_CAPSULE)).any() or (model.body_geomnum[1:] != 1).any():
        raise ValueError(f"the bodies have geoms of types {geoms.tolist()}, expected one capsule each")
