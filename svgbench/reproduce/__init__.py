"""The registry of experiments, built from the folders beside this file and from installed packages.

A work's folder states its TITLE and its ORDER among the works. A file `<work>/experiments.py` in it defines
`EXPERIMENTS`, a tuple of `svgbench.words.experiment.Experiment`, and a `searches.py` may define `SEARCHES`, a tuple of
`svgbench.words.search.Search`; each search is an experiment too. Other packages add theirs through three entry-point
groups: `svgbench.experiments` and `svgbench.searches` (module:attribute of such tuples), and `svgbench.algorithms`
(module:attribute of a learner, which `--variants NAME` adds to any experiment; so does the variable
SVGBENCH_ALGORITHMS).
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import os
import pkgutil
import re
from typing import Any, TypeVar

from svgbench.lab.names import meant, with_short_names
from svgbench.words.errors import UsageError, unknown
from svgbench.words.experiment import Experiment, Variant
from svgbench.words.search import Search, as_experiment

Declared = TypeVar("Declared")

EXPERIMENT_GROUP = "svgbench.experiments"
SEARCH_GROUP = "svgbench.searches"
ALGORITHM_GROUP = "svgbench.algorithms"
ALGORITHM_VARIABLE = "SVGBENCH_ALGORITHMS"
"""Algorithms that are not installed: NAME=MODULE:ATTRIBUTE, comma-separated."""


@functools.cache
def experiments() -> dict[str, Experiment]:
    """Every experiment by id, in declared order, a work's searches after its figures and tables.

    Raises ValueError for a repeated id.
    """
    found: dict[str, Experiment] = {}
    ours = [e for work in _works() for e in (*_stated(work, "experiments"), *map(as_experiment, _searches_of(work)))]
    theirs = [*_installed(EXPERIMENT_GROUP, Experiment), *map(as_experiment, _installed(SEARCH_GROUP, Search))]
    for experiment in (*ours, *theirs):
        if experiment.id in found:
            raise ValueError(f"experiment {experiment.id} is declared twice")
        found[experiment.id] = experiment
    return found


@functools.cache
def searches() -> dict[str, Search]:
    """Every search by id, in declared order."""
    ours = [search for work in _works() for search in _searches_of(work)]
    return {search.id: search for search in (*ours, *_installed(SEARCH_GROUP, Search))}


def spare() -> dict[str, list[str]]:
    """The ids that a short list leaves out, by what they are: searches, and experiments that no paper has."""
    return {"search": list(searches()), "of our own": [one.id for one in experiments().values() if one.ours]}


def title_of(work: str) -> str:
    """The title of a work: the TITLE of its folder here, or its id."""
    folder = work.replace("-", "_")
    there = folder in _works()
    return str(getattr(importlib.import_module(f"{__name__}.{folder}"), "TITLE", work)) if there else work


def resolve(name: str) -> list[Experiment]:
    """The experiments that `name` means: one by its full id, every one of a work, or every one of that artifact.

    Raises UsageError naming the nearest.
    """
    everything = experiments()
    found = meant(name, everything)
    if not found:
        raise unknown("experiment", name, with_short_names(everything))
    return [everything[i] for i in found]


def resolve_searches(name: str) -> list[Search]:
    """The searches that `name` means: one by its full id, or every one of a work, of an artifact or for an experiment.

    Raises UsageError naming the nearest.
    """
    everything = searches()
    found = [everything[i] for i in meant(name, everything)]
    found = found or [s for s in everything.values() if s.experiment.id == name]
    if not found and meant(name, [e for e in experiments() if e not in everything]):
        raise UsageError(f"nothing is searched for {name} (there are searches for: {_experiments_searched()})")
    if not found:
        of = dict.fromkeys(s.experiment.id for s in everything.values())
        raise unknown("search", name, [*with_short_names(everything), *of])
    return found


def factories() -> dict[str, tuple[str, ...]]:
    """The factories of the declared tasks, as written, by the task's id."""
    tasks = [task for experiment in experiments().values() for task in experiment.tasks]
    return {task.id: tuple(dict.fromkeys(t.make for t in tasks if t.id == task.id)) for task in tasks}


@functools.cache
def installed_algorithms() -> dict[str, Variant]:
    """Learners of other packages, by entry-point name, and those that the environment names (`ALGORITHM_VARIABLE`).

    UsageError if the variable cannot be read.
    """
    points = {p.name: p.value for p in importlib.metadata.entry_points(group=ALGORITHM_GROUP)}
    text = os.environ.get(ALGORITHM_VARIABLE, "")
    for word in filter(None, map(str.strip, text.split(","))):
        named = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)=([A-Za-z_][\w.]*:[A-Za-z_]\w*)", word)
        if named is None or named[1] in points:
            expected = "expected a name once" if named else "expected NAME=MODULE:ATTRIBUTE, as my-method=my_file:make"
            raise UsageError(f"{ALGORITHM_VARIABLE}: {word}: {expected}")
        points[named[1]] = named[2]
    return {name: Variant(id=name, label=name, learner=reference) for name, reference in points.items()}


def _experiments_searched() -> str:
    return ", ".join(dict.fromkeys(s.experiment.id for s in searches().values())) or "none"


def _works() -> list[str]:
    """The folders of the works, by the ORDER that each states."""
    folders = [m.name for m in pkgutil.iter_modules(__path__) if m.ispkg]
    return sorted(folders, key=lambda work: importlib.import_module(f"{__name__}.{work}").ORDER)


def _stated(work: str, file: str) -> Any:
    """The tuple that a work's file defines."""
    return getattr(importlib.import_module(f"{__name__}.{work}.{file}"), file.upper())


def _searches_of(work: str) -> tuple[Search, ...]:
    there = importlib.util.find_spec(f"{__name__}.{work}.searches")
    return _stated(work, "searches") if there else ()


def _installed(group: str, kind: type[Declared]) -> list[Declared]:
    declared: list[Declared] = []
    for point in importlib.metadata.entry_points(group=group):
        value = point.load()
        if not (isinstance(value, tuple) and all(isinstance(e, kind) for e in value)):
            raise UsageError(f"entry point {point.name} = {point.value}: expected a tuple of {kind.__name__}")
        declared += value
    return declared
