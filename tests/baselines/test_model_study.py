"""The model study: its errors, its splits, its laws, and that both models learn."""

from __future__ import annotations

import math

import pytest
import torch
from learner_laws import agrees_alone_and_in_a_block, alike, finish, resumes_after_every_slice
from point import Point

from svgbench.baselines.actor_critic import model_study as study
from svgbench.baselines.actor_critic import sac
from svgbench.memory.replay import RowLayout
from svgbench.models.window_fit import HOLDOUT, TRAIN

SMALL = {
    "actor_hidden": (8,),
    "critic_hidden": (8,),
    "step_batch": 8,
    "random_steps": 30,
    "learning_starts": 29,
    "steps_per_slice": 60,
    "refits": 2,
    "windows": (1, 3, 5),
    "measured_windows": 40,
    "members": 3,
    "member_hidden": (8, 8),
    "encoder_hidden": (8,),
    "recurrent_width": 8,
    "decoder_hidden": (),
    "model_batch": 18,
    "validation": 30,
    "max_epochs": 3,
    "dtype": "float64",
}
KINDS = {"ensemble": {"model": "ensemble", "sequence": 1}, "recurrent": {"model": "recurrent", "sequence": 3}}
BOTH = pytest.mark.parametrize("kind", list(KINDS))
LAYOUT = RowLayout(3, 2)
N = 120  # transitions of a buffer


def learner(kind="ensemble", seeds=(0, 4), task=None, total_steps=N, **config):
    how = {**SMALL, **KINDS[kind], **config}
    return study.make(how, task or Point(horizon=6), seeds, {"total_steps": total_steps}, "cpu")


def smooth_rows(seed, n=N):
    """A point that follows its actions, in episodes of 12: obs (p, |p|^2), as the task has it but without its noise."""
    stream = torch.Generator().manual_seed(seed)
    p, rows, ends = torch.zeros(2, dtype=torch.float64), [], []
    for t in range(n):
        if t % 12 == 0:
            p = 2 * torch.rand(2, generator=stream, dtype=torch.float64) - 1
        a = 2 * torch.rand(2, generator=stream, dtype=torch.float64) - 1
        after = p + 0.3 * a
        obs, following = (torch.cat([v, (v @ v)[None]]) for v in (p, after))
        rows.append(torch.cat([obs, a, following, torch.tensor([1.0, 0.0], dtype=torch.float64)]))
        ends.append(t % 12 == 11)
        p = after
    return torch.stack(rows), torch.tensor(ends)


def given(kind="ensemble", seeds=(0, 4), rows=None, **config):
    """A study of a buffer that is given. rows, ends [S, N, ...]."""
    one = learner(kind, seeds, **config)
    made = [smooth_rows(seed) for seed in seeds]
    found = torch.stack([r for r, _ in made]) if rows is None else rows
    one._keep(found.to(getattr(torch, one.config.dtype)), torch.stack([e for _, e in made]))
    return one


def parameters(one):
    return [p.detach() for p in one.model.module.parameters()]


# --- errors -------------------------------------------------------------------------------------------------------


@BOTH
def test_errors_over_windows_are_those_of_a_loop_over_single_windows(kind):
    one = given(kind)
    rows = finish(one)
    net, c = one.model.module, one.config
    last = {(r["seed"], r["split"], r["window"]): r for r in rows if r["step"] == N}
    for split in study.SPLITS:
        for length in c.windows:
            uniform = study.Streams(one.seeds, f"measure-{split}-{N}").uniform(c.measured_windows, dtype=torch.float64)
            places = one.data.starts(split, length, N).draw(uniform)
            for s, seed in enumerate(one.seeds):
                deviation = LAYOUT.obs(one.data.rows[s]).std(0, correction=0)
                total, alone = 0.0, 0.0
                for place in places[s].tolist():
                    window = one.data.rows[s, place : place + length]
                    total += single(net, one, s, window, deviation)
                    if kind == "ensemble":
                        alone += sum(single(net, one, s, window, deviation, e) for e in range(3)) / 3
                found = last[seed, split, length]
                assert found["error"] == pytest.approx(total / c.measured_windows, rel=1e-9)
                if kind == "ensemble":
                    assert found["member_error"] == pytest.approx(alone / c.measured_windows, rel=1e-9)
                    assert found["member_error"] != found["error"]
                else:
                    assert found["member_error"] == found["error"]


def single(net, one, s, window, deviation, member=None):
    """The error of one window of one seed; of one member, if it is named."""
    S, (centre, width) = len(one.seeds), (one.fit.centre[s, 0], one.fit.width[s, 0])
    x, h, errors = (LAYOUT.obs(window[0]) - centre) / width, None, []
    for row in window:
        xu = torch.cat([x, LAYOUT.action(row)]).expand(S, 1, -1)
        with torch.no_grad():
            if one.config.model == "ensemble":
                changes = net.mean(xu[:, None])[s, :, 0]
                x = x + (changes.mean(0) if member is None else changes[member])
            else:
                after, h = net(x.expand(S, 1, -1), xu, h)
                x = after[s, 0]
        errors.append((((x * width + centre) - LAYOUT.next_obs(row)) / deviation).square().mean())
    return float(torch.stack(errors).mean())


def linear_buffer(one, A, B, shift):
    """Rows of x' = x + A x + B u + shift, in the episodes of `smooth_rows`."""
    stream = torch.Generator().manual_seed(3)
    rows = one.data.rows.clone()
    for s in range(len(rows)):
        x = torch.zeros(3, dtype=torch.float64)
        for t in range(N):
            if t % 12 == 0:
                x = torch.randn(3, generator=stream, dtype=torch.float64)
            u = LAYOUT.action(rows[s, t])
            after = x + A @ x + B @ u + shift
            rows[s, t, :3], rows[s, t, 5:8], x = x, after, after
    return rows


@BOTH
def test_the_exact_model_of_a_linear_system_has_no_error_and_a_wrong_one_has_its_own(kind):
    stream = torch.Generator().manual_seed(5)
    A = 0.1 * torch.randn(3, 3, generator=stream, dtype=torch.float64)
    B = torch.randn(3, 2, generator=stream, dtype=torch.float64)
    if kind == "recurrent":
        A, B = 0 * A, 0 * B  # whatever is fed in, a decoder without weights adds its bias
    shift = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64)
    one = given(kind, member_hidden=())
    one._keep(linear_buffer(one, A, B, shift), one.data.ends)
    one.fit._scale(one.data, N)
    put_exact(one, A, B, shift)
    errors = {(p, w): one._errors(one.data, p, w, N) for p in study.SPLITS for w in (1, 3, 5)}
    assert max(float(e.max()) for e in errors.values()) < 1e-24
    off = torch.tensor([0.05, 0.0, -0.02], dtype=torch.float64)
    put_exact(one, A, B, shift + off)
    for s in range(2):
        deviation = LAYOUT.obs(one.data.rows[s]).std(0, correction=0)
        one_step = (off / deviation).square().mean()
        for split in study.SPLITS:
            torch.testing.assert_close(one._errors(one.data, split, 1, N)[:, s], one_step.expand(2), rtol=1e-9, atol=0)
            grown, error = torch.zeros(3, dtype=torch.float64), []
            for _ in range(5):
                grown = grown + A @ grown + off
                error.append((grown / deviation).square().mean())
            found = one._errors(one.data, split, 5, N)[:, s]
            torch.testing.assert_close(found, torch.stack(error).mean().expand(2), rtol=1e-9, atol=0)


def put_exact(one, A, B, shift):
    """Give the model the parameters of x' = x + A x + B u + shift, in normalised observations."""
    with torch.no_grad():
        for s in range(len(one.seeds)):
            centre, width = one.fit.centre[s, 0], one.fit.width[s, 0]
            if one.config.model == "ensemble":
                (layer,) = one.model.module.layers
                layer.weight[s, :, :, :3] = torch.cat([A * width, B], 1).T / width
                layer.bias[s, ..., :3] = (A @ centre + shift) / width
            else:
                (layer,) = one.model.module.decoder.layers
                layer.weight[s] = 0
                layer.bias[s] = shift / width


# --- splits -------------------------------------------------------------------------------------------------------


@BOTH
def test_no_model_learns_from_a_held_out_or_a_test_transition(kind):
    """Every transition that a fit has used, found by its action, is of a training episode and was collected by then."""
    one, used = given(kind), []
    learn = one.model.learn
    one.model.learn = lambda windows, active: (used.append((one.fit.step, windows.actions)), learn(windows, active))[1]
    finish(one)
    for s in range(2):
        place = {tuple(LAYOUT.action(row).tolist()): t for t, row in enumerate(one.data.rows[s])}
        for step in one.stages:
            actions = [a[s].flatten(0, -2).tolist() for at, a in used if at == step]
            seen = {place[tuple(action)] for batch in actions for action in batch}
            assert max(seen) < step
            assert {study.ROLES[t // 12 % 5] for t in seen} == {TRAIN}
            training = {t for t in range(step) if study.ROLES[t // 12 % 5] == TRAIN}
            assert len(seen) > 0.75 * len(training)


@BOTH
def test_what_test_and_held_out_episodes_hold_changes_no_minibatch(kind):
    """Test episodes change nothing of a fit; held-out ones at most where it stops."""
    rows = torch.stack([smooth_rows(seed)[0] for seed in (0, 4)])
    other = rows.clone()
    role = [study.ROLES[t // 12 % 5] for t in range(N)]
    other[:, [t for t, name in enumerate(role) if name == study.TEST]] = 7.0
    first, second = given(kind), given(kind, rows=other)
    for one in (first, second):
        finish(one)
    assert all(torch.equal(p, q) for p, q in zip(parameters(first), parameters(second), strict=True))
    other[:, [t for t, name in enumerate(role) if name == HOLDOUT]] = -7.0
    first, second = (given(kind, rows=r, minibatches_per_slice=1) for r in (rows, other))
    for one in (first, second):
        one.advance()
    assert all(torch.equal(p, q) for p, q in zip(parameters(first), parameters(second), strict=True))


def test_all_models_of_a_seed_have_the_same_buffer_which_is_that_of_sac():
    buffers = []
    for kind, config in (("ensemble", {}), ("recurrent", {}), ("recurrent", {"sequence": 5, "recurrent_width": 4})):
        one = learner(kind, **config)
        while one.data is None:
            one.advance()
        buffers.append((one.data.rows, one.data.ends))
    fields = sac.Config.__dataclass_fields__
    alone = sac.make(
        {name: v for name, v in SMALL.items() if name in fields}, Point(horizon=6), [4], {"total_steps": N}, "cpu"
    )
    finish(alone)
    for rows, ends in buffers:
        assert torch.equal(rows, buffers[0][0])
        assert torch.equal(ends, buffers[0][1])
        torch.testing.assert_close(rows[1:], alone.experience.replay.rows, rtol=1e-10, atol=1e-10)
        assert torch.equal(ends[1:], alone.experience.replay.ends)
    assert not torch.equal(buffers[0][0][0], buffers[0][0][1])


# --- laws ---------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_a_seed_alone_and_in_a_block_of_five_agree(kind, dtype, tolerance):
    how = {"dtype": dtype, "max_epochs": 9, "patience": 100}
    agrees_alone_and_in_a_block(
        lambda seeds: given(kind, seeds, **how), parameters, lambda one: one.model.adams[0].steps.min(), tolerance,
        abs=tolerance,
    )  # fmt: skip


@BOTH
def test_a_whole_study_of_a_seed_does_not_depend_on_its_block(kind):
    """With SAC, in float64."""
    rows = finish(learner(kind, [4]))
    others = [r for r in finish(learner(kind, [0, 4, 9])) if r["seed"] == 4]
    assert len(rows) == 2 * 3 * 3
    alike(rows, others, rel=1e-6)


@BOTH
def test_resuming_after_every_slice_changes_nothing(kind):
    rows = resumes_after_every_slice(lambda: learner(kind, minibatches_per_slice=3, total_steps=90), parameters)
    assert len(rows) == 2 * 2 * 3 * 3


@BOTH
def test_slices_change_nothing_and_progress_never_falls(kind):
    found = []
    for slices in (1, 100):
        one, done, rows = given(kind, minibatches_per_slice=slices), [], []
        while not one.finished:
            rows += one.advance()
            done.append(one.progress[0])
        assert done == sorted(done)
        found.append(rows)
    assert repr(found[0]) == repr(found[1])


def test_a_seed_that_diverges_while_the_buffer_is_made_is_left_out():
    one = learner(seeds=[13, 4], task=Point(horizon=6, broken_after=45))
    rows = finish(one)
    assert one.diverged == {13: "step 45: an observation or a reward is not finite"}
    assert {r["seed"] for r in rows} == {4}
    again = learner(seeds=[13, 4])
    again.load_state_dict(one.state_dict())
    assert again.diverged == one.diverged
    assert again.finished


@BOTH
def test_a_model_that_diverges_is_masked_and_does_not_affect_the_others(kind):
    expected = finish(given(kind, (0, 4, 9)))
    rows = torch.stack([smooth_rows(seed)[0] for seed in (0, 4, 9)])
    rows[1, 65, 5] = math.nan  # a next observation, in a training episode of the second fit
    broken = given(kind, (0, 4, 9), rows=rows)
    found = finish(broken)
    assert broken.diverged == {4: "step 120: a loss or a parameter of the model is not finite"}
    assert repr(found) == repr([r for r in expected if r["seed"] != 4 or r["step"] == 60])


def test_a_buffer_without_a_window_is_said():
    one = learner(task=Point(horizon=4), windows=(1, 5))
    assert finish(one) == []
    assert set(one.diverged.values()) == {"step 60: no train episode has a window of 5 steps"}


# --- learning -----------------------------------------------------------------------------------------------------


def error_of(rows, split, window, step):
    return [r["error"] for r in rows if (r["split"], r["window"], r["step"]) == (split, window, step)]


@BOTH
@pytest.mark.parametrize("warm_start", [True, False])
def test_both_models_learn(kind, warm_start):
    """The errors of training episodes fall far below those of the first weights."""
    how = {"max_epochs": 100, "patience": 100, "min_gain": 0.0, "model_lr": 1e-2, "warm_start": warm_start}
    one = given(kind, **how, member_hidden=(24, 24), encoder_hidden=(24,), recurrent_width=24)
    one.fit._scale(one.data, N)
    before = {w: one._errors(one.data, TRAIN, w, N)[0].tolist() for w in (1, 5)}
    rows = finish(one)
    for window, first in before.items():
        for untrained, trained in zip(first, error_of(rows, TRAIN, window, N), strict=True):
            assert trained < 0.3 * untrained
    assert all(r["over_train"] == 1 for r in rows if r["split"] == TRAIN)
    assert {r["epochs"] for r in rows} == {100}


def test_without_a_warm_start_a_fit_begins_with_the_first_weights():
    for warm_start in (True, False):
        one = given(warm_start=warm_start)
        first = one.model.adams[0].flat.clone()
        while one.stage == 0:
            one.advance()
        one.fit.begin(one.data, N, torch.ones(2, dtype=torch.bool))
        assert torch.equal(first, one.model.adams[0].flat) != warm_start
        assert (one.model.adams[0].steps == 0).all() != warm_start


def test_a_fit_keeps_the_parameters_with_the_least_error_on_held_out_windows():
    """With a rate at which the error rises again, the kept error is the least of all epochs, for each member."""
    one = given(model_lr=0.3, max_epochs=10, patience=100, min_gain=0.0, refits=1)
    seen, validate = [], one.model.validate
    one.model.validate = lambda windows: seen.append((windows, validate(windows))) or seen[-1][1]
    finish(one)
    errors = torch.stack([error for _, error in seen])
    assert (errors[-1] > errors.amin(0)).any()
    torch.testing.assert_close(validate(seen[0][0]), errors.amin(0), rtol=1e-12, atol=0)


def test_members_by_squared_error_learn_without_their_variances():
    one = given(probabilistic=False, bootstrap=False)
    before = one.model.module.log_var_max.detach().clone()
    rows = finish(one)
    assert torch.equal(one.model.module.log_var_max, before)
    assert error_of(rows, TRAIN, 1, N) != error_of(finish(given()), TRAIN, 1, N)


def test_the_return_is_of_the_last_episode_that_ended():
    one = given()
    assert one._last_return(one.data, 12) == [12.0, 12.0]
    assert one._last_return(one.data, 35) == [12.0, 12.0]
    assert all(math.isnan(value) for value in one._last_return(one.data, 11))
