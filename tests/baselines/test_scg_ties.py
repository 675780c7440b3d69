"""The algorithms' gradients, written as stochastic computation graphs, are the same numbers.

Each graph is observed on what the algorithm itself has done. Axes: the algorithms' first one is of seeds, one here; the
samples are a graph's first axis.
"""

from __future__ import annotations

import sac_kit
import svg_kit
import torch
from learner_laws import finish
from on_policy_kit import learner as on_policy
from torch.distributions import Independent, Normal, TransformedDistribution
from torch.distributions.transforms import TanhTransform

from svgbench import scg
from svgbench.baselines.actor_critic import sac
from svgbench.baselines.on_policy._linear_baseline import features

TIGHT = {"rtol": 1e-10, "atol": 1e-12}


class Kept:
    """Stands in for an agent's `update` and keeps what it was given and what it did."""

    def __init__(self, agent):
        self.agent, self.update = agent, agent.update
        agent.update = self

    def __call__(self, batch):
        self.batch, self.before = batch, self.agent.theta.clone()
        self.coefficients = self.agent.baseline[0].clone()
        learned = self.update(batch)
        self.step = (self.agent.theta - self.before)[0]
        return learned


def test_the_vanilla_policy_gradient():
    """Its step is the mean over steps of grad log pi times the return to come less a baseline: Figure 14, left."""
    T, rate = 4, 0.5
    one = on_policy(
        "vpg-sgd", [0], 2, dtype="float64", gamma=1.0, path_length=T, standardise=False, baseline="linear",
        learning_rate=rate, ridge=0.1,
    )  # fmt: skip
    kept = Kept(one.agent)
    while not one.finished:
        one.advance()
    batch, policy = kept.batch, one.agent.policy
    assert batch.used.all()
    assert kept.coefficients.abs().max() > 0.1
    last = batch.final_x[0][batch.final_place[0].argsort()]
    states = [*batch.x[0], last]  # [N, O] at each time

    graph = scg.Graph()
    theta = graph.input("theta")

    def acts(theta, s):
        mean = policy.mean(theta[None], s[None])[0]
        return Normal(mean, policy.log_std(theta[None])[0].exp().expand_as(mean))

    s, observed, baselines = graph.stochastic("s0", None), {"s0": states[0]}, {}
    for t in range(T):
        a = graph.stochastic(f"a{t}", acts, theta, s)
        baselines[a] = (lambda s, t=t: values(s, t), [s])
        s = graph.stochastic(f"s{t + 1}", None, s, a)  # the simulator's law is not known
        graph.cost(f"-r{t}", lambda s: s[:, 2] - 1, s)
        observed |= {f"a{t}": batch.action[0, t], f"s{t + 1}": states[t + 1]}

    def values(s, t):
        return -features(s, torch.full((len(s),), t)) @ kept.coefficients

    run = scg.observe(graph, {theta: kept.before[0].requires_grad_()}, observed)
    torch.testing.assert_close(-run.cost_values, batch.reward[0], **TIGHT)
    baseline = scg.Learned(graph, baselines)
    estimate = scg.gradient(run, theta, baseline=baseline).mean(0)
    torch.testing.assert_close(-estimate / T * rate, kept.step, **TIGHT)
    without = scg.gradient(run, theta).mean(0)
    assert (without - estimate).abs().max() > 1e-3


def svg_agent(name, **config):
    """One that has learned for a few episodes, and a minibatch of its transitions, some of them said to be the last."""
    one = svg_kit.learner(name, [0], dtype="float64", policy_std=0.5, **config)
    finish(one)
    agent = one.agent
    rows = agent.database.draw(agent.streams["policy-batches"], 16)
    return agent, rows._replace(terminal=(torch.arange(16) % 3 == 0).to(rows.r).expand_as(rows.r))


def svg_gradient(agent, rows, slope):
    """The gradient that `train_policy` follows: the mean over a minibatch of the slope times pi_theta.

    slope: a function of the policy's mean [S, B, A].
    """
    recording = agent.policy.record(rows.s)
    return agent.policy.net.vjp(recording, slope(recording.output) / rows.r.shape[1])[0]


def importance(agent, rows, mean):
    return agent.policy.importance(mean, rows.a, rows.log_prob, agent.config.importance_cap)


def acting(agent):
    """A graph up to the action a = mu(s; theta) + sigma eta, of data s and noise eta."""
    policy, graph = agent.policy, scg.Graph()
    theta, s = graph.input("theta"), graph.input("s", per_sample=True)
    eta = graph.stochastic("eta", lambda s: Normal(torch.zeros_like(s[:, :2]), 1.0), s)
    a = graph.deterministic(
        "a",
        lambda theta, s, eta: policy.net(theta[None], policy.statistics.normalise(s[None]))[0] + policy.std * eta,
        theta, s, eta,
    )  # fmt: skip
    return graph, s, a


def test_svg_0():
    """Q_a pi_theta at the noise that made the action: the pathwise derivative of Q along a(theta, eta)."""
    agent, rows = svg_agent("zero")
    critic = agent.critic
    graph, s, a = acting(agent)
    graph.cost("-Q", lambda s, a: -critic(torch.cat([s, a], -1)[None])[0], s, a)
    theta = agent.policy.theta[0].clone().requires_grad_()
    eta = agent.policy.noise(agent.policy.mean(rows.s), rows.a)
    known = agent.known_before(rows)
    run = scg.observe(graph, {"theta": theta, "s": rows.s[0]}, {"eta": eta[0]})
    torch.testing.assert_close(run[a].detach(), rows.a[0], **TIGHT)
    expected = svg_gradient(agent, rows, lambda mean: agent.value_slope(rows, mean, known))
    scg.surrogate(run).mean().backward()
    torch.testing.assert_close(-theta.grad, expected, **TIGHT)
    assert theta.grad.abs().max() > 1e-4


def test_svg_1():
    """w (r_a + gamma V_{s'} f_a) pi_theta at a real transition, with both noises inferred from it."""
    agent, rows = svg_agent("one-er", kl_weight=0.0)
    policy, model, critic = agent.policy, agent.model, agent.critic
    graph, s, a = acting(agent)
    xi = graph.stochastic("xi", None)
    weight, alive = (graph.input(name, per_sample=True) for name in ("w", "alive"))
    next_s = graph.deterministic(
        "next s", lambda s, a, xi: s + model.mean_change(s[None], a[None])[0] + xi, s, a, xi
    )  # fmt: skip
    graph.cost("-r", lambda w, s, a: -w * agent.task.reward_function(s, a), weight, s, a)
    graph.cost("-V", lambda w, on, s: -w * agent.config.gamma * on * critic(s[None])[0], weight, alive, next_s)
    mean = policy.mean(rows.s)
    noise = {"eta": policy.noise(mean, rows.a)[0], "xi": (rows.change - model.mean_change(rows.s, rows.a))[0]}
    theta = policy.theta[0].clone().requires_grad_()
    inputs = {"theta": theta, "s": rows.s[0], "w": importance(agent, rows, mean)[0], "alive": 1 - rows.terminal[0]}
    run = scg.observe(graph, inputs, noise)
    torch.testing.assert_close(run[next_s].detach(), rows.next_s[0], **TIGHT)

    def weighted(mean):
        return importance(agent, rows, mean).unsqueeze(-1) * agent.value_slope(rows)

    expected = svg_gradient(agent, rows, weighted)
    scg.surrogate(run).mean().backward()
    torch.testing.assert_close(-theta.grad, expected, **TIGHT)
    assert theta.grad.abs().max() > 1e-4


def test_the_actor_of_soft_actor_critic():
    """Eq. (7): alpha log pi(u | x) - Q(x, u), with u re-parameterised: Figure 13, right."""
    agent = sac_kit.learner([0], module=sac, dtype="float64").agent
    generator = torch.Generator().manual_seed(0)
    x, noise = (torch.randn(1, 9, n, generator=generator, dtype=torch.float64) for n in (3, 2))
    alpha = agent.temperature.alpha
    loss, log_prob = sac.policy_loss(agent.actor, agent.critic, alpha, x, noise)
    wanted = torch.autograd.grad(loss.sum(), list(agent.actor.parameters()))

    graph = scg.Graph()
    actor, critic, state = graph.input("actor"), graph.input("critic"), graph.input("x", per_sample=True)

    def policy(actor, x):
        found = actor(x[None])
        return TransformedDistribution(Independent(Normal(found.mean[0], found.log_std[0].exp()), 1), TanhTransform(1))

    u = graph.stochastic("u", policy, actor, state, estimator="path")
    log_pi = graph.log_prob("log pi", u)
    value = graph.deterministic("Q", lambda q, x, u: q.smaller(torch.cat([x, u], -1)[None])[0], critic, state, u)
    graph.cost("loss", lambda log_pi, q: alpha[0] * log_pi - q, log_pi, value)
    inputs = {"actor": agent.actor, "critic": agent.critic, "x": x[0]}
    again = scg.reparameterised(scg.sample(graph, inputs), "u")
    run = scg.observe(again, inputs, {"u.noise": noise[0]})
    torch.testing.assert_close(run["log pi"], log_prob[0], rtol=1e-9, atol=1e-9)
    found = torch.autograd.grad(scg.surrogate(run).mean(), list(agent.actor.parameters()))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-10)
    assert max(one.abs().max() for one in found) > 1e-3
