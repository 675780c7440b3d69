"""What the tests of a graph were made with, and whether the inputs of a later run are still like that.

It is asked on every run, so it takes microseconds: a tensor and another module are compared at once, data and a module
that was compared before on runs 1, 2, 4, 8, ... and on each 64th.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from weakref import ref

import torch
from torch import Tensor, nn

from svgbench.scg.autodiff import Value, leaves
from svgbench.scg.graph import Graph, GraphError

EVERY = 64  # runs, between two comparisons of data and modules


class Tested:
    """Values of the inputs at a test of the graph."""

    def __init__(self, graph: Graph, inputs: Mapping[int, Value]) -> None:
        self.shared = [i for i, x in inputs.items() if isinstance(x, Tensor) and not graph.nodes[i].sampled]
        self.others = [i for i in inputs if i not in self.shared]
        self.sampled = {i: _largest(x) for i, x in inputs.items() if isinstance(x, Tensor) and i in self.others}
        own = (i for i in inputs if i not in self.sampled)
        self.value = {i: [x.detach().clone() for x in _tensors(inputs[i])] for i in own}
        self.seen = {i: (ref(x), -1) for i, x in inputs.items()}  # what was compared last; of tensors its version
        self.runs = 0

    def __getstate__(self) -> dict[str, Any]:
        """Without the references to inputs, which cannot be pickled."""
        return {**vars(self), "seen": {}}

    def holds(self, inputs: Mapping[int, Value]) -> bool:
        """Whether no number has moved from the tested one by more than 1 and its own size.

        Of data the largest is compared, which may be twice as large, because each run has others.
        """
        self.runs += 1
        due = not (self.runs % EVERY and self.runs & (self.runs - 1))
        for i in self.shared:
            x: Any = inputs[i]
            if self._is_new(i, x, x._version) and not self._kept(i, x, x._version):
                return False
        for i in self.others:
            other = inputs[i]
            asked = due or (i not in self.sampled and self._is_new(i, other, -1))
            if asked and not self._kept(i, other, -1):
                return False
        return True

    def _is_new(self, i: int, value: Value, version: int) -> bool:
        last = self.seen.get(i)
        return last is None or last[0]() is not value or last[1] != version

    def _kept(self, i: int, value: Value, version: int) -> bool:
        self.seen[i] = ref(value), version
        if isinstance(value, Tensor) and i in self.sampled:
            return _largest(value) <= 2 * self.sampled[i] + 1
        now, old = _tensors(value), self.value[i]
        return len(now) == len(old) and not any(_moved(x.detach(), y) for x, y in zip(now, old, strict=True))


def _tensors(value: Value) -> list[Tensor]:
    return [*value.parameters(), *value.buffers()] if isinstance(value, nn.Module) else [value]


def _moved(x: Tensor, old: Tensor) -> bool:
    if x.shape != old.shape:
        return True
    if x.dtype is torch.bool or not x.numel():
        return False
    return bool(((x - old).abs() > 1 + old.abs()).any())


def _largest(x: Tensor) -> float:
    return float(x.detach().abs().max()) if x.numel() and x.dtype is not torch.bool else 0.0


def conditions(graph: Graph, inputs: Mapping[int, Value], n: int, rows_matter: bool) -> tuple[Any, ...]:
    """What makes another graph of the same nodes, as far as the tests see: shapes, types, devices and modes."""
    found: list[Any] = []
    for i, x in inputs.items():
        if isinstance(x, nn.Module):
            found.append(tuple(_modes(x)))
        else:
            found.append((i, x.shape[1:] if graph.nodes[i].sampled else x.shape, x.dtype, x.device))
            rows_matter = rows_matter or graph.nodes[i].sampled
    return (*found, min(n, max(2, graph.probes)) if rows_matter else 0)


def _modes(module: nn.Module) -> Iterator[bool]:
    """Of a module and its parts, whether it is trained: `nn.Module.modules` also looks for parts that are shared."""
    yield module.training
    for part in module._modules.values():
        if part is not None:
            yield from _modes(part)


def refuse_derived(graph: Graph, inputs: Mapping[int, Value], wrt: frozenset[int]) -> None:
    """Refuse an input that is computed from another one: its graph of autograd leads there, and the nodes do not."""
    for i in wrt:
        x = inputs[i]
        if not isinstance(x, Tensor) or x.grad_fn is None:
            continue
        others = {j: leaves(inputs[j]) for j in sorted(wrt) if j != i}
        source = {_id(leaf): j for j, found in others.items() for leaf in found}
        ahead, seen = [before for before, _ in x.grad_fn.next_functions], set[Any]()
        while ahead:
            step = ahead.pop()
            if step is None or step in seen:
                continue
            seen.add(step)
            j = source.get(id(step), source.get(id(getattr(step, "variable", None))))
            if j is not None:
                raise GraphError(
                    f"the input {graph.nodes[i]} is computed from the input {graph.nodes[j]}, expected a node of the "
                    "graph that computes it, or a detached value"
                )
            ahead.extend(before for before, _ in step.next_functions)


def _id(x: Tensor) -> int:
    """Of a tensor that autograd can lead to: its function, or of a leaf itself."""
    return id(x) if x.grad_fn is None else id(x.grad_fn)
