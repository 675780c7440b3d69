"""Training by the surrogate loss of a graph, as the examples of section 5.10 do it, Schulman 2016.

Each seed trains for itself: its random numbers are named by its number and by the iteration, so a seed does not notice
the others of its block. Its parameters have an axis of one seed first, as all layers here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from svgbench import scg
from svgbench.learners.seed_block import SeedBlock
from svgbench.nn.optim import Adam
from svgbench.nn.state import finite_rows
from svgbench.nn.streams import seed_number
from svgbench.scg.autodiff import flat_slope
from svgbench.words.learner import Row

DTYPE = torch.float64
EVALUATIONS = 10  # at most, after the one before the first update
APART = 10  # iterations between two of them, at least

BaselineKind = Literal["none", "running", "learned"]
LearnedFunctions = Mapping[scg.Node, tuple[Callable[..., Tensor], Sequence[scg.Node]]]


class Trainee(ABC):
    """One seed: a graph, parameters, and a baseline."""

    def __init__(self, seed: int, baseline: scg.Baseline | None, parameters: Iterable[nn.Parameter], lr: float) -> None:
        self.seed, self.baseline = seed, baseline
        self.adam = Adam(parameters, lr)

    @abstractmethod
    def draw(self) -> scg.Run:
        """A batch, drawn from torch's own random numbers."""

    @abstractmethod
    def evaluate(self) -> dict[str, float]:
        """The row of now, without seed and step. It may draw."""

    def update(self, iteration: int) -> None:
        """A step on the surrogate loss (Corollary 1 with Theorem 2), and one of a learned baseline on its own loss."""
        with scg.seeds(seed_number(self.seed, f"update {iteration}")):
            run = self.draw()
        loss = scg.surrogate(run, "log", self.baseline).mean()
        if isinstance(self.baseline, scg.Learned):
            loss = loss + self.baseline.loss(run)
        self.adam.backward(loss)
        self.adam.step()
        if isinstance(self.baseline, scg.Running):
            self.baseline.update(run)

    def state_dict(self) -> dict[str, Any]:
        state = {"parameters": self.adam.flat, "adam": self.adam.state_dict()}
        if isinstance(self.baseline, scg.Running):
            state["running"] = {"sums": dict(self.baseline.sums), "weight": self.baseline.weight}
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.adam.flat.copy_(state["parameters"])
        self.adam.load_state_dict(state["adam"])
        if isinstance(self.baseline, scg.Running):
            self.baseline.sums, self.baseline.weight = dict(state["running"]["sums"]), state["running"]["weight"]


def chosen(kind: BaselineKind, graph: scg.Graph, learned: LearnedFunctions) -> scg.Baseline | None:
    """The baseline of that kind. learned: as of `scg.Learned`."""
    if kind == "none":
        return None
    return scg.Running() if kind == "running" else scg.Learned(graph, learned)


def variances(run: scg.Run, theta: str, baseline: scg.Baseline | None, group: int) -> dict[str, float]:
    """Of one estimate of the gradient with the baseline, and of one without: `variance` and `variance_without`.

    Each is the sum over components, within each `group` samples of one law.
    """
    without = _variance(run, theta, None, group)
    own = without if baseline is None else _variance(run, theta, baseline, group)
    return {"variance": own, "variance_without": without}


def _variance(run: scg.Run, theta: str, baseline: scg.Baseline | None, group: int) -> float:
    estimates = scg.per_sample(scg.surrogate(run, "log", baseline), run[theta]).flatten(1)
    return estimates.unflatten(0, (-1, group)).var(1).sum(1).mean().item()


def error(run: scg.Run, theta: str, baseline: scg.Baseline | None, exact: Tensor) -> float:
    """How far the mean estimate of a run is from the exact gradient [P], along that gradient."""
    loss = run.expectation(scg.surrogate(run, "log", baseline))
    return ((flat_slope(loss, run[theta]) - exact) @ exact / exact.norm()).item()


class Training(SeedBlock):
    """`svgbench.words.learner.Learner`. A slice ends with an evaluation, a row of each seed."""

    def __init__(self, trainees: Sequence[Trainee], iterations: int) -> None:
        super().__init__([one.seed for one in trainees])
        self.trainees = list(trainees)
        parts = min(EVALUATIONS, max(iterations // APART, 1))
        self.ends = [round(iterations * i / parts) for i in range(parts + 1)]
        self.done = 0

    @property
    def finished(self) -> bool:
        return self.done == len(self.ends) or not self.alive.any()

    @property
    def progress(self) -> tuple[int, int]:
        return self.ends[max(self.done - 1, 0)], self.ends[-1]

    def advance(self) -> list[Row]:
        start, end = self.progress[0], self.ends[self.done]
        rows = []
        for place, one in enumerate(self.trainees):
            if not self.alive[place]:
                continue
            for iteration in range(start, end):
                one.update(iteration)
                if not finite_rows(one.adam.flat).all():  # its next draw would fail
                    others = np.arange(len(self.seeds)) != place
                    self.mark_diverged(others, f"iteration {iteration + 1}: a parameter is not finite")
                    break
            if not self.alive[place]:
                continue
            with scg.seeds(seed_number(one.seed, f"evaluation {end}")):
                rows.append({"seed": one.seed, "step": end, **one.evaluate()})
        self.done += 1
        return rows

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done, "trainees": [one.state_dict() for one in self.trainees], **self.block_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done = state["done"]
        for one, own in zip(self.trainees, state["trainees"], strict=True):
            one.load_state_dict(own)
        self.load_block_state(state)
