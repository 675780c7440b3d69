"""A training folder of RL Baselines3 Zoo: ALGORITHM/ENVIRONMENT_NUMBER/ with evaluations.npz and the settings.

Source: DLR-RM/rl-baselines3-zoo, rl_zoo3/exp_manager.py (`ExperimentManager.__init__`, `_save_config`). The folder
ENVIRONMENT/ inside holds args.yml, the command's options as a YAML list of pairs. `seed`, `algo` and `env` are read
here. The monitor files beside it hold training episodes: import those with sb3-monitor.
"""

from __future__ import annotations

import re
from pathlib import Path

from svgbench.analysis.read.foreign import Format, Stated, whole_seed
from svgbench.analysis.read.formats import sb3_evaluations

_PAIR = re.compile(r"^\s*- - (seed|algo|env)\r?\n\s+- (.*?)\r?$", re.MULTILINE)


def _settings(file: Path) -> dict[str, str]:
    for path in sorted(file.parent.glob("*/args.yml")):
        try:
            return dict(_PAIR.findall(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError):
            continue
    return {}


def _detect(file: Path) -> bool:
    return file.name == sb3_evaluations.NAME and bool(_settings(file))


def _states(file: Path) -> Stated:
    settings = _settings(file)
    seed = settings.get("seed", "")
    about = " ".join(settings[name] for name in ("algo", "env") if name in settings)
    return Stated(whole_seed(int(seed)) if seed.isascii() and seed.isdecimal() and len(seed) < 20 else None, about)


FORMAT = Format(
    title="a training folder of RL Baselines3 Zoo",
    expected="evaluations.npz beside a folder with args.yml",
    detect=_detect,
    read=sb3_evaluations.read,
    states=_states,
    steps=sb3_evaluations.FORMAT.steps,
    meanings=sb3_evaluations.FORMAT.meanings,
    refines="sb3-evaluations",
)
