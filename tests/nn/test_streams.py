"""A seed's stream depends on the seed and the stream's name, and is restored exactly."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from svgbench.nn import Streams


def draws(streams: Streams) -> list[Tensor]:
    return [
        streams.normal((3, 20)),
        streams.normal(7, dtype=torch.float64),
        streams.uniform((2, 2), -3.0, 5.0),
        streams.integers((4, 5), 1000),
        streams.permutation(11),
        streams.normal(()),
    ]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.data())
def test_a_seed_draws_the_same_whatever_its_companions(seeds, data):
    place = data.draw(st.integers(0, len(seeds) - 1))
    together, alone = draws(Streams(seeds, "noise")), draws(Streams([seeds[place]], "noise"))
    for block, single in zip(together, alone, strict=True):
        assert torch.equal(block[place], single[0])


def test_names_and_seeds_give_different_streams():
    streams = [Streams([0, 1], "a"), Streams([0, 1], "b")]
    rows = torch.cat([s.normal(100) for s in streams])
    assert torch.corrcoef(rows).fill_diagonal_(0).abs().max() < 0.5  # 100 draws: SD 0.1


def test_draws_do_not_change_from_release_to_release():
    # The hash is part of every stored result.
    assert Streams([0, 7], "init").integers(3, 1000).tolist() == [[775, 921, 818], [123, 602, 849]]


def test_restores_in_the_middle_of_a_stream():
    streams = Streams([3, 4, 5], "noise")
    streams.normal(5)  # odd: the generator holds back half a pair
    state = {name: value.clone() for name, value in streams.state_dict().items()}
    first = draws(streams)
    other = Streams([3, 4, 5], "noise")
    other.load_state_dict(state)
    for one, two in zip(first, draws(other), strict=True):
        assert torch.equal(one, two)
    streams.load_state_dict(state)
    for one, two in zip(first, draws(streams), strict=True):
        assert torch.equal(one, two)


def test_select_advances_only_the_chosen_seeds():
    streams, untouched = Streams([3, 4, 5], "reset"), Streams([3, 4, 5], "reset")
    first = untouched.normal(20)
    chosen = streams.select([2]).normal(20)
    assert torch.equal(chosen[0], first[2])
    after = streams.normal(20)
    assert torch.equal(after[:2], first[:2])
    assert torch.equal(after[2], untouched.normal(20)[2])


def test_ranges():
    streams = Streams(range(3), "ranges")
    x = streams.uniform(10_000, -2.0, 6.0, dtype=torch.float64)
    assert x.shape == (3, 10_000)
    assert x.min() >= -2
    assert x.max() < 6
    assert torch.allclose(x.mean(1), torch.full((3,), 2.0, dtype=torch.float64), atol=0.1)  # SD 0.023
    k = streams.integers(10_000, [2, 5, 1])
    assert [row.unique().tolist() for row in k] == [[0, 1], [0, 1, 2, 3, 4], [0]]
    assert torch.equal(streams.permutation(50).sort(dim=1).values, torch.arange(50).expand(3, 50))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.integers(3, 0), "high is 0"),
        (lambda s: s.integers(3, [1, 2, 3]), "3 entries, expected 2"),
        (lambda s: s.uniform(3, 2.0, 1.0), r"low 2\.0 is above high 1\.0"),
        (lambda s: s.load_state_dict(Streams([1], "x").state_dict()), "holds 1 seeds, expected 2"),
        (lambda s: s.select([]), "places is empty"),
        (lambda s: Streams([], "x"), "seeds is empty"),
    ],
)
def test_errors_name_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call(Streams([0, 1], "x"))
