"""The remaining time of a run. It comes from the blocks' progress so far; blocks that have not started use the others'.

Times are seconds on one clock. `done` and `total` are in a block's own unit of progress.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)

Point = tuple[float, int]
"""A time, and the progress at that time."""

RECENT = 5  # the fewest increments that give the present pace, apart from a warm-up
LONGEST_TRACE = 400  # points; more do not improve the estimate
BURST = 2.0  # times the present cost: such an increment contains extra work
ONCE = 1.5  # times the progress before a burst: after this much without another, it is taken to happen once
COMPARED = 0.5  # of a block: until then it is compared with finished blocks of its kind
TRUSTED = 0.1  # of a block: its first slices are often unusual; after them its own pace counts
WARM_UP = 0.5  # of the present cost per unit: a cheaper beginning does not predict the rest


def duration(seconds: float) -> str:
    """ "45 s", "12 min", "3.5 h", "9 days", "3.2 months", "14 months".

    >>> duration(5400)
    '1.5 h'
    """
    for unit, size, limit in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48), ("days", 86400, 60)):
        if seconds < size * limit:
            value = seconds / size
            return f"{value:.1f} {unit}" if unit == "h" and value < 10 else f"{value:.0f} {unit}"
    months = seconds / (86400 * 30.44)
    return f"{months:.1f} months" if months < 10 else f"{months:.0f} months"


@dataclass(frozen=True)
class Pace:
    """The cost of progress: `base` seconds per unit, plus a burst (an evaluation, an update) every `period` units. The
    last burst was at `burst_at`. If the period is unknown, bursts are part of the base, except for work that happens
    `once`, such as a first fit of a model."""

    base: float
    burst: float = 0.0
    period: float = math.inf
    burst_at: int = 0
    once: float = 0.0

    @property
    def mean(self) -> float:
        """Seconds per unit, bursts included."""
        return self.base + self.burst / self.period

    def rest(self, done: int, total: int) -> float:
        """Seconds from `done` to `total`."""
        bursts = 0 if self.period == math.inf else math.floor((total - self.burst_at) / self.period + 0.25)
        return self.base * (total - done) + self.burst * bursts


def pace_of(trace: Sequence[Point]) -> Pace | None:
    """The cost of progress from here on; None while the trace shows no progress.

    It is the mean over the trace without a cheap beginning: leading increments below half of the present cost, such as
    steps that only fill a replay memory. The present cost is the median over the later half of the time, weighted by
    progress, so that a burst counts little.
    """
    increments = _increments(trace)
    if not increments:
        return None
    present = _median(increments[_later_half(increments) :])
    first = next(i for i, one in enumerate(increments) if one.seconds / one.units >= WARM_UP * present)
    increments = increments[first:]
    bursts = [one for one in increments if one.seconds > BURST * present * one.units]
    plain = [one for one in increments if one not in bursts]
    if not bursts or not plain:
        return Pace(_mean(increments))
    base = _mean(plain)
    begin, end, last = increments[0].done - increments[0].units, increments[-1].done, bursts[-1].done
    if len(bursts) == 1:
        (burst,) = bursts
        came_after = burst.done - begin + burst.units  # the first slice is not in the trace
        if end - last > ONCE * came_after:  # another one would have happened by now
            return Pace(base, once=burst.seconds - base * burst.units)
        return Pace(_mean(increments))
    excess = statistics.fmean(one.seconds - base * one.units for one in bursts)
    period = (last - bursts[0].done) / (len(bursts) - 1)
    if end - last > ONCE * period:  # they happened close together
        period = (end - begin) / len(bursts)
    return Pace(base, excess, period, last)


def _mean(increments: Sequence[Increment]) -> float:
    return sum(one.seconds for one in increments) / sum(one.units for one in increments)


class Increment(NamedTuple):
    """Seconds and units between two points, and the progress at the second."""

    seconds: float
    units: int
    done: int


def _increments(trace: Sequence[Point]) -> list[Increment]:
    """The increments between points. Time without progress counts towards the next progress."""
    found: list[Increment] = []
    since, before = trace[0] if trace else (0.0, 0)
    for now, done in trace[1:]:
        if done > before:
            found.append(Increment(now - since, done - before, done))
            since, before = now, done
    return found


def _later_half(increments: Sequence[Increment]) -> int:
    """The start of the later half of the time, or of the last `RECENT` increments if those are more."""
    half, passed = sum(one.seconds for one in increments) / 2, 0.0
    for index, one in enumerate(increments):
        passed += one.seconds
        if passed > half:
            return max(min(index, len(increments) - RECENT), 0)
    return 0


def _median(increments: Sequence[Increment]) -> float:
    """The median cost per unit, weighted by progress."""
    costs = sorted((one.seconds / one.units, one.units) for one in increments)
    half, passed = sum(units for _, units in costs) / 2, 0
    for cost, units in costs:
        passed += units
        if passed >= half:
            return cost
    return costs[-1][0]


class Work(NamedTuple):
    """A block: the seconds that it still takes, and the slots."""

    seconds: float
    width: int = 1


def makespan(running: Iterable[Work], waiting: Iterable[Work], slots: int) -> float:
    """Seconds until everything is done. Waiting blocks start in order, each as soon as there are slots for it; while
    there are too few, narrower ones start before it (`svgbench.lab.queue`)."""
    ends = [(work.seconds, work.width) for work in running]
    heapq.heapify(ends)
    free, now, last = max(slots - sum(width for _, width in ends), 0), 0.0, max(ends, default=(0.0, 0))[0]
    queues: dict[int, deque[tuple[int, float]]] = {}
    for number, work in enumerate(waiting):
        queues.setdefault(work.width, deque()).append((number, work.seconds))
    while queues:
        fitting = [width for width in queues if width <= free or not ends]
        if not fitting:
            now, width = heapq.heappop(ends)
            free += width
            continue
        width = min(fitting, key=lambda one: queues[one][0])
        _, seconds = queues[width].popleft()
        if not queues[width]:
            del queues[width]
        heapq.heappush(ends, (now + seconds, width))
        free, last = free - width, max(last, now + seconds)
    return last


@dataclass
class _Running:
    since: float
    trace: list[Point] = field(default_factory=list)
    total: int = 0
    outlook: float = 1.0
    latest: Pace | None = None  # of the first `points` points
    points: int = 0

    @property
    def pace(self) -> Pace | None:
        if self.points != len(self.trace):
            self.latest, self.points = pace_of(self.trace), len(self.trace)
        return self.latest

    def add(self, point: Point) -> None:
        """If the progress falls back, earlier points are dropped. A long trace keeps every second point."""
        if self.trace and point[1] < self.trace[-1][1]:
            self.trace.clear()
        self.points = 0
        self.trace.append(point)
        if len(self.trace) > LONGEST_TRACE:
            del self.trace[1:-1:2]

    @property
    def seen(self) -> float:
        """The share of the block that the trace covers, from 0 to 1."""
        return (self.trace[-1][1] - self.trace[0][1]) / max(self.total, 1) if self.trace else 0.0

    @property
    def resumed(self) -> bool:
        """Whether a part of the block was done before this process started."""
        return bool(self.trace) and self.trace[0][1] > TRUSTED * self.total

    def took(self, now: float) -> float:
        """Seconds of the whole block from start to end, once it has ended."""
        if not self.resumed:
            return now - self.since
        first, done = self.trace[0]
        return first - self.since + (now - first) * self.total / max(self.total - done, 1)

    def whole(self) -> float | None:
        """Seconds of the whole block from start to end, at the present pace."""
        pace = self.pace
        if pace is None:
            return None
        first_slice = pace.base * (self.trace[1][1] - self.trace[0][1])
        return max(self.trace[0][0] - self.since - first_slice, 0.0) + pace.mean * self.total + pace.once


class Forecast(Generic[Key]):
    """The remaining time of a run. `kinds` maps all blocks, in starting order, to their kinds; blocks of one kind cost
    the same. `prior` maps kinds to known costs, in seconds for a whole block. `width`: the slots that a block takes."""

    def __init__(
        self,
        kinds: Mapping[Key, str],
        slots: int,
        prior: Mapping[str, float] | None = None,
        width: Callable[[Key], int] = lambda _: 1,
    ) -> None:
        self.kinds, self.slots, self.prior, self.width = kinds, slots, dict(prior or {}), width
        self.waiting = dict.fromkeys(kinds)
        self.running: dict[Key, _Running] = {}
        self.took: dict[str, list[float]] = {}  # seconds of whole blocks, by kind
        self.known: _Known | None = None  # until something happens

    def started(self, key: Key, now: float) -> None:
        """The block's process starts, for the first time or again."""
        self.known = None
        self.waiting.pop(key, None)
        self.running[key] = _Running(now)

    def progressed(self, key: Key, now: float, done: int, total: int, outlook: float = 1.0) -> None:
        """Note the block's progress. The rest will cost between 1 and `outlook` times as much per unit."""
        self.known = None
        one = self.running.setdefault(key, _Running(now))
        one.total, one.outlook = total, outlook
        one.add((now, done))

    def ended(self, key: Key, now: float, finished: bool) -> None:
        """The block's process has ended and will not be started again."""
        self.known = None
        self.waiting.pop(key, None)
        one = self.running.pop(key, None)
        if one is not None and finished:
            self.took.setdefault(self.kinds[key], []).append(one.took(now))

    def postponed(self, key: Key) -> None:
        """The block's process has ended and will be started again later."""
        self.known = None
        self.running.pop(key, None)
        self.waiting[key] = None

    def of(self, key: Key, now: float) -> float | None:
        """Remaining seconds of a running block; None if unknown."""
        one = self.running[key]
        own, whole = self._own(one, now), self._whole(self.kinds[key])
        trust = min(one.seen / (COMPARED if self.kinds[key] in self.took else TRUSTED), 1.0) ** 2
        if trust == 1.0 or whole is None:
            return own
        spent = one.trace[-1][1] / one.total * whole if one.resumed else now - one.since
        like = max(whole - spent, 0.0)
        return like if own is None else trust * own + (1 - trust) * like

    def _own(self, one: _Running, now: float) -> float | None:
        """Remaining seconds of the block at its own pace."""
        pace = one.pace
        if pace is None:
            return None
        seen, done = one.trace[-1]
        return max(pace.rest(done, one.total) * math.sqrt(max(one.outlook, 1.0)) - (now - seen), 0.0)

    def whole(self, now: float) -> float | None:
        """Seconds until all blocks are done; None if unknown."""
        running = [self.of(key, now) for key in self.running]
        wholly = [whole for one in self.running.values() if (whole := one.whole()) is not None]
        guess = statistics.fmean(wholly) if wholly else None  # used when no block can be trusted yet
        kinds = {self.kinds[key] for key in self.waiting}
        wholes = {kind: guess if (whole := self._whole(kind)) is None else whole for kind in kinds}
        waiting = [wholes[self.kinds[key]] for key in self.waiting]
        known = [seconds for seconds in (*running, *waiting) if seconds is not None]
        if not known and (running or waiting):
            return None
        ours, further = map(self.width, self.running), map(self.width, self.waiting)
        begun = map(Work, _filled(running, known), ours)
        return makespan(begun, map(Work, _filled(waiting, known), further), self.slots)

    def _whole(self, kind: str) -> float | None:
        """Seconds of a whole block of that kind: measured in this run, or else the prior, corrected by other kinds."""
        if self.known is None:
            self.known = self._measured()
        if kind in self.known.means:
            return self.known.means[kind]
        return self.prior[kind] * self.known.ratio if kind in self.prior else self.known.mean

    def _measured(self) -> _Known:
        shown = self._shown()
        means = {kind: statistics.fmean(seconds) for kind, seconds in shown.items()}
        ratios = [mean / self.prior[kind] for kind, mean in means.items() if self.prior.get(kind, 0.0) > 0]
        everything = [seconds for own in shown.values() for seconds in own]
        ratio = statistics.median(ratios) if ratios else 1.0
        return _Known(means, ratio, statistics.fmean(everything) if everything else None)

    def _shown(self) -> dict[str, list[float]]:
        """Seconds of whole blocks by kind: from finished blocks, or else from running ones that can be trusted."""
        shown = dict(self.took)
        for key, one in self.running.items():
            if self.kinds[key] not in self.took and one.seen >= TRUSTED and (whole := one.whole()) is not None:
                shown.setdefault(self.kinds[key], []).append(whole)
        return shown


class _Known(NamedTuple):
    """Seconds of whole blocks in this run: the mean of each kind, its ratio to the prior, and the mean of all."""

    means: Mapping[str, float]
    ratio: float
    mean: float | None


def _filled(seconds: Sequence[float | None], known: Sequence[float]) -> list[float]:
    """Replace unknown values by the mean of the known ones."""
    return [statistics.fmean(known) if one is None else one for one in seconds]
