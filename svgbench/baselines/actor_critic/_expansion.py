"""Value expansion in a learned world model, for the policy and for the critics of SAC-SVG.

Value expansion is Amos et al. 2020, eq. (3). Targets of critics are Feinberg et al. 2018's (section 5.1.2 of Amos et
al.), in the soft form. (x_0, u_0, r_0, d_0, x_1) is a replayed transition. From x_1 the policy acts in the model for K
steps: u_t ~ pi(x_t), x_{t+1} = f(x_t, u_t), n_t = 1 - d(x_t, u_t), t = 1 to K. With the averaged critics at the end,

    V(x_{K+1}) = min Q(x_{K+1}, u_{K+1}) - alpha log pi(u_{K+1} | x_{K+1})
    y_t = r(x_t, u_t) + gamma n_t V(x_{t+1}),   V(x_t) = y_t - alpha log pi(u_t | x_t),   t = K to 1
    y_0 = r_0 + gamma (1 - d_0) V(x_1)

* Plain: the critics learn y_0 in (x_0, u_0). At K = 0 this is eq. (5).
* TD-k: they learn every y_t in (x_t, u_t), t = 0 to K. An error is weighted by the probability of reaching x_t, and
  the loss is a mean over t. Feinberg et al.'s reason: the critics at the end of an expansion are then trained in the
  states that it visits.

As coded (facebookresearch/svg at 9fdf03a, svg/agent.py, `critic_target_mve` and `full_target_mve`):

* plain: the entropy of u_1 is added twice, and the weights n are those of the policy's loss in that code;
* TD-k: the probability of reaching x_{t+1} from x_t is n_{t+1} instead of n_t, for t >= 1; and every y_t except y_0 is
  multiplied by the probability of reaching x_t from x_{t-1}, because the matrix of these factors keeps its diagonal.

Axes: S seeds, B batch, O observation, A action, T actions of a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from svgbench.baselines.actor_critic._soft_actor_critic import Actor, TwinCritic
from svgbench.memory.replay import ReplayBatch
from svgbench.models.recurrent import RecurrentModel
from svgbench.nn.layers import MLP


class Path(NamedTuple):
    """A path in the model, time by time."""

    pairs: list[Tensor]  # (x_t, u_t), each [S, B, O + A]
    log_probs: list[Tensor]  # log pi(u_t | x_t), each [S, B]


@dataclass(frozen=True)
class Weighting:
    """How the terms of an expansion are weighted. extra_factor, weighs_entropy: as `survival_*` in SAC-SVG's config."""

    gamma: float
    extra_factor: bool
    weighs_entropy: bool


@dataclass(frozen=True)
class ExpansionNetworks:
    """The networks of a value expansion. heads: two members, of the reward and of the termination."""

    policy: Actor
    critic: TwinCritic
    model: RecurrentModel
    heads: MLP


class DepthTargets(NamedTuple):
    """B rows for each of K + 1 depths; the first depth is that of the replayed transitions."""

    xu: Tensor  # [S, (K + 1) B, O + A]
    target: Tensor  # [S, (K + 1) B]
    weight: Tensor  # [S, (K + 1) B], of the squared errors


def follow(policy: Actor, model: RecurrentModel, x: Tensor, noise: Tensor) -> Path:
    """The path of T actions and T - 1 model steps from x [S, B, O]; noise [S, T, B, A]."""
    pairs, log_probs, h, T = [], [], None, noise.shape[1]
    for t in range(T):
        u, log_prob = policy.sample(x, noise[:, t])
        pairs.append(torch.cat([x, u], -1))
        log_probs.append(log_prob)
        if t < T - 1:
            x, h = model(x, pairs[t], h)
    return Path(pairs, log_probs)


def survival(alive: Tensor, extra_factor: bool) -> Tensor:
    """The weights w_0 to w_H [S, H + 1, B] from n_0 to n_{H-1} [S, H, B]; w_t = n_0 ... n_{t-1}.

    extra_factor: every weight has another n_0, as in the code.
    """
    reached = torch.cumprod(alive, 1)
    weights = torch.cat([torch.ones_like(alive[:, :1]), reached], 1)
    return weights * alive[:, :1] if extra_factor else weights


def expanded_value(path: Path, heads: MLP, last: Tensor, alpha: Tensor, how: Weighting) -> Tensor:
    """V_{0:H} [S, B] of eq. (3), for a path of H + 1 actions, H > 0. last [S, B]: Q at its end; alpha [S, 1]."""
    rewards, alive = _outcomes(heads, path.pairs[:-1])
    values = torch.cat([rewards, last[:, None]], 1)  # [S, H + 1, B]
    entropies = -alpha[:, None] * torch.stack(path.log_probs, 1)
    weights = survival(alive, how.extra_factor)
    terms = weights * (values + entropies) if how.weighs_entropy else weights * values + entropies
    discounts = how.gamma ** torch.arange(len(path.pairs), dtype=last.dtype, device=last.device)
    return torch.einsum("t,stb->sb", discounts, terms)


@torch.no_grad()
def plain_target(
    nets: ExpansionNetworks, batch: ReplayBatch, noise: Tensor, alpha: Tensor, how: Weighting, *, as_coded: bool
) -> Tensor:
    """y_0 [S, B]; noise [S, K + 1, B, A] with K > 0, alpha [S, 1]."""
    path = follow(nets.policy, nets.model, batch.next_x, noise)
    value = expanded_value(path, nets.heads, nets.critic.smaller(path.pairs[-1]), alpha, how)
    if as_coded:
        value = value - alpha * path.log_probs[0]
    return batch.reward + how.gamma * (1 - batch.terminal) * value  # eq. (5), with V of eq. (3)


@torch.no_grad()
def td_k_targets(
    nets: ExpansionNetworks, batch: ReplayBatch, noise: Tensor, alpha: Tensor, gamma: float, *, as_coded: bool
) -> DepthTargets:
    """y_0 to y_K with their pairs and weights; noise [S, K + 1, B, A] with K > 0, alpha [S, 1]."""
    path, K = follow(nets.policy, nets.model, batch.next_x, noise), noise.shape[1] - 1
    rewards, alive = _outcomes(nets.heads, path.pairs if as_coded else path.pairs[:K])
    onward = alive[:, -K:].unbind(1)  # from x_t to x_{t+1}, t = 1 to K
    value = nets.critic.smaller(path.pairs[K]) - alpha * path.log_probs[K]
    targets = []
    for t in reversed(range(K)):
        targets.append(rewards[:, t] + gamma * onward[t] * value)
        value = targets[-1] - alpha * path.log_probs[t]
    targets.append(batch.reward + gamma * (1 - batch.terminal) * value)
    into = torch.stack([torch.ones_like(batch.terminal), 1 - batch.terminal, *onward[:-1]], 1)  # x_t from x_{t-1}
    target = torch.stack(targets[::-1], 1)
    if as_coded:
        target = target * into
    xu = torch.cat([batch.xu, *path.pairs[:K]], 1)
    return DepthTargets(xu, target.flatten(1), into.cumprod(1).flatten(1))


def _outcomes(heads: MLP, pairs: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Rewards and probabilities of going on, [S, T, B] each."""
    predicted, logit = heads(torch.cat(pairs, 1)).squeeze(-1).unflatten(-1, (len(pairs), -1)).unbind(1)
    return predicted, torch.sigmoid(-logit)
