"""Single steps of an ensemble with derivatives, splits that last, and outputs that are scaled by their targets."""

from __future__ import annotations

import pytest
import torch

from svgbench.baselines.actor_critic._model_paths import ModelSteps
from svgbench.memory.replay import RowLayout
from svgbench.models.ensemble_fit import EnsembleFit, FitSettings, own_splits_by_rollout
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.models.stopping import RollingMean
from svgbench.nn import Streams

SEEDS, E, OBS, ACTION, ROWS = [3, 8], 4, 3, 2, 20


def ensemble(seeds=SEEDS, dtype=torch.float64, **how):
    how = {"hidden": (6, 7), "activation": "silu", "log_var_bounds": (-3.0, 0.5), "scaled_outputs": True, **how}
    return GaussianEnsemble(Streams(seeds, "model"), OBS + ACTION, OBS, members=E, dtype=dtype, **how)


def with_moments(model):
    draws = Streams(SEEDS, "moments")
    x, y = (draws.normal((E, 40, n), dtype=torch.float64) for n in (OBS + ACTION, OBS))
    model.normalise_by(x * 2 - 1, y * torch.tensor([0.01, 1.0, 30.0]) + 0.5)
    return model


def rows():
    draws = Streams(SEEDS, "rows")
    obs, action, noise = (draws.normal((ROWS, n), dtype=torch.float64) for n in (OBS, ACTION, OBS))
    return obs, action, noise, draws.permutation(ROWS)


# --- steps of one member a row ------------------------------------------------------------------------------------


@pytest.mark.parametrize("clip", [0.0, 0.7])
def test_every_row_gets_its_own_prediction_of_one_member_and_each_member_as_many_rows(clip):
    steps = ModelSteps(with_moments(ensemble()), False, clip)
    obs, action, noise, order = rows()
    one = steps.of_one(obs, action, order, noise)
    every = steps.of_all(obs[:, None], action[:, None], noise[:, None])
    assert every.shape == (2, E, ROWS, OBS)
    for s in range(2):
        places = order[s].tolist()
        members = [places.index(row) * E // ROWS for row in range(ROWS)]
        assert [members.count(e) for e in range(E)] == [ROWS // E] * E
        own = torch.stack([every[s, e, row] for row, e in enumerate(members)])
        torch.testing.assert_close(one[s], own, rtol=1e-12, atol=1e-12)
    cut = (one.abs() == clip).double().mean()
    assert (0.2 < cut < 1) if clip else not cut
    apart = every.flatten(1, 2).unique(dim=1).shape[1]
    assert clip or apart == E * ROWS  # members and rows differ, so that a mix-up would be seen


def test_over_many_orders_every_row_gets_each_member_as_often():
    steps = ModelSteps(with_moments(ensemble()), False, 0.0)
    obs, action, noise, _ = rows()
    every, draws, counts = steps.of_all(obs[:, None], action[:, None], noise[:, None]), Streams(SEEDS, "o"), 0
    with torch.no_grad():
        for _ in range(400):
            one = steps.of_one(obs, action, draws.permutation(ROWS), noise)
            counts = counts + ((every - one[:, None]).abs().amax(-1) < 1e-9).long()  # [S, E, row]
    assert (counts.sum(1) == 400).all()
    assert (counts - 100).abs().max() < 5 * (400 * 0.25 * 0.75) ** 0.5


def test_members_follow_paths_of_their_own():
    steps = ModelSteps(with_moments(ensemble()), False, 0.0)
    obs, action, noise, _ = rows()
    first = steps.of_all(obs[:, None], action[:, None], noise[:, None])
    second = steps.of_all(first, action[:, None].expand(-1, E, -1, -1), noise[:, None])
    for e in range(E):
        alone = steps.of_all(first[:, e : e + 1], action[:, None], noise[:, None])[:, e]
        torch.testing.assert_close(second[:, e], alone, rtol=1e-12, atol=1e-12)


def test_derivatives_pass_through_a_step_to_state_and_action_of_the_row_alone():
    steps = ModelSteps(with_moments(ensemble()), False, 0.0)
    obs, action, noise, order = (x.clone() for x in rows())
    obs.requires_grad_(), action.requires_grad_()
    one = steps.of_one(obs, action, order, noise)
    for wanted, x in ((obs, obs), (action, action)):
        (grad,) = torch.autograd.grad(one[0, 5, 1], wanted, retain_graph=True)
        others = grad.clone()
        others[0, 5] = 0
        assert not others.any()
        for k in range(x.shape[-1]):
            ahead, behind = x.detach().clone(), x.detach().clone()
            ahead[0, 5, k] += 1e-6
            behind[0, 5, k] -= 1e-6
            pair = [
                steps.of_one(*((moved, action) if x is obs else (obs, moved)), order, noise)[0, 5, 1].item()
                for moved in (ahead, behind)
            ]
            assert grad[0, 5, k].item() == pytest.approx((pair[0] - pair[1]) / 2e-6, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("scaled", [False, True])
def test_noise_is_scaled_by_the_deviation(scaled):
    model = ensemble(scaled_outputs=scaled)
    obs, action, noise, order = rows()
    if scaled:
        with_moments(model)
    steps = ModelSteps(model, False, 0.0)
    with torch.no_grad():
        spread = steps.of_one(obs, action, order, noise) - steps.of_one(obs, action, order, 0 * noise)
        mean, log_var = model(torch.cat([obs, action], -1)[:, None].expand(-1, E, -1, -1))
        every = steps.of_all(obs[:, None], action[:, None], noise[:, None])
    torch.testing.assert_close(every, obs[:, None] + mean + log_var.exp().sqrt() * noise[:, None])
    own = (spread / noise).square()  # the variances of the members that the rows got
    found = ((log_var.exp() - own[:, None]).abs() / own[:, None]).amax(-1).amin(1)
    assert found.max() < 1e-6


@pytest.mark.parametrize("scaled", [False, True])
def test_as_coded_the_noise_is_scaled_by_the_variance_of_outputs_as_the_networks_have_them(scaled):
    model = ensemble(scaled_outputs=scaled)
    obs, action, noise, _ = rows()
    if scaled:
        with_moments(model)
    coded = ModelSteps(model, True, 0.0).of_all(obs[:, None], action[:, None], noise[:, None])
    mean, log_var = model.scaled(torch.cat([obs, action], -1)[:, None].expand(-1, E, -1, -1))
    outcome = mean + log_var.exp() * noise[:, None]
    torch.testing.assert_close(coded, obs[:, None] + outcome * model.out_width + model.out_centre)


# --- splits that last ---------------------------------------------------------------------------------------------


def test_no_member_ever_learns_from_what_it_held_out():
    split = own_splits_by_rollout(SEEDS, 30, 10, 0.2)
    held = [[set() for _ in range(E)] for _ in SEEDS]
    for rows_so_far in (30, 40, 45, 50, 120):
        found = split(Streams(SEEDS, f"fit-{rows_so_far}"), rows_so_far, E)
        assert found.base is found.train or torch.equal(found.base, found.train)
        for s in range(2):
            for e in range(E):
                learned, out = (part[s, e].tolist() for part in (found.train, found.held))
                assert sorted(learned + out) == list(range(rows_so_far))
                assert len([row for row in out if row < 30]) == 6
                for start in range(30, rows_so_far - 9, 10):
                    assert len([row for row in out if start <= row < start + 10]) == 2
                if rows_so_far != 45:  # half a rollout has a split of its own, which nobody asks for
                    assert not held[s][e] & set(learned)
                    held[s][e] |= set(out)
    assert len({frozenset(m) for of_seed in held for m in of_seed}) == 2 * E
    alone = own_splits_by_rollout(SEEDS[1:], 30, 10, 0.2)(Streams(SEEDS[1:], "x"), 50, E)
    block = split(Streams(SEEDS, "another name"), 50, E)
    assert all(torch.equal(a[0], b[1]) for a, b in zip(alone, block, strict=True))


@pytest.mark.parametrize(("first", "every", "share"), [(4, 10, 0.2), (30, 4, 0.2), (30, 10, 1.0)])
def test_a_rollout_that_cannot_be_split_is_refused(first, every, share):
    with pytest.raises(
        ValueError, match=r"held is \d+ of \d+ rows, expected at least one held out and one to train on"
    ):
        own_splits_by_rollout(SEEDS, first, every, share)(Streams(SEEDS, "x"), first + every, E)


# --- outputs of any scale -----------------------------------------------------------------------------------------

LAYOUT = RowLayout(OBS, ACTION)
SCALES = torch.tensor([1e-3, 1.0, 1e3], dtype=torch.float64)


def replay(seeds, scales, shift):
    """Linear changes with these scales, around a shift, with a little noise."""
    draws = Streams(seeds, "data").normal((200, 8), dtype=torch.float64)
    obs, action, noise = draws[..., :3], draws[..., 3:5], draws[..., 5:]
    change = scales * (0.5 * obs.roll(1, -1) + action.sum(-1, keepdim=True) + 0.05 * noise) + shift
    return torch.cat([obs, action, obs + change, torch.zeros_like(obs[..., :2])], -1), change


def fitted(seeds=SEEDS, scales=SCALES, shift=0.0, pause=None):
    settings = FitSettings(
        split=own_splits_by_rollout(seeds, 100, 50, 0.2),
        rule=lambda active: RollingMean(active, E, persistence=0.9),
        batch=32, lr=0.01, decay=(0.0,) * 3, bounds_penalty=0.01, max_epochs=15, max_minibatches=0, elites=E,
        learns_reward=False, validated_by="likelihood",
    )  # fmt: skip
    fit, (data, _) = EnsembleFit(ensemble(seeds), LAYOUT, settings, seeds), replay(seeds, scales, shift)
    for i, size in enumerate((100, 200)):
        fit.begin(f"fit-{i}", data, size, None)
        if i == 1 and pause is not None:
            fit.advance(data, pause)
            fresh = EnsembleFit(ensemble(seeds), LAYOUT, settings, seeds)
            fresh.load_state_dict(fit.state_dict())
            fresh.model.load_state_dict(fit.model.state_dict())
            fit = fresh
        while not fit.advance(data, 7):
            pass
    return fit


def test_targets_of_wild_scales_are_learned_alike():
    """The same data in other units gives the same fit. Without scaling, the last output would dominate the loss."""
    plain, wild = fitted(scales=torch.ones(3, dtype=torch.float64)), fitted(shift=torch.tensor([1.0, -5.0, 2e4]))
    torch.testing.assert_close(plain.loss, wild.loss, rtol=1e-6, atol=1e-8)
    assert plain.loss.max() < -1  # twice the negative log-likelihood; of scaled outputs that are only centred it is 1
    data, change = replay(SEEDS, SCALES, 0.0)
    x = torch.cat([LAYOUT.obs(data), LAYOUT.action(data)], -1)[:, None].expand(-1, E, -1, -1)
    with torch.no_grad():
        error = (plain.model(x)[0] * SCALES - change[:, None]).square().mean((1, 2)).sqrt()
        mean, log_var = wild.model(x)
        shifted = mean - torch.tensor([1.0, -5.0, 2e4]) - change[:, None]
    assert (error < 0.3 * change.std(1)).all()
    torch.testing.assert_close(shifted.square().mean((1, 2)).sqrt(), error, rtol=1e-4, atol=0)
    calibrated = (shifted.square() / log_var.exp()).mean((0, 1, 2))
    assert (calibrated > 0.3).all()
    assert (calibrated < 3).all()


@pytest.mark.parametrize("pause", [1, 5, 9])
def test_a_fit_on_rollouts_resumes_between_any_two_minibatches(pause):
    whole, resumed = fitted(), fitted(pause=pause)
    assert torch.equal(whole.adam.flat, resumed.adam.flat)
    assert torch.equal(whole.bounds_adam.flat, resumed.bounds_adam.flat)
    assert torch.equal(whole.loss, resumed.loss)
    assert torch.equal(whole.epochs, resumed.epochs)


def test_scaled_rows_by_one_member_each_are_those_of_forward():
    model, (obs, action, _, order) = with_moments(ensemble()), rows()
    x, member = torch.cat([obs, action], -1), order % E
    active = torch.ones(2, ROWS, dtype=torch.bool)
    active[1, ::3] = False
    found = model.predict_rows(x, member, active)
    with torch.no_grad():
        every = model(x[:, None].expand(-1, E, -1, -1))
    for own, whole in zip(found, every, strict=True):
        wanted = whole.gather(1, member[:, None, :, None].expand(-1, 1, -1, OBS))[:, 0]
        torch.testing.assert_close(own[active], wanted[active], rtol=1e-12, atol=1e-12)
    assert not found[0][~active].any()
    torch.testing.assert_close(model.mean(x[:, None]), every[0], rtol=1e-12, atol=1e-12)
    blocks = x.unflatten(1, (E, -1))  # of as many rows for each member
    with torch.no_grad():
        wanted = model(blocks)
    for own, whole in zip(model.predict_blocks(blocks), wanted, strict=True):
        torch.testing.assert_close(own, whole, rtol=1e-12, atol=1e-12)
