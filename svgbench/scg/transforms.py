"""Graphs made of graphs: re-parameterised (sections 5.2.1, 5.10.1), and the surrogate loss as a graph (Figure 12)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from svgbench.scg import laws
from svgbench.scg.autodiff import Value
from svgbench.scg.graph import Graph, GraphError, Kind, Node, log_prob
from svgbench.scg.run import Run

HAT = "\u0302"  # above the letter before it
Q_HAT = f"Q{HAT}"
"""Prefix of the names of inputs that are sums of costs."""


def reparameterised(run: Run, node: Node | str) -> Graph:
    """A new graph in which `node` is deterministic, and "`node`.noise" before it is stochastic, without parents.

    The law of every value stays the same, but the estimator changes: the value is now a deterministic function of its
    parents and of noise, so theta acts on it along a path. Figure 13 (right) draws the graph before and after.
    run: any run of the old graph; it shows the law and the shapes. Names stay, so nodes are found by them. Refuses laws
    whose noise cannot be pulled out (see `laws.noise_of`).
    """
    node = run.graph.find(node)
    pulled = laws.noise_of(run.law(node))
    if pulled is None:
        raise GraphError(f"{node} is {type(run.law(node)).__name__}, expected a law whose noise can be pulled out")
    if any(other.name == f"{node}.noise" for other in run.graph.nodes):
        raise GraphError(f"the graph has a node '{node}.noise', the name of the noise of {node}, expected another name")
    unit = pulled[0] if node.shared else laws.of_one_row(pulled[0])
    graph, new = Graph(run.graph.probes), dict[Node, Node]()
    for old in run.graph.nodes:
        if old is node:
            new[old] = _placed(graph, old, graph.stochastic(f"{node}.noise", lambda: unit), new)
        else:
            new[old] = _copied(graph, old, new, old.kind)
    return graph


def surrogate_graph(run: Run) -> tuple[Graph, dict[Node, Value]]:
    """Corollary 1's loss as a deterministic graph, and the values of its inputs, from a run of the stochastic graph.

    Its costs are log p(w | DEPS_w) Q-hat_w for each scored node w, and the costs that a differentiated input reaches
    without a random node in between. Sampled values and Q-hat are inputs: constants, with a hat. Their sum differs from
    `surrogate(run, "log")` by the other costs, in which nothing is differentiated. Refuses runs with enumerated nodes,
    whose samples have several rows, and `path` nodes whose noise is not known.
    """
    if run.share is not None:
        raise GraphError("the surrogate's graph of a run with enumerated nodes, expected a run in which all are drawn")
    made = _Surrogate(run)
    for w in run.plan.scored:
        made.score_term(run.graph.nodes[w])
    for c in run.graph.costs:
        if c.index in run.plan.attached:
            made.of(c)
    return made.graph, made.values


class _Surrogate:
    def __init__(self, run: Run) -> None:
        self.run, self.graph, self.values = run, Graph(run.graph.probes), dict[Node, Value]()
        self.new: dict[Node, Node] = {}

    def of(self, old: Node) -> Node:
        """The new node of an old one, after those of its parents."""
        if old not in self.new:
            self.new[old] = self._make(old)
        return self.new[old]

    def score_term(self, w: Node) -> None:
        """Its parents are Q-hat, the sampled value, and the parents of w."""
        law = w.function
        assert law is not None  # a run has scored it
        q, own = self._given(f"{Q_HAT}_{w}", self.run.q(w)), self.of(w)
        for p in w.parents:
            self.of(p)
        parents, smooth = _parents(w, self.new)
        self.graph.cost(
            f"log p({own}) {Q_HAT}", lambda q, x, *rest: log_prob(law(*rest), x) * q, q, own, *parents, smooth=smooth
        )

    def _make(self, old: Node) -> Node:
        attached = old.index in self.run.plan.attached
        if old.kind == "stochastic" and not self.run.plan.passes(old):
            return self._given(old.name[:1] + HAT + old.name[1:], self.run[old].detach())
        for p in old.parents:
            self.of(p)
        if old.kind == "stochastic":
            return _placed(self.graph, old, self._given(f"{old}.noise", self._noise(old)), self.new)
        made = _copied(self.graph, old, self.new, "deterministic" if old.kind == "cost" and not attached else old.kind)
        if old.kind == "input":
            self.values[made] = self.run.record.value[old.index]
        return made

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


def _parents(old: Node, new: Mapping[Node, Node]) -> tuple[list[Node], list[Node]]:
    """The new parents, and those of them in which the node is smooth."""
    return [new[p] for p in old.parents], [new[p] for p, kept in zip(old.parents, old.smooth, strict=True) if kept]


def _copied(graph: Graph, old: Node, new: Mapping[Node, Node], kind: Kind) -> Node:
    parents, smooth = _parents(old, new)
    if kind == "input":
        return graph.input(old.name, per_sample=old.sampled)
    if old.density_of is not None and new[old.density_of].kind == "stochastic":
        return graph.log_prob(old.name, new[old.density_of])
    if kind == "stochastic":
        assert old.estimator is not None
        return graph.stochastic(old.name, old.function, *parents, estimator=old.estimator, smooth=smooth)
    assert old.function is not None
    return (graph.cost if kind == "cost" else graph.deterministic)(old.name, old.function, *parents, smooth=smooth)


def _placed(graph: Graph, old: Node, noise: Node, new: Mapping[Node, Node]) -> Node:
    """The value of a stochastic node as a function of noise and of its parents."""
    law, (parents, smooth) = old.function, _parents(old, new)
    assert law is not None  # a run has evaluated it
    return graph.deterministic(
        old.name, lambda e, *x: laws.placed(old.name, law(*x), e, len(e)), noise, *parents, smooth=[noise, *smooth]
    )
