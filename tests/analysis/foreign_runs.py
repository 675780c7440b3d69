"""Folders of results as other libraries write them, and the import of such a folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import svgbench
from svgbench import cli
from svgbench.lab.cells import Selection

SEEDS = (3, 4)
WORDS = ("--experiment", "sac-svg/table2", "--as", "mine", "--budget", "short")

Bring = Callable[..., SimpleNamespace]


@pytest.fixture
def bring(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Bring:
    """`svgbench import` of paths in this process; and the frame that was stored, or None."""

    def bring_with(*words: object, task: str | None = "poplin/hopper") -> SimpleNamespace:
        results = tmp_path / "results"
        of_task = ("--task", task) if task else ()
        line = ["svgbench", "import", *map(str, words), *WORDS, *of_task, "--results", str(results)]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capfd.readouterr()
        frame, notes = None, ()
        if results.exists():
            read = svgbench.load("sac-svg/table2", results).results(Selection("short", None, (), ("mine",)))
            frame, notes = read.frame(), read.notes
        return SimpleNamespace(status=end.value.code, out=out, err=err, frame=frame, notes=notes)

    return bring_with


def refused(done: SimpleNamespace, *said: str) -> None:
    """One line, exit 2, nothing written."""
    assert done.status == 2, done
    assert done.frame is None
    (line,) = done.err.splitlines()
    for words in said:
        assert words in line, line


def stored(done: SimpleNamespace, expected: Mapping[int, pd.DataFrame]) -> None:
    """Exactly these rows of each seed: step and the other columns of the frames."""
    assert done.status == 0, done.err
    assert sorted(done.frame["seed"].unique()) == sorted(expected)
    for seed, frame in expected.items():
        own = done.frame[done.frame["seed"] == seed].reset_index(drop=True)
        pd.testing.assert_frame_equal(own[list(frame.columns)], frame.reset_index(drop=True), check_dtype=False, rtol=0)


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
