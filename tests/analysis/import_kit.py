"""`svgbench import` of some bytes, for the tests of what it reads and refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import svgbench
from svgbench import cli
from svgbench.lab.cells import Selection

HEADER = "seed,step,eval_return"
ROWS = [f"{s},{t},{t // 25 + s}.0" for s in range(5) for t in (2500, 5000, 7500, 10000)]
OK = "\n".join([HEADER, *ROWS]) + "\n"
MEAN = 402.0  # of the last evaluations, 400 to 404
WORDS = ("--experiment", "sac-svg/table2", "--task", "poplin/hopper", "--as", "mine")

Call = Callable[..., SimpleNamespace]


@pytest.fixture
def call(tmp_path, capfd, monkeypatch) -> Call:
    """`svgbench import` of some bytes, as a file of that name, in this process; and what the table then says."""

    def call_with(data: bytes | str | Path, name: str = "mine.csv", *more: str) -> SimpleNamespace:
        file = data if isinstance(data, Path) else tmp_path / name
        if not isinstance(data, Path):
            file.write_bytes(data if isinstance(data, bytes) else data.encode())
        results = tmp_path / "results"
        words = ["svgbench", "import", str(file), *WORDS, "--results", str(results), *(more or ("--budget", "short"))]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capfd.readouterr()
        selection = Selection("short", None, ("poplin/hopper",), ("mine",))
        study = svgbench.load("sac-svg/table2", results)
        rows = study.table_rows(selection) if results.exists() else []
        return SimpleNamespace(status=end.value.code, out=out, err=err, results=results, rows=rows)

    return call_with


def refused(done: SimpleNamespace, *said: str) -> None:
    """One line, exit 2, nothing on disk."""
    assert done.status == 2, done
    assert done.out == ""
    (line,) = done.err.splitlines()
    assert line.startswith("svgbench: ")
    for words in said:
        assert words in line, line
    assert not done.results.exists()


def read(done: SimpleNamespace, mean: float = MEAN, n: int = 5) -> None:
    assert done.status == 0, done.err
    assert done.err == ""
    assert [(row["mean"], row["n"]) for row in done.rows] == [(mean, n)]


def altered(row: int, text: str) -> str:
    """The file with another row in that place, from 1."""
    return "\n".join([HEADER, *ROWS[: row - 1], text, *ROWS[row:]]) + "\n"


def by_column(change: Callable[[list[str]], list[str]]) -> str:
    """The file with every row's fields changed."""
    return "\n".join([HEADER, *(",".join(change(row.split(","))) for row in ROWS)]) + "\n"
