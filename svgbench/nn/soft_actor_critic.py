"""What soft actor-critic and everything built on it share: Haarnoja et al. 2018; equations of Amos et al. 2020, 3.2.

Axes: S seeds, B batch, A action. `xu` is (observation, action), normalised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from svgbench.nn.distributions import SquashedGaussian
from svgbench.nn.initialise import orthogonal_
from svgbench.nn.layers import MLP
from svgbench.nn.optim import Adam
from svgbench.nn.streams import Streams


class Actor(nn.Module):
    """The policy pi(u | x): a tanh-squashed Gaussian whose mean and log_std one network puts out."""

    def __init__(
        self,
        streams: Streams,
        obs_dim: int,
        action_dim: int,
        hidden: Sequence[int],
        log_std_bounds: tuple[float, float],
        *,
        orthogonal: bool,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.net = MLP(streams, (obs_dim, *hidden, 2 * action_dim), "relu", dtype=dtype)
        self.log_std_bounds = log_std_bounds
        if orthogonal:
            orthogonal_(self.net, streams)

    def forward(self, x: Tensor) -> SquashedGaussian:
        """x [S, B, O]."""
        return SquashedGaussian(self.net(x), self.log_std_bounds)

    def sample(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """An action [S, B, A] and its log-probability [S, B]; x [S, B, O], unit noise [S, B, A]."""
        return self(x).sample(noise)


class TwinCritic(nn.Module):
    """Two independent action values; Q is the smaller of the two (double Q-learning, as in SAC)."""

    def __init__(
        self,
        streams: Streams,
        obs_dim: int,
        action_dim: int,
        hidden: Sequence[int],
        *,
        orthogonal: bool,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.net = MLP(streams, (obs_dim + action_dim, *hidden, 1), "relu", ensemble=2, dtype=dtype)
        if orthogonal:
            orthogonal_(self.net, streams)

    def forward(self, xu: Tensor) -> Tensor:
        """xu [S, B, O + A] -> both values [S, 2, B]."""
        return self.net(xu).squeeze(-1)

    def smaller(self, xu: Tensor) -> Tensor:
        """[S, B]"""
        q = self(xu)
        return torch.minimum(q[:, 0], q[:, 1])


@torch.no_grad()
def soft_target(
    target_critic: TwinCritic,
    policy: Actor,
    alpha: Tensor,
    reward: Tensor,
    terminal: Tensor,
    next_x: Tensor,
    noise: Tensor,
    gamma: float,
) -> Tensor:
    """[S, B]: eq. (5) and (6), with one action per next state, and nothing after a termination.

    alpha [S, 1]; reward, terminal [S, B]; next_x [S, B, O]; noise [S, B, A]. Which policy acts in the next state
    is the caller's choice: eq. (6) writes the averaged one, the authors' code has the current one.
    """
    next_u, log_prob = policy.sample(next_x, noise)
    soft_value = target_critic.smaller(torch.cat([next_x, next_u], -1)) - alpha * log_prob  # eq. (6)
    return reward + gamma * (1 - terminal) * soft_value  # eq. (5)


def critic_loss(critic: TwinCritic, xu: Tensor, target: Tensor) -> Tensor:
    """[S]: eq. (4), summed over the twins. xu [S, B, O + A], target [S, B]."""
    return (critic(xu) - target[:, None]).square().mean(-1).sum(-1)


class Temperature:
    """alpha > 0 of each seed, learned as log alpha so that the policy's entropy nears a target, eq. (8)."""

    def __init__(self, S: int, init: float, lr: float, dtype: torch.dtype, device: torch.device | str) -> None:
        start = torch.tensor(init, dtype=torch.float64).log().item()
        self.log_alpha = nn.Parameter(torch.full((S, 1), start, dtype=dtype, device=device))
        self.adam = Adam([self.log_alpha], lr)

    @property
    def alpha(self) -> Tensor:
        """[S, 1], without gradient."""
        return self.log_alpha.detach().exp()

    def loss(self, log_prob: Tensor, target_entropy: Tensor | float) -> Tensor:
        """[S]: eq. (8), in which only alpha is learned. log_prob [S, B]."""
        return self.log_alpha.exp().squeeze(-1) * (-log_prob.detach() - target_entropy).mean(-1)

    def update(self, log_prob: Tensor, target_entropy: Tensor | float, active: Tensor | None = None) -> None:
        self.adam.backward(self.loss(log_prob, target_entropy))
        self.adam.step(active)

    def state_dict(self) -> dict[str, Any]:
        return {"log_alpha": self.log_alpha.detach().clone(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            self.log_alpha.copy_(state["log_alpha"])
        self.adam.load_state_dict(state["adam"])
