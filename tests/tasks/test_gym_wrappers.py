"""The vector environments under gymnasium's own wrappers, beside gymnasium's own vector of our single ones."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from every_task import FACTORIES
from gymnasium import wrappers
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import vector as vector_wrappers

SWIMMER, HOPPER, ARM = "svgbench/gymnasium-swimmer-v0", "svgbench/gymnasium-hopper-v0", "svgbench/svg-reacher-moving-v0"
every_task = pytest.mark.parametrize("environment", FACTORIES)
every_mode = pytest.mark.parametrize("mode", AutoresetMode)


def pair(environment, mode, N=3, **options):
    """Ours, and gymnasium's vector of single ones."""
    ours = gymnasium.make_vec(environment, N, autoreset_mode=mode, **options)
    theirs = gymnasium.make_vec(
        environment, N, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}, **options
    )
    return ours, theirs


def assert_equal(ours, theirs):
    """Nested dicts, tuples and arrays, of objects too, are equal bit for bit."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert_equal(ours[key], theirs[key])
    elif isinstance(ours, tuple | list) or (ours is not None and np.asarray(ours).dtype.kind == "O"):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_equal(one, other)
    else:
        np.testing.assert_array_equal(ours, theirs)


def walk(envs, T, seed=0, mask=False):
    """Step all with the same actions; what they give is equal. Without autoreset, `mask` resets what has ended."""
    rng = np.random.default_rng(seed)
    ends = 0
    for _ in range(T):
        actions = rng.uniform(-1, 1, envs[0].action_space.shape).astype(np.float32)
        given = [env.step(actions) for env in envs]
        for other in given[1:]:
            assert_equal(given[0], other)
        ended = given[0][2] | given[0][3]
        ends += ended.sum()
        if mask and ended.any():
            assert_equal(*(env.reset(options={"reset_mask": ended.copy()}) for env in envs))
    return ends


@every_mode
@pytest.mark.parametrize("environment", [SWIMMER, HOPPER, ARM])
def test_every_autoreset_mode_is_gymnasiums(environment, mode):
    envs = pair(environment, mode, max_episode_steps=7)
    assert envs[0].metadata["autoreset_mode"] == mode
    assert_equal(*(env.reset(seed=3) for env in envs))
    assert envs[0].np_random_seed == envs[1].np_random_seed == (3, 4, 5)
    assert walk(envs, 40, mask=mode == AutoresetMode.DISABLED) > 10


def test_the_default_mode_is_gymnasiums():
    assert gymnasium.make_vec(SWIMMER, 2).metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP


def test_a_failure_is_told_as_gymnasium_tells_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes a log file
    for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
        envs = pair(SWIMMER, mode, max_episode_steps=5)
        for env in envs:
            env.reset(seed=0)
        for simulations in (envs[0].unwrapped._simulations, envs[1].envs[1].unwrapped._simulations):
            simulations._qvel[len(simulations) // 2] = 1e12  # unstable
        walk(envs, 6)


@every_mode
def test_some_simulations_are_reset_and_some_are_given_seeds(mode):
    envs = pair(HOPPER, mode, max_episode_steps=6)
    assert_equal(*(env.reset(seed=[5, 1, 9]) for env in envs))
    walk(envs, 4)
    assert_equal(*(env.reset(options={"reset_mask": np.array([True, False, True])}) for env in envs))
    walk(envs, 2, seed=1)
    mask = np.array([True, True, False])
    assert_equal(*(env.reset(seed=[None, 12, 13], options={"reset_mask": mask.copy()}) for env in envs))
    assert envs[0].np_random_seed == (5, 12, 9)
    walk(envs, 3, seed=2, mask=mode == AutoresetMode.DISABLED)
    assert_equal(*(env.reset(seed=[None, None, 2]) for env in envs))
    walk(envs, 12, seed=3, mask=mode == AutoresetMode.DISABLED)


@every_task
def test_a_simulation_that_keeps_its_seed_goes_on(environment):
    vector, alone = gymnasium.make_vec(environment, 3), gymnasium.make_vec(environment, 3)
    for env in (vector, alone):
        env.reset(seed=1)
    rng = np.random.default_rng(0)
    for t in range(12):
        if t == 5:
            vector.reset(seed=[None, 77, None], options={"reset_mask": np.array([False, True, False])})
        actions = rng.uniform(-1, 1, vector.action_space.shape)
        one, other = vector.step(actions), alone.step(actions)
        for kept in (0, 2):
            assert_equal([field[kept] for field in one[:4]], [field[kept] for field in other[:4]])
    assert not np.array_equal(one[0][1], other[0][1])


def test_seeds_and_masks_that_are_none_are_refused():
    env = gymnasium.make_vec(SWIMMER, 2)
    first = np.array([True, False])
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.reset(options={"reset_mask": first})
    env.reset(seed=0)
    for wrong in (np.array([1, 0]), [True, False], "all"):
        with pytest.raises(TypeError, match="NumPy array of bool"):
            env.reset(options={"reset_mask": wrong})
    for wrong in (np.array([True]), np.array([False, False])):
        with pytest.raises(ValueError, match="expected 2 entries, one of them True"):
            env.reset(options={"reset_mask": wrong})
    for wrong in (-1, np.int64(3), 1.5, [0, -1], [np.int64(1), None], "s"):
        with pytest.raises((gymnasium.error.Error, ValueError)):
            env.reset(seed=wrong)
    with pytest.raises(ValueError, match="1 seeds for 2"):
        env.reset(seed=[1])
    options = {"reset_mask": first}
    env.reset(options=options)
    assert "reset_mask" in options, "the caller's dict is the caller's"
    for wrong in (0, -2, 2.5, "9"):
        with pytest.raises((ValueError, TypeError), match="max_episode_steps"):
            gymnasium.make_vec(SWIMMER, 2, max_episode_steps=wrong)


def truncated_at(env, cap):
    env.reset(seed=0)
    nothing = np.zeros(env.action_space.shape, dtype=np.float32)
    for t in range(1, cap + 1):
        if np.any(env.step(nothing)[3]):
            return t
    return None


@pytest.mark.parametrize(("steps", "expected"), [(40, 40), (1500, 1500), (-1, None), (None, 1000)])
def test_a_time_limit_is_the_callers(steps, expected):
    limit = {} if steps is None else {"max_episode_steps": steps}
    cap = 1501
    assert truncated_at(gymnasium.make(SWIMMER, **limit), cap) == expected
    assert truncated_at(gymnasium.make_vec(SWIMMER, 2, **limit), cap) == expected
    if steps is None:
        assert truncated_at(gymnasium.make_vec(SWIMMER, 2, max_episode_steps=None), cap) == expected
    assert truncated_at(gymnasium.make_vec(SWIMMER, 2, vectorization_mode="sync", **limit), cap) == expected


@every_task
def test_a_bare_environment_has_no_limit_and_its_registered_one_is_the_tasks(environment):
    env = gymnasium.make(environment)
    assert env.spec.max_episode_steps == env.unwrapped.task.horizon
    assert gymnasium.make(env.spec).spec == env.spec
    env.unwrapped.reset(seed=0)
    env.unwrapped._simulations._elapsed[:] = 10**7
    assert not env.unwrapped.step(np.zeros(env.action_space.shape))[3]


def test_a_bare_environment_is_stepped_after_its_end():
    env = gymnasium.make(HOPPER).unwrapped
    env.reset(seed=0)
    falls = [env.step(np.ones(3))[2] for _ in range(200)]
    assert falls[-1], "full strength makes it fall"
    reset, _ = env.reset()
    assert not env.step(np.zeros(3))[2]
    assert np.abs(reset).max() < 2
    short = gymnasium.make(SWIMMER, horizon=3).unwrapped
    short.reset(seed=0)
    assert [short.step(np.zeros(2))[3] for _ in range(5)] == [False, False, True, True, True]


@every_task
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])  # noqa: S301
def test_a_copy_goes_on_where_the_original_is(environment, duplicate):
    env = gymnasium.make(environment, max_episode_steps=8)
    env.reset(seed=4)
    env.action_space.seed(1)
    for _ in range(3):
        env.step(env.action_space.sample())
    twin = duplicate(env)
    for _ in range(3):
        for _ in range(5):
            actions = [e.action_space.sample() for e in (env, twin)]
            assert_equal(*[e.step(a) for e, a in zip((env, twin), actions, strict=True)])
        assert_equal(env.reset(), twin.reset())
    assert env.unwrapped.np_random_seed == twin.unwrapped.np_random_seed
    vector = gymnasium.make_vec(environment, 2, max_episode_steps=4, autoreset_mode="SameStep")
    assert duplicate(vector).reset(seed=1)[0].shape == vector.reset(seed=1)[0].shape  # before a reset too
    walk([vector], 6)
    walk([vector, duplicate(vector)], 6)


def wrapped(names, args):
    return [pytest.param(name, args.get(name, ()), id=name) for name in names]


VECTOR = ["RecordEpisodeStatistics", "NormalizeObservation", "NormalizeReward", "TransformObservation"]
VECTOR += ["FlattenObservation", "RescaleAction", "ClipAction", "DtypeObservation", "DictInfoToList"]
VECTOR_ARGS = {
    "TransformObservation": (lambda x: 2 * x,),
    "RescaleAction": (np.float32(-2), np.float32(2)),
    "DtypeObservation": (np.float32,),
}


@pytest.mark.parametrize(("name", "args"), wrapped(VECTOR, VECTOR_ARGS))
def test_gymnasiums_vector_wrappers_take_it(name, args):
    wrapper = getattr(vector_wrappers, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a precision lowered by float32, which is asked for
        envs = [wrapper(env, *args) for env in pair(SWIMMER, AutoresetMode.NEXT_STEP, max_episode_steps=4)]
    first = [env.reset(seed=2) for env in envs]
    assert_equal(first[0][0], first[1][0])
    rng = np.random.default_rng(0)
    for _ in range(11):
        action = rng.uniform(-1, 1, (3, 2)).astype(np.float32)
        given = [env.step(action) for env in envs]
        for infos in (g[4] for g in given):
            if "episode" in infos:
                del infos["episode"]["t"]  # a clock's
        assert_equal(*(list(g[:4]) for g in given))
        assert_equal(given[0][4], given[1][4])


SINGLE = ["RecordEpisodeStatistics", "NormalizeObservation", "NormalizeReward", "ClipAction", "RescaleAction"]
SINGLE += ["FlattenObservation", "TimeAwareObservation", "FrameStackObservation", "DtypeObservation", "Autoreset"]
SINGLE += ["PassiveEnvChecker"]
SINGLE_ARGS = {"RescaleAction": (-2.0, 2.0), "FrameStackObservation": (2,), "DtypeObservation": (np.float32,)}


@pytest.mark.parametrize(("name", "args"), wrapped(SINGLE, SINGLE_ARGS))
def test_gymnasiums_wrappers_take_it(name, args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = getattr(wrappers, name)(gymnasium.make(HOPPER, max_episode_steps=4), *args)
    observation, _ = env.reset(seed=0)
    for t in range(4):
        observation, _, _, truncated, _ = env.step(np.zeros(3, dtype=np.float32))
        assert observation in env.observation_space
        assert truncated == (t == 3)


@pytest.fixture
def opengl():
    from svgbench.tasks.rendering import Renderer

    try:
        Renderer(gymnasium.make(SWIMMER).unwrapped.task.model, 32).close()
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.mark.filterwarnings("ignore:.*not in the possible render_modes")
def test_render_modes():
    assert gymnasium.make(SWIMMER, render_mode=None).render_mode is None
    for environment, mode in ((SWIMMER, "vector_art"), ("svgbench/svg-hand-v0", "rgb_array")):
        for make in (gymnasium.make, gymnasium.make_vec):
            with pytest.raises(ValueError, match=f"is '{mode}', expected None"):
                make(environment, render_mode=mode)
    env = gymnasium.make(SWIMMER)
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="without a render mode"):
        assert env.render() is None


@pytest.mark.usefixtures("opengl")
def test_a_picture_shows_the_robot_where_it_is():
    env = gymnasium.make(HOPPER, render_mode="rgb_array")
    assert env.metadata["render_fps"] == 125
    env.reset(seed=0)
    first = env.render()
    assert (first.shape, first.dtype) == ((480, 480, 3), np.uint8)
    np.testing.assert_array_equal(first, env.render())
    plain = gymnasium.make(HOPPER)
    plain.reset(seed=0)
    for _ in range(10):
        assert_equal(env.step(np.ones(3)), plain.step(np.ones(3)))  # a picture changes no number
        last = env.render()
    assert (np.abs(last.astype(int) - first) > 20).mean() > 0.005, "a leg has moved"
    twin = copy.deepcopy(env)
    np.testing.assert_array_equal(twin.render(), last)
    env.close()
    frames = wrappers.RenderCollection(gymnasium.make(HOPPER, render_mode="rgb_array"))
    frames.reset(seed=0)
    assert len(frames.render()) == 1
    vector = gymnasium.make_vec(HOPPER, 2, render_mode="rgb_array")
    vector.reset(seed=0)
    np.testing.assert_array_equal(vector.render()[0], first)
    vector.close()


@pytest.mark.parametrize("steps", [0, -3, 2.5, True])
def test_a_horizon_that_is_none_is_refused(steps):
    expected = TypeError if isinstance(steps, float | bool) else ValueError
    with pytest.raises(expected, match="horizon is"):
        gymnasium.make(SWIMMER, horizon=steps)
    with pytest.raises(expected, match="horizon is"):
        gymnasium.make_vec(SWIMMER, num_envs=2, horizon=steps)


FORKED = """
import gc, os, sys
import gymnasium
env = gymnasium.make_vec(sys.argv[1], num_envs=4, threads=2)
env.reset(seed=0)
cycle = [env]
cycle.append(cycle)
if (child := os.fork()) == 0:
    del env, cycle
    gc.collect()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_process_may_free_what_had_threads():
    """As gymnasium's AsyncVectorEnv forks. The threads stay behind: a child that waits for them hangs, or is ended."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED, f"svgbench.tasks:{SWIMMER}"], check=True, timeout=60)
