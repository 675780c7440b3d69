"""TRPO of sb3-contrib on gymnasium's own environments, to compare ours with a library's.

The algorithm is the package's, called as its users call it, with one learner per seed. The settings have the names of
those in `gae`, and the rows are those of `svgbench.learners.on_policy`. The differences:

* The package bounds the mean over an action's A dimensions of KL(new || old), where ours is their sum, that of
  actions. Here `max_kl` and `cg_damping` are of the sum, as everywhere; the package gets an A-th of each. So it runs
  with its own defaults, 0.01 and 0.1, where these are A times that.
* accepted is 1 or 0: the package does not report the share of the step that its line search took.
* Its conjugate gradients start from noise of 1e-4, and it works in float32 throughout.

The package draws from NumPy's and torch's global generators. Each seed has its own states of them, which are put there
while it is served; so it does not depend on the other seeds. It runs on the CPU, whatever the device.

Needs the extra `crosscheck`. Source: sb3-contrib 2.9.2 (sb3_contrib/trpo/trpo.py), stable-baselines3 2.9.2
(common/on_policy_algorithm.py, policies.py, buffers.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated, Any

import mujoco
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench import strict_json
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.learners.settings import settings
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, NonNegative, Positive, Range, Share, Widths
from svgbench.words.learner import Learner
from svgbench.words.policy import TrainedPolicy
from svgbench.words.task import ReferenceTask, Task

VERSION = 1

PACKAGES = ("sb3_contrib", "imageio")  # gymnasium imports imageio for its viewer
STATE = int(mujoco.mjtState.mjSTATE_INTEGRATION)


@dataclass(frozen=True)
class Config:
    """Defaults: the package's, except `max_kl` and `cg_damping` (see above)."""

    hidden: Widths = (64, 64)  # units, tanh
    init_std: Positive = 1.0  # of actions
    simulations: Count = 1  # environments, stepped one after another in one process
    timesteps: Annotated[int, Range(2)] = 2048  # of a batch; paths go on from batch to batch
    gamma: Share = 0.99
    gae_lambda: Share = 0.95  # also of the value's targets
    standardise: bool = True  # advantages to mean 0 and standard deviation 1
    max_kl: Positive = 0.01  # nats, of an action
    cg_iterations: Count = 15
    cg_damping: NonNegative = 0.1
    backtracks: Count = 10  # step lengths tried
    backtrack_factor: Annotated[float, Range(above=0, below=1)] = 0.8
    value_hidden: Widths = (64, 64)  # units, tanh
    value_lr: NonNegative = 1e-3  # Adam
    value_epochs: Count = 10
    value_batch: Count = 128  # steps


RULES = {"timesteps % simulations == 0": "each simulation takes as many steps"}


class SeedLearner:
    """The package's learner of one seed, with the environments and the global generators that it uses."""

    def __init__(self, config: Config, task: ReferenceTask, seed: int) -> None:
        from sb3_contrib import TRPO
        from stable_baselines3.common.logger import Logger
        from stable_baselines3.common.vec_env import DummyVecEnv

        c, N = config, config.simulations
        if c.timesteps % N or c.timesteps < 2:
            raise ValueError(f"timesteps is {c.timesteps}, expected as many of each of {N} simulations, and 2 at least")
        self.config, self.A, self.globals = config, task.action_dim, global_generators()
        with self._own_globals():
            self.model = TRPO(
                "MlpPolicy",
                DummyVecEnv([task.reference_env] * N),
                learning_rate=c.value_lr,
                n_steps=c.timesteps // N,
                batch_size=c.value_batch,
                gamma=c.gamma,
                cg_max_steps=c.cg_iterations,
                cg_damping=c.cg_damping / self.A,
                line_search_shrinking_factor=c.backtrack_factor,
                line_search_max_iter=c.backtracks,
                n_critic_updates=c.value_epochs,
                gae_lambda=c.gae_lambda,
                normalize_advantage=c.standardise,
                target_kl=c.max_kl / self.A,
                policy_kwargs={
                    "net_arch": {"pi": list(c.hidden), "vf": list(c.value_hidden)},
                    "log_std_init": math.log(c.init_std),
                },
                seed=seed,
                device="cpu",
            )
        self.model.set_logger(Logger(folder=None, output_formats=[]))
        self.path_return, self.path_length = np.zeros(N), np.zeros(N, dtype=np.int64)
        self._clear()

    def _clear(self) -> None:
        self.reward_sum = 0.0
        self.ended: list[tuple[float, int]] = []  # return and length of each path of the batch that ended

    def iterate(self) -> dict[str, float]:
        """Collect one batch and let the package learn from it. Returns the columns of a row."""
        self._clear()
        log_std = self.model.policy.log_std.detach().double()
        entropy = float((log_std + 0.5 * (1 + math.log(2 * math.pi))).sum())
        with self._own_globals():
            self.model.learn(self.config.timesteps, callback=self._note, reset_num_timesteps=False)
        said = self.model.logger.name_to_value
        accepted = float(said["train/is_line_search_success"])
        returns, lengths = np.array(self.ended, dtype=np.float64).reshape(-1, 2).T
        buffer = self.model.rollout_buffer
        error = np.square(buffer.returns - buffer.values, dtype=np.float64).mean()
        return {
            "simulated_steps": int(self.model.num_timesteps),
            "return_mean": float(returns.mean()) if len(returns) else math.nan,
            "episode_length": float(lengths.mean()) if len(lengths) else math.nan,
            "reward_per_step": self.reward_sum / self.config.timesteps,
            "kl": self.A * float(np.maximum(said["train/kl_divergence_loss"], 0)),  # below 0 by rounding only
            "surrogate_gain": float(said["train/policy_objective"]) if accepted else 0.0,
            "entropy": entropy,
            "accepted": accepted,
            "value_error": float(error / buffer.returns.var(dtype=np.float64)),
        }

    def _note(self, of_learner: Mapping[str, Any], _: Mapping[str, Any]) -> bool:
        """Called after each step of the environments, before the package adds a value at a time limit to the reward."""
        rewards = of_learner["rewards"].astype(np.float64)
        self.reward_sum += float(rewards.sum())
        self.path_return += rewards
        self.path_length += 1
        for i in np.flatnonzero(of_learner["dones"]):
            self.ended.append((float(self.path_return[i]), int(self.path_length[i])))
            self.path_return[i], self.path_length[i] = 0.0, 0
        return True

    @contextmanager
    def _own_globals(self) -> Iterator[None]:
        outside = global_generators()
        set_global_generators(self.globals)
        try:
            yield
        finally:
            self.globals = global_generators()
            set_global_generators(outside)

    def policy(self, task: ReferenceTask) -> TrainedPolicy:
        """The package's deterministic policy."""
        own = self.model.policy
        linear = [*(part for part in own.mlp_extractor.policy_net if hasattr(part, "weight")), own.action_net]
        weights, biases = ([getattr(p, name).detach().numpy().copy() for p in linear] for name in ("weight", "bias"))
        nothing, one = np.zeros(task.observation_dim, np.float32), np.ones(task.observation_dim, np.float32)
        bounds = task.action_low.copy(), task.action_high.copy()
        return TrainedPolicy(
            nothing, one, 0.0, tuple(w.T.copy() for w in weights), tuple(biases), "tanh", False,
            np.zeros(self.A), np.ones(self.A), *bounds,
        )  # fmt: skip

    def finite(self) -> bool:
        return all(bool(p.isfinite().all()) for p in self.model.policy.parameters())

    def state_dict(self) -> dict[str, Any]:
        model = self.model
        state = {
            "policy": model.policy.state_dict(),
            "optimizer": model.policy.optimizer.state_dict(),
            "steps": int(model.num_timesteps),
            "path_return": torch.from_numpy(self.path_return),
            "path_length": torch.from_numpy(self.path_length),
            "globals": self.globals,
        }
        if model._last_obs is None:
            return state  # its environments wait for their first reset, which uses the seed
        observation, starts = (torch.from_numpy(a) for a in (model._last_obs, model._last_episode_starts))
        environments = [environment_state(env) for env in model.env.envs]
        return state | {"observation": observation, "starts": starts, "environments": environments}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        model = self.model
        model.policy.load_state_dict(state["policy"])
        model.policy.optimizer.load_state_dict(state["optimizer"])
        model.num_timesteps = state["steps"]
        self.path_return, self.path_length = (_array(state[name]) for name in ("path_return", "path_length"))
        self.globals = {name: value.cpu().clone() for name, value in state["globals"].items()}
        if "environments" in state:
            model.env.reset()
            model._last_obs, model._last_episode_starts = _array(state["observation"]), _array(state["starts"])
            for env, own in zip(model.env.envs, state["environments"], strict=True):
                set_environment_state(env, own)


def _array(value: Tensor) -> NDArray[Any]:
    return value.cpu().numpy().copy()


def global_generators() -> dict[str, Tensor]:
    """The states of torch's and NumPy's global generators."""
    state: Any = np.random.get_state(legacy=False)  # noqa: NPY002  (the package draws from it)
    place = [state["state"]["pos"], state["has_gauss"], state["gauss"]]
    return {
        "torch": torch.get_rng_state(),
        "key": torch.from_numpy(state["state"]["key"].astype(np.int64)),
        "place": torch.tensor(place, dtype=torch.float64),
    }


def set_global_generators(states: Mapping[str, Tensor]) -> None:
    """Restore the states of `global_generators`."""
    torch.set_rng_state(states["torch"])
    position, has_gauss, gauss = states["place"].tolist()
    key = states["key"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", key, int(position), int(has_gauss), gauss))  # noqa: NPY002


def environment_state(env: Any) -> dict[str, Any]:
    """The state of one of gymnasium's MuJoCo environments, including its time limit."""
    own = env.unwrapped
    physics = np.zeros(mujoco.mj_stateSize(own.model, STATE))
    mujoco.mj_getState(own.model, own.data, physics, STATE)
    return {
        "physics": torch.from_numpy(physics),
        "elapsed": env.get_wrapper_attr("_elapsed_steps"),
        "generator": strict_json.dumps(own.np_random.bit_generator.state),
    }


def set_environment_state(env: Any, state: Mapping[str, Any]) -> None:
    """Restore `environment_state` in an environment that has been reset."""
    own = env.unwrapped
    mujoco.mj_setState(own.model, own.data, state["physics"].cpu().numpy(), STATE)
    env.set_wrapper_attr("_elapsed_steps", state["elapsed"])
    own.np_random.bit_generator.state = strict_json.loads(state["generator"])


class LibraryTRPO:
    """`svgbench.words.learner.Learner`; a slice is one iteration of each seed in turn."""

    def __init__(self, config: Config, task: ReferenceTask, seeds: Sequence[int], iterations: int) -> None:
        if iterations < 1:
            raise ValueError(f"iterations is {iterations}, expected at least 1")
        self.task, self.seeds, self.iterations, self.iteration = task, list(seeds), iterations, 0
        theirs = Streams(seeds, "sb3").integers((), 2**31).tolist()
        self.learners = {seed: SeedLearner(config, task, own) for seed, own in zip(self.seeds, theirs, strict=True)}
        self.diverged: dict[int, str] = {}

    @property
    def finished(self) -> bool:
        return self.iteration >= self.iterations or len(self.diverged) == len(self.seeds)

    @property
    def progress(self) -> tuple[int, int]:
        return self.iterations if self.finished else self.iteration, self.iterations

    def advance(self) -> list[dict[str, Any]]:
        """An iteration of every seed that has not diverged."""
        self.iteration += 1
        rows = []
        for seed, learner in self.learners.items():
            if seed in self.diverged:
                continue
            try:
                columns = learner.iterate()
            except ValueError:  # torch's error, if a policy stops being finite in the middle of an iteration
                if learner.finite():
                    raise
            if learner.finite():
                rows.append({"seed": seed, "step": self.iteration, **columns})
            else:
                self.diverged[seed] = f"iteration {self.iteration}: a parameter is not finite"
        return rows

    def state_dict(self) -> dict[str, Any]:
        return {
            "iteration": self.iteration,
            "diverged": {str(seed): reason for seed, reason in self.diverged.items()},
            "learners": [learner.state_dict() for learner in self.learners.values()],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.iteration = state["iteration"]
        self.diverged = {int(seed): reason for seed, reason in state["diverged"].items()}
        for learner, own in zip(self.learners.values(), state["learners"], strict=True):
            learner.load_state_dict(own)

    def policies(self) -> dict[int, TrainedPolicy]:
        """`svgbench.words.policy.HasPolicies`: the mean actions, clipped as the package's `predict` does."""
        living = {seed: learner for seed, learner in self.learners.items() if seed not in self.diverged}
        return {seed: learner.policy(self.task) for seed, learner in living.items()}


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `iterations`. Raises ValueError for a task that gymnasium does not have."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(f"no {' and no '.join(missing)}: install the extra, svgbench[crosscheck]")
    if not isinstance(task, ReferenceTask):
        raise ValueError(
            f"{task.id} is not one of gymnasium's environments: expected one of svgbench.tasks.gymnasium.v5"
        )
    return LibraryTRPO(settings(Config, config), task, seeds, int(limits["iterations"]))
