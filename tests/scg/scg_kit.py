"""Random graphs whose every outcome can be listed, in float64, and how their numbers are compared.

Every value is a vector of two numbers, so that components, rows and parameters cannot be mixed up unnoticed.
"""

from __future__ import annotations

import random
import re

import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Bernoulli, Independent, Normal, OneHotCategorical

from svgbench import scg

STOCHASTIC = ("bits", "class", "normal")
POINTS = 2  # a normal node's noise is taken at as many points: then it is a finite law as well


def close(a: Tensor, b: Tensor, relative: float = 1e-12) -> bool:
    """The issue's tolerance: 1e-12 (1 + |value|)."""
    return bool(((a - b).abs() <= relative * (1 + b.abs())).all())


class Mix:
    """sum_i v_i A_i + b of vectors [..., 2], smooth and different for every node."""

    def __init__(self, seed: int, parents: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.A = torch.randn(parents, 2, 2, generator=generator, dtype=torch.float64)
        self.b = torch.randn(2, generator=generator, dtype=torch.float64)

    def __call__(self, *values: Tensor) -> Tensor:
        return sum((v @ A for v, A in zip(values, self.A, strict=True)), self.b)


def add(graph, kind, name, seed, parents):
    mix = Mix(seed, len(parents))
    if kind == "tanh":
        return graph.deterministic(name, lambda *v: torch.tanh(mix(*v)), *parents)
    if kind == "cost":
        return graph.cost(name, lambda *v: mix(*v).sin().sum(-1) * 2, *parents)
    if kind == "bits":
        return graph.stochastic(name, lambda *v: Independent(Bernoulli(logits=mix(*v)), 1), *parents)
    if kind == "class":
        return graph.stochastic(name, lambda *v: OneHotCategorical(logits=mix(*v)), *parents)
    law = lambda *v: Normal(mix(*v), 0.5 + mix(*v).square())  # noqa: E731  # the same mix twice
    return graph.stochastic(name, law, *parents, estimator="path")


def build(spec: list[tuple[str, tuple[int, ...]]], seed: int, probes: int = 0):
    """A graph of nodes (kind, indices of parents) after two inputs of two numbers each, and values for them."""
    graph = scg.Graph(probes)
    nodes = [graph.input("theta"), graph.input("phi")]
    for i, (kind, parents) in enumerate(spec):
        chosen = []
        for p in parents:  # a cost is one number: as a parent it is spread to two
            node = nodes[p]
            if node.kind == "cost":
                node = graph.deterministic(f"{node}-for-{i}", lambda c: torch.stack([c, -c], -1), node)
            chosen.append(node)
        nodes.append(add(graph, kind, f"{kind}{i}", 1000 * seed + i, chosen))
    generator = torch.Generator().manual_seed(seed)
    values = [torch.randn(2, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2)]
    return graph, {"theta": values[0], "phi": values[1]}


@st.composite
def graphs(draw, inner=8, stochastic=4, kinds=(*STOCHASTIC, "tanh", "tanh", "cost")):
    """Graph and inputs: some inner nodes, then a cost of a few of them, so that there is one."""
    left, spec = stochastic, []
    for i in range(draw(st.integers(3, inner))):
        kind = draw(st.sampled_from(kinds if left else ("tanh", "cost")))
        left -= kind in STOCHASTIC
        spec.append((kind, tuple(draw(st.sets(st.integers(0, i + 1), min_size=1, max_size=3)))))
    last = range(2, len(spec) + 2)
    spec.append(("cost", tuple(draw(st.sets(st.sampled_from(last), min_size=1, max_size=3)))))
    return build(spec, draw(st.integers(0, 999)))


def random_graph(seed: int, inner=9, stochastic=5, kinds=("bits", "class", "tanh", "cost"), probes=0):
    """As `graphs`, by a seed alone."""
    pick = random.Random(seed)
    spec = _inner(pick, inner, stochastic, kinds)
    spec.append(("cost", tuple(pick.sample(range(2, inner + 2), 3))))
    return build(spec, seed, probes)


def negative_graph(seed: int):
    """Its costs are below zero, and the inputs act on them through laws alone. None if it has no stochastic node."""
    graph, inputs = build(_inner(random.Random(seed), 6, 4, ("bits", "class", "tanh")), seed)
    mix = Mix(seed, 1)
    stochastic = [node for node in graph.nodes if node.kind == "stochastic"]
    for v in stochastic:
        graph.cost(f"cost of {v}", lambda x: -mix(x).square().sum(-1), v)
    return (graph, inputs) if stochastic else None


def _inner(pick, inner, stochastic, kinds):
    left, spec = stochastic, []
    for i in range(inner):
        kind = pick.choice(kinds if left else [kind for kind in kinds if kind not in STOCHASTIC])
        left -= kind in STOCHASTIC
        spec.append((kind, tuple(pick.sample(range(i + 2), min(i + 2, pick.randint(1, 3))))))
    return spec


def parameter(*numbers: float) -> Tensor:
    """float64, to be differentiated; of one number a scalar."""
    value = torch.tensor(numbers, dtype=torch.float64)
    return (value if len(numbers) > 1 else value[0]).requires_grad_()


def normal(mean, std=1.0):
    return Normal(mean, torch.full_like(mean, std))


def refused(graph, words, values=None, n=50):
    """That a run is refused with these words, and that `explain` says so without raising."""
    values = {"theta": parameter(0.5)} if values is None else values
    with pytest.raises(scg.GraphError, match=words):
        scg.sample(graph, values, n)
    assert any(re.search(words, line) for line in scg.explain(graph, values, n).refusals)


def accepted(graph, values=None, n=50):
    values = {"theta": parameter(0.5)} if values is None else values
    report = scg.explain(graph, values, n)
    assert report.ok, str(report)
    return scg.sample(graph, values, n)


def within(samples, expected, errors=5.0):
    """Whether the mean of samples [n, ...] is so many standard errors from what it should be."""
    return bool(((samples.mean(0) - expected).abs() <= errors * samples.std(0) / len(samples) ** 0.5).all())


def one_bit():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda t: Bernoulli(logits=t[0]), theta)
    y = graph.stochastic("y", lambda t, x: Bernoulli(logits=t[1] * x - 0.5), theta, x)
    graph.cost("c1", lambda x: 3 + x, x)
    graph.cost("c2", lambda x, y: (y - 0.3) * (1 + x), x, y)
    return graph, {theta: parameter(0.4, -0.8)}, x, y
