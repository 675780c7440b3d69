"""Steps of the simulations that still run, and returns of whole episodes.

Several loops step simulations. They share the functions here and in `svgbench.simulate.acting`. They differ in what
they keep: `paths` (everything that an on-policy batch needs), `episodes` (transitions, with the next action), `scores`
(sums for many candidates), the branches of a vine (from given states, with common noise), `episode_returns`, `trials`
(returns after some steps), and `svgbench.planning.trial` (returns of two ways to act, in slices). A single loop would
draw noise in another order, which changes results, or keep arrays that are never read, which costs memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svgbench.words.task import Simulations, Step

Rows = slice | NDArray[np.int64]
"""Places among all simulations: all of them, or those that run."""


def step_running(simulations: Simulations, controls: NDArray[Any], running: NDArray[np.bool_]) -> tuple[Step, Rows]:
    """Step the simulations that run, bool [N], with controls [N, A]. Returns the step and the places for `spread`."""
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
    """Returns [N] of one new episode in each simulation; `act` maps observations [N, O] to actions [N, A]."""
    obs = simulations.reset()
    returns, running = np.zeros(len(obs)), np.ones(len(obs), dtype=np.bool_)
    while running.any():
        step, rows = step_running(simulations, act(obs), running)
        returns[rows] += step.reward
        obs[rows] = step.observation
        running[rows] = ~(step.terminated | step.truncated)
    return returns
