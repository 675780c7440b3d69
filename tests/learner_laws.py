"""The laws of learners, as assertions for the tests of every algorithm.

`make` makes a new learner. `trained` maps a learner to everything that training changes, tensors [S, ...].
"""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from svgbench.lab import checkpoint


def block_around(seed):
    """Seeds of a block of five. The place of this one is 2."""
    return [3, 9, seed, 0, 1]


def numpy_state():
    return np.random.get_state()[1].tolist()  # noqa: NPY002  (that generator is what is watched)


def finish(one):
    """Advance to the end. Returns all rows."""
    rows = []
    while not one.finished:
        rows += one.advance()
    return rows


def through_a_file(state):
    """What a checkpoint's reader gets."""
    torch.save(state, buffer := io.BytesIO())
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


def continued(fresh, one):
    """A fresh learner, at the point where another one is."""
    fresh.load_state_dict(through_a_file(one.state_dict()))
    return fresh


def with_states(one):
    """Advance to the end. Returns all rows, and the state after each slice."""
    rows, states = [], []
    while not one.finished:
        rows += one.advance()
        states.append(through_a_file(one.state_dict()))
    return rows, states


def same_bits(one, other, trained):
    for p, q in zip(trained(one), trained(other), strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=0, equal_nan=True)


def alike(rows, others, rel, abs=None):
    """Whole numbers and words agree exactly, other numbers as `pytest.approx` says."""
    for one, other in zip(rows, others, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            exact = isinstance(value, int | str)
            expected = other[name] if exact else pytest.approx(other[name], rel=rel, abs=abs, nan_ok=True)
            assert value == expected, name


def agrees_alone_and_in_a_block(make, trained, updates, tolerance, *, seed=7, exactly=None, **of_rows):
    """The seed law: after fifty updates a seed has learned the same alone and in a block of five. Returns its rows.

    make: from seeds. updates: how many a learner has done; `exactly` so many, if given. of_rows: tolerances of `alike`,
    if 100 times as much is not right.
    """
    alone, block = make([seed]), make(block_around(seed))
    rows, others = finish(alone), [row for row in finish(block) if row["seed"] == seed]
    assert updates(alone) >= 50
    assert exactly in (None, updates(alone))
    for p, q in zip(trained(alone), trained(block), strict=True):
        torch.testing.assert_close(p[0], q[2], rtol=tolerance, atol=tolerance)
        assert not p.is_floating_point() or not torch.equal(q[0], q[2])
    alike(rows, others, **{"rel": 100 * tolerance, **of_rows})
    return rows


def each_agrees_alone_and_in_a_block(make, mean, block, seeds, tolerance):
    """The seed law of searches, of several seeds of a block: after fifty iterations, and the first two are apart.

    mean: maps a learner to that of the search, [S, P].
    """
    together = make(block)
    rows, found = finish(together), mean(together)
    for seed in seeds:
        alone = make([seed])
        alike(finish(alone), [row for row in rows if row["seed"] == seed], rel=tolerance)
        assert alone.iteration >= 50
        torch.testing.assert_close(mean(alone)[0], found[block.index(seed)], rtol=0, atol=tolerance)
    assert (found[0] - found[1]).abs().max() > 1e-2


def continues_from(state, fresh, whole, rows, trained):
    """From a state of the whole run, a fresh learner makes the rest of its rows, and learns the same, to the bit."""
    fresh.load_state_dict(state)
    later = finish(fresh)
    assert later
    assert repr(later) == repr(rows[len(rows) - len(later) :])
    same_bits(whole, fresh, trained)


def resumes_after_every_slice(make, trained):
    """With a fresh learner for each slice, by way of a file, rows, progress and what is learned are the same bits.

    Returns the rows.
    """
    whole, other, rows, again = make(), make(), [], []
    while not whole.finished:
        rows += whole.advance()
        other = continued(make(), other)
        again += other.advance()
        assert other.progress == whole.progress
    assert other.finished
    assert other.progress[0] == other.progress[1] > 0
    assert repr(again) == repr(rows)
    same_bits(whole, other, trained)
    return rows


def checkpoints_take_its_state(make, path):
    """The lab's, after every slice. Progress rises to its total, which is returned."""
    one, last = make(), -1
    while not one.finished:
        done, total = one.progress
        assert last < done < total
        last = done
        checkpoint.save(path, "test", one.state_dict())
        one = make()
        one.load_state_dict(checkpoint.load(path, "test"))
        one.advance()
    assert one.progress == (total, total)
    return total


def trains_alike_whatever_happens_meanwhile(make, trained, *changes):
    """make: takes each of the changes, of evaluations and slices, which change no bit of training."""
    base = make()
    finish(base)
    for change in changes:
        one = make(**change)
        finish(one)
        same_bits(base, one, trained)


def a_lost_seed_leaves_the_others_alone(make, trained, lost, tolerance=1e-8, **of_rows):
    """Numbers of seed 1 that become NaN change nothing of seeds 0 and 2. Returns the harmed learner and its rows.

    make: of these three seeds. lost: called with the learner before each slice. Returns seed 1's numbers that are to
    become NaN, once it is time, before that None. of_rows: tolerances of `alike`, beside 1e-8.
    """
    undisturbed, hurt = make(), make()
    rows, hurt_rows, numbers = finish(undisturbed), [], None
    while not hurt.finished:
        with torch.no_grad():
            if numbers is None and (numbers := lost(hurt)) is not None:
                numbers.fill_(torch.nan)
        hurt_rows += hurt.advance()
    assert list(hurt.diverged) == [1]
    alike(*([row for row in some if row["seed"] != 1] for some in (rows, hurt_rows)), rel=1e-8, **of_rows)
    for p, q in zip(trained(undisturbed), trained(hurt), strict=True):
        torch.testing.assert_close(p[[0, 2]], q[[0, 2]], rtol=tolerance, atol=tolerance)
    return hurt, hurt_rows


def leaves_the_global_generators_alone(make, trained):
    """They are neither read nor moved."""
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002  (that generator is what is watched)
        before = torch.get_rng_state(), numpy_state()
        one = make()
        finish(one)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert numpy_state() == before[1]
        found.append(one)
    same_bits(*found, trained)


def counts_the_estimated_work(one, estimated_work, total_steps):
    """The estimate of a plan is the work that progress counts, up to its end. Returns it."""
    config = {name: getattr(one.agent.config, name) for name in one.agent.config.__dataclass_fields__}
    estimated = estimated_work(config, one.task, one.seeds, {"total_steps": total_steps})
    assert one.progress[1] == round(estimated) > 0
    last = -1
    while not one.finished:
        assert last <= one.progress[0] <= one.progress[1]
        last = one.progress[0]
        one.advance()
    assert one.progress[0] == one.progress[1]
    return estimated
