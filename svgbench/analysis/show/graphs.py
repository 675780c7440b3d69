"""Drawings of stochastic computation graphs as in Schulman 2016 (section 5.2.2), with matplotlib alone.

Circles are stochastic nodes and squares deterministic ones; inputs are bare. Costs are deterministic; they are
diamonds, as in influence diagrams, to show where the objective is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, PathPatch
from matplotlib.path import Path as Outline
from matplotlib.transforms import Affine2D

from svgbench.analysis.show.canvas import house_style, plain, subplots, text_width
from svgbench.analysis.show.graph_layout import Point, layout
from svgbench.scg.graph import Graph, Node

GREEK = {"theta": "θ", "phi": "φ", "mu": "μ", "sigma": "σ", "lambda": "λ", "epsilon": "ε", "noise": "ε"}
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
FONT = 7.0  # points
NODE = 13.0  # points: the side of a square with a short label
ACROSS, DOWN = 46.0, 24.0  # points between layers, and between nodes of a layer; long labels widen the former


def written(name: str) -> str:
    """A node's name in the drawing, with Greek letters and subscripts."""
    words = re.sub("[a-z]+", lambda word: GREEK.get(word[0], word[0]), name)
    return plain(re.sub(r"(?<=[^\W\d])(\u0302?)(\d+)", lambda m: m[1] + m[2].translate(SUBSCRIPTS), words))


class Box(NamedTuple):
    """The part of the axes that a drawing takes."""

    left: float
    right: float
    low: float
    high: float


def draw_graph(
    ax: Axes, graph: Graph, at: Point = (0, 0), hidden: Collection[Node] = (), across: float = ACROSS
) -> Box:
    """Draw a graph whose upper left corner is `at`; one unit of the axes must be a point (`fit`, `centre`).

    hidden: nodes that are left out, with their edges. across: points between layers; long labels widen it.
    """
    of = layout(graph, hidden)
    widths = {node: _width(node) for node in of.place}
    across = max(across, max(widths.values(), default=0.0) + 0.48 * across)
    points = [*of.place.values(), *(point for bends in of.bends.values() for point in bends)]
    xs, ys = ([point[axis] for point in points] or [0.0] for axis in (0, 1))
    margin = max(widths.values(), default=NODE) / 2 + 4

    def moved(point: Point) -> Point:
        return at[0] + margin + (point[0] - min(xs)) * across, at[1] - NODE + (point[1] - max(ys)) * DOWN

    outlines = {node: _outline(node, moved(place), widths[node]) for node, place in of.place.items()}
    for (p, node), bends in of.bends.items():
        line = [moved(point) for point in (of.place[p], *bends, of.place[node])]
        line[0], line[-1] = _leaves(line[0], line[1], outlines[p]), _leaves(line[-1], line[-2], outlines[node])
        ax.add_patch(
            FancyArrowPatch(
                path=Outline(line), arrowstyle="-|>", mutation_scale=6, linewidth=0.7, color="0.3", zorder=1
            )
        )
    for node, place in of.place.items():
        if node.kind != "input":
            ax.add_patch(PathPatch(outlines[node], facecolor="1.0", edgecolor="0.1", linewidth=0.8, zorder=2))
        ax.text(*moved(place), written(node.name), ha="center", va="center", fontsize=FONT, zorder=3)
    (right, low), (left, high) = moved((max(xs), min(ys))), at
    return Box(left, right + margin, low - NODE, high)


def fit(figure: Figure, ax: Axes, box: Box) -> None:
    """Give the figure the size of the drawing in its only axes; a unit is a point."""
    figure.set_layout_engine("none")
    figure.set_size_inches((box.right - box.left) / 72, (box.high - box.low) / 72)
    ax.set_position((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set_xlim(box.left, box.right)
    ax.set_ylim(box.low, box.high)


def centre(figure: Figure, boxes: Mapping[Axes, Box]) -> None:
    """Centre the drawing of each of these axes; a unit is a point. Call it after everything else is drawn."""
    for ax in boxes:
        ax.set_axis_off()
        for drawn in (*ax.patches, *ax.texts):
            drawn.set_in_layout(False)
    figure.draw_without_rendering()  # places the axes
    for ax, box in boxes.items():
        place = ax.get_position()
        for low, high, inches, limit in (
            (box.left, box.right, place.width * figure.get_figwidth(), ax.set_xlim),
            (box.low, box.high, place.height * figure.get_figheight(), ax.set_ylim),
        ):
            limit((low + high) / 2 - 36 * inches, (low + high) / 2 + 36 * inches)


def graph_figure(graph: Graph) -> Figure:
    """A graph as a figure of its own: `graph_figure(graph).savefig("graph.png", dpi=200)`."""
    with house_style():
        figure, axes = subplots(1, 1, (1, 1))
        fit(figure, axes[0, 0], draw_graph(axes[0, 0], graph))
    return figure


def _width(node: Node) -> float:
    """Width of the node's shape in points."""
    label = 72 * text_width(written(node.name), FONT) + 7
    return max(NODE, label) if node.kind in ("input", "deterministic") else max(NODE + 3, label + 4)


def _outline(node: Node, middle: Point, width: float) -> Outline:
    """The outline of a node; for an input, the area that edges avoid."""
    (x, y), w, h = middle, width / 2, NODE / 2
    if node.kind == "stochastic":
        return Outline.unit_circle().transformed(Affine2D().scale(w, max(h + 1.5, min(w, 9.0))).translate(x, y))
    if node.kind == "cost":
        tip = min(7.0, w)
        corners = [(-w - 2, 0), (tip - w, h + 2), (w - tip, h + 2), (w + 2, 0), (w - tip, -h - 2), (tip - w, -h - 2)]
    else:
        corners = [(-w, -h), (-w, h), (w, h), (w, -h)]
    return Outline([(x + dx, y + dy) for dx, dy in (*corners, corners[0])], closed=True)


def _leaves(inside: Point, outside: Point, outline: Outline) -> Point:
    """The point where the line from the middle of an outline leaves it, by bisection."""
    low, high = 0.0, 1.0

    def at(t: float) -> Point:
        return inside[0] + t * (outside[0] - inside[0]), inside[1] + t * (outside[1] - inside[1])

    for _ in range(20):
        half = (low + high) / 2
        low, high = (half, high) if outline.contains_point(at(half)) else (low, half)
    return at(high)
