"""A Gaussian policy with a given standard deviation: a = mu(s; theta) + sigma * eta, eta ~ N(0, I).

Heess et al. 2015: mu is a network, and sigma one of the hyper-parameters that they searched over (appendix D). As sigma
is constant, pi_s = mu_s and pi_theta = mu_theta whatever eta is. Actions are unbounded, in half control ranges around
the middle of the task's range (`svgbench.simulate.acting.ActionUnits`).

States are scaled by statistics that change between rounds of training (`svgbench.memory.statistics`), and mu changes
with them: after some tens of episodes only a little. The output weights start at zero, so mu is 0 at first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from svgbench.memory.statistics import StateStatistics
from svgbench.nn import input_jacobian
from svgbench.nn.flat_mlp import FlatMLP, Recording
from svgbench.nn.gaussian_policy import PolicySnapshot, log_prob
from svgbench.nn.mean_network import MeanNetwork
from svgbench.nn.optim import CLIP_EPS, Adam
from svgbench.nn.state import finite_rows
from svgbench.nn.streams import Streams


class FixedStdPolicy:
    """The policies of S seeds, and gradient ascent in their parameters.

    sizes: of the network, states to actions. std: sigma, in half control ranges. lr: of Adam.
    max_grad_norm: V_max, the norm to which gradients are clipped (appendix D).
    theta [S, P] changes in place.
    """

    def __init__(
        self,
        streams: Streams,
        statistics: StateStatistics,
        sizes: Sequence[int],
        std: float,
        lr: float,
        max_grad_norm: float,
        dtype: torch.dtype,
        device: str,
    ) -> None:
        if not (std > 0 and max_grad_norm > 0):
            raise ValueError(f"policy_std is {std} and max_grad_norm {max_grad_norm}, expected positive numbers")
        self.net, self.statistics, self.std, self.max_grad_norm = FlatMLP(sizes, "tanh"), statistics, std, max_grad_norm
        self.adam = Adam([nn.Parameter(self.net.initial(streams, 0.0, dtype).to(device))], lr)
        self.theta = self.adam.flat

    def record(self, s: Tensor) -> Recording:
        """The forward pass of s [S, B, O]; its output is mu."""
        return self.net.record(self.theta, self.statistics.normalise(s))

    def mean(self, s: Tensor) -> Tensor:
        """mu [S, B, A] of s [S, B, O]."""
        return self.net(self.theta, self.statistics.normalise(s))

    def jacobian(self, s: Tensor) -> Tensor:
        """pi_s [S, B, A, O]."""
        return input_jacobian.jacobian(self.record(s)) / self._width(s).unsqueeze(2)

    def noise(self, mean: Tensor, a: Tensor) -> Tensor:
        """The eta [..., A] that made the actions a, given the policy's mean."""
        return (a - mean) / self.std

    def log_prob(self, mean: Tensor, a: Tensor) -> Tensor:
        """log p(a | s) [...] in nats, given the policy's mean."""
        return log_prob(mean, torch.full_like(mean, math.log(self.std)), a)

    def importance(self, mean: Tensor, a: Tensor, behaviour_log_prob: Tensor, cap: float) -> Tensor:
        """w = p(a | s; theta) / p(a | s; theta_k) [...], at most `cap`: below eq. (13), and appendix D."""
        return (self.log_prob(mean, a) - behaviour_log_prob).exp().clamp(max=cap)

    def kl(self, mean: Tensor, other: Tensor) -> Tensor:
        """KL [...] in nats between policies with these means [..., A]; either way, since they share sigma."""
        return 0.5 * ((mean - other) / self.std).square().sum(-1)

    def kl_slope(self, mean: Tensor, other: Tensor) -> Tensor:
        """Its derivative by `mean`, [..., A]."""
        return (mean - other) / self.std**2

    def ascend(
        self, recording: Recording, direction: Tensor, active: Tensor | None, unit: Tensor | float = 1.0
    ) -> Tensor:
        """A step of Adam up unit * sum_b direction_b pi_theta(s_b), clipped to V_max; its norm [S] before clipping.

        recording: of the states at the present theta. direction [S, B, A]. active bool [S]: which seeds move.
        unit [S] float64, or one number: a factor kept apart, since products of Jacobians can leave float32's range.
        """
        g = self.net.vjp(recording, direction)
        length = torch.linalg.vector_norm(g, dim=1)
        wanted = torch.as_tensor(unit, device=g.device, dtype=torch.float64)
        factor = torch.minimum(wanted, self.max_grad_norm / (length.double() + CLIP_EPS))
        torch.mul(g, -factor.to(g.dtype).unsqueeze(1), out=self.adam.grad)
        self.adam.step(active)
        return length * wanted

    def snapshot(self) -> PolicySnapshot:
        """The policy as it is now, for simulations: of states as they are [S, N, O], float64."""
        forward = self.net.forward_numpy(self.theta)
        n = self.net.sizes[0]
        centre, width = (x[..., :n].cpu().numpy().copy() for x in (self.statistics.centre, self.statistics.width))

        def mean(s: NDArray[np.floating]) -> NDArray[np.floating]:
            return forward((s.astype(centre.dtype) - centre) / width)

        return PolicySnapshot(mean, np.full((len(self.theta), 1, self.net.sizes[-1]), self.std, centre.dtype))

    def _width(self, s: Tensor) -> Tensor:
        return self.statistics.width[..., : s.shape[-1]]

    def finite(self) -> Tensor:
        """Which seeds' parameters are finite, bool [S]."""
        return finite_rows(self.theta)

    def state_dict(self) -> dict[str, Any]:
        return {"theta": self.theta.clone(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.theta.copy_(state["theta"])
        self.adam.load_state_dict(state["adam"])

    def mean_network(self) -> MeanNetwork:
        """mu(s) = network((s - centre) / width), see `scales`."""
        return MeanNetwork(self.net.layers(self.theta), self.net.activation)

    def scales(self) -> tuple[Tensor, Tensor]:
        """Centre and width, each [S, O]."""
        n = self.net.sizes[0]
        return self.statistics.centre[:, 0, :n], self.statistics.width[:, 0, :n]
