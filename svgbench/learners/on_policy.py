"""On-policy learning: collect a batch with the current policy, update, repeat.

The learner that a baseline hands to the lab is an `OnPolicyLearner` around its own `OnPolicyAgent`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from svgbench.learners.seed_block import SeedBlock
from svgbench.nn.gaussian_policy import GaussianPolicy, PolicySnapshot
from svgbench.nn.mean_network import MeanNetwork
from svgbench.nn.scaling import ObservationScaling
from svgbench.nn.state import finite_rows
from svgbench.simulate.acting import ActionUnits
from svgbench.words.learner import Row
from svgbench.words.policy import TrainedPolicy
from svgbench.words.task import Task

COLUMNS = ("kl", "surrogate_gain", "entropy", "accepted", "value_error")
"""Diagnostics of an update; NaN where an algorithm does not have one.

kl: mean KL(old || new) of the step, nats; values that rounding makes negative become 0. surrogate_gain: the gain of eq.
(16), in units of the scaled advantages. entropy: of the policy that acted, nats. accepted: share of the full step that
the line search took, 0 if none. value_error: mean squared error of the old value function over the variance of the
target returns.
"""


class Collected(Protocol):
    """The parts of a batch that the learner reads; each [S]."""

    @property
    def steps(self) -> Tensor: ...
    @property
    def return_mean(self) -> Tensor: ...
    @property
    def length_mean(self) -> Tensor: ...
    @property
    def reward_per_step(self) -> Tensor: ...
    def finite(self) -> Tensor: ...


B = TypeVar("B", bound=Collected)
Out = TypeVar("Out", covariant=True)
In = TypeVar("In", contravariant=True)


class Sampler(Protocol[Out]):
    """Source of batches."""

    scaling: ObservationScaling

    @property
    def share(self) -> float:
        """The rough share of the current batch that is collected, in [0, 1)."""
        ...

    @property
    def full_steps(self) -> int:
        """Steps of a seed in a batch whose paths are not cut short."""
        ...

    def advance(self, policy: PolicySnapshot) -> Out | None:
        """One slice; the batch if it is complete, else None."""
        ...

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class OnPolicyAgent(Protocol[In]):
    """Networks and update of S seeds; it knows neither simulations nor budgets."""

    def snapshot(self) -> PolicySnapshot:
        """The policy at its current parameters."""
        ...

    def update(self, batch: In) -> Mapping[str, Tensor]:
        """Learn from a batch. Returns those of `COLUMNS` that this algorithm has, each [S]."""
        ...

    def parameters(self) -> Sequence[Tensor]:
        """All learned parameters, each [S, ...]."""
        ...

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...

    def mean_network(self) -> MeanNetwork:
        """The network of the policies' mean actions."""
        ...


class PolicyAgent:
    """Base of every on-policy agent: a Gaussian policy and its parameters theta [S, P]."""

    def __init__(self, policy: GaussianPolicy, theta: Tensor) -> None:
        self.policy, self.theta = policy, theta

    def snapshot(self) -> PolicySnapshot:
        return self.policy.snapshot(self.theta)

    def parameters(self) -> Sequence[Tensor]:
        return [self.theta]

    def state_dict(self) -> dict[str, Any]:
        return {"theta": self.theta}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.theta = state["theta"].to(self.theta.device).clone()

    def mean_network(self) -> MeanNetwork:
        return self.policy.mean_network(self.theta)


class OnPolicyLearner(SeedBlock, Generic[B]):
    """`svgbench.words.learner.Learner` for a block of S seeds.

    A row's step is the iteration, from 1. The row describes the iteration's batch, collected after the updates of the
    earlier iterations, and its own update. simulated_steps counts all calls of the simulator so far.
    """

    def __init__(
        self, agent: OnPolicyAgent[B], sampler: Sampler[B], task: Task, seeds: Sequence[int], iterations: int
    ) -> None:
        if iterations < 1:
            raise ValueError(f"iterations is {iterations}, expected at least 1")
        super().__init__(seeds)
        self.agent, self.sampler, self.task = agent, sampler, task
        self.iterations, self.iteration = iterations, 0
        self.simulated_steps = torch.zeros(len(self.seeds), dtype=torch.int64)

    @property
    def finished(self) -> bool:
        return self.iteration >= self.iterations or not self.alive.any()

    @property
    def progress(self) -> tuple[int, int]:
        """In thousandths of an iteration."""
        total = 1000 * self.iterations
        return (total if self.finished else 1000 * self.iteration + int(1000 * self.sampler.share)), total

    @property
    def outlook(self) -> float:
        """The length of a full iteration over that of the iterations so far: untrained policies fall early."""
        steps = float(self.simulated_steps.double().mean())
        return max(self.iteration * self.sampler.full_steps / steps, 1.0) if steps else 1.0

    def advance(self) -> list[Row]:
        """Collect a slice of the batch, and update if that completes it."""
        batch = self.sampler.advance(self.agent.snapshot().standing_still(~self.alive))
        if batch is None:
            return []
        self.iteration += 1
        self.simulated_steps += batch.steps.cpu()
        learned = self.agent.update(batch)
        self._mask(batch.finite(), "an observation or a reward is not finite")
        parameters = torch.stack([finite_rows(p) for p in self.agent.parameters()]).all(0)
        self._mask(parameters, "a parameter is not finite")
        self.sampler.scaling.renew()
        return self._rows(batch, learned)

    def _mask(self, finite: Tensor, reason: str) -> None:
        self.mark_diverged(finite, f"iteration {self.iteration}: {reason}")

    def _rows(self, batch: Collected, learned: Mapping[str, Tensor]) -> list[Row]:
        nothing = torch.full((len(self.seeds),), math.nan)
        if "kl" in learned:
            learned = {**learned, "kl": learned["kl"].clamp(min=0)}
        columns = {
            "simulated_steps": self.simulated_steps,
            "return_mean": batch.return_mean,
            "episode_length": batch.length_mean,
            "reward_per_step": batch.reward_per_step,
            **{name: learned.get(name, nothing).double() for name in COLUMNS},
        }
        return self.rows(self.iteration, columns)

    def state_dict(self) -> dict[str, Any]:
        return {
            "iteration": self.iteration,
            "simulated_steps": self.simulated_steps,
            **self.block_state(),
            "sampler": self.sampler.state_dict(),
            "agent": self.agent.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.iteration = state["iteration"]
        self.simulated_steps = state["simulated_steps"].cpu().clone()
        self.load_block_state(state)
        self.sampler.load_state_dict(state["sampler"])
        self.agent.load_state_dict(state["agent"])

    def policies(self) -> dict[int, TrainedPolicy]:
        """`svgbench.words.policy.HasPolicies`: the mean actions."""
        scaling = self.sampler.scaling
        scales = scaling.centre[:, 0], scaling.width[:, 0], scaling.clip
        return self.policies_of(self.agent.mean_network(), *scales, ActionUnits(self.task))
