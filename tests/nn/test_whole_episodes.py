"""Whole episodes: their ends, the steps after the end, resumption, and independence of seeds."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from svgbench.nn.gaussian_policy import PolicySnapshot
from svgbench.simulate.episodes import EpisodeSampler
from svgbench.simulation_batch import BaseSimulations, RawStep

HORIZON = 9


class Clocks:
    """s = (simulation's length, time); terminates after its length, drawn from 1 to 12; fails at time `fails_at`."""

    id = "test/clocks"
    observation_dim, action_dim, dt, horizon = 2, 1, 1.0, HORIZON
    action_low, action_high = -np.ones(1), np.ones(1)

    def __init__(self, fails_at=99):
        self.fails_at = fails_at

    def simulate(self, seeds, copies=1, stream="train", threads=1, autoreset=True):
        return ClockSimulations(self, seeds, copies, stream, autoreset)


class ClockSimulations(BaseSimulations):
    def __init__(self, *how):
        super().__init__(*how)
        self.s = np.zeros((len(self), 2))
        self.reset()

    def _begin(self, ids):
        self.s[ids] = [[self._generators[i].integers(1, 13), 0] for i in ids]
        return self.s[ids]

    def _advance(self, ids, rows, actions):
        self.s[rows, 1] += 1
        s = self.s[rows].copy()
        failed = s[:, 1] == self._task.fails_at
        return RawStep(s, 10 + actions[:, 0], s[:, 1] >= s[:, 0], failed)

    def _dynamics(self):
        return {"s": torch.from_numpy(self.s.copy())}

    def _restore(self, dynamics):
        self.s[:] = dynamics["s"].numpy()


def acting(S):
    """a = time + noise / 10."""
    return PolicySnapshot(lambda s: s[..., 1:].copy(), np.full((S, 1, 1), 0.1))


def sampler(seeds=(3, 8), N=2, steps=4, task=None, dtype=torch.float64):
    return EpisodeSampler(task or Clocks(), list(seeds), N, steps, dtype, "cpu")


def collect(one):
    found = None
    while found is None:
        found = one.advance(acting(len(one.seeds)))
    return found


def test_episodes_end_where_they_should_and_what_follows_is_known():
    got = collect(sampler(range(8)))
    lengths = got.valid.sum(1)  # [S, N]
    length = got.s[:, 0, :, 0]
    assert torch.equal(lengths, length.clamp(max=HORIZON).long())
    assert (length > HORIZON).any()
    assert (length < HORIZON).any()
    assert torch.equal(got.steps, lengths.sum(1))
    assert torch.equal(got.ended.sum(1), torch.ones_like(lengths))
    assert torch.equal(got.terminated.any(1), length <= HORIZON)
    torch.testing.assert_close(got.weight.sum(1), torch.ones(8, dtype=torch.float64))
    time = torch.arange(got.s.shape[1], dtype=torch.float64)[None, :, None]
    for x, expected in ((got.s[..., 1], time), (got.a[..., 0], time), (got.next_a[..., 0], time + 1)):
        torch.testing.assert_close(x[got.valid], expected.expand_as(x)[got.valid], rtol=0, atol=0.5)
    assert torch.equal(got.change[got.valid], torch.tensor([0.0, 1.0]).double().expand(int(lengths.sum()), 2))
    going_on = got.valid & ~got.ended
    assert torch.equal(got.next_a[:, :-1][going_on[:, :-1]], got.a[:, 1:][going_on[:, :-1]])
    returns = torch.where(got.valid, 10 + got.a[..., 0], 0.0).sum(1).mean(1)
    torch.testing.assert_close(got.return_mean, returns)
    assert got.finite().all()


def test_a_step_on_which_the_physics_failed_did_not_happen():
    got = collect(sampler(range(8), task=Clocks(fails_at=3)))
    length = got.s[:, 0, :, 0]
    assert torch.equal(got.valid.sum(1), length.clamp(max=2).long())
    assert torch.equal(got.terminated.any(1), length <= 2)
    assert torch.equal(got.ended.sum(1), torch.ones_like(length).long())


def same(one, other):
    return all(torch.equal(x, y) for x, y in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_resuming_in_the_middle_is_exact_and_episodes_differ():
    whole, cut = sampler(), sampler()
    first = collect(whole)
    expected = collect(whole)
    assert not same(first, expected)
    collect(cut)
    while True:
        torch.save(cut.state_dict(), buffer := io.BytesIO())
        buffer.seek(0)
        cut = sampler()
        cut.load_state_dict(torch.load(buffer, weights_only=True))
        found = cut.advance(acting(2))
        if found is not None:
            break
    assert same(found, expected)


def test_a_seed_does_not_depend_on_its_companions():
    """The other seeds' episodes are longer."""
    for seed in range(8):
        alone, block = sampler([seed]), sampler(range(8))
        for _ in range(2):
            one, many = collect(alone), collect(block)
            n = one.s.shape[1]
            for name, x in one.state_dict().items():
                y = many.state_dict()[name]
                assert torch.equal(x[0][one.valid[0]], y[seed, :n][one.valid[0]]), name
                assert not many.valid[seed, n:].any()


def test_changes_are_subtracted_before_they_are_rounded():
    got = collect(sampler(dtype=torch.float32))
    assert {x.dtype for x in (got.s, got.a, got.r, got.change, got.next_a)} == {torch.float32}


@pytest.mark.parametrize("how", [{"N": 0}, {"steps": 0}])
def test_nothing_to_collect_is_refused(how):
    with pytest.raises(ValueError, match="expected at least 1"):
        sampler(**how)
