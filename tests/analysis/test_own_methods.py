"""A user's method beside ours: from another package, or ours with a changed setting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from svgbench_testkit.experiments import EXPERIMENTS

from svgbench import reproduce
from svgbench.lab.cells import Selection, expand
from svgbench.lab.platform import compared
from svgbench.lab.rows import as_csv
from svgbench.study import Study
from svgbench.words.errors import UsageError

SMOKE = Selection(budget="smoke", tasks=("field/calm",))


def fill(study: Study, lead: float, **selection) -> str:
    """Finish the cells of a selection; the last one's variant."""
    extra = reproduce.installed_algorithms()
    (cell,) = expand(study.experiment, Selection(**{"budget": "smoke", "tasks": ("field/calm",), **selection}), extra)
    rows = {seed: [{"seed": seed, "step": 30, "position": lead + seed**1.5, "side": "up"}] for seed in cell.seeds}
    texts = {seed: as_csv(own, cell.columns) for seed, own in rows.items()}
    entry = {"status": "done", "rows": 1, "seconds": 1.0, "platform": compared("cpu")}
    study.store.merge(cell, texts, dict.fromkeys(rows, entry))
    return cell.variant.id


@pytest.fixture
def study(tmp_path) -> Study:
    made = Study(EXPERIMENTS[0], tmp_path / "results")
    fill(made, 10.0, variants=("drift",))
    fill(made, 0.0, variants=("still",))
    return made


def against(study: Study, selection: Selection) -> list[tuple[str, str, str]]:
    return [(v.variant, v.verdict, v.rival) for v in study.compare(selection)[0] if v.rival]


def test_a_changed_setting_meets_the_unchanged_one(study):
    override = {"overrides": ("drift=0.9",)}
    changed = fill(study, 15.0, variants=("drift",), **override)
    asked = Selection(budget="smoke", tasks=("field/calm",), variants=("drift",), **override)
    verdicts, notes = study.compare(asked)
    assert [(v.variant, v.verdict, v.rival) for v in verdicts] == [(changed, "HIGHER", "drift")]
    assert "paired by seed, n=4" in verdicts[0].reason
    assert any(f"{changed} is made with -o" in note for note in notes)
    assert against(study, SMOKE) == [(changed, "HIGHER", "drift"), (changed, "HIGHER", "still")]


def test_a_changed_setting_that_was_not_run_is_incomplete_and_no_claim_is(study):
    asked = Selection(budget="smoke", tasks=("field/calm",), overrides=("drift=0.9",))
    verdicts, _ = study.compare(asked)
    assert [(v.verdict, v.rival) for v in verdicts] == [("INCOMPLETE", "drift"), ("INCOMPLETE", "still")]


def test_another_packages_algorithm_meets_ours_and_is_named_for_what_it_is(study):
    fill(study, -5.0, variants=("foreign-walk",))
    assert against(study, SMOKE) == [("foreign-walk", "LOWER", "drift"), ("foreign-walk", "LOWER", "still")]
    narrowed = Selection(budget="smoke", tasks=("field/calm",), variants=("foreign-walk", "still"))
    verdicts, notes = study.compare(narrowed)
    assert [(v.variant, v.rival) for v in verdicts if v.rival] == [("foreign-walk", "still")]
    assert any("foreign-walk is a run of svgbench_testkit.walk:make" in note for note in notes)


def test_a_verdict_against_ours_never_says_what_is_said_of_published_numbers(study):
    fill(study, 10.0, variants=("foreign-walk",))
    words = {word for _, word, _ in against(study, SMOKE)}
    assert words == {"IDENTICAL", "HIGHER"}


@pytest.mark.parametrize("huge", [1e155, 1e300, -1e300, 1e-200, 1.7e308], ids="{:g}".format)
def test_values_whose_squares_no_float_holds_have_one_answer(study, tmp_path, huge):
    """In units of `huge` the method's mean is 0.65 and its differences are as wide as those of seeds 0 to 3."""
    seeds = {0: 0.5, 1: 0.6, 2: 0.7, 3: 0.8}
    (cell,) = expand(study.experiment, replace(SMOKE, variants=("foreign-walk",)), reproduce.installed_algorithms())
    rows = {s: [{"seed": s, "step": 30, "position": x * huge, "side": "up"}] for s, x in seeds.items()}
    entry = {"status": "done", "rows": 1, "seconds": 1.0, "platform": compared("cpu")}
    study.store.merge(cell, {s: as_csv(own, cell.columns) for s, own in rows.items()}, dict.fromkeys(rows, entry))
    words = dict.fromkeys(("drift", "still"), "LOWER" if huge < 1 else "HIGHER")
    found = [v for v in study.compare(SMOKE)[0] if v.rival]
    assert {v.rival: v.verdict for v in found} == words | ({"still": "INCONCLUSIVE"} if huge == 1e-200 else {})
    if abs(huge) > 1:
        half = stats.t.ppf(0.975, 3) * np.std(list(seeds.values()), ddof=1) / 2
        assert [v.value / huge for v in found] == pytest.approx([0.65, 0.65])
        assert [abs(v.high - v.value) / abs(huge) for v in found] == pytest.approx([half, half])
    (row,) = [row for row in study.table_rows(SMOKE) if row["variant"] == "foreign-walk"]
    assert row["sd"] / abs(huge) == pytest.approx(np.std(list(seeds.values()), ddof=1))
    assert study.aggregates(SMOKE).rows()
    if 0.8 * abs(huge) <= 1e300:
        assert study.plot(tmp_path, SMOKE)
    else:
        with pytest.raises(UsageError, match=r"foreign-walk has values beyond 1e\+300, which cannot be drawn"):
            study.plot(tmp_path, replace(SMOKE, variants=("foreign-walk",)))
