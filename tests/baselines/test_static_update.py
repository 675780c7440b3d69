"""What a GPU asks of an update, shown without one.

Updates run on the meta device, where a tensor has a shape but no numbers: a value that is read, a shape that depends
on one, and a copy from or to the host are errors. And a tape stands in for a CUDA graph: it repeats the operations of
the update that it recorded, on the same memory, without any Python of the update.
"""

from __future__ import annotations

import maac_kit
import planned_kit
import pytest
import test_mbpo_learner as mbpo_kit
import torch
from learner_laws import finish, through_a_file
from sac_kit import learner, parameters
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from svgbench.baselines.actor_critic import sac, sac_svg
from svgbench.baselines.planned import pets
from svgbench.learners.static_update import WARM_UP, StaticUpdate, static_update_on

ACTIVE = torch.tensor([True, False, True])
PROGRAMS = pytest.mark.parametrize(
    "how",
    [
        {"module": sac},
        {"module": sac_svg},
        {"module": sac_svg, "critic_steps": 2, "H": 0},
        {"module": sac_svg, "critic_steps": 1, "expansion": "plain", "expansion_reading": "code"},
    ],
    ids=["sac", "sac-svg", "td-k", "plain"],
)


class OnlyOnMeta(TorchDispatchMode):
    """Refuses every operation on a tensor of another device, zero-dimensional ones included."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        found = {x.device.type for x in tree_leaves((args, kwargs, out)) if isinstance(x, torch.Tensor)}
        assert found <= {"meta"}, f"{func} on {sorted(found)}"
        return out


class Tape(TorchDispatchMode):
    """Records operations with their tensors; `replay` does them again, writing to the tensors of the first time."""

    def __init__(self):
        super().__init__()
        self.operations = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        detached = tree_map_only(torch.Tensor, torch.Tensor.detach, (args, kwargs, out))
        self.operations.append((func, *detached))
        return out

    @torch.no_grad()
    def replay(self):
        for func, args, kwargs, out in self.operations:
            again = func(*args, **kwargs)
            for was, now in zip(tree_leaves(out), tree_leaves(again), strict=True):
                if isinstance(was, torch.Tensor) and not shares_memory(was, now):  # else a view, or done in place
                    was.copy_(now)


def shares_memory(a, b):
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def on_tape(tapes):
    """A `capture` whose program runs once under the tape, and from then on from it."""

    def capture(program):
        tape = Tape()
        tapes.append(tape)

        def run():
            if tape.operations:
                return tape.replay()
            with tape:
                program()
            return None

        return run

    return capture


def taped(**config):
    one, tapes = learner(**config), []
    one.static_update = StaticUpdate(one.agent.update, one.experience, "cpu", on_tape(tapes))
    return one, tapes


@PROGRAMS
@pytest.mark.parametrize("profile", ["text", "code"])
@pytest.mark.parametrize("masked", [False, True])
def test_a_whole_step_reads_no_value_and_stays_on_its_device(how, profile, masked, monkeypatch):
    one = learner(**how, profile=profile, device="meta", orthogonal_init=False)
    agent, experience, S = one.agent, one.experience, len(one.seeds)
    experience.replay.added = 60
    active = ACTIVE.to("meta") if masked else None
    row, end = torch.zeros(S, experience.layout.width, device="meta"), torch.zeros(S, dtype=torch.bool, device="meta")
    obs, noise = torch.zeros(S, 1, 3, device="meta"), torch.zeros(S, 1, 2, device="meta")
    draws = {name: one.tapes[name].take() for name in agent.draws}
    for step in (13, 17, 18, 38):  # the first update, the ends of the model-free phase, the last
        with OnlyOnMeta():
            with torch.no_grad():
                agent.act(experience.normalise(obs), noise)
            agent.update(agent.prepare(step), experience, draws, active)
            experience.add(row, end)
            agent.finite()
            agent.metrics()


@pytest.mark.parametrize(
    "slip",
    [
        lambda x: x.sum().item(),
        lambda x: bool(x.any()),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: x.cpu(),
        lambda x: x + torch.ones(3),
        lambda x: x * torch.tensor(2.0),
        lambda x: x.copy_(torch.ones(3)),
    ],
)
def test_the_meta_device_refuses_operations_that_would_wait(slip):
    with pytest.raises((RuntimeError, NotImplementedError, AssertionError)), OnlyOnMeta():
        slip(torch.zeros(3, device="meta"))


@PROGRAMS
@pytest.mark.parametrize("profile", ["text", "code"])
def test_a_recorded_update_repeated_makes_the_numbers_of_the_plain_one(how, profile):
    how = {**how, "profile": profile, "total_steps": 35}
    (one, tapes), plain = taped(**how), learner(**how)
    rows, plain_rows = [], []
    for each, found in ((one, rows), (plain, plain_rows)):
        while not each.finished:
            if each.step >= 27:
                each.alive[1] = False
                each._set_active()
            found += each.advance()
    assert repr(rows) == repr(plain_rows)
    for p, q in zip(parameters(one), parameters(plain), strict=True):
        assert torch.equal(p, q)
    assert len(tapes) == (3 if how["module"] is sac_svg else 2), "of each phase, and with a mask"
    assert all(len(tape.operations) > 100 for tape in tapes)


@pytest.mark.parametrize("module", [sac, sac_svg])
def test_resuming_records_anew(module):
    plain = learner(module=module)
    rows = finish(plain)
    first, tapes = taped(module=module)
    while first.step < 27:
        first.advance()
    state = through_a_file(first.state_dict())
    while not first.finished:  # far beyond, then back
        first.advance()
    recorded = len(tapes)
    first.load_state_dict(state)
    later = finish(first)
    assert len(tapes) == recorded + 1
    assert repr(later) == repr(rows[len(rows) - len(later) :])
    for p, q in zip(parameters(first), parameters(plain), strict=True):
        assert torch.equal(p, q)


def test_mbpo_makes_the_same_numbers_on_a_tape_and_records_anew_when_its_pool_grows():
    plain, one, tapes = mbpo_kit.learner(), mbpo_kit.learner(), []
    one.static_update = StaticUpdate(one.agent.update, one.experience, "cpu", on_tape(tapes))
    assert repr(finish(one)) == repr(finish(plain))
    for p, q in zip(mbpo_kit.trained(one), mbpo_kit.trained(plain), strict=True):
        assert torch.equal(p, q)
    assert len(tapes) == 2, "of each capacity of D_model"
    assert all(len(tape.operations) > 100 for tape in tapes)


def test_a_learner_whose_update_does_nothing_captures_no_graph():
    """MAAC and the planners learn between environment steps. An empty CUDA graph would be an error."""
    for one in (maac_kit.learner(), planned_kit.learner(pets)):
        assert static_update_on("cuda", one.agent.update, one.agent.draws, one.experience) is None
    for draws in ({}, {"noise": None}):
        assert static_update_on("cpu", lambda *how: None, draws, None) is None


def test_a_tape_repeats_what_python_read_when_it_was_recorded():
    """A CUDA graph does the same. So the tests above fail for an update that reads a changing number from Python."""
    x, step, phases = torch.zeros(2), 0, []

    def update(phase, experience, draws, active):
        phases.append(phase)
        x.add_(draws["noise"] * step)

    one = StaticUpdate(update, None, "cpu", on_tape([]))
    for step in range(WARM_UP + 3):
        one(0, {"noise": torch.full((2,), float(10**step))}, None)
    frozen = sum(min(i, WARM_UP) * 10**i for i in range(WARM_UP + 3))
    assert x.tolist() == [frozen, frozen]
    assert len(phases) == WARM_UP + 1
    one(1, {"noise": torch.zeros(2)}, None)
    assert phases[-1] == 1


def test_each_program_warms_up_and_is_captured_once():
    seen, captured = [], []

    def capture(program):
        captured.append(len(seen))
        return program

    one = StaticUpdate(lambda phase, e, draws, active: seen.append((phase, active)), None, "cpu", capture)
    mask = torch.tensor([True])
    for phase, active in [(0, None)] * 5 + [(2, None)] * 5 + [(2, mask)] * 5:
        one(phase, {}, active)
    assert captured == [WARM_UP, 5 + WARM_UP, 10 + WARM_UP]
    assert [phase for phase, _ in seen] == [0] * 5 + [2] * 10
    kept = {id(active) for _, active in seen[10:]}
    assert len(kept) == 1
    assert id(mask) not in kept, "the mask lies in a buffer"
    one.forget()
    one(2, {}, mask)
    assert len(captured) == 3
