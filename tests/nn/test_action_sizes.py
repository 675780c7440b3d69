"""The size of actions in episodes, and the return for the actions that were applied."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from learner_laws import finish

from svgbench.lab.block import resolve
from svgbench.lab.cells import Selection, expand
from svgbench.reproduce.svg.actions import CART_POLE_ACTIONS
from svgbench.simulate.acting import ActionUnits
from svgbench.simulate.action_sizes import COLUMNS, action_sizes
from svgbench.simulate.episodes import Episodes
from svgbench.tasks.svg.cart_pole import make_cart_pole


def episodes(actions, lengths, seed=0):
    """Episodes [S, T, N] of the cart-pole's dimensions with these actions, over after `lengths` [S, N] steps."""
    actions = torch.tensor(actions, dtype=torch.float64)
    S, T, N, _ = actions.shape
    rng = np.random.default_rng(seed)
    valid = torch.arange(T)[None, :, None] < torch.tensor(lengths)[:, None]
    s = torch.from_numpy(rng.normal(size=(S, T, N, 4)))
    zero = torch.zeros(S, T, N, dtype=torch.float64)
    flags = torch.zeros(S, T, N, dtype=torch.bool)
    return Episodes(s, actions, zero, torch.zeros_like(s), actions, valid, flags, flags)


def test_by_hand():
    """Two seeds with two episodes of three steps, the second episode of each over after one."""
    a = np.zeros((2, 3, 2, 1))
    a[0, :, 0, 0] = [0.5, -1.5, 3.0]
    a[0, :, 1, 0] = [-1.0, 99.0, 99.0]  # what comes after the end does not count
    a[1, :, 0, 0] = [0.1, 0.2, 0.3]
    made = episodes(a, [[3, 1], [3, 1]])
    task = make_cart_pole()
    found = action_sizes(made, lambda s: np.full((*s.shape[:2], 1), -2.0) * np.array([1.0, 0.25])[:, None, None],
                         ActionUnits(task))  # fmt: skip
    assert tuple(found) == COLUMNS
    assert found["beyond_range"].tolist() == [0.5, 0.0]
    assert found["mean_action"].tolist() == pytest.approx([2.0, 0.5])
    assert found["largest_action"].tolist() == [3.0, 0.3]
    x, theta = made.s[..., 0].numpy(), made.s[..., 2].numpy()
    pays = (1 + np.cos(theta)) / 2 - 0.05 * x**2 - 0.01 * np.minimum(np.abs(a[..., 0]), 1) ** 2
    expected = (pays[:, :, 0].sum(1) + pays[:, 0, 1]) / 2
    np.testing.assert_allclose(found["applied_return"], expected, rtol=1e-12)


def test_within_the_range_the_applied_return_is_the_return_and_beyond_it_the_cost_differs():
    task = make_cart_pole(horizon=20)
    batch, record = task.simulate([0, 1], 1, autoreset=False), []
    rng = np.random.default_rng(3)
    actions = rng.uniform(-1, 1, (20, 2, 1))
    actions[:, 1] *= 4
    for a in actions:
        s = batch.observe()
        step = batch.step(a)
        record.append((s, a, step.reward, step.final_observation - s))
    s, a, r, change = (torch.from_numpy(np.array(x).swapaxes(0, 1)[:, :, None]) for x in zip(*record, strict=True))
    whole = torch.ones(2, 20, 1, dtype=torch.bool)
    made = Episodes(s, a, r, change, a, whole, ~whole, ~whole)
    found = action_sizes(made, lambda s: np.zeros((*s.shape[:2], 1)), ActionUnits(task))
    lost = 0.01 * (a[..., 0] ** 2 - a[..., 0].clip(-1, 1) ** 2).sum((1, 2))
    assert lost[0] == 0
    assert lost[1] > 0.2
    torch.testing.assert_close(found["applied_return"], made.return_mean + lost)


def test_a_learner_records_them_where_its_budget_says_so():
    (cell,) = expand(CART_POLE_ACTIONS, Selection("smoke", tasks=("svg/cart-pole",), variants=("dpg",)))
    make, task = resolve(cell.variant.learner), resolve(cell.task.make)()
    both = (make(cell.config, task, [0, 1], limits, "cpu") for limits in (cell.limits, {"episodes": 3}))
    recorded, plain = map(finish, both)
    for one, other in zip(recorded, plain, strict=True):
        sizes = [one.pop(name) for name in COLUMNS]
        assert np.isfinite(sizes).all()
        assert one.keys() | set(COLUMNS) == other.keys()
        assert all(np.isnan(other.pop(name)) for name in COLUMNS)
        assert repr(one) == repr(other), "no number of training differs"
        beyond, _, largest, applied = sizes
        assert (beyond > 0) == (largest > 1) == (applied > one["train_return"] + 1e-6)
    assert plain[0]["step"] == 1


def test_a_task_that_states_no_reward_function_has_no_applied_return():
    task = replace(make_cart_pole(), reward_function=None)
    found = action_sizes(episodes(np.ones((1, 2, 1, 1)), [[2]]), lambda s: np.zeros((1, 2, 1)), ActionUnits(task))
    assert found["applied_return"].isnan().all()
    assert found["beyond_range"].tolist() == [0.0], "the end of the range is within it"
