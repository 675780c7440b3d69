"""From a cell's rows to one number per seed."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from svgbench.words.claims import Measure
from svgbench.words.values import Scalar

FEWEST_RANKED = 3  # rows whose ranks are correlated


@dataclass(frozen=True)
class CellData:
    """The stored data of one cell at one budget.

    `frame` has the columns seed, step and the experiment's. `diverged` seeds are among `seeds_done`. Verdicts
    use the seeds that are both done and requested; rows of other seeds do not exist for them. A `foreign` cell was
    measured by another program: its seeds share no initial weights and no noise with ours. `stored_last` is the last
    step of any stored seed, if `frame` has only some of them; `stored_seeds` are all stored seeds, if the cell is
    undeclared and only some were requested. `mixed` seeds, among `seeds_done`, were begun on one platform and continued
    on another.
    """

    task: str
    variant: str
    frame: pd.DataFrame
    seeds_done: tuple[int, ...]
    seeds_asked: tuple[int, ...]
    diverged: tuple[int, ...] = ()
    imported: bool = False
    foreign: bool = False
    stored_last: int | None = None
    stored_seeds: tuple[int, ...] = ()
    mixed: tuple[int, ...] = ()

    @property
    def last_step(self) -> int | None:
        """The last step that any seed of the cell has reached; None without rows."""
        return self.stored_last if self.stored_last is not None else last_step_of(self.frame)

    @property
    def early(self) -> dict[int, int]:
        """The last step of every seed that ends before another seed of the cell."""
        ends = self.frame.groupby("seed")["step"].max()
        return {int(s): int(step) for s, step in ends.items() if s in self.seeds and step != self.last_step}

    @property
    def missing(self) -> tuple[int, ...]:
        """The requested seeds that are not done."""
        return tuple(sorted(set(self.seeds_asked) - set(self.seeds_done) - set(self.diverged)))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The requested seeds that are done, including diverged ones."""
        return tuple(sorted(set(self.seeds_asked) & (set(self.seeds_done) | set(self.diverged))))


@dataclass(frozen=True)
class Sample:
    """A measure of one cell: the finite values, the seeds that failed, and those without the rows it needs.

    A seed failed if it diverged, whatever its earlier values, or if its value is not finite. `infinite` has the values
    of those failed seeds that did not diverge and whose value is infinite.
    """

    values: Mapping[int, float]
    failed: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    infinite: Mapping[int, float] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return len(self.values) + len(self.failed)

    def counted(self, floor: float) -> dict[int, float]:
        """Every seed's value; a failed seed has the value `floor`."""
        return dict(self.values) | dict.fromkeys(self.failed, floor)


def measure_values(frame: pd.DataFrame, measure: Measure, extra_where: Mapping[str, Scalar] | None = None) -> pd.Series:
    """The measure of every seed: float values indexed by `seed`, in its order.

    `extra_where` adds conditions; where it names a column that `measure.where` pins too, the measure's own
    stands. Numbers compare exactly. A seed without a matching row is absent. A NaN among the rows that are
    reduced makes the result NaN. ValueError for a column that the frame does not have.
    """
    where = {**(extra_where or {}), **measure.where}
    for column in ("seed", measure.column, *where, *([measure.beside] if measure.beside else [])):
        _check_column(column, frame)
    mask = _matching(frame, where)
    if measure.until < 1:
        mask &= _is_early(frame, measure.until)
    seeds = pd.Index(frame["seed"].to_numpy()[mask], name="seed")
    numbers = pd.Series(frame[measure.column].to_numpy(dtype=float)[mask], index=seeds)
    groups = numbers.groupby(level="seed", sort=True)
    if measure.reduce == "mean_of_last":
        return groups.tail(measure.k).groupby(level="seed", sort=True).mean(skipna=False)
    if measure.reduce == "mean_change":
        return groups.agg(lambda values: values.diff().abs().iloc[1:].mean(skipna=False))
    if measure.reduce in ("best_mean", "fall"):
        return groups.agg(lambda values: _best_or_fall(values.to_numpy(), measure))
    if measure.reduce == "share_lost":
        return groups.agg(lambda values: _share_lost(values.to_numpy(), measure.k))
    if measure.reduce == "rank_correlation":
        both = frame[mask].groupby("seed", sort=True)[[measure.column, measure.beside]]
        found = {int(seed): _correlated(rows.to_numpy(dtype=float), measure.k) for seed, rows in both}
        return pd.Series(found, dtype=float).rename_axis("seed")
    reductions = {"last": groups.last, "mean": groups.mean, "min": groups.min, "max": groups.max}
    return reductions[measure.reduce](skipna=False)


def rows_where(frame: pd.DataFrame, where: Mapping[str, Scalar]) -> pd.DataFrame:
    """The rows in which the columns have these values; "last" for a step is each seed's last step."""
    return frame[_matching(frame, where)]


def rows_behind(frame: pd.DataFrame, measure: Measure) -> pd.Series:
    """How many rows of every seed the measure selects, before it takes the last of them; indexed by `seed`."""
    return frame[_matching(frame, measure.where)].groupby("seed").size()


def read_sample(cell: CellData, measure: Measure, extra_where: Mapping[str, Scalar] | None = None) -> Sample:
    """The measure of the cell's seeds, failures apart. An imported cell may lack a column that the measure reads."""
    if cell.imported and not {measure.column, *measure.where, measure.beside} - {""} <= {*cell.frame.columns}:
        return Sample({}, absent=cell.seeds)
    measured = measure_values(cell.frame, measure, extra_where)
    values = dict(zip(measured.index.tolist(), measured.tolist(), strict=True))
    finite, failed, absent, infinite = {}, [], [], {}
    for seed in cell.seeds:
        value = values.get(seed)
        if seed in cell.diverged or (value is not None and not math.isfinite(value)):
            failed.append(seed)
            if seed not in cell.diverged and value is not None and math.isinf(value):
                infinite[seed] = value
        elif value is None:
            absent.append(seed)
        else:
            finite[seed] = value
    return Sample(finite, tuple(failed), tuple(absent), infinite)


def worst(values: Iterable[float], higher_is_better: bool) -> float | None:
    """The worst finite value, the default value of a failed seed; None if there is none."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return None
    return min(finite) if higher_is_better else max(finite)


def last_step_of(frame: pd.DataFrame) -> int | None:
    """The last step in a frame; None without rows."""
    return int(frame["step"].max()) if len(frame) else None


def _matching(frame: pd.DataFrame, where: Mapping[str, Scalar]) -> NDArray[np.bool_]:
    mask = np.ones(len(frame), dtype=bool)
    for column, wanted in where.items():
        if column == "step" and wanted == "last":
            mask &= (frame["step"] == frame.groupby("seed")["step"].transform("max")).to_numpy(dtype=bool)
        else:
            mask &= (frame[column] == wanted).to_numpy(dtype=bool)
    return mask


def _is_early(frame: pd.DataFrame, until: float) -> NDArray[np.bool_]:
    """Rows up to this share of their seed's last step, and those of its first."""
    steps = frame.groupby("seed")["step"]
    ends = np.maximum(until * steps.transform("max"), steps.transform("min"))
    early: NDArray[np.bool_] = (frame["step"] <= ends).to_numpy(dtype=bool)
    return early


def _means(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """The means of k successive values, or of all if there are fewer."""
    means: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(values, min(k, len(values))).mean(1)
    return means


def _best_or_fall(values: NDArray[np.float64], measure: Measure) -> float:
    """The best mean of k successive values, or by how much that of the last k is below the highest."""
    means = _means(values, measure.k)
    if measure.reduce == "fall":
        return float(means.max() - means[-1])
    return float(means.max() if measure.higher_is_better else means.min())


def _share_lost(values: NDArray[np.float64], k: int) -> float:
    """The fall from the highest mean of k values to the last, divided by the rise before it; at most 1, and 1 without
    a rise."""
    if not np.isfinite(values).all():
        return math.nan
    means = _means(values, k)
    peak = int(means.argmax())
    rise = means[peak] - values[: peak + min(k, len(values))].min()
    return min(float((means[peak] - means[-1]) / rise), 1.0) if rise > 0 else 1.0


def _correlated(rows: NDArray[np.float64], k: int) -> float:
    """Spearman's correlation of two columns [T, 2] after the highest mean of k values of the second; 0 without any."""
    if not np.isfinite(rows).all():
        return math.nan
    after = rows[int(_means(rows[:, 1], k).argmax()) + k :]
    if len(after) < FEWEST_RANKED or not np.ptp(after, axis=0).all():
        return 0.0
    return float(np.corrcoef(pd.DataFrame(after).rank().to_numpy(), rowvar=False)[0, 1])


def _check_column(column: str, frame: pd.DataFrame) -> None:
    if column in frame.columns:
        return
    names = [str(name) for name in frame.columns]
    nearest = difflib.get_close_matches(column, names, n=1, cutoff=0.0)
    hint = f"; the nearest is {nearest[0]!r}" if nearest else ""
    raise ValueError(f"no column {column!r}: the frame has {', '.join(names)}{hint}")
