"""What the Tab key offers: experiments, tasks, variants, budgets and settings, as far as the line is typed.

The shells ask through typer (`svgbench --install-completion`). Only declarations are read, and names of files.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from svgbench.words.experiment import Experiment

Offer = tuple[str, str]
"""A word, and what it is, which zsh and fish show."""

RUNNING = ("plan", "run", "tune")
"""Commands for which a variant must be declared; the others also know what is stored."""


def _offers(find: Callable[[typer.Context, str], Iterable[Offer]]) -> Callable[[typer.Context, str], list[Offer]]:
    """A completer: what is found and begins with what is typed. One that fails offers nothing."""

    @functools.wraps(find)
    def complete(ctx: typer.Context, incomplete: str) -> list[Offer]:
        try:
            found = dict(find(ctx, incomplete))
        except Exception:  # whatever is wrong, the command itself will say it, and not in the middle of a line
            return []
        return [(word, _plain(what)) for word, what in found.items() if word.startswith(incomplete)]

    return complete


def _plain(text: str) -> str:
    """In one short line, and without brackets, in which typer would see markup."""
    return " ".join(text.split()).translate(str.maketrans("[]", "()"))[:80]


@_offers
def experiments(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    """Experiments by id, then what stands for several."""
    from svgbench import reproduce
    from svgbench.lab.names import meant, with_short_names

    everything = reproduce.experiments()
    for name in with_short_names(everything):
        yield name, everything[name].title if name in everything else f"all of {', '.join(meant(name, everything))}"


@_offers
def searches(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    """Searches by id, then the experiments that they are for."""
    from svgbench import reproduce

    found = reproduce.searches()
    yield from ((name, search.title) for name, search in found.items())
    yield from ((search.experiment.id, f"every search for {search.experiment.title}") for search in found.values())


@_offers
def budgets(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    for experiment in _chosen(ctx):
        yield from ((budget.name, budget.note) for budget in experiment.budgets)


@_offers
def task(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    return _tasks(ctx)


@_offers
def tasks(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    return _listed(_tasks(ctx), incomplete)


@_offers
def variants(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    return _listed(_variants(ctx), incomplete)


@_offers
def settings(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    """Fields of the chosen learners' configs, and limits of the budgets, each without and with its value.

    Of two offers bash puts no space after what they share. What each is would take longer to show than all the rest.
    """
    for name, value in _settings(ctx).items():
        yield f"{name}=", ""
        yield f"{name}={value}", ""


def _settings(ctx: typer.Context) -> dict[str, Any]:
    """The value of each by default; for what several have, the first one's."""
    from svgbench.lab.overrides import settings_of

    named, budget = _words(ctx, "variants"), ctx.params.get("budget")
    found: dict[str, Any] = {}
    for experiment in _chosen(ctx):
        fields = settings_of(v for v in experiment.variants if not named or v.id in named)
        found = {name: default for name, (_, default) in fields.items()} | found
        for one in experiment.budgets:
            if budget in (None, one.name):
                found = dict(one.limits) | found
    return dict(sorted(found.items()))


@_offers
def devices(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    return [("cpu", ""), ("cuda", "the first GPU")]


@_offers
def executors(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    from svgbench.lab.executor import EXECUTORS

    return [(name, "") for name in EXECUTORS]


@_offers
def formats(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    return [(name, "") for name in ("text", "markdown", "latex", "csv")]


def _chosen(ctx: typer.Context) -> list[Experiment]:
    """The experiments that the line names so far; all where it names none."""
    from svgbench import reproduce

    name = ctx.params.get("experiment") or ctx.params.get("search")
    if not name:
        return list(reproduce.experiments().values())
    if ctx.info_name == "tune":
        return [reproduce.experiments()[search.id] for search in reproduce.resolve_searches(name)]
    return reproduce.resolve(name)


def _tasks(ctx: typer.Context) -> Iterable[Offer]:
    return [(task.id, task.label) for experiment in _chosen(ctx) for task in experiment.tasks]


def _variants(ctx: typer.Context) -> Iterable[Offer]:
    from svgbench import reproduce
    from svgbench.study import Study

    for experiment in _chosen(ctx):
        yield from ((variant.id, variant.label) for variant in experiment.variants)
        if ctx.info_name not in RUNNING:
            stored = Study(experiment, ctx.params.get("results")).variants()
            yield from ((name, "") for name in sorted(stored - {v.id for v in experiment.variants}))
    yield from ((name, "installed") for name in reproduce.installed_algorithms())


def _listed(offers: Iterable[Offer], incomplete: str) -> Iterable[Offer]:
    """For the last word of a list with commas: the list so far, with what it has not yet."""
    *before, _ = incomplete.split(",")
    for word, what in offers:
        if word not in before:
            yield ",".join([*before, word]), what


def _words(ctx: typer.Context, name: str) -> list[str]:
    return [word for value in ctx.params.get(name) or () for word in value.split(",")]
