"""Pictures of a task on MuJoCo, drawn off screen, from a camera that follows the robot."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

SIZE = 480  # pixels, each way; gymnasium's own
BACKENDS = ("egl", "osmesa", "glfw")  # in the order in which they are tried: the first two need no screen

PLATFORM = "PYOPENGL_PLATFORM"
DISTANCE = 1.6  # of the camera, in sizes of the robot
AMBIENT = 0.35  # light from everywhere: some models have no lamp
FLAT = 0.4  # a robot lower than this share of its width is seen from above


class Renderer:
    """Draws simulations of one model. Raises RuntimeError if no OpenGL library is found.

    The environment variable MUJOCO_GL names a backend ("egl", "osmesa", "glfw"). Without it, the first that works is
    used. width, height: of a picture, in pixels. backend: the one in use.
    """

    def __init__(self, model: mujoco.MjModel, width: int = SIZE, height: int = SIZE) -> None:
        self._model, self._rect = model, mujoco.MjrRect(0, 0, width, height)
        self.backend, self._gl = _context(width, height)
        self._gl.make_current()
        before = model.vis.global_.offwidth, model.vis.global_.offheight
        model.vis.global_.offwidth, model.vis.global_.offheight = max(before[0], width), max(before[1], height)
        self._drawing = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_150.value)
        model.vis.global_.offwidth, model.vis.global_.offheight = before
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._drawing)
        self._scene = mujoco.MjvScene(model, maxgeom=1000)
        self._camera, self._option = mujoco.MjvCamera(), mujoco.MjvOption()
        mujoco.mjv_defaultFreeCamera(model, self._camera)
        if model.nbody > 1 and model.body_dofnum[1] > 0:  # body 1, the root, moves
            self._camera.type, self._camera.trackbodyid = mujoco.mjtCamera.mjCAMERA_TRACKING, 1
        self._place()

    def frame(self, data: mujoco.MjData) -> NDArray[np.uint8]:
        """[height, width, 3], rows from the top. `data` is brought up to date with its positions."""
        self._gl.make_current()
        mujoco.mj_forward(self._model, data)
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        light = self._model.vis.headlight.ambient
        before = light.copy()
        light[:] = np.maximum(before, AMBIENT)
        mujoco.mjv_updateScene(self._model, data, self._option, None, self._camera, everything, self._scene)
        light[:] = before
        mujoco.mjr_render(self._rect, self._scene, self._drawing)
        pixels = np.empty((self._rect.height, self._rect.width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(pixels, None, self._rect, self._drawing)
        return np.flipud(pixels).copy()

    def _place(self) -> None:
        """Put the camera so near that the robot, as its model describes it, fills a good part of the picture; above a
        robot that lies flat."""
        data = mujoco.MjData(self._model)
        mujoco.mj_forward(self._model, data)
        moving = self._model.geom_bodyid > 0
        reach = self._model.geom_rbound[moving, None]
        low = (data.geom_xpos[moving] - reach).min(0)
        high = (data.geom_xpos[moving] + reach).max(0)
        size = high - low
        flat = size[2] < FLAT * size[:2].max()
        self._camera.distance = DISTANCE * size.max()
        self._camera.elevation = -60 if flat else -15
        self._camera.lookat[:] = (low + high) / 2

    def close(self) -> None:
        """Free what the graphics library holds."""
        self._gl.make_current()
        self._drawing.free()
        self._gl.free()


def _context(width: int, height: int) -> tuple[str, Any]:
    """The first backend with which an OpenGL context can be made, and the context."""
    asked = os.environ.get("MUJOCO_GL", "").strip().lower()
    platform = os.environ.get(PLATFORM)
    reasons = []
    for name in (asked,) if asked in BACKENDS else BACKENDS:
        try:
            return name, import_module(f"mujoco.{name}").GLContext(width, height)
        except Exception as error:  # each backend fails in its own way: a missing library, a missing screen
            reasons.append(f"{name}: {error or type(error).__name__}")
            _forget(platform)
    raise RuntimeError(f"no picture can be drawn, OpenGL is missing ({'; '.join(reasons)})")


def _forget(platform: str | None) -> None:
    """Let the next backend choose its library: PyOpenGL keeps the first choice, also one that failed."""
    os.environ.pop(PLATFORM, None)
    if platform is not None:
        os.environ[PLATFORM] = platform
    for name in [name for name in sys.modules if name.partition(".")[0] == "OpenGL"]:
        del sys.modules[name]
