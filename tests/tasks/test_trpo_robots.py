"""The planar robots: kinematics against MuJoCo's, transitions against gymnasium's, rewards against a transcription."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest
from every_task import random_actions, reference_env

from svgbench.simulation_batch import never
from svgbench.tasks.mujoco_batch import asset, compiled
from svgbench.tasks.planar_chain import PlanarChain
from svgbench.tasks.trpo.robots import fallen, make_hopper, make_swimmer, make_walker

LEGGED = {"hopper": make_hopper, "walker": make_walker}
AHEAD = np.array([1.5, 0.0])  # of the swimmer's tip, at position 0
legged = pytest.mark.parametrize("name", LEGGED)


def random_positions(model, n=50):
    rng = np.random.default_rng(0)
    return rng.uniform(-2, 2, (n, model.nq))


@legged
def test_a_chain_is_where_mujoco_says(name):
    model = LEGGED[name]().model
    chain, data = PlanarChain(model), mujoco.MjData(model)
    positions = random_positions(model)
    for qpos, (centre, *clearance) in zip(positions, chain.places(positions), strict=True):
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        assert centre == pytest.approx(data.subtree_com[0, 0], abs=1e-12)
        for body in range(1, model.nbody):
            low = []
            for geom in np.flatnonzero(model.geom_bodyid == body):
                rise = data.geom_xmat[geom].reshape(3, 3)[2, 2] * model.geom_size[geom, 1]
                low.append(data.geom_xpos[geom, 2] - abs(rise) - model.geom_size[geom, 0])
            assert clearance[body - 1] == pytest.approx(min(low), abs=1e-12)


@legged
def test_a_place_in_a_chain_does_not_depend_on_the_other_rows(name):
    task = LEGGED[name]()
    positions = random_positions(task.model)
    for function in (task.chain.places, task.chain.standing):
        together = function(positions)
        for some in (slice(7, 8), slice(3, 20), [1, 4, 30]):
            np.testing.assert_array_equal(function(positions[some]), together[some])


@pytest.mark.parametrize("file", ["ant.xml", "swimmer.xml", "inverted_pendulum.xml"])
def test_what_is_no_planar_chain(file):
    with pytest.raises(ValueError, match="expected"):
        PlanarChain(compiled(asset(file)))


@legged
def test_standing_is_within_the_joints_and_out_of_the_ground(name):
    task = LEGGED[name]()
    positions = random_positions(task.model)
    placed = task.chain.standing(positions)
    low, high = task.model.jnt_range[3:].T
    assert ((placed[:, 3:] >= low) & (placed[:, 3:] <= high)).all()
    lowest = task.chain.places(placed)[:, 1:].min(axis=1)
    assert lowest.min() > -1e-12
    np.testing.assert_array_equal(placed[:, [0, 2]], positions[:, [0, 2]])
    lifted = placed[:, 1] > positions[:, 1]
    assert 0 < lifted.sum() < len(lifted)
    assert lowest[lifted].max() < 1e-12


@legged
def test_starts(name):
    task = LEGGED[name]()
    batch = task.simulate([0], copies=300)
    q, v = batch.physics.qpos - task.model.qpos0, batch.physics.qvel
    for values in (v, q[:, [0, 2]]):
        assert np.abs(values).max() <= 0.2
        assert values.std() == pytest.approx(0.2 / np.sqrt(3), rel=0.05)
    assert q[:, 1].min() >= -0.2
    assert task.chain.places(batch.physics.qpos)[:, 1:].min() > -1e-12
    observation = batch.observe()
    assert not observation[:, -task.model.nv :].any()  # no force has acted yet
    assert not task.termination_function(None, None, observation).any()


# name: (gymnasium's environment, armature and damping of the hinges, torques, physics step)
PEERS = {
    "hopper": ("Hopper-v5", {}, (0.2, 0.1), [200.0] * 3, 0.01),
    "walker": ("Walker2d-v5", {"xml_file": "walker2d.xml"}, (0.01, 0.1), [150.0, 100.0, 100.0] * 2, 0.005),
}


@legged
def test_transitions_are_those_of_gymnasiums_robot_with_these_joints_and_motors(name):
    task = LEGGED[name]()
    environment, options, (armature, damping), torques, timestep = PEERS[name]
    peer = reference_env(environment, frame_skip=2, **options)
    peer.model.opt.timestep, peer.model.opt.integrator = timestep, mujoco.mjtIntegrator.mjINT_EULER
    peer.model.dof_armature[3:] = armature
    peer.model.dof_damping[3:] = damping
    peer.model.actuator_gear[:, 0] = torques
    if name == "walker":
        peer.model.geom("foot_left_geom").friction[0] = 0.9
    mujoco.mj_setConst(peer.model, peer.data)
    assert peer.dt == task.dt
    batch = task.simulate([0])
    ends = 0
    for actions in random_actions(task, 200, 1):
        qpos, qvel = batch.physics.qpos[0].copy(), batch.physics.qvel[0].copy()
        mujoco.mj_resetData(peer.model, peer.data)
        peer.set_state(qpos, qvel)
        step = batch.step(actions)
        peer.do_simulation(actions[0], 2)
        after = np.concatenate([peer.data.qpos[1:], peer.data.qvel])
        np.testing.assert_allclose(step.final_observation[0, : len(after)], after, rtol=0, atol=1e-7)
        ends += step.terminated[0]
    assert ends > 2


def played_again(task, data, state, control):
    """MuJoCo's own loop over a control step, from a state of ours; the forces of its last physics step."""
    mujoco.mj_setState(task.model, data, state, mujoco.mjtState.mjSTATE_INTEGRATION)
    data.ctrl[:] = control
    for _ in range(task.frame_skip):
        mujoco.mj_step(task.model, data)
    forces = data.qfrc_constraint.copy()
    mujoco.mj_fwdPosition(task.model, data)
    return forces


def centre(task, data, state):
    mujoco.mj_setState(task.model, data, state, mujoco.mjtState.mjSTATE_INTEGRATION)
    mujoco.mj_fwdPosition(task.model, data)
    return data.subtree_com[0, 0]


@legged
@pytest.mark.parametrize("limit", [np.inf, 0.05])
def test_observations_and_rewards_are_what_the_docstring_says(name, limit):
    weight = 0.005
    task = LEGGED[name](impact_weight=weight, impact_limit=limit)
    largest = {"hopper": np.array([200.0] * 3), "walker": np.array([150.0, 100, 100] * 2)}[name]
    batch, data = task.simulate([0, 1]), mujoco.MjData(task.model)
    impacts, ends = [], 0
    for actions in 1.5 * random_actions(task, 60, 2):
        states = batch.physics.state.copy()
        step = batch.step(actions)
        for i in range(2):
            before = centre(task, data, states[i])
            forces = played_again(task, data, states[i], largest * actions[i])
            nq, nv = task.model.nq, task.model.nv
            low = np.clip(task.chain.places(data.qpos[None])[0, 1:], 0, 0.1)
            expected = np.concatenate([data.qpos[1:], data.qvel, low, task.dt * forces])
            np.testing.assert_allclose(step.final_observation[i], expected, rtol=0, atol=1e-9)
            assert len(expected) == nq - 1 + nv + task.model.nbody - 1 + nv
            z, pitch = data.qpos[1], data.qpos[2]
            assert step.terminated[i] == (not (0.8 < z < 2.0 and -1 < pitch < 1))
            ends += step.terminated[i]
            u = largest * actions[i]
            impact = min(weight * sum((task.dt * forces[:2]) ** 2), limit)
            reward = (data.subtree_com[0, 0] - before) / task.dt + 1 - 1e-5 * sum(u**2) - impact
            assert step.reward[i] == pytest.approx(reward, abs=1e-8)
            impacts.append(impact)
        recorded = task.termination_function(None, actions, step.final_observation)
        np.testing.assert_array_equal(recorded, step.terminated)
    assert ends > 1
    assert 0.03 < max(impacts) <= limit


def test_the_thesis_has_the_walker_pay_for_impacts_and_not_the_hopper():
    assert make_hopper().impact_weight == 0
    # per N^2, with the walker's control step: what the original code's later walker pays
    assert make_walker().impact_weight * make_walker().dt ** 2 == pytest.approx(5e-7)


@legged
def test_at_rest_the_ground_carries_the_weight(name):
    task = replace(LEGGED[name](), termination_function=never)
    batch = task.simulate([0])
    nothing = np.zeros((1, task.action_dim))
    for _ in range(300):
        batch.step(nothing)
    nv = task.model.nv
    impulses = np.array([batch.step(nothing).observation[0, -nv:] for _ in range(100)])
    weight = task.model.body_mass.sum() * 9.81
    assert impulses[:, 1].mean() == pytest.approx(weight * task.dt, rel=0.02)


@pytest.mark.parametrize(
    ("z", "pitch", "over"),
    [(1.2, 0, 0), (0.8, 0, 1), (0.81, 0, 0), (1.99, 0, 0), (2.0, 0, 1), (1, 1.0, 1), (1, -0.99, 0), (np.nan, 0, 1)],
)
def test_terminations_at_their_bounds(z, pitch, over):
    assert fallen(None, None, np.array([z, pitch, 9.0])) == over


def test_the_swimmers_root_is_the_tip_of_its_head_and_its_reward_the_velocity_before_the_step():
    task = make_swimmer()
    batch = task.simulate([0, 1])
    data = mujoco.MjData(task.model)
    jacobian = np.zeros((3, 5))
    rewards = []
    for actions in 1.3 * random_actions(task, 200, 2):
        before = batch.observe()
        data.qpos[:], data.qvel[:] = batch.physics.qpos[0], batch.physics.qvel[0]
        np.testing.assert_array_equal(before[0], np.concatenate([data.qpos[1:], data.qvel]))
        mujoco.mj_kinematics(task.model, data)
        mujoco.mj_comPos(task.model, data)
        torso = task.model.body("torso").id
        tip = data.xpos[torso] + 1.5 * data.xmat[torso].reshape(3, 3)[:, 0]
        np.testing.assert_allclose(tip[:2], data.qpos[:2] + AHEAD, atol=1e-12)
        mujoco.mj_jac(task.model, data, jacobian, None, tip, torso)
        step = batch.step(actions)
        velocity = (jacobian @ data.qvel)[0]
        assert step.reward[0] == pytest.approx(velocity - 1e-5 * sum((50 * actions[0]) ** 2), abs=1e-12)
        recorded = task.reward_function(before, actions, step.final_observation)
        np.testing.assert_array_equal(recorded, step.reward)
        assert not step.terminated.any()
        rewards.append(step.reward)
    assert np.std(rewards) > 0.05


def test_transitions_are_those_of_gymnasiums_swimmer_without_armature():
    """In its own coordinates, whose root lies 1.5 m behind: at a small step, where the integrator does not matter."""
    task = make_swimmer()
    task.model.opt.timestep = 1e-3
    peer = reference_env("Swimmer-v5", frame_skip=2)
    peer.model.opt.timestep = 1e-3
    peer.model.dof_armature[:] = 0.0
    peer.model.jnt_solref[:, 0] = 0.05
    peer.model.actuator_gear[:, 0] = 50.0
    mujoco.mj_setConst(peer.model, peer.data)

    def theirs(qpos, qvel):
        forward = np.array([np.cos(qpos[2]), np.sin(qpos[2])])
        turning = np.array([-np.sin(qpos[2]), np.cos(qpos[2])]) * qvel[2]
        root = qpos[:2] + AHEAD - 1.5 * forward
        return np.concatenate([root, qpos[2:]]), np.concatenate([qvel[:2] - 1.5 * turning, qvel[2:]])

    batch = task.simulate([0])
    for actions in random_actions(task, 400, 1):
        peer.set_state(*theirs(batch.physics.qpos[0], batch.physics.qvel[0]))
        batch.step(actions)
        peer.do_simulation(actions[0], 2)
        qpos, qvel = theirs(batch.physics.qpos[0], batch.physics.qvel[0])
        np.testing.assert_allclose(qpos, peer.data.qpos, rtol=0, atol=1e-9)
        np.testing.assert_allclose(qvel, peer.data.qvel, rtol=0, atol=1e-6)


def test_the_swimmers_steps_are_fine_enough():
    """20 s of swimming against the joint limits, compared with steps a twentieth as long: it gets equally far."""
    ends = []
    for refinement in (1, 20):
        task = replace(make_swimmer(), frame_skip=2 * refinement)
        task.model.opt.timestep = 0.025 / refinement
        batch = task.simulate([0], copies=3)
        for phase in np.arange(400) * 0.05 * 2 * np.pi * 0.4:
            batch.step(np.tile([0.7 * np.sin(phase), 0.7 * np.sin(phase + 1.2)], (3, 1)))
        ends.append(batch.physics.qpos[:, 0].copy())
    assert np.abs(ends[1]).min() > 0.5
    np.testing.assert_allclose(ends[0], ends[1], rtol=0.03)


def test_what_the_thesis_says_of_the_robots():
    for make, state, controls, dt, torques in (
        (make_swimmer, 10, 2, 0.05, [50, 50]),
        (make_hopper, 12, 3, 0.02, [200] * 3),
        (make_walker, 18, 6, 0.01, [150, 100, 100] * 2),
    ):
        task = make()
        assert (task.model.nq + task.model.nv, task.action_dim, task.horizon) == (state, controls, 1000)
        assert task.dt == pytest.approx(dt)
        assert task.action_scale.tolist() == torques
    assert make_swimmer(control_weight=1e-8).reward_function(np.zeros(9), np.ones(2), None) == -1e-8 * 5000
