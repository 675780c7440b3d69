"""Simulations whose state is a vector that starts at a standard normal point and is observed as it is."""

from __future__ import annotations

import numpy as np
import torch

from svgbench.simulation_batch import BaseSimulations


class LinearSimulations(BaseSimulations):
    """A subclass adds `_advance`, which moves `s` [N, O]."""

    def __init__(self, task, *how):
        super().__init__(task, *how)
        self.s = np.zeros((len(self), task.observation_dim))
        self.reset()

    def _begin(self, ids):
        self.s[ids] = [self._generators[i].standard_normal(self.s.shape[1]) for i in ids]
        return self.s[ids]

    def _dynamics(self):
        return {"s": torch.from_numpy(self.s.copy())}

    def _restore(self, dynamics):
        self.s[:] = dynamics["s"].numpy()
