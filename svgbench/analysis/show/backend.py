"""Import of matplotlib although the environment may name a backend that is unknown or cannot be loaded."""

from __future__ import annotations

import os
from contextlib import suppress


def import_matplotlib() -> None:
    """Import it whatever the value of MPLBACKEND: an unknown name would stop the import, and our figures use no
    backend.

    For other code in the process, a known backend of the environment stays in use.
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
