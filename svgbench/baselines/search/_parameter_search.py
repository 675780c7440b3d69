"""Search over policy parameters: draw many whole policies, score each by one episode, draw the next from the best.

The learner is a `OnPolicyLearner` whose agent draws (`ParameterSearch`) and whose sampler scores (`OneEpisodeEach`).
Every one of the S * n candidates has a simulation and a network of its own. Actions are sampled: a candidate's log_std
is a parameter like the others, as in Schulman 2016 ("a linear policy with six parameters" for four observations and
one action, section 3.8.1) and in the authors' code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.learners.costs import batches
from svgbench.learners.on_policy import OnPolicyLearner
from svgbench.nn.gaussian_policy import Acting, GaussianPolicy
from svgbench.nn.scaling import ObservationScaling
from svgbench.nn.state import finite_rows, on_cpu
from svgbench.nn.streams import Streams
from svgbench.simulate.acting import action_range, slice_noise
from svgbench.words.task import Task


class CandidateSearch(Protocol):
    """A distribution over parameters for each of S seeds, in float64 on the CPU."""

    @property
    def mean(self) -> Tensor:
        """[S, P]: what the distribution is centred on."""
        ...

    def ask(self) -> Tensor:
        """Candidates [S, n, P]."""
        ...

    def tell(self, returns: Tensor) -> None:
        """What the last candidates were worth, float64 [S, n], finite: more is better."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be as before the last `ask`: the next one gives the same candidates again."""
        ...


@dataclass(frozen=True)
class Scores:
    """What an episode of each candidate came to; see `svgbench.learners.on_policy.Collected`."""

    returns: Tensor  # float64 [S, n], undiscounted
    lengths: Tensor  # int64 [S, n], steps
    steps: Tensor  # int64 [S]: calls of the simulator
    path_length: int  # steps of an episode that is not over before

    @property
    def return_mean(self) -> Tensor:
        return self.returns.mean(1)

    @property
    def length_mean(self) -> Tensor:
        return self.lengths.double().mean(1)

    @property
    def reward_per_step(self) -> Tensor:
        """Steps after an early end count as zero."""
        return self.return_mean / self.path_length

    def finite(self) -> Tensor:
        return finite_rows(self.returns)


class ParameterSearch:
    """`svgbench.learners.on_policy.OnPolicyAgent`: the candidates of S seeds. dtype: of the networks that act."""

    def __init__(self, policy: GaussianPolicy, search: CandidateSearch, dtype: torch.dtype) -> None:
        self.policy, self.search, self.dtype = policy, search, dtype
        self._draw()

    def _draw(self) -> None:
        candidates = self.search.ask()
        S, n, _ = candidates.shape
        theta = candidates.flatten(0, 1).to(self.dtype)
        each = self.policy.acting(theta)
        self._entropy = self.policy.entropy(theta).view(S, n).mean(1)
        self._acting = Acting(
            lambda x: each.mean(x.reshape(S * n, 1, -1)).reshape(S, n, -1), each.std.reshape(S, n, -1)
        )

    def acting(self) -> Acting:
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

    def policy_state_dict(self) -> dict[str, Any]:
        """Of the distribution's mean ("Return the final mu")."""
        sizes, activation = self.policy.net.sizes, self.policy.net.activation
        return {"theta": self.search.mean.to(self.dtype), "sizes": list(sizes), "activation": activation}


class OneEpisodeEach:
    """`svgbench.learners.on_policy.Sampler`: n new episodes for each of S seeds, and nothing kept of them but sums.

    path_length: steps after which an episode is cut; 0 is the task's horizon. steps_per_slice: control steps per
    slice (a checkpoint can only fall between slices). Noise is drawn slice by slice, so it is part of the numbers.
    """

    def __init__(
        self,
        task: Task,
        seeds: Sequence[int],
        n: int,
        path_length: int,
        steps_per_slice: int,
        scaling: ObservationScaling,
        dtype: torch.dtype,
    ) -> None:
        if n < 1 or steps_per_slice < 1:
            raise ValueError(f"{n} episodes in slices of {steps_per_slice} steps: expected at least one of each")
        if not 0 <= path_length <= task.horizon:
            raise ValueError(f"path_length is {path_length}, expected at most the task's horizon, {task.horizon}")
        self.task, self.scaling, self.torch_dtype = task, scaling, dtype
        self.dtype: Any = np.dtype(str(dtype).removeprefix("torch."))
        self.path_length, self.steps_per_slice = path_length or task.horizon, steps_per_slice
        S, n = self.shape = len(seeds), n
        self.simulations = task.simulate(seeds, n, "train", torch.get_num_threads(), autoreset=False)
        self.noise = Streams(seeds, "explore")
        self.centre, self.half_range = action_range(task)
        self.t = 0
        self.prelude = 0  # steps that the scaling took before the first episodes
        self.observation = self.simulations.observe()  # [S * n, O]
        self.running = np.ones(S * n, dtype=np.bool_)
        self.returns = np.zeros(S * n)
        self.lengths = np.zeros(S * n, dtype=np.int64)

    @property
    def share(self) -> float:
        return self.t / self.path_length

    @property
    def full_steps(self) -> int:
        return self.shape[1] * self.path_length

    def advance(self, acting: Acting) -> Scores | None:
        """One slice; the scores if all episodes are over."""
        if self.t == 0:
            self.prelude = self.scaling.prepare()
            self.observation = self.simulations.reset()
            self.running[:], self.returns[:], self.lengths[:] = True, 0.0, 0
        shape = (self.steps_per_slice, self.shape[1], self.task.action_dim)
        noise = slice_noise(self.noise, self.running, shape, acting.std, self.torch_dtype)
        for i in range(min(self.steps_per_slice, self.path_length - self.t)):
            self._step(acting, noise[:, i])
            if not self.running.any():
                break
        return None if self.running.any() and self.t < self.path_length else self._finish()

    def _step(self, acting: Acting, noise: NDArray[np.floating]) -> None:
        S, n = self.shape
        ids = None if self.running.all() else np.flatnonzero(self.running)
        rows: Any = slice(None) if ids is None else ids
        action = acting.mean(self.scaling.apply(self.observation.reshape(S, n, -1), self.dtype))
        controls = ((action + noise) * self.half_range + self.centre).reshape(S * n, -1)
        outcome = self.simulations.step(controls[rows], ids)
        self.returns[rows] += outcome.reward
        self.lengths[rows] += 1
        self.observation[rows] = outcome.final_observation
        self.running[rows] = ~(outcome.terminated | outcome.truncated)
        self.t += 1

    def _finish(self) -> Scores:
        self.t = 0
        returns, lengths = (torch.from_numpy(sums.reshape(self.shape).copy()) for sums in (self.returns, self.lengths))
        return Scores(returns, lengths, lengths.sum(1) + self.prelude, self.path_length)

    def state_dict(self) -> dict[str, Any]:
        return {
            "t": self.t,
            "prelude": self.prelude,
            "observation": torch.from_numpy(self.observation),
            "running": torch.from_numpy(self.running),
            "returns": torch.from_numpy(self.returns),
            "lengths": torch.from_numpy(self.lengths),
            "noise": self.noise.state_dict(),
            "scaling": self.scaling.state_dict(),
            "simulations": dict(self.simulations.get_state()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        state = on_cpu(state)
        self.t, self.prelude = state["t"], state["prelude"]
        for name in ("observation", "running", "returns", "lengths"):
            setattr(self, name, state[name].numpy().copy())
        self.noise.load_state_dict(state["noise"])
        self.scaling.load_state_dict(state["scaling"])
        self.simulations.set_state(state["simulations"])


def make_search(
    config: Any, search: Callable[[Tensor], CandidateSearch], task: Task, seeds: Sequence[int], iterations: int
) -> OnPolicyLearner:
    """The learner of a block, on the CPU. search: from the first means, float64 [S, P].

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


def search_work(config: Any, task: Task, seeds: Sequence[int], iterations: int) -> float:
    """Milliseconds of one core that such a block takes if no episode ends early, roughly."""
    steps = config.simulations * (config.path_length or task.horizon)
    sizes = [task.observation_dim, *config.hidden, task.action_dim]
    return batches(task, len(seeds), iterations, steps, sizes, steps)
