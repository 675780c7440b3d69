"""Algorithm 1 against a plain transcription, its noise, seeds, resumption, and a cart-pole that it balances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learner_laws import each_agrees_alone_and_in_a_block, finish, resumes_after_every_slice

from svgbench.baselines.search.cross_entropy import PROFILES, Config, CrossEntropy, make
from svgbench.planning.cross_entropy import elite_moments, extra_variance
from svgbench.tasks.trpo.cart_pole import make_cart_pole

SEEDS = [11, 3, 8, 20, 5]
SMALL = {"simulations": 12, "elite_fraction": 0.25, "hidden": (3,), "init_std_parameters": 0.3, "steps_per_slice": 6}


def trained(learner):
    return [learner.agent.search.mean]


def test_elite_moments_are_those_of_the_best():
    rng = np.random.default_rng(0)
    candidates, returns = rng.standard_normal((3, 20, 4)), rng.standard_normal((3, 20))
    mean, variance = elite_moments(torch.from_numpy(candidates), torch.from_numpy(returns), 4)
    for s in range(3):
        elite = np.array([theta for _, theta in sorted(zip(returns[s], candidates[s].tolist(), strict=True))][-4:])
        np.testing.assert_allclose(mean[s], elite.mean(0), rtol=1e-12)
        np.testing.assert_allclose(variance[s], elite.var(0), rtol=1e-12)
    first, _ = elite_moments(torch.arange(6.0)[None, :, None], torch.tensor([[1.0, 0, 1, 1, 1, 0]]), 3)
    assert first.item() == pytest.approx(5 / 3)  # of equals 0, 2, 3


def test_extra_noise_at_the_ends_of_its_schedule():
    assert extra_variance(0.2, 0, 20, "linear") == pytest.approx(0.04)
    assert extra_variance(0.2, 10, 20, "linear") == pytest.approx(0.02)
    assert extra_variance(0.2, 19, 20, "linear") == pytest.approx(0.002)
    assert [extra_variance(0.2, t, 20, "linear") for t in (20, 21, 500)] == [0, 0, 0]
    assert [extra_variance(0.2, t, 20, "step") / 0.2**2 for t in (0, 19, 20, 500)] == [1, 1, 0, 0]
    assert extra_variance(0.2, 0, 0, "linear") == 0.0


@pytest.mark.parametrize("schedule", ["linear", "step"])
def test_a_run_is_algorithm_1_transcribed(schedule):
    """Same unit normals; returns -|theta - best|^2, up to a seed's own optimum."""
    c = Config(simulations=40, extra_iterations=5, extra_std=0.5, init_std_parameters=0.8, extra_schedule=schedule)
    best = torch.linspace(-1, 1, 6, dtype=torch.float64).view(2, 1, 3)
    search = CrossEntropy(c, torch.zeros(2, 3, dtype=torch.float64), [3, 8])
    mu, sigma = np.zeros((2, 3)), np.full((2, 3), 0.64)
    for t in range(9):
        theta = search.ask()
        z = {"linear": max(1 - t / 5, 0), "step": float(t < 5)}[schedule]
        unit = (theta.numpy() - mu[:, None]) / np.sqrt(sigma + 0.25 * z)[:, None]
        assert abs(unit.mean()) < 0.3  # of 240 standard normals: 4.6 deviations
        assert abs(unit.std() - 1) < 0.25
        returns = -(theta - best).square().sum(2)
        search.tell(returns)
        for s in range(2):
            elite = theta.numpy()[s][np.argsort(-returns.numpy()[s])[:8]]
            mu[s], sigma[s] = elite.mean(0), elite.var(0)
        np.testing.assert_allclose(search.mean, mu, rtol=1e-12)


def test_it_finds_the_optimum_of_a_quadratic():
    c = Config(simulations=60, init_std_parameters=0.5, extra_std=0.2, extra_iterations=10)
    best = torch.tensor([[0.5, -1.0, 2.0, 0.0], [-1.5, 0.3, 0.0, 1.0]], dtype=torch.float64)
    search = CrossEntropy(c, torch.zeros(2, 4, dtype=torch.float64), [0, 1])
    for _ in range(40):
        search.tell(-(search.ask() - best[:, None]).square().sum(2))
    torch.testing.assert_close(search.mean, best, rtol=0, atol=1e-3)
    assert search.variance.max() < 1e-5


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_a_seed_alone_and_in_a_block_of_five_agree(dtype, tolerance):
    def make_of(seeds):
        return make({**SMALL, "dtype": dtype}, make_cart_pole(horizon=12), seeds, {"iterations": 50}, "cpu")

    each_agrees_alone_and_in_a_block(make_of, lambda one: one.agent.search.mean, SEEDS, SEEDS[:3], tolerance)


def test_resuming_in_the_middle_of_an_iteration_is_exact():
    task, budget = make_cart_pole(horizon=30), {"iterations": 4}
    resumes_after_every_slice(lambda: make(SMALL, task, [3, 8], budget, "cpu"), trained)


def test_it_learns_to_balance_a_pole():
    """200 steps are worth nearly 2000. The policies that are drawn first: 154 on average in the best of 20 seeds."""
    config = {
        "simulations": 40, "hidden": (), "observation_scaling": "random",
        "elite_fraction": 0.1, "init_std_parameters": 1.0, "extra_std": 0.5, "extra_iterations": 5,
    }  # fmt: skip
    rows = finish(make(config, make_cart_pole(horizon=200), [0, 1], {"iterations": 9}, "cpu"))
    for seed in (0, 1):
        returns = [row["return_mean"] for row in rows if row["seed"] == seed]
        assert returns[0] < 300
        assert returns[-1] > 1800


def test_profiles_are_readings_of_one_config():
    assert PROFILES["text"] == {}
    code = Config(**PROFILES["code"])
    assert code.init_std_parameters**2 == pytest.approx(0.1)
    for name, value in PROFILES["code"].items():
        assert getattr(Config(), name) != value


@pytest.mark.parametrize("fraction", [0.01, 1.1])
def test_an_elite_of_none_or_of_more_than_all_is_refused(fraction):
    with pytest.raises(ValueError, match="expected 1 to all of them"):
        CrossEntropy(Config(elite_fraction=fraction), torch.zeros(1, 2, dtype=torch.float64), [0])
