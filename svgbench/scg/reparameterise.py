"""Re-parameterisation (sections 5.2.1 and 5.10.1): a node's noise becomes a node of its own.

The law of every value stays, and the estimator changes: the value is now a deterministic function of its parents and
of noise, so theta acts on it along a path. Figure 13 (right) draws the graph before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from svgbench.scg import laws
from svgbench.scg.graph import Graph, GraphError, Node
from svgbench.scg.run import Run


def reparameterised(run: Run, node: Node | str) -> Graph:
    """A new graph in which `node` is deterministic, and "`node`.noise" before it is stochastic, without parents.

    run: any run of the old graph; it shows the law and the shapes. Names stay, so nodes are found by them. Refuses laws
    whose noise cannot be pulled out (see `laws.noise_of`).
    """
    node = run.graph.find(node)
    pulled = laws.noise_of(run.law(node))
    if pulled is None:
        raise GraphError(f"{node} is {type(run.law(node)).__name__}, expected a law whose noise can be pulled out")
    unit = pulled[0] if node.shared else laws.of_one_row(pulled[0])
    graph, new = Graph(run.graph.probes), dict[Node, Node]()
    for old in run.graph.nodes:
        parents = [new[p] for p in old.parents]
        smooth = [p for p, kept in zip(parents, old.smooth, strict=True) if kept]
        if old is node:
            noise = graph.stochastic(f"{node}.noise", lambda: unit)
            new[old] = graph.deterministic(old.name, _placed(old.function), noise, *parents, smooth=[noise, *smooth])
        elif old.density_of is not None and old.density_of is not node:
            new[old] = graph.log_prob(old.name, new[old.density_of])
        elif old.kind == "input":
            new[old] = graph.input(old.name, per_sample=old.sampled)
        elif old.kind == "stochastic":
            assert old.estimator is not None
            new[old] = graph.stochastic(old.name, old.function, *parents, estimator=old.estimator, smooth=smooth)
        else:
            assert old.function is not None
            make = graph.cost if old.kind == "cost" else graph.deterministic
            new[old] = make(old.name, old.function, *parents, smooth=smooth)
    return graph


def _placed(law: Callable[..., Any] | None) -> Callable[..., Any]:
    assert law is not None  # a run has shown it

    def value(noise: Any, *parents: Any) -> Any:
        pulled = laws.noise_of(law(*parents))
        assert pulled is not None
        return pulled[1](noise)

    return value
