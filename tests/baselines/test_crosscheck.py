"""Equal settings: from the same weights and the same batch our learner and sb3-contrib's take the same step."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch

from svgbench.baselines.on_policy import gae, sb3_trpo
from svgbench.simulate.batch import Batch
from svgbench.tasks.gymnasium import v5 as gymnasium_v5

pytest.importorskip("sb3_contrib")
pytest.importorskip("imageio")


def test_settings_of_one_name_are_equal():
    ours, theirs = asdict(gae.Config(**gae.PROFILES["sb3"])), asdict(sb3_trpo.Config())
    assert {name: ours[name] for name in theirs} == theirs
    assert ours["value_lambda"] == ours["gae_lambda"]


def flat_weights(policy, part, head):
    """[1, P] in the order of `FlatMLP`."""
    layers = [*(layer for layer in getattr(policy.mlp_extractor, part) if hasattr(layer, "weight")), head]
    return torch.cat([t.detach().flatten() for layer in layers for t in (layer.weight.T, layer.bias)])[None].clone()


def weights(policy):
    """theta, phi"""
    net = flat_weights(policy, "policy_net", policy.action_net)
    return torch.cat([net, policy.log_std.detach()[None]], 1), flat_weights(policy, "value_net", policy.value_net)


def watched(learner):
    """An iteration of the package: its row, and the batch that it learned from, as its environment gave it."""
    own, seen = learner.learners[0], []

    def note(of_learner, _):
        seen.append([of_learner[name][0] for name in ("rewards", "dones", "infos", "new_obs")])
        return True

    own._note = note
    (row,) = learner.advance()
    rewards, dones, infos, following = (list(part) for part in zip(*seen, strict=True))
    buffer, T = own.model.rollout_buffer, len(seen)
    limit = [info["TimeLimit.truncated"] for info in infos]
    cut = [t for t in range(T) if limit[t] or (t == T - 1 and not dones[t])]
    finals = [infos[t].get("terminal_observation", following[t]) for t in cut]
    shape, nothing = (1, T, 1), torch.zeros(1, dtype=torch.float64)
    whole = torch.ones(shape, dtype=torch.bool)
    batch = Batch(
        x=torch.from_numpy(buffer.observations).float().view(*shape, -1),
        action=torch.from_numpy(buffer.actions).view(*shape, -1),
        reward=torch.tensor(rewards).view(shape),
        valid=whole,
        used=whole,
        terminated=torch.tensor([d and not limited for d, limited in zip(dones, limit, strict=True)]).view(shape),
        ended=torch.tensor([*dones[:-1], True]).view(shape),
        elapsed=torch.zeros(shape, dtype=torch.int32),
        final_x=torch.from_numpy(np.array(finals)).float()[None],
        final_place=torch.tensor(cut)[None],
        steps=torch.tensor([T]),
        return_mean=nothing,
        length_mean=nothing,
        reward_per_step=nothing,
    )
    return row, batch


@pytest.mark.parametrize("name", ["hopper", "swimmer"])
def test_one_iteration(name):
    """The second, after falls and time limits; in one minibatch, so that the order of minibatches does not matter."""
    T, task = 512, getattr(gymnasium_v5, f"make_{name}")(horizon=30)
    A = task.action_dim
    shared = {"timesteps": T, "value_batch": T, "max_kl": 0.01 * A, "cg_damping": 0.1 * A}  # the package's own
    learner = sb3_trpo.make(shared, task, [0], {"iterations": 2}, "cpu")
    learner.advance()
    model = learner.learners[0].model
    theta, phi = weights(model.policy)
    adam = moments(model.policy)
    row, batch = watched(learner)
    assert batch.final_x.shape[1] > 5
    assert batch.terminated.any() == (name == "hopper")

    agent = gae.GAE(gae.Config(**(gae.PROFILES["sb3"] | shared)), task, [0], "cpu")
    agent.theta = theta
    agent.phi.copy_(phi)
    agent.adam.load_state_dict(adam)
    advantage, target = agent._estimate(batch)
    buffer = model.rollout_buffer
    theirs, returns = (torch.from_numpy(a).view(1, T, 1) for a in (buffer.advantages, buffer.returns))
    torch.testing.assert_close(advantage, theirs - theirs.mean(), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(target, returns, rtol=1e-4, atol=1e-4)

    learned = agent.update(batch)
    for old, ours, theirs in zip((theta, phi), (agent.theta, agent.phi), weights(model.policy), strict=True):
        assert (ours - theirs).norm() < 1e-3 * (theirs - old).norm()
    for column, tolerance in (("surrogate_gain", 3e-3), ("value_error", 1e-4), ("entropy", 1e-6), ("kl", 0.1)):
        assert float(learned[column]) == pytest.approx(row[column], rel=tolerance), column  # kl: in their direction


def moments(policy):
    """The state of the package's Adam for the value function's parameters, in our order, as a copy."""
    adam = policy.optimizer.state_dict()["state"]
    own = {name: adam[i] for i, (name, _) in enumerate(policy.named_parameters()) if i in adam}
    layers = sorted({name.rpartition(".")[0] for name in own}, key=lambda name: (name == "value_net", name))

    def flat(moment):
        parts = [(own[f"{layer}.weight"][moment].T.flatten(), own[f"{layer}.bias"][moment]) for layer in layers]
        return torch.cat([part for pair in parts for part in pair])[None]

    (steps,) = {float(state["step"]) for state in own.values()}
    found = {name: flat(name) for name in ("exp_avg", "exp_avg_sq")}
    return found | {"steps": torch.tensor([steps], dtype=torch.float64), "common": True}
