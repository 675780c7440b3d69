"""The examples of section 5.10, Schulman 2016: gradients against enumeration, exact values, and laws of training."""

from __future__ import annotations

import importlib
import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from learner_laws import finish

from svgbench import scg
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import CellData
from svgbench.analysis.show.canvas import house_style
from svgbench.baselines.scg import scg_mdp, scg_nvil, scg_pomdp, scg_vae
from svgbench.lab.cells import Selection, expand
from svgbench.lab.source import split_reference
from svgbench.reproduce.scg.examples import EXAMPLES

TIGHT = {"rtol": 1e-10, "atol": 1e-12}

pytestmark = pytest.mark.usefixtures("one_thread")


def made(cell, seeds, iterations=20):
    module = importlib.import_module(split_reference(cell.variant.learner)[0])
    return module.make(cell.config, None, seeds, {"iterations": iterations}, "cpu")


def cells():
    """Of each experiment's first task two variants: their baselines have states of different kinds."""
    return [c for e in EXAMPLES for c in expand(e, Selection("smoke", tasks=(e.tasks[0].id,)))[1::2]]


@pytest.mark.parametrize("cell", cells(), ids=lambda c: c.name)
def test_a_seed_alone_and_in_a_block_agree_and_training_resumes_to_the_same_rows(cell, monkeypatch):
    for module in (scg_nvil, scg_vae, scg_mdp, scg_pomdp):
        for name, few in {"SAMPLES": 50, "PATHS": 4, "REPEATS": 2}.items():
            monkeypatch.setattr(module, name, few, raising=False)
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


def test_a_seed_that_is_not_finite_is_left_out_and_the_others_go_on(monkeypatch):
    monkeypatch.setattr(scg_mdp, "SAMPLES", 50)
    both = scg_mdp.make({}, None, [4, 7], {"iterations": 20}, "cpu")
    rows = both.advance()
    both.trainees[0].adam.lr = math.inf
    rows += finish(both)
    assert both.diverged == {4: "iteration 1: a parameter is not finite"}
    alone = finish(scg_mdp.make({}, None, [7], {"iterations": 20}, "cpu"))
    assert [row for row in rows if row["seed"] == 7] == alone
    assert [row["step"] for row in rows if row["seed"] == 4] == [0]


@pytest.mark.parametrize("experiment", EXAMPLES, ids=lambda e: e.id)
def test_figures_have_a_row_of_panels_for_each_task_and_a_curve_for_each_variant(experiment):
    columns = [column.name for column in experiment.columns]
    rows = [{"seed": s, "step": t, **dict.fromkeys(columns, 1.0 + s + t)} for s in (0, 1) for t in (0, 10)]
    labels = {v.id: v.label for v in experiment.variants}
    keys = [(task.id, variant) for task in experiment.tasks for variant in labels]
    data = {key: CellData(*key, pd.DataFrame(rows), (0, 1), (0, 1)) for key in keys}
    module, _, name = experiment.figure.partition(":")
    with house_style():
        page = getattr(importlib.import_module(module), name)(Results(experiment, "smoke", data, labels, ()))[""]
        assert len(page.axes) == 2 * len(experiment.tasks)
        for ax in page.axes:
            assert sum(line.get_label() in labels.values() for line in ax.lines) == len(labels)
        plt.close(page)


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
    found = one.biases(one.data[1:])
    assert found["bias_42"] < 1e-12
    assert found["bias_42_printed"] == pytest.approx(((printed - right).norm() / right.norm()).item(), rel=1e-9)


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
    assert scg_nvil.variances(run, "phi", None, 2000)["variance"] == pytest.approx(wanted, rel=1e-9)
    near = scg.Constant({h: run.q(h).mean().item() for h in one.model.latent})
    found = scg_nvil.variances(run, "phi", near, 2000)
    assert found["variance"] < 0.8 * wanted
    assert found["variance_without"] == pytest.approx(wanted, rel=1e-9)


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


# -- the autoencoder


def vae(**config):
    return scg_vae.Vae(scg_vae.Config(**config), 3)


def test_log_p_of_x_is_the_integral_over_h():
    """By Gauss-Hermite quadrature over the prior of one hidden number."""
    one = vae()
    place, weight = (torch.from_numpy(part) for part in np.polynomial.hermite_e.hermegauss(60))
    for x in one.data[:3]:
        h = place.unsqueeze(1)
        log_joint = one.theta.log_joint(x.expand(60, 2), h) - torch.distributions.Normal(0.0, 1.0).log_prob(h).sum(1)
        integral = (log_joint.exp() * weight).sum() / math.sqrt(2 * math.pi)
        torch.testing.assert_close(one.theta.log_likelihood(x[None])[0], integral.log(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("entropy", ["sampled", "exact"])
def test_both_graphs_have_the_mean_of_the_exact_gradient_of_the_bound(entropy):
    """E_q log p(x, h) in closed form: h is normal, and log p(x, h) is a quadratic function of h."""
    one = vae(entropy=entropy)
    x, theta, phi = one.data[:1], one.theta, one.phi
    mean, std = phi.mean(x[None])[0], phi.log_std[0].exp()
    spread = (theta.mean.weight[0] * std[0]).square().sum() * (-2 * theta.log_std).exp().sum()
    bound = (
        theta.log_joint(x, mean).sum()
        - (spread + std.square().sum()) / 2
        + torch.distributions.Normal(mean, std).entropy().sum()
    )
    for graph in (one.before, one.after):
        exact = scg.exact(graph, {"x": x, **one.inputs}, 20)
        assert exact.objective.item() == pytest.approx(-bound.item(), rel=1e-9)
        for name, module in (("theta", theta), ("phi", phi)):
            wanted = flat(torch.autograd.grad(bound, list(module.parameters()), retain_graph=True))
            estimates = scg.gradient(exact.run, name)
            torch.testing.assert_close(-exact.expectation(estimates), wanted, rtol=1e-8, atol=1e-9)
            assert wanted.abs().max() > 0.01


def test_after_re_parameterisation_the_sampled_entropy_has_the_exact_one_s_gradient():
    """log q along h(eps) is log of the noise's density less log v: the same for every sample."""
    with scg.seeds(0):
        slopes = []
        for entropy in ("sampled", "exact"):
            one = vae(entropy=entropy)
            after = scg.reparameterised(scg.sample(one.before, {"x": one.data, **one.inputs}), "h")
            run = scg.observe(
                after, {"x": one.data, **one.inputs}, {"h.noise": torch.linspace(-2, 2, 200).double()[:, None]}
            )
            slopes.append(scg.per_sample(scg.surrogate(run), one.phi))
    torch.testing.assert_close(*slopes, **TIGHT)
    assert slopes[0].std(0).min() > 0.01


def test_the_largest_likelihood_is_that_of_principal_components_and_training_comes_near_it():
    one = vae(latent=2)
    x = one.data
    centred = x - x.mean(0)
    spectrum, vectors = torch.linalg.eigh(centred.T @ centred / len(x))
    noise = spectrum[:2].mean()
    W = vectors[:, 2:] * (spectrum[2:] - noise).sqrt()
    law = torch.distributions.MultivariateNormal(x.mean(0), W @ W.T + noise * torch.eye(4, dtype=torch.float64))
    assert one.best == pytest.approx(law.log_prob(x).mean().item(), rel=1e-10)
    before = one.evaluate()["gap"]
    for k in range(150):
        one.update(k)
    assert 0 < one.evaluate()["gap"] < 0.15
    assert before > 0.5


# -- decision processes


def test_values_and_the_best_return_are_those_of_all_paths_and_all_policies():
    process = scg_mdp.random_process(0, 2, 2, 3)
    policy = torch.tensor([[0.2, 0.8], [0.7, 0.3]], dtype=torch.float64)
    total = 0.0
    for path in itertools.product(range(2), repeat=6):
        p, worth = 0.5, 0.0
        for t, (s, a) in enumerate(zip(path[::2], path[1::2], strict=True)):
            if t > 0:
                p *= process.transition[path[2 * t - 2], path[2 * t - 1], s].item()
            p *= policy[s, a].item()
            worth += process.reward[s, a].item()
        total += p * worth
    assert process.values(policy)[0].mean().item() == pytest.approx(total, rel=1e-12)
    best = -math.inf
    for choice in itertools.product(range(2), repeat=6):  # an action for each time and state
        value = torch.zeros(2, dtype=torch.float64)
        for t in (2, 1, 0):
            picked = torch.tensor(choice[2 * t : 2 * t + 2])
            value = (process.reward + process.transition @ value)[torch.arange(2), picked]
        best = max(best, value.mean().item())
    assert process.best() == pytest.approx(best, rel=1e-12)
    assert process.best() > total + 0.01


@pytest.mark.parametrize("baseline", ["none", "learned", "value"])
def test_equation_44_has_the_mean_of_the_gradient_by_dynamic_programming(baseline):
    one = scg_mdp.Mdp(scg_mdp.Config(baseline, horizon=3), 0)
    torch.nn.init.normal_(one.table)
    exact = scg.exact(one.graph, {"theta": one.theta})
    assert exact.objective.item() == pytest.approx(-one.expected_return().item(), rel=1e-12)
    estimates = scg.gradient(exact.run, "theta", baseline=one.baseline).flatten(1)
    torch.testing.assert_close(exact.expectation(estimates), one.exact_gradient(), **TIGHT)
    assert one.exact_gradient().abs().max() > 0.01
    if baseline == "value":
        without = exact.variance(scg.gradient(exact.run, "theta")).sum()
        assert exact.variance(estimates).sum() < 0.5 * without


def test_the_baseline_of_a_path_is_the_value_of_its_state():
    """V_t(s_t) is the mean of the rewards to come, over all paths with that s_t."""
    one = scg_mdp.Mdp(scg_mdp.Config("value", horizon=3), 1)
    run = scg.exact(one.graph, {"theta": one.theta}).run
    for t, (s, a) in enumerate(zip(one.states, one.actions, strict=True)):
        for state in range(3):
            here = run[s] == state
            mean = (run.weight[here] * run.q(a)[here]).sum() / run.weight[here].sum()
            assert one._value(t, torch.tensor([state])).item() == pytest.approx(mean.item(), rel=1e-9)


@pytest.mark.parametrize(("baseline", "memory"), [("none", True), ("learned", True), ("learned", False)])
def test_equation_45_has_the_mean_of_the_exact_gradient_with_a_recurrent_policy(baseline, memory):
    one = scg_pomdp.Pomdp(scg_pomdp.Config(baseline, memory, horizon=2, hidden=2), 0)
    exact = scg.exact(one.model.graph, {"theta": one.policy})
    assert exact.objective.item() == pytest.approx(-scg_pomdp.expected_return(one.policy).item(), rel=1e-12)
    loss = exact.expectation(scg.surrogate(exact.run, "log", one.baseline))
    found = flat(torch.autograd.grad(loss, list(one.policy.parameters()), allow_unused=True, materialize_grads=True))
    torch.testing.assert_close(found, one.exact_gradient(), **TIGHT)
    assert found.abs().max() > 0.01


def test_the_returns_of_policies_written_by_hand():
    """Repeating o_t is worth .1 a step; at the end a coin is right half of the time, and o_1 in 19 of 20."""

    class Copies(torch.nn.Module):
        def __init__(self, horizon, remembers):
            super().__init__()
            self.horizon, self.remembers = horizon, remembers

        def read(self, *o):
            last = o[0] if self.remembers else o[-1]
            return [100.0 * (2 * one - 1) for one in (*o[:-1], last)]

    for T in (2, 5):
        assert scg_pomdp.expected_return(Copies(T, True)).item() == pytest.approx(0.95 + 0.1 * (T - 1), rel=1e-12)
        assert scg_pomdp.expected_return(Copies(T, False)).item() == pytest.approx(0.5 + 0.1 * (T - 1), rel=1e-12)


def test_without_memory_an_action_depends_on_its_own_observation_only():
    one, other = (scg_pomdp.Pomdp(scg_pomdp.Config(memory=memory), 0).policy for memory in (True, False))
    o = torch.tensor([[0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)  # two times, two paths: they differ in o_1
    remembered, forgotten = one.read(*o)[1], other.read(*o)[1]
    assert (remembered[0] - remembered[1]).abs() > 1e-3
    assert forgotten[0] == forgotten[1]


def test_a_recurrent_policy_learns_to_remember():
    """Three steps: .7 is the best without a memory."""
    one = scg_pomdp.Pomdp(scg_pomdp.Config("running", horizon=3, lr=0.03), 0)
    for k in range(200):
        one.update(k)
    assert scg_pomdp.expected_return(one.policy).item() > 0.9
