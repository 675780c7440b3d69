"""What every task promises: exact states, independence of other simulations and threads, ends of episodes, failures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from every_task import FACTORIES, assert_same, make, random_actions, row
from learner_laws import through_a_file

every_task = pytest.mark.parametrize("environment", FACTORIES)

START_NOISE = {  # of positions and velocities: half a width, or a standard deviation
    "poplin-ant": (("uniform", 0.1), ("normal", 0.1)),
    "poplin-hopper": (("uniform", 0.005), ("uniform", 0.005)),
    "poplin-swimmer": (("uniform", 0.1), ("uniform", 0.1)),
    "poplin-cheetah": (("uniform", 0.1), ("normal", 0.1)),
    "poplin-walker2d": (("uniform", 0.005), ("uniform", 0.005)),
    "poplin-pets-cheetah": (("normal", 0.001), ("normal", 0.001)),
    "mbpo-hopper": (("uniform", 0.005), ("uniform", 0.005)),
    "mbpo-walker2d": (("uniform", 0.005), ("uniform", 0.005)),
    "mbpo-ant": (("uniform", 0.1), ("normal", 0.1)),
    "mbpo-cheetah": (("uniform", 0.1), ("normal", 0.1)),
    "mbpo-humanoid": (("uniform", 0.01), ("uniform", 0.01)),
}
CENTRED = {"poplin-ant": 2, "poplin-hopper": 1, "poplin-cheetah": 1, "poplin-walker2d": 1}


@every_task
@pytest.mark.parametrize("autoreset", [True, False])
def test_a_restored_batch_goes_on_bit_for_bit(environment, autoreset):
    """In the middle of an episode (30 of 40 steps), after resets at the limit or at terminations."""
    task = make(environment, horizon=40)
    actions = random_actions(task, 60, 4)
    first, second = (task.simulate([3, 8], copies=2, autoreset=autoreset) for _ in range(2))
    second.step(actions[-1])  # what it was doing must not matter

    def advance(batch, action):
        step = batch.step(action)
        if not autoreset:
            over = np.flatnonzero(step.terminated | step.truncated)
            if over.size:
                batch.reset(over)
        return step

    for t in range(45):
        advance(first, actions[t])
    second.set_state(through_a_file(first.get_state()))
    np.testing.assert_array_equal(second.observe(), first.observe())
    for t in range(45, 60):
        assert_same(advance(second, actions[t]), advance(first, actions[t]))
    for _ in range(2):  # the streams go on too
        np.testing.assert_array_equal(second.reset(), first.reset())


@every_task
def test_a_state_is_a_copy(environment):
    task = make(environment)
    batch = task.simulate([0])
    state = batch.get_state()
    before = through_a_file(state)
    batch.step(random_actions(task, 1, 1)[0])
    batch.reset()
    for name in ("elapsed", "observation"):
        assert torch.equal(state[name], before[name])
    for name, tensor in state["dynamics"].items():
        assert torch.equal(tensor, before["dynamics"][name])


@every_task
def test_a_simulation_does_not_depend_on_its_companions_or_on_threads(environment):
    task = make(environment, horizon=25)
    T = 40
    actions = random_actions(task, T, 6)
    block = task.simulate([2, 5, 9], copies=2, threads=2)
    alone = task.simulate([5], copies=2, threads=1)
    np.testing.assert_array_equal(alone.observe(), block.observe()[2:4])
    for t in range(T):
        together = block.step(actions[t])
        for i, step in enumerate([row(together, 2), row(together, 3)]):
            assert_same(alone.step(actions[t, 2 + i : 3 + i], ids=[i]), step)


@every_task
def test_streams_differ_by_seed_name_and_copy(environment):
    """After a step: the hand starts in one of two places, and differs by the noise of its first step."""
    task = make(environment)
    batches = [task.simulate([0, 1], copies=2, stream=stream) for stream in ("train", "evaluation", "train")]
    nothing = np.zeros((4, task.action_dim))
    batches[2].step(nothing)
    batches[2].reset()  # second episodes
    after = [batch.step(nothing).final_observation for batch in batches]
    assert len(np.unique(np.concatenate(after), axis=0)) == 12


@pytest.mark.parametrize("name", START_NOISE)
def test_starts_have_the_noise_of_the_paper(name):
    task = make(f"svgbench/{name}-v0")
    physics = task.simulate([0], copies=500).physics
    centred = CENTRED.get(name, 0)
    qpos = physics.qpos - task.model.qpos0
    np.testing.assert_array_equal(qpos[:, :centred], 0)
    for values, (kind, scale) in zip((qpos[:, centred:], physics.qvel), START_NOISE[name], strict=True):
        expected = scale if kind == "normal" else scale / np.sqrt(3)
        assert values.std() == pytest.approx(expected, rel=0.05)
        assert abs(values.mean()) < 0.1 * expected
        assert (np.abs(values).max() <= scale) == (kind == "uniform")


@every_task
def test_an_episode_is_truncated_after_1000_steps_unless_terminated(environment):
    other = {"gae-": 2000, "svg-hand": 1000, "svg-cart-pole": 125, "svg-reacher": 100, "svg-monoped": 200}
    other |= {"svg-swimmer": 150, "svg-gripper": 150, "svg-": 300}
    name = environment.removeprefix("svgbench/")
    assert make(environment).horizon == next((steps for start, steps in other.items() if name.startswith(start)), 1000)


@pytest.mark.parametrize("environment", ["svgbench/poplin-hopper-v0", "svgbench/mbpo-cheetah-v0"])
def test_the_limit_and_the_final_observation(environment):
    task = make(environment)
    batch = task.simulate([0])
    actions = random_actions(task, 1001, 1)
    for t in range(999):
        step = batch.step(actions[t])
        assert not step.terminated[0]
        assert not step.truncated[0]
        np.testing.assert_array_equal(step.observation, step.final_observation)
        assert not np.shares_memory(step.observation, step.final_observation)
    same_but_for_resets = task.simulate([0], autoreset=False)
    same_but_for_resets.set_state(batch.get_state())

    step, unreset = batch.step(actions[999]), same_but_for_resets.step(actions[999])
    assert step.truncated[0]
    assert not step.terminated[0]
    np.testing.assert_array_equal(step.final_observation, unreset.observation)
    np.testing.assert_array_equal(step.observation, same_but_for_resets.reset())
    np.testing.assert_array_equal(step.observation, batch.observe())
    assert np.abs(step.observation - step.final_observation).max() > 0.1
    assert not batch.step(actions[1000]).truncated[0]


def test_a_termination_is_not_a_truncation():
    task = make("svgbench/mbpo-hopper-v0")
    batch = task.simulate([0, 1, 2])
    for action in random_actions(task, 100, 3):
        step = batch.step(action)
        assert not step.truncated.any()
        if step.terminated.any():
            break
    over = int(np.flatnonzero(step.terminated)[0])
    assert np.abs(step.observation[over] - step.final_observation[over]).max() > 0.1
    kept = np.flatnonzero(~step.terminated)
    assert kept.size
    np.testing.assert_array_equal(step.observation[kept], step.final_observation[kept])


def test_an_ended_episode_must_be_reset():
    task = make("svgbench/poplin-swimmer-v0", horizon=2)
    batch = task.simulate([0, 1], autoreset=False)
    actions = np.zeros((2, 2))
    batch.step(actions)
    batch.step(actions[:1], ids=[1])
    restored = task.simulate([0, 1], autoreset=False)
    restored.set_state(batch.get_state())
    for b in (batch, restored):
        with pytest.raises(ValueError, match=r"simulations \[1\] have ended"):
            b.step(actions)
    batch.reset([1])
    batch.step(actions)


def test_only_the_named_simulations_move():
    task = make("svgbench/mbpo-walker2d-v0")
    batch = task.simulate([0, 1, 2])
    before = batch.observe()
    step = batch.step(np.ones((2, 6)), ids=[0, 2])
    np.testing.assert_array_equal(batch.observe()[[0, 2]], step.observation)
    np.testing.assert_array_equal(batch.observe()[1], before[1])
    assert (np.abs(step.observation - before[[0, 2]]).max(axis=1) > 0).all()


def test_what_a_batch_refuses():
    task = make("svgbench/poplin-hopper-v0")
    batch = task.simulate([0, 1])
    with pytest.raises(ValueError, match=r"shape \(2, 2\), expected \(2, 3\)"):
        batch.step(np.zeros((2, 2)))
    for ids in ([2], [-1], [0, 0], [1, 0]):
        with pytest.raises(ValueError, match="increasing ones from 0 to 1"):
            batch.step(np.zeros((len(ids), 3)), ids=ids)
    with pytest.raises(ValueError, match="expected a list of places"):
        batch.reset([True, False])
    with pytest.raises(ValueError, match="0 seeds"):
        task.simulate([])
    with pytest.raises(ValueError, match="threads is 0"):
        task.simulate([0], threads=0)
    for other in (
        task.simulate([0, 2]),
        task.simulate([0, 1], stream="evaluation"),
        make("svgbench/poplin-walker2d-v0").simulate([0, 1]),
    ):
        with pytest.raises(ValueError, match="the state is of"):
            batch.set_state(other.get_state())


@pytest.mark.parametrize("environment", ["svgbench/poplin-ant-v0", "svgbench/mbpo-cheetah-v0"])
@pytest.mark.parametrize("autoreset", [True, False])
def test_unstable_physics_is_flagged_and_stays_out_of_the_numbers(environment, autoreset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes its warnings to a file in the working folder
    task = make(environment)
    batch, undisturbed = (task.simulate([0, 1], autoreset=autoreset) for _ in range(2))
    actions = random_actions(task, 3, 2)
    for b in (batch, undisturbed):
        b.step(actions[0])
    before, healthy = batch.observe(), batch.get_state()
    batch.physics.qvel[1] = 1e9
    step, companion = batch.step(actions[1]), undisturbed.step(actions[1])
    assert_same(row(step, 0), row(companion, 0))
    assert step.failed.tolist() == [False, True]
    assert step.truncated[1]
    assert step.reward[1] == 0
    np.testing.assert_array_equal(step.final_observation[1], before[1])
    if not autoreset:
        batch.reset([1])
    assert not batch.step(actions[2]).failed.any()
    assert np.isfinite(batch.observe()).all()

    batch.physics.qvel[1] = 1e9
    assert batch.step(actions[2]).failed[1]
    batch.set_state(healthy)
    assert_same(batch.step(actions[1]), companion)


def test_an_action_that_is_no_number_shows_in_the_reward(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    batch = make("svgbench/poplin-cheetah-v0").simulate([0, 1])
    actions = np.zeros((2, 6))
    actions[1, 3] = np.nan
    step = batch.step(actions)
    assert np.isnan(step.reward).tolist() == [False, True]
    assert np.isfinite(step.observation).all()
