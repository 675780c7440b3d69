"""Stepping the simulations that still run, and the returns of whole episodes.

Five loops step simulations, each keeping something else, and share what is here and in `svgbench.simulate.acting`:
`paths` (all that an on-policy batch needs), `episodes` (transitions, with the next action), `scores` (sums, for many
candidates), the branches of a vine (from given states, with common noise) and `episode_returns`. One loop for all would
draw noise in another order, or keep arrays that nobody reads: it would change numbers, or the memory that a run takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svgbench.words.task import Simulations, Step

Rows = slice | NDArray[np.int64]
"""Places among all simulations: of all, or of those that run."""


def step_running(simulations: Simulations, controls: NDArray[Any], running: NDArray[np.bool_]) -> tuple[Step, Rows]:
    """A step of those of N simulations that run, bool [N], by controls [N, A]; and their places, to spread by."""
    if np.count_nonzero(running) == len(running):
        return simulations.step(controls, None), slice(None)
    ids = np.flatnonzero(running)
    return simulations.step(controls[ids], ids), ids


def spread(value: NDArray[Any], rows: Rows, N: int) -> NDArray[Any]:
    """Values of the simulations at `rows` among all N; zero elsewhere."""
    if isinstance(rows, slice):
        return value
    out = np.zeros((N, *value.shape[1:]), value.dtype)
    out[rows] = value
    return out


def episode_returns(simulations: Simulations, act: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[np.float64]:
    """The return of one new episode in every simulation, [N]; `act` maps observations [N, O] to actions [N, A]."""
    obs = simulations.reset()
    returns, running = np.zeros(len(obs)), np.ones(len(obs), dtype=np.bool_)
    while running.any():
        step, rows = step_running(simulations, act(obs), running)
        returns[rows] += step.reward
        obs[rows] = step.observation
        running[rows] = ~(step.terminated | step.truncated)
    return returns


def paired_returns(
    simulations: Simulations, acts: Sequence[Callable[[NDArray[Any]], NDArray[Any]]]
) -> list[NDArray[np.float64]]:
    """`episode_returns` of each way to act, from the same starts: each begins where the simulations are now."""
    begin, returns = simulations.get_state(), []
    for act in acts:
        simulations.set_state(begin)
        returns.append(episode_returns(simulations, act))
    return returns
