"""The cart-poles: against the original code's equations, gymnasium's cart-pole, and the law of energy."""

from __future__ import annotations

import math
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from every_task import random_actions

from svgbench.tasks.trpo import cart_pole
from svgbench.tasks.trpo.cart_pole import BARTO, RLR, CartPole, make_cart_pole, make_cart_pole_barto

GAIN = np.array([0.2, 0.5, 4.0, 1.5])  # balances both


def cart_pole_of(constants, horizon=10_000):
    return CartPole(id="test", constants=constants, horizon=horizon)


def put(batch, states):
    batch.restore(batch.snapshot()._replace(observation=np.array(states)))


def original(s, a):
    """The next state, reward and end as RLR writes them, in the angle phi = pi - theta, with its sign of 0."""
    x, v, theta, omega = s
    g, cart, pole, on_cart, on_pole, length = 10.0, 1.0, 0.1, 0.0005, 0.000002, 1.0
    u = min(max(10.0 * a, -10.0), 10.0)
    phi, sign = math.pi - theta, 1 if v > 0 else -1
    top = -g * math.sin(phi)
    top += math.cos(phi) * (-u - pole * length * omega**2 * math.sin(phi) + on_cart * sign) / (cart + pole)
    top -= on_pole * omega / (pole * length)
    angular = -top / (length * (4 / 3 - pole * math.cos(phi) ** 2 / (cart + pole)))
    linear = u + pole * length * (omega**2 * math.sin(phi) - angular * math.cos(phi)) - on_cart * sign
    linear /= cart + pole
    v, omega = v + 0.05 * linear, omega + 0.05 * angular
    after = (x + 0.05 * v, v, theta + 0.05 * omega, omega)
    return after, 10 - (1 - math.cos(theta)) - 1e-5 * u**2, abs(after[0]) > 2.4 or abs(after[2]) > 0.2


def test_the_original_codes_equations():
    task = make_cart_pole()
    batch = task.simulate([0, 1], copies=3)
    actions = random_actions(task, 400, 6)
    actions[100:300] = 0.3 * actions[100:300]
    actions += 0.5  # some beyond the largest force
    ends = 0
    for t in range(400):
        before = batch.observe()
        actions[t, :3, 0] += before[:3] @ GAIN  # three of them balance a while
        step = batch.step(actions[t])
        for i in range(6):
            after, reward, end = original(before[i], actions[t, i, 0])
            np.testing.assert_allclose(step.final_observation[i], after, rtol=0, atol=1e-13)
            assert step.reward[i] == pytest.approx(reward, abs=1e-13)
            assert step.terminated[i] == end
            ends += end
        recorded = task.reward_function(before, actions[t], step.final_observation)
        np.testing.assert_allclose(recorded, step.reward, rtol=0, atol=1e-14)
        np.testing.assert_array_equal(task.termination_function(None, None, step.final_observation), step.terminated)
    assert ends > 20


def test_barto_without_friction_is_gymnasiums_cart_pole():
    batch = cart_pole_of(replace(BARTO, cart_friction=0.0, pole_friction=0.0)).simulate([0])
    peer = gymnasium.make("CartPole-v1").unwrapped
    peer.kinematics_integrator = "semi-implicit euler"
    peer.reset()
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(400):
        peer.state, peer.steps_beyond_terminated = batch.observe()[0], None
        right = int(rng.integers(2))
        step = batch.step([[1.0 if right else -1.0]])
        _, _, terminated, _, _ = peer.step(right)
        np.testing.assert_allclose(step.final_observation[0], peer.state, rtol=0, atol=1e-14)
        assert step.terminated[0] == terminated
        ends += terminated
    assert ends > 5


def energy(c, s):
    _, v, theta, omega = s.T
    pole = 2 / 3 * c.length**2 * omega**2 + c.length * v * omega * np.cos(theta) + c.gravity * c.length * np.cos(theta)
    return 0.5 * (c.cart_mass + c.pole_mass) * v**2 + c.pole_mass * pole


@pytest.mark.parametrize(("reaction", "kept"), [(1.0, True), (-1.0, False)])
def test_without_friction_and_force_energy_is_kept_with_the_right_sign_only(reaction, kept):
    c = replace(BARTO, cart_friction=0.0, pole_friction=0.0, dt=2e-4, angle_limit=10.0, reaction=reaction)
    batch = cart_pole_of(c).simulate([0, 1])
    # 1.5 s: the pole falls, and swings through
    states = [batch.observe(), *(batch.step(np.zeros((2, 1))).observation for _ in range(7_500))]
    assert (np.cos(states)[:, :, 2].min(axis=0) < -0.9).all()
    drift = np.ptp([energy(c, s) for s in states], axis=0)  # of 0.5 J
    assert (drift < 2e-3).all() if kept else (drift > 0.03).all()


def test_the_pole_of_the_original_code_pushes_the_cart_where_barto_pulls():
    still = np.zeros(4)
    accelerations = {}
    for name, constants in (("rlr", RLR), ("barto", replace(RLR, reaction=1.0))):
        batch = cart_pole_of(constants).simulate([0])
        put(batch, [still])
        accelerations[name] = batch.step([[1.0]]).observation[0, 1] / constants.dt
    assert accelerations["rlr"] == pytest.approx(8.43, abs=0.01)
    assert accelerations["barto"] == pytest.approx(10 / (1.1 - 0.75 * 0.1), abs=0.01)


@pytest.mark.parametrize("make", [make_cart_pole, make_cart_pole_barto])
def test_a_linear_policy_balances_to_the_end(make):
    batch = make().simulate([0], copies=20, autoreset=False)
    total = 0.0
    for _ in range(1000):
        step = batch.step((batch.observe() @ GAIN)[:, None])
        total += step.reward
    assert step.truncated.all()
    assert not step.terminated.any()
    assert total.min() > 9_990
    assert total.max() < 10_000


def test_the_step_that_leaves_the_limits_is_paid_and_no_number_terminates():
    batch = make_cart_pole().simulate([0, 1, 2])
    put(batch, [[2.39, 5.0, 0.1, 0.0], [0.0, 0.0, 0.199, 3.0], [0.0, 0.0, 0.0, 0.0]])
    step = batch.step([[0.0], [7.0], [np.nan]])
    assert step.terminated.all()
    np.testing.assert_allclose(step.reward[:2], [9 + math.cos(0.1), 9 + math.cos(0.199) - 1e-3])
    assert np.isnan(step.reward[2])
    assert np.isfinite(step.observation).all()


def test_starts_are_uniform_and_do_not_repeat():
    batch = make_cart_pole().simulate([0], copies=500)
    starts = [batch.observe(), *(batch.reset() for _ in range(cart_pole.STARTS_AHEAD + 3))]
    values = np.concatenate(starts)
    assert np.abs(values).max() <= 0.05
    np.testing.assert_allclose(values.std(axis=0), 0.05 / math.sqrt(3), rtol=0.02)
    assert len(np.unique(values, axis=0)) == len(values)


def test_a_restored_cart_keeps_its_own_starts():
    """A snapshot holds the simulation's state, not its random stream."""
    task = make_cart_pole()
    trunk, branch = task.simulate([0, 1]), task.simulate([5, 6], stream="branch")
    expected = task.simulate([5, 6], stream="branch").reset()  # their second starts
    trunk.step([[0.1], [0.2]])
    branch.restore(trunk.snapshot())
    np.testing.assert_array_equal(branch.observe(), trunk.observe())
    np.testing.assert_array_equal(branch.step([[1.0], [0.5]]).reward, trunk.step([[1.0], [0.5]]).reward)
    np.testing.assert_array_equal(branch.reset(), expected)


def test_what_the_thesis_says_of_the_task():
    task = make_cart_pole()
    assert (task.observation_dim, task.action_dim, task.horizon, task.dt) == (4, 1, 1000, 0.05)
    assert task.observation_scale.tolist() == [2.4, 4.0, 0.2, 4.0]
    assert (make_cart_pole_barto().dt, make_cart_pole_barto().constants.angle_limit) == (
        0.02,
        pytest.approx(12 * math.pi / 180),
    )
