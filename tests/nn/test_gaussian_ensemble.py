"""The probabilistic ensemble against one network at a time, and its fit."""

from __future__ import annotations

import math

import pytest
import torch

from svgbench.memory.replay import RowLayout
from svgbench.models.branched import BranchedRollouts, drawn_members, permuted_members, predict_permuted
from svgbench.models.ensemble_fit import EnsembleFit, FitSettings, bootstrap_split, model_loss, own_splits
from svgbench.models.gaussian_ensemble import BLOCKS_PIECE, PIECE, GaussianEnsemble
from svgbench.models.stopping import NoneImproves, RollingMean
from svgbench.nn import Adam, Streams
from svgbench.nn.optim import backward_together

SEEDS, E, IN, K = [3, 8], 3, 5, 4
DECAY = (0.1, 0.2, 0.3)


def ensemble(seeds=SEEDS, dtype=torch.float64, **how):
    how = {"hidden": (6, 7), "activation": "silu", "members": E, "log_var_bounds": (-10.0, 0.5), **how}
    return GaussianEnsemble(Streams(seeds, "model"), IN, K, dtype=dtype, **how)


def by_hand(model, s, e, x):
    """Mean and log-variance of one row by one network, with floats from Python."""
    h = [
        (v - c) / w
        for v, c, w in zip(x.tolist(), model.centre[s, e, 0].tolist(), model.width[s, e, 0].tolist(), strict=True)
    ]
    for depth, layer in enumerate(model.layers):
        weight, bias = layer.weight[s, e].tolist(), layer.bias[s, e, 0].tolist()
        h = [bias[j] + sum(h[i] * weight[i][j] for i in range(len(h))) for j in range(len(bias))]
        if depth < len(model.layers) - 1:
            h = [v / (1 + math.exp(-v)) for v in h]
    low, high = model.log_var_min[s, 0, 0].tolist(), model.log_var_max[s, 0, 0].tolist()
    log_var = []
    for raw, a, b in zip(h[K:], low, high, strict=True):
        below = b - math.log1p(math.exp(b - raw))
        log_var.append(a + math.log1p(math.exp(below - a)))
    return h[:K], log_var


def loss_by_hand(model, s, x, target, decay, penalty):
    total = penalty * (model.log_var_max[s] - model.log_var_min[s]).sum().item()
    for e in range(E):
        terms = []
        for row, goal in zip(x[s, e], target[s, e], strict=True):
            mean, log_var = by_hand(model, s, e, row)
            terms += [(m - g) ** 2 * math.exp(-v) + v for m, g, v in zip(mean, goal.tolist(), log_var, strict=True)]
        total += sum(terms) / len(terms)
        for rate, layer in zip(decay, model.layers, strict=True):
            total += 0.5 * rate * sum(w**2 for w in layer.weight[s, e].flatten().tolist())
    return total


def batch(seed=0, rows=9):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(len(SEEDS), E, rows, IN, generator=g, dtype=torch.float64)
    return x, torch.randn(len(SEEDS), E, rows, K, generator=g, dtype=torch.float64)


def test_the_loss_is_that_of_one_network_and_row_at_a_time():
    model, (x, target) = ensemble(), batch()
    model.normalise_by(x * torch.arange(1.0, IN + 1) + 2)
    loss = model_loss(model, x, target, DECAY, 0.01)
    for s in range(len(SEEDS)):
        assert loss[s].item() == pytest.approx(loss_by_hand(model, s, x, target, DECAY, 0.01), rel=1e-12)
    mean, _ = model(x)
    torch.testing.assert_close(model.mean(x), mean, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(model.mean(x[:, :1]), model.mean(x[:, :1].expand(-1, E, -1, -1)), rtol=0, atol=0)


def test_the_gradient_is_that_of_finite_differences_for_weights_and_bounds():
    model, (x, target) = ensemble(), batch()
    adams = [Adam(model.net.parameters(), 1e-3), Adam([model.log_var_min, model.log_var_max], 1e-3, shape=(2,))]
    with torch.no_grad():
        model.log_var_min += 9  # where the lower bound matters
    backward_together(model_loss(model, x, target, DECAY, 0.01), adams)
    for adam in adams:
        flat, grad = adam.flat.view(-1), adam.grad.view(-1)
        for i in range(0, len(flat), max(1, len(flat) // 12)):
            losses = []
            for step in (1e-5, -2e-5):
                flat[i] += step
                losses.append(model_loss(model, x, target, DECAY, 0.01).sum().item())
            flat[i] += 1e-5
            assert grad[i].item() == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-5, abs=1e-8)


def test_one_backward_pass_for_two_optimisers_makes_each_one_s_own_gradient():
    model, (x, target) = ensemble(), batch()
    adams = [Adam(model.net.parameters(), 1e-3), Adam([model.log_var_min, model.log_var_max], 1e-3, shape=(2,))]
    backward_together(model_loss(model, x, target, DECAY, 0.01), adams)
    together = [adam.grad.clone() for adam in adams]
    for adam, grad in zip(adams, together, strict=True):
        adam.backward(model_loss(model, x, target, DECAY, 0.01))
        assert torch.equal(adam.grad, grad)
        assert grad.any()


def test_weights_start_from_a_truncated_normal_of_half_the_usual_width():
    model = GaussianEnsemble(
        Streams([1], "x"), 100, 2, hidden=(100,), activation="silu", members=7, log_var_bounds=(-10.0, 0.5)
    )
    first = model.layers[0].weight
    assert first.abs().max() <= 2 * 0.05
    assert first.abs().max() > 1.99 * 0.05
    assert first.std().item() == pytest.approx(0.05 * 0.8796, rel=0.01)  # of a normal cut at two deviations
    assert not any(layer.bias.any() for layer in model.layers)


@pytest.mark.parametrize("scaled", [False, True])
def test_rows_without_gradient_are_forward_s_in_units_of_the_targets(scaled):
    model, B = ensemble(scaled_outputs=scaled), 2 * PIECE + 11
    x = torch.randn(2, B, IN, dtype=torch.float64)
    shifts = torch.arange(1.0, 2 * E + 1, dtype=torch.float64).view(2, E, 1, 1)
    model.normalise_by(x[:, None] * 3 + shifts, torch.randn(2, E, B, K, dtype=torch.float64) * shifts + shifts)
    member = drawn_members(Streams(SEEDS, "members"), torch.tensor([[0, 2], [1, 2]]), B)
    active = torch.rand(2, B) < 0.7
    mean, log_var = model.predict_rows(x, member, active)
    whole_batch = x[:, None].expand(-1, E, -1, -1)
    every = model(whole_batch)
    for found, whole in zip(model.predict_blocks(whole_batch), every, strict=True):
        torch.testing.assert_close(found, whole, rtol=1e-12, atol=1e-12)
    for found, whole in zip((mean, log_var), every, strict=True):
        own = whole.gather(1, member[:, None, :, None].expand(-1, 1, -1, K))[:, 0]
        torch.testing.assert_close(found[active], own[active], rtol=1e-12, atol=1e-12)
    assert not mean[~active].any()


def test_every_row_gets_each_member_equally_often():
    """Permuted blocks: exactly, in a batch. Drawn elites: in the mean; no other member. Both: anew for each row."""
    blocks = torch.stack([permuted_members(Streams([4, 5], f"{i}"), 4, 12) for i in range(2000)])  # [draw, S, B]
    assert all(torch.equal(blocks[i, s].bincount(minlength=4), torch.full((4,), 3)) for i in range(50) for s in (0, 1))
    elites = torch.tensor([[6, 1, 3], [0, 2, 5]])
    drawn = torch.stack([drawn_members(Streams([4, 5], f"{i}"), elites, 12) for i in range(2000)])
    for choice, members in ((blocks, [range(4)] * 2), (drawn, elites.tolist())):
        for s in (0, 1):
            share = torch.stack([(choice[:, s] == e).double().mean(0) for e in members[s]])  # [member, row]
            assert share.sum(0).tolist() == pytest.approx([1.0] * 12)
            # the deviation of a share of 2000 draws is below 0.0106
            assert (share - 1 / len(members[s])).abs().max() < 5 * 0.0106
    with pytest.raises(ValueError, match="rows is 10, expected a multiple of the 4 members"):
        permuted_members(Streams([4], "x"), 4, 10)


def test_a_rollout_adds_the_model_s_change_and_ends_where_the_task_says():
    layout, model = RowLayout(3, 2), GaussianEnsemble(
        Streams(SEEDS, "m"), 5, 4, hidden=(6,), activation="tanh", members=E, log_var_bounds=(-10.0, 0.5),
        dtype=torch.float64,
    )  # fmt: skip
    obs, action = torch.randn(2, 8, 3, dtype=torch.float64), torch.rand(2, 8, 2, dtype=torch.float64)
    noise, member = torch.randn(2, 8, 4, dtype=torch.float64), torch.randint(E, (2, 8))
    rollouts = BranchedRollouts(obs)
    ends = torch.arange(8).expand(2, -1) % 3 == 0
    rows, valid = rollouts.step(model, action, member, noise, lambda *_: ends)
    assert valid.all()
    mean, log_var = model.predict_rows(torch.cat([obs, action], -1), member, valid)
    outcome = mean + (log_var / 2).exp() * noise
    torch.testing.assert_close(layout.reward(rows), outcome[..., 0])
    torch.testing.assert_close(layout.next_obs(rows), obs + outcome[..., 1:])
    assert torch.equal(layout.terminal(rows).bool(), ends)
    assert torch.equal(rollouts.running, ~ends)
    _, valid = rollouts.step(model, action, member, noise, lambda *_: ~ends)
    assert torch.equal(valid, ~ends)
    assert not rollouts.running.any()
    assert rollouts.length == 2


# --- stopping -----------------------------------------------------------------------------------------------------

TABLE = [  # losses of two members after each epoch, and whether the rule keeps them (patience 2, 1 %)
    ((1.000, 5.000), (True, True)),  # anything is an improvement on nothing
    ((0.995, 5.000), (False, False)),  # half a per cent is none
    ((0.980, 4.999), (True, False)),  # one member's is enough for both
    ((0.975, 6.000), (False, False)),
    ((math.nan, 4.000), (False, True)),
    ((0.975, 3.970), (False, False)),  # less than 1 % below the best, not below the last
    ((0.975, 3.961), (False, False)),
    ((0.970, 3.970), (True, False)),  # 1.02 % below 0.98
    ((0.970, 3.970), (False, False)),
    ((0.970, 3.970), (False, False)),
    ((0.965, 3.970), (False, False)),  # the third in a row: more than 2
]


@pytest.mark.parametrize("interrupted", [False, True])
def test_the_rule_of_mbpo_on_a_table_of_losses(interrupted):
    rule = NoneImproves(torch.tensor([True, False, True]), 2, min_gain=0.01, patience=2)
    for epoch, (losses, keep) in enumerate(TABLE):
        assert rule.active.tolist() == [[True, True], [False, False], [epoch < 4] * 2]
        kept = rule.update(torch.tensor([losses, losses, (2.0, 2.0)], dtype=torch.float64))
        assert kept[0].tolist() == list(keep)
        assert kept[1:].tolist() == [[False, False], [epoch == 0] * 2]
        if interrupted:
            state = rule.state_dict()
            rule = NoneImproves(torch.ones(3, dtype=torch.bool), 2, min_gain=0.01, patience=2)
            rule.load_state_dict(state)
    assert not rule.active.any()
    assert rule.loss[0].tolist() == [0.970, 4.000]


def test_the_rule_of_maac_on_a_table_of_losses():
    """Rolling mean of persistence 1/2, from 3/2 of the first loss, which is compared with twice the first loss."""
    rule = RollingMean(torch.tensor([True]), 4, persistence=0.5)
    table = [
        [4.0, 4.0, -4.0, math.nan],  # means 5, 5, -10/3: 8, 8 and -2 before
        [1.0, 5.0, -4.0, 1.0],  # 3, 5 (no rise), -11/3
        [1.0, 5.5, -1.0, 1.0],  # 2, 5.25 (rises), -7/3 (rises)
        [2.5, 0.0, -9.0, 1.0],  # 2.25 rises
    ]
    active = [[1, 1, 1, 0], [1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    before = [True] * 4
    for losses, on in zip(table, active, strict=True):
        assert rule.update(torch.tensor([losses])).tolist() == [before]
        assert rule.active.tolist() == [[bool(x) for x in on]]
        before = rule.active[0].tolist()
    assert rule.loss[0, :3].tolist() == [2.5, 5.5, -1.0]


# --- fits ---------------------------------------------------------------------------------------------------------

LAYOUT, ROWS = RowLayout(3, 2), 80


def settings(**how):
    base = {
        "split": lambda streams, rows, members: bootstrap_split(streams, rows, members, 16),
        "rule": lambda active: NoneImproves(active, E, min_gain=0.01, patience=2),
        "batch": 24, "lr": 0.01, "decay": (1e-4,) * 3, "bounds_penalty": 0.01,
        "max_epochs": 8, "max_minibatches": 0, "elites": 2,
    }  # fmt: skip
    return FitSettings(**{**base, **how})


def replay(seeds, dtype=torch.float64):
    """Linear motion with a little noise; reward is the first coordinate."""
    draws = Streams(seeds, "data").normal((ROWS + 5, 8), dtype=torch.float64).to(dtype)
    obs, action, noise = draws[..., :3], draws[..., 3:5], draws[..., 5:]
    change = 0.5 * obs.roll(1, -1) + action.sum(-1, keepdim=True) + 0.05 * noise
    return torch.cat([obs, action, obs + change, obs[..., :1], torch.zeros_like(obs[..., :1])], -1)


def fit(seeds=SEEDS, dtype=torch.float64, fits=2, active=None, **how):
    one = EnsembleFit(ensemble(seeds, dtype), LAYOUT, settings(**how), seeds)
    rows = replay(seeds, dtype)
    for i in range(fits):
        one.begin(f"fit-{i}", rows, ROWS, active)
        while not one.advance(rows, 5):
            pass
    return one


def test_splits_are_disjoint_and_members_draw_their_own():
    split = bootstrap_split(Streams([1, 2], "x"), 50, 4, 10)
    assert [tuple(part.shape) for part in split] == [(2, 1, 40), (2, 4, 40), (2, 1, 10)]
    for s in (0, 1):
        base, held = set(split.base[s, 0].tolist()), set(split.held[s, 0].tolist())
        assert base | held == set(range(50))
        for member in split.train[s]:
            assert set(member.tolist()) < base
    assert len({tuple(m) for m in split.train.flatten(0, 1).tolist()}) == 8
    own = own_splits(Streams([1, 2], "x"), 50, 4, 10)
    for train, held in zip(own.train.flatten(0, 1).tolist(), own.held.flatten(0, 1).tolist(), strict=True):
        assert sorted(train + held) == list(range(50))
    assert len({tuple(sorted(h)) for h in own.held.flatten(0, 1).tolist()}) == 8
    with pytest.raises(ValueError, match="held is 0 of 4 rows"):
        bootstrap_split(Streams([1], "x"), 4, 2, 0)


def test_a_fit_learns_and_ranks_its_members():
    for split in (bootstrap_split, own_splits):
        one = fit(split=lambda streams, rows, members, f=split: f(streams, rows, members, 16), max_epochs=60)
        # the changes' variance is about 2.3, the reward's 1
        assert one.loss.max() < 0.3
        assert one.epochs.min() > 5
        assert torch.equal(one.elites, one.loss.argsort(1)[:, :2])


def test_members_end_with_the_parameters_of_their_best_epoch():
    """Parameters and losses of every epoch are recorded. The restored parameters have the loss that the rule kept."""
    one, rows, seen = EnsembleFit(ensemble(), LAYOUT, settings(lr=0.3), SEEDS), replay(SEEDS), []
    validate = one._validate
    one._validate = lambda *how: (seen.append((one.adam.flat.clone(), validate(*how))), seen[-1][1])[1]
    one.begin("fit", rows, ROWS, None)
    while not one.advance(rows, 1):
        pass
    assert len(seen) > 3
    for s in range(2):
        for e in range(E):
            best, kept = math.inf, None
            for flat, losses in seen:
                if losses[s, e] < 0.99 * best:
                    best, kept = losses[s, e].item(), flat[s, e]
            assert one.loss[s, e].item() == best
            assert torch.equal(one.adam.flat[s, e], kept)
    assert not torch.equal(one.adam.flat, seen[-1][0])


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_a_seed_alone_and_in_a_block_of_five_are_fitted_alike(dtype, tolerance):
    """The other seeds stop at other epochs. With three minibatches per epoch, there are over 50 updates."""
    alone, block = fit([7], dtype, fits=1, max_epochs=40), fit([3, 9, 7, 0, 1], dtype, fits=1, max_epochs=40)
    assert block.epochs.unique().numel() > 1
    assert alone.adam.steps.min() >= 50
    assert alone.epochs[0] == block.epochs[2]
    assert torch.equal(alone.elites[0], block.elites[2])
    torch.testing.assert_close(alone.adam.flat[0], block.adam.flat[2], rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(alone.bounds_adam.flat[0], block.bounds_adam.flat[2], rtol=tolerance, atol=tolerance)


def test_a_seed_that_is_not_active_stays_as_it_was():
    one, untouched = fit(active=torch.tensor([False, True])), ensemble()
    still = Adam(untouched.net.parameters(), 1.0)
    assert torch.equal(one.adam.flat[0], still.flat[0])
    assert not torch.equal(one.adam.flat[1], still.flat[1])
    assert one.adam.steps[0].max() == 0
    assert one.elites[0].tolist() == [0, 1]
    assert one.epochs.tolist() == [0, 8]


def test_caps_end_a_fit_at_an_epoch_s_end():
    assert fit(fits=1, max_epochs=4).epochs.tolist() == [4, 4]
    one = fit(fits=1, max_epochs=0, max_minibatches=7)  # three an epoch
    assert one.epochs.tolist() == [3, 3]
    assert one.adam.steps.max() == 9


@pytest.mark.parametrize("after", [0, 1, 2, 3, 10])
def test_a_fit_resumes_between_any_two_minibatches(after):
    whole, rows = fit(), replay(SEEDS)
    first = fit(fits=1)
    first.begin("fit-1", rows, ROWS, None)
    for _ in range(after):
        assert not first.advance(rows, 1)
    resumed = EnsembleFit(ensemble(), LAYOUT, settings(), SEEDS)
    resumed.load_state_dict(first.state_dict())
    resumed.model.load_state_dict(first.model.state_dict())
    while not resumed.advance(rows, 4):
        pass
    for adam, other in ((whole.adam, resumed.adam), (whole.bounds_adam, resumed.bounds_adam)):
        assert torch.equal(adam.flat, other.flat)
    assert torch.equal(whole.loss, resumed.loss)
    assert torch.equal(whole.elites, resumed.elites)


def test_a_seed_whose_losses_are_not_finite_is_known_and_ends():
    one, rows = EnsembleFit(ensemble(), LAYOUT, settings(), SEEDS), replay(SEEDS)
    rows[0, :, -2] = math.nan
    one.begin("fit", rows, ROWS, None)
    while not one.advance(rows, 5):
        pass
    assert one.finite.tolist() == [False, True]
    assert one.loss[0].isnan().all()
    assert one.loss[1].isfinite().all()


def test_as_many_rates_of_decay_as_layers_are_asked_for():
    with pytest.raises(ValueError, match="weight decay has 2 rates, expected 3, one a layer"):
        EnsembleFit(ensemble(), LAYOUT, settings(decay=(0.1, 0.2)), SEEDS)


@pytest.mark.parametrize("filled", [0, 1, 2])
def test_permuted_rows_are_predicted_by_the_members_of_their_blocks(filled):
    whole = (2 * BLOCKS_PIECE // E + 1) * E  # each member's rows come in pieces, and the last is shorter
    rows, all_of_one = whole - filled, torch.ones(2, whole - filled, dtype=torch.bool)
    model, x = ensemble(), Streams(SEEDS, "x").normal((rows, IN), torch.float64)
    model.normalise_by(Streams(SEEDS, "seen").normal((E, 50, IN), torch.float64) * 3 + 1)
    member = permuted_members(Streams(SEEDS, "order"), E, whole)[:, :rows]
    found = predict_permuted(model, x, Streams(SEEDS, "order"))
    for own, expected in zip(found, model.predict_rows(x, member, all_of_one), strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-12, atol=1e-12)


def test_one_row_is_predicted_by_each_member_as_often():
    model, x = ensemble(), torch.ones(2, 1, IN, dtype=torch.float64)
    streams = Streams(SEEDS, "order")
    found = torch.stack([predict_permuted(model, x, streams)[0][:, 0, 0] for _ in range(300)])
    for s in range(2):
        counts = found[:, s].unique(return_counts=True)[1]
        assert len(counts) == E
        assert counts.min() > 70  # of 100 each: more than four deviations
