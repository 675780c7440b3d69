"""Claims that are counted over tasks, from made cells to verdicts."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from four_tasks import HIGH, LOW, WIDE, M, R, S, U, lines_of, made
from made_cells import by_key, cell, claim, compared
from scipy import stats

from svgbench.analysis.judge.claims import count_tasks
from svgbench.analysis.judge.verdicts import compare
from svgbench.commands import judging


def over_tasks(at_least, *parts, **about):
    return dataclasses.replace(claim(*(parts or (compared(">"),)), tasks=None), at_least=at_least, **about)


def on(task, word):
    """Cells on which "a > b" has that verdict; none for INCOMPLETE."""
    a = {"SUPPORTED": HIGH, "REFUTED": [x - 6 for x in HIGH], "INCONCLUSIVE": WIDE}
    return [] if word == "INCOMPLETE" else [cell("a", a[word], task), cell("b", LOW, task)]


def cells_of(*words):
    return by_key(*(c for task, word in zip("tuvw", words, strict=True) for c in on(task, word)))


@pytest.mark.parametrize(
    ("at_least", "words", "verdict"),
    [
        (3, (S, S, S, R), S),
        (3, (S, S, S, M), S),
        (3, (R, R, U, U), R),
        (3, (R, R, M, S), R),
        (3, (S, S, U, U), U),
        (3, (S, S, U, R), U),
        (3, (S, S, U, M), M),  # the missing one could make three
        (3, (S, U, R, M), M),  # and here two refuted
        (3, (S, U, U, M), U),  # here it can do neither
        (4, (S, S, S, U), U),
        (4, (S, S, S, R), R),
        (4, (S, S, S, S), S),
        (1, (R, R, R, R), R),
        (1, (R, R, R, U), U),
        (1, (R, R, R, M), M),
        (2, (M, M, M, M), M),
    ],
)
def test_a_counted_claim_has_a_verdict_beside_its_tasks(at_least, words, verdict):
    *tasks, over = compare(made(over_tasks(at_least)), {"paper": cells_of(*words)})
    assert [v.verdict for v in tasks] == list(words)
    assert [v.task for v in tasks] == list("tuvw")
    assert (over.verdict, over.task, over.kind, over.budget) == (verdict, "", "claim", "paper")
    assert (over.value, over.n, over.unit) == (words.count(S), 4 - words.count(M), "tasks")
    assert (over.id, over.part_of) == ("w/x:c", "")
    assert {v.part_of for v in tasks} == {"w/x:c"}
    assert [v.id for v in tasks] == [f"w/x:c:{t}" for t in "tuvw"]
    assert over.reason.startswith(f"SUPPORTED on {words.count(S)} of 4 tasks, needs {at_least}: {words[0]} task t")
    assert json.dumps(over.as_row(), allow_nan=False)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_counting_agrees_with_every_way_in_which_the_missing_could_come_out(m):
    """INCOMPLETE if and only if the missing verdicts could lead to different words; else the word they all lead to."""

    def settled(words, k):
        true, false = words.count(S), words.count(R)
        return S if true >= k else R if m - false < k else U

    for words in itertools.product((S, R, U, M), repeat=m):
        for k in range(1, m + 1):
            options = [(S, R, U) if word == M else (word,) for word in words]
            outcomes = {settled(done, k) for done in itertools.product(*options)}
            assert count_tasks(words, k) == (outcomes.pop() if len(outcomes) == 1 else M)


@pytest.mark.parametrize(
    ("certain", "ties", "at_least", "word", "bound"),
    [
        ((S,) * 3, 3, 4, S, 3 * 0.025),  # one true task too few: any of three ties can make the fourth
        ((R,) * 2, 4, 4, R, 4 * 0.025),  # one refuted task too few: any of four ties can make the third
        ((S,) * 5, 1, 6, S, 0.025),  # all six asked: the one tie has to fail
    ],
)
def test_a_counted_claim_errs_no_oftener_than_the_docs_say(certain, ties, at_least, word, bound):
    """On tasks that are ties a claim of "above" is wrongly SUPPORTED, or wrongly REFUTED, in one case of forty."""
    rng, repetitions, n = np.random.default_rng(7), 3000, 5
    x = rng.normal(0, 1, (repetitions, ties, n))
    mean, half = x.mean(-1), x.std(-1, ddof=1) / math.sqrt(n) * stats.t.ppf(0.975, n - 1)
    words = np.where(mean - half > 0, S, np.where(mean + half <= 0, R, U)).tolist()
    wrong = sum(count_tasks((*certain, *row), at_least) == word for row in words) / repetitions
    assert 0.75 * bound < wrong <= bound + 2 * math.sqrt(bound / repetitions)


def test_a_counted_claim_is_judged_at_one_budget():
    """Its tasks stand at the largest budget of each; the count at the largest at which all of them decide it."""
    short = cells_of(S, S, R, R)
    by_budget = {"paper": cells_of(R, M, M, M), "short": short, "smoke": cells_of(S, S, S, S)}
    *tasks, over = compare(made(over_tasks(2)), by_budget)
    assert [(v.budget, v.verdict) for v in tasks] == [("paper", R), ("short", S), ("short", R), ("short", R)]
    assert (over.budget, over.verdict) == ("short", S)
    assert over.reason == "SUPPORTED on 2 of 4 tasks, needs 2: SUPPORTED task t, task u; REFUTED task v, task w"
    enough = {**by_budget, "paper": cells_of(S, S, M, M)}
    assert [(v.budget, v.verdict) for v in compare(made(over_tasks(2)), enough)][-1] == ("paper", S)
    nowhere = {"paper": {}, "short": cells_of(S, M, M, M), "smoke": cells_of(M, M, S, M)}
    assert [(v.budget, v.verdict) for v in compare(made(over_tasks(2)), nowhere)][-1] == ("short", M)
    nothing = compare(made(over_tasks(2)), {"short": {}})[-1]
    assert (nothing.budget, nothing.verdict, nothing.n) == ("short", M, 0)
    only = over_tasks(2, budgets=("paper",))
    *rest, over = compare(made(only), {"short": short})
    assert {(v.verdict, v.budget) for v in (*rest, over)} == {(M, "paper")}


def test_a_claim_about_some_tasks_counts_those():
    *tasks, over = compare(made(over_tasks(2, tasks=("t", "w"))), {"paper": cells_of(S, R, R, S)})
    assert [v.task for v in tasks] == ["t", "w"]
    assert (over.verdict, over.value) == (S, 2)


def test_a_counted_claim_reads_in_80_columns():
    e = made(over_tasks(3))
    short = compare(e, {"paper": cells_of(S, S, M, M), "short": cells_of(M, M, U, M)})
    lines = lines_of(e, short)
    text = " ".join(" ".join(lines).split())
    assert (
        "over its tasks, budget paper: INCOMPLETE. SUPPORTED on 2 of 4 tasks, needs 3: SUPPORTED task t, task" in text
    )
    rows = {line.split("  ")[0]: line.split() for line in lines if line.startswith("task ")}
    assert rows["task t"][2:4] == ["SUPPORTED", "paper"]
    assert rows["task v"][2:4] == ["INCONCLUSIVE", "short"]
    assert "task w: a lacks seeds 0-4; b lacks seeds 0-4" in lines
    lines_of(e, short, 44)


def test_strict_looks_at_the_claim_and_not_at_its_tasks(monkeypatch, capsys):
    """ "Usually" may fail on a task; `--json` has both as flat rows."""
    e = made(over_tasks(3))

    def run(*words, named=("t", "u", "v", "w", ""), **options):
        verdicts = [v for v in compare(e, {"paper": cells_of(*words)}) if v.task in named]
        one = SimpleNamespace(experiment=e, verdicts=verdicts, rows=lambda: [v.as_row() for v in verdicts])
        study = SimpleNamespace(experiment=e, judge=lambda *_, **__: (one, ()))
        monkeypatch.setattr(judging, "studies_of", lambda *_, **__: [study])
        judging.compare("w/x", as_json=True, **options)

    run(S, S, S, R, strict=True)
    with pytest.raises(typer.Exit) as refuted:
        run(S, S, R, R, strict=True)
    assert refuted.value.exit_code == 3
    with pytest.raises(typer.Exit) as unfinished:
        run(S, S, R, M, strict=True)
    assert unfinished.value.exit_code == 4
    with pytest.raises(typer.Exit) as asked_about_one:
        run(S, S, S, R, strict=True, named=("w",))
    assert asked_about_one.value.exit_code == 3
    capsys.readouterr()
    run(S, S, S, R)
    rows = json.loads(capsys.readouterr().out)
    assert [(r["id"], r["verdict"], r["part_of"]) for r in rows] == [
        *((f"w/x:c:{t}", word, "w/x:c") for t, word in zip("tuvw", (S, S, S, R), strict=True)),
        ("w/x:c", S, ""),
    ]
    assert len({tuple(r) for r in rows}) == 1
