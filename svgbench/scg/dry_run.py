"""A small run without gradients, for tests of functions and edges before anything is estimated."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from svgbench.scg import laws, probe
from svgbench.scg.autodiff import Value
from svgbench.scg.evaluate import Drawn, Record, called, evaluate
from svgbench.scg.graph import Graph, GraphError, Node, log_prob

REPEATS = 3  # most nodes at which one function is tested


class DryRun:
    """A run of `graph.probes` samples, or of the first ones of the data. The random state does not change."""

    def __init__(self, graph: Graph, inputs: Mapping[int, Value], n: int, observed: Mapping[int, Tensor]) -> None:
        self.graph, self.observed = graph, observed
        self._tests: Counter[Any] = Counter()
        self.rows = max(2, graph.probes)
        if observed or any(node.kind == "input" and node.sampled for node in graph.nodes):
            self.rows = min(self.rows, n)
        plain = {i: self._plain(graph.nodes[i], value) for i, value in inputs.items()}
        devices = {leaf.device for value in inputs.values() for leaf in tensors(value) if leaf.is_cuda}
        self.devices = list(devices)  # whose random states are kept
        with torch.random.fork_rng(devices=self.devices):
            torch.manual_seed(0)  # the same graph and inputs have the same report
            try:
                before = {i: x._version for i, x in plain.items() if isinstance(x, Tensor)}
                self.record: Record = evaluate(graph, plain, self.rows, self._draw)
            except (RuntimeError, IndexError) as error:
                if n == self.rows or "size" not in str(error):
                    raise
                where = "".join(getattr(error, "__notes__", []))
                raise GraphError(
                    f"a tensor has another length than the samples {where} ({error}): the tests take {self.rows} "
                    "samples, expected data with an axis of samples to be an input(per_sample=True)"
                ) from error
        for i, version in before.items():
            if plain[i]._version != version:
                raise GraphError(f"a function changes the input {graph.nodes[i]} in place, expected a new tensor")

    def _plain(self, node: Node, value: Value) -> Value:
        """Without gradients: what carries one all the same holds parameters that the graph does not know."""
        if isinstance(value, nn.Module):
            try:
                return copy.deepcopy(value).requires_grad_(False)
            except RuntimeError as error:  # of torch's old weight_norm
                raise GraphError(
                    f"the module {node} cannot be copied for the tests, expected one that copy.deepcopy takes, such as "
                    "torch.nn.utils.parametrizations makes"
                ) from error
        return (value.detach()[: self.rows] if node.sampled else value.detach()).clone()

    def _draw(self, node: Node, args: list[Any], rows: int) -> Drawn:
        if node.index in self.observed:
            law = None if node.function is None else node.function(*args)
            return Drawn(self.observed[node.index][:rows], law)
        law, shape = called(node, args), (rows,) if node.shared else ()
        with torch.no_grad():
            pulled = laws.noise_of(law)
            noise = None if pulled is None else pulled[0].sample(shape)
            value = law.sample(shape) if pulled is None or noise is None else pulled[1](noise)
            self._check_batch(node, law, value, rows)
            return Drawn(value.detach(), law, noise=noise)  # not the tensor that a transform has cached

    def _check_batch(self, node: Node, law: Any, value: Any, rows: int) -> None:
        """Refuse a law of torch's whose batch has no axis of samples: in an `Independent` they have one log p."""
        if node.shared or not laws.known_path(law) or not (value.dim() and value.size(0) == rows):
            return  # `checked` tells of other shapes
        batch = tuple(law.batch_shape)
        if batch[:1] != (rows,):
            raise GraphError(f"the law of {node} has the batch {batch}, expected the {rows} samples as its first axis")

    def law(self, node: Node) -> Any:
        """None if it is unknown."""
        return self.record.drawn[node.index].law

    def args(self, node: Node) -> list[Value]:
        return [self.record.value[p.index] for p in node.parents]

    def value(self, node: Node) -> Tensor:
        value = self.record.value[node.index]
        assert isinstance(value, Tensor)  # never called for inputs
        return value

    # -- edges

    def derivative_problem(self, v: Node, w: Node, as_path: bool) -> str | None:
        """Why w, or log p(w), has no derivative with respect to its parent v; None if it has one.

        as_path: w is stochastic and its value is differentiated.
        """
        places = [i for i, p in enumerate(w.parents) if p is v]
        return next((found for i in places if (found := self._problem_at(w, i, as_path))), None)

    def _problem_at(self, w: Node, place: int, as_path: bool) -> str | None:
        start = tensors(self.args(w)[place])
        if not w.smooth[place]:
            return "is declared not smooth"
        if not all(x.is_floating_point() for x in start):
            return f"leaves a value of type {start[0].dtype}, which has no derivative"
        if w.kind == "stochastic":
            if self.law(w) is None:
                return "enters an unknown law"
            if not (as_path or callable(getattr(self.law(w), "log_prob", None))):
                return f"enters {type(self.law(w)).__name__}, which has no log_prob"
            summed = self._value_of_law(w) if as_path else self._density_of_law(w)
            more = self._path_problem if as_path else self._score_problem
            return self._probed(w, place, start, summed) or more(w, place, start)
        if not self.value(w).is_floating_point():
            return f"makes a value of type {self.value(w).dtype}, which has no derivative"
        weights = normal_like(self.value(w))
        return self._probed(w, place, start, lambda out: (out * weights).sum())

    def _value_of_law(self, w: Node) -> Callable[[Any], Tensor]:
        """The value for the same noise; if the noise is not known log p, and `_path_problem` tests the rest."""
        noise = self.record.drawn[w.index].noise
        value = self.value(w)

        def weighed(law: Any) -> Tensor:
            out = log_prob(law, value) if noise is None else laws.placed(w.name, law, noise, self.rows)
            return (out * normal_like(out)).sum()

        return weighed

    def _density_of_law(self, w: Node) -> Callable[[Any], Tensor]:
        """log p of the value that was drawn."""
        value = self.value(w)

        def weighed(law: Any) -> Tensor:
            if laws.moves(law):
                raise probe.SupportMovesError
            try:
                log_p = log_prob(law, value)
            except ValueError as error:  # the law is valid, but the value is outside its support
                raise probe.SupportMovesError from error
            except NotImplementedError as error:
                raise GraphError(
                    f"torch has no log_prob of {w}, which is {type(law).__name__}, expected another law, or path"
                ) from error
            if not log_p.isfinite().all():
                raise probe.SupportMovesError
            return (log_p * normal_like(log_p)).sum()

        return weighed

    def _score_problem(self, w: Node, place: int, start: list[Tensor]) -> str | None:
        """What is wrong with the mean of the score, of laws whose `support` cannot be trusted."""
        law, args, swap = self.law(w), self.args(w), swapper(self.args(w)[place])
        if not self.graph.probes or laws.tells_support(law) or not callable(getattr(law, "sample", None)):
            return None
        shape = (self.rows,) if w.shared else ()
        with torch.random.fork_rng(devices=self.devices), torch.no_grad():
            torch.manual_seed(0)
            drawn = [law.sample(shape) for _ in range(-(-probe.DRAWS // self.rows))]
        way = self._own_size(w, place, start)

        def log_p(t: float) -> Tensor:
            there = [x + t * step for x, step in zip(start, way, strict=True)]
            moved = called(w, [*args[:place], swap(there), *args[place + 1 :]])
            return torch.cat([log_prob(moved, x) for x in drawn]).detach()

        try:
            return probe.score_fault(log_p, max(torch.finfo(x.dtype).eps for x in start))
        except GraphError:
            raise
        except ValueError:  # a parameter at the edge of what the law allows: no law on one side of it
            return None

    def _path_problem(self, w: Node, place: int, start: list[Tensor]) -> str | None:
        """Whether the `rsample` of somebody's law has the derivatives that its log_prob asks for."""
        law, args, swap = self.law(w), self.args(w), swapper(self.args(w)[place])
        known = laws.noise_of(law) is not None or laws.known_path(law)
        if not self.graph.probes or known or not callable(getattr(law, "log_prob", None)):
            return None
        shape, way = (self.rows,) if w.shared else (), self._own_size(w, place, start)

        def moved(t: Tensor | float) -> Any:
            there = [x + t * step for x, step in zip(start, way, strict=True)]
            return called(w, [*args[:place], swap(there), *args[place + 1 :]])

        with torch.random.fork_rng(devices=self.devices), torch.enable_grad():
            torch.manual_seed(0)
            t = start[0].new_zeros(()).requires_grad_()
            x = torch.cat([moved(t).rsample(shape) for _ in range(-(-probe.DRAWS // self.rows))])
            slope = probe.along(x, t)
        x = x.detach()

        def log_p(t: float) -> Tensor:
            law, parts = moved(t), x.split(self.rows)
            return torch.cat([log_prob(law, part) for part in parts]).detach()

        try:
            return None if slope is None else probe.path_fault(x, slope, log_p, torch.finfo(t.dtype).eps)
        except GraphError:
            raise
        except (ValueError, NotImplementedError):  # at the edge of what the law allows; a law without a density
            return None

    def _own_size(self, w: Node, place: int, start: list[Tensor]) -> list[Tensor]:
        """A direction whose step of 1 is of the parameters' own size."""
        return [x.abs().where(x != 0, 1.0) * self._same_in_rows(x, w.parents[place]) for x in start]

    def _same_in_rows(self, x: Tensor, parent: Node) -> Tensor:
        """Directions; the same in all rows, so that their means do not cancel."""
        return normal_like(x[0]).expand_as(x) if parent.sampled else normal_like(x)

    def _probed(self, w: Node, place: int, start: list[Tensor], summed: Callable[[Any], Tensor]) -> str | None:
        args, swap = self.args(w), swapper(self.args(w)[place])

        def at(there: list[Tensor]) -> Tensor:
            return summed(called(w, [*args[:place], swap(there), *args[place + 1 :]]))

        if self.graph.probes and not self._tested_enough(w, place, start):
            seen = [x for value in (*args, self.value(w)) for x in tensors(value) if x.is_floating_point()]
            eps = max(torch.finfo(x.dtype).eps for x in seen)
            return probe.fault_along(start, w.parents[place].sampled, at, eps)
        if w.kind == "stochastic":
            try:
                at([x.clone().requires_grad_() for x in start])
            except probe.SupportMovesError:
                return probe.MOVES
        return None

    def _tested_enough(self, w: Node, place: int, start: list[Tensor]) -> bool:
        """Whether the same function has been tested at `REPEATS` nodes; a chain has it at every time."""
        f = w.function
        parts = [
            getattr(f, name, None) for name in ("__code__", "__closure__", "__defaults__", "__kwdefaults__", "__self__")
        ]
        same = id(f) if parts[0] is None else tuple(map(_identity, parts))
        key = same, place, w.kind, tuple(x.shape for x in start)
        self._tests[key] += 1
        return self._tests[key] > REPEATS

    # -- functions

    def function_problem(self, node: Node) -> str | None:
        """Whether the node is a function of its parents alone, sample by sample."""
        args = self.args(node)
        versions = [x._version for x in args if isinstance(x, Tensor)]
        everything = slice(None)
        whole = self._shown(node, args, everything)
        if whole is None:
            return None
        if whole.requires_grad:
            return "carries a gradient that no parent brings, expected its parameters to be inputs of the graph"
        if [x._version for x in args if isinstance(x, Tensor)] != versions:
            return "changes the value of a parent in place, expected a new tensor"
        if not _close(whole, self._shown(node, args, everything)):
            return "has another value when it is computed again, expected what it draws to be a stochastic node"
        if node.sampled and not node.shared and self.rows > 1:
            some = slice(1, max(2, self.rows - 1))  # neither the first nor the last
            cut = [
                x[some] if isinstance(x, Tensor) and p.sampled else x for x, p in zip(args, node.parents, strict=True)
            ]
            try:
                part = self._shown(node, cut, some)
            except GraphError:
                raise
            except (RuntimeError, ValueError) as error:  # the law of fewer samples does not take the values of as many
                return f"mixes samples: among some of them its shape is another ({error})"
            if not _close(whole[some], part):
                return "mixes samples: a sample has another value among some of them than among all"
        return None

    def _shown(self, node: Node, args: list[Any], rows: slice) -> Tensor | None:
        """The result of the function: its value, or log p of the drawn value. None if it has no density."""
        out = called(node, args)
        if node.kind != "stochastic":
            result: Tensor = out
            return result
        try:
            return log_prob(out, self.value(node)[rows])
        except (AttributeError, NotImplementedError):
            return None


def _identity(x: Any) -> Any:
    if isinstance(x, dict):
        x = tuple(x.values())
    return tuple(map(id, x)) if isinstance(x, tuple) else id(x)


def tensors(value: Value) -> list[Tensor]:
    """Without their gradients."""
    return [x.detach() for x in value.parameters()] if isinstance(value, nn.Module) else [value.detach()]


def swapper(value: Value) -> Callable[[list[Tensor]], Value]:
    """The value with its tensors replaced by others."""
    if not isinstance(value, nn.Module):
        return lambda there: there[0]
    own = copy.deepcopy(value)
    order = {id(p): i for i, p in enumerate(own.parameters())}
    places = [(part, name, order[id(p)]) for part in own.modules() for name, p in part.named_parameters(recurse=False)]
    for part, name, _ in places:
        delattr(part, name)  # a parameter can only be replaced by a parameter

    def swap(there: list[Tensor]) -> Value:
        for part, name, i in places:
            setattr(part, name, there[i])
        return own

    return swap


def normal_like(x: Tensor) -> Tensor:
    """Fixed weights, so that differences in different places do not cancel."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x)


def _close(a: Tensor, b: Tensor | None) -> bool:
    if b is None or a.shape != b.shape:
        return False
    if not a.is_floating_point():
        return torch.equal(a, b)
    slack = 1e3 * torch.finfo(a.dtype).eps
    return torch.allclose(a, b, rtol=slack, atol=slack, equal_nan=True)
