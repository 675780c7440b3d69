"""The cache of Open RL Benchmark: run_df.csv (a run's whole history) beside run.json (its settings).

Source: openrlbenchmark/openrlbenchmark, openrlbenchmark/cache.py (`CachedRun`) and rlops.py. A row is a moment at which
anything was logged; cells that were not logged are blank. `config` in run.json has the seed, the environment (`env_id`)
and the experiment (`exp_name`). `charts/episodic_return` is the return of a training episode at `global_step`. The
summary that `rlops` prints (compare.csv) has texts such as "2262.50 ± 1196.81" and no runs: it cannot be imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from svgbench.analysis.read.foreign import Format, Stated, json_of, read_with_blanks, whole_seed
from svgbench.analysis.read.import_table import Choose, Table


def _detect(file: Path) -> bool:
    return file.name == "run_df.csv" and file.with_name("run.json").is_file()


def _read(files: Sequence[Path], choose: Choose) -> Table:
    return read_with_blanks(files[0], choose)


def _states(file: Path) -> Stated:
    config = json_of(file.with_name("run.json")).get("config")
    settings = config if isinstance(config, dict) else {}
    about = " ".join(str(settings[name]) for name in ("env_id", "exp_name") if settings.get(name))
    return Stated(whole_seed(settings.get("seed")), about)


FORMAT = Format(
    title="the cache of Open RL Benchmark, training episodes",
    expected="run_df.csv beside run.json",
    detect=_detect,
    read=_read,
    states=_states,
    steps={"environment steps": "global_step"},
    meanings={"train_return": "charts/episodic_return"},
    episodes=True,
    refines="wandb-csv",
)
