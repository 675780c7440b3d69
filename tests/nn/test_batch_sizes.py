"""For every way of sampling, a batch has the requested steps, and every path in it is finished."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from svgbench import reproduce
from svgbench.baselines.on_policy import gae
from svgbench.lab.block import resolve
from svgbench.lab.cells import Selection, expand
from svgbench.nn.gaussian_policy import PolicySnapshot
from svgbench.nn.scaling import ObservationScaling
from svgbench.simulate.paths import Rollouts, Sampling
from svgbench.simulation_batch import BaseSimulations, RawStep

RESULTS = Path(__file__).resolve().parents[2] / "results"


class Falling:
    """Episodes of random length, whatever the actions: each ends after 1 to `fall` steps, one in eight by a failure."""

    id = "test/falling"
    observation_dim, action_dim, dt = 1, 1, 1.0
    action_low, action_high = -np.ones(1), np.ones(1)
    observation_low, observation_high = np.full(1, -np.inf), np.full(1, np.inf)
    reward_function = termination_function = None

    def __init__(self, horizon, fall):
        self.horizon, self.fall = horizon, fall

    def simulate(self, seeds, copies=1, stream="train", threads=1, autoreset=True):
        return _Falls(self, seeds, copies, stream, autoreset)


class _Falls(BaseSimulations):
    def __init__(self, task, *how):
        super().__init__(task, *how)
        self.left, self.fails = np.zeros(len(self), np.int64), np.zeros(len(self), np.int64)
        self.reset()

    def _begin(self, ids):
        self.left[ids] = [self._generators[i].integers(1, self._task.fall, endpoint=True) for i in ids]
        self.fails[ids] = [self._generators[i].integers(8) == 0 for i in ids]
        return self.left[ids, None].astype(float)

    def _advance(self, ids, rows, actions):
        self.left[rows] -= 1
        over, fails = self.left[rows] <= 0, self.fails[rows] > 0
        return RawStep(self.left[rows, None].astype(float), np.ones(len(over)), over & ~fails, over & fails)

    def _dynamics(self):
        return {"left": torch.from_numpy(self.left.copy()), "fails": torch.from_numpy(self.fails.copy())}

    def _restore(self, dynamics):
        self.left[:], self.fails[:] = dynamics["left"].numpy(), dynamics["fails"].numpy()


def batches_of(sampling, horizon, fall, seeds=(0, 1), batches=3):
    task = Falling(horizon, fall)
    rollouts = Rollouts(task, seeds, sampling, ObservationScaling("none", task, seeds, 0.0), torch.float64, "cpu")
    snapshot = PolicySnapshot(lambda x: np.zeros((*x.shape[:-1], 1)), np.ones((len(seeds), 1, 1)))
    for _ in range(batches):
        while (batch := rollouts.advance(snapshot)) is None:
            pass
        yield rollouts, batch


def check(rollouts, batch):
    """The contract of `Sampling`, step by step of each simulation."""
    plan, (S, N) = rollouts.sampling, rollouts.shape
    valid, used, ended, elapsed = (getattr(batch, name).numpy() for name in ("valid", "used", "ended", "elapsed"))
    assert valid.shape[1] <= plan.longest
    wanted = N if plan.kind == "paths" else plan.timesteps
    assert (used.sum((1, 2)) >= wanted).all()
    assert (used == valid & (elapsed < plan.path_length)).all()
    assert not (ended & ~valid).any()
    for s in range(S):
        for n in range(N):
            steps = int(valid[s, :, n].sum())
            assert valid[s, :steps, n].all(), "a simulation that stands still begins nothing"
            last, begins = ended[s, :steps, n], elapsed[s, :steps, n] == 0
            assert last[-1], "every path that was begun is finished"
            assert (begins[1:] == (elapsed[s, 1:steps, n] != elapsed[s, : steps - 1, n] + 1)).all()
            if plan.kind != "steps":
                assert (begins == np.concatenate([[True], last[:-1]])).all()
            assert elapsed[s, :steps, n].max() < plan.path_length + plan.extension


@st.composite
def plans(draw):
    kind = draw(st.sampled_from(["paths", "timesteps", "steps"]))
    N, horizon = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    length = draw(st.integers(0, horizon))
    extension = 0 if kind == "steps" else draw(st.integers(0, 20))
    timesteps = {"paths": 0, "timesteps": draw(st.integers(N, 90)), "steps": N * draw(st.integers(1, 20))}[kind]
    slices = draw(st.sampled_from([1, 3, 50]))
    fall = draw(st.sampled_from([1, 2, 5, 20, 200]))  # within a step, fast, early, late, hardly ever
    return Sampling(kind, N, timesteps, length, extension, slices), horizon, fall


@settings(max_examples=60, deadline=None)
@given(plans())
@example((Sampling("timesteps", 4, 1000, 50, 100), 50, 10_000))  # the swimmer's 600 of at least 1000 steps
@example((Sampling("timesteps", 1, 101, 50, 50), 50, 10_000))
@example((Sampling("timesteps", 2, 300, 50, 200), 50, 10_000))
@example((Sampling("timesteps", 4, 120, 5, 9), 12, 12))
def test_every_batch_has_its_steps_and_finishes_its_paths(plan):
    sampling, horizon, fall = plan
    for rollouts, batch in batches_of(sampling, horizon, fall):
        check(rollouts, batch)


def test_the_longest_batch_is_reached():
    """The longest batch: full paths until one step is missing, and then another path. Here all begin together."""
    sampling = Sampling("timesteps", 3, 3 * 7 + 1, 7, 4)
    for rollouts, batch in batches_of(sampling, 7, 10_000):
        assert batch.valid.shape[1] == rollouts.sampling.longest == 2 * (7 + 4)
        assert batch.steps.tolist() == [rollouts.full_steps] * 2 == [3 * 2 * 11] * 2


def timesteps_cells():
    """Every cell of the registry whose batches are by timesteps, with its sampling on its task."""
    for experiment in reproduce.experiments().values():
        for budget in experiment.budgets:
            for cell in expand(experiment, Selection(budget=budget.name)):
                if cell.variant.learner == "gae" and cell.config["batch"] == "timesteps":
                    task = resolve(cell.task.make)(**cell.task.options)
                    yield cell, gae.sampling(gae.Config(**cell.config)).on(task.horizon)


def test_only_cells_that_are_not_run_could_have_been_cut():
    """Before the bound on a batch knew of extensions it allowed ceil(timesteps / N) steps and one whole path: too few
    only if a simulation can need a second path of full length."""
    cut = set()
    for cell, sampling in timesteps_cells():
        before = math.ceil(sampling.timesteps / sampling.simulations) + sampling.path_length + sampling.extension
        if sampling.longest > before:
            cut.add((cell.experiment, cell.budget, cell.task.id))
    assert cut == {("gae/fig9", "paper", "gae/quadruped"), ("gae/fig10", "paper", "gae/biped-standing")}
    for experiment, budget, task in cut:
        assert not list((RESULTS / experiment / budget).glob(f"{task.replace('/', '-')}--*"))


def test_a_committed_batch_by_timesteps_is_as_it_was():
    """The first iteration of a committed cell, repeated: 20,000 steps by 32 simulations, with an extension."""
    wanted = ("gae/fig9", "short", "gae/biped", "gamma-0.995-lambda-0.96")
    cell = next(c for c, _ in timesteps_cells() if (c.experiment, c.budget, *c.key) == wanted)
    path = RESULTS / cell.experiment / cell.budget / f"{cell.name}.csv"
    committed = next(row for row in csv.DictReader(path.open()) if row["seed"] == "0" and row["step"] == "1")
    one = gae.make(cell.config, resolve(cell.task.make)(**cell.task.options), [0], {"iterations": 1}, "cpu")
    rows = []
    while not one.finished:
        rows += one.advance()
    assert rows[0]["simulated_steps"] == int(committed["simulated_steps"])
    for name in ("return_mean", "episode_length", "reward_per_step"):
        assert rows[0][name] == pytest.approx(float(committed[name]), rel=1e-4)  # other processors round differently
