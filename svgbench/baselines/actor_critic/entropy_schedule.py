"""The target entropy of Amos et al. 2020 over training, eq. (14) and Figure 6: computed, nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from svgbench.baselines.actor_critic._entropy_target import target_entropy
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.study import OneSliceStudy
from svgbench.ranges import Count, Nats, NonNegative
from svgbench.words.learner import Learner, Row

VERSION = 1


@dataclass(frozen=True)
class Config:
    target_entropy_init: Nats = 0.0  # nats (Figure 6)
    target_entropy_final: Nats = -10.0  # nats (Figure 6)
    target_entropy_decay: NonNegative = 1.0  # the exponent beta
    points: Count = 200  # intervals between 0 and the last step


class EntropySchedule(OneSliceStudy):
    """The schedule at `points` + 1 steps, the same for every seed."""

    def __init__(self, config: Config, seeds: Sequence[int], total_steps: int) -> None:
        super().__init__(seeds)
        self.config, self.total_steps = config, total_steps

    def measure(self) -> list[Row]:
        c, T = self.config, self.total_steps
        steps = [T * i // c.points for i in range(c.points + 1)]
        schedule = c.target_entropy_init, c.target_entropy_final, c.target_entropy_decay
        return [
            {"seed": seed, "step": step, "target_entropy": target_entropy(step, T, *schedule)}
            for seed in self.seeds
            for step in steps
        ]


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `total_steps`, T of eq. (14). The task and the device are not used."""
    return EntropySchedule(Config(**config), seeds, int(limits["total_steps"]))
