"""Expansion of an experiment into cells and of cells into blocks. Pure: nothing here touches a disk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from svgbench import strict_json
from svgbench.lab import fields, origin, registry, rules, source
from svgbench.lab.overrides import Reach, changed_id, parse_overrides, reach
from svgbench.lab.platform import FLOAT32
from svgbench.lab.precision import check_layers
from svgbench.ranges import Count
from svgbench.words.errors import UsageError, unknown
from svgbench.words.experiment import Budget, Experiment, TaskSpec, Variant
from svgbench.words.values import PerTask, Setting

REPLICAS = "replicas"
"""In a budget's folder, the folder of second measurements, by platform."""


@dataclass(frozen=True)
class Selection:
    """What a user asked for. Empty fields mean everything that the experiment declares.

    `seeds` is a list of seeds, or a count from the experiment's first seed.
    """

    budget: str = "paper"
    seeds: tuple[int, ...] | int | None = None
    tasks: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()  # "key=value"
    device: str = "cpu"
    precision: str = FLOAT32  # of matrix products


@dataclass(frozen=True, eq=False)
class Cell:
    """One experiment, task and variant at one budget, with everything that its numbers depend on."""

    experiment: str
    budget: str
    task: TaskSpec
    variant: Variant
    config: Mapping[str, Any]
    limits: Mapping[str, Any]
    versions: Mapping[str, int]
    columns: tuple[str, ...]
    seeds: tuple[int, ...]  # the requested ones
    block_size: int
    threads: int
    device: str
    identity: str
    sources: Mapping[str, str] = field(default_factory=dict)  # hashes of packages that are not ours, by name
    precision: str = FLOAT32  # of matrix products: of the platform, as the device is
    replica: str = ""  # the platform's key, if these are the runs of a replication (`svgbench.lab.replicas`)

    @property
    def place(self) -> str:
        """The folder of the cell's files, in the results folder and under `.work`."""
        return f"{self.experiment}/{self.budget}" + (f"/{REPLICAS}/{self.replica}" if self.replica else "")

    @property
    def name(self) -> str:
        """The stem of the cell's files."""
        return cell_name(self.task.id, self.variant.id)

    @property
    def key(self) -> tuple[str, str]:
        return self.task.id, self.variant.id


@dataclass(frozen=True, eq=False)
class Block:
    """A fixed group of seeds that train together, and the subset that is wanted now."""

    cell: Cell
    index: int
    wanted: tuple[int, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        first = self.index * self.cell.block_size
        return tuple(range(first, first + self.cell.block_size))

    @property
    def name(self) -> str:
        return f"block-{self.index:03d}-{self.cell.identity}"


def cell_name(task: str, variant: str) -> str:
    return f"{task.replace('/', '-')}--{variant}"


SIZES = {name: fields.Field(name, Count) for name in ("seeds", "block_size", "threads")}
"""The numeric sizes of a budget and an experiment."""

MOST_SEEDS = 100_000  # more is probably a typo, and would fill the memory
LARGEST_SEED = 2**31 - 1
_RANGE = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")


def parse_seeds(text: str) -> tuple[int, ...] | int:
    """ "10" is a count; "0,4,7", "3-5" and "0-2,9" name seeds. UsageError says what was expected."""
    expected = "expected a count such as 10, a range such as 3-5, or a list such as 0,4,7"
    ends = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise UsageError(f"--seeds {text}: {expected}")
        ends.append((int(match[1]), int(match[2] or match[1])))
    count = ends[0][0] if text.strip().isdigit() else None
    if count is not None:
        ends = [(0, count - 1)]
    if sum(max(last - first + 1, 0) for first, last in ends) > MOST_SEEDS:
        raise UsageError(f"--seeds {text} names more than {MOST_SEEDS} seeds")
    if max(last for _, last in ends) > LARGEST_SEED:
        raise UsageError(f"--seeds {text}: expected seeds up to {LARGEST_SEED}")
    ranges = [range(first, last + 1) for first, last in ends]
    seeds = [seed for r in ranges for seed in r]
    if not seeds:
        raise UsageError(f"--seeds {text} names no seed; {expected}")
    if len(set(seeds)) != len(seeds):
        raise UsageError(f"--seeds {text} names a seed twice; {expected}")
    return len(seeds) if count is not None else tuple(sorted(seeds))


def named_seeds(experiment: Experiment, selection: Selection) -> tuple[int, ...] | None:
    """The requested seeds, from a list or a count; None if the budget decides.

    Raises UsageError for seeds before the experiment's first, so that a search and a figure share no seeds.
    """
    if selection.seeds is None:
        return None
    seeds = experiment.counted(selection.seeds) if isinstance(selection.seeds, int) else selection.seeds
    first = experiment.first_seed
    if min(seeds, default=first) < first:
        raise UsageError(f"--seeds {min(seeds)}: the seeds of {experiment.id} start at {first}; {first}-{first + 2}?")
    return seeds


def expand(experiment: Experiment, selection: Selection, extra: Mapping[str, Variant] | None = None) -> list[Cell]:
    """The cells of `experiment` that `selection` asks for, in declared order, tasks outermost.

    `extra` are learners of other packages; they are included if `selection.variants` names them. With overrides, only
    cells that have all of those settings are included. Raises UsageError for a word that the experiment does not know.
    """
    budget = _budget(experiment, selection.budget)
    _check_sizes(experiment, budget)
    asked = named_seeds(experiment, selection)
    tasks, variants = _named(experiment, selection, extra)
    reached = reach_of(experiment, selection, extra)
    task_versions = {}
    for task in tasks:
        factory = source.declared(task.make)
        factory.check_options(task.options, f"task {task.id}")
        task_versions[task.id] = factory.version
    cells = []
    for task in tasks:
        for declared in variants:
            if task.id not in reached.changed.get(declared.id, ()):
                continue
            variant, config, limits, version = _resolve(task, declared, budget, reached.overrides, selection.device)
            check_layers(selection.precision, config, f"{declared.id} on {task.id}")
            task = replace(task, make=registry.name_of(task.make))
            cell = Cell(
                experiment=experiment.draws_from or experiment.id,
                budget=budget.name,
                task=task,
                variant=variant,
                config=config,
                limits=limits,
                versions={"algorithm": version, "task": task_versions[task.id]},
                columns=tuple(c.name for c in experiment.columns),
                seeds=experiment.seeds(budget.name, task.id, declared.id) if asked is None else asked,
                block_size=experiment.size_of_blocks(budget.name, task.id, declared.id),
                threads=experiment.threads_of_block(budget.name, task.id, declared.id),
                device=selection.device,
                identity="",
                sources=origin.sources(variant.learner, task.make),
                precision=selection.precision,
            )
            cells.append(replace(cell, identity=identity(cell)))
    return cells


def _check_sizes(experiment: Experiment, budget: Budget) -> None:
    block_size = experiment.block_size if budget.block_size is None else budget.block_size
    sizes = {
        "seeds": (budget.seeds, *budget.seeds_of.values()),
        "block_size": (block_size, *budget.block_size_of.values()),
        "threads": (experiment.threads, *budget.threads_of.values()),
    }
    for name, values in sizes.items():
        for value in values:
            fields.check(SIZES, {name: value}, f"budget {budget.name} of {experiment.id}")


def reach_of(experiment: Experiment, selection: Selection, extra: Mapping[str, Variant] | None = None) -> Reach:
    """Which of the cells that `selection` names its overrides change. Raises UsageError as `expand` does."""
    budget = _budget(experiment, selection.budget)
    tasks, variants = _named(experiment, selection, extra)
    overrides = parse_overrides(selection.overrides)
    known = {
        (v.id, t.id): source.declared(v.learner).fields.keys() | budget.limits_on(t, v.id).keys()
        for v in variants
        for t in tasks
        if v.runs_on(t.id)
    }
    if not known:
        where = "; ".join(f"{v.id} runs on {', '.join(v.tasks or ())}" for v in variants)
        raise UsageError(f"no cell of {experiment.id} matches: {where}")
    return reach(overrides, known, ", ".join(selection.variants) or experiment.id)


def _named(
    experiment: Experiment, selection: Selection, extra: Mapping[str, Variant] | None
) -> tuple[list[TaskSpec], list[Variant]]:
    """The requested tasks and variants."""
    tasks = _chosen("task", selection.tasks, {t.id: t for t in experiment.tasks})
    return tasks, _chosen("variant", selection.variants, {v.id: v for v in experiment.variants}, extra)


def expand_declared(
    experiment: Experiment, selection: Selection, extra: Mapping[str, Variant] | None, stored: Set[str]
) -> list[Cell]:
    """`expand` for reading: an undeclared variant may be named if the store has it; it makes no cell here."""
    declared = {v.id for v in experiment.variants} | set(extra or {})
    named = tuple(v for v in selection.variants if v in declared or v not in stored)
    if selection.variants and not named:
        expand(experiment, replace(selection, variants=()), extra)  # the other words are still checked
        return []
    return expand(experiment, replace(selection, variants=named), extra)


def identity(cell: Cell) -> str:
    """A hash of everything that decides a cell's numbers: 12 hexadecimal digits.

    Algorithm and task enter by their names, so that their files may move. Seeds and platform do not enter. Neither do
    settings that were added later and have the value that changes nothing (`ADDED`).
    """
    return identity_with(cell, source.declared(cell.variant.learner).identifying(cell.config))


def identity_with(cell: Cell, config: Mapping[str, Any]) -> str:
    """The cell's identity, computed with this part of its config."""
    parts = {
        "learner": cell.variant.learner,
        "config": config,
        "limits": cell.limits,
        "task": [cell.task.make, cell.task.options],
        "versions": cell.versions,
        "columns": cell.columns,
        "block_size": cell.block_size,
        "threads": cell.threads,
    }
    return _hash(parts | ({"sources": cell.sources} if cell.sources else {}), 12)


def blocks(cell: Cell, wanted: Iterable[int]) -> list[Block]:
    """The blocks that hold the wanted seeds. Seed s is always in block s // block_size."""
    by_index: dict[int, list[int]] = {}
    for seed in sorted(wanted):
        by_index.setdefault(seed // cell.block_size, []).append(seed)
    return [Block(cell, index, tuple(seeds)) for index, seeds in sorted(by_index.items())]


def describe_job(block: Block) -> dict[str, Any]:
    """The job of a block's process: plain JSON, enough to run it on any machine that has the packages."""
    cell = block.cell
    return {
        "experiment": cell.experiment,
        "budget": cell.budget,
        "task": asdict(cell.task),
        "variant": asdict(cell.variant),
        "config": dict(cell.config),
        "limits": dict(cell.limits),
        "versions": dict(cell.versions),
        "columns": list(cell.columns),
        "seeds": list(cell.seeds),
        "block_size": cell.block_size,
        "threads": cell.threads,
        "device": cell.device,
        "precision": cell.precision,
        "identity": cell.identity,
        "sources": dict(cell.sources),
        "replica": cell.replica,
        "block": block.index,
        "wanted": list(block.wanted),
    }


def block_from_job(job: Mapping[str, Any]) -> Block:
    """The block that `describe_job` described."""
    cell = Cell(
        experiment=job["experiment"],
        budget=job["budget"],
        task=TaskSpec(**_tuples(job["task"])),
        variant=Variant(**_tuples(job["variant"])),
        config=_tuples(job["config"]),
        limits=_tuples(job["limits"]),
        versions=job["versions"],
        columns=tuple(job["columns"]),
        seeds=tuple(job["seeds"]),
        block_size=job["block_size"],
        threads=job["threads"],
        device=job["device"],
        identity=job["identity"],
        sources=job.get("sources", {}),
        precision=job.get("precision", FLOAT32),
        replica=job.get("replica", ""),
    )
    return Block(cell, job["block"], tuple(job["wanted"]))


def _tuples(value: Any) -> Any:
    """Turn JSON's lists back into tuples, so that a config survives the round trip."""
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _budget(experiment: Experiment, name: str) -> Budget:
    try:
        return experiment.budget(name)
    except KeyError:
        raise unknown(f"budget of {experiment.id}", name, [b.name for b in experiment.budgets]) from None


def _chosen(
    kind: str, names: Sequence[str], declared: Mapping[str, Any], extra: Mapping[str, Any] | None = None
) -> list[Any]:
    """The named items in declared order; all declared items if none is named."""
    everything = {**declared, **(extra or {})}
    for name in names:
        if name not in everything:
            raise unknown(kind, name, everything)
    return [value for key, value in everything.items() if key in (names or declared)]


def _resolve(
    task: TaskSpec, variant: Variant, budget: Budget, overrides: Mapping[str, str], device: str
) -> tuple[Variant, dict[str, Any], dict[str, Any], int]:
    """The variant with its whole config and limits on that task; overrides make it a separate variant.

    Later layers win: defaults, profile, the task's settings, the variant's, the budget's cuts, overrides.
    """
    learner = source.declared(variant.learner)
    of_task, cut = (
        {name: value for name, value in layer.items() if name in learner.fields}
        for layer in (task.config, budget.settings(task.id, variant.id))
    )
    own: dict[str, Setting] = {
        name: value.values[task.id] if isinstance(value, PerTask) else value
        for name, value in variant.config.items()
        if not isinstance(value, PerTask) or task.id in value.values
    }
    limits: dict[str, Any] = dict(budget.limits_on(task, variant.id))
    variant = replace(variant, learner=registry.name_of(variant.learner), config=own)
    config = learner.config(of_task, own, cut, profile=variant.profile)
    where = f"{variant.id} on {task.id}"
    changed: dict[str, Any] = {}
    for key, text in overrides.items():
        if key in learner.fields:
            changed[key] = config[key] = learner.parse(key, text)
        else:
            limit = learner.limits.get(key) or fields.of_value(key, limits[key])
            changed[key] = limits[key] = limit.parse(text)
    fields.check(learner.fields, config, where)
    learner.check_limits(limits, where)
    factory = source.declared(task.make)
    horizon = {**factory.option_defaults, **task.options}.get("horizon")
    known = {"device": device} | ({"horizon": horizon} if horizon else {})
    rules.check(learner.rules, {**known, **limits, **config}, where)
    if changed:
        words = " ".join(f"{k}={v}" for k, v in sorted(changed.items()))
        variant = replace(variant, id=changed_id(variant.id, _hash(changed, 8)), label=f"{variant.label} ({words})")
    return variant, config, limits, learner.version


def _hash(value: Any, digits: int) -> str:
    text = strict_json.dumps(value, sort_keys=True, separators=(",", ":"), default=dict)
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
