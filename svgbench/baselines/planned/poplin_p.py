"""POPLIN-P: Wang and Ba 2019 (arXiv 1906.08649). Every action is planned by a search over the weights of a policy.

As in PETS, an ensemble is fitted to everything seen, and the cross-entropy method plans before each action. But a
candidate is not a sequence of actions: it is, for each of `plan_horizon` steps, a deviation from the weights of a small
policy. Its actions are those of the policy with these weights in the states that the model predicts. The action that
is taken is that of the policy with the weights found for the first step.

Between two episodes the policy learns from the deviations that were found for first steps [training]:

* "average" (AVG): the policy's weights become the mean of these deviations. The text adds the mean to the weights from
  which the search had deviated (profile "avg-added"); the code puts it in their place ("avg") [average].
* "clone" (BC): the policy learns to act, in the states that were visited, as the deviating policies did there.

"code" is WilsonWangTHU/POPLIN at edd8dba: dmbrl/misc/optimizers/POPLIN_P.py, POPLIN_A.py (train), policy_network/
(BC_WA_policy.py: AVG; BC_WD_policy.py: BC; base_policy.py). Its scripts are for PETS' cheetah only; which variant made
the row POPLIN-P of Amos et al. 2020, and its settings on other tasks, is not known. As in the code:

* Candidates are cut at two standard deviations. Variances are not limited, and a search never ends early.
* The policy sees observations whitened by statistics of what planned episodes visited, not of the random one.
* Nothing is learned by the policy after the random episode.
* To clone: the first 80 % of the episode's steps are learned from, in order of time, and an error is measured on
  a random 20 % of all. Learning ends after an epoch with a larger error than before, if its number is a multiple of 5.

Not here: deviations that all steps share (POPLINP-UNI), and learning from the search's other candidates (AVG-I, BC-PI).
The code draws initial weights of the policy from one fixed seed; here they belong to the run's seed.

Axes: S seeds, n candidates, H steps, T steps of an episode, P weights of the policy, O observation, A action.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn

from svgbench.baselines.planned import _planner
from svgbench.baselines.planned._planner import RULES as SHARED_RULES
from svgbench.baselines.planned._planner import Planner, search_milliseconds
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.settings import settings
from svgbench.memory.experience import Experience
from svgbench.memory.rows import take
from svgbench.nn.normaliser import Normaliser
from svgbench.nn.optim import Adam
from svgbench.nn.state import finite_rows
from svgbench.nn.streams import Streams
from svgbench.planning.candidate_policy import CandidatePolicy
from svgbench.planning.model_returns import ReturnSettings
from svgbench.ranges import Count, NonNegative, Positive, Range, Widths
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config(_planner.Config):
    """POPLIN-P's own settings; those shared with PETS are in `_planner.Config`. Source: the code and its scripts."""

    policy_hidden: Widths = (32,)  # units, tanh
    init_variance: Positive = 0.1  # of the weights' deviations, before every search (BC: 0.03)
    training: Literal["average", "clone"] = "average"  # how the policy learns, see above
    average: Literal["replaces", "is added"] = "replaces"  # what the mean deviation does; see above
    min_whitening_std: Positive = 0.1  # of the policy's observations (the code's variance is at least 0.01)
    policy_lr: NonNegative = 3e-3  # Adam; this and the next are of "clone" only
    policy_epochs: Count = 100  # at most
    policy_batch: Count = 64  # steps
    policy_test_share: Annotated[float, Range(above=0, below=1)] = 0.2


RULES = {
    **SHARED_RULES,
    "training == 'average' or policy_test_share * rollout_steps >= 1": "a step is needed to test on",
}
PROFILES: dict[str, dict[str, Any]] = {
    "avg": {},
    "avg-added": {"average": "is added"},
    "bc": {"training": "clone", "init_variance": 0.03},
}

TEST_EVERY = 5  # epochs between two chances to end early


class PoplinP(Planner):
    """`svgbench.learners.planned.PlannedAgent`: models and policies of S seeds, and searches for policies' weights.

    base: the policies' weights [S, P]. found: deviations that the searches of this episode found for first steps.
    """

    config: Config

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], device: str) -> None:
        super().__init__(config, task, seeds, device)
        c, S, n = config, len(self.seeds), task.observation_dim
        self.policy = CandidatePolicy(n, c.policy_hidden, task.action_dim)
        P = self.policy.size
        self.base = nn.Parameter(self.policy.initial(Streams(seeds, "policy", device), self.dtype))
        self.adam = Adam([self.base], c.policy_lr, shape=(S,))
        self.seen = Normaliser(S, n, min_std=c.min_whitening_std, device=device)
        how = ReturnSettings(c.gamma, c.plan_horizon, "mean", reward_of=c.reward_of)
        self.search_for(P, c.init_variance, how)
        self.parts |= {"adam": self.adam, "seen": self.seen}
        self.found = torch.zeros(S, c.rollout_steps, P, dtype=self.dtype, device=device)
        self.count = 0  # of them, per seed
        self.costs = [(0, plan_milliseconds(c, self.policy, self.sizes))]

    def act(self, x: Tensor, noise: Tensor) -> Tensor:
        """Planned actions [S, 1, A] at observations x [S, 1, O]. The noise is not used."""
        n, base, mean, std = self.config.plan_population, self.base.detach(), *self._whitening()

        def scored(candidates: Tensor) -> Tensor:
            steps = candidates[:, 0].unbind(2)  # H of [S, n, P]

            def acts(t: int, obs: Tensor) -> Tensor:
                return self.policy.act(base[:, None] + steps[t], (obs - mean) / std)

            return self.returns.followed(x, n, acts)

        first = self.planner.plan(self.mean, self.std, scored)[:, 0, 0]
        self.found[:, self.count] = first
        self.count += 1
        return self.policy.act(base + first, (x - mean) / std)

    def _whitening(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation [S, 1, O] of what planned episodes have visited; 0 and 1 before the first of them."""
        return self.seen.mean[:, None].to(self.dtype), self.seen.std[:, None].to(self.dtype)

    def advance_model(self, step: int, experience: Experience, active: Tensor | None) -> bool:
        """Do some minibatches of the model's fit; after the last of them, the policy learns."""
        if not super().advance_model(step, experience, active):
            return False
        if self.count > 0:
            size, obs = experience.replay.size, experience.layout.obs(experience.replay.rows)
            self.learn(step, obs[:, size - self.count : size], self.found[:, : self.count], active)
            self.count = 0
        return True

    def learn(self, step: int, obs: Tensor, deviations: Tensor, active: Tensor | None) -> None:
        """Learn from an episode: its observations [S, T, O], and the deviations found there [S, T, P]."""
        if self.config.training == "average":
            mean = deviations.mean(1)
            new = mean if self.config.average == "replaces" else self.base.detach() + mean
            with torch.no_grad():
                self.base.copy_(new)
            self.seen.update(obs)
            return
        with torch.no_grad():
            teacher = self.policy.unclipped(self.base[:, None] + deviations, self.seen.normalise(obs))
        self.seen.update(obs)
        self._clone(Streams(self.seeds, f"clone-{step}", obs.device), self.seen.normalise(obs), teacher, active)

    def _clone(self, streams: Streams, x: Tensor, teacher: Tensor, active: Tensor | None) -> None:
        """Make the policy act as its teacher. x [S, T, O]: whitened observations; teacher [S, T, A]."""
        c, T = self.config, x.shape[1]
        tested = streams.permutation(T)[:, : int(T * c.policy_test_share)]
        learned = T - tested.shape[1]
        on = torch.ones(len(x), dtype=torch.bool, device=x.device) if active is None else active.clone()
        before = torch.full((len(x),), torch.inf, dtype=x.dtype, device=x.device)
        for epoch in range(c.policy_epochs):
            order = streams.permutation(learned)
            for batch in order.split(c.policy_batch, 1)[: max(learned // c.policy_batch, 1)]:
                self.adam.backward(self._error(take(x, batch), take(teacher, batch)))
                self.adam.step(on)
            with torch.no_grad():
                error = self._error(take(x, tested), take(teacher, tested))
            ends = (error > before) & (epoch % TEST_EVERY == 0)
            before, on = torch.where(ends, before, error), on & ~ends
            if not bool(on.any()):
                return

    def _error(self, x: Tensor, teacher: Tensor) -> Tensor:
        """[S]: the mean squared difference of the policy's and the teacher's outputs, before they are clipped."""
        return (self.policy.unclipped(self.base, x) - teacher).square().mean((1, 2))

    def finite(self) -> Tensor:
        """Which seeds' parameters, and all errors of their models so far, are finite, bool [S]."""
        return super().finite() & finite_rows(self.base.detach())

    def state_dict(self) -> dict[str, Any]:
        own = {"base": self.base.detach().clone(), "found": self.found[:, : self.count].clone()}
        return {**super().state_dict(), **own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        with torch.no_grad():
            self.base.copy_(state["base"])
        self.count = state["found"].shape[1]
        self.found[:, : self.count] = state["found"]


def plan_milliseconds(c: Config, policy: CandidatePolicy, sizes: tuple[int, int, int]) -> float:
    """Approximate milliseconds of one core of a plan. sizes: O, A and S. Each candidate has a network of its own."""
    of_weights = 3e-5 * sizes[2] * c.plan_population * policy.size * c.plan_horizon * c.plan_iterations  # drawn, read
    return search_milliseconds(c, sizes, c.plan_population * c.members, 90) + of_weights


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Approximate milliseconds of one core for a whole block."""
    c, sizes = settings(Config, config), (task.observation_dim, task.action_dim, len(seeds))
    policy = CandidatePolicy(task.observation_dim, c.policy_hidden, task.action_dim)
    plan = plan_milliseconds(c, policy, sizes)
    return _planner.work(c, sizes, task.horizon, int(limits["total_steps"]), plan)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `total_steps`, environment steps.

    Raises ValueError for a task without a reward function that accepts tensors.
    """
    c = settings(Config, config)
    return _planner.learner(PoplinP(c, task, seeds, device), c, task, seeds, int(limits["total_steps"]), device)
