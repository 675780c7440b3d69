"""Laws of the on-policy learners: seeds, resumption, checkpoints, divergence, rows."""

from __future__ import annotations

import math

import pytest
import torch
from on_policy_kit import LEARNERS, finish, learner, resumed, some
from point import Point

from svgbench.lab import checkpoint
from svgbench.learners.on_policy import COLUMNS

every_learner = pytest.mark.parametrize("name", some(LEARNERS))


def agreement(name, dtype, tolerance):
    alone = learner(name, [7], 50, dtype=dtype)
    block = learner(name, [3, 9, 7, 0, 1], 50, dtype=dtype)
    rows, block_rows = finish(alone), [r for r in finish(block) if r["seed"] == 7]
    for p, q in zip(alone.agent.parameters(), block.agent.parameters(), strict=True):
        torch.testing.assert_close(p[0], q[2], rtol=tolerance, atol=tolerance)
        assert not torch.equal(q[0], q[2])
    for one, other in zip(rows, block_rows, strict=True):
        assert one["simulated_steps"] == other["simulated_steps"]
        assert [*one.values()] == pytest.approx(
            [*other.values()], rel=1e3 * tolerance, abs=1e3 * tolerance, nan_ok=True
        )


@every_learner
def test_a_seed_alone_and_in_a_block_of_five_agree_after_fifty_updates(name):
    agreement(name, "float64", 1e-10)


@pytest.mark.parametrize("name", some(LEARNERS, ("trpo", "gae-steps", "rwr")))
def test_and_so_they_do_in_single_precision(name):
    agreement(name, "float32", 1e-4)


@every_learner
def test_resuming_at_any_slice_is_exact(name):
    whole, other, rows, again = learner(name), learner(name), [], []
    while not whole.finished:
        rows += whole.advance()
        other = resumed(other, name)
        again += other.advance()
        assert other.progress == whole.progress
    assert other.finished
    assert repr(again) == repr(rows)
    for p, q in zip(whole.agent.parameters(), other.agent.parameters(), strict=True):
        assert torch.equal(p, q)


@every_learner
def test_a_checkpoint_takes_its_state_and_progress_ends_at_its_total(name, tmp_path):
    one, last = learner(name, iterations=3), -1
    while not one.finished:
        done, total = one.progress
        assert last < done < total
        last = done
        checkpoint.save(tmp_path / "c.pt", "test", one.state_dict())
        other = learner(name, iterations=3)
        other.load_state_dict(checkpoint.load(tmp_path / "c.pt", "test"))
        one = other
        one.advance()
    assert one.progress == (3000, 3000)


@every_learner
def test_a_seed_that_diverges_does_not_affect_the_others(name):
    undisturbed, hurt = (learner(name, dtype="float64", iterations=6) for _ in range(2))
    rows, hurt_rows = finish(undisturbed), []
    while not hurt.finished:
        if hurt.iteration == 3 and not hurt.diverged:
            hurt.agent.parameters()[0][1, 0] = math.nan
        hurt_rows += hurt.advance()
    assert list(hurt.diverged) == [1]
    assert hurt.diverged[1].startswith("iteration 4: ")
    assert {r["seed"] for r in hurt_rows if r["step"] > 3} == {0, 2}
    for a, b in zip((r for r in rows if r["seed"] != 1), (r for r in hurt_rows if r["seed"] != 1), strict=True):
        assert [*a.values()] == pytest.approx([*b.values()], rel=1e-8, abs=1e-10, nan_ok=True)
    for p, q in zip(undisturbed.agent.parameters(), hurt.agent.parameters(), strict=True):
        torch.testing.assert_close(p[[0, 2]], q[[0, 2]], rtol=1e-9, atol=1e-9)


def test_a_reward_that_is_not_finite_is_a_divergence():
    one = learner("trpo", [13, 1], task=Point(horizon=12, broken_after=30))
    rows = finish(one)
    assert one.diverged == {13: "iteration 3: an observation or a reward is not finite"}
    assert [(r["seed"], r["step"]) for r in rows] == [(13, 1), (1, 1), (13, 2), (1, 2), (1, 3), (1, 4), (1, 5)]
    alone = learner("trpo", [13], task=Point(horizon=12, broken_after=30))
    finish(alone)
    assert alone.iteration == 3  # nobody is left to train


@every_learner
def test_rows_are_complete(name):
    rows = finish(learner(name, iterations=4))
    assert [(r["step"], r["seed"]) for r in rows] == [(t, s) for t in (1, 2, 3, 4) for s in (0, 1, 2)]
    for before, after in zip(rows, rows[3:], strict=False):
        assert after["simulated_steps"] > before["simulated_steps"]
    for r in rows:
        assert set(r) == {
            "seed",
            "step",
            "simulated_steps",
            "return_mean",
            "episode_length",
            "reward_per_step",
            *COLUMNS,
        }
        assert math.isfinite(r["kl"])
        assert math.isfinite(r["entropy"])
        assert math.isfinite(r["value_error"]) == (name.startswith("gae") and name != "gae-no-vf")
