"""Trained policies of runs, to call, to evaluate elsewhere and to film.

policy = svgbench.policy("sac-svg/table2", "poplin/hopper", "sac-svg-3", seed=0)
env = policy.env()                                       # the run's own task, as a gymnasium environment
observation, _ = env.reset(seed=7)
action = policy(observation)                             # in the task's units: for env.step
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from svgbench import reproduce, strict_json
from svgbench.lab import policies as stored
from svgbench.lab.cells import Cell, Selection, expand
from svgbench.lab.files import write_atomic
from svgbench.lab.pair import is_finished
from svgbench.lab.policies import StoredPolicy
from svgbench.lab.store import Store
from svgbench.study import Study, load
from svgbench.words.errors import DamagedError, UsageError
from svgbench.words.policy import TrainedPolicy

Array = NDArray[np.float64]


def _softplus(x: NDArray[Any]) -> NDArray[Any]:
    y: NDArray[Any] = np.logaddexp(x, np.zeros_like(x))
    return y


ACTIVATIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "softplus": _softplus,
}


def act(policy: TrainedPolicy, observation: ArrayLike) -> Array:
    """The policy's actions [..., A] at observations [..., O]. Raises ValueError for another width."""
    obs = np.asarray(observation)
    if obs.ndim == 0 or obs.shape[-1] != len(policy.centre):
        raise ValueError(f"an observation of shape {list(obs.shape)}, expected [..., {len(policy.centre)}]")
    x = (obs.astype(policy.centre.dtype) - policy.centre) / policy.width
    x = x.astype(policy.weights[0].dtype)
    if policy.clip:
        x = x.clip(-policy.clip, policy.clip)
    last = len(policy.weights) - 1
    for i, (weight, bias) in enumerate(zip(policy.weights, policy.biases, strict=True)):
        x = x @ weight + bias
        if i < last:
            x = ACTIVATIONS[policy.activation](x)
    u = (np.tanh(x) if policy.squash else x).astype(np.float64)
    action: Array = policy.action_centre + policy.action_half_range * u
    if policy.action_low is not None:
        action = action.clip(policy.action_low, policy.action_high)
    return action


class Policy:
    """The deterministic policy of one run: a function of observations as the environment gives them.

    It has the observations' normalisation and the actions' scale inside. about: the run, see `StoredPolicy`.
    """

    def __init__(self, found: StoredPolicy, path: Path) -> None:
        self.network, self.about, self.path = found.policy, dict(found.about), path

    def __repr__(self) -> str:
        a = self.about
        return f"<Policy {a['experiment']} {a['task']} {a['variant']} seed {a['seed']}, budget {a['budget']}>"

    def __call__(self, observation: ArrayLike) -> Array:
        """Actions [..., A], float64, in the task's units, at observations [..., O]."""
        return act(self.network, observation)

    def predict(
        self,
        observation: ArrayLike,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Array, Any]:
        """The same for stable-baselines3, whose `evaluate_policy` calls it. Raises ValueError unless deterministic:
        the spread of the actions is not stored."""
        if not deterministic:
            raise ValueError("deterministic is False: only the deterministic policy is stored")
        return self(observation), state

    def task(self) -> Any:
        """The run's task (`svgbench.words.task.Task`)."""
        from svgbench.lab.block import resolve

        return resolve(self.about["factory"])(**self.about["task_options"])

    def env(self, render_mode: str | None = None) -> Any:
        """The run's task as a gymnasium environment, with its time limit."""
        from svgbench.tasks.gym_envs import SingleEnv

        options = {name: value for name, value in self.about["task_options"].items() if name != "horizon"}
        horizon = self.task().horizon
        return SingleEnv(make=self.about["factory"], horizon=horizon, render_mode=render_mode, **options)


@dataclass(frozen=True)
class PolicyRun:
    """A run and what is known of its policy.

    status: "kept"; "no policy": it has none, because its learner trains none or the seed diverged, or it was measured
    before policies were kept; "other rows": the file is of a run with other rows; "damaged"; "missing": no such result.
    """

    cell: Cell
    seed: int
    path: Path
    status: str
    note: str = ""


def runs(study: Study, selection: Selection) -> list[PolicyRun]:
    """The selected runs with the states of their policies, in declared order."""
    cells = expand(study.experiment, selection, reproduce.installed_algorithms())
    return [_look(study.store, cell, seed) for cell in cells for seed in cell.seeds]


DIVERGED = "the seed diverged"
NOT_KEPT = "none was kept (policies are not in git); `svgbench policy EXP --rerun` makes them"


def _entry(store: Store, cell: Cell, seed: int) -> Mapping[str, Any]:
    """The result's entry in the cell's JSON; empty if there is none."""
    meta = store.meta(cell)
    entry: Mapping[str, Any] = meta["seeds"].get(str(seed), {}) if meta else {}
    return entry


def _look(store: Store, cell: Cell, seed: int) -> PolicyRun:
    path = stored.path_of(store, cell, seed)
    entry = _entry(store, cell, seed)
    if not is_finished(entry):
        return PolicyRun(cell, seed, path, "missing", "there is no such result")
    try:
        found = stored.read(path)
    except DamagedError as error:
        return PolicyRun(cell, seed, path, "damaged", str(error))
    if found is None:
        why = DIVERGED if entry["status"] == "diverged" else NOT_KEPT
        return PolicyRun(cell, seed, path, "no policy", why)
    if found.about["rows_sha256"] != entry["sha256"]:
        return PolicyRun(cell, seed, path, "other rows", "the policy's run had other rows than the result")
    return PolicyRun(cell, seed, path, "kept")


def policy(
    name: str,
    task: str | None = None,
    variant: str | None = None,
    seed: int | None = None,
    budget: str | None = None,
    results: Path | str | None = None,
) -> Policy:
    """The trained policy of one run; see `svgbench.policy`."""
    study = load(name, results)
    chosen = Selection(
        budget=budget or study.reading(None).budget,
        seeds=None if seed is None else (seed,),
        tasks=() if task is None else (task,),
        variants=() if variant is None else (variant,),
    )
    study.check(chosen)
    return open_policy(one_run(runs(study, chosen)))


def one_run(found: Sequence[PolicyRun]) -> PolicyRun:
    """The only run, or the only one whose policy is kept. Raises UsageError that names what to choose between."""
    kept = [run for run in found if run.status == "kept"]
    if len(kept) > 1 or (not kept and len(found) != 1):
        of = kept or found
        choices = {
            "task": dict.fromkeys(run.cell.task.id for run in of),
            "variant": dict.fromkeys(run.cell.variant.id for run in of),
            "seed": dict.fromkeys(str(run.seed) for run in of),
        }
        several = [f"{kind}s {', '.join(names)}" for kind, names in choices.items() if len(names) > 1]
        if not kept:
            why = "there are no such results" if all(run.status == "missing" for run in of) else NOT_KEPT
            raise UsageError(f"none of {len(of)} runs has a policy: {why}")
        raise UsageError(
            f"{len(of)} runs with a policy: choose one of the {'; of the '.join(several)} (--seeds 3-3 is seed 3)"
        )
    return kept[0] if kept else found[0]


def open_policy(run: PolicyRun) -> Policy:
    """The run's policy. Raises UsageError that says why there is none, DamagedError for a file that cannot be read."""
    if run.status == "damaged":
        raise DamagedError(run.note)
    found = stored.read(run.path) if run.status == "kept" else None
    if found is None:
        cell = run.cell
        where = f"{cell.experiment} {cell.task.id} {cell.variant.id} seed {run.seed}, budget {cell.budget}"
        rerun = f"svgbench policy {cell.experiment} --budget {cell.budget} --tasks {cell.task.id} "
        rerun += f"--variants {cell.variant.id} --seeds {run.seed}-{run.seed} --rerun"
        again = "" if run.status == "missing" else f"; a rerun can make it: {rerun}"
        raise UsageError(f"no policy of {where}: {run.note}{again}")
    _check_task(run, found)
    return Policy(found, run.path)


def _check_task(run: PolicyRun, found: StoredPolicy) -> None:
    """Raise UsageError for a policy of another task than the experiment's: a file from elsewhere must not say what is
    called to make one."""
    task = run.cell.task
    ours = strict_json.loads(strict_json.dumps({"factory": task.make, "task_options": dict(task.options)}))
    differs = [name for name, value in ours.items() if found.about[name] != value]
    if differs:
        name = differs[0]
        said = f"it was trained on a task with {name} {found.about[name]!r}, and the experiment's has {ours[name]!r}"
        raise UsageError(f"{run.path} cannot be used: {said}")


def reruns_of(study: Study) -> Study:
    """The study in the folder of reruns, which is under `.work`."""
    return Study(study.experiment, study.store.work / "reruns")


def rerun_selections(study: Study, selection: Selection, found: Sequence[PolicyRun]) -> list[Selection]:
    """What to run again, in `reruns_of(study)`, for the results whose policy was not kept: one selection a cell.

    Seeds of one block train together, so all results of a block are included. Raises UsageError for a cell whose
    results come from other settings than today's.
    """
    lacking: dict[Cell, set[int]] = {}
    for run in found:
        if run.status in ("no policy", "other rows", "damaged") and run.note != DIVERGED:
            lacking.setdefault(run.cell, set()).add(run.seed // run.cell.block_size)
    selections = []
    for cell, indices in lacking.items():
        state, meta = study.store.state(cell), study.store.meta(cell) or {}
        if state.status == "stale":
            raise UsageError(f"{cell.experiment} {cell.task.id} {cell.variant.id} cannot be rerun: {state.note}")
        done = [int(seed) for seed, entry in meta["seeds"].items() if is_finished(entry)]
        seeds = tuple(sorted(seed for seed in done if seed // cell.block_size in indices))
        base = cell.variant.id.partition("+")[0] if selection.overrides else cell.variant.id
        selections.append(replace(selection, seeds=seeds, tasks=(cell.task.id,), variants=(base,)))
    return selections


def take_over(study: Study, selection: Selection) -> list[PolicyRun]:
    """Copy the policies of a finished rerun into the results folder where its rows are those of the result, byte for
    byte. What became of each run of the selection."""
    again = {(run.cell.key, run.seed): run for run in runs(reruns_of(study), selection)}
    ended = []
    for run in runs(study, selection):
        other = again[run.cell.key, run.seed]
        found = stored.read(other.path) if other.status == "kept" else None
        if run.status == "kept" or run.note == DIVERGED:
            ended.append(run)
        elif found is None:
            missing = other.status == "missing"
            note = "the rerun is not finished" if missing else "its learner hands over no policy"
            ended.append(replace(run, status="no policy", note=note))
        elif found.about["rows_sha256"] != _entry(study.store, run.cell, run.seed)["sha256"]:
            note = "the rerun has other rows than the result: another processor, or another release of a library"
            ended.append(replace(run, status="other rows", note=note))
        else:
            write_atomic(run.path, other.path.read_bytes())
            ended.append(replace(run, status="kept", note=""))
    if all(run.note != "the rerun is not finished" for run in ended):
        drop_rerun(study, ended)
    return ended


def drop_rerun(study: Study, ended: Sequence[PolicyRun]) -> None:
    """Remove the results of a finished rerun; its logs and its policies with them."""
    store = reruns_of(study).store
    for cell in {run.cell for run in ended}:
        for path in (store.json_path(cell), store.csv_path(cell)):
            path.unlink(missing_ok=True)
        for folder in (store.cell_work(cell), stored.path_of(store, cell, 0).parent):
            shutil.rmtree(folder, ignore_errors=True)
