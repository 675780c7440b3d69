"""Tab completion for experiments, tasks, variants, budgets and settings, given the typed part of the line.

Shells call it through typer (`svgbench --install-completion`). It reads only declarations and file names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from svgbench.words.experiment import Experiment

Offer = tuple[str, str]
"""A word and its description, which zsh and fish show."""

RUNNING = ("plan", "run", "tune")
"""Commands that accept only declared variants; the others also accept stored ones."""


def _offers(find: Callable[[typer.Context, str], Iterable[Offer]]) -> Callable[[typer.Context, str], list[Offer]]:
    """A completer that offers the found words that start with the typed text. If it fails, it offers nothing."""

    @functools.wraps(find)
    def complete(ctx: typer.Context, incomplete: str) -> list[Offer]:
        try:
            found = dict(find(ctx, incomplete))
        except Exception:  # the command itself will report any error; an error here would break the typed line
            return []
        return [(word, _plain(what)) for word, what in found.items() if word.startswith(incomplete)]

    return complete


def _plain(text: str) -> str:
    """The text as one short line, without brackets, which typer would read as markup."""
    return " ".join(text.split()).translate(str.maketrans("[]", "()"))[:80]


@_offers
def experiments(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    """Experiments by id, then names that mean several experiments."""
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
def works(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    from svgbench import reproduce

    for experiment in reproduce.experiments().values():
        yield experiment.work, reproduce.title_of(experiment.work)


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
    """Fields of the chosen learners' configs and limits of the budgets, each without and with its value.

    Two offers per setting keep bash from adding a space after the common part. Descriptions would be slow to find.
    """
    for name, value in _settings(ctx).items():
        yield f"{name}=", ""
        yield f"{name}={value}", ""


def _settings(ctx: typer.Context) -> dict[str, Any]:
    """The default value of each setting; if several learners have it, the first one's."""
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
def precisions(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    return [("float32", ""), ("bf16", "products of matrices in bfloat16, on processors that have it")]


@_offers
def devices(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    return [("cpu", ""), ("cuda", "the first GPU")]


@_offers
def executors(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    from svgbench.lab.executor import executors as known

    return [(name, "") for name in known()]


@_offers
def formats(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    return [(name, "") for name in ("text", "markdown", "latex", "csv")]


@_offers
def export_formats(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    from svgbench.analysis.show import exports

    return [(name, exports.export_of(name).title) for name in exports.names()]


@_offers
def import_formats(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    from svgbench.analysis.read import formats

    yield formats.AUTO, "by the files' contents"
    yield from ((name, formats.format_of(name).title) for name in formats.names())


@_offers
def report_formats(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    from svgbench.reporting import FORMATS

    return [(name, f"writes {file}") for name, file in FORMATS.items()]


def _chosen(ctx: typer.Context) -> list[Experiment]:
    """The experiments that the line names so far; all if it names none."""
    from svgbench import reproduce

    name = ctx.params.get("experiment") or ctx.params.get("search")
    if not name:
        return list(reproduce.experiments().values())
    if isinstance(name, list):  # a repeated option
        return [found for one in name for found in reproduce.resolve(one)]
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
    """Completions for the last word of a comma-separated list: the list so far plus each word not yet in it."""
    *before, _ = incomplete.split(",")
    for word, what in offers:
        if word not in before:
            yield ",".join([*before, word]), what


def _words(ctx: typer.Context, name: str) -> list[str]:
    return [word for value in ctx.params.get(name) or () for word in value.split(",")]
