"""Fewer points before a figure is written as SVG: long lines keep their extremes, equal lines share one path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

MOST_POINTS = 300
"""Points of a line or an edge that are written. Of a longer one, half as many stretches show two points each."""
SAID = f"of lines with more than {MOST_POINTS} points the lowest and highest of each of {MOST_POINTS // 2} stretches"

Points = NDArray[np.float64]


def thin(figure: Figure) -> bool:
    """Thin the lines and bands of a figure in place, and join seeds' lines. Returns whether any lost points."""
    lost = False
    for ax in figure.axes:
        for line in ax.lines:
            lost |= _thin_line(line)
        for band in ax.collections:
            if isinstance(band, FillBetweenPolyCollection):
                lost |= _thin_band(band)
        _join(ax)
    return lost


def extremes(y: Points, most: int = MOST_POINTS) -> NDArray[np.intp]:
    """Indices, increasing, of the points to keep: all of at most `most`; else the first, the last, and the lowest and
    highest of each of `most` // 2 stretches. A stretch with a gap (NaN) keeps the gap.
    """
    if len(y) <= most:
        return np.arange(len(y))
    kept = {0, len(y) - 1}
    for stretch in np.array_split(np.arange(len(y)), most // 2):
        values = y[stretch]
        known = stretch[np.isfinite(values)]
        if len(known):
            kept |= {int(known[np.argmin(y[known])]), int(known[np.argmax(y[known])])}
        if len(known) < len(stretch):
            kept.add(int(stretch[np.argmax(~np.isfinite(values))]))
    return np.array(sorted(kept))


def _thin_line(line: Line2D) -> bool:
    x, y = (np.asarray(values, dtype=float) for values in line.get_data(orig=False))
    if len(y) <= MOST_POINTS:
        return False
    kept = extremes(y)
    line.set_data(x[kept], y[kept])
    return True


def _thin_band(band: FillBetweenPolyCollection) -> bool:
    """Thin both edges of each polygon. It is stored as one edge forwards, then the other backwards, between corners."""
    polygons = [np.asarray(path.vertices, dtype=float) for path in band.get_paths()]
    if all(len(polygon) <= 2 * MOST_POINTS + 3 for polygon in polygons):
        return False
    band.set_verts([_thin_polygon(polygon) for polygon in polygons])
    return True


def _thin_polygon(polygon: Points) -> Points:
    half = (len(polygon) - 3) // 2
    if half <= MOST_POINTS:
        return polygon
    edges = (polygon[1 : half + 1], polygon[half + 2 : 2 * half + 2])
    return np.concatenate([edge[extremes(edge[:, 1])] for edge in edges])


def _join(ax: Axes) -> None:
    """Replace lines of one look that follow each other, as those of a curve's seeds, by one line with gaps."""
    for group in _alike(ax.lines):
        first, *others = group
        if not others:
            continue
        parts = [np.asarray(line.get_data(orig=False), dtype=float) for line in group]
        gap = np.full((2, 1), np.nan)
        joined = np.concatenate([part for values in parts for part in (values, gap)], axis=1)
        first.set_data(joined[0, :-1], joined[1, :-1])
        for line in others:
            line.remove()


def _alike(lines: Iterable[Line2D]) -> list[list[Line2D]]:
    groups: list[list[Line2D]] = []
    look: Any = None
    for line in lines:
        mine = _look(line)
        if groups and mine is not None and mine == look:
            groups[-1].append(line)
        else:
            groups.append([line])
        look = mine
    return groups


def _look(line: Line2D) -> tuple[Any, ...] | None:
    """What two lines must share to become one; None for a line in the legend, of markers, or outside the data."""
    label = str(line.get_label())
    if not label.startswith("_") or line.get_marker() not in ("None", "", None):
        return None
    if line.get_transform() != line.axes.transData or not line.get_visible():  # type: ignore[union-attr] # it is in one
        return None
    if line.get_linestyle() != "-":  # dashes would run on from one line into the next
        return None
    return str(line.get_color()), line.get_linewidth(), line.get_alpha(), line.get_zorder(), line.get_clip_on()
