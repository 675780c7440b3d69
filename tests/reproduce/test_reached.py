"""What shows that claims' levels can be reached, and what no policy can better: recomputed from runs and from tasks."""

from __future__ import annotations

import json
import math
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from typer.testing import CliRunner

from svgbench import reproduce
from svgbench.commands.app import app
from svgbench.lab.block import resolve
from svgbench.lab.store import Store
from svgbench.reproduce.svg import by_hand
from svgbench.reproduce.svg.claims_fig4 import NOTHING_DONE, SOLVED, TRIED
from svgbench.words.experiment import BUDGETS

RESULTS = Path(__file__).resolve().parents[2] / "results"
EXPERIMENTS = list(reproduce.experiments().values())
REACHED = {(found.task, found.measure.column, found.command): found for e in EXPERIMENTS for found in e.reached}
OF_RUNS = [found for found in REACHED.values() if found.command.startswith("svgbench ")]
BY_HAND = [found for found in REACHED.values() if found not in OF_RUNS]


def of_its_own_name(found):
    return f"{found.task} {found.measure.column}"


@pytest.mark.parametrize("found", OF_RUNS, ids=of_its_own_name)
def test_the_command_prints_what_a_run_reached(found):
    words = shlex.split(found.command)
    done = CliRunner().invoke(app, [*words[1:], "--json", "--results", str(RESULTS)])
    assert done.exit_code == 0, done.output
    (row,) = [row for row in json.loads(done.stdout) if row["measure"] == found.measure.label]
    assert (row["task"], row["n"]) == (found.task, 1)
    value = row["mean"]
    assert found.value <= value < found.value + 0.01 * abs(found.value)
    for word in (row["experiment"], row["variant"], row["budget"], f"seed {words[-1].split('-')[0]}"):
        assert word in found.by


def measured(found, capsys, seeds):
    words = shlex.split(found.command)
    assert words[:3] == ["python", "-m", "svgbench.reproduce.svg.by_hand"]
    assert by_hand.main([*words[3:], "--seeds", str(seeds), "--json"]) == 0
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["column"] == found.measure.column]
    return row


@pytest.mark.parametrize("found", BY_HAND, ids=of_its_own_name)
def test_the_command_measures_what_a_policy_by_hand_reaches(found, capsys):
    """With three seeds of fifty: they are above what claims ask for, and do not contradict the value."""
    row = measured(found, capsys, 3)
    assert row["n"] == 3
    assert row["value"] > min(row["asked"])
    assert row["high"] > found.value
    assert found.value > min(row["asked"])


@pytest.mark.slow
@pytest.mark.parametrize("found", BY_HAND, ids=of_its_own_name)
def test_a_policy_by_hand_reaches_it_with_every_seed(found, capsys):
    row = measured(found, capsys, by_hand.SEEDS)
    assert found.value <= row["low"] < found.value + 0.02


def test_levels_of_figure_4_are_at_least_half_of_the_way_to_a_policy_by_hand():
    """The rule of `claims_fig4.py`, with what policies by hand reach today."""
    for found in BY_HAND:
        if found.measure == TRIED:
            half = (NOTHING_DONE[found.task] + found.value) / 2
            assert half <= SOLVED[found.task] < found.value, found.task
    assert {found.task for found in BY_HAND if found.measure == TRIED} == set(SOLVED)


def test_the_command_prints_a_line_a_trial_and_refuses_other_tasks(capsys):
    assert by_hand.main(["svg/reacher-4-target", "--seeds", "2"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("svg/reacher-4-target trial_reward: 0.927 [0.92")
    assert line.endswith("a step, n 2; claims ask 0.5, 0.75")
    for wrong, said in ((["svg/cart-pole"], "no policy for task 'svg/cart-pole'"), (["--seeds", "1"], "--seeds is 1")):
        with pytest.raises(SystemExit) as refused:
            by_hand.main(wrong)
        assert refused.value.code == 2
        assert said in capsys.readouterr().err


# ---- the best that there is

NOT_RUN: set[str] = set()  # tasks whose runs may not be committed yet

WITH_BEST = {task.id: task for e in EXPERIMENTS for task in e.tasks if task.best}


def test_the_tasks_with_a_best_value_are_those_whose_rewards_are_bounded():
    assert set(WITH_BEST) == {
        "svg/hand",
        "svg/hand-noise-2",
        "svg/hand-noise-4",
        "svg/cart-pole",
        "svg/cart-pole-applied",
        "svg/reacher-4-target",
        "svg/reacher-moving",
        "svg/gripper",
        "svg/monoped",
        "trpo/cart-pole",
        "trpo/cart-pole-barto",
        "gae/biped-standing",
    }
    for e in EXPERIMENTS:
        for task in e.tasks:
            assert task.best == (WITH_BEST[task.id].best if task.id in WITH_BEST else {}), (
                "the same in every experiment"
            )
            assert set(task.best) <= {column.name for column in e.columns} | {"trial_reward_noisy", "trial_reward"}


STARTS = {  # states near the best one, where the search for it begins; places in s that it moves
    "svg/cart-pole": (np.full(4, 0.2), 1),
    "svg/cart-pole-applied": (np.full(4, 0.2), 1),
    "svg/reacher-4-target": (np.r_[0.5, 0.6, 0.6, np.zeros(3), 0.2, 0.2], 3),
    "svg/reacher-moving": (np.r_[0.5, 0.6, 0.6, np.zeros(3), 0.1, 0.2], 3),
    "svg/gripper": (np.r_[-0.5, 1.0, 0.5, np.zeros(2), 0.19, 0.01, np.zeros(7)], 5),
    "svg/monoped": (np.r_[0.0, 0.7, 0.3, np.zeros(11)], 4),
    "trpo/cart-pole": (np.full(4, 0.1), 1),
    "trpo/cart-pole-barto": (np.full(4, 0.1), 1),
    "gae/biped-standing": (np.r_[1.0, 1.0, np.zeros(29)], 10),
}


def a_steps_reward(task):
    """The best value of a step and of an episode of training."""
    step = next((task.best[name] for name in ("trial_reward", "reward_per_step") if name in task.best), None)
    return step, next(task.best[name] for name in ("train_return", "return_mean") if name in task.best)


@pytest.mark.parametrize("name", STARTS)
def test_a_best_value_is_the_largest_of_the_reward_and_no_larger(name):
    """A search over states and actions gets within 1e-5 of it, and 20,000 states anywhere do not exceed it."""
    task = WITH_BEST[name]
    made, (start, actions) = resolve(task.make)(**task.options), STARTS[name]
    step, episode = a_steps_reward(task)
    step = episode / made.horizon if step is None else step
    assert episode == pytest.approx(step * made.horizon)

    def loss(x):
        s, a = x[: len(start)], x[len(start) :]
        return -float(made.reward_function(s, a, s))

    found = optimize.minimize(
        loss, np.r_[start, np.full(actions, 0.1)], method="L-BFGS-B", options={"maxiter": 2000, "ftol": 1e-15}
    )
    assert step - 1e-5 < -found.fun <= step + 1e-9
    rng = np.random.default_rng(0)
    s = start + rng.normal(0, 0.3, (20_000, len(start)))
    assert made.reward_function(s, rng.normal(0, 0.3, (20_000, actions)), s).max() <= step + 1e-9


def test_the_hands_best_return_is_that_of_its_last_step_at_both_places():
    from svgbench.tasks.svg.hand import DT, END, SOFTNESS, make_hand

    made = make_hand()
    s = np.zeros(9)
    s[2:4] = s[6:8] = 2.0  # the ball at the target
    s[8] = END - DT
    assert float(made.reward_function(s, np.zeros(2), s)) == WITH_BEST["svg/hand"].best["train_return"] == -2 * SOFTNESS
    s[8] = 0.0
    assert float(made.reward_function(s, np.zeros(2), s)) == 0.0


def test_no_committed_value_betters_the_best():
    store, seen = Store(RESULTS), set()
    for e in EXPERIMENTS:
        for budget in BUDGETS:
            for path in store.folder(e.id, budget).glob("*.json"):
                task = WITH_BEST.get(json.loads(path.read_bytes())["task"])
                if task is None:
                    continue
                frame = pd.read_csv(path.with_suffix(".csv"), usecols=lambda name, task=task: name in task.best)
                for column, largest in frame.max().items():
                    best = task.best[column]
                    assert math.isnan(largest) or largest <= best + 1e-9 * abs(best), (path, column, largest)
                    seen.add(task.id)
    assert seen | NOT_RUN == set(WITH_BEST)
