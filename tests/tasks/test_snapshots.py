"""Single simulations restored from others' states, bit for bit, in the same batch or another; streams do not change."""

from __future__ import annotations

import numpy as np
import pytest
from every_task import FACTORIES, make, random_actions
from regulator import Regulator

some_tasks = pytest.mark.parametrize(
    "name", ["regulator", *(f"svgbench/{name}-v0" for name in ("poplin-hopper", "trpo-cart-pole", "trpo-hopper"))]
)

WITHOUT_NOISE = {f"svgbench/svg-{name}-v0": {"noise": 0.0} for name in ("hand", "monoped")}


def made(name):
    return Regulator() if name == "regulator" else make(name, horizon=30, **WITHOUT_NOISE.get(name, {}))


@pytest.mark.parametrize("name", ["regulator", *FACTORIES])
def test_a_simulation_goes_on_from_a_snapshot_bit_for_bit(name):
    """After 3 steps, several times from the same row, in other places and after other states."""
    task = made(name)
    actions = 0.3 * random_actions(task, 24, 3)
    source = task.simulate([3], copies=3, autoreset=False)
    for t in range(3):
        source.step(actions[t])
    snapshot = source.snapshot()
    ended = snapshot.ended.copy()
    places = [0, 2, 1, 0, 2]
    other = task.simulate([8, 9], copies=4, stream="branch", autoreset=False)
    for t in range(2):
        other.step(np.repeat(actions[t, :1], 8, 0))
    where = [0, 1, 3, 6, 7]
    other.restore(snapshot.rows(places), where)
    np.testing.assert_array_equal(other.observe()[where], snapshot.observation[places])
    assert not ended.any()
    for t in range(3, 12):
        running = np.flatnonzero(~ended)
        theirs = source.step(actions[t, running], running)
        pairs = [(i, np.flatnonzero(running == p)[0]) for i, p in zip(where, places, strict=True) if p in running]
        if not pairs:
            break
        ids, rows = (list(part) for part in zip(*pairs, strict=True))
        mine = other.step(actions[t, running][rows], ids)
        for one, its in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(one, its[rows])
        ended[running] = theirs.terminated | theirs.truncated


@some_tasks
def test_a_restored_simulation_keeps_its_own_stream_and_leaves_its_companions_alone(name):
    task = made(name)
    actions = random_actions(task, 6, 3)
    hurt, undisturbed = (task.simulate([5], copies=3, autoreset=False) for _ in range(2))
    for t in range(3):
        hurt.step(actions[t])
        undisturbed.step(actions[t])
    hurt.restore(hurt.snapshot([2]), [1])
    for t in range(3, 6):
        mine, theirs = hurt.step(actions[t]), undisturbed.step(actions[t])
        np.testing.assert_array_equal(mine.final_observation[[0, 2]], theirs.final_observation[[0, 2]])
    assert (mine.final_observation[1] != theirs.final_observation[1]).any()
    np.testing.assert_array_equal(hurt.reset(), undisturbed.reset())


@pytest.mark.parametrize("name", ["regulator", "svgbench/poplin-hopper-v0"])
def test_time_and_end_of_an_episode_are_part_of_a_snapshot(name):
    task = made(name)
    batch = task.simulate([5], copies=2, autoreset=False)
    zero = np.zeros((2, task.action_dim))
    for _ in range(task.horizon - 1):
        batch.step(zero)
    before = batch.snapshot()
    assert batch.step(zero).truncated.all()
    with pytest.raises(ValueError, match="have ended"):
        batch.step(zero)
    batch.restore(before.rows([1]), [0])
    assert batch.step(zero[:1], [0]).truncated.all()
    batch.restore(before._replace(elapsed=before.elapsed * 0))
    assert not batch.step(zero).truncated.any()


def test_a_snapshot_is_a_copy_and_fits_its_places_only():
    task = made("svgbench/poplin-hopper-v0")
    batch = task.simulate([5], copies=2, autoreset=False)
    snapshot = batch.snapshot()
    kept = {name: value.copy() for name, value in snapshot.dynamics.items()}
    batch.step(np.ones((2, 3)))
    for name, value in kept.items():
        np.testing.assert_array_equal(snapshot.dynamics[name], value)
    with pytest.raises(ValueError, match="of 2 simulations, expected 1"):
        batch.restore(snapshot, [1])
