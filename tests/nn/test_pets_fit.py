"""A fit as PETS makes it: on rows drawn with replacement from all, for a number of epochs, the last weights kept."""

from __future__ import annotations

import torch
from test_gaussian_ensemble import LAYOUT, ROWS, SEEDS, E, ensemble, replay, settings

from svgbench.memory.rows import take
from svgbench.models.ensemble_fit import EnsembleFit, bootstrap_of_all
from svgbench.models.stopping import Never
from svgbench.nn import Streams


def test_each_member_draws_from_all_rows_and_nothing_is_held_out():
    split = bootstrap_of_all(Streams([1, 2], "x"), 50, 4, 10)
    assert [tuple(part.shape) for part in split] == [(2, 1, 50), (2, 4, 50), (2, 1, 10)]
    for s in (0, 1):
        assert split.base[s, 0].tolist() == list(range(50))
        assert len(set(split.held[s, 0].tolist())) == 10
        for member in split.train[s].tolist():
            assert 20 < len(set(member)) < 43  # of 50 draws 32 are new on average
    assert len({tuple(m) for m in split.train.flatten(0, 1).tolist()}) == 8


def test_a_fit_has_its_epochs_and_keeps_the_last_weights():
    how = settings(
        split=lambda streams, rows, members: bootstrap_of_all(streams, rows, members, 20),
        rule=lambda active: Never(active, E), max_epochs=5, lr=0.3, elites=E,
    )  # fmt: skip
    one, rows, seen = EnsembleFit(ensemble(), LAYOUT, how, SEEDS), replay(SEEDS), []
    validate = one._validate
    one._validate = lambda *given: seen.append((one.adam.flat.clone(), validate(*given))) or seen[-1][1]
    for number in (1, 2):
        one.begin(f"fit-{number}", rows, ROWS, None)
        while not one.advance(rows, 1):
            pass
        assert one.epochs.tolist() == [5, 5]
        assert one.adam.steps.unique().tolist() == [number * 5 * -(-ROWS // 24)]
        assert torch.equal(one.adam.flat, seen[-1][0])
        errors = torch.stack([error for _, error in seen[-5:]])
        assert torch.equal(one.loss, errors[-1])
        assert (errors[-1] > errors.amin(0)).any(), "at this rate errors rise and fall: the best epoch is not the last"


def test_pairs_may_be_made_in_another_way():
    def pairs(layout, rows):
        return layout.obs_action(rows), torch.cat([layout.reward(rows)[..., None], -layout.obs(rows)], -1)

    one, rows = EnsembleFit(ensemble(), LAYOUT, settings(pairs=pairs, max_epochs=20), SEEDS), replay(SEEDS)
    one.begin("fit", rows, ROWS, None)
    while not one.advance(rows, 50):
        pass
    x, target = pairs(LAYOUT, take(rows, one._draw_split(ROWS).held))
    error = (one.model.mean(x) - target).square().mean((-2, -1))
    torch.testing.assert_close(error, one.loss, rtol=1e-9, atol=0)
    assert error.max() < 0.8  # the targets' variance is 1
