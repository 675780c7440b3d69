"""Graphs as drawn: shapes by kind, labels, arrows between outlines, a size that fits."""

from __future__ import annotations

import pytest
import torch
from matplotlib.patches import FancyArrowPatch, PathPatch
from torch.distributions import Normal

from svgbench import scg
from svgbench.analysis.show.canvas import house_style, subplots
from svgbench.analysis.show.graphs import centre, draw_graph, graph_figure, written


@pytest.fixture
def graph():
    graph = scg.Graph()
    theta = graph.input("theta")
    h = graph.deterministic("h", torch.tanh, theta)
    x = graph.stochastic("x1", lambda h: Normal(h, 1.0), h)
    graph.cost("cost", lambda x, theta: x * theta, x, theta)
    return graph


def test_every_node_and_edge_is_drawn_and_inputs_are_bare(graph):
    (ax,) = graph_figure(graph).axes
    shapes = [p for p in ax.patches if isinstance(p, PathPatch)]
    arrows = [p for p in ax.patches if isinstance(p, FancyArrowPatch)]
    assert sorted(t.get_text() for t in ax.texts) == ["cost", "h", "x₁", "θ"]
    assert len(shapes) == 3
    assert len(arrows) == 4
    assert sum(p.get_path().codes is not None and 4 in p.get_path().codes for p in shapes) == 1, "one circle"


def test_arrows_end_at_outlines_and_everything_lies_in_the_figure(graph):
    figure = graph_figure(graph)
    (ax,) = figure.axes
    figure.canvas.draw()
    shapes = [p.get_path() for p in ax.patches if isinstance(p, PathPatch)]
    for arrow in (p for p in ax.patches if isinstance(p, FancyArrowPatch)):
        end = arrow._path_original.vertices[-1]
        middles = [shape.get_extents().get_points().mean(0) for shape in shapes]
        reached = [s.contains_point(m + 0.95 * (end - m)) and not s.contains_point(m + 1.05 * (end - m))
                   for s, m in zip(shapes, middles, strict=True)]  # fmt: skip
        assert sum(reached) == 1
    room = figure.bbox
    for text in ax.texts:
        box = text.get_window_extent()
        assert room.x0 <= box.x0
        assert box.x1 <= room.x1
        assert room.y0 <= box.y0
        assert box.y1 <= room.y1
    width, height = figure.get_size_inches() * 72
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert (right - left, high - low) == pytest.approx((width, height)), "a unit is a point"


def test_a_drawing_among_panels_keeps_its_scale_and_stands_in_the_middle(graph):
    with house_style():
        figure, axes = subplots(2, 2, (7, 5))
        axes[1, 0].set_ylabel("a label that takes room")
        box = draw_graph(axes[0, 0], graph, (500, 300))  # far from where the axes are
        centre(figure, {axes[0, 0]: box})
        figure.canvas.draw()
    ax, inches = axes[0, 0], figure.dpi_scale_trans.inverted()
    place, (left, right), (low, high) = ax.get_window_extent().transformed(inches), ax.get_xlim(), ax.get_ylim()
    assert (right - left, high - low) == pytest.approx((72 * place.width, 72 * place.height)), "a unit is a point"
    assert (left + right, low + high) == pytest.approx((box.left + box.right, box.low + box.high))
    assert axes[1, 1].get_window_extent().width > 200, "what is drawn takes no room from the panels"


@pytest.mark.parametrize(
    ("name", "drawn"), [("theta", "θ"), ("x12", "x₁₂"), ("a", "a"), ("x\u03021", "x\u0302₁"), ("cost", "cost")]
)
def test_names_are_written_with_greek_letters_and_subscripts(name, drawn):
    assert written(name) == drawn
