"""The wheel and the source archive know the commit that they were made from."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from harness import ROOT

from svgbench.lab.platform import revision


def build(folder: Path, kind: str, output: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(output)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    (made,) = (path for path in output.iterdir() if path.suffix == (".whl" if kind == "wheel" else ".gz"))
    return made


def revision_of(wheel: Path, folder: Path) -> str:
    """What `revision()` says where the wheel is installed."""
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    command = [sys.executable, "-P", "-c", "from svgbench.lab.platform import revision; print(revision())"]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(folder)}, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


@pytest.mark.skipif(find_spec("hatchling") is None, reason="needs the build backend, in the extra dev")
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a checkout has the commit")
def test_results_of_a_wheel_name_the_commit(tmp_path):
    wheel = build(ROOT, "wheel", tmp_path / "wheel")
    assert revision_of(wheel, tmp_path / "installed") == revision()
    archive = build(ROOT, "sdist", tmp_path / "archive")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert not (source / "results").exists()
    again = build(source, "wheel", tmp_path / "again")
    assert revision_of(again, tmp_path / "from-source") == revision()
    assert not (ROOT / "svgbench" / "REVISION").exists(), "nothing is left in the checkout"
