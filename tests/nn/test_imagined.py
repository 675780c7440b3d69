"""The ring of imagined transitions, followed by hand, and batches drawn from both kinds."""

from __future__ import annotations

import pytest
import torch

from svgbench.memory.experience import Experience
from svgbench.memory.imagined import ImaginedReplay, mixed_batch
from svgbench.memory.replay import Replay


def ring(capacity=5, S=2):
    return ImaginedReplay(S, capacity, 1, torch.float64, "cpu")


def contents(one, s):
    """What a seed holds, the oldest first: rows are numbered in the order in which they were added."""
    size = one.size[s]
    found = one.rows[s, :size, 0].tolist()
    drawn = one.sample(((torch.arange(100) + 0.5) / 100).expand(2, -1).double())[s, :, 0].tolist()
    assert set(drawn) == set(found)
    return sorted(found)


def add(one, *numbers):
    """A seed's own numbers each; None is a row that does not count."""
    rows = torch.tensor([[-1.0 if v is None else v for v in own] for own in numbers])[..., None].double()
    one.add(rows, rows[..., 0] >= 0)


def test_a_seed_adds_as_many_as_it_made_and_keeps_the_newest():
    one = ring()
    add(one, [0, 1, None, 2], [None, 10, None, None])
    assert (contents(one, 0), contents(one, 1), one.size) == ([0, 1, 2], [10], [3, 1])
    add(one, [3, 4, 5, 6], [11, None, 12, 13])
    assert (contents(one, 0), contents(one, 1)) == ([2, 3, 4, 5, 6], [10, 11, 12, 13])
    add(one, range(7, 15), [None] * 8)
    assert (contents(one, 0), contents(one, 1)) == ([10, 11, 12, 13, 14], [10, 11, 12, 13])
    add(one, [15, None], [14, 15])
    assert (contents(one, 0), contents(one, 1)) == ([11, 12, 13, 14, 15], [11, 12, 13, 14, 15])


@pytest.mark.parametrize("capacity", [3, 8])
def test_what_is_held_survives_a_change_of_size_and_the_oldest_go_first(capacity):
    one = ring()
    add(one, range(7), [0, 1, *[None] * 5])
    one.resize(capacity)
    assert one.capacity == capacity
    assert contents(one, 0) == list(range(7 - min(5, capacity), 7))
    assert contents(one, 1) == [0, 1]
    add(one, [7, 8], [2, 3])
    assert contents(one, 0) == list(range(9 - min(7, capacity), 9))
    assert contents(one, 1) == list(range(4 - min(4, capacity), 4))


def test_a_state_has_the_filled_part_and_goes_on_in_a_ring_of_another_size():
    one, other = ring(), ring(2)
    add(one, range(7), [0, 1, *[None] * 5])
    state = one.state_dict()
    assert [len(rows) for rows in state["rows"]] == [5, 2]
    other.load_state_dict(state)
    for ring_ in (one, other):
        add(ring_, [7, 8], [2, None])
    assert torch.equal(one.rows, other.rows)
    assert other.size == one.size == [5, 3]


def test_a_batch_has_replayed_rows_first_and_all_are_normalised_alike():
    experience = Experience(Replay(1, 10, 2, 1), normalise=True, min_std=0.1, max_std=10.0)
    imagined = ImaginedReplay(1, 10, 7, torch.float32, "cpu")
    for i in range(4):
        row = torch.tensor([[i, 2.0 * i, 0.5, i + 1.0, 2.0 * i + 2, float(i), 0.0]])
        experience.add(row, torch.tensor([False]))
        imagined.add(row[:, None] + 100, torch.tensor([[True]]))
    which = torch.tensor([[0.0, 0.99]]).double()
    batch = mixed_batch(experience, imagined, which, which[:, [1, 0, 1]])
    assert batch.reward.tolist() == [[0.0, 3.0, 103.0, 100.0, 103.0]]
    raw = torch.tensor([[[0.0, 0.0], [3.0, 6.0], [103.0, 106.0], [100.0, 100.0], [103.0, 106.0]]])
    torch.testing.assert_close(batch.x, experience.normalise(raw))
    torch.testing.assert_close(batch.xu[..., 2], torch.tensor([[0.5, 0.5, 100.5, 100.5, 100.5]]))


def test_a_ring_without_room_is_refused():
    with pytest.raises(ValueError, match="capacity is 0, expected at least 1"):
        ring(0)
