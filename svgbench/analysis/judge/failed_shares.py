"""Comparisons of the shares of seeds that failed, or of how these shares change: "it degrades less", as a rate.

A seed counts as failed if it diverged or is worse than the level that the experiment declares for the task. All four
shares of two changes, or both of two cells, are taken as independent. Their intervals are Wilson's, combined by MOVER:
for two shares that is Newcombe's interval (1998, method 10), for two changes that of Zou, Huang and Zhang 2009, "A note
on confidence interval estimation for a linear function of binomial proportions". Where cells share seeds and these fail
together, the interval is too wide, not too narrow. A word that says that two shares differ must also pass Fisher's
exact test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from svgbench.analysis.judge.cell_statistics import failed_by
from svgbench.analysis.judge.comparisons import Place
from svgbench.analysis.judge.effects import candidates
from svgbench.analysis.judge.judgement import ClaimWord, Evidence, PartResult
from svgbench.analysis.judge.rates import MOST, rates_test, seeds_needed, share_difference, wilson_interval
from svgbench.analysis.judge.relations import clearance, relation_holds
from svgbench.analysis.judge.robust import difference
from svgbench.analysis.judge.statistics import Interval
from svgbench.analysis.read.measures import read_sample
from svgbench.analysis.read.naming import name_seeds, printed
from svgbench.words.claims import Comparison, Side

DIFFER = {("<", "SUPPORTED"), (">", "SUPPORTED"), ("~", "REFUTED"), ("<~", "REFUTED"), (">~", "REFUTED")}
"""The relations and words that say, with any margin, that both sides differ."""


@dataclass(frozen=True)
class Count:
    """k failed of the n seeds of a cell."""

    name: str
    k: int
    n: int

    def scaled(self, n: int) -> Count:
        """The same share of n seeds, rounded to whole seeds."""
        return Count(self.name, round(self.k * n / self.n), n)

    @property
    def words(self) -> str:
        return f"{self.name} {self.k} of {self.n}"


def failed_share_part(evidence: Evidence, part: Comparison, left: Place, right: Place) -> PartResult:
    """The share of the left side at one place less that of the right side at another, or the same, place.

    A change is the share with `after` minus that with `before`. INCOMPLETE if a cell lacks the level's measure.
    """
    if not isinstance(part.right, Side) or not isinstance(part.margin, int | float):
        raise TypeError(f"shares of failed seeds are compared with {part.right!r}; expected two cells or changes")
    margin = float(part.margin)
    threshold = 0.0 - margin if part.relation in ("<", ">~") else margin
    names = [_names(side, place, left.task != right.task) for side, place in ((part.left, left), (part.right, right))]
    text = f"share that failed, {names[0]} {part.relation} {names[1]}"
    blank = PartResult(text, "INCOMPLETE", "failed share", "", threshold=threshold, margin=margin)
    counts: list[list[Count]] = []
    for side, place in ((part.left, left), (part.right, right)):
        read = [_count(evidence, name, place) for name in candidates(side, place.task)[0]]
        lacking = [one for one in read if isinstance(one, str)]
        if lacking:
            return replace(blank, reason=lacking[0])
        counts.append([one for one in read if isinstance(one, Count)])
    level, alpha = evidence.rules.level, evidence.rules.alpha
    interval = effect_of_shares(counts, level)
    word, p, why = ruled(counts, interval, part.relation, margin, alpha)
    said = f"{printed(interval.value)} [{printed(interval.low)}, {printed(interval.high)}]"
    shown = " against ".join(" less ".join(one.words for one in own) for own in counts)
    needs = f"{part.relation.replace('~', '=')} {printed(threshold)}"
    if part.relation == "~":
        needs = f"from {printed(-margin)} to {printed(margin)}"
    failed = f"{shown} failed" + (f": exact p {printed(p)}" if p is not None else "")
    seeds = forecast(counts, part.relation, margin, level) if word == "INCONCLUSIVE" else None
    if seeds is not None:
        many = f"more than {MOST}" if seeds > MOST else f"about {seeds}"
        failed += f"; to decide such shares takes {many} seeds a side"
        failed += " (power 80 %)" if _are_told_apart(counts, margin) else " (if the shares stayed)"
    reason = f"{text}: difference {said}, needs {needs}; {failed}" + (f"; {why}" if why else "")
    return replace(
        blank,
        verdict=word,
        why=why,
        reason=reason,
        n=interval.n,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        clearance=clearance(part.relation, margin, interval),
        p=p,
        seeds=seeds,
        failed=failed,
    )


def effect_of_shares(counts: Sequence[Sequence[Count]], level: float = 0.95) -> Interval:
    """Left less right, each a share, or a share less another, with its interval."""
    left, right = counts
    return difference(_side(left, level), _side(right, level))


def ruled(
    counts: Sequence[Sequence[Count]], interval: Interval, relation: str, margin: float, alpha: float
) -> tuple[ClaimWord, float | None, str]:
    """The word, the p of Fisher's test (None for changes, and where equal shares are not in question), and why the word
    is open although the interval decides.
    """
    word = relation_holds(interval, relation, margin)
    differ = (relation, word) in DIFFER or (word == "REFUTED" and not margin)
    (left, *more), (right, *_) = counts
    if more or not (differ or not margin):
        return word, None, ""
    p = rates_test(left.k, left.n, right.k, right.n)
    if word != "INCONCLUSIVE" and differ and p > alpha:
        return "INCONCLUSIVE", p, f"{word} by the interval, but not by the exact test"
    return word, p, ""


def forecast(counts: Sequence[Sequence[Count]], relation: str, margin: float, level: float) -> int | None:
    """About how many seeds a side decide the relation; at most `MOST` + 1. None if shares as these never do.

    To tell two shares apart: what Fisher's test needs for a power of 80 %. For changes and margins: the least number
    from which on the interval decides if the shares stayed.
    """
    (left, *_), (right, *_) = counts
    if _are_told_apart(counts, margin):
        one, other = left.k / left.n, right.k / right.n
        return seeds_needed(one, other) if one != other else None
    value = effect_of_shares(counts, level).value
    if value in (-margin, margin):
        return None
    least = min(one.n for own in counts for one in own) + 1

    def decides(n: int) -> bool:
        scaled = [[one.scaled(n) for one in own] for own in counts]
        return relation_holds(effect_of_shares(scaled, level), relation, margin) != "INCONCLUSIVE"

    return next((n for n in range(least, MOST + 1) if decides(n)), MOST + 1)


def _are_told_apart(counts: Sequence[Sequence[Count]], margin: float) -> bool:
    """Whether the question is if two shares are equal."""
    return not margin and all(len(own) == 1 for own in counts)


def _side(own: Sequence[Count], level: float) -> Interval:
    after, *before = own
    if before:
        return share_difference(after.k, after.n, before[0].k, before[0].n, level)
    return wilson_interval(after.k, after.n, level)


def _names(side: Side, place: Place, across: bool) -> str:
    names = " less ".join(candidates(side, place.task)[0])
    return f"{names} on {place.task}" if across else names


def _count(evidence: Evidence, variant: str, place: Place) -> Count | str:
    """How many seeds of a cell failed; or which lack the level's measure."""
    level, cell = evidence.experiment.failure_on(place.task), evidence.cell(place.budget, place.task, variant)
    if level is None:
        raise LookupError(f"no level of failure is declared on {place.task}")
    sample = None if cell is None else read_sample(cell, level.measure)
    if sample is None or sample.absent or not sample.n:
        which = f"for {name_seeds(sample.absent)}" if sample is not None and sample.absent else "at all"
        return f"{variant} has no row of {level.measure.label} {which}"
    return Count(variant, len(failed_by(level, sample)), sample.n)
