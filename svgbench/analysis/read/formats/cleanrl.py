"""Runs of CleanRL: folders ENVIRONMENT__EXPERIMENT__SEED__TIME of TensorBoard event files, training episodes.

Source: vwxyzjn/cleanrl, cleanrl/sac_continuous_action.py and the others (`run_name`, `writer.add_scalar`). The tag
`charts/episodic_return` is the return of a training episode, written at the `global_step` at which it ended; several
environments may end episodes at one step. `eval/episodic_return` counts episodes after training, not steps, and is not
imported unless it is mapped.
"""

from __future__ import annotations

import re
from pathlib import Path

from svgbench.analysis.read.foreign import Format, Stated
from svgbench.analysis.read.formats import tensorboard

_NAME = re.compile(r"(?P<env>.+)__(?P<name>.+)__(?P<seed>[0-9]{1,18})__[0-9]+")


def _detect(file: Path) -> bool:
    return _NAME.fullmatch(file.parent.name) is not None and tensorboard.detect(file)


def _states(file: Path) -> Stated:
    match = _NAME.fullmatch(file.absolute().parent.name)
    return Stated(int(match["seed"]), f"{match['env']} {match['name']}") if match else Stated()


FORMAT = Format(
    title="runs of CleanRL (TensorBoard), training episodes",
    expected="runs/ENVIRONMENT__EXPERIMENT__SEED__TIME/events.out.tfevents.*",
    detect=_detect,
    read=tensorboard.read,
    states=_states,
    steps={"environment steps": tensorboard.STEP},
    meanings={"train_return": "charts/episodic_return"},
    episodes=True,
    joins=True,
    refines="tensorboard",
)
