"""Differentiable paths in a learned model, from which policy and critics learn: Clavera et al. 2020.

Axes: S seeds, E members, B rows, O observation, A action. Observations are the task's own, not normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from svgbench.baselines.actor_critic._soft_actor_critic import Actor
from svgbench.models.branched import in_blocks
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.models.value_expansion import floored_weights, inverse_variance_weights

Act = Callable[[int, Tensor], tuple[Tensor, Tensor]]
"""Maps time and observations [S, B, O] to actions [S, B, A] and their log-probabilities [S, B]."""

Outcome = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Maps observation, action and next observation [..., O] to a reward, or to whether the episode ends, [...]."""

Twins = Callable[[Tensor, Tensor], Tensor]
"""Maps observations [S, B, O] and actions to the values of both critics, [S, 2, B]."""

Step = Callable[[int, Tensor, Tensor], Tensor]
"""Maps time, observations [..., O] and actions to the next observations."""


@dataclass(frozen=True)
class PathFunctions:
    """The policy, reward, termination and critics that paths use. ends: None where nothing terminates."""

    act: Act
    reward: Outcome
    ends: Outcome | None
    twins: Twins
    gamma: float

    def survivors(self, alive: Tensor, obs: Tensor, action: Tensor, after: Tensor) -> Tensor:
        """1 for rows that were alive and do not terminate in this step, else 0."""
        return alive if self.ends is None else alive * ~self.ends(obs, action, after)


@dataclass(frozen=True)
class ModelSteps:
    """Differentiable steps of an ensemble whose outputs are changes of the observation.

    variance_as_deviation: as in `GaussianEnsemble.forward`. clip: next observations are clipped to [-clip, clip]; 0:
    they are not clipped.
    """

    model: GaussianEnsemble
    variance_as_deviation: bool
    clip: float

    def of_one(self, obs: Tensor, action: Tensor, order: Tensor, noise: Tensor) -> Tensor:
        """The next observations of rows, each predicted by one member: [S, B, O].

        order [S, B]: a permutation. Its first B / E entries are the rows of the first member, and so on.
        """
        mean, log_var = in_blocks(self._predicted, torch.cat([obs, action], -1), order, self.model.members)
        return self._next(obs, mean, log_var, noise)

    def of_all(self, obs: Tensor, action: Tensor, noise: Tensor) -> Tensor:
        """Every member's next observations [S, E, B, O]. Arguments [S, E or 1, B, .]: for each member or all."""
        x = torch.cat([obs, action], -1).expand(-1, self.model.members, -1, -1)
        mean, log_var = self._predicted(x)
        return self._next(obs, mean, log_var, noise)

    def _predicted(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_var = self.model(x, variance_as_deviation=self.variance_as_deviation)
        return mean, log_var

    def _next(self, obs: Tensor, mean: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
        after = obs + mean + (0.5 * log_var).exp() * noise
        return after.clamp(-self.clip, self.clip) if self.clip > 0 else after


def acting(policy: Actor, normalise: Callable[[Tensor], Tensor], noise: Sequence[Tensor]) -> Act:
    """The policy with its noise at each time, [S, B_t, A]. Sets of B_t rows at the same time share their noise."""

    def act(t: int, obs: Tensor) -> tuple[Tensor, Tensor]:
        sets = obs.shape[1] // noise[t].shape[1]
        own = noise[t].repeat(1, sets, 1) if sets > 1 else noise[t]
        return policy.sample(normalise(obs), own)

    return act


def path_returns(
    functions: PathFunctions, step: Step, start: Tensor, H: int, last_actions: int = 1
) -> tuple[Tensor, Tensor]:
    """sum_{t<H} gamma^t r_t + gamma^H Q(s_H, a_H) along paths from start [S, B, O]: section 4.1, for both critics.

    last_actions: how many actions are drawn in each last state. Returns [S, 2, B * last_actions], and the
    log-probability of the first actions, [S, B], or [S, B * last_actions] if H is 0. Rewards and values after a
    termination are 0.
    """
    gamma, obs, alive = functions.gamma, start, torch.ones_like(start[..., 0])
    total, first_log_prob = torch.zeros_like(alive), None
    for t in range(H):
        action, log_prob = functions.act(t, obs)
        if t == 0:
            first_log_prob = log_prob
        after = step(t, obs, action)
        total = total + gamma**t * alive * functions.reward(obs, action, after)
        alive = functions.survivors(alive, obs, action, after)
        obs = after
    if last_actions > 1:
        obs, alive, total = (x.repeat_interleave(last_actions, 1) for x in (obs, alive, total))
    action, log_prob = functions.act(H, obs)
    returns = total[:, None] + gamma**H * alive[:, None] * functions.twins(obs, action)
    return returns, log_prob if first_log_prob is None else first_log_prob


def smaller_mean(returns: Tensor, K: int, *, of_means: bool) -> Tensor:
    """The mean [S] over rows of the smaller of both critics' returns [S, 2, B * K]. Each start has K adjacent rows.

    of_means: take the smaller one after averaging over the K.
    """
    if of_means:
        returns = returns.unflatten(-1, (-1, K)).mean(-1)
    return returns.amin(1).mean(-1)


@dataclass(frozen=True)
class ExpandedValue:
    """Estimates of a state's value at depths 0 to D: their means and variances, [S, D + 1, B].

    ended: where all paths of an estimate have terminated, bool [S, D + 1, B]; None: nowhere.
    """

    mean: Tensor
    variance: Tensor
    ended: Tensor | None = None

    def combined(self, *, as_coded: bool) -> Tensor:
        """The mean weighted by inverse variances, [S, B]. Raises ValueError as `inverse_variance_weights` does."""
        weights = floored_weights(self.variance) if as_coded else inverse_variance_weights(self.variance, self.ended)
        return (weights * self.mean).sum(1)


def expanded_by_members(
    functions: PathFunctions, step: Step, alpha: Tensor, start: Tensor, members: int, depth: int, *, inner_entropy: bool
) -> ExpandedValue:
    """STEVE for the soft value of states start [S, B, O]. All members share the first action, then follow own paths.

    The estimate at depth j is j rewards of the path plus the soft value after them. Its mean is over members, with the
    smaller critic. Its variance is over members and critics (at depth 0 over critics). alpha [S, 1].

    step: maps [S, E, B, .]. inner_entropy: add the entropies of actions along the path, as the soft value does.
    """
    S, B, _ = start.shape
    action, log_prob = functions.act(0, start)
    bonus = -alpha * log_prob
    value = functions.twins(start, action) + bonus[:, None]  # [S, 2, B]
    means, variances = [value.amin(1)], [value.var(1, correction=0)]
    ended = [torch.zeros_like(means[0], dtype=torch.bool)]
    obs, action, bonus = (x[:, None].expand(-1, members, *x.shape[1:]) for x in (start, action, bonus))
    total, alive = start.new_zeros(S, members, B), start.new_ones(S, members, B)
    for j in range(1, depth + 1):
        after = step(j, obs, action)
        reward = functions.reward(obs, action, after)
        total = total + functions.gamma ** (j - 1) * alive * (reward + bonus if inner_entropy else reward)
        alive = functions.survivors(alive, obs, action, after)
        action, value, bonus = _soft_value(functions, alpha, j, after)
        obs = after
        estimate = total[:, None] + functions.gamma**j * alive[:, None] * value  # [S, 2, E, B]
        means.append(estimate.amin(1).mean(1))
        variances.append(estimate.flatten(1, 2).var(1, correction=0))
        ended.append((alive == 0).all(1))
    return ExpandedValue(torch.stack(means, 1), torch.stack(variances, 1), torch.stack(ended, 1))


def expanded_as_coded(
    functions: PathFunctions, step: Step, along: Step, alpha: Tensor, start: Tensor, chosen: Tensor
) -> ExpandedValue:
    """The same as in MAAC's code: members share a path and differ only in its last step.

    iclavera/meta-mb at 233e0fb, meta_mb/algos/maac.py. Here members share their noise; there they do not. The estimate
    at depth 0 is the same for all members, so its variance is 0. Mean and variance at each depth are over members, with
    the smaller critic. Entropies along the path are left out. A termination affects only its own step.

    step: of all members, from [S, 1, B, .] to [S, E, B, O]. along: steps of the shared path, each row by one member.
    chosen [S, depth, E']: the members used at each depth except 0.
    """
    action, log_prob = functions.act(0, start)
    value = functions.twins(start, action).amin(1) - alpha * log_prob
    means, variances = [value], [torch.zeros_like(value)]
    obs, (action, _), total = start, functions.act(1, start), torch.zeros_like(value)[:, None]
    for j, which in enumerate(chosen.unbind(1), 1):
        after = step(j, obs[:, None], action[:, None])
        obs_E, action_E = (x[:, None].expand(-1, after.shape[1], -1, -1) for x in (obs, action))
        alive = functions.survivors(torch.ones_like(after[..., 0]), obs_E, action_E, after)
        total = total + functions.gamma ** (j - 1) * alive * functions.reward(obs_E, action_E, after)
        value = _soft_value(functions, alpha, j + 1, after)[1].amin(1)
        estimate = (total + functions.gamma**j * alive * value).gather(
            1, which[..., None].expand(-1, -1, value.shape[-1])
        )
        means.append(estimate.mean(1))
        variances.append(estimate.var(1, correction=0))
        obs = along(j, obs, action)
        action, _ = functions.act(j + 1, obs)
    return ExpandedValue(torch.stack(means, 1), torch.stack(variances, 1))


def _soft_value(functions: PathFunctions, alpha: Tensor, t: int, obs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """At obs [S, E, B, O]: actions, soft values of both critics [S, 2, E, B], and the actions' entropy bonus."""
    rows = obs.flatten(1, 2)
    action, log_prob = functions.act(t, rows)
    bonus = -alpha * log_prob
    value = functions.twins(rows, action) + bonus[:, None]
    E, B = obs.shape[1:3]
    return action.unflatten(1, (E, B)), value.unflatten(-1, (E, B)), bonus.unflatten(1, (E, B))
