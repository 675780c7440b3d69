"""The hand and the ball: its equations, eq. (15), closed forms without noise, and that it can be done."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from svg_task_kit import check_reward, exploring, recorded, returns

from svgbench.tasks.svg.by_hand import Steer
from svgbench.tasks.svg.hand import DT, make_hand


def test_dimensions():
    task = make_hand()
    assert (task.id, task.observation_dim, task.action_dim, task.horizon, task.dt) == ("svg/hand", 9, 2, 1000, 0.01)


@pytest.mark.parametrize("end", [0.59, 0.6, 10.0])  # with the last of 60 steps beyond it, at it, before it
def test_the_reward_is_a_differentiable_function_of_state_and_action(end):
    check_reward(make_hand(end=end, action_weight=-0.1))


def test_the_equations():
    record = recorded(make_hand(), 400)
    s, after = record.s, record.after
    hand, ball, velocity = (after[..., i : i + 2] for i in (0, 2, 4))
    np.testing.assert_allclose(hand, s[..., :2] + DT * np.clip(record.a, -1, 1), atol=1e-14)
    np.testing.assert_allclose(ball, s[..., 2:4] + DT * s[..., 4:6], atol=1e-14)
    force = (velocity - s[..., 4:6]) / DT - (hand - ball) + [0.0, 1.0]
    assert abs(force.mean()) < 0.1
    assert force.std() == pytest.approx(1.0, rel=0.05)
    flat = force.reshape(-1, 2)
    assert abs(np.corrcoef(flat.T)[0, 1]) < 0.1
    assert abs(np.corrcoef(force[1:].ravel(), force[:-1].ravel())[0, 1]) < 0.1
    np.testing.assert_array_equal(after[..., 6:8], s[..., 6:8])
    np.testing.assert_allclose(after[..., 8] - s[..., 8], DT, atol=1e-12)


def test_a_horizon_before_the_end_truncates_and_pays_no_distance():
    task = make_hand(horizon=20)
    batch = task.simulate([0])
    for _ in range(20):
        step = batch.step([[0.0, 0.0]])
        assert step.reward[0] == 0
    assert step.truncated[0]
    assert not step.terminated[0]


def test_an_episode_pays_what_equation_15_says_and_ends_at_ten_seconds():
    task = make_hand(action_weight=-1e-3, distance_weight=-2.0)
    record = recorded(task, 1000, N=3)
    assert record.terminated[-1].all()
    assert not record.terminated[:-1].any()
    end = record.after[-1]
    np.testing.assert_allclose(end[:, 8], 10.0, atol=1e-10)
    distances = np.linalg.norm(end[:, :2], axis=1) + np.linalg.norm(end[:, 2:4] - end[:, 6:8], axis=1)
    expected = -1e-3 * (record.a**2).sum(axis=(0, 2)) - 2.0 * distances
    np.testing.assert_allclose(record.reward.sum(axis=0), expected, atol=1e-5)


def test_a_ball_let_go_swings_as_the_closed_form_says():
    batch = make_hand(noise=0.0).simulate([0], autoreset=False)
    still = np.zeros((1, 2))
    heights = np.array([batch.step(still).observation[0, 3] for _ in range(1000)])
    np.testing.assert_allclose(heights, -(1 - np.cos(DT * np.arange(1, 1001))), atol=0.006)  # half a step early


def test_what_the_noise_does_to_the_ball_in_ten_seconds():
    batch = make_hand().simulate([0], copies=400, autoreset=False)
    for _ in range(1000):
        ball = batch.step(np.zeros((400, 2))).observation[:, 2:4]
    # a force of deviation 1 held 0.01 s: 0.01 sqrt(sum of sin^2), about 0.01 sqrt(500)
    np.testing.assert_allclose(ball.std(axis=0), 0.22, rtol=0.12)


def test_both_targets_come_up():
    targets = make_hand().simulate([0], copies=200).observe()[:, 6:8]
    np.testing.assert_array_equal(np.abs(targets), 2.0)
    assert (targets[:, 1] > 0).all()
    assert 60 < (targets[:, 0] > 0).sum() < 140


def open_loop(target):
    """Actions [1000, 2] of least norm that bring the ball to a target (x, y) and the hand to 0 without noise."""
    left = 10.0 - DT * np.arange(1000)
    effects = np.stack([np.full(1000, DT), DT * (1 - np.cos(left - DT / 2))])  # on the hand, on the ball
    uncontrolled = np.array([0.0, -(1 - np.cos(10.0))])
    return np.stack([effects.T @ np.linalg.solve(effects @ effects.T, [0.0, d]) for d in target - uncontrolled], axis=1)


def test_both_targets_can_be_reached_and_noise_alone_does_not():
    task = make_hand()
    plans = {x: open_loop(np.array([x, 2.0])) for x in (2.0, -2.0)}
    assert np.abs(list(plans.values())).max() < 0.8

    def planned(s):
        return np.array([plans[row[6]][round(row[8] / DT)] for row in s])

    exact = returns(make_hand(noise=0.0), planned, N=4)
    assert exact.min() > -0.03
    assert returns(task, planned).mean() > -0.6
    assert returns(task, exploring(task)).mean() < -3.0


def test_a_policy_by_hand_steers_to_both_targets_and_corrects_what_the_noise_did():
    steer, of_plans = Steer(4), {x: open_loop(np.array([x, 2.0])) for x in (2.0, -2.0)}
    assert returns(make_hand(noise=0.0), steer, N=4).min() > -0.06

    def planned(s):
        return np.array([of_plans[row[6]][round(row[8] / DT)] for row in s])

    noisy = make_hand(noise=4.0)
    assert returns(noisy, Steer(64), N=64).mean() > returns(noisy, planned, N=64).mean() + 0.5


def test_the_gradient_exists_where_the_hand_rests_at_the_origin():
    task = make_hand(end=DT)
    s = torch.zeros(1, 9, dtype=torch.float64, requires_grad=True)
    a = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    gradients = torch.autograd.grad(task.reward_function(s, a).sum(), (s, a))
    assert all(torch.isfinite(g).all() for g in gradients)


def kick(before, after):
    """The change of velocity by noise."""
    return after[4:6] - before[4:6] - DT * (after[:2] - after[2:4] - [0.0, 1.0])


def test_a_restored_hand_has_noise_of_its_own():
    task = make_hand()
    trunk, branch, twin = (task.simulate([seed], stream=stream) for seed, stream in ((0, "a"), (1, "b"), (1, "b")))
    for _ in range(3):
        trunk.step([[0.1, 0.2]])
    branch.restore(trunk.snapshot())
    before, start = trunk.observe()[0], twin.observe()[0]
    mine, its, own = (batch.step([[0.1, 0.2]]).observation[0] for batch in (branch, trunk, twin))
    np.testing.assert_array_equal(mine[:4], its[:4])  # the place where a step ends knows no noise of its own
    np.testing.assert_allclose(kick(before, mine), kick(start, own), rtol=0, atol=1e-14)
    assert (np.abs(kick(before, mine) - kick(before, its)) > 1e-4).all()
