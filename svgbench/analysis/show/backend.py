"""Importing matplotlib where the environment names a backend that it does not know, or cannot load."""

from __future__ import annotations

import os
from contextlib import suppress


def import_matplotlib() -> None:
    """Import it whatever MPLBACKEND says: an unknown name would stop the import, and our figures use no backend.

    For everybody else in the process a known backend stays the one that the environment names.
    """
    asked = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        if asked is not None:
            os.environ["MPLBACKEND"] = asked
    if asked is not None:
        with suppress(ValueError):
            matplotlib.rcParams["backend"] = asked
