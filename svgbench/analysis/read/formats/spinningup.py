"""The progress.txt of Spinning Up's `EpochLogger`: tab-separated, one row per epoch, with a header.

Source: openai/spinningup, spinup/utils/logx.py (`Logger.dump_tabular`, `save_config`). The file lies in a run's folder,
beside config.json, which has the seed, the environment's function and the experiment's name. `AverageTestEpRet` is the
mean over test episodes of the deterministic policy (in sac, td3 and ddpg), `AverageEpRet` over training episodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from svgbench.analysis.read.foreign import Format, Stated, head_of, header_of, json_of, read_text, whole_seed
from svgbench.analysis.read.import_table import Choose, Table


def _detect(file: Path) -> bool:
    empty = file.name == "progress.txt" and not head_of(file)
    return file.suffix == ".txt" and (empty or {"Epoch", "TotalEnvInteracts"} <= set(header_of(file, "\t")))


def _read(files: Sequence[Path], choose: Choose) -> Table:
    return read_text(files[0], choose, "\t")


def _states(file: Path) -> Stated:
    config = json_of(file.with_name("config.json"))
    return Stated(whole_seed(config.get("seed")), str(config.get("exp_name") or ""))


FORMAT = Format(
    title="Spinning Up's logger",
    expected="progress.txt",
    detect=_detect,
    read=_read,
    states=_states,
    steps={"environment steps": "TotalEnvInteracts", "iterations": "Epoch"},
    meanings={"eval_return": "AverageTestEpRet", "train_return": "AverageEpRet"},
)
