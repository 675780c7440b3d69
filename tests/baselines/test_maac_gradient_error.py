"""The gradient-error study: its estimator, its laws, and that what it trains learns."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from learner_laws import agrees_alone_and_in_a_block, finish, resumes_after_every_slice

from svgbench.baselines.actor_critic import maac_gradient_error as study
from svgbench.baselines.actor_critic._pathwise import follow, lemma
from svgbench.reproduce.maac.experiments import FIG3
from svgbench.tasks.maac import double_integrator
from svgbench.tasks.maac import linear_quadratic as lqr

SMALL = {
    "stages": (50,),
    "horizons": (0, 1, 3, 6),
    "start_states": 8,
    "paths": 32,
    "members": 2,
    "model_hidden": (16, 16),
    "critic_hidden": (16, 16),
    "critic_updates_per_step": 1,
    "updates_per_slice": 20,
    "validate_every": 10,
}
BOTH = {"dynamics": "learned", "critic": "learned"}
SMOKE = FIG3.budget("smoke")


def task(gamma=0.9, gain=(0.25, 0.55), sigma=1.0, horizon=25):
    return double_integrator.make_double_integrator(gamma=gamma, gain=gain, sigma=sigma, horizon=horizon)


def learner(seeds=(0, 1, 2), total_steps=50, **config):
    return study.make({**SMALL, **BOTH, **config}, task(), seeds, {"total_steps": total_steps}, "cpu")


def trained(one):
    return [p.detach() for part in (one.critic, one.model) for p in part.parameters()]


def of(rows, **where):
    return [r for r in rows if all(r[name] == value for name, value in where.items())]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_a_seed_alone_and_in_a_block_of_five_agree(dtype, tolerance):
    agrees_alone_and_in_a_block(
        lambda seeds: learner(seeds, dtype=dtype), trained, lambda one: one.critic_adam.steps.min(), tolerance,
        exactly=50, abs=tolerance,
    )  # fmt: skip


def test_without_learning_only_the_truncation_is_left():
    t = task()
    rows = finish(learner(dynamics="true", critic="exact"))
    assert len(rows) == 3 * 2 * 2 * 4
    assert all(r["error"] == r["bound"] == r["standard_error"] == 0 for r in of(rows, target="objective"))
    exact = lqr.return_gradient(t.lq, t.gain, t.sigma, np.ones((2, 2)))
    for H in SMALL["horizons"]:
        gap = np.abs(lqr.objective_gradient(t.lq, t.gain, t.sigma, np.ones((2, 2)), H) - exact).sum()
        for r in of(rows, start="s0", target="policy", horizon=H):
            assert r["error"] == pytest.approx(gap, rel=1e-12)
            assert r["relative_error"] == pytest.approx(gap / np.abs(exact).sum(), rel=1e-12)
    # the exact gradient of the replay batch is taken for that batch
    assert len({r["error"] for r in of(rows, start="replay", target="policy", horizon=3)}) == 3


def test_plain_sampling_of_the_exact_functions_gives_the_closed_form():
    t, study_learner = task(), learner(dynamics="true", critic="exact")
    horizons = (0, 1, 3, 20)
    noise = torch.randn(1, 21, 20_000, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    start = torch.ones(1, 20_000, 2, dtype=torch.float64)
    paths = follow(t, study_learner._true_dynamics, study_learner._critic(), start, noise, horizons)
    for h, H in enumerate(horizons):
        sample = paths.gradient[0, h]
        error = (sample.std(0) / 20_000**0.5).numpy()
        exact = lqr.objective_gradient(t.lq, t.gain, t.sigma, np.ones((2, 2)), H)[0]
        assert (error < 0.1).all()
        assert (np.abs(sample.mean(0).numpy() - exact) < 4 * error).all()


def test_forward_derivatives_are_those_of_backpropagation():
    study_learner = learner()
    finish(study_learner)
    t, H, N = study_learner.task, 6, 32
    stream = torch.Generator().manual_seed(0)
    noise = torch.randn(3, H + 1, N, 1, generator=stream, dtype=torch.float64)
    model_noise = torch.randn(3, H, N, 2, generator=stream, dtype=torch.float64)
    s = torch.randn(3, N, 2, generator=stream, dtype=torch.float64)
    dynamics, critic = study_learner._dynamics(model_noise), study_learner._critic()
    forward = follow(t, dynamics, critic, s, noise, (0, H)).gradient[:, 1]
    gain = torch.tensor(t.gain).expand(3, N, 1, 2).clone().requires_grad_()  # a gain per path
    total = 0.0
    for k in range(H + 1):
        a = -(gain @ s[..., None]).squeeze(-1) + t.sigma * noise[:, k]
        x = torch.cat([s, a], -1)
        total = total + t.gamma**k * (t.reward_function(s, a) if k < H else critic(x))
        s = dynamics(k, x) if k < H else s
    (backward,) = torch.autograd.grad(total.sum(), gain)
    torch.testing.assert_close(forward, backward.squeeze(-2), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("start", study.STARTS)
def test_the_estimate_is_the_mean_over_paths_up_to_sampling(start, monkeypatch):
    """The exact gradient plus the mean difference, against the plain mean over many paths, states and members."""
    starts = []

    def recorded(task, dynamics, critic, first, noise, horizons):
        starts.append(first)
        return follow(task, dynamics, critic, first, noise, horizons)

    monkeypatch.setattr(study, "follow", recorded)
    study_learner = learner(paths=2048, start_states=8)
    rows = of(finish(study_learner), start=start, target="objective", horizon=3)
    states = starts[2 * study.STARTS.index(start)][:, :: 2048 // 8]  # (3, 8, 2)
    t, each = study_learner.task, 2048
    stream = torch.Generator().manual_seed(0)
    noise = torch.randn(3, 4, 8 * each, 1, generator=stream, dtype=torch.float64)
    model_noise = torch.randn(3, 3, 8 * each, 2, generator=stream, dtype=torch.float64)
    dynamics, first = study_learner._dynamics(model_noise), states.repeat_interleave(each, 1)
    paths = follow(t, dynamics, study_learner._critic(), first, noise, (3,)).gradient[:, 0]
    moment = torch.einsum("sbi,sbj->sij", states, states) / 8
    exact = torch.from_numpy(lqr.objective_gradient(t.lq, t.gain, t.sigma, moment.numpy(), 3)).flatten(1)
    error = (paths.mean(1) - exact).abs().sum(1)
    # states are fixed, so what they add to the spread is no sampling error
    plain = (paths.unflatten(1, (8, each)).std(2).square().mean(1) / (8 * each)).sqrt().sum(1)
    for r, e, deviation in zip(rows, error, plain, strict=True):
        assert e > 0.15  # far from exact, so agreement says something
        assert abs(r["error"] - float(e)) < 4 * (r["standard_error"] + float(deviation))
        assert r["standard_error"] + float(deviation) < 0.1


def test_resuming_after_every_slice_changes_nothing():
    def make():
        return learner(stages=(25, 50), held_out=0.4)

    resumes_after_every_slice(make, trained)
    assert make().progress[1] == 100 + 4  # gradient updates, two collections, two measurements


@pytest.mark.parametrize(("part", "reason"), [("r", "critic"), ("s_next", "critic|model")])
def test_a_diverged_seed_is_masked_and_does_not_affect_the_others(part, reason):
    expected = finish(learner())
    broken = learner()
    rows = broken.advance()
    broken.replay[part][1, 11:14] = math.nan
    rows += finish(broken)
    assert list(broken.diverged) == [1]
    assert broken.diverged[1].startswith("step 50: ")
    assert any(word in broken.diverged[1] for word in reason.split("|"))
    assert rows == [r for r in expected if r["seed"] != 1]
    again = learner()
    again.load_state_dict(broken.state_dict())
    assert again.diverged == broken.diverged


def test_the_critic_is_the_same_with_true_and_learned_dynamics():
    with_true, with_learned = learner(dynamics="true"), learner()
    rows, other = finish(with_true), finish(with_learned)
    for p, q in zip(with_true.critic.parameters(), with_learned.critic.parameters(), strict=True):
        assert torch.equal(p, q)
    errors = [[r["error"] for r in of(x, horizon=0)] for x in (rows, other)]
    assert errors[0] == errors[1]
    assert [r["error"] for r in of(rows, horizon=6)] != [r["error"] for r in of(other, horizon=6)]


def test_measured_errors_stay_below_the_bound():
    for config in ({}, {"dynamics": "true"}, {"critic": "exact"}):
        study_learner = learner(**config)
        rows = finish(study_learner)
        assert all(r["error"] <= r["bound"] * (1 + 1e-9) for r in rows)
        assert all(r["bound"] < 1e4 for r in of(rows, horizon=1))
    # path by path too, which is what the proof shows
    t = study_learner.task
    stream = torch.Generator().manual_seed(0)
    noise = torch.randn(3, 7, 32, 1, generator=stream, dtype=torch.float64)
    start = torch.rand(3, 32, 2, generator=stream, dtype=torch.float64) * 4 - 2
    true = follow(t, study_learner._true_dynamics, study_learner._exact_critic(), start, noise, SMALL["horizons"])
    dynamics = study_learner._dynamics(torch.randn(3, 6, 32, 2, generator=stream, dtype=torch.float64))
    learned = follow(t, dynamics, study_learner._critic(), start, noise, SMALL["horizons"])
    bound = lemma(true, learned, torch.tensor(t.gain), t.gamma, SMALL["horizons"]).bound
    assert ((learned.gradient - true.gradient).norm(dim=-1) <= bound[..., None] * (1 + 1e-9)).all()


def test_the_bound_sees_a_model_that_is_off_by_a_constant():
    """Its Jacobian is exact and so, at the shifted states, is its critic; the appendix's bound would be zero."""
    t, exact = task(), learner(dynamics="true", critic="exact")
    shift = torch.tensor([0.3, -0.2], dtype=torch.float64)
    x_shift = torch.cat([shift, -torch.tensor(t.gain) @ shift])
    noise = torch.randn(1, 3, 50, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    start, gain = torch.ones(1, 50, 2, dtype=torch.float64), torch.tensor(t.gain)
    true = follow(t, exact._true_dynamics, exact._critic(), start, noise, (1,))
    shifted = follow(
        t, lambda k, x: exact._true_dynamics(k, x) + shift, lambda x: exact._critic()(x - x_shift), start, noise, (1,)
    )
    result = lemma(true, shifted, gain, t.gamma, (1,))
    error = (true.gradient - shifted.gradient).norm(dim=-1).amax(2)
    assert result.eps_f.item() == 0
    assert result.eps_q.item() < 1e-12
    assert 0.1 < error.item() <= result.bound.item()


def test_the_bound_sees_rewards_that_differ_between_the_paths():
    """Almost at rest the true reward has no slope, the model has an exact Jacobian, and no critic follows."""
    t = task()
    shift = torch.tensor([0.3, 0.2], dtype=torch.float64)
    start, noise = torch.full((1, 5, 2), 1e-4, dtype=torch.float64), torch.zeros(1, 3, 5, 1, dtype=torch.float64)
    true, shifted = (
        follow(t, lambda k, x, d=d: t.step(x[..., :2], x[..., 2:]) + d, lambda x: 0 * x.sum(-1), start, noise, (2,))
        for d in (0 * shift, shift)
    )
    error = (true.gradient - shifted.gradient).norm(dim=-1).amax(2)
    assert 0.05 < error.item() <= lemma(true, shifted, torch.tensor(t.gain), t.gamma, (2,)).bound.item()


def test_targets_use_the_smaller_twin_and_never_end():
    twins = lambda x: torch.stack([x.sum(-1, keepdim=True), -x.sum(-1, keepdim=True)], 1)  # noqa: E731
    y = study.td_targets(twins, torch.tensor([[1.0, 2.0]]), torch.tensor([[[3.0, 0.0], [-4.0, 0.0]]]), gamma=0.9)
    torch.testing.assert_close(y, torch.tensor([[0.1 - 0.9 * 3, 0.2 - 0.9 * 4]]))


def test_the_model_samples_with_its_own_spread():
    model = learner().model
    model.changes.update(torch.tensor([[[0.0, 0.0], [2.0, 20.0]]] * 3))  # mean 1, 10; standard deviation 1, 10
    x, unit = torch.ones(3, 2, 5, 3), torch.ones(3, 2, 5, 2)
    mean, log_var = model(x)
    middle = model.sample(x, 0 * unit)
    scale = torch.tensor([1.0, 10.0])
    torch.testing.assert_close(middle, x[..., :2] + scale + scale * mean)
    torch.testing.assert_close(model.sample(x, unit) - middle, scale * (0.5 * log_var).exp(), rtol=1e-4, atol=1e-5)
    assert (log_var > -10).all()
    assert (log_var < 0.5).all()


def test_without_model_steps_the_bound_is_the_critics_error_times_the_state():
    for r in of(finish(learner()), horizon=0, start="s0", target="objective"):
        assert r["eps_f"] == 0
        assert r["bound"] == pytest.approx(2**0.5 * r["eps_q"] * 2**0.5, rel=1e-9)  # |s0|; 1-norm of two entries


def test_it_learns_within_the_smoke_budget():
    """Largest slope errors along the paths fall for each seed: chance alone would do so in 1 of 4096 runs."""
    settings = {**BOTH, **SMOKE.config}
    for declared in FIG3.tasks[1:3]:
        t = double_integrator.make_double_integrator(**declared.options)
        study_learner = study.make(settings, t, range(3), SMOKE.limits, "cpu")
        study_learner.advance()
        untrained = of(study_learner._measure(100), start="s0", target="objective", horizon=3)
        rows = finish(study.make(settings, t, range(3), SMOKE.limits, "cpu"))
        trained = of(rows, start="s0", target="objective", horizon=3, step=400)
        for before, after in zip(untrained, trained, strict=True):
            assert after["eps_q"] < before["eps_q"]
            assert after["eps_f"] < 0.5 * before["eps_f"]


def test_rows_have_the_declared_columns_and_every_cell_can_be_made():
    names = ["seed", "step", *(c.name for c in FIG3.columns)]
    kinds = {"float": float, "int": int, "str": str}
    for declared in FIG3.tasks:
        for variant in FIG3.variants:
            for budget in FIG3.budgets:
                t = double_integrator.make_double_integrator(**declared.options)
                study_learner = study.make({**variant.config, **budget.config}, t, [0], budget.limits, "cpu")
                assert study_learner.progress[0] == 0 < study_learner.progress[1]
    rows = finish(learner())
    assert all(list(r) == names for r in rows)
    assert all(type(r[c.name]) is kinds[c.kind] for r in rows for c in FIG3.columns)
    order = [(r["seed"], r["step"]) for r in rows]
    assert order == sorted(order)


def test_horizons_that_do_not_increase_are_refused():
    with pytest.raises(ValueError, match="increasing"):
        finish(learner(horizons=(3, 1)))


def test_another_device_is_refused():
    with pytest.raises(ValueError, match="cuda"):
        study.make(BOTH, task(), [0], {"total_steps": 100}, "cuda")
