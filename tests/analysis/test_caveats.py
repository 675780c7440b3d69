"""Notes beside a number about its seeds: seeds that end early, other budgets, --seeds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib import pyplot as plt
from toy import fill
from toy_imports import MINE, PAPER, an_import, uneven
from two_folders import diff

from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.read.frames import read_results
from svgbench.analysis.read.importing import import_results
from svgbench.analysis.show.plots import learning_curves
from svgbench.analysis.show.summary import results_grids, results_rows
from svgbench.analysis.show.tables import render
from svgbench.lab.cells import Selection, expand
from svgbench.lab.store import Store
from svgbench.words.errors import UsageError
from svgbench.words.experiment import Budget, Experiment


def test_a_seed_that_ends_early_is_said_wherever_its_number_stands(store: Store, experiment: Experiment, take) -> None:
    said = "seed 1 ends at 1 of 2"
    assert take(uneven()).cells[0].notes == (said,)
    results = read_results(store, experiment, MINE)
    assert results.caveats == (f"mine on easy: {said}",)
    assert said in render(results_grids(results)[-1], "text", 80)
    assert {row["note"] for row in results_rows(results)} == {said}
    both = read_results(store, experiment, PAPER)
    verdicts = [v for v in compare(experiment, {"paper": both.cells}) if v.variant == "mine"]
    assert [v.caveats for v in verdicts] == [(f"mine: {said}",)] * 2
    assert {v.as_row()["note"] for v in verdicts} == {f"mine: {said}"}
    figure = learning_curves(results)
    assert said in " ".join(figure.get_supxlabel().split())
    plt.close(figure)
    alone = read_results(store, experiment, replace(MINE, seeds=(1,)))
    assert alone.caveats == ("mine on easy: uses seed 1, leaves out seed 0", f"mine on easy: {said}"), (
        "also where its longer companion is not asked for"
    )


def test_diff_says_it_too(experiment: Experiment, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    for name, text in (("a", uneven()), ("b", uneven().replace(".5", ".75"))):
        file.write_text(text)
        import_results(Store(tmp_path / name), experiment, an_import(file, task="toy/easy"))
    (found,) = diff(tmp_path / "a", tmp_path / "b")
    assert {v.setting for v in found.verdicts if v.value is not None} == {"final score", "mean score"}
    for verdict in found.verdicts:
        assert verdict.caveats == ("A: seed 1 ends at 1 of 2", "B: seed 1 ends at 1 of 2")


def test_many_ends_are_counted(take) -> None:
    rows = "".join(f"{s},{t},1\n" for s in range(9) for t in range(10 - s))
    assert take("seed,step,score\n" + rows).cells[0].notes == ("8 of 9 seeds end at 1 to 8 of 9",)


def test_a_diverged_seed_of_ours_is_said_to_end_early(store: Store, experiment: Experiment, tmp_path: Path) -> None:
    (cell,) = expand(experiment, Selection("paper", None, ("toy/easy",), ("ours",)))
    made = Store(tmp_path / "other")
    fill(made, cell, lambda seed, step: 1.0)
    meta = json.loads(made.json_path(cell).read_bytes())
    lines = made.csv_path(cell).read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("3,2,")]
    rows = "".join(line for line in kept if line.startswith("3,"))
    meta["seeds"]["3"] |= {"status": "diverged", "rows": 2, "sha256": hashlib.sha256(rows.encode()).hexdigest()}
    made.csv_path(cell).write_text("".join(kept))
    made.json_path(cell).write_text(json.dumps(meta | {"bytes": len("".join(kept))}))
    results = read_results(made, experiment, replace(PAPER, tasks=("toy/easy",), variants=("ours",)))
    assert results.caveats == ("ours on easy: seed 3 ends at 1 (diverged) of 2",)


def with_steps(experiment: Experiment) -> Experiment:
    """The same with 2000 steps at `paper` and 200 at `smoke`; 150 on the hard task."""
    budgets = (
        Budget("paper", 5, "", limits={"total_steps": 2000}),
        Budget("smoke", 3, "three seeds", limits={"total_steps": 200}),
    )
    easy, hard = experiment.tasks
    tasks = (easy, replace(hard, limits={"paper": {"total_steps": 150}}))
    return replace(experiment, budgets=budgets, tasks=tasks, step_unit="environment steps")


def test_steps_that_are_not_the_budgets_are_refused_unless_it_is_named(
    store: Store, experiment: Experiment, take
) -> None:
    declared = with_steps(experiment)
    assert [declared.last_step("paper", t.id) for t in declared.tasks] == [2000, 150]
    text = "seed,step,score\n0,10,1\n0,{},2\n"
    for last in (1900, 1999, 2000, 2001):
        assert take(text.format(last), declared, budget_named=False, replace=True).cells[0].rows == 2
    said = "the rows of toy/easy end at step {}, and runs at budget paper end at 2000 environment steps"
    with pytest.raises(UsageError, match=said.format(200) + "; say --budget smoke$"):
        take(text.format(200), declared, budget_named=False, replace=True)
    with pytest.raises(UsageError, match=said.format(1000000) + r"; name .* with --budget \(paper, smoke\)$"):
        take(text.format(1000000), declared, budget_named=False, replace=True)
    note = "ends at 1000000 environment steps (budget paper: 2000)"
    assert note in take(text.format(1000000), declared, replace=True).cells[0].notes
    results = read_results(store, declared, MINE)
    assert f"mine on easy: {note}" in results.caveats
    assert {row["note"] for row in results_rows(results)} == {note}


def test_budgets_whose_steps_no_limit_counts_take_any(experiment: Experiment, take) -> None:
    assert experiment.last_step("paper", "toy/easy") is None
    assert take("seed,step,score\n0,123456,1\n", budget_named=False).cells[0].notes == ()


# ---- --seeds


def test_seeds_that_are_named_are_stored_and_the_others_are_said(store: Store, experiment: Experiment, my_csv) -> None:
    done = import_results(store, experiment, an_import(my_csv, seeds=(1, 3, 9)))
    assert {cell.seeds for cell in done.cells} == {(1, 3)}
    assert done.cells[0].notes == ("--seeds uses seeds 1, 3, leaves out seeds 0, 2, 4, finds no seed 9",)


def test_reading_some_seeds_of_an_import_says_which(store: Store, experiment: Experiment, take) -> None:
    take("seed,step,score\n0,0,1\n1,0,2\n3,0,4\n4,0,5\n")
    results = read_results(store, experiment, replace(PAPER, seeds=3))
    said = "uses seeds 0-1, leaves out seeds 3-4, has no seed 2"
    assert results.caveats == (f"mine on easy: {said}",)
    cell = results.cells["toy/easy", "mine"]
    assert (cell.seeds, cell.missing, sorted(cell.frame.seed)) == ((0, 1), (2,), [0, 1])
    (row,) = [r for r in results_rows(results) if r["variant"] == "mine" and r["measure"] == "final score"]
    assert (row["n"], row["seeds_asked"], row["note"]) == (2, 3, said)
    both = read_results(store, experiment, replace(PAPER, seeds=(0, 1)))
    words = {v.reason for v in compare(experiment, {"paper": both.cells}) if v.variant == "mine"}
    assert not any("lacks" in word for word in words), "the seeds that were asked for are all there"
    none = read_results(store, experiment, replace(PAPER, seeds=(2,)))
    assert "mine on easy: uses no seed, leaves out seeds 0-1, 3-4, has no seed 2" in none.caveats
    assert read_results(store, experiment, PAPER).caveats == ()
