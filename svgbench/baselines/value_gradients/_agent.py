"""What the algorithms of Heess et al. 2015 share: a policy, the database D, training a model and a critic.

After an episode the model is trained first, then the value function, then the policy (section 5): an algorithm's
`stages`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._fitted_value import FittedValue, value_error
from svgbench.baselines.value_gradients._policy import FixedStdPolicy
from svgbench.learners.episodic import EpisodicLearner, Stage
from svgbench.memory.database import Database, Transitions
from svgbench.memory.statistics import StateStatistics
from svgbench.models.per_dimension import ParallelModel
from svgbench.nn.gaussian_policy import Acting
from svgbench.nn.streams import Streams
from svgbench.simulate.acting import ActionUnits
from svgbench.simulate.episodes import Episodes, EpisodeSampler
from svgbench.simulate.trials import trials_of
from svgbench.words.task import Task

AHEAD = 50  # minibatches for the model that are drawn at once


def transitions(episodes: Episodes, log_prob: Tensor) -> Transitions:
    """All steps of the episodes, in order of time, with log-probabilities [S, T * N]."""
    s, a, change, r, terminal = (
        x.flatten(1, 2) for x in (episodes.s, episodes.a, episodes.change, episodes.r, episodes.terminated)
    )
    return Transitions(s, a, change, r, terminal.to(r.dtype), log_prob)


class EpisodicAgent:
    """`learners.episodic.EpisodicAgent` without the algorithm: a subclass makes its parts and says its stages.

    config: the algorithm's own; its fields have the same names in all of them. parts: what is learned, by name.
    A critic is one of states, unless a subclass gives it other inputs.
    """

    def __init__(self, config: Any, task: Task, seeds: Sequence[int], capacity: int, device: str) -> None:
        c = self.config = config
        self.task, self.seeds, self.device, self.dtype = task, list(seeds), device, getattr(torch, c.dtype)
        S, O, A = len(self.seeds), task.observation_dim, task.action_dim  # noqa: E741
        self.units = ActionUnits(task)
        self.statistics = StateStatistics(S, O, A, self.dtype, device)
        self.database = Database(S, min(capacity, c.replay_size), O, A, self.dtype, device)
        self.policy = FixedStdPolicy(
            Streams(self.seeds, "policy"), self.statistics, [O, *c.hidden, A],
            c.policy_std, c.policy_lr, c.max_grad_norm, self.dtype, device,
        )  # fmt: skip
        self.parts: dict[str, Any] = {"policy": self.policy}
        self.streams: dict[str, Streams] = {}
        self.stages: Mapping[str, Stage] = {}

    def new_stream(self, name: str) -> Streams:
        """The seeds' stream of that name, part of the state from now on."""
        self.streams[name] = Streams(self.seeds, name, self.device)
        return self.streams[name]

    def new_model(self) -> ParallelModel:
        c = self.config
        self.new_stream("model-batches")
        model = ParallelModel(
            Streams(self.seeds, "model"), self.statistics, c.model_hidden, c.model_lr, self.dtype, self.device
        )
        self.parts["model"] = model
        return model

    def new_critic(self) -> FittedValue:
        c = self.config
        self.new_stream("value-batches")
        n = self.critic_input(*(torch.zeros(1, 1, n) for n in (self.task.observation_dim, self.task.action_dim)))
        critic = FittedValue(
            Streams(self.seeds, "value"), self.statistics, [n.shape[-1], *c.value_hidden, 1],
            c.value_scale, c.value_lr, c.target_period, self.dtype, self.device,
        )  # fmt: skip
        self.parts["critic"] = critic
        return critic

    def acting(self) -> Acting:
        return self.policy.acting()

    def take(self, episodes: Episodes) -> Mapping[str, Tensor]:
        """Into D, with the log-probabilities of the policy that acted.

        It is trained with the scales that it acted with, so that importance weights of what it did start at 1. The
        first episodes are scaled at once: before, every policy's mean is 0.
        """
        expected = self._expected(episodes)
        new, valid = self.transitions(episodes), episodes.valid.flatten(1)
        self.database.add(new, valid)
        self.statistics.add(torch.cat([new.s, new.a], -1), new.change, valid)
        if not self.statistics.known:
            self.statistics.renew()
        return expected

    def renew(self) -> None:
        self.statistics.renew()

    def transitions(self, episodes: Episodes) -> Transitions:
        """The steps of new episodes [S, T * N], with log-probabilities of the present policy."""
        s, a = episodes.s.flatten(1, 2), episodes.a.flatten(1, 2)
        return transitions(episodes, self.policy.log_prob(self.policy.mean(s), a))

    def _expected(self, episodes: Episodes) -> Mapping[str, Tensor]:
        """How far off the model and the critic are on episodes that they have not seen."""
        columns = {}
        s, a, change, next_a = (x.flatten(1, 2) for x in (episodes.s, episodes.a, episodes.change, episodes.next_a))
        if "model" in self.parts:
            columns["model_error"] = self.parts["model"].error(s, a, change, episodes.weight)
        if "critic" in self.parts:
            pairs = (s, a), (s + change, next_a)
            value, next_value = (self.parts["critic"](self.critic_input(*pair)).view_as(episodes.r) for pair in pairs)
            columns["value_error"] = value_error(value, next_value, episodes, self.config.gamma)
        return columns

    def train_model(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Minibatches from D: least squares, and the spread of what is left."""
        c, model = self.config, self.parts["model"]
        residual = torch.zeros_like(model.sigma[:, 0])
        for start in range(0, c.model_updates, AHEAD):
            n = min(AHEAD, c.model_updates - start)
            rows = self.drawn("model-batches", n * c.batch_size)
            residual += model.fit(rows.s, rows.a, rows.change, c.batch_size, active) * (n / c.model_updates)
        model.sigma.copy_(residual.sqrt()[:, None])
        return {}

    def train_value(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Algorithm 4, on minibatches from D."""
        c, critic = self.config, self.parts["critic"]
        critic.fit(
            c.value_updates, c.batch_size, lambda count: self.value_sample(self.drawn("value-batches", count)), active
        )
        return {}

    def drawn(self, stream: str, count: int) -> Transitions:
        """That many transitions of each seed from D (Algorithm 4, line 5)."""
        return self.database.sample(self.streams[stream].uniform(count, dtype=torch.float64))

    def critic_input(self, s: Tensor, a: Tensor) -> Tensor:
        """What the critic sees of s [S, B, O] and a [S, B, A]."""
        return s

    def value_sample(self, rows: Transitions) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs, targets and weights for the critic of states."""
        next_value = self.parts["critic"].target_value(rows.next_s)
        y = rows.r + self.config.gamma * (1 - rows.terminal) * next_value  # line 6
        w = self.policy.importance(
            self.policy.mean(rows.s), rows.a, rows.log_prob, self.config.importance_cap
        )  # line 7
        return rows.s, y, w

    def finite(self) -> Tensor:
        return torch.stack([part.finite() for part in self.parts.values()]).all(0)

    def _stateful(self) -> dict[str, Any]:
        streams = {f"stream-{name}": stream for name, stream in self.streams.items()}
        return {"statistics": self.statistics, "database": self.database, **self.parts, **streams}

    def state_dict(self) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in self._stateful().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, part in self._stateful().items():
            part.load_state_dict(state[name])

    def policy_state_dict(self) -> dict[str, Any]:
        return self.policy.policy_state_dict()


def learner(
    make_agent: Any, config: Any, task: Task, seeds: Sequence[int], budget: Mapping[str, Any], device: str
) -> EpisodicLearner:
    """The learner of a block. make_agent: an `EpisodicAgent`'s type. Simulations run on the CPU.

    budget: `episodes`, and what `svgbench.simulate.trials` reads, where the final policies are to be tried.
    """
    episodes = int(budget["episodes"])
    agent = make_agent(config, task, seeds, episodes * task.horizon, device)
    sampler = EpisodeSampler(
        task, list(seeds), config.simulations, config.steps_per_slice, getattr(torch, config.dtype), device
    )
    return EpisodicLearner(agent, sampler, task, seeds, episodes, trials_of(task, seeds, budget))
