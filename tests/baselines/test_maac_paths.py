"""MAAC's objective for the policy and its gradient: against plain loops, closed forms, and SAC's own update."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from maac_kit import SEEDS, TASK, B, Known, Plain, batch_of, beyond_the_wall, exact_members, learner, untrained

from svgbench.baselines.actor_critic import sac
from svgbench.baselines.actor_critic._model_paths import ModelSteps, PathFunctions, path_returns, smaller_mean
from svgbench.baselines.actor_critic._pathwise import follow
from svgbench.nn.streams import Streams
from svgbench.tasks.maac import linear_quadratic as lqr


def states(rows=B):
    obs = Streams(SEEDS, "obs").normal((rows, 3), dtype=torch.float64)
    return obs.mul_(0.5)  # some paths hit the wall, at different times


# --- the policy's objective ---------------------------------------------------------------------------------------

READINGS = [
    {"samples": "paths"},
    {"samples": "paths", "smaller_of_means": True},
    {"samples": "last actions"},
    {"samples": "last actions", "smaller_of_means": True},
    {"samples": "paths", "clip_obs": 0.65},
    {"samples": "paths", "normalise_obs": True},
    {"samples": "paths", "variance_as_deviation": True},
]


def losses_by_hand(one, obs, streams):
    """Each seed's loss, with the random numbers that the agent draws from the same streams."""
    c, lasts, m, n = one.agent.config, [], 2, 3
    each, last = (c.paths, 1) if c.samples == "paths" else (1, c.paths)
    rows = B * each
    unit = streams.normal((rows * c.H + rows * last, m), dtype=torch.float64)
    shocks = streams.normal((c.H, rows, n), dtype=torch.float64)
    order = [streams.permutation(rows).tolist() for _ in range(c.H)]
    ended = 0
    for s in range(len(SEEDS)):
        plain, means, log_probs = Plain(one, s, beyond_the_wall), [], []
        for b in range(B):
            returns = []
            for k in range(c.paths):
                row = b * each + (k if each > 1 else 0)
                state, total, alive = obs[s, b], 0.0, True
                for t in range(c.H):
                    action, log_prob = plain.act(state, unit[s, t * rows + row])
                    if t == 0 and (each > 1 or k == 0):
                        log_probs.append(log_prob)
                    member = order[t][s].index(row) // (rows // c.members)
                    after = plain.step(member, state, action, shocks[s, t, row])
                    if alive:
                        total = total + c.gamma**t * plain.reward(state, action, after)
                    alive, state = alive and not plain.ends(after), after
                action, log_prob = plain.act(state, unit[s, c.H * rows + b * c.paths + k])
                if c.H == 0:
                    log_probs.append(log_prob)
                twins = plain.values(state, action)
                returns.append([total + c.gamma**c.H * q if alive else total + 0 * q for q in twins])
                ended += not alive
            if c.smaller_of_means:
                means.append(min(sum(r[i] for r in returns) / c.paths for i in (0, 1)))
            else:
                means.append(sum(min(r) for r in returns) / c.paths)
        lasts.append(plain.alpha * sum(log_probs) / len(log_probs) - sum(means) / B)
    return torch.stack(lasts), ended


@pytest.mark.parametrize(
    ("reading", "H"),
    [*((READINGS[0], H) for H in (0, 1, 3)), *((how, 2) for how in READINGS[1:]), (READINGS[3], 0)],
    ids=str,
)
def test_the_policy_s_loss_and_gradient_are_those_of_plain_loops(reading, H):
    one = untrained(H=H, paths=3, **reading)
    obs = states()
    loss, log_prob = one.agent._policy_loss(obs, Streams(SEEDS, "u"), one.experience)
    expected, ended = losses_by_hand(one, obs, Streams(SEEDS, "u"))
    torch.testing.assert_close(loss, expected, rtol=1e-11, atol=1e-11)
    assert (0 < ended < 2 * B * 3) == (H > 0)
    parameters = list(one.agent.actor.parameters())
    found, wanted = (torch.autograd.grad(x.sum(), parameters) for x in (loss, expected))
    for p, q in zip(found, wanted, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-9, atol=1e-11)
        assert q.any()
    assert log_prob.shape == (2, B if reading["samples"] == "last actions" and H > 0 else 3 * B)


# --- closed forms -------------------------------------------------------------------------------------------------


def exact_twins(gain):
    """The action value of the task's own policy, and a critic that is always above it."""
    W = torch.from_numpy(lqr.action_value_matrix(TASK.lq, gain))
    constant = TASK.gamma * lqr.value_constant(TASK.lq, gain, TASK.sigma)

    def twins(s, a):
        x = torch.cat([s, a], -1)
        q = -0.5 * ((x @ W * x).sum(-1) + constant)
        return torch.stack([q + 0.3, q], 1)

    return twins


def linear_policy(gain, noise):
    """u = -k s + sigma eps with eps of time t [S, B, 1]; what is given for its log-probability is not used here."""
    return lambda t, s: (-s @ gain.T + TASK.sigma * noise[t], torch.zeros_like(s[..., 0]))


def objective(gain, start, noise, H, K, last_actions=1):
    """Through `path_returns` with K paths from every start, by members drawn anew at every step."""
    seeds, rows = range(len(start)), start.shape[1]
    steps, draws = ModelSteps(exact_members(seeds, 2), False, 0.0), Streams(seeds, "order")
    zero = torch.zeros(len(seeds), rows, 2, dtype=torch.float64)

    def step(t, s, a):
        return steps.of_one(s, a, draws.permutation(rows), zero)

    functions = PathFunctions(
        linear_policy(gain, noise), TASK.reward_function, None, exact_twins(TASK.gain), TASK.gamma
    )
    return path_returns(functions, step, start, H, last_actions)[0]


def sigma_points(times):
    """Unit noise [1, 2 times, times] whose mean of any quadratic function is that of normal noise."""
    points = times**0.5 * torch.eye(times, dtype=torch.float64)
    return torch.cat([points, -points])[None]


@pytest.mark.parametrize("H", [0, 1, 3, 10])
@pytest.mark.parametrize("of_means", [False, True])
def test_the_gradient_s_expectation_is_the_closed_form_and_that_of_finite_differences(H, of_means):
    """Returns are quadratic in the noise, so the mean over 2 (H + 1) paths is their expectation to rounding."""
    K, starts = 2 * (H + 1), torch.tensor([[1.0, 1.0], [-0.4, 2.0], [0.3, -1.5]], dtype=torch.float64)
    noise = sigma_points(H + 1).repeat(1, len(starts), 1).unbind(-1)  # of each time [1, starts * K]
    noise = [x[..., None] for x in noise]
    start = starts[None].repeat_interleave(K, 1)

    def value(gain):
        return smaller_mean(objective(gain, start, noise, H, K), K, of_means=of_means).sum()

    gain = torch.tensor(TASK.gain).requires_grad_()
    (found,) = torch.autograd.grad(value(gain), gain)
    moment = (starts.T @ starts / len(starts)).numpy()
    closed = lqr.objective_gradient(TASK.lq, TASK.gain, TASK.sigma, moment, H)
    np.testing.assert_allclose(found.numpy(), closed, rtol=1e-10, atol=1e-10)
    for i in range(2):
        ahead, behind = (value(torch.tensor(TASK.gain + s * 1e-5 * np.eye(2)[[i]])).item() for s in (1, -1))
        assert (ahead - behind) / 2e-5 == pytest.approx(closed[0, i], rel=1e-6)
    exact = lqr.expected_return(TASK.lq, TASK.gain, TASK.sigma, moment)
    assert value(torch.tensor(TASK.gain)).item() == pytest.approx(exact, rel=1e-12)


def test_random_paths_have_the_gradient_of_forward_derivatives_and_its_expectation():
    """K random paths from each state: path by path as `follow`, and in the mean the closed form."""
    K, horizons = 4000, (0, 1, 3, 10)
    starts = torch.tensor([[1.0, 1.0], [-0.4, 2.0]], dtype=torch.float64)
    unit = Streams([4], "noise").normal((11, 2 * K, 1), dtype=torch.float64)
    start, moment = starts[None].repeat_interleave(K, 1), (starts.T @ starts / 2).numpy()
    q = exact_twins(TASK.gain)
    paths = follow(
        TASK, lambda t, x: TASK.step(x[..., :2], x[..., 2:]), lambda x: q(x[..., :2], x[..., 2:]).amin(1),
        start, unit, horizons,
    )  # fmt: skip
    for h, H in enumerate(horizons):
        gain = torch.tensor(TASK.gain).requires_grad_()
        (found,) = torch.autograd.grad(
            smaller_mean(objective(gain, start, unit.unbind(1), H, K), K, of_means=False).sum(), gain
        )
        each = paths.gradient[0, h]
        torch.testing.assert_close(found[0], each.mean(0), rtol=1e-9, atol=1e-9)
        error = (each.unflatten(0, (2, K)).std(1).square().mean(0) / (2 * K)).sqrt()
        closed = torch.from_numpy(lqr.objective_gradient(TASK.lq, TASK.gain, TASK.sigma, moment, H)[0])
        assert ((found[0] - closed).abs() < 4 * error + 1e-9).all()
        assert (error < 0.05).all()


def test_the_smaller_critic_is_taken_of_each_path_or_of_the_means():
    returns = torch.tensor([[[1.0, 5.0, 2.0, 4.0], [4.0, 1.0, 3.0, 3.0]]])  # [S, 2, B * K], K = 2
    assert smaller_mean(returns, 2, of_means=False).tolist() == [(1 + 1 + 2 + 3) / 4]
    assert smaller_mean(returns, 2, of_means=True).tolist() == [(2.5 + 3) / 2]
    assert smaller_mean(returns[..., :2], 1, of_means=True).tolist() == [1]


# --- SAC inside ---------------------------------------------------------------------------------------------------


def test_without_model_steps_and_expansion_an_update_is_sac_s():
    """On the same batches and noise, for several updates, with the policy first as here."""
    settings = {"H": 0, "critic_steps": 0, "paths": 1}
    one, other = untrained(**settings), untrained(**settings)
    before = [p.clone() for p in one.agent.actor.parameters()]
    batch, streams, same = batch_of(one), Streams(SEEDS, "u"), Streams(SEEDS, "u")
    for _ in range(4):
        one.agent._update_once(batch, streams, one.experience, None)
        policy, _ = (same.normal((B, 2), dtype=torch.float64), same.normal((0, B, 3), dtype=torch.float64))
        critic = same.normal((B, 2), dtype=torch.float64)
        sac.update(other.agent, batch, critic, policy, None, critic_first=False)
    for adam, its in zip(one.agent.adams, other.agent.adams, strict=True):
        torch.testing.assert_close(adam.flat, its.flat, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(
        one.agent.target_critic.net.layers[0].weight, other.agent.target_critic.net.layers[0].weight, rtol=1e-11, atol=0
    )
    assert all((p - q).abs().max() > 1e-4 for p, q in zip(before, one.agent.actor.parameters(), strict=True))


def test_the_reward_of_paths_can_take_components_of_the_next_observation():
    """r(s, a) = -s[0]^2 + 3 s[1] - a'a, with s[1] of the next observation: its gradient reaches the action."""
    task = Known()
    task.reward_function = lambda obs, action, after: 3 * obs[..., 1] - obs[..., 0] ** 2 - action.square().sum(-1)
    one, plain = learner(task=task, next_in_reward=(1,)), learner(task=task)
    obs, action, after = torch.tensor([[[2.0, 5.0, 0.0]]]), torch.tensor([[[0.5, -1.0]]]), torch.zeros(1, 1, 3)
    after = (after + torch.tensor([7.0, 11.0, 0.0])).requires_grad_()
    found = one.agent.path_rewards(obs, action, after)
    assert found.item() == pytest.approx(3 * 11 - 4 - 1.25)
    (slope,) = torch.autograd.grad(found.sum(), after)
    assert slope.tolist() == [[[0.0, 3.0, 0.0]]]
    assert plain.agent.path_rewards(obs, action, after).item() == pytest.approx(3 * 5 - 4 - 1.25)
    assert one.agent.rewards(obs, action, after).item() == pytest.approx(3 * 5 - 4 - 1.25), "imagined transitions"
    with pytest.raises(ValueError, match="component 3 of an observation of 3"):
        learner(task=task, next_in_reward=(3,))
