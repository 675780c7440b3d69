"""Where an interval must not decide: how often intervals miss the truth on seeds of such a kind, simulated before.

`coverage.toml` has the shares; `tests/analysis/coverage_study.py` makes it. A verdict rests on one end of its interval
(both, if it says "similar"). If that end lies beyond the truth in more than `MOST_MISSED` of such cases, the interval
alone gives no verdict.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

SEEDS = (3, 5, 10, 20)
"""The numbers of seeds that were simulated. Another number counts as the next lower one."""
MOST_MISSED = 0.10
"""The largest share of cases in which an end may lie beyond the truth: a coverage of 90 %."""

NUMBER, NORMAL = "a number", "normal"
SHARES = (0.1, 0.2, 0.4)
"""The shares of failed seeds that were simulated."""
End = Literal["low", "high"]


def failing_kind(failed: int, n: int) -> str:
    """The simulated kind of seeds of which so many failed; "normal" if none did, or all. Of two equally near shares the
    smaller counts, on which intervals miss more.

    If most failed, the seeds are the mirror image of some of which the others failed: the same kind, with the ends of
    its intervals swapped.
    """
    fewer = min(failed, n - failed)
    if not fewer:
        return NORMAL
    share = min(SHARES, key=lambda share: (abs(share - fewer / n), share))
    return f"{100 * share:.0f} % fail"


def mirrored(kind: str) -> str:
    """The name of the mirror image of a kind: "90 % fail" of "10 % fail"."""
    share, fails, rest = kind.partition(" % fail")
    return f"{100 - int(share)}{fails}{rest}" if fails else kind


def skewed_kind(skewness: float) -> str:
    """The simulated kind of seeds with this skewness, in units of its critical value (`robust.skewness`)."""
    if abs(skewness) <= 1:
        return NORMAL
    return f"skewed, a tail {'above' if skewness > 0 else 'below'}"


def missed(interval: str, data: str, against: str, n: int, end: End) -> float:
    """The share of cases in which this end of an interval lies beyond the truth. KeyError for unknown kinds.

    If only the other side was simulated with such seeds, its mirror image counts.
    """
    place = max((i for i, seeds in enumerate(SEEDS) if seeds <= n), default=0)
    if (interval, data, against) in _table():
        below, above = _table()[interval, data, against]
    else:
        above, below = _table()[interval, against, data]
    return (above if end == "low" else below)[place]


def covered(interval: str, data: str, against: str, n: int) -> float:
    """The share of cases in which an interval holds the truth. KeyError for unknown kinds."""
    return 1 - missed(interval, data, against, n, "low") - missed(interval, data, against, n, "high")


@cache
def _table() -> dict[tuple[str, str, str], tuple[list[float], list[float]]]:
    """The shares below and above the truth by n, of every interval on every kind of data."""
    text = resources.files("svgbench.analysis.judge").joinpath("coverage.toml").read_text("utf-8")
    return {
        (row["interval"], row["data"], row["against"]): (row["below"], row["above"])
        for row in tomllib.loads(text)["rows"]
    }
