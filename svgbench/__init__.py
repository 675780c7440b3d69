"""svgbench: reruns published experiments on policy optimisation and says what holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from svgbench import moved

if TYPE_CHECKING:
    from svgbench.study import Study

__version__ = "0.3.0"

moved.install()


def load(name: str, results: Path | str | None = None, with_reference: bool = False) -> Study:
    """The study of an experiment, such as "sac-svg/table2": its frames, verdicts, table and figure."""
    from svgbench.study import load as load_study

    return load_study(name, results, with_reference)
