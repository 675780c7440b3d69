"""A policy that plans before it acts, at test time: Clavera et al. 2020, section 5.4 and Table 1.

"We use the cross-entropy method with our stochastic policy as our initial distributions." From the present state, the
policy's means are rolled through one path of the learned model. They are the mean of the first candidates, and the
policy's deviations are theirs. The search is over actions before the policy's tanh. The first action found is taken.

The text leaves the rest open. Two readings: "code" is iclavera/meta-mb at c1cd562 (policies/mpc_controller.py), whose
planner

* takes log_std for the deviation, and squares it for the variance;
* draws with a variance cut by the box [-1, 1], though actions before the tanh have no bounds;
* plans the action of the terminal value too, and weighs that value by gamma^(H+1) after H rewards;
* takes noise of the size of the model's variance where its deviation is meant.

"text" does none of these. Both: 256 candidates, 25 elites, 5 iterations, H = 5, alpha = 0.1, no warm start.

Axes: S seeds, N states of each seed, L actions of a candidate, O observation, A action.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.models.branched import Rewards, Terminates
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.nn.distributions import SquashedGaussian
from svgbench.nn.streams import Streams
from svgbench.planning.action_sequences import SequencePlanner, SequenceSearch
from svgbench.planning.model_returns import ModelReturns, ReturnSettings
from svgbench.planning.trial import PairedTrial, Way
from svgbench.words.task import Simulations

Reading = Literal["text", "code"]


class PlanningAgent(NamedTuple):
    """The policy and critics of S seeds that a planner uses. Both see normalised observations x [S, B, O].

    policy: of x. action_value: the smaller of the critics' values [S, B], of (x, u) [S, B, O + A] with an action u in
    [-1, 1]. normalise: x of observations [S, B, O].
    """

    policy: Callable[[Tensor], SquashedGaussian]
    action_value: Callable[[Tensor], Tensor]
    normalise: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class PlanningSettings:
    """A search, how its candidates are scored, and the deviation that it starts with."""

    search: SequenceSearch
    returns: ReturnSettings
    init_std: Literal["std", "log_std"] = "std"  # "log_std": its size, |log_std|, stands for the deviation


def planning_settings(
    gamma: float, reading: Reading, horizon: int = 5, search: SequenceSearch | None = None
) -> PlanningSettings:
    """MAAC's planner, as the text or as the authors' code has it. search: None for its own numbers."""
    search = search or SequenceSearch()
    if reading == "text":
        return PlanningSettings(search, ReturnSettings(gamma, horizon))
    returns = ReturnSettings(gamma, horizon, "member_variance", terminal_action="planned", terminal_power="H+1")
    return PlanningSettings(replace(search, variance_cut="box"), returns, init_std="log_std")


def ways_with_and_without(
    settings: PlanningSettings,
    agent: PlanningAgent,
    model: GaussianEnsemble,
    seeds: Sequence[int],
    reward: Rewards | None,
    terminates: Terminates | None,
) -> tuple[Way, Way]:
    """How a `PairedTrial` acts with planning, and without. A plan's random numbers depend on the seed and the time."""

    def policy(t: int) -> PlannedPolicy:
        return PlannedPolicy(settings, agent, model, seeds, f"plan-{t}", reward=reward, terminates=terminates)

    return lambda t, obs: policy(t).act(obs), lambda t, obs: policy(t).mode(obs)


class PlannedPolicy:
    """Actions of S seeds, each planned in the seed's own model.

    name: of the random streams of this evaluation. Two objects of the same seeds and name plan alike.
    reward, terminates, members: as `svgbench.planning.model_returns.ModelReturns`.
    """

    def __init__(
        self,
        settings: PlanningSettings,
        agent: PlanningAgent,
        model: GaussianEnsemble,
        seeds: Sequence[int],
        name: str,
        *,
        reward: Rewards | None = None,
        terminates: Terminates | None = None,
        members: Tensor | None = None,
    ) -> None:
        self.settings, self.agent, self.S = settings, agent, len(seeds)
        device = model.centre.device
        self.planner = SequencePlanner(settings.search, Streams(seeds, f"{name}-candidates", device))
        self.returns = ModelReturns(
            settings.returns, model, self._value, Streams(seeds, f"{name}-model", device),
            reward=reward, terminates=terminates, members=members,
        )  # fmt: skip

    @torch.no_grad()
    def act(self, obs: Tensor) -> Tensor:
        """The actions [S, N, A], in [-1, 1], to take at observations [S, N, O]."""
        mean, std = self.initial(obs)
        found = self.planner.plan(mean, std, lambda candidates: self.returns(obs, torch.tanh(candidates)))
        return torch.tanh(found[:, :, 0])

    @torch.no_grad()
    def mode(self, obs: Tensor) -> Tensor:
        """The actions [S, N, A] of the policy itself, without a plan."""
        return self.agent.policy(self.agent.normalise(obs)).mode

    @torch.no_grad()
    def initial(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation [S, N, L, A] of the first candidates, before the tanh, at observations [S, N, O]."""
        means, stds = [], []
        running = torch.ones(obs.shape[:2], dtype=torch.bool, device=obs.device)
        for t in range(self.settings.returns.length):
            policy = self.agent.policy(self.agent.normalise(obs))
            means.append(policy.mean)
            stds.append(policy.log_std.exp() if self.settings.init_std == "std" else policy.log_std.abs())
            if t + 1 < self.settings.returns.length:
                obs = self.returns.step(obs, policy.mode, running)[1]
        return torch.stack(means, 2), torch.stack(stds, 2)

    def _value(self, obs: Tensor, planned: Tensor | None) -> Tensor:
        x = self.agent.normalise(obs)
        u = self.agent.policy(x).mode if planned is None else planned
        return self.agent.action_value(torch.cat([x, u], -1))

    def state_dict(self) -> dict[str, Any]:
        return {"planner": self.planner.state_dict(), "returns": self.returns.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.planner.load_state_dict(state["planner"])
        self.returns.load_state_dict(state["returns"])


def returns_with_and_without(
    planned: PlannedPolicy, simulations: Simulations, to_controls: Callable[[NDArray[Any]], NDArray[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns [S, episodes] of one episode in every simulation: with planning, and of the policy's mode alone.

    Both begin in the same states. simulations: S seeds, seed-major, without automatic resets. to_controls: from actions
    in [-1, 1] to the task's (`svgbench.simulate.acting.ActionUnits`). An action that is not a number becomes 0.
    """
    planned.planner.forget()
    ways: list[Way] = [lambda _, obs: planned.act(obs), lambda _, obs: planned.mode(obs)]
    trial = PairedTrial(ways, simulations, to_controls, planned.S, planned.returns.model.centre)
    while not trial.done:
        trial.advance(1000)
    return trial.returns[0], trial.returns[1]
