"""Reacher and gripper: the arm against MuJoCo's kinematics, the box, the sites' paths, and that they can be done."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from every_task import random_actions
from svg_task_kit import check_plain_stepping, check_reward, exploring, placed, returns

from svgbench.tasks.svg.arm import REACHER, inside, make_reacher, point
from svgbench.tasks.svg.by_hand import Grasp, pull
from svgbench.tasks.svg.gripper import BALL_SITE, GRIP, GRIPPER, TO_GRIP, make_gripper

reachers = pytest.mark.parametrize("target", ["corners", "moving"])
arms = pytest.mark.parametrize("make", [make_reacher, make_gripper])


def test_dimensions():
    for target, name in (("corners", "svg/reacher-4-target"), ("moving", "svg/reacher-moving")):
        task = make_reacher(target)
        assert (task.id, task.observation_dim, task.action_dim) == (name, 8, 3)
    gripper = make_gripper()
    assert (gripper.id, gripper.observation_dim, gripper.action_dim) == ("svg/gripper", 14, 5)
    with pytest.raises(ValueError, match="'edges', expected 'corners' or 'moving'"):
        make_reacher("edges")


@arms
def test_the_reward_is_a_differentiable_function_of_state_and_action(make):
    check_reward(make())


@arms
def test_plain_stepping(make):
    check_plain_stepping(make())


def test_states_and_rewards_of_the_reacher_are_those_of_mujocos_kinematics():
    task = make_reacher()
    data, rng = mujoco.MjData(task.model), np.random.default_rng(0)
    for _ in range(20):
        qpos, qvel = np.r_[rng.uniform(-3, 3, 3), rng.uniform(-0.2, 0.2, 2)], rng.uniform(-2, 2, 5)
        a = rng.uniform(-1.5, 1.5, 3)
        placed(task, data, qpos, qvel)
        tip, site = data.site("tip").xpos, data.body("site").xpos
        s = task.observation(qpos[None], qvel[None], np.zeros((1, 0)))[0]
        np.testing.assert_allclose(s, np.r_[qpos[:3], qvel[:3], site[:2]], atol=1e-12)
        np.testing.assert_allclose(point(np, REACHER, qpos[:3]), tip[:2], atol=1e-12)
        d = np.sqrt(sum((tip - site) ** 2) + 0.01**2)
        expected = np.exp(-((d / 0.05) ** 2)) - d / 0.3 - 0.01 * a @ a
        assert task.reward_function(s, a, None) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("weights", [{}, {"grip_weight": 1.0, "ball_weight": 2.0}])
def test_rewards_of_the_gripper(weights):
    task = make_gripper(**weights)
    of_grip, of_ball = weights.values() or (2.0, 0.5)
    data, rng = mujoco.MjData(task.model), np.random.default_rng(0)
    for _ in range(20):
        qpos, qvel = (
            np.r_[rng.uniform(-2, 2, 3), rng.uniform(-0.5, 0.5, 2), rng.uniform(-0.2, 0.2, 2)],
            rng.uniform(-1, 1, 7),
        )
        a = rng.uniform(-1.5, 1.5, 5)
        placed(task, data, qpos, qvel)
        hand, ball = data.body("link_2"), data.body("ball").xpos
        grip = hand.xpos + GRIP * hand.xmat.reshape(3, 3)[:, 0]
        d = np.sqrt(sum((grip - ball) ** 2) + 0.01**2)
        left = np.sqrt(sum((ball[:2] - BALL_SITE) ** 2) + 0.01**2)
        expected = np.exp(-((left / 0.05) ** 2)) + 0.5 * np.exp(-((d / 0.03) ** 2))
        expected -= (of_grip * d + of_ball * left) / 0.3 + 0.01 * a @ a
        s = task.observation(qpos[None], qvel[None], np.zeros((1, 0)))[0]
        np.testing.assert_array_equal(s, np.r_[qpos, qvel])
        assert task.reward_function(s, a, None) == pytest.approx(expected, abs=1e-12)


def ends(lengths, q):
    """x and y [2, links, n] of where the links end."""
    return np.moveaxis([point(np, lengths[: i + 1], q[:, : i + 1]) for i in range(len(lengths))], 0, 1)


@arms
def test_the_walls_hold_the_arm(make):
    """Under full torques that change direction every 0.5 s; without contacts the same arm leaves the box."""
    lengths = REACHER if make is make_reacher else (*GRIPPER[:2], 0.115)
    farthest = {}
    for walls in (True, False):
        task = make()
        if not walls:
            task.model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CONTACT)
        batch = task.simulate([0], copies=16)
        held = np.sign(random_actions(task, 20, 16)).repeat(10, axis=0)
        farthest[walls] = max(
            np.abs(ends(lengths, (batch.step(a), batch.physics.qpos)[1][:, :3])).max() for a in held[:199]
        )
    assert 0.28 < farthest[True] < 0.315  # of a link's middle line: a wall gives way by an impact's 5 ms
    assert farthest[False] > 0.32


@reachers
def test_starts_of_the_arm_are_within_the_box_and_at_rest(target):
    batch = make_reacher(target).simulate([0], copies=300)
    q = batch.physics.qpos[:, :3]
    assert np.abs(ends(REACHER, q)).max() <= 0.29
    assert inside(REACHER, q).all()
    assert not inside(REACHER, np.zeros((1, 3))).any()  # stretched along x it leaves it
    assert not batch.physics.qvel[:, :3].any()
    for side in (q > 0).mean(axis=0):
        assert 0.35 < side < 0.65


def test_each_corner_has_its_turn_and_keeps_the_site():
    batch = make_reacher().simulate([0], copies=200)
    sites = batch.observe()[:, 6:]
    places, counts = np.unique(sites, axis=0, return_counts=True)
    np.testing.assert_array_equal(np.abs(places), 0.2)
    assert len(places) == 4
    assert counts.min() > 30
    for a in random_actions(batch.task, 50, 200):
        after = batch.step(a).observation
    np.testing.assert_array_equal(after[:, 6:], sites)


def test_a_moving_site_goes_straight_and_is_reflected_whatever_the_arm_does():
    task = make_reacher("moving")
    batch = task.simulate([0], copies=64, autoreset=False)
    place, velocity = batch.physics.qpos[:, 3:].copy(), batch.physics.qvel[:, 3:].copy()
    assert np.abs(place).max() <= 0.28
    speed = np.linalg.norm(velocity, axis=1)
    assert 0.15 < speed.max() <= 0.2
    assert speed.mean() == pytest.approx(0.1, rel=0.2)
    turned = 0
    for t, a in enumerate(random_actions(task, 100, 64), start=1):
        seen = batch.step(a).observation[:, 6:]
        unfolded = place + velocity * 0.05 * t
        folded = np.abs((unfolded - 0.28) % (4 * 0.28) - 2 * 0.28) - 0.28  # a triangle wave between the walls
        np.testing.assert_allclose(seen, folded, atol=1e-9)
        np.testing.assert_array_equal(batch.physics.qpos[:, 3:], seen)
        turned += (np.sign(batch.physics.qvel[:, 3:]) != np.sign(velocity)).sum()
    assert turned > 500


@reachers
def test_a_spring_brings_the_tip_to_the_site_and_noise_does_not(target):
    task = make_reacher(target)
    pulled, noise = returns(task, pull, N=32), returns(task, exploring(task), N=32)
    assert np.median(pulled) > np.median(noise) + 60


def test_the_ball_can_be_grasped_and_brought_to_its_site_and_noise_does_not():
    task = make_gripper()
    batch, act = task.simulate([0], copies=24, autoreset=False), Grasp(24)
    s = batch.observe()
    assert np.linalg.norm(s[:, 5:7], axis=1).min() >= 0.16
    for _ in range(task.horizon):
        before, s = s, batch.step(act(s)).observation
    ball, grip = s[:, 5:7], np.stack(point(np, TO_GRIP, s[:, :3]), axis=1)
    held = (act.phase == 2) & (np.linalg.norm(grip - ball, axis=1) < 0.02)
    assert held.mean() > 0.3
    assert (np.linalg.norm(ball[held] - BALL_SITE, axis=1) < 0.04).mean() > 0.6
    assert np.abs(s[held, 3:5]).max() < 0.15  # the ball keeps the fingers from closing
    assert np.abs(before[held, 5:7] - ball[held]).max() < 1e-3

    batch, noise = task.simulate([0], copies=24, autoreset=False), exploring(task)
    s = batch.observe()
    for _ in range(task.horizon):
        s = batch.step(noise(s)).observation
    assert (np.linalg.norm(s[:, 5:7] - BALL_SITE, axis=1) < 0.04).mean() < 0.1


def test_starts_of_the_gripper():
    batch = make_gripper().simulate([0], copies=200)
    s = batch.observe()
    radius = np.linalg.norm(s[:, 5:7], axis=1)
    assert 0.16 <= radius.min() < 0.18
    assert 0.24 < radius.max() <= 0.26
    grip = np.stack(point(np, TO_GRIP, s[:, :3]), axis=1)
    assert np.linalg.norm(grip - s[:, 5:7], axis=1).min() > 0.1
    assert not s[:, 7:].any()
    assert (s[:, 3:5] == -0.4).all()
