"""What is asked of each experiment that a name means."""

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


def asked(studies: Sequence[Any], budget: str | None, *words: Any, running: bool = False) -> list[Asked]:
    """Each study with its selection; `words` are the further arguments of `selection_of`.

    Without a budget, what runs takes "paper" and what only reads the largest that has results. Of several studies,
    each takes the tasks and variants that it knows; one that lacks what is asked for is left out, and said.
    Raises UsageError for a word that none of them knows, before anything slow is imported.
    """
    given = selection_of(budget, *words)
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
    """Whom `-o` changes and whom it leaves out; where experiments differ in that, of each one."""
    said: dict[str, list[str]] = {}
    for study, selection in chosen:
        said.setdefault(study.reach(selection).sentence(), []).append(study.experiment.id)
    for sentence, ids in said.items():
        _say(sentence if len(said) == 1 else f"{', '.join(ids)}: {sentence}")


def say_budgets(chosen: Iterable[Asked], budget: str | None) -> None:
    """Which budget is read where none was named, in a line for each."""
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
    """Raise UsageError for a task or variant that no study knows, naming the nearest that one does."""
    tasks = [task.id for study in studies for task in study.experiment.tasks]
    variants = [variant for study in studies for variant in study.variants()]
    for kind, names, known in (("task", given.tasks, tasks), ("variant", given.variants, variants)):
        for name in names:
            if name not in known:
                raise unknown(kind, name, dict.fromkeys(known))


def _own(study: Study, selection: Selection, running: bool) -> Selection:
    """The selection with those of its words that the study knows. UsageError if it knows none of a kind."""
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
    """What was asked for, as options of a command."""
    words = [f"--budget {budget}"] if budget is not None else []
    words += [f"--tasks {','.join(given.tasks)}"] if given.tasks else []
    words += [f"--variants {','.join(given.variants)}"] if given.variants else []
    return " ".join([*words, *(f"-o {override}" for override in given.overrides)]) or "the seeds that were asked for"


def _say(text: str) -> None:
    from svgbench.terminal import notice

    notice(text)
