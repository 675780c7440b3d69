"""The small theory of Schulman 2016, chapters 2 to 4: the exact studies against computations made another way."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from learner_laws import finish
from torch.distributions import Categorical

from svgbench import scg
from svgbench.baselines.scg import _decision_process as dp
from svgbench.baselines.scg import scg_gae_lambda, scg_policy_bound, scg_policy_gradient, scg_vine
from svgbench.nn.streams import Streams

SEED = 5

pytestmark = pytest.mark.usefixtures("one_thread")


def drawn():
    """The process and theta that the studies of policy gradients draw."""
    stream = Streams([SEED], "process")
    process = dp.random_process(stream, scg_policy_gradient.STATES, scg_policy_gradient.ACTIONS)
    return process, stream.normal((scg_policy_gradient.STATES, scg_policy_gradient.ACTIONS), torch.float64)[0]


def estimator(weight, longest=2, **config):
    config = {"weight": weight, **config}
    return finish(scg_policy_gradient.make(config, None, [SEED], {"longest": longest}, "cpu"))


# -- paths, values, gradients


def test_paths_are_all_sequences_with_the_product_of_their_probabilities():
    process, theta = drawn()
    policy = theta.softmax(-1)
    found = dp.paths(process, policy, 2)
    wanted = {}
    for s0, a0, s1, a1, s2 in itertools.product(range(3), range(2), range(3), range(2), range(3)):
        p = process.start[s0] * policy[s0, a0] * process.move[s0, a0, s1] * policy[s1, a1] * process.move[s1, a1, s2]
        wanted[s0, s1, s2, a0, a1] = p.item()
    listed = {(*s.tolist(), *a.tolist()): p.item() for s, a, p in zip(*found, strict=True)}
    assert listed == pytest.approx(wanted, rel=1e-12)
    assert sum(wanted.values()) == pytest.approx(1)


def test_paths_of_the_chain_leave_out_what_cannot_happen():
    chain = dp.chain(4, 0.2)
    paths = dp.paths(chain, torch.full((4, 2), 0.5, dtype=torch.float64), 3)
    assert len(paths.probability) == 4**3  # an action and a slip at each step, from one start
    assert paths.probability.sum().item() == pytest.approx(1)
    assert (paths.states[:, 1:] - paths.states[:, :-1]).abs().max() == 1


def test_the_gradient_is_that_of_finite_differences_of_the_value_at_the_start():
    process, theta = drawn()

    def objective(theta):
        return (process.start @ dp.values(process, theta.softmax(-1), 4, 1.0)[0][0]).item()

    step = 1e-6
    for place in itertools.product(range(3), range(2)):
        moved = torch.zeros_like(theta)
        moved[place] = step
        slope = (objective(theta + moved) - objective(theta - moved)) / (2 * step)
        assert dp.gradient(process, theta, 4)[place].item() == pytest.approx(slope, abs=1e-8)


# -- chapter 2


def graph_of(process, T):
    """The process as a stochastic computation graph; its costs are the rewards."""
    graph = scg.Graph()
    theta = graph.input("theta")
    s = graph.stochastic("s0", lambda: Categorical(process.start))
    for t in range(T):
        a = graph.stochastic(f"a{t}", lambda theta, s: Categorical(logits=theta[s]), theta, s, smooth=[theta])
        graph.cost(f"r{t}", lambda s, a: process.reward[s, a], s, a, smooth=False)
        if t < T - 1:
            s = graph.stochastic(f"s{t + 1}", lambda s, a: Categorical(process.move[s, a]), s, a, smooth=False)
    return graph


@pytest.mark.parametrize(("weight", "baseline"), [("following", False), ("baseline-value", True)])
def test_bias_and_variance_are_those_of_the_graph_of_the_process(weight, baseline):
    """The library enumerates the graph, which has no last state, and takes scores from torch's own derivatives."""
    process, theta = drawn()
    theta.requires_grad_()
    (row,) = estimator(weight)
    graph = graph_of(process, 2)
    exact = scg.exact(graph, {"theta": theta})
    V = dp.values(process, theta.detach().softmax(-1), 2, 1.0)[0]
    b = scg.Learned(graph, {graph[f"a{t}"]: (lambda s, t=t: V[t, s.long()], [graph[f"s{t}"]]) for t in range(2)})
    one = scg.gradient(exact.run, "theta", baseline=b if baseline else None)
    size = exact.gradient("theta").square().sum()
    assert row["variance"] == pytest.approx((exact.variance(one).sum() / size).item(), rel=1e-10)
    assert row["bias"] < 1e-12
    assert torch.allclose(exact.gradient("theta"), dp.gradient(process, theta, 2), atol=1e-12)


def test_all_rewards_have_the_variance_of_the_score_of_the_whole_path():
    process, theta = drawn()
    theta.requires_grad_()
    paths = dp.paths(process, theta.detach().softmax(-1), 2)
    log_p = torch.log_softmax(theta, -1)[paths.states[:, :-1], paths.actions].sum(1)
    score = scg.per_sample(log_p, theta).flatten(1)
    g = score * process.reward[paths.states[:, :-1], paths.actions].sum(1, keepdim=True)
    mean = paths.probability @ g
    variance = (paths.probability @ (g - mean).square()).sum() / mean.square().sum()
    assert estimator("total")[0]["variance"] == pytest.approx(variance.item(), rel=1e-10)


def test_no_other_function_of_the_state_beats_the_optimal_baseline():
    process, theta = drawn()
    policy = theta.softmax(-1)
    paths = dp.paths(process, policy, 3)
    following = scg_policy_gradient.returns(process.reward[paths.states[:, :-1], paths.actions], 1.0)
    best = scg_policy_gradient.optimal_baseline(paths, following, policy)

    def variance(b):
        weights = following - b[torch.arange(3), paths.states[:, :-1]]
        return dp.mean_and_variance(paths, dp.estimates(paths, weights, policy))[1]

    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        way = torch.randn(best.shape, generator=generator, dtype=torch.float64)
        assert variance(best + 0.01 * way) > variance(best)
        assert variance(best + way) > variance(best)


@pytest.mark.parametrize("weight", ["total", "following", "baseline-random", "q", "advantage", "residual"])
def test_the_formulas_of_eq_22_are_unbiased_and_the_discounted_one_is_not(weight):
    assert all(row["bias"] < 1e-12 for row in estimator(weight, 4))
    assert estimator("discounted", 4)[-1]["bias"] > 0.01
    assert estimator("discounted", 4, gamma=1.0)[-1]["bias"] < 1e-12


# -- chapter 4


def lambdas(**config):
    return finish(scg_gae_lambda.make(config, None, [SEED], {"episode": 5}, "cpu"))


def test_gae_is_the_average_of_the_k_step_estimators_of_section_4_3():
    """Their weights are (1 - lambda) lambda^(k - 1); the last one has what is left, as V is 0 after the end."""
    generator = torch.Generator().manual_seed(0)
    rewards, V = (torch.randn(3, n, generator=generator, dtype=torch.float64) for n in (5, 6))
    V[:, -1] = 0
    gamma, gae_lambda = 0.9, 0.7
    delta = rewards + gamma * V[:, 1:] - V[:, :-1]
    found = scg_policy_gradient.returns(delta, gamma * gae_lambda)
    for t in range(5):
        total = torch.zeros(3, dtype=torch.float64)
        for k in range(1, 6 - t):
            returns = sum(gamma**i * rewards[:, t + i] for i in range(k)) + gamma**k * V[:, t + k]
            weight = (1 - gae_lambda) * gae_lambda ** (k - 1) if k < 5 - t else gae_lambda ** (k - 1)
            total += weight * (returns - V[:, t])
        assert torch.allclose(found[:, t], total, atol=1e-12)


def test_lambda_1_is_unbiased_whatever_v_and_lambda_0_only_with_the_exact_one():
    for gamma in (1.0, 0.9):
        exact, wrong = lambdas(value="exact", gamma=gamma), lambdas(value="inaccurate", gamma=gamma)
        assert all(row["bias_discounted"] < 1e-12 and row["target_bias"] < 1e-12 for row in (*exact, wrong[-1]))
        assert all(row["bias_discounted"] > 1e-3 and row["target_bias"] > 1e-3 for row in wrong[:-1])
        assert all((row["bias"] > 1e-3) == (gamma < 1) for row in exact)


def test_the_variance_of_a_target_is_that_of_returns_by_their_own_recursion():
    """With lambda = 1 a target is the return, whose second moment follows from that of the next state."""
    stream = Streams([SEED], "process")
    chain, gamma = dp.chain(scg_gae_lambda.STATES, scg_gae_lambda.SLIP), 0.9
    policy = stream.normal((4, 2), torch.float64)[0].softmax(-1)
    mean = second = torch.zeros(4, dtype=torch.float64)
    variance, scale, occupancy = 0.0, 0.0, dp.occupancy(chain, policy, 5)
    for t in reversed(range(5)):
        r = chain.reward
        second = (policy * (r**2 + 2 * gamma * r * (chain.move @ mean) + gamma**2 * chain.move @ second)).sum(1)
        mean = (policy * (r + gamma * chain.move @ mean)).sum(1)
        variance += (occupancy[t] @ (second - mean**2)).item() / 5
        scale += (occupancy[t] @ mean**2).item() / 5
    assert lambdas(value="inaccurate", gamma=gamma)[-1]["target_variance"] == pytest.approx(variance / scale, rel=1e-10)


# -- section 3.5


def test_moments_of_returns_are_those_of_simulated_rollouts(monkeypatch):
    monkeypatch.setattr(scg_vine, "ROLLOUT", 4)
    stream = Streams([SEED], "process 3")
    process = dp.random_process(stream, 4, 3)
    policy = stream.normal((4, 3), torch.float64)[0].softmax(-1)
    moments = scg_vine.moments_of(process, policy)
    n = 100_000
    u = torch.rand(3, 2, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def rollout(s, a):
        s, a = torch.full((n,), s), torch.full((n,), a)
        total = process.reward[s, a]
        for t in range(3):
            s = (u[t, 0, :, None] > process.move[s, a].cumsum(1)[:, :-1]).sum(1)
            a = (u[t, 1, :, None] > policy[s].cumsum(1)[:, :-1]).sum(1)
            total = total + scg_vine.GAMMA ** (t + 1) * process.reward[s, a]
        return total

    for (s, a), (x, b) in (((0, 0), (0, 1)), ((1, 2), (1, 2)), ((3, 0), (2, 2))):
        one, two = rollout(s, a), rollout(x, b)
        spread = (one * two).std().item() / math.sqrt(n)
        assert (one * two).mean().item() == pytest.approx(moments.product[s, a, x, b].item(), abs=4.5 * spread)
        assert one.mean().item() == pytest.approx(moments.mean[s, a].item(), abs=4.5 * one.std().item() / math.sqrt(n))


def test_overlaps_are_joint_probabilities_with_the_right_margins():
    p = torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]], dtype=torch.float64)
    joint = scg_vine.overlap(p)
    assert torch.allclose(joint[0, 1], torch.tensor([[0.2, 0, 0], [0.4, 0.1, 0], [0, 0, 0.3]], dtype=torch.float64))
    assert torch.allclose(joint[0, 0], p[0].diag())


def test_a_vine_and_a_single_path_estimate_one_gradient_with_the_variances_of_samples():
    """Rewards alone, no rollout noise: every scheme's variance has a short sum."""
    config = {"scheme": "vine", "random_numbers": "common"}
    vine = finish(scg_vine.make(config, None, [SEED], {"most_actions": 2}, "cpu"))[0]
    single = finish(scg_vine.make({}, None, [SEED], {"most_actions": 2}, "cpu"))[0]
    stream = Streams([SEED], "process 2")
    process = dp.random_process(stream, 4, 2)
    policy = stream.normal((4, 2), torch.float64)[0].softmax(-1)
    rho, moments = scg_vine.visitation(process, policy), scg_vine.moments_of(process, policy)
    mean, second = 0.0, torch.zeros(2, dtype=torch.float64)
    for s in range(4):
        own, each = torch.zeros(2, dtype=torch.float64), policy[s]
        for a in range(2):
            score = torch.eye(2, dtype=torch.float64)[a] - each
            own += each[a] * score * moments.mean[s, a]
            second[0] += rho[s] * each[a] * score.square().sum() * moments.product[s, a, s, a]
        mean += (rho[s] * own).square().sum()
        # with two actions the vine's estimate is p (1 - p) (Q-hat_0 - Q-hat_1) along (1, -1)
        difference = moments.product[s, 0, s, 0] + moments.product[s, 1, s, 1] - 2 * moments.product[s, 0, s, 1]
        second[1] += rho[s] * 2 * (each[0] * each[1]) ** 2 * difference
    assert rho.sum().item() == pytest.approx(1)
    assert single["variance"] == pytest.approx(((second[0] - mean) / 2 / mean).item(), rel=1e-10)
    assert vine["variance"] == pytest.approx(((second[1] - mean) / mean).item(), rel=1e-10)


# -- section 3.3


def slacks(bound, problem="random", problems=3):
    config = {"bound": bound, "problem": problem}
    return finish(scg_policy_bound.make(config, None, [SEED], {"problems": problems}, "cpu"))


def test_eta_differs_by_the_advantages_of_the_new_policy_over_its_own_states():
    """Eq. (4), and values by iteration instead of a linear system."""
    problem = scg_policy_bound.random_problem(Streams([SEED], "process"))
    new = scg_policy_bound.moved(problem.old, problem.other, problem.weight, 0.2)
    V, Q, _ = scg_policy_bound.evaluated(problem.process, problem.old)
    after, _, rho = scg_policy_bound.evaluated(problem.process, new)
    assert (problem.process.start @ (after - V)).item() == pytest.approx((rho @ (new * (Q - V[:, None])).sum(1)).item())
    by_iteration = torch.zeros_like(V)
    for _ in range(400):
        by_iteration = (problem.old * (problem.process.reward + 0.9 * problem.process.move @ by_iteration)).sum(1)
    assert torch.allclose(V, by_iteration, atol=1e-12)


@pytest.mark.parametrize("distance", scg_policy_bound.DISTANCES)
@pytest.mark.parametrize("make_one", [scg_policy_bound.random_problem, scg_policy_bound.made_problem])
def test_new_policies_are_policies_at_the_distance_that_is_asked_for(make_one, distance):
    stream = Streams([SEED], "process")
    for _ in range(20):
        _, old, other, weight = make_one(stream)
        new = scg_policy_bound.moved(old, other, weight, distance)
        assert (new >= 0).all()
        assert torch.allclose(new.sum(1), torch.ones(len(new), dtype=torch.float64))
        assert (0.5 * (new - old).abs().sum(1)).max().item() == pytest.approx(distance)


@pytest.mark.parametrize("problem", ["random", "made"])
def test_bounds_as_corrected_hold_and_as_printed_they_do_not(problem):
    for bound in ("mixture", "corrected", "divergence", "perturbation-corrected"):
        assert all(row["slack"] >= -1e-9 and row["broken"] == 0 for row in slacks(bound, problem))
    for bound in ("expected", "perturbation"):
        assert min(row["slack"] for row in slacks(bound, problem, 20)) < -1
    assert (min(row["slack"] for row in slacks("largest", problem)) < -0.3) == (problem == "made")


def test_the_problem_made_against_the_bound_has_its_closed_form():
    """Sizes of A are at most M; L - eta is 3 a M times the mass that has moved to the second state too soon."""
    problem, gamma = scg_policy_bound.made_problem(Streams([SEED], "process")), scg_policy_bound.GAMMA
    V, Q, _ = scg_policy_bound.evaluated(problem.process, problem.old)
    M = Q[1, 0].item()
    assert torch.allclose(V, torch.zeros(2, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(Q, M * torch.tensor([[0.0, 1.0], [1.0, -1.0]], dtype=torch.float64))
    rows = {row["distance"]: row["slack"] for row in slacks("largest", "made", 1)}
    for a, slack in rows.items():
        moved = gamma * a / ((1 - gamma) * (1 - gamma * (1 - a))) * problem.process.start[0].item()
        assert slack == pytest.approx(1 - 3 * a * M * moved / (2 * gamma * M * a**2 / (1 - gamma) ** 2), rel=1e-9)
