"""Collected batches: paths repeated in new simulations, ends, extensions, seeds, resumption, scaling."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learner_laws import through_a_file
from regulator import Regulator
from short_paths import ShortPaths

from svgbench.nn.gaussian_policy import GaussianPolicy
from svgbench.nn.scaling import ObservationScaling
from svgbench.nn.streams import Streams
from svgbench.simulate.paths import Rollouts, Sampling, extension_steps

PLANS = {
    "paths": Sampling("paths", 4, steps_per_slice=7),
    "short": Sampling("paths", 4, path_length=9, steps_per_slice=7),
    "extended": Sampling("paths", 4, path_length=9, extension=15, steps_per_slice=7),  # four beyond the limit
    "timesteps": Sampling("timesteps", 4, timesteps=60, steps_per_slice=7),
    "steps": Sampling("steps", 4, timesteps=60, steps_per_slice=7),
}
every_plan = pytest.mark.parametrize("plan", PLANS)


def made(plan, seeds=(3, 8), task=None, scaling="none", **more):
    task = task or ShortPaths()
    policy = GaussianPolicy(task.observation_dim, task.action_dim, (5,), "tanh")
    theta = policy.initial(Streams(seeds, "policy"), 0.5, 0.5, torch.float64)
    sampling = PLANS[plan] if isinstance(plan, str) else plan
    scaled = ObservationScaling(scaling, task, seeds, 0.0)
    return Rollouts(task, seeds, sampling, scaled, torch.float64, "cpu", **more), policy.snapshot(theta)


def collected(rollouts, snapshot):
    while (batch := rollouts.advance(snapshot)) is None:
        pass
    return batch


TENSORS = (
    "x", "action", "reward", "valid", "used", "terminated", "ended", "elapsed", "final_x", "final_place", "steps",
    "return_mean", "length_mean", "reward_per_step",
)  # fmt: skip


def assert_same_batch(one, other):
    for name in TENSORS:
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=0, atol=0, equal_nan=True)


@every_plan
def test_a_batch_is_what_its_actions_do(plan):
    """Each simulation is repeated alone, step by step, with resets where the batch says that a path ended."""
    rollouts, snapshot = made(plan)
    task, (S, N) = rollouts.task, rollouts.shape
    batch = collected(rollouts, snapshot)
    T = batch.reward.shape[1]
    begin = rollouts.sampling.kind != "steps"
    final = {}
    for s, e in zip(*np.nonzero(batch.final_place.numpy() >= 0), strict=True):
        final[s, *divmod(int(batch.final_place[s, e]), N)] = batch.final_x[s, e].numpy()
    for s in range(S):
        alone = task.simulate([rollouts.seeds[s]], N, "train", 1, autoreset=False)
        obs = alone.reset() if begin else alone.observe()
        elapsed = np.zeros(N, dtype=int)
        for t in range(T):
            for n in np.flatnonzero(batch.valid[s, t].numpy()):
                assert batch.elapsed[s, t, n] == elapsed[n]
                np.testing.assert_array_equal(batch.x[s, t, n].numpy(), obs[n])
                outcome = alone.step(batch.action[s, t, n].numpy()[None] * task.action_high, [n])
                elapsed[n] += 1
                obs[n] = outcome.final_observation[0]
                assert batch.reward[s, t, n] == outcome.reward[0]
                assert bool(batch.terminated[s, t, n]) == bool(outcome.terminated[0])
                if batch.ended[s, t, n] and not outcome.terminated[0]:
                    np.testing.assert_array_equal(final.pop((s, t, n)), obs[n])
                if outcome.truncated[0] and not batch.ended[s, t, n]:  # an extension goes beyond the limit
                    here = alone.snapshot([n])
                    alone.restore(here._replace(elapsed=here.elapsed * 0, ended=here.ended & False), [n])
                if batch.ended[s, t, n]:
                    alive = t + 1 < T and bool(batch.valid[s, t + 1, n])
                    if alive:
                        obs[n], elapsed[n] = alone.reset([n])[0], 0
    assert not final
    assert (batch.elapsed[batch.valid].max() >= task.horizon) == (plan == "extended")
    assert torch.equal(batch.steps, batch.valid.sum((1, 2)))


@every_plan
def test_what_counts_as_a_path_and_when_it_ends(plan):
    rollouts, snapshot = made(plan)
    for _ in range(3):
        batch, sampling = collected(rollouts, snapshot), rollouts.sampling
        length, N = sampling.path_length, sampling.simulations
        assert torch.equal(batch.used, batch.valid & (batch.elapsed < length))
        limit = batch.elapsed + 1 >= length + sampling.extension
        last = torch.zeros_like(batch.ended)
        last[:, -1] = sampling.kind == "steps"
        assert torch.equal(batch.ended, batch.valid & (batch.terminated | limit | last))
        if sampling.kind == "paths":
            assert batch.ended.sum((1, 2)).tolist() == [N, N]
        if sampling.kind == "steps":
            assert batch.valid.all()
            assert batch.steps.tolist() == [60, 60]
        if sampling.kind == "timesteps":
            begun = (batch.valid & (batch.elapsed == 0)).sum(2)  # [S, T]
            before = batch.used.sum(2).cumsum(1) - batch.used.sum(2)
            assert (batch.steps >= 60).all()
            assert (before[begun > 0] < 60).all()
            assert torch.equal(begun.sum(1), batch.ended.sum((1, 2)))


def test_means_over_paths():
    rollouts, snapshot = made("paths")
    batch = collected(rollouts, snapshot)
    returns, lengths = batch.reward.sum(1), batch.used.sum(1).double()
    torch.testing.assert_close(batch.return_mean, returns.mean(1))
    torch.testing.assert_close(batch.length_mean, lengths.mean(1))
    torch.testing.assert_close(batch.reward_per_step, returns.mean(1) / rollouts.task.horizon)
    assert lengths.min() < lengths.max()


def test_an_extension_counts_in_no_mean():
    plain, snapshot = made("short")
    extended, _ = made("extended")
    one, other = collected(plain, snapshot), collected(extended, snapshot)
    for name in ("return_mean", "length_mean", "reward_per_step"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name))
    torch.testing.assert_close(one.flat(one.reward), other.flat(other.reward))
    assert (other.steps > one.steps).all()


def test_a_path_goes_on_in_the_next_batch_and_its_return_is_whole():
    rollouts, snapshot = made("steps")
    batches = [collected(rollouts, snapshot) for _ in range(4)]
    reward, elapsed = (torch.cat([getattr(b, name) for b in batches], 1) for name in ("reward", "elapsed"))
    terminated = torch.cat([b.terminated for b in batches], 1)
    over = terminated | (elapsed + 1 == rollouts.task.horizon)
    returns = {k: [] for k in range(4)}
    for n in range(4):
        total = 0.0
        for t in range(60):
            total += float(reward[0, t, n])
            if over[0, t, n]:
                returns[t // 15].append(total)
                total = 0.0
    for k, batch in enumerate(batches):
        expected = np.mean(returns[k]) if returns[k] else np.nan
        np.testing.assert_allclose(float(batch.return_mean[0]), expected, rtol=1e-12)


@every_plan
def test_a_seed_does_not_depend_on_its_companions(plan):
    """Paths of some seeds end long before those of others; ended seeds then draw nothing."""
    block, snapshot = made(plan, (3, 8, 5))
    alone, own = made(plan, (8,))
    for _ in range(3):
        many, one = collected(block, snapshot), collected(alone, own)
        assert torch.equal(many.steps[1:2], one.steps)
        T = one.reward.shape[1]
        assert not many.valid[1, T:].any()
        for name in TENSORS[:8]:
            its, theirs = getattr(one, name), getattr(many, name)[1:2, :T]
            torch.testing.assert_close(theirs[one.valid], its[one.valid], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(many.return_mean[1:2], one.return_mean, equal_nan=True)


@every_plan
@pytest.mark.parametrize("keep_states", [False, True])
def test_resuming_at_any_slice_is_exact(plan, keep_states):
    whole, snapshot = made(plan, scaling="running", keep_states=keep_states)
    other, _ = made(plan, scaling="running", keep_states=keep_states)
    for _ in range(5):
        done = False
        while not done:
            resumed, _ = made(plan, scaling="running", keep_states=keep_states)
            resumed.load_state_dict(through_a_file(other.state_dict()))
            other = resumed
            batch, again = whole.advance(snapshot), other.advance(snapshot)
            done = batch is not None
            assert done == (again is not None)
        assert_same_batch(batch, again)
        for name, value in whole.states.items():
            np.testing.assert_array_equal(value[: batch.reward.shape[1]], other.states[name][: batch.reward.shape[1]])
        whole.scaling.renew()
        other.scaling.renew()


def test_tails_lie_where_paths_stopped_and_subsets_take_every_kth_step():
    rollouts, snapshot = made("timesteps")
    batch = collected(rollouts, snapshot)
    value = torch.arange(1.0, 1.0 + batch.final_place.shape[1], dtype=torch.float64).expand(2, -1)
    tail = batch.tail(value)
    assert torch.equal(tail > 0, batch.ended & ~batch.terminated)
    place = int(batch.final_place[1, 0])
    assert tail[1].flatten()[place] == 1.0
    samples = batch.samples(batch.reward)
    torch.testing.assert_close(samples.weight.sum(1), torch.ones(2, dtype=torch.float64))
    for s in range(2):
        kept = samples.weight[s] > 0
        torch.testing.assert_close(samples.x[s][kept], batch.x[s][batch.used[s]])
        torch.testing.assert_close(samples.advantage[s][kept], batch.reward[s][batch.used[s]])
    third = batch.subset(samples, 1 / 3)
    for s in range(2):
        chosen = batch.used[s] & (batch.elapsed[s] % 3 == 0)
        torch.testing.assert_close(third.x[s][third.weight[s] > 0], batch.x[s][chosen])
        torch.testing.assert_close(third.weight[s].max(), 1 / chosen.sum().double())
    assert batch.subset(samples, 1.0) is samples


def test_scaling_by_the_task_s_bounds_and_by_what_was_seen_before():
    rollouts, snapshot = made("paths", task=Regulator(horizon=12), scaling="range")
    first = collected(rollouts, snapshot).x[0, 0, 0].numpy()
    np.testing.assert_allclose(first * 3.0, rollouts.task.simulate([3]).reset()[0])
    plain, snapshot = made("timesteps")
    running, _ = made("timesteps", scaling="running")
    first = collected(running, snapshot)
    raw = collected(plain, snapshot)
    assert_same_batch(first, raw)
    running.scaling.renew()
    second = collected(running, snapshot)
    for s in range(2):
        seen = raw.x[s][raw.used[s]]
        mean, std = seen.mean(0), seen.std(0, correction=0)
        np.testing.assert_allclose(running.scaling.centre[s, 0], mean, rtol=1e-12)
        np.testing.assert_allclose(running.scaling.width[s, 0], std, rtol=1e-12)
    width, centre = (torch.from_numpy(v[:, :, None]) for v in (running.scaling.width, running.scaling.centre))
    again = width * second.x + centre
    torch.testing.assert_close(again[second.used][:, 1], again[second.used][:, 0].square())  # obs = (p, p^2)
    assert not torch.allclose(second.x[second.used][:, 1], second.x[second.used][:, 0].square())


@pytest.mark.parametrize("kind", ["running", "range"])
def test_an_observation_that_has_never_varied_is_not_blown_up(kind):
    task = Regulator(horizon=12)
    task.observation_low, task.observation_high = np.array([-2.0, 0.3]), np.array([2.0, 0.3])
    scaling = ObservationScaling(kind, task, [3], clip=0.0)
    seen = np.random.default_rng(0).normal(size=(1, 100, 2))
    seen[..., 1] = 0.3
    scaling.note(seen, np.ones((1, 100), dtype=bool))
    scaling.renew()
    later = scaling.apply(np.array([[[0.0, 0.31]]]), np.float64)
    assert later[0, 0, 1] == pytest.approx(0.01)
    assert scaling.width[0, 0, 0] == pytest.approx(2.0 if kind == "range" else seen[0, :, 0].std())


def test_scaling_by_random_actions_takes_percentiles_of_every_seed():
    task = Regulator(horizon=12)
    scaling = ObservationScaling("random", task, [3, 8], clip=0.5)
    assert scaling.prepare() == 10_000
    assert scaling.prepare() == 0
    alone = ObservationScaling("random", task, [8], clip=0.5)
    alone.prepare()
    np.testing.assert_array_equal(scaling.centre[1:], alone.centre)
    simulations = task.simulate([3], 500, "other")
    rng = np.random.default_rng(0)
    seen = np.concatenate([simulations.step(rng.uniform(-2, 2, (500, 1))).final_observation for _ in range(120)])
    low, high = np.percentile(seen, [10, 90], axis=0)
    np.testing.assert_allclose(scaling.centre[0, 0], (high + low) / 2, atol=0.25)
    np.testing.assert_allclose(scaling.width[0, 0], (high - low) / 2, rtol=0.12)  # 5 to 95: 28 % more
    scaled = scaling.apply(np.full((2, 1, 2), 100.0), np.float32)
    assert scaled.dtype == np.float32
    assert (scaled == 0.5).all()


def test_extensions_follow_the_discount():
    assert extension_steps(2.0, 0.99) == 200
    assert extension_steps(0.0, 1.0) == 0
    assert Sampling("paths", 2, extension=extension_steps(2.0, 1.0)).on(1000).extension == 1000


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Sampling("path", 2), "sampling is 'path'"),
        (Sampling("paths", 0), "expected positive numbers"),
        (Sampling("paths", 2, path_length=21), "at most the task's horizon, 20"),
        (Sampling("timesteps", 4, timesteps=3), "timesteps is 3"),
        (Sampling("steps", 4, timesteps=10), "as many steps of each simulation"),
        (Sampling("steps", 4, timesteps=8, extension=3), "expected no extension"),
    ],
)
def test_plans_that_cannot_be_carried_out_are_refused(plan, said):
    with pytest.raises(ValueError, match=said):
        made(plan)
