"""Graphs as drawn: shapes by kind, labels, arrows between outlines, a size that fits."""

from __future__ import annotations

import pytest
import torch
from matplotlib.patches import FancyArrowPatch, PathPatch
from torch.distributions import Normal

from svgbench import scg
from svgbench.analysis.show.graphs import graph_figure, written


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


@pytest.mark.parametrize(
    ("name", "drawn"), [("theta", "θ"), ("x12", "x₁₂"), ("a", "a"), ("x\u03021", "x\u0302₁"), ("cost", "cost")]
)
def test_names_are_written_with_greek_letters_and_subscripts(name, drawn):
    assert written(name) == drawn
