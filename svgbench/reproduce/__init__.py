"""The one registry of experiments, built from the folders beside this file and from installed packages.

A folder `<work>/experiments.py` states `EXPERIMENTS`, a tuple of `svgbench.lab.experiment.Experiment`.
Somebody else's package adds its own through two entry-point groups: `svgbench.experiments` (module:attribute of
such a tuple) and `svgbench.algorithms` (module:attribute of a learner, which joins any experiment by
`--variants NAME`).
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import pkgutil

from svgbench.lab.errors import UsageError, unknown
from svgbench.lab.experiment import Experiment, Variant

EXPERIMENT_GROUP = "svgbench.experiments"
ALGORITHM_GROUP = "svgbench.algorithms"


@functools.cache
def experiments() -> dict[str, Experiment]:
    """Every experiment by id, in declared order. Raises ValueError on a repeated one."""
    found: dict[str, Experiment] = {}
    for declared in (*_ours(), *_installed()):
        for experiment in declared:
            if experiment.id in found:
                raise ValueError(f"experiment {experiment.id} is declared twice")
            found[experiment.id] = experiment
    return found


def resolve(name: str) -> list[Experiment]:
    """The experiments that `name` means: one by its full id, or every one with that artifact.

    Raises UsageError naming the nearest id.
    """
    everything = experiments()
    if name in everything:
        return [everything[name]]
    same_artifact = [e for e in everything.values() if e.artifact == name]
    if same_artifact:
        return same_artifact
    raise unknown("experiment", name, [*everything, *dict.fromkeys(e.artifact for e in everything.values())])


@functools.cache
def installed_algorithms() -> dict[str, Variant]:
    """Learners of other packages, by entry-point name."""
    points = importlib.metadata.entry_points(group=ALGORITHM_GROUP)
    return {p.name: Variant(id=p.name, label=p.name, learner=p.value) for p in points}


def _ours() -> list[tuple[Experiment, ...]]:
    works = [m.name for m in pkgutil.iter_modules(__path__) if m.ispkg]
    modules = [importlib.import_module(f"{__name__}.{work}.experiments") for work in works]
    return [module.EXPERIMENTS for module in modules]


def _installed() -> list[tuple[Experiment, ...]]:
    declared = []
    for point in importlib.metadata.entry_points(group=EXPERIMENT_GROUP):
        value = point.load()
        if not (isinstance(value, tuple) and all(isinstance(e, Experiment) for e in value)):
            raise UsageError(f"entry point {point.name} = {point.value}: expected a tuple of Experiment")
        declared.append(value)
    return declared
