"""A random walk with drift, per seed: quick, exact, and able to fail in every way that a test asks for."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch

from svgbench.ranges import Range

VERSION = 1


@dataclass(frozen=True)
class Config:
    """What a walk does."""

    drift: float = 0.1  # per step
    slices: int = 6
    steps: Annotated[int, Range(1)] = 5  # rows per slice and seed
    slice_seconds: float = 0.0
    nan_seed: int = -1  # this seed's walk becomes NaN in the third slice
    raise_at: int = -1  # slice that raises
    once: str = ""  # a file: trouble happens only if it does not exist yet
    die_at: int = -1  # slice in which the process kills itself
    hang_at: int = -1
    trouble_seed: int = -1  # only the block of this seed gets into trouble
    until: str = ""  # a file: trouble happens only while it does not exist
    ballast: int = 0  # numbers of state, to make a checkpoint large
    unbuilt: str = ""  # what the error says that `make` raises


class Walk:
    def __init__(self, config: Config, scale: float, seeds: Sequence[int], dtype: torch.dtype = torch.float64) -> None:
        self.config, self.scale, self.seeds = config, scale, list(seeds)
        self.generators = [torch.Generator().manual_seed(1000 + s) for s in seeds]
        self.position = torch.zeros(len(self.seeds), dtype=dtype)
        self.ballast = torch.zeros(config.ballast, dtype=dtype)
        self.slice = 0
        self.diverged: dict[int, str] = {}

    @property
    def finished(self) -> bool:
        return self.slice >= self.config.slices

    @property
    def progress(self) -> tuple[int, int]:
        return self.slice * self.config.steps, self.config.slices * self.config.steps

    def advance(self) -> list[dict[str, Any]]:
        self._trace()
        self._trouble()
        rows = []
        for step in range(self.slice * self.config.steps, (self.slice + 1) * self.config.steps):
            noise = torch.stack([torch.randn((), generator=g, dtype=torch.float64) for g in self.generators])
            self.position += self.config.drift + self.scale * noise
            if self.slice == 2 and self.config.nan_seed in self.seeds:
                self.position[self.seeds.index(self.config.nan_seed)] = math.nan
            for index, seed in enumerate(self.seeds):
                value = self.position[index].item()
                if not math.isfinite(value):
                    self.diverged.setdefault(seed, f"step {step}: position is {value}")
                if seed not in self.diverged:
                    rows.append({"seed": seed, "step": step, "position": value, "side": "up" if value > 0 else "down"})
        self.slice += 1
        self._trace()
        return rows

    def _trace(self) -> None:
        """Note the moment, the process and the block in a file, if a test asks for one."""
        if path := os.environ.get("TESTKIT_TRACE"):
            line = f"{time.monotonic_ns()} {os.getpid()} {self.config.drift} {self.seeds[0]}\n"
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            os.write(handle, line.encode())
            os.close(handle)

    def _trouble(self) -> None:
        config = self.config
        time.sleep(config.slice_seconds)
        if self.slice not in (config.raise_at, config.die_at, config.hang_at):
            return
        if config.trouble_seed >= 0 and config.trouble_seed not in self.seeds:
            return
        if config.until and os.path.exists(config.until):
            return
        if config.once:
            if os.path.exists(config.once):
                return
            with open(config.once, "w", encoding="utf-8"):
                pass
        if self.slice == config.raise_at:
            raise ArithmeticError("the walk fell over")
        if self.slice == config.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(3600)

    def state_dict(self) -> dict[str, Any]:
        return {
            "position": self.position.clone(),
            "generators": [g.get_state() for g in self.generators],
            "slice": self.slice,
            "diverged": {str(k): v for k, v in self.diverged.items()},
            "ballast": self.ballast,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.position = state["position"].clone()
        for generator, saved in zip(self.generators, state["generators"], strict=True):
            generator.set_state(saved)
        self.slice = state["slice"]
        self.diverged = {int(k): v for k, v in state["diverged"].items()}


def make(config: Mapping[str, Any], task: float, seeds: Sequence[int], limits: Mapping[str, Any], device: str) -> Walk:
    if config["unbuilt"]:
        raise ArithmeticError(config["unbuilt"])
    return Walk(Config(**config), task, seeds)
