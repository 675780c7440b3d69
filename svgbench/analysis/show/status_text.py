"""What `status` prints below its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from svgbench.analysis.read.naming import name_seeds

MOST_VARIANTS = 6
"""Variants of a task that a line names."""


def status_sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The reasons of statuses, then the cells on several platforms, mixed seeds and unfinished replicas, each group of
    cells with equal words in one sentence. `rows` are those of `svgbench.lab.statuses.status_rows`."""
    told = list(dict.fromkeys(f"{row['status']}: {row['note']}" for row in rows if row["note"]))
    told += [f"several platforms, {on}: {where}" for on, where in _grouped(rows, "replicated_on")]
    for seeds, where in _grouped(rows, "mixed_seeds"):
        told.append(f"mixed, continued on another platform: {name_seeds(map(int, seeds.split()))} of {where}")
    return told + [f"replica {words}: {where}" for words, where in _grouped(rows, "replicas_unfinished")]


def _grouped(rows: Sequence[Mapping[str, Any]], field: str) -> list[tuple[str, str]]:
    """Each value of the field, except "", with the cells that have it."""
    values = dict.fromkeys(row[field] for row in rows if row[field])
    return [(value, _cells(rows, [row for row in rows if row[field] == value])) for value in values]


def _cells(rows: Sequence[Mapping[str, Any]], chosen: Sequence[Mapping[str, Any]]) -> str:
    """Some of the rows, as "all of svg/cart-pole" or "svg/hand (planner, random)"."""
    parts = []
    for task in dict.fromkeys(row["task"] for row in chosen):
        variants = [row["variant"] for row in chosen if row["task"] == task]
        more = [f"and {len(variants) - MOST_VARIANTS} more"] * (len(variants) > MOST_VARIANTS)
        whole = len(variants) == sum(row["task"] == task for row in rows)
        named = ", ".join([*variants[:MOST_VARIANTS], *more])
        parts.append(f"all of {task}" if whole and len(variants) > 1 else f"{task} ({named})")
    return ", ".join(parts)
