"""Policy updates on minibatches of transitions: lines 10 to 14 of Algorithm 2 of Heess et al. 2015, and their like.

They come at the end of an episode, K of them (appendix D):

* with replay, each on transitions drawn from D anew;
* without, the new episodes' steps are shared out among them at random, so that each step is used once (where there
  are fewer steps than K, in as many updates as there are steps). That is the algorithm without replay, but for the
  time at which updates are made: the policy has moved on from the one that acted.

Where what a transition's action is worth does not depend on the policy, it is computed for all K minibatches before
the first update; an update is then a forward and a backward pass of the policy alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._agent import EpisodicAgent
from svgbench.memory.database import Transitions
from svgbench.simulate.episodes import Episodes


class Minibatches(NamedTuple):
    """K of them, one after the other, B transitions each. share [S, K * B]: in a minibatch's mean; zero on padding.

    some: bool [S, K], whether a seed has a transition there.
    """

    rows: Transitions
    share: Tensor
    some: Tensor


def replayed(rows: Transitions, K: int) -> Minibatches:
    """Transitions [S, K * B] in their order."""
    S, n = rows.r.shape
    some = torch.ones(S, K, dtype=torch.bool, device=rows.r.device)
    return Minibatches(rows, torch.full_like(rows.r, K / n), some)


def shared_out(new: Transitions, valid: Tensor, K: int, uniform: Tensor) -> Minibatches:
    """Each of the transitions where valid [S, n] in one of K minibatches, as evenly as it goes.

    uniform [S, n] in [0, 1): the order.
    """
    order = (uniform + (~valid).double()).argsort(dim=1)  # those that are valid first
    count = valid.sum(1, keepdim=True)
    bounds = count * torch.arange(K + 1, device=valid.device) // K  # [S, K + 1]
    lengths = bounds.diff(dim=1).unsqueeze(-1)  # [S, K, 1]
    nth = torch.arange(max(1, int(lengths.max())), device=valid.device)  # [B]
    places = torch.minimum(bounds[:, :-1, None] + nth, (count - 1).clamp(min=0).unsqueeze(-1)).flatten(1)
    share = (nth < lengths).to(new.r.dtype) / lengths.clamp(min=1)
    return Minibatches(new.chosen(order.gather(1, places)), share.flatten(1), (lengths > 0).squeeze(-1))


class MinibatchAgent(EpisodicAgent, ABC):
    """An `EpisodicAgent` whose policy stage is `train_policy`.

    weighted: whether steps are weighted by importance: as the algorithm says.
    """

    weighted: ClassVar[bool] = True

    def __init__(self, config: Any, *how: Any) -> None:
        super().__init__(config, *how)
        self.new_stream("policy-batches")

    @abstractmethod
    def worth(self, rows: Transitions) -> Tensor:
        """What is known of transitions [S, B] before the first update, with the same leading axes."""

    def direction(self, worth: Tensor, rows: Transitions, mean: Tensor) -> Tensor:
        """What pi_theta is multiplied by, [S, B, A], where the policy's mean is this: by default `worth` itself."""
        return worth

    def train_policy(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """K steps up the mean of w * direction * pi_theta, less the penalty on what they have moved in all."""
        c, policy = self.config, self.policy
        seen = episodes.s.flatten(1, 2)
        before = policy.mean(seen)
        batches = self._minibatches(episodes)
        B = batches.share.shape[1] // c.policy_updates
        worth = self.worth(batches.rows)
        start = policy.mean(batches.rows.s) if c.kl_weight else None
        norms = []
        for k, all_have_some in enumerate(batches.some.all(0).tolist()):
            piece = slice(k * B, (k + 1) * B)
            rows = batches.rows.at(piece)
            recording = policy.record(rows.s)
            mean = recording.output
            up = self.direction(worth[:, piece], rows, mean)
            if self.weighted:
                up = up * policy.importance(mean, rows.a, rows.log_prob, c.importance_cap).unsqueeze(-1)  # line 11
            if start is not None:
                up = up - c.kl_weight * policy.kl_slope(mean, start[:, piece])
            moving = active if all_have_some else batches.some[:, k] & (True if active is None else active)
            norms.append(policy.ascend(recording, up * batches.share[:, piece, None], moving))  # lines 13, 14
        kl = (policy.kl(policy.mean(seen), before) * episodes.weight).sum(1)
        return {"grad_norm": torch.stack(norms).sum(0) / batches.some.sum(1).clamp(min=1), "kl": kl}

    def _minibatches(self, episodes: Episodes) -> Minibatches:
        c = self.config
        if c.replay:
            return replayed(self.drawn("policy-batches", c.policy_updates * c.batch_size), c.policy_updates)
        _, T, N = episodes.r.shape
        # of the longest episodes there can be: what a seed draws must not depend on its companions'
        uniform = self.streams["policy-batches"].uniform(self.task.horizon * N, dtype=torch.float64)
        return shared_out(self.transitions(episodes), episodes.valid.flatten(1), c.policy_updates, uniform[:, : T * N])
