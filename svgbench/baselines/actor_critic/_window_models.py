"""The two models that Figure 3 of Amos et al. 2020 compares, as `svgbench.models.window_fit.WindowModel`s.

Both predict the change of normalised observations. Sources as in `model_study`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from svgbench.baselines.actor_critic import sac
from svgbench.baselines.actor_critic.sac_svg import model_loss
from svgbench.learners.costs import products
from svgbench.memory.replay import RowLayout
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.models.recurrent import RecurrentModel
from svgbench.models.window_fit import WindowModel, Windows
from svgbench.nn.optim import Adam, backward_together
from svgbench.nn.streams import Streams
from svgbench.ranges import Activation, Count, LogScale, NonNegative, Widths


@dataclass(frozen=True)
class Config(sac.Config):
    """Settings of the models, in addition to those of SAC, which makes the buffer."""

    model: Literal["ensemble", "recurrent"] = "ensemble"  # which of the two
    sequence: Count = 1  # transitions of a training window (ensemble: 1; recurrent: "multi-step")

    members: Count = 5  # MLPs of the ensemble (Figure 3)
    member_hidden: Widths = (200, 200, 200, 200)  # units of each (MBPO)
    member_activation: Activation = "silu"  # (MBPO: swish)
    bootstrap: bool = True  # each member learns from its own sample with replacement (MBPO)
    probabilistic: bool = True  # members learn by likelihood (MBPO); else by squared error, as the recurrent network
    log_var_min: LogScale = -10.0  # initial bounds of the log-variance, which are learned (MBPO)
    log_var_max: LogScale = 0.5  # (MBPO)
    log_var_penalty: NonNegative = 0.01  # weight of the distance between them (MBPO)

    encoder_hidden: Widths = (212, 212)  # units (code: two layers of the recurrent width)
    recurrent_width: Count = 212  # units of the encoder's output and of each recurrent layer: the ensemble's capacity
    recurrent_layers: Count = 2  # (Table 3)
    decoder_hidden: Widths = (212, 212)  # units (section 4.2: two layers); none is a linear decoder
    detach_predictions: bool = False  # in eq. (10) a predicted state is detached before the next step
    model_max_grad_norm: NonNegative = 0.0  # of the recurrent network's gradient, per seed; 0: not clipped

    model_lr: NonNegative = 1e-3  # Adam (MBPO, Table 3)


class EnsembleDynamics:
    """`WindowModel`: MLPs for one-step changes of the observation."""

    def __init__(self, c: Config, layout: RowLayout, seeds: Sequence[int], device: str) -> None:
        self.config, self.members = c, c.members
        self.module = GaussianEnsemble(
            Streams(seeds, "model", device), layout.obs_dim + layout.action_dim, layout.obs_dim,
            hidden=c.member_hidden, activation=c.member_activation, members=c.members,
            log_var_bounds=(c.log_var_min, c.log_var_max), dtype=getattr(torch, c.dtype),
        )  # fmt: skip
        bounds = [self.module.log_var_min, self.module.log_var_max]
        S = len(seeds)
        self.adams = [
            Adam(self.module.net.parameters(), c.model_lr, shape=(S, c.members)), Adam(bounds, c.model_lr, shape=(S,))
        ]  # fmt: skip

    def loss(self, windows: Windows) -> Tensor:
        """[S], summed over members; windows [S, E, ...] of one transition."""
        xu = torch.cat([windows.x, windows.actions[..., 0, :, :]], -1)
        change = windows.next_x[..., 0, :, :] - windows.x
        if self.config.probabilistic:
            nll = self.module.likelihood_loss(xu, change).sum(1)
            return nll + self.config.log_var_penalty * self.module.bounds_spread()
        return (self.module.mean(xu) - change).square().mean((-2, -1)).sum(1)

    def learn(self, windows: Windows, active: Tensor) -> Tensor:
        loss = self.loss(windows)
        backward_together(loss, self.adams)
        self.adams[0].step(active)
        self.adams[1].step(active.any(1))
        return loss.detach()

    def validate(self, windows: Windows) -> Tensor:
        return Windows(*(part[:, None] for part in windows)).errors(self.member_paths(windows))

    @torch.no_grad()
    def paths(self, windows: Windows) -> Tensor:
        """Predicted observations [S, L, B, O]; the members' mean is fed back."""
        x, found = windows.x, []
        for actions in windows.actions.unbind(1):
            x = x + self.module.mean(torch.cat([x, actions], -1)[:, None]).mean(1)
            found.append(x)
        return torch.stack(found, 1)

    @torch.no_grad()
    def member_paths(self, windows: Windows) -> Tensor:
        """Predicted observations [S, E, L, B, O]; each member feeds back its own."""
        x, found = windows.x[:, None].expand(-1, self.members, -1, -1), []
        for actions in windows.actions.unbind(1):
            actions = actions[:, None].expand(-1, self.members, -1, -1)
            x = x + self.module.mean(torch.cat([x, actions], -1))
            found.append(x)
        return torch.stack(found, 2)


class RecurrentDynamics:
    """`WindowModel`: the recurrent network of SAC-SVG."""

    members = 1

    def __init__(self, c: Config, layout: RowLayout, seeds: Sequence[int], device: str) -> None:
        self.config = c
        self.module = RecurrentModel(
            Streams(seeds, "model", device), layout.obs_dim, layout.action_dim,
            hidden=c.encoder_hidden, width=c.recurrent_width, layers=c.recurrent_layers,
            decoder_hidden=c.decoder_hidden, orthogonal=c.orthogonal_init, dtype=getattr(torch, c.dtype),
        )  # fmt: skip
        self.adams = [Adam(self.module.parameters(), c.model_lr)]

    def learn(self, windows: Windows, active: Tensor) -> Tensor:
        x, actions, next_x = (part[:, 0] for part in windows)
        loss = model_loss(self.module, x, actions, next_x, self.config.detach_predictions, mean=True)  # eq. (10)
        self.adams[0].backward(loss)
        if self.config.model_max_grad_norm > 0:
            self.adams[0].clip_grad_norm_(self.config.model_max_grad_norm)
        self.adams[0].step(active[:, 0])
        return loss.detach()

    def validate(self, windows: Windows) -> Tensor:
        return windows.errors(self.paths(windows))[:, None]

    @torch.no_grad()
    def paths(self, windows: Windows) -> Tensor:
        """Predicted observations [S, L, B, O]."""
        return self.module.unroll(windows.x, windows.actions, detach=False)

    def member_paths(self, windows: Windows) -> Tensor:
        return self.paths(windows)[:, None]


Dynamics = EnsembleDynamics | RecurrentDynamics
KINDS: dict[str, type[Dynamics]] = {"ensemble": EnsembleDynamics, "recurrent": RecurrentDynamics}


def parameters_of(model: WindowModel) -> int:
    """Parameters of one seed's model, all members together."""
    return sum(p[0].numel() for p in model.module.parameters())


def operations(c: Config, layout: RowLayout) -> tuple[int, int]:
    """Multiplications of a forward pass of one transition of one seed, and calls of a minibatch, roughly."""
    inputs, outputs = layout.obs_dim + layout.action_dim, layout.obs_dim
    if c.model == "ensemble":
        return c.members * products((inputs, *c.member_hidden, 2 * outputs)), 60 + 25 * len(c.member_hidden)
    ends = products((inputs, *c.encoder_hidden, c.recurrent_width))
    ends += products((c.recurrent_width, *c.decoder_hidden, outputs))
    return ends + 6 * c.recurrent_layers * c.recurrent_width**2, 60 + 100 * c.sequence
