"""Runs: drawn, or observed; and what the thesis writes with a hat (section 5.3.1).

A run is a record that nothing changes: values, log-probabilities, noise. What is estimated from it are functions of it.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import torch
from torch import Tensor

from svgbench.scg import laws
from svgbench.scg.autodiff import Value, differentiably, leaves
from svgbench.scg.evaluate import Drawn, Record, bound_inputs, evaluate
from svgbench.scg.graph import Graph, GraphError, Node, log_prob
from svgbench.scg.laws import aligned
from svgbench.scg.plan import GraphPlan, planned


@dataclass(frozen=True, eq=False)
class Run:
    """n samples of a graph. Where a node was enumerated a sample has several rows, and R = n times as many in total."""

    plan: GraphPlan
    record: Record
    n: int
    weight: Tensor | None = None  # [n], sums to 1: of a sample in an expectation; None: all alike

    @property
    def graph(self) -> Graph:
        return self.plan.graph

    @property
    def rows(self) -> int:
        return self.record.rows

    def __getitem__(self, node: Node | str) -> Any:
        """The value, with its gradient if it carries one: a sampled one [R, ...], an input as it was given."""
        node = self.graph.find(node)
        value = self.record.value[node.index]
        return aligned(value, self.rows) if node.sampled and isinstance(value, Tensor) else value

    def law(self, node: Node | str) -> Any:
        """The distribution of a stochastic node given its parents, with the rows that the node was drawn with."""
        return self._drawn(node).law

    def log_prob(self, node: Node | str) -> Tensor:
        """log p(w | DEPS_w) [R] in nats, with its gradient: the sum over all components of the node."""
        drawn = self._drawn(node)
        log_p = log_prob(drawn.law, drawn.value) if drawn.log_prob is None else drawn.log_prob
        return aligned(log_p, self.rows)

    def _drawn(self, node: Node | str) -> Drawn:
        node = self.graph.find(node)
        if node.kind != "stochastic":
            raise GraphError(f"{node} is {node.kind}, expected a stochastic node")
        drawn = self.record.drawn[node.index]
        if drawn.law is None:
            raise GraphError(
                f"the law of {node} was not evaluated, expected a node that a differentiated input reaches"
            )
        return drawn

    @cached_property
    @differentiably
    def cost_values(self) -> Tensor:
        """[C, R], in the order of `graph.costs`, with gradients, of the type `dtype`."""
        if not self.plan.costs:
            raise GraphError("the graph has no cost, expected at least one")
        rows = [self._by_row(self.record.value[c]) for c in self.plan.costs]
        return torch.stack(_of_type(rows, self.dtype))

    @cached_property
    def dtype(self) -> torch.dtype:
        """The floating-point type of estimates: the widest of the costs, the scores and the differentiated inputs.

        It is that of the costs and scores if they have one. If there is none, it is torch's default.
        """
        values: Any = self.record.value  # costs are tensors
        drawn = self.record.drawn
        found = {values[c].dtype for c in self.plan.costs}
        for w in self.plan.scored:
            if (score := drawn[w].log_prob) is not None:
                found.add(score.dtype)
        if len(found) == 1 and next(iter(found)).is_floating_point:
            return found.pop()
        own = {x.dtype for i in self.plan.wrt for x in leaves(self.record.value[i])}
        own.update(x for x in found if x.is_floating_point)
        return reduce(torch.promote_types, own) if own else torch.get_default_dtype()

    @cached_property
    def q_values(self) -> Tensor:
        """Q-hat of the scored nodes [W, R], without gradients."""
        return self.plan.below(self.cost_values) @ self.cost_values.detach()

    @cached_property
    @differentiably
    def log_probs(self) -> Tensor:
        """Of the scored nodes [W, R], with gradients, of the type `dtype`."""
        if not self.plan.scored:
            return self.cost_values.new_zeros(0, self.rows)
        return torch.stack(_of_type([self.log_prob(self.graph.nodes[w]) for w in self.plan.scored], self.dtype))

    def less(self, baseline: Baseline | None) -> Tensor:
        """Q-hat minus the baseline, of the scored nodes [W, R]."""
        if baseline is None:
            return self.q_values
        check_baseline(baseline)
        return self.q_values - baseline.values(self)

    def _by_row(self, x: Any) -> Tensor:
        """A number for all samples, or one for each row it was made with, as [R]."""
        return aligned(x, self.rows) if x.dim() else x.expand(self.rows)

    def q(self, node: Node | str) -> Tensor:
        """Q-hat_v [R]: the sum of the costs that v influences, without gradients."""
        node = self.graph.find(node)
        below = [c in self.graph.costs_below(node) for c in self.graph.costs]
        return self.cost_values.detach()[below].sum(0)

    @cached_property
    def share(self) -> Tensor | None:
        """[R], without gradients: the probability of a row among those of its sample; None if each has one row."""
        return None if self.record.log_share is None else self.record.log_share.detach().exp()

    def by_sample(self, x: Tensor) -> Tensor:
        """x [R, ...] averaged over the rows of each sample: [n, ...]."""
        if self.share is None or self.weight is not None:
            return x
        weighted = x * self.share.view(-1, *(1,) * (x.dim() - 1))
        return weighted.view(self.n, -1, *x.shape[1:]).sum(1)

    def expectation(self, x: Tensor) -> Tensor:
        """Of x [n, ...]: the mean, weighted where the run is an enumeration."""
        return x.mean(0) if self.weight is None else torch.tensordot(self.weight.to(x), x, dims=1)


def check_baseline(baseline: Any) -> None:
    """Refuse what is no baseline, such as a number."""
    if not isinstance(baseline, Baseline):
        what = baseline.__name__ if isinstance(baseline, type) else type(baseline).__name__
        raise GraphError(f"the baseline is {what}, expected one such as Constant({{node: number}}) or LeaveOneOut()")


def refuse_changed(what: str, now: Tensor, before: Tensor) -> None:
    """Refuse what is computed again from inputs that were changed in place since the run, as by an optimiser."""
    slack = 1e4 * torch.finfo(now.dtype).eps if now.is_floating_point() else 0.0
    if now.shape != before.shape or not torch.allclose(now, before, slack, slack, equal_nan=True):
        raise GraphError(f"{what} has other values than in the run: an input was changed in place, expected a new run")


def _shown(value: Any) -> str:
    return f"a tensor of the shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def _of_type(rows: list[Tensor], dtype: torch.dtype) -> list[Tensor]:
    return [x if x.dtype is dtype else x.to(dtype) for x in rows]


def sample(graph: Graph, inputs: Mapping[Any, Value], n: int | None = None) -> Run:
    """Draw n samples.

    inputs: for each input node, or its name, a tensor or a module. Those that require a gradient are differentiated.
    n: at least 1; as many as the data has samples, or 1, if it is not given.
    The tests of `explain` precede the first run with the same differentiated inputs. Raises `GraphError` for what they
    find, and for values of a wrong shape.
    """
    bound, n = bound_inputs(graph, inputs, n)
    plan = planned(graph, bound, n, {})
    return Run(plan, evaluate(graph, bound, n, _Sampling(plan)), n)


def observe(graph: Graph, inputs: Mapping[Any, Value], values: Mapping[Any, Tensor]) -> Run:
    """The run in which stochastic nodes had these values [n, ...]: paths of a simulator, somebody else's samples.

    Laws of nodes that no differentiated input reaches are not evaluated. What is not given is drawn.
    """
    observed = {graph.find(key).index: value for key, value in values.items()}
    for i, value in observed.items():
        node = graph.nodes[i]
        if not isinstance(value, Tensor) or not value.dim():
            raise GraphError(f"the observed {node} is {_shown(value)}, expected a tensor with an axis of samples")
        if value.requires_grad:
            raise GraphError(
                f"the observed {node} carries a gradient, which is not followed, expected a detached value"
            )
        if node.kind != "stochastic":
            raise GraphError(f"a value is observed for {node}, expected a stochastic node, and {node} is {node.kind}")
        if len(value) != len(next(iter(observed.values()))):
            raise GraphError(f"{node} was observed {len(value)} times, expected {len(next(iter(observed.values())))}")
    bound, n = bound_inputs(graph, inputs, len(next(iter(observed.values()))) if observed else None)
    plan = planned(graph, bound, n, observed)
    sampling = _Sampling(plan)

    def draw(node: Node, args: list[Any], rows: int) -> Drawn:
        if node.index not in observed:
            return sampling(node, args, rows)
        value = aligned(observed[node.index], rows)
        if node.index not in plan.scored or node.function is None:
            return Drawn(value)
        value = value.detach()  # not the tensor that a transform has cached
        law = node.function(*args)
        laws.refuse_edge(node.name, law)
        return Drawn(value, law, log_prob(law, value))

    return Run(plan, evaluate(graph, bound, n, draw), n)


class _Sampling:
    """How a run draws: by each node's estimator."""

    def __init__(self, plan: GraphPlan) -> None:
        self.plan, self.scored = plan, frozenset(plan.scored)

    def __call__(self, node: Node, args: list[Any], rows: int) -> Drawn:
        assert node.function is not None  # the dry run has refused it
        law, how = node.function(*args), self.plan.estimator[node.index]
        if how == "enumerate":
            out = laws.outcomes(node.name, law, node.shared, rows)
            return Drawn(out.value, law, out.log_prob, None, out.log_share)
        shape = (rows,) if node.shared else ()
        if how == "path":
            return path(law, shape)
        value = law.sample(shape).detach()  # another tensor than a transform has cached with its draw before
        if node.index not in self.scored:
            return Drawn(value, law)
        laws.refuse_edge(node.name, law)
        laws.refuse_clamped(node.name, law, value)
        return Drawn(value, law, log_prob(law, value))


def path(law: Any, shape: tuple[int, ...]) -> Drawn:
    """A value that carries the gradients of its law; with its noise, if the noise can be pulled out."""
    pulled = laws.noise_of(law)
    if pulled is None:
        return Drawn(law.rsample(shape), law)
    unit, placed = pulled
    noise = unit.sample(shape)
    return Drawn(placed(noise), law, noise=noise)


@contextlib.contextmanager
def seeds(seed: int) -> Iterator[None]:
    """Torch's random numbers from this seed, and then those from before again."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


class Baseline(ABC):
    """One's own: `at`, and it may depend on nothing that the node influences, nor on the node."""

    @abstractmethod
    def at(self, run: Run, node: Node) -> Tensor | float:
        """b of a scored node: a number, or [n] or [R], without gradients; in the unit of the costs."""

    def values(self, run: Run) -> Tensor:
        """[W, R], of the scored nodes. Refuses values that carry gradients."""
        rows = []
        for w in run.plan.scored:
            node = run.graph.nodes[w]
            b = self.at(run, node)
            if not isinstance(b, Tensor):
                b = run.q_values.new_tensor(b)
            if b.requires_grad:
                raise GraphError(f"the baseline of {node} carries a gradient, which biases the estimate, expected none")
            rows.append(self.by_row(run, node, b))
        return torch.stack(rows) if rows else run.q_values

    def by_row(self, run: Run, node: Node, b: Tensor) -> Tensor:
        """b of a node as [R]. Refuses other shapes than those of `at`."""
        if b.shape not in ((), (run.n,), (run.rows,)):
            raise GraphError(f"the baseline of {node} has the shape {tuple(b.shape)}, expected () or ({run.n},)")
        return aligned(b, run.rows) if b.dim() else b.expand(run.rows)
