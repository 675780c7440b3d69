"""Baselines in use: leave-one-out, running means, learned ones."""

from __future__ import annotations

import torch
from scg_kit import close, one_bit, parameter, within

from svgbench import scg


def test_leave_one_out_is_unbiased_and_lowers_this_variance():
    graph, inputs, *_ = one_bit()
    exact = scg.exact(graph, inputs)
    for group in (None, 2):
        with scg.seeds(1):
            run = scg.sample(graph, inputs, 6000)
        plain, better = (scg.gradient(run, "theta", baseline=b) for b in (None, scg.LeaveOneOut(group)))
        assert within(plain, exact.gradient("theta"))
        assert within(better, exact.gradient("theta"))
        assert better.var(0)[0] < 0.5 * plain.var(0)[0]


def test_leave_one_out_is_exactly_unbiased_over_all_pairs():
    """Two samples, every pair of outcomes: a sample that took part in its own baseline would shrink the gradient."""
    graph, inputs, x, y = one_bit()
    exact = scg.exact(graph, inputs)
    values = {node: exact.run[node] for node in (x, y)}
    total, R = torch.zeros(2, dtype=torch.float64), exact.run.rows
    for i in range(R):
        for j in range(R):
            run = scg.observe(graph, inputs, {node: v[[i, j]] for node, v in values.items()})
            weight = exact.run.weight[i] * exact.run.weight[j]
            total += weight * scg.gradient(run, "theta", baseline=scg.LeaveOneOut()).mean(0)
    assert close(total, exact.gradient("theta"))


def test_a_running_mean_forgets_and_is_not_drawn_to_zero():
    graph, inputs, x, y = one_bit()
    baseline = scg.Running(0.5)
    run = scg.sample(graph, inputs, 10)
    assert not baseline.values(run).any()
    baseline.update(run)
    fresh = scg.sample(graph, inputs, 10)
    assert close(baseline.values(fresh)[0], run.q(x).mean().expand(10))
    other = scg.sample(graph, inputs, 30)
    baseline.update(other)
    expected = (run.q(y).mean() / 3 + other.q(y).mean() * 2 / 3).expand(10)
    assert close(baseline.values(fresh)[1], expected)


def test_a_learned_baseline_learns_what_is_to_come_and_touches_nothing_else():
    graph, inputs, x, y = one_bit()
    weights = parameter(0.0, 0.0, 0.0)
    baseline = scg.Learned(graph, {x: (lambda: weights[0], []), y: (lambda x: weights[1] + weights[2] * x, [x])})
    exact = scg.exact(graph, inputs)
    optimiser = torch.optim.LBFGS([weights], line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = baseline.loss(exact.run)
        loss.backward()
        return loss

    optimiser.step(closure)
    assert inputs[graph["theta"]].grad is None
    run = exact.run
    weight = run.weight
    assert abs(weights[0] - (weight * run.q(x)).sum()) < 1e-5
    for value, expected in ((0, weights[1]), (1, weights[1] + weights[2])):
        here = run[x] == value
        assert abs(expected - (weight * run.q(y))[here].sum() / weight[here].sum()) < 1e-5
    estimate = scg.gradient(run, "theta", baseline=baseline)
    assert close(exact.expectation(estimate), exact.gradient("theta"))
    assert exact.variance(estimate).sum() < 0.3 * exact.variance(scg.gradient(run, "theta")).sum()


def test_the_loss_of_a_learned_baseline_is_of_its_present_parameters():
    graph, inputs, x, _ = one_bit()
    weight, calls = parameter(1.0), []
    baseline = scg.Learned(graph, {x: (lambda: calls.append(1) or weight.sum(), [])})
    run = scg.sample(graph, inputs, 4)
    scg.surrogate(run, baseline=baseline)
    first = baseline.loss(run)
    assert len(calls) == 1  # the surrogate's value serves once
    first.backward()
    with torch.no_grad():
        weight += 1
    assert close(baseline.loss(run), (run.q(x) - 2).square().mean())
