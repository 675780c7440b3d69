"""The analysis of a graph before its first run: the estimator of each node, and what is refused.

An edge that is differentiated must have a derivative: Condition 1, as `graph.condition_1` corrects it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from svgbench.scg import laws
from svgbench.scg.autodiff import Value, leaves
from svgbench.scg.dry_run import DryRun
from svgbench.scg.evaluate import bound_inputs, carries_gradient
from svgbench.scg.graph import Graph, GraphError, Node, influence, nearest
from svgbench.scg.tested import Tested, conditions, refuse_derived


class Line(NamedTuple):
    """One line of a report: about a node, or about the edge from `parent` to it."""

    node: str
    parent: str  # "" of a node
    what: str  # estimator of a stochastic node, or kind of another node; "ok" or "refused" for an edge
    why: str


@dataclass(frozen=True)
class Report:
    """The estimator of each node with its reason, and the edges that are differentiated. `str` of it is a table."""

    lines: tuple[Line, ...]
    refusals: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.refusals

    def __getitem__(self, node: str) -> Line:
        """The line of a node, by its name. Refuses other names."""
        found = {line.node: line for line in self.lines if not line.parent}
        if node not in found:
            raise GraphError(f"the report has no node '{node}'{nearest(str(node), found)}")
        return found[node]

    def __str__(self) -> str:
        rows = [(f"{x.parent} -> {x.node}" if x.parent else x.node, x.what, x.why) for x in self.lines]
        wide, middle = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
        lines = [f"{a:{wide}}  {b:{middle}}  {c}".rstrip() for a, b, c in rows]
        return "\n".join([*lines, *(f"refused: {x}" for x in self.refusals)])


@dataclass(frozen=True, eq=False)
class GraphPlan:
    """The part that all runs of a graph with the same differentiated inputs share. Nodes are given by index."""

    graph: Graph
    wrt: frozenset[int]
    estimator: Mapping[int, str]  # of the stochastic nodes: score, path or enumerate
    attached: frozenset[int]  # nodes whose values carry a gradient
    scored: tuple[int, ...]  # the w of Theorem 1: stochastic, theta <^D w, with a cost below
    report: Report
    observed: frozenset[int]

    def passes(self, node: Node) -> bool:
        """Whether the node is deterministic, `path` nodes included."""
        return node.kind in ("deterministic", "cost") or self.estimator.get(node.index) == "path"

    @cached_property
    def deterministically_above(self) -> list[frozenset[int]]:
        """For each node w the nodes v with v <^D w."""
        return influence(self.graph.nodes, self.passes)

    @cached_property
    def costs(self) -> tuple[int, ...]:
        return tuple(c.index for c in self.graph.costs)

    def below(self, like: Tensor) -> Tensor:
        """[W, C]: 1 where the scored node w influences the cost c."""
        return self._matrix(self.scored, self.costs, like)

    def upstream(self, like: Tensor) -> Tensor:
        """[W, W]: 1 at [w, v] where the scored node v influences the scored node w."""
        return self._matrix(self.scored, self.scored, like).T

    def _matrix(self, above: Sequence[int], below: Sequence[int], like: Tensor) -> Tensor:
        key = above is below, like.dtype, like.device
        if key not in self._matrices:
            influences = self.graph.influence(False)
            rows = [[float(v in influences[w]) for w in below] for v in above]
            self._matrices[key] = like.new_tensor(rows).view(len(above), len(below))
        return self._matrices[key]

    @cached_property
    def kinks(self) -> dict[int, str | None]:
        """By the index of an input, what `kinks` has found behind it."""
        return {}

    @cached_property
    def _matrices(self) -> dict[Any, Tensor]:
        return {}


def planned(graph: Graph, inputs: Mapping[int, Value], n: int, observed: Mapping[int, Tensor]) -> GraphPlan:
    """The analysis, made once for inputs like these (`tested`). Raises `GraphError`."""
    if torch.is_inference_mode_enabled():
        raise GraphError("a run in torch.inference_mode(), expected torch.no_grad(), or neither to differentiate it")
    plan = _plan(graph, inputs, n, observed)
    if plan.report.refusals:
        more = len(plan.report.refusals) - 1
        raise GraphError(plan.report.refusals[0] + (f" (and {more} more: svgbench.scg.explain)" if more else ""))
    return plan


def explain(graph: Graph, inputs: Mapping[Node | str, Value], n: int | None = None) -> Report:
    """The estimator of each node with its reason, without raising the errors of `sample`.

    inputs: as of `sample`; those that require a gradient are differentiated. A run with these inputs has this report.
    """
    bound, n = bound_inputs(graph, inputs, n)
    return _plan(graph, bound, n, {}).report


def along_values(graph: Graph, inputs: Mapping[int, Value], n: int) -> GraphPlan:
    """The analysis for quadrature, whose points move with the parameters: a `score` node counts as `path` if its noise
    is known. Raises `GraphError`.
    """
    plan = _plan(graph, inputs, n, {}, placed=True)
    if plan.report.refusals:
        what = plan.report.refusals[0].partition(", expected")[0]
        raise GraphError(f"quadrature differentiates values, and {what}, expected smooth costs, or samples")
    return plan


def _plan(
    graph: Graph, inputs: Mapping[int, Value], n: int, observed: Mapping[int, Tensor], placed: bool = False
) -> GraphPlan:
    """The kept plan if it holds for these inputs, else a new one."""
    wrt = _wrt(inputs)
    if len(wrt) > 1:
        refuse_derived(graph, inputs, wrt)
    key = wrt, frozenset(observed), placed, conditions(graph, inputs, n, bool(observed))
    plan, tested = graph.plans.get(key, (None, None))
    if plan is None or not tested.holds(inputs):
        plan = _Planner(graph, inputs, n, observed, placed).plan()
        if not plan.report.refusals:
            graph.plans[key] = plan, Tested(graph, inputs)
    found: GraphPlan = plan
    return found


def _wrt(inputs: Mapping[int, Value]) -> frozenset[int]:
    if not torch.is_grad_enabled():
        return frozenset()
    return frozenset(i for i, value in inputs.items() if carries_gradient(value))


class _Planner:
    def __init__(
        self, graph: Graph, inputs: Mapping[int, Value], n: int, observed: Mapping[int, Tensor], placed: bool
    ) -> None:
        self.graph, self.inputs, self.wrt, self.observed = graph, inputs, _wrt(inputs), observed
        self.dry = DryRun(graph, inputs, n, observed)
        self.useful = graph.useful()
        self.stochastic = [node for node in graph.nodes if node.kind == "stochastic"]
        self.estimator: dict[int, str] = {v.index: str(v.estimator) for v in self.stochastic if v.estimator != "auto"}
        if placed:
            known = [v.index for v in self.stochastic if laws.noise_of(self.dry.law(v)) is not None]
            self.estimator.update(dict.fromkeys(known, "path"))
        self.why: dict[int, str] = {v.index: "named" for v in self.stochastic}
        self.problems: dict[tuple[int, int], str | None] = {}

    def plan(self) -> GraphPlan:
        for v in reversed(self.stochastic):
            if v.index not in self.estimator:
                self.estimator[v.index], self.why[v.index] = self._chosen(v)
        attached = set(self.wrt)
        for node in self.graph.nodes:
            if self._passes(node) and any(p.index in attached for p in node.parents):
                attached.add(node.index)
        scored = tuple(
            v.index
            for v in self.stochastic
            if not self._passes(v) and v.index in self.useful and any(p.index in attached for p in v.parents)
        )
        edges = [
            (v, w)
            for w in self.graph.nodes
            for v in dict.fromkeys(w.parents)
            if v.index in attached and w.index in self.useful
        ]
        lines = [self._line(node, attached, scored) for node in self.graph.nodes]
        for v, w in edges:
            problem = self._problem(v, w)
            lines.append(Line(w.name, v.name, "refused" if problem else "ok", problem or ""))
        refusals = [*self._node_refusals(), *(self._refusal(v, w) for v, w in edges if self._problem(v, w))]
        report = Report(tuple(lines), tuple(refusals))
        return GraphPlan(
            self.graph, self.wrt, self.estimator, frozenset(attached), scored, report, frozenset(self.observed)
        )

    def _passes(self, node: Node) -> bool:
        return node.kind in ("deterministic", "cost") or self.estimator.get(node.index) == "path"

    def _problem(self, v: Node, w: Node) -> str | None:
        if (v.index, w.index) not in self.problems:
            self.problems[v.index, w.index] = self.dry.derivative_problem(v, w, self._passes(w))
        return self.problems[v.index, w.index]

    def _chosen(self, v: Node) -> tuple[str, str]:
        """The estimator of an `auto` node, after those of all nodes behind it."""
        law = self.dry.law(v)
        if v.index in self.observed or not laws.has_path(law):
            return "score", f"auto: a value of {type(law).__name__} has no derivative"
        for p in v.parents:
            counts = p.index in self._perhaps and v.index in self.useful
            if counts and (problem := self.dry.derivative_problem(p, v, as_path=True)):
                return "score", f"auto: the edge {p} -> {v} {problem}"
        reached = {v.index}
        for w in self.graph.nodes[v.index + 1 :]:
            for p in w.parents:
                if p.index in reached and w.index in self.useful:
                    if problem := self._problem(p, w):
                        return "score", f"auto: the edge {p} -> {w} {problem}"
                    if self._passes(w):
                        reached.add(w.index)
        return "path", "auto: every edge that is differentiated has a derivative"

    @cached_property
    def _perhaps(self) -> set[int]:
        """Nodes whose values carry a gradient if each `auto` node above them is a path."""
        found = set(self.wrt)
        for node in self.graph.nodes:
            if node.estimator in (None, "path", "auto") and any(p.index in found for p in node.parents):
                found.add(node.index)
        return found

    def _line(self, node: Node, attached: set[int], scored: tuple[int, ...]) -> Line:
        if node.kind != "stochastic":
            return Line(node.name, "", node.kind, "carries a gradient" if node.index in attached else "")
        why = self.why[node.index]
        if node.index not in self.useful:
            why += "; influences no cost, so it has no term"
        elif node.index not in attached and node.index not in scored:
            why += "; no parameter reaches it, so it has no term"
        return Line(node.name, "", self.estimator[node.index], why)

    def _node_refusals(self) -> list[str]:
        found = self._shared_parameters()
        for i in sorted(self.wrt):
            if not sum(leaf.numel() for leaf in leaves(self.inputs[i])):
                found.append(f"{self.graph.nodes[i]} has no numbers, expected one at least to differentiate by")
        for node in self.graph.nodes:
            if node.kind == "input":
                continue
            if node.kind == "stochastic" and (problem := self._estimator_problem(node)):
                found.append(f"{node} is {self.estimator[node.index]} and {problem}")
            if self.graph.probes and node.function and (problem := self.dry.function_problem(node)):
                found.append(f"{node} {problem}")
        return found

    def _estimator_problem(self, node: Node) -> str | None:
        how, law = self.estimator[node.index], self.dry.law(node)
        kind = type(law).__name__
        if how == "path" and node.index in self.observed:
            return "observed, expected its noise to be (`reparameterised`), or score"
        if how == "path" and not laws.has_path(law):
            return f"{kind}, whose values have no derivative, expected score or enumerate"
        if how == "enumerate" and node.index not in self.observed and not laws.is_finite(law):
            return f"{kind}, expected a law with a finite support"
        return None

    def _shared_parameters(self) -> list[str]:
        """Refuse a tensor that is two inputs: a derivative would be with respect to both, and each would take it for
        its own.
        """
        owner: dict[int, Node] = {}
        found = []
        for i in sorted(self.wrt):
            node = self.graph.nodes[i]
            for leaf in leaves(self.inputs[i]):
                other = owner.setdefault(id(leaf), node)
                if other is not node:
                    found.append(
                        f"{other} and {node} are one tensor or share one, expected an input of its own for each"
                    )
        return found

    def _refusal(self, v: Node, w: Node) -> str:
        """The refusal, with a remedy."""
        law = self.dry.law(w) if w.kind == "stochastic" else None
        if v.kind == "stochastic":
            advice = f"name {v} score"
        elif law is not None:
            other = "score" if self._passes(w) else "path" if laws.has_path(law) else ""
            advice = f"name {w} {other}" if other else f"let {w} depend smoothly on {v}"
        else:
            advice = f"put a stochastic node before {w}, or do not differentiate by what reaches {v}"
        problem = self._problem(v, w) or ""
        if problem.startswith("has a jump"):
            advice += "; if it is none, Graph(probes=0) leaves the tests out"
        return f"the edge {v} -> {w} {problem}, expected a derivative: {advice}"
