"""Episodes with and without planning, from the same starts: Clavera et al. 2020, Table 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.nn.state import on_cpu
from svgbench.simulate.stepping import step_running
from svgbench.words.task import Simulations

Way = Callable[[int, Tensor], Tensor]
"""Maps time and observations [S, N, O] to actions [S, N, A] in [-1, 1]."""


class PairedTrial:
    """One episode in every simulation for each way to act. All ways start in the same states.

    simulations: N for each of S seeds, seed-major, without automatic resets, in their initial states. to_controls:
    converts actions in [-1, 1] to the task's (`svgbench.simulate.acting.ActionUnits`). A NaN becomes 0.
    like: a tensor with the type and device of the ways' observations.

    returns: float64 [ways, S, N]. done: whether all episodes have ended.
    """

    def __init__(
        self,
        ways: Sequence[Way],
        simulations: Simulations,
        to_controls: Callable[[NDArray[Any]], NDArray[Any]],
        S: int,
        like: Tensor,
    ) -> None:
        self.ways, self.simulations, self.to_controls, self.like = ways, simulations, to_controls, like
        self._begin = simulations.get_state()
        N = len(simulations.observe())
        self.returns = np.zeros((len(ways), S, N // S))
        self.way, self.t = 0, 0
        self._running = np.ones(N, dtype=np.bool_)
        self._obs = simulations.observe()

    @property
    def done(self) -> bool:
        return self.way == len(self.ways)

    def advance(self, steps: int) -> None:
        """Take at most `steps` control steps of one way."""
        if self.t == 0:
            self.simulations.set_state(self._begin)
            self._obs, self._running = self.simulations.reset(), np.ones(len(self._running), dtype=np.bool_)
        returns = self.returns[self.way].reshape(-1)  # a view
        for _ in range(steps):
            step, rows = step_running(self.simulations, self._controls(), self._running)
            returns[rows] += step.reward
            self._obs[rows] = step.observation
            self._running[rows] = ~(step.terminated | step.truncated)
            self.t += 1
            if not self._running.any():
                self.way, self.t = self.way + 1, 0
                return

    def _controls(self) -> NDArray[Any]:
        S = self.returns.shape[1]
        obs = torch.from_numpy(self._obs).to(self.like).view(S, -1, self._obs.shape[-1])
        action = self.ways[self.way](self.t, obs).double().cpu().numpy()
        return self.to_controls(np.nan_to_num(action.reshape(len(self._obs), -1)))

    def state_dict(self) -> dict[str, Any]:
        arrays = {"returns": self.returns, "running": self._running, "obs": self._obs}
        state = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
        return {**state, "way": self.way, "t": self.t, "simulations": dict(self.simulations.get_state())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.returns = state["returns"].cpu().numpy().copy()
        self._running, self._obs = (state[name].cpu().numpy().copy() for name in ("running", "obs"))
        self.way, self.t = state["way"], state["t"]
        self.simulations.set_state(on_cpu(state["simulations"]))
