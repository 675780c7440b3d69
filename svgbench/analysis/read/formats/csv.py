"""A CSV with a header and the columns `seed`, `step` and what was measured; `docs/importing.md` describes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from svgbench.analysis.read.foreign import Format, header_of, read_text
from svgbench.analysis.read.import_table import Choose, Table


def _detect(file: Path) -> bool:
    return {"seed", "step"} <= set(header_of(file))


def _read(files: Sequence[Path], choose: Choose) -> Table:
    return read_text(files[0], choose)


FORMAT = Format(
    title="a CSV with seed, step and the measured columns",
    expected="*.csv with a header that has seed and step",
    detect=_detect,
    read=_read,
    onward=False,
)
