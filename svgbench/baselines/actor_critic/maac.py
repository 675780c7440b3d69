"""Model-augmented actor-critic: Clavera et al. 2020, algorithm 1. The policy learns through a learned model.

Every `rollout_steps` environment steps: fit an ensemble of probabilistic models to all real transitions. Then, `rounds`
times: imagine transitions from replayed states, store them in D_model, and update policy and critics on batches of
mostly imagined transitions. The reward is known; the model predicts only the next observation.

The policy's objective, section 4.3: E[sum_{t<H} gamma^t r(s_t, a_t) + gamma^H Q(s_H, a_H)] + alpha entropy. Its
gradient is taken pathwise through `H` steps of the model, on `paths` paths from each state. The critics' targets
combine estimates of depth 0 to `critic_steps`, weighted by their inverse variances (STEVE; Buckman et al. 2018).
Everything else is soft actor-critic (`_soft_actor_critic`).

The settings (`_maac_settings`) give the paper's comparators: `H = 0` is "STEVE on SAC", `critic_steps = 0` is "-STEVE",
and `paths = 1` is "single sample". `H = 0` with `critic_steps = 0` and single imagined steps is what the authors' code
calls MBPO, whose `paths` is 1. With `real_share = 1` nothing is imagined: `H = 0` is then STEVE's value expansion on
SAC alone.

"code" is iclavera/meta-mb at 233e0fb (meta_mb/algos/maac.py, trainers/maac_trainer.py, dynamics/, and for settings
run_scripts/maac_run_sweep.py). "text" follows the paper, and the code where the paper says nothing. They differ here:

* STEVE (`targets`): the code copies one estimate of depth 0 to all members. Its variance is 0, so it takes nearly all
  weight, and the targets are SAC's. In "text", variances are over members and critics. The code uses half of the
  members (`target_members`), and leaves out entropies along the path (`target_entropy_on_the_way`).
* Noise of differentiated paths (`variance_as_deviation`): the code uses the variance as the standard deviation.
* Several `samples`: the code draws them only in a path's last state, and takes the smaller critic of their means
  (`smaller_of_means`). In the text (and in earlier code) they are paths.
* The reward of differentiated paths (`next_in_reward`): on some tasks the code takes a velocity or a height from the
  next observation (`maac-code` in `maac/fig2`).
* D_model (`imagined`): the code's rollouts of length L are L sets of single steps from replayed states.
* The newest real transitions (`lag`): the code's model has them at once, its policy and critics one iteration later.
* The planner (`plan_reading`): see `svgbench.planning.planned_policy`.

Both differ from the code as `mbpo` does (log_std, initial weights, factors of losses). Both use ReLU on every task, and
update the policy before the critics (the code computes all gradients first). `maac/fig2`'s deviations name the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from svgbench.baselines.actor_critic import _imagined, _model_paths
from svgbench.baselines.actor_critic import _soft_actor_critic as shared
from svgbench.baselines.actor_critic._imagined import acted_in_pieces
from svgbench.baselines.actor_critic._maac_settings import (
    Config,
    iteration_milliseconds,
    rollout_length,
    trial_milliseconds,
)
from svgbench.baselines.actor_critic._model_paths import Act, ModelSteps, PathFunctions
from svgbench.baselines.actor_critic._soft_actor_critic import RULES as SHARED_RULES
from svgbench.baselines.actor_critic._soft_actor_critic import SoftActorCritic, soft_target
from svgbench.learners.draws import Draws
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.online import cost_before
from svgbench.learners.planning_trial import PlanningLearner
from svgbench.learners.settings import settings
from svgbench.learners.task_rules import reward_rule, reward_with_next, termination_rule
from svgbench.memory.experience import Experience
from svgbench.memory.imagined import ImaginedReplay
from svgbench.memory.replay import ReplayBatch, RowLayout
from svgbench.models.branched import BranchedRollouts, permuted_members
from svgbench.models.ensemble_fit import EnsembleFit, FitSettings, own_splits_by_rollout
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.models.stopping import RollingMean
from svgbench.nn.streams import Streams
from svgbench.planning.action_sequences import SequenceSearch
from svgbench.planning.planned_policy import PolicyAndCritics, planning_settings, ways_with_and_without
from svgbench.planning.trial import Way
from svgbench.simulation_batch import never
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1
RULES = {
    **SHARED_RULES,
    **_imagined.RULES,
    "step_batch % members == 0": "every member gets the same number of rows of a batch",
    "rollouts_per_fit % members == 0": "every member gets the same number of rollouts",
    "rollout_steps * updates_per_step % rounds == 0": "every round has the same number of updates",
    "rollout_steps * model_holdout >= 1 and learning_starts * model_holdout >= 1": "each part must hold some out",
    "replay_capacity >= total_steps": "transitions held out, or not yet seen, are known by their place in the replay",
    "not lag or learning_starts > rollout_steps": "policy and critics need at least one transition",
    "plan_elites <= plan_population": "the elites are some of the candidates",
    "targets != 'as coded' or target_members * members >= 1": "at least one member must be used",
    "not critic_first": "an update trains the policy before the critics (algorithm 1)",
}
PROFILES: dict[str, dict[str, Any]] = {
    "text": {},
    "code": {
        "samples": "last actions",
        "smaller_of_means": True,
        "targets": "as coded",
        "target_members": 0.5,
        "target_entropy_on_the_way": False,
        "variance_as_deviation": True,
        "imagined": "single steps",
        "lag": True,
        "plan_reading": "code",
    },
}

UPDATES_AT_ONCE = 20  # updates that draw their random numbers together and form a slice


def fit_settings(c: Config, seeds: Sequence[int], outputs: int) -> FitSettings:
    """No weight decay. The penalty on the bounds is a mean over outputs, and is added to each member's loss."""
    return FitSettings(
        split=own_splits_by_rollout(seeds, c.learning_starts, c.rollout_steps, c.model_holdout),
        rule=partial(RollingMean, members=c.members, persistence=c.persistence),
        batch=c.model_batch, lr=c.model_lr, decay=(0.0,) * (len(c.model_hidden) + 1),
        bounds_penalty=c.log_var_penalty * c.members / outputs, max_epochs=c.max_epochs,
        max_minibatches=c.max_minibatches, elites=c.members, learns_reward=False, validated_by="likelihood",
    )  # fmt: skip


@dataclass
class Progress:
    """The progress of an iteration."""

    fitting: bool = False
    round: int = 0
    rollouts: BranchedRollouts | None = None  # in progress
    updates: int = -1  # updates done in this round; -1: the rollouts have not ended


class MAAC(SoftActorCritic):
    """`svgbench.learners.model_based.ModelBasedAgent`: SAC's networks, ensembles, imagined transitions."""

    config: Config

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], total_steps: int, device: str) -> None:
        super().__init__(config, task, seeds, total_steps, device, policy_steps=1)
        c, self.seeds, n, m = config, list(seeds), task.observation_dim, task.action_dim
        dtype, self.layout = getattr(torch, c.dtype), RowLayout(n, m)
        self.model = GaussianEnsemble(
            Streams(seeds, "model", device), n + m, n,
            hidden=c.model_hidden, activation=c.model_activation, members=c.members,
            log_var_bounds=(c.log_var_min, c.log_var_max), scaled_outputs=True, dtype=dtype,
        )  # fmt: skip
        self.fit = EnsembleFit(self.model, self.layout, fit_settings(c, seeds, n), seeds)
        learns = range(c.learning_starts, total_steps + 1, c.rollout_steps)
        made = sum(rollout_length(c, step) for step in learns) * c.rounds * c.rollouts_per_fit
        room = max(1, min(c.imagined_capacity, made))
        self.imagined = ImaginedReplay(len(self.seeds), room, self.layout.width, dtype, device)
        self.now = Progress()
        self.rewards, self.terminates = reward_rule(task), termination_rule(task)
        self.path_rewards = reward_with_next(self.rewards, c.next_in_reward, n)
        self.ends = None if task.termination_function is never else self.terminates
        self.steps = ModelSteps(self.model, c.variance_as_deviation, c.clip_obs)
        self.adams += [self.fit.adam, self.fit.bounds_adam]
        self.parts |= {"model": self.model, "fit": self.fit, "imagined": self.imagined}
        self.draws, self.learns_between = {}, True
        self.model_from, self.model_every = c.learning_starts, c.rollout_steps
        self.costs: Sequence[tuple[int, float]] = [(0, 0.0)]
        self.sizes = n, m, len(self.seeds)

    def advance_model(self, step: int, experience: Experience, active: Tensor | None) -> bool:
        """A slice of lines 4 to 12 of algorithm 1. Returns whether it was the last of this iteration."""
        c, now = self.config, self.now
        if self.fit.name != f"fit-{step}":
            self.fit.begin(f"fit-{step}", experience.replay.rows, experience.replay.size, active)
            now.fitting = True
        if now.fitting:  # lines 4, 5
            if self.fit.advance(experience.replay.rows, c.minibatches_per_slice):
                now.fitting = False
                self.last["model_loss"].copy_(self.fit.loss.mean(1))
        elif now.updates < 0 and c.real_share < 1:  # line 7
            self._imagine(step, experience)
        else:  # lines 9 to 12
            self.set_target_entropy(step)
            self._update_some(step, experience, active)
        if now.round < c.rounds:
            return False
        self.now = Progress()
        return True

    def _imagine(self, step: int, experience: Experience) -> None:
        """Take one step of a round's rollouts, each row with one member, and store the transitions in D_model."""
        c, now, n = self.config, self.now, self.layout.obs_dim
        done = 0 if now.rollouts is None else now.rollouts.length
        streams = Streams(self.seeds, f"imagine-{step}-{now.round}-{done}", self.imagined.rows.device)
        if now.rollouts is None or c.imagined == "single steps":
            which = streams.uniform(c.rollouts_per_fit, dtype=torch.float64)
            now.rollouts = BranchedRollouts(self.layout.obs(self._real(which, experience)).contiguous())
            now.rollouts.length = done
        noise = streams.normal((c.rollouts_per_fit, n + self.layout.action_dim), dtype=self.imagined.rows.dtype)
        for_model, for_policy = noise.split([n, self.layout.action_dim], -1)
        action = acted_in_pieces(self.actor, experience.normalise(now.rollouts.obs), for_policy)
        member = permuted_members(streams, c.members, c.rollouts_per_fit)
        made = now.rollouts.step(self.model, action, member, for_model, self.terminates, self.rewards)
        self.imagined.add(*made)
        if now.rollouts.length == rollout_length(c, step) or not bool(now.rollouts.running.any()):
            now.rollouts, now.updates = None, 0

    def _real(self, uniform: Tensor, experience: Experience) -> Tensor:
        """Real transitions that policy and critics may see, not normalised; `uniform` in [0, 1) selects them."""
        size = experience.replay.size
        known = size - self.config.rollout_steps if self.config.lag else size
        return experience.replay.sample(uniform * (known / size))

    def _update_some(self, step: int, experience: Experience, active: Tensor | None) -> None:
        """Do the next updates of this round, which share a random stream."""
        c, now = self.config, self.now
        now.updates = max(now.updates, 0)
        of_round = c.rollout_steps * c.updates_per_step // c.rounds
        count = min(UPDATES_AT_ONCE, of_round - now.updates)
        streams = Streams(self.seeds, f"updates-{step}-{now.round}-{now.updates}", self.imagined.rows.device)
        real = int(c.step_batch * c.real_share)
        which = streams.uniform((count, c.step_batch), dtype=torch.float64)
        for own in which.unbind(1):
            rows = torch.cat([self._real(own[:, :real], experience), self.imagined.sample(own[:, real:])], 1)
            self._update_once(self.layout.batch(rows), streams, experience, active)
        now.updates += count
        if now.updates == of_round:
            now.round, now.updates = now.round + 1, -1

    def _update_once(self, batch: ReplayBatch, streams: Streams, seen: Experience, active: Tensor | None) -> None:
        """Lines 10 (with the temperature) and 11."""
        loss, log_prob = self._policy_loss(batch.x, streams, seen)
        self.update_policy(loss, log_prob, active)
        xu = torch.cat([seen.normalise(batch.x), self.layout.action(batch.xu)], -1) if seen.enabled else batch.xu
        self.fit_critic(xu, self._target(batch, streams, seen), active)
        self.average()

    def _policy_loss(self, obs: Tensor, streams: Streams, seen: Experience) -> tuple[Tensor, Tensor]:
        """The policy's loss [S], and log pi of the first actions: section 4.3."""
        c, K = self.config, self.config.paths
        each_start, last = (K, 1) if c.samples == "paths" else (1, K)
        start, rows = obs.repeat_interleave(each_start, 1), obs.shape[1] * each_start
        act = self._acting(self.actor, streams, [rows] * c.H + [rows * last], seen)
        noise = self._model_noise(streams, c.H, rows)
        order = [streams.permutation(rows) for _ in range(c.H)]

        def step(t: int, s: Tensor, a: Tensor) -> Tensor:
            return self.steps.of_one(s, a, order[t], noise[t])

        returns, log_prob = _model_paths.path_returns(self._functions(act, self.critic, seen), step, start, c.H, last)
        objective = _model_paths.smaller_mean(returns, K, of_means=c.smaller_of_means)
        return (self.temperature.alpha * log_prob).mean(-1) - objective, log_prob

    @torch.no_grad()
    def _target(self, batch: ReplayBatch, streams: Streams, seen: Experience) -> Tensor:
        """The critics' targets [S, B]: section 4.3."""
        c, B, alpha, depth = self.config, batch.x.shape[1], self.temperature.alpha, self.config.critic_steps
        if depth == 0:
            unit = streams.normal((B, self.layout.action_dim), dtype=batch.x.dtype)
            normalised = batch._replace(next_x=seen.normalise(batch.next_x))
            return soft_target(self.target_critic, self.target_actor, alpha, normalised, unit, c.gamma)
        act = self._acting(self.target_actor, streams, [B] * (depth + 2), seen)
        noise = self._model_noise(streams, depth, B)
        functions = self._functions(act, self.target_critic, seen)

        def step(j: int, s: Tensor, a: Tensor) -> Tensor:
            return self.steps.of_all(s, a, noise[j - 1][:, None])

        if c.targets == "weighted":
            inner = c.target_entropy_on_the_way
            estimates = _model_paths.expanded_by_members(
                functions, step, alpha, batch.next_x, c.members, depth, inner_entropy=inner
            )
        else:
            order = [streams.permutation(B) for _ in range(depth)]
            count = int(c.target_members * c.members)
            chosen = torch.stack([streams.permutation(c.members)[:, :count] for _ in range(depth)], 1)

            def along(j: int, s: Tensor, a: Tensor) -> Tensor:
                return self.steps.of_one(s, a, order[j - 1], noise[j - 1])

            estimates = _model_paths.expanded_as_coded(functions, step, along, alpha, batch.next_x, chosen)
        value = estimates.combined(as_coded=c.targets == "as coded")
        return batch.reward + c.gamma * (1 - batch.terminal) * value

    def _acting(self, policy: shared.Actor, streams: Streams, rows: Sequence[int], seen: Experience) -> Act:
        noise = streams.normal((sum(rows), self.layout.action_dim), dtype=self.imagined.rows.dtype)
        return _model_paths.acting(policy, seen.normalise, noise.split(list(rows), 1))

    def _model_noise(self, streams: Streams, steps: int, rows: int) -> Sequence[Tensor]:
        return streams.normal((steps, rows, self.layout.obs_dim), dtype=self.imagined.rows.dtype).unbind(1)

    def _functions(self, act: Act, critic: shared.TwinCritic, seen: Experience) -> PathFunctions:
        def twins(obs: Tensor, action: Tensor) -> Tensor:
            return critic(torch.cat([seen.normalise(obs), action], -1))

        return PathFunctions(act, self.path_rewards, self.ends, twins, self.config.gamma)

    def model_cost(self, step: int) -> float:
        """Approximate milliseconds of one core of the iteration before a step."""
        return sum(iteration_milliseconds(self.config, self.sizes, step))

    def model_share(self, step: int) -> float:
        """The approximate share of it that is done."""
        c, now, (fit, rounds) = self.config, self.now, iteration_milliseconds(self.config, self.sizes, step)
        usual = _imagined.usual_minibatches(c, step, int(step * c.model_holdout))
        fitted = min(1.0, self.fit.minibatches / usual) if now.fitting else float(self.fit.name == f"fit-{step}")
        updated = max(now.updates, 0) * c.rounds / (c.rollout_steps * c.updates_per_step)
        return (fitted * fit + (now.round + updated) / c.rounds * rounds) / (fit + rounds)

    def trial_cost(self, horizon: int) -> float:
        """Approximate milliseconds of one core of the trial with planning."""
        return trial_milliseconds(self.config, self.sizes, horizon)

    def plan(self, experience: Experience) -> Sequence[Way]:
        """The final policy with planning, and without: section 5.4."""
        c, ends = self.config, None if self.ends is None else self.terminates
        search = SequenceSearch(population=c.plan_population, elites=c.plan_elites, iterations=c.plan_iterations)
        how = planning_settings(c.gamma, c.plan_reading, c.plan_horizon, search)
        acts = PolicyAndCritics(self.actor, self.critic.smaller, experience.normalise)
        return ways_with_and_without(how, acts, self.model, self.seeds, self.rewards, ends)

    def prepare(self, step: int, lacking: Tensor | None = None) -> int:
        """Environment steps have no updates of their own."""
        return 0

    def update(self, phase: int, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        """Do nothing: all learning is in `advance_model`."""

    def finite(self) -> Tensor:
        """Which seeds' parameters, and all losses of their models so far, are finite, bool [S]."""
        return super().finite() & self.fit.finite

    def state_dict(self) -> dict[str, Any]:
        rollouts = self.now.rollouts.state_dict() if self.now.rollouts else {}
        return {**super().state_dict(), "now": {**vars(self.now), "rollouts": rollouts}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        now = state["now"]
        rollouts = BranchedRollouts.from_state(now["rollouts"]) if now["rollouts"] else None
        self.now = Progress(now["fitting"], now["round"], rollouts, now["updates"])


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Approximate milliseconds of one core for a whole block."""
    c, S, total_steps = settings(Config, config), len(seeds), int(limits["total_steps"])
    sizes = task.observation_dim, task.action_dim, S
    acting = cost_before(total_steps, shared.schedule(c, total_steps), [(0, 0.0)], S, task.horizon)
    learns = range(c.learning_starts, total_steps + 1, c.rollout_steps)
    iterations = sum(sum(iteration_milliseconds(c, sizes, step)) for step in learns)
    return acting + iterations + trial_milliseconds(c, sizes, task.horizon)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `total_steps`, environment steps, over which the target entropy changes.

    Raises ValueError for a task without a termination function or without a differentiable reward function.
    """
    c, total_steps = settings(Config, config), int(limits["total_steps"])
    agent = MAAC(c, task, seeds, total_steps, device)
    experience = shared.experience(c, task, len(seeds), total_steps, device)
    return PlanningLearner(agent, task, seeds, shared.schedule(c, total_steps), experience, c.plan_episodes)
