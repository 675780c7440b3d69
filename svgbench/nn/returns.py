"""Returns and advantages along paths. Rows "S T N" as in `svgbench.simulate.batch`.

A path may end anywhere, and the next path of the same simulation may follow it. `ended` marks the steps after which a
path stops, for any reason. `tail` is the rest of the discounted sum there: zero after a termination, and the caller's
choice after a time limit or at the end of the batch.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from svgbench.nn.normaliser import NEGLIGIBLE

MIN_PATHS = 5  # the fewest paths whose mean is used as a baseline; the authors' code


def discounted_sums(
    reward: Float[Tensor, "S T N"], ended: Bool[Tensor, "S T N"], tail: Float[Tensor, "S T N"], gamma: float
) -> Float[Tensor, "S T N"]:
    """sum_l gamma^l r_{t+l} up to the path's end, plus the discounted tail."""
    out = torch.empty_like(reward)
    following = torch.zeros_like(reward[:, 0])
    for t in reversed(range(reward.shape[1])):
        following = reward[:, t] + gamma * torch.where(ended[:, t], tail[:, t], following)
        out[:, t] = following
    return out


def generalized_advantages(
    reward: Float[Tensor, "S T N"],
    value: Float[Tensor, "S T N"],
    ended: Bool[Tensor, "S T N"],
    tail: Float[Tensor, "S T N"],
    gamma: float,
    gae_lambda: float,
) -> Float[Tensor, "S T N"]:
    """sum_l (gamma lambda)^l delta_{t+l} up to the path's end, eq. (26).

    value: V(s_t); tail: V at the state in which a path ended, or the value used instead.
    """
    out = torch.empty_like(reward)
    advantage = torch.zeros_like(reward[:, 0])
    next_value = torch.zeros_like(advantage)
    for t in reversed(range(reward.shape[1])):
        delta = reward[:, t] + gamma * torch.where(ended[:, t], tail[:, t], next_value) - value[:, t]
        advantage = delta + gamma * gae_lambda * torch.where(ended[:, t], 0.0, advantage)  # eq. (26)
        out[:, t], next_value = advantage, value[:, t]
    return out


def time_means(
    x: Float[Tensor, "S T N"],
    elapsed: Int[Tensor, "S T N"],
    used: Bool[Tensor, "S T N"],
    min_paths: int = MIN_PATHS,
) -> Float[Tensor, "S T N"]:
    """The mean of x over a seed's paths at each time within a path, assigned to every step.

    A time that fewer than `min_paths` paths reach (or fewer than all, if there are fewer) gets the last mean before it.
    elapsed: steps of the path before this one.
    """
    S = len(x)
    times = elapsed.flatten(1).long()
    width = int(times.max()) + 1
    count, total = (torch.zeros(S, width, dtype=torch.float64, device=x.device) for _ in range(2))
    weight = used.flatten(1).double()
    count.scatter_add_(1, times, weight)
    total.scatter_add_(1, times, torch.where(used, x, 0.0).flatten(1).double())
    enough = count >= count.amax(1, keepdim=True).clamp(max=min_paths)
    place = torch.where(enough, torch.arange(width, device=x.device), -1).cummax(1).values
    first = enough.int().argmax(1, keepdim=True)
    mean = (total / count.clamp(min=1)).gather(1, torch.where(place < 0, first, place))
    return mean.gather(1, times).view(x.shape).to(x.dtype)


def centred(x: Float[Tensor, "S T N"], used: Bool[Tensor, "S T N"]) -> Float[Tensor, "S T N"]:
    """x minus the mean of a seed's used entries."""
    weight = used.flatten(1).double()
    mean = torch.where(used, x, 0.0).flatten(1).double().sum(1, keepdim=True) / weight.sum(1, keepdim=True)
    return x - mean.unsqueeze(-1).to(x.dtype)


def divided_by_deviation(x: Float[Tensor, "S T N"], used: Bool[Tensor, "S T N"]) -> Float[Tensor, "S T N"]:
    """x divided by the standard deviation of a seed's used entries (not centred); x itself if that is only rounding."""
    weight = used.flatten(1).double()
    n = weight.sum(1, keepdim=True)
    flat = torch.where(used, x, 0.0).flatten(1).double()
    mean = flat.sum(1, keepdim=True) / n
    std = ((flat - mean).square() * weight).sum(1, keepdim=True).div(n).sqrt()
    varies = std > NEGLIGIBLE * mean.abs()
    return (x / torch.where(varies, std, 1.0).unsqueeze(-1).to(x.dtype)).view(x.shape)
