"""SAC-SVG(H): soft actor-critic whose policy learns from an H-step value expansion. Amos et al. 2020, algorithm 1.

    J = E_x -V_{0:H}(x),   V_{0:H}(x_0) = sum_{t<H} gamma^t (r(x_t, u_t) - alpha log pi(u_t | x_t))
                                          + gamma^H (min Q(x_H, u_H) - alpha log pi(u_H | x_H))          eq. (9), (3)

with u_t from the policy and x_{t+1} from a deterministic recurrent model, both differentiated; x_0 are states of the
replay. The critic is model-free (eq. 4 to 6), the temperature follows a schedule (eq. 8, 14). The model minimises
its multi-step error (eq. 10), the reward network its squared error (eq. 11), the termination network its
log-likelihood (eq. 13). At H = 0 this is SAC (eq. 7), and makes the same numbers as `sac`.

**H counts model steps.** Row SAC-SVG(h) of Table 2 is H = h here, and `agent.horizon = h + 1` in the authors' code
(facebookresearch/svg at 9fdf03a), whose last action is valued by Q instead of the reward; column H of Table 4 is the
code's number.

Terminations: with n_t = 1 - d(x_t, u_t), term t is weighted by the probability w_t = n_0 ... n_{t-1} of reaching x_t.
The code has another n_0 in every weight, and does not weigh the entropies.

The profiles "text" and "code" are two readings of one algorithm; every difference between the paper and its code is a
field of `Config` with its two values in PROFILES. Where the text is silent (random steps, first update, bounds of the
normalisation, initialisation) the field says where its value comes from. Not read from the code: the order of random
numbers; two slips of its running statistics, of relative size 1/n; windows that cross the place where a full replay is
overwritten. The reward and the termination network, of equal shape and trained on the same batch at the same rate, are
held as two members of one: that changes no number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from svgbench.baselines.actor_critic._soft_actor_critic import Actor, SoftActorCritic, TwinCritic
from svgbench.learners.costs import milliseconds, products
from svgbench.learners.draws import Draw, Draws
from svgbench.learners.limits import Steps as Limits
from svgbench.learners.online import OnlineLearner, Schedule, make_experience, work_before
from svgbench.memory.experience import Experience
from svgbench.models.recurrent import RecurrentModel
from svgbench.nn.layers import MLP
from svgbench.nn.optim import Adam
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, LogScale, Nats, Natural, NonNegative, Positive, Precision, Share, Widths

VERSION = 2  # 1 drew by slices, which ended at evaluations, and acted in [-1, 1] whatever the task's bounds


@dataclass(frozen=True)
class Config:
    """Sources: T3, T4: the paper's tables; "code": facebookresearch/svg at 9fdf03a; else our choice."""

    H: Natural = 2  # model steps of the value expansion; 0 is SAC (code: horizon - 1)
    actor_hidden: Widths = (512, 512)  # units (T3)
    critic_hidden: Widths = (512, 512)  # units (T3)
    head_hidden: Widths = (512, 512)  # units of the reward and of the termination network (T3)
    encoder_hidden: Widths = (512, 512)  # units (T3)
    decoder_hidden: Widths = (512, 512)  # units (T3, section 4.2); none is a linear decoder
    recurrent_width: Count = 512  # units of the encoder's output and of each recurrent layer (T3)
    recurrent_layers: Count = 2  # (T3)
    orthogonal_init: bool = False  # of actor, critics, encoder, decoder; else torch's default (text: silent)
    log_std_min: LogScale = -5.0  # (T3); by a tanh (code)
    log_std_max: LogScale = 2.0  # (T3)
    gamma: Share = 0.99  # (T3)
    tau: Share = 0.005  # weight of the online critics in their targets, per step (T3)
    actor_lr: NonNegative = 1e-4  # Adam (T3)
    critic_lr: NonNegative = 1e-4  # Adam (T3)
    alpha_init: Positive = 0.1  # (T3)
    alpha_lr: NonNegative = 5e-4  # Adam, on log alpha (T3)
    model_lr: NonNegative = 1e-3  # Adam, of dynamics, reward and termination (T3)
    model_max_grad_norm: NonNegative = 0.0  # of the dynamics' gradient, per seed; 0: not clipped (text: silent)
    model_updates: Natural = 4  # of the dynamics per environment step, each on a fresh batch (T3)
    step_batch: Count = 512  # transitions (T3)
    updates_per_step: Count = 1  # of all but the dynamics per environment step, each on a fresh batch (algorithm 1)
    window_batch: Count = 1024  # windows of H steps (T3, section 4.2)
    whole_episodes: bool = True  # windows may contain an episode's last transition (eq. 10)
    detach_predictions: bool = False  # in eq. (10) a predicted state is detached before the next step
    mean_model_loss: bool = False  # eq. (10) as a mean over steps and features; else a sum, the squared norm
    balanced_termination: bool = False  # eq. (13) with terminations weighted by the batch's odds against them
    survival_extra_factor: bool = False  # weights n_0 n_0 ... n_{t-1}, the first reward included
    survival_weighs_entropy: bool = True  # entropies are weighted as rewards are
    mean_over_steps: bool = False  # eq. (9) divided by H + 1
    target_entropy_init: Nats = 0.0  # nats, eq. (14); a task's own (T4)
    target_entropy_final: Nats = 0.0  # nats
    target_entropy_decay: NonNegative = 0.0  # the exponent beta of eq. (14)
    averaged_target_policy: bool = True  # eq. (6) evaluates pi of averaged weights; else the current policy
    model_first: bool = False  # order: model, critic, policy, heads; else policy, critic, heads, model (algorithm 1)
    update_before_store: bool = False  # a step's update cannot draw its own transition; else it can (algorithm 1)
    random_steps: Natural = 0  # environment steps of uniform actions (algorithm 1 has none)
    learning_starts: Count = 999  # environment step, from 0, of the first update (code; text: silent)
    model_free_steps: Natural = 0  # environment step, from 0, until which the policy's loss is SAC's (text: silent)
    limit_overrides_termination: bool = False  # a termination in an episode's last step counts as a time limit
    replay_capacity: Count = 1_000_000  # transitions (T3), at most the budget's steps
    normalise_obs: bool = True  # (section 5)
    std_min: Positive = 0.1  # bounds of the normalising standard deviation, in the observation's unit (code)
    std_max: Positive = 10.0  # (code)
    eval_every: Count = 10_000  # environment steps (code, at the next end of an episode)
    eval_episodes: Count = 10  # (code)
    steps_per_slice: Count = 5  # environment steps per slice (checkpoints fall between slices); no part of the numbers
    dtype: Precision = "float32"


RULES = {
    "H == 0 or H <= horizon - 2 * (not whole_episodes)": "no episode has a longer window",
    "log_std_min < log_std_max": "they are bounds",
    "std_min <= std_max": "they are bounds",
    "learning_starts > H + 1": "a window must fit",
    "replay_capacity > H + (not whole_episodes) and total_steps > H + (not whole_episodes)": "a window must fit",
}
PROFILES = {
    "text": {},
    "code": {
        "actor_hidden": (512, 512, 512, 512),
        "critic_hidden": (512, 512, 512, 512),
        "decoder_hidden": (),
        "orthogonal_init": True,
        "alpha_lr": 1e-4,
        "model_max_grad_norm": 1.0,
        "step_batch": 1024,
        "window_batch": 512,
        "whole_episodes": False,
        "detach_predictions": True,
        "mean_model_loss": True,
        "balanced_termination": True,
        "survival_extra_factor": True,
        "survival_weighs_entropy": False,
        "mean_over_steps": True,
        "averaged_target_policy": False,
        "model_first": True,
        "update_before_store": True,
        "random_steps": 1000,
        "model_free_steps": 10_000,
        "limit_overrides_termination": True,
    },
}


def model_loss(model: RecurrentModel, x: Tensor, actions: Tensor, next_x: Tensor, detach: bool, mean: bool) -> Tensor:
    """[S]: eq. (10). x [S, B, O]; actions [S, H, B, A]; next_x [S, H, B, O], what they led to."""
    error = model.unroll(x, actions, detach=detach) - next_x
    return error.square().flatten(1).mean(1) if mean else error.square().sum((1, 3)).mean(1)


def heads_loss(heads: MLP, xu: Tensor, reward: Tensor, terminal: Tensor, balanced: bool) -> tuple[Tensor, Tensor]:
    """[S] each: eq. (11) of the reward and eq. (13) of the termination network. xu [S, B, O + A]; the rest [S, B].

    balanced: terminations count (B - n) / n times, n being the batch's, where it has any.
    """
    predicted, logit = heads(xu).squeeze(-1).unbind(1)
    weight: Tensor | float = 1.0
    if balanced:
        n = terminal.sum(1, keepdim=True)
        weight = torch.where(n > 0, (terminal.shape[1] - n) / n.clamp(min=1), 1.0)
    nll = weight * terminal * softplus(-logit) + (1 - terminal) * softplus(logit)
    return (predicted - reward).square().mean(1), nll.mean(1)  # eq. (11), eq. (13)


def survival(alive: Tensor, extra_factor: bool) -> Tensor:
    """Weights w_0 to w_H [S, H + 1, B] from n_0 to n_{H-1} [S, H, B]; see the head of this file."""
    reached = torch.cumprod(alive, 1)
    weights = torch.cat([torch.ones_like(alive[:, :1]), reached], 1)
    return weights * alive[:, :1] if extra_factor else weights


def expanded_loss(
    config: Config, actor: Actor, critic: TwinCritic, model: RecurrentModel | None, heads: MLP | None,
    alpha: Tensor, x: Tensor, noise: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """[S], and log pi(u_0 | x_0) [S, B]: eq. (9); eq. (7) if the noise is of one step.

    alpha [S, 1]; x [S, B, O]; noise [S, H + 1, B, A], or [S, 1, B, A] for the model-free loss.
    """
    H, B = noise.shape[1] - 1, x.shape[1]
    pairs, log_probs, h = [], [], None
    for t in range(H + 1):
        u, log_prob = actor.sample(x, noise[:, t])
        pairs.append(torch.cat([x, u], -1))
        log_probs.append(log_prob)
        if t < H:
            assert model is not None
            x, h = model(x, pairs[t], h)
    last = critic.smaller(pairs[H])
    if H == 0:
        return (alpha * log_probs[0] - last).mean(-1), log_probs[0]  # eq. (7)

    assert heads is not None
    predicted, logit = heads(torch.cat(pairs[:H], 1)).squeeze(-1).unflatten(-1, (H, B)).unbind(1)  # [S, H, B]
    values = torch.cat([predicted, last[:, None]], 1)  # [S, H + 1, B]
    entropies = -alpha[:, None] * torch.stack(log_probs, 1)
    weights = survival(torch.sigmoid(-logit), config.survival_extra_factor)
    terms = weights * (values + entropies) if config.survival_weighs_entropy else weights * values + entropies
    discounts = config.gamma ** torch.arange(H + 1, dtype=x.dtype, device=x.device)
    expansion = torch.einsum("t,stb->sb", discounts, terms)  # eq. (3)
    if config.mean_over_steps:
        expansion = expansion / (H + 1)
    return -expansion.mean(-1), log_probs[0]  # eq. (9)


class Phase(NamedTuple):
    """What changes an update's program: model steps of the policy's loss, and whether every seed has a window."""

    policy_steps: int
    all_have_windows: bool


class SACSVG(SoftActorCritic):
    """`svgbench.learners.online.Agent`: policy, twin critics, temperature and world model of S seeds."""

    def __init__(self, config: Config, task: Any, seeds: Sequence[int], total_steps: int, device: str) -> None:
        c, S = config, len(seeds)
        super().__init__(c, task, seeds, total_steps, device, policy_steps=c.H + 1)
        n, m, dtype = task.observation_dim, task.action_dim, getattr(torch, c.dtype)
        self.model: RecurrentModel | None = None
        self.heads: MLP | None = None
        self.draws_windows = c.H > 0
        if c.H > 0:
            self.model = RecurrentModel(
                Streams(seeds, "model", device), n, m,
                hidden=c.encoder_hidden, width=c.recurrent_width, layers=c.recurrent_layers,
                decoder_hidden=c.decoder_hidden, orthogonal=c.orthogonal_init, dtype=dtype,
            )  # fmt: skip
            # two members: the reward and the termination network
            self.heads = MLP(
                Streams(seeds, "heads", device), (n + m, *c.head_hidden, 1), "relu", ensemble=2, dtype=dtype
            )
            self.model_adam = Adam(self.model.parameters(), c.model_lr)
            self.heads_adam = Adam(self.heads.parameters(), c.model_lr)
            self.draws = {**self.draws, "windows": Draw("uniform", (c.model_updates, c.window_batch))}
        self.work = update_work(c, n, m, S)
        self._has_window = torch.ones(S, dtype=torch.bool, device=device)

    def prepare(self, step: int, lacking: Tensor | None = None) -> Phase:
        """Set the target entropy of the step, and which seeds have a window."""
        self.set_target_entropy(step)
        if lacking is not None:
            self._has_window.copy_(~lacking)
        return Phase(self._policy_steps(step), lacking is None)

    def _policy_steps(self, step: int) -> int:
        return self.config.H if step >= self.config.model_free_steps else 0

    def stuck(self, step: int, lacking: Tensor) -> Tensor:
        """Seeds whose policy is to learn through a model that has never learned."""
        return lacking & (self.model_adam.steps == 0) & (self._policy_steps(step) > 0)

    def update(self, phase: Phase, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        """Algorithm 1's updates of one step, in its order or in the code's."""
        c = self.config
        if c.model_first:
            self._update_model(phase, experience, draws, active)
        for u in range(c.updates_per_step):
            own = {name: draws[name][:, u] for name in ("steps", "critic-noise", "actor-noise")}
            self._update_others(phase, experience, own, active)
        if not c.model_first:
            self._update_model(phase, experience, draws, active)

    def _update_others(self, phase: Phase, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        rows = experience.sample(draws["steps"])
        x, noise = experience.layout.obs(rows), draws["actor-noise"][:, : phase.policy_steps + 1]
        if self.config.model_first:
            self.update_critic(rows, experience, draws["critic-noise"], active)
        parts = (self.actor, self.critic, self.model, self.heads)
        self.descend(*expanded_loss(self.config, *parts, self.temperature.alpha, x, noise), active)
        if not self.config.model_first:
            self.update_critic(rows, experience, draws["critic-noise"], active)
        self._update_heads(rows, experience, active)
        self.average()

    def _update_model(self, phase: Phase, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        """On fresh windows; a seed that has none waits, with a loss that is NaN."""
        c = self.config
        if self.model is None:
            return
        if not phase.all_have_windows:
            active = self._has_window if active is None else active & self._has_window
        for uniform in draws["windows"].unbind(1):
            windows = experience.sample_windows(uniform)
            loss = model_loss(self.model, *windows, detach=c.detach_predictions, mean=c.mean_model_loss)
            self.model_adam.backward(loss)
            if c.model_max_grad_norm > 0:
                self.model_adam.clip_grad_norm_(c.model_max_grad_norm)
            self.model_adam.step(active)
            self._last["model_loss"].copy_(loss.detach())

    def _update_heads(self, rows: Tensor, experience: Experience, active: Tensor | None) -> None:
        if self.heads is None:
            return
        layout = experience.layout
        xu, reward, terminal = layout.obs_action(rows), layout.reward(rows), layout.terminal(rows)
        losses = heads_loss(self.heads, xu, reward, terminal, self.config.balanced_termination)
        self.heads_adam.backward(losses[0] + losses[1])
        self.heads_adam.step(active)
        self._last["reward_loss"].copy_(losses[0].detach())

    def adams(self) -> list[Adam]:
        return super().adams() + ([self.model_adam, self.heads_adam] if self.model is not None else [])

    def parts(self) -> dict[str, Any]:
        names = ["model", "heads", "model_adam", "heads_adam"] * (self.config.H > 0)
        return super().parts() | {name: getattr(self, name) for name in names}


def update_work(c: Config, obs_dim: int, action_dim: int, S: int) -> Sequence[tuple[int, float]]:
    """`Agent.work`, in the model-free phase and after it."""
    return [(0, work(c, obs_dim, action_dim, S, 0)), (c.model_free_steps, work(c, obs_dim, action_dim, S, c.H))]


def work(c: Config, obs_dim: int, action_dim: int, S: int, H: int) -> float:
    """Milliseconds of an update with an H-step policy loss, roughly: backward costs twice what forward does, once
    through what is not trained."""
    actor = products((obs_dim, *c.actor_hidden, 2 * action_dim))
    critics = 2 * products((obs_dim + action_dim, *c.critic_hidden, 1))
    batch = c.step_batch * c.updates_per_step
    per_step = batch * (4 * actor + 6 * critics)
    calls = (130.0 + 20 * len(c.critic_hidden) + 15 * len(c.actor_hidden)) * c.updates_per_step
    if c.H > 0:
        heads = 2 * products((obs_dim + action_dim, *c.head_hidden, 1))
        recurrent = 3 * c.recurrent_width**2
        ends = products((obs_dim + action_dim, *c.encoder_hidden, c.recurrent_width))
        ends += products((c.recurrent_width, *c.decoder_hidden, obs_dim))

        def model(steps: int) -> int:  # the first step has no product with the hidden state
            return steps * (ends + c.recurrent_layers * recurrent) + max(steps - 1, 0) * c.recurrent_layers * recurrent

        per_step += batch * (3 * heads + H * (3 * actor + 2 * heads) + 2 * model(H))
        per_step += c.window_batch * c.model_updates * 3 * model(c.H)
        calls += c.model_updates * (60 + c.H * 100) + c.updates_per_step * (60 + H * 160)
    return milliseconds(S * per_step, calls)


def settings(config: Mapping[str, Any], budget: Limits) -> tuple[Config, Schedule]:
    """Of a block. budget: `total_steps`, environment steps, over which the target entropy moves."""
    tuples = {name: tuple(v) for name, v in config.items() if isinstance(v, list | tuple)}
    c, names = Config(**{**config, **tuples}), Schedule.__dataclass_fields__.keys() - {"total_steps"}
    return c, Schedule(total_steps=int(budget["total_steps"]), **{name: getattr(c, name) for name in names})


def estimated_work(config: Mapping[str, Any], task: Any, seeds: Sequence[int], budget: Limits) -> float:
    """Milliseconds of one core that a whole block takes, roughly."""
    c, schedule = settings(config, budget)
    updates = update_work(c, task.observation_dim, task.action_dim, len(seeds))
    return work_before(schedule.total_steps, schedule, updates, len(seeds), task.horizon)


def make(config: Mapping[str, Any], task: Any, seeds: Sequence[int], budget: Limits, device: str) -> OnlineLearner:
    """The learner of a block."""
    c, schedule = settings(config, budget)
    if c.learning_starts <= c.H + 1:
        raise ValueError(f"learning_starts is {c.learning_starts}, expected above H + 1 = {c.H + 1}: a window must fit")
    longest = max(task.horizon - (0 if c.whole_episodes else 2), 0)
    if longest < c.H:
        why = "" if c.whole_episodes else ", the last two of which no window has without whole_episodes"
        raise ValueError(
            f"H is {c.H}, expected at most {longest}: an episode of {task.id} has {task.horizon} steps{why}"
        )
    dtype = getattr(torch, c.dtype)
    experience = make_experience(
        task, len(seeds), min(c.replay_capacity, schedule.total_steps),
        window=max(c.H, 1), whole_episodes=c.whole_episodes,
        normalise=c.normalise_obs, std_bounds=(c.std_min, c.std_max), dtype=dtype, device=device,
    )  # fmt: skip
    agent = SACSVG(c, task, seeds, schedule.total_steps, device)
    return OnlineLearner(agent, task, seeds, schedule, experience, dtype, device)
