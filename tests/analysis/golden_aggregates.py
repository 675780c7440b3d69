"""Makes golden_aggregates.json: what rliable, lifelines, statsmodels and scipy say about the statistics of aggregates.

None of them is needed by svgbench or by its tests, and nothing of svgbench is imported here. The file was made by

    python -m venv golden && golden/bin/pip install rliable==1.2.0 lifelines==0.30.3 'pandas<3' statsmodels
    golden/bin/python tests/analysis/golden_aggregates.py

Every entry names the call that made it; `versions` has the libraries' versions.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from rliable import library, metrics
from scipy import stats
from statsmodels.stats.meta_analysis import effectsize_smd

FILE = Path(__file__).with_name("golden_aggregates.json")
LIBRARIES = ("rliable", "lifelines", "statsmodels", "scipy", "numpy", "pandas", "arch")
REPETITIONS = 5_000


def build() -> dict[str, Any]:
    rng = np.random.default_rng(20261129)
    return {
        "versions": {name: version(name) for name in LIBRARIES},
        "scores": {
            "call": "rliable.library.get_interval_estimates({'x': scores}, [metrics.aggregate_iqm, aggregate_mean, "
            f"aggregate_median, aggregate_optimality_gap], reps={REPETITIONS}); scores [runs, tasks]",
            "cases": [_scores(rng, *size) for size in ((5, 3), (10, 6), (8, 1), (6, 2))],
        },
        "improvement": {
            "call": "rliable.library.get_interval_estimates({'x,y': (x, y)}, metrics.probability_of_improvement, "
            f"reps={REPETITIONS}); x and y [runs, tasks]",
            "cases": [_improvement(rng, *size) for size in ((5, 5, 3), (10, 7, 2), (6, 6, 1))],
        },
        "profile": {
            "call": f"rliable.library.create_performance_profile({{'x': scores}}, levels, reps={REPETITIONS})",
            "cases": [_profile(rng, 10, 4)],
        },
        "hedges": {
            "call": "statsmodels.stats.meta_analysis.effectsize_smd(mean1, sd1, n1, mean2, sd2, n2)[0]",
            "cases": [_hedges(rng, *sizes) for sizes in ((5, 5), (3, 10), (20, 4))],
        },
        "survival": {
            "call": "lifelines.KaplanMeierFitter().fit(times, reached); restricted_mean_survival_time(fit, until)",
            "cases": [_survival(rng, n, share) for n, share in ((5, 1.0), (10, 0.6), (7, 0.2), (30, 0.5))],
        },
        "false_discoveries": {
            "call": "scipy.stats.false_discovery_control(p, method='bh')",
            "cases": [_discoveries(rng.random(n) ** 3) for n in (1, 2, 7, 40)],
        },
    }


def _scores(rng: np.random.Generator, runs: int, tasks: int) -> dict[str, Any]:
    scores = rng.normal(0.6, 0.4, (runs, tasks)) + rng.normal(0, 0.3, tasks)

    def every(x: np.ndarray) -> np.ndarray:
        names = (metrics.aggregate_iqm, metrics.aggregate_mean, metrics.aggregate_median)
        return np.array([*(metric(x) for metric in names), metrics.aggregate_optimality_gap(x)])

    points, intervals = library.get_interval_estimates({"x": scores}, every, reps=REPETITIONS)
    return {"scores": scores.tolist(), "points": points["x"].tolist(), "intervals": intervals["x"].T.tolist()}


def _improvement(rng: np.random.Generator, n: int, m: int, tasks: int) -> dict[str, Any]:
    x, y = rng.normal(0.4, 1, (n, tasks)).round(1), rng.normal(0, 1, (m, tasks)).round(1)  # rounded: there are ties
    points, intervals = library.get_interval_estimates(
        {"x,y": (x, y)}, metrics.probability_of_improvement, reps=REPETITIONS
    )
    a12 = [float(stats.mannwhitneyu(x[:, t], y[:, t]).statistic) / (n * m) for t in range(tasks)]
    interval = np.ravel(intervals["x,y"]).tolist()
    return {"x": x.tolist(), "y": y.tolist(), "point": float(points["x,y"]), "interval": interval, "a12": a12}


def _profile(rng: np.random.Generator, runs: int, tasks: int) -> dict[str, Any]:
    scores, levels = rng.beta(2, 2, (runs, tasks)), np.linspace(0, 1, 11)
    shares, intervals = library.create_performance_profile({"x": scores}, levels, reps=REPETITIONS)
    low, high = intervals["x"]
    found = {"levels": levels, "shares": shares["x"], "low": low, "high": high, "scores": scores}
    return {name: np.asarray(values).tolist() for name, values in found.items()}


def _hedges(rng: np.random.Generator, n: int, m: int) -> dict[str, Any]:
    x, y = rng.normal(1, 1, n), rng.normal(0, 2, m)
    g, _ = effectsize_smd(x.mean(), x.std(ddof=1), n, y.mean(), y.std(ddof=1), m)
    return {"x": x.tolist(), "y": y.tolist(), "g": float(g)}


def _survival(rng: np.random.Generator, n: int, share: float) -> dict[str, Any]:
    times = rng.integers(1, 20, n) * 500.0
    reached = rng.random(n) < share
    until = float(np.quantile(times, 0.8))
    fit = KaplanMeierFitter().fit(times, reached)
    table: pd.DataFrame = fit.survival_function_
    median = float(fit.median_survival_time_)
    return {
        "times": times.tolist(),
        "reached": reached.tolist(),
        "until": until,
        "steps": table.index.tolist(),
        "shares": table.iloc[:, 0].tolist(),
        "median": median if np.isfinite(median) else None,
        "restricted_mean": float(restricted_mean_survival_time(fit, until)),
    }


def _discoveries(p: np.ndarray) -> dict[str, Any]:
    return {"p": p.tolist(), "adjusted": stats.false_discovery_control(p, method="bh").tolist()}


if __name__ == "__main__":
    FILE.write_text(json.dumps(build(), indent=1) + "\n")
