"""Open verdicts: the runs that they still need, and the time of these on this machine.

Nothing is measured. A block's time is the result of an earlier `plan`, else that of a similar block.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scipy import special

from svgbench.analysis.judge.coverage import SEEDS
from svgbench.analysis.judge.effects import variants_of_claim
from svgbench.analysis.judge.judgement import PartResult, Verdict
from svgbench.analysis.judge.verdict_words import deciding_part
from svgbench.analysis.read.naming import RANDOM_VARIANT
from svgbench.lab.calibration import Cost, default_jobs, estimate, kind, remembered
from svgbench.lab.cells import Block, Cell, Selection, blocks, expand
from svgbench.lab.store import CellState, Store
from svgbench.words.claims import Claim
from svgbench.words.experiment import Experiment, Variant
from svgbench.words.values import Setting

MOST_SEEDS = 100
"""A forecast of more seeds than this is only reported as more."""

Key = tuple[str, str, str]
"""A budget, a task and a variant."""
Needs = Mapping[Key, tuple[int, ...]]


@dataclass(frozen=True)
class Open:
    """The runs that a verdict needs, at a budget.

    `seconds` is None if no similar run was timed.

    `seeds` is the resulting number of seeds of a cell; beyond `MOST_SEEDS` no runs are counted. With `at_least` these
    runs may not be enough: other places of the claim are undecided although all their runs are there.
    """

    budget: str
    runs: int
    seconds: float | None
    seeds: int | None = None
    at_least: bool = False


Forecast = tuple[Verdict, int, str]
"""An open verdict, the number of seeds that would decide it, and the resulting verdict."""


class Outlook:
    """The cells of an experiment at all its budgets, with their states in the store.

    `asked` has the requested seeds, and the tasks and variants that `asked_cells` and `not_run` count.
    """

    def __init__(
        self, store: Store, experiment: Experiment, asked: Selection, extra: Mapping[str, Variant] | None = None
    ) -> None:
        self.experiment = experiment
        self.budgets = [budget.name for budget in experiment.budgets]
        selections = {b: Selection(b, asked.seeds) for b in self.budgets}
        self.cells: dict[Key, Cell] = {
            (b, *c.key): c for b in self.budgets for c in expand(experiment, selections[b], extra)
        }
        self.states: dict[Key, CellState] = {key: store.state(c) for key, c in self.cells.items()}
        self._store, self._asked = store, asked

    def missing(self, budget: str, task: str, variant: str) -> tuple[int, ...]:
        """The requested seeds of a cell that are not done; none for an undeclared cell."""
        key = (budget, task, variant)
        return tuple(s for s in self.cells[key].seeds if s not in self.states[key].done) if key in self.cells else ()

    def _named(self, budget: str) -> list[Key]:
        tasks, variants = self._asked.tasks, self._asked.variants
        return [
            (b, task, variant)
            for b, task, variant in self.cells
            if b == budget and (not tasks or task in tasks) and (not variants or variant in variants)
        ]

    def asked_cells(self, budget: str) -> int:
        """The number of requested cells of a budget."""
        return len(self._named(budget))

    def measured(self, budget: str) -> int:
        """The number of these with a finished seed."""
        return sum(bool(self.states[key].done) for key in self._named(budget))

    def not_run(self, budget: str) -> tuple[int, Open]:
        """The number of these that lack seeds, and the cost of the missing seeds."""
        needs = {key: self.missing(*key) for key in self._named(budget)}
        return sum(map(bool, needs.values())), self._open(budget, needs)

    def of_claim(self, claim: Claim, verdicts: Sequence[Verdict]) -> Open | None:
        """The runs that the verdicts of a claim, or one of them, need; None if they need none.

        Missing runs come first, then runs at the claim's largest budget if a smaller one cannot decide, then more seeds
        if an interval is too wide: as many as would narrow it enough if mean and spread stayed. A level that nobody is
        known to reach needs no runs, and where too many seeds fail, more of them do not help.
        """
        over = [v for v in verdicts if not v.task]
        words = {v.verdict for v in over or verdicts}
        undecided = [v for v in verdicts if v.task and v.verdict == "INCONCLUSIVE"]
        if "INCOMPLETE" in words:
            asks = self._missing_runs(claim, over or [v for v in verdicts if v.verdict == "INCOMPLETE"])
            return asks and replace(asks, at_least=bool(undecided))
        if "INCONCLUSIVE" not in words:
            return None
        short = [v for v in verdicts if v.task and v.cause == "budget"]
        if short:
            largest = (claim.budgets or self.budgets)[0]
            asks = self._missing_runs(claim, [replace(v, budget=largest) for v in short])
            return asks and replace(asks, at_least=len(short) < len(undecided))
        judged = verdicts if claim.over_tasks else [v for v in verdicts if v.task]
        settled = ("premise", "threshold", "failed")  # more seeds do not help
        undecided = [v for v in judged if v.verdict == "INCONCLUSIVE" and v.cause not in settled]
        if not undecided:
            return None
        return self._more_seeds(claim, undecided, [v.verdict for v in verdicts if v.task] if over else [])

    def of_level(self, verdict: Verdict) -> Open | None:
        """The runs that a verdict on a published number needs: its cell's missing runs at the paper's budget, and those
        of the random policy, which the margin takes.
        """
        if verdict.rival or verdict.verdict not in ("INCOMPLETE", "NOT_COMPARABLE"):
            return None
        budget = self.budgets[0]
        keys: list[Key] = [(budget, verdict.task, one) for one in dict.fromkeys((verdict.variant, RANDOM_VARIANT))]
        needs = {key: seeds for key in keys if (seeds := self.missing(*key))}
        return self._open(budget, needs) if needs else None

    def _missing_runs(self, claim: Claim, verdicts: Sequence[Verdict]) -> Open | None:
        needs: dict[Key, tuple[int, ...]] = {}
        for v in verdicts:
            for task in [v.task] if v.task else self.experiment.tasks_of(claim):
                for variant in variants_of_claim(claim, task):
                    needs[v.budget, task, variant] = self.missing(v.budget, task, variant)
        return self._open(verdicts[0].budget, needs) if any(needs.values()) else None

    def _more_seeds(self, claim: Claim, undecided: Sequence[Verdict], counted: Sequence[str]) -> Open:
        """More seeds; for a claim counted over its tasks, on the cheapest tasks that suffice."""
        forecasts = sorted(((v, *forecast(claim, v)) for v in undecided), key=lambda one: one[1])
        enough = _enough(forecasts, counted, claim.at_least) if counted and claim.at_least else forecasts
        seeds = max((n for _, n, _ in enough), default=MOST_SEEDS + 1)
        budget = undecided[0].budget
        if seeds > MOST_SEEDS:
            return Open(budget, 0, None, seeds)
        needs = {
            key: self._lacking(key, self.experiment.counted(n))
            for v, n, _ in enough
            for task in ([v.task] if v.task else self.experiment.tasks_of(claim))
            for variant in variants_of_claim(claim, task)
            if (key := (v.budget, task, variant)) in self.cells
        }
        return replace(self._open(budget, needs), seeds=seeds)

    def _lacking(self, key: Key, seeds: tuple[int, ...]) -> tuple[int, ...]:
        """The seeds that the store does not have, whether requested or not."""
        done = self._store.state(replace(self.cells[key], seeds=seeds)).done
        return tuple(seed for seed in seeds if seed not in done)

    def _open(self, budget: str, needs: Needs) -> Open:
        wanted = [block for key, seeds in needs.items() for block in blocks(self.cells[key], seeds)] if needs else []
        return Open(budget, sum(len(block.wanted) for block in wanted), self._seconds(wanted))

    def _seconds(self, wanted: Sequence[Block]) -> float | None:
        """Seconds on this machine with the number of processes that `run` would start."""
        known = dict(remembered(self._store, wanted))
        for block in wanted:
            name = kind(block.cell)
            if name not in known and (seconds := self._recorded(block.cell)) is not None:
                known[name] = Cost(seconds * block.cell.block_size)
        found = estimate(wanted, known, default_jobs(wanted))
        return None if found.unknown else found.seconds

    def _recorded(self, cell: Cell) -> float | None:
        """Seconds of one seed, from the finished cells most similar to this one; None if none is similar."""
        timed = []
        for key, state in self.states.items():
            likeness = self._likeness(cell, self.cells[key]) if state.done and state.seconds else None
            if likeness is not None:
                rank, scale = likeness
                timed.append((rank, scale * state.seconds / len(state.done)))
        best = min((rank for rank, _ in timed), default=None)
        seconds = [s for rank, s in timed if rank == best]
        return math.fsum(seconds) / len(seconds) if seconds else None

    def _likeness(self, cell: Cell, other: Cell) -> tuple[tuple[float, ...], float] | None:
        """The dissimilarity of two cells (a sort key), and the factor for the other's time.

        None if their times are not comparable: another learner; or another task or budget together with another value
        of a setting that counts something (simulations, units) and so changes the work.
        """
        if cell.variant.learner != other.variant.learner:
            return None
        unlike = {n: (cell.config[n], other.config[n]) for n in cell.config if cell.config[n] != other.config[n]}
        counts = [(a, b) for a, b in unlike.values() if _counts(a) or _counts(b)]
        elsewhere = (cell.task.id != other.task.id, cell.budget != other.budget)
        if counts and any(elsewhere):
            return None
        scale = 1.0
        for name in self.experiment.budget(cell.budget).limits:
            mine, its = cell.limits[name], other.limits.get(name)
            if not (isinstance(mine, int | float) and isinstance(its, int | float) and its):
                return None
            scale *= mine / its
        apart = math.fsum(abs(a - b) for a, b in counts if isinstance(a, int) and isinstance(b, int))
        return (len(unlike), apart, *elsewhere), scale


def _counts(value: Setting) -> bool:
    """Whether a setting is a count: an integer, or several."""
    return isinstance(value, tuple) or (isinstance(value, int) and not isinstance(value, bool))


def _enough(forecasts: Sequence[Forecast], words: Sequence[str], at_least: int) -> list[Forecast]:
    """The first of the sorted forecasts that would decide a claim counted over its tasks."""
    lacking = {
        "SUPPORTED": at_least - words.count("SUPPORTED"),
        "REFUTED": len(words) - at_least + 1 - words.count("REFUTED"),
    }
    ways = [[one for one in forecasts if one[2] == word][:number] for word, number in lacking.items()]
    whole = [way for way, number in zip(ways, lacking.values(), strict=True) if way and len(way) == number]
    return min(whole, key=lambda way: way[-1][1], default=[])


def forecast(claim: Claim, verdict: Verdict) -> tuple[int, str]:
    """The number of seeds that would decide a verdict if its mean and spread stayed, and the resulting verdict.

    Each side of the interval is assumed to shrink like a t-interval; `MOST_SEEDS` + 1 if that is not enough.
    """
    part = deciding_part(verdict)
    if part is None or verdict.n < 2:
        return MOST_SEEDS + 1, ""
    if verdict.details[part].unit == "failed share":
        seeds = verdict.details[part].seeds
        word = _needed(verdict.details[part], claim.parts[part].relation)[1]
        return (MOST_SEEDS + 1, "") if seeds is None else (min(max(seeds, verdict.n + 1), MOST_SEEDS + 1), word)
    if verdict.cause == "coverage":  # the interval is narrow enough, but not to be trusted
        return next((n for n in SEEDS if n > verdict.n), MOST_SEEDS + 1), ""
    result, relation = verdict.details[part], claim.parts[part].relation
    shrink, word = _needed(result, relation)
    for n in range(verdict.n + 1, MOST_SEEDS + 1):
        if _half_width(n) <= shrink * _half_width(verdict.n):
            return n, word
    return MOST_SEEDS + 1, word


def _half_width(n: int) -> float:
    """Half-width of a 95 % t-interval, in standard deviations."""
    return float(special.stdtrit(n - 1, 0.975)) / math.sqrt(n)


def _needed(part: PartResult, relation: str) -> tuple[float, str]:
    """The share of its size to which the interval must shrink, and the resulting verdict."""
    numbers = (part.value, part.low, part.high, part.threshold)
    if any(x is None or not math.isfinite(x) for x in numbers):
        return 0.0, ""
    scale = math.log if part.unit == "ratio" else float
    value, low, high, threshold = (scale(x) for x in numbers if x is not None)
    if relation == "~":
        bounds = (-abs(threshold), abs(threshold))
        if bounds[0] < value < bounds[1]:
            shares = [_share(bounds[1] - value, high - value), _share(value - bounds[0], value - low)]
            return min(shares), "SUPPORTED"
        outside = value - bounds[1] if value > 0 else bounds[0] - value
        return _share(outside, value - low if value > 0 else high - value), "REFUTED"
    above = value > threshold
    word = "SUPPORTED" if above == relation.startswith(">") else "REFUTED"
    return _share(abs(value - threshold), value - low if above else high - value), word


def _share(room: float, width: float) -> float:
    return room / width if width > 0 else math.inf
