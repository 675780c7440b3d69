"""The experiments of Schulman 2016, chapter 5: their learners against exact values, and what they declare."""

from __future__ import annotations

import importlib

import pytest
import torch

from svgbench import scg
from svgbench.baselines import scg_motifs
from svgbench.lab.cells import Selection, expand
from svgbench.nn.streams import Streams, seed_number
from svgbench.reproduce.scg.experiments import EXPERIMENTS, FIG11


def finish(learner):
    rows = []
    while not learner.finished:
        rows += learner.advance()
    return rows


def made(cell, seeds, **config):
    module = importlib.import_module(cell.variant.learner.partition(":")[0])
    return module.make({**cell.config, **config}, None, seeds, cell.limits, "cpu")


def cells():
    """The last variant of each experiment's first task, at the smallest budget."""
    return [expand(e, Selection("smoke", tasks=(e.tasks[0].id,)))[-1] for e in EXPERIMENTS]


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
