"""What every test may use: the foreign package in `tests/plugin`, found as an installed one is, and its commands."""

from __future__ import annotations

import shutil
import sys

import pytest
from harness import PLUGIN, Bench
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(PLUGIN))

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")  # a machine with other work on it is no defect of ours


@pytest.fixture
def bench(tmp_path):
    """A fresh results folder and the command that works in it."""
    return Bench(tmp_path / "results")


@pytest.fixture(scope="session")
def two_seeds(tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("two-seeds") / "results")
    done = bench.walk("--seeds", "2")
    assert done.status == 0, done.err
    return bench.results


@pytest.fixture
def half_done(bench, two_seeds):
    """A results folder in which seeds 0 and 1 of the walk are done."""
    shutil.copytree(two_seeds, bench.results)
    return bench
