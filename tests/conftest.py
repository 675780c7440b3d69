"""What every test may use: the foreign package in `tests/plugin`, found as an installed one is, and its commands.

In this process shapes and types of tensors are checked when a function of `CHECKED` is called (their notation:
`svgbench.nn`). The processes that tests start run as a user's do, without checks: importing beartype and wrapping
every function would cost each of them a second or so.
"""

from __future__ import annotations

import shutil
import sys

import pytest
from checked_shapes import CHECKED, check_all_again
from hypothesis import HealthCheck, settings
from jaxtyping import config, install_import_hook

pytest.register_assert_rewrite("learner_laws")
install_import_hook(CHECKED, "checked_shapes.typechecker")  # before anything imports them

from harness import PLUGIN, Bench  # noqa: E402 because it imports svgbench

sys.path.insert(0, str(PLUGIN))

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")  # a machine with other work on it is no defect of ours


@pytest.fixture(autouse=True)
def _checked_shapes():
    check_all_again()


@pytest.fixture
def unchecked_shapes():
    """No check of shapes, as in a user's run: for tests of the errors that a function raises itself."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.fixture
def one_thread():
    """As in a block: for tests so small that a second thread would only wait."""
    import torch  # here, because many tests do without

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
