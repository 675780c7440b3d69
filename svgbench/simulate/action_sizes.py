"""How large the actions of episodes were, and what the episodes would have paid for the actions that were applied.

A simulation clips actions to their range, but a reward may be of what a policy demanded. These numbers say how far the
two are apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.simulate.acting import ActionUnits
from svgbench.simulate.episodes import Episodes

COLUMNS = ("beyond_range", "mean_action", "largest_action", "applied_return")
"""Actions are in half control ranges around the middle of the range, so that its ends are -1 and 1.

beyond_range: the share of steps with an action beyond its range. mean_action: the mean size of the policy's mean
actions, without noise. largest_action: the size of the largest action. applied_return: the return if the reward were of
the clipped actions; NaN where the task does not state its reward as a function.
"""


def action_sizes(
    episodes: Episodes, mean: Callable[[NDArray[Any]], NDArray[Any]], units: ActionUnits
) -> Mapping[str, Tensor]:
    """`COLUMNS`, each float64 [S]; mean: the mean actions [S, N, A] of the policy that acted, of states [S, N, O]."""
    valid, size = episodes.valid.flatten(1, 2), episodes.a.flatten(1, 2).double().abs()  # [S, T * N], [S, T * N, A]
    largest = torch.where(valid, size.amax(-1), 0.0)
    means = torch.from_numpy(np.abs(mean(episodes.s.flatten(1, 2).cpu().numpy()))).to(size)
    return {
        "beyond_range": ((largest > 1).double() * episodes.weight).sum(1),
        "mean_action": (torch.where(valid, means.mean(-1), 0.0) * episodes.weight).sum(1),
        "largest_action": largest.amax(1),
        "applied_return": _applied_return(episodes, units),
    }


def _applied_return(episodes: Episodes, units: ActionUnits) -> Tensor:
    """The mean undiscounted return of a seed's N episodes for the clipped actions, float64 [S]."""
    reward_function = units.task.reward_function
    if reward_function is None:
        return torch.full((len(episodes.r),), torch.nan, dtype=torch.float64)
    s, a, change = (x.double().cpu().numpy() for x in (episodes.s, episodes.a, episodes.change))
    with np.errstate(all="ignore"):  # a seed whose numbers are not finite diverges, and padding means nothing
        reward = reward_function(s, units(np.clip(a, -1.0, 1.0)), s + change)
    return torch.from_numpy(np.where(episodes.valid.cpu().numpy(), reward, 0.0).sum(1).mean(1))
