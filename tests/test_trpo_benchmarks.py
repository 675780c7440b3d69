"""What the benchmarks of on-policy learning rest on: replays through the same states, counts, made data."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch

from benchmarks import trpo

pytestmark = pytest.mark.usefixtures("one_thread")


def test_collecting_is_replayed_through_the_same_states():
    """Which the benchmark itself asserts; of robots that fall at different times."""
    results = trpo.collecting(repeats=1, at_most=4, steps=60)
    assert [r.name.rpartition("trpo/collecting/")[2] for r in results] == [
        "trpo/swimmer",
        "trpo/hopper",
        "gae/quadruped",
    ]
    assert all(r.value > 0 and r.ratio == r.value / r.reference_value for r in results)


def test_a_replay_leaves_nothing_out():
    task = trpo.trpo_robots.make_hopper()
    own = {"hidden": (5,), "simulations": 4, "path_length": 60, "timesteps": 300, "steps_per_slice": 10}
    ours = trpo.Ours(trpo.learner_of("trpo", "text", task, own))
    raw = trpo.Raw(ours)
    ours.rewind()
    for k in range(len(raw.slices)):
        batch = ours.turn(k)
        raw.turn(k)
    assert raw.steps == int(batch.steps) >= 300
    assert len({len(ids) for steps in raw.slices for ids, *what in steps if len(what) == 2}) > 1, "some fell alone"
    theirs = ours.rollouts.simulations.physics
    assert torch.equal(torch.from_numpy(raw.physics.qvel), torch.from_numpy(theirs.qvel))


def test_calls_of_the_simulator_are_counted_at_the_simulations():
    """The benchmark itself holds them against what the rows say."""
    own = {"hidden": (5,), "simulations": 2, "path_length": 60}
    branches, everything = trpo.vine(trpo.trpo_robots.make_hopper, own, trunks=1)
    trunk = everything.value - branches.value
    assert 0 < trunk <= 60
    assert 0 < branches.value <= 125 * 4 * 50, "125 states, four actions each, fifty steps"
    assert branches.reference_value <= 2 * 60


def test_an_iteration_is_timed_beside_the_library(monkeypatch):
    peer = {"hidden": (5,), "value_hidden": (5,), "simulations": 2, "timesteps": 128}
    ours = {"hidden": (5,), "simulations": 2, "path_length": 50}
    if find_spec("sb3_contrib") is not None:
        gymnasiums, thesis = trpo.iteration(1, peer, ours)
        assert thesis.reference_value == gymnasiums.reference_value > 0
        assert gymnasiums.ratio == gymnasiums.value / gymnasiums.reference_value
    monkeypatch.setattr(trpo, "find_spec", lambda name: None)
    assert "not measured" in trpo.iteration(1, peer, ours)[0].text()


def test_made_data_is_learned_from():
    (row,) = trpo.one_iteration(simulations=4, horizon=60)
    assert row["simulated_steps"] == 240
    assert row["episode_length"] == 60
