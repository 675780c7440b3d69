"""Laws of the stochastic-value-gradient learners: seeds, resumption, divergence, rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from learner_laws import (
    a_lost_seed_leaves_the_others_alone,
    agrees_alone_and_in_a_block,
    checkpoints_take_its_state,
    finish,
    resumes_after_every_slice,
)
from svg_kit import FAST, LEARNERS, BoundedDisc, Disc, learner, parameters, some

from svgbench.learners.episodic import COLUMNS
from svgbench.simulate import action_sizes, trials

every_learner = pytest.mark.parametrize("name", some())


def agreement(name, dtype, tolerance):
    N = 2 if LEARNERS[name][1].get("simulations") else 1
    how = {"episodes": 18 * N, "dtype": dtype}  # of 3 updates each, or one
    if name in ("inf", "inf-value", "inf-one-network", "planner", "reinforce"):
        how = {"episodes": 50 * N, "dtype": dtype, "model_updates": 2, "value_updates": 2}
    rows = agrees_alone_and_in_a_block(
        lambda seeds: learner(name, seeds, **how), parameters, lambda one: one.agent.policy.adam.steps.min(), tolerance,
        rel=1e3 * tolerance, abs=1e3 * tolerance,
    )  # fmt: skip
    assert rows[-1]["env_steps"] < 12 * how["episodes"], "an episode that ended while companions went on"


@every_learner
def test_a_seed_alone_and_in_a_block_of_five_agree_after_fifty_updates(name):
    agreement(name, "float64", 1e-10)


@pytest.mark.parametrize("name", some(fast=("one-er",)))
def test_and_so_they_do_in_single_precision(name):
    agreement(name, "float32", 1e-4)


@every_learner
def test_resuming_at_any_slice_is_exact(name):
    resumes_after_every_slice(lambda: learner(name), parameters)


@every_learner
def test_a_checkpoint_takes_its_state_and_progress_ends_at_its_total(name, tmp_path):
    checkpoints_take_its_state(lambda: learner(name, episodes=2), tmp_path / "c.pt")


@every_learner
def test_a_seed_that_diverges_does_not_affect_the_others(name):
    def lost(one):
        return one.agent.policy.theta[1, 0] if one.episode == 2 else None

    hurt, rows = a_lost_seed_leaves_the_others_alone(
        lambda: learner(name, dtype="float64"), parameters, lost, 1e-9, abs=1e-10
    )
    assert hurt.diverged[1].startswith(("episode 3: ", "episode 4: "))
    assert {r["seed"] for r in rows if r["step"] > 2} == {0, 2}


def test_a_reward_that_is_not_finite_is_a_divergence():
    one = learner("one", [13, 1], task=Disc(horizon=12, broken_after=20))
    rows = finish(one)
    assert list(one.diverged.values()) == ["episode 2: an observation or a reward is not finite"]
    assert [(r["seed"], r["step"]) for r in rows] == [
        (13, 1), (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6),
    ]  # fmt: skip


class Breaking(Disc):
    """The disc, whose physics fails in the first step of every episode of seed 1."""

    def simulate(self, seeds, copies=1, stream="train", threads=1, autoreset=True):
        simulations = super().simulate(seeds, copies, stream, threads, autoreset)
        advance, broken = simulations._advance, np.repeat(np.array(seeds) == 1, copies)
        simulations._advance = lambda ids, rows, a: advance(ids, rows, a)._replace(failed=broken[rows])
        return simulations


@pytest.mark.parametrize("name", ["one-er", "zero", "inf-value"])
def test_a_seed_that_has_made_no_step_has_nothing_to_learn_from(name):
    one = learner(name, (0, 1), 2, task=Breaking(horizon=12))
    rows = finish(one)
    assert one.diverged == {1: f"episode {one.N}: the physics failed in the first step of every episode so far"}
    assert {r["seed"] for r in rows} == {0}


@pytest.mark.parametrize("name", ["inf", "planner", "one", "zero", "ac-er", "reinforce"])
def test_a_gradient_that_is_not_finite_is_a_divergence(name, monkeypatch):
    one = learner(name)
    ascend = one.agent.policy.ascend

    def broken(recording, direction, *rest):
        direction = direction.clone()
        direction[1, 0, 0] = math.inf
        return ascend(recording, direction, *rest)

    monkeypatch.setattr(one.agent.policy, "ascend", broken)
    assert {r["seed"] for r in finish(one)} == {0, 2}
    assert one.diverged == {1: f"episode {one.N}: the policy's gradient is not finite"}


@every_learner
def test_rows_are_complete(name):
    one = learner(name, episodes=4)
    rows, N = finish(one), one.N
    assert [(r["step"], r["seed"]) for r in rows] == [(t, s) for t in range(N, 5, N) for s in (0, 1, 2)]
    for before, after in zip(rows, rows[3:], strict=False):
        assert after["env_steps"] > before["env_steps"]
    for r in rows:
        assert set(r) == {"seed", "step", "env_steps", "train_return", *COLUMNS, *action_sizes.COLUMNS, *trials.COLUMNS}
        first = r["step"] == N
        assert all(math.isfinite(r[c]) for c in ("train_return", "grad_norm", "kl"))
        assert math.isfinite(r["model_error"]) == ("model" in one.agent.learned and not first)
        assert math.isfinite(r["value_error"]) == ("critic" in one.agent.learned)


def test_episodes_that_cannot_be_shared_out_are_refused():
    with pytest.raises(ValueError, match="episodes is 3, expected a positive multiple of 2"):
        learner("ac", episodes=3)


# --- the task's own bounds of actions


@every_learner
def test_a_task_that_only_states_other_bounds_is_learned_alike(name):
    """Bounds of +-4 scale exactly in binary, so the bits are those of +-1."""
    plain, other = learner(name), learner(name, task=BoundedDisc(-4.0, 4.0))
    assert repr(finish(plain)) == repr(finish(other))
    for mine, theirs in zip(parameters(plain), parameters(other), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("name", FAST)
def test_actions_lie_around_the_middle_of_the_task_s_bounds(name):
    task = BoundedDisc(0.0, 2.0)
    one, plain = (learner(name, task=own, dtype="float64", policy_std=0.2) for own in (task, None))
    rows, as_plain = finish(one), finish(plain)
    assert abs(np.concatenate(task.seen[:12]).mean() - 1) < 0.1
    assert [row["train_return"] for row in rows] == pytest.approx([row["train_return"] for row in as_plain], rel=1e-6)
    for policy in one.policies().values():
        assert (policy.action_centre.tolist(), policy.action_half_range.tolist()) == ([1, 1], [1, 1])
