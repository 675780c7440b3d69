"""Names of our own algorithms: one for each file, understood wherever a reference is, and no list to keep."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from svgbench import baselines, moved, reproduce
from svgbench.lab import registry, source
from svgbench.lab.block import resolve
from svgbench.lab.cells import Selection, blocks, describe_job, expand
from svgbench.words.errors import UsageError

FIG3 = reproduce.experiments()["svg/fig3"]


@pytest.fixture
def folder(tmp_path):
    for place in ("family/one.py", "family/deep/two.py", "family/_part.py", "_family/three.py", "family/__init__.py"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


def test_every_file_without_an_underscore_has_its_stem_as_its_name():
    (folder,) = map(Path, baselines.__path__)
    files = {path.stem for path in folder.rglob("*.py") if "/_" not in path.as_posix()}
    assert set(registry.algorithms()) == files
    assert registry.algorithms()["svg_one"] == "svgbench.baselines.value_gradients.svg_one:make"


@pytest.mark.parametrize("name", registry.algorithms())
def test_a_name_is_what_its_module_makes(name):
    made = resolve(name)
    assert (made.__module__, made.__name__) == tuple(registry.algorithms()[name].split(":"))
    assert source.declared(name).module == made.__module__
    assert registry.name_of(registry.reference_of(name)) == name == registry.name_of(name)


def test_folders_are_walked(folder):
    assert registry.named_files([folder], "pack") == {"one": "pack.family.one:make", "two": "pack.family.deep.two:make"}


def test_two_files_of_one_name_are_an_error(folder):
    (folder / "family" / "one.py").rename(folder / "family" / "two.py")
    with pytest.raises(UsageError, match=r"two algorithms are called two: family/deep/two.py and family/two.py"):
        registry.named_files([folder], "pack")


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="no algorithm 'svg_on'; did you mean 'svg_one'"):
        expand(replace(FIG3, variants=(replace(FIG3.variants[0], learner="svg_on"),)), Selection("smoke"))


@pytest.mark.parametrize("learner", ["my_package.sac:make", "sac:make", "svgbench_testkit.walk:make"])
def test_another_packages_learner_keeps_its_reference(learner):
    assert registry.name_of(learner) == registry.reference_of(learner) == learner


OLD = sorted(
    f"{old}:make"
    for old, new in moved.MOVED.items()
    if old.startswith("svgbench.baselines.") and registry.name_of(f"{new}:make") != f"{new}:make"
)


@pytest.mark.parametrize("reference", OLD)
def test_where_an_algorithm_once_was_is_understood(reference):
    name = registry.name_of(reference)
    assert name in registry.algorithms()
    assert source.declared(reference) == source.declared(name)
    assert resolve(reference) is resolve(name)


def test_every_algorithm_that_has_moved_is_tried():
    assert len(OLD) >= 22


def test_a_cell_has_the_same_identity_however_its_learner_is_written():
    variant = next(v for v in FIG3.variants if v.learner == "svg_one")
    found = []
    for learner in ("svg_one", "svgbench.baselines.svg_one:make", registry.algorithms()["svg_one"]):
        cell, *_ = expand(replace(FIG3, variants=(replace(variant, learner=learner),)), Selection("smoke"))
        found.append(json.dumps(describe_job(blocks(cell, (0,))[0]), default=dict, sort_keys=True))
        assert cell.variant.learner == "svg_one"
    assert len(set(found)) == 1
