"""The model study of Amos et al. 2020, section 5.1.1 and Figure 3: an ensemble of MLPs against a recurrent network.

A run of SAC fills a buffer, and no model has an influence on it. Its episodes are then added one after another to a
model's training and holdout sets. The model is fitted again each time, and its multi-step error is measured on windows
of the training, the holdout, and a test set, which is fixed:

    error(w) = E mean_{t<=w, i} ((x-hat_t,i - x_t,i) / sigma_i)^2,   x-hat_t = f(x-hat_{t-1}, u_{t-1}),  x-hat_0 = x_0

with recorded actions u, and sigma the deviation of each observation over the whole buffer. An error of 1 is thus that
of a constant prediction of the mean.

* "ensemble": `members` MLPs that learn one-step transitions, each from its own bootstrap sample, by maximum likelihood
  with learned variances, as in PETS and MBPO. The mean of their predictions is fed back. `member_error` is the mean
  error of the members alone, each on its own path.
* "recurrent": the model of SAC-SVG (section 4.2), one GRU that learns windows of `sequence` transitions by eq. (10).

Both see the same buffer, normalisation, minibatch size, stopping rule and measured windows. Of five successive episodes
three train, one is held out and one tests. An episode keeps its role, so no model ever learns from a held-out or a test
transition. Held-out episodes only decide when a fit stops and which parameters it keeps.

No code of the study is published, and its settings are not printed: neither the task nor the sequences, sizes, loss or
optimiser. The experiment's deviations name what was chosen. "code" is facebookresearch/svg at 9fdf03a, for SAC and for
the recurrent network. "MBPO" is jannerm/mbpo at ac694ff, for the ensemble and the stopping rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from torch import Tensor

from svgbench.baselines.actor_critic import _soft_actor_critic as shared
from svgbench.baselines.actor_critic import _window_models, sac
from svgbench.baselines.actor_critic._soft_actor_critic import CODE as SAC_CODE
from svgbench.baselines.actor_critic._window_models import KINDS, Dynamics, operations, parameters_of
from svgbench.learners.costs import milliseconds
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.online import OnlineLearner, cost_before
from svgbench.learners.seed_block import SeedBlock
from svgbench.learners.settings import settings
from svgbench.memory.episode_windows import EpisodeWindows
from svgbench.memory.replay import RowLayout
from svgbench.models.window_fit import HOLDOUT, TRAIN, WindowFit, WindowFitSettings, Windows
from svgbench.nn.normaliser import Normaliser
from svgbench.nn.state import finite_rows
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, Increasing, Length, Natural, Share
from svgbench.words.learner import Learner, Row
from svgbench.words.task import Task

VERSION = 1

TEST = "test"
ROLES = (TRAIN, TRAIN, TRAIN, HOLDOUT, TEST)
"""Of successive episodes. So all three sets grow with the buffer, and the test set covers all of it."""
SPLITS = (TRAIN, HOLDOUT, TEST)
USUAL_EPOCHS = 40  # of a fit without a limit, for estimates


@dataclass(frozen=True)
class Config(_window_models.Config):
    """Settings of the study, in addition to those of the models and of SAC. Sources: as above; else our choice."""

    refits: Count = 30  # fits, after equal numbers of environment steps; the last sees the whole buffer
    windows: Annotated[tuple[Count, ...], Length(1), Increasing()] = (1, 3, 10)  # transitions of measured windows
    measured_windows: Count = 1000  # of each set and length, drawn with replacement

    model_batch: Count = 256  # transitions of a minibatch, for each network (MBPO); windows: divided by `sequence`
    validation: Count = 5000  # held-out transitions that validate an epoch (MBPO: at most so many)
    min_gain: Share = 0.01  # the least improvement that counts, as a share of the best error (MBPO)
    patience: Natural = 5  # epochs in a row without an improvement that are allowed (MBPO)
    max_epochs: Natural = 0  # per fit; 0: no limit
    max_minibatches: Natural = 0  # per fit, after which no epoch begins; 0: no limit
    warm_start: bool = True  # a fit continues with the last weights; else each starts from the initial ones
    minibatches_per_slice: Count = 100  # does not affect the results


RULES = {
    **sac.RULES,
    "log_var_min < log_var_max": "the lower bound must be below the upper one",
    "model == 'recurrent' or sequence == 1": "the ensemble learns one-step transitions",
    "sequence <= model_batch": "a minibatch has a window",
    "windows[-1] <= horizon and sequence <= horizon": "an episode must have such a window",
    "refits * windows[-1] <= total_steps and refits * sequence <= total_steps": "the first fit must have such a window",
    "replay_capacity >= total_steps": "the whole buffer is kept",
}
PROFILES: dict[str, dict[str, Any]] = {
    "text": {},
    "code": {
        **SAC_CODE,
        "critic_first": True,
        "decoder_hidden": (),
        "detach_predictions": True,
        "model_max_grad_norm": 1.0,
    },
}


class ModelStudy(SeedBlock):
    """`svgbench.words.learner.Learner` for a block of S seeds: collect the buffer, then fit and measure by turns."""

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], total_steps: int, device: str) -> None:
        super().__init__(seeds)
        c = self.config = config
        self.device, self.total_steps = device, total_steps
        self.layout = RowLayout(task.observation_dim, task.action_dim)
        self.model: Dynamics = KINDS[c.model](c, self.layout, seeds, device)
        self.fit = WindowFit(self.model, self.layout, fit_settings(c), seeds)
        self.stages = stages(c, total_steps)
        self.stage = 0
        self.collector: OnlineLearner | None = collector(c, task, seeds, total_steps, device)
        self.data: EpisodeWindows | None = None
        self._deviation = torch.ones(len(seeds), 1, 1, self.layout.obs_dim)  # of observations, over the buffer
        self._collecting = collector_cost(c, task, len(seeds), total_steps)
        self._fits = [fit_cost(c, task, len(seeds), step) for step in self.stages]

    @property
    def finished(self) -> bool:
        return self.stage == len(self.stages) or not self.alive.any()

    @property
    def progress(self) -> tuple[int, int]:
        """Approximate work, in milliseconds of one core."""
        total = self._collecting + sum(self._fits)
        if self.finished:
            return max(1, round(total)), max(1, round(total))
        done = self._collecting + sum(self._fits[: self.stage])
        if self.collector is not None:
            part, whole = self.collector.progress
            done = self._collecting * part / whole
        elif self.fit.minibatches:
            usual = usual_minibatches(self.config, self.stages[self.stage])
            done += self._fits[self.stage] * 0.95 * min(1.0, self.fit.minibatches / usual)
        return round(done), max(1, round(total))

    def advance(self) -> list[Row]:
        """A slice of SAC, or some minibatches of a fit; the rows of a fit at its end."""
        if self.collector is not None:
            self._collect(self.collector)
            return []
        assert self.data is not None
        step = self.stages[self.stage]
        if self.fit.step != step:
            self._check_windows(self.data, step)
            self.fit.begin(self.data, step, torch.from_numpy(self.alive).to(self.device))
        if self.alive.any() and not self.fit.advance(self.data, self.config.minibatches_per_slice):
            return []
        parameters = torch.stack([finite_rows(adam.flat) for adam in self.model.adams]).all(0)
        self.mark_diverged(
            self.fit.finite & parameters, f"step {step}: a loss or a parameter of the model is not finite"
        )
        rows = self._measure(self.data, step) if self.alive.any() else []
        self.stage += 1
        return rows

    def _collect(self, collector: OnlineLearner) -> None:
        collector.advance()
        self.alive, self.diverged = collector.alive.copy(), dict(collector.diverged)
        if collector.finished:
            replay = collector.experience.replay
            self._keep(replay.rows, replay.ends)

    def _keep(self, rows: Tensor, ends: Tensor) -> None:
        """Take the buffer over, and let go of SAC."""
        self.collector, self.data = None, EpisodeWindows(rows, ends, ROLES)
        seen = Normaliser(len(self.seeds), self.layout.obs_dim, device=rows.device)
        seen.update(self.layout.obs(rows))
        self._deviation = seen.std[:, None, None].to(rows.dtype)

    def _check_windows(self, data: EpisodeWindows, step: int) -> None:
        """A seed whose episodes so far hold no window of some length has nothing to measure."""
        for length in {self.config.sequence, *self.config.windows}:
            for split in SPLITS:
                count = data.starts(split, length, self._until(split, step)).number
                self.mark_diverged(count > 0, f"step {step}: no {split} episode has a window of {length} steps")

    def _until(self, split: str, step: int) -> int:
        return self.total_steps if split == TEST else step

    def _measure(self, data: EpisodeWindows, step: int) -> list[Row]:
        """One row for each living seed, set and window length."""
        pairs = [(split, length) for split in SPLITS for length in self.config.windows]
        errors = torch.stack([self._errors(data, split, length, step) for split, length in pairs])  # [P, 2, S]
        self.mark_diverged(errors.isfinite().flatten(0, 1).all(0), f"step {step}: an error of the model is not finite")
        returns, rows = self._last_return(data, step), []
        for i, seed in enumerate(self.seeds):
            if not self.alive[i]:
                continue
            for k, (split, length) in enumerate(pairs):
                error, member_error = errors[k, :, i].tolist()
                row = {"seed": seed, "step": step, "split": split, "window": length}
                row |= {"error": error, "member_error": member_error}
                row |= {"over_train": error / errors[pairs.index((TRAIN, length)), 0, i].item()}
                row |= {"epochs": int(self.fit.epochs[i]), "parameters": parameters_of(self.model)}
                rows.append(row | {"train_return": returns[i]})
        return rows

    def _last_return(self, data: EpisodeWindows, step: int) -> list[float]:
        """The return of each seed's last episode that ended by then; NaN if none did."""
        reward = self.layout.reward(data.rows[:, :step]).double()
        ends, found = data.ends[:, :step], []
        for own, end in zip(reward, ends, strict=True):
            places = end.nonzero().flatten().tolist()
            first = places[-2] + 1 if len(places) > 1 else 0
            found.append(float(own[first : places[-1] + 1].sum()) if places else float("nan"))
        return found

    def _errors(self, data: EpisodeWindows, split: str, length: int, step: int) -> Tensor:
        """[2, S]: mean squared errors of the model and of its members alone, in deviations over the whole buffer."""
        until = self._until(split, step)
        stream = Streams(self.seeds, f"measure-{split}-{until}", self.device)  # one for all lengths and both models
        places = stream.uniform(self.config.measured_windows, dtype=torch.float64)
        windows = self.fit.windows(data, data.starts(split, length, until).draw(places), length)
        scale = self.fit.width[:, None] / self._deviation  # [S, 1, 1, O]
        goal = Windows(windows.x, windows.actions, windows.next_x * scale)
        members = Windows(*(part[:, None] for part in goal))
        error = goal.errors(self.model.paths(windows) * scale)
        return torch.stack([error, members.errors(self.model.member_paths(windows) * scale[:, None]).mean(1)])

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = {**self.block_state(), "stage": self.stage, "fit": self.fit.state_dict()}
        if self.collector is not None:
            return {**state, "collector": self.collector.state_dict()}
        assert self.data is not None
        return {**state, "rows": self.data.rows, "ends": self.data.ends}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.load_block_state(state)
        self.stage = state["stage"]
        if "collector" in state:
            assert self.collector is not None, "a state of the collecting phase, expected a new learner"
            self.collector.load_state_dict(state["collector"])
        else:
            self._keep(state["rows"].to(self.device), state["ends"].to(self.device))
        self.fit.load_state_dict(state["fit"], self.data)


def stages(c: Config, total_steps: int) -> list[int]:
    """The environment steps after which the model is fitted."""
    return [total_steps * k // c.refits for k in range(1, c.refits + 1)]


def fit_settings(c: Config) -> WindowFitSettings:
    return WindowFitSettings(
        length=c.sequence, batch=c.model_batch, bootstrap=c.bootstrap and c.model == "ensemble",
        validation=c.validation, min_gain=c.min_gain, patience=c.patience,
        max_epochs=c.max_epochs, max_minibatches=c.max_minibatches, warm_start=c.warm_start,
        min_std=c.std_min, max_std=c.std_max,
    )  # fmt: skip


def collector(c: Config, task: Task, seeds: Sequence[int], total_steps: int, device: str) -> OnlineLearner:
    """SAC, with one evaluation at its end, which nothing reads."""
    own = replace(c, eval_every=total_steps, eval_episodes=1)
    agent = sac.SAC(own, task, seeds, total_steps, device)
    experience = shared.experience(own, task, len(seeds), total_steps, device)
    return OnlineLearner(agent, task, seeds, shared.schedule(own, total_steps), experience)


def collector_cost(c: Config, task: Task, S: int, total_steps: int) -> float:
    """Approximate milliseconds of one core to make the buffer."""
    own = replace(c, eval_every=total_steps, eval_episodes=1)
    updates = sac.step_costs(own, task.observation_dim, task.action_dim, S)
    return cost_before(total_steps, shared.schedule(own, total_steps), updates, S, task.horizon)


def usual_minibatches(c: Config, step: int) -> int:
    """The approximate number of minibatches of a fit to `step` transitions."""
    each = max(1, round(ROLES.count(TRAIN) / len(ROLES) * step / c.model_batch))
    usual = min(c.max_epochs or USUAL_EPOCHS, USUAL_EPOCHS) * each
    return min(usual, c.max_minibatches or usual)


def fit_cost(c: Config, task: Task, S: int, step: int) -> float:
    """Approximate milliseconds of one core of a fit to `step` transitions, and of its measurements."""
    each, calls = operations(c, RowLayout(task.observation_dim, task.action_dim))
    minibatches, measured = usual_minibatches(c, step), 2 * len(SPLITS) * c.measured_windows * sum(c.windows)
    learned = minibatches * c.model_batch * 3 + USUAL_EPOCHS * min(c.validation, step // 5)
    return milliseconds(S * each * (learned + measured), minibatches * calls)


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Approximate milliseconds of one core for a whole block."""
    c, S, total_steps = settings(Config, config), len(seeds), int(limits["total_steps"])
    return collector_cost(c, task, S, total_steps) + sum(fit_cost(c, task, S, step) for step in stages(c, total_steps))


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `total_steps`, environment steps of the buffer."""
    return ModelStudy(settings(Config, config), task, seeds, int(limits["total_steps"]), device)
