"""The scores of the experiment's first measure as rliable's dictionary: algorithm -> array (runs, tasks).

Source: google-research/rliable, README and library.py (`get_interval_estimates` takes `Mapping[str, np.ndarray]`). The
NPZ holds one array per variant, `dict(numpy.load(FILE))`. The JSON beside it names the tasks (the columns), each
variant's seeds (the rows), those of them that failed, and variants that are left out. rliable has no missing values: a
variant's rows are the seeds that it has on every task, and a variant that lacks a task is left out. A seed that failed
on a task (it diverged, or its value is not finite) has the worst value of any run on that task, as in
docs/statistics.md. Scores are not normalised.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from svgbench import strict_json
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import Sample, read_sample, worst
from svgbench.analysis.show.exported import Export, stem
from svgbench.lab.files import write_atomic
from svgbench.words.errors import UsageError


def write(results: Results, folder: Path) -> list[Path]:
    measure = results.experiment.measures[0]
    samples = {key: read_sample(cell, measure) for key, cell in results.cells.items() if cell.seeds}
    known = {task for (task, _), sample in samples.items() if sample.values}
    tasks = [task for task in dict.fromkeys(task for task, _ in results.cells) if task in known]
    scores: dict[str, Any] = {}
    seeds: dict[str, list[int]] = {}
    failed: dict[str, dict[str, list[int]]] = {}
    left: dict[str, str] = {}
    floors = {task: _floor(samples, task, measure.higher_is_better) for task in tasks}
    for variant in dict.fromkeys(variant for _, variant in results.cells):
        own = {task: samples[task, variant] for task in tasks if (task, variant) in samples}
        found = {task: sample.counted(floors[task]) for task, sample in own.items() if sample.n}
        common = sorted(set.intersection(*(set(values) for values in found.values()))) if found else []
        if len(found) < len(tasks) or not common:
            missing = [task for task in tasks if task not in found]
            left[variant] = f"no results on {', '.join(missing)}" if missing else "no seed has every task"
            continue
        rows = [[found[task][seed] for task in tasks] for seed in common]
        scores[variant] = np.array(rows, dtype=float)
        seeds[variant] = common
        lost = {task: sorted(set(common) & set(own[task].failed)) for task in tasks}
        failed |= {variant: {task: some for task, some in lost.items() if some}} if any(lost.values()) else {}
    if not scores:
        raise UsageError(f"nothing to export: no variant has results on all of {', '.join(tasks) or 'the tasks'}")
    about = {
        "experiment": results.experiment.id,
        "budget": results.budget,
        "measure": measure.label,
        "column": measure.column,
        "higher_is_better": measure.higher_is_better,
        "tasks": tasks,
        "seeds": seeds,
        "failed": failed,
        "left_out": left,
        "scores": {variant: values.tolist() for variant, values in scores.items()},
    }
    base = folder / f"{stem(results)}_rliable"
    paths = [base.with_suffix(".npz"), base.with_suffix(".json")]
    write_atomic(paths[0], lambda file: np.savez(file, **scores))
    write_atomic(paths[1], (strict_json.dumps(about, indent=1) + "\n").encode())
    return paths


def _floor(samples: Mapping[tuple[str, str], Sample], task: str, higher_is_better: bool) -> float:
    """The worst finite value of any run on a task; NaN if there is none."""
    found = worst(
        (x for (t, _), sample in samples.items() if t == task for x in sample.values.values()), higher_is_better
    )
    return math.nan if found is None else found


EXPORT = Export("rliable's dictionaries of scores", write)
