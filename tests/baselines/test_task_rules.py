"""Rules of reward and termination in a model: they get actions in the task's own units, which need not be [-1, 1]."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from maac_kit import Known, learner
from sac_kit import finish

from svgbench.learners.task_rules import reward_rule, termination_rule


class Shifted(Known):
    """The point task, which is pushed by a - 1 for actions a in [0, 2]. Effort costs a'a; a[0] > 1.5 terminates."""

    action_low, action_high = np.zeros(2), np.full(2, 2.0)
    reward_function = staticmethod(lambda obs, action, next_obs: 1 - next_obs[..., 2] - (action * action).sum(-1))
    termination_function = staticmethod(lambda obs, action, next_obs: action[..., 0] > 1.5)

    def simulate(self, *how, **more):
        return Known().simulate(*how, **more)


OBS = torch.zeros(1, 3, 3, dtype=torch.float64)
UNIT = torch.tensor([[[-1.0, 0.0], [0.4, 1.0], [0.6, -0.5]]], dtype=torch.float64)
ACTION = torch.tensor([[[0.0, 1.0], [1.4, 2.0], [1.6, 0.5]]], dtype=torch.float64)  # the same in [0, 2]


def test_a_reward_and_its_derivative_are_of_the_task_s_actions():
    unit = UNIT.clone().requires_grad_()
    found = reward_rule(Shifted())(OBS, unit, OBS)
    torch.testing.assert_close(found, 1 - ACTION.square().sum(-1))
    (slope,) = torch.autograd.grad(found.sum(), unit)
    torch.testing.assert_close(slope, -2 * ACTION)  # half of the range is 1


def test_a_wider_range_scales_the_derivative():
    class Wide(Shifted):
        action_high = np.full(2, 6.0)

    unit = UNIT.clone().requires_grad_()
    found = reward_rule(Wide())(OBS, unit, OBS)
    torch.testing.assert_close(found, 1 - (3 * ACTION).square().sum(-1))
    (slope,) = torch.autograd.grad(found.sum(), unit)
    torch.testing.assert_close(slope, -2 * 3 * ACTION * 3)


def test_a_termination_is_of_the_task_s_actions():
    assert termination_rule(Shifted())(OBS, UNIT, OBS).tolist() == [[False, False, True]]


@pytest.mark.parametrize("profile", ["text", "code"])
def test_what_maac_imagines_is_paid_and_ends_by_the_task_s_actions(profile):
    """D_model has the policy's actions, in [-1, 1]."""
    one = learner(task=Shifted(), total_steps=30, learning_starts=20, profile=profile, dtype="float64")
    finish(one)
    layout, imagined = one.experience.layout, one.agent.imagined
    for s, size in enumerate(imagined.size):
        rows = imagined.rows[s, :size]
        unit = layout.action(rows)
        assert unit.abs().max() <= 1
        assert unit.min() < 0
        wanted = 1 - layout.next_obs(rows)[:, 2] - (1 + unit).square().sum(1)
        torch.testing.assert_close(layout.reward(rows), wanted)
        assert torch.equal(layout.terminal(rows).bool(), 1 + unit[:, 0] > 1.5)
    assert layout.terminal(imagined.rows).any()
