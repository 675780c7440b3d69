"""A user's method beside ours: from another package, or ours with a changed setting."""

from __future__ import annotations

import pytest
from svgbench_testkit.experiments import EXPERIMENTS

from svgbench import reproduce
from svgbench.lab.cells import Selection, expand
from svgbench.lab.platform import compared
from svgbench.lab.rows import as_csv
from svgbench.study import Study

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
