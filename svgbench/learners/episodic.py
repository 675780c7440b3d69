"""Learning from whole episodes: collect episodes with the current policy, train in stages, repeat.

The learner that a baseline hands to the lab is an `EpisodicLearner` around its own `EpisodicAgent`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from svgbench.learners.seed_block import SeedBlock
from svgbench.nn.gaussian_policy import PolicySnapshot
from svgbench.nn.mean_network import MeanNetwork
from svgbench.simulate import action_sizes, trials
from svgbench.simulate.episodes import Episodes, EpisodeSampler
from svgbench.words.learner import Row
from svgbench.words.policy import TrainedPolicy

Stage = Callable[[Episodes, Tensor | None], Mapping[str, Tensor]]
"""Training on the latest episodes and on stored ones. The second argument, bool [S], says which seeds; None for all."""

COLUMNS = ("model_error", "value_error", "grad_norm", "kl")
"""Diagnostics of training; NaN where an algorithm does not have one.

model_error: mean squared error of the predicted change of state on the new episodes, before training on them, in
standard deviations of the changes seen before, over the dimensions that vary. value_error: mean squared error of the
critic on the new episodes' returns, over their variance. grad_norm: of the policy's gradient before clipping, mean over
the updates. kl: nats between the policies before and after, mean over the new episodes' states.
"""


class Kept(Protocol):
    """Objects that a checkpoint stores."""

    def state_dict(self) -> Mapping[str, Any]: ...
    def load_state_dict(self, state: Any) -> None: ...


class SeedNetwork(Kept, Protocol):
    """A network of S seeds."""

    def finite(self) -> Tensor:
        """Which seeds' parameters are finite, bool [S]."""
        ...


class EpisodicPolicy(SeedNetwork, Protocol):
    """A policy of S seeds."""

    def snapshot(self) -> PolicySnapshot:
        """The policy at its current parameters, as a function of unscaled states."""
        ...

    def mean_network(self) -> MeanNetwork:
        """The network of mean actions."""
        ...

    def scales(self) -> tuple[Tensor, Tensor]:
        """Centre and width [S, O] that scale its states."""
        ...


class EpisodicAgent(Protocol):
    """An algorithm for S seeds. It knows neither simulations nor budgets; `EpisodicLearner` has both."""

    @property
    def policy(self) -> EpisodicPolicy: ...

    @property
    def learned(self) -> Mapping[str, SeedNetwork]:
        """The networks by name, the policy among them."""
        ...

    @property
    def kept(self) -> Mapping[str, Kept]:
        """Everything else that the next stage depends on, by name: memories, statistics, random streams."""
        ...

    @property
    def stages(self) -> Mapping[str, Stage]:
        """The stages of training in order, one per slice. Each returns some of `COLUMNS`, [S]."""
        ...

    def insert(self, episodes: Episodes) -> Mapping[str, Tensor]:
        """Store new episodes. Returns some of `COLUMNS` [S]: how well the model and the critic predicted them."""
        ...

    def renew(self) -> None:
        """Called between training on the latest episodes and collecting new ones: scale inputs by all data so far."""
        ...


class EpisodicLearner(SeedBlock):
    """`svgbench.words.learner.Learner` for a block of S seeds.

    N episodes are collected before each round of training. A row's step counts the seed's episodes so far, and its
    train_return is the mean over the last N. env_steps counts the seed's simulated steps so far. tried: trials of the
    final policies; the last row has their columns. record_actions: whether rows have the columns of
    `svgbench.simulate.action_sizes`.
    """

    def __init__(
        self,
        agent: EpisodicAgent,
        sampler: EpisodeSampler,
        episodes: int,
        tried: trials.Trials | None = None,
        record_actions: bool = False,
    ) -> None:
        super().__init__(sampler.seeds)
        self.N = sampler.shape[1]
        if episodes < 1 or episodes % self.N:
            raise ValueError(f"episodes is {episodes}, expected a positive multiple of {self.N}, those of a round")
        self.agent, self.sampler, self.task = agent, sampler, sampler.task
        self.episodes, self.episode, self.tried, self.record_actions = episodes, 0, tried, record_actions
        self.latest: Episodes | None = None  # in training
        self.stage = 0  # the next one
        self.columns: dict[str, Tensor] = {}
        self.env_steps = torch.zeros(len(self.seeds), dtype=torch.int64)

    @property
    def finished(self) -> bool:
        return self.episode >= self.episodes or not self.alive.any()

    @property
    def progress(self) -> tuple[int, int]:
        """A round counts 1000: collecting its episodes is one half, training is the other."""
        total = 1000 * self.episodes // self.N
        if self.finished:
            return total, total
        collected = 500 if self.latest else int(500 * self.sampler.share)
        return 1000 * self.episode // self.N + collected + 500 * self.stage // (len(self.agent.stages) + 1), total

    def advance(self) -> list[Row]:
        """Collect a slice of the episodes, or run a stage of training."""
        if self.latest is None:
            acting = self._acting()
            self.latest = self.sampler.advance(acting)
            if self.latest is not None:
                self.env_steps += self.latest.steps.cpu()
                self._mask(self.latest.finite(), "an observation or a reward is not finite")
                self._mask(self.env_steps > 0, "the physics failed in the first step of every episode so far")
                if self.record_actions:
                    self.columns |= action_sizes.action_sizes(self.latest, acting.mean, self.sampler.units)
                self.columns |= self.agent.insert(self.latest)
            return []
        name = list(self.agent.stages)[self.stage]
        self.columns |= self.agent.stages[name](self.latest, self.active(self.sampler.device))
        self.stage += 1
        if "grad_norm" in self.columns:
            self._mask(self.columns["grad_norm"].isfinite(), "the policy's gradient is not finite")
        self._mask(
            torch.stack([part.finite() for part in self.agent.learned.values()]).all(0), "a parameter is not finite"
        )
        if self.stage < len(self.agent.stages):
            return []
        self.episode += self.N
        if self.tried is not None and self.episode >= self.episodes:
            mean = self._acting().mean
            self.columns |= self.tried(lambda s: self.sampler.units(mean(s)))
        rows = self._rows(self.latest)
        self.latest, self.stage, self.columns = None, 0, {}
        if not self.finished:
            self.agent.renew()
        return rows

    def _acting(self) -> PolicySnapshot:
        return self.agent.policy.snapshot().standing_still(~self.alive)

    def _mask(self, finite: Tensor, reason: str) -> None:
        self.mark_diverged(finite, f"episode {self.episode + self.N}: {reason}")

    def _rows(self, episodes: Episodes) -> list[Row]:
        nothing = torch.full((len(self.seeds),), math.nan)
        names = (*COLUMNS, *action_sizes.COLUMNS, *trials.COLUMNS)
        columns = {
            "env_steps": self.env_steps,
            "train_return": episodes.return_mean,
            **{name: self.columns.get(name, nothing).double() for name in names},
        }
        return self.rows(self.episode, columns)

    def _parts(self) -> dict[str, Kept]:
        """The parts of the agent that a checkpoint stores."""
        return {**{f"learned/{k}": v for k, v in self.agent.learned.items()},
                **{f"kept/{k}": v for k, v in self.agent.kept.items()}}  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        return {
            "episode": self.episode,
            "latest": self.latest.state_dict() if self.latest else {},
            "stage": self.stage,
            "columns": self.columns,
            "env_steps": self.env_steps,
            **self.block_state(),
            "sampler": self.sampler.state_dict(),
            "agent": {name: part.state_dict() for name, part in self._parts().items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.episode, self.stage, self.columns = state["episode"], state["stage"], dict(state["columns"])
        self.latest = Episodes(**state["latest"]) if state["latest"] else None
        self.env_steps = state["env_steps"].cpu().clone()
        self.load_block_state(state)
        self.sampler.load_state_dict(state["sampler"])
        for name, part in self._parts().items():
            part.load_state_dict(state["agent"][name])

    def policies(self) -> dict[int, TrainedPolicy]:
        """`svgbench.words.policy.HasPolicies`: the mean actions."""
        centre, width = (part.cpu().numpy() for part in self.agent.policy.scales())
        return self.policies_of(self.agent.policy.mean_network(), centre, width, 0.0, self.sampler.units)
