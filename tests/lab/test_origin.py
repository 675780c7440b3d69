"""The hash of somebody else's source, in every way in which a package may be installed."""

from __future__ import annotations

import importlib
import os
import sys
import zipfile
from importlib.machinery import ModuleSpec, SourceFileLoader

import pytest
from svgbench_testkit.experiments import EXPERIMENTS

from svgbench.lab import modules, origin
from svgbench.lab.cells import Selection, block_from_job, blocks, describe_job, expand, identity
from svgbench.lab.source import declared
from svgbench.words.errors import UsageError

WALK = "svgbench_testkit.walk:make"
FIELD = "svgbench_testkit.field:make"


def forget():
    """Clear all caches, as in a new process."""
    importlib.invalidate_caches()
    for cached in (origin.source_hash, origin._hashed, modules.module, declared):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def fresh():
    forget()
    yield
    forget()


def written(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def hash_of(monkeypatch, folder, module):
    """The hash that a new process with that folder on its path finds."""
    with monkeypatch.context() as context:
        context.syspath_prepend(folder)
        forget()
        return origin.source_hash(module)


PACKAGE = {"pack/__init__.py": "", "pack/method.py": "VERSION = 1\nx = 1\n", "pack/deep/parts.py": "y = 2\n"}


def test_ours_have_none():
    assert origin.sources("sac", "poplin/hopper") == {}
    assert list(origin.sources(WALK, FIELD)) == ["svgbench_testkit"]


HELPED = {
    "method.py": "VERSION = 1\nimport numpy\ndef make():\n    from helper import x\n",
    "helper.py": "import kit.parts, method\nx = 1\n",
    "kit/__init__.py": "",
    "kit/parts.py": "y = 2\n",
    "other.py": "z = 3\n",
}


@pytest.mark.parametrize(
    ("file", "counts"), [("helper.py", True), ("kit/parts.py", True), ("kit/more.py", True), ("other.py", False)]
)
@pytest.mark.parametrize("module", ["method", "pack.method"])
def test_what_lies_beside_it_and_is_imported_counts(module, file, counts, tmp_path, monkeypatch):
    files = HELPED if module == "method" else {**HELPED, **PACKAGE, "pack/method.py": HELPED["method.py"]}
    before = hash_of(monkeypatch, written(tmp_path, files), module)
    written(tmp_path, {file: "z = 5\n"})
    assert (hash_of(monkeypatch, tmp_path, module) != before) == counts


def test_other_packages_of_an_environment_do_not_count(tmp_path, monkeypatch):
    home = written(tmp_path / "site-packages", HELPED)
    before = hash_of(monkeypatch, home, "method")
    written(home, {"helper.py": "x = 5\n"})
    assert hash_of(monkeypatch, home, "method") == before


def test_without_such_a_neighbour_the_hash_is_that_of_the_package_alone(tmp_path, monkeypatch):
    """As it was before neighbours counted: stored results of such packages stay what they are."""
    name, digest = hash_of(monkeypatch, written(tmp_path, {**PACKAGE, "other.py": "z = 3\n"}), "pack.method")
    assert (name, digest) == ("pack", "4ebdb0f4d80a")


SAME = {
    "line ends": {"pack/method.py": b"VERSION = 1\r\nx = 1\r\n", "pack/deep/parts.py": b"y = 2\r"},
    "bytecode": {"pack/__pycache__/method.cpython-311.pyc": b"x", "pack/old.pyc": b"y"},
    "data": {"pack/weights.bin": b"\0" * 9, "pack/table.csv": "1,2"},
    "hidden": {"pack/.venv/lib/a.py": "z = 1", "pack/.#method.py": "z = 1"},
    "beside it": {"other.py": "z = 1", "pack_more/__init__.py": ""},
}
OTHER = {
    "a line": {"pack/method.py": "VERSION = 1\nx = 2\n"},
    "a helper": {"pack/deep/parts.py": "y = 3\n"},
    "a new file": {"pack/deep/more.py": ""},
    "a comment": {"pack/__init__.py": "# hello\n"},
    "no utf-8": {"pack/__init__.py": b"# \xff\n"},
}


@pytest.mark.parametrize("change", [*SAME, *OTHER])
def test_what_counts(monkeypatch, tmp_path, change):
    name, before = hash_of(monkeypatch, written(tmp_path / "a", PACKAGE), "pack.method")
    changed = written(tmp_path / "b", {**PACKAGE, **(SAME | OTHER)[change]})
    assert name == "pack"
    assert (hash_of(monkeypatch, changed, "pack.method") == (name, before)) == (change in SAME)
    assert "pack" not in sys.modules


def test_text_that_moved_to_another_file_is_another_source(monkeypatch, tmp_path):
    one = written(tmp_path / "a", {"pack/__init__.py": "", "pack/a.py": "x = 1\n", "pack/b.py": ""})
    two = written(tmp_path / "b", {"pack/__init__.py": "", "pack/a.py": "", "pack/b.py": "x = 1\n"})
    assert hash_of(monkeypatch, one, "pack.a") != hash_of(monkeypatch, two, "pack.a")


def test_a_single_module_is_its_file(monkeypatch, tmp_path):
    folder = written(tmp_path, {"alone.py": "VERSION = 1\n", "helper.py": "x = 1\n"})
    name, before = hash_of(monkeypatch, folder, "alone")
    assert name == "alone"
    written(tmp_path, {"helper.py": "x = 2\n"})
    assert hash_of(monkeypatch, folder, "alone") == (name, before)
    written(tmp_path, {"alone.py": "VERSION = 1\n\n"})
    assert hash_of(monkeypatch, folder, "alone") != (name, before)


def test_of_a_namespace_only_the_package_in_it_counts(monkeypatch, tmp_path):
    """Two folders share the namespace, as two distributions do."""
    one = written(tmp_path / "one", {"space/first/__init__.py": "", "space/first/method.py": "x = 1\n"})
    two = written(tmp_path / "two", {"space/second/__init__.py": "", "space/loose.py": "y = 1\n"})
    monkeypatch.syspath_prepend(one)
    name, before = hash_of(monkeypatch, two, "space.first.method")
    assert name == "space.first"
    assert hash_of(monkeypatch, two, "space.loose")[0] == "space.loose"
    written(two, {"space/loose.py": "y = 2\n", "space/second/more.py": ""})
    assert hash_of(monkeypatch, two, "space.first.method") == (name, before)
    with pytest.raises(UsageError, match=r"no module 'space\.third'"):
        hash_of(monkeypatch, two, "space.third")


def test_an_editable_installation(monkeypatch, tmp_path):
    """Its finder locates the package; the package is not on the path."""
    written(tmp_path, PACKAGE)

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name != "pack":
                return None
            file = str(tmp_path / "pack" / "__init__.py")
            spec = ModuleSpec(name, SourceFileLoader(name, file), origin=file, is_package=True)
            spec.submodule_search_locations = [str(tmp_path / "pack")]
            return spec

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    name, before = origin.source_hash("pack.method")
    assert declared("pack.method:make").version == 1
    written(tmp_path, {"pack/method.py": "VERSION = 2\n"})
    forget()
    assert origin.source_hash("pack.method") != (name, before)
    assert declared("pack.method:make").version == 2


def test_what_cannot_be_read_is_one_line(monkeypatch, tmp_path):
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("zipped/__init__.py", "")
        archive.writestr("zipped/method.py", "VERSION = 1\n")
    monkeypatch.syspath_prepend(tmp_path / "packed.zip")
    for ask in (declared, origin.sources):
        with pytest.raises(UsageError, match=r"^module 'zipped' is in the archive .*packed\.zip; expected source in a"):
            ask("zipped.method:make")
    written(tmp_path, {"bare/__init__.py": "", "bare/method.py": "VERSION = 1\n"})
    (tmp_path / "bare" / "gone.py").symlink_to(tmp_path / "nowhere.py")
    with pytest.raises(UsageError, match=r"gone\.py: No such file or directory: svgbench reads the source of bare$"):
        hash_of(monkeypatch, tmp_path, "bare.method")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(monkeypatch, tmp_path):
    written(tmp_path, PACKAGE)
    (tmp_path / "pack" / "deep" / "parts.py").chmod(0)
    with pytest.raises(UsageError, match="Permission denied"):
        hash_of(monkeypatch, tmp_path, "pack.method")


def test_it_is_read_once_a_process(monkeypatch):
    read = []
    real = origin._files
    monkeypatch.setattr(origin, "_files", lambda path: read.append(path) or real(path))
    for _ in range(3):
        origin.sources(WALK, FIELD)
    assert len(read) == 1


def test_it_is_part_of_the_identity_and_of_the_job(monkeypatch):
    (cell, *_) = expand(EXPERIMENTS[0], Selection("smoke"))
    assert cell.sources.keys() == {"svgbench_testkit"}
    back = block_from_job(describe_job(blocks(cell, cell.seeds)[0])).cell
    assert back.sources == cell.sources
    assert identity(back) == cell.identity
    origin.source_hash.cache_clear()
    monkeypatch.setattr(origin, "_hashed", lambda path: "mended")
    (mended, *_) = expand(EXPERIMENTS[0], Selection("smoke"))
    assert mended.identity != cell.identity
    assert mended.config == cell.config
