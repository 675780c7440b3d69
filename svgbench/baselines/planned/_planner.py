"""What PETS and POPLIN-P share: the ensemble, when it is fitted, the known reward, and the costs.

"code" is WilsonWangTHU/POPLIN at edd8dba, with which Wang and Ba 2019 ran both: dmbrl/misc/MBExp.py (the loop),
controllers/MPC.py (the planner's costs), modeling/models/BNN.py (the model), config/default.py and config/gym_*.py
(settings). It grew out of kchua/handful-of-trials at 77fd880, the code of Chua et al. 2018.

The loop: an episode of uniform actions; then, again and again, fit the model to everything seen so far, and plan every
action of an episode. As in the code:

* A fit goes on from the last weights and Adam's moments. It has a number of epochs, on rows that each member draws with
  replacement once per fit. Nothing is held out. Inputs are normalised anew, outputs are not normalised.
* The reward is known. The code counts the reward of the predicted next state with the present action, also where the
  task pays the present state [reward_of]. Predicted episodes never end.
* What is reported is the return of the planned episodes of training; there are no others.

Axes: S seeds, B rows, O observation, A action.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import torch
from torch import Tensor

from svgbench.learners.agent_parts import AgentParts
from svgbench.learners.costs import milliseconds, passes, products
from svgbench.learners.draws import Draw, Draws
from svgbench.learners.online import Schedule, cost_before
from svgbench.learners.planned import PlannedAgent, PlannedLearner
from svgbench.learners.task_rules import reward_rule
from svgbench.memory.experience import Experience
from svgbench.memory.replay import Replay, RowLayout
from svgbench.models.ensemble_fit import EnsembleFit, FitSettings, bootstrap_of_all
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.models.observation_view import ObservationView
from svgbench.models.stopping import Never
from svgbench.nn.mean_network import MeanNetwork
from svgbench.nn.streams import Streams
from svgbench.planning.action_sequences import SequencePlanner, SequenceSearch
from svgbench.planning.model_returns import ModelReturns, ReturnSettings, no_value
from svgbench.ranges import Activation, Count, LogScale, Natural, NonNegative, Precision, Range, Share, Widths
from svgbench.words.task import Task

COLUMNS = ("alpha", "entropy", "critic_loss", "reward_loss", "model_loss", "planned_return", "unplanned_return")
"""The columns of actor-critics. A planner has only the model's; the others are NaN."""
SHOWN = 5000  # most rows on which the error of a fit is reported (BNN.py: max_logging)


@dataclass(frozen=True)
class Config:
    """Settings of both. Source: the code, for hopper where tasks differ."""

    members: Count = 5  # networks of a seed's ensemble
    model_hidden: Widths = (200, 200, 200, 200)  # units of every member
    model_activation: Activation = "silu"
    log_var_min: LogScale = -10.0  # initial bounds of the log-variance, which are learned
    log_var_max: LogScale = 0.5
    log_var_penalty: NonNegative = 0.01  # weight of the distance between them
    model_decay: tuple[NonNegative, ...] = (2.5e-5, 5e-5, 7.5e-5, 7.5e-5, 1e-4)  # weight decay, layer by layer
    model_lr: NonNegative = 1e-3  # Adam
    model_batch: Count = 32  # transitions of a minibatch, for each member
    model_epochs: Count = 5  # of a fit
    absolute_at: tuple[Natural, ...] = ()  # numbers of an observation that are predicted themselves, and are no inputs
    angle_at: Annotated[int, Range(-1)] = -1  # place of an angle's sine, before its cosine; -1: none

    random_steps: Natural = 1000  # environment steps of uniform actions, before the first fit
    rollout_steps: Count = 1000  # environment steps between two fits
    plan_horizon: Count = 30  # H, model steps
    plan_population: Annotated[int, Range(2)] = 500  # candidates per iteration of the search
    plan_elites: Count = 50  # the best of the candidates
    plan_iterations: Count = 5
    plan_alpha: Annotated[float, Range(0, below=1)] = 0.1  # weight of the distribution before, in each iteration
    reward_of: Literal["next", "present"] = "next"  # the state whose reward a plan counts, see above
    gamma: Share = 1.0  # in a plan
    eval_every: Count = 1000  # environment steps
    eval_episodes: Count = 3  # planned episodes of training whose mean a row has (Wang and Ba: 3000 steps)
    steps_per_slice: Count = 5  # environment steps per slice; does not affect the results
    minibatches_per_slice: Count = 200  # minibatches of a fit per slice; does not affect the results
    dtype: Precision = "float32"


RULES = {
    "log_var_min < log_var_max": "the lower bound must be below the upper one",
    "len(model_decay) == len(model_hidden) + 1": "each layer needs one rate",
    "plan_elites <= plan_population": "the elites are some of the candidates",
    "random_steps >= 1": "the first fit needs a transition",
    "total_steps > random_steps": "at least one action is planned",
}


def fit_settings(c: Config, view: ObservationView) -> FitSettings:
    return FitSettings(
        split=lambda streams, rows, members: bootstrap_of_all(streams, rows, members, min(rows, SHOWN)),
        rule=partial(Never, members=c.members), batch=c.model_batch, lr=c.model_lr, decay=c.model_decay,
        bounds_penalty=c.log_var_penalty, max_epochs=c.model_epochs, max_minibatches=0, elites=c.members,
        learns_reward=False, pairs=view.pairs,
    )  # fmt: skip


class Planner(AgentParts):
    """The part of a `svgbench.learners.planned.PlannedAgent` that both algorithms share: models of S seeds, and plans.

    A subclass calls `search_for`, sets `costs`, and states `act`. returns: scores candidates in the model. planner: the
    search. mean, std [S, 1, H, numbers of a candidate's step]: of the first candidates, see `SequencePlanner.plan`.
    """

    returns: ModelReturns
    planner: SequencePlanner
    mean: Tensor
    std: Tensor

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], device: str) -> None:
        c, self.seeds, n, m = config, list(seeds), task.observation_dim, task.action_dim
        self.config, self.dtype = c, getattr(torch, c.dtype)
        super().__init__(len(self.seeds), COLUMNS, self.dtype, device)
        self.view = ObservationView(n, c.absolute_at, None if c.angle_at < 0 else c.angle_at)
        self.model = GaussianEnsemble(
            Streams(seeds, "model", device), self.view.inputs_dim + m, self.view.outputs_dim,
            hidden=c.model_hidden, activation=c.model_activation, members=c.members,
            log_var_bounds=(c.log_var_min, c.log_var_max), dtype=self.dtype,
        )  # fmt: skip
        self.fit = EnsembleFit(self.model, RowLayout(n, m), fit_settings(c, self.view), seeds)
        self.parts = {"model": self.model, "fit": self.fit}
        self.adams = [self.fit.adam, self.fit.bounds_adam]
        self.rewards, self.device = reward_rule(task), device
        self.draws: Mapping[str, Draw] = {}
        self.learns_between = False
        self.model_from, self.model_every = c.random_steps, c.rollout_steps
        self.sizes = n, m, len(self.seeds)
        self.costs: Sequence[tuple[int, float]] = [(0, 0.0)]

    def search_for(self, size: int, init_variance: float, returns: ReturnSettings, **search: Any) -> None:
        """Set up the search. size: numbers of a candidate's step. search: settings in addition to the config's."""
        c = self.config
        how = SequenceSearch(
            population=c.plan_population, elites=c.plan_elites, iterations=c.plan_iterations, alpha=c.plan_alpha,
            sampling="truncated", warm_start=True, **search,
        )  # fmt: skip
        scoring, drawing = (Streams(self.seeds, name, self.device) for name in ("plan-model", "plan-candidates"))
        self.returns = ModelReturns(returns, self.model, no_value, scoring, reward=self.rewards, view=self.view)
        self.planner = SequencePlanner(how, drawing)
        self.parts |= {"returns": self.returns, "planner": self.planner}
        shape = (len(self.seeds), 1, c.plan_horizon, size)
        self.mean = torch.zeros(shape, dtype=self.dtype, device=self.device)
        self.std = torch.full_like(self.mean, math.sqrt(init_variance))

    def forget(self, ended: Tensor) -> None:
        """Begin the next search of these seeds, bool [S], without the last plan."""
        self.planner.forget(ended)

    def mode(self, x: Tensor) -> Tensor:
        """Planners are not evaluated apart from training."""
        raise NotImplementedError("a planner has no policy to evaluate")

    def mean_network(self) -> MeanNetwork:
        """A planner acts by a search, not by a network."""
        raise NotImplementedError("a planner has no policy to keep")

    def advance_model(self, step: int, experience: Experience, active: Tensor | None) -> bool:
        """Do some minibatches of the fit. Returns whether it has ended."""
        replay = experience.replay
        if self.fit.name != f"fit-{step}":
            self.fit.begin(f"fit-{step}", replay.rows, replay.size, active)
        if not self.fit.advance(replay.rows, self.config.minibatches_per_slice):
            return False
        self.last["model_loss"].copy_(self.fit.loss.mean(1))
        return True

    def model_cost(self, step: int) -> float:
        """Approximate milliseconds of one core of the fit before a step."""
        return fit_milliseconds(self.config, self.sizes, step)

    def model_share(self, step: int) -> float:
        """The share of the fit that is done."""
        return min(1.0, self.fit.minibatches / minibatches(self.config, step))

    def prepare(self, step: int, lacking: Tensor | None = None) -> int:
        """Environment steps have no updates of their own."""
        return 0

    def update(self, phase: int, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        """Do nothing: all learning is in `advance_model`."""

    def finite(self) -> Tensor:
        """Which seeds' parameters, and all errors of their models so far, are finite, bool [S]."""
        return super().finite() & self.fit.finite


def minibatches(c: Config, rows: int) -> int:
    """Minibatches of a fit to this number of rows."""
    return c.model_epochs * -(-rows // c.model_batch)


def fit_milliseconds(c: Config, sizes: tuple[int, int, int], rows: int) -> float:
    """Approximate milliseconds of one core of a fit. sizes: O, A and S."""
    layers = products((sizes[0] + sizes[1], *c.model_hidden, 2 * sizes[0]))
    number = minibatches(c, rows)
    learned = 3 * c.model_batch * number + c.model_epochs * min(rows, SHOWN)
    return milliseconds(sizes[2] * c.members * layers * learned, number * (60 + 25 * len(c.model_hidden)))


def search_milliseconds(c: Config, sizes: tuple[int, int, int], rows: int, calls: int) -> float:
    """Approximate milliseconds of one core of a plan. sizes: O, A and S.

    rows: that pass through a network in each model step. calls: operations of a model step besides the model's.
    """
    network = (sizes[0] + sizes[1], *c.model_hidden, sizes[0])
    steps = c.plan_iterations * c.plan_horizon
    small = milliseconds(0, sizes[2] * 3 * len(c.model_hidden) + calls)
    return steps * (sizes[2] * passes(network, rows) + small)


def schedule(c: Config, total_steps: int) -> Schedule:
    """When the learner acts, plans and makes rows."""
    return Schedule(
        total_steps=total_steps, random_steps=c.random_steps, learning_starts=c.random_steps,
        update_before_store=False, limit_overrides_termination=False, eval_every=c.eval_every,
        eval_episodes=c.eval_episodes, steps_per_slice=c.steps_per_slice,
    )  # fmt: skip


def work(c: Config, sizes: tuple[int, int, int], horizon: int, total_steps: int, plan: float) -> float:
    """Approximate milliseconds of one core for a whole block. sizes: O, A and S. plan: those of a plan."""
    fits = sum(fit_milliseconds(c, sizes, step) for step in range(c.random_steps, total_steps, c.rollout_steps))
    return fits + cost_before(total_steps, schedule(c, total_steps), [(0, plan)], sizes[2], horizon)


def learner(
    agent: PlannedAgent, c: Config, task: Task, seeds: Sequence[int], total_steps: int, device: str
) -> PlannedLearner:
    """The learner of a block around its agent. It keeps all transitions."""
    n, m, dtype = task.observation_dim, task.action_dim, getattr(torch, c.dtype)
    replay = Replay(len(seeds), total_steps, n, m, dtype=dtype, device=device)
    experience = Experience(replay, normalise=False, min_std=1.0, max_std=1.0)
    return PlannedLearner(agent, task, seeds, schedule(c, total_steps), experience)
