"""Twin delayed deep deterministic policy gradient: Fujimoto et al. 2018 (arXiv 1802.09477), algorithm 1.

A deterministic policy, two critics, and slowly averaged copies of all three, the targets. The paper adds three things
to deep deterministic policy gradients:

* clipped double Q-learning (section 4.2): the critics' target uses the smaller of both target critics;
* target policy smoothing (section 5.3): the target policy's action gets clipped noise;
* delayed updates (section 5.2): policy and targets learn only in every `policy_delay`-th update of the critics.

There are two profiles. "rlkit" is WilsonWangTHU/mbbl-rlkit at 7fa5c1a (rlkit/torch/td3/td3.py, examples/td3_bm.py), as
Wang et al. 2019 ran it; its numbers are the row TD3* of Amos et al. 2020. "authors" is sfujim/TD3 at 34770cc (TD3.py,
main.py). PROFILES has every difference. As rlkit ran it:

* Acting and learning alternate: 1000 environment steps, then 1000 updates. The first updates are after 2000 steps.
* Before them the untrained policy acts, with exploration noise; no action is uniform.
* The target action with noise is not clipped to the box of actions.
* The environments report a time limit as an end, so it counts as a termination.
* The target networks have initial weights of their own. They are not copies.
* Bounds of initial weights use the fan-out, biases of hidden layers are 0.1, and the last layer is within 3e-3.
* The policy learns in the first update and then in every second one. The authors' policy waits for the second.

Axes: S seeds, B batch, O observation, A action. `xu` is (observation, action).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from svgbench.baselines.actor_critic._soft_actor_critic import COLUMNS, TwinCritic, critic_loss
from svgbench.learners.agent_parts import AgentParts
from svgbench.learners.costs import milliseconds, products
from svgbench.learners.draws import Draw, Draws
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.model_based import ModelBasedLearner
from svgbench.learners.online import OnlineLearner, Schedule, cost_before
from svgbench.learners.settings import settings
from svgbench.memory.experience import Experience
from svgbench.memory.replay import Replay, ReplayBatch
from svgbench.nn.layers import ACTIVATIONS, MLP
from svgbench.nn.mean_network import MeanNetwork
from svgbench.nn.optim import Adam, polyak_, target_copy
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, Natural, NonNegative, Positive, Precision, Share, Widths
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config:
    """Defaults: the profile "rlkit"."""

    actor_hidden: Widths = (400, 300)  # units
    critic_hidden: Widths = (400, 300)  # units
    initial_weights: Literal["fan-out", "torch"] = "fan-out"  # see above; "torch": the default of torch's layers
    targets_start_as_copies: bool = False  # else target networks have initial weights of their own
    gamma: Share = 0.99
    tau: Share = 0.005  # weight of the online networks in their targets, per update of the targets
    actor_lr: NonNegative = 1e-3  # Adam
    critic_lr: NonNegative = 1e-3  # Adam
    step_batch: Count = 256  # transitions
    policy_delay: Count = 2  # updates of the critics for each update of policy and targets; d in algorithm 1
    policy_first: bool = True  # policy and targets first learn in the first update; else in the `policy_delay`-th
    explore_std: NonNegative = 0.1  # of the noise on actions, a share of half the action's range
    target_std: NonNegative = 0.2  # of the noise on target actions, the same unit
    target_noise_clip: NonNegative = 0.5  # bound of this noise; c in algorithm 1
    clip_target_action: bool = False  # whether the target action with noise is clipped to the box
    limit_terminates: bool = True  # whether a time limit counts as a termination
    limit_overrides_termination: bool = False  # a termination in an episode's last step counts as a time limit
    random_steps: Natural = 0  # environment steps of uniform actions
    learning_starts: Count = 2000  # environment step, counted from 0, of the first update
    train_every: Count = 1000  # environment steps that are taken before the updates that belong to them; 1: none wait
    updates_per_step: Count = 1
    replay_capacity: Count = 1_000_000  # transitions, at most the budget's steps
    normalise_obs: bool = False  # by running statistics
    std_min: Positive = 0.1  # bounds of the normalising deviation, in the observation's unit; not used by default
    std_max: Positive = 10.0
    eval_every: Count = 1000  # environment steps
    eval_episodes: Count = 1
    steps_per_slice: Count = 250  # environment steps per slice; does not affect the results
    dtype: Precision = "float32"


ADDED = {"policy_first": True, "limit_overrides_termination": False}
RULES = {
    "std_min <= std_max": "the lower bound must not be above the upper one",
    "not (limit_terminates and limit_overrides_termination)": "a time limit counts as a termination or as none",
}
PROFILES: dict[str, dict[str, Any]] = {
    "rlkit": {},
    "authors": {
        "actor_hidden": (256, 256),
        "critic_hidden": (256, 256),
        "initial_weights": "torch",
        "targets_start_as_copies": True,
        "actor_lr": 3e-4,
        "critic_lr": 3e-4,
        "clip_target_action": True,
        "policy_first": False,
        "limit_terminates": False,
        "limit_overrides_termination": True,
        "random_steps": 25_000,
        "learning_starts": 25_000,
        "train_every": 1,
        "eval_every": 5000,
        "eval_episodes": 10,
    },
}

UPDATES_AT_ONCE = 50  # updates between steps that draw their random numbers together and form a slice


class Policy(nn.Module):
    """u = tanh(network(x)) in [-1, 1]^A."""

    def __init__(
        self, streams: Streams, obs_dim: int, action_dim: int, hidden: Sequence[int], dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.net = MLP(streams, (obs_dim, *hidden, action_dim), "relu", output_activation="tanh", dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """x [S, B, O] -> [S, B, A]."""
        return self.net(x)


@torch.no_grad()
def fan_out_(net: MLP, streams: Streams) -> None:
    """Draw rlkit's initial weights: +-1 / sqrt(fan-out) and biases of 0.1, +-3e-3 in the last layer. In float64."""
    layers: list[Any] = list(net.layers)
    for layer in layers[:-1]:
        bound = 1 / math.sqrt(layer.out_features)
        layer.weight.copy_(streams.uniform(layer.weight.shape[1:], -bound, bound, dtype=torch.float64))
        layer.bias.fill_(0.1)
    for part in (layers[-1].weight, layers[-1].bias):
        part.copy_(streams.uniform(part.shape[1:], -3e-3, 3e-3, dtype=torch.float64))


@torch.no_grad()
def smoothed_target(policy: Policy, critic: TwinCritic, batch: ReplayBatch, noise: Tensor, c: Config) -> Tensor:
    """The critics' targets y [S, B], from the target networks; standard normal noise [S, B, A]."""
    noise = (c.target_std * noise).clamp(-c.target_noise_clip, c.target_noise_clip)
    action = policy(batch.next_x) + noise  # section 5.3
    if c.clip_target_action:
        action = action.clamp(-1, 1)
    value = critic.smaller(torch.cat([batch.next_x, action], -1))  # section 4.2
    return batch.reward + c.gamma * (1 - batch.terminal) * value


def policy_loss(policy: Policy, critic: TwinCritic, x: Tensor) -> Tensor:
    """[S]: minus the first critic's value of the policy's actions. x [S, B, O]."""
    h = torch.cat([x, policy(x)], -1)
    layers: list[Any] = list(critic.net.layers)
    for layer, name in zip(layers, critic.net.activations, strict=True):
        h = ACTIVATIONS[name](torch.baddbmm(layer.bias[:, 0], h, layer.weight[:, 0]))
    return -h.squeeze(-1).mean(-1)


class TD3(AgentParts):
    """`svgbench.learners.model_based.ModelBasedAgent`: policies and twin critics of S seeds, and their targets.

    With `train_every` = 1, the updates are part of the environment steps. Otherwise they are the work between them.
    """

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], device: str) -> None:
        c, self.seeds, n, m = config, list(seeds), task.observation_dim, task.action_dim
        self.config, dtype = c, getattr(torch, c.dtype)
        super().__init__(len(self.seeds), ("alpha", *COLUMNS), dtype, device)  # only the critics' loss has a value

        def policy(name: str) -> Policy:
            streams = Streams(seeds, name, device)
            made = Policy(streams, n, m, c.actor_hidden, dtype)
            if c.initial_weights == "fan-out":
                fan_out_(made.net, streams)
            return made

        def critic(name: str) -> TwinCritic:
            streams = Streams(seeds, name, device)
            made = TwinCritic(streams, n, m, c.critic_hidden, orthogonal=False, dtype=dtype)
            if c.initial_weights == "fan-out":
                fan_out_(made.net, streams)
            return made

        self.actor, self.critic = policy("actor"), critic("critic")
        self.actor_adam = Adam(self.actor.parameters(), c.actor_lr)
        self.critic_adam = Adam(self.critic.parameters(), c.critic_lr)
        copies = c.targets_start_as_copies
        self.target_actor = target_copy(self.actor if copies else policy("target-actor"))
        self.target_critic = target_copy(self.critic if copies else critic("target-critic"))
        self.adams = [self.actor_adam, self.critic_adam]
        names = ("actor", "critic", "actor_adam", "critic_adam", "target_actor", "target_critic")
        self.parts = {name: getattr(self, name) for name in names}
        U, B = c.updates_per_step, c.step_batch
        draws = {"steps": Draw("uniform", (U, B)), "target-noise": Draw("normal", (U, B, m))}
        self.learns_between = c.train_every > 1
        self.draws: Mapping[str, Draw] = {} if self.learns_between else draws
        self.model_from, self.model_every = c.learning_starts, c.train_every
        self.sizes = n, m, len(self.seeds)
        self.costs: Sequence[tuple[int, float]] = step_costs(c, self.sizes)
        self.done = 0  # updates between the present environment steps

    def act(self, x: Tensor, noise: Tensor) -> Tensor:
        """Actions with exploration noise, [S, B, A]; x [S, B, O], standard normal noise [S, B, A]."""
        return (self.actor(x) + self.config.explore_std * noise).clamp(-1, 1)

    def mode(self, x: Tensor) -> Tensor:
        """The policy's actions [S, B, A]; x [S, B, O]."""
        return self.actor(x)

    def prepare(self, step: int, lacking: Tensor | None = None) -> int:
        """The phase of the step's first update (`phase_of`)."""
        return phase_of(self.config, (step - self.config.learning_starts) * self.config.updates_per_step)

    def update(self, phase: int, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        """The updates of an environment step; none if they wait."""
        if not self.learns_between:
            self._update_all(phase, experience, draws["steps"], draws["target-noise"], active)

    def advance_model(self, step: int, experience: Experience, active: Tensor | None) -> bool:
        """Do the next updates that belong to the last `train_every` environment steps."""
        c, each = self.config, updates_between(self.config)
        count = min(UPDATES_AT_ONCE, each - self.done)
        streams = Streams(self.seeds, f"updates-{step}-{self.done}", experience.replay.rows.device)
        which = streams.uniform((count, c.step_batch), dtype=torch.float64)
        noise = streams.normal((count, c.step_batch, self.sizes[1]), dtype=experience.replay.rows.dtype)
        before = (step - c.learning_starts) // c.train_every * each + self.done
        self._update_all(phase_of(c, before), experience, which, noise, active)
        self.done = (self.done + count) % each
        return self.done == 0

    def _update_all(
        self, phase: int, experience: Experience, which: Tensor, noise: Tensor, active: Tensor | None
    ) -> None:
        """Updates one after the other. which: uniform [S, U, B], selects transitions. noise [S, U, B, A]."""
        for u in range(which.shape[1]):
            batch = experience.layout.batch(experience.sample(which[:, u]))
            self.update_once(batch, noise[:, u], active, delayed=(phase + u) % self.config.policy_delay == 0)

    def update_once(self, batch: ReplayBatch, noise: Tensor, active: Tensor | None, *, delayed: bool) -> None:
        """Algorithm 1, an update. delayed: whether it is one in which policy and targets learn."""
        c = self.config
        loss = critic_loss(
            self.critic, batch.xu, smoothed_target(self.target_actor, self.target_critic, batch, noise, c)
        )
        self.critic_adam.backward(loss)
        self.critic_adam.step(active)
        self.last["critic_loss"].copy_(loss.detach())
        if delayed:  # section 5.2
            self.actor_adam.backward(policy_loss(self.actor, self.critic, batch.x))
            self.actor_adam.step(active)
            polyak_(self.target_critic, self.critic, c.tau)
            polyak_(self.target_actor, self.actor, c.tau)

    def model_cost(self, step: int) -> float:
        """Approximate milliseconds of one core of the updates before a step."""
        return updates_between(self.config) * update_milliseconds(self.config, self.sizes)

    def model_share(self, step: int) -> float:
        """The share of them that is done."""
        return self.done / updates_between(self.config)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "done": self.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.done = state["done"]

    def mean_network(self) -> MeanNetwork:
        """The policies' network."""
        layers: list[Any] = list(self.actor.net.layers)
        return MeanNetwork([(layer.weight, layer.bias) for layer in layers], "relu", squash=True)


def phase_of(c: Config, updates: int) -> int:
    """Which update comes after so many: 0 is one in which policy and targets learn, 1 the one after it, and so on."""
    return (updates + (0 if c.policy_first else 1)) % c.policy_delay


def updates_between(c: Config) -> int:
    """The updates that belong to `train_every` environment steps."""
    return c.train_every * c.updates_per_step


def update_milliseconds(c: Config, sizes: tuple[int, int, int]) -> float:
    """Approximate milliseconds of one core of an update. sizes: O, A and S.

    Backward costs twice what forward does for a network that learns, and once for one that only passes a gradient on.
    """
    obs_dim, action_dim, S = sizes
    actor = products((obs_dim, *c.actor_hidden, action_dim))
    critic = products((obs_dim + action_dim, *c.critic_hidden, 1))
    of_policy = (3 * actor + 2 * critic) / c.policy_delay
    calls = 60 + 20 * len(c.critic_hidden) + (40 + 15 * len(c.actor_hidden)) / c.policy_delay
    return milliseconds(S * c.step_batch * (actor + 8 * critic + of_policy), calls)


def step_costs(c: Config, sizes: tuple[int, int, int]) -> Sequence[tuple[int, float]]:
    """`OnlineAgent.costs`: of the updates that do not wait."""
    return [(0, c.updates_per_step * update_milliseconds(c, sizes) if c.train_every == 1 else 0.0)]


def schedule(c: Config, total_steps: int) -> Schedule:
    """When the learner acts, learns and is evaluated. A step's own transition can be drawn in its update."""
    return Schedule(
        total_steps=total_steps, random_steps=c.random_steps, learning_starts=c.learning_starts,
        update_before_store=False, limit_overrides_termination=c.limit_overrides_termination, eval_every=c.eval_every,
        eval_episodes=c.eval_episodes, steps_per_slice=c.steps_per_slice, limit_terminates=c.limit_terminates,
    )  # fmt: skip


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Approximate milliseconds of one core for a whole block."""
    c, total_steps = settings(Config, config), int(limits["total_steps"])
    sizes = task.observation_dim, task.action_dim, len(seeds)
    works = len(range(c.learning_starts, total_steps + 1, c.train_every)) if c.train_every > 1 else 0
    between = works * updates_between(c) * update_milliseconds(c, sizes)
    return between + cost_before(total_steps, schedule(c, total_steps), step_costs(c, sizes), sizes[2], task.horizon)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `total_steps`, environment steps."""
    c, total_steps = settings(Config, config), int(limits["total_steps"])
    agent, (n, m, S) = TD3(c, task, seeds, device), (task.observation_dim, task.action_dim, len(seeds))
    replay = Replay(S, min(c.replay_capacity, total_steps), n, m, dtype=getattr(torch, c.dtype), device=device)
    experience = Experience(replay, normalise=c.normalise_obs, min_std=c.std_min, max_std=c.std_max)
    learner = ModelBasedLearner if agent.learns_between else OnlineLearner
    return learner(agent, task, seeds, schedule(c, total_steps), experience)
