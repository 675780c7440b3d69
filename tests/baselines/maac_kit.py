"""A small MAAC on the point task with its reward known, and MAAC's sums in plain loops."""

from __future__ import annotations

import numpy as np
import torch
from point import Point

from svgbench.baselines.actor_critic import maac
from svgbench.lab.source import declared
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.nn.streams import Streams
from svgbench.tasks.maac.double_integrator import make_double_integrator

SMALL = {
    "actor_hidden": (8,),
    "critic_hidden": (8,),
    "step_batch": 20,
    "updates_per_step": 2,
    "random_steps": 20,
    "learning_starts": 20,
    "rollout_steps": 10,
    "rounds": 2,
    "H": 2,
    "paths": 2,
    "critic_steps": 2,
    "eval_every": 15,
    "eval_episodes": 1,
    "steps_per_slice": 4,
    "members": 4,
    "model_hidden": (6, 5),
    "model_batch": 8,
    "max_epochs": 4,
    "rollouts_per_fit": 32,
    "rollout_length_final": 3,
    "rollout_grows_from": 0,
    "rollout_grows_until": 2,
    "real_share": 0.1,
    "minibatches_per_slice": 3,
    "target_entropy_init": -2.0,
    "target_entropy_final": -2.0,
    "plan_population": 6,
    "plan_elites": 2,
    "plan_iterations": 2,
    "plan_horizon": 2,
}
STEPS = 40  # three iterations: at 20, 30 and 40
PLANNED = {"plan_episodes": 2, "total_steps": 30}
HORIZON = 6  # of the episodes with planning, which are slow


class Known(Point):
    """The point task with a known reward. wall: episodes end beyond x = wall; None: the point's own rule."""

    reward_function = staticmethod(lambda obs, action, next_obs: 1 - next_obs[..., 2])

    def __init__(self, wall: float | None = None, **how) -> None:
        super().__init__(**how)
        if wall is not None:
            self.termination_function = lambda obs, action, next_obs: next_obs[..., 0] > wall


def learner(seeds=(0, 1, 2), task=None, total_steps=STEPS, profile="text", **settings):
    known = declared("svgbench.baselines.actor_critic.maac:make")
    given = known.config({**SMALL, **settings}, profile=profile)
    return maac.make(given, task or Known(), seeds, {"total_steps": total_steps}, "cpu")


def trained(one):
    """Everything that training changes, each [S, ...]."""
    agent = one.agent
    own = [agent.fit.loss, agent.fit.epochs, agent.model.centre, agent.model.out_width, agent.imagined.rows]
    return [*(adam.flat for adam in agent.adams), agent.target_critic.net.layers[0].weight, *own]


# --- one row at a time --------------------------------------------------------------------------------------------


def layers(net, *which):
    """(weight, bias) of one network of a stack."""
    return [(layer.weight[which], layer.bias[which][0]) for layer in net.layers]


def passed(parts, x, hidden):
    for i, (weight, bias) in enumerate(parts):
        x = x @ weight + bias
        x = hidden(x) if i < len(parts) - 1 else x
    return x


class Plain:
    """What MAAC computes for seed s of an agent, one row at a time, as the paper writes it."""

    def __init__(self, one, s, terminates, averaged=False):
        self.one, self.agent, self.s, self.c = one, one.agent, s, one.agent.config
        self.terminates = terminates
        self.critic = one.agent.target_critic if averaged else one.agent.critic
        self.actor = one.agent.target_actor if averaged else one.agent.actor
        self.alpha = one.agent.temperature.alpha[s, 0]

    def normalised(self, obs):
        if not self.c.normalise_obs:
            return obs
        normaliser = self.one.experience.normaliser
        return (obs - normaliser.mean[self.s]) / normaliser.std[self.s]

    def act(self, obs, noise):
        """An action and its log-probability."""
        c, m = self.c, len(noise)
        out = passed(layers(self.actor.net, self.s), self.normalised(obs), torch.relu)
        action, log_prob = [], 0.0
        for a in range(m):
            share = (torch.tanh(out[m + a]) + 1) / 2
            deviation = torch.exp(c.log_std_min + share * (c.log_std_max - c.log_std_min))
            u = torch.tanh(out[a] + deviation * noise[a])
            density = torch.exp(-(noise[a] ** 2) / 2) / (deviation * (2 * torch.pi) ** 0.5)
            log_prob = log_prob + torch.log(density) - torch.log(1 - u**2)
            action.append(u)
        return torch.stack(action), log_prob

    def step(self, e, obs, action, noise):
        """The next observation by member e."""
        model, s = self.agent.model, self.s
        x = (torch.cat([obs, action]) - model.centre[s, e, 0]) / model.width[s, e, 0]
        out, n = passed(layers(model.net, s, e), x, lambda h: h * torch.sigmoid(h)), len(obs)
        change = []
        for i in range(n):
            low, high = model.log_var_min[s, 0, 0, i], model.log_var_max[s, 0, 0, i]
            below = high - torch.log1p(torch.exp(high - out[n + i]))
            log_var = low + torch.log1p(torch.exp(below - low))
            centre, width = model.out_centre[s, e, 0, i], model.out_width[s, e, 0, i]
            deviation = torch.exp(log_var if self.c.variance_as_deviation else log_var / 2) * width
            change.append(out[i] * width + centre + deviation * noise[i])
        after = obs + torch.stack(change)
        return torch.clamp(after, -self.c.clip_obs, self.c.clip_obs) if self.c.clip_obs > 0 else after

    def values(self, obs, action):
        """Of both critics."""
        x = torch.cat([self.normalised(obs), action])
        return [passed(layers(self.critic.net, self.s, i), x, torch.relu)[0] for i in range(2)]

    def reward(self, obs, action, after):
        return self.one.task.reward_function(obs, action, after)

    def ends(self, after):
        return self.terminates(after)


# --- learners before they learn -----------------------------------------------------------------------------------

SEEDS, B, WALL = (3, 8), 4, 0.6
TINY = {"actor_hidden": (5,), "critic_hidden": (4,), "model_hidden": (5,), "members": 2, "dtype": "float64"}


def beyond_the_wall(after):
    return after[0] > WALL


def untrained(task=None, **settings):
    """A learner whose networks are as drawn, whose model is normalised, whose target networks differ from them."""
    one = learner(SEEDS, task or Known(wall=WALL), step_batch=B, **{**TINY, **settings})
    draws, agent = Streams(SEEDS, "seen"), one.agent
    x, y = (draws.normal((agent.config.members, 30, n), dtype=torch.float64) for n in (5, 3))
    agent.model.normalise_by(x * 1.5 + 0.3, y * 0.4 + 0.05)
    for layer in [*agent.target_critic.net.layers, *agent.actor.net.layers]:
        with torch.no_grad():
            layer.weight += 0.2 * draws.normal(layer.weight.shape[1:], dtype=torch.float64)
    agent.temperature.load_state_dict(
        {**agent.temperature.state_dict(), "log_alpha": torch.tensor([[-1.0], [0.5]], dtype=torch.float64)}
    )
    one.experience.normaliser.update(2 * draws.normal((20, 3), dtype=torch.float64) + 1)
    one.experience._refresh()
    return one


def batch_of(one):
    layout, draws = one.experience.layout, Streams(SEEDS, "batch")
    rows = 0.9 * draws.normal((B, layout.width), dtype=torch.float64)
    rows[..., -1] = torch.tensor([0.0, 1.0, 0.0, 0.0])
    return layout.batch(rows)


# --- the double integrator ----------------------------------------------------------------------------------------

TASK = make_double_integrator(gamma=0.9, gain=(0.25, 0.55), sigma=0.7, horizon=25)


def exact_members(seeds, members):
    """An ensemble whose members all are the double integrator, with no noise."""
    lq = TASK.lq
    model = GaussianEnsemble(
        Streams(seeds, "m"), 3, 2, hidden=(), activation="silu", members=members, log_var_bounds=(-90.0, -80.0),
        scaled_outputs=True, dtype=torch.float64,
    )  # fmt: skip
    with torch.no_grad():
        model.layers[0].weight.zero_()[..., :2] = torch.from_numpy(np.hstack([lq.A - np.eye(2), lq.B]).T)
        model.layers[0].bias.zero_()
    return model
