"""Rewards r(s, a) of the state before a step and of the action, which an algorithm may differentiate (SVG 2015).

Such a reward is written once, over a namespace of array functions: NumPy's for the simulations, torch's for gradients.
The two namespaces agree on sqrt, cos, sin, exp, clip, stack and cumsum with arguments by position; indexing and
arithmetic are the arrays' own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Formula = Callable[[Any, Any, Any], Any]
"""(namespace, s [..., O], a [..., A]) to [...]."""


@dataclass(frozen=True)
class StateReward:
    """Called as `svgbench.words.task.Recorded`: rewards [...] of recorded NumPy arrays; `next_obs` counts for
    nothing."""

    formula: Formula

    def __call__(self, obs: Any, action: Any, next_obs: Any) -> Any:
        return self.formula(np, obs, action)

    def of_tensors(self, s: Tensor, a: Tensor) -> Tensor:
        """The same, [...] for s [..., O] and a [..., A] of any floating type, with its derivatives."""
        import torch

        reward: Tensor = self.formula(torch, s, a)
        return reward


def length(xp: Any, vectors: Any, softness: float) -> Any:
    """sqrt(|v|^2 + softness^2) [...] of v [..., K]: a length whose derivative exists at 0 too, and is 0 there."""
    return xp.sqrt((vectors**2).sum(-1) + softness**2)
