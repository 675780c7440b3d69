"""What PETS and POPLIN-P add to the search: particles, policies as candidates, early ends, views of observations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from svgbench.memory.replay import RowLayout
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.models.observation_view import ObservationView
from svgbench.nn.streams import Streams
from svgbench.planning.action_sequences import SequencePlanner, SequenceSearch
from svgbench.planning.candidate_policy import CandidatePolicy
from svgbench.planning.model_returns import ModelReturns, ReturnSettings, no_value

SEEDS = [3, 8]
S, N, n, OBS, A, H, E, P = 2, 2, 3, 4, 2, 3, 3, 6
GAMMA = 0.8


def ensemble(seeds=SEEDS, outputs=OBS, log_var=(-3.0, 0.5)):
    return GaussianEnsemble(
        Streams(seeds, "model"), OBS + A, outputs,
        hidden=(6, 7), activation="silu", members=E, log_var_bounds=log_var, dtype=torch.float64,
    )  # fmt: skip


def reward(s, a, next_s):
    return (s * next_s).sum(-1) - a.square().sum(-1)


def given(seeds=SEEDS):
    numbers = Streams(seeds, "given")
    return numbers.normal((N, OBS), torch.float64), numbers.normal((N, n, H, A), torch.float64)


# --- particles ----------------------------------------------------------------------------------------------------


def test_each_particle_keeps_its_network_and_a_return_is_their_mean():
    """Against one path at a time: particle p follows network p // (P / E) from its first step to its last."""
    model, (obs, actions) = ensemble(), given()
    c = ReturnSettings(GAMMA, H, "particles", particles=P)
    found = ModelReturns(c, model, no_value, Streams(SEEDS, "imagine"), reward=reward)(obs, actions)
    streams = Streams(SEEDS, "imagine")
    noises = [streams.normal((P * N * n, OBS), torch.float64).view(S, P, N, n, OBS) for _ in range(H)]
    for s in range(S):
        for i in range(N):
            for k in range(n):
                totals = []
                for p in range(P):
                    state, total = obs[s, i], 0.0
                    for t in range(H):
                        action = actions[s, i, k, t]
                        x = torch.cat([state, action])[None, None, None].expand(S, E, 1, -1)
                        mean, log_var = (y[s, p // (P // E), 0] for y in model(x))
                        after = state + mean + (0.5 * log_var).exp() * noises[t][s, p, i, k]
                        total += GAMMA**t * reward(state, action, after)
                        state = after
                    totals.append(total)
                torch.testing.assert_close(found[s, i, k], sum(totals) / P, rtol=1e-9, atol=1e-12)


def test_networks_without_noise_give_as_many_different_paths_as_there_are_networks():
    model, (obs, actions) = ensemble(log_var=(-200.0, -190.0)), given()

    def of(particles):
        c = ReturnSettings(GAMMA, H, "particles", particles=particles)
        return ModelReturns(c, model, no_value, Streams(SEEDS, "imagine"), reward=reward)(obs, actions)

    torch.testing.assert_close(of(E), of(2 * E), rtol=1e-12, atol=0)
    c = ReturnSettings(GAMMA, H, "mean")
    mean = ModelReturns(c, model, no_value, Streams(SEEDS, "imagine"), reward=reward)(obs, actions)
    assert (mean - of(E)).abs().max() > 1e-6


def test_a_seed_alone_has_the_same_particles():
    c, (obs, actions) = ReturnSettings(GAMMA, H, "particles", particles=P), given()
    whole = ModelReturns(c, ensemble(), no_value, Streams(SEEDS, "imagine"), reward=reward)(obs, actions)
    for place, seed in enumerate(SEEDS):
        one = ModelReturns(c, ensemble([seed]), no_value, Streams([seed], "imagine"), reward=reward)
        assert torch.equal(one(obs[place : place + 1], actions[place : place + 1])[0], whole[place])


def test_particles_that_cannot_be_shared_are_refused():
    with pytest.raises(ValueError, match="particles is 4 with propagation 'mean', expected 1"):
        ReturnSettings(GAMMA, H, "mean", particles=4)
    with pytest.raises(ValueError, match="particles is 4, expected a multiple of the 3 members"):
        ModelReturns(ReturnSettings(GAMMA, H, "particles", particles=4), ensemble(), no_value, Streams(SEEDS, "x"))


def test_the_mean_of_members_is_the_mean_of_their_means():
    model = ensemble()
    for rows in (1, 7, 1100):  # more than a piece
        x = Streams(SEEDS, f"{rows}").normal((rows, OBS + A), torch.float64)
        expected = model.mean(x[:, None].expand(-1, E, -1, -1)).mean(1)
        torch.testing.assert_close(model.mean_of_members(x), expected, rtol=1e-12, atol=1e-14)


# --- rewards ------------------------------------------------------------------------------------------------------


def test_a_plan_may_count_the_reward_of_the_next_state():
    model, (obs, actions), streams = ensemble(), given(), Streams(SEEDS, "imagine")
    c = ReturnSettings(1.0, 1, "mean", reward_of="next")
    found = ModelReturns(c, model, no_value, streams, reward=lambda s, a, after: s[..., 0] - a[..., 1])
    after = obs.repeat_interleave(n, 1) + model.mean_of_members(
        torch.cat([obs.repeat_interleave(n, 1), actions[..., 0, :].flatten(1, 2)], -1)
    )
    expected = after[..., 0] - actions[..., 0, 1].flatten(1, 2)
    torch.testing.assert_close(found(obs, actions[..., :1, :]).flatten(1, 2), expected)


# --- policies as candidates ---------------------------------------------------------------------------------------


def test_a_candidate_policy_is_the_network_of_its_own_weights():
    shape = CandidatePolicy(OBS, (5,), A)
    assert shape.size == 4 * 5 + 5 + 5 * 2 + 2
    weights = 3 * Streams(SEEDS, "weights").normal((6, shape.size), torch.float64)
    x = Streams(SEEDS, "x").normal((6, OBS), torch.float64)
    acted = shape.act(weights, x)
    for s in range(S):
        for b in range(6):
            w = weights[s, b].numpy()
            hidden = np.tanh(x[s, b].numpy() @ w[:20].reshape(4, 5) + w[20:25])
            np.testing.assert_allclose(
                acted[s, b], np.clip(hidden @ w[25:35].reshape(5, 2) + w[35:], -1, 1), rtol=1e-12
            )
        shared = shape.act(weights[:, 0], x)
        torch.testing.assert_close(shared[s], shape.act(weights[:, :1].expand(-1, 6, -1), x)[s])
    assert acted.abs().max() == 1


def test_initial_weights_have_columns_of_norm_one_and_a_small_last_layer():
    shape = CandidatePolicy(OBS, (5, 3), A)
    weights = shape.initial(Streams([1, 2], "policy"), torch.float64)
    layers = shape.matrices(weights)
    for place, (weight, bias) in enumerate(layers):
        norm = weight.square().sum(1).sqrt()
        torch.testing.assert_close(norm, torch.full_like(norm, 0.01 if place == 2 else 1.0))
        assert not bias.any()
    assert not torch.equal(weights[0], weights[1])


def test_a_search_over_weights_finds_the_gain_of_an_exact_model():
    """A linear policy u = w x on s' = s + u, paid -s'^2: every step's best gain is -1, whatever the state."""
    model = GaussianEnsemble(
        Streams([0, 1, 2], "model"), 2, 1, hidden=(), activation="identity", members=2,
        log_var_bounds=(-40.0, -30.0), dtype=torch.float64,
    )  # fmt: skip
    with torch.no_grad():
        model.layers[0].weight.zero_()[..., 1, 0] = 1.0
        model.layers[0].bias.zero_()
    shape, steps = CandidatePolicy(1, (), 1), 3
    returns = ModelReturns(
        ReturnSettings(1.0, steps, "mean"), model, no_value, Streams([0, 1, 2], "x"),
        reward=lambda s, a, after: -after.square().sum(-1),
    )  # fmt: skip
    obs = torch.full((3, 1, 1), 0.5, dtype=torch.float64)
    one = SequencePlanner(
        SequenceSearch(population=200, elites=20, iterations=12, sampling="truncated"), Streams([0, 1, 2], "y")
    )
    mean = torch.zeros(3, 1, steps, shape.size, dtype=torch.float64)

    def scored(candidates):
        weights = candidates[:, 0].unbind(2)
        return returns.followed(obs, 200, lambda t, s: shape.act(weights[t], s))

    found = one.plan(mean, torch.full_like(mean, 0.7), scored)[:, 0, 0]
    torch.testing.assert_close(shape.act(found, obs)[:, 0, 0], torch.full((3,), -0.5).double(), atol=0.02, rtol=0)


# --- the search ---------------------------------------------------------------------------------------------------


def bowl(candidates):
    return -(candidates - 0.3).square().sum((3, 4))


def planner(**settings):
    how = {"population": 40, "elites": 4, "sampling": "truncated", **settings}
    return SequencePlanner(SequenceSearch(**how), Streams(SEEDS, "plan"))


def test_a_search_ends_for_each_state_once_its_variances_are_small():
    mean = torch.zeros(S, N, H, A, dtype=torch.float64)
    std = torch.full_like(mean, 1e-3)
    std[1, 0] = 1.0
    narrow, wide = planner(stop_variance=1e-4), planner()
    found, without = narrow.plan(mean, std, bowl), wide.plan(mean, std, bowl)
    ended = torch.tensor([[True, True], [False, True]])
    assert not found[ended].any(), "a state whose variances are small keeps its mean"
    assert without[ended].any()
    assert (found[1, 0] - 0.3).abs().max() < 0.2
    assert repr(narrow.streams.state_dict()) == repr(wide.streams.state_dict()), "the same numbers are drawn"


def test_a_search_that_narrows_stops_at_once():
    mean = torch.zeros(S, N, H, A, dtype=torch.float64)
    plans = [planner(iterations=k, stop_variance=0.05).plan(mean, torch.ones_like(mean), bowl) for k in (4, 9, 30)]
    assert not torch.equal(plans[0], mean)
    assert torch.equal(plans[1], plans[2])


def test_seeds_whose_episode_has_ended_begin_anew():
    mean, nothing = torch.full((S, N, H, A), 0.7, dtype=torch.float64), torch.zeros(S, N, H, A, dtype=torch.float64)
    one, again = planner(warm_start=True), planner(warm_start=True)
    first = one.plan(torch.zeros_like(mean), torch.ones_like(mean), bowl)
    one.forget(torch.tensor([True, False]))
    one.forget(torch.tensor([False, False]))
    again.load_state_dict(one.state_dict())
    for resumed in (one, again):
        found = resumed.plan(mean, nothing, bowl)  # without deviation, a search ends where it starts
        torch.testing.assert_close(found[0], mean[0])
        torch.testing.assert_close(found[1], torch.cat([first[1, :, 1:], mean[1, :, -1:]], 1))
        torch.testing.assert_close(resumed.plan(mean, nothing, bowl)[0], mean[0])


# --- views --------------------------------------------------------------------------------------------------------


def pets_cheetah(pitch, rest):
    """Velocity, height, sine and cosine of the pitch, and the rest."""
    return torch.cat([rest[..., :2], pitch.sin(), pitch.cos(), rest[..., 2:]], -1)


def test_a_view_predicts_the_velocity_itself_and_the_change_of_the_angle():
    view = ObservationView(7, absolute=(0,), angle=2)
    assert (view.inputs_dim, view.outputs_dim) == (6, 6)
    g = torch.Generator().manual_seed(0)
    rest, next_rest = (torch.randn(50, 5, generator=g, dtype=torch.float64) for _ in range(2))
    pitch = 40 * torch.rand(50, 1, generator=g, dtype=torch.float64)
    turn = 6 * (torch.rand(50, 1, generator=g, dtype=torch.float64) - 0.5)  # below half a turn
    obs, next_obs = pets_cheetah(pitch, rest), pets_cheetah(pitch + turn, next_rest)
    target = view.target(obs, next_obs)
    torch.testing.assert_close(target[:, 0], next_obs[:, 0])
    torch.testing.assert_close(target[:, 1:5], next_rest[:, 1:] - rest[:, 1:])
    torch.testing.assert_close(target[:, 5:], turn, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(view.next(obs, target), next_obs, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(view.inputs(obs), obs[:, 1:])


def test_a_plain_view_is_the_observation_and_its_change():
    view, layout = ObservationView(OBS), RowLayout(OBS, A)
    rows = Streams(SEEDS, "rows").normal((9, layout.width), torch.float64)
    x, target = view.pairs(layout, rows)
    assert torch.equal(x, layout.obs_action(rows))
    assert torch.equal(target, layout.next_obs(rows) - layout.obs(rows))
    assert torch.equal(view.next(layout.obs(rows), target), layout.obs(rows) + target)


@pytest.mark.parametrize(("absolute", "angle"), [((4,), None), ((), 3), ((1,), 0)])
def test_places_that_are_not_there_or_twice_are_refused(absolute, angle):
    with pytest.raises(ValueError, match="expected separate places of an observation of 4 numbers"):
        ObservationView(OBS, absolute, angle)


def test_returns_follow_a_view():
    """One step of a model that predicts a velocity of 2 and a turn of a quarter."""
    view = ObservationView(OBS, absolute=(0,), angle=2)
    model = GaussianEnsemble(
        Streams(SEEDS, "model"), view.inputs_dim + A, view.outputs_dim, hidden=(), activation="identity", members=2,
        log_var_bounds=(-40.0, -30.0), dtype=torch.float64,
    )  # fmt: skip
    with torch.no_grad():
        model.layers[0].weight.zero_()
        model.layers[0].bias[..., :3] = torch.tensor([2.0, 0.5, math.pi / 2])
    obs = torch.tensor([9.0, 1.0, 0.0, 1.0], dtype=torch.float64).expand(S, 1, -1)
    seen = []
    returns = ModelReturns(
        ReturnSettings(1.0, 1, "mean"), model, no_value, Streams(SEEDS, "x"),
        reward=lambda s, a, after: (seen.append(after), after[..., 0])[1], view=view,
    )  # fmt: skip
    assert (returns(obs, torch.zeros(S, 1, 1, 1, A, dtype=torch.float64)) == 2.0).all()
    torch.testing.assert_close(seen[0][0, 0], torch.tensor([2.0, 1.5, 1.0, 0.0], dtype=torch.float64))
