"""The cart-pole of SVG: accelerations against MuJoCo's, its track, its balance and its swing-up."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import torch
from svg_task_kit import check_reward, exploring, recorded, returns

from svgbench.tasks.svg.cart_pole import SUBSTEP, make_cart_pole, substep

MJCF = """
<mujoco>
  <compiler angle="radian"/>
  <option gravity="0 0 -9.81"/>
  <worldbody>
    <body>
      <joint name="track" type="slide" axis="1 0 0" damping="1"/>
      <inertial pos="0 0 0" mass="1" diaginertia="1 1 1"/>
      <body>
        <joint name="hinge" type="hinge" axis="0 1 0" damping="0.02"/>
        <inertial pos="0 0 0.5" mass="0.1" diaginertia="0.0083333333333333 0.0083333333333333 0.0001"/>
      </body>
    </body>
  </worldbody>
</mujoco>
"""  # a pole of 1 m: m L^2 / 12 about its middle


def test_dimensions():
    task = make_cart_pole()
    assert (task.id, task.observation_dim, task.action_dim, task.horizon) == ("svg/cart-pole", 4, 1, 125)
    assert task.dt == pytest.approx(0.04)


def test_the_reward_is_a_differentiable_function_of_state_and_action():
    check_reward(make_cart_pole())


def test_accelerations_are_mujocos():
    model = mujoco.MjModel.from_xml_string(MJCF)
    data = mujoco.MjData(model)
    rng = np.random.default_rng(0)
    for _ in range(50):
        s, force = rng.uniform(-1.7, 1.7, (4, 1)) * [[1], [2], [2], [4]], rng.uniform(-10, 10, 1)
        s[0] = np.clip(s[0], -1.8, 1.8)
        data.qpos[:], data.qvel[:] = s[[0, 2], 0], s[[1, 3], 0]
        data.qfrc_applied[0] = force[0]
        mujoco.mj_forward(model, data)
        after = s.copy()
        substep(after, force)
        np.testing.assert_allclose((after[[1, 3]] - s[[1, 3]])[:, 0] / SUBSTEP, data.qacc, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(after[[0, 2]], s[[0, 2]] + SUBSTEP * after[[1, 3]], atol=1e-14)


def test_a_control_step_is_two_substeps_under_the_force_that_was_asked_for_up_to_the_largest():
    record = recorded(make_cart_pole())
    for s, a, after in zip(record.s, record.a, record.after, strict=True):
        state = s.T.copy()
        for _ in range(2):
            substep(state, 10.0 * np.clip(a[:, 0], -1, 1))
        np.testing.assert_array_equal(after, state.T)
    assert not record.terminated.any()


def test_the_ends_of_the_track_stop_the_cart():
    task = make_cart_pole(horizon=500)
    batch = task.simulate([0], copies=8)
    places = np.array([batch.step(np.ones((8, 1))).observation[:, 0] for _ in range(499)])
    assert 1.9 < places.max() < 2.2
    np.testing.assert_allclose(places[-1], 1.9, atol=0.02)  # 10 N on 100 N/m


def energy_pump(s):
    """Swings up by pumping energy, and balances at the top."""
    x, v, theta, omega = s.T
    angle = (theta + np.pi) % (2 * np.pi) - np.pi
    lacking = omega**2 / 3 + 9.81 * (np.cos(theta) - 1) - 1  # of the pole's energy at the top, per m_p l
    pump = np.sign(omega * np.cos(theta)) * np.clip(2 * lacking, -1, 1) - 0.1 * x
    balance = (x + 2.2 * v + 28 * angle + 6 * omega) / 10
    return np.where(np.cos(theta) > 0.9, balance, pump)[:, None]


def test_it_can_be_balanced_and_noise_does_not():
    task = make_cart_pole()
    assert returns(task, energy_pump).min() > 115
    assert returns(task, exploring(task)).mean() < 60
    with pytest.raises(ValueError, match="'sideways', expected one of"):
        make_cart_pole(start="sideways")


def test_the_swing_up():
    task = make_cart_pole(start="hanging")
    assert returns(task, energy_pump).min() > 50
    assert returns(task, exploring(task)).max() < 5
    assert returns(task, lambda s: np.zeros((len(s), 1))).max() < 5


def test_the_cost_of_the_applied_action_is_bounded_and_nothing_else_differs():
    demanded, applied = make_cart_pole(), make_cart_pole(cost_on="applied")
    check_reward(applied)
    one, other = recorded(demanded), recorded(applied)
    np.testing.assert_array_equal(one.after, other.after)
    size = np.abs(one.a[..., 0])
    assert 0 < (size > 1).mean() < 1
    np.testing.assert_allclose(other.reward - one.reward, 0.01 * (size**2 - np.minimum(size, 1) ** 2), atol=1e-12)
    np.testing.assert_array_equal(other.reward[size <= 1], one.reward[size <= 1])
    a = torch.tensor([[-2.0], [0.5], [2.0]], requires_grad=True)
    applied.reward_function(torch.zeros(3, 4), a).sum().backward()
    assert a.grad.flatten().tolist() == pytest.approx([0.0, -0.01, 0.0])
    with pytest.raises(ValueError, match="cost_on is 'both', expected one of"):
        make_cart_pole(cost_on="both")


@pytest.mark.parametrize(("start", "angle", "spread"), [("upright", 0.0, 0.3), ("hanging", np.pi, 0.1)])
def test_starts(start, angle, spread):
    widths = [0.1, 0.1, spread, 0.1]
    s = make_cart_pole(start=start).simulate([0], copies=500).observe() - [0, 0, angle, 0]
    assert (np.abs(s) <= widths).all()
    np.testing.assert_allclose(s.std(axis=0), np.array(widths) / np.sqrt(3), rtol=0.1)


def test_the_rewards_former_name_is_understood():
    s, a = torch.zeros(4, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    with pytest.warns(DeprecationWarning, match="reward_function"):
        assert make_cart_pole().differentiable_reward(s, a) == make_cart_pole().reward_function(s, a) == 0.99
