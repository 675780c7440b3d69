"""Fitting a model of the dynamics to windows of the training episodes of a growing buffer.

One procedure for every kind of model: epochs of minibatches, a stopping rule on held-out episodes, snapshots. So models
that are compared differ in nothing else. A fit runs in slices, and can be resumed between any two minibatches. Its
random numbers depend only on the seed, the environment step and the epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor, nn

from svgbench.memory.episode_windows import EpisodeWindows
from svgbench.memory.replay import RowLayout
from svgbench.models.stopping import NoneImproves
from svgbench.nn.normaliser import Normaliser
from svgbench.nn.optim import Adam
from svgbench.nn.state import cloned
from svgbench.nn.streams import Streams

TRAIN, HOLDOUT = "train", "holdout"
"""The roles of the episodes that a fit uses."""


class Windows(NamedTuple):
    """Windows of L transitions, observations normalised: B windows for each of S seeds, or of S seeds and E members."""

    x: Float[Tensor, "S *E B O"]  # the first observations
    actions: Float[Tensor, "S *E L B A"]
    next_x: Float[Tensor, "S *E L B O"]  # the observations that the actions led to

    def errors(self, predicted: Float[Tensor, "S *E L B O"]) -> Float64[Tensor, "S *E"]:
        """Mean squared error of predicted observations, over steps, windows and features."""
        return (predicted - self.next_x).double().square().mean((-3, -2, -1))


class WindowModel(Protocol):
    """E networks of each of S seeds that predict normalised observations."""

    @property
    def members(self) -> int:
        """E."""
        ...

    @property
    def module(self) -> nn.Module:
        """Everything that has parameters."""
        ...

    @property
    def adams(self) -> Sequence[Adam]:
        """Of all parameters; the first is of the networks, and a fit keeps the best of its parameters."""
        ...

    def learn(self, windows: Windows, active: Bool[Tensor, "S E"]) -> Float[Tensor, "S"]:
        """A step of the active networks, each on its own windows [S, E, ...]; the losses before it."""
        ...

    def validate(self, windows: Windows) -> Float64[Tensor, "S E"]:
        """The error of each network on the same windows [S, ...]."""
        ...


@dataclass(frozen=True)
class WindowFitSettings:
    """length: transitions of a window. batch: transitions of a minibatch, so batch // length windows, for each network.
    bootstrap: each network learns from its own sample of the windows, drawn with replacement, as large as the set.
    validation: held-out transitions that validate an epoch. min_gain, patience: `NoneImproves`. max_epochs,
    max_minibatches: no epoch begins after so many; 0: no limit. warm_start: a fit continues with the last weights and
    Adam's moments; otherwise with the initial ones. min_std, max_std: bounds of the deviation that normalises
    observations, in their units.
    """

    length: int
    batch: int
    bootstrap: bool
    validation: int
    min_gain: float
    patience: int
    max_epochs: int
    max_minibatches: int
    warm_start: bool
    min_std: float
    max_std: float


@dataclass
class _WindowProgress:
    """A fit in progress."""

    step: int
    rule: NoneImproves
    best: Float[Tensor, "S *E P"]
    places: Int64[Tensor, "S F n"]  # first places of the windows to learn from; F is E with a bootstrap, else 1
    count: Int64[Tensor, "S"]  # how many of them a seed has
    held: Windows
    epoch: int = 0
    minibatches: int = 0
    drawn: Float64[Tensor, "S K E B"] | None = None  # what selects the windows of the epoch's K minibatches


class WindowFit:
    """Repeated fits of one model to the first `step` transitions of a buffer.

    Minibatches are drawn with replacement. An epoch has as many as the training episodes' share of `step` transitions
    fills, whatever the lengths of a seed's episodes. Observations are normalised by the training episodes' own mean and
    deviation.

    step: of the latest fit that has begun; 0 before it. epochs: of the latest fit. finite: whether all losses have been
    finite so far. centre, width: what normalises observations.
    """

    def __init__(
        self, model: WindowModel, layout: RowLayout, settings: WindowFitSettings, seeds: Sequence[int]
    ) -> None:
        if not 1 <= settings.length <= settings.batch:
            raise ValueError(f"length is {settings.length}, expected 1 to {settings.batch}, the batch")
        self.model, self.layout, self.settings, self.seeds = model, layout, settings, list(seeds)
        flat = model.adams[0].flat
        S = len(self.seeds)
        how: Any = {"dtype": flat.dtype, "device": flat.device}
        self.centre: Float[Tensor, "S 1 O"] = torch.zeros(S, 1, layout.obs_dim, **how)
        self.width: Float[Tensor, "S 1 O"] = torch.ones(S, 1, layout.obs_dim, **how)
        self.epochs: Int64[Tensor, "S"] = torch.zeros(S, dtype=torch.int64, device=flat.device)
        self.finite: Bool[Tensor, "S"] = torch.ones(S, dtype=torch.bool, device=flat.device)
        self.step = 0
        self._now: _WindowProgress | None = None
        self._initial = [] if settings.warm_start else [(a.flat.clone(), a.state_dict()) for a in model.adams]

    @property
    def minibatches(self) -> int:
        """Minibatches of the fit in progress so far."""
        return 0 if self._now is None else self._now.minibatches

    def begin(self, data: EpisodeWindows, step: int, active: Bool[Tensor, "S"]) -> None:
        """Start a fit to the first `step` transitions. active: which seeds learn."""
        self.step, self.epochs = step, torch.zeros_like(self.epochs)
        for adam, (flat, state) in zip(self.model.adams, self._initial, strict=False):
            adam.flat.copy_(flat)
            adam.load_state_dict(state)
        s = self.settings
        rule = NoneImproves(active.clone(), self.model.members, min_gain=s.min_gain, patience=s.patience)
        self._scale(data, step)
        self._now = self._prepared(data, step, rule, self.model.adams[0].flat.clone())

    def _scale(self, data: EpisodeWindows, step: int) -> None:
        seen = Normaliser(
            len(self.seeds), self.layout.obs_dim,
            min_std=self.settings.min_std, max_std=self.settings.max_std, device=self.centre.device,
        )  # fmt: skip
        seen.update(self.layout.obs(data.rows[:, :step]), data.has_role(TRAIN)[:, :step])
        self.centre.copy_(seen.mean[:, None])
        self.width.copy_(seen.std[:, None])

    def _prepared(
        self, data: EpisodeWindows, step: int, rule: NoneImproves, best: Float[Tensor, "S *E P"]
    ) -> _WindowProgress:
        """What depends only on the buffer, the seeds and the step."""
        s, device = self.settings, self.centre.device
        train, held = (data.starts(role, s.length, step) for role in (TRAIN, HOLDOUT))
        places = train.places[:, None]
        if s.bootstrap:
            drawn = Streams(self.seeds, f"bootstrap-{step}", device).uniform(
                (self.model.members, places.shape[-1]), dtype=torch.float64
            )
            places = train.draw(drawn)
        chosen = Streams(self.seeds, f"validation-{step}", device).uniform(
            max(s.validation // s.length, 1), dtype=torch.float64
        )
        windows = self.windows(data, held.draw(chosen), s.length)
        return _WindowProgress(step, rule, best, places, train.number, windows)

    def windows(self, data: EpisodeWindows, places: Int64[Tensor, "S *axes"], length: int) -> Windows:
        """The windows of a buffer at these first places, normalised for the model."""
        rows = data.windows(places, length)
        centre, width = (v.view(len(v), *(1,) * (rows.dim() - 2), -1) for v in (self.centre, self.width))
        x, after = ((part(rows) - centre) / width for part in (self.layout.obs, self.layout.next_obs))
        return Windows(x[..., 0, :, :], self.layout.action(rows), after)

    def minibatches_of(self, data: EpisodeWindows, step: int) -> int:
        """Minibatches of an epoch."""
        share = data.roles.count(TRAIN) / len(data.roles)
        return max(1, round(share * step / self.settings.batch))

    def advance(self, data: EpisodeWindows, minibatches: int) -> bool:
        """Train on at most `minibatches` minibatches. Returns whether the fit has ended.

        At the end, every network has the parameters that the rule keeps.
        """
        now = self._now
        assert now is not None, "advance was called before begin"
        each = self.minibatches_of(data, now.step)
        for _ in range(minibatches):
            chosen = self._epoch_draws(now, each)[:, now.minibatches % each]  # [S, E, B]
            nth = (chosen * now.count[:, None, None]).long()
            places = now.places.expand(-1, chosen.shape[1], -1).gather(2, nth)
            loss = self.model.learn(self.windows(data, places, self.settings.length), now.rule.active)
            self.finite &= loss.isfinite() | ~now.rule.active.any(1)
            now.minibatches += 1
            if now.minibatches % each == 0 and self._end_epoch(now):
                self.model.adams[0].flat.copy_(now.best)
                self._now = None
                return True
        return False

    def _epoch_draws(self, now: _WindowProgress, each: int) -> Float64[Tensor, "S K E B"]:
        if now.drawn is None:
            s = self.settings
            shape = (each, self.model.members, s.batch // s.length)
            stream = Streams(self.seeds, f"minibatches-{now.step}-{now.epoch}", self.centre.device)
            now.drawn = stream.uniform(shape, dtype=torch.float64)
        return now.drawn

    @torch.no_grad()
    def _end_epoch(self, now: _WindowProgress) -> bool:
        """Validate. Returns whether all seeds have stopped, or a limit is reached."""
        s, trained = self.settings, now.rule.active.any(1)
        loss = self.model.validate(now.held)
        self.finite &= loss.isfinite().all(1) | ~trained
        flat = self.model.adams[0].flat
        keep = now.rule.update(loss).view(flat.shape[:-1])
        now.best = torch.where(keep[..., None], flat, now.best)
        self.epochs += trained
        now.epoch, now.drawn = now.epoch + 1, None
        capped = 0 < s.max_epochs <= now.epoch or 0 < s.max_minibatches <= now.minibatches
        return capped or not bool((now.rule.active.any(1) & self.finite).any())

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimisers, results of the last fit, and the fit in progress."""
        names = ("centre", "width", "epochs", "finite")
        state: dict[str, Any] = {name: getattr(self, name).clone() for name in names}
        state |= {"model": cloned(dict(self.model.module.state_dict())), "step": self.step}
        state["adams"] = [adam.state_dict() for adam in self.model.adams]
        now = self._now
        if now is not None:
            counts = {"epoch": now.epoch, "minibatches": now.minibatches}
            state["progress"] = {**counts, "rule": now.rule.state_dict(), "best": now.best.clone()}
        return state

    def load_state_dict(self, state: dict[str, Any], data: EpisodeWindows | None) -> None:
        """Continue exactly where `state_dict` was taken. data: the buffer, if a fit was in progress."""
        for name in ("centre", "width"):
            getattr(self, name).copy_(state[name])
        self.epochs, self.finite, self.step = state["epochs"].clone(), state["finite"].clone(), state["step"]
        self.model.module.load_state_dict(state["model"])
        for adam, saved in zip(self.model.adams, state["adams"], strict=True):
            adam.load_state_dict(saved)
        saved, self._now = state.get("progress"), None
        if saved is not None:
            assert data is not None, "a fit was in progress, expected its buffer"
            s = self.settings
            rule = NoneImproves(self.finite, self.model.members, min_gain=s.min_gain, patience=s.patience)
            rule.load_state_dict(saved["rule"])
            self._now = self._prepared(data, self.step, rule, saved["best"].clone())
            self._now.epoch, self._now.minibatches = saved["epoch"], saved["minibatches"]
