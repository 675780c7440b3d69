"""Names of our tasks: one for each factory, understood wherever a reference is, and no list to keep."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from svgbench import factories, reproduce
from svgbench.lab import registry, source
from svgbench.lab.block import resolve
from svgbench.lab.cells import Selection, expand
from svgbench.words.errors import UsageError

FIG3 = reproduce.experiments()["svg/fig3"]


@pytest.fixture
def folder(tmp_path):
    texts = {
        "work/robots.py": "def make_red_ant(x):\n    def make_inner(): ...\n\ndef make_bee(): ...\n",
        "work/_part.py": "def make_part(): ...\n",
        "_work/robots.py": "def make_other(): ...\n",
        "nothing.py": "x = 1\ndef make_nothing(): ...\ndef made(): ...\n",
    }
    for place, text in texts.items():
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(text)
    return tmp_path


def test_names_are_folders_and_functions(folder):
    assert factories.named_factories(folder, "pack") == {
        "nothing": "pack.nothing:make_nothing",
        "work/bee": "pack.work.robots:make_bee",
        "work/red-ant": "pack.work.robots:make_red_ant",
    }


def test_two_factories_of_one_name_are_an_error(folder):
    (folder / "work" / "more.py").write_text("def make_bee(): ...\n")
    with pytest.raises(
        UsageError, match=r"two tasks are called work/bee: pack.work.more:make_bee and pack.work.robots"
    ):
        factories.named_factories(folder, "pack")


@pytest.mark.parametrize("name", factories.tasks())
def test_a_name_is_what_its_factory_makes(name):
    made = resolve(name)
    assert f"{made.__module__}:{made.__name__}" == factories.tasks()[name] == registry.reference_of(name)
    assert source.declared(name).module == made.__module__
    assert registry.name_of(registry.reference_of(name)) == name == registry.name_of(name)


@pytest.mark.parametrize(
    ("old", "name"),
    [
        ("svgbench.tasks.svg_cart_pole:make_cart_pole", "svg/cart-pole"),
        ("svgbench.tasks.cart_pole:make_rlr", "trpo/cart-pole"),
        ("svgbench.tasks.poplin:make_pets_cheetah", "poplin/pets-cheetah"),
        ("svgbench.tasks.no_simulation:make", "no-simulation"),
        ("svgbench.tasks.double_integrator:make", "maac/double-integrator"),
    ],
)
def test_old_references_have_a_name(old, name):
    assert registry.name_of(old) == name
    assert registry.reference_of(old) == factories.task_reference(old) == factories.tasks()[name]
    assert resolve(old) is resolve(name)
    assert source.declared(old) == source.declared(name)


def test_another_packages_task_keeps_its_reference():
    reference = "my_package.tasks:make_hand"
    assert registry.name_of(reference) == registry.reference_of(reference) == reference


@pytest.mark.parametrize(("wrong", "right"), [("svg/hnd", "svg/hand"), ("poplin/hoper", "poplin/hopper")])
def test_an_unknown_name_is_refused_with_the_nearest(wrong, right):
    task = replace(FIG3.tasks[0], make=wrong)
    with pytest.raises(UsageError, match=f"no task '{wrong}'; did you mean '{right}'"):
        expand(replace(FIG3, tasks=(task,)), Selection("smoke"))


def test_a_cell_is_the_same_by_any_of_its_tasks_names():
    same = ("svg/swimmer", factories.tasks()["svg/swimmer"], "svgbench.tasks.svg_swimmer:make_swimmer")
    assert FIG3.tasks[0].make == same[0]
    tasks = [replace(FIG3.tasks[0], make=make) for make in same]
    cells = [expand(replace(FIG3, tasks=(task,)), Selection("smoke")) for task in tasks]
    assert len({tuple(cell.identity for cell in some) for some in cells}) == 1


def test_names_of_tasks_and_algorithms_do_not_meet():
    assert not set(factories.tasks()) & set(registry.algorithms())


def test_to_know_the_names_imports_nothing_slow():
    code = (
        "import sys; from svgbench.lab import registry; registry.name_of('a:b');"
        "print({'mujoco', 'torch', 'numpy', 'gymnasium'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
