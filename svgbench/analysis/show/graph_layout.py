"""Places of the nodes in a drawing of a graph: in layers from left to right, after Sugiyama, Tagawa and Toda 1981.

A node stands to the right of its parents, an input just before its first child. An edge over several layers has a bend
in each, and bends keep their distance from nodes, so that no edge runs through a node. Nothing is drawn here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from svgbench.scg.graph import Graph, Node

Point = tuple[float, float]
Item = Node | tuple[Node, Node, int]
"""A node, or the bend of an edge (parent, child) in a layer."""
SWEEPS = 8


@dataclass(frozen=True)
class GraphLayout:
    """Layers are 1 apart along x; items of a layer are at least 1 apart along y."""

    place: Mapping[Node, Point]
    bends: Mapping[tuple[Node, Node], Sequence[Point]]  # of each edge, from the parent to the child; often none


def layout(graph: Graph, hidden: Collection[Node] = ()) -> GraphLayout:
    """Places of nodes and bends of edges; equal graphs have equal layouts. hidden: nodes to leave out, with their
    edges.
    """
    nodes = {v: [p for p in dict.fromkeys(v.parents) if p not in hidden] for v in graph.nodes if v not in hidden}
    layer = _layers(nodes)
    rows: list[list[Item]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    links: list[tuple[Item, Item]] = []
    for node, parents in nodes.items():
        rows[layer[node]].append(node)
        for parent in parents:
            chain: list[Item] = [(parent, node, x) for x in range(layer[parent] + 1, layer[node])]
            for x, bend in enumerate(chain, layer[parent] + 1):
                rows[x].append(bend)
            ends: list[Item] = [parent, *chain, node]
            links += pairwise(ends)
    y = _heights(_ordered(rows, links), links)
    place = {node: (float(layer[node]), y[node]) for node in nodes}
    bends = {
        (p, node): [(float(x), y[p, node, x]) for x in range(layer[p] + 1, layer[node])]
        for node, parents in nodes.items()
        for p in parents
    }
    return GraphLayout(place, bends)


def _layers(nodes: Mapping[Node, Sequence[Node]]) -> dict[Node, int]:
    """nodes: with their parents, which come before them."""
    layer: dict[Node, int] = {}
    for node, parents in nodes.items():
        layer[node] = 1 + max((layer[p] for p in parents), default=-1)
    for node, parents in nodes.items():
        below = [layer[w] for w, above in nodes.items() if node in above]
        if not parents and below:
            layer[node] = min(below) - 1
    return layer


def _beside(links: Sequence[tuple[Item, Item]]) -> dict[Item, tuple[list[Item], list[Item]]]:
    """The neighbours of an item in the previous layer and in the next one."""
    beside: dict[Item, tuple[list[Item], list[Item]]] = {}
    for a, b in links:
        beside.setdefault(a, ([], []))[1].append(b)
        beside.setdefault(b, ([], []))[0].append(a)
    return beside


def _ordered(rows: list[list[Item]], links: Sequence[tuple[Item, Item]]) -> list[list[Item]]:
    """The order in each layer: sorted by the mean place of neighbours, forward and backward; the order with the fewest
    crossings wins.
    """
    beside, best, fewest = _beside(links), rows, _crossings(rows, links)
    for sweep in range(SWEEPS):
        rows, forth = [list(row) for row in rows], sweep % 2 == 0
        for row in rows if forth else rows[::-1]:
            at = {item: i for r in rows for i, item in enumerate(r)}
            near = {item: beside.get(item, ([], []))[0 if forth else 1] for item in row}
            mean = {item: sum(at[b] for b in n) / len(n) if n else at[item] for item, n in near.items()}
            row.sort(key=mean.__getitem__)
        if (crossings := _crossings(rows, links)) < fewest:
            best, fewest = rows, crossings
    return best


def _crossings(rows: Sequence[Sequence[Item]], links: Sequence[tuple[Item, Item]]) -> int:
    at = {item: (x, i) for x, row in enumerate(rows) for i, item in enumerate(row)}
    ends = [(*at[a], at[b][1]) for a, b in links]
    pairs = ((one, two) for i, one in enumerate(ends) for two in ends[:i] if one[0] == two[0])
    return sum((one[1] - two[1]) * (one[2] - two[2]) < 0 for one, two in pairs)


def _heights(rows: Sequence[Sequence[Item]], links: Sequence[tuple[Item, Item]]) -> dict[Item, float]:
    """Near the neighbours' mean height, in order, at least 1 apart; the first item of a layer is the highest."""
    beside = _beside(links)
    y = {item: (len(row) - 1) / 2 - i for row in rows for i, item in enumerate(row)}
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            near = [[y[b] for side in beside.get(item, ([], [])) for b in side] for item in row]
            wanted = [sum(n) / len(n) if n else y[item] for n, item in zip(near, row, strict=True)]
            y.update(zip(row, _apart(wanted), strict=True))
    return y


def _apart(wanted: Sequence[float]) -> list[float]:
    """The heights nearest to the wanted ones in least squares, each at least 1 below the last (pooled violators)."""
    pools: list[tuple[float, int]] = []  # the mean and the number of items that must move together
    for i, height in enumerate(wanted):
        mean, size = height + i, 1
        while pools and pools[-1][0] < mean:
            before, count = pools.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        pools.append((mean, size))
    together = [mean for mean, size in pools for _ in range(size)]
    return [mean - i for i, mean in enumerate(together)]
