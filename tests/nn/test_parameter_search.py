"""Scores are the returns of each candidate alone; also seeds, ends, scaling and resumption."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from learner_laws import each_agrees_alone_and_in_a_block, finish, through_a_file
from regulator import Regulator
from short_paths import ShortPaths

from svgbench.baselines.search._parameter_search import ParameterSearch
from svgbench.learners.on_policy import OnPolicyLearner
from svgbench.nn.gaussian_policy import GaussianPolicy, PolicySnapshot
from svgbench.nn.scaling import ObservationScaling
from svgbench.nn.streams import Streams
from svgbench.simulate.scores import OneEpisodeEach, Scores

N = 6


class Walk:
    """A search that takes a step towards the best of its candidates."""

    def __init__(self, seeds, P, log_std):
        self.streams, self.mean, self.log_std = (
            Streams(seeds, "candidates"),
            torch.zeros(len(seeds), P).double(),
            log_std,
        )

    def ask(self):
        self.before = self.streams.state_dict()
        self.candidates = self.mean[:, None] + 0.5 * self.streams.normal((N, self.mean.shape[1]), torch.float64)
        self.candidates[..., -1] = self.log_std
        return self.candidates

    def tell(self, returns):
        assert returns.isfinite().all()
        best = self.candidates[torch.arange(len(returns)), returns.argmax(1)]
        self.mean = self.mean + 0.3 * (best - self.mean)

    def state_dict(self):
        return {"mean": self.mean, "streams": self.before}

    def load_state_dict(self, state):
        self.mean = state["mean"].clone()
        self.streams.load_state_dict(state["streams"])


def made(seeds=(3, 8), task=None, iterations=4, log_std=-1.0, path_length=0, scaling="none", clip=0.0):
    task = task or ShortPaths()
    policy = GaussianPolicy(task.observation_dim, task.action_dim, (3,), "tanh")
    agent = ParameterSearch(policy, Walk(seeds, policy.P, log_std), torch.float64)
    scaled = ObservationScaling(scaling, task, seeds, clip)
    sampler = OneEpisodeEach(task, seeds, N, path_length, 7, scaled, torch.float64)
    return OnPolicyLearner(agent, sampler, task, list(seeds), iterations)


def scored(learner):
    sampler, snapshot = learner.sampler, learner.agent.snapshot()
    while (scores := sampler.advance(snapshot)) is None:
        pass
    return scores


@pytest.mark.parametrize("path_length", [0, 9])
def test_a_score_is_the_return_of_one_episode_of_that_candidate_alone(path_length):
    """With almost no noise in the actions, whatever the other candidates do and however long their episodes are."""
    learner = made(log_std=-60.0, path_length=path_length)
    task, policy = learner.task, learner.agent.policy
    candidates, scores = learner.agent.search.candidates, scored(learner)
    length = path_length or task.horizon
    for s, seed in enumerate(learner.seeds):
        alone = task.simulate([seed], N, "train", 1, autoreset=False)
        start = alone.reset()
        for i in range(N):
            theta, obs, total, t, over = candidates[s, i][None], start[i], 0.0, 0, False
            while not over and t < length:
                action = policy.mean(theta, torch.from_numpy(obs)[None, None])[0, 0].numpy()
                outcome = alone.step(action[None] * 2.0, [i])
                obs, over = outcome.final_observation[0], bool(outcome.terminated[0] | outcome.truncated[0])
                total, t = total + float(outcome.reward[0]), t + 1
            np.testing.assert_allclose(float(scores.returns[s, i]), total, rtol=1e-12)
            assert scores.lengths[s, i] == t
    assert scores.lengths.min() < scores.lengths.max() <= length
    assert torch.equal(scores.steps, scores.lengths.sum(1))


def test_the_means_of_a_row():
    returns = torch.tensor([[2.0, 4.0], [1.0, math.nan]], dtype=torch.float64)
    scores = Scores(returns, torch.tensor([[3, 5], [1, 8]]), torch.tensor([8, 9]), 10)
    assert scores.return_mean.tolist()[0] == 3.0
    assert scores.length_mean.tolist() == [4.0, 4.5]
    assert scores.reward_per_step.tolist()[0] == 0.3
    assert scores.finite().tolist() == [True, False]
    learner = made(iterations=1)
    while not (rows := learner.advance()):
        pass
    assert [row["step"] for row in rows] == [1, 1]
    assert math.isnan(rows[0]["kl"])
    # of a Gaussian with log_std -1 in one dimension
    assert rows[0]["entropy"] == pytest.approx(-1.0 + 0.5 * math.log(2 * math.pi * math.e))


def test_each_candidate_explores_by_its_own_deviation():
    sampler = made(seeds=(3,), task=Regulator(horizon=40)).sampler
    taken, step = [], sampler.simulations.step
    sampler.simulations.step = lambda actions, ids: (taken.append(actions), step(actions, ids))[1]
    std = np.array([[0.0, 0.1, 0.2, 0.4, 0.8, 1.6]])[..., None]
    sampler.steps_per_slice = 40
    sampler.advance(PolicySnapshot(lambda x: np.full((1, N, 1), 0.25), std))
    actions = np.stack(taken)[..., 0] / 2.0  # half of the control range is 2
    np.testing.assert_allclose(actions.mean(0), 0.25, atol=4 * 1.6 / 40**0.5)
    assert actions[:, 0].std() == 0.0
    np.testing.assert_allclose(actions[:, 1:].std(0) / std[0, 1:, 0], 1.0, atol=0.4)


def trained(learner):
    return finish(learner), learner.agent.search.mean


def test_a_seed_alone_and_in_a_block_agree():
    seeds = (11, 3, 8)
    each_agrees_alone_and_in_a_block(
        lambda some: made(some, iterations=50), lambda one: one.agent.search.mean, seeds, seeds, 1e-10
    )


def test_resuming_at_any_slice_is_exact():
    expected, theta = trained(made(scaling="random"))
    rows, learner, middle = [], made(scaling="random"), 0
    while not learner.finished:
        resumed = made(scaling="random")
        resumed.load_state_dict(through_a_file(learner.state_dict()))
        learner = resumed
        middle += 0 < learner.sampler.t < 20
        rows += learner.advance()
    assert middle >= 4
    assert repr(rows) == repr(expected)
    assert torch.equal(theta, learner.agent.search.mean)


def test_steps_of_the_scaling_count_once():
    rows, _ = trained(made(scaling="random", clip=0.5, iterations=2))
    plain, _ = trained(made(iterations=2))
    assert rows[0]["simulated_steps"] > 10_000
    assert rows[2]["simulated_steps"] - rows[0]["simulated_steps"] <= N * 20
    assert plain[0]["simulated_steps"] == round(N * plain[0]["episode_length"])


def test_a_seed_whose_rewards_are_not_finite_is_recorded_and_the_others_go_on():
    learner, expected = made(), trained(made((8,)))[0]
    rows = learner.advance()
    learner.sampler.simulations.p[learner.sampler.running.argmax()] = math.nan
    while not learner.finished:
        rows += learner.advance()
    assert learner.diverged == {3: "iteration 1: an observation or a reward is not finite"}
    assert [row["seed"] for row in rows] == [8] * 4
    for one, other in zip(rows, expected, strict=True):
        assert one["return_mean"] == pytest.approx(other["return_mean"], rel=1e-12)


@pytest.mark.parametrize(
    ("n", "path_length", "said"),
    [(0, 0, "0 episodes in slices of 7 steps"), (2, 21, "path_length is 21, expected at most the task's horizon, 20")],
)
def test_what_cannot_be_carried_out_is_refused(n, path_length, said):
    task = ShortPaths()
    with pytest.raises(ValueError, match=said):
        OneEpisodeEach(task, [3], n, path_length, 7, ObservationScaling("none", task, [3], 0.0), torch.float64)


def test_a_task_without_a_range_of_actions_is_refused():
    task = ShortPaths()
    task.action_high = np.array([np.inf])
    with pytest.raises(ValueError, match="no finite range of its actions"):
        OneEpisodeEach(task, [3], 2, 0, 7, ObservationScaling("none", task, [3], 0.0), torch.float64)
