"""`svgbench report` as a user types it: what it writes, what it says, what it refuses."""

from __future__ import annotations

import os
import shutil
import signal

import pytest
from harness import ROOT, alive, wait_until

SMALL = ("scg/mm", "scg/vine")


@pytest.fixture
def walked(bench, two_seeds):
    shutil.copytree(two_seeds, bench.results)
    return bench


def test_a_report_is_one_file_and_says_what_it_is(walked):
    done = walked("report", "--experiment", "testkit/walk", "--output", "mine.html", "--json")
    assert done.status == 0, done.err
    (row,) = done.json
    written = walked.folder / "mine.html"
    assert (row["path"], row["format"], row["bytes"]) == ("mine.html", "html", written.stat().st_size)
    assert (row["experiments"], row["experiments_measured"], row["figures"]) == (1, 1, 1)
    assert written.read_text().startswith("<!doctype html>")
    said = walked("report", "--experiment", "testkit/walk", "--format", "markdown")
    assert said.status == 0, said.err
    assert said.out.startswith("report.md ")
    assert (walked.folder / "report.md").read_text().startswith("# ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--experiment", "walkk"), "no experiment 'walkk'; did you mean 'walk'?"),
        (("--work", "testkitt"), "no work 'testkitt'; did you mean 'testkit'?"),
        (("--format", "htm"), "no format 'htm'; did you mean 'html'?"),
        (
            ("--experiment", "testkit/walk", "--budget", "papr"),
            "no budget of testkit/walk 'papr'; did you mean 'paper'?",
        ),
        (("--experiment", "testkit/walk", "--jobs", "0"), "--jobs 0: expected a whole number from 1"),
        (("--experiment", "testkit/walk", "--output", "."), "--output .: it is a folder"),
    ],
)
def test_a_wrong_word_writes_nothing(bench, words, message):
    bench.results.mkdir()
    done = bench("report", *words)
    assert done.status == 2
    assert done.err.startswith(f"svgbench: {message}")
    assert done.err.count("\n") == 1
    assert [path.name for path in bench.folder.iterdir()] == ["results"]


def test_an_empty_folder_is_said(bench):
    bench.results.mkdir()
    done = bench("report", "--experiment", "testkit/walk")
    assert done.status == 0, done.err
    assert f"no results in '{bench.results}'; the report only says what is missing" in done.err
    assert "Nothing is measured yet" in done.out


def test_two_processes_write_the_same_bytes(bench):
    for name in SMALL:
        shutil.copytree(ROOT / "results" / name, bench.results / name)
    words = [word for name in SMALL for word in ("--experiment", name)]
    runs = [bench.start("report", *words, "--jobs", jobs, "--output", f"{jobs}.html") for jobs in ("1", "2")]
    for run in runs:
        done = run.end()
        assert done.status == 0, done.err
        told = sorted(line.partition("] ")[::2] for line in done.err.splitlines())
        assert [head for head, _ in told] == ["[1/2", "[2/2"], "a line for each"
        assert sorted(name for _, name in told) == sorted(SMALL)
    one, two = ((bench.folder / f"{jobs}.html").read_bytes() for jobs in ("1", "2"))
    assert one == two
    assert len(one) > 50_000


def test_an_interrupt_ends_every_process_without_a_traceback(bench):
    for name in SMALL:
        shutil.copytree(ROOT / "results" / name, bench.results / name)
    words = [word for name in SMALL for word in ("--experiment", name)]
    run = bench.start("report", *words, "--jobs", "2")
    wait_until(lambda: len(run.children("spawn_main")) == 2, "two processes")
    children = run.children("spawn_main")
    for pid in (run.process.pid, *children):
        os.kill(pid, signal.SIGINT)
    done = run.end()
    assert done.status == 130
    assert "Traceback" not in done.err
    wait_until(lambda: not any(map(alive, children)), "their ends")
    assert not (bench.folder / "report.html").exists()
