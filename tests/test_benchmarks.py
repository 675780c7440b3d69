"""What `python -m benchmarks` prints, and what two of the benchmarks rest on: a count and a made checkpoint."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import __main__ as program
from benchmarks import arithmetic, memory, planning, update
from benchmarks.result import Result
from svgbench.baselines.actor_critic import sac, sac_svg
from svgbench.lab import block as child
from svgbench.lab.cells import describe_job
from svgbench.lab.store import Store

MEASURED = Result("update/one", 0.5, "s", "the limit", 0.25, 2.0, "<= 1.25")
ALONE = Result("update/two", 0.5, "s", "a peer that is not installed")


@pytest.fixture
def _two_results(monkeypatch):
    monkeypatch.setattr(update, "measure", lambda: [MEASURED, ALONE])


@pytest.mark.usefixtures("_two_results")
def test_json_is_a_list_of_flat_objects(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "update", "--json"])
    assert program.main() == 0
    first, second = json.loads(capsys.readouterr().out)
    words = ["name", "value", "unit", "reference", "reference_value", "ratio", "target"]
    assert list(first) == list(second) == words
    assert first == dict(zip(words, ["update/one", 0.5, "s", "the limit", 0.25, 2.0, "<= 1.25"], strict=True))
    assert second["value"] == 0.5
    assert second["reference_value"] is second["ratio"] is second["target"] is None


@pytest.mark.usefixtures("_two_results")
def test_the_table_says_what_is_asked_and_what_was_not_measured(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "update"])
    assert program.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "update/one",
        "  0.5 s; the limit: 0.25; ratio 2.00  (asked: <= 1.25)",
        "update/two",
        "  0.5 s; a peer that is not installed: not measured",
    ]


def test_a_wrong_name_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "updates"])
    with pytest.raises(SystemExit) as caught:
        program.main()
    assert caught.value.code == 2
    assert "no benchmark 'updates' (there are: commands, " in capsys.readouterr().err


@pytest.mark.parametrize("variant", update.VARIANTS)
def test_the_update_that_is_timed_does_the_least_arithmetic(variant):
    """Of torch's own count only the sum of eq. (3)'s discounted terms, a product for torch, is not in ours."""
    cell = update.cell_of(variant, "smoke")
    one, multiplications = update.make_update(cell)
    with FlopCounterMode(display=False) as counter:
        one()
    H = cell.config.get("H", 0)
    sum_of_terms = 2 * (H + 1) * cell.config["step_batch"] if H else 0  # forward and backward
    assert counter.get_total_flops() == 2 * (multiplications + sum_of_terms)


def test_the_planning_step_that_is_timed_does_the_least_arithmetic():
    """Eight states: fewer than the eight members would be filled up to them on the search's first path."""
    one, multiplications = planning.make_step(2, 8, population=10, elites=2, iterations=2)
    with FlopCounterMode(display=False) as counter:
        one()
    assert counter.get_total_flops() == 2 * multiplications


def test_a_network_counted_by_hand():
    sizes = (2, 3, 5)  # 6 + 15 multiplications
    assert arithmetic.network(sizes) == 21
    assert arithmetic.network(sizes, carries=True) == 21 + 21
    assert arithmetic.network(sizes, learns=True) == 21 + 21 + 15
    assert arithmetic.network(sizes, learns=True, carries=True) == 3 * 21


def test_the_paper_s_sizes_counted_by_hand():
    """Products of 512 x 512 only; what observations, actions and outputs add is 1 %."""
    config = sac_svg.Config(**sac_svg.PROFILES["code"])
    target, critic, policy, model, heads = 3 + 6, 3 * 6, 3 * 9 + 2 * 6, 2 * 2 + 3 * 6, 2
    at_steps = target + critic + policy + 2 * model + 2 * 2 * heads + 3 * heads
    squares = 1024 * at_steps + 4 * 512 * 3 * model
    assert 0.985 < squares * 512**2 / arithmetic.least(config, 11, 3) < 1
    alone = 1024 * (target + critic + 3 * 3 + 2 * 6)
    assert 0.97 < alone * 512**2 / arithmetic.least(sac.Config(**sac.PROFILES["code"]), 11, 3) < 1


@pytest.mark.parametrize("run", memory.RUNS)
def test_seeds_of_a_run_are_one_block(run):
    block = memory.block_of(run, 2)
    assert block.seeds == block.wanted == (0, 1)
    assert block.cell.config["step_batch"] == 1024


def test_a_made_checkpoint_is_resumed_with_a_full_replay(tmp_path):
    small = ("total_steps=3000", "actor_hidden=8,8", "critic_hidden=8,8", "recurrent_width=8", "encoder_hidden=8")
    small += ("head_hidden=8", "step_batch=16", "window_batch=16", "random_steps=50", "learning_starts=50")
    block = memory.block_of(("sac-svg/table2", "poplin/hopper", "sac-svg-2", small), 2)
    store = Store(tmp_path / "results")
    job = tmp_path / "job.json"
    job.write_text(json.dumps(describe_job(block)))
    memory.fill(job, store.root)
    process = child.BlockProcess(store, block, 1)
    learner = process.make()
    process.resume(learner)
    replay = learner.experience.replay
    assert replay.size == replay.capacity == 3000
    assert (replay.windows() == 3 * (1000 - 3)).all(), "of two steps and a third, none of them an episode's last"
    assert learner.step == 1500
    learner.advance()
    assert learner.step == 1501
    assert torch.isfinite(replay.rows).all()
