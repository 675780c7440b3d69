"""Rewards r(s, a) of the state before a step and of the action, which an algorithm may differentiate (SVG 2015).

Such a reward is written once, over a namespace of array functions: NumPy's for the simulations, torch's for gradients.
The two namespaces agree on sqrt, cos, sin, exp, clip, stack and cumsum with arguments by position; indexing and
arithmetic are the arrays' own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from svgbench.words.task import StateRewardFunction

if TYPE_CHECKING:
    from torch import Tensor

Formula = Callable[[Any, Any, Any], Any]
"""(namespace, s [..., O], a [..., A]) to [...]."""


@dataclass(frozen=True)
class StateReward:
    """A formula as a `svgbench.words.task.StateRewardFunction`."""

    formula: Formula

    def __call__(self, obs: Any, action: Any, next_obs: Any = None) -> Any:
        """Rewards [...] of s [..., O] and a [..., A]; `next_obs` does not count.

        NumPy arrays give an array, tensors of any floating type a tensor with its derivatives.
        """
        if isinstance(obs, np.ndarray):
            return self.formula(np, obs, action)
        import torch

        return self.formula(torch, obs, action)


class RewardedByState:
    """A task whose `reward_function` is differentiable."""

    reward_function: StateRewardFunction

    def differentiable_reward(self, s: Tensor, a: Tensor) -> Tensor:
        """The former name of `reward_function`, for one more version."""
        warnings.warn("differentiable_reward is reward_function now", DeprecationWarning, stacklevel=2)
        return self.reward_function(s, a)


def length(xp: Any, vectors: Any, softness: float) -> Any:
    """sqrt(|v|^2 + softness^2) [...] of v [..., K]: a length with a derivative at 0 too; it is 0 there."""
    return xp.sqrt((vectors**2).sum(-1) + softness**2)
