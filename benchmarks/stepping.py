"""Stepping the tasks, 64 simulations on two threads, against raw `mujoco.batch` and against gymnasium.

Raw is the limit. It has the same model (if a task pays for contacts, without the sensor and the forward pass that
compute them), the same actions, and the same starts of episodes at the same steps. So it passes through the same
states bit for bit, which is asserted. It computes no observation, no reward and no end of an episode. It begins an
episode with MuJoCo's own reset and two writes; ours writes a row. So raw is not quite the limit if robots fall in
every step. The two are timed in short, alternating turns, because a machine's speed drifts.

gymnasium's own environments of the same name take the actions of the first simulations.
"""

from __future__ import annotations

import copy
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import chdir
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import gymnasium
import mujoco
import numpy as np
from mujoco.batch import Batch
from numpy.typing import NDArray

from benchmarks.result import Result
from svgbench.tasks.gae import robots as gae_robots
from svgbench.tasks.mbpo import robots as mbpo
from svgbench.tasks.mujoco_batch import MujocoTask
from svgbench.tasks.poplin import robots as poplin
from svgbench.tasks.svg import arm as svg_arm
from svgbench.tasks.svg import gripper as svg_gripper
from svgbench.tasks.svg import legged as svg_legged
from svgbench.tasks.svg import swimmer as svg_swimmer
from svgbench.tasks.trpo import robots as trpo_robots

N, THREADS = 64, 2
PEERS_N = 8  # simulations of gymnasium's vector environments
REPEATS = 15
TURN = 2  # steps of one side before the other's turn
SECONDS = 0.1  # of raw stepping in a repeat, about

Array = NDArray[np.float64]

TASKS: tuple[Callable[[], MujocoTask], ...] = (
    poplin.make_ant,
    poplin.make_hopper,
    poplin.make_swimmer,
    poplin.make_cheetah,
    poplin.make_walker2d,
    poplin.make_pets_cheetah,
    mbpo.make_hopper,
    mbpo.make_walker2d,
    mbpo.make_ant,
    mbpo.make_cheetah,
    mbpo.make_humanoid,
    trpo_robots.make_swimmer,
    trpo_robots.make_hopper,
    trpo_robots.make_walker,
    gae_robots.make_biped,
    gae_robots.make_quadruped,
    gae_robots.make_biped_standing,
    svg_swimmer.make_swimmer,
    svg_arm.make_reacher,
    svg_gripper.make_gripper,
    svg_legged.make_cheetah,
    svg_legged.make_walker,
)
GYMNASIUM = {"mbpo/hopper": "Hopper-v5", "mbpo/cheetah": "HalfCheetah-v5"}


class Ours:
    """The task's batch, stepped through recorded actions."""

    def __init__(self, task: MujocoTask, actions_TNA: Array) -> None:
        self.batch = task.simulate(range(N), threads=THREADS)
        self.beginning = self.batch.get_state()
        self.actions_TNA = actions_TNA

    def rewind(self) -> None:
        self.batch.set_state(self.beginning)

    def turn(self, steps: range) -> None:
        for t in steps:
            self.batch.step(self.actions_TNA[t])

    def starts(self) -> dict[int, tuple[Array, Array, Array]]:
        """step -> (simulations that begin an episode after it, their qpos, their qvel)."""
        self.rewind()
        found = {}
        for t, actions_NA in enumerate(self.actions_TNA):
            step = self.batch.step(actions_NA)
            ids = np.flatnonzero(step.terminated | step.truncated)
            if ids.size:
                found[t] = (ids, self.batch.physics.qpos[ids], self.batch.physics.qvel[ids])
        return found


class Raw:
    """MuJoCo's batch on the same controls, with the same starts of episodes."""

    def __init__(self, task: MujocoTask, ours: Ours) -> None:
        ours.rewind()
        model = copy.copy(task.model)
        model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_SENSOR)
        self.batch = Batch(model, N, THREADS)
        self.beginning = (ours.batch.physics.qpos.copy(), ours.batch.physics.qvel.copy())
        self.controls_TNA = ours.actions_TNA * task.action_scale
        self.nstep = task.frame_skip
        self.starts = ours.starts()

    def rewind(self) -> None:
        self.batch.reset(stage=0)
        self.batch.qpos[:], self.batch.qvel[:] = self.beginning

    def turn(self, steps: range) -> None:
        ctrl, qpos, qvel = self.batch.ctrl, self.batch.qpos, self.batch.qvel
        for t in steps:
            ctrl[:] = self.controls_TNA[t]
            self.batch.step(nstep=self.nstep)
            if t in self.starts:
                ids, positions, velocities = self.starts[t]
                self.batch.reset(ids, stage=0)
                qpos[ids], qvel[ids] = positions, velocities


class Duel:
    """A task's batch and raw stepping through the same states, in short turns."""

    def __init__(self, task: MujocoTask) -> None:
        self.task = task
        rng = np.random.default_rng(0)
        probe = rng.uniform(-1, 1, (12, N, task.action_dim))
        begun = time.perf_counter()
        Ours(task, probe).turn(range(len(probe)))
        self.turns = max(2, round(SECONDS / (time.perf_counter() - begun) * len(probe) / TURN))
        self.ours = Ours(task, rng.uniform(-1, 1, (self.turns * TURN, N, task.action_dim)))
        self.raw = Raw(task, self.ours)
        self.seconds: list[Array] = []  # of each repeat: [side, turn]

    def repeat(self) -> None:
        """All turns once, the two sides taking it in turns to be first."""
        sides: tuple[Ours | Raw, ...] = (self.ours, self.raw)
        for side in sides:
            side.rewind()
        seconds = np.zeros((len(sides), self.turns))
        for k in range(self.turns):
            for i in (0, 1) if (k + len(self.seconds)) % 2 else (1, 0):
                begun = time.perf_counter()
                sides[i].turn(range(k * TURN, (k + 1) * TURN))
                seconds[i, k] = time.perf_counter() - begun
        np.testing.assert_array_equal(self.ours.batch.physics.qpos, self.raw.batch.qpos)
        self.seconds.append(seconds)

    def result(self) -> Result:
        """Env-steps a second of the task's batch against raw stepping.

        A turn visits the same states in every repeat: the median of its repeats, summed over turns.
        """
        ours, raw = (float(v) for v in self.turns * TURN * N / np.median(self.seconds, axis=0).sum(axis=1))
        return Result(
            name=f"stepping/{self.task.id}",
            value=ours,
            unit="env-steps/s",
            reference="raw mujoco.batch through the same states",
            reference_value=raw,
            ratio=ours / raw,
            target=">= 0.8" if self.task.derived or self.task.acting else ">= 0.9",
        )


class Peer:
    """gymnasium's own environments, one by one or as a vector."""

    def __init__(self, environment: str, kind: str) -> None:
        self.kind = kind
        if kind == "single":
            self.env: Any = gymnasium.make(environment)
        else:
            self.env = gymnasium.make_vec(environment, num_envs=PEERS_N, vectorization_mode=kind)
        self.env.reset(seed=0)

    def rate(self, actions_TNA: Array, seconds: float) -> float:
        """Env-steps a second over at least that long."""
        begun, done = time.perf_counter(), 0
        while (spent := time.perf_counter() - begun) < seconds:
            for actions_NA in actions_TNA[:25]:
                if self.kind == "single":
                    _, _, terminated, truncated, _ = self.env.step(actions_NA[0])
                    if terminated or truncated:
                        self.env.reset()
                    done += 1
                else:
                    self.env.step(actions_NA[:PEERS_N])
                    done += PEERS_N
        return done / spent


def beside_gymnasium(task: MujocoTask, peers: dict[str, Peer], repeats: int) -> list[Result]:
    """Env-steps a second of the task's batch against gymnasium's environments; repeats are interleaved."""
    actions = np.random.default_rng(0).uniform(-1, 1, (25, N, task.action_dim))
    ours = Ours(task, actions)
    rates: dict[str, list[float]] = {name: [] for name in ("ours", *peers)}
    for _ in range(repeats):
        begun, done = time.perf_counter(), 0
        while (spent := time.perf_counter() - begun) < SECONDS:
            ours.turn(range(len(actions)))
            done += len(actions) * N
        rates["ours"].append(done / spent)
        for kind, peer in peers.items():
            rates[kind].append(peer.rate(actions, SECONDS))
    value = statistics.median(rates["ours"])
    names = {"single": "one environment", "sync": f"{PEERS_N} in one process", "async": f"{PEERS_N} processes"}
    return [
        Result(
            name=f"stepping/{task.id}/gymnasium-{kind}",
            value=value,
            unit="env-steps/s",
            reference=f"gymnasium's {GYMNASIUM[task.id]}, {names[kind]}",
            reference_value=(reference := statistics.median(rates[kind])),
            ratio=value / reference,
            target=">= 2" if kind == "sync" else None,
        )
        for kind in peers
    ]


def measure(repeats: int = REPEATS) -> list[Result]:
    """Every task against raw stepping, and two against gymnasium's own."""
    if (
        "imageio" not in sys.modules and find_spec("imageio") is None
    ):  # gymnasium imports it for snapshots of its viewer, which nothing here takes
        sys.modules["imageio"] = ModuleType("imageio")
    # First of all, because they fork; elsewhere, because their cheetah makes MuJoCo 4 write its warnings to a file.
    with TemporaryDirectory() as folder, chdir(folder):
        peers = {
            task: {kind: Peer(environment, kind) for kind in ("async", "sync", "single")}
            for task, environment in GYMNASIUM.items()
        }
    tasks = {task.id: task for task in (make() for make in TASKS)}
    duels = [Duel(task) for task in tasks.values()]
    for _ in range(repeats):  # of all tasks, so that a slow second of the machine is one repeat of one task
        for duel in duels:
            duel.repeat()
    results = [duel.result() for duel in duels]
    for name, environments in peers.items():
        results += beside_gymnasium(tasks[name], environments, repeats)
        for peer in environments.values():
            peer.env.close()
    return results


def main() -> None:
    """Print the results."""
    for result in measure():
        print(result.text())


if __name__ == "__main__":
    main()
