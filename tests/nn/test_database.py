"""The database: seeds of different sizes, what is overwritten, what is drawn, and its state."""

from __future__ import annotations

import io

import pytest
import torch

from svgbench.memory.database import Database, Transitions

S, O, A = 2, 3, 2  # noqa: E741


def numbered(first, n):
    """Transitions in which every number is the transition's index, negative for the second seed."""
    number = torch.arange(first, first + n).double() * torch.tensor([[1.0], [-1.0]])
    wide = [number.unsqueeze(-1).expand(S, n, k) for k in (O, A, O)]
    return Transitions(*wide, *(number,) * 3)


def held(database):
    """The numbers that each seed can draw."""
    rows = database.sample(torch.arange(0, 1, 0.01, dtype=torch.float64).expand(S, -1))
    assert all(torch.equal(x.reshape(S, 100, -1)[..., 0], rows.r) for x in rows)
    return [sorted(set(own.abs().tolist())) for own in rows.r]


def test_seeds_hold_what_was_valid_and_the_oldest_is_overwritten():
    database = Database(S, 7, O, A, torch.float64, "cpu")
    valid = torch.ones(S, 5, dtype=torch.bool)
    valid[1, 2:] = False
    database.add(numbered(1, 5), valid)
    assert held(database) == [[1, 2, 3, 4, 5], [1, 2]]
    database.add(numbered(6, 5), valid)
    assert held(database) == [[4, 5, 6, 7, 8, 9, 10], [1, 2, 6, 7]]
    database.add(numbered(11, 20), torch.ones(S, 20, dtype=torch.bool))
    assert held(database) == [[24, 25, 26, 27, 28, 29, 30]] * 2


def test_draws_are_uniform_and_the_next_state_is_the_sum():
    database = Database(S, 100, O, A, torch.float64, "cpu")
    database.add(numbered(1, 4), torch.ones(S, 4, dtype=torch.bool))
    rows = database.sample(torch.tensor([[0.0, 0.25, 0.5, 0.999]] * S, dtype=torch.float64))
    assert rows.r[0].tolist() == [1, 2, 3, 4]
    assert torch.equal(rows.next_s, 2 * rows.s)
    part = rows.at(slice(1, 3))
    assert part.r[0].tolist() == [2, 3]
    assert part.a.shape == (S, 2, A)
    assert rows.chosen(torch.tensor([[3, 0], [1, 1]])).r.tolist() == [[4, 1], [-2, -2]]


def test_its_state_goes_through_a_file():
    one = Database(S, 7, O, A, torch.float64, "cpu")
    valid = torch.ones(S, 5, dtype=torch.bool)
    valid[1, 2:] = False
    for first in (1, 6):
        one.add(numbered(first, 5), valid)
    torch.save(one.state_dict(), buffer := io.BytesIO())
    buffer.seek(0)
    other = Database(S, 7, O, A, torch.float64, "cpu")
    other.load_state_dict(torch.load(buffer, weights_only=True))
    for database in (one, other):
        database.add(numbered(11, 5), valid)
    assert torch.equal(one.rows, other.rows)
    assert one.added == other.added == [15, 6]


def test_a_database_for_nothing_is_refused():
    with pytest.raises(ValueError, match="capacity is 0"):
        Database(S, 0, O, A, torch.float64, "cpu")
