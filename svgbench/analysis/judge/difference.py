"""`svgbench diff A B`: did a release, a machine or a change move any result?

Every cell that both folders have is checked in this order: the same bits, the same within rounding (`trace`), then
statistics, paired by seed (`between`). Recorded differences between the two are listed beside it (`changes`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from svgbench.analysis.judge.between import Meeting, judge
from svgbench.analysis.judge.changes import CellChange, changes
from svgbench.analysis.judge.judgement import DEFAULT_RULES, JudgementRules, MeasuredWord, Verdict, join_id
from svgbench.analysis.judge.trace import KINDS, SeedTrace, read_texts, traces
from svgbench.analysis.read.caveats import caveats
from svgbench.analysis.read.frames import parse_rows
from svgbench.analysis.read.measures import CellData, Sample, read_sample
from svgbench.analysis.read.naming import RANDOM_VARIANT, name_seeds
from svgbench.lab.stored import Key, StoredCell
from svgbench.words.claims import Measure
from svgbench.words.errors import DamagedError
from svgbench.words.experiment import Experiment

Seen = Literal["same", "columns", "rounding", "grown", "changed", "other seeds", "only in A", "only in B"]
"""The state before any test: the largest difference of the rows over the seeds (see `trace.Kind`; "columns" means that
one side has more columns and the others have the same bits), or why there is nothing to compare.
"""

Platform = Literal["same", "unsure", "other"]
"""Whether both were measured on the same kind of machine with the same packages. "other" includes GPUs, where two runs
of one program may differ. "unsure" means that a side does not record everything, such as which of several processors
with one name it was.
"""

Cells = Mapping[Key, StoredCell]


@dataclass(frozen=True)
class CellDifference:
    """A cell of A and B: the differences of its rows and its records, and a verdict on every measure.

    `seeds` are those that both have; `only_a` and `only_b` the others. `outcomes` names seeds that diverged on one side
    only; `lost` are those that are done in A and diverged in B. `worse` are the ids of the verdicts in the direction
    that is worse, and of measures of which a seed has a value in A and none in B. On the "same" platform the same
    program gives the same bits.
    """

    key: Key
    seen: Seen
    seeds: tuple[int, ...] = ()
    only_a: tuple[int, ...] = ()
    only_b: tuple[int, ...] = ()
    traces: tuple[SeedTrace, ...] = ()
    outcomes: tuple[str, ...] = ()
    lost: tuple[int, ...] = ()
    changes: tuple[CellChange, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    worse: frozenset[str] = frozenset()
    platform: Platform = "same"

    @property
    def both(self) -> bool:
        """Whether both sides have the cell."""
        return self.seen not in ("only in A", "only in B")

    @property
    def differs(self) -> bool:
        """Whether any bit differs in a common seed; an additional column counts too."""
        return self.both and self.seen not in ("same", "other seeds")

    @property
    def beyond(self) -> tuple[SeedTrace, ...]:
        """The seeds that differ beyond rounding."""
        return tuple(t for t in self.traces if t.leaves is not None)

    @property
    def leaves(self) -> int | None:
        """The first step at which a seed differs beyond rounding."""
        return min((t.leaves for t in self.traces if t.leaves is not None), default=None)

    def rows(self) -> list[dict[str, Any]]:
        """A flat row per measure, fit for JSON."""
        differing = [t for t in self.traces if t.kind != "same"]
        first = min(self.beyond, key=lambda t: t.leaves or 0, default=None)
        shared = {
            "experiment": self.key[0],
            "seen": self.seen,
            "seeds": len(self.seeds),
            "seeds_only_in_a": len(self.only_a),
            "seeds_only_in_b": len(self.only_b),
            "seeds_lost": len(self.lost),
            "seeds_differ": len(differing),
            "seeds_beyond_rounding": len(self.beyond),
            "first_step": min((t.first for t in differing if t.first is not None), default=None),
            "step": self.leaves,
            "column": first.column if first else "",
            "changes": "; ".join(map(str, self.changes)),
            "platform": self.platform,
        }
        return [v.as_row() | shared | {"worse": v.id in self.worse} for v in self.verdicts]


def differences(
    a: Cells, b: Cells, asked: Sequence[Key], declared: Mapping[str, Experiment], rules: JudgementRules = DEFAULT_RULES
) -> list[CellDifference]:
    """B against A in the requested cells; Holm's correction runs over all their measures.

    `a` and `b` may hold more cells, which give a random policy's level. `declared` has the experiments by id; for an
    undeclared experiment only the rows are compared. A cell without a finished seed on either side is left out.
    Raises DamagedError.
    """
    seen = [_see(key, a.get(key), b.get(key)) for key in asked if _has_seeds(a.get(key)) or _has_seeds(b.get(key))]
    meetings = [list(_meetings(cell, a, b, declared.get(cell.key[0]), rules)) for cell in seen]
    verdicts = iter(judge([meeting for own in meetings for meeting in own], rules))
    return [_judged(cell, own, [next(verdicts) for _ in own]) for cell, own in zip(seen, meetings, strict=True)]


def _has_seeds(cell: StoredCell | None) -> bool:
    return cell is not None and bool(cell.seeds)


def _see(key: Key, one: StoredCell | None, other: StoredCell | None) -> CellDifference:
    """The comparison of a cell of A and B before any measure is read."""
    seeds_a, seeds_b = (set(cell.seeds) if cell else set() for cell in (one, other))
    both = tuple(sorted(seeds_a & seeds_b))
    found = CellDifference(key, "same", both, tuple(sorted(seeds_a - seeds_b)), tuple(sorted(seeds_b - seeds_a)))
    if one is None or not seeds_a:
        return replace(found, seen="only in B")
    if other is None or not seeds_b:
        return replace(found, seen="only in A")
    changed = changes(one.meta, other.meta, both)
    found = replace(found, changes=changed, platform=_platform(one, other, changed))
    if not both:
        return replace(found, seen="other seeds")
    texts = one.rows(), other.rows()
    same_columns = one.meta["columns"] == other.meta["columns"]
    if same_columns and all(one.entry(seed)["sha256"] == other.entry(seed)["sha256"] for seed in both):
        parted = [SeedTrace(seed, "same") for seed in both]
    else:
        parted = traces(_texts(one, texts[0]), _texts(other, texts[1]), both)
    ends = {seed: (one.entry(seed)["status"], other.entry(seed)["status"]) for seed in both}
    lost = tuple(seed for seed, (before, after) in ends.items() if before == "done" and after == "diverged")
    found = replace(found, traces=tuple(parted), outcomes=_outcomes(ends), lost=lost)
    kind = max((t.kind for t in parted), key=KINDS.index)
    if found.outcomes:
        return replace(found, seen="changed")
    return replace(found, seen="columns" if kind == "same" and not same_columns else kind)


def _platform(one: StoredCell, other: StoredCell, changed: Sequence[CellChange]) -> Platform:
    moved = [change for change in changed if change.kind == "platform"]
    recorded = [cell.entry(seed).get("platform", {}) for cell in (one, other) for seed in cell.seeds]
    if any(p.get("device", "cpu") != "cpu" for p in recorded) or any("none" not in (c.before, c.after) for c in moved):
        return "other"
    if any(change.field == "precision" for change in moved):
        return "other"
    named = all("processor" not in p or "instructions" in p for p in recorded)
    return "same" if named and not moved else "unsure"


def _texts(cell: StoredCell, data: bytes) -> pd.DataFrame:
    try:
        return read_texts(data)
    except ValueError as error:
        raise DamagedError(f"{cell.path.with_suffix('.csv')} is damaged: {error}") from None


def _outcomes(ends: Mapping[int, tuple[str, str]]) -> tuple[str, ...]:
    """Seeds with different outcomes, in words."""
    apart: dict[tuple[str, str], list[int]] = {}
    for seed, both in ends.items():
        if both[0] != both[1]:
            apart.setdefault(both, []).append(seed)
    return tuple(
        f"{name_seeds(seeds)} {'is' if len(seeds) == 1 else 'are'} {before} in A and {after} in B"
        for (before, after), seeds in apart.items()
    )


SETTLED: dict[Seen, tuple[MeasuredWord, str]] = {
    "same": ("IDENTICAL", "the same bits in every seed"),
    "columns": ("EQUIVALENT", "the same bits in the columns that both have"),
    "rounding": ("EQUIVALENT", "the same within rounding, in every seed and step"),
    "only in A": ("ONLY_IN_A", "B lacks the cell"),
    "only in B": ("ONLY_IN_B", "A lacks the cell"),
}


def _meetings(
    cell: CellDifference, a: Cells, b: Cells, experiment: Experiment | None, rules: JudgementRules
) -> Iterator[Meeting]:
    """A meeting per measure; or one without a measure, if a side lacks the cell or the experiment is not declared."""
    settled = SETTLED.get(cell.seen)
    blank = Meeting(*cell.key, "A", "", _NO_MEASURE, Sample({}), Sample({}), settled=settled, subject="B")
    if not cell.both or experiment is None:
        yield blank if settled else replace(blank, settled=("INCONCLUSIVE", f"{cell.key[0]} is not declared here"))
        return
    data = [None if cell.seen == "same" else _data(folder[cell.key], cell.seeds) for folder in (a, b)]
    said = [
        f"{name}: {text}"
        for name, side in zip("AB", data, strict=True)
        for text in ([] if side is None else caveats(experiment, cell.key[1], side))
    ]
    for measure in experiment.measures:
        other, ours = (Sample({}) if side is None else _sample(side, measure, cell.key) for side in data)
        meeting = replace(blank, setting=measure.label, measure=measure, ours=ours, other=other, caveats=tuple(said))
        if cell.seen != "same" and not (ours.n and other.n):
            if ours.n or other.n:
                lacks: tuple[MeasuredWord, str] = (
                    ("ONLY_IN_A", "B has no value") if other.n else ("ONLY_IN_B", "A has no value")
                )
                yield replace(meeting, settled=lacks)
            continue
        yield replace(meeting, random=_random(cell.key, measure, (a, b), rules))


_NO_MEASURE = Measure("", "")


def _data(cell: StoredCell, seeds: Sequence[int]) -> CellData:
    """The cell's rows of `seeds`, or of its own seeds if these are empty."""
    kept = tuple(seeds) or cell.seeds
    frame = parse_rows(cell.rows())
    diverged = tuple(seed for seed in kept if cell.entry(seed)["status"] == "diverged")
    frame = frame[frame["seed"].isin(kept)].reset_index(drop=True)
    return CellData(cell.task, cell.variant, frame, kept, kept, diverged, imported=True)


def _sample(data: CellData, measure: Measure, key: Key) -> Sample:
    try:
        return read_sample(data, measure)
    except ValueError as error:
        raise DamagedError(f"{' '.join(key)}: the column {measure.column!r} cannot be read: {error}") from None


def _random(key: Key, measure: Measure, folders: Sequence[Cells], rules: JudgementRules) -> float | None:
    """A random policy's mean on the cell's task and budget: as declared, as measured in A, else in B."""
    experiment, budget, task, variant = key
    declared = rules.random_levels.get((task, measure.label))
    if declared is not None or variant == RANDOM_VARIANT:
        return declared
    for folder in folders:
        cell = folder.get((experiment, budget, task, RANDOM_VARIANT))
        if cell is not None and cell.seeds:
            values = _sample(_data(cell, ()), measure, cell.key).values
            if values:
                return math.fsum(values.values()) / len(values)
    return None


def _judged(cell: CellDifference, meetings: Sequence[Meeting], verdicts: Sequence[Verdict]) -> CellDifference:
    """The cell with its verdicts. Their ids contain the budget, so that they are unique in a folder."""
    experiment, budget, task, variant = cell.key
    named = [replace(v, id=join_id(experiment, budget, variant, task, v.setting)) for v in verdicts]
    if cell.seen == "same":
        named = [replace(v, n=len(cell.seeds)) for v in named]
    bad = {True: "LOWER", False: "HIGHER"}
    worse = {
        v.id
        for v, m in zip(named, meetings, strict=True)
        if v.verdict == bad[m.measure.higher_is_better] or set(m.ours.failed) & set(m.other.values)
    }
    return replace(cell, verdicts=tuple(named), worse=frozenset(worse))
