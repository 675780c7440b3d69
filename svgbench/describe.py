"""The output of `show`, `plan` and `deviations`, as flat rows and short paragraphs. Quick to import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from svgbench.analysis.read.naming import amount
from svgbench.analysis.show.wording import counted, words_of
from svgbench.lab.calibration import Cost, CostEstimate, kind
from svgbench.lab.damage import left_out
from svgbench.lab.eta import duration
from svgbench.lab.overrides import settings_of
from svgbench.lab.plan import Plan
from svgbench.lab.platform import FLOAT32
from svgbench.terminal import size
from svgbench.words.experiment import Experiment
from svgbench.words.values import PerTask

MOST_CELLS = 3
"""Cells that a sentence names."""
NIGHT = 10 * 3600.0  # seconds


def parts_of(experiment: Experiment) -> list[dict[str, Any]]:
    """Everything an experiment declares: one flat row per part, `kind`, `id`, `text`, `detail`."""
    rows = [_row("experiment", experiment.id, experiment.title, experiment.description)]
    rows += [_row("task", t.id, t.label, _settings({**t.options, **t.config})) for t in experiment.tasks]
    for variant in experiment.variants:
        profile = [f"profile {variant.profile}"] if variant.profile else []
        settings = [_settings(variant.config)] if variant.config else []
        rows += [_row("variant", variant.id, variant.label, "; ".join(profile + settings))]
    for budget in experiment.budgets:
        first = f" from {experiment.first_seed}" if experiment.first_seed else ""
        others = f" ({_settings(budget.seeds_of)})" if budget.seeds_of else ""
        note = budget.note.removesuffix(f", {budget.seeds} seeds")  # a figure's note says it, here it would be twice
        text = f"{budget.seeds} seeds{first}{others}" + (f": {note}" if note else "")
        settings = [_settings({**budget.limits, **budget.config})]
        names = dict.fromkeys([*budget.limits_of, *budget.config_of])
        exceptions = {n: {**budget.limits_of.get(n, {}), **budget.config_of.get(n, {})} for n in names}
        settings += [f"{name}: {_settings(own)}" for name, own in exceptions.items()]
        settings += [
            f"blocks of {size} seed{'s' * (size > 1)} of {name}" for name, size in budget.block_size_of.items()
        ]
        settings += [f"{n} threads for a block of {name}" for name, n in budget.threads_of.items()]
        rows += [_row("budget", budget.name, text, "; ".join(filter(None, settings)))]
    for column in experiment.columns:
        words = [column.unit, "needed by import" if column.name in experiment.needed_columns else ""]
        rows.append(_row("column", column.name, column.description, ", ".join(filter(None, words))))
    for claim in experiment.claims:
        numbers = "; ".join(f"{words_of(part)}: {part.number}" for part in claim.parts)
        text = f'"{claim.quote}" ({claim.source}) {counted(experiment, claim)}'
        rows.append(_row("claim", claim.id, text.rstrip(), numbers))
    for name, (field, default) in settings_of(experiment.variants).items():
        rows.append(_row("setting", name, f"default {default!r}", field.summary))
    return rows


def deviations_of(experiment: Experiment) -> list[dict[str, Any]]:
    """One flat row per known difference from the paper. `variants` names those that it concerns; "" means all."""
    return [
        {
            "experiment": experiment.id,
            "id": d.id,
            "paper": d.paper,
            "ours": d.ours,
            "reason": d.reason,
            "source": d.source,
            "changes_metric": d.changes_metric,
            "variants": ", ".join(d.variants or ()),
        }
        for d in experiment.deviations
    ]


def once_each(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Deviations of several experiments. Equal ones share a row, whose `id` names the experiments."""
    same: dict[tuple[Any, ...], list[str]] = {}
    for row in rows:
        same.setdefault(tuple((k, v) for k, v in row.items() if k != "experiment"), []).append(row["experiment"])
    made = [(dict(key), experiments) for key, experiments in same.items()]
    return [row | {"id": f"{row['id']} ({', '.join(experiments)})"} for row, experiments in made]


def plan_rows(
    plan: Plan,
    costs: Mapping[str, Cost],
    estimate: CostEstimate,
    never: Mapping[tuple[str, str], str],
    on: Mapping[tuple[str, str], list[str]],
) -> list[dict[str, Any]]:
    """One flat row per cell of the plan. `seconds` is one process's time for the missing runs, or None; `basis` says
    whether it was measured or scaled. Every row has the whole plan's `plan_seconds`, with `plan_jobs` processes.
    `undecidable` says why no runs can decide the cell's published number, if none can (`never`, by task and variant).
    `platforms` names those that have measured the cell (`on`, by task and variant).
    """
    rows = []
    whole = None if estimate.unknown else estimate.seconds
    for cell_plan in plan.cells:
        cell, state = cell_plan.cell, cell_plan.state
        cost = costs.get(kind(cell)) if cell_plan.blocks else Cost()
        known = cost is not None and not cost.error
        seconds = len(cell_plan.blocks) * (cost.seconds + cost.start_seconds) if known and cost else None
        rows.append(
            {
                "experiment": plan.experiment.id,
                "task": cell.task.id,
                "variant": cell.variant.id,
                "budget": cell.budget,
                "replica": cell.replica,
                "platforms": ", ".join(on.get((cell.task.id, cell.variant.id), [])),
                "status": state.status,
                "seeds_total": len(cell.seeds),
                "seeds_missing": cell_plan.runs_missing,
                "blocks": len(cell_plan.blocks),
                "seconds": seconds,
                "basis": cost.basis if cell_plan.blocks and known and cost else None,
                "plan_seconds": whole,
                "plan_jobs": estimate.jobs,
                "undecidable": never.get(cell.key),
                "note": state.note,
            }
        )
    return rows


def by_task(rows: list[dict[str, Any]], unknown: Collection[str] = ()) -> list[dict[str, Any]]:
    """Plan rows summed over variants, for a person. unknown: tasks where it is open which cells are undecidable."""
    summed: dict[str, dict[str, Any]] = {}
    for row in rows:
        total = summed.setdefault(row["task"], {"task": row["task"], "cells": 0, "runs": 0, "missing": 0, "blocks": 0})
        total["cells"] += 1
        total["runs"] += row["seeds_total"]
        total["missing"] += row["seeds_missing"]
        total["blocks"] += row["blocks"]
        total["undecidable"] = total.get("undecidable", 0) + bool(row["undecidable"])
        known = row["seconds"] is not None and total.get("seconds", 0.0) is not None
        total["seconds"] = total.get("seconds", 0.0) + row["seconds"] if known else None
    for total in summed.values():
        if total["task"] in unknown:
            total["undecidable"] = "?"
        total["time"] = "?" if total["seconds"] is None else duration(total["seconds"]) if total["missing"] else "-"
    return list(summed.values())


def plan_sentences(plan: Plan, estimate: CostEstimate | None) -> list[str]:
    """The plan in a few lines: what exists, what is missing, what it costs, what will be moved aside."""
    statuses = ", ".join(f"{count} {status}" for status, count in plan.statuses().items())
    budget = plan.selection.budget
    what = f"{plan.experiment.id}, budget {budget}" + ", replication" * bool(plan.notes)
    lines = [f"{what}: {amount(len(plan.cells), 'cell')} ({statuses})" if plan.cells else f"{what}: nothing to repeat"]
    lines += plan.notes
    lines.append(f"{plan.runs_missing} of {plan.runs_total} runs missing, in {amount(len(plan.blocks), 'block')}")
    lines += left_out(c.state.damage for c in plan.cells if c.state.damage is not None)
    moved = [c.cell.name for c in plan.cells if c.state.status in ("stale", "other") and c.blocks]
    if moved:
        lines.append(f"{amount(len(moved), 'cell')} will be moved to .work/superseded and done again: {moved[0]}, ...")
    if plan.selection.precision != FLOAT32:
        lines.append(f"matrix products in {plan.selection.precision}: never mixed with results in {FLOAT32}")
    lines += _companions(plan)
    if estimate is not None and plan.blocks:
        disk = f"{size(estimate.disk_bytes)} of disk" + ("" if estimate.disk_exact else " and the CSVs")
        processes = f"{estimate.jobs} process{'es' * (estimate.jobs > 1)}"
        roughly = "more than" if estimate.unknown else "about"
        if estimate.unknown < len(plan.blocks):
            lines.append(f"{roughly} {duration(estimate.seconds)} with {processes} on this machine, {disk}")
        if estimate.scaled:
            kinds = f"{estimate.measured} kind{'s' * (estimate.measured != 1)} of block"
            lines.append(f"{kinds} measured; {estimate.scaled} more scaled by the arithmetic they take")
        if estimate.unknown:
            lines += [f"no estimate for {amount(estimate.unknown, 'block')}; the first of them:", estimate.errors[0]]
    return lines


def night_sentences(plan: Plan, estimate: CostEstimate) -> list[str]:
    """How to see what fits into a night, where the whole plan does not."""
    missing = sum(bool(cell.blocks) for cell in plan.cells)
    if missing < 2 or estimate.seconds <= NIGHT:
        return []
    return [f"the same command with --fits 10h says which of {missing} cells fit into a night, the cheapest first"]


def platform_sentences(on: Mapping[tuple[str, str], list[str]]) -> list[str]:
    """Which measured cells have one platform only. `on` has the platforms by task and variant."""
    measured = {key: names for key, names in on.items() if names}
    single = {key: names[0] for key, names in measured.items() if len(names) == 1}
    if not single:
        return [f"all {len(measured)} measured cells have two platforms or more"] if measured else []
    if len(single) == len(measured) and len({*single.values()}) == 1:
        return [f"all {len(measured)} measured cells have one platform: {next(iter(single.values()))}"]
    some = [f"{variant} on {task} ({name})" for (task, variant), name in single.items()]
    more = [f"and {len(some) - MOST_CELLS} more"] if len(some) > MOST_CELLS else []
    return [
        f"{len(single)} of {len(measured)} measured cells have one platform: {', '.join([*some[:MOST_CELLS], *more])}"
    ]


def undecidable_sentences(rows: list[dict[str, Any]], unknown: list[str], verbose: bool) -> list[str]:
    """The cells of a plan that can get no verdict on their published number. unknown: tasks where that is open."""
    marked = [row for row in rows if row["undecidable"]]
    lines = []
    if marked:
        kinds = Counter(row["undecidable"].partition(":")[0] for row in marked)
        why = ", ".join(f"{kind}{f' ({n})' * (len(kinds) > 1)}" for kind, n in kinds.items())
        more = "" if verbose else "; --verbose names them"
        lines.append(
            f"{len(marked)} of {len(rows)} cells get no verdict on the printed number, whatever is run: {why}{more}"
        )
        lines += [f"{row['task']} {row['variant']}: {row['undecidable']}" for row in marked * verbose]
    tasks = [task for task in dict.fromkeys(row["task"] for row in rows) if task in unknown]
    if tasks:
        lines.append(
            f"not known before the random policy has run on {', '.join(tasks)}: which cells there get no verdict"
        )
    return lines


def _companions(plan: Plan) -> list[str]:
    """What becomes of the seeds that the blocks hold beside the requested ones."""
    trained, kept, again = (
        sum(getattr(c.companions, name) for c in plan.cells) for name in ("trained", "kept", "again")
    )
    lines = []
    if trained:
        blocks = "1 block was" if trained == 1 else f"{trained} blocks were"
        lines.append(f"{blocks} trained whole by an earlier run: the missing seeds are only stored")
    if kept:
        seeds = f"{kept} seed{'s' * (kept > 1)} beyond those requested {'are' if kept > 1 else 'is'}"
        lines.append(f"blocks train whole: {seeds} trained, and kept for later")
    if again:
        lines.append(f"blocks train whole: {again} stored seed{'s' * (again > 1)} among them; what is stored stays")
    return lines


def power_sentences(experiment: Experiment, budget: str, seeds: int, published_n: list[int]) -> list[str]:
    """What this number of seeds can show: against published numbers of n seeds, and for claims among our own runs.

    Published numbers belong to the largest budget. A smoke run decides nothing.
    """
    from svgbench.analysis.judge.power import detectable_effect, power_tost, power_welch

    lines: list[str] = []
    if budget == "smoke":
        return lines
    if budget != experiment.budgets[0].name:
        published_n = []
    if experiment.claims and seeds > 1:
        effect = detectable_effect(seeds)
        lines.append(
            f"power: {seeds} paired seeds find a difference of {effect:.2f} SD (of the differences) "
            "with probability 0.80; smaller ones mostly stay INCONCLUSIVE"
        )
    for n in published_n:
        if seeds < 2 or n < 2:
            lines.append(f"power: no verdict on a level with n = {seeds} against a published n = {n}")
            continue
        same = power_tost(0.0, 1.0, seeds, n)
        wide = power_tost(0.0, 2.0, seeds, n)
        worse = power_welch(1.0, seeds, n)
        lines.append(
            f"power: n = {seeds} against a published n = {n}: equal means are shown REPRODUCED with probability "
            f"{same:.2f} (margin 1 SD) or {wide:.2f} (2 SD); a gap of 1 SD is seen with {worse:.2f}"
        )
    return lines


def _row(kind_: str, id_: str, text: str, detail: str) -> dict[str, Any]:
    return {"kind": kind_, "id": id_, "text": text, "detail": detail}


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{k}={_value(v)}" for k, v in values.items())


def _value(value: Any) -> str:
    if isinstance(value, PerTask):
        tasks: dict[Any, list[str]] = {}
        for task, one in value.values.items():
            tasks.setdefault(one, []).append(task)
        return " or ".join(f"{one} ({', '.join(on)})" for one, on in tasks.items())
    return str(value)
