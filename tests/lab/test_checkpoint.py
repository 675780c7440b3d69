"""Checkpoints: what may be in them, and what is refused."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from svgbench.lab import checkpoint
from svgbench.words.errors import DamagedError

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(0, 9), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(value=plain)
def test_plain_values_come_back_as_they_were(value, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "round-trip.pt"
    checkpoint.save(path, "me", {"value": value})
    assert checkpoint.load(path, "me") == {"value": value}


def test_tensors_come_back_bit_for_bit(tmp_path):
    path = tmp_path / "checkpoint.pt"
    state = {
        "weights": [torch.randn(3, 4, dtype=torch.float64), torch.nn.Parameter(torch.randn(2))],
        "stream": torch.Generator().manual_seed(3).get_state(),
        "steps": (1, 2),
        "odd": torch.tensor([float("nan"), float("inf"), -0.0]),
        "empty": torch.zeros(0, 5, dtype=torch.bool),
        "ordered": OrderedDict(a=torch.ones(1)),
    }
    size = checkpoint.save(path, "me", state)
    assert size == path.stat().st_size
    back = checkpoint.load(path, "me")
    assert back["steps"] == (1, 2)
    for old, new in zip(
        [*state["weights"], state["stream"], state["odd"], state["empty"], state["ordered"]["a"]],
        [*back["weights"], back["stream"], back["odd"], back["empty"], back["ordered"]["a"]],
        strict=True,
    ):
        assert old.dtype == new.dtype
        assert old.detach().numpy().tobytes() == new.detach().numpy().tobytes()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (np.zeros(2), r"state\['a'\]\[1\] is a ndarray"),
        (np.float64(1.0), r"state\['a'\]\[1\] is a float64"),
        ({1, 2}, r"state\['a'\]\[1\] is a set"),
        (namedtuple("Pair", "a b")(1, 2), r"state\['a'\]\[1\] is a Pair"),
        (print, r"state\['a'\]\[1\] is a builtin"),
        ({(1, 2): 3}, "a key of type tuple"),
    ],
)
def test_other_types_are_refused_by_name_before_anything_is_written(tmp_path, value, name):
    """A NumPy scalar is a float to `isinstance`; it would be written, and refused when it is loaded."""
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(TypeError, match=name):
        checkpoint.save(path, "me", {"a": [0, value]})
    assert not path.exists()


def test_no_file_is_no_checkpoint(tmp_path):
    assert checkpoint.load(tmp_path / "none.pt", "me") is None


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04", b"\x80\x04N.", b"\x80\x02}q\x00."])
def test_a_file_that_is_not_a_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(DamagedError, match=r"checkpoint\.pt"):
        checkpoint.load(path, "me")


@pytest.mark.parametrize("content", [[1], {"format": 0}, {"owner": "me"}, torch.zeros(1)])
def test_a_file_of_another_format_is_refused(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    torch.save(content, path)
    with pytest.raises(DamagedError, match="format"):
        checkpoint.load(path, "me")


def test_the_checkpoint_of_another_block_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, "you", {})
    with pytest.raises(DamagedError, match="belongs to 'you', not to 'me'"):
        checkpoint.load(path, "me")


def test_a_cut_or_spoilt_checkpoint_is_refused_or_what_it_was(tmp_path):
    """Never another error than DamagedError, which would fail the block instead of starting it again; and never other
    numbers, which torch alone would load."""
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, "me", {"rows": [{"seed": 0, "x": 1.5}], "w": torch.arange(20.0)})
    whole = path.read_bytes()
    dice = random.Random(0)
    for length in dice.sample(range(len(whole)), 150):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedError):
            checkpoint.load(path, "me")
    refused = 0
    for place in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << dice.randrange(8)
        path.write_bytes(spoilt)
        try:
            payload = checkpoint.load(path, "me")
        except DamagedError:
            refused += 1
            continue
        assert payload["rows"] == [{"seed": 0, "x": 1.5}]
        assert torch.equal(payload["w"], torch.arange(20.0))
    assert refused > 0.5 * len(whole)


def test_a_full_disk_is_named_and_leaves_the_old_checkpoint_alone(tmp_path):
    """The error names the file; it is not torch's error about an archive that it could not close."""
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, "me", {"x": torch.zeros(3)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            checkpoint.save(path, "me", {"small": torch.zeros(9), "large": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [path]
    assert torch.equal(checkpoint.load(path, "me")["x"], torch.zeros(3))


def test_what_is_loaded_and_the_file_do_not_touch_each_other(tmp_path):
    path = tmp_path / "checkpoint.pt"
    first, second = torch.arange(100_000.0), torch.ones(100_000)
    checkpoint.save(path, "me", {"x": first})
    loaded = checkpoint.load(path, "me")["x"]
    loaded[:10] = -1.0
    assert torch.equal(checkpoint.load(path, "me")["x"], first)
    checkpoint.save(path, "me", {"x": second})
    assert torch.equal(loaded[10:], first[10:])
    assert torch.equal(checkpoint.load(path, "me")["x"], second)


def test_neither_writing_nor_loading_holds_a_second_copy(tmp_path):
    """64 MB of state, in a process whose peak is its own."""
    code = f"""if True:
        import pathlib, resource, torch
        from svgbench.lab import checkpoint

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

        small, large = (pathlib.Path({str(tmp_path)!r}) / name for name in ("small.pt", "large.pt"))
        state = [torch.ones(8, 2**20 // 4) for _ in range(8)]
        checkpoint.save(small, "me", {{"x": torch.ones(9)}})
        checkpoint.load(small, "me")
        before = peak()
        checkpoint.save(large, "me", {{"x": state}})
        saved = peak()
        loaded = checkpoint.load(large, "me")
        print(saved - before, peak() - saved, sum(x.numel() for x in loaded["x"]))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    saving, loading, numbers = map(float, done.stdout.split())
    assert numbers == 2**24
    assert saving < 16
    assert loading < 16
