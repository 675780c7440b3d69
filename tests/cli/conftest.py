"""Commands in forks of one process, for tests that run many."""

from __future__ import annotations

import harness
import pytest


@pytest.fixture(scope="session")
def forks():
    """`forks(folder, *words, **case)` runs a case of `forking.py` in that folder; how it ended."""
    return harness.forks()
