"""JSON without NaN and infinities, written and read in one place."""

from __future__ import annotations

import ast
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import svgbench
from svgbench import strict_json
from svgbench.lab.pair import read_meta
from svgbench.words.errors import DamagedError

ROOT = Path(svgbench.__file__).parent
RESULTS = ROOT.parent / "results"
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_what_is_nulled_can_be_written_and_is_read_again(value):
    nulled = strict_json.nulled(value)
    text = strict_json.dumps(nulled)
    assert strict_json.loads(text) == nulled
    assert json.loads(text, parse_constant=pytest.fail) == nulled


@given(values)
def test_a_value_is_written_as_it_is_or_refused(value):
    try:
        text = strict_json.dumps(value)
    except ValueError:
        assert strict_json.nulled(value) != value
    else:
        assert text == json.dumps(value)


def test_the_error_names_the_place():
    with pytest.raises(ValueError, match=r"^done\.1 is nan, which JSON does not have$"):
        strict_json.dumps({"total": 1, "done": (1.0, math.nan)})
    with pytest.raises(ValueError, match=r"^it is -inf"):
        strict_json.dumps(-math.inf)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "[1e400]", "[-1e999]", b"[NaN]", "{", "01"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  # json's own words for the last two
        strict_json.loads(text)


def test_a_cells_json_with_nan_is_damaged(tmp_path):
    (path,) = list(RESULTS.rglob("*.json"))[:1]
    meta = json.loads(path.read_bytes())
    assert read_meta(path) == meta
    spoilt = tmp_path / path.name
    spoilt.write_text(json.dumps(meta | {"limits": {"total_steps": math.nan}}))
    with pytest.raises(DamagedError, match="NaN is not a JSON number"):
        read_meta(spoilt)


def test_nothing_else_writes_or_reads_json():
    """Nor does any module pass by it, with pandas or otherwise."""
    words = {"to_json", "read_json", "print_json"}
    found = []
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            passes = isinstance(node, ast.ImportFrom) and node.module == "json"
            if "json" in imported or passes or (isinstance(node, ast.Attribute) and node.attr in words):
                found.append(path.name)
    assert found == ["strict_json.py"]


def test_committed_results_are_strict():
    paths = list(RESULTS.rglob("*.json"))
    assert len(paths) > 100
    for path in paths:
        strict_json.loads(path.read_bytes())
