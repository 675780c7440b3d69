"""On-policy learning: collecting with the policy in the loop, a whole iteration, its memory, and the cost of a vine.

Collecting: a batch with as many simulations as a block of the experiments, slice by slice as in the learner. It is
compared with raw `mujoco.batch` with the same controls for the same simulations and the same starts of paths. Raw
passes through the same states bit for bit, which is asserted. It computes no action, observation, reward, end or
contact force, and begins a path as in `stepping`. The two are timed in turns of a slice, because a machine's speed
drifts.

A whole iteration is a batch and its update. Ours has the thesis's sizes for the swimmer; sb3-contrib's has its
defaults and an equally small network. The two are timed in turns. sb3-contrib runs gymnasium's Swimmer-v5, whose
control step is four physics steps; the thesis's swimmer has two.

Memory is the peak of a process that does one iteration of a million steps of made data, and writes a checkpoint
towards the batch's end. Each part runs in its own process, with the environment variables of the lab's blocks.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mujoco
import numpy as np
from mujoco.batch import Batch
from numpy.typing import NDArray

from benchmarks.result import Result
from svgbench.lab.platform import environment
from svgbench.lab.source import declared
from svgbench.simulation_batch import BaseSimulations, RawStep
from svgbench.tasks.gae import robots as gae_robots
from svgbench.tasks.gymnasium import v5 as gymnasium_v5
from svgbench.tasks.trpo import robots as trpo_robots

ROOT = Path(__file__).parents[1]
THREADS = 2
Array = NDArray[np.float64]

# learner, profile, task, and its configuration, simulations and seeds of a block in the experiments
COLLECTING = (
    ("trpo", "code", trpo_robots.make_swimmer, {"hidden": (30,)}, 400, 5),
    ("trpo", "code", trpo_robots.make_hopper, {"hidden": (50, 50), "observation_clip": 5.0}, 512, 5),
    ("gae", "text", gae_robots.make_quadruped, {"hidden": (100, 50, 25), "batch": "timesteps"}, 64, 3),
)
STEPS = 100  # of a path
REPEATS = 9  # of collecting
SWIMMER = {"hidden": (30,), "simulations": 50}  # 50 paths of 1000 steps; the thesis's Table 2
PEER = {"hidden": (30,), "value_hidden": (30,), "simulations": 8, "timesteps": 400 * 128}
ITERATIONS = 5
SIZES = (100, 50, 25)  # of the biped's networks
LIMIT = 4.0  # GB


def learner_of(name: str, profile: str | None, task: Any, own: dict[str, Any], seeds: int = 1) -> Any:
    """The learner of the first seeds that the lab would make."""
    from svgbench.lab.block import resolve

    return resolve(name)(
        declared(name).config(own, profile=profile), task, list(range(seeds)), {"iterations": 10**6}, "cpu"
    )


class Ours:
    """Batches of a learner's collector, each from the same state."""

    def __init__(self, learner: Any) -> None:
        self.rollouts, self.acting = learner.sampler, learner.agent.snapshot()
        self.rollouts.scaling.prepare()
        self.beginning = copy.deepcopy(self.rollouts.state_dict())

    def rewind(self) -> None:
        self.rollouts.load_state_dict(copy.deepcopy(self.beginning))

    def turn(self, _: int) -> Any:
        return self.rollouts.advance(self.acting)


class Raw:
    """MuJoCo's batch through the same states: in each slice the starts of paths and the controls, in their order."""

    def __init__(self, ours: Ours) -> None:
        task, theirs = ours.rollouts.task, ours.rollouts.simulations
        model = copy.copy(task.model)
        model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_SENSOR)  # which contact forces are computed for
        self.nstep = task.frame_skip
        self.slices: list[list[tuple[Any, ...]]] = []
        self.steps = 0
        step, reset = theirs.step, theirs.reset

        def noted_step(actions: Array, ids: Any = None) -> Any:
            self.slices[-1].append((ids, actions * task.action_scale))
            self.steps += len(actions)
            return step(actions, ids)

        def noted_reset(ids: Any = None) -> Any:
            first = reset(ids)
            where = np.arange(len(theirs)) if ids is None else ids
            self.slices[-1].append((where, theirs.physics.qpos[where], theirs.physics.qvel[where]))
            return first

        theirs.step, theirs.reset = noted_step, noted_reset
        self.physics = Batch(model, len(theirs), THREADS)
        ours.rewind()
        finished = None
        while finished is None:
            self.slices.append([])
            finished = ours.turn(0)
        theirs.step, theirs.reset = step, reset

    def turn(self, number: int) -> None:
        physics, qpos, qvel, ctrl = self.physics, self.physics.qpos, self.physics.qvel, self.physics.ctrl
        for ids, *what in self.slices[number]:
            if len(what) == 2:
                physics.reset(ids, stage=0)
                qpos[ids], qvel[ids] = what
            else:
                ctrl[slice(None) if ids is None else ids] = what[0]
                physics.step(ids, nstep=self.nstep)


def collecting(repeats: int = REPEATS, at_most: int = 10**6, steps: int = STEPS) -> list[Result]:
    """Env-steps a second, of at most so many simulations a seed.

    A slice visits the same states in every repeat: medians over repeats, summed over slices.
    """
    results = []
    for module, profile, make_task, own, copies, seeds in COLLECTING:
        task, n = make_task(), min(copies, at_most)
        size = {"simulations": n, "path_length": steps, "timesteps": n * steps}
        ours = Ours(learner_of(module, profile, task, own | size | {"extension_factor": 0.0}, seeds))
        raw = Raw(ours)
        seconds = np.zeros((repeats, 2, len(raw.slices)))
        for repeat in range(repeats):
            ours.rewind()  # raw begins with the starts of all paths
            sides: tuple[Ours | Raw, ...] = (ours, raw)
            for k in range(len(raw.slices)):
                for i in (0, 1) if (k + repeat) % 2 else (1, 0):
                    begun = time.perf_counter()
                    sides[i].turn(k)
                    seconds[repeat, i, k] = time.perf_counter() - begun
            np.testing.assert_array_equal(ours.rollouts.simulations.physics.qpos, raw.physics.qpos)
        mine, limit = (float(v) for v in raw.steps / np.median(seconds, axis=0).sum(axis=1))
        results.append(
            Result(
                name=f"trpo/collecting/{task.id}",
                value=mine,
                unit="env-steps/s",
                reference="raw mujoco.batch through the same states",
                reference_value=limit,
                ratio=mine / limit,
                target=">= 0.8" if task.derived or task.acting else ">= 0.9",  # with contact forces, as in `stepping`
            )
        )
    return results


def iterate(learner: Any) -> list[dict[str, Any]]:
    """Rows of the next iteration."""
    rows: list[dict[str, Any]] = []
    while not rows:
        rows = learner.advance()
    return rows


def rate(learner: Any) -> float:
    """Env-steps a second of the next iteration; all are of one size."""
    begun = time.perf_counter()
    (row,) = iterate(learner)
    return row["simulated_steps"] / row["step"] / (time.perf_counter() - begun)


def iteration(repeats: int = ITERATIONS, peer: dict[str, Any] = PEER, ours: dict[str, Any] = SWIMMER) -> list[Result]:
    """Env-steps a second of whole iterations, the learners in turns, the first of each left out."""
    tasks = (gymnasium_v5.make_swimmer(), trpo_robots.make_swimmer())
    learners = {task.id: learner_of("trpo", "text", task, ours) for task in tasks}
    library = "sb3-contrib on gymnasium's Swimmer-v5, 8 environments in one process"
    if find_spec("sb3_contrib") is not None:
        learners[library] = learner_of("sb3_trpo", None, tasks[0], peer)
    rates: dict[str, list[float]] = {name: [] for name in learners}
    for _ in range(1 + repeats):
        for name, learner in learners.items():
            rates[name].append(rate(learner))
    medians = {name: statistics.median(found[1:]) for name, found in rates.items()}
    reference = medians.pop(library, None)
    return [
        Result(
            name=f"trpo/iteration/{name}",
            value=value,
            unit="env-steps/s",
            reference=library,
            reference_value=reference,
            ratio=value / reference if reference else None,
            target=">= 4",
        )
        for name, value in medians.items()
    ]


def counted(simulations: Any) -> Callable[[], int]:
    """How many steps these simulations have taken from now on."""
    step, count = simulations.step, [0]

    def counting(actions: Array, ids: Any = None) -> Any:
        count[0] += len(actions)
        return step(actions, ids)

    simulations.step = counting
    return lambda: count[0]


def vine(
    make_task: Callable[[], Any] = trpo_robots.make_swimmer, single: dict[str, Any] = SWIMMER, trunks: int = 16
) -> list[Result]:
    """Calls of the simulator in an iteration at the thesis's sizes for the swimmer, counted at the simulations."""
    task = make_task()
    path = learner_of("trpo", "text", task, single)
    grown = learner_of("trpo", "text-vine", task, {**single, "simulations": trunks})
    counters = [
        counted(s) for s in (path.sampler.simulations, grown.sampler.trunks.simulations, grown.sampler.branches)
    ]
    said = [iterate(learner)[0]["simulated_steps"] for learner in (path, grown)]
    paths, stems, branches = (counter() for counter in counters)
    if said != [paths, stems + branches]:
        raise RuntimeError(f"rows say {said} simulated steps; {paths} and {stems} + {branches} were counted")
    unit, reference = "simulator calls an iteration", "single path"
    return [
        Result("trpo/vine/branches", branches, unit, reference, paths, branches / paths),
        Result("trpo/vine/trunks-and-branches", stems + branches, unit, reference, paths, (stems + branches) / paths),
    ]


class Made:
    """A task of the biped's state and motors that makes its numbers up; satisfies `svgbench.words.task.Task`."""

    id = "made/biped"
    observation_dim, action_dim, dt = 33, 10, 0.01
    reward_function = termination_function = None
    action_low, action_high = -np.ones(10), np.ones(10)
    observation_low, observation_high = np.full(33, -np.inf), np.full(33, np.inf)

    def __init__(self, horizon: int = 2000) -> None:
        self.horizon = horizon

    def simulate(self, seeds: Any, copies: int = 1, stream: str = "train", threads: int = 1, autoreset: bool = True):
        return MadeSimulations(self, seeds, copies, stream, autoreset)


class MadeSimulations(BaseSimulations):
    """Normal numbers, the same for every action."""

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.reset()

    def _begin(self, ids: NDArray[np.int64]) -> Array:
        return self._generators[0].standard_normal((len(ids), 33))

    def _advance(self, ids: Any, rows: Any, actions_nA: Array) -> RawStep:
        observation = self._generators[0].standard_normal((len(actions_nA), 33))
        none = np.zeros(len(actions_nA), dtype=np.bool_)
        return RawStep(observation, observation[:, 0].copy(), none, none)

    def _dynamics(self) -> dict[str, Any]:
        return {}

    def _restore(self, dynamics: dict[str, Any]) -> None:
        pass


def one_iteration(simulations: int, horizon: int) -> list[dict[str, Any]]:
    """Rows of an iteration of so many paths of made data, with a checkpoint near the end of the batch."""
    from svgbench.lab import checkpoint

    own = {"hidden": SIZES, "value_hidden": SIZES, "simulations": simulations}
    learner = learner_of("gae", "text", Made(horizon), own)
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        saved = 0
        while not rows:
            if learner.sampler.share >= 0.9 and not saved:
                saved = checkpoint.save(Path(folder) / "checkpoint.pt", "benchmark", learner.state_dict())
            rows = learner.advance()
    return rows


def memory() -> Result:
    """The peak of a process."""
    process = subprocess.Popen(words("memory"), cwd=ROOT, env=environment(THREADS))
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the iteration's process ended with status {process.returncode}")
    peak = used.ru_maxrss * 1024 / 1e9
    return Result("trpo/memory/1M-steps", peak, "GB", "limit", LIMIT, peak / LIMIT, "<= 1")


PARTS: dict[str, Callable[[], list[Result]]] = {"collecting": collecting, "iteration": iteration, "vine": vine}


def words(part: str) -> list[str]:
    """The command of a part's own process."""
    return [sys.executable, "-m", "benchmarks.trpo", "--child", part]


def measure() -> list[Result]:
    """All parts, one after the other."""
    results = []
    for part in PARTS:
        done = subprocess.run(
            words(part), check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment(THREADS)
        )
        results += [Result(**fields) for fields in json.loads(done.stdout.splitlines()[-1])]
    return [*results, memory()]


def main() -> None:
    """Print the results, or be the process of one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", choices=(*PARTS, "memory"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is None:
        for result in measure():
            print(result.text())
        return
    import torch

    torch.set_num_threads(THREADS)
    if options.child == "memory":
        one_iteration(500, 2000)
    else:
        print(json.dumps([asdict(result) for result in PARTS[options.child]()]))


if __name__ == "__main__":
    main()
