"""A figure that looks the same for everybody: whatever matplotlibrc, backend or label somebody has.

Figures are made without `pyplot`, whose backend and whose open figures belong to the caller.
"""

from __future__ import annotations

import textwrap
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import seaborn as sns
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLUMN_WIDTH = 3.4  # inches: one column of a two-column page
TEXT_WIDTH = 6.9
DPI = 200
LONGEST_LABEL = 44  # characters
STYLE: Any = {
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": True,
}
OTHER_SCRIPTS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "IPAGothic", "Arial Unicode MS")
"""Fonts for what DejaVu Sans, matplotlib's own, lacks; those that are installed are used."""


@contextmanager
def house_style() -> Iterator[None]:
    """Our style on top of matplotlib's defaults; the caller's settings come back afterwards."""
    defaults: Any = {k: v for k, v in matplotlib.rcParamsDefault.items() if k != "backend"}
    fonts = ["DejaVu Sans", *(f for f in OTHER_SCRIPTS if f in font_manager.get_font_names())]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)  # drawn as a box
        warnings.simplefilter("ignore", matplotlib.MatplotlibDeprecationWarning)  # of defaults that are set again
        with matplotlib.rc_context(defaults), sns.axes_style("ticks"), matplotlib.rc_context(STYLE):
            matplotlib.rcParams["font.family"] = fonts
            yield


def subplots(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Figure, Any]:
    """A figure of `size` inches and its axes [rows, columns]."""
    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def save(figure: Figure, output: Path, stem: str) -> list[Path]:
    """Write PNG and PDF without dates, so that equal results give equal files."""
    output.mkdir(parents=True, exist_ok=True)
    paths = [output / f"{stem}.png", output / f"{stem}.pdf"]
    figure.savefig(paths[0], dpi=DPI, metadata={"Software": None})
    figure.savefig(paths[1], metadata={"CreationDate": None, "Producer": None, "Creator": None})
    return paths


def plain(label: str) -> str:
    """A label that matplotlib draws as it is written, on one line, shortened where it is long.

    A dollar would begin a formula, a leading underscore would hide the curve from the legend.
    """
    printable = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in label)
    short = textwrap.shorten(printable, LONGEST_LABEL, placeholder="…", break_long_words=True)
    if short in ("", "…"):
        short = printable.strip()[: LONGEST_LABEL - 1] + "…"
    return (" " if short.startswith("_") else "") + short.replace("$", r"\$")
