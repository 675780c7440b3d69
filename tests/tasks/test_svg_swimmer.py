"""The swimmers: kinematics against MuJoCo's, the reward of appendix D, symmetry, and that they swim."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest
import torch
from svg_task_kit import check_plain_stepping, check_reward, exploring, placed, recorded, returns

from svgbench.tasks.svg.by_hand import wave
from svgbench.tasks.svg.swimmer import LINK, centre_velocity, make_swimmer

every_length = pytest.mark.parametrize("links", [3, 5, 7])


@every_length
def test_dimensions(links):
    task = make_swimmer(links)
    assert task.id == f"svg/swimmer-{links}"
    assert (task.observation_dim, task.action_dim) == (2 * links + 4, links - 1)
    assert task.model.nq + task.model.nv == task.observation_dim
    assert task.dt == pytest.approx(0.06)
    with pytest.raises(ValueError, match="links is 1"):
        make_swimmer(1)


@every_length
def test_the_reward_is_a_differentiable_function_of_state_and_action(links):
    check_reward(make_swimmer(links, action_weight=-0.1))


@every_length
def test_plain_stepping(links):
    check_plain_stepping(make_swimmer(links))


@every_length
def test_states_and_rewards_are_those_of_mujocos_kinematics(links):
    task = make_swimmer(links, velocity_weight=7.0, action_weight=-0.2)
    model, data, rng = task.model, mujoco.MjData(task.model), np.random.default_rng(0)
    for _ in range(20):
        qpos, qvel = rng.uniform(-2, 2, model.nq), rng.uniform(-2, 2, model.nv)
        a = rng.uniform(-1.5, 1.5, links - 1)
        centres = []
        for side in (-1e-6, 1e-6):
            moved = qpos.copy()
            mujoco.mj_integratePos(model, moved, qvel, side)
            placed(task, data, moved, qvel)
            centres.append(data.subtree_com[1, :2].copy())
        placed(task, data, qpos, qvel)
        head = data.xmat[1].reshape(3, 3)[:2, :2].T  # turns what the world sees into what the head sees
        s = task.observation(qpos[None], qvel[None], np.zeros((1, 0)))[0]
        np.testing.assert_allclose(data.xpos[1, :2], qpos[:2], atol=1e-12)
        np.testing.assert_allclose(s[:2], head @ -qpos[:2], atol=1e-12)
        np.testing.assert_allclose(s[2 : links + 2], qpos[2:])
        np.testing.assert_allclose(s[links + 2 : links + 4], head @ qvel[:2], atol=1e-12)
        np.testing.assert_allclose(s[links + 4 :], qvel[2:])

        velocity = data.subtree_linvel[1, :2]
        np.testing.assert_allclose(centre_velocity(links, np, s), head @ velocity, atol=1e-12)
        np.testing.assert_allclose(np.subtract(*centres[::-1]) / 2e-6, velocity, atol=1e-7)
        towards = -qpos[:2] / np.sqrt(qpos[:2] @ qpos[:2] + 0.05**2)
        expected = 7.0 * towards @ velocity - 0.2 * a @ a
        assert task.reward_function(s, a, None) == pytest.approx(expected, abs=1e-12)


def test_the_goal_itself_has_a_bounded_gradient():
    task = make_swimmer(3)
    s = torch.zeros(10, dtype=torch.float64)
    s[5] = 0.1  # m/s ahead
    s.requires_grad_()
    task.reward_function(s, torch.zeros(2, dtype=torch.float64)).backward()
    assert s.grad[0] == pytest.approx(10 * 0.1 / 0.05)


def test_far_from_the_goal_the_reward_is_a_links_length_a_second():
    s = np.zeros(10)
    s[0], s[5] = 2.0, LINK
    assert make_swimmer(3).reward_function(s, np.zeros(2), None) == pytest.approx(1.0, abs=1e-3)


@every_length
def test_starts(links):
    task = make_swimmer(links)
    batch = task.simulate([0], copies=500)
    q, s = batch.physics.qpos, batch.observe()
    assert np.abs(q[:, :2]).max() <= 2
    np.testing.assert_allclose(q[:, :2].std(axis=0), 2 / np.sqrt(3), rtol=0.1)
    assert (s[:, 0] >= 0).all()  # the goal is within 90 degrees ahead
    angle = np.arctan2(s[:, 1], s[:, 0])
    assert angle.std() == pytest.approx(np.pi / 2 / np.sqrt(3), rel=0.1)
    assert np.abs(q[:, 3:]).max() <= np.pi / links
    assert not batch.physics.qvel.any()


def test_neither_motion_nor_reward_depends_on_the_heading():
    task = make_swimmer(5)
    batch = task.simulate([0], copies=2)
    turned = np.array([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]])
    q = batch.physics.qpos
    q[1] = q[0]
    q[1, :2], q[1, 2] = turned @ q[0, :2], q[0, 2] + 1.0
    rng = np.random.default_rng(0)
    for t in range(100):
        s = batch.step(np.repeat(rng.uniform(-1, 1, (1, 4)), 2, axis=0))
        if t:  # the first reward is of the start that was replaced
            assert s.reward[0] == pytest.approx(s.reward[1], abs=1e-8)
    assert s.observation[1, 2] - s.observation[0, 2] == pytest.approx(1.0, abs=1e-8)
    np.testing.assert_allclose(np.delete(s.observation, 2, 1)[0], np.delete(s.observation, 2, 1)[1], atol=1e-8)


@pytest.mark.parametrize(("links", "phase"), [(3, 0.5), (5, 1.5), (7, 1.5)])
def test_a_steered_wave_along_the_body_gets_nearer_and_noise_does_not(links, phase):
    task = make_swimmer(links)
    assert returns(task, wave(links, phase, steering=0.6)).mean() > (150 if links == 3 else 110)
    assert abs(returns(task, exploring(task)).mean()) < 20


def test_motors_saturate_at_three_times_an_action_of_one_and_joints_are_springs():
    task = make_swimmer(3)
    batch = task.simulate([0], copies=4)
    batch.physics.qpos[:] = batch.physics.qpos[:1]
    s = batch.step([[0.0, 0.0], [1.0, -1.0], [3.0, -3.0], [30.0, -30.0]])
    np.testing.assert_array_equal(s.observation[2], s.observation[3])
    assert s.reward[3] - s.reward[2] == pytest.approx(-0.03 * 2 * (30**2 - 3**2), rel=1e-3)
    turned = np.abs(s.observation[1:3, 3:5] - s.observation[0, 3:5])
    assert (turned[1] > 2 * turned[0]).all()
    assert not task.model.jnt_limited.any()
    np.testing.assert_allclose(task.model.jnt_stiffness[3:], 2e-3)


def test_the_physics_steps_are_fine_enough():
    """9 s of swimming, compared with steps a tenth as long: it gets equally far."""
    ends = []
    for refinement in (1, 10):
        task = replace(make_swimmer(3), frame_skip=4 * refinement)
        task.model.opt.timestep = 0.015 / refinement
        batch, act = task.simulate([0], copies=3), wave(3, 0.5)
        nose = batch.physics.qpos[:, :2].copy()
        for _ in range(149):
            batch.step(act(batch.observe()))
        ends.append(batch.physics.qpos[:, :2] - nose)
    assert np.linalg.norm(ends[1], axis=1).min() > 0.1
    np.testing.assert_allclose(ends[0], ends[1], atol=0.02)


def test_nothing_terminates():
    assert not recorded(make_swimmer(3), 310, N=2).terminated.any()
