"""Our tasks as gymnasium environments, single and vector.

`gym.make("svgbench.tasks:svgbench/poplin-hopper-v0")`, `gym.make_vec("svgbench.tasks:svgbench/poplin-hopper-v0", 8)`.
Simulation i of a vector environment that was reset with seed s has the episodes of a single one with seed s + i.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Space
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from svgbench.tasks.protocol import Array, Bools, Simulations, Task

STREAM = "gymnasium"


def _make(make: str, horizon: int | None, options: dict[str, Any]) -> Task:
    module, _, attribute = make.partition(":")
    factory = getattr(import_module(module), attribute)
    task: Task = factory(**options) if horizon is None else factory(horizon=horizon, **options)
    return task


def _spaces(task: Task) -> tuple[Space[Any], Space[Any]]:
    return (
        Box(task.observation_low, task.observation_high, dtype=np.float64),
        Box(task.action_low.astype(np.float32), task.action_high.astype(np.float32), dtype=np.float32),
    )


class SingleEnv(gymnasium.Env[Array, Array]):
    """One simulation of the task that the factory `make` ("module:attribute") builds with these options."""

    metadata = {"render_modes": []}  # noqa: RUF012  (gymnasium's own declaration)

    def __init__(self, make: str, horizon: int | None = None, **options: Any) -> None:
        self.task = _make(make, horizon, options)
        self.observation_space, self.action_space = _spaces(self.task)
        self._simulation: Simulations | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        super().reset(seed=seed)
        if seed is None and self._simulation is not None:
            return self._simulation.reset()[0], {}
        if seed is None:
            seed = int(self.np_random.integers(2**31))
        self._simulation = self.task.simulate([seed], stream=STREAM, autoreset=False)
        return self._simulation.observe()[0], {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        if self._simulation is None:
            raise gymnasium.error.ResetNeeded("reset this environment before its first step")
        step = self._simulation.step(np.asarray(action)[None])
        info = {"failed": True} if step.failed[0] else {}
        return step.observation[0], float(step.reward[0]), bool(step.terminated[0]), bool(step.truncated[0]), info


class BatchEnv(VectorEnv[Array, Array, Array]):
    """`num_envs` simulations of one task, each reset in the step that ends its episode.

    What the step led to is then in `infos["final_obs"]`, an array of objects with None where nothing ended, and
    `infos["_final_obs"]` says where. threads: of the physics; they change no number.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int,
        make: str,
        horizon: int | None = None,
        threads: int = 1,
        max_episode_steps: int | None = None,
        **options: Any,
    ) -> None:
        self.num_envs, self.threads = num_envs, threads
        self.task = _make(make, max_episode_steps if horizon is None else horizon, options)
        self.single_observation_space, self.single_action_space = _spaces(self.task)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._simulations: Simulations | None = None

    def reset(
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        if seed is None and self._simulations is not None:
            return self._simulations.reset(), {}
        if seed is None:
            seed = int(self.np_random.integers(2**31))
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds for {self.num_envs} simulations: expected one for each")
        self._simulations = self.task.simulate(seeds, stream=STREAM, threads=self.threads)
        return self._simulations.observe(), {}

    def step(self, actions: Array) -> tuple[Array, Array, Bools, Bools, dict[str, Any]]:  # type: ignore[override]
        if self._simulations is None:
            raise gymnasium.error.ResetNeeded("reset this environment before its first step")
        step = self._simulations.step(actions)
        infos: dict[str, Any] = {}
        ended = step.terminated | step.truncated
        if ended.any():
            final = np.full(self.num_envs, None, dtype=object)
            for i in np.flatnonzero(ended):
                final[i] = step.final_observation[i]
            infos = {"final_obs": final, "_final_obs": ended, "final_info": {}}
        if step.failed.any():
            infos |= {"failed": step.failed, "_failed": step.failed}
        return step.observation, step.reward, step.terminated, step.truncated, infos
