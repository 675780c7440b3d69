"""Figures 2, 4 and 7 of Amos et al. 2020: settings against sources, claims on made curves, words on the figures."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from svgbench.analysis.judge.claims import claim_verdicts
from svgbench.analysis.judge.judgement import Evidence
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import CellData
from svgbench.analysis.show.canvas import house_style
from svgbench.baselines.actor_critic import mbpo, sac_svg
from svgbench.lab.cells import Selection, expand
from svgbench.lab.source import declared
from svgbench.reproduce.sac_svg import deviations_curves, figures_curves
from svgbench.reproduce.sac_svg.curves import FIG2, FIG4, FIG7, TERMINATING

OF_MBPO = {  # jannerm/mbpo at ac694ff, examples/config/*/0.py: updates, target entropy, last rollout length, its epoch
    "mbpo/hopper": (20, -1, 15, 150),
    "mbpo/walker2d": (20, -3, 1, 150),
    "mbpo/ant": (20, -4, 25, 100),
    "mbpo/cheetah": (40, -3, 1, 150),
    "mbpo/humanoid": (20, -2, 25, 300),
}
BUDGETS = [b.name for b in FIG2.budgets]


def cells_of(experiment, budget):
    return {c.key: c for c in expand(experiment, Selection(budget=budget))}


def test_mbpo_has_the_settings_of_its_own_code():
    for (task, variant), cell in cells_of(FIG2, "paper").items():
        if variant == "mbpo":
            c = cell.config
            assert c["target_entropy_init"] == c["target_entropy_final"]
            found = (
                c["updates_per_step"],
                c["target_entropy_init"],
                c["rollout_length_final"],
                c["rollout_grows_until"],
            )
            assert found == OF_MBPO[task]
            assert c["actor_hidden"] == (256, 256)
            humanoid = task == "mbpo/humanoid"
            assert (c["fit_every"], c["retain_epochs"]) == ((1000, 5) if humanoid else (250, 1))
            assert c["model_hidden"] == ((400 if humanoid else 200),) * 4


@pytest.mark.parametrize("budget", BUDGETS)
def test_rows_that_are_compared_differ_in_what_they_compare(budget):
    """Policy, critics, batches and evaluations are the same, and so is everything but the switch of an ablation."""
    cells = cells_of(FIG2, budget)
    for task in (t.id for t in FIG2.tasks):
        svg, plain = cells[task, "sac-svg-2"].config, cells[task, "plain-svg"].config
        for name in ("sac", "mbpo") if budget != "paper" else ("sac",):
            other = cells[task, name].config
            for field in ("actor_hidden", "critic_hidden", "step_batch", "actor_lr", "critic_lr"):
                assert other[field] == svg[field]
        for name in ("sac", "mbpo", "mve-sac", "mve-svg"):
            other = cells[task, name]
            assert other.limits == cells[task, "sac-svg-2"].limits
            assert all(other.config[field] == svg[field] for field in ("eval_every", "eval_episodes", "gamma", "tau"))
        switched = {
            "mve-svg": {"critic_steps"},
            "plain-svg": {"critic_steps", "expansion"},
            "mve-sac": {"critic_steps", "H"},
            "plain-sac": {"critic_steps", "expansion", "H"},
            "coded-svg": {"critic_steps", "expansion_reading"},
            "coded-sac": {"critic_steps", "expansion_reading", "H"},
            "unweighted": {"balanced_termination"},
        }
        for name, fields in switched.items():
            if (task, name) in cells:
                assert {f for f, value in cells[task, name].config.items() if value != svg[f]} == fields
        assert plain["critic_steps"] == svg["H"] == 2


def test_the_weighting_is_judged_where_something_terminates():
    assert {task for task, variant in cells_of(FIG2, "short") if variant == "unweighted"} == set(TERMINATING)
    (claim,) = [c for c in FIG2.claims if c.id == "weighting-not-important"]
    assert claim.tasks == TERMINATING


@pytest.mark.parametrize("budget", BUDGETS)
def test_figures_4_and_7_are_runs_of_figure_2(budget):
    runs = cells_of(FIG2, budget)
    for drawn in (FIG4, FIG7):
        cells = cells_of(drawn, budget)
        assert all(cell.identity == runs[key].identity for key, cell in cells.items())
        assert {cell.experiment for cell in cells.values()} == {FIG2.id}
        coded = {task for task, variant in cells if variant.startswith("coded-")}
        assert coded == {"mbpo/walker2d"}
    assert {task for task, _ in cells_of(FIG7, budget)} == {"mbpo/walker2d"}


def test_deviations_name_fields_that_there_are():
    known = {*declared("sac_svg").types, *declared("mbpo").types, "critic_first"}
    words = " ".join(d.ours for d in (*deviations_curves.FIG2_DEVIATIONS, *deviations_curves.FIG7_DEVIATIONS))
    named = {name for group in re.findall(r"\[([a-z_, A-Z]+)\]", words) for name in group.split(", ")}
    assert named <= known
    assert {*sac_svg.ADDED} <= named
    assert mbpo.Config().updates_per_step == 20


# --- claims on made curves ----------------------------------------------------------------------------------------

WALKER = "mbpo/walker2d"
RISING = [200.0 * i for i in range(1, 21)]
"""A return that rises to 4000 in twenty evaluations."""
FALLING = [min(r, 4000.0 - r) + 400.0 for r in RISING]
"""One that keeps up for ten of them, and then falls to 400."""
LATE = [0.0] * 10 + RISING[10:]
ERRORS = [0.4, 0.2, 0.1, 0.1, 0.1, 0.1, *(0.1 + 0.02 * i for i in range(14))]


def times(curve, factor):
    return [factor * value for value in curve]


def made(variant, returns, errors=None, task=WALKER, seeds=6):
    """A cell of `seeds` seeds that differ by a per cent."""
    rows = [
        (seed, 25_000 * (i + 1), value * (1 + 0.01 * seed), (errors or [np.nan] * len(returns))[i] * (1 + 0.01 * seed))
        for seed in range(seeds)
        for i, value in enumerate(returns)
    ]
    frame = pd.DataFrame(rows, columns=["seed", "step", "eval_return", "model_loss"])
    return CellData(task, variant, frame, tuple(range(seeds)), tuple(range(seeds)))


def judged(experiment, *cells):
    """The words of every claim on walker2d."""
    every = [*cells, made("random", [20.0])]
    evidence = Evidence(experiment, {"paper": {(c.task, c.variant): c for c in every}})
    return {v.claim: v.verdict for v in claim_verdicts(evidence) if v.task == WALKER}


def fig4(mve_sac, mve_svg):
    return judged(
        FIG4,
        made("sac", RISING),
        made("sac-svg-2", times(RISING, 1.2)),
        made("mve-sac", mve_sac),
        made("mve-svg", mve_svg),
    )


def test_curves_as_the_text_has_them_support_the_claims_of_figure_4():
    words = fig4(FALLING, times(FALLING, 1.2))
    assert len(words) == len(FIG4.claims)
    assert set(words.values()) == {"SUPPORTED"}


def test_a_curve_that_keeps_up_refutes_that_it_degrades():
    words = fig4(RISING, FALLING)
    assert words["mve-competitive-at-first"] == words["mve-svg-competitive-at-first"] == "SUPPORTED"
    assert words["mve-then-degrades"] == words["mve-halts-on-complex-tasks"] == "REFUTED"
    assert words["mve-svg-then-degrades"] == "SUPPORTED"


def test_a_curve_that_begins_late_is_not_competitive_at_first():
    words = fig4(LATE, LATE)
    assert words["mve-competitive-at-first"] == words["mve-svg-competitive-at-first"] == "REFUTED"
    assert words["mve-then-degrades"] == "REFUTED"


def test_a_fall_that_the_same_actor_shares_is_not_because_of_mve():
    words = judged(
        FIG4, made("sac", FALLING), made("sac-svg-2", RISING), made("mve-sac", FALLING), made("mve-svg", RISING)
    )  # fmt: skip
    assert words["mve-then-degrades"] != "SUPPORTED"


NEVER = [20.0 + (7 * i) % 5 for i in range(20)]
"""A return that stays a random policy's."""
STAYS = [min(r, 1000.0) for r in RISING]
"""One that rises to a quarter of what others reach, and stays there."""


def fig7(mve_svg, mve_sac, errors=ERRORS):
    cells = made("mve-sac", mve_sac, errors), made("mve-svg", mve_svg, errors)
    return judged(FIG7, *cells, made("sac", RISING), made("sac-svg-2", RISING))


def test_the_claims_of_figure_7_on_made_curves():
    assert fig7(RISING, FALLING) == {
        "model-error-grows": "SUPPORTED",
        "expanding-in-the-actor-is-more-stable": "SUPPORTED",
        "model-error-grows-until-it-stops": "SUPPORTED",
    }
    assert fig7(FALLING, RISING, ERRORS[:6] + [0.1] * 14) == {
        "model-error-grows": "REFUTED",
        "expanding-in-the-actor-is-more-stable": "REFUTED",
        "model-error-grows-until-it-stops": "INCONCLUSIVE",  # the trials do not perform poorly
    }


@pytest.mark.parametrize(
    ("mve_svg", "mve_sac", "word"),
    [
        (STAYS, FALLING, "SUPPORTED"),
        (FALLING, STAYS, "REFUTED"),
        (NEVER, FALLING, "INCONCLUSIVE"),  # it falls by less, in return, and has nothing to lose
        (FALLING, NEVER, "INCONCLUSIVE"),
        (NEVER, NEVER, "INCONCLUSIVE"),
        (times(FALLING, 0.3), RISING[:12] + [2400.0 - 150.0 * i for i in range(8)], "REFUTED"),
    ],
)
def test_stability_is_a_share_of_what_an_agent_has_gained(mve_svg, mve_sac, word):
    """The last case: an agent that loses all of a small gain is less stable than one that loses half of a large one."""
    found = fig7(mve_svg, mve_sac)["expanding-in-the-actor-is-more-stable"]
    assert found == word


def test_a_poor_trial_whose_error_does_not_follow_its_return_refutes_the_link():
    falling = [*ERRORS[:6], *(2.0 - 0.1 * i for i in range(14))]
    assert fig7(RISING, FALLING, falling)["model-error-grows-until-it-stops"] == "REFUTED"
    steady = fig7(RISING, FALLING, [0.1] * 20)
    assert steady["model-error-grows-until-it-stops"] == "REFUTED"  # the error does not increase


def test_the_claims_of_figure_2_on_made_curves():
    def words(svg, mbpo_return, unweighted):
        return judged(
            FIG2, made("sac", RISING), made("sac-svg-2", svg), made("mbpo", mbpo_return), made("unweighted", unweighted)
        )

    found = words(times(RISING, 1.2), RISING, times(RISING, 1.15))
    assert set(found.values()) == {"SUPPORTED"}
    found = words(RISING, [4000.0] * 20, times(RISING, 1.2))
    assert found["matches-mbpo"] == "SUPPORTED"
    assert found["matches-the-best"] == found["weighting-not-important"] == "REFUTED"
    assert found["surpasses-mbpo"] != "SUPPORTED"


# --- figures ------------------------------------------------------------------------------------------------------


def drawn(experiment, budget, function, *variants, tasks=(WALKER,)):
    cells = [made(v, [20.0] if v == "random" else RISING, ERRORS, t, seeds=3) for v in variants for t in tasks]
    labels = {v.id: v.label for v in experiment.variants}
    results = Results(experiment, budget, {(c.task, c.variant): c for c in cells}, labels, ())
    with house_style():
        return {name: page.get_supxlabel().replace("\n", " ") for name, page in function(results).items()}


def test_figure_2_says_what_a_step_of_each_method_costs():
    names = ("sac", "sac-svg-2", "mbpo", "unweighted", "random")
    pages = drawn(FIG2, "short", figures_curves.fig2, *names)
    assert pages.keys() == {"", "terminations"}
    assert "updates per environment step: SAC: 1; SAC-SVG(2): 1 and 4 of the model; MBPO: 10 and a fit" in pages[""]
    assert "a fit of the models every 500 steps" in pages[""]
    assert "MBPO" not in pages["terminations"].partition("budget short")[0]
    both = drawn(FIG2, "paper", figures_curves.fig2, *names, tasks=(WALKER, "mbpo/cheetah"))[""]
    assert "MBPO: 20 and a fit of the models every 250 steps; MBPO: 40 and a fit" in both


def test_figures_4_and_7_draw_what_has_been_run():
    names = [v.id for v in FIG4.variants]
    assert drawn(FIG4, "smoke", figures_curves.fig4, *names).keys() == {"", "targets"}
    whole = drawn(FIG7, "smoke", figures_curves.fig7, *names)[""]
    assert "plain MVE critic + SAC actor" in whole
    assert "MVE critic as coded + SVG(2) actor" in whole
    assert "MBPO" not in whole
    assert drawn(FIG7, "smoke", figures_curves.fig7, "sac")
