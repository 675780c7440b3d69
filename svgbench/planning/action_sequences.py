"""The cross-entropy method over sequences of actions, for S seeds and N states at once.

Each iteration draws candidates around the present mean, scores them, fits mean and variance to the best of them, and
mixes the fit with the distribution before it. PETS (Chua et al. 2018), POPLIN (Wang and Ba 2019) and MAAC (Clavera et
al. 2020, section 5.4) plan in this way, with different settings of `SequenceSearch`:

    PETS    candidates truncated at two standard deviations, variance limited by the box, warm start, may end early
    POPLIN  candidates truncated at two standard deviations, no limit, warm start
    MAAC    normal candidates, variance limited by the box, no warm start

Axes: S seeds, N states of each seed, n candidates, L steps of a sequence, D entries of an action.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from svgbench.nn.streams import Streams
from svgbench.planning.cross_entropy import elite_moments

Scored = Callable[[Tensor], Tensor]
"""Maps candidates [S, N, n, L, D] to their returns [S, N, n]; more is better."""


@dataclass(frozen=True)
class SequenceSearch:
    """The settings of a search. The defaults are those of MAAC's authors' code, except `variance_cut`.

    Raises ValueError for a setting out of range.
    """

    population: int = 256  # n, candidates per iteration
    elites: int = 25  # the best candidates, to which the next distribution is fitted; 10 %, rounded down
    iterations: int = 5
    alpha: float = 0.1  # weight of the mean and variance before; the elites have 1 - alpha
    sampling: Literal["normal", "truncated"] = "normal"  # "truncated": within two standard deviations of the mean
    variance_cut: Literal["none", "box"] = "none"  # "box": candidates are drawn with variance `box_variance`
    low: float = -1.0  # the box; only `variance_cut` uses it
    high: float = 1.0
    solution: Literal["mean", "best"] = "mean"  # the mean at the end, or the best candidate of all iterations
    warm_start: bool = False  # a search starts from the last solution, shifted by one step
    stop_variance: float = 0.0  # a state's search ends when its largest variance is not above this; 0: never

    def __post_init__(self) -> None:
        if self.population < 2:
            raise ValueError(f"population is {self.population}, expected at least 2 candidates")
        if not 1 <= self.elites <= self.population:
            raise ValueError(f"elites is {self.elites}, expected 1 to the population of {self.population}")
        if self.iterations < 1:
            raise ValueError(f"iterations is {self.iterations}, expected at least 1")
        if not 0 <= self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}, expected from 0 to below 1: at 1 nothing is learned")
        if not self.stop_variance >= 0:
            raise ValueError(f"stop_variance is {self.stop_variance}, expected at least 0")
        if not self.low < self.high:
            raise ValueError(f"low is {self.low} and high {self.high}, expected low < high")


def box_variance(mean: Tensor, variance: Tensor, low: float, high: float) -> Tensor:
    """The variance, limited to the square of half the distance from the mean to the nearer end of the box.

    For a mean outside the box the squared distance counts as well, as in the published codes. So the limit grows again.
    """
    to_low, to_high = (0.5 * (mean - low)).square(), (0.5 * (high - mean)).square()
    return torch.minimum(torch.minimum(to_low, to_high), variance)


def unit_noise(streams: Streams, shape: tuple[int, ...], sampling: str, dtype: torch.dtype) -> Tensor:
    """Standard normal numbers [S, *shape]; if `sampling` is "truncated", from the distribution truncated to [-2, 2]."""
    if sampling == "normal":
        return streams.normal(shape, dtype)
    uniform = streams.uniform(shape, -1.0, 1.0, dtype=dtype)
    return torch.erfinv(uniform * math.erf(math.sqrt(2))) * math.sqrt(2)  # inverse distribution function


class SequencePlanner:
    """Searches of S seeds. Each seed has its own random numbers, so its plans depend on no other seed.

    streams: draw the candidates.
    """

    def __init__(self, settings: SequenceSearch, streams: Streams) -> None:
        self.settings, self.streams = settings, streams
        self.last: Tensor | None = None  # the last solution [S, N, L, D], for a warm start
        self._fresh: Tensor | None = None  # which seeds start without it, bool [S]; None: none

    @torch.no_grad()
    def plan(self, mean: Tensor, std: Tensor, returns: Scored) -> Tensor:
        """The best sequence of actions found for each state, [S, N, L, D]. Take its first action.

        mean, std [S, N, L, D]: of the first candidates. With a warm start, after the first plan, `mean` serves only for
        the last step; the steps before it come from the last solution. A return that is not finite counts as the worst.
        """
        c = self.settings
        if c.warm_start and self.last is not None:
            warm = torch.cat([self.last[:, :, 1:], mean[:, :, -1:]], 2)
            mean = warm if self._fresh is None else torch.where(self._fresh[:, None, None, None], mean, warm)
        variance = std.square()
        best, best_return = mean, mean.new_full(mean.shape[:2], -math.inf)
        for _ in range(c.iterations):
            candidates = self._drawn(mean, variance)
            scores = returns(candidates)
            scores = torch.where(scores.isfinite(), scores, -math.inf)
            if c.solution == "best":
                best, best_return = better(best, best_return, candidates, scores)
            elite_mean, elite_variance = (
                moment.view_as(mean)
                for moment in elite_moments(candidates.flatten(0, 1).flatten(2), scores.flatten(0, 1), c.elites)
            )
            new_mean = c.alpha * mean + (1 - c.alpha) * elite_mean
            new_variance = c.alpha * variance + (1 - c.alpha) * elite_variance
            mean, variance = self._unless_narrow(mean, variance, new_mean, new_variance)
        solution = best if c.solution == "best" else mean
        self.last, self._fresh = solution if c.warm_start else None, None
        return solution

    def _unless_narrow(
        self, mean: Tensor, variance: Tensor, new_mean: Tensor, new_variance: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The new distributions, and the old ones of states whose search has ended.

        Those states still draw candidates, so that a seed's random numbers do not depend on other seeds.
        """
        if self.settings.stop_variance == 0:
            return new_mean, new_variance
        goes_on = (variance.amax((2, 3)) > self.settings.stop_variance)[:, :, None, None]
        return torch.where(goes_on, new_mean, mean), torch.where(goes_on, new_variance, variance)

    def _drawn(self, mean: Tensor, variance: Tensor) -> Tensor:
        c, (_, N, L, D) = self.settings, mean.shape
        if c.variance_cut == "box":
            variance = box_variance(mean, variance, c.low, c.high)
        noise = unit_noise(self.streams, (N, c.population, L, D), c.sampling, mean.dtype)
        return noise.mul_(variance.sqrt()[:, :, None]).add_(mean[:, :, None])

    def forget(self, which: Tensor | None = None) -> None:
        """Forget last solutions, because new episodes have begun. The next search starts from its `mean`.

        which: the seeds, bool [S]; None: all.
        """
        if which is None:
            self.last = None
        elif self.last is not None:
            self._fresh = which.clone() if self._fresh is None else self._fresh | which

    def state_dict(self) -> dict[str, Any]:
        last = {} if self.last is None else {"mean": self.last.clone()}
        fresh = {} if self._fresh is None else {"fresh": self._fresh.clone()}
        return {"streams": self.streams.state_dict(), "last": last | fresh}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.streams.load_state_dict(state["streams"])
        found = state["last"]
        self.last, self._fresh = (found[name].clone() if name in found else None for name in ("mean", "fresh"))


def better(best: Tensor, best_return: Tensor, candidates: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """The best sequences [S, N, L, D] and their returns [S, N], among the best so far and new candidates."""
    score, which = scores.max(2)
    first = candidates.gather(2, which[:, :, None, None, None].expand(-1, -1, 1, *candidates.shape[3:])).squeeze(2)
    gain = score > best_return
    return torch.where(gain[:, :, None, None], first, best), torch.where(gain, score, best_return)
