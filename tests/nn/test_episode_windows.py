"""Windows of a buffer whose episodes have roles."""

from __future__ import annotations

import pytest
import torch

from svgbench.memory.episode_windows import EpisodeWindows, Starts

ROLES = ("a", "a", "b", "c")


def buffer(seed=0, S=3, N=60):
    """Rows that hold their own place; episodes of 1 to 9 transitions, a seed's last without an end."""
    stream = torch.Generator().manual_seed(seed)
    ends = torch.rand(S, N, generator=stream) < 0.2
    ends[:, 8::9] = True
    rows = torch.arange(N, dtype=torch.float64).repeat(S, 1)[..., None] + 100 * torch.arange(S)[:, None, None]
    return EpisodeWindows(rows.expand(-1, -1, 2).contiguous(), ends, ROLES)


def expected(data, s, role, length, before):
    """First places, with loops over transitions."""
    found, episode = [], 0
    episodes = []
    for end in data.ends[s].tolist():
        episodes.append(episode)
        episode += end
    for start in range(before - length + 1):
        inside = episodes[start : start + length]
        if len(set(inside)) == 1 and ROLES[inside[0] % len(ROLES)] == role:
            found.append(start)
    return found


@pytest.mark.parametrize("length", [1, 3, 7])
@pytest.mark.parametrize("before", [2, 31, 60])
def test_windows_lie_inside_an_episode_of_their_role(length, before):
    data = buffer()
    some = 0
    for role in ("a", "b", "c"):
        starts = data.starts(role, length, before)
        for s in range(3):
            found = starts.places[s, : starts.number[s]].tolist()
            assert found == expected(data, s, role, length, before)
            some += len(found)
    assert some > 0 or before < 10 or length == 7


def test_every_transition_has_one_role():
    data = buffer()
    of = torch.stack([data.has_role(role) for role in ("a", "b", "c")]).sum(0)
    assert (of == 1).all()
    with pytest.raises(ValueError, match="role is 'd', expected one of a, b, c"):
        data.has_role("d")
    with pytest.raises(ValueError, match="roles is empty"):
        EpisodeWindows(data.rows, data.ends, ())


def test_draws_are_of_all_windows_and_of_no_others():
    data = buffer()
    starts = data.starts("a", 3, 60)
    uniform = torch.rand(3, 4, 500, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    drawn = starts.draw(uniform)
    for s in range(3):
        assert set(drawn[s].flatten().tolist()) == set(expected(data, s, "a", 3, 60))
    with pytest.raises(ValueError, match="no places"):
        Starts(torch.zeros(3, 0, dtype=torch.int64), torch.zeros(3, dtype=torch.int64)).draw(uniform)


def test_windows_are_successive_rows():
    data = buffer()
    places = torch.tensor([[[0, 5], [7, 9]]] * 3)
    windows = data.windows(places, 4)
    assert windows.shape == (3, 2, 4, 2, 2)
    for s in range(3):
        for e in range(2):
            for b in range(2):
                first = 100 * s + int(places[s, e, b])
                assert windows[s, e, :, b, 0].tolist() == [first, first + 1, first + 2, first + 3]
