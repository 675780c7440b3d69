"""Kinks, behind which a second derivative of samples is wrong although the first one is right.

|x - theta| has the second derivative 0 almost everywhere, and E|x - theta| twice the density of x at theta. That is so
where the place of the kink depends on a continuous random value. Where it depends on inputs and discrete values only,
as in a network of ReLUs that takes data, the expectation has the kink too, and is right elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from svgbench.scg import laws, probe
from svgbench.scg.autodiff import Value
from svgbench.scg.dry_run import DryRun, normal_like, swapper, tensors
from svgbench.scg.evaluate import called
from svgbench.scg.graph import Node, log_prob
from svgbench.scg.plan import GraphPlan


def kink_behind(plan: GraphPlan, theta: Node, inputs: Mapping[int, Value], n: int, observed: Any) -> str | None:
    """The first differentiated edge behind an input with a kink whose place is random, or None; or one on which
    autograd loses the second derivative at these values. The latter is tested if a number of the input is 0.
    """
    if not plan.graph.probes:
        return None
    if theta.index not in plan.kinks:
        plan.kinks[theta.index] = _Search(plan, theta, DryRun(plan.graph, inputs, n, observed)).found()
    if plan.kinks[theta.index] is None and any((x == 0).any() for x in tensors(inputs[theta.index])):
        return _Search(plan, theta, DryRun(plan.graph, inputs, n, observed)).lost()
    return plan.kinks[theta.index]


class _Search:
    def __init__(self, plan: GraphPlan, theta: Node, dry: DryRun) -> None:
        self.plan, self.theta, self.dry = plan, theta, dry
        self.random = set[int]()  # nodes whose values are continuous and random
        for node in plan.graph.nodes:
            law = dry.law(node) if node.kind == "stochastic" else None
            if node.kind == "stochastic":
                continuous = dry.value(node).is_floating_point() and not (law and laws.is_discrete(law))
            else:
                continuous = any(p.index in self.random for p in node.parents)
            if continuous:
                self.random.add(node.index)

    def found(self) -> str | None:
        for v, w, place in self._edges():
            if found := self._at(w, place):
                return f"the edge {v} -> {w} has a kink, where its derivative {found}"
        return None

    def lost(self) -> str | None:
        for v, w, place in self._edges():
            if found := self._along(w, place, probe.wrong_curvature):
                return f"the edge {v} -> {w} {found}"
        return None

    def _edges(self) -> Iterator[tuple[Node, Node, int]]:
        """What is differentiated behind the input: v, w and the place of v among the parents of w."""
        plan, useful = self.plan, self.plan.graph.useful()
        for w in plan.graph.nodes:
            if w.index not in useful or not (plan.passes(w) or w.index in plan.scored):
                continue
            for place, v in enumerate(w.parents):
                reached = v is self.theta or self.theta.index in plan.deterministically_above[v.index]
                if v.index in plan.attached and reached:
                    yield v, w, place

    def _at(self, w: Node, place: int) -> str | None:
        if not (found := self._along(w, place)):
            return None
        places = [i for i, p in enumerate(w.parents) if p.index in self.random]
        if place in places or any(i != place and self._along(w, i) for i in places) or self._along_own(w):
            return found
        return None

    def _along(self, w: Node, place: int, test: Callable[..., str | None] = probe.kink_along) -> str | None:
        """What a test finds along lines in one argument of a function or law; a kink, if none is given."""
        args = self.dry.args(w)
        start, swap = tensors(args[place]), swapper(args[place])

        def at(there: list[Tensor]) -> Tensor:
            return self._number(w, called(w, [*args[:place], swap(there), *args[place + 1 :]]))

        return self._kink(w, start, w.parents[place].sampled, at, test)

    def _along_own(self, w: Node) -> str | None:
        """A kink along lines in the value whose density counts, or in the noise that is placed."""
        if w.kind != "stochastic" or w.index not in self.random:
            return None
        drawn = self.dry.record.drawn[w.index]
        if not self.plan.passes(w):
            return self._kink(w, [drawn.value], True, lambda there: _sum(log_prob(drawn.law, there[0])))
        if drawn.noise is None:
            return None
        return self._kink(
            w, [drawn.noise], True, lambda there: _sum(laws.placed(w.name, drawn.law, there[0], self.dry.rows))
        )

    def _number(self, w: Node, out: Any) -> Tensor:
        if w.kind == "stochastic":
            noise = self.dry.record.drawn[w.index].noise
            if self.plan.passes(w) and noise is not None:
                out = laws.placed(w.name, out, noise, self.dry.rows)
            else:
                out = log_prob(out, self.dry.value(w))
        return _sum(out)

    def _kink(
        self,
        w: Node,
        start: list[Tensor],
        rows: bool,
        at: Callable[[list[Tensor]], Tensor],
        test: Callable[..., str | None] = probe.kink_along,
    ) -> str | None:
        start = [x.detach() for x in start]
        if not all(x.is_floating_point() for x in start):
            return None
        seen = [x for value in (*self.dry.args(w), self.dry.value(w)) for x in tensors(value)]
        eps = max(torch.finfo(x.dtype).eps for x in seen if x.is_floating_point())
        return test(start, rows, at, eps)


def _sum(out: Tensor) -> Tensor:
    return (out * normal_like(out)).sum()
