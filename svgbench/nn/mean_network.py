"""The network that puts out the deterministic actions of S policies, cut into one policy for each seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from svgbench.words.policy import TrainedPolicy


class MeanNetwork(NamedTuple):
    """Layers as (weights [S, in, out], biases [S, 1, out]). Fields as in `TrainedPolicy`."""

    layers: Sequence[tuple[Float[Tensor, "S I J"], Float[Tensor, "S 1 J"]]]
    activation: str
    squash: bool = False

    def of_seed(
        self,
        place: int,
        centre: Float[np.ndarray, "O"],
        width: Float[np.ndarray, "O"],
        clip: float,
        action_centre: Float[np.ndarray, "A"],
        action_half_range: Float[np.ndarray, "A"],
    ) -> TrainedPolicy:
        """The policy of the seed at that place."""
        return TrainedPolicy(
            centre.copy(),
            width.copy(),
            float(clip),
            tuple(weight[place].detach().cpu().numpy().copy() for weight, _ in self.layers),
            tuple(bias[place, 0].detach().cpu().numpy().copy() for _, bias in self.layers),
            self.activation,
            self.squash,
            action_centre.copy(),
            action_half_range.copy(),
        )
