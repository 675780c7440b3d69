"""One pass through a graph, parents before children: every value, and the record of every draw.

The first axis of a sampled value is its rows. There are n of them, one for each sample, until a node shows all its K
outcomes: from there on each sample has K times as many, next to each other. A value keeps the rows it was made with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

from svgbench.scg.autodiff import Value
from svgbench.scg.graph import Graph, GraphError, Node, log_prob
from svgbench.scg.laws import aligned


class Drawn(NamedTuple):
    """The value of a stochastic node [rows, ...], with its law and log-probability."""

    value: Tensor
    law: Any = None
    log_prob: Tensor | None = None  # [rows], with gradients
    noise: Tensor | None = None  # [rows, ...], of a `path` node
    log_share: Tensor | None = None  # [rows], where the node has multiplied them


Draw = Callable[[Node, list[Any], int], Drawn]
"""A stochastic node, the values of its parents, and the current number of rows."""


@dataclass(frozen=True, eq=False)
class Record:
    """The record of one pass; everything is by the index of the node."""

    value: tuple[Value, ...]
    drawn: Mapping[int, Drawn]
    n: int  # rows at the start
    rows: int
    log_share: Tensor | None  # [rows]: of a row among those of its sample; None if no node multiplied them


def evaluate(graph: Graph, inputs: Mapping[int, Value], n: int, draw: Draw) -> Record:
    """All nodes of the graph, in order. Refuses values that lack the sample axis, and costs that are not numbers."""
    value: list[Any] = []
    drawn: dict[int, Drawn] = {}
    rows, log_share = n, None
    for node in graph.nodes:
        if node.kind == "input":
            value.append(inputs[node.index])
            continue
        args = [value[p.index] for p in node.parents]
        here = rows
        if rows > n:
            if node.kind != "stochastic":
                here = max([len(x) for x, p in zip(args, node.parents, strict=True) if p.sampled], default=n)
            args = [aligned(x, here) if p.sampled else x for x, p in zip(args, node.parents, strict=True)]
        try:
            if node.kind != "stochastic":
                made = called(node, args) if node.density_of is None else _density(node, args, drawn, here)
                value.append(checked(node, made, here))
                continue
            one = draw(node, args, here)
        except Exception as error:
            error.add_note(f"at the node '{node.name}' of the graph")
            raise
        drawn[node.index] = one
        value.append(checked(node, one.value, len(one.value) if one.log_share is not None else here))
        if one.log_share is not None:
            rows = len(one.value)
            log_share = one.log_share if log_share is None else aligned(log_share, rows) + one.log_share
    return Record(tuple(value), drawn, n, rows, log_share)


def _density(node: Node, args: list[Any], drawn: Mapping[int, Drawn], rows: int) -> Any:
    """log p [rows] of the drawn value under its law, if that was evaluated."""
    assert node.density_of is not None
    one = drawn[node.density_of.index]
    if one.law is None:
        return called(node, args)
    return aligned(log_prob(one.law, one.value) if one.log_prob is None else one.log_prob, rows)


def called(node: Node, args: list[Any]) -> Any:
    """The function of a node at values of its parents."""
    if node.function is None:
        raise GraphError(f"the law of {node} is unknown, expected its value to be observed")
    return node.function(*args)


def checked(node: Node, value: Any, rows: int) -> Tensor:
    """The value, if it has the required axes."""
    if not isinstance(value, Tensor):
        raise GraphError(f"{node} is {type(value).__name__}, expected a tensor")
    if node.kind == "cost":
        shape = (rows,) if node.sampled else ()
        if value.shape != shape:
            expected = "one number for each sample, " if node.sampled else "one number, "
            raise GraphError(f"the cost {node} has the shape {tuple(value.shape)}, expected {expected}{shape}")
    elif node.sampled and (value.dim() == 0 or value.size(0) != rows):
        raise GraphError(f"{node} has the shape {tuple(value.shape)}, expected its first axis to be the {rows} samples")
    return value


def bound_inputs(graph: Graph, inputs: Mapping[Any, Value], n: int | None) -> tuple[dict[int, Value], int]:
    """Values by node, and the number of samples: the requested one, or that of the data, or 1."""
    bound = {}
    for key, value in inputs.items():
        node = graph.find(key)
        if node.kind != "input":
            raise GraphError(f"a value is given for {node}, expected inputs only, and {node} is {node.kind}")
        if not isinstance(value, (Tensor, nn.Module)):
            raise GraphError(f"the input {node} is {type(value).__name__}, expected a tensor or a torch.nn.Module")
        if node.sampled:
            if not isinstance(value, Tensor) or value.dim() == 0:
                raise GraphError(f"the input {node} has no axis, expected the samples as its first axis")
            own = value.size(0)
            if n is not None and own != n:
                raise GraphError(f"the input {node} has {own} samples, expected {n}")
            n = own
        bound[node.index] = value
    missing = [node.name for node in graph.nodes if node.kind == "input" and node.index not in bound]
    if missing:
        raise GraphError(f"no value for the inputs {missing}")
    n = 1 if n is None else n
    if not isinstance(n, int):
        raise GraphError(f"n is {n}, expected a whole number of samples")
    if n < 1:
        raise GraphError(f"n is {n}, expected at least one sample")
    return bound, n


def carries_gradient(value: Value | None) -> bool:
    """Whether it is differentiated.

    Asked on every run, so it reads a module's own dictionaries: `parameters` first names everything in it.
    """
    if value is None or isinstance(value, Tensor):
        return value is not None and value.requires_grad
    for parameter in value._parameters.values():
        if parameter is not None and parameter.requires_grad:
            return True
    return any(map(carries_gradient, value._modules.values()))
