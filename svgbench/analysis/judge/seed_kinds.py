"""Which of the simulated kinds the seeds of a comparison are, and the kind on which its interval misses most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from svgbench.analysis.judge.cell_statistics import Spread
from svgbench.analysis.judge.coverage import MOST_MISSED, NORMAL, NUMBER, End, failing_kind, mirrored, missed


@dataclass(frozen=True)
class Kind:
    """The simulated kinds of both sides' data, with n seeds. If it is `turned`, the ends of intervals are swapped.

    `named` says in words what the seeds show.
    """

    data: str
    against: str
    n: int
    turned: bool = False
    named: str = ""

    def missed(self, interval: str, end: End) -> float:
        """How often this end of the comparison's interval lies beyond the truth."""
        other: End = "high" if end == "low" else "low"
        return missed(interval, self.data, self.against, self.n, other if self.turned else end)


def worst_of(kinds: Sequence[Kind], ends: Sequence[End]) -> tuple[Kind, End] | None:
    """The kind on which an end that counts lies beyond the truth the oftenest, and that end; None if on none too
    often.
    """
    share, worst = max(((kind.missed("t", end), (kind, end)) for kind in kinds for end in ends), key=lambda one: one[0])
    return worst if share > MOST_MISSED else None


def kinds_of(
    plus: Sequence[Spread], minus: Sequence[Spread] | None, n: int, higher_is_better: bool = True
) -> list[Kind]:
    """The kinds of a difference of cells whose seeds are in two modes; `minus` is None if they are compared with a
    number.

    In the simulation a minority fails, and lies low. Where lower is better, or where a majority fails, both ends change
    places. Where the minority lies low in one cell and high in another, each is asked with the other taken as normal.
    """
    found = []
    for most_failed in (False, True):
        left = _kind_of(plus, most_failed)
        right = NUMBER if minus is None else _kind_of(minus, most_failed)
        seen = right if left == NORMAL and minus is not None else left
        named = mirrored(seen) if most_failed else seen
        found.append(Kind(left, right, n, most_failed == higher_is_better, named))
    return found


def _kind_of(spreads: Sequence[Spread], most_failed: bool) -> str:
    """The kind of the cell of these with the largest minority, of the cells in which most, or fewer, seeds failed."""
    split = [spread for spread in spreads if spread.lower and (2 * len(spread.lower) > spread.n) == most_failed]
    if not split:
        return NORMAL
    widest = max(split, key=lambda spread: min(len(spread.lower), spread.n - len(spread.lower)) / spread.n)
    return failing_kind(len(widest.lower), widest.n)
