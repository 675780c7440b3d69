"""One tidy CSV: a row per measurement, with task, variant, seed and step in front; floats to the last bit.

`svgbench import` reads it back, one variant at a time.
"""

from __future__ import annotations

from pathlib import Path

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.exported import Export, check_any, stem
from svgbench.lab.files import write_atomic


def write(results: Results, folder: Path) -> list[Path]:
    check_any(results)
    path = folder / f"{stem(results)}.csv"
    write_atomic(path, lambda file: results.frame().to_csv(file, index=False, lineterminator="\n"))
    return [path]


EXPORT = Export("one tidy CSV", write)
