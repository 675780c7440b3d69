"""From a results folder to frames, tables, figures, verdicts; imports."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib import pyplot as plt

from svgbench import paper_tables
from svgbench.analysis.frames import read_results
from svgbench.analysis.importing import Import, import_csv
from svgbench.analysis.plots import draw, learning_curves
from svgbench.analysis.summary import results_grids, results_rows
from svgbench.analysis.tables import render
from svgbench.analysis.verdict_text import verdict_lines
from svgbench.analysis.verdicts import compare
from svgbench.lab.cells import Selection, expand
from svgbench.lab.errors import UsageError
from svgbench.lab.experiment import Column, Experiment, Measure
from svgbench.lab.store import Store

PAPER = Selection(budget="paper")


def test_frame_has_every_row_with_its_cell(store: Store, experiment: Experiment) -> None:
    frame = read_results(store, experiment, PAPER).frame()
    assert list(frame.columns) == ["task", "variant", "seed", "step", "score", "phase"]
    assert len(frame) == 2 * 2 * 5 * 3
    last = frame[(frame.variant == "ours") & (frame.seed == 4) & (frame.step == 2)]
    assert last.score.tolist() == [10.0 + 0.1 * 4 + 2] * 2  # exactly: repr there and back


def test_a_selection_of_seeds_reads_only_those(store: Store, experiment: Experiment) -> None:
    results = read_results(store, experiment, replace(PAPER, seeds=(1, 3)))
    assert sorted(results.frame().seed.unique()) == [1, 3]
    assert results.cells[("toy/easy", "ours")].seeds_asked == (1, 3)


def test_budgets_do_not_mix(store: Store, experiment: Experiment) -> None:
    assert len(read_results(store, experiment, Selection(budget="smoke")).frame()) == 2 * 2 * 3 * 3


def test_a_damaged_cell_is_left_out_and_noted(store: Store, experiment: Experiment) -> None:
    cell = expand(experiment, PAPER)[0]
    path = store.csv_path(cell)
    path.write_bytes(path.read_bytes()[:-7])
    results = read_results(store, experiment, PAPER)
    assert not len(results.cells[cell.key].frame)
    assert results.cells[cell.key].missing == (0, 1, 2, 3, 4)
    assert any(path.name in note for note in results.notes)


def test_stale_results_are_noted(store: Store, experiment: Experiment) -> None:
    cell = expand(experiment, PAPER)[0]
    path = store.json_path(cell)
    meta = json.loads(path.read_bytes())
    meta["config"]["tau"] = 0.5
    path.write_text(json.dumps(meta | {"config_hash": "0" * 12}))
    notes = read_results(store, experiment, PAPER).notes
    assert any("stale" in note and "tau was 0.5" in note for note in notes)


def test_table_has_mean_sd_n_and_the_published_number(store: Store, experiment: Experiment) -> None:
    published = paper_tables.load("sac-svg/table2")
    grids = results_grids(read_results(store, experiment, PAPER), published)
    text = "".join(render(grid, "text", 80) for grid in grids)
    assert "12.20 ± 0.16 (5)" in text  # 10 + 2 + mean of 0.0 to 0.4; SD of 0.1 * (0..4)
    assert "350.22 ± 3.63 (10)" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_the_verdict_stands_under_the_published_number_and_other_rows_follow(store, experiment) -> None:
    published = paper_tables.load("sac-svg/table2")
    results = read_results(store, experiment, PAPER)
    keys = [key for key in results.cells if key[1] == "ours"]
    words = {key: f"WORD_{i}" for i, key in enumerate(keys)}

    grid = results_grids(results, published, words)[0]
    labels = [label for label, _ in grid.rows]
    first = labels.index("  published")
    assert labels[first + 1] == "  verdict"
    assert set(grid.rows[first + 1][1]) <= {*words.values(), ""}
    assert any(grid.rows[first + 1][1])
    other = labels.index("POPLIN-P (Wang and Ba, 2019)")
    assert labels[other + 1] == "  published"
    assert any("(4)" in cell for cell in grid.rows[other + 1][1])
    assert "POPLIN-P (Wang and Ba, 2019)" not in dict(results_grids(results, published, words, others=False)[0].rows)

    rows = {(r["task"], r["variant"]): r for r in results_rows(results, published, words) if r["published"] is not None}
    assert {key: row["verdict"] for key, row in rows.items()} == {key: words.get(key) for key in rows}


def test_table_rows_are_flat_and_missing_is_null(store: Store, experiment: Experiment) -> None:
    cell = expand(experiment, PAPER)[0]
    store.csv_path(cell).unlink()
    store.json_path(cell).unlink()
    rows = results_rows(read_results(store, experiment, PAPER))
    missing = [r for r in rows if (r["task"], r["variant"]) == cell.key]
    assert [r["mean"] for r in missing] == [None, None]
    assert [r["n"] for r in missing] == [0, 0]
    whole = next(r for r in rows if (r["task"], r["variant"], r["measure"]) == ("toy/hard", "ours", "final score"))
    assert whole["mean"] == pytest.approx(12.2)
    assert whole["low"] < whole["mean"] < whole["high"]


def test_missing_cells_print_as_missing(store: Store, experiment: Experiment) -> None:
    cell = expand(experiment, PAPER)[0]
    store.csv_path(cell).unlink()
    store.json_path(cell).unlink()
    text = "".join(render(g, "text", 80) for g in results_grids(read_results(store, experiment, PAPER)))
    assert text.count("missing") == 2  # one a measure


def test_figure_is_drawn_as_png_and_pdf_and_twice_the_same(
    store: Store, experiment: Experiment, tmp_path: Path
) -> None:
    results = read_results(store, experiment, PAPER)
    first = draw(results, tmp_path / "a")
    second = draw(results, tmp_path / "b")
    assert [p.name for p in first] == ["toy-fig1.png", "toy-fig1.pdf"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_a_figure_of_a_cut_budget_says_so_on_its_face(store: Store, experiment: Experiment) -> None:
    for budget, said in (("smoke", True), ("paper", False)):
        figure = learning_curves(read_results(store, experiment, Selection(budget=budget)))
        text = " ".join(figure.get_supxlabel().split())
        assert ("three seeds" in text) is said
        assert f"budget {budget}" in text
        plt.close(figure)


def test_nothing_to_draw_is_an_error_that_says_what_to_run(experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="svgbench run toy/fig1"):
        draw(read_results(Store(tmp_path), experiment, PAPER), tmp_path)
    assert not list(tmp_path.iterdir())


def test_verdicts_in_words(store: Store, experiment: Experiment) -> None:
    cells = {b: read_results(store, experiment, Selection(budget=b)).cells for b in ("paper", "smoke")}
    verdicts = compare(experiment, cells, paper_tables.load("sac-svg/table2"))
    claims = [v for v in verdicts if v.kind == "claim"]
    assert [(v.verdict, v.budget, v.n) for v in claims] == [("SUPPORTED", "paper", 5)] * 2
    assert {v.verdict for v in verdicts if v.kind == "level"} == {"WORSE"}  # 12 against 350 and 5800
    lines = verdict_lines(experiment, verdicts, 80)
    assert all(len(line) <= 80 for line in lines)
    assert '"ours wins"' in lines[0]
    assert lines[-1] == "toy/fig1, 6 verdicts: 4 WORSE, 2 SUPPORTED"


def an_import(file: Path, **changes: object) -> Import:
    return replace(Import(file, "mine", "paper", None, "my method", False), **changes)  # type: ignore[arg-type]


@pytest.fixture
def my_csv(tmp_path: Path) -> Path:
    rows = [
        f"{t},{s},{step},{30 + 0.1 * s + step}" for t in ("toy/easy", "toy/hard") for s in range(5) for step in range(3)
    ]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["task,seed,step,score", *rows]) + "\n")
    return path


def test_an_import_appears_in_tables_figures_and_verdicts(
    store: Store, experiment: Experiment, my_csv: Path, tmp_path: Path
) -> None:
    written = import_csv(store, experiment, an_import(my_csv))
    assert [runs for _, runs in written] == [5, 5]
    results = read_results(store, experiment, PAPER)
    assert "32.20 ± 0.16 (5)" in "".join(render(g, "text", 80) for g in results_grids(results))
    assert results.labels["mine"] == "my method"
    figure = learning_curves(results)
    assert "my method" in [t.get_text() for t in figure.legends[0].get_texts()]
    plt.close(figure)
    verdicts = [v for v in compare(experiment, {"paper": results.cells}) if v.variant == "mine"]
    assert {(v.task, v.verdict) for v in verdicts} == {("toy/easy", "HIGHER"), ("toy/hard", "HIGHER")}
    assert len(verdicts) == 4  # against ours and theirs, on two tasks


def test_an_imported_variant_can_be_named(store: Store, experiment: Experiment, my_csv: Path) -> None:
    import_csv(store, experiment, an_import(my_csv))
    alone = read_results(store, experiment, replace(PAPER, variants=("mine",)))
    assert {variant for _, variant in alone.cells} == {"mine"}
    beside = read_results(store, experiment, replace(PAPER, variants=("mine", "ours")))
    assert {variant for _, variant in beside.cells} == {"mine", "ours"}
    assert {variant for _, variant in read_results(store, experiment, replace(PAPER, variants=("ours",))).cells} == {
        "ours"
    }
    with pytest.raises(UsageError, match="no variant 'min'"):
        read_results(store, experiment, replace(PAPER, variants=("min",)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"variant": "ours"}, "has a variant of that name"),
        ({"variant": "../x"}, "expected letters"),
        ({"budget": "papr"}, "did you mean 'paper'"),
        ({"task": "toy/esy"}, "did you mean 'toy/easy'"),
    ],
)
def test_a_wrong_import_is_refused_and_writes_nothing(
    store: Store, experiment: Experiment, my_csv: Path, change: dict[str, object], said: str
) -> None:
    before = sorted(store.root.rglob("*"))
    with pytest.raises(UsageError, match=said):
        import_csv(store, experiment, an_import(my_csv, **change))
    assert sorted(store.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed,step\n0,0\n", "no column 'score'"),
        ("seed,step,score\n0,0,high\n", "must hold numbers"),
        ("seed,step,score\n0.5,0,1.0\n", "whole numbers"),
        ("seed,step,score\n-1,0,1.0\n", "must not be negative"),
        ("seed,step,score\n0,0,\n", "empty or infinite"),
        ("seed,step,score\n0,0,inf\n", "empty or infinite"),
        ("seed,step,score\n", "no rows"),
        ("task,seed,step,score\ntoy/other,0,0,1.0\n", "no task of toy/fig1"),
        ("seed,step,score\n0,0,1.0\n", "name the task with --task"),
    ],
)
def test_a_wrong_file_is_refused(store: Store, experiment: Experiment, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        import_csv(store, experiment, an_import(file))


def with_trial(experiment: Experiment) -> Experiment:
    """A further measure, of which only the last row of a seed is read."""
    columns = (*experiment.columns, Column("trial", "float", "1", "of the final policy"))
    return replace(experiment, columns=columns, measures=(*experiment.measures, Measure("trial", "trial")))


def test_what_only_a_last_row_has_may_be_empty_elsewhere(store: Store, experiment: Experiment, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(
        "task,seed,step,score,trial\n" + "".join(f"toy/easy,{s},0,1.0,\ntoy/easy,{s},1,2.0,{s}.5\n" for s in range(5))
    )
    import_csv(store, with_trial(experiment), an_import(file))
    results = read_results(store, with_trial(experiment), replace(PAPER, variants=("mine",)))
    assert [grid.rows for grid in results_grids(results)][-1] == (("my method", ("2.5 ± 1.6 (5)",)),)
    file.write_text("task,seed,step,score,trial\ntoy/easy,0,0,1.0,3.0\ntoy/easy,0,1,2.0,\n")
    with pytest.raises(UsageError, match="'trial' has an empty or infinite value"):
        import_csv(store, with_trial(experiment), an_import(file, replace=True))


def test_a_row_that_a_measure_names_must_be_full(store: Store, experiment: Experiment, tmp_path: Path) -> None:
    named = replace(experiment, measures=(Measure("score", "score at step 0", where={"step": 0}),))
    file = tmp_path / "mine.csv"
    file.write_text("seed,step,score\n0,0,\n0,1,2.0\n")
    with pytest.raises(UsageError, match="'score' has an empty or infinite value"):
        import_csv(store, named, an_import(file, task="toy/easy"))


def test_a_further_measure_may_be_missing(store: Store, experiment: Experiment, my_csv: Path) -> None:
    import_csv(store, with_trial(experiment), an_import(my_csv))
    results = read_results(store, with_trial(experiment), replace(PAPER, variants=("mine",)))
    assert [grid.rows for grid in results_grids(results)][-1] == (("my method", ("missing", "missing")),)


def test_importing_again_needs_a_word(store: Store, experiment: Experiment, my_csv: Path) -> None:
    import_csv(store, experiment, an_import(my_csv))
    with pytest.raises(UsageError, match="--replace"):
        import_csv(store, experiment, an_import(my_csv))
    assert len(import_csv(store, experiment, an_import(my_csv, replace=True))) == 2
