"""The experiments of Schulman 2016, chapter 5: their learners against exact values, and what they declare."""

from __future__ import annotations

import dataclasses
import importlib
import math

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import torch
from learner_laws import finish

from svgbench import scg
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import CellData
from svgbench.analysis.show.canvas import house_style
from svgbench.baselines.scg import scg_hessian, scg_motifs, scg_upper_bound, scg_variance
from svgbench.lab.cells import Selection, expand
from svgbench.lab.source import split_reference
from svgbench.nn.streams import Streams, seed_number
from svgbench.reproduce.scg.examples import EXAMPLES
from svgbench.reproduce.scg.experiments import EXPERIMENTS, FIG11, HESSIAN

SMALL = {"samples": 200, "iterations": 1, "problems": 2}

pytestmark = pytest.mark.usefixtures("one_thread")


def made(cell, seeds, **config):
    module = importlib.import_module(split_reference(cell.variant.learner)[0])
    return module.make({**cell.config, **config}, None, seeds, cell.limits, "cpu")


def cells():
    """The last variant of each experiment's first task, at the smallest budget. Those that train are shortened."""
    return [expand(e, Selection("smoke", tasks=(e.tasks[0].id,)))[-1] for e in EXPERIMENTS if e not in EXAMPLES]


def cell(experiment, task, variant):
    (found,) = expand(experiment, Selection("smoke", tasks=(task,), variants=(variant,)))
    return found


@pytest.mark.parametrize("cell", cells(), ids=lambda c: c.name)
def test_a_seed_alone_and_in_a_block_agree_and_a_study_resumes_to_the_same_rows(cell):
    together = finish(made(cell, [4, 7]))
    assert [*together[0]] == ["seed", "step", *cell.columns]
    alone = finish(made(cell, [7]))
    assert [row for row in together if row["seed"] == 7] == alone
    first = made(cell, [4, 7])
    rows = first.advance()
    second = made(cell, [4, 7])
    second.load_state_dict(first.state_dict())
    assert second.progress == first.progress
    assert rows + finish(second) == together
    assert second.progress[0] == second.progress[1]


def test_a_generator_is_seeded_with_the_number_of_its_seed_and_name():
    mine = torch.Generator().manual_seed(seed_number(3, "noise"))
    assert torch.equal(Streams([3], "noise").normal(5)[0], torch.randn(5, generator=mine))
    assert len({seed_number(s, n) for s in range(3) for n in ("1", "10")}) == 6


@pytest.mark.parametrize("number", ["1", "3", "4", "5"])
def test_the_closed_form_of_a_motif_is_its_gradient(number):
    motif = scg_motifs.motif(number)
    exact = scg.exact(motif.graph, motif.inputs, 8)
    assert exact.gradient("theta").item() == pytest.approx(motif.exact, rel=1e-10)


def test_the_closed_form_of_the_step_is_the_normal_density():
    assert scg_motifs.motif("2").exact == pytest.approx(0.3520653, abs=1e-7)


def test_sizes_end_at_the_largest_whatever_it_is():
    assert scg_motifs.sizes(1_000_000, 1) == [100, 1000, 10_000, 100_000, 1_000_000]
    assert scg_motifs.sizes(1000, 2) == [100, 316, 1000]
    assert scg_motifs.sizes(2500, 1) == [100, 1000, 2500]
    assert scg_motifs.sizes(7, 1) == [7]


@pytest.mark.parametrize(("task", "apart"), [("motif/1", False), ("motif/3", False), ("motif/5", True)])
def test_the_printed_algorithm_4_differs_sample_by_sample_in_the_chain_only(task, apart):
    printed = finish(made(cell(FIG11, task, "algorithm-4-printed"), [0]))[-1]
    corrected = finish(made(cell(FIG11, task, "algorithm-4"), [0]))[-1]
    assert corrected["difference"] < 1e-12
    assert (printed["difference"] > 0.5) if apart else (printed["difference"] < 1e-12)


def test_mean_and_variance_are_those_of_the_samples(monkeypatch):
    """Motif 4: x ~ N(.8, 1), f = x theta^2; the estimate is s theta^2 (theta + s) + 2 theta (theta + s)."""
    monkeypatch.setattr(scg_motifs, "CHUNK", 33)
    learner = scg_motifs.make({"motif": "4"}, None, [0], {"samples": 100}, "cpu")
    (row,) = learner.advance()
    with scg.seeds(seed_number(0, "100")):
        runs = [scg.sample(learner.motif.graph, learner.motif.inputs, n) for n in (33, 33, 33, 1)]
    s = torch.cat([run["x"] for run in runs]).detach() - 0.8
    estimates = (s * 0.64 + 1.6) * (0.8 + s)
    assert row["estimate"] == pytest.approx(estimates.mean().item(), rel=1e-12)
    assert row["variance"] == pytest.approx(estimates.var().item(), rel=1e-12)
    assert row["error"] == abs(row["relative_error"]) == pytest.approx(abs(row["estimate"] - 1.92) / 1.92, rel=1e-9)


def test_the_surrogate_twice_is_biased_and_the_ratio_only_with_two_variables():
    """Of one variable p / p-hat has every derivative; log p loses the square of the score."""
    bias = {
        (t, v): finish(made(cell(HESSIAN, t, v), [0], factor=1000))[-1]["bias"]
        for t in ("hessian/bernoulli", "hessian/mdp")
        for v in ("log", "ratio", "dice", "dice-second-order")
    }
    for task in ("hessian/bernoulli", "hessian/mdp"):
        assert bias[task, "log"] > 1
        assert bias[task, "dice"] < 1e-12
        assert bias[task, "dice-second-order"] < 1e-12
    assert bias["hessian/bernoulli", "ratio"] < 1e-12
    assert bias["hessian/mdp", "ratio"] > 0.5


@pytest.mark.parametrize(("name", "hessian"), [("bernoulli", [[-0.0090858]]), ("normal", [[2.0, 0.0], [0.0, 4.0]])])
def test_exact_hessians_are_the_closed_forms(name, hessian):
    """E x^2 = m^2 + exp(2 l); the Bernoulli cost is s(1 - s)(1 - 2 s)(1 - 2 t)."""
    theta = torch.tensor(scg_hessian.CENTRE[name], dtype=torch.float64, requires_grad=True)
    found = scg.exact(scg_hessian.build(name), {"theta": theta}, scg_hessian.POINTS).hessian("theta")
    assert torch.allclose(found, torch.tensor(hessian, dtype=torch.float64), atol=1e-7)


def test_a_hessian_of_samples_comes_near_the_exact_one():
    (*_, row) = finish(scg_hessian.make({"graph": "mdp"}, None, [0], {"samples": 100_000}, "cpu"))
    assert row["error"] < 0.05  # 0.004; a Hessian of 0 would be 1 off


def test_the_bound_is_above_touches_and_lowers_the_objective():
    rows = finish(scg_upper_bound.make({"inner_steps": 3}, None, [0, 1], {"iterations": 3}, "cpu"))
    assert min(row["gap"] for row in rows) > -1e-12
    assert min(row["gap"] for row in rows if abs(row["offset"]) >= 1) > 1e-3, "and not the objective itself"
    touching = [row for row in rows if row["offset"] == 0]
    assert max(row["gap"] for row in touching) < 1e-12
    assert all(row["objective"] == pytest.approx(row["value"], abs=1e-12) for row in touching)
    assert max(row["slope_gap"] for row in rows) < 1e-12
    assert all(row["change"] < 0 for row in rows if row["step"] > 0)
    for seed in (0, 1):
        values = [row["value"] for row in touching if row["seed"] == seed]
        assert len(values) == 4
        assert touching[-1]["gain"] > 0


@pytest.mark.parametrize(("config", "variance"), [({}, 30), ({"baseline": "mean"}, 18), ({"estimator": "path"}, 4)])
def test_variances_of_one_dimension_are_the_closed_forms(config, variance):
    """x ~ N(1, 1), cost x^2; svgbench/scg has the formulas in its tests."""
    (row,) = finish(scg_variance.make({"sizes": (1,), **config}, None, [0], {"samples": 100_000}, "cpu"))
    assert row["variance"] == pytest.approx(variance, rel=0.12)  # four of its own SDs: the fourth moment is large
    assert row["estimate"] == pytest.approx(2, abs=5 * row["standard_error"])


def test_chunks_do_not_move_what_is_measured_beyond_their_draws(monkeypatch):
    monkeypatch.setattr(scg_variance, "CHUNK", 7000)
    (row,) = finish(scg_variance.make({"sizes": (10,)}, None, [0], {"samples": 20_000}, "cpu"))
    assert row["variance"] == pytest.approx(56, rel=0.2)  # 30 in one dimension
    assert row["estimate"] == pytest.approx(2, abs=5 * row["standard_error"])


@pytest.mark.parametrize(("config", "gradient"), [("wave", math.cos(1) * math.exp(-0.5)), ("sum", 2.0)])
def test_score_and_path_estimate_one_gradient(config, gradient):
    for how in ("score", "path"):
        made_of = {"problem": config, "estimator": how, "sizes": (1,)}
        (row,) = finish(scg_variance.make(made_of, None, [0], {"samples": 50_000}, "cpu"))
        assert row["estimate"] == pytest.approx(gradient, abs=5 * row["standard_error"])


@pytest.mark.parametrize("experiment", [e for e in EXPERIMENTS if e not in EXAMPLES], ids=lambda e: e.id)
def test_figures_draw_from_small_frames(experiment):
    chosen = [c for c in expand(experiment, Selection("smoke")) if c.task.id == experiment.tasks[0].id]
    small = chosen[0].limits | {k: v for k, v in SMALL.items() if k in chosen[0].limits}
    cells = {
        c.key: CellData(
            *c.key, pd.DataFrame(finish(made(dataclasses.replace(c, limits=small), [0, 1]))), (0, 1), (0, 1)
        )
        for c in chosen
    }
    labels = {v.id: v.label for v in experiment.variants}
    module, _, name = experiment.figure.partition(":")
    with house_style():
        page = getattr(importlib.import_module(module), name)(Results(experiment, "smoke", cells, labels, ()))[""]
        assert sum(len(ax.lines) + len(ax.patches) for ax in page.axes) >= len(chosen)
        plt.close(page)
