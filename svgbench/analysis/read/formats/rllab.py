"""The progress.csv of rllab and garage: one row per iteration, with a header.

Sources: rll/rllab, rllab/misc/logger.py (`dump_tabular`, `log_variant`) and rllab/sampler/base.py; rlworkgroup/garage,
src/garage/_functions.py (`log_performance`) and src/garage/trainer.py. The file lies in a run's folder beside
variant.json (the settings; a `seed` among them) and, in rllab, params.json (all arguments). `AverageReturn` is the mean
over the iteration's training episodes. garage calls its columns `Evaluation/...` by default, also where the episodes
are those of training, so `Evaluation/AverageReturn` is read only if it is mapped. `TotalEnvSteps` is garage's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from svgbench.analysis.read.foreign import Format, Stated, json_of, read_text, whole_seed
from svgbench.analysis.read.import_table import Choose, Table

SETTINGS = ("variant.json", "params.json")


def _detect(file: Path) -> bool:
    return file.name == "progress.csv" and any(file.with_name(name).is_file() for name in SETTINGS)


def _read(files: Sequence[Path], choose: Choose) -> Table:
    return read_text(files[0], choose)


def _states(file: Path) -> Stated:
    settings = (json_of(file.with_name(name)) for name in SETTINGS)
    seeds = (whole_seed(found.get("seed")) for found in settings)
    return Stated(next((seed for seed in seeds if seed is not None), None))


FORMAT = Format(
    title="the logger of rllab and garage",
    expected="progress.csv beside variant.json or params.json",
    detect=_detect,
    read=_read,
    states=_states,
    steps={"environment steps": "TotalEnvSteps", "iterations": "Iteration"},
    meanings={"train_return": "AverageReturn"},
)
