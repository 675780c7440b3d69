"""The examples of section 5.10, Schulman 2016: gradients against enumeration, exact values, and laws of training."""

from __future__ import annotations

import importlib
import itertools
import math

import pytest
import torch

from svgbench import scg
from svgbench.baselines.scg import scg_nvil
from svgbench.lab.cells import Selection, expand
from svgbench.lab.source import split_reference
from svgbench.reproduce.scg.examples import EXAMPLES

TIGHT = {"rtol": 1e-10, "atol": 1e-12}


@pytest.fixture(autouse=True)
def one_thread():
    """As in a block: these graphs are too small for more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def finish(learner):
    rows = []
    while not learner.finished:
        rows += learner.advance()
    return rows


def made(cell, seeds, iterations=20):
    module = importlib.import_module(split_reference(cell.variant.learner)[0])
    return module.make(cell.config, None, seeds, {"iterations": iterations}, "cpu")


def cells():
    """Of each experiment's first task two variants: their baselines have states of different kinds."""
    return [c for e in EXAMPLES for c in expand(e, Selection("smoke", tasks=(e.tasks[0].id,)))[1::2]]


@pytest.mark.parametrize("cell", cells(), ids=lambda c: c.name)
def test_a_seed_alone_and_in_a_block_agree_and_training_resumes_to_the_same_rows(cell):
    together = finish(made(cell, [4, 7]))
    assert [*together[0]] == ["seed", "step", *cell.columns]
    assert [row["step"] for row in together] == [0, 0, 10, 10, 20, 20]
    assert all(math.isfinite(value) for row in together for value in row.values())
    first = made(cell, [4, 7])
    rows = first.advance() + first.advance()
    second = made(cell, [4, 7])
    second.load_state_dict(first.state_dict())
    assert second.progress == first.progress == (10, 20)
    assert rows + finish(second) == together
    assert second.progress == (20, 20)
    assert finish(made(cell, [7])) == [row for row in together if row["seed"] == 7]


# -- NVIL: 2 hidden layers of 2 bits above 3 pixels


def tiny(direct_terms=False, baseline="none"):
    torch.manual_seed(0)
    config = scg_nvil.Config(baseline, direct_terms, latent=(2, 2), baseline_hidden=(3,), batch=8)
    one = scg_nvil.Nvil(config, 0, scg_nvil.all_bits(3)[[1, 6]])
    torch.nn.init.normal_(one.theta.prior)
    return one


def joint(one, x):
    """log p(x, h) and log q(h | x) of all 16 values of h, written out bit by bit; and h_1 [16, 2], h_2 [16, 2]."""
    bits = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)), dtype=torch.float64)
    h1, h2 = bits[:, :2], bits[:, 2:]

    def log_p(layer, above, below):
        p = torch.sigmoid(above @ layer.weight[0] + layer.bias[0])
        return torch.where(below > 0, p, 1 - p).log().sum(1)

    p, q = one.theta.down, one.phi.up
    prior = torch.sigmoid(one.theta.prior[0])
    log_joint = [
        log_p(p[0], h1, x.expand(16, 3)),
        log_p(p[1], h2, h1),
        torch.where(h2 > 0, prior, 1 - prior).log().sum(1),
    ]
    log_q = log_p(q[0], x.expand(16, 3), h1) + log_p(q[1], h1, h2)
    return log_joint, log_q


def flat(slopes):
    return torch.cat([s.flatten() for s in slopes])


def test_log_p_of_x_is_the_sum_over_all_hidden_bits():
    one = tiny()
    for x in scg_nvil.all_bits(3):
        brute = torch.logsumexp(sum(joint(one, x)[0]), 0)
        torch.testing.assert_close(one.theta.log_likelihood(x[None])[0], brute, **TIGHT)
    total = one.theta.log_likelihood(scg_nvil.all_bits(3)).exp().sum().item()
    assert total == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("direct_terms", [False, True])
@pytest.mark.parametrize("baseline", ["none", "learned"])
def test_equations_42_and_43_have_the_mean_of_the_enumerated_gradient_of_the_bound(direct_terms, baseline):
    one = tiny(direct_terms, baseline)
    x = one.data[1]
    log_joint, log_q = joint(one, x)
    bound = (log_q.exp() * (sum(log_joint) - log_q)).sum()
    exact = scg.exact(one.model.graph, {"x": x[None], **one.inputs})
    assert exact.objective.item() == pytest.approx(-bound.item(), rel=1e-12)
    for name, module in (("theta", one.theta), ("phi", one.phi)):
        wanted = flat(torch.autograd.grad(bound, list(module.parameters()), retain_graph=True))
        estimates = scg.gradient(exact.run, name, baseline=one.baseline)
        torch.testing.assert_close(-exact.expectation(estimates), wanted, **TIGHT)
        assert wanted.abs().max() > 0.01


def test_equation_42_as_printed_has_another_mean():
    """It ends with log p of the last layer but one: here log p(h_1), a sum over h_2."""
    one = tiny()
    (log_x, log_h1, log_h2), log_q = joint(one, one.data[1])
    q = log_q.exp().detach()
    theta = list(one.theta.parameters())
    marginal = torch.logsumexp((log_h1 + log_h2).view(4, 4), 1).repeat_interleave(4)
    right, printed = (
        flat(torch.autograd.grad((q * f).sum(), theta, retain_graph=True))
        for f in (log_x + log_h1 + log_h2, log_x + marginal)
    )
    assert (right - printed).abs().max() > 0.05


def test_the_bars_are_30_pictures_of_whole_rows_or_columns():
    data = scg_nvil.bars().view(-1, 4, 4)
    assert len(data) == 30
    for picture in data:
        rows, columns = ((picture == picture.roll(1, axis)).all() for axis in (1, 0))
        assert rows or columns


def test_the_variance_is_that_of_the_samples_of_one_picture_and_a_baseline_near_q_lowers_it():
    one = tiny()
    x = one.data.repeat_interleave(2000, 0)
    with scg.seeds(0):
        run = scg.sample(one.model.graph, {"x": x, **one.inputs})
    estimates = scg.gradient(run, "phi")
    wanted = sum(part.var(0).sum().item() for part in estimates.split(2000)) / 2
    assert scg_nvil.variance(run, "phi", None, 2000) == pytest.approx(wanted, rel=1e-9)
    near = scg.Constant({h: run.q(h).mean().item() for h in one.model.latent})
    assert scg_nvil.variance(run, "phi", near, 2000) < 0.8 * wanted


def test_nvil_learns_the_bars():
    """Two pictures of three bits: log p(x) ends near log(1/2), from about 3 log(1/2)."""
    one = scg_nvil.Nvil(scg_nvil.Config("running", latent=(2, 2), lr=0.05), 0, scg_nvil.all_bits(3)[[1, 6]])
    before = one.evaluate()["log_likelihood"]
    for k in range(150):
        one.update(k)
    after = one.evaluate()
    assert before < -1.7
    assert -1.2 < after["log_likelihood"] <= math.log(0.5)
    assert after["bound"] < after["log_likelihood"] + 0.05
