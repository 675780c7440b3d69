"""Laws of the on-policy learners: seeds, resumption, checkpoints, divergence, rows."""

from __future__ import annotations

import math

import pytest
from learner_laws import (
    a_lost_seed_leaves_the_others_alone,
    agrees_alone_and_in_a_block,
    checkpoints_take_its_state,
    finish,
    resumes_after_every_slice,
)
from on_policy_kit import LEARNERS, learner, parameters, some
from point import Point

from svgbench.learners.on_policy import COLUMNS

every_learner = pytest.mark.parametrize("name", some(LEARNERS))


def agreement(name, dtype, tolerance):
    agrees_alone_and_in_a_block(
        lambda seeds: learner(name, seeds, 50, dtype=dtype), parameters, lambda one: one.iteration, tolerance,
        rel=1e3 * tolerance, abs=1e3 * tolerance,
    )  # fmt: skip


@every_learner
def test_a_seed_alone_and_in_a_block_of_five_agree_after_fifty_updates(name):
    agreement(name, "float64", 1e-10)


@pytest.mark.parametrize("name", some(LEARNERS, ("trpo", "gae-steps", "rwr")))
def test_and_so_they_do_in_single_precision(name):
    agreement(name, "float32", 1e-4)


@every_learner
def test_resuming_at_any_slice_is_exact(name):
    resumes_after_every_slice(lambda: learner(name), parameters)


@every_learner
def test_a_checkpoint_takes_its_state_and_progress_ends_at_its_total(name, tmp_path):
    assert checkpoints_take_its_state(lambda: learner(name, iterations=3), tmp_path / "c.pt") == 3000


@every_learner
def test_a_seed_that_diverges_does_not_affect_the_others(name):
    def lost(one):
        return one.agent.parameters()[0][1, 0] if one.iteration == 3 else None

    hurt, rows = a_lost_seed_leaves_the_others_alone(
        lambda: learner(name, dtype="float64", iterations=6), parameters, lost, 1e-9, abs=1e-10
    )
    assert hurt.diverged[1].startswith("iteration 4: ")
    assert {r["seed"] for r in rows if r["step"] > 3} == {0, 2}


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
