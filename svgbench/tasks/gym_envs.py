"""Our tasks as gymnasium environments, single and vector.

`gym.make("svgbench.tasks:svgbench/poplin-hopper-v0")`, `gym.make_vec("svgbench.tasks:svgbench/poplin-hopper-v0", 8)`.
After a reset with seed s, simulation i of a vector environment has the episodes of a single one with seed s + i.

They behave as gymnasium's own environments do. `max_episode_steps` is the time limit of an episode; -1 means no limit.
An unwrapped single environment has no limit, and can be stepped after an episode's end. A copy made with
`copy.deepcopy` or `pickle` continues exactly where the original is. A task's option `horizon` is a second limit, inside
the environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Space
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from svgbench import factories
from svgbench.words.task import Array, Bools, Simulations, State, Step, Task

STREAM = "gymnasium"
NO_LIMIT = 2**62
"""A horizon that no episode reaches, in control steps."""

Seeds = int | Sequence[int | None] | None


def _limit(name: str, steps: int | None) -> int | None:
    """A time limit in control steps; None means the task's own, -1 none. TypeError or ValueError for other values."""
    if not isinstance(steps, int | None) or isinstance(steps, bool):
        raise TypeError(f"{name} is {steps!r}, expected a whole number")
    if steps is not None and steps < 1 and steps != -1:
        raise ValueError(f"{name} is {steps}, expected at least 1, or -1 for no limit")
    return NO_LIMIT if steps == -1 else steps


class _OfTask:
    """What single and vector environments share: the task, rendering and copying."""

    task: Task
    render_mode: str | None
    metadata: dict[str, Any]
    _renderer: Any  # `svgbench.tasks.rendering.Renderer`, once something is drawn
    _simulations: Simulations | None

    def _build(self, make: str, horizon: int | None, options: dict[str, Any], render_mode: str | None) -> None:
        module, function = factories.task_place(make)
        self._how: dict[str, Any] = {"make": make, "horizon": horizon, "options": options, "render_mode": render_mode}
        self.task = getattr(import_module(module), function)(**options)
        limit = self.task.horizon if horizon is None else horizon
        self._limited: Task = replace(self.task, horizon=limit)
        self.render_mode, self._renderer, self._simulations = render_mode, None, None
        modes = ["rgb_array"] if hasattr(self.task, "model") else []
        if render_mode is not None and render_mode not in modes:
            expected = "None or 'rgb_array'" if modes else "None: this task has no picture"
            raise ValueError(f"{self.task.id}: render_mode is {render_mode!r}, expected {expected}")
        self.metadata = type(self).metadata | {"render_modes": modes, "render_fps": round(1 / self.task.dt)}

    def _spaces(self) -> tuple[Space[Any], Space[Any]]:
        task = self.task
        return (
            Box(task.observation_low, task.observation_high, dtype=np.float64),
            Box(task.action_low.astype(np.float32), task.action_high.astype(np.float32), dtype=np.float32),
        )

    def _begun(self) -> Simulations:
        if self._simulations is None:
            raise gymnasium.error.ResetNeeded("reset this environment before its first step")
        return self._simulations

    def _frames(self) -> list[NDArray[np.uint8]] | None:
        """A picture [480, 480, 3] of every simulation; None, with a warning, without a render mode."""
        simulations: Any = self._begun()
        if self.render_mode is None:
            gymnasium.logger.warn("render() was called without a render mode: make it with render_mode='rgb_array'")
            return None
        if self._renderer is None:
            from svgbench.tasks.rendering import Renderer

            self._renderer = Renderer(simulations.task.model)
        return [self._renderer.frame(simulations.physics.get_data(i)) for i in range(len(simulations))]

    def _free(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
        self._renderer = None

    def __getstate__(self) -> dict[str, Any]:
        left_out = {"task", "_limited", "_renderer", "_simulations"}
        kept = {name: value for name, value in self.__dict__.items() if name not in left_out}
        return kept | {"_state": None if self._simulations is None else self._simulations.get_state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        simulations: State | None = state.pop("_state")
        self._build(**state["_how"])
        self.__dict__.update(state)
        if simulations is not None:
            self._simulations = self._simulate(list(simulations["seeds"]))
            self._simulations.set_state(simulations)

    def _simulate(self, seeds: list[int]) -> Simulations:
        """A batch at the start of its first episodes; it does not reset automatically."""
        return self._limited.simulate(seeds, stream=STREAM, autoreset=False)


class SingleEnv(_OfTask, gymnasium.Env[Array, Array]):
    """One simulation of the task that `make` builds with these options: a task's name, or "module:attribute".

    render_mode: None or "rgb_array", for tasks on MuJoCo. Raises ValueError for another one.
    """

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  (gymnasium's own declaration)

    def __init__(self, make: str, horizon: int | None = None, render_mode: str | None = None, **options: Any) -> None:
        self._build(make, _limit("horizon", -1 if horizon is None else horizon), options, render_mode)
        self.observation_space, self.action_space = self._spaces()
        self._over = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        super().reset(seed=seed)
        self._over = False
        if seed is None and self._simulations is not None:
            return self._simulations.reset()[0], {}
        self._simulations = self._simulate([int(self.np_random.integers(2**31)) if seed is None else seed])
        return self._simulations.observe()[0], {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        simulation = self._begun()
        if self._over:
            simulation.restore(simulation.snapshot()._replace(ended=np.zeros(1, dtype=np.bool_)))
        step = simulation.step(np.asarray(action)[None])
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        self._over = terminated or truncated
        info = {"failed": True} if step.failed[0] else {}
        return step.observation[0], float(step.reward[0]), terminated, truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        """A picture [480, 480, 3] from a camera that follows the robot."""
        frames = self._frames()
        return None if frames is None else frames[0]

    def close(self) -> None:
        self._free()


class BatchEnv(_OfTask, VectorEnv[Array, Array, Array]):
    """`num_envs` simulations of one task.

    autoreset_mode: what happens at the end of an episode. NEXT_STEP, gymnasium's default: the next step resets, ignores
    the action and pays 0. SAME_STEP: the step that ends an episode resets; `infos["final_obs"]` and
    `infos["final_info"]` hold its result. DISABLED: the caller resets, with `options={"reset_mask": ...}`.
    max_episode_steps: the time limit in control steps; None is the task's horizon, -1 none. threads: of the physics;
    they do not affect any number. render_mode: as in `SingleEnv`. Raises TypeError for a limit that is not an integer,
    ValueError for a limit of 0 or below -1 and for an unknown mode.
    """

    metadata = {"render_modes": ["rgb_array"], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int,
        make: str,
        horizon: int | None = None,
        threads: int = 1,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs is {num_envs}, expected at least 1")
        self.num_envs, self.threads, self.autoreset_mode = num_envs, threads, AutoresetMode(autoreset_mode)
        limits = [_limit("horizon", horizon), _limit("max_episode_steps", max_episode_steps)]
        self._build(make, min((x for x in limits if x is not None), default=None), options, render_mode)
        self.single_observation_space, self.single_action_space = self._spaces()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._seeds = [seeding.np_random()[1] for _ in range(num_envs)]
        self._ended = np.zeros(num_envs, dtype=np.bool_)

    def _build(self, *how: Any, **named: Any) -> None:
        super()._build(*how, **named)
        self.metadata["autoreset_mode"] = self.autoreset_mode

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.threads, self.autoreset_mode = state["threads"], state["autoreset_mode"]
        super().__setstate__(state)

    def _simulate(self, seeds: list[int]) -> Simulations:
        return self._limited.simulate(seeds, stream=STREAM, threads=self.threads, autoreset=False)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]  # as gymnasium's SyncVectorEnv
        """The seed of every simulation."""
        return tuple(self._seeds)

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Begin new episodes everywhere, or where the boolean array `options["reset_mask"]` [num_envs] is true.

        seed: one seed, to which simulations add their index, or one for each; a simulation whose seed is None continues
        with its own stream. Raises as gymnasium's `SyncVectorEnv` does.
        """
        mask = self._mask(options)
        seeds = self._seed_each(seed)
        new = {i: seeding.np_random(s)[1] for i, s in enumerate(seeds) if mask[i] and s is not None}
        if self._simulations is None and not mask.all():
            raise gymnasium.error.ResetNeeded("reset all simulations once before some of them")

        self._seeds = [new.get(i, old) for i, old in enumerate(self._seeds)]
        continued = np.array([i for i in np.flatnonzero(mask) if i not in new], dtype=np.int64)
        if self._simulations is None:
            self._simulations = self._simulate(self._seeds)
        else:
            if new:
                self._simulations = self._reseeded(self._simulations, [i not in new for i in range(self.num_envs)])
            if len(continued):
                self._simulations.reset(continued)
        self._ended[mask] = False
        return self._simulations.observe(), {}

    def _seed_each(self, seed: Seeds) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if not isinstance(seed, Sequence | np.ndarray):
            first = seeding.np_random(seed)[1]  # raises gymnasium's own error for a wrong seed
            return [first + i for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"{len(seed)} seeds for {self.num_envs} simulations: expected one for each")
        return list(seed)

    def _mask(self, options: dict[str, Any] | None) -> Bools:
        mask = (options or {}).get("reset_mask")
        if mask is None:
            return np.ones(self.num_envs, dtype=np.bool_)
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            kind = mask.dtype if isinstance(mask, np.ndarray) else type(mask).__name__
            raise TypeError(f"reset_mask is {kind}, expected a NumPy array of bool")
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(f"reset_mask is {mask.tolist()}, expected {self.num_envs} entries, one of them True")
        return mask

    def _reseeded(self, old: Simulations, kept: list[bool]) -> Simulations:
        """A batch with the current seeds: kept simulations continue from their state in `old`, the others start."""
        fresh = self._simulate(self._seeds)
        if any(kept):
            state, before, keep = fresh.get_state(), old.get_state(), np.flatnonzero(kept)
            for name in ("elapsed", "ended", "observation"):
                state[name][keep] = before[name][keep]
            for i in keep:
                state["generators"][i] = before["generators"][i]
            for name, value in state["dynamics"].items():
                value[keep] = before["dynamics"][name][keep]
            fresh.set_state(state)
        return fresh

    def step(self, actions: Array) -> tuple[Array, Array, Bools, Bools, dict[str, Any]]:  # type: ignore[override]
        simulations, A = self._begun(), self.task.action_dim
        actions = np.asarray(actions, dtype=np.float64)
        if actions.shape != (self.num_envs, A):
            raise ValueError(f"actions have shape {actions.shape}, expected {(self.num_envs, A)}")
        resets = self._ended if self.autoreset_mode == AutoresetMode.NEXT_STEP else np.zeros_like(self._ended)
        step = _step_or_reset(simulations, actions, resets) if resets.any() else simulations.step(actions)
        ended, observation = step.terminated | step.truncated, step.observation
        infos: dict[str, Any] = {}
        for i in np.flatnonzero(ended | step.failed):
            info: dict[str, Any] = {"failed": True} if step.failed[i] else {}
            if self.autoreset_mode == AutoresetMode.SAME_STEP:
                info = {"final_obs": step.final_observation[i], "final_info": info}
            infos = self._add_info(infos, info, int(i))
        if self.autoreset_mode == AutoresetMode.SAME_STEP and ended.any():
            places = np.flatnonzero(ended)
            observation[places] = simulations.reset(places)
        self._ended = ended
        return observation, step.reward, step.terminated, step.truncated, infos

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """A picture [480, 480, 3] of every simulation."""
        frames = self._frames()
        return None if frames is None else tuple(frames)

    def close_extras(self, **kwargs: Any) -> None:
        self._free()


def _step_or_reset(simulations: Simulations, actions: Array, resets: Bools) -> Step:
    """Step the simulations, or begin a new episode with reward 0 where `resets` [N] is true."""
    new, on = np.flatnonzero(resets), np.flatnonzero(~resets)
    N, none = len(simulations), np.zeros(len(simulations), dtype=np.bool_)
    observation = np.empty((N, simulations.observe().shape[1]))
    whole = Step(observation, np.zeros(N), none, none.copy(), observation.copy(), none.copy())
    if len(on):
        for field, part in zip(whole, simulations.step(actions[on], on), strict=True):
            field[on] = part
    whole.observation[new] = simulations.reset(new)
    return whole
