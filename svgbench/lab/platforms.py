"""On which platform a run was made, as far as its numbers depend on it, and whether two runs were made on the same.

A platform is the processor's maker, family, model and vector instructions, the code that does the arithmetic
(`svgbench.lab.kernels`), the precision of products, the releases of torch and MuJoCo, and the GPU. It is read from what
is stored with each seed. Older records say less. They differ from others only where what they do say differs.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from svgbench.lab import platform
from svgbench.lab.kernels import kernels, kernels_of_blocks

Record = Mapping[str, Any]
"""What is stored with a seed as its `platform`."""

Told = tuple[tuple[str, str], ...]
"""What a record tells of its platform, and nothing else: equal for equal platforms of equal detail."""

PARTS = ("device", "accelerator", "system", "machine", "instructions", "kernels", "precision", "torch", "mujoco")
"""The recorded fields that make a platform. The processor's name counts where the instructions are not recorded."""

EARLIER = "earlier_platforms"
"""A seed's entry has this list if a checkpoint was continued on another platform: the run is mixed."""

_TELLING = ("torch", "precision", "kernels", "mujoco", "instructions", "accelerator", "machine", "system")
"""The parts that tell platforms of one name apart, in the order in which they are tried."""

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,59}-[0-9a-f]{8}")
_MAKERS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD"}


@functools.cache
def of_process(device: str, precision: str = platform.FLOAT32) -> dict[str, Any]:
    """The platform of this process, as it is recorded with every seed. Imports torch."""
    return {**platform.describe(device, precision), "kernels": kernels()}


def here(device: str, precision: str = platform.FLOAT32) -> dict[str, Any]:
    """The platform of a block's process on this machine."""
    return {**platform.describe(device, precision), "kernels": kernels_of_blocks()}


def is_mixed(entry: Mapping[str, Any]) -> bool:
    """Whether the seed was computed on several platforms, one after the other. It then counts for none."""
    return bool(entry.get(EARLIER))


def told(record: Record) -> Told:
    """What the record tells of its platform."""
    return tuple(sorted(_parts(record).items()))


def differing(one: Record, other: Record) -> tuple[str, ...]:
    """The parts in which both say something and do not say the same."""
    a, b = _parts(one), _parts(other)
    names = PARTS if "instructions" in a and "instructions" in b else (*PARTS, "processor")
    return tuple(name for name in names if name in a and name in b and a[name] != b[name])


def untold(record: Record, other: Record) -> tuple[str, ...]:
    """The parts that `other` tells and `record` does not, so that they may differ."""
    a, b = _parts(record), _parts(other)
    return tuple(name for name in PARTS if name in b and name not in a)


def is_known_as(record: Record, other: Record) -> bool:
    """Whether the record tells that its platform is `other`: it differs in nothing, and leaves nothing untold."""
    return not differing(record, other) and not untold(record, other)


def key(record: Record) -> str:
    """A platform's name as a folder: maker, family and model, and a hash of all parts."""
    parts = _parts(record)
    counted = PARTS if "instructions" in parts else (*PARTS, "processor")
    text = "\n".join(f"{name}={parts[name]}" for name in counted if name in parts)
    words = re.sub(r"[^A-Za-z0-9.]+", "-", " ".join(_make(parts))).strip("-.")
    return f"{words[:60] or 'unknown'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def is_key(name: str) -> bool:
    """Whether `key` may have made this name. A folder of another name, such as a copy, holds no replicas."""
    return _KEY.fullmatch(name) is not None


def named(records: Sequence[Record]) -> list[str]:
    """A short name for each platform, such as "Intel 6/207". What it takes to tell two apart is added in brackets."""
    parts = [_parts(record) for record in records]
    names: list[tuple[str, ...]] = [(_name(own),) for own in parts]
    for part in _TELLING:
        values: dict[tuple[str, ...], set[str | None]] = {}
        for name, own in zip(names, parts, strict=True):
            values.setdefault(name, set()).add(own.get(part))
        names = [
            (*name, _said(part, own)) if len(values[name]) > 1 else name for name, own in zip(names, parts, strict=True)
        ]
    return [name[0] + f" ({', '.join(name[1:])})" * (len(name) > 1) for name in names]


def grouped(records: Iterable[Record]) -> list[list[Record]]:
    """Distinct records by platform, the most detailed first in each, the least detailed last. A record that says less
    than others belongs to the only platform from which it does not differ; if there are several, it cannot be told,
    and it stands alone."""
    distinct = {told(record): record for record in records}
    by_detail = sorted(distinct.items(), key=lambda item: (-len(item[0]), item[0]))
    groups: list[list[Record]] = []
    for _, record in by_detail:
        fits = [group for group in groups if not differing(group[0], record)]
        if len(fits) == 1:
            fits[0].append(record)
        else:
            groups.append([record])
    return groups


def names_of(groups: Sequence[Sequence[Record]]) -> list[str]:
    """`named` for groups of records. A group is named by its least detailed record, because that is all that is known
    of every run in it."""
    return named([group[-1] for group in groups])


def _parts(record: Record) -> dict[str, str]:
    """The parts that the record tells. A stepping changes no arithmetic."""
    found = {name: str(record[name]) for name in (*PARTS, "processor") if record.get(name, "unknown") != "unknown"}
    found.setdefault("precision", platform.FLOAT32)
    words = found.get("instructions", "").split()
    made = [word for word in words if word not in platform.VECTORS]
    if words:
        found["instructions"] = " ".join([*made[:3], *words[len(made) :]])
    return found


def _make(parts: Mapping[str, str]) -> list[str]:
    """What names the machine: the GPU, or else the processor's maker, family and model, or else its name."""
    if parts.get("device", "cpu") != "cpu":
        return [parts["device"], parts.get("accelerator", "")]
    return parts["instructions"].split()[:3] if "instructions" in parts else [parts.get("processor", "unknown")]


def _name(parts: Mapping[str, str]) -> str:
    words = _make(parts)
    if len(words) == 3:
        return f"{_MAKERS.get(words[0], words[0])} {words[1]}/{words[2]}"
    return " ".join(word for word in words if word)


def _said(part: str, parts: Mapping[str, str]) -> str:
    value = parts.get(part)
    if value is None:
        return f"{part} not recorded"
    return value if part in ("kernels", "instructions") else f"{part} {value}"
