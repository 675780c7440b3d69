"""The scores of the experiment's first measure as rliable's dictionary: algorithm -> array (runs, tasks).

Source: google-research/rliable, README and library.py (`get_interval_estimates` takes `Mapping[str, np.ndarray]`). The
NPZ holds one array per variant, `dict(numpy.load(FILE))`. The JSON beside it names the tasks (the columns), each
variant's seeds (the rows), and variants that are left out. rliable has no missing values: a variant's rows are the
seeds that it has on every task, and a variant that lacks a task is left out. Scores are not normalised.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from svgbench import strict_json
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import measure_values
from svgbench.analysis.show.exported import Export, stem
from svgbench.lab.files import write_atomic
from svgbench.words.errors import UsageError


def write(results: Results, folder: Path) -> list[Path]:
    measure = results.experiment.measures[0]
    tasks = list(dict.fromkeys(task for (task, _), cell in results.cells.items() if len(cell.frame)))
    scores: dict[str, Any] = {}
    seeds: dict[str, list[int]] = {}
    left: dict[str, str] = {}
    for variant in dict.fromkeys(variant for _, variant in results.cells):
        cells = [results.cells.get((task, variant)) for task in tasks]
        found = [measure_values(c.frame, measure).dropna() for c in cells if c is not None and len(c.frame)]
        common = sorted(set.intersection(*(set(values.index) for values in found))) if found else []
        if len(found) < len(tasks) or not common:
            missing = [t for t, c in zip(tasks, cells, strict=True) if c is None or not len(c.frame)]
            left[variant] = f"no results on {', '.join(missing)}" if missing else "no seed has every task"
            continue
        scores[variant] = np.column_stack([values.loc[common].to_numpy(dtype=float) for values in found])
        seeds[variant] = [int(seed) for seed in common]
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
        "left_out": left,
        "scores": {variant: values.tolist() for variant, values in scores.items()},
    }
    base = folder / f"{stem(results)}_rliable"
    paths = [base.with_suffix(".npz"), base.with_suffix(".json")]
    write_atomic(paths[0], lambda file: np.savez(file, **scores))
    write_atomic(paths[1], (strict_json.dumps(about, indent=1) + "\n").encode())
    return paths


EXPORT = Export("rliable's dictionaries of scores", write)
