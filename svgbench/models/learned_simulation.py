"""A learned model that acts as a task, so that any learner can train inside it.

`LearnedTask` is a `svgbench.words.task.Task`. Give it to a learner in place of the task that the model was learned
from, or make a batch of its simulations with `simulate`, as with any task. It reads the model's weights at each step,
so a new fit also changes simulations that already run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from svgbench import strict_json
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.simulation_batch import BaseSimulations, DrawnAhead, RawStep, Rows, generator
from svgbench.words.task import Array, Bools, Recorded, Task

MEMBER_OF = ("row", "step", "episode", "mean")

AHEAD = 32  # steps for which a simulation draws noise at once


@dataclass(frozen=True, eq=False, kw_only=True)
class LearnedTask:
    """A task whose dynamics an ensemble has learned. Bounds, dt and termination rule are the task's own.

    The model's inputs are (observation, action), with actions scaled to [-1, 1] if the task bounds them. Its outputs
    are (reward, change of observation), or only the change. The model computes in its own precision; observations are
    float64.

    task: the task that it was learned from; it must state its `termination_function`.
    model, model_seeds: S ensembles, and the seeds to which they belong, in this order.
    horizon: control steps after which an imagined episode is truncated.
    member_of: which member predicts. "row": one is drawn for every row and step (MBPO, MAAC). "step": one is drawn at
        each step for all rows of a seed that step together (ME-TRPO). "episode": one is drawn for a whole episode
        (TS-inf of PETS). "mean": the mean of the members' means.
    elites: returns the members to draw from, or to average over, for every seed, [S, K]; None: all.
    noise: whether outputs include the noise that the member predicts, or are its mean.
    learned_reward: the reward is an output of the model; otherwise the task's own `reward_function` computes it.
    starts: returns for every seed the observations [n, O] that episodes start from; one is drawn with replacement.
        None: the task's own starts, those of its simulations with the same seed, stream and copy.
    clip_actions: the model gets actions clipped to the task's range. Reward and termination rule get them unclipped,
        unless `clip_rewarded_actions`.
    observation_limit: next observations are clipped to [-observation_limit, observation_limit].
    """

    task: Task
    model: GaussianEnsemble
    model_seeds: Sequence[int]
    horizon: int
    member_of: str = "row"
    elites: Callable[[], Int64[Tensor, "S K"]] | None = None
    noise: bool = True
    learned_reward: bool = True
    starts: Callable[[], Sequence[Float[Tensor, "_ O"]]] | None = None
    clip_actions: bool = True
    clip_rewarded_actions: bool = False
    observation_limit: float = float("inf")

    def __post_init__(self) -> None:
        n, m, outputs = self.task.observation_dim, self.task.action_dim, self.model.outputs
        if self.member_of not in MEMBER_OF:
            raise ValueError(f"member_of is {self.member_of!r}, expected one of {', '.join(MEMBER_OF)}")
        if self.member_of == "mean" and self.noise:
            raise ValueError("member_of is mean: expected noise=False, as no member predicts the mean's noise")
        if self.horizon < 1:
            raise ValueError(f"horizon is {self.horizon}, expected at least 1 step")
        if self.model.inputs != n + m or outputs not in ((n + 1,) if self.learned_reward else (n, n + 1)):
            reward = "a reward and " if self.learned_reward else ""
            raise ValueError(
                f"the model has {self.model.inputs} inputs and {outputs} outputs; expected {n + m}, the observation "
                f"and action of {self.task.id}, and {reward}{n} changes"
            )
        if len(set(self.model_seeds)) != len(self.model_seeds) or len(self.model_seeds) != len(self.model.centre):
            raise ValueError(f"model_seeds is {list(self.model_seeds)}, expected {len(self.model.centre)} that differ")
        if self.task.termination_function is None:
            raise ValueError(f"{self.task.id} states no termination_function: expected one, to end imagined episodes")
        if not self.learned_reward and self.task.reward_function is None:
            raise ValueError(f"{self.task.id} states no reward_function: expected one, or learned_reward=True")

    @property
    def id(self) -> str:
        return f"{self.task.id}, learned"

    @property
    def observation_dim(self) -> int:
        return self.task.observation_dim

    @property
    def action_dim(self) -> int:
        return self.task.action_dim

    @property
    def observation_low(self) -> Array:
        return self.task.observation_low

    @property
    def observation_high(self) -> Array:
        return self.task.observation_high

    @property
    def action_low(self) -> Array:
        return self.task.action_low

    @property
    def action_high(self) -> Array:
        return self.task.action_high

    @property
    def dt(self) -> float:
        return self.task.dt

    @property
    def reward_function(self) -> Recorded | None:
        return None if self.learned_reward else self.task.reward_function

    @property
    def termination_function(self) -> Recorded | None:
        return self.task.termination_function

    def simulate(
        self,
        seeds: Sequence[int],
        copies: int = 1,
        stream: str = "train",
        threads: int = 1,
        autoreset: bool = True,
    ) -> LearnedSimulations:
        """As `svgbench.words.task.Task.simulate`. Raises ValueError for a seed that the model does not have."""
        return LearnedSimulations(self, seeds, copies, stream, threads, autoreset)


class LearnedSimulations(BaseSimulations):
    """`svgbench.words.task.Simulations` of a `LearnedTask`.

    Each simulation draws noise, members and starts from its own random stream. Only with member_of="step", a seed's
    simulations share a stream of members. A step whose result is not finite has `failed`. The state holds no weights.
    """

    def __init__(
        self, task: LearnedTask, seeds: Sequence[int], copies: int, stream: str, threads: int, autoreset: bool
    ) -> None:
        super().__init__(task, seeds, copies, stream, autoreset)
        known = {seed: place for place, seed in enumerate(task.model_seeds)}
        for seed in self.seeds:
            if seed not in known or self.seeds.count(seed) > 1:
                raise ValueError(f"seed {seed}: expected each seed once, among the model's: {list(known)}")
        self.task = task
        self._place = np.repeat([known[seed] for seed in self.seeds], copies)  # the seed's index in the model
        self._member = np.zeros(len(self), dtype=np.int64)
        self._scale = self._action_scale()
        K, each = task.model.outputs, self._generators
        self._noise = DrawnAhead(each, AHEAD, K, lambda g: g.standard_normal((AHEAD, K)), "noise-")
        self._choice = DrawnAhead(each, AHEAD, 1, lambda g: g.random((AHEAD, 1)), "choice-")
        self._turns = [generator(seed, f"{stream} members", 0) for seed in self.seeds]
        own = task.starts is None
        self._real = task.task.simulate(self.seeds, copies, stream, threads, autoreset=False) if own else None
        self._first = True
        self.reset()
        self._first = False

    def _action_scale(self) -> tuple[Array, Array]:
        """Centre and half width of the range of each action; 0 and 1 if the task does not bound actions."""
        low, high = self.task.action_low, self.task.action_high
        if np.isfinite(low).all() and np.isfinite(high).all():
            return (high + low) / 2, (high - low) / 2
        return np.zeros(len(low)), np.ones(len(low))

    def _begin(self, ids: NDArray[np.int64]) -> Array:
        if self.task.member_of == "episode":
            self._member[ids] = self._elite(ids, self._choice.take(ids)[:, 0])
        if self._real is not None:
            return self._real.observe()[ids] if self._first else self._real.reset(ids)
        assert self.task.starts is not None
        among = self.task.starts()
        drawn = [self._generators[i].random() for i in ids]
        observation = np.empty((len(ids), self.task.observation_dim))
        for row, (place, u) in enumerate(zip(self._place[ids], drawn, strict=True)):
            observation[row] = among[place][int(u * len(among[place]))].cpu().numpy()
        return observation

    def _elite(self, ids: NDArray[np.int64], uniform: Array) -> NDArray[np.int64]:
        """The member of each of simulations `ids`, chosen by its number `uniform` in [0, 1)."""
        if self.task.elites is None:
            return (uniform * self.task.model.members).astype(np.int64)
        elites = self.task.elites().cpu().numpy()
        drawn: NDArray[np.int64] = elites[self._place[ids], (uniform * elites.shape[1]).astype(np.int64)]
        return drawn

    def _members(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The member that predicts the next step of each of simulations `ids`."""
        if self.task.member_of == "episode":
            return self._member[ids]
        if self.task.member_of == "row":
            return self._elite(ids, self._choice.take(ids)[:, 0])
        owner = ids // self.copies
        uniform = np.zeros(len(self.seeds))
        for s in set(owner.tolist()):
            uniform[s] = self._turns[s].random()
        return self._elite(ids, uniform[owner])

    def _advance(self, ids: NDArray[np.int64] | None, rows: Rows, actions_nA: Array) -> RawStep:
        task, which = self.task, np.arange(len(self)) if ids is None else ids
        obs, n = self._observation[rows], task.observation_dim
        clipped = np.clip(actions_nA, task.action_low, task.action_high)
        taken = clipped if task.clip_actions else actions_nA
        judged = clipped if task.clip_rewarded_actions else actions_nA
        centre, half_range = self._scale
        with np.errstate(all="ignore"):  # a model that has diverged overflows
            outcome = self._outcome(which, np.concatenate([obs, (taken - centre) / half_range], 1))
            next_obs = np.clip(obs + outcome[:, -n:], -task.observation_limit, task.observation_limit)
            reward = outcome[:, 0] if task.learned_reward else _called(task.reward_function, obs, judged, next_obs)
            terminated: Bools = _called(task.termination_function, obs, judged, next_obs)
        failed = ~(np.isfinite(next_obs).all(1) & np.isfinite(reward))
        return RawStep(next_obs, reward, terminated & ~failed, failed)

    def _outcome(self, ids: NDArray[np.int64], x: Array) -> Array:
        """The model's outputs [n, K] for inputs x [n, I] of simulations `ids`."""
        model, at = self.task.model, (self._place[ids], ids % self.copies)
        S, device = len(model.centre), model.centre.device
        inputs = np.zeros((S, self.copies, x.shape[1]))
        active, member = np.zeros((S, self.copies), np.bool_), np.zeros((S, self.copies), np.int64)
        inputs[at], active[at] = x, True
        given = torch.from_numpy(inputs).to(model.centre), torch.from_numpy(active).to(device)
        if self.task.member_of == "mean":
            return self._mean(given[0])[at]
        member[at] = self._members(ids)
        mean, log_var = model.predict_rows(given[0], torch.from_numpy(member).to(device), given[1])
        outcome = mean.double().cpu().numpy()[at]
        if self.task.noise:
            outcome += np.exp(0.5 * log_var.double().cpu().numpy()[at]) * self._noise.take(ids)
        return outcome

    def _mean(self, x: Float[Tensor, "S C I"]) -> Array:
        model = self.task.model
        means = model.predict_blocks(x[:, None].expand(-1, model.members, -1, -1))[0]
        if self.task.elites is not None:
            means = torch.stack([own[elites] for own, elites in zip(means, self.task.elites(), strict=True)])
        mean: Array = means.mean(1).double().cpu().numpy()
        return mean

    def _rows(self, rows: Rows) -> dict[str, NDArray[Any]]:
        return {"member": self._member[rows].copy()}

    def _put(self, rows: Rows, dynamics: dict[str, NDArray[Any]]) -> None:
        self._member[rows] = dynamics["member"]

    def _dynamics(self) -> dict[str, Any]:
        return {
            "member": torch.from_numpy(self._member.copy()),
            **self._noise.state(),
            **self._choice.state(),
            "turns": [strict_json.dumps(g.bit_generator.state) for g in self._turns],
            "starts": {} if self._real is None else dict(self._real.get_state()),
        }

    def _restore(self, dynamics: dict[str, Any]) -> None:
        self._member[:] = dynamics["member"].numpy()
        self._noise.restore(dynamics)
        self._choice.restore(dynamics)
        for g, text in zip(self._turns, dynamics["turns"], strict=True):
            g.bit_generator.state = strict_json.loads(text)
        if self._real is not None:
            self._real.set_state(dynamics["starts"])


def _called(rule: Recorded | None, *arrays: Array) -> Any:
    assert rule is not None  # `LearnedTask` requires it
    return np.asarray(rule(*arrays))
