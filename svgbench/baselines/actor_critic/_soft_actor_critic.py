"""What soft actor-critic and everything built on it share: Haarnoja et al. 2018; equations of Amos et al. 2020, 3.2.

Axes: S seeds, B batch, A action. `xu` is (observation, action), normalised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from svgbench.baselines.actor_critic._entropy_target import target_entropy
from svgbench.learners.draws import Draw
from svgbench.memory.experience import Experience
from svgbench.nn.distributions import SquashedGaussian
from svgbench.nn.initialise import orthogonal_
from svgbench.nn.layers import MLP
from svgbench.nn.optim import Adam, polyak_, target_copy
from svgbench.nn.state import cloned, finite_rows
from svgbench.nn.streams import Streams

COLUMNS = ("entropy", "critic_loss", "reward_loss", "model_loss")
"""What an update says of itself; NaN where an algorithm has no such thing."""


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


class SoftActorCritic:
    """The parts of an agent of this family (`svgbench.learners.online.Agent`): policies, twin critics, temperatures.

    config: the algorithm's own; its fields have the same names in all of them. draws: those of `updates_per_step`
    batches, with noise for `policy_steps` actions of the policy's loss.
    """

    def __init__(
        self, config: Any, task: Any, seeds: Sequence[int], total_steps: int, device: str, policy_steps: int
    ) -> None:
        c = self.config = config
        self.total_steps = total_steps
        n, m, dtype = task.observation_dim, task.action_dim, getattr(torch, c.dtype)
        kind: Any = {"orthogonal": c.orthogonal_init, "dtype": dtype}
        bounds = (c.log_std_min, c.log_std_max)
        self.actor = Actor(Streams(seeds, "actor", device), n, m, c.actor_hidden, bounds, **kind)
        self.critic = TwinCritic(Streams(seeds, "critic", device), n, m, c.critic_hidden, **kind)
        self.actor_adam = Adam(self.actor.parameters(), c.actor_lr)
        self.critic_adam = Adam(self.critic.parameters(), c.critic_lr)
        self.target_critic = target_copy(self.critic)
        self.target_actor = target_copy(self.actor) if c.averaged_target_policy else self.actor
        self.temperature = Temperature(len(seeds), c.alpha_init, c.alpha_lr, dtype, device)
        U, B = c.updates_per_step, c.step_batch
        self.draws: Mapping[str, Draw] = {
            "steps": Draw("uniform", (U, B)),
            "critic-noise": Draw("normal", (U, B, m)),
            "actor-noise": Draw("normal", (U, policy_steps, B, m)),
        }
        self._target_entropy = torch.zeros((), dtype=dtype, device=device)  # nats, of the present step
        self._last = {name: torch.full((len(seeds),), torch.nan, dtype=dtype, device=device) for name in COLUMNS}

    def act(self, x: Tensor, noise: Tensor) -> Tensor:
        return self.actor.sample(x, noise)[0]

    def mode(self, x: Tensor) -> Tensor:
        return self.actor(x).mode

    def set_target_entropy(self, step: int) -> None:
        """Eq. (14)."""
        c = self.config
        schedule = c.target_entropy_init, c.target_entropy_final, c.target_entropy_decay
        self._target_entropy.fill_(target_entropy(step, self.total_steps, *schedule))

    def update_critic(self, rows: Tensor, experience: Experience, noise: Tensor, active: Tensor | None) -> None:
        """Eq. (4) to (6) on rows [S, B, width] of the replay; noise [S, B, A]."""
        layout = experience.layout
        target = soft_target(
            self.target_critic, self.target_actor, self.temperature.alpha,
            layout.reward(rows), layout.terminal(rows), layout.next_obs(rows), noise, self.config.gamma,
        )  # fmt: skip
        loss = critic_loss(self.critic, layout.obs_action(rows), target)
        self.critic_adam.backward(loss)
        self.critic_adam.step(active)
        self._last["critic_loss"].copy_(loss.detach())

    def descend(self, loss: Tensor, log_prob: Tensor, active: Tensor | None) -> None:
        """A step of the policy down its loss [S], and of the temperature by eq. (8); log_prob [S, B]."""
        self.actor_adam.backward(loss)
        self.actor_adam.step(active)
        self.temperature.update(log_prob, self._target_entropy, active)  # eq. (8)
        self._last["entropy"].copy_(-log_prob.detach().mean(-1))

    def average(self) -> None:
        """Move the target networks."""
        polyak_(self.target_critic, self.critic, self.config.tau)
        if self.target_actor is not self.actor:
            polyak_(self.target_actor, self.actor, self.config.tau)

    def metrics(self) -> dict[str, Tensor]:
        """Of the last update; what an algorithm does not have stays NaN."""
        return self._last | {"alpha": self.temperature.alpha[:, 0]}

    def adams(self) -> list[Adam]:
        """Of everything that is learned."""
        return [self.actor_adam, self.critic_adam, self.temperature.adam]

    def finite(self) -> Tensor:
        return torch.stack([finite_rows(adam.flat) for adam in self.adams()]).all(0)

    def parts(self) -> dict[str, Any]:
        """What has a state, by name."""
        names = ["actor", "critic", "actor_adam", "critic_adam", "target_critic", "temperature"]
        names += ["target_actor"] * self.config.averaged_target_policy
        return {name: getattr(self, name) for name in names}

    def state_dict(self) -> dict[str, Any]:
        parts = {name: part.state_dict() for name, part in self.parts().items()}
        return {"parts": cloned(parts), "last": cloned(self._last)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, part in self.parts().items():
            part.load_state_dict(state["parts"][name])
        for name, value in state["last"].items():
            self._last[name].copy_(value)

    def policy_state_dict(self) -> dict[str, Any]:
        return {"actor": cloned(self.actor.state_dict())}
