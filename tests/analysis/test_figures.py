"""Figures whatever a label, a matplotlibrc or a folder holds; what panels are read against; panels without runs."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from made_cells import SCORE, cell, compared, experiment
from matplotlib import font_manager
from matplotlib.figure import Figure
from toy import EXPERIMENT

from svgbench import paper_tables, reproduce
from svgbench.analysis.read.frames import Results, read_results
from svgbench.analysis.read.measures import CellData
from svgbench.analysis.show.canvas import LONGEST_LABEL, boxes_note, distinct, find_fonts, house_style, plain
from svgbench.analysis.show.plots import OF_RANDOM, Look, draw, is_cut, learning_curves, looks
from svgbench.analysis.show.references import LEVEL, PUBLISHED, claim_levels
from svgbench.lab.cells import Selection
from svgbench.lab.store import Store
from svgbench.reproduce.maac.figures_curves import fig2, fig4
from svgbench.words.claims import BestOf, Claim, Comparison, Term
from svgbench.words.errors import UsageError
from svgbench.words.experiment import Experiment, Variant
from svgbench.words.values import PerTask

LABELS = [
    "_mine",
    "cost $5",
    "Ba$$in",
    "$x",
    r"\$5",
    r"a\b_c^d",
    "100 %",
    "方法",
    "טקסט",
    "tab\tand\nline\x00",
    "w" * 300,
    "$" * 9,
]
DRAWN = [e for e in reproduce.experiments().values() if e.work != "scg" and not str(e.figure).endswith(":fig6")]
"""All but those that train nothing: a schedule, and studies of estimators."""


def results(of: Experiment, cells: list[CellData], budget: str = "paper", **labels: str) -> Results:
    known = {v.id: v.label for v in of.variants} | {c.variant: c.variant for c in cells} | labels
    return Results(of, budget, {(c.task, c.variant): c for c in cells}, known, ())


def texts(figure: Any) -> list[str]:
    return [t.get_text() for legend in figure.legends for t in legend.get_texts()]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("label", LABELS)
def test_any_label_is_drawn_as_it_is_written(label: str, tmp_path: Path) -> None:
    made = results(experiment(), [cell("a", [1.0, 2.0]), cell("b", [3.0, 4.0])], a=label)
    draw(made, tmp_path)
    with house_style():
        shown = texts(learning_curves(made))
    assert len(shown) == 2, "no curve is missing from the legend"
    assert shown[0].replace(r"\$", "$").strip().rstrip("…") in " ".join(label.replace("\x00", " ").split())
    assert len(shown[0]) <= 2 * LONGEST_LABEL


def characters_of(font: str) -> set[str]:
    return {chr(code) for code in font_manager.get_font(font_manager.findfont(font)).get_charmap()}


def test_a_character_that_another_font_has_is_drawn_with_it(tmp_path: Path) -> None:
    other = min(c for c in characters_of("STIXGeneral") - characters_of("DejaVu Sans") if c > "\u2300")
    mine = results(experiment(), [cell("a", [1.0, 2.0])], a=f"method {other}")
    with house_style():
        figure = learning_curves(mine)
        assert find_fonts(figure) == ""
    (text,) = (t for t in figure.legends[0].get_texts() if other in t.get_text())
    fonts = text.get_fontfamily()
    assert fonts[0] == "DejaVu Sans"
    assert any(other in characters_of(font) for font in fonts[1:])
    assert draw(mine, tmp_path)[1] == ""


def test_a_character_that_no_font_has_is_named(tmp_path: Path) -> None:
    """An Egyptian hieroglyph; a tab is no such character."""
    made = results(
        experiment(), [cell("a", [1.0, 2.0]), cell("b", [1.0, 2.0])], a="a \U00013000\tb", b="é α \U00013000"
    )
    with house_style():
        assert find_fonts(learning_curves(made)) == "\U00013000"
    assert draw(made, tmp_path)[1].startswith("no installed font has \U00013000: drawn as boxes")
    assert boxes_note("x" * 30).count("x ") == 20


def test_a_label_keeps_its_dollars_and_its_underscore() -> None:
    assert plain("cost $5 of $6") == r"cost \$5 of \$6"
    assert plain("_mine") == " _mine"
    assert plain("γ = 0.99, λ = 1") == "γ = 0.99, λ = 1"


@pytest.mark.parametrize("backend", ["no-such-backend", "TkAgg"])
def test_any_backend_and_matplotlibrc(backend: str, tmp_path: Path) -> None:
    """As a user runs it: LaTeX is asked for and not there, colours and sizes are turned around."""
    rc = tmp_path / "matplotlibrc"
    rc.write_text("text.usetex: True\nfont.family: nothing\nsavefig.format: svg\naxes.labelsize: 90\nsavefig.dpi: 3\n")
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "MPLBACKEND": backend, "MATPLOTLIBRC": str(rc), "PYTHONPATH": path}
    code = """
import sys
from svgbench.analysis.show.backend import import_matplotlib
import_matplotlib()
from test_figures import *
draw(results(experiment(), [cell("a", [1.0, 2.0])]), Path(sys.argv[1]))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code, str(tmp_path / "out")],
        env=environment,
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    draw(results(experiment(), [cell("a", [1.0, 2.0])]), tmp_path / "here")
    for name in ("w-x.png", "w-x.pdf"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


def test_the_callers_own_settings_stay() -> None:
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"text.usetex": True, "font.size": 30}):
        learning_curves(results(experiment(), [cell("a", [1.0, 2.0])]))
        assert matplotlib.rcParams["font.size"] == 30
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def rows_of(of: Experiment, task: str, variant: str) -> CellData:
    """Two seeds with two steps of whatever the experiment's columns are, as an import of its first measure has them."""
    measure = of.measures[0]
    where = {k: v for k, v in measure.where.items() if k != "step"}
    frame = pd.DataFrame({"seed": [0, 0, 1, 1], "step": [1, 2, 1, 2], measure.column: [1.0, 2.0, 1.5, 2.5], **where})
    return CellData(task, variant, frame, (0, 1), (0, 1), imported=True)


def nothing(of: Experiment, task: str, variant: str) -> CellData:
    frame = pd.DataFrame({name: [] for name in ("seed", "step", *(c.name for c in of.columns))})
    return CellData(task, variant, frame, (), (0, 1))


@pytest.mark.parametrize("of", DRAWN, ids=lambda e: e.id)
def test_a_folder_that_holds_only_an_import_is_drawn(
    of: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PNG only: a PDF takes as long again for its fonts, and tests of labels and of backends make some."""
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **how: path.suffix == ".png" and save(self, path, **how))
    task = of.tasks[0].id
    declared = [nothing(of, t.id, v.id) for t in of.tasks for v in of.variants if v.runs_on(t.id)]
    names = ("mine", "sac-svg-new", "gamma-0.99-lambda-0.96+0a1b2c", "svg-1-er+12345678")
    made = results(of, [*declared, *(rows_of(of, task, name) for name in names)], of.budgets[0].name)
    assert draw(made, tmp_path)[0]


def test_the_figure_says_what_cannot_be_drawn(tmp_path: Path) -> None:
    of = reproduce.experiments()["maac/fig3"]
    task = of.tasks[0].id
    bare = CellData(task, "mine", pd.DataFrame({"seed": [0], "step": [1]}), (0,), (0,), imported=True)
    with pytest.raises(UsageError, match="nothing that was named has what its figure draws"):
        draw(results(of, [bare]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_figure_2_of_maac_counts_rollouts_on_a_second_axis() -> None:
    of = reproduce.experiments()["maac/fig2"]
    cells = [nothing(of, t.id, v.id) for t in of.tasks for v in of.variants] + [rows_of(of, of.tasks[0].id, "sac")]
    (run, empty, *_) = fig2(results(of, cells, "short"))[""].axes
    (above,) = run.child_axes
    run.set_xlim(0, 15_000)
    run.figure.canvas.draw()
    assert above.get_xlim() == pytest.approx((0, 15))
    assert above.get_xlabel() == "rollouts of 1000 steps"
    assert not empty.child_axes


def test_figure_2_of_maac_says_beside_each_method_what_it_knows_of_the_reward() -> None:
    of = reproduce.experiments()["maac/fig2"]
    names = ("maac", "mbpo", "h0", "one-step", "sac", "random", "mine")
    made = results(of, [rows_of(of, of.tasks[0].id, name) for name in names], "short")
    known = {"maac": "known", "mbpo": "learned", "h0": "known", "one-step": "known"}
    expected = {f"{name}, reward {how}" for name, how in known.items()} | {"sac, no model", "random", "mine"}
    assert set(texts(fig2(made)[""])) - {LEVEL} == expected


def test_a_panel_without_runs_says_so() -> None:
    made = results(experiment(), [cell("a", [1.0, 2.0]), nothing(experiment(), "u", "a")])
    ran, empty = learning_curves(made).axes
    assert ran.lines
    assert not empty.lines
    assert [t.get_text() for t in empty.texts] == ["not run at budget paper"]
    (empty,) = learning_curves(replace(made, elsewhere={"u": ("short", "smoke")})).axes[1:]
    words = "not run at budget paper;\nat short: see svgbench plot\nw/x --budget short"
    assert [t.get_text() for t in empty.texts] == [words]


def test_a_line_without_steps_is_no_panel_while_other_runs_are_missing() -> None:
    once = cell("b", [3.0, 5.0], "u")
    once = replace(once, frame=once.frame[once.frame.step == 2])
    made = results(experiment(), [cell("a", [1.0, 2.0]), nothing(experiment(), "u", "a"), once])
    empty = learning_curves(made).axes[1]
    assert [t.get_text() for t in empty.texts] == ["not run at budget paper"]
    assert not len(empty.get_xticks())
    alone = learning_curves(results(experiment(), [cell("a", [1.0, 2.0]), once])).axes[1]
    assert [line.get_label() for line in alone.lines] == ["b"]


def test_a_figure_names_variants_without_runs() -> None:
    made = results(
        experiment(), [cell("a", [1.0, 2.0]), nothing(experiment(), "t", "b"), nothing(experiment(), "u", "b")]
    )
    said = " ".join(learning_curves(made).get_supxlabel().split())
    assert "incomplete: 2 of 3 cells lack seeds (no runs of b)" in said


def test_names_of_variants_without_runs_stay_apart() -> None:
    """The labels of gae/fig9 have commas: "γ = 0.96, λ = 0.99"."""
    names = ("a", "b", "c")
    of = experiment(variants=tuple(Variant(name, f"γ = {name}, λ = 1", "m:make") for name in names))
    made = results(of, [cell("a", [1.0, 2.0]), nothing(of, "t", "b"), nothing(of, "t", "c")])
    made = replace(made, labels={v.id: v.label for v in of.variants})
    said = " ".join(learning_curves(made).get_supxlabel().split())
    assert "(no runs of γ = b, λ = 1; γ = c, λ = 1)" in said


def test_pages_of_maac_need_a_curve_of_their_own() -> None:
    of = reproduce.experiments()["maac/fig4"]
    task = of.tasks[0].id
    cells = [nothing(of, t.id, v.id) for t in of.tasks for v in of.variants] + [rows_of(of, task, "maac")]
    assert set(fig4(results(of, cells, "short"))) == {""}
    assert set(fig4(results(of, [*cells, rows_of(of, task, "h10")], "short"))) == {"", "horizons"}


def test_the_other_budgets_of_a_task_are_those_with_files_of_it(store: Store) -> None:
    made = read_results(store, EXPERIMENT, Selection("paper"))
    assert made.elsewhere == {"toy/easy": ("smoke",), "toy/hard": ("smoke",)}
    assert read_results(Store(store.root / "none"), EXPERIMENT, Selection("paper")).elsewhere == {}


def test_curves_of_a_crowded_figure_have_different_looks() -> None:
    names = [f"v{i}" for i in range(8)]
    of = experiment(variants=tuple(Variant(name, name, "m:make") for name in names))
    figure = learning_curves(results(of, [cell(name, [1.0, 2.0]) for name in names]))
    lines = [line for line in figure.axes[0].lines if line.get_label() in names]
    assert len(lines) == 8
    assert len({line.get_color() for line in lines}) == 8
    neighbours = [(a.get_linestyle(), a._dash_pattern, b._dash_pattern) for a, b in pairwise(lines)]
    assert all(one != other for _, one, other in neighbours)


def test_a_policy_that_was_measured_once_is_a_line_across_the_panel() -> None:
    once = cell("b", [3.0, 5.0])
    once = replace(once, frame=once.frame[once.frame.step == 2])
    (ax, *_) = learning_curves(results(experiment(), [cell("a", [1.0, 2.0]), once])).axes
    (line,) = [x for x in ax.lines if x.get_label() == "b"]
    np.testing.assert_array_equal(line.get_ydata(), [4.0, 4.0])


def test_levels_of_claims_are_lines() -> None:
    rises = replace(compared(">", margin=0.5), right=PerTask({"t": 60.0}))
    ratio = compared(">", scale="log_ratio")
    claims = (
        Claim("rises", "q", "s", "text", (rises, replace(ratio, right=9.0)), tasks=("t",)),
        Claim("falls", "q", "s", "text", (Comparison(BestOf(("a", "b"), SCORE), "<", 1.0, "n", 0.25),)),
        Claim("other", "q", "s", "text", (Comparison(Term("a", SCORE), "<", Term("b", SCORE), "n"),)),
        Claim("exact", "q", "s", "text", (replace(compared("~", margin=0.1), right=2.0, no_level="nothing learns"),)),
    )
    of = experiment(claims)
    assert claim_levels(of, "t", "score") == [0.75, 60.5]
    assert claim_levels(of, "u", "score") == [0.75]
    assert claim_levels(of, "t", "another column") == []
    ax = learning_curves(results(of, [cell("a", [1.0, 2.0]), cell("a", [1.0, 2.0], "u")])).axes[0]
    (near,) = [line.get_ydata()[0] for line in ax.lines if line.get_label() == LEVEL and len(line.get_ydata())]
    assert near == 0.75
    assert [t.get_text() for t in ax.texts] == ["↑ 60.5"], "what lies far off is a number at the edge"


@pytest.mark.parametrize("budget", ["paper", "short"])
def test_published_numbers_are_drawn_at_every_budget(budget: str) -> None:
    of = reproduce.experiments()["sac-svg/table2"]
    frame = pd.DataFrame({"seed": [0, 0, 1, 1], "step": [1, 2, 1, 2], "eval_return": [0.0, 300.0, 10.0, 340.0]})
    made = results(of, [CellData("poplin/swimmer", "sac-svg-2", frame, (0, 1), (0, 1))], budget)
    figure = learning_curves(made)
    (ax,) = figure.axes
    assert PUBLISHED in texts(figure)
    printed = float(paper_tables.published_number("sac-svg/table2", "SAC-SVG(2)", "Swimmer").value)
    marks = [float(line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "D" and len(line.get_ydata())]
    assert marks == [printed]
    assert ("published numbers of the paper's budget" in " ".join(figure.get_supxlabel().split())) == (
        budget == "short"
    )


def test_a_look_does_not_depend_on_what_else_is_drawn() -> None:
    names = [f"v{i}" for i in range(12)]
    of = experiment(variants=tuple(Variant(name, name, "m:make") for name in names))
    whole = looks(results(of, []), [*names, "mine", "other", "third", "fourth"])
    assert len({(str(look.colour), str(look.dashes)) for look in whole.values()}) == 16
    assert len({str(whole[name].colour) for name in names}) == 12, "diamonds of published numbers have no dashes"
    assert looks(results(of, []), ["v7"]) == {"v7": whole["v7"]}
    named = experiment(variants=(Variant("random", "random policy", "m:make"), *of.variants))
    among = looks(results(named, []), ["random", "v7"])
    assert among == {"random": Look("random policy", OF_RANDOM, ":"), "v7": whole["v7"]}


def test_a_figure_marks_runs_that_are_not_ours() -> None:
    mine = replace(cell("mine", [1.0, 2.0]), imported=True)
    figure = learning_curves(results(experiment(), [cell("a", [1.0, 2.0]), mine]))
    assert "not ours: mine" in " ".join(figure.get_supxlabel().split())


def test_a_figure_says_that_an_interval_is_cut() -> None:
    """Not only a mean: a band or a seed may leave the panel too."""
    from svgbench.reproduce.on_policy_figures import cost_panels

    of = reproduce.experiments()["gae/fig9"]
    task = of.tasks[0].id
    for spread, cut in ((0.0, False), (4.0, True)):
        seeds = np.repeat(np.arange(3), 4)
        reward = np.tile([0.0, 1.0, 2.0, 3.0], 3) + spread * np.array([-1.0, 0.0, 1.0])[seeds]
        frame = pd.DataFrame({"seed": seeds, "step": np.tile([1, 2, 3, 4], 3), "reward_per_step": reward})
        variant = of.variants[0].id
        made = results(of, [CellData(task, variant, frame, (0, 1, 2), (0, 1, 2))], of.budgets[0].name)
        figure = cost_panels(made, {task: [variant]})
        assert is_cut(figure.axes[0]) == cut
        assert ("values outside a panel are cut" in " ".join(figure.get_supxlabel().split())) == cut


@pytest.mark.parametrize("length", [3, LONGEST_LABEL])
def test_a_legend_is_no_wider_than_its_figure(length: int) -> None:
    names = [f"v{i}" for i in range(6)]
    of = experiment(variants=tuple(Variant(name, name, "m:make") for name in names))
    long = {name: (name + "w" * length)[:length] for name in names}
    figure = learning_curves(results(of, [cell(name, [1.0, 2.0]) for name in names], **long))
    figure.canvas.draw()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
    assert len(legend.get_texts()) == 6
    assert all(ax.get_window_extent().height > 30 for ax in figure.axes if ax.get_visible())


@pytest.mark.parametrize(
    "labels", [("long " * 12 + "one", "long " * 12 + "two"), ("w" * 99 + "a" + "w" * 99, "w" * 199)]
)
def test_two_long_labels_stay_two_curves_in_the_legend(labels: tuple[str, str]) -> None:
    a, b = labels
    with house_style():
        figure = learning_curves(results(experiment(), [cell("a", [1.0, 2.0]), cell("b", [3.0, 4.0])], a=a, b=b))
    shown = texts(figure)
    assert len(set(shown)) == 2
    assert all(len(text) <= LONGEST_LABEL for text in shown)
    assert distinct({"a": "short", "b": "short", "c": "w" * 99}) == {"a": "short", "b": "short", "c": "w" * 99}


def test_every_setting_of_a_search_has_a_row_with_its_name() -> None:
    from svgbench.analysis.search.search_plots import LONGEST

    searches = [e for e in reproduce.experiments().values() if e.id in reproduce.searches()]
    assert searches
    for of in searches:
        assert len({plain(v.label, LONGEST) for v in of.variants}) == len(of.variants), of.id
