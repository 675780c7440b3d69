"""The 3-D robots: their bodies, starts and ends, and their rewards against a transcription."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from every_task import random_actions, reference_env

from svgbench.tasks.gae._biped_model import biped
from svgbench.tasks.gae.robots import below, head_height, make_biped, make_biped_standing, make_quadruped
from svgbench.tasks.mujoco_batch import asset, compiled

MAKERS = {"biped": make_biped, "quadruped": make_quadruped, "biped-standing": make_biped_standing}
every_robot = pytest.mark.parametrize("name", MAKERS)
walking = pytest.mark.parametrize("name", ["biped", "quadruped"])


def lowest(model, data):
    """Of the robot, above the ground."""
    rises = np.abs(data.geom_xmat.reshape(-1, 3, 3)[:, 2, 2]) * model.geom_size[:, 1]
    rises *= model.geom_type == mujoco.mjtGeom.mjGEOM_CAPSULE
    return (data.geom_xpos[:, 2] - rises - model.geom_size[:, 0])[model.geom_bodyid > 0].min()


def test_the_bipeds_body():
    model = compiled(biped())
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert (model.nq, model.nv, model.nu) == (17, 16, 10)
    assert model.body_mass.sum() == pytest.approx(39.9)
    assert data.qpos[2] == 1.40
    assert lowest(model, data) == pytest.approx(0, abs=1e-12)  # it stands on its feet
    assert data.subtree_com[0, 2] == pytest.approx(0.888, abs=0.01)
    assert data.geom("head").xpos[2] == pytest.approx(1.59)
    torques = {model.joint(a.trnid[0]).name: a.ctrlrange[1] for a in map(model.actuator, range(model.nu))}
    assert len(torques) == 10
    assert {t for joint, t in torques.items() if "shoulder" in joint} == {20}
    assert {t for joint, t in torques.items() if "shoulder" not in joint} == {100}
    assert not model.geom_conaffinity[model.geom_bodyid > 0].any()  # it touches the ground, not itself


def test_the_biped_is_its_own_mirror_image():
    """Motions with the two sides exchanged are each other's mirror images."""
    model = compiled(biped())
    places = {model.joint(j).name: model.jnt_qposadr[j] for j in range(1, model.njnt)}
    rng = np.random.default_rng(0)
    left, right = mujoco.MjData(model), mujoco.MjData(model)
    for joint, place in places.items():
        if joint.startswith("left"):
            other = places["right" + joint.removeprefix("left")]
            left.qpos[place] = right.qpos[other] = rng.uniform(0, 0.1)
    for _ in range(100):
        mujoco.mj_step(model, left)
        mujoco.mj_step(model, right)
    np.testing.assert_allclose(left.qpos[:3], right.qpos[:3] * [1, -1, 1], atol=1e-9)
    assert abs(left.qpos[1]) > 1e-4
    for joint, place in places.items():
        if joint.startswith("left"):
            other = places["right" + joint.removeprefix("left")]
            assert left.qpos[place] == pytest.approx(right.qpos[other], abs=1e-9)


@pytest.mark.parametrize(
    ("joint", "moved", "axis", "sign"),
    [
        ("left_hip_back", "left_foot", 0, -1),
        ("left_knee", "left_foot", 0, -1),
        ("left_hip_out", "left_foot", 1, 1),
        ("right_hip_out", "right_foot", 1, -1),
        ("left_shoulder_out", "left_arm", 2, 1),
        ("right_shoulder_out", "right_arm", 2, 1),
        ("right_shoulder_back", "right_arm", 2, -1),
    ],
)
def test_where_a_positive_angle_takes_a_limb(joint, moved, axis, sign):
    model = compiled(biped())
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    before = data.geom(moved).xpos[axis]
    data.joint(joint).qpos[:] = 0.05
    mujoco.mj_kinematics(model, data)
    assert sign * (data.geom(moved).xpos[axis] - before) > 1e-3


@every_robot
def test_starts(name):
    task = MAKERS[name]()
    width, height = {"biped": (0.05, 1.40), "quadruped": (0.1, 0.55), "biped-standing": (0.05, 0.12)}[name]
    batch = task.simulate([0], copies=200)
    qpos, qvel = batch.physics.qpos, batch.physics.qvel
    free = np.concatenate([qpos[:, :2], qvel], axis=1)
    assert np.abs(free).max() <= width
    assert free.std() == pytest.approx(width / np.sqrt(3), rel=0.03)
    np.testing.assert_allclose(np.square(qpos[:, 3:7]).sum(axis=1), 1)
    low, high = task.model.jnt_range[1:].T
    assert ((qpos[:, 7:] >= low) & (qpos[:, 7:] <= high)).all()
    assert (qpos[:, 7:].std(axis=0) > 0.3 * width).all()
    data = mujoco.MjData(task.model)
    lifted = 0
    for position in qpos:
        data.qpos[:] = position
        mujoco.mj_kinematics(task.model, data)
        low = lowest(task.model, data)
        assert low > -1e-12
        assert abs(position[2] - height) <= width or low < 1e-12
        lifted += low < 1e-12
    assert 20 < lifted < 200
    observation = batch.observe()
    np.testing.assert_array_equal(observation, np.concatenate([qpos[:, 2:], qvel], axis=1))
    assert not task.termination_function(None, None, observation).any()


@every_robot
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_nothing_explodes(name, strength):
    """A passive fall, and full torques: 3 s of eight simulations."""
    task = MAKERS[name]()
    batch = task.simulate([0], copies=8)
    fastest = 0.0
    for actions in strength * np.sign(random_actions(task, 300, 8)):
        step = batch.step(actions)
        assert not step.failed.any()
        assert np.isfinite(step.reward).all()
        fastest = max(fastest, np.abs(step.final_observation).max())
    assert 0.5 < fastest < 100


def played_again(task, data, state, control):
    """MuJoCo's own loop over a control step, from a state of ours; the contact forces of its last physics step."""
    mujoco.mj_setState(task.model, data, state, mujoco.mjtState.mjSTATE_INTEGRATION)
    data.ctrl[:] = control
    for _ in range(task.frame_skip):
        mujoco.mj_step(task.model, data)
    mujoco.mj_rnePostConstraint(task.model, data)
    return data.cfrc_ext.copy()


# name: (largest torques, weight of controls, of forces, bonus, height of a fall)
TERMS = {
    "biped": (np.array([100.0] * 6 + [20.0] * 4), 1e-5, 1e-5, 0.2, 0.8),
    "quadruped": (np.full(8, 150.0), 1e-6, 1e-3, 0.05, 0.2),
}


@walking
@pytest.mark.parametrize("limit", [1.0, 30.0, np.inf])
def test_rewards_of_walking_are_what_the_docstring_says(name, limit):
    task = MAKERS[name](force_limit=limit)
    largest, of_controls, of_forces, bonus, height = TERMS[name]
    batch, data = task.simulate([0, 1]), mujoco.MjData(task.model)
    impacts, ends = [], 0
    for t, actions in enumerate(1.2 * random_actions(task, 80, 2)):
        if t == 40:
            batch.physics.qpos[0, 2] = -1.0
        states = batch.physics.state.copy()
        step = batch.step(actions)
        for i in range(2):
            x = states[i, 1]  # after the time
            forces = played_again(task, data, states[i], largest * actions[i])
            np.testing.assert_allclose(step.final_observation[i], [*data.qpos[2:], *data.qvel], rtol=0, atol=1e-10)
            impact = of_forces * np.sum(np.clip(forces, -limit, limit) ** 2)
            effort = of_controls * np.sum((largest * actions[i]) ** 2)
            reward = (data.qpos[0] - x) / 0.01 + bonus - effort - impact
            assert step.reward[i] == pytest.approx(reward, abs=1e-7)
            assert step.terminated[i] == (data.qpos[2] < height)
            impacts.append(impact)
            ends += step.terminated[i]
    assert ends
    assert max(impacts) > of_forces


def test_defaults_are_the_thesis_but_for_the_bipeds_forces():
    assert (make_biped().force_limit, make_quadruped().force_limit) == (1.0, np.inf)
    for make in MAKERS.values():
        task = make()
        assert (task.horizon, task.dt) == (2000, pytest.approx(0.01))
        assert task.model.nq + task.model.nv == task.observation_dim + 2 == (29 if make is make_quadruped else 33)


def test_the_biped_stands_a_while_without_forces_and_then_falls():
    task = make_biped()
    batch = task.simulate([0], copies=20, autoreset=False)
    running, total, lengths = np.arange(20), np.zeros(20), np.zeros(20)
    for t in range(400):
        step = batch.step(np.zeros((len(running), 10)), running)
        total[running] += step.reward
        lengths[running] += 1
        if t == 40:
            assert len(running) == 20
            assert step.observation[:, 0].min() > 1.2
        running = running[~step.terminated]
    assert not len(running)
    assert 80 < lengths.mean() < 250


@walking
def test_a_push_forward_is_paid(name):
    task = MAKERS[name](force_limit=1.0)
    rewards = {}
    for force in (-100.0, 0.0, 100.0) if name == "biped" else (-5.0, 0.0, 5.0):
        batch = task.simulate([0], copies=5)
        pushes = batch.physics.bind("xfrc_applied")
        total = 0.0
        for _ in range(30):
            pushes[:, 1, 0] = force
            total += batch.step(np.zeros((5, task.action_dim))).reward.mean()
        rewards[force] = total / 30
    backward, without, forward = (rewards[force] for force in sorted(rewards))
    assert backward < without < forward
    assert forward > without + 0.2
    assert forward > 0.2


def test_transitions_are_those_of_gymnasiums_ant():
    task = make_quadruped()
    peer = reference_env("Ant-v5", frame_skip=2)
    peer.model.opt.timestep, peer.model.opt.integrator = 0.005, mujoco.mjtIntegrator.mjINT_EULER
    batch = task.simulate([0])
    for actions in random_actions(task, 200, 1):
        mujoco.mj_resetData(peer.model, peer.data)
        peer.set_state(batch.physics.qpos[0].copy(), batch.physics.qvel[0].copy())
        batch.step(actions)
        peer.do_simulation(actions[0], 2)
        np.testing.assert_allclose(batch.physics.qpos[0], peer.data.qpos, rtol=0, atol=1e-7)
        np.testing.assert_allclose(batch.physics.qvel[0], peer.data.qvel, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(task.model.body_mass, compiled(asset("ant.xml")).body_mass)


@pytest.mark.parametrize(("height", "z", "over"), [(0.8, 0.8, 0), (0.8, 0.799, 1), (0.2, 0.2, 0), (0.2, np.nan, 1)])
def test_terminations_at_their_bounds(height, z, over):
    assert below(height, None, None, np.array([z, 1.0])) == over


def test_standing_up_is_paid_for_the_height_of_the_head():
    task = make_biped_standing()
    batch = task.simulate([0, 1])
    data = mujoco.MjData(task.model)
    largest = np.array([100.0] * 6 + [20.0] * 4)
    tilts = []
    for t, actions in enumerate(0.7 * random_actions(task, 150, 2)):
        if t == 50:
            batch.physics.qpos[0, 2:7] = [1.4, 1, 0, 0, 0]  # upright
            batch.physics.qvel[0] = 0
        before = batch.observe()
        step = batch.step(actions)
        for i in range(2):
            data.qpos[:] = batch.physics.qpos[i]
            mujoco.mj_kinematics(task.model, data)
            head = data.geom("head").xpos[2]
            assert head_height(step.final_observation[i]) == pytest.approx(head, abs=1e-12)
            reward = -((head - 1.5) ** 2) - 1e-5 * sum((largest * actions[i]) ** 2)
            assert step.reward[i] == pytest.approx(reward, abs=1e-12)
            tilts.append(head)
        np.testing.assert_array_equal(task.reward_function(before, actions, step.final_observation), step.reward)
        assert not step.terminated.any()
        assert not task.termination_function(before, actions, step.final_observation).any()
    assert min(tilts) < 0.25
    assert max(tilts) > 1.55


def test_it_starts_on_its_back():
    batch = make_biped_standing().simulate([0], copies=10)
    for i in range(10):
        data = batch.physics.get_data(i)
        mujoco.mj_kinematics(batch.physics.model, data)
        forward, up = data.body("torso").xmat.reshape(3, 3)[:, [0, 2]].T
        assert forward[2] > 0.95  # its front is up,
        assert abs(up[2]) < 0.3  # and it lies
