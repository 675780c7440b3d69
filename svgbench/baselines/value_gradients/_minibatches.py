"""Minibatches of transitions for K policy updates: line 10 of Algorithm 2 of Heess et al. 2015, line 9 of Algorithm 3.

The updates come after an episode (appendix D). Their minibatches are drawn before the first update:

* with replay, each is drawn from D;
* without replay, the new episodes' steps are shared out at random, and each step is used once. Where there are fewer
  steps than K, there are as many updates as steps. The printed algorithm updates after every step. Here the episode
  is over, so from the second update on the policy is no longer the one that acted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._config import MinibatchSettings
from svgbench.baselines.value_gradients._policy import FixedStdPolicy
from svgbench.baselines.value_gradients._training import transitions
from svgbench.memory.database import Database, Transitions
from svgbench.nn.flat_mlp import Recording
from svgbench.nn.streams import Streams
from svgbench.simulate.episodes import Episodes


class Minibatch(NamedTuple):
    """B transitions of each seed. share [S, B]: weights of the mean over them; zero on padding.

    places: where they stand among all K * B. some: bool [S], which seeds have a transition here; None if all have.
    """

    rows: Transitions
    share: Tensor
    places: slice
    some: Tensor | None

    def of(self, x: Tensor) -> Tensor:
        """The rows [S, B, ...] that belong to this minibatch, of x [S, K * B, ...]."""
        return x[:, self.places]

    def ascend(self, policy: FixedStdPolicy, recording: Recording, u: Tensor, active: Tensor | None) -> Tensor:
        """One gradient step up the mean of u * pi_theta, u [S, B, A]; the gradient's norm [S] before clipping.

        recording: of the policy at `rows.s`. active: bool [S], which seeds may move; None for all.
        """
        moving = active if self.some is None else self.some & (True if active is None else active)
        return policy.ascend(recording, u * self.share[..., None], moving)


class Minibatches(NamedTuple):
    """K minibatches of B transitions, one after the other. share [S, K * B] as in `Minibatch`.

    some: bool [S, K], whether a seed has a transition there.
    """

    rows: Transitions
    share: Tensor
    some: Tensor

    def each(self) -> Iterator[Minibatch]:
        K = self.some.shape[1]
        B = self.share.shape[1] // K
        for k, all_have_some in enumerate(self.some.all(0).tolist()):
            places = slice(k * B, (k + 1) * B)
            some = None if all_have_some else self.some[:, k]
            yield Minibatch(self.rows.at(places), self.share[:, places], places, some)

    def mean(self, per_update: Sequence[Tensor]) -> Tensor:
        """Mean [S] of K numbers [S] over the updates that a seed has transitions for."""
        return torch.stack(list(per_update)).sum(0) / self.some.sum(1).clamp(min=1)


def policy_minibatches(
    c: MinibatchSettings, episodes: Episodes, policy: FixedStdPolicy, database: Database, streams: Streams,
    horizon: int,
) -> Minibatches:  # fmt: skip
    """The K minibatches of one round of policy updates. horizon: of the task, in control steps."""
    if c.replay:
        return replayed(database.draw(streams, c.policy_updates * c.batch_size), c.policy_updates)
    _, T, N = episodes.r.shape
    # one number for each step of the longest possible episodes: a seed's draws must not depend on other seeds
    uniform = streams.uniform(horizon * N, dtype=torch.float64)[:, : T * N]
    return shared_out(transitions(episodes, policy), episodes.valid.flatten(1), c.policy_updates, uniform)


def replayed(rows: Transitions, K: int) -> Minibatches:
    """Transitions [S, K * B] in their order."""
    S, n = rows.r.shape
    some = torch.ones(S, K, dtype=torch.bool, device=rows.r.device)
    return Minibatches(rows, torch.full_like(rows.r, K / n), some)


def shared_out(new: Transitions, valid: Tensor, K: int, uniform: Tensor) -> Minibatches:
    """Put each of the transitions [S, n] where `valid` [S, n] into one of K minibatches of nearly equal size.

    uniform [S, n] in [0, 1): the order.
    """
    order = (uniform + (~valid).double()).argsort(dim=1)  # the valid ones first
    count = valid.sum(1, keepdim=True)
    bounds = count * torch.arange(K + 1, device=valid.device) // K  # [S, K + 1]
    lengths = bounds.diff(dim=1).unsqueeze(-1)  # [S, K, 1]
    nth = torch.arange(max(1, int(lengths.max())), device=valid.device)  # [B]
    places = torch.minimum(bounds[:, :-1, None] + nth, (count - 1).clamp(min=0).unsqueeze(-1)).flatten(1)
    share = (nth < lengths).to(new.r.dtype) / lengths.clamp(min=1)
    return Minibatches(new.chosen(order.gather(1, places)), share.flatten(1), (lengths > 0).squeeze(-1))
