"""Returns in a learned model: against one row at a time, against closed forms, and their laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from exact_model import LQ, TASK, exact_ensemble

from svgbench.models.branched import drawn_members, permuted_members
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.nn.streams import Streams
from svgbench.planning.action_sequences import SequencePlanner, SequenceSearch
from svgbench.planning.model_returns import ModelReturns, ReturnSettings
from svgbench.tasks.maac.linear_quadratic import optimal_gain

SEEDS = [3, 8]
S, N, n, OBS, A, H, E = 2, 2, 3, 4, 2, 3, 3
GAMMA = 0.8


def ensemble(seeds=SEEDS, dtype=torch.float64):
    return GaussianEnsemble(
        Streams(seeds, "model"), OBS + A, 1 + OBS,
        hidden=(6, 7), activation="silu", members=E, log_var_bounds=(-3.0, 0.5), dtype=dtype,
    )  # fmt: skip


def value(s, a):
    return s.square().sum(-1) if a is None else (s[..., :A] * a).sum(-1)


def reward(s, a, next_s):
    return (s * next_s).sum(-1) - a.square().sum(-1)


def terminates(s, a, next_s):
    return next_s[..., 0] > 1.0


def given(length, seeds=SEEDS):
    """Observations [S, N, O] and candidates [S, N, n, L, A] of each seed."""
    numbers = Streams(seeds, "given")
    return numbers.normal((N, OBS), torch.float64), numbers.normal((N, n, length, A), torch.float64)


def returns(c, seeds=SEEDS, **parts):
    return ModelReturns(c, ensemble(seeds), value, Streams(seeds, "imagine"), **parts)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("propagation", "assignment"),
    [("member", "permuted"), ("member", "drawn"), ("member_variance", "permuted"), ("mean", "drawn")],
)
@pytest.mark.parametrize(("action", "power"), [("policy", "H"), ("planned", "H+1")])
def test_returns_are_those_of_one_candidate_at_a_time(known, propagation, assignment, action, power):
    c = ReturnSettings(GAMMA, H, propagation, assignment, action, power)
    obs, actions = given(c.length)
    members = torch.tensor([[0, 2], [1, 2]])
    parts = {"reward": reward, "terminates": terminates} if known else {}
    chosen = members if (propagation, assignment) == ("member", "drawn") else None
    found = returns(c, members=chosen, **parts)(obs, actions)
    model, streams = ensemble(), Streams(SEEDS, "imagine")

    def drawn():
        by = permuted_members(streams, E, N * n) if assignment == "permuted" else drawn_members(streams, members, N * n)
        return by, streams.normal((N * n, 1 + OBS), torch.float64)

    draws = [drawn() for _ in range(H)]
    ended = 0
    for s, i, j in np.ndindex(S, N, n):
        state, total, alive = obs[s, i], 0.0, True
        for t, (member, noise) in enumerate(draws):
            x = torch.cat([state, actions[s, i, j, t]])[None, None]
            mean, log_var = (out[s, :, 0] for out in model(x.expand(S, 1, 1, -1)))  # [E, 1 + O]
            e = member[s, i * n + j]
            std = {"member": (log_var[e] / 2).exp(), "member_variance": log_var[e].exp()}.get(propagation)
            outcome = mean.mean(0) if std is None else mean[e] + std * noise[s, i * n + j]
            after = state + outcome[1:]
            paid = reward(state, actions[s, i, j, t], after) if known else outcome[0]
            total += GAMMA**t * paid.item()
            state = after
            if known and terminates(None, None, after):
                alive = False
                ended += 1
                break
        if alive:
            last = actions[s, i, j, H] if action == "planned" else None
            total += GAMMA ** (H + 1 if power == "H+1" else H) * value(state, last).item()
        assert found[s, i, j].item() == pytest.approx(total, rel=1e-10)
    assert not known or 0 < ended < S * N * n


def test_terminal_weights_are_the_two_powers():
    obs, actions = given(H)
    zero = {"reward": lambda s, a, after: torch.zeros_like(s[..., 0])}
    found = {
        power: returns(ReturnSettings(GAMMA, H, terminal_power=power), **zero)(obs, actions) for power in ("H", "H+1")
    }
    torch.testing.assert_close(found["H+1"], GAMMA * found["H"])
    assert ReturnSettings(GAMMA, H).terminal_weight == pytest.approx(GAMMA**H)


@pytest.mark.parametrize(("power", "steps"), [("H", 1), ("H", 4), ("H+1", 1)])
def test_a_plan_with_the_exact_model_is_the_known_optimal_action(power, steps):
    """u = -K s. With weight w on the value after one step, K = (R + w B'PB)^-1 w B'PA: optimal for w = gamma."""
    gain, P = optimal_gain(LQ)
    if power == "H+1":
        w = LQ.gamma**2
        gain = np.linalg.solve(LQ.R + w * LQ.B.T @ P @ LQ.B, w * LQ.B.T @ P @ LQ.A)
        assert np.abs(gain - optimal_gain(LQ)[0]).max() > 0.02  # which the tolerance below tells apart
    obs = Streams(SEEDS, "states").uniform((3, 2), -1, 1, dtype=torch.float64)
    P = torch.from_numpy(P)
    scores = ModelReturns(
        ReturnSettings(LQ.gamma, steps, "mean", terminal_power=power),
        exact_ensemble(SEEDS),
        lambda s, _: -0.5 * (s @ P * s).sum(-1),
        Streams(SEEDS, "imagine"),
        reward=TASK.reward_function,
    )
    planner = SequencePlanner(SequenceSearch(iterations=15), Streams(SEEDS, "plan"))
    mean = torch.zeros(2, 3, steps, 1, dtype=torch.float64)
    plan = planner.plan(mean, torch.ones_like(mean), lambda a: scores(obs, a))
    torch.testing.assert_close(plan[:, :, 0], -obs @ torch.from_numpy(gain).T, rtol=0, atol=5e-3)


def test_a_model_may_predict_the_change_alone_where_the_reward_is_known():
    """A linear model whose reward comes first, and one without it: the same returns."""
    whole, obs = exact_ensemble(SEEDS), Streams(SEEDS, "states").normal((N, 2), torch.float64)
    alone = exact_ensemble(SEEDS, reward_first=False)
    actions = Streams(SEEDS, "actions").normal((N, n, H, 1), torch.float64)
    found = [
        ModelReturns(ReturnSettings(GAMMA, H, "mean"), model, value, Streams(SEEDS, "imagine"), reward=reward)(
            obs, actions
        )
        for model in (whole, alone)
    ]
    torch.testing.assert_close(found[0], found[1])


@pytest.mark.parametrize("assignment", ["permuted", "drawn"])
@pytest.mark.parametrize("propagation", ["member", "mean"])
def test_a_seed_alone_and_in_a_block_agree(propagation, assignment):
    c = ReturnSettings(GAMMA, H, propagation, assignment)
    seeds = [11, 3, 8, 20, 5]
    together = returns(c, seeds, reward=reward)(*given(H, seeds))
    for place, seed in enumerate(seeds):
        alone = returns(c, [seed], reward=reward)(*given(H, [seed]))
        torch.testing.assert_close(alone[0], together[place], rtol=1e-10, atol=1e-10)


def test_restored_streams_go_on_bit_for_bit():
    c = ReturnSettings(GAMMA, H)
    one, again = returns(c), returns(c)
    first = one(*given(H))
    again.load_state_dict(one.state_dict())
    second = one(*given(H))
    assert torch.equal(again(*given(H)), second)
    assert not torch.equal(first, second)


def test_a_broken_model_spoils_its_own_seed_only():
    one = returns(ReturnSettings(GAMMA, H))
    one.model.layers[0].weight.data[0] = math.nan
    found = one(*given(H))
    assert not found[0].isfinite().any()
    assert found[1].isfinite().all()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"gamma": 0.9, "horizon": 0}, "horizon is 0, expected at least 1"),
        ({"gamma": 1.1}, "gamma is 1.1, expected from 0 to 1"),
    ],
)
def test_wrong_settings_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        ReturnSettings(**wrong)


def test_candidates_of_another_length_are_refused():
    with pytest.raises(ValueError, match="candidates have 3 actions, expected 4"):
        returns(ReturnSettings(GAMMA, H, terminal_action="planned"))(*given(H))


def test_members_are_refused_where_none_are_drawn():
    members = torch.tensor([[0], [1]])
    with pytest.raises(ValueError, match="members are given, but 'permuted' takes all of them"):
        returns(ReturnSettings(GAMMA, H), members=members)
    with pytest.raises(ValueError, match="members are given, but 'mean' takes all of them"):
        returns(ReturnSettings(GAMMA, H, "mean", "drawn"), members=members)
