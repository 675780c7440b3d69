"""Stochastic value gradients: what each algorithm's update is, on the linear-quadratic problem and piece by piece."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learner_laws import finish
from regulator import Regulator
from svg_kit import LEARNERS, SMALL, Disc, SmoothRegulator, learner

from svgbench.baselines.value_gradients._fitted_value import state_value_sample
from svgbench.baselines.value_gradients._minibatches import shared_out
from svgbench.baselines.value_gradients._training import transitions
from svgbench.memory.database import Transitions
from svgbench.tasks.maac.linear_quadratic import action_value_matrix, return_gradient, value_matrix

GAIN, SIGMA, GAMMA = np.array([[0.8, 1.0]]), 0.5, 0.8
LQ = Regulator(gamma=GAMMA).lq


def tensor(array):
    return torch.from_numpy(np.asarray(array, dtype=np.float64))


class ExactModel:
    """The regulator's Jacobians."""

    def pull_back(self, s, a, v):
        return v @ tensor(LQ.A), v @ tensor(LQ.B)


class ExactCritic:
    """The derivative of -1/2 x'Mx."""

    def __init__(self, matrix):
        self.matrix = tensor(matrix)

    def slope(self, x):
        return -x @ self.matrix


def regulator_agent(name, **config):
    own = {"gamma": GAMMA, "dtype": "float64", "policy_std": SIGMA, **config}
    return learner(name, [0], task=SmoothRegulator(), **own).agent


def exact_agent(name, **config):
    """An agent with the acting policy, and with the exact model and critic."""
    agent = regulator_agent(name, **config)
    agent.policy.mean = lambda s: -s @ tensor(GAIN.T)
    matrix = value_matrix(LQ, GAIN) if name == "one" else action_value_matrix(LQ, GAIN)
    agent.critic = ExactCritic(matrix)
    agent.model = ExactModel()
    return agent


def slope_of(agent, rows, mean=None):
    """The factor of pi_theta in SVG(1) or SVG(0). mean: the policy's mean; None: the one that acted."""
    if "model" in agent.learned:
        return agent.value_slope(rows)
    return agent.value_slope(rows, agent.policy.mean(rows.s) if mean is None else mean, agent.known_before(rows))


def value_sample(agent, rows):
    """The critic's targets."""
    if hasattr(agent, "value_sample"):
        return agent.value_sample(rows)
    return state_value_sample(agent.config, agent.critic, agent.policy, rows)


def linear_rows(T=90, N=800, sigma=SIGMA):
    """Transitions [1, T * N] of the policy a = -k s + sigma eta, by path and then time.

    Start covariance is I exactly, and noise comes in pairs of either sign: eight neighbours are one sample.
    """
    torch.manual_seed(0)
    axes = 2**0.5 * torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]], dtype=torch.float64)
    s, rows = axes.repeat_interleave(2, 0).repeat(N // 8, 1), []
    sign = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    for _ in range(T):
        eta = torch.randn(N // 2, 1, 1, dtype=torch.float64) * sign
        a = -s @ tensor(GAIN.T) + sigma * eta.flatten(0, 1)
        next_s = s @ tensor(LQ.A.T) + a @ tensor(LQ.B.T)
        rows.append((s, a, next_s - s))
        s = next_s
    s, a, change = (torch.stack(x).flatten(0, 1)[None] for x in zip(*rows, strict=True))
    nothing = torch.zeros(1, T * N, dtype=torch.float64)
    return Transitions(s, a, change, nothing, nothing, nothing)


def gain_slopes(u, rows, N=800):
    """sum_t gamma^t u_t d(-k s_t)/dk, path by path [N, 2]."""
    per_step = -(u * rows.s)[0].unflatten(0, (-1, N))
    return (per_step * GAMMA ** torch.arange(len(per_step), dtype=torch.float64)[:, None, None]).sum(0)


@pytest.mark.parametrize("name", ["one", "zero"])
def test_with_the_exact_critic_the_gradient_is_the_analytic_one_on_average(name):
    """Within four standard errors; a discount of 0.9 for 0.8 would be off by ten of them."""
    rows = linear_rows()

    def estimate(agent):
        samples = gain_slopes(slope_of(agent, rows), rows).unflatten(0, (-1, 8)).mean(1)
        return samples.mean(0), samples.std(0) / len(samples) ** 0.5

    found, error = estimate(exact_agent(name))
    exact = tensor(return_gradient(LQ, GAIN, SIGMA, np.eye(2))[0])
    assert ((found - exact).abs() < 4 * error).all()
    if name == "one":
        wrong, _ = estimate(exact_agent(name, gamma=0.9))
        assert ((wrong - exact).abs() > 10 * error).all()


@pytest.mark.parametrize("name", ["zero", "zero-er"])
def test_svg_zero_with_exact_q_is_svg_one_with_exact_v_step_by_step(name):
    rows = linear_rows(T=5, N=24)
    found, expected = (slope_of(exact_agent(algorithm), rows) for algorithm in (name, "one"))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_an_updated_policy_has_the_slope_at_its_own_action_for_the_same_noise():
    """SVG(0); with replay it stays where D's action was, and DPG's is at the policy's mean."""
    rows = linear_rows(T=5, N=24)
    moved = 0.3 - rows.s @ tensor(GAIN.T)
    slope = exact_agent("zero").action_slope

    def at(name):
        return slope_of(exact_agent(name), rows, moved)

    torch.testing.assert_close(at("zero"), slope(rows.s, rows.a + 0.3))
    torch.testing.assert_close(at("zero-er"), slope(rows.s, rows.a))
    torch.testing.assert_close(at("dpg"), slope(rows.s, moved))


def test_svg_one_takes_the_slope_of_v_at_the_real_next_state():
    rows = linear_rows(T=5, N=24)
    agent = exact_agent("one")
    pushed = rows._replace(change=rows.change + 1.0)
    by_next = -GAMMA * torch.ones(1, 2, dtype=torch.float64) @ tensor(value_matrix(LQ, GAIN)) @ tensor(LQ.B)
    torch.testing.assert_close(agent.value_slope(pushed) - agent.value_slope(rows), by_next.expand(1, 120, 1))


def test_behind_a_termination_there_is_nothing_and_behind_a_time_limit_there_is():
    """SVG(1)'s gradient, and the targets of V and of Q, with a critic that is 10 everywhere and slopes everywhere."""
    for name in ("one", "zero", "dpg", "ac"):
        agent = regulator_agent(name, value_scale=1.0)
        critic, rows = agent.critic, linear_rows(T=1, N=8)
        rows = rows._replace(terminal=torch.tensor([[0.0, 1, 0, 1, 0, 1, 0, 1]]).double(), r=rows.r + 1)
        critic.target.zero_()
        critic.target[:, -1] = 10.0
        _, y, _ = value_sample(agent, rows)
        torch.testing.assert_close(y, 1 + GAMMA * 10 * (1 - rows.terminal))
    one = exact_agent("one").value_slope(rows)
    torch.testing.assert_close(one[0, 1::2], -rows.a[0, 1::2])
    assert not torch.isclose(one[0, ::2], -rows.a[0, ::2]).any()


@pytest.mark.parametrize(("name", "spread"), [("zero", SIGMA), ("dpg", 0.0)])
def test_q_bootstraps_with_the_present_policy_s_action(name, spread):
    """From the same state, with an updated policy: it draws its own noise, and there are no importance weights."""
    rows = linear_rows(T=1, N=8).at(slice(0, 1))
    rows = Transitions(*(x.repeat(1, 4000, *(1,) * (x.dim() - 2)) for x in rows))._replace(log_prob=torch.ones(1, 4000))
    agent = regulator_agent(name)
    agent.policy.theta += 0.1
    asked = []
    agent.critic.target_value = lambda x: asked.append(x) or x[..., -1]
    x, y, w = agent.value_sample(rows)
    noise = asked[0][..., 2:] - agent.policy.mean(rows.next_s)
    assert torch.equal(asked[0][..., :2], rows.next_s)
    assert noise.std() == pytest.approx(spread, rel=0.05)
    assert noise.mean().abs() <= 0.07 * spread
    torch.testing.assert_close(y, rows.r + GAMMA * asked[0][..., -1])
    assert torch.equal(x, torch.cat([rows.s, rows.a], -1))
    assert torch.equal(w, torch.ones_like(w))


def latest(name, episodes=6, stage="policy", **config):
    """A learner about to do that stage on its latest episodes."""
    one = learner(name, dtype="float64", episodes=episodes, **config)
    while one.episode < 2 or one.latest is None or list(one.agent.stages)[one.stage] != stage:
        one.advance()
    return one


def weights(agent, rows):
    return agent.policy.importance(agent.policy.mean(rows.s), rows.a, rows.log_prob, 5.0)


def test_importance_weights_are_one_on_fresh_data_and_bounded_on_old():
    one = latest("one-er", policy_lr=0.1)
    agent, valid = one.agent, one.latest.valid.flatten(1)
    n = valid.sum(1)
    fresh = transitions(one.latest, agent.policy)
    assert (weights(agent, fresh)[valid] == 1).all()
    kept, k = agent.database, int(n.min())
    size = torch.tensor(kept.added, dtype=torch.float64)[:, None]
    assert (size <= kept.capacity).all()
    everything = kept.sample(torch.arange(0, 1, 0.01, dtype=torch.float64).expand(3, -1))
    newest = kept.sample((size - 0.5 - torch.arange(k)) / size)
    torch.testing.assert_close(weights(agent, newest), torch.ones(3, k, dtype=torch.float64), rtol=1e-9, atol=1e-9)
    old = weights(agent, everything)
    assert ((old - 1).abs() > 0.1).any()
    assert old.max() <= 5
    assert agent.policy.importance(everything.a, everything.a, everything.log_prob - 9, 5.0).eq(5).all()


def policy_step(one, theta, rows, wanted):
    """The gradient by theta of the mean over rows of `wanted`(mean), [S, P]."""
    policy = one.agent.policy
    theta = theta.clone().requires_grad_(True)
    mean = policy.net(theta, policy.statistics.normalise(rows.s))
    (slope,) = torch.autograd.grad(wanted(mean).mean(1).sum(), theta)
    return slope


@pytest.mark.parametrize("name", ["one-er", "zero-er", "ac-er"])
def test_an_update_is_the_gradient_that_the_algorithm_names(name):
    """The first and the second of two, by autograd; weights and the penalty's start are constants in it."""
    one = latest(
        name, policy_updates=2, max_grad_norm=1e9, policy_lr=0.1, **({"kl_weight": 0.3} if "e" in name else {})
    )
    agent, policy = one.agent, one.agent.policy
    before, start, seen = agent.kept["policy-batches"].state_dict(), policy.theta.clone(), []
    original = policy.adam.step
    agent.renew = lambda: None
    policy.adam.step = lambda active: (seen.append((policy.theta.clone(), policy.adam.grad.clone())), original(active))
    one.advance()
    agent.kept["policy-batches"].load_state_dict(before)
    drawn = agent.database.draw(agent.kept["policy-batches"], 16)
    theta_now = policy.theta.clone()
    for k, (theta, grad) in enumerate(seen):
        policy.theta.copy_(start)
        rows = drawn.at(slice(8 * k, 8 * k + 8))
        worth = agent.td_error(rows) if name == "ac-er" else slope_of(agent, rows)
        first = policy.mean(rows.s)
        policy.theta.copy_(theta)
        w = weights(agent, rows) if name != "zero-er" else torch.ones_like(rows.r)

        def wanted(mean, rows=rows, worth=worth, first=first, w=w):
            gain = policy.log_prob(mean, rows.a) * worth if name == "ac-er" else (mean * worth).sum(-1)
            return w * gain - 0.3 * policy.kl(mean, first)

        torch.testing.assert_close(-grad, policy_step(one, theta, rows, wanted), rtol=1e-9, atol=1e-11)
    policy.theta.copy_(theta_now)


def test_a_gradient_is_shortened_to_its_bound_seed_by_seed_whatever_its_scale():
    one = learner("inf", max_grad_norm=0.5)
    policy = one.agent.policy
    s = torch.randn(3, 4, 3)
    direction = torch.randn(3, 4, 2) * torch.tensor([1.0, 1e-4, 1.0]).view(3, 1, 1)
    policy.theta.add_(0.1)
    norms = policy.ascend(policy.record(s), direction, None)
    moved = policy.adam.grad.norm(dim=1)
    torch.testing.assert_close(moved, norms.clamp(max=0.5).float(), rtol=1e-4, atol=1e-9)
    assert norms[0] > 0.5 > norms[1]
    unit = torch.tensor([1e200, 1.0, 1e-200], dtype=torch.float64)
    huge = policy.ascend(policy.record(s), direction, None, unit)
    assert (huge / unit).isfinite().all()
    assert huge[0] > 1e198
    torch.testing.assert_close(policy.adam.grad[0].norm(), torch.tensor(0.5), rtol=1e-4, atol=0)


def test_without_replay_each_step_is_used_once():
    torch.manual_seed(0)
    valid = torch.tensor([[True] * 11, [True] * 4 + [False] * 7, [True] * 2 + [False] * 9])
    number = torch.arange(11.0).expand(3, -1).masked_fill(~valid, torch.nan)
    new = Transitions(*(number.unsqueeze(-1),) * 3, *(number,) * 3)
    got = shared_out(new, valid, 3, torch.rand(3, 11, dtype=torch.float64))
    B = got.share.shape[1] // 3
    used = got.share.unflatten(1, (3, B)) > 0
    assert used.sum(2).tolist() == [[3, 4, 4], [1, 1, 2], [0, 1, 1]]
    assert torch.equal(got.some, used.any(2))
    torch.testing.assert_close(got.share.unflatten(1, (3, B)).sum(2), got.some.float())
    for row, on, count in zip(got.rows.r, got.share > 0, (11, 4, 2), strict=True):
        assert sorted(row[on].tolist()) == list(range(count))
    assert got.rows.r.isfinite().all(), "padding repeats what is there"
    assert got.rows.r[0, got.share[0] > 0].tolist() != list(range(11))


def test_the_model_is_trained_before_the_value_and_both_before_the_policy():
    assert list(learner("one").agent.stages) == ["model", "value", "policy"]
    assert list(learner("inf-value").agent.stages) == ["model", "value", "policy"]
    assert list(learner("planner").agent.stages) == ["model", "policy"]


def test_svg_inf_starts_from_v_only_where_it_was_asked_to_and_a_time_limit_cut():
    one = latest("inf-value")
    agent, episodes = one.agent, one.latest
    end = agent.value_slope_at_end(episodes)
    cut = episodes.ended & ~episodes.terminated
    assert cut.any()
    assert episodes.terminated.any()
    assert (end[cut] != 0).all()
    assert not end[~cut].any()
    next_s = (episodes.s + episodes.change).flatten(1, 2)
    torch.testing.assert_close(end[cut], agent.critic.slope(next_s).view(end.shape)[cut])
    plain = latest("inf")
    assert not plain.agent.value_slope_at_end(plain.latest).any()


def test_the_planner_imagines_from_real_starts_with_the_learned_noise():
    one = latest("planner")
    agent, start = one.agent, one.latest.s[:, 0]
    s, a = agent.imagine(start)
    assert s.shape == (3, 12, 2, 3)
    assert torch.equal(s[:, 0], start)
    flat_s, flat_a = s.flatten(1, 2), a.flatten(1, 2)
    eta = agent.policy.noise(agent.policy.mean(flat_s), flat_a)
    model = agent.model
    xi = (s.diff(dim=1) - model.mean_change(flat_s, flat_a).view(s.shape)[:, :-1]) / (
        model.sigma * model.statistics.change_width
    ).unsqueeze(1)
    for noise in (eta, xi):
        assert 0.8 < noise.std() < 1.2
        assert noise.mean().abs() < 0.3


LEARNING = {
    "hidden": (16, 16), "model_hidden": (8, 8), "value_hidden": (32, 32), "policy_std": 0.5, "gamma": 0.9,
    "policy_lr": 3e-3, "value_lr": 3e-3, "model_lr": 3e-3, "value_scale": 5.0, "target_period": 10,
    "model_updates": 20, "value_updates": 40, "policy_updates": 10, "batch_size": 32, "replay_size": 5000,
    "steps_per_slice": 100,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("inf", {"policy_lr": 1e-2, "episodes": 120}),
        ("planner", {"policy_lr": 1e-2, "episodes": 120, "simulations": 1}),
        ("one", {"model_updates": 60}),
        ("one-er", {}),
        ("zero", {}),
        ("dpg", {}),
        ("ac", {}),
        ("reinforce", {"policy_lr": 1e-2, "episodes": 800, "simulations": 4}),
    ],
)
def test_it_learns(name, config):
    """The noise that a learner begins with earns -8 in an episode, with a deviation of 9; the best policy about 16.

    The mean of 24 such episodes, the fewest that are averaged here, is above 5 with a chance of 1e-11.
    """
    episodes = config.get("episodes", 60)
    own = {k: v for k, v in config.items() if k != "episodes"}
    rows = finish(learner(name, (0, 1), episodes, Disc(20), LEARNING, **own))
    late = [r["train_return"] for r in rows if r["step"] > 0.8 * episodes]
    early = [r["train_return"] for r in rows if r["step"] <= 6]
    assert np.mean(late) > max(5.0, np.mean(early) + 5), (np.mean(early), np.mean(late))


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_the_estimated_work_grows_as_the_work_does(name):
    module, own = LEARNERS[name]
    config = {k: v for k, v in (SMALL | own).items() if k in module.Config.__dataclass_fields__}

    def work(seeds=1, episodes=2, **change):
        return module.estimated_work(config | change, SmoothRegulator(), list(range(seeds)), {"episodes": episodes})

    assert work(episodes=8) == pytest.approx(4 * work())
    assert work() < work(5) < 5 * work()  # a block of five has its calls once
    for updates in ("model_updates", "value_updates", "policy_updates"):
        idle = name in ("inf", "inf-one-network") and updates == "value_updates"
        if updates in config:
            assert (work(**{updates: 100}) > 1.5 * work()) != idle
    assert work(hidden=(200, 200)) > work()
