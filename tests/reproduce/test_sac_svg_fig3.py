"""Figure 3 of Amos et al. 2020: its cells are comparable, and its figure shows what there is."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from svgbench.analysis.judge.claims import claim_verdicts
from svgbench.analysis.judge.judgement import Evidence
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import CellData
from svgbench.analysis.show.canvas import house_style
from svgbench.baselines.actor_critic import _window_models, model_study, sac
from svgbench.lab.block import resolve
from svgbench.lab.cells import Selection, expand
from svgbench.reproduce.sac_svg.figures_models import fig3
from svgbench.reproduce.sac_svg.model_study import FIG3

LABELS = {v.id: v.label for v in FIG3.variants}
BUDGETS = [b.name for b in FIG3.budgets]


def made(budget, factor):
    """Cells of three seeds. factor: of variant and set of episodes, on errors that fall with the steps."""
    cells = {}
    for task in FIG3.tasks:
        for variant in FIG3.variants:
            rows = []
            for seed in range(FIG3.budget(budget).seeds):
                for step in (100, 200):
                    for window in (1, 3, 10):
                        level = window * (1 + 0.02 * seed) / step
                        errors = {s: level * factor(variant.id, s) for s in model_study.SPLITS}
                        rows += [
                            {"seed": seed, "step": step, "split": s, "window": window, "error": e,
                             "over_train": e / errors["train"], "parameters": 10}
                            for s, e in errors.items()
                        ]  # fmt: skip
            seeds = tuple(range(FIG3.budget(budget).seeds))
            cells[task.id, variant.id] = CellData(task.id, variant.id, pd.DataFrame(rows), seeds, seeds)
    return cells


@pytest.mark.parametrize("budget", BUDGETS)
def test_models_have_similar_capacity_and_one_buffer(budget):
    """The deviation `capacity` says within what; all settings of SAC are equal."""
    within = 0.2 if budget == "smoke" else 0.05
    of_sac = {f.name for f in fields(sac.Config)}
    for task in FIG3.tasks:
        cells = expand(FIG3, Selection(budget=budget, tasks=(task.id,)))
        sizes = []
        for cell in cells:
            c = model_study.settings(model_study.Config, cell.config)
            made_task = resolve(cell.task.make)(**cell.task.options)
            layout = model_study.RowLayout(made_task.observation_dim, made_task.action_dim)
            sizes.append(_window_models.parameters_of(_window_models.KINDS[c.model](c, layout, [0], "cpu")))
        assert max(sizes) <= (1 + within) * sizes[0]
        assert min(sizes) >= (1 - within) * sizes[0]
        buffers = [{name: cell.config[name] for name in of_sac} for cell in cells]
        assert all(buffer == buffers[0] for buffer in buffers)
        assert all(cell.limits == cells[0].limits for cell in cells)


@pytest.mark.parametrize(
    ("recurrent", "expected"),
    [
        ({"train": 0.5, "holdout": 1.5, "test": 3.0}, "SUPPORTED"),  # worse on test, overfits three times as much
        ({"train": 0.9, "holdout": 1.0, "test": 0.9}, "REFUTED"),
    ],
)
def test_claims_say_what_the_sentences_say(recurrent, expected):
    def factor(variant, split):
        ensemble = {"train": 1.0, "holdout": 1.05, "test": 2.0}
        return (recurrent if variant.startswith("recurrent") else ensemble)[split]

    verdicts = claim_verdicts(Evidence(FIG3, {"short": made("short", factor)}))
    found = {}
    for verdict in verdicts:
        name = verdict.id.split(":")[1]
        found.setdefault(name, set()).add(verdict.verdict)
    assert found == {claim.id: {expected} for claim in FIG3.claims}


def test_the_figure_has_a_page_per_window_and_a_curve_per_set():
    cells = made("smoke", lambda variant, split: {"train": 1, "holdout": 2, "test": 3}[split])
    del cells["mbpo/walker2d", "recurrent-10"]
    cells["mbpo/walker2d", "recurrent-10"] = CellData("mbpo/walker2d", "recurrent-10", pd.DataFrame(), (), (0, 1, 2))
    with house_style():
        pages = fig3(Results(FIG3, "smoke", cells, LABELS, ()))
    assert sorted(pages) == ["", "window-1", "window-10"]
    for name, window in (("", 3), ("window-1", 1), ("window-10", 10)):
        panels = pages[name].axes
        assert len(panels) == 6
        assert [ax.get_title() for ax in panels[:3]] == list(LABELS.values())
        curves = {line.get_label(): line for line in panels[0].lines if "episodes" in str(line.get_label())}
        mean = np.exp(np.log([1.0, 1.02, 1.04]).mean())
        for label, level in (("training episodes", 1), ("holdout episodes", 2), ("test episodes", 3)):
            expected = [level * window * mean / step for step in (100, 200)]
            np.testing.assert_allclose(curves[label].get_ydata(), expected, rtol=1e-9)
        assert not panels[5].lines
        assert "not run" in panels[5].texts[0].get_text()
