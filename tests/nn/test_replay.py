"""The replay against a list of everything that was added, window by window."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from svgbench.memory.experience import Experience
from svgbench.memory.replay import Replay, RowLayout

OBS, ACTION = 2, 1


def filled(added, capacity, window, whole_episodes, ends, **options):
    """A replay of two seeds; transition i of seed s holds the number 1000 s + i, its reward the same."""
    replay = Replay(
        2, capacity, OBS, ACTION, window=window, whole_episodes=whole_episodes, dtype=torch.float64, **options
    )
    for i in range(added):
        rows = torch.stack([torch.full((replay.layout.width,), 1000.0 * s + i, dtype=torch.float64) for s in (0, 1)])
        replay.add(rows, torch.tensor([i in ends[0], i in ends[1]]))
    return replay


def brute_force(s, added, capacity, window, whole_episodes, ends):
    """The first transitions of all windows that the rule allows, oldest first."""
    span = window if whole_episodes else window + 1
    oldest = max(0, added - capacity)
    found = []
    for first in range(oldest, added - span + 1):
        inside = range(first, first + span - (1 if whole_episodes else 0))
        if not any(i in ends[s] for i in inside):
            found.append(1000 * s + first)
    return found


def all_windows(replay, s):
    """Every window of seed s, sampled with numbers that select each once."""
    n = int(replay.windows()[s])
    uniform = torch.zeros(2, max(n, 1), dtype=torch.float64)
    uniform[s] = (torch.arange(max(n, 1), dtype=torch.float64) + 0.5) / max(n, 1)
    return replay.sample_windows(uniform)[s, :, :n]  # [T, n, width]


ENDS = ({4, 9, 10, 17, 18, 29}, {0, 13, 24})


@pytest.mark.parametrize("whole_episodes", [True, False])
@pytest.mark.parametrize("window", [1, 2, 4])
@pytest.mark.parametrize(("added", "capacity"), [(7, 40), (33, 40), (33, 33), (38, 16), (61, 16), (23, 8)])
def test_windows_are_those_that_cross_neither_an_end_nor_the_write_head(added, capacity, window, whole_episodes):
    replay = filled(added, capacity, window, whole_episodes, ENDS)
    for s in (0, 1):
        windows = all_windows(replay, s)
        expected = brute_force(s, added, capacity, window, whole_episodes, ENDS)
        assert windows[0, :, 0].tolist() == expected
        steps = torch.arange(window, dtype=torch.float64)[:, None, None]
        assert torch.equal(windows, (windows[:1] + steps).expand_as(windows))


def test_single_transitions_are_drawn_from_all_that_are_held():
    replay = filled(23, 8, 1, True, ENDS)
    uniform = ((torch.arange(8, dtype=torch.float64) + 0.5) / 8).expand(2, -1)
    rewards = replay.layout.reward(replay.sample(uniform))
    assert sorted(rewards[0].tolist()) == list(range(15, 23))
    assert sorted(rewards[1].tolist()) == list(range(1015, 1023))
    extreme = torch.tensor([[0.0, 1 - 2**-53]] * 2, dtype=torch.float64)
    assert replay.sample(extreme).shape == (2, 2, replay.layout.width)


def test_draws_are_uniform():
    replay = filled(33, 40, 3, False, ENDS)
    uniform = torch.rand(2, 60_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    first = replay.sample_windows(uniform)[0, 0, :, 0]
    counts = torch.unique(first, return_counts=True)[1].double()
    expected = 60_000 / int(replay.windows()[0])
    assert len(counts) == int(replay.windows()[0])
    assert ((counts - expected).abs() < 6 * expected**0.5).all()


@pytest.mark.parametrize(("added", "capacity"), [(0, 8), (5, 40), (33, 40), (38, 16), (61, 16)])
@pytest.mark.parametrize("whole_episodes", [True, False])
def test_state_is_the_filled_part_and_continues_exactly(added, capacity, whole_episodes):
    replay = filled(added, capacity, 3, whole_episodes, ENDS)
    state = replay.state_dict()
    held = min(added, capacity)
    assert [row.shape for row in state["rows"]] == [(held, replay.layout.width)] * 2
    assert [row.untyped_storage().nbytes() for row in state["rows"]] == [held * replay.layout.width * 8] * 2
    assert [end.untyped_storage().nbytes() for end in state["ends"]] == [held] * 2
    assert not held or [row.data_ptr() for row in state["rows"]] == [row.data_ptr() for row in replay.rows]
    again = Replay(2, capacity, OBS, ACTION, window=3, whole_episodes=whole_episodes, dtype=torch.float64)
    again.load_state_dict(state)
    generator = torch.Generator().manual_seed(1)
    for i in range(added, added + 25):
        rows = torch.full((2, replay.layout.width), float(i), dtype=torch.float64)
        end = torch.tensor([i % 7 == 3, i % 5 == 0])
        for one in (replay, again):
            one.add(rows, end)
        assert torch.equal(replay.windows(), again.windows())
        if replay.windows().min() > 0:
            uniform = torch.rand(2, 9, generator=generator, dtype=torch.float64)
            assert torch.equal(replay.sample_windows(uniform), again.sample_windows(uniform))
            assert torch.equal(replay.sample(uniform), again.sample(uniform))


def test_too_little_to_draw_from_is_refused():
    replay = filled(3, 8, 3, False, ENDS)
    with pytest.raises(ValueError, match="holds 3 transitions"):
        replay.sample_windows(torch.zeros(2, 1, dtype=torch.float64))
    with pytest.raises(ValueError, match="window is 8"):
        Replay(2, 8, OBS, ACTION, window=8, whole_episodes=False)
    with pytest.raises(ValueError, match="rows have shape"):
        Replay(3, 8, OBS, ACTION).load_state_dict(replay.state_dict())


def test_observations_are_normalised_by_all_ever_seen_with_bounds_on_the_deviation():
    layout = RowLayout(3, 1)
    generator = np.random.default_rng(0)
    data = generator.normal(2.0, 3.0, (50, 2, layout.width))
    data[..., 1] *= 1e-3  # far below the smallest deviation
    data[..., 2] *= 1e3  # far above the largest
    replay = Replay(2, 20, 3, 1, window=2, dtype=torch.float64)
    experience = Experience(replay, normalise=True, min_std=0.1, max_std=10.0)
    for rows in data:
        experience.add(torch.from_numpy(rows), torch.tensor([False, False]))
    mean, std = data[..., :3].mean(0), np.clip(data[..., :3].std(0), 0.1, 10.0)  # of all 50, also the overwritten
    assert (std[:, 1] == 0.1).all()
    assert (std[:, 2] == 10.0).all()
    uniform = torch.rand(2, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    raw, rows = replay.sample(uniform), experience.sample(uniform)
    for part in (layout.obs, layout.next_obs):
        np.testing.assert_allclose(part(rows), (part(raw).numpy() - mean[:, None]) / std[:, None], rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(layout.action(rows), layout.action(raw))
    np.testing.assert_array_equal(rows[..., -2:], raw[..., -2:])
    x, actions, next_x = experience.sample_windows(uniform)
    assert (x.shape, actions.shape, next_x.shape) == ((2, 30, 3), (2, 2, 30, 1), (2, 2, 30, 3))
    fresh = Experience(Replay(2, 20, 3, 1, window=2, dtype=torch.float64), normalise=True, min_std=0.1, max_std=10.0)
    fresh.load_state_dict(experience.state_dict())
    assert torch.equal(fresh.sample(uniform), experience.sample(uniform))
    plain = Experience(replay, normalise=False, min_std=0.1, max_std=10.0)
    assert torch.equal(plain.sample(uniform), replay.sample(uniform))
