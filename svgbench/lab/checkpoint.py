"""Checkpoints of a block: everything the next slice depends on, and the rows so far.

They hold only tensors, numbers, strings, lists and dicts, and are loaded with `weights_only=True`: a file from an
unknown source can be refused, but cannot run code.
"""

from __future__ import annotations

import pickle
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import torch

from svgbench.lab.files import write_atomic
from svgbench.words.errors import DamagedError

FORMAT = 1
PLAIN = (str, int, float, bool, type(None))
"""Exactly these types: a NumPy float passes `isinstance(x, float)` but would be refused on loading."""

UNREADABLE = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, zlib.error, RuntimeError, OSError),
    *(EOFError, ValueError, KeyError, IndexError, AttributeError, TypeError),
)
"""What zipfile and torch raise for a file that is not a checkpoint, or an incomplete one."""


def save(path: Path, owner: str, payload: dict[str, Any]) -> int:
    """Write `payload` for the block called `owner`; return the size in bytes.

    The tensors are written without a copy, so nothing may change them meanwhile.
    Raises TypeError naming an entry whose type is not allowed. OSError names the path.
    """
    _check(payload, "state")
    content = {"format": FORMAT, "owner": owner, "payload": payload}
    write_atomic(path, lambda file: _write(content, file))
    return path.stat().st_size


def _write(content: dict[str, Any], file: BinaryIO) -> None:
    try:
        torch.save(content, file)
    except RuntimeError as error:  # after a file error torch closes its archive, which fails again
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def load(path: Path, owner: str, device: str = "cpu") -> dict[str, Any] | None:
    """The payload at `path`, or None if there is no file.

    On the CPU its tensors are memory-mapped and read on use; changes to them stay in memory.
    Raises DamagedError if it is not a checkpoint of the block called `owner`.
    """
    try:
        _check_sums(path)
        content = torch.load(path, map_location=device, weights_only=True, mmap=True)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise
    except UNREADABLE as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise DamagedError(f"{path} is not a checkpoint that svgbench wrote: {reason}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DamagedError(f"{path} is not a checkpoint of format {FORMAT}")
    if content.get("owner") != owner:
        raise DamagedError(f"{path} belongs to {content.get('owner')!r}, not to {owner!r}")
    payload: dict[str, Any] = content["payload"]
    return payload


def _check_sums(path: Path) -> None:
    """Check every record of the archive against its CRC-32, which torch writes but does not check."""
    with zipfile.ZipFile(path) as archive:
        bad = archive.testzip()
    if bad is not None:
        raise ValueError(f"{bad} is spoilt")


def _check(value: Any, where: str) -> None:
    if type(value) in (dict, OrderedDict):
        for key, entry in value.items():
            if type(key) not in (str, int):
                raise TypeError(f"{where}: a key of type {type(key).__name__}; expected str or int")
            _check(entry, f"{where}[{key!r}]")
    elif type(value) in (list, tuple):
        for index, entry in enumerate(value):
            _check(entry, f"{where}[{index}]")
    elif not isinstance(value, torch.Tensor) and type(value) not in PLAIN:
        raise TypeError(f"{where} is a {type(value).__name__}; expected tensors, numbers, strings, lists, dicts")
