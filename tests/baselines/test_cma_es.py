"""The package's own answers, seed by seed, through states of plain numbers."""

from __future__ import annotations

import builtins
import math

import numpy as np
import pytest
import torch
from learner_laws import each_agrees_alone_and_in_a_block, resumes_after_every_slice

from svgbench.baselines.search.cma_es import CMA, PROFILES, Config, make, package
from svgbench.nn.streams import Streams
from svgbench.tasks.trpo.cart_pole import make_cart_pole

SEEDS = [11, 3, 8, 20, 5]
SMALL = {"simulations": 10, "hidden": (), "sigma0": 0.3, "steps_per_slice": 6}


def trained(learner):
    return [learner.agent.search.mean]


def sphere(theta):
    return -(theta - 0.7).square().sum(2)


def test_without_the_package_the_error_names_the_extra(monkeypatch):
    found = builtins.__import__

    def missing(name, *args, **more):
        if name == "cma":
            raise ModuleNotFoundError("No module named 'cma'", name="cma")
        return found(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'svgbench\[cma\]'") as said:
        make(SMALL, make_cart_pole(horizon=12), [0], {"iterations": 1}, "cpu")
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("population", ["all", "default"])
def test_each_seed_is_the_package_asked_and_told(population):
    cma = pytest.importorskip("cma")
    c, first = Config(simulations=24, population=population), torch.linspace(-1, 1, 10, dtype=torch.float64).view(2, 5)
    search = CMA(c, first, [3, 8])
    found = []
    for _ in range(30):
        search.tell(sphere(search.ask()))
        found.append(search.mean)
    for s, seed in enumerate((3, 8)):
        stream = Streams([seed], "candidates")
        options = {"randn": lambda *n, own=stream: own.normal(n, dtype=torch.float64)[0].numpy(), "seed": math.nan}
        size = {"popsize": 24} if population == "all" else {}
        strategy = cma.CMAEvolutionStrategy(first[s].numpy(), 0.1, {**options, **size, "verbose": -9})
        assert strategy.popsize == (24 if population == "all" else 8)
        for mean in found:
            asked = strategy.ask(number=24)
            strategy.tell(asked, [float(((theta - 0.7) ** 2).sum()) for theta in asked])
            np.testing.assert_allclose(mean[s], strategy.mean, rtol=1e-9, atol=1e-12)
    assert sphere(found[-1][:, None]).min() > -0.01


def test_numpy_s_own_generator_is_left_alone():
    pytest.importorskip("cma")
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    search = CMA(Config(simulations=8), torch.zeros(1, 3, dtype=torch.float64), [3])
    for _ in range(5):
        search.tell(sphere(search.ask()))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_a_seed_alone_and_in_a_block_of_five_agree(dtype, tolerance):
    pytest.importorskip("cma")

    def make_of(seeds):
        return make({**SMALL, "dtype": dtype}, make_cart_pole(horizon=12), seeds, {"iterations": 50}, "cpu")

    each_agrees_alone_and_in_a_block(make_of, lambda one: one.agent.search.mean, SEEDS, SEEDS[:2], tolerance)


def test_resuming_in_the_middle_of_an_iteration_is_exact():
    pytest.importorskip("cma")
    task, budget = make_cart_pole(horizon=30), {"iterations": 5}
    resumes_after_every_slice(lambda: make(SMALL, task, [3, 8], budget, "cpu"), trained)


def test_the_default_population_is_the_package_s_unless_there_are_fewer_samples():
    cma = pytest.importorskip("cma")
    first = torch.zeros(1, 364, dtype=torch.float64)
    default = cma.CMAEvolutionStrategy(first[0].numpy(), 0.1, {"verbose": -9, "seed": math.nan}).popsize
    for n, size in ((400, default), (8, 8)):
        search = CMA(Config(simulations=n, population="default"), first, [3])
        search.tell(sphere(search.ask()))
        assert search.strategies[0].popsize == size


def test_the_state_of_another_version_of_the_package_is_refused():
    pytest.importorskip("cma")
    search = CMA(Config(simulations=8), torch.zeros(1, 3, dtype=torch.float64), [3])
    with pytest.raises(ValueError, match=f"of cma 0.92, and cma {package().__version__}"):
        search.load_state_dict({**search.state_dict(), "cma": "0.92"})


def test_profiles_are_readings_of_one_config():
    assert PROFILES["text"] == {}
    for name, value in PROFILES["code"].items():
        assert getattr(Config(**PROFILES["code"]), name) == value
        assert getattr(Config(), name) != value
