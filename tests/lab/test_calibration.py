"""Which costs a plan measures, which it scales, and which it stores."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest
from harness import cell_of, wait_until

from svgbench.lab import block, calibration, platform
from svgbench.lab.calibration import Cost, costs, estimate, kind, remembered
from svgbench.lab.cells import Selection, blocks, expand
from svgbench.lab.files import take
from svgbench.lab.store import Store
from svgbench.reproduce.sac_svg.experiments import TABLE2
from svgbench.words.errors import UsageError

DRIFTS = ("0.1", "0.2", "0.3", "0.4")


def a_block(drift):
    cell = cell_of(f"drift={drift}", seeds=2)
    return blocks(cell, cell.seeds)[0]


class Machine:
    """Stands in for the calibration process: a job takes what its drift says, and is estimated at twice that."""

    def __init__(self, monkeypatch, estimates=True, fails=()):
        self.estimates, self.fails, self.measured, self.asked = estimates, fails, [], 0
        monkeypatch.setattr(calibration, "_ask", self.answer)

    def answer(self, question, threads, waits=None):
        if isinstance(question, list):
            self.asked += 1
            works = [2 * job["config"]["drift"] if self.estimates else None for job in question]
            return SimpleNamespace(stdout=json.dumps(works), stderr="", returncode=0)
        drift = question["config"]["drift"]
        self.measured.append(drift)
        if drift in self.fails:
            return SimpleNamespace(stdout="", stderr="ArithmeticError: the walk fell over", returncode=1)
        # dearer than its work says, as the real ones are
        return SimpleNamespace(stdout=json.dumps(asdict(Cost(1000 * drift**2, 3.0, 10, 20))), stderr="", returncode=0)


def test_one_kind_of_a_family_is_measured_and_the_others_are_scaled(tmp_path, monkeypatch):
    store, machine, said = Store(tmp_path / "results"), Machine(monkeypatch), []
    wanted = [a_block(drift) for drift in reversed(DRIFTS)]
    known = costs(store, wanted, 2, said.append)
    assert machine.measured == [0.1], "the one of least work"
    assert said == ["calibrating 1 kind of block, a few seconds each; 3 more are scaled by their arithmetic"]
    by_drift = [known[kind(a_block(drift).cell)] for drift in DRIFTS]
    assert [cost.seconds for cost in by_drift] == pytest.approx([10.0, 20.0, 30.0, 40.0])
    assert [cost.basis for cost in by_drift] == ["measured", "scaled", "scaled", "scaled"]
    assert {cost.start_seconds for cost in by_drift} == {3.0}
    assert [cost.csv_bytes for cost in by_drift] == [20, None, None, None]
    whole = estimate(wanted, known, 1)
    assert (whole.measured, whole.scaled, whole.unknown) == (1, 3, 0)
    assert whole.seconds == pytest.approx(112.0)
    assert remembered(store, wanted) == costs(store, wanted, 2, said.append) == known
    assert (len(said), machine.asked) == (1, 1), "known from before"


def test_earlier_measurements_are_scaled(tmp_path, monkeypatch):
    store, machine = Store(tmp_path / "results"), Machine(monkeypatch)
    costs(store, [a_block("0.3")], 1)
    assert (machine.measured, machine.asked) == ([0.3], 0), "a kind alone needs no estimate"
    known = costs(store, [a_block(drift) for drift in DRIFTS], 1, pytest.fail)
    assert machine.measured == [0.3]
    assert known[kind(a_block("0.1").cell)].seconds == pytest.approx(30.0)


def test_without_estimates_every_kind_is_measured(tmp_path, monkeypatch):
    machine = Machine(monkeypatch, estimates=False)
    known = costs(Store(tmp_path / "results"), [a_block(drift) for drift in DRIFTS], 1)
    assert sorted(machine.measured) == [0.1, 0.2, 0.3, 0.4]
    assert {cost.basis for cost in known.values()} == {"measured"}


def test_a_failure_counts_for_what_would_be_scaled_from_it_and_is_not_kept(tmp_path, monkeypatch):
    store = Store(tmp_path / "results")
    Machine(monkeypatch, fails=(0.1,))
    wanted = [a_block(drift) for drift in DRIFTS[:2]]
    whole = estimate(wanted, costs(store, wanted, 1), 1)
    assert whole.unknown == 2
    assert "the walk fell over" in whole.errors[0]
    assert not remembered(store, wanted)


def test_what_failed_does_not_count_as_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "SILENCE", -1.0)
    Machine(monkeypatch, estimates=False, fails=tuple(map(float, DRIFTS)))
    said = []
    costs(Store(tmp_path / "results"), [a_block(drift) for drift in DRIFTS], 1, said.append)
    assert said[1:] == ["0 of 4 kinds of block measured"] * 3


def test_the_arithmetic_of_table2_needs_no_learner_and_orders_its_cells():
    cells = expand(TABLE2, Selection("paper", (0,), ("poplin/swimmer", "poplin/hopper")))
    works = calibration.work_here([blocks(cell, cell.seeds)[0] for cell in cells])
    by_key = {cell.key: work for cell, work in zip(cells, works, strict=True)}
    for task in ("poplin/swimmer", "poplin/hopper"):
        ladder = [by_key[task, v] for v in ("sac", *(f"sac-svg-{H}" for H in (1, 2, 3, 4, 5, 10)))]
        assert ladder == sorted(ladder)
        assert by_key[task, "random"]
    ratio = by_key["poplin/hopper", "sac-svg-10"] / by_key["poplin/hopper", "sac-svg-1"]
    # one core of an AVX-512 machine, one seed: 5690 and 743 ms model-free, 8326 and 918 ms after 10k of 200k steps
    assert ratio == pytest.approx((5690 * 0.05 + 8326 * 0.95) / (743 * 0.05 + 918 * 0.95), rel=0.15)
    assert calibration.work_here([a_block("0.1")]) == [None]


def test_by_default_the_threads_of_the_blocks_use_every_core_once(monkeypatch):
    monkeypatch.setattr(platform, "cores", lambda: 8)
    one, two = (blocks(replace(cell_of(seeds=2), threads=n), (0, 1)) for n in (1, 2))
    known = {kind(own[0].cell): Cost(60.0) for own in (one, two)}
    alike = [(own := [part] * 9, calibration.default_jobs(own)) for part in (one[0], two[0])]
    assert [calibration.estimate(own, known, jobs).jobs for own, jobs in alike] == [8, 4]
    assert [calibration.estimate(own, known, jobs).seconds for own, jobs in alike] == pytest.approx([67.5, 135.0])
    mixed = [*[one[0]] * 6, two[0]]
    whole = calibration.estimate(mixed, known, calibration.default_jobs(mixed))
    assert (whole.jobs, whole.seconds) == (7, 60.0), "six of one thread and one of two fill eight cores"
    assert calibration.estimate(mixed, known, 2).jobs == 2, "where a number is requested, each block counts once"


def test_a_wide_block_takes_every_core_of_a_small_machine(monkeypatch):
    monkeypatch.setattr(platform, "cores", lambda: 1)
    (two,) = blocks(replace(cell_of(seeds=2), threads=2), (0, 1))
    found = calibration.estimate([two], {kind(two.cell): Cost(60.0)}, calibration.default_jobs([two]))
    assert (found.jobs, found.seconds) == (1, 60.0)


def test_measurements_that_wait_for_a_core_too_long_are_given_up(tmp_path, monkeypatch):
    """One process that never answers and two behind it; what a machine counts is made up."""
    monkeypatch.setattr(calibration, "LOOK", 0.01)
    monkeypatch.setattr(calibration.Waits, "note", lambda self, process: self._by_process.update({process: 31.0}))
    monkeypatch.setattr(calibration, "_works", lambda kinds: {})
    wanted = [a_block(drift) for drift in DRIFTS[:3]]
    begun = time.monotonic()
    found = costs(Store(tmp_path / "results"), wanted, 1)
    assert {cost.error for cost in found.values()} == {calibration.BUSY}
    assert time.monotonic() - begun < 20.0
    assert not remembered(Store(tmp_path / "results"), wanted), "the next plan measures them"


def test_a_process_that_waits_is_counted():
    waits = calibration.Waits(1e9)
    waits.note(os.getpid())
    waits.note(2**30)  # there is none
    assert list(waits._by_process) == [os.getpid()]
    assert not waits.over
    assert calibration.Waits(0.0).over


def test_a_question_may_be_larger_than_a_pipe_holds(monkeypatch):
    monkeypatch.setattr(calibration, "PATIENCE", 60)
    job = calibration.describe_job(a_block("0.1"))
    many = [{**job, "seeds": list(range(500))} for _ in range(100)]
    assert len(json.dumps(many)) > 2**17
    done = calibration._ask(many, 1)
    assert json.loads(done.stdout) == [None] * len(many), done.stderr


def test_kinds_belong_to_a_device():
    cell = cell_of(seeds=2)
    selection = Selection("smoke", (0, 1), ("field/calm",), ("drift",), device="cuda:0")
    from svgbench_testkit.experiments import EXPERIMENTS

    (on_gpu,) = expand(EXPERIMENTS[0], selection)
    assert kind(on_gpu) != kind(cell)
    assert calibration.default_jobs(blocks(on_gpu, (0, 1))) == 1, "a block can fill a GPU"
    assert "accelerator" in platform.describe("cuda:0")
    assert "accelerator" not in platform.describe("cpu")


def test_a_device_that_is_not_there_is_refused():
    platform.check_device("cpu")
    with pytest.raises(UsageError, match=r"--device cuda:99: torch .* finds \d+ CUDA devices here; expected cpu"):
        platform.check_device("cuda:99")


def test_the_idle_clock_counts_sleep_and_no_more_than_the_time_that_passed():
    begun, before = time.monotonic(), platform.idle_clock()
    time.sleep(0.02)
    sum(range(100_000))
    gone = platform.idle_clock() - before
    assert 0.019 < gone <= time.monotonic() - begun


def test_a_learner_that_expects_longer_slices_costs_more(monkeypatch):
    """The rest is estimated at 1000 times the work done, far more than two measurements differ."""
    one, true = a_block("0.1"), block.resolve
    name = one.cell.variant.learner

    def growing(*how):
        learner = true(name)(*how)
        learner.outlook = 1000.0
        return learner

    monkeypatch.setattr(calibration, "SECONDS", 0.2)
    plain = calibration.measure_here(one).seconds
    monkeypatch.setattr(block, "resolve", lambda reference: growing if reference == name else true(reference))
    assert calibration.measure_here(one).seconds > 30 * plain > 0


def test_one_run_calibrates_and_the_others_find_what_it_measured(tmp_path, monkeypatch):
    store, machine = Store(tmp_path / "results"), Machine(monkeypatch)
    here, said, found = Store(store.root), [], {}
    held = take(store.work / "calibration" / "calibration.lock", "")
    second = threading.Thread(target=lambda: found.update(costs(here, [a_block("0.2")], 1, said.append)))
    second.start()
    wait_until(lambda: said, "the second run to see the first")
    known = Cost(7.0, 1.0, 10, 20)
    path = store.work / "calibration" / f"{kind(a_block('0.2').cell)}.json"
    path.write_text(json.dumps(asdict(known)))
    held.release()
    second.join()
    assert list(found.values()) == [known]
    assert machine.measured == []
    assert said == ["another run calibrates here; this one waits for what it measures"]
