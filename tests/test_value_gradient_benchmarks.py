"""What the benchmarks of value gradients rest on: the experiments' own runs, counts, a full database."""

from __future__ import annotations

import io
import sys

import pytest

from benchmarks import value_gradients

SMALL = ("hidden=4,4", "model_hidden=3,3", "model_updates=2", "batch_size=4")


pytestmark = pytest.mark.usefixtures("one_thread")


def test_what_is_timed_is_svg_one_with_replay_at_the_papers_sizes():
    learner = value_gradients.learner_of(value_gradients.SWIMMER, [0, 1], 4)
    config = learner.agent.config
    assert list(learner.agent.stages) == ["model", "value", "policy"]
    assert config.replay
    assert (*config.hidden, *config.value_hidden, *config.model_hidden) == (50, 50, 200, 100, 20, 20)
    assert learner.agent.statistics.centre.shape == (2, 1, 10 + 2)


def test_a_turn_is_so_many_whole_episodes_of_each_seed(monkeypatch, capsys):
    small = (*SMALL, "value_hidden=4,4", "value_updates=2", "policy_updates=2")
    monkeypatch.setattr(sys, "stdin", io.StringIO("go\ngo\n"))
    made = []

    def keep(*how, original=value_gradients.learner_of):
        made.append(original(*how))
        return made[0]

    monkeypatch.setattr(value_gradients, "learner_of", keep)
    value_gradients.child([0, 1], 2, 2, small)
    ready, *rates = capsys.readouterr().out.split()
    assert ready == "ready"
    assert len(rates) == 2
    assert min(map(float, rates)) > 0
    assert made[0].finished
    assert made[0].env_steps.tolist() == [7 * made[0].task.horizon] * 2


def test_long_episodes_are_a_thousand_steps_beside_a_full_database():
    learner = value_gradients.long_episodes(2, 1, SMALL)
    assert learner.env_steps.tolist() == [1000, 1000]
    state = learner.agent.database.state_dict()
    assert [len(rows) for rows in state["rows"]] == [learner.agent.database.capacity] * 2
    assert learner.agent.database.capacity == learner.agent.config.replay_size
