"""Expectations without sampling: all outcomes of finite laws, and quadrature of normal noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from svgbench.scg import laws
from svgbench.scg.autodiff import Value, differentiably, flat_slope, only_once, shaped
from svgbench.scg.evaluate import Drawn, bound_inputs, evaluate
from svgbench.scg.graph import Graph, GraphError, Node
from svgbench.scg.plan import GraphPlan, along_values, planned
from svgbench.scg.run import Run, refuse_changed
from svgbench.scg.theorems import differentiated, differentiated_twice


@dataclass(frozen=True, eq=False)
class Exact:
    """`run` has one row for every outcome, weighted by its probability; whatever takes a run takes it too.

    There a node that is named `enumerate` is one whose outcomes are drawn, as one of `score`.
    """

    run: Run
    inputs: Mapping[int, Value]
    points: int

    @cached_property
    @differentiably
    def objective(self) -> Tensor:
        """E[sum of costs], a number with all its derivatives: sum over outcomes of p * costs, and no estimator.

        Refuses an edge without a derivative behind a node whose noise takes points: its values are differentiated.
        """
        plan = self.plan
        record = evaluate(plan.graph, self.inputs, self.run.record.n, _Listing(plan, self.points, attached=True))
        again = Run(plan, record, self.run.record.n)
        refuse_changed("the graph", again.cost_values.detach(), self.run.cost_values.detach())
        costs, log_share = again.cost_values.sum(0), record.log_share
        if log_share is None:
            return costs.mean()
        old = self.run.record.log_share
        assert old is not None  # the same nodes were listed
        refuse_changed("the graph", log_share.detach(), old.detach())
        if log_share.dtype is costs.dtype:
            return (log_share.exp() * costs).sum() / self.run.record.n
        middle = costs.detach().mean()  # the coarser type of the slopes rounds what all costs have in common
        return (log_share.exp() * (costs - middle)).sum() / self.run.record.n + middle

    @cached_property
    def plan(self) -> GraphPlan:
        """With points, values are differentiated at every node whose noise is known."""
        run = self.run
        return along_values(run.graph, self.inputs, run.record.n) if self.points and run.plan.wrt else run.plan

    def gradient(self, theta: Node | str) -> Tensor:
        """Gradient of the objective, shaped as theta; for a module [P].

        The objective is a mean over data: for an input with an axis of samples this has a factor 1 / n, which the
        estimates of each sample have not (`gradient`, `backward_pass`).
        """
        x = self._input(theta)
        return shaped(flat_slope(self.objective, x), x)

    @differentiably
    def hessian(self, theta: Node | str) -> Tensor:
        """Hessian of the objective, [P, P]. Refuses nodes that can be differentiated once only."""
        x = self._input(theta)
        differentiated_twice(self.run, self.run.graph.find(theta), self.plan)
        if only_once(self.objective, x):
            raise GraphError("a function of the graph can be differentiated once only, expected second derivatives")
        return torch.stack([flat_slope(slope, x) for slope in flat_slope(self.objective, x, create_graph=True)])

    def _input(self, theta: Node | str) -> Value:
        return differentiated(self.run, self.run.graph.find(theta))

    def expectation(self, x: Tensor) -> Tensor:
        """Expectation of the samples' values x [R, ...]."""
        return self.run.expectation(x)

    def variance(self, x: Tensor) -> Tensor:
        """Of what one sample gives, x [R, ...], each component for itself."""
        return self.expectation((x - self.expectation(x)).square())


def exact(graph: Graph, inputs: Mapping[Any, Value], points: int = 0) -> Exact:
    """Enumerate the graph.

    points: Gauss-Hermite points for each component of a node whose noise is normal; with 0 such a node is refused, as
    every node is whose support is not finite. A score function needs points for f times the score, of higher degree.
    """
    if points < 0:
        raise GraphError(f"points is {points}, expected 0 or more")
    bound, n = bound_inputs(graph, inputs, None)
    plan = planned(graph, bound, n, {})
    record = evaluate(graph, bound, n, _Listing(plan, points, attached=False))
    share = torch.ones(n) if record.log_share is None else record.log_share.detach().exp()
    return Exact(Run(plan, record, record.rows, share / n), bound, points)


class _Listing:
    """All outcomes of every node. attached: continuous values carry gradients whatever their estimator."""

    def __init__(self, plan: GraphPlan, points: int, attached: bool) -> None:
        self.plan, self.points, self.attached = plan, points, attached

    def __call__(self, node: Node, args: list[Any], rows: int) -> Drawn:
        assert node.function is not None  # the dry run has refused it
        law = node.function(*args)
        if self.points and laws.noise_of(law) is not None:
            attached = self.attached or self.plan.passes(node)
            out = laws.quadrature(node.name, law, node.shared, rows, self.points, attached)
        else:
            out = laws.outcomes(node.name, law, node.shared, rows)
        return Drawn(out.value, law, out.log_prob, out.noise, out.log_share)
