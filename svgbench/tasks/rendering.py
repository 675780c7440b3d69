"""Pictures of a task on MuJoCo, drawn off screen, from a camera that follows the robot."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

SIZE = 480  # pixels, each way; gymnasium's own
BACKENDS = ("egl", "osmesa", "glfw")  # in the order in which they are tried: the first two need no screen


class Renderer:
    """Draws simulations of one model. Raises RuntimeError if no OpenGL library is found.

    The environment variable MUJOCO_GL names a backend ("egl", "osmesa", "glfw"). Without it, the first that works is
    used.
    """

    def __init__(self, model: mujoco.MjModel, size: int = SIZE) -> None:
        self._model, self._rect = model, mujoco.MjrRect(0, 0, size, size)
        self._gl = _context(size)
        self._gl.make_current()
        width, height = model.vis.global_.offwidth, model.vis.global_.offheight
        model.vis.global_.offwidth, model.vis.global_.offheight = max(width, size), max(height, size)
        self._drawing = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_150.value)
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._drawing)
        self._scene = mujoco.MjvScene(model, maxgeom=1000)
        self._camera, self._option = mujoco.MjvCamera(), mujoco.MjvOption()
        mujoco.mjv_defaultFreeCamera(model, self._camera)
        if model.nbody > 1 and model.body_dofnum[1] > 0:  # body 1, the root, moves
            self._camera.type, self._camera.trackbodyid = mujoco.mjtCamera.mjCAMERA_TRACKING, 1

    def frame(self, data: mujoco.MjData) -> NDArray[np.uint8]:
        """[size, size, 3], rows from the top. `data` is brought up to date with its positions."""
        self._gl.make_current()
        mujoco.mj_forward(self._model, data)
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(self._model, data, self._option, None, self._camera, everything, self._scene)
        mujoco.mjr_render(self._rect, self._scene, self._drawing)
        pixels = np.empty((self._rect.height, self._rect.width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(pixels, None, self._rect, self._drawing)
        return np.flipud(pixels).copy()

    def close(self) -> None:
        """Free what the graphics library holds."""
        self._gl.make_current()
        self._drawing.free()
        self._gl.free()


def _context(size: int) -> Any:
    """The first OpenGL context that can be made."""
    asked = os.environ.get("MUJOCO_GL", "").strip().lower()
    reasons = []
    for name in (asked,) if asked in BACKENDS else BACKENDS:
        try:
            return import_module(f"mujoco.{name}").GLContext(size, size)
        except Exception as error:  # each backend fails in its own way: a missing library, a missing screen
            reasons.append(f"{name}: {error or type(error).__name__}")
    raise RuntimeError(f"no picture can be drawn, OpenGL is missing ({'; '.join(reasons)})")
