"""`python -m svgbench.reproduce.svg.by_hand [TASK ...] [--seeds N] [--json]`: what policies written by hand earn.

They are tried like a final policy of Figure 4: twenty episodes per seed, with the task's own limits at the budget
`paper`, for `trial_reward` and, on the monoped, `trial_reward_noisy`; on the hand for the return of an episode. The
output has the mean over seeds, its 95 % interval, and the numbers that claims require. `reached.py` declares the
interval's lower end as reached. `--idle` tries a policy that does nothing instead.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svgbench.analysis.judge.absolute import level_of
from svgbench.analysis.judge.statistics import t_interval
from svgbench.analysis.read.naming import printed
from svgbench.lab.block import resolve
from svgbench.reproduce.svg.experiments import FIG4
from svgbench.reproduce.svg.noise import HAND_NOISE
from svgbench.simulate.trials import COLUMNS, trials_of
from svgbench.tasks.svg.by_hand import POLICIES
from svgbench.terminal import out, out_json
from svgbench.words.experiment import TaskSpec
from svgbench.words.values import PerTask, on_task

SEEDS = 50
RETURN = "train_return"
WHOLE_EPISODES = {"trial_after": 0, "trial_episodes": 20}
TASKS = {task.id: (of, task) for of in (HAND_NOISE, FIG4) for task in of.tasks if task.id in POLICIES}


def measure(task: TaskSpec, seeds: Sequence[int] = range(SEEDS), idle: bool = False) -> list[dict[str, Any]]:
    """One flat row for each trial of the task's policy: its mean over seeds, with a t-interval, and n.

    A task without trials in its experiment is tried for whole episodes, for their return. idle: all actions are zero.
    """
    made = resolve(task.make)(**task.options)
    limits = task.limits.get("paper", WHOLE_EPISODES | {"trial_steps": made.horizon})
    columns, unit = (COLUMNS, 1) if task.limits else ((RETURN,), made.horizon)
    tasks = [made, *([replace(made, noise=limits["trial_noise"])] if "trial_noise" in limits else [])]
    once = {name: value for name, value in limits.items() if name != "trial_noise"}
    rows = []
    for column, tried in zip(columns, tasks, strict=False):
        trials = trials_of(tried, seeds, once)
        assert trials is not None, "the limits above have trials"
        policy = POLICIES[task.id](len(seeds) * trials.episodes)

        def act(s_SNO: NDArray[Any], policy: Any = policy) -> NDArray[Any]:
            actions = np.asarray(policy(s_SNO.reshape(-1, s_SNO.shape[-1]))).reshape(*s_SNO.shape[:-1], -1)
            return np.zeros_like(actions) if idle else actions

        found = t_interval(unit * trials(act)[COLUMNS[0]].numpy())
        row = {"task": task.id, "column": column, "value": found.value, "low": found.low, "high": found.high}
        rows.append({**row, "n": found.n, "asked": asked(task.id, column)})
    return rows


def asked(task: str, column: str) -> list[float]:
    """The numbers that claims require a final policy to exceed, increasing."""
    of, levels = TASKS[task][0], set()
    for claim in of.claims:
        for part in claim.parts:
            if task in of.tasks_of(claim) and part.left.measure.column == column and level_of(part, task):
                right = part.right
                levels |= {float(on_task(right, task))} if isinstance(right, float | int | PerTask) else set()
    return sorted(levels)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the named tasks' policies, or all; print a line each, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m svgbench.reproduce.svg.by_hand", description=__doc__)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(TASKS)}; all of them if left out")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds, from 0, of twenty episodes each")
    parser.add_argument("--json", action="store_true", help="print a list of flat objects")
    parser.add_argument("--idle", action="store_true", help="try a policy that does nothing instead")
    options = parser.parse_args(arguments)
    if wrong := [name for name in options.tasks if name not in TASKS]:
        parser.error(f"no policy for task '{wrong[0]}' (there are: {', '.join(TASKS)})")
    if options.seeds < 2:
        parser.error(f"--seeds is {options.seeds}; expected 2 or more: one has no interval")
    tasks, seeds = [TASKS[name][1] for name in options.tasks or TASKS], range(options.seeds)
    rows = [row for task in tasks for row in measure(task, seeds, options.idle)]
    if options.json:
        out_json(rows)
        return 0
    for row in rows:
        interval = f"[{row['low']:.3f}, {row['high']:.3f}]"
        claims = ", ".join(printed(level) for level in row["asked"])
        each = "an episode" if row["column"] == RETURN else "a step"
        out(f"{row['task']} {row['column']}: {row['value']:.3f} {interval} {each}, n {row['n']}; claims ask {claims}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
