"""The cross-entropy search over sequences: against a transcription, on bowls with known optima, and its laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from svgbench.nn.streams import Streams
from svgbench.planning.action_sequences import SequencePlanner, SequenceSearch, box_variance, unit_noise

SEEDS = [11, 3, 8, 20, 5]
N, L, D = 3, 4, 2


def planner(seeds=SEEDS, **settings):
    return SequencePlanner(SequenceSearch(**settings), Streams(seeds, "plan"))


def start(S=5, mean=0.0, std=1.0, dtype=torch.float64):
    shape = (S, N, L, D)
    return torch.full(shape, mean, dtype=dtype), torch.full(shape, std, dtype=dtype)


def bowl(seeds=SEEDS, dtype=torch.float64):
    """Each seed's own optima [S, N, L, D], and a function for the returns of candidates."""
    best = torch.stack([torch.randn(N, L, D, generator=torch.Generator().manual_seed(s)) for s in seeds]).to(dtype)
    return best, lambda a: -(a - best[:, :, None]).square().sum((3, 4))


@pytest.mark.parametrize("sampling", ["normal", "truncated"])
@pytest.mark.parametrize("solution", ["mean", "best"])
def test_it_finds_the_optimum_of_a_bowl(sampling, solution):
    best, returns = bowl()
    tolerance = 1e-3 if solution == "mean" else 1e-2
    one = planner(iterations=25, sampling=sampling, solution=solution)
    found = one.plan(*start(std=2.0), returns)
    torch.testing.assert_close(found, best, rtol=0, atol=tolerance)


@pytest.mark.parametrize("cut", ["none", "box"])
@pytest.mark.parametrize("solution", ["mean", "best"])
def test_a_search_is_the_transcription_of_one_state_at_a_time(cut, solution):
    settings = {"population": 30, "elites": 4, "iterations": 3, "alpha": 0.3}
    best, returns = bowl()
    found = planner(variance_cut=cut, solution=solution, low=-1.5, high=2.0, **settings).plan(
        *start(mean=0.4, std=1.2), returns
    )
    noises = [Streams(SEEDS, "plan")] * 3
    noises = [stream.normal((N, 30, L, D), torch.float64).numpy() for stream in noises]
    for s in range(len(SEEDS)):
        for n in range(N):
            goal, m, v = best[s, n].numpy(), np.full((L, D), 0.4), np.full((L, D), 1.44)
            tried = []
            for noise in noises:
                limit = np.minimum(((m + 1.5) / 2) ** 2, ((2.0 - m) / 2) ** 2)
                drawn = m + np.sqrt(np.minimum(v, limit) if cut == "box" else v) * noise[s, n]
                tried += sorted(drawn, key=lambda a: ((a - goal) ** 2).sum())[:4]
                elite = np.array(tried[-4:])
                m, v = 0.3 * m + 0.7 * elite.mean(0), 0.3 * v + 0.7 * elite.var(0)
            nearest = min(tried, key=lambda a: ((a - goal) ** 2).sum())
            np.testing.assert_allclose(found[s, n], nearest if solution == "best" else m, rtol=1e-10)


def test_the_box_cuts_the_variance_and_squares_what_lies_outside():
    mean = torch.tensor([0.0, 0.5, -0.8, 1.0, 3.0])
    expected = torch.tensor([0.25, 0.0625, 0.01, 0.0, 1.0])  # of 3, beyond the box [-1, 1]: (-2 / 2)^2
    torch.testing.assert_close(box_variance(mean, torch.full((5,), 9.0), -1.0, 1.0), expected)
    torch.testing.assert_close(box_variance(mean[:1], torch.tensor([0.1]), -1.0, 1.0), torch.tensor([0.1]))


def test_truncated_noise_is_a_normal_within_two_deviations():
    noise = unit_noise(Streams([0, 1], "noise"), (50_000,), "truncated", torch.float32)
    assert noise.abs().max() <= 2
    density, inside = math.exp(-2) / math.sqrt(2 * math.pi), math.erf(math.sqrt(2))
    assert noise.var().item() == pytest.approx(1 - 4 * density / inside, abs=0.015)  # 0.774; 100,000 draws
    assert noise.mean().abs() < 0.015
    assert (noise.abs() < 1).float().mean().item() == pytest.approx(math.erf(math.sqrt(0.5)) / inside, abs=0.008)


@pytest.mark.parametrize("worst", [math.nan, math.inf, -math.inf])
def test_a_return_that_is_not_finite_counts_as_the_worst(worst):
    """The optimum is 1 everywhere, but candidates whose first action is above 0 return NaN."""
    for solution in ("mean", "best"):
        one = planner(iterations=15, population=100, elites=10, solution=solution)
        found = one.plan(*start(), lambda a: torch.where(a[..., 0, 0] > 0, worst, -(a - 1).square().sum((3, 4))))
        assert found[:, :, 0, 0].max() <= 0
        assert found[:, :, 0, 0].min() > -0.5
        assert (found[:, :, 1] - 1).abs().max() < 0.6


def test_a_plan_of_no_valid_return_stays_finite():
    assert planner().plan(*start(), lambda a: a.sum((3, 4)) * math.nan).isfinite().all()


@pytest.mark.parametrize("sampling", ["normal", "truncated"])
def test_a_seed_alone_plans_bit_for_bit_as_in_a_block(sampling):
    how = {"sampling": sampling, "variance_cut": "box", "population": 33, "elites": 7, "warm_start": True}
    together, returns = planner(**how), bowl(dtype=torch.float32)[1]
    plans = [together.plan(*start(dtype=torch.float32), returns) for _ in range(2)]
    assert plans[0].dtype == torch.float32
    for place, seed in enumerate(SEEDS):
        alone, own = planner([seed], **how), bowl([seed], torch.float32)[1]
        for plan in plans:
            assert torch.equal(alone.plan(*start(1, dtype=torch.float32), own)[0], plan[place])


def test_a_warm_start_is_the_last_solution_moved_by_a_step():
    first, second = torch.randn(2, len(SEEDS), N, L, D, dtype=torch.float64)
    nothing, returns = torch.zeros_like(first), bowl()[1]  # without deviation, a search ends where it starts
    moved = torch.cat([first[:, :, 1:], second[:, :, -1:]], 2)
    for warm, expected in ((True, moved), (False, second)):
        one = planner(warm_start=warm)
        torch.testing.assert_close(one.plan(first, nothing, returns), first)
        torch.testing.assert_close(one.plan(second, nothing, returns), expected)
        one.forget()
        torch.testing.assert_close(one.plan(second, nothing, returns), second)


def test_a_restored_planner_goes_on_bit_for_bit():
    one, again, returns = planner(warm_start=True), planner(warm_start=True), bowl()[1]
    again.load_state_dict(one.state_dict())  # before any plan
    one.plan(*start(), returns)
    state = one.state_dict()
    expected = one.plan(*start(), returns)
    again.plan(*start(mean=1.0), returns)
    again.load_state_dict(state)
    assert torch.equal(again.plan(*start(), returns), expected)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"population": 1}, "population is 1, expected at least 2"),
        ({"elites": 0}, "elites is 0, expected 1 to the population of 256"),
        ({"population": 20}, "elites is 25, expected 1 to the population of 20"),
        ({"iterations": 0}, "iterations is 0, expected at least 1"),
        ({"alpha": 1.0}, "alpha is 1.0, expected from 0 to below 1"),
        ({"low": 1.0}, "low is 1.0 and high 1.0, expected low < high"),
    ],
)
def test_settings_that_make_no_search_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        SequenceSearch(**wrong)
