"""Monoped, half-cheetah and walker: rewards, torque noise, transitions against gymnasium's, and reachable returns."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from every_task import random_actions, reference_env
from svg_task_kit import check_plain_stepping, check_reward, exploring, recorded, returns

from svgbench.tasks.svg.by_hand import POLICIES
from svgbench.tasks.svg.by_hand_legs import UPRIGHT, Land, Stride, regulator
from svgbench.tasks.svg.legged import NOISE_AHEAD, fallen, make_cheetah, make_monoped, make_walker

MAKERS = {
    "svg/monoped": make_monoped,
    "svg/cheetah": make_cheetah,
    "svg/cheetah-no-springs": lambda **options: make_cheetah(springs=False, **options),
    "svg/walker": make_walker,
}
every_robot = pytest.mark.parametrize("name", MAKERS)
TORQUES = np.array([30.0, 40.0, 30.0, 10.0])  # the monoped's


@every_robot
def test_dimensions(name):
    task = MAKERS[name]()
    state, action = (14, 4) if name == "svg/monoped" else (18, 6)
    assert (task.id, task.observation_dim, task.action_dim) == (name, state, action)
    assert task.model.nq + task.model.nv == state


@every_robot
def test_the_reward_is_a_differentiable_function_of_state_and_action(name):
    check_reward(MAKERS[name]())


@every_robot
def test_plain_stepping(name):
    check_plain_stepping(MAKERS[name]())


def test_rewards_are_what_the_docstrings_say():
    for name, T in (("svg/monoped", 60), ("svg/cheetah", 30), ("svg/cheetah-no-springs", 30), ("svg/walker", 30)):
        record = recorded(MAKERS[name](), T)
        s, a = record.s, record.a
        if name == "svg/monoped":
            off = np.sqrt((s[..., 1] - 0.9) ** 2 + 0.0025)
            expected = np.cos(s[..., 2]) - 2 * off - 0.05 * np.square(a).sum(-1)
        elif name == "svg/walker":
            u = np.array([100.0, 50.0, 20.0] * 2) * a
            expected = s[..., 9] + 2 * np.cos(s[..., 2]) - 1e-5 * np.square(u).sum(-1)
        else:
            expected = s[..., 9] - 0.05 * np.square(a).sum(-1)
        np.testing.assert_allclose(record.reward, expected, rtol=0, atol=1e-12)


def test_the_monoped_begins_in_the_air_above_a_level_foot():
    task = make_monoped()
    data = mujoco.MjData(task.model)
    data.qpos[:] = task.reference
    mujoco.mj_kinematics(task.model, data)
    foot = task.model.ngeom - 1
    axis = data.geom_xmat[foot].reshape(3, 3)[:, 2]
    assert abs(axis[0]) == pytest.approx(1.0, abs=1e-12)
    assert data.geom_xpos[foot, 2] - task.model.geom_size[foot, 0] == pytest.approx(0.37, abs=0.01)
    assert data.xpos[1, 2] == pytest.approx(1.3)
    batch = task.simulate([0], copies=300)
    for values in (batch.physics.qpos - task.reference, batch.physics.qvel):
        assert np.abs(values).max() <= 0.1
        assert values.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.05)


@pytest.mark.parametrize("noise", [0.05, 0.25])
def test_torque_noise_is_a_share_of_the_largest_torques_and_is_there_at_full_torque_too(noise):
    batch = make_monoped(noise=noise).simulate([0], copies=64)
    for asked, given in ((0.0, 0.0), (0.5, 0.5), (3.0, 1.0)):
        errors = []
        for _ in range(40):
            batch.step(np.full((64, 4), asked))
            errors.append(batch.physics.bind("ctrl") / TORQUES - given)
        errors = np.array(errors)
        assert abs(errors.mean()) < 0.05 * noise
        np.testing.assert_allclose(errors.std(axis=(0, 1)), noise, rtol=0.06)
        assert abs(np.corrcoef(errors[1:].ravel(), errors[:-1].ravel())[0, 1]) < 0.05
        assert abs(np.corrcoef(errors[:, :32].ravel(), errors[:, 32:].ravel())[0, 1]) < 0.05


def test_torques_beyond_the_largest_act():
    """The acceleration that MuJoCo makes of them is that of the same generalised forces, applied by hand."""
    task = make_monoped(noise=0.25)
    data, other = mujoco.MjData(task.model), mujoco.MjData(task.model)
    data.qpos[:] = other.qpos[:] = task.reference
    data.ctrl[:] = 1.5 * TORQUES
    other.qfrc_applied[3:] = 1.5 * TORQUES
    mujoco.mj_forward(task.model, data)
    mujoco.mj_forward(task.model, other)
    np.testing.assert_allclose(data.qacc, other.qacc, rtol=1e-10)


def test_torque_noise_is_of_the_simulations_own_stream_and_part_of_its_state():
    task = make_monoped(horizon=1000)
    actions = random_actions(task, NOISE_AHEAD + 20, 4)
    block, alone, again = (task.simulate(seeds, copies=2) for seeds in ([3, 7], [7], [3, 7]))
    for t, a in enumerate(actions):
        if t == NOISE_AHEAD - 5:
            again.set_state(block.get_state())
        together, own = block.step(a), alone.step(a[2:])
        np.testing.assert_array_equal(together.observation[2:], own.observation)
        if t >= NOISE_AHEAD - 5:
            np.testing.assert_array_equal(again.step(a).observation, together.observation)


def test_a_restored_monoped_has_noise_of_its_own():
    task = make_monoped()
    trunk, branch = task.simulate([0]), task.simulate([1], stream="branch")
    own = task.simulate([1], stream="branch")
    still = np.zeros((1, 4))
    for _ in range(3):
        trunk.step(still)
    branch.restore(trunk.snapshot())
    for batch in (trunk, branch, own):
        batch.step(still)
    np.testing.assert_array_equal(branch.physics.bind("ctrl"), own.physics.bind("ctrl"))
    assert (branch.physics.bind("ctrl") != trunk.physics.bind("ctrl")).all()


def test_the_regulator_brings_the_monoped_back_to_rest():
    """Without torque noise, from angles of 0.02 rad: the linearised loop is stable, and so is the robot itself."""
    task = make_monoped(noise=0.0)
    torques, gains = regulator(task.model, UPRIGHT)
    assert np.abs(torques[:2]).max() < 0.5, "the trunk is balanced, so waist and hip carry nothing"
    assert (np.abs(torques) < TORQUES / 3).all()
    data = mujoco.MjData(task.model)
    data.qpos[:] = UPRIGHT + np.r_[np.zeros(2), [0.02, -0.02, 0.02, 0.02, -0.02]]
    for _ in range(200):
        s = np.r_[data.qpos[1:], data.qvel]
        data.ctrl[:] = np.clip(torques - gains @ (s - np.r_[UPRIGHT[1:], np.zeros(7)]), -TORQUES, TORQUES)
        mujoco.mj_step(task.model, data, 4)
    assert np.abs(data.qvel).max() < 0.01
    assert np.abs(data.qpos[2:] - UPRIGHT[2:]).max() < 0.15
    assert task.reward_function(np.r_[data.qpos, data.qvel], np.zeros(4)) > 0.85


@pytest.mark.parametrize("noise", [0.05, 0.25])
def test_the_monoped_can_stand_well_beyond_200_steps_and_falls_without_control(noise):
    task = make_monoped(horizon=400, noise=noise)
    standing = returns(task, Land(32), N=32) > 0.5 * 400
    assert standing.mean() > 0.6
    for without in (exploring(task), lambda s: np.zeros((len(s), 4))):
        assert returns(make_monoped(), without).max() < 0


def test_a_gait_carries_the_walker_and_noise_does_not():
    task = make_walker()
    gait, walked = Stride(32), []
    batch = task.simulate([0], copies=32, autoreset=False)
    running = np.arange(32)
    s = batch.observe()
    total, places = np.zeros(32), np.zeros(32)
    for _ in range(task.horizon):
        outcome = batch.step(gait(s)[running], running)
        total[running] += outcome.reward
        places[running] += 0.02 * s[running, 9]
        s[running] = outcome.observation
        walked.append(gait.swings.copy())
        running = running[~(outcome.terminated | outcome.truncated)]
        if not running.size:
            break
    assert total.mean() > 2.2 * task.horizon
    assert np.median(places) > 3.0, "metres in six seconds"
    steps = np.abs(np.diff(walked, axis=0)).sum(axis=0)
    assert np.median(steps) > 10
    assert returns(task, exploring(task)).max() < 0.5 * task.horizon


@pytest.mark.parametrize("springs", [True, False])
def test_the_cheetahs_transitions_are_gymnasiums(springs):
    task = make_cheetah(springs=springs)
    peer = reference_env("HalfCheetah-v5", frame_skip=3)
    assert (peer.model.jnt_stiffness[3:] > 50).all()
    assert (task.model.jnt_stiffness[3:] > 0).all() == springs
    if not springs:
        assert not task.model.jnt_stiffness.any()
        peer.model.jnt_stiffness[:] = 0
    assert peer.dt == task.dt
    batch = task.simulate([0])
    for a in random_actions(task, 100, 1):
        mujoco.mj_resetData(peer.model, peer.data)
        peer.set_state(batch.physics.qpos[0].copy(), batch.physics.qvel[0].copy())
        step = batch.step(a)
        peer.do_simulation(a[0], 3)
        np.testing.assert_allclose(
            step.observation[0], np.r_[0.0, peer.data.qpos[1:], peer.data.qvel], rtol=0, atol=1e-7
        )


def test_springs_hold_the_cheetah_up():
    heights = []
    for springs in (True, False):
        batch = make_cheetah(springs=springs).simulate([0], copies=8)
        for _ in range(200):
            s = batch.step(np.zeros((8, 6))).observation
        heights.append(s[:, 1])
    assert heights[0].min() > -0.2  # of the trunk, whose 0 is 0.7 m
    assert heights[1].max() < -0.3


def test_a_rhythm_runs_and_noise_does_not():
    for springs, least in ((True, 100), (False, 300)):
        task = make_cheetah(springs=springs)
        assert returns(task, POLICIES[task.id](1)).mean() > least
        assert returns(task, exploring(task)).mean() < 5


def test_the_walkers_transitions_are_gymnasiums_robot_with_these_motors():
    task = make_walker()
    peer = reference_env("Walker2d-v5", frame_skip=4, xml_file="walker2d.xml")
    peer.model.opt.timestep, peer.model.opt.integrator = 0.005, mujoco.mjtIntegrator.mjINT_EULER
    peer.model.actuator_gear[:, 0] = [100.0, 50.0, 20.0] * 2
    peer.model.geom("foot_left_geom").friction[0] = 0.9
    assert peer.dt == task.dt
    batch, ends = task.simulate([0]), 0
    for a in random_actions(task, 150, 1):
        mujoco.mj_resetData(peer.model, peer.data)
        peer.set_state(batch.physics.qpos[0].copy(), batch.physics.qvel[0].copy())
        step = batch.step(a)
        peer.do_simulation(a[0], 4)
        after = np.r_[0.0, peer.data.qpos[1:], peer.data.qvel]
        np.testing.assert_allclose(step.final_observation[0], after, rtol=0, atol=1e-7)
        assert step.terminated[0] == (not (0.8 < after[1] < 2.0 and -1 < after[2] < 1))
        ends += step.terminated[0]
    assert ends > 2


@pytest.mark.parametrize(
    ("z", "pitch", "over"),
    [(1.2, 0, 0), (0.8, 0, 1), (0.81, 0, 0), (1.99, 0, 0), (2.0, 0, 1), (1, 1.0, 1), (1, -0.99, 0), (np.nan, 0, 1)],
)
def test_the_walkers_end(z, pitch, over):
    assert fallen(None, None, np.array([5.0, z, pitch, 9.0])) == over


def test_starts_of_the_walker_are_out_of_the_ground_and_within_the_joints():
    task = make_walker()
    batch = task.simulate([0], copies=300)
    q = batch.physics.qpos
    assert task.chain.places(q)[:, 1:].min() > -1e-12
    low, high = task.model.jnt_range[3:].T
    assert ((q[:, 3:] >= low) & (q[:, 3:] <= high)).all()
    assert np.abs(q[:, [0, 2]]).max() <= 0.1
    assert not task.termination_function(None, None, batch.observe()).any()
