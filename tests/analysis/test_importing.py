"""A user's own measurements beside ours: in tables, figures and verdicts; what is refused; what is said of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib import pyplot as plt
from toy import fill
from toy_imports import MINE, PAPER, an_import, uneven

from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.read.frames import read_results
from svgbench.analysis.read.importing import import_results
from svgbench.analysis.show.plots import learning_curves
from svgbench.analysis.show.summary import results_grids, results_rows
from svgbench.analysis.show.tables import render
from svgbench.describe import parts_of
from svgbench.lab.cells import MOST_SEEDS, Selection, expand
from svgbench.lab.store import Store
from svgbench.words.claims import Claim, Comparison, Measure, Term
from svgbench.words.errors import UsageError
from svgbench.words.experiment import Column, Experiment

# ---- where an import stands


def test_an_import_appears_in_tables_figures_and_verdicts(store: Store, experiment: Experiment, my_csv: Path) -> None:
    done = import_results(store, experiment, an_import(my_csv))
    assert [(cell.seeds, cell.rows, cell.notes) for cell in done.cells] == [((0, 1, 2, 3, 4), 15, ())] * 2
    assert done.notes == ()
    results = read_results(store, experiment, PAPER)
    assert "32.20 ± 0.16" in "".join(render(g, "text", 80) for g in results_grids(results))
    assert results.labels["mine"] == "my method"
    figure = learning_curves(results)
    assert "my method" in [t.get_text() for t in figure.legends[0].get_texts()]
    plt.close(figure)
    verdicts = [v for v in compare(experiment, {"paper": results.cells}) if v.variant == "mine"]
    assert {v.task for v in verdicts} == {"toy/easy", "toy/hard"}
    assert len(verdicts) == 4  # against ours and theirs, on two tasks


def test_an_imported_variant_can_be_named(store: Store, experiment: Experiment, my_csv: Path) -> None:
    import_results(store, experiment, an_import(my_csv))
    for variants in (("mine",), ("mine", "ours"), ("ours",)):
        read = read_results(store, experiment, replace(PAPER, variants=variants))
        assert {variant for _, variant in read.cells} == set(variants)
    with pytest.raises(UsageError, match="no variant 'min'"):
        read_results(store, experiment, replace(PAPER, variants=("min",)))


def test_an_import_to_a_figure_of_others_runs_is_stored_beside_them(store: Store, experiment: Experiment) -> None:
    file = store.root / "mine.csv"
    file.write_text(uneven())
    drawn = replace(experiment, id="toy/fig2", draws_from="toy/fig1")
    (cell,) = import_results(store, drawn, an_import(file, task="toy/easy")).cells
    assert cell.path.parent == store.folder("toy/fig1", "paper")
    assert ("toy/easy", "mine") in read_results(store, experiment, PAPER).cells
    assert not (store.work / "toy/fig2").exists(), "its lock is the one of the folder that is written"


# ---- names


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"variant": "ours"}, "has a variant of that name"),
        ({"variant": "Ours"}, "has a variant of that name"),
        ({"variant": "random"}, "has a variant of that name"),
        ({"variant": "theirs-too"}, "has a variant of that name"),
        ({"variant": "Ours+1"}, "is the name of runs made with -o"),
        ({"variant": "../x"}, "expected at most 100 letters"),
        ({"variant": "x" * 101}, "expected at most 100 letters"),
        ({"label": "theirs"}, "that is how theirs is called"),
        ({"label": "two\nlines"}, "expected text on one line"),
        ({"label": "\udcff"}, "expected text on one line"),
        ({"budget": "papr"}, "did you mean 'paper'"),
        ({"task": "toy/esy"}, "did you mean 'toy/easy'"),
        ({"task": "toy/hard"}, r"row 1 \(line 2\): task 'toy/easy'; expected --task toy/hard"),
        ({"seeds": (7, 8)}, "none of the seeds that --seeds names; it has seeds 0-4"),
    ],
)
def test_a_wrong_word_is_refused_and_writes_nothing(
    store: Store, experiment: Experiment, my_csv: Path, change: dict[str, object], said: str
) -> None:
    before = sorted(store.root.rglob("*"))
    with pytest.raises(UsageError, match=said):
        import_results(store, experiment, an_import(my_csv, **change), installed=["theirs-too"])
    assert sorted(store.root.rglob("*")) == before


def test_importing_again_needs_a_word(store: Store, experiment: Experiment, my_csv: Path) -> None:
    import_results(store, experiment, an_import(my_csv))
    with pytest.raises(UsageError, match="--replace"):
        import_results(store, experiment, an_import(my_csv))
    with pytest.raises(UsageError, match="that is how mine is called"):
        import_results(store, experiment, an_import(my_csv, variant="another"))
    assert len(import_results(store, experiment, an_import(my_csv, replace=True)).cells) == 2


def test_an_import_never_replaces_runs_of_ours(store: Store, experiment: Experiment, my_csv: Path) -> None:
    (cell,) = expand(experiment, Selection("paper", 2, ("toy/easy",), ("theirs",), ("critic=learned",)))
    fill(store, cell, lambda seed, step: 0.0)
    before = store.csv_path(cell).read_bytes()
    with pytest.raises(UsageError, match="holds runs that svgbench made"):
        import_results(store, experiment, an_import(my_csv, variant=cell.variant.id, replace=True))
    assert store.csv_path(cell).read_bytes() == before


def test_show_says_which_columns_an_import_needs(experiment: Experiment) -> None:
    shown = {row["id"]: row["detail"] for row in parts_of(with_phases(experiment)) if row["kind"] == "column"}
    assert shown["score"] == "1, needed by import"
    assert shown["phase"] == "needed by import"
    assert "needed" not in shown["horizon"] + shown["start"]


# ---- rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed,step\n0,0\n", "no column 'score'"),
        ("seed,step,score\n0,0,high\n", r"row 1 \(line 2\): column 'score' is 'high'; expected a finite number"),
        ("seed,step,score\n0,0,1.0\n0.5,0,1.0\n", r"row 2 \(line 3\): column 'seed' is '0.5'; expected a whole number"),
        ("seed,step,score\n-1,0,1.0\n", "column 'seed' is '-1'; expected a whole number from 0"),
        ("seed,step,score\n0,0,\n", "column 'score' is blank; expected a finite number"),
        ("seed,step,score\n", "no rows"),
        ("task,seed,step,score\ntoy/other,0,0,1.0\n", "no task 'toy/other'|no task of toy/fig1"),
        ("task,seed,step,score\n,0,0,1.0\n", "column 'task' is blank"),
        ("seed,step,score\n0,0,1.0\n", "name the task with --task"),
        ("variant,seed,step,score\na,0,0,1\nb,1,0,1\n", r"row 2 \(line 3\): variant 'b' after 'a'"),
    ],
)
def test_a_wrong_file_is_refused(store: Store, experiment: Experiment, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        import_results(store, experiment, an_import(file))


def test_rows_are_sorted_by_step_within_a_seed(store: Store, experiment: Experiment, take) -> None:
    done = take("seed,step,score\n10,5,3\n9,0,7\n10,0,1\n9,5,8\n")
    assert done.cells[0].notes == ("rows were sorted by seed and step",)
    frame = read_results(store, experiment, MINE).frame()
    assert frame[["seed", "step", "score"]].to_numpy().tolist() == [[9, 0, 7], [9, 5, 8], [10, 0, 1], [10, 5, 3]]


def with_phases(experiment: Experiment) -> Experiment:
    """A measure and a claim that select rows by columns, as maac/fig3 has them."""
    columns = (*experiment.columns, Column("horizon", "int", "", ""), Column("start", "str", "", ""))
    measure = Measure("score", "score", {"step": "last", "phase": "test"})
    part = Comparison(Term("ours", Measure("score", "score", {"horizon": 3})), ">", Term("theirs", measure), "")
    return replace(
        experiment, columns=columns, measures=(measure,), claims=(Claim("c", "", "", "text", (part,), per=("start",)),)
    )


def test_rows_that_a_measure_or_a_claim_tells_apart_may_share_seed_and_step(experiment: Experiment, take) -> None:
    header = "seed,step,score,phase,horizon,start\n"
    rows = [
        f"0,0,{i},{p},{h},{s}"
        for i, (p, h, s) in enumerate((p, h, s) for p in ("train", "test") for h in (0, 3) for s in "ab")
    ]
    done = take(header + "\n".join(rows) + "\n", with_phases(experiment))
    assert done.cells[0].rows == 8
    said = r"row 9 \(line 10\): seed 0, step 0, phase test, horizon 3, start b stands twice with different values"
    with pytest.raises(UsageError, match=said + r", first in row 8 \(line 9\)"):
        take(header + "\n".join([*rows, "0,0,99,test,3,b"]) + "\n", with_phases(experiment), replace=True)
    for column in ("phase", "horizon", "start"):
        blank = rows[0].split(",")
        blank[header.strip().split(",").index(column)] = ""
        with pytest.raises(UsageError, match=f"column '{column}' is blank"):
            take(header + ",".join(blank) + "\n", with_phases(experiment), replace=True)
    with pytest.raises(UsageError, match="no row of toy/easy has step last, phase test"):
        take(header + "0,0,1,train,3,a\n", with_phases(experiment), replace=True)


@pytest.mark.parametrize(("value", "how"), [("1.0", "the same values"), ("1.5", "different values")])
def test_a_row_that_stands_twice_is_refused(take, value: str, how: str) -> None:
    with pytest.raises(UsageError, match=rf"row 3 \(line 4\): seed 0, step 0 stands twice with {how}, first in row 1"):
        take(f"seed,step,score\n0,0,1.0\n0,1,2.0\n0,0,{value}\n0,1,2.0\n")


def test_the_same_seed_and_step_of_two_tasks_are_two_rows(store: Store, experiment: Experiment, take) -> None:
    text = "task,seed,step,score\ntoy/hard,0,0,1\ntoy/easy,0,0,2\ntoy/hard,0,1,3\n"
    assert [cell.rows for cell in take(text, task=None).cells] == [2, 1]


def with_trial(experiment: Experiment) -> Experiment:
    """A further measure, of which only the last row of a seed is read."""
    columns = (*experiment.columns, Column("trial", "float", "1", "of the final policy"))
    return replace(experiment, columns=columns, measures=(*experiment.measures, Measure("trial", "trial")))


def test_a_column_read_only_in_the_last_row_may_be_empty_elsewhere(store: Store, experiment: Experiment, take) -> None:
    rows = "".join(f"{s},0,1.0,{blank}\n{s},1,2.0,{s}.5\n" for s, blank in enumerate(("", "nan", "NaN", " ", "")))
    take("seed,step,score,trial\n" + rows, with_trial(experiment))
    results = read_results(store, with_trial(experiment), MINE)
    ((label, (cell,)),) = results_grids(results)[-1].rows
    assert (label, str(cell)) == ("my method", "2.5 ± 1.6")
    with pytest.raises(UsageError, match=r"row 1 \(line 2\): column 'trial' is blank in the last row of seed 0"):
        take("seed,step,score,trial\n0,1,2.0,\n0,0,1.0,3.0\n", with_trial(experiment), replace=True)
    with pytest.raises(UsageError, match="column 'trial' is 'n/a'; expected a finite number, or leave the column out"):
        take("seed,step,score,trial\n0,0,2.0,n/a\n", with_trial(experiment), replace=True)


def test_a_row_that_a_measure_names_must_be_full(experiment: Experiment, take) -> None:
    named = replace(experiment, measures=(Measure("score", "score at step 0", where={"step": 0}),))
    with pytest.raises(UsageError, match="'score' is blank"):
        take("seed,step,score\n0,0,\n0,1,2.0\n", named)


def test_a_seed_without_the_row_that_a_measure_names_is_said(store: Store, experiment: Experiment, take) -> None:
    named = replace(experiment, measures=(Measure("score", "score at step 0", where={"step": 0}),))
    said = "seed 1 without a row of score at step 0"
    assert said in take("seed,step,score\n0,0,1\n0,1,2\n1,1,2\n", named).cells[0].notes
    results = read_results(store, named, MINE)
    assert f"mine on easy: {said}" in results.caveats
    assert [(row["n"], row["note"]) for row in results_rows(results)] == [(1, said)]
    with pytest.raises(UsageError, match="no row of toy/easy has step 0, which 'score at step 0' reads"):
        take("seed,step,score\n1,1,2\n", named, replace=True)


def test_a_mean_of_fewer_rows_than_it_says_is_said(store: Store, experiment: Experiment, take) -> None:
    last = replace(experiment, measures=(Measure("score", "mean of the last 3", reduce="mean_of_last", k=3),))
    said = "seed 1 with fewer than the 3 rows of mean of the last 3"
    assert said in take(uneven(), last).cells[0].notes
    assert f"mine on easy: {said}" in read_results(store, last, MINE).caveats
    assert not any("fewer" in note for note in take(uneven(4), last, replace=True).cells[0].notes)


def test_a_further_measure_may_be_missing(store: Store, experiment: Experiment, my_csv: Path) -> None:
    import_results(store, with_trial(experiment), an_import(my_csv))
    results = read_results(store, with_trial(experiment), MINE)
    assert [grid.rows for grid in results_grids(results)][-1] == (("my method", ("missing", "missing")),)


def test_more_seeds_than_can_be_meant_are_refused(take) -> None:
    rows = "".join(f"{i},0,1\n" for i in range(MOST_SEEDS + 1))
    with pytest.raises(UsageError, match=f"has {MOST_SEEDS + 1} seeds; expected at most {MOST_SEEDS}"):
        take("seed,step,score\n" + rows)


def test_columns_that_are_not_stored_are_named(take) -> None:
    done = take(",seed,step,score,lr,time\n0,0,0,1,2,3")
    assert done.notes[0] == "not stored: columns without a name, 'lr', 'time'"
    assert done.notes[1] == "the file does not end with a newline; if it was cut, '3' at its end may be, too"
