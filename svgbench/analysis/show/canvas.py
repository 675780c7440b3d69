"""Figures that look the same for everybody, whatever the user's matplotlibrc, backend or labels.

Figures are made without `pyplot`, whose backend and whose open figures belong to the caller.
"""

from __future__ import annotations

import textwrap
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import TextPath

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
FONT = "DejaVu Sans"  # matplotlib's own
OTHER_SCRIPTS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "IPAGothic", "Arial Unicode MS")
"""Preferred fonts for characters that DejaVu Sans lacks; other installed fonts that have them come after these."""
LAST_RESORT = "Last Resort"  # matplotlib's font of boxes, which "has" every character
MOST_NAMED = 20  # characters in a note


@contextmanager
def house_style() -> Iterator[None]:
    """Our style on top of matplotlib's defaults; the caller's settings are restored afterwards."""
    defaults: Any = {k: v for k, v in matplotlib.rcParamsDefault.items() if k != "backend"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)  # drawn as a box
        warnings.simplefilter("ignore", matplotlib.MatplotlibDeprecationWarning)  # of defaults that are set again
        with matplotlib.rc_context(defaults), sns.axes_style("ticks"), matplotlib.rc_context(STYLE):
            matplotlib.rcParams["font.family"] = [FONT]
            yield


def subplots(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Figure, Any]:
    """A figure of `size` inches and its axes [rows, columns]."""
    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def find_fonts(figure: Figure) -> str:
    """Give the texts of a figure fonts for characters that `FONT` lacks. Returns the characters that no installed font
    has, sorted.
    """
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    needed = {c for text in texts for c in text.get_text() if c.isprintable()}
    lacking = needed - _characters(font_manager.findfont(FONT))
    fonts = [FONT]
    for name, path in _other_fonts() if lacking else ():
        found = lacking & _characters(path)
        if found:
            fonts.append(name)
            lacking -= found
    for text in texts if len(fonts) > 1 else ():
        text.set_fontfamily(fonts)
    return "".join(sorted(lacking))


def boxes_note(characters: str) -> str:
    """The note on a figure in which these characters are boxes."""
    named = " ".join(characters[:MOST_NAMED]) + " ..." * (len(characters) > MOST_NAMED)
    return f"no installed font has {named}: drawn as boxes; a font that has them, such as Noto Sans CJK, helps"


def text_width(text: str, size: float) -> float:
    """Width in inches of a text of `size` points, whatever the user's settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of characters that the font lacks
        extents = TextPath((0, 0), text, size=size, prop=FontProperties(family=FONT), usetex=False).get_extents()
    return float(extents.width) / 72 if np.isfinite(extents.width) else 0.0


def _other_fonts() -> list[tuple[str, str]]:
    """Name and file of every installed upright font except ours, the preferred ones first."""
    regular = {
        font.name: font.fname
        for font in sorted(font_manager.fontManager.ttflist, key=lambda f: (f.name, f.weight == 400, f.fname))
        if font.style == "normal" and not font.name.startswith(LAST_RESORT)
    }
    first = [name for name in OTHER_SCRIPTS if name in regular]
    return [(name, regular[name]) for name in dict.fromkeys([*first, *regular]) if name != FONT]


def _characters(path: str) -> set[str]:
    """The characters of a font file; none if it cannot be read or scaled, as fonts of coloured pictures."""
    try:
        font = font_manager.get_font(path)
    except (OSError, RuntimeError):
        return set()
    return {chr(code) for code in font.get_charmap()} if font.scalable else set()


def save(figure: Figure, output: Path, stem: str) -> list[Path]:
    """Write PNG and PDF without dates, so equal results give equal files."""
    output.mkdir(parents=True, exist_ok=True)
    paths = [output / f"{stem}.png", output / f"{stem}.pdf"]
    figure.savefig(paths[0], dpi=DPI, metadata={"Software": None})
    figure.savefig(paths[1], metadata={"CreationDate": None, "Producer": None, "Creator": None})
    return paths


def distinct(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels, changed so that `plain` keeps different ones different.

    If cutting their ends would make two equal, long ones lose their middles; if that would too, they are numbered.
    """
    every = list(dict.fromkeys(labels.values()))
    half = (LONGEST_LABEL - 1) // 2
    long = [label for label in every if len(label) > LONGEST_LABEL]
    middle = {label: f"{label[:half].rstrip()}…{label[-half:].lstrip()}" for label in long}
    numbered = {label: f"({k}) {label}" for k, label in enumerate(long, start=1)}
    for shown in ({}, middle):
        if len({plain(shown.get(label, label)) for label in every}) == len(every):
            break
    else:
        shown = numbered
    return {name: shown.get(label, label) for name, label in labels.items()}


def plain(label: str, longest: int = LONGEST_LABEL) -> str:
    """A label that matplotlib draws as written, on one line, shortened if it is long.

    A dollar would begin a formula, a leading underscore would hide the curve from the legend.
    """
    printable = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in label)
    short = textwrap.shorten(printable, longest, placeholder="…", break_long_words=True)
    if short in ("", "…"):
        short = printable.strip()[: longest - 1] + "…"
    return (" " if short.startswith("_") else "") + short.replace("$", r"\$")
