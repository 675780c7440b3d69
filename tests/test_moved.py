"""Modules under the names that they had before."""

import importlib
import subprocess
import sys

import pytest

from svgbench.lab.modules import path_of
from svgbench.moved import GROWN, MOVED, RENAMED, SPLIT, MovedModuleWarning, current, former

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


@pytest.mark.parametrize("package", GROWN)
def test_a_module_that_became_a_package_still_has_what_it_held(package):
    module = importlib.import_module(package)
    with pytest.warns(MovedModuleWarning, match=f"{package}.make_hopper has moved to {GROWN[package]}"):
        assert module.make_hopper is importlib.import_module(GROWN[package]).make_hopper
    with pytest.raises(AttributeError, match="no attribute 'make_hoper'"):
        module.make_hoper  # noqa: B018  (the access is the test)


@pytest.mark.parametrize("name", ["Claim", "Comparison", "PerTask", "Scalar", "on_task"])
def test_what_left_a_module_is_still_found_there(name):
    (module,) = (importlib.import_module(old) for old in SPLIT)
    homes = [place for place in SPLIT[module.__name__] if name in vars(importlib.import_module(place))]
    if name in vars(module):  # it uses what it imports
        assert getattr(module, name) is getattr(importlib.import_module(homes[0]), name)
    else:
        with pytest.warns(MovedModuleWarning, match=f"{module.__name__}.{name} has moved to {homes[0]}"):
            found = getattr(module, name)
        assert found is getattr(importlib.import_module(homes[0]), name)


def test_an_old_module_has_its_old_names():
    words = "from svgbench.tasks.cart_pole import make_rlr; print(make_rlr.__module__, make_rlr.__name__)"
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", words], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["svgbench.tasks.trpo.cart_pole", "make_cart_pole"]


OLD_ATTRIBUTES = [f"{name}:{attribute}" for name, attributes in RENAMED.items() for attribute in attributes]


@pytest.mark.parametrize(
    "old",
    ["svgbench.tasks.svg_hand:make_hand", "svgbench.tasks.poplin:make_ant", "svgbench.nn.work:x", *OLD_ATTRIBUTES],
)
def test_references_there_and_back(old):
    assert current(old) != old
    assert former(current(old)) == old
    assert former(old) == old
    assert current(current(old)) == current(old)
