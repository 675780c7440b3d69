"""Performance profiles as a figure: the share of runs above each score, with its pointwise bootstrap interval."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from svgbench.analysis.judge.aggregates import Aggregates
from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import boxes_note, find_fonts, house_style, save
from svgbench.analysis.show.plots import grid_of, looks, stamp
from svgbench.analysis.show.references import draw_legend
from svgbench.words.errors import UsageError

MOST_CURVES = 8
"""Curves in the figure: those of the variants with the best interquartile means."""


def draw_profiles(results: Results, aggregates: Aggregates, output: Path) -> tuple[list[Path], str]:
    """Draw the profiles of `aggregates`, which are those of `results`, into `output`; the files, and a note.

    The note says how many variants are left out, and which characters of labels no font has. UsageError if the scores
    of several tasks have no common scale, or if there are none.
    """
    if not aggregates.profiles:
        why = aggregates.scale.refused or "nothing is measured"
        raise UsageError(f"no profile of {aggregates.experiment}: {why}")
    with house_style():
        figure, note = profile_figure(results, aggregates)
        boxes = find_fonts(figure)
        paths = save(figure, output, f"{aggregates.experiment.replace('/', '-')}-profile")
    return paths, "; ".join(filter(None, (note, boxes_note(boxes) if boxes else "")))


def profile_figure(results: Results, aggregates: Aggregates) -> tuple[Figure, str]:
    """The profiles as a figure, in the style that is set, and how many variants it leaves out ("" for none)."""
    one = aggregates
    profiles = {profile.variant: profile for profile in one.profiles}
    best_first = [profiles[scores.variant] for scores in one.ranked if scores.variant in profiles]
    drawn = best_first[:MOST_CURVES]
    figure, (ax,) = grid_of(1, 1, 2.4)
    look = looks(results, [profile.variant for profile in drawn])
    for profile in drawn:
        how = look[profile.variant]
        ax.plot(profile.levels, profile.shares, color=how.colour, linestyle=how.dashes, label=how.label)
        if profile.low is not None and profile.high is not None:
            ax.fill_between(profile.levels, profile.low, profile.high, color=how.colour, alpha=0.2, linewidth=0)
    ax.set_xlabel(f"score ({one.scale.words})" if one.normalised else one.measure)
    ax.set_ylabel("share of runs above")
    ax.set_ylim(-0.02, 1.02)
    draw_legend(figure, [ax])
    stamp(figure, results, [profile.n for profile in drawn], _bands(one), f"{len(one.tasks)} tasks pooled")
    left = len(best_first) - len(drawn)
    return figure, f"the {len(drawn)} variants with the best interquartile means of {len(best_first)}" if left else ""


def _bands(one: Aggregates) -> str:
    """What the bands are, or why there are none."""
    without = {profile.why for profile in one.profiles if profile.why}
    return "95 % interval of a stratified bootstrap" if not without else "; ".join(sorted(without))
