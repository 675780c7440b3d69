"""Corollary 1's surrogate losses on the five motifs of Figure 11, as Figure 12 draws them. Nothing is trained.

Each loss is differentiated, sample by sample, and compared with eq. (38) on the same sample:

| `loss` | |
|---|---|
| log | sum_w log p(w) Q-hat_w + sum of costs, Corollary 1 |
| ratio | with p / p-hat in the place of log p, section 5.3.2 |
| dice | the loss of any order, Foerster et al. 2018 |
| graph | the surrogate as a deterministic graph of its own, Figure 12; its costs are summed |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from svgbench import scg
from svgbench.baselines.scg.scg_motifs import motif
from svgbench.learners.limits import SampleLimits as Limits
from svgbench.learners.study import GridStudy

VERSION = 1


@dataclass(frozen=True)
class Config:
    motif: Literal["1", "2", "3", "4", "5"] = "1"  # Figure 11
    loss: Literal["log", "ratio", "dice", "graph"] = "log"


class Surrogates(GridStudy[int]):
    """The one point is the number of samples."""

    def __init__(self, config: Config, seeds: Sequence[int], samples: int) -> None:
        super().__init__(seeds, [samples], [samples])
        self.config, self.motif = config, motif(config.motif)

    def measure(self, seed: int, draws: int, point: int) -> list[dict[str, Any]]:
        with scg.seeds(draws):
            run = scg.sample(self.motif.graph, self.motif.inputs, point)
        found = scg.per_sample(self.loss(run), run["theta"])
        estimator = scg.gradient(run, "theta")
        difference = ((found - estimator).abs() / (1 + estimator.abs())).max().item()
        return [{"step": point, "difference": difference, "estimate": found.mean().item(), "exact": self.motif.exact}]

    def loss(self, run: scg.Run) -> Tensor:
        """[n]: one for each sample."""
        if self.config.loss != "graph":
            return scg.surrogate(run, self.config.loss)
        graph, inputs = scg.surrogate_graph(run)
        return scg.sample(graph, inputs).cost_values.sum(0)


def figure_12(number: str) -> tuple[scg.Graph, scg.Graph, list[scg.Node]]:
    """A motif of Figure 11, its surrogate of Figure 12, and the sums of costs in the surrogate's labels."""
    of = motif(number)
    surrogate, _ = scg.surrogate_graph(scg.sample(of.graph, of.inputs, 2))
    return of.graph, surrogate, [node for node in surrogate.nodes if node.name.startswith(scg.Q_HAT)]


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> Surrogates:
    """The learner of a block; the task is not looked at. limits: `samples`, at least 1."""
    return Surrogates(Config(**config), seeds, int(limits["samples"]))


def estimated_work(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Samples of a block."""
    return len(seeds) * int(limits["samples"])
