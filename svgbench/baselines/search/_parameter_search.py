"""Search over policy parameters: draw many whole policies, score each by one episode, draw the next from the best.

The learner is an `OnPolicyLearner` whose agent draws (`ParameterSearch`) and whose sampler scores
(`svgbench.simulate.scores`). Every one of the S * n candidates has a simulation and a network of its own. Actions are
sampled: a candidate's log_std is a parameter like the others, as in Schulman 2016 ("a linear policy with six
parameters" for four observations and one action, section 3.8.1) and in the authors' code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from svgbench.learners.costs import batches
from svgbench.learners.on_policy import OnPolicyLearner
from svgbench.nn.gaussian_policy import GaussianPolicy, PolicySnapshot
from svgbench.nn.mean_network import MeanNetwork
from svgbench.nn.scaling import ObservationScaling
from svgbench.nn.state import on_cpu
from svgbench.nn.streams import Streams
from svgbench.simulate.scores import OneEpisodeEach, Scores
from svgbench.words.task import Task


class CandidateSearch(Protocol):
    """A distribution over parameters for each of S seeds, in float64 on the CPU."""

    @property
    def mean(self) -> Tensor:
        """The centre of the distribution, [S, P]."""
        ...

    def ask(self) -> Tensor:
        """Candidates [S, n, P]."""
        ...

    def tell(self, returns: Tensor) -> None:
        """Take in the scores of the last candidates, float64 [S, n], finite; higher is better."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state before the last `ask`: the next one gives the same candidates again."""
        ...


class ParameterSearch:
    """`svgbench.learners.on_policy.OnPolicyAgent`: the candidates of S seeds. dtype: of the acting networks."""

    def __init__(self, policy: GaussianPolicy, search: CandidateSearch, dtype: torch.dtype) -> None:
        self.policy, self.search, self.dtype = policy, search, dtype
        self._draw()

    def _draw(self) -> None:
        candidates = self.search.ask()
        S, n, _ = candidates.shape
        theta = candidates.flatten(0, 1).to(self.dtype)
        each = self.policy.snapshot(theta)
        self._entropy = self.policy.entropy(theta).view(S, n).mean(1)
        self._acting = PolicySnapshot(
            lambda x: each.mean(x.reshape(S * n, 1, -1)).reshape(S, n, -1), each.std.reshape(S, n, -1)
        )

    def snapshot(self) -> PolicySnapshot:
        """Candidate i acts in simulation i."""
        return self._acting

    def update(self, batch: Scores) -> Mapping[str, Tensor]:
        entropy = self._entropy
        self.search.tell(torch.where(batch.finite()[:, None], batch.returns, 0.0))
        self._draw()
        return {"entropy": entropy}

    def parameters(self) -> Sequence[Tensor]:
        return [self.search.mean]

    def state_dict(self) -> dict[str, Any]:
        return self.search.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.search.load_state_dict(on_cpu(state))
        self._draw()

    def mean_network(self) -> MeanNetwork:
        """Of the policy at the distribution's mean ("Return the final mu")."""
        return self.policy.mean_network(self.search.mean.to(self.dtype))


def make_search(
    config: Any, search: Callable[[Tensor], CandidateSearch], task: Task, seeds: Sequence[int], iterations: int
) -> OnPolicyLearner[Scores]:
    """The learner of a block, on the CPU.

    search: makes the search from the initial means, float64 [S, P].

    config: `hidden`, `activation`, `init_std`, `output_gain`, `observation_scaling`, `observation_clip` and `dtype` of
    the policies, `simulations`, `path_length` and `steps_per_slice` of the episodes.
    """
    c, dtype = config, getattr(torch, config.dtype)
    policy = GaussianPolicy(task.observation_dim, task.action_dim, c.hidden, c.activation)
    first = policy.initial(Streams(seeds, "policy"), c.init_std, c.output_gain, torch.float64)
    agent = ParameterSearch(policy, search(first), dtype)
    scaling = ObservationScaling(c.observation_scaling, task, seeds, c.observation_clip)
    sampler = OneEpisodeEach(task, seeds, c.simulations, c.path_length, c.steps_per_slice, scaling, dtype)
    return OnPolicyLearner(agent, sampler, task, seeds, iterations)


def search_cost(config: Any, task: Task, seeds: Sequence[int], iterations: int) -> float:
    """Milliseconds of one core that such a block takes if no episode ends early, roughly."""
    steps = config.simulations * (config.path_length or task.horizon)
    return batches(task, len(seeds), iterations, steps, config.hidden, steps)
