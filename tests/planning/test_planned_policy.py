"""Planning at test time: its initial distribution, its two readings, and its gain on a task with a known optimum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exact_model import exact_ensemble
from regulator import Regulator

from svgbench.models.branched import permuted_members
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.nn.distributions import SquashedGaussian
from svgbench.nn.layers import MLP
from svgbench.nn.streams import Streams
from svgbench.planning.action_sequences import SequenceSearch
from svgbench.planning.model_returns import ReturnSettings
from svgbench.planning.planned_policy import (
    PlannedPolicy,
    PlanningSettings,
    PolicyAndCritics,
    planning_settings,
)
from svgbench.planning.trial import PairedTrial
from svgbench.simulate.acting import ActionUnits
from svgbench.simulate.stepping import episode_returns
from svgbench.tasks.maac.linear_quadratic import action_value_matrix, optimal_gain

SEEDS, EPISODES = [3, 8], 2
BOUNDS = (-3.0, -0.5)


def networks(seeds, dtype=torch.float64):
    """A policy and critics of random networks, over observations scaled by 2."""
    actor = MLP(Streams(seeds, "actor"), (2, 8, 2), "relu", dtype=dtype)
    critic = MLP(Streams(seeds, "critic"), (3, 8, 1), "relu", ensemble=2, dtype=dtype)
    return PolicyAndCritics(
        lambda x: SquashedGaussian(actor(x), BOUNDS),
        lambda xu: critic(xu).squeeze(-1).amin(1),
        lambda obs: obs / 2,
    )


def noisy_ensemble(seeds):
    return GaussianEnsemble(
        Streams(seeds, "model"), 3, 3,
        hidden=(6,), activation="silu", members=4, log_var_bounds=(-3.0, 0.5), dtype=torch.float64,
    )  # fmt: skip


def planned(reading="text", seeds=SEEDS, name="test"):
    settings = planning_settings(0.9, reading, horizon=2)
    return PlannedPolicy(settings, networks(seeds), noisy_ensemble(seeds), seeds, name)


def returns_of_ways(one, task):
    """Returns [S, EPISODES] with planning, and with the policy's mode, from the same starts."""
    simulations = task.simulate(SEEDS, EPISODES, "evaluation", autoreset=False)
    ways = [lambda _, obs: one.act(obs), lambda _, obs: one.mode(obs)]
    trial = PairedTrial(ways, simulations, ActionUnits(task), len(SEEDS), one.returns.model.centre)
    while not trial.done:
        trial.advance(1000)
    return trial.returns


def states(seeds=SEEDS):
    return Streams(seeds, "states").normal((EPISODES, 2), torch.float64)


@pytest.mark.parametrize("reading", ["text", "code"])
def test_a_search_starts_at_the_policy_along_one_path_of_the_model(reading):
    one, obs = planned(reading), states()
    mean, std = one.initial(obs)
    steps = 2 if reading == "text" else 3
    assert mean.shape == std.shape == (2, EPISODES, steps, 1)
    streams, model, policy = Streams(SEEDS, "test-model"), noisy_ensemble(SEEDS), networks(SEEDS).policy
    rows = torch.arange(EPISODES)
    for t in range(steps):
        out = policy(obs / 2)
        torch.testing.assert_close(mean[:, :, t], out.mean)
        torch.testing.assert_close(std[:, :, t], out.log_std.exp() if reading == "text" else -out.log_std)
        member = permuted_members(streams, 4, 4)  # of the two rows, and two that fill the blocks
        noise = streams.normal((EPISODES, 3), torch.float64)
        means, log_vars = model(torch.cat([obs, out.mode], -1)[:, None].expand(-1, 4, -1, -1))  # [S, E, N, 3]
        own, size = (torch.stack([x[s, member[s, :2], rows] for s in range(2)]) for x in (means, log_vars))
        obs = obs + (own + (size / 2 if reading == "text" else size).exp() * noise)[..., 1:]


def test_the_readings_differ_as_the_docstring_says():
    text, code = planning_settings(0.9, "text"), planning_settings(0.9, "code")
    assert (text.returns.length, code.returns.length) == (5, 6)
    assert text.returns.terminal_weight == pytest.approx(0.9**5)
    assert code.returns.terminal_weight == pytest.approx(0.9**6)
    assert text.search == SequenceSearch()
    assert code.search == SequenceSearch(variance_cut="box")


def linear_quadratic_agent(lq, half_range):
    """A policy that does nothing, and the optimal action value as its critics'; actions in units of `half_range`."""
    gain, _ = optimal_gain(lq)
    scale = torch.diag(torch.tensor([1.0, 1.0, half_range], dtype=torch.float64))
    W = scale @ torch.from_numpy(action_value_matrix(lq, gain)) @ scale

    def nothing(x):
        return SquashedGaussian(torch.zeros(*x.shape[:-1], 2, dtype=x.dtype), (-1.0, 1.0))

    return PolicyAndCritics(nothing, lambda xu: -0.5 * (xu @ W * xu).sum(-1), lambda obs: obs)


def test_planning_with_the_exact_model_reaches_the_best_policy_from_the_same_starts():
    task = Regulator(horizon=15)
    lq, half_range = task.lq, 2.0
    settings = PlanningSettings(
        SequenceSearch(population=64, elites=8, iterations=8),
        ReturnSettings(lq.gamma, 2, "mean", terminal_action="planned"),
    )

    def reward(s, a, _):
        return -0.5 * (s.square().sum(-1) + (half_range * a).square().sum(-1))

    agent, model = linear_quadratic_agent(lq, half_range), exact_ensemble(SEEDS, lq, half_range, members=1)
    one = PlannedPolicy(settings, agent, model, SEEDS, "test", reward=reward)
    found, without = returns_of_ways(one, task)
    simulations = task.simulate(SEEDS, EPISODES, "evaluation", autoreset=False)
    best = episode_returns(simulations, lambda obs: -obs @ optimal_gain(lq)[0].T).reshape(2, EPISODES)
    still = task.simulate(SEEDS, EPISODES, "evaluation", autoreset=False)
    nothing = episode_returns(still, lambda obs: np.zeros((len(obs), 1))).reshape(2, EPISODES)
    np.testing.assert_array_equal(without, nothing)
    np.testing.assert_allclose(found, best, rtol=0.02)
    assert (without < 1.1 * found).all()  # all are negative


def test_pairs_begin_alike_and_leave_the_simulations_after_one_episode():
    task, seen = Regulator(horizon=3), []
    simulations = task.simulate(SEEDS, EPISODES, "evaluation", autoreset=False)

    def acting(gain):
        def act(t, obs):
            seen.append(obs.numpy().reshape(-1, obs.shape[-1]).copy())
            return gain * obs[..., 1:]

        return act

    like = torch.zeros((), dtype=torch.float64)
    trial = PairedTrial([acting(-0.5), acting(-1.0)], simulations, ActionUnits(task), len(SEEDS), like)
    while not trial.done:
        trial.advance(2)
    first, second = trial.returns.reshape(2, -1)
    np.testing.assert_array_equal(seen[0], seen[3])
    assert (first != second).all()
    after = simulations.reset()
    once = task.simulate(SEEDS, EPISODES, "evaluation", autoreset=False)
    np.testing.assert_array_equal(episode_returns(once, lambda obs: ActionUnits(task)(-0.5 * obs[:, 1:])), first)
    np.testing.assert_array_equal(once.reset(), after)


@pytest.mark.parametrize("reading", ["text", "code"])
def test_a_seed_alone_and_in_a_block_plan_alike(reading):
    seeds = [11, 3, 8, 20, 5]
    together = planned(reading, seeds).act(states(seeds))
    assert together.shape == (5, EPISODES, 1)
    assert together.abs().max() <= 1
    for place, seed in enumerate(seeds):
        alone = planned(reading, [seed]).act(states([seed]))
        torch.testing.assert_close(alone[0], together[place], rtol=1e-10, atol=1e-10)


def test_a_restored_planner_acts_bit_for_bit_alike_and_another_name_does_not():
    one, again = planned(), planned()
    one.act(states())
    again.load_state_dict(one.state_dict())
    expected = one.act(states())
    assert torch.equal(again.act(states()), expected)
    assert not torch.equal(planned(name="other").act(states()), planned().act(states()))


def test_a_policy_that_is_not_a_number_stands_still_and_its_companion_goes_on():
    task, one = Regulator(horizon=2), planned()
    broken = networks(SEEDS)
    spoil = torch.tensor([torch.nan, 1.0], dtype=torch.float64)[:, None, None]
    one.agent = broken._replace(policy=lambda x: broken.policy(x * spoil))
    found, without = returns_of_ways(one, task)
    np.testing.assert_array_equal(found[0], without[0])
    assert np.isfinite(found).all()
    assert (found[1] != without[1]).all()
