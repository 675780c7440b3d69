"""`svgbench export`: as a user calls it, and rows of a block that runs."""

from __future__ import annotations

import pytest
from harness import Bench, cell_of, expected_csv, wait_until

from svgbench.analysis.show.following import Follower

SLOW = ("-o", "slices=8", "-o", "slice_seconds=0.2")


class Recorded:
    """The rows that were handed over, by seed."""

    def __init__(self):
        self.lines = {}

    def add(self, task, variant, rows):
        assert task == "field/calm"
        for row in rows:
            self.lines.setdefault(int(row["seed"]), []).append(",".join(row.values()) + "\n")

    def close(self):
        pass


def test_each_row_of_a_running_block_comes_once(tmp_path):
    bench = Bench(tmp_path / "results")
    cell = cell_of(*SLOW[1::2], seeds=2)
    whole = expected_csv(cell).decode().splitlines(keepends=True)
    recorded = Recorded()
    follower = Follower(bench.store, [cell], recorded)
    assert follower.step() == (0, False)
    running = bench.start_walk("--seeds", "2", *SLOW)
    wait_until(lambda: follower.step()[1] and recorded.lines, "rows of a running block")
    assert sum(map(len, recorded.lines.values())) < len(whole) - 1
    assert running.end().status == 0
    while follower.step() != (0, False):
        pass
    assert recorded.lines == {seed: [line for line in whole[1:] if line.startswith(f"{seed},")] for seed in (0, 1)}


def test_the_files_are_printed(forks, two_seeds, tmp_path):
    words = ("export", "testkit/walk", "--results", str(two_seeds), "--output", "out")
    done = forks(tmp_path, *words, "--format", "csv")
    assert (done.status, done.out) == (0, "out/testkit_walk_smoke.csv\n"), done
    assert len((tmp_path / "out" / "testkit_walk_smoke.csv").read_text().splitlines()) == 61
    assert forks(tmp_path, *words, "--format", "csv", "--json").json == [{"file": "out/testkit_walk_smoke.csv"}]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            ("--format", "csv", "--follow"),
            "--follow: a csv file does not grow with a run; expected",
        ),
        (("--format", "cvs"), "no format 'cvs'; did you mean 'csv'?"),
        (("--format", "csv", "--budget", "paper"), "nothing to export: no results of testkit/walk at budget paper"),
    ],
)
def test_a_wrong_word_is_refused_and_writes_nothing(forks, two_seeds, tmp_path, more, said):
    done = forks(tmp_path, "export", "testkit/walk", "--results", str(two_seeds), *more)
    assert done.status == 2
    assert said in done.err
    assert not (tmp_path / "exports").exists()
