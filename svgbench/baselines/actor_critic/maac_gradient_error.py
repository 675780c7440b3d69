"""The error of model-augmented actor-critic's policy gradient, as a function of the horizon H.

Clavera, Fu and Abbeel 2020, section 5.2 and Figure 3. No policy is trained. For a fixed linear Gaussian policy, the
study learns dynamics f-hat and an action value Q-hat, as MAAC does, from growing amounts of on-policy data. It compares
the pathwise gradient (section 4.1)

    grad_k E[ sum_{t<H} gamma^t r(s_t, a_t) + gamma^H Q-hat(s_H, a_H) ],   s_{t+1} ~ f-hat(s_t, a_t)

with two exact ones, both in closed form (`svgbench.tasks.maac.linear_quadratic`):

* target "policy": dJ/dk, the gradient of the return at the current policy. Figure 3 plots the error to it.
* target "objective": the gradient of the same H-step objective with exact f and exact Q, with Q held fixed. Lemma 4.1
  bounds the error to it.

The two targets differ by a truncation that no learning removes.

`dynamics` and `critic` say which are learned. A seed's Q-hat is the same whether its dynamics are learned or true.

The estimate is the exact gradient of the objective, plus the mean over sampled paths of the difference between the
estimated and the exact pathwise gradient. Both have the same action noise, which cancels. What differs from MAAC is in
the deviations of `maac/fig3`.

Axes: S seeds, E members, B minibatch, N paths, T times, n numbers of a state, m of an action, P entries of the gain.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from torch import Tensor

from svgbench.baselines.actor_critic._pathwise import Critic, Dynamics, Lemma, follow, lemma
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.seed_block import SeedBlock
from svgbench.learners.settings import settings
from svgbench.models.ensemble import EnsembleModel
from svgbench.nn import MLP, Adam, EarlyStopping, Streams, polyak_, target_copy
from svgbench.ranges import Activation, Count, Increasing, Length, LogScale, Natural, NonNegative, Range, Share, Widths
from svgbench.tasks.maac import linear_quadratic as lqr
from svgbench.tasks.maac.double_integrator import DoubleIntegrator
from svgbench.words.learner import Learner

VERSION = 1

STARTS = ("s0", "replay")
Stages = Annotated[tuple[Count, ...], Length(1), Increasing()]
Horizons = Annotated[tuple[Natural, ...], Length(1), Increasing()]


@dataclass(frozen=True)
class Config:
    """The settings. Sources: "paper" is section 4.3; "code" is iclavera/meta-mb (run_scripts/maac_run_sweep.py at
    233e0fb, run_scripts/double_integral_script.py at 4468b4d); else our choice.
    """

    dynamics: Literal["learned", "true"] = "learned"  # which curve (Figure 3)
    critic: Literal["learned", "exact"] = "learned"  # which curve (the exact ones are ours)
    stages: Stages = (100, 400, 1600, 4000)  # environment steps at which gradients are measured
    horizons: Horizons = (0, 1, 2, 3, 5, 10, 15, 20)  # model steps; the paper's axis is not printed
    start_states: Count = 32  # replay states per measurement (code)
    paths: Count = 512  # sampled paths per measurement, spread evenly over members and start states
    members: Count = 4  # dynamics models (code, earlier sweeps; 8 later)
    model_hidden: Widths = (64, 64)  # units (code: four layers of 200)
    model_activation: Activation = "silu"  # (code: swish)
    model_lr: NonNegative = 1e-3  # Adam (code)
    model_batch: Count = 128  # transitions per member and update (code: 256)
    model_updates_per_step: Annotated[float, Range(0, 1000)] = (
        1.0  # at most, per environment step (code: 0.8, 200 epochs of 1000 steps)
    )
    log_var_min: LogScale = -10.0  # soft bounds of the normalised log-variance (code)
    log_var_max: LogScale = 0.5  # (code)
    held_out: Annotated[float, Range(above=0, below=1)] = 0.2  # share of transitions that stop training early (code)
    validate_every: Count = 50  # updates
    patience: Count = 5  # validations without a better loss (code: epochs)
    critic_hidden: Widths = (64, 64)  # units (code: two layers of 256)
    critic_activation: Activation = "relu"  # (code)
    critic_lr: NonNegative = 1e-3  # Adam (code: 3e-4, for many more updates)
    critic_batch: Count = 128  # transitions per update (code: 256)
    critic_updates_per_step: Annotated[int, Range(0, 1000)] = 3  # per environment step (code: 8)
    tau: Share = 0.02  # weight of the online critic in its target, per update (code: 0.005)
    updates_per_slice: Count = 250  # gradient updates per slice; numbers are drawn by slice, so it affects results
    dtype: Literal["float32", "float64"] = "float32"  # of training; gradients are measured in float64


RULES = {
    "device == 'cpu'": "this study measures in float64 on small networks",
    "paths % (members * start_states) == 0": "paths are spread evenly over members and start states",
    "stages[0] <= total_steps": "there is a stage to measure at",
    "all(stage % horizon == 0 for stage in stages)": "data are whole episodes",
    "horizons[-1] > 0": "there is a model step to measure",
    "log_var_min < log_var_max": "the lower bound must be below the upper one",
    "0.5 < held_out * stages[0] < stages[0] - 0.5": "some transitions must train, and some must be held out",
}


def td_targets(target_critic: MLP, r: Tensor, x_next: Tensor, gamma: float) -> Tensor:
    """The targets [S, B] of J_Q (section 3.1), in units of (1 - gamma) Q, with the smaller of the target twins.

    r [S, B]; x_next [S, B, n + m], with an action of the policy. Episodes end by truncation only, so every target
    bootstraps.
    """
    with torch.no_grad():
        return (1 - gamma) * r + gamma * target_critic(x_next).squeeze(-1).amin(1)


def critic_loss(critic: MLP, x: Tensor, y: Tensor) -> Tensor:
    """[S]: squared Bellman error, summed over the twins. x [S, B, n + m], y [S, B]."""
    return (critic(x).squeeze(-1) - y[:, None]).square().mean(-1).sum(-1)


class GradientError(SeedBlock):
    """`svgbench.words.learner.Learner` for a block of S seeds. A stage: collect, fit Q-hat, fit f-hat, measure."""

    def __init__(self, config: Config, task: DoubleIntegrator, seeds: Sequence[int], total_steps: int) -> None:
        super().__init__(seeds)
        self.config, self.task = config, task
        self.S, n, m = len(self.seeds), task.state_dim, task.action_dim
        self.streams = {name: Streams(seeds, name) for name in ("data", "critic", "model", "evaluation")}
        self.dtype = getattr(torch, config.dtype)

        rows = {"s": n, "a": m, "r": 1, "s_next": n}
        self.replay = {name: torch.zeros(self.S, 0, d, dtype=torch.float64) for name, d in rows.items()}
        self.held_out = torch.zeros(self.S, 0, dtype=torch.int64)  # places in the replay
        self.bootstrap = torch.zeros(self.S, config.members, 0, dtype=torch.int64)

        self.critic = MLP(self.streams["critic"], (n + m, *config.critic_hidden, 1), config.critic_activation,
                          ensemble=2, dtype=self.dtype)  # fmt: skip
        self.critic_adam = Adam(self.critic.parameters(), config.critic_lr)
        self.target_critic = target_copy(self.critic)
        self.model = EnsembleModel(
            self.streams["model"], n, m,
            hidden=config.model_hidden, activation=config.model_activation, members=config.members,
            log_var_bounds=(config.log_var_min, config.log_var_max), dtype=self.dtype,
        )  # fmt: skip
        self.model_adam = Adam(self.model.parameters(), config.model_lr)
        self.stopping = EarlyStopping(self.model, patience=config.patience)

        self.position = 0
        self.plan = _plan(config, total_steps)

    @property
    def finished(self) -> bool:
        return self.position == len(self.plan)

    @property
    def progress(self) -> tuple[int, int]:
        """In gradient updates. Collecting and measuring count as one each."""
        costs = [max(updates, 1) for _, _, updates in self.plan]
        return sum(costs[: self.position]), sum(costs)

    def advance(self) -> list[dict[str, Any]]:
        kind, step, updates = self.plan[self.position]
        rows: list[dict[str, Any]] = []
        if kind == "collect":
            self._collect(step)
        elif kind == "critic":
            self._fit_critic(step, updates)
        elif kind == "model":
            self._fit_model(step, updates)
        else:
            rows = self._measure(step)
        self.position += 1
        return rows

    def _collect(self, step: int) -> None:
        """On-policy episodes until the replay holds `step` transitions."""
        T, old = self.task.horizon, self.replay["s"].shape[1]
        episodes = (step - old) // T
        noise = self.streams["data"].normal((episodes, T, self.task.action_dim), dtype=torch.float64)
        s = torch.as_tensor(self.task.start).expand(self.S, episodes, -1)
        new: dict[str, list[Tensor]] = {name: [] for name in self.replay}
        for t in range(T):
            a = self.task.act(s, noise[:, :, t])
            s_next = self.task.step(s, a)
            for name, x in (("s", s), ("a", a), ("r", self.task.reward_function(s, a)[..., None]), ("s_next", s_next)):
                new[name].append(x)
            s = s_next
        for name, xs in new.items():
            self.replay[name] = torch.cat([self.replay[name], torch.stack(xs, 2).flatten(1, 2)], 1)
        self._split(old, episodes * T)

    def _split(self, old: int, count: int) -> None:
        """Hold out some of the new transitions. Each member draws its own sample of the rest, with replacement."""
        stream, c = self.streams["model"], self.config
        held = round(c.held_out * count)
        places = old + stream.permutation(count)
        train = places[:, held:]
        drawn = stream.integers((c.members, count - held), count - held)
        self.held_out = torch.cat([self.held_out, places[:, :held]], 1)
        self.bootstrap = torch.cat([self.bootstrap, _take(train, drawn)], 2)
        x = _take(torch.cat([self.replay["s"], self.replay["a"]], -1), train)
        self.model.inputs.update(x)
        self.model.changes.update(_take(self.replay["s_next"] - self.replay["s"], train))

    def _fit_critic(self, step: int, updates: int) -> None:
        """Minimise J_Q of section 3.1 on minibatches of all data; the next action is drawn anew each time."""
        c, task, stream = self.config, self.task, self.streams["critic"]
        size = self.replay["s"].shape[1]
        drawn = stream.integers((updates, c.critic_batch), size)
        noise = stream.normal((updates, c.critic_batch, task.action_dim), dtype=torch.float64)
        s, a, r, s_next = (_take(self.replay[name], drawn) for name in ("s", "a", "r", "s_next"))
        x = torch.cat([s, a], -1).to(self.dtype)  # [S, updates, B, n + m]
        x_next = torch.cat([s_next, task.act(s_next, noise)], -1).to(self.dtype)
        r = r.squeeze(-1).to(self.dtype)
        alive, finite = self._learning(), torch.ones(self.S, dtype=torch.bool)
        for u in range(updates):
            y = td_targets(self.target_critic, r[:, u], x_next[:, u], task.gamma)
            loss = critic_loss(self.critic, x[:, u], y)
            finite &= loss.detach().isfinite()
            self.critic_adam.backward(loss)
            self.critic_adam.step(alive)
            polyak_(self.target_critic, self.critic, c.tau)
        finite &= self.critic_adam.flat.isfinite().flatten(1).all(1)
        self.mark_diverged(finite, f"step {step}: critic's loss or parameters not finite")

    def _learning(self) -> Tensor:
        """`alive` as a tensor."""
        return torch.from_numpy(self.alive.copy())

    def _fit_model(self, step: int, updates: int) -> None:
        """Maximise the likelihood of each member's own sample; a member stops by its held-out loss."""
        c = self.config
        x_all = torch.cat([self.replay["s"], self.replay["a"]], -1).to(self.dtype)
        y_all = (self.replay["s_next"] - self.replay["s"]).to(self.dtype)
        if self.plan[self.position - 1][0] != "model":  # the stage's first slice
            self.stopping.reset()
            self.stopping.update(self._held_out_loss(x_all, y_all))
        drawn = self.streams["model"].integers((c.members, updates, c.model_batch), self.bootstrap.shape[2])
        places = _take_per_member(self.bootstrap, drawn)
        x, y = _take(x_all, places), _take(y_all, places)  # [S, E, updates, B, .]
        alive, finite = self._learning(), torch.ones(self.S, dtype=torch.bool)
        for u in range(updates):
            loss = self.model.loss(x[:, :, u], y[:, :, u])
            finite &= loss.detach().isfinite().all(1)
            self.model_adam.backward(loss.sum())
            self.model_adam.step(self.stopping.active & alive[:, None])
            if (u + 1) % c.validate_every == 0:
                held_out = self._held_out_loss(x_all, y_all)
                finite &= held_out.isfinite().all(1)
                self.stopping.update(held_out)
        if self.plan[self.position + 1][0] != "model":  # its last slice
            self.stopping.restore_best_()
        finite &= self.model_adam.flat.isfinite().flatten(1).all(1)
        self.mark_diverged(finite, f"step {step}: model's loss or parameters not finite")

    @torch.no_grad()
    def _held_out_loss(self, x_all: Tensor, y_all: Tensor) -> Tensor:
        """Each member's loss [S, E] on the held-out ones of all transitions: x_all [S, R, n + m], y_all [S, R, n]."""
        x, y = (_take(v, self.held_out)[:, None].expand(-1, self.config.members, -1, -1) for v in (x_all, y_all))
        return self.model.loss(x, y)

    def _measure(self, step: int) -> list[dict[str, Any]]:
        """One row for each living seed, start, target and horizon."""
        c, stream, n = self.config, self.streams["evaluation"], self.task.state_dim
        critic, exact_critic = self._critic(), self._exact_critic()
        rows: list[dict[str, Any]] = []
        for start in STARTS:
            # drawn even if not used, so that every variant gets the same numbers
            chosen = stream.integers(c.start_states, self.replay["s"].shape[1])
            noise = stream.normal((max(c.horizons) + 1, c.paths, self.task.action_dim), dtype=torch.float64)
            model_noise = stream.normal((max(c.horizons), c.paths, n), dtype=torch.float64)
            states = _take(self.replay["s"], chosen)
            if start == "s0":
                states = torch.as_tensor(self.task.start).expand_as(states)
            first = states.repeat_interleave(c.paths // c.start_states, 1)  # [S, N, n]; members alternate in a state
            true = follow(self.task, self._true_dynamics, exact_critic, first, noise, c.horizons)
            learned = follow(self.task, self._dynamics(model_noise), critic, first, noise, c.horizons)
            excess = learned.gradient - true.gradient  # [S, horizons, N, P]
            finite = excess.isfinite().flatten(1).all(1)
            self.mark_diverged(finite, f"step {step}: gradient estimate not finite")
            gain = torch.as_tensor(self.task.gain)
            bounds = lemma(true, learned, gain, self.task.gamma, c.horizons)
            moment = torch.einsum("sbi,sbj->sij", states, states) / states.shape[1]
            rows += self._rows(step, start, moment, excess, bounds)
        alive = [seed for i, seed in enumerate(self.seeds) if self.alive[i]]
        return [r for seed in alive for r in rows if r["seed"] == seed]

    def _rows(self, step: int, start: str, moment: Tensor, excess: Tensor, bounds: Lemma) -> list[dict[str, Any]]:
        task, rows = self.task, []
        policy = (task.lq, task.gain, task.sigma, moment.numpy())
        J = torch.from_numpy(lqr.return_gradient(*policy)).flatten(1)  # [S, P]
        standard_error = (excess.std(2) / excess.shape[2] ** 0.5).sum(-1)  # [S, horizons]
        bound = bounds.bound * J.shape[1] ** 0.5  # 2-norm to 1-norm
        for h, H in enumerate(self.config.horizons):
            objective = torch.from_numpy(lqr.objective_gradient(*policy, H)).flatten(1)
            estimate = objective + excess[:, h].mean(1)
            truncation = (objective - J).abs().sum(1)
            for target, exact, slack in (("policy", J, truncation), ("objective", objective, 0 * truncation)):
                error = (estimate - exact).abs().sum(1)
                columns = {
                    "error": error,
                    "relative_error": error / exact.abs().sum(1),
                    "bound": bound[:, h] + slack,
                    "eps_f": bounds.eps_f[:, h],
                    "eps_q": bounds.eps_q[:, h],
                    "standard_error": standard_error[:, h],
                }
                for i, seed in enumerate(self.seeds):
                    row = {"seed": seed, "step": step, "start": start, "target": target, "horizon": H}
                    rows.append(row | {name: float(v[i]) for name, v in columns.items()})
        return rows

    def _true_dynamics(self, t: int, x: Tensor) -> Tensor:
        n = self.task.state_dim
        return self.task.step(x[..., :n], x[..., n:])

    def _dynamics(self, noise: Tensor) -> Dynamics:
        """f-hat with noise [S, T, N, n], where each path has one member; or the true f."""
        if self.config.dynamics == "true":
            return self._true_dynamics
        model, E = copy.deepcopy(self.model).double(), self.config.members

        def dynamics(t: int, x: Tensor) -> Tensor:
            x, unit = (v.unflatten(1, (-1, E)).transpose(1, 2) for v in (x, noise[:, t]))
            return model.sample(x, unit).transpose(1, 2).flatten(1, 2)

        return dynamics

    def _exact_critic(self) -> Critic:
        W = torch.from_numpy(lqr.action_value_matrix(self.task.lq, self.task.gain))
        return lambda x: -0.5 * (x @ W * x).sum(-1)  # up to a constant, which no gradient sees

    def _critic(self) -> Critic:
        if self.config.critic == "exact":
            return self._exact_critic()
        critic, scale = copy.deepcopy(self.critic).double(), 1 / (1 - self.task.gamma)
        return lambda x: scale * critic(x).squeeze(-1).amin(1)

    def state_dict(self) -> dict[str, Any]:
        return {
            "position": self.position,
            **self.block_state(),
            "streams": {name: stream.state_dict() for name, stream in self.streams.items()},
            "replay": {name: x.clone() for name, x in self.replay.items()},
            "held_out": self.held_out.clone(),
            "bootstrap": self.bootstrap.clone(),
            **{name: copy.deepcopy(part.state_dict()) for name, part in self._parts().items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.position = state["position"]
        self.load_block_state(state)
        for name, stream in self.streams.items():
            stream.load_state_dict(state["streams"][name])
        self.replay = {name: x.clone() for name, x in state["replay"].items()}
        self.held_out, self.bootstrap = state["held_out"].clone(), state["bootstrap"].clone()
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        own = ("critic", "target_critic", "critic_adam", "model", "model_adam", "stopping")
        normalisers = {"inputs": self.model.inputs, "changes": self.model.changes}
        return {name: getattr(self, name) for name in own} | normalisers


def _plan(config: Config, total_steps: int) -> list[tuple[str, int, int]]:
    """The slices in order: what is done, the stage's environment steps, and the gradient updates."""
    plan: list[tuple[str, int, int]] = []
    for before, step in itertools.pairwise((0, *config.stages)):
        if step > total_steps:
            break
        plan.append(("collect", step, 0))
        for kind, learned, per_step in (
            ("critic", config.critic == "learned", config.critic_updates_per_step),
            ("model", config.dynamics == "learned", config.model_updates_per_step),
        ):
            full, rest = divmod(learned * round(per_step * (step - before)), config.updates_per_slice)
            plan += [(kind, step, config.updates_per_slice)] * full + [(kind, step, rest)] * (rest > 0)
        plan.append(("measure", step, 0))
    return plan


def _take(x: Tensor, places: Tensor) -> Tensor:
    """x [S, n, ...] at places [S, ...] of its second axis."""
    seed = torch.arange(len(x)).view(-1, *(1,) * (places.dim() - 1))
    return x[seed, places]


def _take_per_member(x: Tensor, places: Tensor) -> Tensor:
    """x [S, E, n] at places [S, E, ...] of its third axis."""
    return _take(x.flatten(0, 1), places.flatten(0, 1)).unflatten(0, places.shape[:2])


def make(
    config: Mapping[str, Any], task: DoubleIntegrator, seeds: Sequence[int], limits: Limits, device: str
) -> Learner:
    """The learner of a block. limits: `total_steps`, environment steps; later stages are not run.

    Raises ValueError for a device other than "cpu", because the study is small and measures in float64.
    """
    if device != "cpu":
        raise ValueError(f"device is {device!r}, expected 'cpu': this study measures in float64 on small networks")
    c = settings(Config, config)
    return GradientError(c, task, seeds, int(limits["total_steps"]))
