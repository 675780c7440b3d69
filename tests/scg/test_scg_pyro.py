"""Pyro's TraceGraph_ELBO, chapter 5 for variational bounds, against the library: one gradient, one variance."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Bernoulli

from svgbench import scg

pyro = pytest.importorskip("pyro", reason="the extra `pyro` is not installed")
pytestmark = pytest.mark.slow

DATA, DRAWS = 1.0, 1500
GENERATIVE = torch.tensor([0.3, -0.8, 1.1, 0.7], dtype=torch.float64)  # logit of h2, h1 given h2, x given h1, slope
INFERENCE = torch.tensor([0.4, -0.5, 0.9], dtype=torch.float64)  # logit of h1, of h2 given h1, slope


def graph_of_the_bound():
    """Two layers of one bit: the cost of a layer is log q - log p, so the sum is minus the bound.

    As in eq. (43) log q is no direct function of phi in the costs: there it has a phi of its own, without a gradient.
    """
    a, b, c, d = GENERATIVE.tolist()
    graph = scg.Graph()
    phi, fixed = graph.input("phi"), graph.input("fixed")
    h1 = graph.stochastic("h1", lambda p: Bernoulli(logits=p[0]), phi)
    h2 = graph.stochastic("h2", lambda p, h: Bernoulli(logits=p[1] + p[2] * h), phi, h1)

    def first(p, h1):
        return Bernoulli(logits=p[0]).log_prob(h1) - Bernoulli(logits=c + d * h1).log_prob(torch.full_like(h1, DATA))

    def second(p, h1, h2):
        log_q = Bernoulli(logits=p[1] + p[2] * h1).log_prob(h2)
        prior = Bernoulli(logits=torch.full_like(h2, a))
        return log_q - Bernoulli(logits=b + h2).log_prob(h1) - prior.log_prob(h2)

    graph.cost("layer 1", first, fixed, h1)
    graph.cost("layer 2", second, fixed, h1, h2)
    return graph


def gradients_of_pyro():
    """[DRAWS, 3]: of minus the bound, one sample each."""
    import pyro.distributions as dist
    from pyro.infer import TraceGraph_ELBO

    a, b, c, d = GENERATIVE

    def model():
        h2 = pyro.sample("h2", dist.Bernoulli(logits=a))
        h1 = pyro.sample("h1", dist.Bernoulli(logits=b + h2))
        pyro.sample("x", dist.Bernoulli(logits=c + d * h1), obs=torch.tensor(DATA, dtype=torch.float64))

    def guide():
        phi = pyro.param("phi", INFERENCE.clone())
        h1 = pyro.sample("h1", dist.Bernoulli(logits=phi[0]))
        pyro.sample("h2", dist.Bernoulli(logits=phi[1] + phi[2] * h1))

    pyro.clear_param_store()
    bound, found = TraceGraph_ELBO(), []
    pyro.set_rng_seed(0)
    for _ in range(DRAWS):
        bound.loss_and_grads(model, guide)
        phi = pyro.get_param_store()._params["phi"]
        found.append(phi.grad.clone())
        phi.grad = None
    return torch.stack(found)


def gradient_of_the_bound():
    """[3]: of minus the bound, by a sum over the four outcomes."""
    a, b, c, d = GENERATIVE
    phi = INFERENCE.clone().requires_grad_()
    total = torch.zeros((), dtype=torch.float64)
    for h1 in (0.0, 1.0):
        for h2 in (0.0, 1.0):
            terms = ((phi[0], h1), (phi[1] + phi[2] * h1, h2)), ((a, h2), (b + h2, h1), (c + d * h1, DATA))
            log_q, log_p = (sum(Bernoulli(logits=z).log_prob(torch.tensor(x).double()) for z, x in t) for t in terms)
            total = total + log_q.exp() * (log_q - log_p)
    return torch.autograd.grad(total, phi)[0]


def test_pyro_has_the_gradient_and_the_variance_of_eq_38():
    """The gradient that is compared with is the enumeration's, of the bound itself, direct terms of log q included."""
    theirs = gradients_of_pyro()
    phi = INFERENCE.clone().requires_grad_()
    exact = scg.exact(graph_of_the_bound(), {"phi": phi, "fixed": INFERENCE})
    one = scg.gradient(exact.run, "phi")
    gradient, variance = exact.expectation(one), exact.variance(one)
    assert torch.allclose(gradient, gradient_of_the_bound(), atol=1e-12)
    mean, spread = theirs.mean(0), theirs.std(0)
    assert ((mean - gradient).abs() < 4.5 * spread / DRAWS**0.5).all()
    fourth = exact.expectation((one - gradient).pow(4))
    error = ((fourth - variance.square()) / DRAWS).sqrt()  # standard error of a variance
    assert ((theirs.var(0) - variance).abs() < 4.5 * error).all(), (theirs.var(0), variance)
