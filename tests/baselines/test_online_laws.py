"""Training of the online learners depends only on seed and environment step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learner_laws import continues_from, finish, leaves_the_global_generators_alone, same_bits, through_a_file
from point import Point
from sac_kit import parameters
from sac_kit import tiny as learner

from svgbench import reproduce
from svgbench.baselines.actor_critic import random_policy, sac, sac_svg
from svgbench.lab.block import resolve
from svgbench.lab.cells import Selection, expand
from svgbench.learners.draws import CHUNK_BYTES, CHUNK_STEPS, Draw, Tape

BOTH = pytest.mark.parametrize("module", [sac, sac_svg])
TRAINING = ("train_return", "critic_loss", "alpha", "entropy", "reward_loss", "model_loss")
MEANWHILE = [
    {"eval_every": 8, "steps_per_slice": 1000},
    {"eval_every": 10, "eval_episodes": 3},
    {"steps_per_slice": 1},
    {"eval_every": 13, "steps_per_slice": 5},
]


def training(one):
    """What training has made: parameters, statistics, the replay, the last episode's return."""
    replay, statistics = one.experience.replay, one.experience.normaliser.state_dict()
    last = [torch.from_numpy(one.train_return), torch.from_numpy(one.episode_return), *one.agent.metrics().values()]
    return [*parameters(one), replay.rows, *statistics.values(), *last]


@pytest.mark.usefixtures("short_chunks")
@BOTH
@pytest.mark.parametrize("profile", ["text", "code"])
def test_evaluations_and_slices_change_no_bit_of_training(module, profile):
    how = {"module": module, "profile": profile}
    base = learner(**how)
    rows = {(r["seed"], r["step"]): [r[name] for name in TRAINING] for r in finish(base)}
    for change in MEANWHILE:
        one = learner(**how, **change)
        found = {(r["seed"], r["step"]): [r[name] for name in TRAINING] for r in finish(one)}
        common = rows.keys() & found.keys()
        assert {step for _, step in common} >= {40}
        assert all(repr(rows[key]) == repr(found[key]) for key in common), change
        same_bits(base, one, training)


@pytest.mark.usefixtures("short_chunks")
@BOTH
def test_random_steps_and_the_first_update_change_no_draw_of_others(module):
    """Each stream counts its own steps: exploration from step 0, updates from the first update."""
    seen = {}
    for random_steps, learning_starts in ((0, 10), (35, 10), (15, 35)):
        one = learner(module=module, random_steps=random_steps, learning_starts=learning_starts)
        noise, draws, act, update = {}, [], one.agent.act, one.agent.update
        one.agent.act = lambda x, n, o=one, f=act, to=noise: (to.__setitem__(o.step, n.clone()), f(x, n))[1]
        one.agent.update = lambda p, e, d, a, f=update, to=draws: (to.append(d["steps"].clone()), f(p, e, d, a))[1]
        finish(one)
        for step, value in noise.items():
            assert torch.equal(seen.setdefault(("noise", step), value), value)
        for count, value in enumerate(draws):
            assert torch.equal(seen.setdefault(("update", count), value), value)
    assert ("noise", 0) in seen


@pytest.mark.usefixtures("short_chunks")
@BOTH
def test_a_checkpoint_after_any_step_continues_to_the_bit(module):
    """Within chunks (of 16 steps from 0, of updates from 10) and at their bounds, and in every phase."""
    how = {"module": module, "eval_every": 5, "steps_per_slice": 1}
    whole = learner(**how)
    rows, states, places = [], {}, (5, 10, 11, 16, 17, 26, 27)
    while not whole.finished:
        rows += whole.advance()
        if whole.step in places:
            states[whole.step] = through_a_file(whole.state_dict())
    last = through_a_file(whole.state_dict())
    for step in places:
        resumed = learner(**{**how, "steps_per_slice": 7})
        continues_from(states[step], resumed, whole, rows, training)
        again = through_a_file(resumed.state_dict())
        assert repr(again["tapes"]) == repr(last["tapes"])


@BOTH
def test_a_seed_that_diverges_has_the_same_effect_on_the_others_whatever_happens_meanwhile(module):
    """Divergence is noticed at fixed steps, so the other seeds round equally wherever slices end."""
    found = []
    for change in ({}, *MEANWHILE[1:3]):
        one = learner([13, 1], module=module, task=Point(broken_after=25), **change)
        finish(one)
        assert one.diverged == {13: "step 25: an observation or a reward is not finite"}
        found.append([p[1] for p in parameters(one)])
    for other in found[1:]:
        assert all(torch.equal(p, q) for p, q in zip(found[0], other, strict=True))


@BOTH
def test_parameters_that_are_not_finite_are_noticed_at_a_fixed_step_and_have_no_row(module):
    for change in ({"eval_every": 21}, {"steps_per_slice": 1}):
        one = learner(module=module, **change)
        original = one.agent.update

        def poisoned(*how, one=one, original=original):
            original(*how)
            if one.step == 20:
                with torch.no_grad():
                    next(one.agent.critic.parameters())[1] = torch.nan

        one.agent.update = poisoned
        rows = finish(one)
        assert one.diverged == {4: "step 32: a parameter is not finite"}
        assert {r["step"] for r in rows if r["seed"] == 4} == {s for s in {r["step"] for r in rows} if s <= 20}


@BOTH
def test_the_global_generators_are_neither_read_nor_moved(module):
    leaves_the_global_generators_alone(lambda: learner(module=module), training)


# --- draws --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["uniform", "action", "normal"])
def test_random_numbers_depend_on_seed_and_step_only(kind):
    draw = Draw(kind, (3, 2))
    alone, block = (Tape(draw, seeds, "x", torch.float32, "cpu") for seeds in ([8], [3, 8]))
    n = 2 * alone.steps + 5
    whole = torch.stack([alone.take() for _ in range(n)], 1)
    assert torch.equal(torch.stack([block.take() for _ in range(n)], 1)[1:], whole)
    assert whole.dtype == (torch.float64 if kind == "uniform" else torch.float32)
    assert (whole.min() >= -1 and whole.max() < 1) == (kind != "normal")
    assert (whole.min() < 0) == (kind != "uniform")
    for step in (0, 1, alone.steps - 1, alone.steps, alone.steps + 1):
        first = Tape(draw, [8], "x", torch.float32, "cpu")
        for _ in range(step):
            first.take()
        resumed = Tape(draw, [8], "x", torch.float32, "cpu")
        resumed.load_state_dict(through_a_file(first.state_dict()))
        assert torch.equal(torch.stack([resumed.take() for _ in range(n - step)], 1), whole[:, step:])


def test_chunks_are_bounded_in_bytes_and_in_steps():
    assert Draw("normal", (1, 3)).chunk(torch.float32) == CHUNK_STEPS
    assert Draw("uniform", (2**14,)).chunk(torch.float32) == CHUNK_BYTES // (8 * 2**14)
    assert Draw("normal", (2**14,)).chunk(torch.float64) == CHUNK_BYTES // (8 * 2**14)
    assert Draw("normal", (2**14,)).chunk(torch.float32) == CHUNK_BYTES // (4 * 2**14)
    assert Draw("normal", (2**30,)).chunk(torch.float32) == 1
    assert Draw("normal", (0,)).chunk(torch.float32) == CHUNK_STEPS


@pytest.mark.parametrize(
    ("experiment", "task", "variant"),
    [("table2", "ant", "sac"), ("table2", "ant", "sac-svg-10"), ("fig2", "humanoid", "sac-svg-2")],
)
def test_at_the_paper_s_sizes_chunks_are_of_many_steps_or_as_large_as_they_may_be(experiment, task, variant):
    (found,) = reproduce.resolve(f"sac-svg/{experiment}")
    name = next(t.id for t in found.tasks if t.id.endswith(f"/{task}"))
    (cell,) = expand(found, Selection("paper", tasks=(name,), variants=(variant,)))
    narrow = {field: (1,) for field in cell.config if field.endswith("_hidden")}
    one = resolve(cell.variant.learner)(
        {**cell.config, **narrow, "recurrent_width": 1} if "H" in cell.config else {**cell.config, **narrow},
        resolve(cell.task.make)(**cell.task.options), [0], {"total_steps": 1000}, "cpu",
    )  # fmt: skip
    for draw in one.agent.draws.values():
        steps, size = draw.chunk(torch.float32), (8 if draw.kind == "uniform" else 4) * int(np.prod(draw.shape))
        assert steps == 1 or steps * size <= CHUNK_BYTES
        assert steps * size > CHUNK_BYTES / 2 or steps == CHUNK_STEPS


# --- several updates a step ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["text", "code"])
def test_several_updates_a_step_are_one_after_the_other_on_batches_of_their_own(profile):
    """Against the same learner whose program of one update is called once for each batch."""
    how = {"profile": profile}
    many, one = (learner(module=sac, updates_per_step=U, **how) for U in (3, 1))
    each, tapes = one.agent.update, learner(module=sac, updates_per_step=3, **how).tapes
    one.tapes |= {name: tapes[name] for name in one.agent.draws}

    def thrice(phase, experience, draws, active):
        for u in range(3):
            each(phase, experience, {name: x[:, u : u + 1] for name, x in draws.items()}, active)

    one.agent.update = thrice
    assert repr(finish(many)) == repr(finish(one))
    same_bits(many, one, training)
    assert many.agent.critic_adam.steps.min() == 3 * 30


@pytest.mark.parametrize("profile", ["text", "code"])
def test_several_updates_a_step_of_sac_svg_are_of_all_but_the_dynamics(profile):
    how = {"updates_per_step": 3, "profile": profile}
    one, other = learner(H=0, **how), learner(module=sac, **how)
    assert repr(finish(one)) == repr(finish(other))
    same_bits(one, other, training)
    svg = learner(model_updates=2, **how)
    finish(svg)
    for adam in (svg.agent.actor_adam, svg.agent.critic_adam, svg.agent.world.heads_adam, svg.agent.temperature.adam):
        assert adam.steps.min() == 3 * 30
    assert svg.agent.world.adam.steps.min() == 2 * 30


@BOTH
def test_the_estimate_of_work_grows_with_the_updates(module):
    one, many = (learner(module=module, updates_per_step=U).agent.costs for U in (1, 4))
    for (_, cost), (_, more) in zip(one, many, strict=True):
        assert cost < more <= 4 * cost * (1 + 1e-12)


# --- the task's own bounds of actions -----------------------------------------------------------------------------


class Bounded(Point):
    """The point, pushed by how far an action lies from the middle of its bounds; it notes every action."""

    def __init__(self, low, high):
        super().__init__()
        self.action_low, self.action_high, self.seen = np.full(2, low), np.full(2, high), []

    def simulate(self, *how, **more):
        simulations, middle = super().simulate(*how, **more), (self.action_low + self.action_high) / 2
        step, half = simulations.step, (self.action_high - self.action_low) / 2

        def pushed(actions, ids=None):
            self.seen.append(np.array(actions))
            return step((actions - middle) / half, ids)

        simulations.step = pushed
        return simulations


@BOTH
@pytest.mark.parametrize(("low", "high"), [(0.0, 2.0), (-3.0, 5.0), (-0.5, 0.5), (1.0, 1.25)])
def test_actions_fill_the_task_s_bounds_and_are_stored_in_the_unit_box(module, low, high):
    task = Bounded(low, high)
    one = learner(module=module, task=task, random_steps=30)
    finish(one)
    seen = np.concatenate(task.seen)
    width = high - low
    assert low <= seen.min() < low + 0.1 * width
    assert high >= seen.max() > high - 0.1 * width
    for policy in one.policies().values():
        assert policy.action_centre.tolist() == [(low + high) / 2] * 2
        assert policy.action_half_range.tolist() == [width / 2] * 2
    stored = one.experience.layout.action(one.experience.replay.rows)
    assert -1 <= stored.min() < -0.8
    assert 0.8 < stored.max() <= 1


@BOTH
def test_a_task_that_only_states_other_bounds_is_learned_alike(module):
    """Bounds of +-4 are exact in binary: the same bits as those of +-1."""
    plain, scaled = learner(module=module), learner(module=module, task=Bounded(-4.0, 4.0))
    assert repr(finish(plain)) == repr(finish(scaled))
    same_bits(plain, scaled, training)


def test_random_actions_are_uniform_over_the_task_s_bounds():
    task = Bounded(0.0, 2.0)
    rows = random_policy.make({"eval_episodes": 60}, task, [4, 9], {"total_steps": 500}, "cpu").advance()
    seen = np.concatenate(task.seen)
    assert 0 <= seen.min() < 0.01
    assert 1.99 < seen.max() <= 2
    assert abs(seen.mean() - 1) < 0.05
    same = random_policy.make({"eval_episodes": 60}, Bounded(-4.0, 4.0), [4, 9], {"total_steps": 500}, "cpu").advance()
    plain = random_policy.make({"eval_episodes": 60}, Point(), [4, 9], {"total_steps": 500}, "cpu").advance()
    assert repr(same) == repr(plain)
    assert [r["eval_return"] for r in rows] == pytest.approx([r["eval_return"] for r in plain], rel=1e-9)


@pytest.mark.parametrize("make", [sac.make, sac_svg.make, random_policy.make])
def test_a_task_without_bounds_of_actions_is_refused(make):
    task = Bounded(-np.inf, np.inf)
    with pytest.raises(ValueError, match="no finite range of its actions"):
        make({}, task, [0], {"total_steps": 2000}, "cpu").advance()
