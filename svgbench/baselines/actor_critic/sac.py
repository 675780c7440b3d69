"""Soft actor-critic (Haarnoja et al. 2018) as the baseline of Amos et al. 2020, "SAC (our run)" in their Table 2.

Equations are numbered as in Amos et al., section 3.2: critic (4) to (6), policy (7), temperature (8), and the target
entropy's schedule (14) of appendix A.1. It is SAC-SVG(H) at H = 0: `sac_svg` with H = 0 makes the
same numbers from the same seeds, which a test holds. A step is: act, update on one batch, store (profile "code").

What the authors' run of SAC has and Haarnoja et al. do not: observations normalised by running statistics, a target
entropy that moves, four layers of 512 units, batches of 1024, a policy that learns at 1e-4, log_std bounded by a tanh.
Where the authors' code for this run differs from SAC-SVG's: nothing but H, for which the code writes `horizon = 0`;
its reward and termination networks, which nothing reads then, are not trained here.

The profiles "text" and "code" are two readings of one algorithm; PROFILES has every difference. Where the text is
silent (random steps, first update, normalisation's bounds, initialisation), a source is named at the field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from svgbench.baselines.actor_critic._soft_actor_critic import Actor, SoftActorCritic, TwinCritic
from svgbench.learners.costs import milliseconds, products
from svgbench.learners.draws import Draws
from svgbench.learners.limits import Steps as Limits
from svgbench.learners.online import OnlineLearner, Schedule, make_experience, work_before
from svgbench.memory.experience import Experience
from svgbench.ranges import Count, LogScale, Nats, Natural, NonNegative, Positive, Precision, Share, Widths

VERSION = 2  # 1 drew by slices, which ended at evaluations, and acted in [-1, 1] whatever the task's bounds


@dataclass(frozen=True)
class Config:
    """Sources: T3, T4: the paper's tables; "code": facebookresearch/svg at 9fdf03a; else our choice."""

    actor_hidden: Widths = (512, 512)  # units (T3)
    critic_hidden: Widths = (512, 512)  # units (T3)
    orthogonal_init: bool = False  # of actor and critics; else torch's default (text: silent)
    log_std_min: LogScale = -5.0  # (T3); by a tanh (code)
    log_std_max: LogScale = 2.0  # (T3)
    gamma: Share = 0.99  # (T3)
    tau: Share = 0.005  # weight of the online critics in their targets, per step (T3)
    actor_lr: NonNegative = 1e-4  # Adam (T3)
    critic_lr: NonNegative = 1e-4  # Adam (T3)
    alpha_init: Positive = 0.1  # (T3)
    alpha_lr: NonNegative = 5e-4  # Adam, on log alpha (T3)
    step_batch: Count = 512  # transitions (T3)
    updates_per_step: Count = 1  # per environment step, each on a fresh batch (algorithm 1; MBPO has 20, MAAC 8)
    target_entropy_init: Nats = 0.0  # nats, eq. (14); a task's own (T4)
    target_entropy_final: Nats = 0.0  # nats
    target_entropy_decay: NonNegative = 0.0  # the exponent beta of eq. (14)
    averaged_target_policy: bool = True  # eq. (6) evaluates pi of averaged weights; else the current policy
    critic_first: bool = False  # critic before policy and temperature in an update; else after (algorithm 1)
    update_before_store: bool = False  # a step's update cannot draw its own transition; else it can (algorithm 1)
    random_steps: Natural = 0  # environment steps of uniform actions (algorithm 1 has none)
    learning_starts: Count = 999  # environment step, from 0, of the first update (code; text: silent)
    limit_overrides_termination: bool = False  # a termination in an episode's last step counts as a time limit
    replay_capacity: Count = 1_000_000  # transitions (T3), at most the budget's steps
    normalise_obs: bool = True  # (section 5)
    std_min: Positive = 0.1  # bounds of the normalising standard deviation, in the observation's unit (code)
    std_max: Positive = 10.0  # (code)
    eval_every: Count = 10_000  # environment steps (code, at the next end of an episode)
    eval_episodes: Count = 10  # (code)
    steps_per_slice: Count = 5  # environment steps per slice (checkpoints fall between slices); no part of the numbers
    dtype: Precision = "float32"


RULES = {"log_std_min < log_std_max": "they are bounds", "std_min <= std_max": "they are bounds"}
PROFILES = {
    "text": {},
    "code": {
        "actor_hidden": (512, 512, 512, 512),
        "critic_hidden": (512, 512, 512, 512),
        "orthogonal_init": True,
        "alpha_lr": 1e-4,
        "step_batch": 1024,
        "averaged_target_policy": False,
        "critic_first": True,
        "update_before_store": True,
        "random_steps": 1000,
        "limit_overrides_termination": True,
    },
}


def actor_loss(policy: Actor, critic: TwinCritic, alpha: Tensor, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """[S], and log pi [S, B]: eq. (7). alpha [S, 1], x [S, B, O], noise [S, B, A]."""
    u, log_prob = policy.sample(x, noise)
    return (alpha * log_prob - critic.smaller(torch.cat([x, u], -1))).mean(-1), log_prob  # eq. (7)


class SAC(SoftActorCritic):
    """`svgbench.learners.online.Agent`: policy, twin critics and temperature of S seeds."""

    def __init__(self, config: Config, task: Any, seeds: Sequence[int], total_steps: int, device: str) -> None:
        super().__init__(config, task, seeds, total_steps, device, policy_steps=1)
        self.draws_windows = False
        self.work = update_work(config, task.observation_dim, task.action_dim, len(seeds))

    def prepare(self, step: int, lacking: Tensor | None = None) -> int:
        """Set the target entropy of the step; its phase is always the same."""
        self.set_target_entropy(step)
        return 0

    def stuck(self, step: int, lacking: Tensor) -> Tensor:
        """None: there is no model to learn."""
        return torch.zeros_like(lacking)

    def update(self, phase: int, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        """So many batches, one after the other; the order of critic and policy is `critic_first`."""
        for u in range(self.config.updates_per_step):
            self._update({name: x[:, u] for name, x in draws.items()}, experience, active)

    def _update(self, draws: Draws, experience: Experience, active: Tensor | None) -> None:
        rows = experience.sample(draws["steps"])
        x, noise = experience.layout.obs(rows), draws["actor-noise"][:, 0]
        if self.config.critic_first:
            self.update_critic(rows, experience, draws["critic-noise"], active)
        self.descend(*actor_loss(self.actor, self.critic, self.temperature.alpha, x, noise), active)
        if not self.config.critic_first:
            self.update_critic(rows, experience, draws["critic-noise"], active)
        self.average()


def update_work(config: Config, obs_dim: int, action_dim: int, S: int) -> Sequence[tuple[int, float]]:
    """`Agent.work`: forward once, backward twice for what is trained, once for what is not."""
    actor = products((obs_dim, *config.actor_hidden, 2 * action_dim))
    critics = 2 * products((obs_dim + action_dim, *config.critic_hidden, 1))
    calls = 130 + 20 * len(config.critic_hidden) + 15 * len(config.actor_hidden)
    cost = milliseconds(S * config.step_batch * (4 * actor + 6 * critics), calls)
    return [(0, config.updates_per_step * cost)]


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
    dtype = getattr(torch, c.dtype)
    experience = make_experience(
        task, len(seeds), min(c.replay_capacity, schedule.total_steps), window=1, whole_episodes=True,
        normalise=c.normalise_obs, std_bounds=(c.std_min, c.std_max), dtype=dtype, device=device,
    )  # fmt: skip
    agent = SAC(c, task, seeds, schedule.total_steps, device)
    return OnlineLearner(agent, task, seeds, schedule, experience, dtype, device)
