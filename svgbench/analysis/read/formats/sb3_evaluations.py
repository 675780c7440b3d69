"""The evaluations.npz that `EvalCallback` of Stable-Baselines3 writes: one entry per evaluation.

Source: stable_baselines3/common/callbacks.py (`EvalCallback._on_step`). `timesteps` (E,) are environment steps,
`results` and `ep_lengths` (E, n) an evaluation's episodes, `successes` (E, n) only of tasks that report success. A row
here is an evaluation, with the means over its episodes. The callback evaluates the deterministic policy unless it was
made with `deterministic=False`, which the file does not say.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svgbench.analysis.read.foreign import BAD_ARCHIVE, Format, checked, read_bytes
from svgbench.analysis.read.import_table import Choose, Table
from svgbench.words.errors import UsageError

NAME = "evaluations.npz"
STEPS, RESULTS = "timesteps", "results"
NEEDED = frozenset({STEPS, RESULTS})


def detect(file: Path) -> bool:
    """Whether it is called so, or is a NumPy archive with an evaluation's arrays."""
    if file.name == NAME:
        return True
    try:
        with zipfile.ZipFile(file) as archive:
            return {f"{name}.npy" for name in NEEDED} <= set(archive.namelist())
    except BAD_ARCHIVE:
        return False


def read(files: Sequence[Path], choose: Choose) -> Table:
    """The evaluations of a file."""
    data, sources = read_bytes(files[0])
    arrays = _arrays(files[0], data)
    kinds = choose(list(arrays))
    names = {kind.name for kind in kinds}
    columns = {name: _means(files[0], name, arrays[name], len(arrays[STEPS])) for name in names}
    ignored = tuple(name for name in arrays if name not in names)
    lines = np.arange(len(arrays[STEPS]))
    return checked(Table(str(files[0]), columns, lines, ignored, "", sources, "evaluation {row}"), kinds)


def _arrays(file: Path, data: bytes) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except BAD_ARCHIVE as error:
        ragged = "; its evaluations differ in their numbers of episodes" if "pickle" in str(error).lower() else ""
        raise UsageError(f"{file} is not an evaluations.npz that can be read: {error}{ragged}") from None
    lacking = sorted(NEEDED - set(arrays))
    if lacking:
        raise UsageError(f"{file} has no array '{lacking[0]}' (it has: {', '.join(arrays)})")
    if not len(arrays[STEPS]):
        raise UsageError(f"{file} holds no evaluation; expected at least one")
    return arrays


def _means(file: Path, name: str, array: NDArray[Any], count: int) -> NDArray[Any]:
    """One value per evaluation: the mean of an array with several episodes."""
    fits = array.dtype.kind in "iufb" and array.shape[:1] == (count,) and array.ndim in (1, 2) and array.size
    if not fits:
        raise UsageError(f"{file}: array '{name}' is {array.dtype} of shape {array.shape}; expected {count} rows")
    if array.ndim == 1:
        return array
    for row, episode in np.argwhere(~np.isfinite(array.astype(float))):
        value = array[row, episode]
        raise UsageError(
            f"{file}: evaluation {row + 1}: episode {episode + 1} of '{name}' is {value}; expected a finite number"
        )
    return np.asarray(array.astype(float).mean(axis=1))


FORMAT = Format(
    title="evaluations of Stable-Baselines3 (EvalCallback)",
    expected=NAME,
    detect=detect,
    read=read,
    steps={"environment steps": STEPS},
    meanings={"eval_return": RESULTS},
)
