"""What `logs` prints: reasons of failures first, each once; without a failure the newest log."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from svgbench_testkit.experiments import EXPERIMENTS

from svgbench.lab.cells import Block, Selection, expand
from svgbench.lab.store import Store
from svgbench.logs import log_lines, logs

WALK = EXPERIMENTS[0]
SMOKE = Selection(budget="smoke")


@pytest.fixture
def store(tmp_path):
    """The logs of every block at smoke, the declared order being that of time."""
    made = Store(tmp_path / "results")
    for age, (cell, index) in enumerate((c, i) for c in expand(WALK, SMOKE) for i in (0, 1)):
        path = made.log_path(Block(cell, index, cell.seeds[2 * index : 2 * index + 2]))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"started\nworked {age}\nended {age}\n")
        os.utime(path, (age, age))
    return made


def test_logs_of_replicas_are_found_too(store):
    calm = replace(expand(WALK, SMOKE)[0], replica="AuthenticAMD-25-17-0123abcd")
    block = Block(calm, 0, calm.seeds[:2])
    path = store.log_path(block)
    path.parent.mkdir(parents=True)
    path.write_text("a replica\n")
    store.record_failure(block, "ArithmeticError: too far", 2, path)
    reason, head, tail, _ = told(store)
    assert reason.endswith("too far: field/calm drift (replica AuthenticAMD-25-17-0123abcd) seeds 0-1")
    assert (head, tail) == (f"== {path}", "a replica")


def told(store, verbose=False):
    return list(log_lines(logs(store, WALK, SMOKE), 1, verbose))


def test_without_a_failure_the_newest_log(store):
    head, tail, rest = told(store)
    assert head.startswith("== ")
    assert (tail, rest) == ("ended 7", "1 of 8 logs, the newest (all: --verbose)")
    assert told(store, verbose=True)[1::2] == [f"ended {age}" for age in range(8)]


def test_a_reason_is_told_once_before_the_end_of_the_newest_log(store):
    calm, _, windy, _ = expand(WALK, SMOKE)
    for cell, index in ((calm, 1), (windy, 0)):
        block = Block(cell, index, cell.seeds[2 * index : 2 * index + 2])
        store.record_failure(block, "ArithmeticError: too far", 2, store.log_path(block))
    reason, head, tail, rest = told(store)
    assert reason == ("failed: ArithmeticError: too far: field/calm drift seeds 2-3, field/windy drift seeds 0-1")
    assert "field-windy--drift" in head
    assert (tail, rest) == ("ended 4", "1 of 8 logs, the newest (6 without a failure; all: --verbose)")
