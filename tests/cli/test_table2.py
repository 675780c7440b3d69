"""The command that people type first, on a part of its table: run, table, compare, plot."""

from __future__ import annotations

import csv
import math
import re
import shutil

from harness import ROOT

VARIANTS = ("random", "sac", "sac-svg-1")
WORDS = ("--tasks", "poplin/swimmer", "--variants", ",".join(VARIANTS))
LEARNED = ("alpha", "entropy", "critic_loss", "reward_loss", "model_loss")


def test_a_part_of_table2_is_run(bench):
    """With 420 steps, of which the last 20 are learned from with the model: cells of their own."""
    bench.environment = {}
    words = (*WORDS, "-o", "total_steps=420")
    ran = bench.start("run", "table2", "--budget", "smoke", "--seeds", "2", *words).end()
    assert ran.status == 0, ran.err
    assert "6 of 6 runs done" in ran.out
    stored = {path.stem.partition("+")[0]: path for path in bench.results.glob("sac-svg/table2/smoke/*.csv")}
    assert stored.keys() == {f"poplin-swimmer--{v}" for v in VARIANTS}
    with stored["poplin-swimmer--sac-svg-1"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["step"]) for row in rows] == [("0", "420"), ("1", "420")]
    assert all(math.isfinite(float(row[name])) for row in rows for name in ("eval_return", *LEARNED))
    table = bench("table", "table2", *words)
    assert table.status == 0, table.err
    assert len(re.findall(r"\d ± \d", table.out)) == 3


def test_a_part_of_table2_from_its_results_to_the_figure(bench):
    """The swimmer's committed results."""
    folder = bench.results / "sac-svg" / "table2" / "short"
    folder.mkdir(parents=True)
    for path in (f"poplin-swimmer--{v}.{kind}" for v in VARIANTS for kind in ("csv", "json")):
        shutil.copy(ROOT / "results" / "sac-svg" / "table2" / "short" / path, folder)
    table = bench("table", "table2", *WORDS)
    assert table.status == 0, table.err
    assert len(re.findall(r"\d ± \d", table.out)) == 5, "three of ours and two published"
    assert re.search(r"ean ± SD over \d+ seeds", table.out)
    assert "351.24 ± 5.27" in table.out, "the published number stands beside ours"
    whole = bench("table", "table2", "--format", "latex")
    assert whole.status == 0, whole.err
    assert whole.out.count("missing") == 6 * 15 - 3, "cells that were not run"

    compared = bench("compare", "table2", "--json")
    assert compared.status == 0, compared.err
    assert {verdict["kind"] for verdict in compared.json} == {"level", "claim"}
    judged = {v["verdict"] for v in compared.json}
    assert not judged & {"REPRODUCED", "CONSISTENT", "WORSE", "BETTER"}, "a short run says nothing of the paper's level"
    assert bench("compare", "table2", "--strict").status == 4, "the rest is missing"

    drawn = bench("plot", "fig5", "--output", str(bench.folder / "figures"))
    assert drawn.status == 0, drawn.err
    sizes = {path.name: path.stat().st_size for path in (bench.folder / "figures").iterdir()}
    assert {"sac-svg-fig5.png", "sac-svg-fig5.pdf"} <= sizes.keys()
    assert min(sizes.values()) > 5000


def test_a_plan_marks_the_cells_that_no_runs_decide(bench):
    """The hopper, whose random policy has run. SAC-SVG(1) is printed as 1594 +- 1689; ME-TRPO's number means another
    thing on every task."""
    folder = bench.results / "sac-svg" / "table2" / "short"
    folder.mkdir(parents=True)
    for kind in ("csv", "json"):
        shutil.copy(ROOT / "results" / "sac-svg" / "table2" / "short" / f"poplin-hopper--random.{kind}", folder)
    words = ("plan", "table2", "--tasks", "poplin/hopper,poplin/ant", "--no-calibrate")
    planned, short = bench(*words), bench(*words, "--budget", "short", "--json")
    assert planned.status == short.status == 0, planned.err
    said = " ".join(planned.out.split())
    why = r"deviation metrpo-statistic changes what the number means \(2\), published spread too wide \(\d+\)"
    assert re.search(rf"\d+ of 30 cells get no verdict on the printed number, whatever is run: {why}", said)
    assert "not known before the random policy has run on poplin/ant" in said
    assert max(map(len, planned.out.splitlines())) <= 80
    assert not any(row["undecidable"] for row in short.json), "below the paper's budget nothing is judged"
    marked = {(row["task"], row["variant"]): row["undecidable"] for row in bench(*words, "--json").json}
    assert "published spread too wide: SD 1689" in marked["poplin/hopper", "sac-svg-1"]
    assert marked["poplin/hopper", "sac-svg-2"] is None
    assert "metrpo-statistic" in marked["poplin/ant", "metrpo"]
    assert "metrpo-statistic" in marked["poplin/hopper", "metrpo"]


def test_a_plan_measures_one_kind_of_block_and_scales_the_others(bench):
    words = ("plan", "table2", "--budget", "smoke", "--tasks", "poplin/swimmer", "--variants", "sac-svg-1,sac-svg-10")
    first, again = bench(*words, "--json"), bench(*words)
    assert first.status == again.status == 0, first.err
    assert "calibrating 1 kind of block, a few seconds each; 1 more are scaled by their arithmetic" in first.err
    short, long = first.json
    assert (short["basis"], long["basis"]) == ("measured", "scaled")
    assert 1 < long["seconds"] / short["seconds"] < 10
    jobs = short["plan_jobs"]
    assert short["plan_seconds"] == long["plan_seconds"] >= (short["seconds"] + long["seconds"]) / jobs * 0.99
    assert "1 kind of block measured; 1 more scaled by the arithmetic they take" in again.out
    assert "calibrating" not in again.err
    assert not list(bench.results.rglob("*.csv"))
