"""The vine sampling scheme of Schulman 2016, section 3.5.2: several actions and short rollouts from the same states.

Trunks are paths of the policy. K actions are tried in each of a random set of their states, and the policy continues
from each action to the end of a short branch. The K branches of a state share their noise after the first action
(common random numbers), so their differences come from the action.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.learners.surrogate import log_ratios, scores
from svgbench.nn.gaussian_policy import GaussianPolicy, PolicySnapshot, kl
from svgbench.nn.state import finite_rows
from svgbench.nn.streams import Streams
from svgbench.simulate.batch import Batch, Samples
from svgbench.simulate.paths import Floats, Rollouts, snapshot_of


@dataclass
class VineBatch:
    """States of the rollout set, the actions tried there and their results. The other fields are the trunks', [S]."""

    x: Tensor  # [S, M, O], scaled observations
    action: Tensor  # [S, M, K, A], in the policy's units
    q: Tensor  # [S, M, K], discounted sums along the branches
    weight: Tensor  # [S, M]; sums to one; zero where the trunks had fewer states than M
    steps: Tensor  # int64 [S]: calls of the simulator, branches included
    return_mean: Tensor
    length_mean: Tensor
    reward_per_step: Tensor
    trunks_finite: Tensor

    def finite(self) -> Tensor:
        """Which seeds saw finite numbers only, bool [S]."""
        return self.trunks_finite & finite_rows(self.q)

    def states(self) -> Samples:
        """The rollout set as samples, for the metric; actions and advantages are the first ones tried."""
        return Samples(self.x, self.action[:, :, 0], self.q[:, :, 0], self.weight)

    def scaled_q(self) -> Tensor:
        """Q-values less their state's mean, over the mean deviation within a state (the authors' code): [S, M, K]."""
        centred = self.q - self.q.mean(2, keepdim=True)
        spread = (centred.square().mean(2).sqrt() * self.weight).sum(1)[:, None, None]
        # Where no action matters the spread is only rounding, which becomes noise of size one here. That happens in the
        # committed vines on cart-pole, so the correction waits for the next VERSION of trpo.
        return centred / torch.where(spread > 0, spread, 1.0)


class VineSurrogate:
    """The self-normalised estimate of L and its gradient, and the KL over the rollout set. q [S, M, K]."""

    def __init__(self, policy: GaussianPolicy, theta: Tensor, batch: VineBatch, q: Tensor) -> None:
        self.policy, self.theta, self.batch, self.q = policy, theta, batch, q
        self.recording = policy.net.record(policy.weights(theta), batch.x)
        self.log_std = policy.log_std(theta)

    def gradient(self) -> Tensor:
        """Gradient of L at theta, float64 [S, P]: sum_n w_n 1/K sum_k (Q_nk - mean_k Q_nk) grad log pi(a_nk | s_n)."""
        K = self.q.shape[2]
        c = (self.batch.weight[:, :, None] * (self.q - self.q.mean(2, keepdim=True)) / K).unsqueeze(-1)
        by_mean, by_log_std = scores(self.recording.output.unsqueeze(2), self.log_std.unsqueeze(1), self.batch.action)
        net = self.policy.net.vjp(self.recording, (c * by_mean).sum(2))
        return torch.cat([net, (c * by_log_std).sum((1, 2))], 1).double()

    def evaluate(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """At new parameters: L(theta) - L(theta_old), the mean KL and the largest KL of a state, each [S]."""
        mean, new_mean = self.recording.output, self.policy.mean(theta, self.batch.x)
        log_std, new_log_std, weight = self.log_std, self.policy.log_std(theta), self.batch.weight
        ratio = log_ratios(
            mean.unsqueeze(2), log_std.unsqueeze(1), new_mean.unsqueeze(2), new_log_std.unsqueeze(1), self.batch.action
        )
        share = torch.softmax(ratio, 2) - 1 / ratio.shape[2]  # sum_k ratio_k Q_k / sum_k ratio_k, less the mean
        gain = ((share * self.q).sum(2) * weight).double().sum(1)
        divergence = kl(mean, log_std, new_mean, new_log_std)
        present = torch.where(weight > 0, divergence, 0.0)
        return gain, (divergence * weight).double().sum(1), present.amax(1)


class VineSampler:
    """Batches of the vine scheme, slice by slice: first the trunks, then the branches of some states at a time.

    trunks: made with `keep_states`. rollout_set: M, states per seed; fewer if the trunks visited fewer.
    actions_per_state: K. branch_length: steps of a branch, including the first action. Branches have no time limit.
    states_per_slice: of each seed.
    """

    def __init__(
        self,
        trunks: Rollouts,
        rollout_set: int,
        actions_per_state: int,
        branch_length: int,
        gamma: float,
        states_per_slice: int,
    ) -> None:
        if min(rollout_set, actions_per_state - 1, branch_length, states_per_slice) < 1:
            raise ValueError(
                f"{rollout_set} states, {actions_per_state} actions, branches of {branch_length}, {states_per_slice} "
                "states in a slice: expected positive numbers, and two actions at least"
            )
        if branch_length > trunks.task.horizon:
            raise ValueError(f"branch_length is {branch_length}, expected at most the horizon, {trunks.task.horizon}")
        self.trunks, self.scaling, self.seeds = trunks, trunks.scaling, trunks.seeds
        self.M, self.K, self.L, self.gamma = rollout_set, actions_per_state, branch_length, gamma
        self.C = min(states_per_slice, rollout_set)
        self.branches = trunks.task.simulate(
            self.seeds, self.C * self.K, "branch", torch.get_num_threads(), autoreset=False
        )
        self.like = self.branches.snapshot([0])
        self.choice, self.noise = Streams(self.seeds, "rollout-set"), Streams(self.seeds, "branch")
        self.done = 0  # states of the rollout set whose branches are simulated
        self.chosen: dict[str, NDArray[Any]] = {}  # the rollout set, as the arrays of snapshots: [S, M, ...]
        self.trunk_facts: dict[str, Tensor] = {}
        self.arrays: dict[str, NDArray[Any]] = {}

    @property
    def share(self) -> float:
        """The share of the current batch that is collected, in steps."""
        trunk = self.trunks.sampling.longest * self.trunks.sampling.simulations
        branches = self.M * self.K * self.L
        done = self.done * self.K * self.L + (trunk if self.chosen else trunk * self.trunks.share)
        return done / (trunk + branches)

    @property
    def full_steps(self) -> int:
        return self.trunks.full_steps + self.M * self.K * self.L

    def advance(self, policy: PolicySnapshot) -> VineBatch | None:
        """One slice; the batch if it is complete."""
        if not self.chosen:
            trunk = self.trunks.advance(policy)
            if trunk is not None:
                self._choose(trunk)
            return None
        self._branch(policy)
        return self._finish() if self.done == self.M else None

    def _choose(self, trunk: Batch) -> None:
        """A uniformly random rollout set, without replacement, from the states of the trunks."""
        S, T, N = trunk.used.shape
        used = trunk.used.cpu().numpy().reshape(S, T * N)
        order = self.choice.uniform((self.trunks.sampling.longest * N,), dtype=torch.float64).numpy()[:, : T * N]
        places = np.argsort(np.where(used, order, 2.0), axis=1, kind="stable")[:, : self.M]
        count = np.minimum(used.sum(1), self.M)
        places = np.concatenate([places, np.repeat(places[:, :1], self.M - places.shape[1], 1)], 1)
        present = np.arange(self.M) < count[:, None]
        places = np.where(present, places, places[:, :1])
        t, i = places // N, places % N + N * np.arange(S)[:, None]
        self.chosen = {name: value[t, i] for name, value in self.trunks.states.items()}
        self.trunks.states = {}
        weight = present / np.maximum(count, 1)[:, None]
        dtype = self.trunks.dtype
        self.arrays = {
            "x": self.scaling.apply(self.chosen["observation"], dtype),
            "action": np.zeros((S, self.M, self.K, self.trunks.task.action_dim), dtype),
            "q": np.zeros((S, self.M, self.K)),
            "weight": weight.astype(dtype),
            "steps": trunk.steps.cpu().numpy().copy(),
        }
        names = ("return_mean", "length_mean", "reward_per_step")
        self.trunk_facts = {name: getattr(trunk, name) for name in names} | {"trunks_finite": trunk.finite()}
        self.done = 0

    def _branch(self, policy: PolicySnapshot) -> None:
        """All branches of the next few states of each seed."""
        S, A, K = len(self.seeds), self.trunks.task.action_dim, self.K
        own = slice(self.done, min(self.done + self.C, self.M))
        m = own.stop - own.start
        first = self.noise.normal((self.C, K, A), self.trunks.torch_dtype).numpy()[:, :m].reshape(S, m * K, A)
        common = self.noise.normal((self.L - 1, self.C, A), self.trunks.torch_dtype).numpy()[:, :, :m]
        where = (np.arange(m * K) + self.C * K * np.arange(S)[:, None]).reshape(-1)  # simulations, state by state
        rows = {
            name: np.repeat(value[:, own], K, 1).reshape(len(where), *value.shape[2:])  # some have no elements
            for name, value in self.chosen.items()
        }
        rows["elapsed"], rows["ended"] = 0 * rows["elapsed"], rows["ended"] & False
        self.branches.restore(snapshot_of(rows, self.like), where)

        observation = rows["observation"].copy()
        running = np.repeat(self.arrays["weight"][:, own] > 0, K, 1).reshape(-1)  # without the padding
        q = np.zeros(len(where))
        for step in range(self.L):
            if not running.any():
                break
            noise = first if step == 0 else np.repeat(common[:, step - 1], K, 1)  # common to a state's branches
            action = self._act(policy, observation.reshape(S, m * K, -1), noise)
            if step == 0:
                self.arrays["action"][:, own] = action.reshape(S, m, K, A)
            ids = np.flatnonzero(running)
            controls = self.trunks.units(action.astype(np.float64)).reshape(len(where), A)
            outcome = self.branches.step(controls[ids], where[ids])
            q[ids] += self.gamma**step * outcome.reward
            observation[ids] = outcome.final_observation
            self.arrays["steps"] += running.reshape(S, -1).sum(1)
            running[ids] = ~(outcome.terminated | outcome.failed)
        self.arrays["q"][:, own] = q.reshape(S, m, K)
        self.done = own.stop

    def _act(self, policy: PolicySnapshot, observation: NDArray[np.float64], noise: Floats) -> Floats:
        action = policy.mean(self.scaling.apply(observation, self.trunks.dtype))
        action += policy.std * noise
        return action

    def _finish(self) -> VineBatch:
        tensors = {name: self.trunks._tensor(array) for name, array in self.arrays.items()}
        tensors["q"] = tensors["q"].to(tensors["x"].dtype)
        batch = VineBatch(**tensors, **self.trunk_facts)
        self.chosen, self.arrays, self.trunk_facts, self.done = {}, {}, {}, 0
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next slice depends on. That excludes the branches' simulations: each slice sets their
        state, and they draw nothing.
        """
        return {
            "trunks": self.trunks.state_dict(),
            "done": self.done,
            "chosen": {name: torch.from_numpy(array) for name, array in self.chosen.items()},
            "arrays": {name: torch.from_numpy(array) for name, array in self.arrays.items()},
            "trunk_facts": self.trunk_facts,
            "choice": self.choice.state_dict(),
            "noise": self.noise.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.trunks.load_state_dict(state["trunks"])
        self.done = state["done"]
        self.chosen = {name: value.cpu().numpy().copy() for name, value in state["chosen"].items()}
        self.arrays = {name: value.cpu().numpy().copy() for name, value in state["arrays"].items()}
        self.trunk_facts = {name: value.clone() for name, value in state["trunk_facts"].items()}
        self.choice.load_state_dict(state["choice"])
        self.noise.load_state_dict(state["noise"])
