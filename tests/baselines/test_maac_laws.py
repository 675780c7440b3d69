"""The laws of learners, for MAAC on the point task: seeds alone, checkpoints, evaluations, divergence."""

from __future__ import annotations

import math

import pytest
import torch
from learner_laws import (
    a_lost_seed_leaves_the_others_alone,
    agrees_alone_and_in_a_block,
    continues_from,
    finish,
    leaves_the_global_generators_alone,
    trains_alike_whatever_happens_meanwhile,
    with_states,
)
from maac_kit import HORIZON, PLANNED, STEPS, Known, learner, trained
from sac_kit import updates


@pytest.mark.parametrize(
    ("profile", "dtype", "tolerance"),
    [("text", "float64", 1e-10), ("code", "float64", 1e-10), ("text", "float32", 1e-4)],
)
def test_a_seed_alone_and_in_a_block_of_five_agree(profile, dtype, tolerance):
    how = {"task": Known(horizon=HORIZON), "profile": profile, "dtype": dtype, **PLANNED, "plan_episodes": 1}
    how |= {"total_steps": STEPS}
    agrees_alone_and_in_a_block(lambda seeds: learner(seeds, **how), trained, updates, tolerance, exactly=60)


@pytest.mark.parametrize("profile", ["text", "code"])
def test_a_checkpoint_after_any_slice_continues_to_the_bit(profile):
    """Within a fit, within rollouts, between updates of a round, and within the trial with planning and without."""
    how = {"profile": profile, "rollout_length_init": 2, "updates_per_step": 5, **PLANNED, "plan_iterations": 1}
    how |= {"task": Known(horizon=30), "seeds": (0, 4), "plan_episodes": 1, "critic_steps": 1, "H": 1}
    # a slice of the trial has fewer steps than an episode, and one of updates fewer than a round
    whole = learner(**how)
    rows, states = with_states(whole)
    agents = [s["agent"] for s in states]
    places = {
        "fit": [i for i, a in enumerate(agents) if "progress" in a["parts"]["fit"]],
        "rollouts": [i for i, a in enumerate(agents) if a["now"]["rollouts"]],
        "updates": [i for i, a in enumerate(agents) if a["now"]["updates"] > 0],
        "rounds": [i for i, a in enumerate(agents) if a["now"]["round"] == 1],
        "planned": [i for i, s in enumerate(states) if s["trial"]["way"] == 0 and s["trial"]["t"] > 0],
        "unplanned": [i for i, s in enumerate(states) if s["trial"]["way"] == 1],
    }
    assert all(places.values()), places
    for i in {places["fit"][0], *(found[-1] for found in places.values())}:
        continues_from(states[i], learner(**how), whole, rows, trained)


def test_evaluations_and_slices_change_no_bit_of_training():
    seldom = {"eval_every": 8, "minibatches_per_slice": 1000, "eval_episodes": 2}
    short = {"steps_per_slice": 1, "minibatches_per_slice": 1}
    trains_alike_whatever_happens_meanwhile(learner, trained, seldom, short)


@pytest.mark.parametrize(("what", "profile"), [("critic", "text"), ("model", "code"), ("imagined", "text")])
def test_a_seed_that_diverges_does_not_affect_the_others(what, profile):
    how = {"dtype": "float64", "profile": profile, "task": Known(horizon=HORIZON), **PLANNED}

    def lost(one):
        tensors = {
            "critic": next(one.agent.critic.parameters()),
            "model": next(one.agent.model.net.parameters()),
            "imagined": one.agent.imagined.rows,
        }
        imagined = one.step == 20 and one.agent.now.updates >= 0  # after the first rollouts
        return tensors[what][1].select(-1, 0) if imagined else None

    hurt, rows = a_lost_seed_leaves_the_others_alone(lambda: learner(**how), trained, lost)
    assert hurt.diverged[1].startswith("step 20: a parameter or an error of the model is not finite")
    assert {r["seed"] for r in rows if r["step"] > 20} == {0, 2}


def test_a_seed_whose_model_ends_every_path_at_once_does_not_affect_the_others():
    """Its estimates of depths 1 and 2 have no variance, because the reward does not depend on where a step leads."""
    task = Known(horizon=HORIZON)
    task.reward_function = lambda obs, action, after: -obs[..., 2] - action.square().sum(-1)
    undisturbed, hurt = (learner(dtype="float64", task=task, total_steps=20) for _ in range(2))
    finish(undisturbed)
    while hurt.agent.now.updates < 0:
        hurt.advance()
    with torch.no_grad():
        hurt.agent.model.layers[-1].bias[1] = 1e6
    finish(hurt)
    assert hurt.diverged == {}
    for p, q in zip(trained(undisturbed), trained(hurt), strict=True):
        torch.testing.assert_close(p[[0, 2]], q[[0, 2]], rtol=1e-8, atol=1e-8)


def test_when_all_seeds_have_diverged_it_ends_without_the_trial():
    one = learner(plan_episodes=1)
    while one.agent.now.updates < 0:
        one.advance()
    one.agent.imagined.rows.fill_(math.nan)
    rows = finish(one)
    assert sorted(one.diverged) == [0, 1, 2]
    assert (one.step, rows) == (20, [])


def test_the_global_generators_are_neither_read_nor_moved():
    leaves_the_global_generators_alone(lambda: learner(total_steps=20), trained)
