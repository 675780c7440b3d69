"""The report: the structure of its page, equal bytes, escaping, whatever the folder holds, and Markdown."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from harness import ROOT
from hypothesis import given
from hypothesis import strategies as st
from report_kit import check_structure
from toy import EXPERIMENT

from svgbench.analysis.report.inks import LEAST, contrast, variables
from svgbench.analysis.report.markdown import markdown
from svgbench.analysis.report.origins import origins
from svgbench.analysis.report.page import html
from svgbench.analysis.report.svg_text import page_element
from svgbench.analysis.report.thinning import MOST_POINTS, extremes, thin
from svgbench.analysis.show.canvas import house_style, subplots
from svgbench.analysis.show.grids import Measured
from svgbench.reporting import make_report, write_report
from svgbench.study import Study, load
from svgbench.words.claims import Claim
from svgbench.words.errors import UsageError

SCRIPT = "<script>alert('x')</script>"


@pytest.fixture
def study(store):
    return Study(EXPERIMENT, store.root)


@pytest.fixture
def page(study):
    return html(make_report([study]))


def test_the_page_of_a_whole_folder(page):
    root = check_structure(page)
    (figure,) = root.all("figure")
    assert "At the paper's budget, yes: its claim is SUPPORTED." in figure.all("figcaption")[0].words
    words = root.words
    assert "“ours wins”" in words
    assert "At a false discovery rate of 5 % over its 2 verdicts" in words
    assert "ours: last score > theirs: last score. wins: by any amount" in words
    assert "done 20/20" in words
    assert "algorithm" in words
    assert len(root.all("script")) == 1


def test_figures_are_drawings_whose_text_is_text(page):
    (drawing,) = check_structure(page).all("figure")[0].all("svg")
    texts = {e.words for e in drawing.all("text")}
    assert {"easy", "hard", "ours", "theirs", "rows"} <= texts
    assert not any("seeds" in text for text in texts), "the line under the figure is the page's"
    assert "n = 5 seeds (thin lines); mean and 95 % t-interval" in page


def test_equal_results_give_equal_bytes(study, page, tmp_path):
    assert html(make_report([study])) == page
    paths = [write_report(make_report([study]), tmp_path / f"{k}.html") for k in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes() == page.encode()


def test_two_experiments_fit_one_page(study, store):
    other = Study(replace(EXPERIMENT, id="toy/fig2", draws_from="toy/fig1"), store.root)
    root = check_structure(html(make_report([study, other])))
    assert len(root.all("figure")) == 2
    assert [e.words for e in root.all("h3") if e.words.startswith("toy/")] == ["toy/fig1: A toy", "toy/fig2: A toy"]


def test_the_origin_of_a_figure_s_runs_counts_its_own_tasks_only(store):
    """A figure may draw some of the tasks of the experiment that declares the runs."""
    one = replace(EXPERIMENT, id="toy/fig2", draws_from="toy/fig1", tasks=EXPERIMENT.tasks[:1])
    counts = []
    for of in (EXPERIMENT, one):
        table = origins(store, of, ["paper"])
        counts.append(
            sum(runs.value for _, (_, runs) in table.rows if runs.value) / len({kind for kind, _ in table.rows})
        )
    assert counts[0] == len(EXPERIMENT.tasks) * counts[1] > 0


def test_nothing_that_a_user_writes_becomes_markup(store, take):
    rows = [f"{seed},{step},{seed + step}" for seed in range(5) for step in range(3)]
    take("\n".join(["seed,step,score", *rows]) + "\n", label=SCRIPT)
    hostile = Claim("wins", f'"{SCRIPT}" & {{{{ 7 * 7 }}}}', "nowhere", "text", EXPERIMENT.claims[0].parts)
    made = make_report([Study(replace(EXPERIMENT, title=SCRIPT, claims=(hostile,)), store.root)])
    root = check_structure(html(made))
    assert len(root.all("script")) == 1
    assert "alert" not in root.all("script")[0].text
    shown = [e for e in root.all("text", "th", "h3", "p") if SCRIPT in e.words]
    assert {"text", "th", "h3", "p"} <= {e.tag for e in shown}
    assert "{{ 7 * 7 }}" in root.words
    assert SCRIPT not in markdown(made)


def test_a_dollar_of_a_label_is_one_dollar_in_the_line_under_the_figure(store, take):
    rows = [f"{seed},{step},{seed + step}" for seed in range(5) for step in range(3)]
    take("\n".join(["seed,step,score", *rows]) + "\n", label="cost $5 of $6")
    page = html(make_report([Study(EXPERIMENT, store.root)]))
    assert "not ours: cost $5 of $6" in page


def test_an_empty_folder(tmp_path):
    made = make_report([Study(EXPERIMENT, tmp_path / "none")])
    root = check_structure(html(made))
    assert "Nothing is measured yet" in root.words
    assert "missing 0/20" in root.words
    assert not root.all("figure")
    assert "Nothing is measured yet" in markdown(made)
    assert not (tmp_path / "none").exists()


def test_a_folder_with_a_part_of_the_cells(store, study):
    for path in store.folder("toy/fig1", "paper").glob("toy-hard--ours.*"):
        path.unlink()
    words = check_structure(html(make_report([study]))).words
    assert "partial 15/20" in words
    assert "missing" in words
    assert "incomplete: 1 of 4 cells lack seeds" in words


def test_damaged_files_are_named_and_the_rest_is_shown(store, study):
    (store.folder("toy/fig1", "paper") / "toy-easy--ours.csv").write_text("seed,step,score\n")
    words = check_structure(html(make_report([study]))).words
    assert "toy-easy--ours.csv" in words


def test_a_budget_can_be_named(study):
    words = check_structure(html(make_report([study], budget="smoke"))).words
    assert "At smoke, yes: its claim is SUPPORTED." in words
    assert "three seeds" in words


def test_markdown_has_the_same_words_and_no_figure(study):
    text = markdown(make_report([study], draw=False))
    assert text.startswith("# Does Figure 1 hold?\n")
    assert "- Does Figure 1 hold? **Yes**: At the paper's budget, yes: its claim is SUPPORTED." in text
    assert "| wins" in text
    assert "| toy/fig1" in text
    assert "<" not in text.replace("<br>", "")


def test_an_unknown_format_is_refused(study, tmp_path):
    with pytest.raises(UsageError, match="no format 'pdf'"):
        write_report(make_report([study], draw=False), tmp_path / "report.pdf", "pdf")
    assert not [*tmp_path.glob("report*")]


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=2000))
def test_a_thinned_line_keeps_its_ends_its_range_and_its_gaps(values):
    y = np.array(values)
    kept = extremes(y)
    assert len(kept) <= max(MOST_POINTS, 1.5 * MOST_POINTS + 2)
    assert (kept[0], kept[-1]) == (0, len(y) - 1)
    assert (np.diff(kept) > 0).all()
    if np.isfinite(y).any():
        assert (np.nanmin(y[kept]), np.nanmax(y[kept])) == (np.nanmin(y), np.nanmax(y))
    assert np.isnan(y[kept]).any() == np.isnan(y).any()


def test_a_thinned_figure_has_the_band_and_the_seeds_of_the_whole_one():
    x = np.arange(5000.0)
    y = np.sin(x / 300) + 0.1 * np.cos(7 * x)
    with house_style():
        figure, axes = subplots(1, 1, (3, 2))
        ax = axes[0, 0]
        ax.plot(x, np.stack([y, y + 1, y + 2], axis=1), color="C0", linewidth=0.3)
        band = ax.fill_between(x, y - 0.5, y + 0.5)
        (mean,) = ax.plot(x, y, "--", label="mean")
        before = band.get_datalim(ax.transData)
        assert thin(figure)
    assert len(ax.lines) == 2, "the seeds' lines are one"
    seeds = ax.lines[0].get_ydata()
    assert np.isnan(seeds).sum() == 2
    assert (np.nanmin(seeds), np.nanmax(seeds)) == (y.min(), y.max() + 2)
    assert len(mean.get_xdata()) <= MOST_POINTS + 2
    (polygon,) = (path.vertices for path in band.get_paths())
    assert len(polygon) < 3 * MOST_POINTS
    assert (polygon[:, 1].min(), polygon[:, 1].max()) == (before.y0, before.y1)


def test_a_short_figure_loses_nothing():
    with house_style():
        figure, axes = subplots(1, 1, (3, 2))
        axes[0, 0].plot([0, 1, 2], [[0, 1], [1, 2], [2, 3]], marker="o")
        assert not thin(figure)
    assert len(axes[0, 0].lines) == 2, "markers are not joined"


def test_an_element_has_no_foreign_names_and_short_numbers():
    svg = (
        '<?xml version="1.0"?><svg xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg" '
        'viewBox="0 0 10 20"><metadata/><defs><style>*{fill: red}</style></defs><g id="a_1"><g id="b_1">'
        '<path id="m1" d="M 1.23456 2 \nL -0.00012 4 \nz\n" style="fill: #333333; font-family: \'X\', serif"/></g>'
        '<g id="fixed"><text style="fill: #333333">x</text></g><use xlink:href="#m1" x="3.14159" '
        'clip-path="url(#c9)"/></g><clipPath id="c9"/></svg>'
    )
    made = page_element(svg, "p")
    assert "http" not in made
    assert 'd="M1.23 2L-0 4z"' in made
    assert 'href="#p-0"' in made
    assert 'clip-path="url(#p-1)"' in made
    assert made.count(" id=") == 2
    assert 'style="fill:var(--c333333)"' in made
    assert '<text style="fill:#333333">x</text>' in made
    assert variables([made]) == {"333333": "bebebf"}


def pages_colours(dark: bool) -> dict[str, str]:
    """The colours that the page's style sheet names, without "#"."""
    sheets = (files("svgbench.analysis.report") / "templates" / "style.css").read_text().split("@media")
    return dict(re.findall(r"--(\w+): #([0-9a-f]{6})", sheets[1 if dark else 0]))


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read_on_its_ground(dark):
    colours = pages_colours(dark)
    texts = {"ink", "soft", "link", "for", "against", "between", "open"}
    assert texts < colours.keys()
    grounds = ("ground", "band")
    assert min(contrast(colours[text], colours[ground]) for text in texts for ground in grounds) >= 4.5


def test_lines_show_on_a_dark_page():
    colours = ["000000", "440154", "0173b2", "7f7f7f", "ffffff"]
    dark = variables([f"var(--c{colour})" for colour in colours])
    ground = pages_colours(dark=True)["ground"]
    assert all(contrast(dark[colour], ground) >= LEAST for colour in colours[:-1])
    assert dark["ffffff"] == ground
    assert dark["0173b2"] == "0173b2"


def test_a_search_shows_its_rule_and_its_choices_and_no_other_bests():
    """The committed search for the step size of the natural gradient: chosen where runs are complete."""
    study = load("trpo/natural-gradient-sweep", ROOT / "results")
    report = make_report([study], draw=False)
    (part,) = report.experiments
    assert report.title == part.question == "Which settings of trpo/fig4 were chosen, and by which rule?"
    assert part.standing in ("chosen", "chosen in part")
    assert part.answer.startswith("Rule: the largest mean over seeds of reward per step, last 5 iterations, on each")
    assert (part.tables, part.aggregates) == ((), ())
    larger, smaller = part.choices
    assert len(larger.rows) == len(smaller.rows) + 2, "two values more on hopper and walker"
    rows = [cells for grid in part.choices for _, cells in grid.rows]
    best = [[entry.best for entry in cells if isinstance(entry, Measured)] for cells in rows]
    assert sum(map(sum, best)) == sum("multiplier = " in sentence for sentence in part.chosen) >= 2
    for text in (html(report), markdown(report)):
        assert "Bold: chosen" in text
        assert "hold?" not in text.replace("results hold?", "").replace("3 hold?", "")
