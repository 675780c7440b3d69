"""Trained policies in the results folder: one file a run, beside the results and not among them.

`.policies/<work>/<artifact>/<budget>/<task>--<variant>/seed-0003.npz` has the arrays of a `TrainedPolicy` and, as JSON
in `about`, the run: names, identity, and the hash of its rows. Equal policies make equal bytes. A file belongs to a
result if the hashes of the rows agree; so a policy from a rerun anywhere fits a result with the same rows.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from svgbench import strict_json
from svgbench.lab.cells import Cell
from svgbench.lab.files import remove_temporaries, write_atomic
from svgbench.lab.store import Store
from svgbench.words.errors import DamagedError
from svgbench.words.policy import TrainedPolicy

FORMAT = 1
FOLDER = ".policies"
PLAIN = ("clip", "activation", "squash")
LAYERED = ("weights", "biases")
TEXTS = ("experiment", "budget", "task", "variant", "identity", "rows_sha256", "learner", "factory")
ACTIVATIONS = ("relu", "tanh", "softplus")
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,
)
"""What zipfile, NumPy and JSON raise for a file that is not ours, or not whole."""


@dataclass(frozen=True)
class StoredPolicy:
    """A policy with its run. about: experiment, budget, task, variant, seed, identity, rows_sha256, learner, factory,
    task_options."""

    policy: TrainedPolicy
    about: Mapping[str, Any]


def path_of(store: Store, cell: Cell, seed: int) -> Path:
    """Where the run's policy lies."""
    return store.root / FOLDER / cell.place / cell.name / file_name(seed)


def file_name(seed: int) -> str:
    return f"seed-{seed:04d}.npz"


def keep(store: Store, cell: Cell, seed: int, policy: TrainedPolicy, rows: str) -> None:
    """Write the policy of a run. rows: its lines in the CSV."""
    about = {
        "format": FORMAT,
        "experiment": cell.experiment,
        "budget": cell.budget,
        "task": cell.task.id,
        "variant": cell.variant.id,
        "seed": seed,
        "identity": cell.identity,
        "rows_sha256": hashlib.sha256(rows.encode()).hexdigest(),
        "learner": cell.variant.learner,
        "factory": cell.task.make,
        "task_options": dict(cell.task.options),
    }
    path = path_of(store, cell, seed)
    remove_temporaries(path)
    write_atomic(path, as_bytes(StoredPolicy(policy, about)))


def as_bytes(stored: StoredPolicy) -> bytes:
    """The file's content."""
    plain = {name: getattr(stored.policy, name) for name in PLAIN}
    arrays: dict[str, Any] = {}
    for field in fields(TrainedPolicy):
        value = getattr(stored.policy, field.name)
        if field.name in LAYERED:
            arrays |= {f"{field.name}_{i}": part for i, part in enumerate(value)}
        elif field.name not in PLAIN and value is not None:
            arrays[field.name] = value
    text = strict_json.dumps({**stored.about, "policy": plain}, sort_keys=True)
    file = io.BytesIO()
    np.savez(file, about=np.frombuffer(text.encode(), np.uint8), **arrays)
    return file.getvalue()


def read(path: Path) -> StoredPolicy | None:
    """The file's policy; None if there is no file. Raises DamagedError for a file that `keep` did not write."""
    try:
        data = path.read_bytes()
        return _parsed(data)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UNREADABLE as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise DamagedError(f"{path} is not a policy that svgbench wrote: {reason}") from None


def _parsed(data: bytes) -> StoredPolicy:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    about = strict_json.loads(arrays.pop("about").tobytes())
    if about.get("format") != FORMAT:
        raise ValueError(f"its format is {about.get('format')}, expected {FORMAT}")
    parts: dict[str, Any] = dict(about.pop("policy"))
    count = sum(name.startswith("weights_") for name in arrays)
    for name in LAYERED:
        parts[name] = tuple(arrays.pop(f"{name}_{i}") for i in range(count))
    known = {field.name for field in fields(TrainedPolicy)}
    unknown = (arrays.keys() | parts.keys()) - known
    lacking = known - arrays.keys() - parts.keys() - {"action_low", "action_high"}
    if unknown or lacking or not count:
        raise ValueError(f"it has not the parts of a policy: {', '.join(sorted(unknown | lacking)) or 'no layer'}")
    policy = TrainedPolicy(**parts, **arrays)
    _check(policy, about)
    return StoredPolicy(policy, about)


def _check(policy: TrainedPolicy, about: Mapping[str, Any]) -> None:
    """Raise ValueError for a run without a name or a seed, and for arrays that do not fit each other."""
    bad = [name for name in TEXTS if not isinstance(about.get(name), str)]
    bad += ["seed"] if type(about.get("seed")) is not int else []
    bad += ["task_options"] if not isinstance(about.get("task_options"), dict) else []
    if bad:
        raise ValueError(f"it does not say of its run: {', '.join(bad)}")
    widths = [len(policy.centre), *(len(bias) for bias in policy.biases)]
    layers = [(*weight.shape, *bias.shape) for weight, bias in zip(policy.weights, policy.biases, strict=True)]
    bounds = [policy.action_centre, policy.action_half_range, policy.action_low, policy.action_high]
    fits = layers == [(a, b, b) for a, b in pairwise(widths)] and policy.width.shape == policy.centre.shape
    fits &= all(bound is None or bound.shape == (widths[-1],) for bound in bounds)
    fits &= (policy.action_low is None) == (policy.action_high is None)
    if not fits or policy.activation not in ACTIVATIONS:
        raise ValueError("its arrays do not fit each other, or its activation is none of ours")
