"""Each law of learners holds for a small learner that keeps it, and is broken by a slip of the kind that it is for."""

from __future__ import annotations

from functools import partial

import learner_laws as laws
import numpy as np
import pytest
import torch

from svgbench.learners.seed_block import SeedBlock
from svgbench.nn.streams import Streams

STEPS = 60


class Walk(SeedBlock):
    """theta [S] takes random steps, one in each slice. slip: what it does wrong."""

    def __init__(self, seeds=(0, 1, 2), slip="", every=7):
        super().__init__(seeds)
        self.slip, self.every, self.t = slip, every, 0
        self.theta, self.streams = torch.zeros(len(self.seeds), dtype=torch.float64), Streams(self.seeds, "walk")

    @property
    def finished(self):
        return self.t == STEPS

    @property
    def progress(self):
        return self.t, STEPS

    def advance(self):
        self.theta = self.theta + self.streams.normal((), dtype=torch.float64)
        if self.slip == "mixes":
            self.theta = self.theta + 1e-6 * self.theta.mean()
        if self.slip == "reads":
            self.theta = self.theta + torch.rand(())
        if self.slip == "moves":
            np.random.uniform()  # noqa: NPY002  (that generator is what is watched)
        self.t += 1
        self.mark_diverged(self.theta.isfinite(), f"step {self.t}: theta is not finite")
        if self.t % self.every and not self.finished:
            return []
        if self.slip == "evaluates":
            self.streams.normal(())
        return self.rows(self.t, {"theta": self.theta, "nothing": self.theta * torch.nan})

    def state_dict(self):
        streams = {} if self.slip == "forgets" else {"streams": self.streams.state_dict()}
        return {"t": self.t, "theta": self.theta, **streams, **self.block_state()}

    def load_state_dict(self, state):
        self.t, self.theta = state["t"], state["theta"]
        self.load_block_state(state)
        if "streams" in state:
            self.streams.load_state_dict(state["streams"])


def trained(one):
    return [one.theta]


def seed_law(make, path):
    laws.agrees_alone_and_in_a_block(make, trained, lambda one: one.t, 1e-10)


def continuation(make, path):
    whole = make()
    rows, states = laws.with_states(whole)
    laws.continues_from(states[9], make(), whole, rows, trained)


def resumption(make, path):
    assert len(laws.resumes_after_every_slice(make, trained)) == 3 * 9


def checkpoints(make, path):
    assert laws.checkpoints_take_its_state(make, path / "c.pt") == STEPS


def evaluations(make, path):
    laws.trains_alike_whatever_happens_meanwhile(make, trained, {"every": 3})


def lost_seed(make, path):
    laws.a_lost_seed_leaves_the_others_alone(make, trained, lambda one: one.theta[1] if one.t == 20 else None)


def generators(make, path):
    laws.leaves_the_global_generators_alone(make, trained)


SLIPS = {
    seed_law: ["mixes"], continuation: ["forgets"], resumption: ["forgets"], evaluations: ["evaluates"],
    lost_seed: ["mixes"], generators: ["reads", "moves"],
}  # fmt: skip


@pytest.mark.parametrize("law", [*SLIPS, checkpoints])
def test_a_learner_that_keeps_the_law_passes(law, tmp_path):
    law(Walk, tmp_path)


@pytest.mark.parametrize(("law", "slip"), [(law, slip) for law, slips in SLIPS.items() for slip in slips])
def test_a_learner_that_breaks_the_law_fails(law, slip, tmp_path):
    with pytest.raises(AssertionError):
        law(partial(Walk, slip=slip), tmp_path)


def test_rows_are_alike_within_their_tolerance_and_whole_numbers_exactly():
    row = {"seed": 1, "step": 1000, "split": "test", "error": 0.5, "nothing": float("nan")}
    laws.alike([row], [row | {"error": 0.5 * (1 + 1e-7)}], rel=1e-6)
    for other in ({"error": 0.5 * (1 + 1e-5)}, {"step": 1001}, {"split": "train"}, {"nothing": 0.0}, {"more": 1.0}):
        with pytest.raises(AssertionError):
            laws.alike([row], [row | other], rel=1e-2 if "step" in other else 1e-6)
