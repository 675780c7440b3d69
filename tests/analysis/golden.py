"""Makes golden.json: what statsmodels and scipy say about the statistics that svgbench writes itself.

`python tests/analysis/golden.py` writes the file anew. Nothing of svgbench is imported here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_ind

FILE = Path(__file__).with_name("golden.json")


def build() -> dict[str, list[dict[str, Any]]]:
    rng = np.random.default_rng(20261121)
    return {
        "two_samples": [_two_samples(rng, *case) for case in _PAIRS],
        "one_sample": [_one_sample(rng.lognormal(size=n)) for n in (2, 3, 5, 10, 31)],
        "holm": [_holm(p) for p in ([0.04], [0.01, 0.04, 0.03], [0.5, 0.9, 0.6], list(rng.random(12) ** 3))],
        "interquartile_mean": [_trimmed(rng.standard_cauchy(n)) for n in (1, 2, 3, 4, 5, 7, 8, 10, 33)],
        "stratified": [_stratified([rng.normal(0, 1, 6), rng.normal(2, 0.3, 9), rng.lognormal(size=5)])],
        "paired_power": [_paired(e, n, a) for e in (0.2, 0.8, 1.2) for n in (2, 3, 5, 10, 30) for a in (0.01, 0.05)],
        "detectable": [_detectable(n, power) for n in (3, 5, 10, 30) for power in (0.5, 0.8, 0.9)],
    }


# gap, SD ratio, n of each, margin
_PAIRS = [
    (0.0, 1.0, 5, 5, 1.0),
    (0.3, 3.0, 3, 10, 2.0),
    (-1.5, 0.2, 10, 4, 1.0),
    (4.0, 1.0, 8, 8, 1.0),
    (-4.0, 1.0, 8, 8, 1.0),
    (0.1, 1.0, 100, 10, 1.5),
]


def _two_samples(rng: np.random.Generator, gap: float, ratio: float, n1: int, n2: int, margin: float) -> dict[str, Any]:
    a, b = rng.normal(10 + gap, 1, n1), rng.normal(10, ratio, n2)
    test = stats.ttest_ind(a, b, equal_var=False)
    interval = test.confidence_interval(0.9)
    return {
        "a": a.tolist(),
        "b": b.tolist(),
        "margin": margin,
        "p": float(test.pvalue),
        "df": float(test.df),
        "low_90": float(interval.low),
        "high_90": float(interval.high),
        "tost": float(ttost_ind(a, b, -margin, margin, usevar="unequal")[0]),
    }


def _one_sample(values: np.ndarray) -> dict[str, Any]:
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    return {"values": values.tolist(), "low": float(interval.low), "high": float(interval.high)}


def _holm(p: list[float]) -> dict[str, Any]:
    p = [float(x) for x in p]
    return {"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()}


def _trimmed(values: np.ndarray) -> dict[str, Any]:
    return {"values": values.tolist(), "mean": float(stats.trim_mean(values, 0.25))}


def _stratified(samples: list[np.ndarray]) -> dict[str, Any]:
    """scipy's bootstrap of several samples resamples each within itself."""
    interval = stats.bootstrap(
        samples,
        lambda *xs, axis: stats.trim_mean(np.concatenate(xs, axis=axis), 0.25, axis=axis),
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    return {"samples": [s.tolist() for s in samples], "low": float(interval.low), "high": float(interval.high)}


def _paired(effect: float, n: int, alpha: float) -> dict[str, Any]:
    return {"effect": effect, "n": n, "alpha": alpha, "power": float(TTestPower().power(effect, n, alpha))}


def _detectable(n: int, power: float) -> dict[str, Any]:
    return {"n": n, "power": power, "effect": float(TTestPower().solve_power(None, n, 0.05, power))}


if __name__ == "__main__":
    FILE.write_text(json.dumps(build(), indent=1) + "\n")
