"""A policy that plans before it acts, at test time: Clavera et al. 2020, section 5.4 and Table 1.

"We use the cross-entropy method with our stochastic policy as our initial distributions." From the present state, the
policy's mean actions are followed along one path of the learned model. They are the mean of the first candidates, and
the policy's standard deviations are the candidates'. The search is over actions before the policy's tanh. The first
action of the best sequence is taken.

The text leaves the rest open. There are two readings. "code" is iclavera/meta-mb at c1cd562
(policies/mpc_controller.py), whose planner

* uses log_std as the standard deviation, and its square as the variance;
* limits the variance by the box [-1, 1], although actions before the tanh have no bounds;
* also plans the action of the terminal value, and weighs that value by gamma^(H+1) after H rewards;
* uses the model's variance as the standard deviation of its noise.

"text" does none of these. Both have 256 candidates, 25 elites, 5 iterations, H = 5, alpha = 0.1, no warm start. Neither
clips predicted observations (the code: to [-100, 100]). In both, the path of the policy's mean actions has noise like
the candidates' paths. The code's has the model's standard deviation, so "code" differs from it here.

Axes: S seeds, N states of each seed, L actions of a candidate, O observation, A action.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from svgbench.models.branched import Rewards, Terminates
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.nn.distributions import SquashedGaussian
from svgbench.nn.streams import Streams
from svgbench.planning.action_sequences import SequencePlanner, SequenceSearch
from svgbench.planning.model_returns import ModelReturns, ReturnSettings
from svgbench.planning.trial import Way

Reading = Literal["text", "code"]


class PolicyAndCritics(NamedTuple):
    """The policy and critics of S seeds that a planner uses. Both see normalised observations x [S, B, O].

    policy: maps x to a distribution of actions. action_value: maps (x, u) [S, B, O + A], u in [-1, 1], to the smaller
    of the critics' values [S, B]. normalise: maps observations [S, B, O] to x.
    """

    policy: Callable[[Tensor], SquashedGaussian]
    action_value: Callable[[Tensor], Tensor]
    normalise: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class PlanningSettings:
    """Settings of the search, of the scores, and of the initial standard deviation."""

    search: SequenceSearch
    returns: ReturnSettings
    init_std: Literal["std", "log_std"] = "std"  # "log_std": |log_std| is used as the standard deviation


def planning_settings(
    gamma: float, reading: Reading, horizon: int = 5, search: SequenceSearch | None = None
) -> PlanningSettings:
    """MAAC's planner, as in the text or in the authors' code. search: None: MAAC's settings."""
    search = search or SequenceSearch()
    if reading == "text":
        return PlanningSettings(search, ReturnSettings(gamma, horizon))
    returns = ReturnSettings(gamma, horizon, "member_variance", terminal_action="planned", terminal_power="H+1")
    return PlanningSettings(replace(search, variance_cut="box"), returns, init_std="log_std")


def ways_with_and_without(
    settings: PlanningSettings,
    agent: PolicyAndCritics,
    model: GaussianEnsemble,
    seeds: Sequence[int],
    reward: Rewards | None,
    terminates: Terminates | None,
) -> tuple[Way, Way]:
    """The two ways of a `PairedTrial`: with planning, and without. A plan's random numbers depend on seed and time."""

    def policy(t: int) -> PlannedPolicy:
        return PlannedPolicy(settings, agent, model, seeds, f"plan-{t}", reward=reward, terminates=terminates)

    return lambda t, obs: policy(t).act(obs), lambda t, obs: policy(t).mode(obs)


class PlannedPolicy:
    """Planned actions of S seeds. Each seed plans in its own model.

    name: of the random streams. Two objects with the same seeds and name make the same plans.
    reward, terminates, members: as in `svgbench.planning.model_returns.ModelReturns`.
    """

    def __init__(
        self,
        settings: PlanningSettings,
        agent: PolicyAndCritics,
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
        """The policy's own actions [S, N, A], without planning."""
        return self.agent.policy(self.agent.normalise(obs)).mode

    @torch.no_grad()
    def initial(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation [S, N, L, A] of the first candidates, before the tanh. obs [S, N, O]."""
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
