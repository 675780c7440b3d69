"""The tasks of Figure 2: transitions, rewards and ends against gymnasium's v4, contact forces against MuJoCo."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from every_task import make, random_actions, reference_env

from svgbench.tasks.mbpo import robots as mbpo

T = 300

# v4 gives the constant reward on the failing step, as the paper's gym did; v5 gives what a humanoid pays for contacts
PEERS = {
    "hopper": ("Hopper-v4", {}),
    "walker2d": ("Walker2d-v4", {}),
    "cheetah": ("HalfCheetah-v4", {}),
    "ant": ("Ant-v4", {}),
    "humanoid": (
        "Humanoid-v5",
        {
            "include_cinert_in_observation": False,
            "include_cvel_in_observation": False,
            "include_qfrc_actuator_in_observation": False,
            "include_cfrc_ext_in_observation": False,
        },
    ),
}


def task_of(name, **options):
    return make(f"svgbench/mbpo-{name}-v0", **options)


def beside_gymnasium(name):
    """Yields (batch, our step, gymnasium's, controls) for T steps; both begin an episode at the same state."""
    task = task_of(name)
    batch = task.simulate([0], autoreset=False)
    environment, options = PEERS[name]
    peer = reference_env(environment, **options)
    assert peer.dt == task.dt

    def begin():
        if name in ("hopper", "walker2d"):
            batch.physics.qvel[0, -1] = 20.0  # a kick beyond what their observations show
        mujoco.mj_resetData(peer.model, peer.data)
        peer.set_state(batch.physics.qpos[0], batch.physics.qvel[0])

    begin()
    for actions in random_actions(task, T, 1):
        control = actions[0] * (0.4 if name == "humanoid" else 1.0)
        yield batch, batch.step(actions), peer.step(control), control
        if batch.get_state()["ended"][0]:
            batch.reset()
            begin()


@pytest.mark.parametrize("name", ["hopper", "walker2d", "cheetah"])
def test_transitions_are_those_of_gymnasium(name):
    ends, fastest = 0, 0.0
    for batch, step, (observation, reward, terminated, _, _), _ in beside_gymnasium(name):
        np.testing.assert_allclose(step.observation[0], observation, rtol=0, atol=1e-10)
        assert step.reward[0] == pytest.approx(reward, abs=1e-10)
        assert step.terminated[0] == terminated
        ends += terminated
        fastest = max(fastest, np.abs(batch.physics.qvel).max())
    assert (ends > 3) == (name != "cheetah")
    if name != "cheetah":
        assert fastest > 10  # so that clipping was seen


@pytest.mark.parametrize("name", ["ant", "humanoid"])
def test_with_contacts_all_but_the_contact_cost_is_gymnasiums(name):
    task = task_of(name)
    data = mujoco.MjData(task.model)
    ends, contact_costs, lag, v5_constant = 0, [], 0.0, name == "humanoid"
    before = None
    for batch, step, (observation, _, terminated, _, info), control in beside_gymnasium(name):
        np.testing.assert_allclose(step.observation[0], observation, rtol=0, atol=1e-10)
        assert step.terminated[0] == terminated
        ends += terminated

        mujoco.mj_setState(task.model, data, batch.physics.state[0], mujoco.mjtState.mjSTATE_INTEGRATION)
        np.testing.assert_array_equal(data.ctrl, control)
        mujoco.mj_forward(task.model, data)
        mujoco.mj_rnePostConstraint(task.model, data)
        forces = data.cfrc_ext
        if name == "ant":
            x, weight, constant = data.qpos[0], 1.0, 1.0
            contact = 0.5e-3 * np.square(np.clip(forces, -1, 1)).sum()
        else:
            x, weight, constant = data.subtree_com[0, 0], 1.25, 5.0
            contact = min(0.5e-6 * np.square(forces).sum(), 10.0)
        contact_costs.append(contact)
        if before is not None:
            forward = weight * (x - before) / task.dt
            expected = forward + constant + info["reward_ctrl"] - contact
            assert step.reward[0] == pytest.approx(expected, abs=1e-9)
            lag += forward - info["reward_forward"]
        if not (terminated and v5_constant):
            assert info["reward_survive"] == constant
        before = None if terminated else x
    assert ends > 3
    assert np.std(contact_costs) > 1e-3  # there were contacts
    assert abs(lag) * task.dt / T < 1e-3  # metres a step


@pytest.mark.parametrize("name", ["hopper", "walker2d", "ant", "cheetah", "humanoid"])
def test_the_termination_function_agrees_with_the_task(name):
    task = task_of(name)
    batch = task.simulate(range(4))
    for actions in random_actions(task, 100, 4):
        before = batch.observe()
        step = batch.step(actions)
        recorded = task.termination_function(before, actions, step.final_observation)
        np.testing.assert_array_equal(recorded, step.terminated)


def observations(dim, standing, *changes):
    rows = np.zeros((1 + len(changes), dim))
    rows[:, 0] = standing
    for row, (place, value) in zip(rows[1:], changes, strict=True):
        row[place] = value
    return rows


@pytest.mark.parametrize(
    ("rule", "rows", "expected"),
    [
        (
            mbpo.hopper_terminated,
            observations(11, 1.2, (0, 0.7), (0, 0.71), (1, 0.2), (1, -0.19), (4, 100.0), (10, -99.0), (3, np.nan)),
            [0, 1, 0, 1, 0, 1, 0, 1],
        ),
        (
            mbpo.walker2d_terminated,
            observations(17, 1.2, (0, 0.8), (0, 2.0), (0, 1.99), (1, -1.0), (1, 0.99), (1, np.nan), (5, 500.0)),
            [0, 1, 1, 0, 1, 0, 1, 0],
        ),
        (
            mbpo.ant_terminated,
            observations(27, 0.6, (0, 0.2), (0, 0.19), (0, 1.0), (0, 1.01), (20, np.inf), (20, 500.0)),
            [0, 0, 1, 0, 1, 1, 0],
        ),
        (
            mbpo.humanoid_terminated,
            observations(45, 1.4, (0, 1.0), (0, 0.99), (0, 2.0), (0, 2.01), (7, 500.0)),
            [0, 0, 1, 0, 1, 0],
        ),
    ],
)
def test_terminations_at_their_bounds(rule, rows, expected):
    assert rule(None, None, rows).astype(int).tolist() == expected
    assert rule(None, None, rows[None]).shape == (1, len(rows))


@pytest.mark.parametrize(("kick", "terminated"), [(120.0, False), (150.0, True)])
def test_the_hopper_terminates_by_velocities_that_its_observation_clips(kick, terminated):
    batch = task_of("hopper").simulate([0], autoreset=False)
    batch.physics.qvel[0, 5] = kick  # the foot, a light part: the torso stays as it is
    step = batch.step(np.zeros((1, 3)))
    assert (batch.physics.qvel[0, 5] > 100) == terminated
    assert not step.failed[0]
    assert step.final_observation[0, 10] == 10
    assert abs(step.final_observation[0, 1]) < 0.2
    assert step.terminated[0] == terminated


def test_the_failing_step_is_paid_its_constant():
    task = task_of("walker2d")
    batch = task.simulate([0], autoreset=False)
    step = None
    while step is None or not step.terminated[0]:
        x = batch.physics.qpos[0, 0]
        step = batch.step(np.full((1, 6), -1.0))
    assert step.reward[0] == pytest.approx((batch.physics.qpos[0, 0] - x) / 0.008 + 1 - 1e-3 * 6, abs=1e-10)


def test_an_action_of_one_is_the_humanoids_largest_control():
    batch = task_of("humanoid").simulate([0])
    batch.step(np.ones((1, 17)))
    np.testing.assert_array_equal(batch.physics.ctrl, 0.4)
