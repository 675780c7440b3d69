"""What a search chooses from made runs: means, ranks, failed and missing seeds, and what is written."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from svgbench_testkit.experiments import EXPERIMENTS, SEARCHES

from svgbench.analysis.read.measures import CellData
from svgbench.analysis.search.choice_text import choice_rows, choice_sentences, choice_tables, written_rows
from svgbench.analysis.search.choosing import at_an_end, choices, not_told_apart, written
from svgbench.analysis.show.grids import Measured, Rounded
from svgbench.words.search import Axis, Grid, as_experiment

WALK = EXPERIMENTS[0]
DRIFTS = (0.25, 0.5, 1.0)
CALM, WINDY = "field/calm", "field/windy"
SEEDS = (600, 601, 602)


def search_of(choice="per task", **how):
    return replace(SEARCHES[0], grids=(Grid("drift", (Axis("drift", DRIFTS),), choice=choice, **how),))


def cells_of(scores, diverged=(), seeds=SEEDS):
    """scores: by task, the values of each drift's seeds."""
    cells = {}
    for task, by_drift in scores.items():
        for drift, values in zip(DRIFTS, by_drift, strict=True):
            name = f"drift-{drift:g}"
            rows = [(seed, step, value) for seed, value in zip(SEEDS, values, strict=False) for step, value in
                    ((1, -1e6), (2, value))]  # fmt: skip
            frame = pd.DataFrame(rows, columns=["seed", "step", "position"])
            gone = tuple(s for t, n, s in diverged if (t, n) == (task, name))
            cells[task, name] = CellData(task, name, frame, SEEDS[: len(values)], seeds, gone)
    return cells


PLAIN = {CALM: [(1, 2, 3), (4, 5, 6), (2, 3, 4)], WINDY: [(9, 9, 9), (1, 1, 1), (5, 5, 5)]}


def won(found):
    return [choice.winner and choice.winner.values["drift"] for choice in found]


def test_the_best_mean_wins_on_each_task():
    found = choices(search_of(), cells_of(PLAIN))
    assert [choice.tasks for choice in found] == [(CALM,), (WINDY,)]
    assert won(found) == [0.5, 0.25]
    summary = found[0].scores["drift-0.5", CALM].summary
    assert (summary.mean, summary.sd, summary.n) == (5.0, 1.0, 3)
    assert found[0].ranks == {"drift-0.25": 3.0, "drift-0.5": 1.0, "drift-1": 2.0}


def test_a_task_chooses_among_the_values_of_its_own_grid():
    """The calm field has two values; its best would be the third, which only the windy one tries."""
    two = replace(search_of().grids[0], axes=(Axis("drift", DRIFTS[:2]),), tasks=(CALM,))
    search = replace(search_of(), grids=(two, replace(search_of().grids[0], tasks=(WINDY,))))
    calm, windy = choices(search, cells_of({CALM: [(1, 2, 3), (4, 5, 6), (9, 9, 9)], WINDY: PLAIN[WINDY]}))
    assert won([calm, windy]) == [0.5, 0.25]
    assert (len(calm.settings), len(windy.settings)) == (2, 3)
    tables = choice_tables(search, "smoke", [calm, windy])
    assert [(table.columns, len(table.rows)) for table in tables] == [(("calm",), 2), (("windy",), 3)]
    assert [row.task for row in written(search, [calm, windy])] == [CALM, WINDY]


def test_where_lower_is_better_the_least_mean_wins():
    search = replace(search_of(), measure=replace(SEARCHES[0].measure, higher_is_better=False))
    assert won(choices(search, cells_of(PLAIN))) == [0.25, 0.5]


def test_over_tasks_the_mean_rank_decides_whatever_the_scale():
    """Ranks 3 1 2 and 1 3 2, then 3 2 1 and 1 3 2: ties go to the first declared; a scale of 1e6 changes nothing."""
    (tie,) = choices(search_of("over tasks"), cells_of(PLAIN))
    assert (tie.tasks, won([tie]), set(tie.ranks.values())) == ((CALM, WINDY), [0.25], {2.0})
    scaled = {CALM: [(1, 1, 1), (2, 2, 2), (3, 3, 3)], WINDY: [(9e6, 9e6, 9e6), (1, 1, 1), (8e6, 8e6, 8e6)]}
    (choice,) = choices(search_of("over tasks"), cells_of(scaled))
    assert won([choice]) == [1.0]
    assert choice.ranks == {"drift-0.25": 2.0, "drift-0.5": 2.5, "drift-1": 1.5}


def test_a_diverged_seed_counts_as_the_worst_of_all():
    """Without its third seed 0.5 would still be the best; counted as 1, the worst seed on the task, it is not."""
    scores = PLAIN | {CALM: [(1, 2, 3), (4, 4, 99), (3.5, 3.5, 3.5)]}
    assert won(choices(search_of(), cells_of(scores)))[0] == 0.5
    found = choices(search_of(), cells_of(scores, diverged=[(CALM, "drift-0.5", 602)]))
    score = found[0].scores["drift-0.5", CALM]
    assert (score.summary.mean, score.failed) == (3.0, 1)
    assert won(found)[0] == 1.0
    everyone = [(CALM, f"drift-{d:g}", seed) for d in DRIFTS for seed in SEEDS]
    (nothing, _) = choices(search_of(), cells_of(PLAIN, diverged=everyone))
    assert nothing.winner is None


def test_nothing_is_chosen_while_a_seed_is_missing():
    cells = cells_of(PLAIN)
    scores = PLAIN | {CALM: [(1, 2, 3), (4, 5), (2, 3, 4)]}
    found = choices(search_of(), cells_of(scores))
    assert won(found) == [None, 0.25]
    assert found[0].missing == ("drift-0.5 on field/calm lacks seed 602",)
    del cells[CALM, "drift-1"]
    (choice,) = choices(search_of("over tasks"), cells)
    assert choice.winner is None
    assert choice.missing == ("drift-1 on field/calm was not run",)
    words = " ".join(choice_sentences(search_of("over tasks"), [choice], written(search_of("over tasks"), [choice])))
    assert "nothing is chosen yet: drift-1 on field/calm was not run" in words
    assert "2 settings not chosen yet" in words


def test_how_clearly_it_won():
    """On the calm field 1.0 is within the noise of 0.5 (paired differences 2, -2, 1), 0.25 is 3 below on every seed."""
    search = search_of()
    found = choices(search, cells_of(PLAIN | {CALM: [(1, 2, 3), (4, 5, 6), (2, 7, 5)]}))
    assert [s.values["drift"] for s in not_told_apart(found[0])] == [1.0]
    assert not_told_apart(found[1]) == []
    assert [at_an_end(choice) for choice in found] == [[], ["the smallest drift"]]
    words = list(choice_sentences(search, found, written(search, found)))
    assert "drift on field/calm: drift = 0.5; not told apart (95 %) from 1 of the 2 others" in words
    assert "drift on field/windy: drift = 0.25; the smallest drift tried" in words


def test_the_written_value_is_compared_with_the_winner():
    """The experiment has drift = 0.5: chosen on the calm field, not on the windy one."""
    search = search_of()
    rows = written(search, choices(search, cells_of(PLAIN)))
    assert [(r.task, r.field, r.written, r.winner, r.word) for r in rows] == [
        (CALM, "drift", 0.5, 0.5, "CHOSEN"),
        (WINDY, "drift", 0.5, 0.25, "NOT_CHOSEN"),
    ]
    words = list(choice_sentences(search, choices(search, cells_of(PLAIN)), rows))
    assert (
        "testkit/walk-search: testkit/walk has drift = 0.5 of drift on field/windy; 0.25 was chosen: "
        "once it is written, these runs must be repeated"
    ) in words
    assert (
        words[-1] == "testkit/walk-search, for testkit/walk: 1 setting written as chosen, 1 setting written otherwise"
    )
    both = search_of(chosen_for=("drift", "still"))
    rows = written(both, choices(both, cells_of(PLAIN)))
    assert [(r.variant, r.task, r.word) for r in rows[:2]] == [
        ("drift", CALM, "CHOSEN"),
        ("still", CALM, "NOT_CHOSEN"),
    ]


def test_a_choice_may_be_written_on_tasks_where_nothing_was_searched():
    search = search_of(tasks=(CALM,), also_on=(WINDY,))
    rows = written(search, choices(search, cells_of({CALM: PLAIN[CALM]})))
    assert [(r.task, r.winner, r.word) for r in rows] == [(CALM, 0.5, "CHOSEN"), (WINDY, 0.5, "CHOSEN")]
    with pytest.raises(ValueError, match="grid drift has several choices"):
        as_experiment(search_of(also_on=(WINDY,)))


def test_rows_are_flat_and_tables_mark_the_winner():
    search = search_of()
    found = choices(search, cells_of(PLAIN))
    rows = choice_rows(search, "smoke", found)
    assert len(rows) == 6
    assert [row["setting"] for row in rows if row["winner"]] == ["drift-0.5", "drift-0.25"]
    assert all(not isinstance(v, dict | list | tuple) for row in rows for v in row.values())
    assert {row["values"] for row in rows} == {f"drift = {d}" for d in DRIFTS}
    assert set(written_rows(search, "smoke", written(search, found))[0]) == {
        "search", "experiment", "budget", "task", "variant", "field", "written", "winner", "verdict",
    }  # fmt: skip
    (table,) = choice_tables(search, "smoke", found)
    assert dict(table.rows)["drift = 0.5"] == (Measured(5.0, 1.0, 3, best=True), Measured(1.0, 0.0, 3))
    (over,) = choice_tables(search_of("over tasks"), "smoke", choices(search_of("over tasks"), cells_of(PLAIN)))
    assert over.columns[-1] == "mean rank"
    assert dict(over.rows)["drift = 0.25"][-1] == Rounded(2, best=True)


def test_a_value_that_is_not_finite_is_a_failed_seed():
    found = choices(search_of(), cells_of(PLAIN | {CALM: [(1, 2, 3), (4, 5, math.nan), (2, 3, 4)]}))
    assert found[0].scores["drift-0.5", CALM].summary.mean == pytest.approx((4 + 5 + 1) / 3)
