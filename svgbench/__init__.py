"""svgbench: reruns published experiments on policy optimisation and says what holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from svgbench import moved

if TYPE_CHECKING:
    from svgbench.policies import Policy
    from svgbench.study import Study

__version__ = "0.3.0"

moved.install()


def load(name: str, results: Path | str | None = None, with_reference: bool = False) -> Study:
    """The study of an experiment, such as "sac-svg/table2": its frames, verdicts, table and figure."""
    from svgbench.study import load as load_study

    return load_study(name, results, with_reference)


def policy(
    name: str,
    task: str | None = None,
    variant: str | None = None,
    seed: int | None = None,
    budget: str | None = None,
    results: Path | str | None = None,
) -> Policy:
    """The trained policy of one run of an experiment, as a function of observations.

    What is left out is needed only to choose between several runs that have a policy; the budget is the largest with
    results. Raises UsageError where there is no policy, or no single one, and says how to get it.
    """
    from svgbench.policies import policy as load_policy

    return load_policy(name, task, variant, seed, budget, results)
