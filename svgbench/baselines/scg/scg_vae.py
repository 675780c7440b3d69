"""A variational autoencoder before and after re-parameterisation: Schulman 2016, section 5.10.1, Figure 13 (right).

    h ~ N(0, I)        x | h ~ N(W h + b, s^2 I)        q(h | x) = N(A x + c, diag(v^2))

theta = (W, b, log s), phi = (A, c, log v). All is linear and normal, so log p(x) is exact: x ~ N(b, W W' + s^2 I).
Before, h is a random variable and phi has a score function: L_orig. After, h is a function of phi and of noise, and phi
has a pathwise derivative: L_re, whose entropy of q is in closed form. The second graph is made of the first by
`scg.reparameterised`. The data of a seed are drawn from such a model, with d hidden and 2 d visible numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal

from svgbench import scg
from svgbench.baselines.scg._training import DTYPE, Trainee, Training, chosen, variances
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.nn.layers import Linear
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, Positive, Range
from svgbench.scg.autodiff import Value

VERSION = 1

NOISE = 0.5  # of the data, in each visible number
SHOWN = 20  # data points whose variance is measured,
REPEATS = 8  # with so many samples of each


@dataclass(frozen=True)
class Config:
    graph: Literal["before", "after"] = "after"  # re-parameterisation
    entropy: Literal["sampled", "exact"] = "exact"  # of q, in the costs: -log q(h | x), or its mean
    baseline: Literal["none", "running"] = "none"  # of the score function
    latent: Count = 1  # d
    points: Annotated[int, Range(SHOWN)] = 200  # data
    batch: Count = 64
    lr: Positive = 0.02  # Adam, of all parameters


RULES = {"graph == 'before' or baseline == 'none'": "only a score function has a baseline"}


class Decoder(nn.Module):
    """p(x, h), with the parameters theta."""

    def __init__(self, streams: Streams, visible: int, hidden: int) -> None:
        super().__init__()
        self.mean = Linear(streams, hidden, visible, dtype=DTYPE)
        self.log_std = nn.Parameter(torch.zeros(len(streams), 1, dtype=DTYPE))

    def log_joint(self, x: Tensor, h: Tensor) -> Tensor:
        """log p(x | h) p(h) [n] in nats."""
        given = Normal(self.mean(h[None])[0], self.log_std[0].exp(), validate_args=False)
        return given.log_prob(x).sum(1) + Normal(0.0, 1.0).log_prob(h).sum(1)

    @torch.no_grad()
    def log_likelihood(self, x: Tensor) -> Tensor:
        """log p(x) [n] in nats, exactly."""
        assert self.mean.bias is not None
        W, b = self.mean.weight[0], self.mean.bias[0, 0]
        covariance = W.T @ W + (2 * self.log_std[0]).exp() * torch.eye(len(b), dtype=DTYPE)
        found: Tensor = MultivariateNormal(b, covariance).log_prob(x)
        return found


class Encoder(nn.Module):
    """q(h | x), with the parameters phi."""

    def __init__(self, streams: Streams, visible: int, hidden: int) -> None:
        super().__init__()
        self.mean = Linear(streams, visible, hidden, dtype=DTYPE)
        self.log_std = nn.Parameter(torch.zeros(len(streams), hidden, dtype=DTYPE))


def build(entropy: Literal["sampled", "exact"]) -> scg.Graph:
    """Figure 13 (right), before. Its inputs: x [n, visible], theta, phi."""
    graph = scg.Graph()
    x, theta, phi = graph.input("x", per_sample=True), graph.input("theta"), graph.input("phi")
    h = graph.stochastic("h", _encoded, phi, x)
    graph.cost("-log p(x, h)", lambda theta, x, h: -theta.log_joint(x, h), theta, x, h)
    if entropy == "sampled":
        log_q = graph.log_prob("log q", h)
        graph.cost("-entropy", lambda log_q: log_q, log_q)
    else:
        graph.cost("-entropy", lambda phi, x: -_encoded(phi, x).entropy().sum(1), phi, x)
    return graph


def _encoded(phi: Encoder, x: Tensor) -> Normal:
    mean = phi.mean(x[None])[0]
    return Normal(mean, phi.log_std[0].exp().expand_as(mean), validate_args=False)


def data_of(seed: int, points: int, latent: int) -> Tensor:
    """x [points, 2 d]: W h + noise, W of standard normal numbers over sqrt(d)."""
    streams = Streams([seed], "data")
    W = streams.normal((latent, 2 * latent), DTYPE)[0] / math.sqrt(latent)
    h = streams.normal((points, latent), DTYPE)[0]
    return h @ W + NOISE * streams.normal((points, 2 * latent), DTYPE)[0]


def best_log_likelihood(x: Tensor, latent: int) -> float:
    """The largest mean log p(x) of any parameters (Tipping and Bishop 1999, eq. 6 to 8, probabilistic PCA)."""
    spectrum = torch.linalg.eigvalsh(torch.cov(x.T, correction=0))  # ascending
    noise = spectrum[:-latent].mean()
    log_det = spectrum[-latent:].log().sum() + (len(spectrum) - latent) * noise.log()
    return -0.5 * (len(spectrum) * (math.log(2 * math.pi) + 1) + log_det).item()


class Vae(Trainee):
    """One seed."""

    def __init__(self, config: Config, seed: int) -> None:
        self.config, self.data = config, data_of(seed, config.points, config.latent)
        self.best = best_log_likelihood(self.data, config.latent)
        streams, visible = Streams([seed], "init"), self.data.shape[1]
        self.theta, self.phi = Decoder(streams, visible, config.latent), Encoder(streams, visible, config.latent)
        parameters = [*self.theta.parameters(), *self.phi.parameters()]
        self.inputs: dict[str, nn.Module] = {"theta": self.theta, "phi": self.phi}
        self.before = build(config.entropy)
        with scg.seeds(seed):
            shown = scg.sample(self.before, {"x": self.data, **self.inputs})
        self.after = scg.reparameterised(shown, "h")
        self.graph = self.before if config.graph == "before" else self.after
        super().__init__(seed, chosen(config.baseline, self.graph, {}), parameters, config.lr)

    def draw(self) -> scg.Run:
        rows = torch.randint(len(self.data), (self.config.batch,))
        return scg.sample(self.graph, {"x": self.data[rows], **self.inputs})

    def evaluate(self) -> dict[str, float]:
        with torch.no_grad():
            bound = -scg.sample(self.graph, {"x": self.data, **self.inputs}).cost_values.sum(0).mean().item()
        inputs: dict[str, Value] = {"x": self.data[:SHOWN].repeat_interleave(REPEATS, 0), **self.inputs}
        own = variances(scg.sample(self.graph, inputs), "phi", self.baseline, REPEATS)["variance"]
        path = variances(scg.sample(self.after, inputs), "phi", None, REPEATS)["variance"]
        log_p = self.theta.log_likelihood(self.data).mean().item()
        return {
            "log_likelihood": log_p,
            "gap": self.best - log_p,
            "bound": bound,
            "variance": own,
            "variance_after": path,
        }


def make(config: Mapping[str, Any], task: Any, seeds: Sequence[int], limits: Limits, device: str) -> Training:
    """The learner of a block; the task is not looked at. limits: `iterations`, each a batch and a step."""
    settings = Config(**config)
    return Training([Vae(settings, seed) for seed in seeds], int(limits["iterations"]))


def estimated_work(config: Mapping[str, Any], task: Any, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Batches, with what their size adds."""
    return len(seeds) * int(limits["iterations"]) * (1 + config["latent"] / 50)
