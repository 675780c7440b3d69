"""What svg/remarks declares: what its variants change, that its claims can hold and fail, and its figure."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import CellData
from svgbench.lab.block import resolve
from svgbench.lab.cells import Selection, expand
from svgbench.reproduce.svg.experiments import FIG2, FIG3
from svgbench.reproduce.svg.remark_figures import remarks
from svgbench.reproduce.svg.remarks import REMARKS

CELLS = {cell.key: cell for cell in expand(REMARKS, Selection("paper"))}
CHANGED = {  # a variant's name ends so: what it changes
    "-unclipped": {"max_grad_norm"},
    "-one-network": {"sub_networks", "model_hidden"},
    "-free": {"kl_weight"},
}


def test_the_settings_are_the_figures_and_each_variant_changes_one_thing():
    figures = {c.key: c for figure in (FIG2, FIG3) for c in expand(figure, Selection("paper"))}
    seen = set()
    for (task, variant), cell in CELLS.items():
        if variant.startswith("reinforce"):
            continue
        ending = next((end for end in CHANGED if variant.endswith(end)), "")
        whole = figures[task, variant.removesuffix(ending)]
        assert {f for f in cell.config if cell.config[f] != whole.config[f]} == CHANGED.get(ending, set())
        seen.add(ending)
    assert seen == {"", *CHANGED}
    assert {(len(c.seeds), c.block_size, c.limits["episodes"]) for c in CELLS.values()} == {(10, 10, 500)}


@pytest.mark.parametrize(("task", "tolerance"), [("svg/hand", 0), ("svg/swimmer-3", 100)])
def test_the_one_network_has_as_many_weights_as_the_sub_networks(task, tolerance):
    def weights(variant):
        cell = CELLS[task, variant]
        made = resolve(cell.task.make)(**cell.task.options)
        learner = resolve(cell.variant.learner)(cell.config, made, [0], cell.limits, "cpu")
        return learner.agent.model.adam.flat.shape[1]

    assert abs(weights("svg-inf") - weights("svg-inf-one-network")) <= tolerance


def measured(returns, errors):
    """Runs of 120 episodes at these levels by (task, variant); a seed adds a little."""
    cells = {}
    for cell in CELLS.values():
        frames = [
            pd.DataFrame(
                {
                    "seed": seed,
                    "step": np.arange(1, 121),
                    "train_return": returns(*cell.key) + 1e-3 * seed,
                    "model_error": errors(*cell.key) * (1 + 1e-3 * seed),
                }
            )
            for seed in cell.seeds
        ]
        cells[cell.key] = CellData(*cell.key, pd.concat(frames, ignore_index=True), cell.seeds, cell.seeds)
    return cells


def described(task, variant):
    lost = {"svg-inf-unclipped": 80.0, "svg-1-unclipped": 5.0, "svg-1-er-free": 20.0, "random": 180.0}
    if task == "svg/hand":
        poor = variant == "random" or variant.startswith("reinforce")
        return -4.4 if poor else -0.5 - lost.get(variant, 0.0) / 100
    return 180.0 - lost.get(variant, 0.0)


def turned(task, variant):
    gained = {"svg-inf-unclipped": 1.0, "svg-1-unclipped": -30.0, "svg-1-er-free": 20.0, "random": -180.0}
    if task == "svg/hand":
        return -4.4 if variant == "random" else -0.5 + gained.get(variant, 0.0) / 100
    return 180.0 + gained.get(variant, 0.0)


def errors(share):
    return lambda task, variant: 0.01 * share if variant == "svg-inf-one-network" else 0.01


@pytest.mark.parametrize(
    ("level", "share", "word"), [(described, 1.5, "SUPPORTED"), (turned, 0.9, "REFUTED")], ids=["held", "turned"]
)
def test_the_remarks_hold_where_runs_are_as_they_say(level, share, word):
    verdicts = compare(REMARKS, {"paper": measured(level, errors(share))})
    assert {v.verdict for v in verdicts} == {word}
    assert {v.id.split(":")[1] for v in verdicts} == {claim.id for claim in REMARKS.claims}


def test_a_small_lead_of_the_sub_networks_is_the_lowest_error_and_not_significant():
    verdicts = compare(REMARKS, {"paper": measured(described, errors(1.1))})
    words = {v.id.split(":")[1]: v.verdict for v in verdicts if v.task == "svg/hand"}
    assert words["sub-networks-predict-best"] == "SUPPORTED"
    assert words["sub-networks-improve-significantly"] == "REFUTED"


def test_the_penalty_has_to_help_on_one_task_only():
    def level(task, variant):
        return (turned if task == "svg/cart-pole" else described)(task, variant)

    verdicts = compare(REMARKS, {"paper": measured(level, errors(1.5))})
    words = {v.task: v.verdict for v in verdicts if v.id.split(":")[1] == "the-kl-penalty-helps-in-some-cases"}
    assert (words["svg/cart-pole"], words["svg/swimmer-3"]) == ("REFUTED", "SUPPORTED")
    assert "SUPPORTED" in {v.verdict for v in verdicts if not v.task and "penalty" in v.id}


def test_the_figures_have_a_panel_for_each_remark():
    labels = {v.id: v.label for v in REMARKS.variants}
    drawn = remarks(Results(REMARKS, "paper", measured(described, errors(1.5)), labels, ()))
    assert set(drawn) == {"", "model-error"}
    assert [ax.get_title() for ax in drawn[""].axes] == [
        "Hand: REINFORCE, one network",
        "Hand: V_max",
        "Cart-pole: the penalty",
        "Swimmer, 3 links: the penalty",
        "Swimmer, 3 links: V_max",
        "Swimmer, 3 links: one network",
    ]
    assert [ax.get_yscale() for ax in drawn["model-error"].axes] == ["log", "log"]
    assert drawn["model-error"].axes[0].get_ylabel() == "model error"
    assert all(ax.lines for figure in drawn.values() for ax in figure.axes)
    plt.close("all")
