"""Fitting a `GaussianEnsemble` to a replay: splits, epochs of minibatches, a stopping rule, snapshots, elites.

A fit may take minutes. So it runs in slices, and can be resumed between any two minibatches. Its random numbers depend
only on the seed, the fit's name and the epoch, not on other seeds of the block or on earlier fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from svgbench.memory.replay import RowLayout
from svgbench.memory.rows import take
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.models.stopping import StoppingRule
from svgbench.nn.optim import Adam, backward_together
from svgbench.nn.streams import Streams

HOLDOUT_PIECE = 250  # rows validated at once, so that each layer's values fit in the cache


class Split(NamedTuple):
    """Indices of rows in a replay: n to train on, h held out. F is 1 if the members share them, else E."""

    base: Int64[Tensor, "S F n"]  # the rows that the normalisation is computed from
    train: Int64[Tensor, "S E n"]  # the rows that a member learns from in an epoch
    held: Int64[Tensor, "S F h"]  # the rows that it is validated on


def bootstrap_split(streams: Streams, rows: int, members: int, held: int) -> Split:
    """All members hold out the same `held` rows. From the n rows left, each draws n with replacement (MBPO).

    Raises ValueError if either part would be empty.
    """
    _check(rows, held)
    order = streams.permutation(rows)
    base = order[:, held:]
    drawn = streams.integers((members, rows - held), rows - held)  # [S, E, n]
    return Split(base[:, None], base.gather(1, drawn.flatten(1)).view_as(drawn), order[:, None, :held])


def bootstrap_of_all(streams: Streams, rows: int, members: int, shown: int) -> Split:
    """Nothing is held out: each member draws as many rows as there are, with replacement (PETS).

    At most `shown` rows serve to report the error. Members learn from most of them.
    """
    order = streams.permutation(rows)
    base = torch.arange(rows, device=streams.device).expand(len(streams), 1, -1)
    return Split(base, streams.integers((members, rows), rows), order[:, None, :shown])


def own_splits(streams: Streams, rows: int, members: int, held: int) -> Split:
    """Each member holds out its own `held` rows, and learns from every other row once per epoch (MAAC).

    Raises ValueError if either part would be empty.
    """
    _check(rows, held)
    order = streams.uniform((members, rows), dtype=torch.float64).argsort(dim=-1, stable=True)
    train = order[..., held:]
    return Split(train, train, order[..., :held])


def own_splits_by_rollout(
    seeds: Sequence[int], first: int, every: int, share: float
) -> Callable[[Streams, int, int], Split]:
    """`own_splits` for the first rows, and for each later rollout. A row keeps its role in all later fits.

    So no member ever learns from a row that it held out. seeds: of the block. first, every: rows of the first part and
    of each rollout. share: the share of each part that is held out. The function that is returned raises ValueError
    unless each part has a row to hold out and one to learn from.
    """

    def split(streams: Streams, rows: int, members: int) -> Split:
        parts, start = [], 0
        while start < rows:
            size = min(first if start == 0 else every, rows - start)
            part = own_splits(Streams(seeds, f"split-{start}", streams.device), size, members, int(size * share))
            parts.append(tuple(places + start for places in part))
            start += size
        base, train, held = (torch.cat(pieces, -1) for pieces in zip(*parts, strict=True))
        return Split(base, train, held)

    return split


def _check(rows: int, held: int) -> None:
    if not 1 <= held < rows:
        raise ValueError(f"held is {held} of {rows} rows, expected at least one held out and one to train on")


MakePairs = Callable[
    [RowLayout, Float[Tensor, "*batch width"]], tuple[Float[Tensor, "*batch I"], Float[Tensor, "*batch O"]]
]
"""From the layout and a replay's rows to a model's inputs and targets."""


@dataclass(frozen=True)
class FitSettings:
    """The settings of a fit.

    split: from streams, number of rows and number of members to the split. rule: from the active seeds to the stopping
    rule. batch: rows of a minibatch, for each member. lr: Adam's. decay: weight decay of each layer. bounds_penalty:
    weight of the distance between the log-variance's bounds. max_epochs, max_minibatches: no epoch begins after so
    many; 0: no limit. elites: how many members count as elites, by validation loss. learns_reward: whether the model's
    outputs are (reward, change of observation) or only the change. pairs: another way to make inputs and targets of a
    replay's rows; None: `inputs_and_targets`. validated_by: "error", the mean squared error of the means, or
    "likelihood", the loss without its penalties. learned_by: the same for the loss; with "error" the log-variances
    learn nothing (deterministic networks). decay_over_rows: whether the weight decay is divided by the number of rows
    that a member learns from. validate_every: epochs between two validations; the first epoch has one, and so has the
    last, if a limit ends the fit.
    """

    split: Callable[[Streams, int, int], Split]
    rule: Callable[[Bool[Tensor, "S"]], StoppingRule]
    batch: int
    lr: float
    decay: tuple[float, ...]
    bounds_penalty: float
    max_epochs: int
    max_minibatches: int
    elites: int
    learns_reward: bool = True
    validated_by: Literal["error", "likelihood"] = "error"
    pairs: MakePairs | None = None
    learned_by: Literal["error", "likelihood"] = "likelihood"
    decay_over_rows: bool = False
    validate_every: int = 1


def model_loss(
    model: GaussianEnsemble,
    x: Float[Tensor, "S E B I"],
    target: Float[Tensor, "S E B O"],
    decay: Sequence[float],
    penalty: float,
    learned_by: str = "likelihood",
) -> Float[Tensor, "S"]:
    """The sum of the members' losses and weight decays, plus the penalty on the log-variance's bounds.

    learned_by: as in `FitSettings`.
    """
    own = model.likelihood_loss if learned_by == "likelihood" else model.squared_error
    return (own(x, target) + model.decay(decay)).sum(1) + penalty * model.bounds_spread()


def inputs_and_targets(
    layout: RowLayout, rows: Float[Tensor, "*batch width"], learns_reward: bool = True
) -> tuple[Float[Tensor, "*batch I"], Float[Tensor, "*batch O"]]:
    """From a replay's rows: inputs (observation, action), and targets (reward, change of observation) or the change."""
    change = layout.next_obs(rows) - layout.obs(rows)
    target = torch.cat([layout.reward(rows)[..., None], change], -1) if learns_reward else change
    return layout.obs_action(rows), target


@dataclass
class _Progress:
    """A fit in progress."""

    size: int  # how many rows of the replay it uses
    rule: StoppingRule
    best: Float[Tensor, "S E P"]  # each member's parameters so far that the rule keeps
    split: Split
    epoch: int = 0
    minibatches: int = 0
    order: Int64[Tensor, "S E n"] | None = None  # the epoch's rows, shuffled


class EnsembleFit:
    """Repeated fits of one ensemble. Each fit continues with the weights and Adam's moments of the fit before.

    elites: the members with the lowest loss at the end of the last fit, the lowest first; before it, the first K.
    loss: the validation losses at the end of the last fit; NaN before it. epochs: of the last fit.
    finite: whether all validation losses have been finite so far.
    name: of the latest fit that has begun; "" before the first.
    """

    def __init__(self, model: GaussianEnsemble, layout: RowLayout, settings: FitSettings, seeds: Sequence[int]) -> None:
        if len(settings.decay) != len(model.layers):
            raise ValueError(f"weight decay has {len(settings.decay)} rates, expected {len(model.layers)}, one a layer")
        self.model, self.layout, self.settings, self.seeds = model, layout, settings, list(seeds)
        S, E, device = len(self.seeds), model.members, model.log_var_min.device
        self.adam = Adam(model.net.parameters(), settings.lr, shape=(S, E))
        self.bounds_adam = Adam([model.log_var_min, model.log_var_max], settings.lr, shape=(S,))
        self.elites: Int64[Tensor, "S K"] = torch.arange(settings.elites, device=device).repeat(S, 1)
        self.loss: Float64[Tensor, "S E"] = torch.full((S, E), torch.nan, dtype=torch.float64, device=device)
        self.epochs: Int64[Tensor, "S"] = torch.zeros(S, dtype=torch.int64, device=device)
        self.finite: Bool[Tensor, "S"] = torch.ones(S, dtype=torch.bool, device=device)
        self.name = ""
        self._now: _Progress | None = None

    @property
    def minibatches(self) -> int:
        """Minibatches of the fit in progress so far."""
        return 0 if self._now is None else self._now.minibatches

    @property
    def rows_learned(self) -> int:
        """Rows that a member learns from in an epoch of the fit in progress."""
        return 0 if self._now is None else self._now.split.train.shape[-1]

    def begin(
        self, name: str, rows: Float[Tensor, "S capacity width"], size: int, active: Bool[Tensor, "S"] | None
    ) -> None:
        """Start a fit to the first `size` rows.

        name: of its random streams; each fit needs a new one. active: which seeds learn; None: all.
        """
        on = torch.ones_like(self.finite) if active is None else active.clone()
        self.name, self.epochs = name, torch.zeros_like(self.epochs)
        split = self._draw_split(size)
        self._now = _Progress(size, self.settings.rule(on), self.adam.flat.clone(), split)
        pieces = [self._pairs(take(rows, base)) for base in split.base.unbind(1)]
        x, target = (torch.stack(parts, 1) for parts in zip(*pieces, strict=True))
        self.model.normalise_by(x, target)

    def advance(self, rows: Float[Tensor, "S capacity width"], minibatches: int) -> bool:
        """Train on at most `minibatches` minibatches. Returns whether the fit has ended.

        rows: those given to `begin`, unchanged. At the end, every member has the parameters that the rule keeps.
        """
        now = self._now
        assert now is not None, "advance was called before begin"
        batch = self.settings.batch
        each = -(-now.split.train.shape[-1] // batch)  # minibatches of an epoch; the last may be smaller
        for _ in range(minibatches):
            first = (now.minibatches % each) * batch
            self._learn(now, take(rows, self._epoch_order(now)[..., first : first + batch]))
            now.minibatches += 1
            if now.minibatches % each == 0 and self._end_epoch(now, rows):
                self._end(now)
                return True
        return False

    def _learn(self, now: _Progress, batch: Float[Tensor, "S E B width"]) -> None:
        s, active = self.settings, now.rule.active
        decay = [rate / now.split.train.shape[-1] for rate in s.decay] if s.decay_over_rows else s.decay
        loss = model_loss(self.model, *self._pairs(batch), decay, s.bounds_penalty, s.learned_by)
        backward_together(loss, [self.adam, self.bounds_adam])
        everyone = bool(active.all())
        self.adam.step(None if everyone else active)
        self.bounds_adam.step(None if everyone else active.any(1))

    def _end_epoch(self, now: _Progress, rows: Float[Tensor, "S capacity width"]) -> bool:
        """Validate if it is due. Returns whether all members have stopped, or a limit is reached."""
        s, trained = self.settings, now.rule.active
        capped = 0 < s.max_epochs <= now.epoch + 1 or 0 < s.max_minibatches <= now.minibatches
        if capped or now.epoch % s.validate_every == 0:  # what the last epoch learned is kept by the rule, or not
            loss = self._validate(now.split.held, rows)
            self.finite &= (loss.isfinite() | ~trained).all(1)
            keep = now.rule.update(loss)
            now.best = torch.where(keep[..., None], self.adam.flat, now.best)
        self.epochs += trained.any(1)
        now.epoch, now.order = now.epoch + 1, None
        return capped or not bool(now.rule.active.any())

    @torch.no_grad()
    def _validate(
        self, held: Int64[Tensor, "S #E h"], rows: Float[Tensor, "S capacity width"]
    ) -> Float64[Tensor, "S E"]:
        """The validation loss on the rows held out, a mean over rows and outputs; see `FitSettings.validated_by`."""
        total, model = torch.zeros_like(self.loss), self.model
        for piece in held.split(HOLDOUT_PIECE, -1):
            x, target = self._pairs(take(rows, piece))
            if self.settings.validated_by == "error":
                total += (model.scaled_mean(x) - model.scaled_target(target)).square().sum((-2, -1))
            else:
                total += model.likelihood_loss(x, target) * target.shape[-2:].numel()
        return total / (held.shape[-1] * model.outputs)

    def _pairs(
        self, rows: Float[Tensor, "*batch width"]
    ) -> tuple[Float[Tensor, "*batch I"], Float[Tensor, "*batch O"]]:
        if self.settings.pairs is not None:
            return self.settings.pairs(self.layout, rows)
        return inputs_and_targets(self.layout, rows, self.settings.learns_reward)

    @torch.no_grad()
    def _end(self, now: _Progress) -> None:
        self.adam.flat.copy_(now.best)
        trained = now.rule.loss.isfinite().any(1, keepdim=True)  # a seed that was not active keeps its last results
        self.loss = torch.where(trained, now.rule.loss, self.loss)
        best = now.rule.loss.argsort(dim=1, stable=True)[:, : self.settings.elites]
        self.elites = torch.where(trained, best, self.elites)
        self._now = None

    def _draw_split(self, size: int) -> Split:
        streams = Streams(self.seeds, self.name, self.finite.device)
        return self.settings.split(streams, size, self.model.members)

    def _epoch_order(self, now: _Progress) -> Int64[Tensor, "S E n"]:
        """The epoch's rows, shuffled for each member."""
        if now.order is None:
            train = now.split.train
            streams = Streams(self.seeds, f"{self.name}-{now.epoch}", train.device)
            now.order = train.gather(
                -1, streams.uniform(train.shape[1:], dtype=torch.float64).argsort(dim=-1, stable=True)
            )
        return now.order

    def state_dict(self) -> dict[str, Any]:
        """Optimisers, results of the last fit, and the fit in progress; not the model's weights."""
        state: dict[str, Any] = {name: getattr(self, name).clone() for name in ("elites", "loss", "epochs", "finite")}
        state |= {"adam": self.adam.state_dict(), "bounds_adam": self.bounds_adam.state_dict(), "name": self.name}
        now = self._now
        if now is not None:
            counts = {"size": now.size, "epoch": now.epoch, "minibatches": now.minibatches}
            state["progress"] = {**counts, "rule": now.rule.state_dict(), "best": now.best.clone()}
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        for name in ("elites", "loss", "epochs", "finite"):
            setattr(self, name, state[name].clone())
        self.adam.load_state_dict(state["adam"])
        self.bounds_adam.load_state_dict(state["bounds_adam"])
        self.name, saved, self._now = state["name"], state.get("progress"), None
        if saved is not None:
            rule = self.settings.rule(torch.ones_like(self.finite))
            rule.load_state_dict(saved["rule"])
            split, counts = self._draw_split(saved["size"]), (saved["epoch"], saved["minibatches"])
            self._now = _Progress(saved["size"], rule, saved["best"].clone(), split, *counts)
