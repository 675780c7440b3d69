"""Turns a name and options into studies, each with its selection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from svgbench.commands.options import say_if_absent, selection_of
from svgbench.words.errors import UsageError, unknown

if TYPE_CHECKING:
    from svgbench.lab.cells import Selection
    from svgbench.study import Study

Asked = tuple[Any, Any]
"""A `Study` and its `Selection`."""


def asked(
    studies: Sequence[Any], budget: str | None, *words: Any, running: bool = False, elsewhere: bool = False
) -> list[Asked]:
    """Each study with its selection; `words` are the further arguments of `selection_of`, as is `elsewhere`.

    Without a budget, a command that runs uses "paper", and one that only reads uses the largest with results. Each of
    several studies takes the tasks and variants that it knows. A study that lacks what is requested is left out, with
    a message. Raises UsageError for a word that no study knows, before anything slow is imported.
    """
    given = selection_of(budget, *words, elsewhere=elsewhere)
    _check_known(studies, given)
    kept: list[Asked] = []
    refused: dict[str, UsageError] = {}
    if studies and not running:
        say_if_absent(studies[0].store.root)
    for study in studies:
        largest = "paper" if running else study.reading(None).budget
        try:
            kept.append((study, _own(study, replace(given, budget=budget or largest), running)))
        except UsageError as error:
            refused[study.experiment.id] = error
    if refused and not kept:
        raise next((e for e in refused.values() if "did you mean" in str(e)), next(iter(refused.values())))
    if refused:
        _say(f"left out, without {_options(given, budget)}: {', '.join(refused)}")
    if given.overrides:
        _say_reach(kept)
    return kept


def _say_reach(chosen: Iterable[Asked]) -> None:
    """Say which variants `-o` changes and leaves out; per experiment if the experiments differ."""
    said: dict[str, list[str]] = {}
    for study, selection in chosen:
        said.setdefault(study.reach(selection).sentence(), []).append(study.experiment.id)
    for sentence, ids in said.items():
        _say(sentence if len(said) == 1 else f"{', '.join(ids)}: {sentence}")


def say_budgets(chosen: Iterable[Asked], budget: str | None) -> None:
    """Say which budget is read if none was named, one line each."""
    if budget is not None:
        return
    read: dict[str, list[str]] = {}
    for study, selection in chosen:
        if len(study.experiment.budgets) > 1:
            there = "the largest with results" if study.budgets() else "no results yet"
            read.setdefault(f"budget {selection.budget} ({there})", []).append(study.experiment.id)
    for which, ids in read.items():
        _say(f"{which}: {', '.join(ids)}")


def _check_known(studies: Sequence[Study], given: Selection) -> None:
    """Raise UsageError for a task or variant that no study knows, with the nearest known one."""
    tasks = [task.id for study in studies for task in study.experiment.tasks]
    variants = [variant for study in studies for variant in study.variants()]
    for kind, names, known in (("task", given.tasks, tasks), ("variant", given.variants, variants)):
        for name in names:
            if name not in known:
                raise unknown(kind, name, dict.fromkeys(known))


def _own(study: Study, selection: Selection, running: bool) -> Selection:
    """The selection reduced to what the study knows. Raises UsageError if it knows none of the tasks or variants."""
    tasks = {task.id for task in study.experiment.tasks}
    variants = study.variants()
    own = replace(
        selection,
        tasks=tuple(t for t in selection.tasks if t in tasks) or selection.tasks,
        variants=tuple(v for v in selection.variants if v in variants) or selection.variants,
    )
    study.check(own, running)
    return own


def _options(given: Selection, budget: str | None) -> str:
    """The request, written as options of a command."""
    words = [f"--budget {budget}"] if budget is not None else []
    words += [f"--tasks {','.join(given.tasks)}"] if given.tasks else []
    words += [f"--variants {','.join(given.variants)}"] if given.variants else []
    return " ".join([*words, *(f"-o {override}" for override in given.overrides)]) or "the requested seeds"


def _say(text: str) -> None:
    from svgbench.terminal import notice

    notice(text)
