"""Episodes too short for a window: refused if known before a run, else reported, and never sampled across a reset."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learner_laws import continues_from, finish, with_states
from point import Point, Points
from sac_kit import parameters, tiny

from svgbench.baselines.actor_critic import sac
from svgbench.memory.replay import Replay


def windows_of(horizon, window, whole_episodes):
    """How many windows a replay finds in four episodes of that length."""
    replay = Replay(1, 100, 1, 1, window=window, whole_episodes=whole_episodes)
    for i in range(4 * horizon):
        replay.add(torch.zeros(1, replay.layout.width), torch.tensor([i % horizon == horizon - 1]))
    return int(replay.windows())


@pytest.mark.parametrize("whole_episodes", [True, False])
def test_a_horizon_that_no_window_fits_into_is_refused(whole_episodes):
    for horizon in (1, 2, 3, 4, 5, 6):
        for H in (0, 1, 2, 3, 4, 5, 6, 7):
            how = {"H": H, "task": Point(horizon=horizon), "whole_episodes": whole_episodes}
            if H == 0 or windows_of(horizon, H, whole_episodes):
                assert tiny(**how).agent.config.H == H
                continue
            most = max(h for h in range(8) if h == 0 or windows_of(horizon, h, whole_episodes))
            with pytest.raises(ValueError, match=rf"^H is {H}, expected at most {most}: .* test/point has {horizon} "):
                tiny(**how)


class Falls(Point):
    """The point, whose episodes terminate after `after` steps for the seeds in `who`, until their step `until`."""

    def __init__(self, after, who, until=10**6):
        super().__init__()
        self.after, self.who, self.until = after, who, until

    def simulate(self, seeds, copies=1, stream="train", threads=1, autoreset=True):
        return _Falls(self, seeds, copies, stream, autoreset)


class _Falls(Points):
    def _advance(self, ids, rows, actions):
        outcome, task = super()._advance(ids, rows, actions), self._task
        falling = np.isin(np.repeat(self.seeds, self.copies), task.who)[rows] & (self.steps <= task.until)
        return outcome._replace(terminated=outcome.terminated | falling & (self._elapsed[rows] + 1 >= task.after))


@pytest.mark.parametrize(("profile", "step"), [("text", 10), ("code", 20)])
def test_a_seed_without_any_window_is_lost_where_its_policy_would_learn_through_a_model_that_knows_nothing(
    profile, step
):
    how = {"profile": profile, "H": 3, "total_steps": 40, "eval_every": 20}
    how |= {"model_free_steps": 0} if profile == "text" else {}
    one, healthy = tiny((0, 1), task=Falls(2, [1]), **how), tiny([0], **how)
    rows, expected = finish(one), finish(healthy)
    assert one.diverged == {
        1: f"step {step}: no window of 3 steps lies inside an episode, so its model has learned nothing"
    }
    assert one.agent.world.adam.steps[1] == 0
    rows = [r for r in rows if r["seed"] == 0]
    for row, other in zip(rows, expected, strict=True):
        assert [*row.values()] == pytest.approx([*other.values()], rel=1e-3, nan_ok=True)
    for p, q in zip(parameters(one), parameters(healthy), strict=True):
        torch.testing.assert_close(p[:1], q, rtol=1e-3, atol=1e-4)


def test_a_model_waits_for_its_first_window_and_learns_from_then_on():
    one = tiny((0, 1), task=Falls(2, [1], until=14), H=3, model_updates=2, total_steps=60)
    rows = finish(one)
    assert one.diverged == {}
    # updates come before steps 10 to 59, two each; an episode begins with step 14 and ends late, and its fourth
    # transition, that of step 17, completes the first window
    assert one.agent.world.adam.steps.tolist() == [2 * 50, 2 * 42]
    assert all(np.isfinite(r["model_loss"]) for r in rows)


def test_a_model_that_lost_its_windows_stays_as_it_was():
    """The replay is overwritten by episodes that are too short."""
    short = Falls(2, [1])
    short.who, steps = [], []
    one = tiny((0, 1), 70, task=short, H=3, replay_capacity=10, steps_per_slice=4, eval_every=70)
    while not one.finished:
        if one.step >= 40:
            short.who = [1]
        before = one.agent.world.dynamics.decoder.layers[0].weight[1].clone()
        rows = one.advance()
        if one.step > 60:
            assert torch.equal(before, one.agent.world.dynamics.decoder.layers[0].weight[1])
        steps.append(one.agent.world.adam.steps[1].item())
    assert one.diverged == {}
    assert steps[-1] == steps[-3] > 30
    last = {r["seed"]: r["model_loss"] for r in rows}
    assert np.isnan(last[1])
    assert np.isfinite(last[0])


def test_waiting_is_part_of_a_checkpoint():
    def make():
        task = Falls(2, [1], until=25)
        return tiny((0, 1), 50, task=task, H=3, model_free_steps=40, steps_per_slice=4, eval_every=25)

    whole = make()
    rows, states = with_states(whole)
    for state in states[::3]:
        continues_from(state, make(), whole, rows, parameters)


def test_a_seed_without_windows_draws_nan():
    """Code that forgets to mask it gets NaN, not a window across a reset."""
    replay = Replay(2, 6, 1, 1, window=3, whole_episodes=True)
    assert replay.lacking().tolist() == [True, True]
    for i in range(6):
        row = torch.full((2, replay.layout.width), float(i))
        replay.add(row, torch.tensor([i % 2 == 1, False]))
        assert replay.lacking().tolist() == [True, i < 2]
    windows = replay.sample_windows(torch.rand(2, 5, dtype=torch.float64))
    assert windows[0].isnan().all()
    assert (windows[1].diff(dim=0) == 1).all()
    for _ in range(5):
        replay.add(torch.zeros(2, replay.layout.width), torch.tensor([False, True]))
    assert replay.lacking().tolist() == [False, True], "what was overwritten is gone"


def test_every_seed_s_windows_are_looked_for_again_only_once_the_replay_is_overwritten():
    replay = Replay(1, 4, 1, 1, window=2)
    for i in range(4):
        replay.add(torch.zeros(1, replay.layout.width), torch.tensor([False]))
        assert (replay.lacking() is None) == (i >= 1)
    for _ in range(4):
        replay.add(torch.zeros(1, replay.layout.width), torch.tensor([True]))
    assert replay.lacking().tolist() == [True]
    again = Replay(1, 4, 1, 1, window=2)
    again.load_state_dict(replay.state_dict())
    assert again.lacking().tolist() == [True]


def test_sac_draws_no_windows_and_takes_any_horizon():
    assert not tiny(module=sac, task=Point(horizon=1)).agent.draws_windows
    finish(tiny(module=sac, task=Point(horizon=1), total_steps=20))
