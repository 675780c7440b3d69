"""The networks here are small: a second thread would only wait."""

from __future__ import annotations

import pytest

from svgbench.learners import draws


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    pass


@pytest.fixture
def short_chunks(monkeypatch):
    """Random numbers in chunks of 16 steps, so that a learner of 40 steps crosses their bounds."""
    monkeypatch.setattr(draws, "CHUNK_STEPS", 16)
