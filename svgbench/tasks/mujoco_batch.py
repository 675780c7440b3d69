"""Tasks on MuJoCo: many simulations of one model at once, on `mujoco.batch.Batch`.

A task is a `MujocoTask`: a model, an observation, a reward, a termination rule and a start. Each is written once, over
arrays whose first axis is the simulations. This module has the shared parts: stepping, velocities as finite differences
over a control step, failures, state.

Observations and rewards read positions and velocities, which are the state itself. They read a derived field of MuJoCo
only if every step computes it, at its end (`derived`) or in its last physics step (`acting`), and they read it in that
step. So nothing stale is read after `set_state`.
"""

from __future__ import annotations

import ctypes
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakSet

import gymnasium
import mujoco
import numpy as np
from mujoco.batch import Batch
from numpy.typing import NDArray

from svgbench.simulation_batch import BaseSimulations, DrawnAhead, RawStep, Rows
from svgbench.tasks.unit_box import UnitBox
from svgbench.words.task import Array, Bools, Recorded

Noise = Callable[[np.random.Generator, int], Array]
"""Start noise: draws this many numbers from the random stream of a simulation."""

# What MuJoCo counts when a simulation has become unstable, before it puts it back to its start in the middle of an
# episode; the three are neighbours in `mjtWarning`.
_UNSTABLE = slice(int(mujoco.mjtWarning.mjWARN_BADQPOS), int(mujoco.mjtWarning.mjWARN_BADQACC) + 1)
_COUNT = 1  # place of the count in a warning's (last info, count)


class Motion(NamedTuple):
    """One control step of n simulations, as the rules of a task see it."""

    observation: Array  # [n, O], before the step
    action: Array  # [n, A], as given to the task
    control: Array  # [n, A], of the motors, before they saturate
    next_observation: Array  # [n, O]
    velocity: Array  # [n, K], of the tracked positions over the step, per second
    qpos: Array  # [n, nq], after the step; live views: to be read, not kept
    qvel: Array  # [n, nv]
    derived: dict[str, Array]  # MuJoCo's fields named in `MujocoTask.derived`, after the step
    acting: dict[str, Array]  # those named in `MujocoTask.acting`, in the last physics step


@dataclass(frozen=True, eq=False, kw_only=True)
class MujocoTask(UnitBox, ABC):
    """The data of a task on MuJoCo; its rules are methods. Satisfies `svgbench.words.task.Task`.

    model: compiled, with the integrator and the time step of the paper. frame_skip: physics steps in a control step.
    horizon: control steps in an episode. qpos_noise, qvel_noise: added to the start.
    """

    id: str
    model: mujoco.MjModel
    frame_skip: int
    horizon: int
    qpos_noise: Noise
    qvel_noise: Noise
    observation_dim: int
    reference: Array | None = None  # qpos [nq] of the start; by default the model's own
    starts_ahead: int = 1  # episodes whose start noise is drawn at once
    tracked: int = 0  # K, positions whose velocity over a control step the task uses
    derived: tuple[str, ...] = ()  # fields of MjData at the new state; they cost a forward pass
    acting: tuple[str, ...] = ()  # forces that acted in the last physics step, free; not under RK4, which mixes four
    reward_function: Recorded | None = None
    termination_function: Recorded | None = None

    @property
    def dt(self) -> float:
        return float(self.model.opt.timestep) * self.frame_skip

    @property
    def step_milliseconds(self) -> float:
        """Rough time of a control step on one core: 0.55 us per degree of freedom and evaluation of the physics."""
        evaluations = 4 if self.model.opt.integrator == mujoco.mjtIntegrator.mjINT_RK4 else 1
        return 0.55e-3 * float(self.model.nv) * self.frame_skip * evaluations

    @property
    def action_dim(self) -> int:
        return int(self.model.nu)

    @property
    def action_scale(self) -> Array:
        """Control of each motor [A] at action 1; the control ranges of all our models are symmetric."""
        low, high = self.model.actuator_ctrlrange.T
        if not np.array_equal(low, -high):
            raise ValueError(f"control ranges are {low.tolist()} to {high.tolist()}, expected symmetric ones")
        return np.asarray(high, dtype=np.float64).copy()

    @abstractmethod
    def observation(self, qpos: Array, qvel: Array, velocity: Array) -> Array:
        """[n, O], a new array, from [n, nq], [n, nv] and the velocity over the last step [n, K] (0 at the start)."""

    def augment_observation(self, observation: Array, tracked: Array, acting: dict[str, Array]) -> Array:
        """Append features of tracked positions and contact forces; at the start of an episode the forces are 0."""
        return observation

    def reward(self, motion: Motion) -> Array:
        """Rewards [n]; by default those of `reward_function`. A task whose reward needs more than observations and
        actions overrides this.

        Recorded arrays do not give such rewards (of velocities over a control step, or of contact forces).
        """
        if self.reward_function is None:
            raise NotImplementedError(f"{self.id} has no reward_function and does not say what a step is worth")
        rewards: Array = self.reward_function(motion.observation, motion.action, motion.next_observation)
        return rewards

    def terminated(self, motion: Motion) -> Bools:
        """[n]; by default `termination_function`'s."""
        if self.termination_function is None:
            raise NotImplementedError(f"{self.id} has no termination_function and does not say when it ends")
        ended: Bools = self.termination_function(motion.observation, motion.action, motion.next_observation)
        return ended

    def track(self, qpos: Array, derived: dict[str, Array]) -> Array:
        """The tracked positions [n, K]."""
        raise NotImplementedError(f"{self.id} tracks {self.tracked} positions and does not say which")

    def drawn(self, rng: np.random.Generator) -> Array:
        """The start noise of the next episodes, [starts_ahead, nq + nv]."""
        k = self.starts_ahead
        noises = ((self.qpos_noise, self.model.nq), (self.qvel_noise, self.model.nv))
        return np.concatenate([noise(rng, k * width).reshape(k, width) for noise, width in noises], axis=1)

    def placed(self, qpos: Array) -> Array:
        """Start positions [n, nq], from noisy ones: a task may correct them (ranges, height above the ground)."""
        return qpos

    def simulate(
        self,
        seeds: Sequence[int],
        copies: int = 1,
        stream: str = "train",
        threads: int = 1,
        autoreset: bool = True,
    ) -> MujocoSimulations:
        """A batch of len(seeds) * copies simulations; see `svgbench.words.task.Task.simulate`."""
        return MujocoSimulations(self, seeds, copies, stream, threads, autoreset)


class MujocoSimulations(BaseSimulations):
    """A batch of simulations of a `MujocoTask`. `physics` is MuJoCo's own batch, to render from."""

    def __init__(
        self, task: MujocoTask, seeds: Sequence[int], copies: int, stream: str, threads: int, autoreset: bool
    ) -> None:
        super().__init__(task, seeds, copies, stream, autoreset)
        if threads < 1:
            raise ValueError(f"threads is {threads}, expected at least 1")
        self.task = task
        self.physics = Batch(task.model, len(self), threads)
        if threads > 1:
            _threaded().add(self)
        self._qpos, self._qvel, self._ctrl = (self.physics.bind(name) for name in ("qpos", "qvel", "ctrl"))
        self._fields = {name: self.physics.bind(name) for name in task.derived}
        self._acting = {name: self.physics.bind(name) for name in task.acting}
        self._unstable = self.physics.warning[:, _UNSTABLE, _COUNT]
        self._stage = int(mujoco.mjtStage.mjSTAGE_ACC if task.derived else mujoco.mjtStage.mjSTAGE_NONE)
        self._scale = np.tile(task.action_scale, (len(self), 1))  # [N, A]: broadcasting is slow over few motors
        self._dt = task.dt
        self._at_rest = self.physics.state[0].copy()
        self._tracked = np.zeros((len(self), task.tracked))
        self._reference = task.model.qpos0 if task.reference is None else task.reference
        widths = (task.model.nq, task.model.nv, task.tracked, task.observation_dim)
        self._parts = [slice(end - width, end) for width, end in zip(widths, np.cumsum(widths), strict=True)]
        self._starts = DrawnAhead(self._generators, task.starts_ahead, sum(widths), self._drawn)
        self.reset()

    def _drawn(self, rng: np.random.Generator) -> Array:
        """The next starts of a simulation. A row holds positions, velocities, tracked positions and the observation."""
        task, nq = self.task, self.task.model.nq
        noise = task.drawn(rng)
        qpos, qvel = task.placed(self._reference + noise[:, :nq]), noise[:, nq:]
        tracked = task.track(qpos, self._derived(qpos)) if task.tracked else noise[:, :0]
        observation = task.observation(qpos, qvel, np.zeros_like(tracked))
        none = {name: np.zeros((len(noise), *field.shape[1:])) for name, field in self._acting.items()}
        return np.concatenate([qpos, qvel, tracked, task.augment_observation(observation, tracked, none)], axis=1)

    @cached_property
    def _data(self) -> mujoco.MjData:
        return mujoco.MjData(self.task.model)

    def _derived(self, qpos: Array) -> dict[str, Array]:
        """The fields named in `MujocoTask.derived` at positions [n, nq]."""
        found: dict[str, list[Array]] = {name: [] for name in self._fields}
        for position in qpos if found else ():
            self._data.qpos[:] = position
            mujoco.mj_fwdPosition(self.task.model, self._data)
            for name, rows in found.items():
                rows.append(getattr(self._data, name).copy())
        return {name: np.stack(rows) for name, rows in found.items()}

    def _begin(self, ids: NDArray[np.int64]) -> Array:
        starts = self._starts.take(ids)
        qpos, qvel, tracked, observation = (starts[:, part] for part in self._parts)
        self.physics.state[ids] = self._at_rest
        self.physics.warning[ids] = 0
        self._qpos[ids], self._qvel[ids], self._tracked[ids] = qpos, qvel, tracked
        return observation

    def _applied(self, ids: NDArray[np.int64] | None, control_nA: Array) -> Array:
        """The controls that are applied. Override it for noisy motors."""
        return control_nA

    def _advance(self, ids: NDArray[np.int64] | None, rows: Rows, actions_nA: Array) -> RawStep:
        task = self.task
        control = actions_nA * self._scale[: len(actions_nA)]
        self._ctrl[rows] = self._applied(ids, control)
        self.physics.step(ids, nstep=task.frame_skip, stage=self._stage)
        qpos, qvel, derived, acting = self._qpos[rows], self._qvel[rows], self._fields, self._acting
        if ids is not None:
            derived, acting = ({name: a[ids] for name, a in fields.items()} for fields in (derived, acting))
        tracked = velocity = self._tracked[rows]
        if task.tracked:
            tracked = task.track(qpos, derived)
            velocity = (tracked - velocity) / self._dt
            self._tracked[rows] = tracked
        observation = task.augment_observation(task.observation(qpos, qvel, velocity), tracked, acting)
        before = self._observation[rows]
        motion = Motion(before, actions_nA, control, observation, velocity, qpos, qvel, derived, acting)
        failed = np.zeros(len(control), dtype=np.bool_)
        if np.count_nonzero(self._unstable):
            failed = self._unstable[rows].any(axis=1)
        return RawStep(observation, task.reward(motion), task.terminated(motion), failed)

    def _dynamics(self) -> dict[str, Any]:
        from torch import from_numpy

        state = {"physics": from_numpy(self.physics.state.copy()), "tracked": from_numpy(self._tracked.copy())}
        return state | self._starts.state()

    def _rows(self, rows: Rows) -> dict[str, NDArray[Any]]:
        return {"physics": self.physics.state[rows].copy(), "tracked": self._tracked[rows].copy()}

    def _put(self, rows: Rows, dynamics: dict[str, NDArray[Any]]) -> None:
        self.physics.state[rows] = dynamics["physics"]
        self.physics.warning[rows] = 0
        self._tracked[rows] = dynamics["tracked"]

    def _restore(self, dynamics: dict[str, Any]) -> None:
        physics = dynamics["physics"].numpy()
        if physics.shape != self.physics.state.shape:
            raise ValueError(f"the state of the physics is {physics.shape}, expected {self.physics.state.shape}")
        self.physics.state[:] = physics
        self.physics.warning[:] = 0
        self._tracked[:] = dynamics["tracked"].numpy()
        self._starts.restore(dynamics)


def asset(name: str) -> mujoco.MjSpec:
    """The model `name` of the installed gymnasium, to edit before `compiled`."""
    return mujoco.MjSpec.from_file(str(Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets" / name))


def compiled(spec: mujoco.MjSpec) -> mujoco.MjModel:
    """The model of a specification.

    The total mass that a file asks for is set after compilation. The numbers are the same, and MuJoCo 4 then writes no
    warning and no log file.
    """
    total_mass = spec.compiler.settotalmass
    spec.compiler.settotalmass = -1.0
    model = spec.compile()
    if total_mass > 0:
        mujoco.mj_setTotalmass(model, total_mass)
        mujoco.mj_setConst(model, mujoco.MjData(model))
    return model


def with_contact_forces(spec: mujoco.MjSpec) -> mujoco.MjSpec:
    """Add an accelerometer to the torso. Nothing reads it, but with it MuJoCo computes `cfrc_ext`."""
    torso = spec.body("torso")
    torso.add_site(name="torso_centre")
    spec.add_sensor(
        name="needs_contact_forces",
        type=mujoco.mjtSensor.mjSENS_ACCELEROMETER,
        objtype=mujoco.mjtObj.mjOBJ_SITE,
        objname="torso_centre",
    )
    return spec


def uniform(half_width: float) -> Noise:
    """Uniform noise in +-half_width."""
    return lambda rng, count: rng.uniform(-half_width, half_width, count)


def normal(deviation: float) -> Noise:
    """Gaussian noise with that standard deviation."""
    return lambda rng, count: deviation * rng.standard_normal(count)


def torque(spec: mujoco.MjSpec, largest: Sequence[float]) -> None:
    """Motors whose controls are torques, in N m."""
    for motor, limit in zip(spec.actuators, largest, strict=True):
        motor.gear = [1, 0, 0, 0, 0, 0]
        motor.ctrlrange = [-limit, limit]


def timing(spec: mujoco.MjSpec, timestep: float, integrator: mujoco.mjtIntegrator) -> None:
    """The physics step, in seconds."""
    spec.option.timestep, spec.option.integrator = timestep, integrator


def joint_observation(qpos: Array, qvel: Array, left_out: int) -> Array:
    """Positions without the first `left_out`, then velocities: [n, nq - left_out + nv], a new array."""
    return np.concatenate([qpos[:, left_out:], qvel], axis=1)


@cache
def _threaded() -> WeakSet[MujocoSimulations]:
    """Batches with threads, which forked processes must keep alive.

    A fork does not copy the threads, and freeing such a batch waits for them: it would hang, or end the process.
    gymnasium's `AsyncVectorEnv` forks.
    """
    found: WeakSet[MujocoSimulations] = WeakSet()

    def keep() -> None:
        for simulations in found:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(simulations.physics))

    if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
        os.register_at_fork(after_in_child=keep)
    return found
