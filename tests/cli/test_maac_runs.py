"""MAAC and MBPO from the command line, on a part of Figure 2: run, and what Figure 4 and Table 1 draw from it."""

from __future__ import annotations

import csv
import math
import re

CHANGED = ("-o", "total_steps=420")  # one iteration of MAAC, one fit of MBPO


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_part_of_the_learning_curves(bench):
    bench.environment = {}
    words = ("--budget", "smoke", "--tasks", "poplin/hopper", "--variants", "maac,mbpo,random", *CHANGED)
    ran = bench.start("run", "maac/fig2", "--seeds", "1", *words).end()
    assert ran.status == 0, ran.err
    assert "3 of 3 runs done" in ran.out
    stored = {path.stem.partition("+")[0]: rows_of(path) for path in bench.results.glob("maac/fig2/smoke/*.csv")}
    assert stored.keys() == {f"poplin-hopper--{v}" for v in ("maac", "mbpo", "random")}
    for name in ("maac", "mbpo"):
        last = stored[f"poplin-hopper--{name}"][-1]
        assert last["step"] == "420"
        columns = ("eval_return", "alpha", "entropy", "critic_loss", "model_loss")
        assert all(math.isfinite(float(last[column])) for column in columns)
    planned = stored["poplin-hopper--maac"][-1]
    assert float(planned["planned_return"]) != float(planned["unplanned_return"])

    table = bench("table", "maac/table1", "--budget", "smoke", "--tasks", "poplin/hopper", *CHANGED)
    assert table.status == 0, table.err
    assert re.search(r"with planning\n(.*\n){3}MAAC.*-?\d", table.out)
    again = bench("run", "maac/fig4", "--seeds", "1", *words[:4], "--variants", "maac,random", *CHANGED)
    assert again.status == 0, again.err
    assert "0 of 2 runs missing" in again.out, "the runs of Figure 2"
