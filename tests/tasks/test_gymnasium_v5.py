"""gymnasium's own environments as tasks: equal bit for bit, episode after episode, from the same random streams."""

from __future__ import annotations

import json

import numpy as np
import pytest
from every_task import make, random_actions, reference_env

from svgbench.tasks.gymnasium.v5 import GymnasiumTask

T = 250


def beside_gymnasium(name, horizon):
    """Yields (our step, gymnasium's) for T steps; both begin their episodes from the same random stream."""
    task = make(f"svgbench/gymnasium-{name}-v0", horizon=horizon)
    peer = reference_env(task.environment)
    peer.reset(seed=5)
    stream = peer.np_random.bit_generator.state
    batch = task.simulate([0])
    batch.set_state(batch.get_state() | {"generators": [json.dumps(stream)]})
    np.testing.assert_array_equal(batch.reset()[0], peer.reset()[0])
    elapsed = 0
    for actions in random_actions(task, T, 1):
        step, theirs, elapsed = batch.step(actions), peer.step(actions[0]), elapsed + 1
        assert step.truncated[0] == (elapsed == horizon)
        yield step, theirs
        if step.terminated[0] or step.truncated[0]:
            elapsed = 0
            np.testing.assert_array_equal(step.observation[0], peer.reset()[0])


@pytest.mark.parametrize(("name", "horizon"), [("swimmer", 100), ("hopper", 1000), ("hopper", 15)])
def test_the_task_is_gymnasiums_bit_for_bit(name, horizon):
    terminations, truncations = 0, 0
    for step, (observation, reward, terminated, _, _) in beside_gymnasium(name, horizon):
        np.testing.assert_array_equal(step.final_observation[0], observation)
        assert step.reward[0] == reward
        assert step.terminated[0] == terminated
        terminations += terminated
        truncations += step.truncated[0]
    assert (terminations > 3) == (name == "hopper")
    assert (truncations > 1) == (horizon < 1000)


@pytest.mark.parametrize("name", ["swimmer", "hopper"])
def test_actions_beyond_the_bounds_count_as_the_bounds(name):
    task = make(f"svgbench/gymnasium-{name}-v0")
    batch = task.simulate([0], copies=2)
    state = batch.snapshot([0])
    batch.restore(state, [1])
    actions = np.array([[3.0] * task.action_dim, [1.0] * task.action_dim])
    step = batch.step(actions)
    assert step.reward[0] == step.reward[1]
    np.testing.assert_array_equal(step.observation[0], step.observation[1])


def test_the_environment_itself():
    task = make("svgbench/gymnasium-hopper-v0", horizon=30)
    reference_env("Hopper-v5")  # puts a stand-in where imageio is missing
    env = task.reference_env()
    assert isinstance(task, GymnasiumTask)
    assert (env.spec.id, env.spec.max_episode_steps) == ("Hopper-v5", 30)
    assert env.unwrapped.dt == task.dt
