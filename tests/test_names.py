"""Names that stand in strings, where no linter follows them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from svgbench.lab.modules import module, path_of
from svgbench.moved import MOVED

ROOT = Path(__file__).parents[1]
DOTTED = re.compile(r"\bsvgbench((?:\.[A-Za-z_]\w*)+)(?::([A-Za-z_]\w*))?")
PLACE = re.compile(r"\bsvgbench/[\w/.-]+\.(?:py|md|toml)\b")
GROUPS = {"svgbench.experiments", "svgbench.searches", "svgbench.algorithms", "svgbench.executors"}
"""Entry-point groups, and the package's own names."""


def files():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = [f for f in listed if f.endswith((".py", ".md", ".toml", ".yml"))]
    return [f for f in texts if not f.startswith(("results/", "tests/", "CHANGELOG.md", "svgbench/moved.py"))]


def problem(name, attribute):
    """What is wrong with `svgbench.name:attribute`, or None."""
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        whole = ".".join(parts[:depth])
        if path_of(whole) is None:
            continue
        if whole in MOVED and not (ROOT / Path(*whole.split("."))).is_dir():
            return f"{whole} has moved"
        rest = [*parts[depth:], *([attribute] if attribute else [])]
        return None if not rest or rest[0] in module(whole).names else f"{whole} has no {rest[0]}"
    return f"no module {name}"


@pytest.mark.parametrize("file", files())
def test_a_dotted_path_names_something(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    wrong = []
    for match in DOTTED.finditer(text):
        name = "svgbench" + match[1]
        if name in GROUPS:
            continue
        environment = text[match.end() :].startswith("/")  # gymnasium: "svgbench.tasks:svgbench/svg-hand-v0"
        found = problem(name, None if environment else match[2])
        if found:
            wrong.append(f"line {text.count(chr(10), 0, match.start()) + 1}: {match[0]}: {found}")
    wrong += [f"no file {place[0]}" for place in PLACE.finditer(text) if not (ROOT / place[0]).exists()]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("name", "attribute", "said"),
    [
        ("svgbench.nn.layers", "MLP", None),
        ("svgbench.nn.layers", "MPL", "svgbench.nn.layers has no MPL"),
        ("svgbench.nn.online", None, "svgbench.nn.online has moved"),
        ("svgbench.nothing.here", None, "svgbench has no nothing"),
    ],
)
def test_what_names_nothing_is_seen(name, attribute, said):
    assert problem(name, attribute) == said


def test_importing_warns_of_nothing():
    """Every module of the package, and what it imports; a rival's package that is not installed is left out."""
    code = """
import importlib, pkgutil, svgbench
for found in pkgutil.walk_packages(svgbench.__path__, "svgbench."):
    try:
        importlib.import_module(found.name)
    except ModuleNotFoundError as error:
        assert not error.name.startswith("svgbench"), error
svgbench.load("maac/fig3")
"""
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr


def test_type_checkers_of_others_read_our_types():
    assert (ROOT / "svgbench" / "py.typed").is_file(), "PEP 561: without it they take every name of ours for Any"
