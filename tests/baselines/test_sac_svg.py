"""The equations of SAC-SVG(H) against plain transcriptions."""

from __future__ import annotations

import pytest
import torch
from learner_laws import finish
from sac_equations import DOUBLE, dense, model_step, networks, policy_step, random
from sac_kit import learner, parameters
from torch.nn.functional import binary_cross_entropy_with_logits

from svgbench.baselines.actor_critic import sac, sac_svg
from svgbench.baselines.actor_critic._entropy_target import target_entropy
from svgbench.baselines.actor_critic._expansion import ExpansionNetworks
from svgbench.baselines.actor_critic._soft_actor_critic import Temperature, critic_loss, policy_loss, soft_target
from svgbench.baselines.actor_critic.sac_svg import PROFILES, Config
from svgbench.memory.replay import ReplayBatch


def plain_expansion(c, nets, s, alpha, x, noise):
    """-V of one state x under noise [H + 1, A]; the weights and the entropies as the profile reads them."""
    actor, critic, model, heads = nets
    H = len(noise) - 1
    zeros = [torch.zeros(12, dtype=DOUBLE)] * 2
    total, weight, first_n, hidden = 0.0, 1.0, None, zeros
    for t in range(H + 1):
        u, log_prob = policy_step(actor, s, x, noise[t])
        xu = torch.cat([x, u])
        if t < H:
            value, n = dense(heads, s, 0, xu)[0], 1 - torch.sigmoid(dense(heads, s, 1, xu)[0])
        else:
            value, n = torch.minimum(dense(critic.net, s, 0, xu)[0], dense(critic.net, s, 1, xu)[0]), None
        if t == 0:
            first_n = n
        w = weight if (not c.survival_extra_factor or H == 0) else weight * first_n
        total = total + c.gamma**t * (w * value - (w if c.survival_weighs_entropy else 1) * alpha * log_prob)
        if t < H:
            weight = weight * n
            x, hidden = model_step(model, s, x, u, hidden)
    return -total / (H + 1 if c.mean_over_steps else 1)


@pytest.mark.parametrize("profile", ["text", "code"])
@pytest.mark.parametrize("H", [0, 1, 3])
def test_the_policys_loss_and_gradient_are_those_of_the_equations(H, profile):
    c = Config(**{**PROFILES[profile], "H": H})
    nets, S, B = networks(), 2, 4
    x, noise, alpha = random(S, B, 3), random(S, H + 1, B, 2, seed=1), torch.tensor([[0.3], [0.7]], dtype=DOUBLE)
    sacs = policy_loss(*nets[:2], alpha, x, noise[:, 0]) if H == 0 else None
    loss, log_prob = sacs or sac_svg.expanded_loss(c, ExpansionNetworks(*nets), alpha, x, noise)
    ours = torch.autograd.grad(loss.sum(), list(nets[0].parameters()))
    for s in range(S):
        each = [plain_expansion(c, nets, s, alpha[s, 0], x[s, b], noise[s, :, b]) for b in range(B)]
        plain = torch.stack(each).mean()
        torch.testing.assert_close(loss[s], plain, rtol=1e-10, atol=1e-10)
        theirs = torch.autograd.grad(plain, list(nets[0].parameters()))
        for mine, p in zip(ours, theirs, strict=True):
            torch.testing.assert_close(mine[s], p[s], rtol=1e-8, atol=1e-11)
        for b in range(B):
            torch.testing.assert_close(log_prob[s, b], policy_step(nets[0], s, x[s, b], noise[s, 0, b])[1])


@pytest.mark.parametrize("profile", ["text", "code"])
def test_at_h_0_it_makes_sacs_numbers(profile):
    one, other = learner(H=0, profile=profile), learner(module=sac, profile=profile)
    assert repr(finish(one)) == repr(finish(other))
    for p, q in zip(parameters(one), parameters(other), strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("mean", [True, False])
def test_the_models_loss_and_gradient_over_several_steps(detach, mean):
    (_, _, model, _), S, H, B = networks(), 2, 3, 4
    x, actions, next_x = random(S, B, 3), random(S, H, B, 2, seed=1), random(S, H, B, 3, seed=2)
    loss = sac_svg.model_loss(model, x, actions, next_x, detach=detach, mean=mean)
    ours = torch.autograd.grad(loss.sum(), list(model.parameters()))
    for s in range(S):
        total = 0.0
        for b in range(B):
            state, hidden = x[s, b], [torch.zeros(12, dtype=DOUBLE)] * 2
            for t in range(H):
                predicted, hidden = model_step(model, s, state, actions[s, t, b], hidden)
                total = total + ((predicted - next_x[s, t, b]) ** 2).sum()
                state = predicted.detach() if detach else predicted
        plain = total / (B * H * 3 if mean else B)
        torch.testing.assert_close(loss[s], plain, rtol=1e-10, atol=1e-10)
        for mine, p in zip(ours, torch.autograd.grad(plain, list(model.parameters())), strict=True):
            torch.testing.assert_close(mine[s], p[s], rtol=1e-8, atol=1e-11)


def test_detaching_changes_the_models_gradient():
    model = networks()[2]
    batch = random(2, 4, 3), random(2, 3, 4, 2, seed=1), random(2, 3, 4, 3, seed=2)
    grads = []
    for detach in (True, False):
        loss = sac_svg.model_loss(model, *batch, detach=detach, mean=True)
        grads.append(torch.autograd.grad(loss.sum(), model.encoder.layers[0].weight)[0])
    assert (grads[0] - grads[1]).abs().max() > 1e-3


class _Fixed:
    """A rollout made by hand: rewards 1, 2, 4, survival 0.5, 0.25, Q = 10, entropies 1, 2, 3."""

    def __init__(self):
        self.t = 0

    def sample(self, x, noise):
        self.t += 1
        return torch.zeros(1, 1, 1), torch.full((1, 1), -float(self.t))

    def smaller(self, xu):
        return torch.full((1, 1), 10.0)

    def model(self, x, xu, h):
        return x + 1, h

    def heads(self, xu):
        n = torch.tensor([0.5, 0.25])
        logits = torch.log((1 - n) / n)
        return torch.stack([torch.tensor([1.0, 2.0]), logits])[None, :, :, None]


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        # 1 (1 + .1) + .5 gamma (2 + .2) + .125 gamma^2 (10 + .3)
        ("text", 1.1 + 0.5 * 0.9 * 2.2 + 0.125 * 0.81 * 10.3),
        # an extra n_0 = .5 in every weight, none on the entropies, over H + 1 = 3
        ("code", ((0.5 + 0.1) + 0.9 * (0.25 * 2 + 0.2) + 0.81 * (0.0625 * 10 + 0.3)) / 3),
    ],
)
def test_a_rollout_made_by_hand_is_weighted_by_survival(profile, expected):
    c, fixed = Config(**{**PROFILES[profile], "gamma": 0.9}), _Fixed()
    alpha, x, noise = torch.full((1, 1), 0.1), torch.zeros(1, 1, 1), torch.zeros(1, 3, 1, 1)
    nets = ExpansionNetworks(fixed, fixed, fixed.model, fixed.heads)
    loss, _ = sac_svg.expanded_loss(c, nets, alpha, x, noise)
    assert -loss.item() == pytest.approx(expected, rel=1e-6)


def test_reward_and_termination_losses():
    heads, S, B = networks()[3], 2, 5
    xu, reward = random(S, B, 5), random(S, B, seed=1)
    terminal = torch.tensor([[1, 0, 0, 1, 0], [0, 0, 0, 0, 0]], dtype=DOUBLE)
    for balanced in (True, False):
        squared, nll = sac_svg.heads_loss(heads, xu, reward, terminal, balanced)
        for s, odds in enumerate((1.5 if balanced else 1.0, 1.0)):  # (5 - 2) / 2, and no termination at all
            r, logit = (torch.stack([dense(heads, s, m, xu[s, b])[0] for b in range(B)]) for m in (0, 1))
            expected = binary_cross_entropy_with_logits(logit, terminal[s], pos_weight=torch.tensor(odds, dtype=DOUBLE))
            torch.testing.assert_close(nll[s], expected, rtol=1e-10, atol=1e-10)
            torch.testing.assert_close(squared[s], ((r - reward[s]) ** 2).mean(), rtol=1e-10, atol=1e-10)


def test_the_target_entropy_moves_from_init_to_final():
    assert target_entropy(0, 100, 1.0, -4.0, 0.5) == 1.0
    assert target_entropy(100, 100, 1.0, -4.0, 0.5) == -4.0
    assert target_entropy(75, 100, 1.0, -4.0, 0.5) == pytest.approx(-4 + 5 * 0.5)
    assert target_entropy(100, 100, 1.0, -4.0, 0.0) == 1.0  # an exponent of 0 stays
    with pytest.raises(ValueError, match="101"):
        target_entropy(101, 100, 1.0, -4.0, 0.5)
    with pytest.raises(ValueError, match="-1"):
        target_entropy(1, 100, 1.0, -4.0, -1.0)


def test_the_critics_target_and_loss():
    actor, critic, _, _ = networks()
    S, B, gamma = 2, 5, 0.9
    x, xu, noise = random(S, B, 3), random(S, B, 5, seed=1), random(S, B, 2, seed=2)
    reward, alpha = random(S, B, seed=3), torch.tensor([[0.3], [0.7]], dtype=DOUBLE)
    terminal = torch.tensor([[0, 1, 0, 0, 1], [0] * 5], dtype=DOUBLE)
    target = soft_target(critic, actor, alpha, ReplayBatch(x, xu, reward, terminal, x), noise, gamma)
    loss = critic_loss(critic, xu, target)
    for s in range(S):
        squares = 0.0
        for b in range(B):
            u, log_prob = policy_step(actor, s, x[s, b], noise[s, b])
            q = [dense(critic.net, s, k, torch.cat([x[s, b], u]))[0] for k in (0, 1)]
            y = reward[s, b] + gamma * (1 - terminal[s, b]) * (min(q) - alpha[s, 0] * log_prob)
            torch.testing.assert_close(target[s, b], y, rtol=1e-10, atol=1e-10)
            squares = squares + sum((dense(critic.net, s, k, xu[s, b])[0] - y.detach()) ** 2 for k in (0, 1))
        torch.testing.assert_close(loss[s], squares / B, rtol=1e-10, atol=1e-10)
    assert not target.requires_grad


def test_the_temperature_falls_where_entropy_is_above_its_target_and_rises_below():
    temperature = Temperature(2, 0.1, 1e-2, DOUBLE, "cpu")
    log_prob = torch.tensor([[-3.0, -1.0], [1.0, 3.0]], dtype=DOUBLE, requires_grad=True)  # entropies 2 and -2
    loss = temperature.loss(log_prob, 0.5)
    torch.testing.assert_close(loss, torch.tensor([0.1 * 1.5, 0.1 * -2.5], dtype=DOUBLE), rtol=1e-12, atol=0)
    (slope,) = torch.autograd.grad(loss.sum(), temperature.log_alpha)
    torch.testing.assert_close(slope[:, 0], loss, rtol=1e-12, atol=0)  # d/dlog(alpha) of alpha c is alpha c
    temperature.update(log_prob, 0.5)
    assert temperature.alpha[0, 0] < 0.1 < temperature.alpha[1, 0]
    temperature.update(log_prob, 0.5, torch.tensor([True, False]))
    assert temperature.adam.steps.tolist() == [2, 1]
