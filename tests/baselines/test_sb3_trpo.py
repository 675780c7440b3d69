"""sb3-contrib's TRPO as a learner: the package called directly does the same; seeds apart; resumption."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from learner_laws import finish
from point import Point

from svgbench.baselines.on_policy import sb3_trpo
from svgbench.lab import checkpoint
from svgbench.lab.rows import as_csv
from svgbench.learners.on_policy import COLUMNS
from svgbench.tasks.gymnasium import v5 as gymnasium_v5

sb3_contrib = pytest.importorskip("sb3_contrib")
pytest.importorskip("imageio")

SMALL = {"hidden": [8], "value_hidden": [8], "timesteps": 128, "value_epochs": 2, "value_batch": 64}
PLAIN = ("seed", "step", "simulated_steps", "return_mean", "episode_length", "reward_per_step")


def made(seeds, task=None, iterations=3, **config):
    task = task or gymnasium_v5.make_hopper()
    return sb3_trpo.make(SMALL | config, task, seeds, {"iterations": iterations}, "cpu")


def test_defaults_are_the_packages():
    theirs = {name: p.default for name, p in inspect.signature(sb3_contrib.TRPO.__init__).parameters.items()}
    c = sb3_trpo.Config()
    ours = {
        "learning_rate": c.value_lr, "n_steps": c.timesteps // c.simulations, "batch_size": c.value_batch,
        "gamma": c.gamma, "gae_lambda": c.gae_lambda, "normalize_advantage": c.standardise, "target_kl": c.max_kl,
        "cg_max_steps": c.cg_iterations, "cg_damping": c.cg_damping, "line_search_max_iter": c.backtracks,
        "line_search_shrinking_factor": c.backtrack_factor, "n_critic_updates": c.value_epochs,
    }  # fmt: skip
    assert ours == {name: theirs[name] for name in ours}
    untouched = sb3_contrib.TRPO("MlpPolicy", gymnasium_v5.make_hopper().reference_env(), device="cpu").policy
    learner = sb3_trpo.make({}, gymnasium_v5.make_hopper(), [0], {"iterations": 1}, "cpu")
    assert str(learner.learners[0].model.policy) == str(untouched)
    assert torch.equal(untouched.log_std, torch.full((3,), c.init_std).log())


def test_the_package_called_directly_does_the_same():
    """As its users call it, with its own monitor of the environment."""
    task = gymnasium_v5.make_hopper(horizon=30)
    learner = made([4], task, max_kl=0.03, cg_damping=3 * 0.1)  # of the three dimensions of an action
    rows = finish(learner)
    (own,) = learner.learners.values()
    architecture = {"net_arch": {"pi": [8], "vf": [8]}}
    peer = sb3_contrib.TRPO(
        "MlpPolicy", task.reference_env(), n_steps=128, batch_size=64, n_critic_updates=2,
        cg_damping=3 * 0.1 / 3, policy_kwargs=architecture, seed=own.model.seed, device="cpu",
    )  # fmt: skip
    peer.learn(3 * 128)
    for ours, theirs in zip(own.model.policy.parameters(), peer.policy.parameters(), strict=True):
        assert torch.equal(ours, theirs)

    (monitor,) = peer.env.envs
    returns, lengths = np.array(monitor.episode_returns), np.array(monitor.episode_lengths)
    batch = (np.cumsum(lengths) - 1) // 128
    for i, row in enumerate(rows):
        assert row["return_mean"] == pytest.approx(returns[batch == i].mean(), rel=1e-6)
        assert row["episode_length"] == lengths[batch == i].mean()
        assert row["simulated_steps"] == (i + 1) * 128
    assert lengths.max() == 30, "some ended at the limit"
    assert lengths.min() < 30
    last = peer.logger.name_to_value
    assert rows[-1]["kl"] == 3 * last["train/kl_divergence_loss"]
    assert rows[-1]["surrogate_gain"] == last["train/policy_objective"]
    buffer = peer.rollout_buffer
    bias = (buffer.returns - buffer.values).mean()
    unexplained = 1 - last["train/explained_variance"]
    assert rows[-1]["value_error"] == pytest.approx(unexplained + bias**2 / buffer.returns.var(), rel=1e-4)


def test_rows_are_those_of_our_learners():
    (row,) = made([0]).advance()
    assert tuple(row) == (*PLAIN, *COLUMNS)
    assert 0 < row["kl"] <= 0.01
    assert row["accepted"] == 1
    assert row["entropy"] == pytest.approx(3 * 0.5 * np.log(2 * np.pi * np.e), abs=1e-12)


@pytest.mark.parametrize("before", [0, 1])
def test_resumption_is_byte_for_byte(before, tmp_path):
    """In the middle of episodes that end at their limit."""
    task = gymnasium_v5.make_swimmer(horizon=50)

    def learner():
        return made([3, 8], task, iterations=2, simulations=2)

    undisturbed = finish(learner())
    first, second = learner(), learner()
    rows = [row for _ in range(before) for row in first.advance()]
    checkpoint.save(tmp_path / "checkpoint.pt", "test", first.state_dict())
    second.load_state_dict(checkpoint.load(tmp_path / "checkpoint.pt", "test"))
    finish(first)  # what the other one does must not matter
    rows += finish(second)
    columns = tuple(undisturbed[0])[2:]
    assert as_csv(rows, columns) == as_csv(undisturbed, columns)
    assert not np.isnan([row["return_mean"] for row in rows]).any()


def test_seeds_run_alone_and_do_not_touch_the_global_generators():
    torch.manual_seed(5)
    before = sb3_trpo.global_generators()
    block = finish(made([3, 8], iterations=2))
    after = sb3_trpo.global_generators()
    assert all(torch.equal(before[name], after[name]) for name in before)
    torch.rand(3)
    alone = finish(made([8], iterations=2))
    assert alone == [row for row in block if row["seed"] == 8]
    assert alone[0]["return_mean"] != block[0]["return_mean"]


def test_a_seed_that_is_not_finite_is_masked():
    learner = made([3, 8])
    learner.advance()
    with torch.no_grad():
        learner.learners[3].model.policy.value_net.bias.fill_(torch.nan)
    assert [row["seed"] for row in finish(learner)] == [8, 8]
    assert learner.diverged == {3: "iteration 2: a parameter is not finite"}


def test_the_message_names_what_is_missing(monkeypatch):
    with pytest.raises(ValueError, match="test/point is not one of gymnasium's environments"):
        made([0], Point())
    with pytest.raises(ValueError, match="timesteps is 128"):
        made([0], simulations=3)
    monkeypatch.setattr(sb3_trpo, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"no sb3_contrib and no imageio: install .*svgbench\[crosscheck\]"):
        made([0])
