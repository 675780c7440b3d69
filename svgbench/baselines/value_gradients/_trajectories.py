"""Policy updates along whole trajectories, by the recursions (9) and (10) of Heess et al. 2015: one an episode."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._agent import EpisodicAgent
from svgbench.baselines.value_gradients._recursion import backward, derivatives_at
from svgbench.simulate.episodes import Episodes


class TrajectoryAgent(EpisodicAgent):
    """An `EpisodicAgent` whose policy update follows trajectories of the new episodes' number N."""

    def value_gradient(self, s: Tensor, a: Tensor, valid: Tensor, tail: Tensor) -> Tensor:
        """gamma^t u_t [S, T, N, A], float64, with the learned model's Jacobians; see `value_gradient.backward`."""
        at = derivatives_at(self.units, self.policy, self.parts["model"])
        return backward(at, s, a, valid, tail, self.config.gamma)

    def ascend(
        self, s: Tensor, a: Tensor, valid: Tensor, tail: Tensor, episodes: Episodes, active: Tensor | None
    ) -> Mapping[str, Tensor]:
        """One step up v_theta at time 0, the mean over N trajectories: Algorithm 1, line 15."""
        policy, seen = self.policy, episodes.s.flatten(1, 2)
        before = policy.mean(seen)
        u = self.value_gradient(s, a, valid, tail) / s.shape[2]
        unit = u.abs().amax((1, 2, 3)).clamp(min=torch.finfo(torch.float64).tiny)
        direction = (u / unit.view(-1, 1, 1, 1)).to(self.dtype).flatten(1, 2)
        norm = policy.ascend(policy.record(s.flatten(1, 2)), direction, active, unit)  # eq. (10)
        kl = (policy.kl(policy.mean(seen), before) * episodes.weight).sum(1)
        return {"grad_norm": norm, "kl": kl}
