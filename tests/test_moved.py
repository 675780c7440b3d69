"""Modules under the names that they had before."""

import importlib
import subprocess
import sys

import pytest

from svgbench.lab.modules import path_of
from svgbench.moved import MOVED, MovedModuleWarning

LIGHT = ["svgbench.lab.experiment", "svgbench.lab.search", "svgbench.lab.errors", "svgbench.nn.limits"]


@pytest.mark.parametrize("old", LIGHT)
def test_an_old_name_is_the_module_and_says_so(old):
    with pytest.warns(MovedModuleWarning, match=f"{old} has moved to {MOVED[old]}"):
        module = importlib.import_module(old)
    assert module is importlib.import_module(MOVED[old])
    del sys.modules[old]


def test_what_an_old_module_has_can_be_imported():
    words = "from svgbench.lab.experiment import Experiment; from svgbench.nn import limits; print(limits.__name__)"
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", words], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "svgbench.learners.limits"


def test_the_warning_is_shown_to_whoever_imports():
    words = "import svgbench.lab.errors"
    ran = subprocess.run([sys.executable, "-W", "default", "-c", words], capture_output=True, text=True, check=True)
    assert "<string>:1: MovedModuleWarning: svgbench.lab.errors has moved to svgbench.words.errors" in ran.stderr


@pytest.mark.parametrize("old", sorted(MOVED))
def test_an_old_name_leads_to_source_that_can_be_read(old):
    assert path_of(old) == path_of(MOVED[old]) is not None
    assert MOVED[old] not in MOVED
