"""Neural variational inference, Mnih and Gregor 2014, as a graph: Schulman 2016, section 5.10.1 and Figure 13 (left).

A sigmoid belief network p(x, h) with layers h_1 to h_L of bits above x, and an inference network q(h | x):

    p = p(x | h_1) p(h_1 | h_2) ... p(h_L)        q = q(h_1 | x) q(h_2 | h_1) ...
    L(theta, phi) = E_q[r_1 + ... + r_L],   r_l = log p(h_(l-1) | h_l) - log q(h_l | h_(l-1)),   h_0 = x

where r_L has log p(h_L) too. The cost of layer l is -r_l, so Q-hat of h_l is -(r_l + ... + r_L). The data are bars: the
30 pictures of 4 x 4 pixels in which some whole rows, or some whole columns, are on. With so few bits log p(x) is
computed as a sum over all h.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli
from torch.nn.functional import softplus

from svgbench import scg
from svgbench.baselines.scg._training import DTYPE, BaselineKind, Trainee, Training, chosen, variances
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.nn.layers import MLP, Linear
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, Length, Positive, Widths
from svgbench.scg.autodiff import flat_slope

VERSION = 1

SIDE = 4  # pixels
PICTURE = 7  # the bias of eq. (42) is computed for this one, over all hidden bits; any would do
REPEATS = 4  # samples of each picture, to measure the variance


@dataclass(frozen=True)
class Config:
    baseline: BaselineKind = "learned"  # of each layer; learned: b_l(h_(l-1)), eq. (43)
    direct_terms: bool = False  # of -log q, whose mean is zero; eq. (43) drops them
    latent: Annotated[Widths, Length(1)] = (8, 6)  # bits of h_1 to h_L
    baseline_hidden: Widths = (16,)  # tanh units
    batch: Count = 64  # pictures
    lr: Positive = 1e-2  # Adam, of all parameters


class Generative(nn.Module):
    """p(x, h), with the parameters theta. widths: bits of x, h_1, ..., h_L."""

    def __init__(self, streams: Streams, widths: Sequence[int]) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.down = nn.ModuleList(Linear(streams, above, below, dtype=DTYPE) for below, above in pairwise(widths))
        self.prior = nn.Parameter(torch.zeros(len(streams), widths[-1], dtype=DTYPE))

    def logits(self, layer: int, above: Tensor) -> Tensor:
        """Of h_(layer - 1) [n, below] given h_layer [n, above]; `layer` counts from 1."""
        out: Tensor = self.down[layer - 1](above[None])[0]
        return out

    def log_prob(self, layer: int, below: Tensor, above: Tensor) -> Tensor:
        """log p(h_(layer - 1) | h_layer) [n] in nats; of the last layer with log p(h_L)."""
        log_p = log_bits(self.logits(layer, above), below)
        return log_p + log_bits(self.prior, above) if layer == len(self.down) else log_p

    def printed(self, h: Sequence[Tensor]) -> Tensor:
        """What eq. (42) as printed differentiates, of h = x, h_1, ..., h_L: its last term is log p(h_(L - 1)), [n]."""
        last = len(self.down)
        log_p = sum((self.log_prob(k, h[k - 1], h[k]) for k in range(1, last)), h[0].new_zeros(len(h[0])))
        above = all_bits(self.widths[-1])
        logits = self.logits(last, above)
        given = h[last - 1] @ logits.T - softplus(logits).sum(1)  # [n, values of h_L]
        return log_p + torch.logsumexp(given + log_bits(self.prior, above), 1)

    @torch.no_grad()
    def log_likelihood(self, x: Tensor) -> Tensor:
        """log p(x) [n] in nats, exactly: a sum over all values of each layer, from the top down."""
        h = all_bits(self.widths[-1])
        log_p = log_bits(self.prior, h)
        for layer in range(len(self.down), 0, -1):
            below = x if layer == 1 else all_bits(self.widths[layer - 1])
            logits = self.logits(layer, h)
            given = logits @ below.T - softplus(logits).sum(1, keepdim=True)  # [values of h, values below]
            h, log_p = below, torch.logsumexp(log_p.unsqueeze(1) + given, 0)
        return log_p


class Inference(nn.Module):
    """q(h | x), with the parameters phi."""

    def __init__(self, streams: Streams, widths: Sequence[int]) -> None:
        super().__init__()
        self.up = nn.ModuleList(Linear(streams, below, above, dtype=DTYPE) for below, above in pairwise(widths))

    def logits(self, layer: int, below: Tensor) -> Tensor:
        """Of h_layer [n, above] given h_(layer - 1) [n, below]."""
        out: Tensor = self.up[layer - 1](below[None])[0]
        return out


def log_bits(logits: Tensor, bits: Tensor) -> Tensor:
    """log p(bits) [n] of independent bits [n, k]."""
    return (bits * logits - softplus(logits)).sum(-1)


def all_bits(k: int) -> Tensor:
    """All values of k bits, [2^k, k]."""
    return (torch.arange(2**k).unsqueeze(1) >> torch.arange(k) & 1).to(DTYPE)


def bars() -> Tensor:
    """The pictures, [30, 16]: no two alike."""
    rows = all_bits(SIDE).unsqueeze(2).expand(-1, -1, SIDE)
    return torch.cat([rows, rows.mT]).flatten(1).unique(dim=0)


@dataclass(frozen=True)
class NvilGraph:
    """The graph of Figure 13 (left). Its inputs: x [n, pixels], theta, phi, and without direct terms a fixed phi."""

    graph: scg.Graph
    latent: tuple[scg.Node, ...]  # h_1 to h_L
    below: tuple[scg.Node, ...]  # their parents: x to h_(L - 1)


def build(layers: int, direct_terms: bool = False) -> NvilGraph:
    """direct_terms: whether phi also acts on the costs through log q; else log q has a phi of its own, without a
    gradient, as in eq. (43)."""
    graph = scg.Graph()
    x, theta, phi = graph.input("x", per_sample=True), graph.input("theta"), graph.input("phi")
    fixed = None if direct_terms else graph.input("fixed phi")
    latent, below = [], [x]
    for k in range(1, layers + 1):
        h = graph.stochastic(f"h{k}", partial(_law, k), phi, below[-1])
        if fixed is None:
            log_q = graph.log_prob(f"log q{k}", h)
        else:
            log_q = graph.deterministic(f"log q{k}", partial(_log_q, k), fixed, below[-1], h)
        graph.cost(f"-r{k}", partial(_cost, k), theta, below[-1], h, log_q)
        latent.append(h)
        below.append(h)
    return NvilGraph(graph, tuple(latent), tuple(below[:-1]))


def _law(layer: int, q: Inference, below: Tensor) -> Bernoulli:
    return Bernoulli(logits=q.logits(layer, below), validate_args=False)


def _log_q(layer: int, q: Inference, below: Tensor, h: Tensor) -> Tensor:
    return log_bits(q.logits(layer, below), h)


def _cost(layer: int, p: Generative, below: Tensor, h: Tensor, log_q: Tensor) -> Tensor:
    return log_q - p.log_prob(layer, below, h)


class Nvil(Trainee):
    """One seed."""

    def __init__(self, config: Config, seed: int, data: Tensor) -> None:
        streams = Streams([seed], "init")
        widths = (data.shape[1], *config.latent)
        self.config, self.data = config, data
        self.theta, self.phi = Generative(streams, widths), Inference(streams, widths)
        sizes = [(k, *config.baseline_hidden, 1) for k in widths[:-1]]
        self.guesses = [MLP(streams, size, "tanh", dtype=DTYPE) for size in sizes]
        self.model = build(len(config.latent), config.direct_terms)
        graph, pairs = self.model.graph, zip(self.model.latent, self.model.below, self.guesses, strict=True)
        baseline = chosen(config.baseline, graph, {h: (guessing(net), [below]) for h, below, net in pairs})
        modules = [self.theta, self.phi, *(self.guesses if config.baseline == "learned" else [])]
        super().__init__(seed, baseline, [p for module in modules for p in module.parameters()], config.lr)
        self.inputs = {"theta": self.theta, "phi": self.phi}
        if not config.direct_terms:
            self.inputs["fixed phi"] = without_gradient(self.phi)

    def draw(self) -> scg.Run:
        chosen_rows = torch.randint(len(self.data), (self.config.batch,))
        return scg.sample(self.model.graph, {"x": self.data[chosen_rows], **self.inputs})

    def evaluate(self) -> dict[str, float]:
        run = scg.sample(self.model.graph, {"x": self.data.repeat_interleave(REPEATS, 0), **self.inputs})
        return {
            "log_likelihood": self.theta.log_likelihood(self.data).mean().item(),
            "bound": -run.cost_values.sum(0).mean().item(),
            **variances(run, "phi", self.baseline, REPEATS),
            **self.biases(self.data[PICTURE % len(self.data)][None]),
        }

    def biases(self, x: Tensor) -> dict[str, float]:
        """Of eq. (42), corrected and printed: how far its mean over all h is from dL / d theta, over its size."""
        exact = scg.exact(self.model.graph, {"x": x, **self.inputs})
        run = exact.run
        h = [run[node] for node in (self.model.below[0], *self.model.latent)]
        layers = range(1, len(h))
        corrected = sum((self.theta.log_prob(k, h[k - 1], h[k]) for k in layers), h[0].new_zeros(run.rows))
        right = -exact.gradient("theta")
        means = {"bias_42": corrected, "bias_42_printed": self.theta.printed(h)}
        return {
            name: ((flat_slope(run.expectation(log_p), self.theta) - right).norm() / right.norm()).item()
            for name, log_p in means.items()
        }


def guessing(net: nn.Module) -> Any:
    """The function of a learned baseline: the network's guess of Q-hat [n] from its argument [n, k]."""
    return lambda x: net(x[None])[0, :, 0]


def without_gradient(module: nn.Module) -> nn.Module:
    """A module in the same memory, whose parameters carry no gradient."""
    twin = copy.deepcopy(module).requires_grad_(False)
    for own, other in zip(twin.parameters(), module.parameters(), strict=True):
        own.data = other.data
    return twin


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> Training:
    """The learner of a block; the task is not looked at. limits: `iterations`, each a batch and a step."""
    settings, data = Config(**config), bars()
    return Training([Nvil(settings, seed, data) for seed in seeds], int(limits["iterations"]))


def estimated_work(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Layers that are sampled, over all batches."""
    return len(seeds) * int(limits["iterations"]) * len(config["latent"]) * math.sqrt(config["batch"])
