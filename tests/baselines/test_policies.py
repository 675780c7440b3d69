"""The trained policies that a learner returns act as the learner itself does without noise."""

from __future__ import annotations

import math
import tempfile
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from learner_laws import finish
from maac_kit import learner as model_based
from on_policy_kit import learner as on_policy
from point import Point
from sac_kit import tiny as online
from svg_kit import learner as value_gradients

from svgbench.baselines.actor_critic import sac, sac_svg
from svgbench.baselines.search import cma_es, cross_entropy
from svgbench.lab.policies import FORMAT, TEXTS, StoredPolicy, as_bytes, read
from svgbench.lab.source import declared
from svgbench.learners.study import GridStudy
from svgbench.policies import Policy, act
from svgbench.simulate.acting import ActionUnits
from svgbench.simulate.stepping import episode_returns

SEEDS = (0, 4)
ABOUT = {**dict.fromkeys(TEXTS, "x"), "format": FORMAT, "seed": 0, "task_options": {}}
OBSERVATIONS = np.random.default_rng(0).uniform(-3, 3, (len(SEEDS), 50, 3))


def assert_same(policies, actions, tolerance=2e-6):
    """policies: as handed over; actions [S, B, A]: the learner's own at `OBSERVATIONS`."""
    assert tuple(policies) == SEEDS
    for policy in policies.values():
        assert_stored(policy)
    for policy, obs, own in zip(policies.values(), OBSERVATIONS, actions, strict=True):
        np.testing.assert_allclose(act(policy, obs), own, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(act(policy, obs[0]), own[0], rtol=tolerance, atol=tolerance)
    assert np.ptp(actions) > 1e-3, "they depend on the observation"


def assert_stored(policy):
    """What is handed over can be read back."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed-0000.npz"
        path.write_bytes(as_bytes(StoredPolicy(policy, ABOUT)))
        found = read(path)
    np.testing.assert_equal(asdict(found.policy), asdict(policy))


def searched(module, **config):
    known = declared(f"{module.__name__}:make")
    layers = {"simulations": 6, "hidden": (4,), "path_length": 12, **config}
    made = known.config({name: value for name, value in layers.items() if name in known.types})
    return module.make(made, Point(), SEEDS, {"iterations": 3}, "cpu")


ONLINE = {
    "sac": lambda: online(SEEDS, 40, module=sac),
    "sac-text": lambda: online(SEEDS, 40, module=sac, profile="text"),
    "sac-svg": lambda: online(SEEDS, 40, module=sac_svg),
    "sac-unscaled": lambda: online(SEEDS, 40, module=sac, normalise_obs=False),
    "maac": lambda: model_based(SEEDS),
}


@pytest.mark.parametrize("name", ONLINE)
def test_online_learners(name):
    one = ONLINE[name]()
    finish(one)
    x = one.experience.normalise(torch.from_numpy(OBSERVATIONS).to(one.dtype))
    with torch.no_grad():
        own = ActionUnits(one.task)(one.agent.mode(x).double().numpy())
    assert_same(one.policies(), own)


@pytest.mark.parametrize("name", ["trpo", "trpo-code", "gae-steps", "gae-sb3", "vpg", "rwr", "natural"])
def test_on_policy_learners(name):
    one = on_policy(name, SEEDS, iterations=2)
    finish(one)
    mean = one.agent.snapshot().mean(one.sampler.scaling.apply(OBSERVATIONS, one.sampler.dtype))
    assert_same(one.policies(), ActionUnits(one.task)(mean.astype(np.float64)))


@pytest.mark.parametrize("module", [cma_es, cross_entropy], ids=lambda module: module.__name__.rpartition(".")[2])
@pytest.mark.parametrize("scaling", ["none", "running"])
def test_searches_hand_over_the_mean_of_their_distribution(module, scaling):
    one = searched(module, observation_scaling=scaling)
    finish(one)
    theta = one.agent.search.mean.to(one.agent.dtype)
    x = one.sampler.scaling.apply(OBSERVATIONS, np.dtype(str(one.agent.dtype).removeprefix("torch.")))
    assert_same(one.policies(), ActionUnits(one.task)(one.agent.policy.snapshot(theta).mean(x).astype(np.float64)))


@pytest.mark.parametrize("name", ["inf", "planner", "one-er", "zero", "dpg", "ac"])
def test_value_gradient_learners(name):
    one = value_gradients(name, SEEDS)
    finish(one)
    assert_same(one.policies(), one.sampler.units(one.agent.policy.snapshot().mean(OBSERVATIONS)))


@pytest.mark.skipif(find_spec("sb3_contrib") is None, reason="needs the extra svgbench[crosscheck]")
def test_the_library_s_policy_clips_as_the_library_does():
    from svgbench.baselines.on_policy import sb3_trpo
    from svgbench.tasks.gymnasium import v5

    task = v5.make_swimmer(horizon=30)
    config = declared(f"{sb3_trpo.__name__}:make").config({"timesteps": 64, "value_batch": 32})
    one = sb3_trpo.make(config, task, [3], {"iterations": 1}, "cpu")
    finish(one)
    obs = np.random.default_rng(1).normal(0, 30, (40, task.observation_dim))
    own = one.learners[3].model.predict(obs, deterministic=True)[0]
    action = act(one.policies()[3], obs)
    assert_stored(one.policies()[3])
    np.testing.assert_allclose(action, own, rtol=1e-5, atol=1e-6)


def test_a_seed_that_diverged_has_none():
    one = online(SEEDS, 40, module=sac)
    finish(one)
    one.mark_diverged(np.array([False, True]), "step 40: a test")
    assert list(one.policies()) == [4]


def test_a_state_handed_over_does_not_change_with_the_learner():
    one = on_policy("trpo", SEEDS, iterations=2)
    before, again = one.policies()[0], one.policies()[0]
    finish(one)
    assert not np.array_equal(before.weights[0], one.policies()[0].weights[0])
    np.testing.assert_array_equal(before.weights[0], again.weights[0])


def test_the_last_evaluation_can_be_repeated_with_the_policy():
    """On the evaluation's own episodes: the return is the CSV's, up to the rounding of a batch of other size."""
    one = online(SEEDS, 80, module=sac, eval_every=40, eval_episodes=3)
    rows = finish(one)
    evaluations = len(rows) // len(SEEDS)
    for seed, policy in one.policies().items():
        simulations = one.task.simulate([seed], 3, "evaluation", 1, autoreset=False)
        for _ in range(evaluations - 1):
            simulations.reset()
        returns = episode_returns(simulations, lambda obs, policy=policy: act(policy, obs))
        assert returns.mean() == pytest.approx(rows[-2 + SEEDS.index(seed)]["eval_return"], rel=1e-4)
        assert math.isfinite(returns.mean())


@pytest.mark.skipif(find_spec("stable_baselines3") is None, reason="needs the extra svgbench[crosscheck]")
def test_stable_baselines3_evaluates_a_policy_as_the_learner_did():
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor

    from svgbench.tasks.poplin.robots import make_cheetah

    one = online([5], 40, module=sac, task=make_cheetah(horizon=20), eval_episodes=20)
    row = finish(one)[-1]
    about = {"factory": "poplin/cheetah", "task_options": {"horizon": 20}}
    policy = Policy(StoredPolicy(one.policies()[5], about), None)
    mean, deviation = evaluate_policy(policy, Monitor(policy.env()), n_eval_episodes=20)
    assert deviation == pytest.approx(row["eval_return_sd"], rel=1.0)
    assert abs(mean - row["eval_return"]) < 4 * row["eval_return_sd"] * (2 / 20) ** 0.5


def test_a_study_hands_over_none():
    assert not hasattr(GridStudy, "policies")


def test_another_width_is_refused_by_its_shape():
    policy = on_policy("vpg", SEEDS, iterations=1).policies()[0]
    with pytest.raises(ValueError, match=r"an observation of shape \[4\], expected \[..., 3\]"):
        act(policy, np.zeros(4))
