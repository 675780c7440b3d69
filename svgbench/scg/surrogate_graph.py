"""Corollary 1's surrogate loss as a deterministic graph of its own, as Figure 12 draws it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from svgbench.scg import laws
from svgbench.scg.autodiff import Value
from svgbench.scg.graph import Graph, GraphError, Node, log_prob
from svgbench.scg.run import Run

HAT = "\u0302"  # above the letter before it
Q_HAT = f"Q{HAT}"
"""How the names of the inputs begin that are sums of costs."""


def surrogate_graph(run: Run) -> tuple[Graph, dict[Node, Value]]:
    """The graph and the values of its inputs, from a run of the stochastic graph.

    Its costs are log p(w | DEPS_w) Q-hat_w for each scored node w, and the costs that a differentiated input reaches
    without a random node in between. Sampled values and Q-hat are inputs: constants, with a hat. Their sum differs from
    `surrogate(run, "log")` by the other costs, in which nothing is differentiated. Refuses runs with enumerated nodes,
    whose samples have several rows, and `path` nodes whose noise is not known.
    """
    if run.share is not None:
        raise GraphError("the surrogate's graph of a run with enumerated nodes, expected a run in which all are drawn")
    made = _Made(run)
    for w in run.plan.scored:
        made.score_term(run.graph.nodes[w])
    for c in run.graph.costs:
        if c.index in run.plan.attached:
            made.of(c)
    return made.graph, made.values


class _Made:
    def __init__(self, run: Run) -> None:
        self.run, self.graph, self.values = run, Graph(run.graph.probes), dict[Node, Value]()
        self.nodes: dict[Node, Node] = {}

    def of(self, old: Node) -> Node:
        """The new node of an old one, after those of its parents."""
        if old not in self.nodes:
            self.nodes[old] = self._make(old)
        return self.nodes[old]

    def score_term(self, w: Node) -> None:
        """Its parents are Q-hat, the sampled value, and the parents of w."""
        assert w.function is not None  # a run has scored it
        law: Callable[..., Any] = w.function
        q, own = self._given(f"{Q_HAT}_{w}", self.run.q(w)), self.of(w)
        parents = [self.of(p) for p in w.parents]
        kept = [p for p, smooth in zip(parents, w.smooth, strict=True) if smooth]
        self.graph.cost(
            f"log p({own}) {Q_HAT}", lambda q, x, *rest: log_prob(law(*rest), x) * q, q, own, *parents, smooth=kept
        )

    def _make(self, old: Node) -> Node:
        if old.kind == "input":
            node = self.graph.input(old.name, per_sample=old.sampled)
            self.values[node] = self.run.record.value[old.index]
            return node
        if old.kind == "stochastic" and not self.run.plan.passes(old):
            return self._given(old.name[:1] + HAT + old.name[1:], self.run[old].detach())
        parents = [self.of(p) for p in old.parents]
        kept = [p for p, smooth in zip(parents, old.smooth, strict=True) if smooth]
        assert old.function is not None  # a run has evaluated it
        if old.kind == "stochastic":
            noise = self._given(f"{old}.noise", self._noise(old))
            return self.graph.deterministic(
                old.name, _placed(old.name, old.function), noise, *parents, smooth=[noise, *kept]
            )
        is_cost = old.kind == "cost" and old.index in self.run.plan.attached
        return (self.graph.cost if is_cost else self.graph.deterministic)(old.name, old.function, *parents, smooth=kept)

    def _noise(self, old: Node) -> Tensor:
        noise = self.run.record.drawn[old.index].noise
        if noise is None:
            law = type(self.run.law(old)).__name__
            raise GraphError(f"{old} is path and {law}, expected a law whose noise can be pulled out")
        return noise

    def _given(self, name: str, value: Tensor) -> Node:
        node = self.graph.input(name, per_sample=True)
        self.values[node] = value
        return node


def _placed(name: str, law: Callable[..., Any]) -> Callable[..., Tensor]:
    return lambda noise, *parents: laws.placed(name, law(*parents), noise, len(noise))
