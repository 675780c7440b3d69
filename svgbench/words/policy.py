"""A trained policy as data: what a learner hands over at its end, and what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray


@dataclass(frozen=True)
class TrainedPolicy:
    """The deterministic policy of one run, the one that is evaluated: its network, and what scales its two ends.

        x = clip((observation - centre) / width),    u = network(x),    action = action_centre + action_half_range * u

    centre, width [O]: the scaling is computed in their type, the network in its weights' type. clip: the bound of x; 0
    is none. weights, biases: of each layer, [in, out] and [out]. activation: "relu", "tanh" or "softplus", after all
    layers except the last. squash: whether u is the tanh of the last layer.
    action_centre, action_half_range [A], float64, in the task's units. action_low, action_high [A]: bounds to which
    actions are clipped; None where the environment receives them as they are.
    """

    centre: NDArray[Any]
    width: NDArray[Any]
    clip: float
    weights: tuple[NDArray[Any], ...]
    biases: tuple[NDArray[Any], ...]
    activation: str
    squash: bool
    action_centre: NDArray[Any]
    action_half_range: NDArray[Any]
    action_low: NDArray[Any] | None = None
    action_high: NDArray[Any] | None = None


class HasPolicies(Protocol):
    """An optional addition to `svgbench.words.learner.Learner`, for learners that train a policy."""

    def policies(self) -> Mapping[int, TrainedPolicy]:
        """The policies as they are now, by seed. A seed that has diverged has none. Arrays are copies."""
        ...
