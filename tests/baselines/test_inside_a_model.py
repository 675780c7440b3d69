"""Learners that train inside a learned model, as in any task: one on-policy, one off-policy."""

from __future__ import annotations

import numpy as np
import on_policy_kit
import pytest
import sac_kit
import torch
from glide import exact_model, learned
from learner_laws import alike, continued, finish

from svgbench.baselines.actor_critic import sac

HOW = {"horizon": 12, "model": exact_model(torch.float32, std=0.05), "noise": True, "starts": None}


def trpo(seeds, **how):
    task = learned(**HOW, member_of="step")
    return on_policy_kit.learner("trpo", seeds=seeds, task=task, **how)


def soft(seeds, **how):
    return sac_kit.learner(seeds, 40, module=sac, task=learned(**HOW), **{**sac_kit.TINY, "eval_every": 20, **how})


@pytest.mark.parametrize("make", [trpo, soft])
def test_a_seed_inside_a_model_learns_alike_alone_and_in_a_block(make):
    together, alone = (finish(make(seeds, dtype="float64")) for seeds in ((3, 8, 5), (8,)))
    assert len(alone) > 1
    alike(alone, [row for row in together if row["seed"] == 8], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("make", [trpo, soft])
def test_a_learner_inside_a_model_continues_byte_for_byte(make):
    one, other = make((3, 5)), make((3, 5))
    for _ in range(3):
        one.advance()
    rows, again = (finish(each) for each in (continued(other, one), one))
    assert rows
    assert repr(rows) == repr(again)


def test_trpo_improves_inside_a_model():
    """Returns rise by 4.5 in twelve iterations. From one to the next they vary by 0.4, so a rise of 2 is not chance."""
    one = trpo((3, 8, 5), iterations=12, simulations=60, max_kl=0.05)
    rows = finish(one)
    for seed in (3, 8, 5):
        returns = [row["return_mean"] for row in rows if row["seed"] == seed]
        assert np.mean(returns[-3:]) > np.mean(returns[:3]) + 2
