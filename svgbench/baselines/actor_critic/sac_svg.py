"""SAC-SVG(H): soft actor-critic whose policy learns from an H-step value expansion. Amos et al. 2020, algorithm 1.

    J = E_x -V_{0:H}(x),   V_{0:H}(x_0) = sum_{t<H} gamma^t (r(x_t, u_t) - alpha log pi(u_t | x_t))
                                          + gamma^H (min Q(x_H, u_H) - alpha log pi(u_H | x_H))          eq. (9), (3)

with u_t from the policy and x_{t+1} from a deterministic recurrent model, both differentiated. x_0 are replayed states.
The critic is model-free (eq. 4 to 6). The temperature follows a scheduled target entropy (eq. 8, 14). The model
minimises its multi-step error (eq. 10), the reward network its squared error (eq. 11), and the termination network its
negative log-likelihood (eq. 13). At H = 0 this is SAC (eq. 7), and makes the same numbers as `sac`.

**H counts model steps.** Row SAC-SVG(h) of Table 2 is H = h here. In the authors' code (facebookresearch/svg at
9fdf03a) it is `agent.horizon = h + 1`, because it counts the last action, whose value Q gives. Column H of Table 4 has
the code's number.

Critic expansion (section 5.1.2, Figures 4 and 7): with `critic_steps` = K > 0, the critics' targets also follow the
model for K steps (`_expansion`: plain and TD-k). With H = 0 the policy's loss is then still SAC's, but the model is
learned.

Terminations: with n_t = 1 - d(x_t, u_t), term t is weighted by the probability w_t = n_0 ... n_{t-1} of reaching x_t.
The code has another n_0 in every weight, and does not weight the entropies.

The profiles "text" and "code" are two readings of one algorithm. Every difference between the paper and its code is a
field of `Config` with its two values in PROFILES, except `expansion_reading`: no row of Table 2 uses it, and both
profiles leave it at "text". Where the text says nothing (random steps, first update, bounds of the normalisation,
initialisation), the field names its source. Not as in the code: the order of random numbers; two errors of its running
statistics, of relative size 1/n; windows that cross the place where a full replay is overwritten.

The reward and the termination network have equal shapes and learn from the same batch at the same rate. So they are two
members of one network, which changes no number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from svgbench.baselines.actor_critic import _soft_actor_critic as shared
from svgbench.baselines.actor_critic._expansion import (
    ExpansionNetworks,
    Weighting,
    expanded_value,
    follow,
    plain_target,
    td_k_targets,
)
from svgbench.baselines.actor_critic._soft_actor_critic import CODE as SHARED_CODE
from svgbench.baselines.actor_critic._soft_actor_critic import RULES as SHARED_RULES
from svgbench.baselines.actor_critic._soft_actor_critic import SoftActorCritic, policy_loss
from svgbench.learners.costs import milliseconds, products
from svgbench.learners.draws import Draw, Draws
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.online import OnlineLearner, cost_before
from svgbench.learners.settings import settings
from svgbench.memory.experience import Experience
from svgbench.memory.replay import ReplayBatch
from svgbench.models.recurrent import RecurrentModel
from svgbench.nn.layers import MLP
from svgbench.nn.optim import Adam
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, Natural, NonNegative, Widths
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 2  # version 1 drew numbers by slice, and slices ended at evaluations; it acted in [-1, 1] on every task


@dataclass(frozen=True)
class Config(shared.Config):
    """Settings of SAC-SVG(H) in addition to SAC's. Sources: as for SAC's."""

    H: Natural = 2  # model steps of the value expansion; 0 is SAC (code: horizon - 1)
    head_hidden: Widths = (512, 512)  # units of the reward and of the termination network (T3)
    encoder_hidden: Widths = (512, 512)  # units (T3)
    decoder_hidden: Widths = (512, 512)  # units (T3, section 4.2); none is a linear decoder
    recurrent_width: Count = 512  # units of the encoder's output and of each recurrent layer (T3)
    recurrent_layers: Count = 2  # (T3)
    model_lr: NonNegative = 1e-3  # Adam, of dynamics, reward and termination (T3)
    model_max_grad_norm: NonNegative = 0.0  # of the dynamics' gradient, per seed; 0: not clipped (text: silent)
    model_updates: Natural = 4  # of the dynamics per environment step, each on a fresh batch (T3)
    window_batch: Count = 1024  # windows of H steps (T3, section 4.2)
    whole_episodes: bool = True  # windows may contain an episode's last transition (eq. 10)
    detach_predictions: bool = False  # in eq. (10) a predicted state is detached before the next step
    mean_model_loss: bool = False  # eq. (10) as a mean over steps and features; else a sum, the squared norm
    balanced_termination: bool = False  # eq. (13) with terminations weighted by the batch's odds against termination
    survival_extra_factor: bool = False  # every weight has another n_0, that of the first reward too
    survival_weighs_entropy: bool = True  # entropies have the same weights as rewards
    mean_over_steps: bool = False  # eq. (9) divided by H + 1
    model_first: bool = False  # order: model, critic, policy, heads; else policy, critic, heads, model (algorithm 1)
    model_free_steps: Natural = 0  # policy and critics learn as in SAC before this environment step (text: silent)

    critic_steps: Natural = 0  # model steps K of the critics' targets (section 5.1.2); 0: eq. (5)
    expansion: Literal["td-k", "plain"] = "td-k"  # critics learn in every state of the expansion, or in its first
    expansion_reading: Literal["text", "code"] = "text"  # "code": with the errors of the code's targets (`_expansion`)


ADDED = {"critic_steps": 0, "expansion": "td-k", "expansion_reading": "text"}
RULES = {
    "H == 0 or H <= horizon - 2 * (not whole_episodes)": "no episode has a longer window",
    "critic_steps == 0 or critic_steps <= horizon - 2 * (not whole_episodes)": "no episode has a longer window",
    **SHARED_RULES,
    "learning_starts > H + 1": "a window must fit",
    "replay_capacity > H + (not whole_episodes) and total_steps > H + (not whole_episodes)": "a window must fit",
    "learning_starts > critic_steps + 1": "a window must fit",
    "replay_capacity > critic_steps + (not whole_episodes) and total_steps > critic_steps + (not whole_episodes)": (
        "a window must fit"
    ),
}
PROFILES = {
    "text": {},
    "code": {
        **SHARED_CODE,
        "decoder_hidden": (),
        "model_max_grad_norm": 1.0,
        "window_batch": 512,
        "whole_episodes": False,
        "detach_predictions": True,
        "mean_model_loss": True,
        "balanced_termination": True,
        "survival_extra_factor": True,
        "survival_weighs_entropy": False,
        "mean_over_steps": True,
        "model_first": True,
        "model_free_steps": 10_000,
    },
}


def model_loss(model: RecurrentModel, x: Tensor, actions: Tensor, next_x: Tensor, detach: bool, mean: bool) -> Tensor:
    """The loss [S] of eq. (10). x [S, B, O]; actions [S, H, B, A]; next_x [S, H, B, O], what they led to.

    detach: as in `RecurrentModel.unroll`. mean: over steps and features, instead of their sum.
    """
    error = model.unroll(x, actions, detach=detach) - next_x
    return error.square().flatten(1).mean(1) if mean else error.square().sum((1, 3)).mean(1)


def heads_loss(heads: MLP, xu: Tensor, reward: Tensor, terminal: Tensor, balanced: bool) -> tuple[Tensor, Tensor]:
    """The losses [S] of the reward network, eq. (11), and of the termination network, eq. (13).

    heads: both, as two members. xu [S, B, O + A]; reward, terminal [S, B]. balanced: terminations have weight
    (B - n) / n, where n > 0 is their number in the batch.
    """
    predicted, logit = heads(xu).squeeze(-1).unbind(1)
    weight: Tensor | float = 1.0
    if balanced:
        n = terminal.sum(1, keepdim=True)
        weight = torch.where(n > 0, (terminal.shape[1] - n) / n.clamp(min=1), 1.0)
    nll = weight * terminal * softplus(-logit) + (1 - terminal) * softplus(logit)
    return (predicted - reward).square().mean(1), nll.mean(1)  # eq. (11), eq. (13)


def expanded_loss(
    config: Config, nets: ExpansionNetworks, alpha: Tensor, x: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss [S] of eq. (9), and log pi(u_0 | x_0) [S, B].

    alpha [S, 1]; x [S, B, O]; noise [S, H + 1, B, A] with H > 0.
    """
    path = follow(nets.policy, nets.model, x, noise)
    last = nets.critic.smaller(path.pairs[-1])
    expansion = expanded_value(path, nets.heads, last, alpha, weighting(config))  # eq. (3)
    if config.mean_over_steps:
        expansion = expansion / len(path.pairs)
    return -expansion.mean(-1), path.log_probs[0]  # eq. (9)


def weighting(c: Config) -> Weighting:
    return Weighting(c.gamma, c.survival_extra_factor, c.survival_weighs_entropy)


def model_steps(c: Config) -> int:
    """The longest path in the model, in steps; 0: no model is learned."""
    return max(c.H, c.critic_steps)


class WorldModel:
    """Networks of the dynamics, the reward and the termination of S seeds, and their optimisers."""

    def __init__(self, c: Config, n: int, m: int, seeds: Sequence[int], device: str) -> None:
        dtype = getattr(torch, c.dtype)
        self.config = c
        self.dynamics = RecurrentModel(
            Streams(seeds, "model", device), n, m,
            hidden=c.encoder_hidden, width=c.recurrent_width, layers=c.recurrent_layers,
            decoder_hidden=c.decoder_hidden, orthogonal=c.orthogonal_init, dtype=dtype,
        )  # fmt: skip
        # two members: the reward and the termination network
        sizes = (n + m, *c.head_hidden, 1)
        self.heads = MLP(Streams(seeds, "heads", device), sizes, "relu", ensemble=2, dtype=dtype)
        self.adam = Adam(self.dynamics.parameters(), c.model_lr)
        self.heads_adam = Adam(self.heads.parameters(), c.model_lr)

    def update_dynamics(self, windows: tuple[Tensor, Tensor, Tensor], active: Tensor | None) -> Tensor:
        """A step by eq. (10) on windows of the replay; returns the loss before it, [S]."""
        c = self.config
        loss = model_loss(self.dynamics, *windows, detach=c.detach_predictions, mean=c.mean_model_loss)
        self.adam.backward(loss)
        if c.model_max_grad_norm > 0:
            self.adam.clip_grad_norm_(c.model_max_grad_norm)
        self.adam.step(active)
        return loss.detach()

    def update_heads(self, batch: ReplayBatch, active: Tensor | None) -> Tensor:
        """A step by eq. (11) and (13); returns the reward's loss before it, [S]."""
        balanced = self.config.balanced_termination
        reward_loss, nll = heads_loss(self.heads, batch.xu, batch.reward, batch.terminal, balanced)
        self.heads_adam.backward(reward_loss + nll)
        self.heads_adam.step(active)
        return reward_loss.detach()


class Phase(NamedTuple):
    """The parts of an update's program that can change."""

    policy_steps: int  # model steps of the policy's loss
    critic_steps: int  # model steps of the critics' targets
    all_have_windows: bool  # whether every seed has a window to sample


class SACSVG(SoftActorCritic):
    """`svgbench.learners.online.OnlineAgent`: policy, twin critics, temperature and world model of S seeds."""

    config: Config

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], total_steps: int, device: str) -> None:
        c, S, n, m = config, len(seeds), task.observation_dim, task.action_dim
        super().__init__(c, task, seeds, total_steps, device, policy_steps=c.H + 1)
        self.world = world = WorldModel(c, n, m, seeds, device) if model_steps(c) > 0 else None
        self.draws_windows = world is not None
        if world is not None:
            self.parts |= {"model": world.dynamics, "heads": world.heads}
            self.parts |= {"model_adam": world.adam, "heads_adam": world.heads_adam}
            self.adams += [world.adam, world.heads_adam]
            self.draws = {**self.draws, "windows": Draw("uniform", (c.model_updates, c.window_batch))}
        if c.critic_steps > 0:
            further = Draw("normal", (c.updates_per_step, c.critic_steps, c.step_batch, m))
            self.draws = {**self.draws, "expansion-noise": further}
        self.costs = step_costs(c, n, m, S)
        self._has_window = torch.ones(S, dtype=torch.bool, device=device)

    def prepare(self, step: int, lacking: Tensor | None = None) -> Phase:
        """Set the target entropy of the step, and which seeds have a window."""
        self.set_target_entropy(step)
        if lacking is not None:
            self._has_window.copy_(~lacking)
        return Phase(*self._steps(step), lacking is None)

    def _steps(self, step: int) -> tuple[int, int]:
        """Model steps of the policy's loss and of the critics' targets."""
        c = self.config
        learned = step >= c.model_free_steps
        # The code has no model-free phase for its TD-k targets.
        at_once = c.expansion_reading == "code" and c.expansion == "td-k"
        return c.H if learned else 0, c.critic_steps if learned or at_once else 0

    def stuck(self, step: int, lacking: Tensor) -> Tensor:
        """Seeds whose policy or critics would learn through a model that has never been trained."""
        if self.world is None:
            return lacking & False
        return lacking & (self.world.adam.steps == 0) & (max(self._steps(step)) > 0)

    def update(self, phase: Phase, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        """The updates of one step, in the order of algorithm 1 or in that of the code."""
        c = self.config
        if c.model_first:
            self._update_model(phase, experience, draws, active)  # eq. (10)
        for u in range(c.updates_per_step):
            batch = experience.layout.batch(experience.sample(draws["steps"][:, u]))
            noise = {name: draws[name][:, u] for name in ("critic-noise", "expansion-noise") if name in draws}
            policy_noise = draws["actor-noise"][:, u]
            if c.model_first:
                self._update_critic(phase, batch, noise, active)  # eq. (4) to (6)
            loss, log_prob = self._policy_loss(batch.x, policy_noise[:, : phase.policy_steps + 1])  # eq. (9)
            self.update_policy(loss, log_prob, active)  # and the temperature, eq. (8)
            if not c.model_first:
                self._update_critic(phase, batch, noise, active)
            if self.world is not None:
                self.last["reward_loss"].copy_(self.world.update_heads(batch, active))  # eq. (11), (13)
            self.average()
        if not c.model_first:
            self._update_model(phase, experience, draws, active)

    def _update_critic(self, phase: Phase, batch: ReplayBatch, noise: Draws, active: Tensor | None) -> None:
        """A step of the critics by eq. (4), with the targets of eq. (5) or with expanded ones."""
        c, alpha = self.config, self.temperature.alpha
        if self.world is None or phase.critic_steps == 0:
            self.update_critic(batch, noise["critic-noise"], active)
            return
        nets = ExpansionNetworks(self.target_actor, self.target_critic, self.world.dynamics, self.world.heads)
        every = torch.cat([noise["critic-noise"][:, None], noise["expansion-noise"]], 1)  # [S, K + 1, B, A]
        as_coded = c.expansion_reading == "code"
        if c.expansion == "plain":
            how = weighting(c) if as_coded else Weighting(c.gamma, extra_factor=False, weighs_entropy=True)
            target = plain_target(nets, batch, every, alpha, how, as_coded=as_coded)
            self.fit_critic(batch.xu, target, active)
        else:
            found = td_k_targets(nets, batch, every, alpha, c.gamma, as_coded=as_coded)
            self.fit_critic(found.xu, found.target, active, found.weight)

    def _policy_loss(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Eq. (9), or SAC's eq. (7) if the noise [S, T, B, A] is of one action."""
        alpha = self.temperature.alpha
        if self.world is None or noise.shape[1] == 1:
            return policy_loss(self.actor, self.critic, alpha, x, noise[:, 0])
        nets = ExpansionNetworks(self.actor, self.critic, self.world.dynamics, self.world.heads)
        return expanded_loss(self.config, nets, alpha, x, noise)

    def _update_model(self, phase: Phase, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        """Steps by eq. (10), each on new windows. A seed without windows waits, and its loss is NaN."""
        if self.world is None:
            return
        if not phase.all_have_windows:
            active = self._has_window if active is None else active & self._has_window
        for uniform in draws["windows"].unbind(1):
            loss = self.world.update_dynamics(experience.sample_windows(uniform), active)
            self.last["model_loss"].copy_(loss)


def step_costs(c: Config, obs_dim: int, action_dim: int, S: int) -> Sequence[tuple[int, float]]:
    """`OnlineAgent.costs`, in the model-free phase and after it."""
    phases = ((0, 0, 0), (c.model_free_steps, c.H, c.critic_steps))
    return [(first, cost(c, obs_dim, action_dim, S, H, K)) for first, H, K in phases]


def cost(c: Config, obs_dim: int, action_dim: int, S: int, H: int, K: int = 0) -> float:
    """Approximate milliseconds of one core of a step's updates, with H-step policy loss and K-step critics' targets."""
    multiplications, calls = shared.update_cost(c, obs_dim, action_dim)
    T = model_steps(c)
    if T > 0:
        actor = products((obs_dim, *c.actor_hidden, 2 * action_dim))
        heads = 2 * products((obs_dim + action_dim, *c.head_hidden, 1))
        imagined = H * (3 * actor + 2 * heads) + 2 * _model_products(c, obs_dim, action_dim, H)
        expanded = K * (actor + heads) + _model_products(c, obs_dim, action_dim, K)
        if c.expansion == "td-k":
            expanded += K * 6 * products((obs_dim + action_dim, *c.critic_hidden, 1))
        multiplications += c.step_batch * (3 * heads + imagined + expanded)
        calls += 60 + H * 160 + K * 60
    multiplications, calls = c.updates_per_step * multiplications, c.updates_per_step * calls
    if T > 0:
        multiplications += c.window_batch * c.model_updates * 3 * _model_products(c, obs_dim, action_dim, T)
        calls += c.model_updates * (60 + T * 100)
    return milliseconds(S * multiplications, calls)


def _model_products(c: Config, obs_dim: int, action_dim: int, steps: int) -> int:
    """Multiplications of a row's forward pass through the dynamics. The first step has no hidden state to multiply."""
    ends = products((obs_dim + action_dim, *c.encoder_hidden, c.recurrent_width))
    ends += products((c.recurrent_width, *c.decoder_hidden, obs_dim))
    recurrent = c.recurrent_layers * 3 * c.recurrent_width**2
    return steps * (ends + recurrent) + max(steps - 1, 0) * recurrent


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Approximate milliseconds of one core for a whole block."""
    c, S, total_steps = settings(Config, config), len(seeds), int(limits["total_steps"])
    updates = step_costs(c, task.observation_dim, task.action_dim, S)
    return cost_before(total_steps, shared.schedule(c, total_steps), updates, S, task.horizon)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `total_steps`, environment steps, over which the target entropy changes.

    Raises ValueError if no window of H or `critic_steps` steps fits before the first update, or into an episode.
    """
    c, total_steps = settings(Config, config), int(limits["total_steps"])
    longest = max(task.horizon - (0 if c.whole_episodes else 2), 0)
    for name, steps in (("H", c.H), ("critic_steps", c.critic_steps)):
        if c.learning_starts <= steps + 1:
            raise ValueError(
                f"learning_starts is {c.learning_starts}, expected above {name} + 1 = {steps + 1}: a window must fit"
            )
        if longest < steps:
            why = "" if c.whole_episodes else ", and without whole_episodes no window has the last two"
            raise ValueError(
                f"{name} is {steps}, expected at most {longest}: an episode of {task.id} has {task.horizon} steps{why}"
            )
    agent = SACSVG(c, task, seeds, total_steps, device)
    window, whole = max(model_steps(c), 1), c.whole_episodes
    experience = shared.experience(c, task, len(seeds), total_steps, device, window=window, whole_episodes=whole)
    return OnlineLearner(agent, task, seeds, shared.schedule(c, total_steps), experience)
