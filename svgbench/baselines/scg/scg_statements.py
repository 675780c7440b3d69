"""Statements of chapter 5, Schulman 2016, as printed and as corrected, on random problems. Computed exactly.

| `reading` | statement | what is done |
|---|---|---|
| condition-printed | Theorem 1 under Condition 1 | functions jump wherever the printed condition allows it |
| condition-corrected | the same | they jump wherever the corrected condition allows it (`scg.condition_1`) |
| own-node | Theorem 2 | b_v reads every node that v does not influence, as printed: v too |
| parenthesis | Theorem 2 | b_v does not read v; as printed, dc / d theta is multiplied by the score too |
| theorem-2 | Theorem 2 | b_v does not read v, and dc / d theta is added to the product |
| support-jumps | eq. (36) | x ~ U(0, theta): p jumps in theta at x = theta |
| support-moves | eq. (36) | x = theta z, z ~ Beta(2, 3): the support moves, but p is continuous in theta |
| steps-in-x | eq. (36) | p is theta below .5 and 2 - theta above: continuous in theta, but not in x |
| no-baseline, mean, optimal, below, above | footnote 3 of section 5.4 | b = 0, E f, b*, .9 b*, 1.1 b* |

Graphs have one number theta, three Bernoulli nodes, three deterministic nodes and two costs, with random edges and
weights. A function that jumps is 1[u < sigmoid(...)] with u ~ U(0, 1), as a program would draw a bit: its derivative is
zero almost everywhere, and its value is a Bernoulli variable. So the gradient is that of the graph with Bernoulli
nodes in their places, and the mean of eq. (38) is that of the graph in which these nodes have no score. Eq. (36) is
judged for random cubic f by quadrature, which is exact. The baselines of footnote 3 are for a variable of five
outcomes. A problem whose gradient is below `SMALLEST` is drawn again, as variances are divided by its square.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Uniform

from svgbench import scg
from svgbench.learners.study import GridStudy
from svgbench.nn.streams import Streams
from svgbench.ranges import Count

VERSION = 1

BITS, SQUARES, MOST_PARENTS = 3, 3, 3
SMALLEST = 0.01  # size of a gradient
OUTCOMES = 5  # of footnote 3's variable
QUADRATURE = 8  # Gauss-Legendre points of each half: exact up to degree 15
NEAR = {"below": 0.9, "above": 1.1}  # times b*

Jumps = Literal["noise", "law", "constant"]
"""How a graph has its functions that jump: as thresholds of noise, as laws, or as laws without a score."""


class Limits(TypedDict):
    problems: Count  # graphs, functions f, or tables of costs, a seed


@dataclass(frozen=True)
class Config:
    reading: Literal[
        "condition-printed",
        "condition-corrected",
        "own-node",
        "parenthesis",
        "theorem-2",
        "support-jumps",
        "support-moves",
        "steps-in-x",
        "no-baseline",
        "mean",
        "optimal",
        "below",
        "above",
    ] = "condition-corrected"


class ExactEstimate(NamedTuple):
    """The gradient, and mean and variance of its one-sample estimate."""

    exact: float
    mean: float
    variance: float


class Statements(GridStudy[int]):
    """Points are problems: 1, 2, ..."""

    def __init__(self, config: Config, seeds: Sequence[int], problems: int) -> None:
        super().__init__(seeds, range(1, problems + 1), [1] * problems)
        self.config = config

    def measure(self, seed: int, draws: int, point: int) -> list[dict[str, Any]]:
        stream = Streams([seed], f"problem {point}")
        one = self.estimate(stream)
        while abs(one.exact) < SMALLEST:
            one = self.estimate(stream)
        bias = abs(one.mean - one.exact) / (abs(one.mean) + abs(one.exact))
        return [{"step": point, "bias": bias, "variance": one.variance / one.exact**2}]

    def estimate(self, stream: Streams) -> ExactEstimate:
        """Of a problem that is drawn."""
        reading = self.config.reading
        if reading in ("condition-printed", "condition-corrected"):
            return under_condition_1(Layout.drawn(stream), "printed" if reading == "condition-printed" else "corrected")
        if reading in ("own-node", "parenthesis", "theorem-2"):
            layout = Layout.drawn(stream)
            weights = stream.normal((layout.size, layout.size + 1), torch.float64)[0]
            return with_baselines(layout, NodeBaseline(weights, reading == "own-node"), reading == "parenthesis")
        if reading in ("support-jumps", "support-moves", "steps-in-x"):
            theta = stream.uniform(1, 0.5, 1.5, torch.float64)[0, 0].requires_grad_()
            return score_function(reading, theta, stream.normal(4, torch.float64)[0])
        numbers = stream.normal((3, OUTCOMES), torch.float64)[0]
        return one_variable(reading, numbers)


# -- random graphs


@dataclass(frozen=True)
class Layout:
    """Node 0 is theta; then bits and squares, and two costs at the end."""

    kinds: tuple[str, ...]  # "bit" or "square"
    parents: tuple[tuple[int, ...], ...]  # of each node after theta
    weights: Tensor  # [nodes, nodes + 1]: of the parents, and a constant
    theta: Tensor

    @property
    def size(self) -> int:
        """Nodes, theta and costs included."""
        return len(self.parents) + 1

    @classmethod
    def drawn(cls, stream: Streams) -> Layout:
        """One in which both forms of Condition 1 have something to say, and Theorem 2 more than one term."""
        while True:
            found = cls._drawn(stream)
            if found.tells():
                return found

    @classmethod
    def _drawn(cls, stream: Streams) -> Layout:
        inner = BITS + SQUARES
        order = stream.permutation(inner - 1)[0].tolist()
        kinds = ("square", *("bit" if i < BITS else "square" for i in order))
        parents: list[tuple[int, ...]] = [(0,)]  # the first square is a function of theta alone
        for node in range(2, inner + 1):
            count = min(node, 1 + int(stream.integers(1, MOST_PARENTS)[0, 0]))
            parents.append(tuple(sorted(stream.permutation(node)[0, :count].tolist())))
        ends = set(range(1, inner + 1)) - {p for of in parents for p in of}
        some = (1 + stream.permutation(inner)[0, :2]).tolist()
        parents += [tuple(sorted(some)), tuple(sorted(ends))]
        weights = stream.normal((len(parents) + 1, len(parents) + 2), torch.float64)[0]
        return cls(kinds, tuple(parents), weights, stream.normal(1, torch.float64)[0, 0])

    def tells(self) -> bool:
        """Whether the two conditions differ both ways, some function may jump under each, two nodes have scores, and
        theta acts on a cost along a path as well.
        """
        graph = self.smooth
        printed, corrected = (set(scg.condition_1(graph, "theta", form)) for form in ("printed", "corrected"))
        scores = sum(node.kind == "stochastic" and graph.influences("theta", node, deterministic=True)
                     for node in graph.nodes)  # fmt: skip
        direct = any(graph.influences("theta", c, deterministic=True) for c in graph.costs)
        return bool(
            corrected - printed
            and printed - corrected
            and self.may_jump("printed")
            and self.may_jump("corrected")
            and scores > 1
            and direct
        )

    @cached_property
    def smooth(self) -> scg.Graph:
        """The graph in which no function jumps."""
        return self.graph(frozenset(), "law")

    def may_jump(self, form: Literal["printed", "corrected"]) -> frozenset[int]:
        """The squares into which no edge needs a derivative."""
        needed = {w.name for _, w in scg.condition_1(self.smooth, "theta", form)}
        return frozenset(i for i, kind in enumerate(self.kinds, 1) if kind == "square" and str(i) not in needed)

    def graph(self, jumping: frozenset[int], how: Jumps, probes: int = 0) -> scg.Graph:
        """The graph, in which these squares jump. probes: of the library's tests, which refuse some of these graphs."""
        graph = scg.Graph(probes)
        nodes = [graph.input("theta")]
        for i, parents in enumerate(self.parents, 1):
            above = [nodes[p] for p in parents]
            smooth = [p for p in above if p.kind != "stochastic"]
            mix = self._mix(i, above)
            if i > len(self.kinds):
                nodes.append(graph.cost(f"cost {i}", lambda *x, mix=mix: mix(*x).sin(), *above, smooth=smooth))
            elif i in jumping and how == "noise":
                u = graph.stochastic(f"u{i}", lambda: Uniform(*torch.tensor([0.0, 1.0], dtype=torch.float64)))
                nodes.append(
                    graph.deterministic(
                        str(i), lambda u, *x, mix=mix: (u < mix(*x).sigmoid()).double(), u, *above, smooth=smooth
                    )
                )
            elif i in jumping or self.kinds[i - 1] == "bit":
                law = _constant(mix) if i in jumping and how == "constant" else _bernoulli(mix)
                nodes.append(graph.stochastic(str(i), law, *above, smooth=smooth))
            else:
                nodes.append(graph.deterministic(str(i), lambda *x, mix=mix: mix(*x).tanh(), *above, smooth=smooth))
        return graph

    def _mix(self, i: int, above: Sequence[scg.Node]) -> Callable[..., Tensor]:
        """A weighted sum of parents, in which those that are drawn count as 0 or 1 and have no derivative."""
        weights, constant = self.weights[i, : len(above)].tolist(), self.weights[i, -1].item()
        drawn = [p.kind == "stochastic" for p in above]

        def mix(*values: Tensor) -> Tensor:
            read = [(x > 0.5).double() if d else x for x, d in zip(values, drawn, strict=True)]
            return sum((w * x for w, x in zip(weights, read, strict=True)), torch.tensor(constant, dtype=torch.float64))

        return mix

    def inputs(self) -> dict[str, Tensor]:
        return {"theta": self.theta.clone().requires_grad_()}


def _bernoulli(mix: Callable[..., Tensor]) -> Callable[..., Bernoulli]:
    return lambda *x: Bernoulli(logits=mix(*x))


def _constant(mix: Callable[..., Tensor]) -> Callable[..., Bernoulli]:
    return lambda *x: Bernoulli(logits=mix(*(value.detach() for value in x)))


# -- what is judged


def under_condition_1(layout: Layout, form: Literal["printed", "corrected"]) -> ExactEstimate:
    """Eq. (38) where every function jumps that may."""
    jumping, inputs = layout.may_jump(form), layout.inputs()
    truth = scg.exact(layout.graph(jumping, "law"), inputs).gradient("theta")
    seen = scg.exact(layout.graph(jumping, "constant"), inputs)
    return _moments(seen, truth, scg.gradient(seen.run, "theta"))


class NodeBaseline(scg.Baseline):
    """b_v = 2 sin of a weighted sum of the nodes that v does not influence."""

    def __init__(self, weights: Tensor, own: bool) -> None:
        """weights [nodes, nodes + 1]: a row for each v; own: whether b_v reads v too."""
        self.weights, self.own = weights, own

    def at(self, run: scg.Run, node: scg.Node) -> Tensor:
        read = [*run.graph.noninfluenced(node), *([node] if self.own else [])]
        row = self.weights[node.index]
        return 2 * sum((row[w.index] * run[w].detach() for w in read), row[-1]).sin().expand(run.rows)


def with_baselines(layout: Layout, baseline: NodeBaseline, parenthesis: bool) -> ExactEstimate:
    """Theorem 2. parenthesis: as it is printed, it closes after the sum of dc / d theta."""
    exact = scg.exact(layout.smooth, layout.inputs())
    run, theta = exact.run, exact.run["theta"]
    found = scg.gradient(run, "theta", baseline=baseline)
    if parenthesis:
        direct = scg.per_sample(run.cost_values.sum(0), theta)
        scores = sum(scg.per_sample(log_p, theta) for log_p in run.log_probs)
        found = found + direct * (scores - 1)
    return _moments(exact, exact.gradient("theta"), found)


def score_function(reading: str, theta: Tensor, coefficients: Tensor) -> ExactEstimate:
    """Eq. (36) for f a polynomial [4]. The gradient is that of E f(x) with x = theta z where the support moves."""
    place, weight = (torch.from_numpy(x) for x in np.polynomial.legendre.leggauss(QUADRATURE))
    z = torch.cat([(place + 1) / 4, (place + 3) / 4])  # in (0, 1), a half each
    weight = torch.cat([weight, weight]) / 4

    def density(x: Tensor) -> Tensor:
        if reading == "support-jumps":
            return (1 / theta).expand_as(x)
        if reading == "support-moves":
            return 12 * x * (theta - x) ** 2 / theta**4
        return torch.where(x < 0.5, theta, 2 - theta)

    moving = z if reading == "steps-in-x" else theta * z
    size = 1.0 if reading == "steps-in-x" else theta
    f = sum(c * moving**k for k, c in enumerate(coefficients))
    (truth,) = torch.autograd.grad((density(moving) * f * size * weight).sum(), theta)
    x, f = moving.detach(), f.detach()
    score = scg.per_sample(density(x).log(), theta)
    share = (density(x) * size * weight).detach()
    mean = (share * score * f).sum()
    return ExactEstimate(truth.item(), mean.item(), (share * (score * f - mean).square()).sum().item())


def one_variable(reading: str, numbers: Tensor) -> ExactEstimate:
    """The score function with a constant baseline. numbers [3, K]: slopes of the logits by theta, logits, f."""
    slope, logits, f = numbers
    graph = scg.Graph(probes=0)
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda t: Categorical(logits=logits + slope * t), theta)
    graph.cost("f", lambda x: f[x], x, smooth=False)
    exact = scg.exact(graph, {"theta": torch.zeros((), dtype=torch.float64, requires_grad=True)})
    best = scg.optimal(exact.run, theta).numbers[x]
    constants = {"no-baseline": 0.0, "mean": exact.objective.item(), "optimal": best}
    b = constants[reading] if reading in constants else NEAR[reading] * best
    return _moments(exact, exact.gradient(theta), scg.gradient(exact.run, theta, baseline=scg.Constant({x: b})))


def _moments(exact: scg.Exact, truth: Tensor, found: Tensor) -> ExactEstimate:
    return ExactEstimate(truth.item(), exact.expectation(found).item(), exact.variance(found).item())


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> Statements:
    """The learner of a block; the task is not looked at. limits: `problems` of a seed."""
    return Statements(Config(**config), seeds, int(limits["problems"]))


def estimated_work(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Problems of a block."""
    return len(seeds) * int(limits["problems"])
