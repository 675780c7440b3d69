"""The recorded circumstances of a cell that differ between two results folders, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from svgbench import strict_json

Kind = Literal["setting", "code", "platform", "other"]
"""Part of the cell's identity; the program's revision; the machine and its packages; the rest (labels, sources)."""

MEASURED = {"seeds", "bytes", "experiment", "budget", "task", "variant", "format"}
"""Entries of a cell's JSON about its rows and its place; they are not circumstances."""
OF_A_RUN = {"status", "rows", "sha256", "attempts", "seconds", "reason", "error", "log"}
"""Entries of a seed about its own run."""
SETTINGS = {
    *("learner", "factory", "config", "limits", "task_options", "versions", "sources", "columns"),
    *("block", "block_size", "threads", "config_hash"),
}
ORDER: tuple[Kind, ...] = ("setting", "code", "platform", "other")
HARMLESS = {"cores"}
"""Parts of the platform that do not affect numbers: a block has its own threads."""


@dataclass(frozen=True)
class CellChange:
    """A field that is not the same in A and B; "none" where a side does not have it."""

    field: str
    before: str
    after: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.field}: {self.before} -> {self.after}"


def changes(a: Mapping[str, Any], b: Mapping[str, Any], seeds: Sequence[int]) -> tuple[CellChange, ...]:
    """The differences between two JSONs of one cell, for these seeds: settings, code, platform, the rest.

    All recorded fields are compared, including fields unknown to this program. The hash of the settings is named only
    if no recorded setting explains its difference. If both hashes are equal, a setting that only one side has changed
    nothing: it was added later, with its former value.
    """
    one, other = _circumstances(a, seeds), _circumstances(b, seeds)
    alike = a.get("config_hash") == b.get("config_hash")
    found = [
        CellChange(name, one.get((key, name), "none"), other.get((key, name), "none"), _kind(key))
        for key, name in dict.fromkeys([*one, *other])
        if one.get((key, name)) != other.get((key, name))
        and not (alike and key == "config" and ((key, name) in one) != ((key, name) in other))
    ]
    explained = any(c.kind == "setting" and c.field != "config_hash" for c in found)
    kept = [c for c in found if not (c.field == "config_hash" and explained)]
    return tuple(sorted(kept, key=lambda c: ORDER.index(c.kind)))


def _circumstances(meta: Mapping[str, Any], seeds: Sequence[int]) -> dict[tuple[str, str], str]:
    """Every circumstance by its key in the JSON and its name, as text: several seeds' values are joined."""
    entries = [meta["seeds"].get(str(seed), {}) for seed in seeds]
    recorded = [(key, value) for key, value in meta.items() if key not in MEASURED]
    recorded += [
        (key, value) for entry in entries for key, value in entry.items() if key not in OF_A_RUN and key not in meta
    ]
    values: dict[tuple[str, str], dict[str, None]] = {}
    for key, value in recorded:
        for name, part in value.items() if isinstance(value, Mapping) else ((key, value),):
            if key == "platform" and name in HARMLESS:
                continue
            shown = {"versions": f"{name} version", "sources": f"source of {name}"}.get(key, name)
            values.setdefault((key, shown), {})[part if isinstance(part, str) else strict_json.dumps(part)] = None
    return {where: " and ".join(found) for where, found in values.items()}


def _kind(key: str) -> Kind:
    if key in SETTINGS:
        return "setting"
    return "code" if key == "revision" else "platform" if key == "platform" else "other"
