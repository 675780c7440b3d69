"""A learned model as a task, against the task that it models exactly."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from glide import MEMBERS, Glide, exact_model, learned

WAYS = {
    "row": {},
    "step": {"member_of": "step"},
    "episode": {"member_of": "episode"},
    "mean": {"member_of": "mean"},
    "known-reward": {"learned_reward": False},
}
NOISY = {**WAYS, "mean": {"member_of": "mean", "noise": False}}


def actions(T, N, seed=0):
    return np.random.default_rng(seed).uniform(-2, 4, (T, N, 1))


def run(simulations, given):
    return [simulations.step(a) for a in given]


def assert_same(one, other, **tolerance):
    for name, left, right in zip(one._fields, one, other, strict=True):
        np.testing.assert_allclose(left, right, err_msg=name, **(tolerance or {"rtol": 0, "atol": 0}))


@pytest.mark.parametrize("way", WAYS)
def test_an_exact_model_has_the_tasks_own_episodes(way):
    """Forty steps with terminations, time limits and automatic resets, each from the task's own next start."""
    real, imagined = (task.simulate([8, 3], copies=3) for task in (Glide(9), learned(9, **WAYS[way])))
    np.testing.assert_array_equal(real.observe(), imagined.observe())
    ended = [0, 0]
    for a in actions(40, 6):
        theirs, mine = real.step(a), imagined.step(a)
        assert_same(mine, theirs, rtol=1e-11, atol=1e-11)
        ended[0] += theirs.terminated.sum()
        ended[1] += theirs.truncated.sum()
        begun = theirs.terminated | theirs.truncated
        np.testing.assert_array_equal(mine.observation[begun], theirs.observation[begun])
    assert min(ended) > 3


def test_a_terminated_episode_waits_for_its_reset_without_automatic_ones():
    one = learned(50).simulate([3, 5], copies=2, autoreset=False)
    one.restore(one.snapshot()._replace(observation=np.array([[0.0, 0], [1.9, 5], [0, 0], [0, 0]])))
    step = one.step(np.zeros((4, 1)))
    assert step.terminated.tolist() == [False, True, False, False]
    assert not step.truncated.any()
    np.testing.assert_array_equal(step.observation, step.final_observation)
    with pytest.raises(ValueError, match="simulations \\[1\\] have ended"):
        one.step(np.zeros((4, 1)))
    rest = one.step(np.zeros((3, 1)), [0, 2, 3])
    assert not rest.terminated.any()
    assert abs(one.reset([1])[0, 0]) < 1.9
    assert not one.step(np.zeros((1, 1)), [1]).truncated.any()


@pytest.mark.parametrize("way", NOISY)
def test_the_state_continues_byte_for_byte(way):
    task = learned(9, exact_model(std=0.3), **{"noise": True, **NOISY[way]})
    one, given = task.simulate([5, 3], copies=2), actions(70, 4)
    run(one, given[:35])
    torch.save(one.get_state(), buffer := io.BytesIO())
    buffer.seek(0)
    other = task.simulate([5, 3], copies=2)
    other.set_state(torch.load(buffer, weights_only=True))
    for mine, its in zip(run(one, given[35:]), run(other, given[35:]), strict=True):
        assert_same(mine, its)


@pytest.mark.parametrize("way", NOISY)
def test_a_seed_does_not_depend_on_its_companions(way):
    task = learned(9, exact_model(std=0.3), **{"noise": True, **NOISY[way]})
    together, alone = task.simulate([3, 8, 5], copies=2), task.simulate([8], copies=2)
    given = actions(40, 6)
    for a in given:
        whole, part = together.step(a), alone.step(a[2:4])
        assert_same(type(whole)(*(field[2:4] for field in whole)), part, rtol=1e-12, atol=1e-12)


def test_a_simulation_does_not_depend_on_which_others_step():
    """Except where a seed's simulations share the member of a step."""
    task = learned(50, exact_model(std=0.1), noise=True)
    given = actions(6, 4)
    whole, parts = task.simulate([3, 5], copies=2), task.simulate([3, 5], copies=2)
    for a in given:
        step = whole.step(a)
        halves = parts.step(a[[1, 2]], [1, 2]), parts.step(a[[0, 3]], [0, 3])
        for ids, half in zip(([1, 2], [0, 3]), halves, strict=True):
            np.testing.assert_allclose(half.final_observation, step.final_observation[ids], rtol=1e-12, atol=1e-12)


def differing(member_of, copies=400):
    """Changes of position [T, S, copies] where member e moves by 2^e, with elites 0 and 2, and 1 and 3."""
    model = exact_model()
    with torch.no_grad():
        for e in range(MEMBERS):
            model.layers[0].weight[:, e] = 0
            model.layers[0].bias[:, e, 0, :3] = torch.tensor([0.0, 0.001 * 2**e, 0.0])
    own = torch.tensor([[0, 1], [1, 3], [2, 0]])
    still = [torch.zeros(1, 2)] * 3
    task = learned(6, model, member_of=member_of, elites=lambda: own, starts=lambda: still)
    one = task.simulate([8, 5], copies=copies)
    changes = []
    for _ in range(12):
        before = one.observe()
        changes.append(one.step(np.zeros((2 * copies, 1))).final_observation[:, 0] - before[:, 0])
    return (np.stack(changes) / 0.001).round(6).reshape(12, 2, copies)


def test_members_are_drawn_per_row_step_or_episode_among_the_elites():
    by_row, by_step, by_episode = (differing(way) for way in ("row", "step", "episode"))
    for drawn in (by_row, by_step, by_episode):
        assert set(drawn[:, 0].flat) == {2, 8}
        assert set(drawn[:, 1].flat) == {4, 1}
    # a share of 4800 fair draws lies within 0.45 and 0.55 but for a chance of 1e-11
    assert 0.45 < (by_row[:, 0] == 2).mean() < 0.55
    assert (by_row.min(2) != by_row.max(2)).all()
    assert (by_step == by_step[:, :, :1]).all()
    assert len(np.unique(by_step[:, 0, 0])) == 2
    assert (by_episode[:6] == by_episode[:1]).all()
    assert (by_episode[6:] == by_episode[6:7]).all()
    assert (by_episode[0] != by_episode[6]).any()
    averaged = differing("mean")
    assert (averaged == [[[5.0], [2.5]]]).all()


def test_noise_has_the_deviation_that_the_member_predicts():
    N = 2000
    one = learned(50, exact_model(std=0.3), noise=True).simulate([3], copies=N)
    one.restore(one.snapshot()._replace(observation=np.tile([[0.5, -0.25]], (N, 1))))
    step = one.step(np.full((N, 1), 0.5))
    mean = np.array([0.5 * 1 - 0.25 * 0.2, -0.25 * 0.9 + 0.15])
    # within 5 standard errors: 0.3 / sqrt(2000) of a mean, that / sqrt(2) of a deviation
    assert abs(step.final_observation.mean(0) - mean).max() < 0.034
    assert abs(step.final_observation.std(0) - 0.3).max() < 0.024
    assert abs(step.reward.mean() - (-0.25 - 0.025 - 0.1)) < 0.034
    assert abs(np.corrcoef(step.final_observation.T)[0, 1]) < 0.12


def test_the_reward_that_is_learned_and_the_tasks_own_differ_for_a_cut_action():
    """The model gets the clipped action, which moves the task; the task's own reward uses the unclipped one."""
    outcomes = [learned(9, learned_reward=way).simulate([3]).step([[7.0]]) for way in (True, False)]
    np.testing.assert_allclose(outcomes[0].final_observation, outcomes[1].final_observation)
    assert (outcomes[0].reward - outcomes[1].reward).item() == pytest.approx(-0.2 * (4 - 7))
    free = learned(9, clip_actions=False).simulate([3]).step([[7.0]])
    assert free.reward.item() == pytest.approx(outcomes[1].reward.item())
    moved = free.final_observation - outcomes[0].final_observation
    np.testing.assert_allclose(moved, [[0, 0.9]], atol=1e-12)


def test_a_model_may_predict_changes_only_where_the_reward_is_the_tasks_own():
    whole, part = exact_model(), exact_model(outputs=2)
    with torch.no_grad():
        for mine, its in zip(part.layers[0].parameters(), whole.layers[0].parameters(), strict=True):
            mine.copy_(its[..., [1, 2, 4, 5]])
    both = [learned(9, model, learned_reward=False).simulate([3, 5], copies=2) for model in (whole, part)]
    for a in actions(12, 4):
        assert_same(*(one.step(a) for one in both), rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match=r"3 inputs and 2 outputs; expected 3, .* and a reward and 2 changes"):
        learned(9, part)


def test_episodes_start_from_given_observations_as_they_are_now():
    held = [torch.arange(2.0 * n).reshape(n, 2) / 100 for n in (3, 1, 7)]
    one = learned(2, starts=lambda: held, observation_limit=1.0).simulate([8, 5], copies=40)
    first = one.observe().reshape(2, 40, 2)
    assert (first[0] == held[1].numpy()).all()
    assert len(np.unique(first[1, :, 0])) == 7
    for _ in range(2):
        step = one.step(np.zeros((80, 1)))
    assert step.truncated.all()
    assert (step.observation.reshape(2, 40, 2)[0] == held[1].numpy()).all()
    held[1] = torch.full((2, 2), 0.5)
    assert (one.reset()[:40] == 0.5).all()
    other = learned(2, starts=lambda: held).simulate([5, 8], copies=40)
    assert (other.observe()[:40] == first[1]).all()


def test_observations_are_cut_and_what_is_not_finite_ends_the_episode():
    one = learned(9, observation_limit=1.5).simulate([3], copies=50)
    assert abs(one.step(np.full((50, 1), 4.0)).final_observation).max() == 1.5
    broken = exact_model()
    with torch.no_grad():
        broken.layers[0].bias[1] = torch.nan
    pair = learned(9, broken).simulate([3, 8])
    before = pair.observe()
    step = pair.step(np.zeros((2, 1)))
    assert step.failed.tolist() == step.truncated.tolist() == [False, True]
    assert not step.terminated.any()
    assert step.reward[1] == 0
    np.testing.assert_array_equal(step.final_observation[1], before[1])
    assert np.isfinite(step.observation).all()


def test_a_model_in_float32_hands_out_float64():
    real, imagined = (task.simulate([5], copies=3) for task in (Glide(9), learned(9, exact_model(torch.float32))))
    for a in actions(12, 3):
        theirs, mine = real.step(a), imagined.step(a)
        assert mine.observation.dtype == mine.reward.dtype == np.float64
        assert_same(mine, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"member_of": "rows"}, "member_of is 'rows', expected one of row, step, episode, mean"),
        ({"member_of": "mean", "noise": True}, "expected noise=False"),
        ({"horizon": 0}, "horizon is 0, expected at least 1"),
        ({"model_seeds": (3, 8)}, "expected 3 that differ"),
        ({"model_seeds": (3, 8, 3)}, "expected 3 that differ"),
    ],
)
def test_what_cannot_be_simulated_is_refused(how, message):
    with pytest.raises(ValueError, match=message):
        replace(learned(), **how)


def test_a_model_of_another_task_is_refused():
    wide = Glide()
    wide.observation_dim = 3
    expected = (
        "3 inputs and 3 outputs; expected 4, the observation and action of test/glide, and a reward and 3 changes"
    )
    with pytest.raises(ValueError, match=expected):
        learned(task=wide)


@pytest.mark.parametrize("rule", ["termination_function", "reward_function"])
def test_rules_that_the_task_does_not_state_are_asked_for(rule):
    silent = Glide()
    setattr(silent, rule, None)
    with pytest.raises(ValueError, match=f"test/glide states no {rule}"):
        learned(task=silent, learned_reward=False)


def test_a_seed_that_the_model_lacks_is_refused():
    with pytest.raises(ValueError, match=r"seed 4: expected each seed once, among the model's: \[3, 8, 5\]"):
        learned().simulate([3, 4])
    with pytest.raises(ValueError, match="seed 3: expected each seed once"):
        learned().simulate([3, 3])
