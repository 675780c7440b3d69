"""The parts of soft actor-critic (Haarnoja et al. 2018) that all algorithms built on it share.

These are the settings, the networks, the losses, and the steps that learn from them. An algorithm's file calls the
steps in the order of its paper; `sac.update` has the order of SAC. Equations are numbered as in Amos et al. 2020,
section 3.2.

Axes: S seeds, B batch, O observation, A action. `xu` is (observation, action), with the observation normalised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from svgbench.baselines.actor_critic._entropy_target import target_entropy
from svgbench.learners.agent_parts import AgentParts
from svgbench.learners.costs import products
from svgbench.learners.draws import Draw
from svgbench.learners.online import Schedule
from svgbench.memory.experience import Experience
from svgbench.memory.replay import Replay, ReplayBatch
from svgbench.nn.distributions import SquashedGaussian
from svgbench.nn.initialise import orthogonal_
from svgbench.nn.layers import MLP
from svgbench.nn.mean_network import MeanNetwork
from svgbench.nn.optim import Adam, polyak_, target_copy
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, LogScale, Nats, Natural, NonNegative, Positive, Precision, Share, Widths
from svgbench.words.task import Task

COLUMNS = ("entropy", "critic_loss", "reward_loss", "model_loss", "planned_return", "unplanned_return")
"""The numbers of an update, or of a trial at the end of training; NaN where an algorithm does not have one."""


@dataclass(frozen=True)
class Config:
    """The settings of SAC that every algorithm of the family has.

    Sources: T3 and T4 are tables of Amos et al. 2020; "code" is facebookresearch/svg at 9fdf03a; else our choice.
    """

    actor_hidden: Widths = (512, 512)  # units (T3)
    critic_hidden: Widths = (512, 512)  # units (T3)
    orthogonal_init: bool = False  # of actor, critics and a model; else torch's default (text: silent)
    log_std_min: LogScale = -5.0  # (T3); a tanh keeps log_std between its bounds (code)
    log_std_max: LogScale = 2.0  # (T3)
    gamma: Share = 0.99  # (T3)
    tau: Share = 0.005  # weight of the online critics in their targets, per update (T3)
    actor_lr: NonNegative = 1e-4  # Adam (T3)
    critic_lr: NonNegative = 1e-4  # Adam (T3)
    alpha_init: Positive = 0.1  # (T3)
    alpha_lr: NonNegative = 5e-4  # Adam, on log alpha (T3)
    step_batch: Count = 512  # transitions (T3)
    updates_per_step: Count = 1  # per environment step, each on a fresh batch (algorithm 1; MBPO has 20, MAAC 8)
    target_entropy_init: Nats = 0.0  # nats, eq. (14); tasks have their own (T4)
    target_entropy_final: Nats = 0.0  # nats
    target_entropy_decay: NonNegative = 0.0  # the exponent beta of eq. (14)
    averaged_target_policy: bool = True  # targets use a policy of averaged weights (eq. 6); else the current policy
    update_before_store: bool = False  # a step's update cannot draw the step's transition; else it can (algorithm 1)
    random_steps: Natural = 0  # environment steps of uniform actions (algorithm 1 has none)
    learning_starts: Count = 999  # environment step, from 0, of the first update (code; text: silent)
    limit_overrides_termination: bool = False  # a termination in an episode's last step counts as a time limit
    replay_capacity: Count = 1_000_000  # transitions (T3), at most the budget's steps
    normalise_obs: bool = True  # (section 5)
    std_min: Positive = 0.1  # bounds of the normalising standard deviation, in the observation's unit (code)
    std_max: Positive = 10.0  # (code)
    eval_every: Count = 10_000  # environment steps (code, at the next end of an episode)
    eval_episodes: Count = 10  # (code)
    steps_per_slice: Count = 5  # environment steps per slice; does not affect the results
    dtype: Precision = "float32"


RULES = {
    "log_std_min < log_std_max": "the lower bound must be below the upper one",
    "std_min <= std_max": "the lower bound must not be above the upper one",
}
CODE = {
    "actor_hidden": (512, 512, 512, 512),
    "critic_hidden": (512, 512, 512, 512),
    "orthogonal_init": True,
    "alpha_lr": 1e-4,
    "step_batch": 1024,
    "averaged_target_policy": False,
    "update_before_store": True,
    "random_steps": 1000,
    "limit_overrides_termination": True,
}
"""Settings in which the authors' code differs from the text: the shared part of a profile "code"."""


class Actor(nn.Module):
    """The policy pi(u | x): a Gaussian squashed by tanh. One network has its mean and its log_std as outputs."""

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
        """The distribution of actions at x [S, B, O]."""
        return SquashedGaussian(self.net(x), self.log_std_bounds)

    def sample(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """An action [S, B, A] and its log-probability [S, B]; x [S, B, O], unit noise [S, B, A]."""
        return self(x).sample(noise)


class TwinCritic(nn.Module):
    """Two independent action values. Q is the smaller of the two (clipped double Q-learning, as in SAC)."""

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
        """Both values [S, 2, B] of xu [S, B, O + A]."""
        return self.net(xu).squeeze(-1)

    def smaller(self, xu: Tensor) -> Tensor:
        """Q [S, B] of xu [S, B, O + A]."""
        q = self(xu)
        return torch.minimum(q[:, 0], q[:, 1])


@torch.no_grad()
def soft_target(
    target_critic: TwinCritic, policy: Actor, alpha: Tensor, batch: ReplayBatch, noise: Tensor, gamma: float
) -> Tensor:
    """The critics' targets [S, B]: eq. (5) and (6), with one action in each next state. Nothing follows a termination.

    alpha [S, 1]; noise [S, B, A]. The caller chooses the policy that acts in the next state: eq. (6) has the averaged
    one, the authors' code the current one.
    """
    next_u, log_prob = policy.sample(batch.next_x, noise)
    soft_value = target_critic.smaller(torch.cat([batch.next_x, next_u], -1)) - alpha * log_prob  # eq. (6)
    return batch.reward + gamma * (1 - batch.terminal) * soft_value  # eq. (5)


def critic_loss(critic: TwinCritic, xu: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """The loss [S] of eq. (4), summed over the twins. xu [S, B, O + A], target [S, B]; weight [S, B] of the errors."""
    errors = (critic(xu) - target[:, None]).square()
    return (errors if weight is None else weight[:, None] * errors).mean(-1).sum(-1)


def policy_loss(policy: Actor, critic: TwinCritic, alpha: Tensor, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """The loss [S] of eq. (7), and log pi [S, B]. alpha [S, 1], x [S, B, O], noise [S, B, A]."""
    u, log_prob = policy.sample(x, noise)
    return (alpha * log_prob - critic.smaller(torch.cat([x, u], -1))).mean(-1), log_prob  # eq. (7)


class Temperature:
    """Each seed's alpha > 0. It is learned as log alpha, so that the policy's entropy approaches a target: eq. (8)."""

    def __init__(self, S: int, init: float, lr: float, dtype: torch.dtype, device: torch.device | str) -> None:
        start = torch.tensor(init, dtype=torch.float64).log().item()
        self.log_alpha = nn.Parameter(torch.full((S, 1), start, dtype=dtype, device=device))
        self.adam = Adam([self.log_alpha], lr)

    @property
    def alpha(self) -> Tensor:
        """[S, 1], without gradient."""
        return self.log_alpha.detach().exp()

    def loss(self, log_prob: Tensor, target_entropy: Tensor | float) -> Tensor:
        """The loss [S] of eq. (8); only alpha learns from it. log_prob [S, B]; target_entropy in nats."""
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


class SoftActorCritic(AgentParts):
    """Policies, twin critics and temperatures of S seeds, and the steps in which they learn.

    An algorithm's agent (`svgbench.learners.online.OnlineAgent`) is a subclass. It adds what else it learns to `parts`
    and its optimisers to `adams`, and states its own `update`. Nothing here calls a method of a subclass.

    draws: random numbers of `updates_per_step` batches, with noise for `policy_steps` actions of the policy's loss.
    """

    def __init__(
        self, config: Config, task: Task, seeds: Sequence[int], total_steps: int, device: str, policy_steps: int
    ) -> None:
        c = self.config = config
        self.total_steps = total_steps
        n, m, dtype = task.observation_dim, task.action_dim, getattr(torch, c.dtype)
        super().__init__(len(seeds), COLUMNS, dtype, device)
        kind: Any = {"orthogonal": c.orthogonal_init, "dtype": dtype}
        bounds = (c.log_std_min, c.log_std_max)
        self.actor = Actor(Streams(seeds, "actor", device), n, m, c.actor_hidden, bounds, **kind)
        self.critic = TwinCritic(Streams(seeds, "critic", device), n, m, c.critic_hidden, **kind)
        self.actor_adam = Adam(self.actor.parameters(), c.actor_lr)
        self.critic_adam = Adam(self.critic.parameters(), c.critic_lr)
        self.target_critic = target_copy(self.critic)
        self.target_actor = target_copy(self.actor) if c.averaged_target_policy else self.actor
        self.temperature = Temperature(len(seeds), c.alpha_init, c.alpha_lr, dtype, device)
        self.adams = [self.actor_adam, self.critic_adam, self.temperature.adam]
        names = ["actor", "critic", "actor_adam", "critic_adam", "target_critic", "temperature"]
        names += ["target_actor"] * c.averaged_target_policy
        self.parts = {name: getattr(self, name) for name in names}
        U, B = c.updates_per_step, c.step_batch
        self.draws: Mapping[str, Draw] = {
            "steps": Draw("uniform", (U, B)),
            "critic-noise": Draw("normal", (U, B, m)),
            "actor-noise": Draw("normal", (U, policy_steps, B, m)),
        }
        self._target_entropy = torch.zeros((), dtype=dtype, device=device)  # nats, of the present step

    def act(self, x: Tensor, noise: Tensor) -> Tensor:
        """Exploring actions [S, B, A]; x [S, B, O], unit noise [S, B, A]."""
        return self.actor.sample(x, noise)[0]

    def mode(self, x: Tensor) -> Tensor:
        """The deterministic actions [S, B, A]; x [S, B, O]."""
        return self.actor(x).mode

    def set_target_entropy(self, step: int) -> None:
        """Set the target entropy of an environment step's updates: eq. (14)."""
        c = self.config
        schedule = c.target_entropy_init, c.target_entropy_final, c.target_entropy_decay
        self._target_entropy.fill_(target_entropy(step, self.total_steps, *schedule))

    def update_critic(self, batch: ReplayBatch, noise: Tensor, active: Tensor | None) -> None:
        """A step of the critics towards the soft targets of the batch: eq. (4) to (6). noise [S, B, A]."""
        alpha, gamma = self.temperature.alpha, self.config.gamma
        target = soft_target(self.target_critic, self.target_actor, alpha, batch, noise, gamma)
        self.fit_critic(batch.xu, target, active)

    def fit_critic(self, xu: Tensor, target: Tensor, active: Tensor | None, weight: Tensor | None = None) -> None:
        """A step of the critics towards targets [S, B]: eq. (4). xu [S, B, O + A]; weight [S, B] of the errors."""
        loss = critic_loss(self.critic, xu, target, weight)
        self.critic_adam.backward(loss)
        self.critic_adam.step(active)
        self.last["critic_loss"].copy_(loss.detach())

    def update_policy(self, loss: Tensor, log_prob: Tensor, active: Tensor | None) -> None:
        """A step of the policy down its loss [S], and one of the temperature by eq. (8). log_prob [S, B]."""
        self.actor_adam.backward(loss)
        self.actor_adam.step(active)
        self.temperature.update(log_prob, self._target_entropy, active)  # eq. (8)
        self.last["entropy"].copy_(-log_prob.detach().mean(-1))

    def average(self) -> None:
        """Move the target networks towards the online ones."""
        polyak_(self.target_critic, self.critic, self.config.tau)
        if self.target_actor is not self.actor:
            polyak_(self.target_actor, self.actor, self.config.tau)

    def metrics(self) -> dict[str, Tensor]:
        """`COLUMNS` and alpha at the last update, each [S]."""
        return self.last | {"alpha": self.temperature.alpha[:, 0]}

    def mean_network(self) -> MeanNetwork:
        """The part of the policies' network whose outputs are means."""
        layers: list[Any] = list(self.actor.net.layers)
        *hidden, (weight, bias) = [(layer.weight, layer.bias) for layer in layers]
        A = weight.shape[-1] // 2
        return MeanNetwork([*hidden, (weight[..., :A], bias[..., :A])], "relu", squash=True)


def update_cost(c: Config, obs_dim: int, action_dim: int) -> tuple[int, float]:
    """The approximate number of multiplications, and of operations, in one update of one seed: eq. (4) to (8).

    Backward costs twice what forward does for a network that learns, and once for one that only passes a gradient on.
    """
    actor = products((obs_dim, *c.actor_hidden, 2 * action_dim))
    critics = 2 * products((obs_dim + action_dim, *c.critic_hidden, 1))
    calls = 130.0 + 20 * len(c.critic_hidden) + 15 * len(c.actor_hidden)
    return c.step_batch * (4 * actor + 6 * critics), calls


def schedule(c: Config, total_steps: int) -> Schedule:
    """When the learner acts, learns and is evaluated, according to the config."""
    names = Schedule.__dataclass_fields__.keys() - {"total_steps", "limit_terminates"}
    return Schedule(total_steps=total_steps, **{name: getattr(c, name) for name in names})


def experience(
    c: Config, task: Task, S: int, total_steps: int, device: str, *, window: int = 1, whole_episodes: bool = True
) -> Experience:
    """An empty replay with statistics, according to the config. window, whole_episodes: see `Replay`."""
    replay = Replay(
        S, min(c.replay_capacity, total_steps), task.observation_dim, task.action_dim,
        window=window, whole_episodes=whole_episodes, dtype=getattr(torch, c.dtype), device=device,
    )  # fmt: skip
    return Experience(replay, normalise=c.normalise_obs, min_std=c.std_min, max_std=c.std_max)
