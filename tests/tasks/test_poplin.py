"""The tasks of Table 2: observation and reward against the sheet's formulas, transitions against gymnasium's."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from every_task import make, random_actions, reference_env

T = 300

GYMNASIUM = {  # the same physics
    "ant": ("Ant-v5", {}),
    "hopper": ("Hopper-v5", {}),
    "walker2d": ("Walker2d-v5", {"xml_file": "walker2d.xml"}),  # v5's own file has other feet
    "cheetah": ("HalfCheetah-v5", {}),
    "pets-cheetah": ("HalfCheetah-v5", {}),
    "swimmer": ("Swimmer-v5", {}),
}

# name: (coordinates left out of the observation, reward of (s, a, s'))
FORMULAS = {
    "ant": (2, lambda s, a, _: s[13] + 1 - 3 * (s[0] - 0.57) ** 2 - 0.1 * sum(a**2)),
    "hopper": (1, lambda s, a, _: s[5] + 1 - 3 * (s[0] - 1.3) ** 2 - 0.1 * sum(a**2)),
    "walker2d": (1, lambda s, a, _: s[8] + 1 - 3 * (s[0] - 1.3) ** 2 - 0.1 * sum(a**2)),
    "cheetah": (1, lambda s, a, _: s[8] - 0.1 * sum(a**2)),
    "swimmer": (2, lambda s, a, _: s[-1] - 1e-4 * sum(a**2)),
    "pets-cheetah": (1, lambda s, a, after: after[0] - 0.1 * sum(a**2)),
}


def poplin(name, **options):
    return make(f"svgbench/poplin-{name}-v0", **options)


@pytest.mark.parametrize("name", FORMULAS)
def test_rewards_are_the_formulas_and_nothing_terminates(name):
    task = poplin(name)
    batch = task.simulate([0, 1])
    rewards = []
    for actions in random_actions(task, T, 2):
        before = batch.observe()
        step = batch.step(actions)
        expected = [FORMULAS[name][1](*row) for row in zip(before, actions, step.final_observation, strict=True)]
        np.testing.assert_allclose(step.reward, expected, rtol=0, atol=1e-12)
        recorded = task.reward_function(before, actions, step.final_observation)
        np.testing.assert_array_equal(recorded, step.reward)
        assert not step.terminated.any()
        assert not task.termination_function(before, actions, step.final_observation).any()
        rewards.append(step.reward)
    assert np.std(rewards) > 0.05  # they moved


@pytest.mark.parametrize("name", ["ant", "hopper", "walker2d", "cheetah", "swimmer"])
def test_observations_are_positions_and_unclipped_velocities(name):
    task = poplin(name)
    batch = task.simulate([0])
    left_out = FORMULAS[name][0]
    fastest = 0.0
    for actions in random_actions(task, T, 1):
        (observation,) = batch.step(actions).observation
        state = np.concatenate([batch.physics.qpos[0, left_out:], batch.physics.qvel[0]])
        np.testing.assert_array_equal(observation[: len(state)], state)
        assert len(observation) == len(state) + (name == "swimmer")
        fastest = max(fastest, np.abs(batch.physics.qvel).max())
    if name in ("hopper", "walker2d"):
        assert fastest > 10  # where gym would clip


@pytest.mark.parametrize("name", GYMNASIUM)
def test_transitions_are_those_of_gymnasium(name):
    task = poplin(name)
    batch = task.simulate([0], autoreset=False)
    environment, options = GYMNASIUM[name]
    peer = reference_env(environment, **options)
    assert peer.dt == task.dt
    mujoco.mj_resetData(peer.model, peer.data)
    peer.set_state(batch.physics.qpos[0], batch.physics.qvel[0])
    for actions in random_actions(task, T, 1):
        batch.step(actions)
        peer.step(actions[0])
        np.testing.assert_allclose(batch.physics.qpos[0], peer.data.qpos, rtol=0, atol=1e-10)
        np.testing.assert_allclose(batch.physics.qvel[0], peer.data.qvel, rtol=0, atol=1e-10)


def test_the_swimmers_last_observation_is_its_tips_velocity_over_the_step():
    """The tip by MuJoCo's own kinematics: the end of the capsule of the link that no other link is in front of."""
    task = poplin("swimmer", horizon=150)
    data = mujoco.MjData(task.model)
    head = task.model.body("torso").geomadr[0]

    def tip(batch):
        data.qpos[:] = batch.physics.qpos[0]
        mujoco.mj_kinematics(task.model, data)
        axis = data.geom_xmat[head].reshape(3, 3)[:, 2]
        ends = [data.geom_xpos[head] + sign * task.model.geom_size[head, 1] * axis for sign in (-1, 1)]
        middle = data.body("mid").xpos
        return max(ends, key=lambda end: np.linalg.norm(end - middle))[0]

    batch = task.simulate([0])
    assert batch.observe()[0, -1] == 0
    before = tip(batch)
    for actions in random_actions(task, 149, 1):
        step = batch.step(actions)
        after = tip(batch)
        assert step.observation[0, -1] == pytest.approx((after - before) / 0.04, abs=1e-10)
        before = after
    end = batch.step(np.ones((1, 2)))
    assert end.truncated[0]
    assert end.final_observation[0, -1] != 0
    assert end.observation[0, -1] == 0


def test_the_pets_cheetah_sees_its_velocity_and_no_angle():
    task = poplin("pets-cheetah")
    batch = task.simulate([0])
    start = batch.observe()[0]
    assert start[0] == 0
    for actions in random_actions(task, 100, 1):
        x = batch.physics.qpos[0, 0]
        (s,) = batch.step(actions).observation
        qpos, qvel = batch.physics.qpos[0], batch.physics.qvel[0]
        expected = [(qpos[0] - x) / 0.05, qpos[1], np.sin(qpos[2]), np.cos(qpos[2]), *qpos[3:], *qvel]
        np.testing.assert_allclose(s, expected, rtol=0, atol=1e-14)
    assert len(s) == 19


def test_walker2ds_feet_differ():
    model = poplin("walker2d").model
    assert model.geom("foot_geom").friction[0] == 0.9
    assert model.geom("foot_left_geom").friction[0] == 1.9


def test_the_cheetahs_model_is_gymnasiums_to_the_last_mass():
    ours, peer = poplin("cheetah").model, reference_env("HalfCheetah-v5").model
    for field in ("body_mass", "body_inertia", "dof_invweight0", "body_invweight0", "dof_M0", "body_subtreemass"):
        np.testing.assert_array_equal(getattr(ours, field), getattr(peer, field), err_msg=field)
    assert ours.body_mass.sum() == pytest.approx(14)
