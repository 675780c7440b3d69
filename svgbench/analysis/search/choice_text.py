"""A search as text and as rows: its settings with mean, SD and n, its winners, and the values written in the
experiment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from svgbench.analysis.search.choosing import Choice, Word, Written, at_an_end, not_told_apart
from svgbench.analysis.show.tables import DisplayTable, Entry, Measured, Rounded
from svgbench.words.search import Search, Tried
from svgbench.words.values import Setting


def choice_rows(search: Search, budget: str, found: Sequence[Choice]) -> list[dict[str, Any]]:
    """One flat row per variant, task and setting. `rank` is the mean over the tasks of the choice, 1 for the best."""
    return [
        {
            "search": search.id,
            "experiment": search.experiment.id,
            "budget": budget,
            "task": task,
            "variant": choice.grid.variant,
            "setting": setting.variant.id,
            "values": _values(setting.values),
            "measure": search.measure.label,
            "mean": score.summary.mean if score else None,
            "sd": score.summary.sd if score else None,
            "n": score.summary.n if score else 0,
            "failed": score.failed if score else 0,
            "rank": choice.ranks.get(setting.variant.id),
            "winner": setting is choice.winner,
        }
        for choice in found
        for task in choice.tasks
        for setting in choice.settings
        for score in [choice.scores.get((setting.variant.id, task))]
    ]


def written_rows(search: Search, budget: str, found: Sequence[Written]) -> list[dict[str, Any]]:
    """One flat row per variant, task and config field that the search decides."""
    return [
        {
            "search": search.id,
            "experiment": search.experiment.id,
            "budget": budget,
            "task": row.task,
            "variant": row.variant,
            "field": row.field,
            "written": _flat(row.written),
            "winner": _flat(row.winner),
            "verdict": row.word,
        }
        for row in found
    ]


def choice_tables(search: Search, budget: str, found: Sequence[Choice]) -> list[DisplayTable]:
    """A table per variant: a row per setting, a column per task, "mean ± SD (n)", the winner marked with *."""
    labels = {task.id: task.label for task in search.experiment.tasks}
    variants = {variant.id: variant.label for variant in search.experiment.variants}
    tables = []
    for grid in search.grids:
        own = [choice for choice in found if choice.grid == grid]
        if not own:
            continue
        columns = [labels[task] for choice in own for task in choice.tasks]
        over = grid.choice == "over tasks" and len(columns) > 1
        rows = []
        for setting in own[0].settings:
            cells = [_cell(choice, setting, task, over) for choice in own for task in choice.tasks]
            rows.append((_label(setting), (*cells, *([_rank(own[0], setting)] if over else []))))
        title = f"{search.id}, budget {budget}: {variants[grid.variant]}, {search.measure.label}"
        mark = "chosen" if any(choice.winner for choice in own) else ""
        heads = (*columns, *(["mean rank"] if over else []))
        tables.append(DisplayTable(title, "", heads, tuple(rows), mark=mark))
    return tables


def rule(search: Search) -> str:
    """How a search chooses, in a sentence."""
    better = "largest" if search.measure.higher_is_better else "smallest"
    ways = {"per task": "on each task", "over tasks": "by the mean rank over the tasks"}
    how = " or ".join(ways[choice] for choice in dict.fromkeys(grid.choice for grid in search.grids))
    return (
        f"Rule: the {better} mean over seeds of {search.measure.label}, {how}; a failed seed counts as the worst seed "
        f"of any setting; seeds from {search.first_seed}, which no figure uses."
    )


def choice_sentences(search: Search, found: Sequence[Choice], rows: Sequence[Written]) -> Iterator[str]:
    """The winners and how clear they are, the missing runs, and whether the experiment is written with the winners."""
    better = "higher" if search.measure.higher_is_better else "lower"
    yield f"mean ± SD (n seeds from {search.first_seed}); {better} is better"
    for choice in found:
        where = f"{choice.grid.variant} on {', '.join(choice.tasks)}"
        if choice.winner is None:
            lacking = f"{choice.missing[0]}{', ...' * (len(choice.missing) > 1)}" if choice.missing else "all diverged"
            yield f"{where}: nothing is chosen yet: {lacking}"
            continue
        same, ends = len(not_told_apart(choice)), at_an_end(choice)
        rest = len(choice.settings) - 1
        others = (
            f"; not told apart (95 %) from {f'{same} of the {rest} others' if rest > 1 else 'the other'}"
            if same
            else ""
        )
        edge = f"; {' and '.join(ends)} tried" if ends else ""
        yield f"{where}: {_values(choice.winner.values)}{others}{edge}"
    yield from written_sentences(search, rows)


def written_sentences(search: Search, rows: Sequence[Written]) -> Iterator[str]:
    """The fields that are not written as chosen, then the numbers of those that are and are not."""
    of = search.experiment.id
    wrong: dict[tuple[str, str, Any, Any], list[str]] = {}
    for row in rows:
        if row.word == "NOT_CHOSEN":
            wrong.setdefault((row.variant, row.field, row.written, row.winner), []).append(row.task)
    for (variant, name, now, best), tasks in wrong.items():
        yield (
            f"{search.id}: {of} has {name} = {now} of {variant} on {', '.join(tasks)}; {best} was chosen: "
            "once it is written, these runs must be repeated"
        )
    counts = Counter(row.word for row in rows)
    words: dict[Word, str] = {
        "CHOSEN": "written as chosen",
        "NOT_CHOSEN": "written otherwise",
        "INCOMPLETE": "not chosen yet",
    }
    yield f"{search.id}, for {of}: " + ", ".join(
        f"{counts[word]} setting{'s' * (counts[word] != 1)} {text}" for word, text in words.items() if counts[word]
    )


def _label(setting: Tried) -> str:
    return ", ".join(f"{axis.label or axis.field} = {setting.values[axis.field]}" for axis in setting.grid.axes)


def _cell(choice: Choice, setting: Tried, task: str, over: bool) -> Entry:
    score = choice.scores.get((setting.variant.id, task))
    if score is None:
        return None
    chosen = setting is choice.winner and not over
    return Measured(score.summary.mean, score.summary.sd, score.summary.n, score.failed, chosen)


def _rank(choice: Choice, setting: Tried) -> Entry:
    rank = choice.ranks.get(setting.variant.id)
    return None if rank is None else Rounded(rank, best=setting is choice.winner)


def _values(values: Mapping[str, Setting]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _flat(value: Setting | None) -> str | int | float | bool | None:
    return str(value) if isinstance(value, tuple) else value
