"""Files of trained policies: equal bytes for equal policies, whole or refused."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
from harness import cell_of

from svgbench.lab.policies import as_bytes, keep, path_of, read
from svgbench.lab.store import Store
from svgbench.words.errors import DamagedError
from svgbench.words.policy import TrainedPolicy


def made(**changes):
    rng = np.random.default_rng(0)
    sizes = ((3, 4), (4, 2))
    policy = TrainedPolicy(
        centre=np.zeros(3, np.float32),
        width=np.ones(3, np.float32),
        clip=0.0,
        weights=tuple(rng.normal(size=s).astype(np.float32) for s in sizes),
        biases=tuple(rng.normal(size=s[1]).astype(np.float32) for s in sizes),
        activation="relu",
        squash=True,
        action_centre=np.zeros(2),
        action_half_range=np.ones(2),
    )
    return dataclasses.replace(policy, **changes)


@pytest.mark.parametrize("bounds", [{}, {"action_low": -np.ones(2), "action_high": np.ones(2)}], ids=["free", "bound"])
def test_a_policy_comes_back_as_it_was(tmp_path, bounds):
    store, cell, policy = Store(tmp_path), cell_of(seeds=2), made(**bounds)
    keep(store, cell, 1, policy, "1,0,0.5,up\n")
    found = read(path_of(store, cell, 1))
    for field in dataclasses.fields(policy):
        np.testing.assert_equal(getattr(found.policy, field.name), getattr(policy, field.name))
    assert found.policy.weights[0].dtype == np.float32
    about = {name: found.about[name] for name in ("task", "variant", "seed", "identity", "rows_sha256")}
    digest = hashlib.sha256(b"1,0,0.5,up\n").hexdigest()
    assert tuple(about.values()) == ("field/calm", "drift", 1, cell.identity, digest)
    assert path_of(store, cell, 1).relative_to(tmp_path).parts[0] == ".policies"
    assert read(path_of(store, cell, 0)) is None


def test_equal_policies_make_equal_bytes(tmp_path):
    store, cell, texts = Store(tmp_path), cell_of(seeds=2), []
    for _ in range(2):
        keep(store, cell, 0, made(), "rows")
        texts.append(path_of(store, cell, 0).read_bytes())
    assert texts[0] == texts[1]
    keep(store, cell, 0, made(squash=False), "rows")
    assert path_of(store, cell, 0).read_bytes() != texts[0]


@pytest.mark.parametrize("how", ["cut", "a bit", "text", "no layers", "format"])
def test_a_file_that_is_not_whole_is_refused_by_its_name(tmp_path, how):
    store, cell = Store(tmp_path), cell_of(seeds=2)
    keep(store, cell, 0, made(), "rows")
    path = path_of(store, cell, 0)
    data = bytearray(path.read_bytes())
    stored = read(path)
    if how == "cut":
        data = data[:-40]
    elif how == "a bit":
        place = data.find(stored.policy.weights[0].tobytes())
        data[place] ^= 1
    elif how == "text":
        data = bytearray(b"not a policy")
    elif how == "no layers":
        data = bytearray(as_bytes(dataclasses.replace(stored, policy=made(weights=(), biases=()))))
    else:
        data = bytearray(as_bytes(dataclasses.replace(stored, about=dict(stored.about) | {"format": 9})))
    path.write_bytes(data)
    with pytest.raises(DamagedError, match=r"seed-0000\.npz is not a policy that svgbench wrote"):
        read(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": "gelu"},
        {"width": np.ones(4, np.float32)},
        {"biases": (np.zeros(4), np.zeros(3))},
        {"action_centre": np.zeros(3)},
        {"action_low": -np.ones(2)},
        {"weights": (np.zeros((3, 4)), np.zeros((5, 2)))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, changes):
    store, cell = Store(tmp_path), cell_of(seeds=2)
    keep(store, cell, 0, made(**changes), "rows")
    with pytest.raises(DamagedError, match="do not fit each other"):
        read(path_of(store, cell, 0))


@pytest.mark.parametrize("change", [{"seed": "0"}, {"task_options": []}, {"factory": None}, {"rows_sha256": 3}])
def test_a_run_that_is_not_named_is_refused(tmp_path, change):
    store, cell = Store(tmp_path), cell_of(seeds=2)
    keep(store, cell, 0, made(), "rows")
    found = read(path_of(store, cell, 0))
    path_of(store, cell, 0).write_bytes(as_bytes(dataclasses.replace(found, about={**found.about, **change})))
    with pytest.raises(DamagedError, match=f"does not say of its run: {next(iter(change))}"):
        read(path_of(store, cell, 0))
