"""The tasks in gymnasium: its own checker, single against vector, registration."""

from __future__ import annotations

import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from every_task import FACTORIES, make
from gymnasium.utils.env_checker import check_env

from svgbench import differences, factories, reproduce
from svgbench.lab import source

every_task = pytest.mark.parametrize("environment", FACTORIES)


@every_task
def test_gymnasiums_checker_has_nothing_to_say(environment):
    env = gymnasium.make(f"svgbench.tasks:{environment}")
    assert env.spec.max_episode_steps == env.unwrapped.task.horizon
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(minimum|maximum) value is.*infinity")  # our bounds, as gym's own
        warnings.filterwarnings("ignore", message=".*different from the unwrapped version")  # what gym.make wraps
        check_env(env.unwrapped)


@every_task
def test_a_vector_environment_is_its_single_ones(environment):
    N, T = 3, 40
    singles = [gymnasium.make(environment, max_episode_steps=30) for _ in range(N)]
    vector = gymnasium.make_vec(environment, num_envs=N, max_episode_steps=30, threads=2, autoreset_mode="SameStep")
    observations, _ = vector.reset(seed=7)
    np.testing.assert_array_equal(observations, [env.reset(seed=7 + i)[0] for i, env in enumerate(singles)])
    vector.action_space.seed(0)
    ends = 0
    for _ in range(T):
        actions = vector.action_space.sample()
        observations, rewards, terminations, truncations, infos = vector.step(actions)
        for i, env in enumerate(singles):
            observation, reward, terminated, truncated, _ = env.step(actions[i])
            assert (reward, terminated, truncated) == (rewards[i], terminations[i], truncations[i])
            if terminated or truncated:
                ends += 1
                assert infos["_final_obs"][i]
                np.testing.assert_array_equal(infos["final_obs"][i], observation)
                observation, _ = env.reset()
            np.testing.assert_array_equal(observations[i], observation)
        assert observations in vector.observation_space
    assert ends >= N
    vector.close()


def test_resets_without_a_seed():
    env = gymnasium.make("svgbench/poplin-swimmer-v0").unwrapped
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(2))
    first, second = env.reset()[0], env.reset()[0]
    assert not np.array_equal(first, second)
    vector = gymnasium.make_vec("svgbench/poplin-swimmer-v0", num_envs=2)
    with pytest.raises(gymnasium.error.ResetNeeded):
        vector.step(np.zeros((2, 2)))
    first, second = vector.reset()[0], vector.reset()[0]
    assert len(np.unique(np.concatenate([first, second]), axis=0)) == 4
    with pytest.raises(ValueError, match="3 seeds for 2"):
        vector.reset(seed=[1, 2, 3])


@every_task
def test_the_registered_version_follows_the_tasks(environment):
    assert gymnasium.spec(environment).version == source.declared(FACTORIES[environment]).version - 1


def test_every_factory_is_registered_and_every_difference_is_of_a_task():
    assert set(factories.tasks()) - set(FACTORIES.values()) == {"maac/double-integrator", "no-simulation"}
    tasks = {make(environment).id for environment in FACTORIES}
    assert len(tasks) == len(FACTORIES)
    with_options = {"svg/hand-noise-2", "svg/hand-noise-4", "svg/cart-pole-applied"}  # registered tasks, other options
    named = {task for difference in differences.DIFFERENCES for task in difference.tasks}
    assert named == tasks | with_options <= tasks | {t.id for e in reproduce.experiments().values() for t in e.tasks}
    assert {d.id for d in differences.of(("poplin/swimmer",))} > {"swimmer-model", "mujoco-release"}
    assert "contact-forces" not in {d.id for d in differences.of(("poplin/swimmer",))}


def test_importing_the_tasks_imports_no_physics_and_no_torch():
    code = "import sys, svgbench.tasks; print({'mujoco', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
