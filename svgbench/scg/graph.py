"""The graph, who influences whom, and Condition 1: Definition 3, notation glossary, Schulman 2016, 5.2.2 and 5.3.1.

A node is added after its parents, so the order of creation is a topological order. The graph holds no values; a `Run`
has those of a run.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from torch import Tensor

Kind = Literal["input", "deterministic", "stochastic", "cost"]
Estimator = Literal["score", "path", "enumerate", "auto"]


class GraphError(ValueError):
    """The requested result would be silently zero or wrong. The message names the node and a remedy."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a message: "did you mean" the nearest word; "" if no word is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean '{near[0]}'?" if near else ""


def one_of(what: str, word: str, known: Sequence[str]) -> None:
    """Refuse a word that is not among these."""
    if not isinstance(word, str):
        raise GraphError(f"{what} is of the type {type(word).__name__}, expected one of {', '.join(known)}")
    if word not in known:
        raise GraphError(f"{what} is {word!r}, expected one of {', '.join(known)}{nearest(str(word), known)}")


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """One node, equal only to itself. The methods of `Graph` that make it explain its fields."""

    index: int
    name: str
    kind: Kind
    parents: tuple[Node, ...]
    function: Callable[..., Any] | None
    smooth: tuple[bool, ...]  # in each parent
    sampled: bool  # whether its value has the sample axis
    estimator: Estimator | None = None  # of a stochastic node
    density_of: Node | None = None  # the stochastic node whose log-probability it is

    @cached_property
    def shared(self) -> bool:
        """Whether nothing above the node is sampled, so that all samples have one law."""
        return not any(p.sampled for p in self.parents)

    def __repr__(self) -> str:
        return self.name


def log_prob(law: Any, value: Tensor, axes: int = 1) -> Tensor:
    """log p(value) in nats, summed over all axes after the first `axes`: the components of one vector."""
    each: Tensor = law.log_prob(value)
    return each if each.dim() <= axes else each.sum(tuple(range(axes, each.dim())))


def influence(nodes: Sequence[Node], passes: Callable[[Node], bool]) -> list[frozenset[int]]:
    """For each node w the indices of all v with a path from v to w whose inner nodes all satisfy `passes`."""
    above: list[frozenset[int]] = []
    for node in nodes:
        through = (above[p.index] for p in node.parents if passes(p))
        above.append(frozenset(p.index for p in node.parents).union(*through))
    return above


class Graph:
    """A stochastic computation graph (Definition 3).

    probes: samples that the tests of a graph use before its first run (`explain`); 0 leaves out the tests that
    evaluate functions again, and then a jump or a lost derivative is not noticed.
    """

    def __init__(self, probes: int = 16) -> None:
        self.probes = probes
        self.nodes: list[Node] = []
        self.plans: dict[Any, Any] = {}  # `plan.planned` keeps its analysis here, until a node is added
        self._above: tuple[list[frozenset[int]], list[frozenset[int]]] | None = None

    def input(self, name: str, *, per_sample: bool = False) -> Node:
        """A parameter or data, Theta in the thesis: a tensor, or a `torch.nn.Module` (its parameters).

        per_sample: the first axis is the samples', as for data; else all samples share the value.
        """
        return self._add(name, "input", (), None, True, sampled=per_sample)

    def deterministic(
        self,
        name: str,
        function: Callable[..., Any],
        *parents: Node | str,
        smooth: bool | Node | str | Sequence[Node | str] = True,
    ) -> Node:
        """A function of its parents: a square.

        function: takes the parents' values; those that are sampled have the samples as their first axis, and so must
        the result, whose samples do not mix. It draws nothing and holds no parameters of its own.
        smooth: False if it has no derivative; or the parents in which it has one.
        """
        return self._add(name, "deterministic", parents, function, smooth)

    def cost(
        self,
        name: str,
        function: Callable[..., Any],
        *parents: Node | str,
        smooth: bool | Node | str | Sequence[Node | str] = True,
    ) -> Node:
        """A deterministic node whose value, one number a sample [n], is part of the objective."""
        return self._add(name, "cost", parents, function, smooth)

    def stochastic(
        self,
        name: str,
        law: Callable[..., Any] | None,
        *parents: Node | str,
        estimator: Estimator = "score",
        smooth: bool | Node | str | Sequence[Node | str] = True,
    ) -> Node:
        """A random variable given its parents: a circle.

        law: takes the parents' values, returns a `torch.distributions.Distribution`. If any parent is sampled, the
        first axis of its batch is the samples'; else the run draws n times. All other axes belong to one vector, whose
        log-probability is the sum over them. None: unknown, as a simulator's; its value must be observed.
        estimator: `score` for grad log p times the costs below; `path` for the derivative of the value, as a function
        of its parents and of noise; `enumerate` for all outcomes of a finite support instead of one draw; `auto` for
        `path` where it is valid and `score` elsewhere.
        smooth: False if p has no derivative in the parents; or the parents in which it has one.
        """
        one_of(f"the estimator of {name}", estimator, get_args(Estimator))
        return self._add(name, "stochastic", parents, law, smooth, estimator)

    def log_prob(self, name: str, x: Node | str) -> Node:
        """log p(x | its parents), a deterministic node [n] of x and of x's parents: for costs such as log q(h | x).

        It is what a function of these nodes would give, computed once.
        """
        x = self.find(x)
        law = x.function
        if x.kind != "stochastic" or law is None:
            raise GraphError(f"{name} is to be the log-probability of {x}, expected a stochastic node with a known law")
        smooth = [x, *(p for p, kept in zip(x.parents, x.smooth, strict=True) if kept)]
        return self._add(
            name, "deterministic", (x, *x.parents), lambda x, *parents: log_prob(law(*parents), x), smooth, density_of=x
        )

    def _add(
        self,
        name: str,
        kind: Kind,
        parents: Sequence[Node | str],
        function: Callable[..., Any] | None,
        smooth: bool | Node | str | Sequence[Node | str],
        estimator: Estimator | None = None,
        sampled: bool = False,
        density_of: Node | None = None,
    ) -> Node:
        if any(node.name == name for node in self.nodes):
            raise GraphError(f"the graph has a node '{name}' already, expected a new name")
        own = tuple(self.find(parent) for parent in parents)
        if isinstance(smooth, str | Node):
            smooth = [smooth]
        kept = own if smooth is True else () if smooth is False else tuple(map(self.find, smooth))
        if function is not None and not callable(function):
            raise GraphError(f"the function of {name} is of the type {type(function).__name__}, expected a function")
        for parent in kept:
            if parent not in own:
                raise GraphError(f"{name} is said to be smooth in {parent}, expected one of its parents {list(own)}")
        sampled = sampled or kind == "stochastic" or any(p.sampled for p in own)
        derivable = tuple(p in kept for p in own)
        index = len(self.nodes)
        node = Node(index, name, kind, own, function, derivable, sampled, estimator, density_of)
        self.nodes.append(node)
        self.plans.clear()
        self._above = None
        return node

    def find(self, node: Node | str) -> Node:
        """A node by its name. Refuses names that do not exist and nodes of other graphs."""
        if isinstance(node, Node):
            if node.index < len(self.nodes) and self.nodes[node.index] is node:
                return node
            raise GraphError(f"node '{node}' belongs to another graph")
        if not isinstance(node, str):
            raise GraphError(f"{type(node).__name__} instead of a node, expected a node or its name")
        for own in self.nodes:
            if own.name == node:
                return own
        raise GraphError(f"the graph has no node '{node}'{nearest(node, (own.name for own in self.nodes))}")

    __getitem__ = find

    @property
    def costs(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.kind == "cost")

    def influences(self, v: Node | str, w: Node | str, *, deterministic: bool = False) -> bool:
        """v < w; with `deterministic` v <^D w: the nodes between them are all deterministic.

        A node named `path` counts as deterministic, as it is after re-parameterisation; one named `auto` does not, as
        it is decided with values (`Run.plan`). v never influences itself.
        """
        return self.find(v).index in self.influence(deterministic)[self.find(w).index]

    def deps(self, v: Node | str) -> tuple[Node, ...]:
        """DEPS_v: the inputs and stochastic nodes that deterministically influence v. Refuses an `auto` node there."""
        above = self.influence(True)[self.find(v).index]
        for i in sorted(above):
            if self.nodes[i].estimator == "auto":
                raise GraphError(
                    f"DEPS of {v} with {self.nodes[i]}, which is auto, expected score or path: see explain"
                )
        return tuple(self.nodes[i] for i in sorted(above) if not differentiable(self.nodes[i]))

    def costs_below(self, v: Node | str) -> tuple[Node, ...]:
        """The costs whose sum is Q-hat_v."""
        return tuple(c for c in self.costs if self.influences(v, c))

    def useful(self) -> frozenset[int]:
        """Indices of the costs and of what influences them."""
        above = self.influence(False)
        return frozenset(c.index for c in self.costs).union(*(above[c.index] for c in self.costs))

    def noninfluenced(self, v: Node | str) -> tuple[Node, ...]:
        """NONINFLUENCED(v) of Theorem 2, without v.

        As printed, {w | not v < w}, the set has v itself, on which a baseline must not depend.
        """
        v = self.find(v)
        return tuple(w for w in self.nodes if w is not v and not self.influences(v, w))

    def influence(self, deterministic: bool) -> list[frozenset[int]]:
        """Indices of the nodes that (deterministically) influence each node."""
        if self._above is None:
            self._above = influence(self.nodes, lambda node: True), influence(self.nodes, differentiable)
        return self._above[deterministic]


def differentiable(node: Node) -> bool:
    """Whether the node counts as deterministic: a function, a cost, or a `path` node."""
    return node.kind in ("deterministic", "cost") or node.estimator == "path"


def condition_1(
    graph: Graph, theta: Node | str, form: Literal["corrected", "printed"] = "corrected"
) -> list[tuple[Node, Node]]:
    """The edges along which Condition 1 (section 5.3.1) asks for a derivative.

    printed: every edge (v, w) with theta <^D v and theta <^D w. It misses the edges that leave theta, for which
    theta <^D theta does not hold, and it is too strict: it covers the edges that leave stochastic nodes, along which
    nothing is differentiated. corrected: v is theta, or v is deterministic and theta <^D v; and only where w is a cost
    or influences one.
    """
    one_of("form", form, ("corrected", "printed"))
    theta, above, useful = graph.find(theta), graph.influence(True), graph.useful()
    edges = []
    for v, w in [(p, node) for node in graph.nodes for p in node.parents]:
        reached = theta.index in above[v.index]
        if form == "printed":
            needed = reached and theta.index in above[w.index]
        else:
            needed = (v is theta or (reached and differentiable(v))) and w.index in useful
        if needed:
            edges.append((v, w))
    return edges
