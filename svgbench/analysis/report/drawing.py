"""Figures as SVG elements: text as text, no date, equal bytes for equal results."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from svgbench.analysis.judge.aggregates import Aggregates
from svgbench.analysis.read.frames import Results
from svgbench.analysis.report.data import Picture
from svgbench.analysis.report.svg_text import FIXED, page_element
from svgbench.analysis.report.thinning import SAID, thin
from svgbench.analysis.show.canvas import house_style
from svgbench.analysis.show.plots import figures_of
from svgbench.analysis.show.profile_plot import profile_figure

SVG: Any = {"svg.fonttype": "none", "svg.hashsalt": "svgbench", "svg.image_inline": True}

POINT = 1.7  # pixels of the page for a point: 7 points become a text of 12 pixels


def pictures(results: Results, anchor: str) -> list[Picture]:
    """The pages of an experiment's figure; `anchor` begins their ids. Raises as `svgbench.analysis.show.plots.draw`.

    The line that `stamp` writes under a figure becomes text of the page, where it can be read at any width.
    """
    with house_style():
        matplotlib.rcParams.update(SVG)
        pages: Mapping[str, Figure] = figures_of(results)
        return [_picture(name, figure, f"{anchor}-{k}") for k, (name, figure) in enumerate(pages.items())]


def profile_picture(results: Results, aggregates: Aggregates, anchor: str) -> Picture | None:
    """The performance profiles over several tasks, or None where the tasks have no common scale."""
    if len(aggregates.tasks) < 2 or not aggregates.profiles:
        return None
    with house_style():
        matplotlib.rcParams.update(SVG)
        figure, note = profile_figure(results, aggregates)
        return _picture("profile", figure, f"{anchor}-profile", note)


def _picture(name: str, figure: Figure, prefix: str, note: str = "") -> Picture:
    said = [" ".join(figure.get_supxlabel().split()).replace(r"\$", "$"), note]  # as the figure shows it
    figure.supxlabel("")
    if thin(figure):
        said.append(f"{SAID} are drawn")
    figure.patch.set_visible(False)
    for ax in figure.axes:
        ax.patch.set_visible(False)
        for label in ax.texts if ax.images else ():
            label.set_gid(FIXED)
    text = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)  # the page's fonts
        figure.savefig(text, format="svg", metadata={"Date": None})
    width = round(POINT * 72 * figure.get_figwidth())
    return Picture(name, page_element(text.getvalue(), prefix), "; ".join(filter(None, said)), width)
