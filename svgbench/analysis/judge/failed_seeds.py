"""What the failed seeds of a comparison count as, and where they leave it open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from svgbench.analysis.judge.coverage import End
from svgbench.analysis.judge.judgement import ClaimWord
from svgbench.analysis.read.measures import Sample, worst
from svgbench.analysis.read.naming import name_seeds, printed
from svgbench.words.claims import BestOf, RelativeSD, Side, Term

MOST_FAILED = 0.1
"""The largest share of a cell's seeds that may fail where a word says "not worse" and no floor is declared."""

NOT_WORSE: dict[tuple[str, ClaimWord], tuple[End, ...]] = {
    ("~", "SUPPORTED"): ("low", "high"),
    (">~", "SUPPORTED"): ("low",),
    ("<~", "SUPPORTED"): ("high",),
    ("<", "REFUTED"): ("low",),
    (">", "REFUTED"): ("high",),
}
"""The relations and words that say that a side is not worse than the other (by more than a margin), and the end of the
interval that must not lie further out. The others say that both differ, against which the default floor counts.
"""


@dataclass(frozen=True)
class Read:
    """A side with the samples of each candidate's cells."""

    side: Side
    names: Sequence[tuple[str, ...]]
    samples: Sequence[tuple[Sample, ...]]


def cells_of(read: Sequence[Read]) -> list[tuple[str, Sample]]:
    """Every cell by its variant."""
    groups = [group for one in read for group in zip(one.names, one.samples, strict=True)]
    return [cell for names, samples in groups for cell in zip(names, samples, strict=True)]


def floors_of(
    read: Sequence[Read], declared: Mapping[str, float], random: Sequence[float | None], number: float | None
) -> list[float | None]:
    """The value of a failed seed on each side: the declared floor, else the worst of that column's values on both
    sides, of the mean of a random policy (`random`, by side, where it is known) and of the `number` on the right.

    For a spread the worst value is not bad enough, because it would add no spread.
    """
    floors = []
    for one, level in zip(read, random, strict=True):
        measure = one.side.measure
        same = [other for other in read if other.side.measure.column == measure.column]
        compared = [v for other in same for _, sample in cells_of([other]) for v in sample.values.values()]
        compared += [x for x in (level, number if isinstance(one.side, Term | BestOf) else None) if x is not None]
        by_default = None if isinstance(one.side, RelativeSD) else worst(compared, measure.higher_is_better)
        floors.append(declared.get(measure.label, by_default))
    return floors


def uncounted(read: Sequence[Read], declared: Mapping[str, float]) -> str:
    """Why failed seeds cannot be counted without a declared floor; "" if they can, or if there are none.

    A side without any finite value has nothing to say, and the worst value of the other side would make both alike. Of
    the best of several, one with values is enough.
    """
    for one in (one for one in read if one.side.measure.label not in declared):
        if isinstance(one.side, RelativeSD) and any(sample.failed for _, sample in cells_of([one])):
            return "a failed seed has no spread and no floor is declared"
        if not any(all(sample.values for sample in group) for group in one.samples):
            without = dict.fromkeys(name for name, sample in cells_of([one]) if not sample.values)
            return f"every seed of {' and '.join(without)} failed, and no floor is declared"
    return ""


def left_open(
    read: Sequence[Read], best: Sequence[int], relation: str, word: ClaimWord, declared: Mapping[str, float]
) -> str:
    """Why failed seeds leave a word open that says "not worse"; "" if they do not.

    The default floor is a value that others reached, so that a cell counts as like the others however many of its seeds
    collapsed. `best` are the candidates of each side that are compared.
    """
    for end in NOT_WORSE.get((relation, word), ()):
        for place, (one, which) in enumerate(zip(read, best, strict=False)):
            if one.side.measure.label in declared:
                continue
            for part, (name, sample) in enumerate(zip(one.names[which], one.samples[which], strict=True)):
                added = (place + part) % 2 == 0  # left is added, right subtracted; of a change the second cell too
                lowers = added == one.side.measure.higher_is_better
                if lowers == (end == "low") and (why := too_many(sample, f" of {name}")):
                    return f"{word} if they counted as the worst value seen, but {why}"
    return ""


def too_many(sample: Sample, of: str = "") -> str:
    """Why so many seeds failed that a cell cannot be called as good as another without a declared floor; "" if few."""
    if len(sample.failed) <= MOST_FAILED * sample.n:
        return ""
    most = f"no floor is declared, and more than {100 * MOST_FAILED:.0f} %"
    return f"{len(sample.failed)} of {sample.n} seeds{of} failed: {most}"


def lost(read: Sequence[Read], every: bool = False) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The failed seeds of each cell that has some, by variant; in a sentence about `every` problem an infinite value is
    a case like others.
    """
    found: dict[str, tuple[int, ...]] = {}
    for name, sample in cells_of(read):
        seeds = {*sample.failed} - ({*sample.infinite} if every else set())
        if seeds:
            found[name] = tuple(sorted({*found.get(name, ()), *seeds}))
    return tuple(found.items())


def listed(seeds: Sequence[tuple[str, tuple[int, ...]]]) -> str:
    """What `lost` returns in words: "a seeds 0-4, b seed 1"."""
    return ", ".join(f"{name} {name_seeds(own)}" for name, own in seeds)


def counted_words(read: Sequence[Read], floors: Sequence[float | None]) -> str:
    """The failed seeds of each side with the value that they count as: "a seeds 0-4 at 10"."""
    return ", ".join(
        f"{name} {name_seeds(sample.failed)} at {printed(floor or 0.0)}"
        for one, floor in zip(read, floors, strict=True)
        for name, sample in cells_of([one])
        if sample.failed
    )
