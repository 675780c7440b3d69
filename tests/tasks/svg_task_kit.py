"""What the tests of the SVG tasks share: recorded steps, checks of rewards and of stepping, returns of a controller."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
import torch
from every_task import random_actions


class Record(NamedTuple):
    s: np.ndarray  # [T, N, O]
    a: np.ndarray  # [T, N, A]
    reward: np.ndarray  # [T, N]
    terminated: np.ndarray
    after: np.ndarray  # [T, N, O]


def recorded(task, T=60, N=6, seed=0):
    """Steps under random actions, a third of them beyond the motors' range."""
    batch = task.simulate([seed], copies=N)
    actions = 1.5 * random_actions(task, T, N, seed)
    rows = []
    for a in actions:
        s = batch.observe()
        step = batch.step(a)
        rows.append((s, a, step.reward, step.terminated, step.final_observation))
    return Record(*(np.array(part) for part in zip(*rows, strict=True)))


def check_reward(task, T=60):
    """r(s, a) is of the state before the step; NumPy and torch agree; the gradient is that of finite differences."""
    record = recorded(task, T)
    np.testing.assert_array_equal(task.reward_function(record.s, record.a, record.after), record.reward)
    assert np.std(record.reward) > 0
    s, a = torch.from_numpy(record.s), torch.from_numpy(record.a)
    np.testing.assert_allclose(task.reward_function(s, a), record.reward, rtol=0, atol=1e-12)

    rng = np.random.default_rng(1)
    anywhere = record.s[-1] + rng.normal(0.0, 0.3, record.s[-1].shape), rng.uniform(-1.5, 1.5, record.a[-1].shape)
    s, a = (torch.from_numpy(x).requires_grad_() for x in anywhere)
    np.testing.assert_allclose(task.reward_function(s, a).detach(), task.reward_function(*anywhere, None), atol=1e-12)
    assert torch.autograd.gradcheck(task.reward_function, (s, a), atol=1e-6, rtol=1e-5)

    single = task.reward_function(s.detach().float()[0], a.detach().float()[0])
    assert single.shape == ()
    assert single.dtype == torch.float32


def check_plain_stepping(task, T=40):
    """A batch's states are those of MuJoCo's own loop over the same torques."""
    batch, data = task.simulate([0], copies=2, autoreset=False), mujoco.MjData(task.model)
    for actions in 1.5 * random_actions(task, T, 2):
        before = batch.physics.state.copy()
        step = batch.step(actions)
        observed = step.observation
        applied = batch.physics.bind("ctrl").copy()
        for i in range(2):
            mujoco.mj_setState(task.model, data, before[i], mujoco.mjtState.mjSTATE_INTEGRATION)
            data.ctrl[:] = applied[i]
            for _ in range(task.frame_skip):
                mujoco.mj_step(task.model, data)
            expected = task.observation(data.qpos[None].copy(), data.qvel[None].copy(), np.zeros((1, 0)))
            np.testing.assert_allclose(observed[i], expected[0], rtol=0, atol=1e-10)
        batch.reset(np.flatnonzero(step.terminated))


def placed(task, data, qpos, qvel):
    """MuJoCo's derived fields at a state."""
    data.qpos[:], data.qvel[:] = qpos, qvel
    mujoco.mj_fwdPosition(task.model, data)
    mujoco.mj_fwdVelocity(task.model, data)
    mujoco.mj_subtreeVel(task.model, data)


def returns(task, act, N=16, seed=0):
    """Undiscounted returns [N] of a controller act(observations [n, O]) -> actions [n, A] over an episode each."""
    batch = task.simulate([seed], copies=N, autoreset=False)
    total, running = np.zeros(N), np.arange(N)
    for _ in range(task.horizon):
        if running.size == 0:
            break
        step = batch.step(act(batch.observe()[running]), running)
        total[running] += step.reward
        running = running[~(step.terminated | step.truncated)]
    return total


def exploring(task, deviation=0.2, seed=0):
    """A controller of noise alone: what a fresh policy does."""
    rng = np.random.default_rng(seed)
    return lambda s: rng.normal(0.0, deviation, (len(s), task.action_dim))
