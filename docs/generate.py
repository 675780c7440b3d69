"""Writes the pages of the documentation's site: those of docs/, and a page per algorithm and per experiment.

    python docs/generate.py build/docs              # with what the committed results say; a minute or two
    python docs/generate.py build/docs --quick      # without results

The generated pages come from the code: an algorithm's docstring, its config with the comments beside the fields, the
experiments that run it; an experiment's declarations, deviations, table and verdicts. They are not committed, so they
cannot be out of date. `zensical build -f build/docs/zensical.toml` turns the folder into a site.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import itertools
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from svgbench import reproduce
from svgbench.analysis.show.answer_text import summary_lines
from svgbench.analysis.show.tables import render
from svgbench.describe import deviations_of, parts_of
from svgbench.lab import registry, source
from svgbench.study import Study
from svgbench.words.experiment import Experiment

ROOT = Path(__file__).resolve().parents[1]
WORKS = {
    str(path.relative_to(ROOT)): f"works/{path.parent.name.replace('_', '-')}.md"
    for path in sorted((ROOT / "svgbench" / "reproduce").glob("*/README.md"))
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]*)(#[^)\s]*)?\)")


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="the folder to write; it is emptied first")
    parser.add_argument("--quick", action="store_true", help="leave out tables and verdicts")
    asked = parser.parse_args(words)
    generate(asked.output, with_results=not asked.quick)


def generate(output: Path, with_results: bool) -> None:
    """Write the pages into `output`/pages, and the site's settings beside them."""
    shutil.rmtree(output, ignore_errors=True)
    pages = output / "pages"
    shutil.copytree(ROOT / "docs" / "figures", pages / "figures")
    moved = {f"docs/{path.name}": path.name for path in (ROOT / "docs").glob("*.md")} | WORKS
    for old, new in moved.items():
        _write(pages / new, _relinked((ROOT / old).read_text(encoding="utf-8"), old, new, moved))
    ours = {Path(page).stem for page in WORKS.values()}  # and not those of installed packages
    experiments = [experiment for experiment in reproduce.experiments().values() if experiment.work in ours]
    outcomes = {e.id: _outcome(Study(e, ROOT / "results")) for e in experiments} if with_results else {}
    for name, reference in registry.algorithms().items():
        _write(pages / "algorithms" / f"{name}.md", algorithm_page(name, reference, experiments, outcomes))
    for experiment in experiments:
        _write(pages / "experiments" / f"{_slug(experiment)}.md", experiment_page(experiment, outcomes))
    _write(pages / "algorithms" / "index.md", _algorithm_list())
    _write(pages / "experiments" / "index.md", _experiment_list(experiments))
    _write(output / "zensical.toml", _settings(moved, experiments))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _slug(experiment: Experiment) -> str:
    return experiment.id.replace("/", "-")


def _relinked(text: str, old: str, new: str, moved: dict[str, str]) -> str:
    """The page with its links to other pages of the site; links to other files of the repository become plain text."""

    def link(found: re.Match[str]) -> str:
        picture, label, target, anchor = found.groups()
        if not target or "://" in target:
            return found.group()
        path = os.path.normpath(os.path.join(os.path.dirname(old), target))
        page = path.removeprefix("docs/") if path.startswith("docs/figures/") else moved.get(path)
        if page is None:
            return label
        return f"{picture}[{label}]({os.path.relpath(page, os.path.dirname(new) or '.')}{anchor or ''})"

    return LINK.sub(link, text)


# -- algorithms -------------------------------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What the committed results of an experiment say: the answer in a sentence or two, and what stands below it."""

    answer: str
    parts: Sequence[str]


def algorithm_page(
    name: str, reference: str, experiments: Iterable[Experiment], outcomes: Mapping[str, Outcome]
) -> str:
    """An algorithm: its docstring, its settings with their sources, and what came out where it runs."""
    module = importlib.import_module(reference.partition(":")[0])
    title, _, body = inspect.cleandoc(module.__doc__ or name).partition("\n")
    declared = source.declared(name)
    file = Path(str(inspect.getsourcefile(module))).relative_to(ROOT)
    parts = [
        f"# {name}",
        _escaped(title),
        _escaped(body),
        f"Code: `{file}`, version {declared.version}.",
        "## Settings",
    ]
    config = getattr(module, "Config", None)
    if config is not None and not (config.__doc__ or "").startswith(f"{config.__name__}("):  # dataclass's own
        parts.append(_escaped(inspect.cleandoc(config.__doc__ or "")))
    comments = _comments(config)
    rows = []
    for setting, field in declared.fields.items():
        default = declared.defaults[setting]
        values = [f"`{default!r}`" if default is not source.REQUIRED else "required"]
        values += [f"{profile}: `{own[setting]!r}`" for profile, own in declared.profiles.items() if setting in own]
        rows.append((f"`{setting}`", field.summary, "; ".join(values), comments.get(setting, "")))
    parts.append(_table(("setting", "type", "value", "meaning and source"), rows) if rows else "None.")
    if declared.rules:
        parts += [
            "Rules between settings:",
            _list(f"`{rule}`: {_escaped(why)}" for rule, why in declared.rules.items()),
        ]
    if declared.limits:
        named = ", ".join(f"`{limit}`" for limit in declared.limits)
        parts.append(f"Limits that it reads from a budget: {named}.")
    runs = [
        f"[{e.id}](../experiments/{_slug(e)}.md), {_escaped(e.title)}: "
        + ", ".join(f"`{v.id}`" for v in using)
        + (f". {_escaped(outcomes[e.id].answer)}" if e.id in outcomes else "")
        for e in experiments
        if (using := [v for v in e.variants if registry.name_of(v.learner) == name])
    ]
    parts += [
        "## Where it runs, and what was measured",
        "The pages of the experiments have the numbers, the verdicts and the differences from the papers.",
        _list(runs),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _comments(config: type | None) -> dict[str, str]:
    """The comments beside the fields of a config and of the classes that it inherits from."""
    found: dict[str, str] = {}
    for kind in reversed(config.__mro__[:-1] if config else ()):
        lines = inspect.getsource(kind).splitlines()
        (tree,) = ast.parse(inspect.cleandoc("\n".join(lines))).body
        for node in ast.walk(tree):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                own = lines[node.lineno - 1 : node.end_lineno]  # several, where the type or the value is long
                found[node.target.id] = "".join(line.partition("  # ")[2].strip() for line in own)
    return found


def _algorithm_list() -> str:
    rows = []
    for name, reference in registry.algorithms().items():
        title = inspect.cleandoc(importlib.import_module(reference.partition(":")[0]).__doc__ or "").splitlines()[0]
        rows.append((f"[{name}]({name}.md)", title))
    return f"# Algorithms\n\nOne file each, under `svgbench/baselines/`.\n\n{_table(('name', 'what'), rows)}\n"


# -- experiments ------------------------------------------------------------------------------------------------------


def experiment_page(experiment: Experiment, outcomes: Mapping[str, Outcome]) -> str:
    """An experiment: what came out, what it declares, and how it differs from the paper."""
    rows = parts_of(experiment)
    parts = [f"# {experiment.id}: {_escaped(experiment.title)}", _escaped(experiment.description)]
    parts.append(f"Work: [{_escaped(reproduce.title_of(experiment.work))}](../works/{experiment.work}.md).")
    if experiment.id in outcomes:
        parts += ["## What came out", *outcomes[experiment.id].parts]
    commands = (f"svgbench {word} {experiment.id}" for word in ("plan", "run", "plot", "table", "compare"))
    parts += ["## Commands", "\n".join(f"    {command}" for command in commands)]
    for kind, heading, named in (
        ("task", "Tasks", ("task", "label", "options")),
        ("variant", "Variants", ("variant", "label", "settings")),
        ("budget", "Budgets", ("budget", "seeds", "limits and settings")),
        ("column", "Columns of the CSV", ("column", "meaning", "unit")),
        ("claim", "Claims", ("claim", "sentence", "as a test")),
    ):
        of_kind = [row for row in rows if row["kind"] == kind]
        if not of_kind:
            continue
        links = {v.id: registry.name_of(v.learner) for v in experiment.variants} if kind == "variant" else {}
        body = [(_linked(row["id"], links), row["text"], row["detail"]) for row in of_kind]
        parts += [f"## {heading}", _table(named, body)]
    parts += ["## Differences from the paper", *map(_deviation, deviations_of(experiment))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _linked(name: str, algorithms: dict[str, str]) -> str:
    algorithm = algorithms.get(name)
    return f"`{name}`" + (f" ([{algorithm}](../algorithms/{algorithm}.md))" if algorithm else "")


def _outcome(study: Study) -> Outcome:
    """The summary of `svgbench compare` and the first table of `svgbench table`."""
    if not study.budgets():
        return Outcome("No results are committed.", ["No results are committed."])
    judged, _ = study.judge()
    lines = summary_lines(judged, 100, more=False)
    answer = " ".join(line.strip() for line in itertools.takewhile(str.strip, lines))
    tables = [render(grid, "markdown").strip() for grid in study.table(whole=False)[:1]]
    return Outcome(answer, ["```text\n" + "\n".join(lines) + "\n```", *tables])


def _deviation(row: dict[str, Any]) -> str:
    ours = {name: _escaped(row[name]) for name in ("paper", "ours", "reason", "source")}
    return f"**{row['id']}.** Paper: {ours['paper']} Ours: {ours['ours']} Why: {ours['reason']} ({ours['source']})"


def _experiment_list(experiments: Iterable[Experiment]) -> str:
    rows = [(f"[{e.id}]({_slug(e)}.md)", e.title) for e in experiments]
    return f"# Experiments\n\n`svgbench list` says how much of each is done.\n\n{_table(('id', 'title'), rows)}\n"


# -- markup -----------------------------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    """Plain text for Markdown: angle brackets would be read as HTML, stars and underscores as emphasis. Code stays."""
    lines = [line if line.startswith("    ") else _escaped_line(line) for line in text.splitlines()]
    return "\n".join(lines).strip("\n")


def _escaped_line(line: str) -> str:
    outside = re.split(r"(`[^`]*`|\*\*[^*]+\*\*)", line)
    return "".join(
        part if i % 2 else re.sub(r"([*_\[\]])", r"\\\1", part.replace("<", "&lt;")) for i, part in enumerate(outside)
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    body = [line([first, *map(_escaped_line, others)]) for first, *others in rows]
    return "\n".join([line(heads), line("---" for _ in heads), *body])


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"* {item}" for item in items)


def _settings(moved: dict[str, str], experiments: Iterable[Experiment]) -> str:
    """The site's settings, with every page in its navigation."""
    how_to = sorted(page for page in moved.values() if "/" not in page and page not in ("index.md", "guide.md"))
    by_work: dict[str, list[str]] = {}
    for experiment in experiments:
        by_work.setdefault(experiment.work, []).append(f"experiments/{_slug(experiment)}.md")
    works = [
        f"{{ {json.dumps(work)} = {json.dumps([f'works/{work}.md', *pages])} }}" for work, pages in by_work.items()
    ]
    algorithms = ["algorithms/index.md", *(f"algorithms/{name}.md" for name in registry.algorithms())]
    nav = [
        '{ "svgbench" = "index.md" }',
        '{ "The first hour" = "guide.md" }',
        f'{{ "How to" = {json.dumps(how_to)} }}',
        f'{{ "Works and experiments" = ["experiments/index.md", {", ".join(works)}] }}',
        f'{{ "Algorithms" = {json.dumps(algorithms)} }}',
    ]
    lines = ["[project]", 'site_name = "svgbench"', 'docs_dir = "pages"', 'site_dir = "site"']
    lines += ["use_directory_urls = false", f"nav = [{', '.join(nav)}]", "[project.theme]", "font = false"]
    lines += ['features = ["navigation.indexes", "navigation.tabs", "navigation.top", "content.code.copy"]']
    for scheme in ("default", "slate"):
        colours = "light" if scheme == "default" else "dark"
        lines += ["[[project.theme.palette]]", f'media = "(prefers-color-scheme: {colours})"', f'scheme = "{scheme}"']
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
