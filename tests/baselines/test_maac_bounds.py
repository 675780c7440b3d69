"""The study of MAAC's bounds against finite differences, integrals and sums over grids."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from learner_laws import finish

from svgbench.baselines.actor_critic import maac_bounds as study
from svgbench.reproduce.maac.experiments import BOUNDS
from svgbench.tasks.maac import double_integrator
from svgbench.tasks.maac import linear_quadratic as lqr

TASKS = {t.id: t.options for t in BOUNDS.tasks}
NEAR = double_integrator.make_double_integrator(gamma=0.9, gain=(0.25, 0.55), sigma=1.0, horizon=25)


def learner(seeds=(4,), problems=3, task=NEAR, **config):
    return study.make(config, task, list(seeds), {"problems": problems}, "cpu")


def objective(task, f, W, gain, horizon, start):
    """E[sum_{t<H} gamma^t r + gamma^H Q], from second moments (NumPy), for a linear model f and a quadratic Q."""
    n = len(start)
    A, B = f[:, :n], f[:, n:]
    X, total = np.outer(start, start), 0.0
    for t in range(horizon + 1):
        noise = task.sigma**2 * np.eye(1)
        joint = np.block([[X, -X @ gain.T], [-gain @ X, gain @ X @ gain.T + noise]])
        if t == horizon:
            return total - 0.5 * task.gamma**t * np.trace(W @ joint)
        total -= 0.5 * task.gamma**t * (np.trace(task.lq.Q @ X) + np.trace(task.lq.R @ joint[n:, n:]))
        X = (A - B @ gain) @ X @ (A - B @ gain).T + B @ noise @ B.T


@pytest.mark.parametrize("place", range(len(study.HORIZONS)))
def test_means_over_signs_are_the_gradients_of_second_moments(place):
    """Finite differences of a quadratic form of moments: no path, no back-propagation."""
    a_learner = learner()
    f, W = a_learner.draw(4)
    gradient = study.sign_paths(NEAR, f, W).gradient.mean(2)[:, place]
    for d in range(3):
        for p in range(2):
            ends = []
            for way in (-1, 1):
                gain = NEAR.gain.copy()
                gain[0, p] += way * 1e-5
                value = objective(NEAR, f[d].numpy(), W[d].numpy(), gain, study.HORIZONS[place], NEAR.start)
                ends.append(value)
            assert gradient[d, p].item() == pytest.approx((ends[1] - ends[0]) / 2e-5, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("options", TASKS.values(), ids=TASKS)
def test_with_the_true_model_and_critic_they_are_the_closed_form(options):
    task = double_integrator.make_double_integrator(**options)
    gradient = learner(task=task).true.gradient.mean(2)[0]
    moment = np.outer(task.start, task.start)
    for place, H in enumerate(study.HORIZONS):
        exact = lqr.objective_gradient(task.lq, task.gain, task.sigma, moment, H)[0]
        assert gradient[place].numpy() == pytest.approx(exact, rel=1e-9, abs=1e-9)


def test_the_expectation_on_a_grid_of_noise_is_the_mean_over_signs():
    """H = 1: both noises on a grid from -8 to 8, weighted by the normal density."""
    f, W = learner().draw(4)
    grid = np.linspace(-8, 8, 161)
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi) * (grid[1] - grid[0])
    first, second = (torch.from_numpy(x.ravel()) for x in np.meshgrid(grid, grid, indexing="ij"))
    weight = torch.from_numpy(np.outer(density, density).ravel())
    noise = torch.stack([first, second])[None, :, :, None]  # (1, T, N, 1)
    start = torch.from_numpy(NEAR.start).expand(1, len(first), -1)
    paths = study.follow(
        NEAR, lambda t, x: x @ f[0].T, lambda x: -0.5 * (x @ W[0] * x).sum(-1), start, noise, (0, 1)
    )  # fmt: skip
    on_grid = (paths.gradient[0, 1] * weight[:, None]).sum(0)
    assert torch.allclose(on_grid, study.sign_paths(NEAR, f, W).gradient[0, 1].mean(0), rtol=1e-9)


def test_errors_have_the_declared_size_and_the_same_draw_serves_all_variants():
    f, W = learner().draw(4)
    only_f, true_W = learner(wrong="model").draw(4)
    true_f, only_W = learner(wrong="critic").draw(4)
    a_learner = learner()
    assert np.linalg.norm((f - a_learner.f).numpy(), ord=2, axis=(1, 2)) == pytest.approx(0.01)
    share = np.linalg.norm((W - a_learner.W).numpy(), ord=2, axis=(1, 2)) / np.linalg.norm(a_learner.W.numpy(), 2)
    assert share == pytest.approx(0.1)
    assert torch.equal(f, only_f)
    assert torch.equal(W, only_W)
    assert torch.allclose(W, W.mT)
    assert torch.equal(true_f[0], a_learner.f)
    assert torch.equal(true_W[0], a_learner.W)


def test_the_largest_distance_is_that_of_densities_on_a_grid():
    """Half the integral of |difference of densities|, in every state of a grid over the box."""
    difference, box, sigma = np.array([[0.3, -0.2]]), np.array([2.0, 1.0]), 0.7
    u = np.linspace(-8, 8, 4001)

    def density(mean):
        return np.exp(-(((u - mean) / sigma) ** 2) / 2) / (sigma * math.sqrt(2 * math.pi))

    largest = 0.0
    for s in [np.array([x, v]) for x in np.linspace(-2, 2, 9) for v in np.linspace(-1, 1, 9)]:
        gap = np.abs(density(-(difference[0] @ s)) - density(0.0)).sum() * (u[1] - u[0]) / 2
        largest = max(largest, gap)
    assert study.largest_distance(difference, box, sigma) == pytest.approx(largest, rel=1e-5)


def test_without_a_box_the_distance_is_1_and_the_boxs_constant_is_exceeded():
    """Why Lemma 4.2 asks for bounded states."""
    row = next(r for r in finish(learner(problems=1)) if r["alpha"] == 1e-6 and r["horizon"] == 3)
    a_learner = learner(problems=1)
    exact = a_learner.true.gradient.mean(2)[0, 3]
    estimate = study.sign_paths(NEAR, *a_learner.draw(4)).gradient.mean(2)[0, 3]
    apart = 1e-6 * (exact - estimate).numpy()[None]
    assert study.largest_distance(apart, np.array([6.0, 3.0]), 1.0) == pytest.approx(row["distance"])
    assert row["distance_bound"] < 1e-3
    assert study.largest_distance(apart, np.array([1e8, 1e8]), 1.0) == pytest.approx(1.0)


def test_losses_and_improvements_are_those_of_long_recursions():
    """J by 400 steps of second moments instead of a linear system."""

    def return_of(gain):
        return objective(NEAR, f.numpy(), np.zeros((3, 3)), gain, 400, NEAR.start)

    a_learner = learner(problems=1, reading="one-alpha")
    f = a_learner.f
    row = next(r for r in finish(a_learner) if r["alpha"] == 1e-2 and r["horizon"] == 2)
    exact = NEAR.gain + 1e-2 * a_learner.true.gradient.mean(2)[0, 2].numpy()
    wrong = NEAR.gain + 1e-2 * study.sign_paths(NEAR, *a_learner.draw(4)).gradient.mean(2)[0, 2].numpy()
    assert row["loss"] == pytest.approx(return_of(exact) - return_of(wrong), rel=1e-8)
    assert row["improvement"] == pytest.approx(return_of(wrong) - return_of(NEAR.gain), rel=1e-8)
    assert row["exact_improvement"] == pytest.approx(return_of(exact) - return_of(NEAR.gain), rel=1e-8)
    assert row["guaranteed"] == pytest.approx(row["exact_improvement"] - row["loss_bound"])


def test_the_readings_penalties_are_those_of_the_theorem():
    """r_max at the box's corner: (36 + 9 + 64) / 2; c_3 is sqrt(36 + 9) / 2."""
    rows = {reading: finish(learner(problems=1, reading=reading)) for reading in ("printed", "one-alpha", "corrected")}
    for printed, one, corrected in zip(*rows.values(), strict=True):
        alpha, c3 = one["alpha"], math.sqrt(45) / 2
        assert one["distance_bound"] == pytest.approx(alpha * c3 * one["gradient_bound"])
        assert one["loss_bound"] == pytest.approx(2 * 54.5 / 0.1 * one["distance_bound"])
        assert printed["loss_bound"] == pytest.approx(alpha * one["loss_bound"])
        assert corrected["loss_bound"] == pytest.approx(2 * 54.5 / 0.1**2 * corrected["distance_bound"])


def test_the_printed_lemma_is_its_last_line():
    """A transcription of the formula, H = 2, with constants read off the paths one by one."""
    a_learner, place, H = learner(problems=1), 2, 2
    true, learned = a_learner.true, study.sign_paths(NEAR, *a_learner.draw(4))
    both = [true.sensitivity[0], learned.sensitivity[0]]
    K = max(1.0, *(np.linalg.norm(x[t], 2, axis=(1, 2)).max() ** (1 / t) for x in both for t in (1, 2)))
    L = np.linalg.norm(a_learner.f, 2) * (1 + np.linalg.norm(NEAR.gain))
    L_q = max(np.linalg.norm(p.q_slope[0, place], axis=1).max() for p in (true, learned))
    eps_q = np.linalg.norm(true.q_slope[0, place] - learned.q_slope[0, place], axis=1).max()
    K_, KL = 0.9 * K, 0.9 * K * L
    c1 = L / (L - 1) * ((KL**H - 1) / (KL - 1) - (K_**H - 1) / (K_ - 1)) + L_q * (L**H - 1) / (L - 1) * K_**H
    bound = study.printed_lemma(true, learned, NEAR, study.HORIZONS)[0, place]
    assert bound.item() == pytest.approx(0.01 * c1 + eps_q * K_**H)


def test_as_printed_lemma_4_1_fails_at_h_0_for_a_made_critic():
    """A critic that is wrong by a (s_1 + s_2): from (1, 1), with hardly any noise, the gradient is wrong by 2 |s_0|."""
    task = double_integrator.make_double_integrator(gamma=0.9, gain=(0.0, 0.0), sigma=1e-3, horizon=25)
    a_learner = learner(problems=1, task=task)
    W = a_learner.W + torch.tensor([[0.0, 0, 1], [0, 0, 1], [1, 1, 0]])
    learned = study.sign_paths(task, a_learner.f[None], W[None])
    error = (a_learner.true.gradient.mean(2) - learned.gradient.mean(2))[0, 0].norm().item()
    printed = study.printed_lemma(a_learner.true, learned, task, study.HORIZONS)[0, 0].item()
    repaired = study.lemma(a_learner.true, learned, torch.from_numpy(task.gain), 0.9, study.HORIZONS).bound[0, 0].item()
    assert error == pytest.approx(2 * math.sqrt(2))
    assert printed == pytest.approx(2, rel=1e-5)
    assert repaired == pytest.approx(error, rel=1e-5)
    assert repaired >= error


def test_the_discount_of_the_printed_theorem_is_too_small_by_one_power():
    """A chain that a new policy leaves for good with probability d: J(old) - J(new), by summing visitations."""
    gamma, d = 0.9, 1e-4
    stay = (1 - d) ** np.arange(2000)
    new = (gamma ** np.arange(2000) * (stay - (1 - stay))).sum()  # reward 1 in the first state, -1 in the second
    loss = 1 / (1 - gamma) - new
    assert loss > 2 / (1 - gamma) * d * 8
    assert loss <= 2 / (1 - gamma) ** 2 * d


@pytest.mark.parametrize("options", TASKS.values(), ids=TASKS)
def test_which_bounds_hold_and_which_do_not(options):
    task = double_integrator.make_double_integrator(**options)
    rows = {r: finish(learner((0,), 20, task, reading=r)) for r in ("printed", "one-alpha", "corrected")}
    slacks = {reading: {r["alpha"]: 1.0 for r in found} for reading, found in rows.items()}
    for reading, found in rows.items():
        for r in found:
            slacks[reading][r["alpha"]] = min(slacks[reading][r["alpha"]], r["loss_slack"])
    assert min(slacks["one-alpha"].values()) > 0.9
    assert min(slacks["corrected"].values()) > 0.9
    assert slacks["printed"][1e-6] < -0.9
    assert slacks["printed"][1e-2] > 0
    assert min(min(r["gradient_slack"], r["distance_slack"]) for r in rows["corrected"]) > 0
    assert max(r["guaranteed"] for r in rows["corrected"]) < 0


def test_little_time_is_spent_outside_the_box_and_more_outside_a_smaller_one():
    """Against simulated paths of the policy, a smaller box than the experiment's."""
    box, rng = np.array([1.7, 1.1, 2.6]), np.random.default_rng(0)
    s, outside, weight = np.tile(NEAR.start, (20000, 1)), 0.0, 0.1
    for _ in range(150):
        u = -s @ NEAR.gain.T + rng.standard_normal((len(s), 1))
        outside += weight * (np.abs(np.hstack([s, u])) > box).sum(1).mean()
        s, weight = s @ NEAR.lq.A.T + u @ NEAR.lq.B.T, weight * 0.9
    assert 0.02 < outside < 1
    assert study.time_outside(NEAR, box) == pytest.approx(outside, abs=5e-3)
    for options in TASKS.values():
        assert learner(task=double_integrator.make_double_integrator(**options)).outside < 2e-4


def test_a_seed_alone_and_beside_others_agree_and_rows_are_as_declared():
    alone, together = finish(learner((4,))), finish(learner((3, 4)))
    assert alone == [r for r in together if r["seed"] == 4]
    assert {*alone[0]} == {"seed", "step", *(c.name for c in BOUNDS.columns)}
    assert all(math.isfinite(v) for r in alone for v in r.values())


def test_slack_is_a_share_and_zero_is_no_larger_than_zero():
    left, right = torch.tensor([0.0, 1.0, -2.0]), torch.tensor([0.0, 4.0, 1.0])
    assert study.sides("x", left, right)["x_slack"].item() == 0
    assert study.sides("x", left[1:], right[1:])["x_slack"].item() == pytest.approx(0.75)
    assert study.sides("x", left, right)["x_broken"].item() == 0
    assert study.sides("x", torch.tensor([4.0, 1.0]), torch.tensor([1.0, 1.0]))["x_broken"].item() == 0.5
    assert study.sides("x", torch.tensor([4.0]), torch.tensor([1.0]))["x_slack"].item() == pytest.approx(-0.75)


def test_a_policy_without_noise_is_refused():
    quiet = double_integrator.make_double_integrator(gamma=0.9, gain=(0.25, 0.55), sigma=0.0, horizon=25)
    with pytest.raises(ValueError, match="sigma is 0, expected a policy with noise"):
        learner(task=quiet)
