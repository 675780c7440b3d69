"""Baselines, Theorem 2 (section 5.4): what may be subtracted from Q-hat_v without moving the expectation.

b_v may depend on every node that v does not influence. As printed, {w | not v < w} has v itself, and a baseline that
depends on v is biased: v is excluded here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import torch
from torch import Tensor

from svgbench.scg.graph import Graph, GraphError, Node
from svgbench.scg.run import Baseline, Run
from svgbench.scg.theorems import by_row, gradient


class Constant(Baseline):
    """A number for each node, or its name; 0 for those that are not named."""

    def __init__(self, numbers: Mapping[Any, float], fitted_to: Run | None = None) -> None:
        self.numbers: dict[Any, float] = dict(numbers)
        self.fitted_to = fitted_to

    def at(self, run: Run, node: Node) -> float:
        named: float = self.numbers.get(node.name, 0.0)
        return self.numbers.get(node, named)

    def values(self, run: Run) -> Tensor:
        if run is self.fitted_to and run.weight is None:
            raise GraphError("the baseline was fitted to the same samples, which biases the estimate, expected others")
        for node in self.numbers:
            if run.graph.find(node).index not in run.plan.scored:
                raise GraphError(f"a baseline is given for {node}, expected nodes with a score term")
        return super().values(run)


class Running(Baseline):
    """The decayed mean of Q-hat over earlier runs: use, then `update`. 0 before the first update.

    Refuses a run that it was updated with: there it depends on the same samples, which biases the estimate.

    decay: in (0, 1), the weight of what was before. The mean is that of the runs seen, not drawn to zero.
    """

    def __init__(self, decay: float = 0.9) -> None:
        if not 0 < decay < 1:
            raise GraphError(f"decay is {decay}, expected a number between 0 and 1")
        self.decay = decay
        self.sums: dict[str, float] = {}
        self.weight = 0.0
        self._seen: WeakSet[Run] = WeakSet()

    def at(self, run: Run, node: Node) -> float:
        return self.sums[node.name] / self.weight if node.name in self.sums else 0.0

    def values(self, run: Run) -> Tensor:
        if run in self._seen:
            raise GraphError("the baseline was updated with this run, which biases the estimate, expected use before")
        return super().values(run)

    def __getstate__(self) -> dict[str, Any]:
        """Without the runs: they hold graphs of autograd and functions, and a copy is for other runs."""
        return {name: value for name, value in vars(self).items() if name != "_seen"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _seen=WeakSet())

    def update(self, run: Run) -> None:
        """Take a run in, after it was used."""
        if run.weight is None:
            self._seen.add(run)
        means = run.expectation(run.by_sample(run.q_values.T)).tolist()
        self.weight = self.decay * self.weight + 1 - self.decay
        for w, mean in zip(run.plan.scored, means, strict=True):
            name = run.graph.nodes[w].name
            self.sums[name] = self.decay * self.sums.get(name, 0.0) + (1 - self.decay) * mean


class LeaveOneOut(Baseline):
    """The mean of Q-hat over the other samples, which are independent of this one.

    group: how many samples in a row are compared with each other, those of one data point; all of them by default.
    """

    def __init__(self, group: int | None = None) -> None:
        if group is not None and group < 2:
            raise GraphError(f"group is {group}, expected at least 2 samples")
        self.group = group

    def at(self, run: Run, node: Node) -> Tensor:
        size = self.group or run.n
        if run.weight is not None:
            raise GraphError("leave-one-out in an enumeration, expected samples: rows are outcomes, not draws")
        if size < 2 or run.n % size:
            raise GraphError(f"the run has {run.n} samples, expected a multiple of {size if size > 1 else 2}")
        q = run.by_sample(run.q_values[run.plan.scored.index(node.index)]).view(-1, size)
        return ((q.sum(1, keepdim=True) - q) / (size - 1)).flatten()


class Learned(Baseline):
    """A function of nodes that v does not influence, such as a network that is trained by `loss`.

    functions: for each node v, or its name, the function and its arguments; it takes their values, without gradients,
    and returns [R] or a number. Refuses v and what v influences, and a run on whose `loss` it was trained.
    """

    def __init__(
        self,
        graph: Graph,
        functions: Mapping[Node, tuple[Callable[..., Tensor], Sequence[Node | str]]]
        | Mapping[str, tuple[Callable[..., Tensor], Sequence[Node | str]]],
    ) -> None:
        self.functions = {graph.find(v): (f, [graph.find(w) for w in of]) for v, (f, of) in functions.items()}
        for v, (_, arguments) in self.functions.items():
            for w in arguments:
                if w is v:
                    raise GraphError(f"the baseline of {v} depends on {v} itself, which biases the estimate")
                if graph.influences(v, w):
                    raise GraphError(
                        f"the baseline of {v} depends on {w}, which {v} influences: it biases the estimate"
                    )
        self._made: WeakKeyDictionary[Run, Tensor] = WeakKeyDictionary()
        self._before: WeakKeyDictionary[Run, Tensor] = WeakKeyDictionary()  # values at the loss of the run

    def at(self, run: Run, node: Node) -> Tensor | float:
        return self._call(run, node).detach() if node in self.functions else 0.0

    def values(self, run: Run) -> Tensor:
        made = self._made[run] = self._rows(run)
        before = self._before.get(run)
        if before is not None and not torch.equal(before, made):
            raise GraphError("the baseline was trained on this run, which biases the estimate, expected use before")
        if made.size(0) == len(run.plan.scored):
            return made.detach()
        return torch.zeros_like(run.q_values).index_put((self._learned(run),), made.detach().to(run.q_values))

    def _learned(self, run: Run) -> Tensor:
        """Which of the scored nodes have a function."""
        return torch.tensor([run.graph.nodes[w] in self.functions for w in run.plan.scored])

    def _rows(self, run: Run) -> Tensor:
        """b of the scored nodes that have a function, [number, R], with the gradients of the functions."""
        nodes = [node for w in run.plan.scored if (node := run.graph.nodes[w]) in self.functions]
        rows = [self.by_row(run, node, self._call(run, node)) for node in nodes]
        return torch.stack(rows) if rows else run.q_values[:0]

    def _call(self, run: Run, node: Node) -> Tensor:
        function, arguments = self.functions[node]
        values = [run[w] for w in arguments]
        for w, x in zip(arguments, values, strict=True):
            if not isinstance(x, Tensor):
                raise GraphError(
                    f"the baseline of {node} depends on {w}, a module, expected one of its own in the function"
                )
        made = function(*(x.detach() for x in values))
        return made if isinstance(made, Tensor) else run.q_values.new_tensor(made)

    def loss(self, run: Run) -> Tensor:
        """Mean over samples of sum_v (Q-hat_v - b_v)^2, a number: what the functions' own parameters are to minimise.

        The first call uses the values that a surrogate loss of the run has already computed.
        """
        made = self._made.pop(run, None)
        if made is None:
            made = self._rows(run)
        if not made.size(0):
            raise GraphError("no node of the baseline has a score term, expected one at least")
        if run.weight is None:
            self._before.setdefault(run, made.detach())
        q = run.q_values if made.size(0) == len(run.plan.scored) else run.q_values[self._learned(run)]
        return run.expectation(run.by_sample((q - made).square().sum(0)))


def optimal(run: Run, theta: Node | str) -> Constant:
    """The constants that minimise the variance of the estimate (38), summed over the components of theta.

        b_v = E[s_v . g] / E[s_v . s_v],    s_v = d log p(v) / d theta, g the estimate without baselines

    As scores of different nodes are uncorrelated, one formula serves each. With one node and no path to a cost it is
    footnote 3 of section 5.4, E[f s^2] / E[s^2]. run: an enumeration, or other samples than those it is used on.
    """
    if run.share is not None and run.weight is None:
        raise GraphError("the optimal baseline of a run with enumerated nodes, expected a run in which all are drawn")
    theta = run.graph.find(theta)
    g = gradient(run, theta)
    numbers: dict[Node, float] = {}
    for k, w in enumerate(run.plan.scored):
        s = by_row(run, run.log_probs[k], theta)
        size, along = (run.expectation((s * x).reshape(len(s), -1).sum(1)).item() for x in (s, g))
        numbers[run.graph.nodes[w]] = along / size if size > 0 else 0.0
    return Constant(numbers, fitted_to=run)
