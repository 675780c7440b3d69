"""`compare` begins with its answer, in words that follow from the verdicts, and fits a screen of 80 x 40."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from harness import ROOT
from made_cells import SCORE, by_key, cell, claim, compared, experiment, sample
from toy import EXPERIMENT, fill

from svgbench import reproduce
from svgbench.analysis.judge.answers import Judged, answer, question, work_answer
from svgbench.analysis.judge.outlook import Open, Outlook
from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.show.answer_text import several_lines, summary_lines
from svgbench.commands import judging
from svgbench.lab.cells import Selection, expand
from svgbench.lab.rows import as_csv
from svgbench.lab.store import Store
from svgbench.study import Study
from svgbench.words.claims import Reached
from svgbench.words.experiment import TaskSpec

S, R, U, M = "SUPPORTED", "REFUTED", "INCONCLUSIVE", "INCOMPLETE"
COLUMNS = ("score", "phase")
SCORES = {S: sample(10.0, 1.0, 5), R: sample(1.0, 1.0, 5), U: sample(5.1, 9.0, 5)}


def claims_of(words):
    """An experiment with a claim for each word, "a > 5" on a task of its own, and the cells that make it so."""
    tasks = [f"t{i}" for i in range(len(words))]
    claims = tuple(replace(claim(compared(">", 5.0), tasks=(task,)), id=f"{task}-is-large") for task in tasks)
    cells = by_key(*(cell("a", SCORES[word], task) for task, word in zip(tasks, words, strict=True) if word != M))
    shown = tuple(Reached(task, SCORE, 9.0, by="a policy by hand", command="python by_hand.py") for task in tasks)
    return experiment(claims, tasks=tuple(TaskSpec(t, "m:make", t) for t in tasks), reached=shown), cells


class NoStore:
    """An outlook in which the cells of the words are measured and nothing is open."""

    def __init__(self, measured=None, total=5):
        self.budgets = ["paper", "short", "smoke"]
        self._measured = measured if measured is not None else {"paper": total}
        self._total = total

    def measured(self, budget):
        return self._measured.get(budget, 0)

    def asked_cells(self, budget):
        return self._total

    def of_claim(self, claim, verdicts):
        return None

    def not_run(self, budget):
        lacking = self._total - self.measured(budget)
        return lacking, Open(budget, 5 * lacking, None)


def judged_by(words, budget="paper", **about):
    e, cells = claims_of(words)
    outlook = about.pop("outlook", NoStore({budget: 5}))
    return Judged(replace(e, id="w/fig7", **about), compare(e, {budget: cells}), outlook)


@pytest.mark.parametrize(
    ("words", "starts"),
    [
        ((S,), "Does Figure 7 hold? At the paper's budget, yes: its claim is SUPPORTED."),
        ((S, S), "Does Figure 7 hold? At the paper's budget, yes: both claims are SUPPORTED."),
        ((S, S, S), "Does Figure 7 hold? At the paper's budget, yes: all 3 claims are SUPPORTED."),
        ((R, R, R), "Does Figure 7 hold? At the paper's budget, no: all 3 claims are REFUTED."),
        ((R, U), "Does Figure 7 hold? At the paper's budget, no: of 2 claims 1 REFUTED, 1 INCONCLUSIVE."),
        ((S, R, U), "Does Figure 7 hold? At the paper's budget, in part: of 3 claims 1 SUPPORTED, 1 REFUTED, 1 INC"),
        ((S, U, M), "Does Figure 7 hold? At the paper's budget, nothing against it so far: of 3 claims 1 SUPPORTED,"),
        ((U, M), "Does Figure 7 hold? At the paper's budget, open: of 2 claims 1 INCONCLUSIVE, 1 INCOMPLETE."),
        ((U, U), "Does Figure 7 hold? At the paper's budget, open: both claims are INCONCLUSIVE."),
    ],
)
def test_the_answer_follows_from_the_verdicts(words, starts):
    assert answer(judged_by(words)).startswith(starts)


def test_the_answer_says_what_was_measured():
    words = (S, U)
    short = answer(judged_by(words, "short", outlook=NoStore({"short": 2})))
    assert short.startswith("Does Figure 7 hold? Not measured at the paper's budget. At short, nothing against")
    part = answer(judged_by(words, outlook=NoStore({"paper": 2})))
    assert part.endswith("2 of 5 cells are measured at the paper's budget.")
    assert answer(judged_by((M, M), outlook=NoStore({}))) == "Does Figure 7 hold? Not measured."
    begun = answer(judged_by((M, M), outlook=NoStore({"short": 3})))
    assert begun == "Does Figure 7 hold? Nothing can be judged yet: measured are 3 of 5 cells at short."
    pinned = judged_by(words, "smoke", outlook=NoStore({"smoke": 2}))
    assert answer(replace(pinned, pinned="smoke")).startswith("Does Figure 7 hold? At smoke, nothing against it")


def test_the_headline_is_the_first_claim_or_the_declared_one():
    assert "Its headline, t0-is-large, is SUPPORTED." in answer(judged_by((S, R)))
    assert "Its headline, t1-is-large, is REFUTED." in answer(judged_by((S, R), headline="t1-is-large"))
    assert "headline" not in answer(judged_by((S, S))), "then the answer has said it"
    assert "headline" not in answer(judged_by((S,)))


@pytest.mark.parametrize("one", reproduce.experiments().values(), ids=lambda e: e.id)
def test_every_experiment_asks_a_question_and_its_headline_is_a_claim(one):
    assert re.fullmatch(r"(Does|Do|Is|Are|Which) .{5,}\?", question(one))
    assert one.headline in {"", *(c.id for c in one.claims)}


def test_works_have_titles_and_others_their_id():
    for work in {e.work for e in reproduce.experiments().values()} - {"testkit"}:
        assert re.search(r"\d{4}", reproduce.title_of(work)), "who, and when"
    assert reproduce.title_of("testkit") == "testkit"


@pytest.mark.parametrize(
    ("several", "starts"),
    [
        (((S, S), (S,)), "Do the results of X hold? Yes: of 3 claims in 2 experiments 3 SUPPORTED."),
        (((S, R), (U,)), "Do the results of X hold? In part: of 3 claims in 2 experiments 1 SUPPORTED, 1 REFUTED, 1"),
        (((R, U),), "Do the results of X hold? No: of 2 claims in one experiment 1 REFUTED, 1 INCONCLUSIVE."),
        (((S, U),), "Do the results of X hold? Nothing against it so far: of 2 claims in one experiment 1 "),
        (((M,),), "Do the results of X hold? Nothing can be judged yet."),
    ],
)
def test_the_answer_of_a_work(several, starts):
    assert work_answer("X", [judged_by(words) for words in several]).startswith(starts)


def on_tasks(*words, at_least=None):
    """One claim, "a > 5", with these words on its tasks."""
    e, cells = claims_of(words)
    one = replace(e.claims[0], tasks=tuple(t.id for t in e.tasks), at_least=at_least)
    e = replace(e, id="w/fig7", claims=(one,))
    return Judged(e, compare(e, {"paper": cells}), NoStore({"paper": 5}))


@pytest.mark.parametrize(
    ("words", "standing"), [((S, R), "in part"), ((S, U), "in part"), ((R, U), "no"), ((S, M), "open"), ((R, M), "no")]
)
def test_a_mixed_claim_holds_in_part_only_if_it_is_supported_somewhere(words, standing):
    judged = on_tasks(*words)
    assert f"At the paper's budget, {standing}:" in answer(judged)
    assert work_answer("X", [judged]).startswith(f"Do the results of X hold? {standing.capitalize()}:")


def test_an_incomplete_claim_says_on_how_many_tasks_it_is_decided():
    text = "\n".join(lines_of(on_tasks(S, U, M)))
    assert "INCOMPLETE 1/3" in text
    assert "1/3: SUPPORTED on 1 of 3 tasks" in text
    counted = "\n".join(lines_of(on_tasks(S, R, M, at_least=2)))
    assert re.search(r"INCOMPLETE 1/3 .* 1 REFUTED", counted)
    assert "/" not in "\n".join(lines_of(on_tasks(U, M))).split("not run")[0]


def test_an_answer_for_named_tasks_says_so():
    named = replace(judged_by((S,)), narrowed=True)
    assert answer(named).startswith("Does Figure 7 hold? For what was named, at the paper's budget, yes: its claim is")


# ---- the lines


def lines_of(judged, width=80, **how):
    lines = summary_lines(judged, width, **how)
    assert all(len(line) <= width for line in lines)
    assert lines[-1:] != [""]
    return lines


def test_a_claim_has_one_line_with_its_verdict_and_n():
    lines = lines_of(judged_by((S, R, U, M)))
    rows = {line.split()[0]: line.split()[1:] for line in lines if "-is-large " in line and "headline" not in line}
    assert rows == {"t0-is-large": [S, "5"], "t1-is-large": [R, "5"], "t2-is-large": [U, "5"], "t3-is-large": [M, "0"]}
    assert lines[-1] == "intervals, margins, quotes: --verbose"
    assert lines_of(judged_by((S,)), more=False)[-1] != lines[-1]


@pytest.mark.parametrize("width", [40, 50, 60, 80, 200])
def test_the_lines_fit_any_terminal(width):
    text = " ".join(" ".join(lines_of(judged_by((S, R, U, M)), width)).split())
    for word in (S, R, U, M):
        assert word in text


def test_budgets_that_differ_have_their_own_column():
    e, cells = claims_of((S, R))
    both = compare(e, {"paper": {k: c for k, c in cells.items() if k[0] == "t0"}, "short": cells})
    lines = lines_of(Judged(replace(e, id="w/fig7"), both, NoStore({"paper": 1, "short": 2})))
    heads = [line.split() for line in lines if line.startswith("claim ")]
    assert heads == [["claim", "verdict", "budget", "n", "open"]]
    assert [line.split()[1:3] for line in lines if line.startswith("t1-is-large")] == [[U, "short"]]
    one = lines_of(judged_by((S, R)))
    assert "budget" not in next(line for line in one if line.startswith("claim "))


def test_an_empty_folder_is_a_few_lines(tmp_path):
    for name in ("sac-svg/table2", "svg/fig4", "sac-svg/fig6"):
        lines = lines_of(Study(reproduce.experiments()[name], tmp_path).judge()[0])
        assert len(lines) < 8
        assert sum("not run: " in line for line in lines) == 1
    assert not list(tmp_path.iterdir())


def filled(tmp_path, experiment_=EXPERIMENT, budget="paper"):
    store = Store(tmp_path / "results")
    for c in expand(experiment_, Selection(budget)):
        lead = 10.0 if c.variant.id == "ours" else 0.0
        fill(store, c, lambda seed, step, lead=lead: lead + 0.1 * seed + step)
    return store


def import_cell(store, task, variant, lead):
    """A cell that nobody declares, with the toy's columns."""
    texts = {s: as_csv([{"seed": s, "step": 0, "score": lead + 0.1 * s, "phase": "x"}], COLUMNS) for s in range(5)}
    meta = {
        "format": 2,
        "experiment": EXPERIMENT.id,
        "budget": "paper",
        "task": task,
        "variant": variant,
        "label": variant,
        "imported": True,
        "source": "x.csv",
        "config_hash": "",
        "config": {},
        "versions": {},
        "columns": list(COLUMNS),
        "seeds": {str(seed): {"status": "done"} for seed in texts},
    }
    folder = store.folder(EXPERIMENT.id, "paper")
    store.adopt(folder, f"{task.replace('/', '-')}--{variant}", texts.items(), meta)


def test_an_import_is_held_against_ours_in_the_answer_and_in_rows(tmp_path):
    store = filled(tmp_path)
    import_cell(store, "toy/easy", "mine", 50.0)
    study = Study(EXPERIMENT, store.root)
    lines = lines_of(study.judge()[0])
    text = " ".join(" ".join(lines).split())
    assert "Against ours, at paper: mine 2 HIGHER." in text
    rows = [line.split() for line in lines if line.startswith("mine, easy")]
    assert [(row[2], row[3]) for row in rows] == [("HIGHER", "ours"), ("HIGHER", "theirs")]
    asked = Selection("paper", variants=("mine",))
    assert answer(study.judge(asked, pinned=False)[0]) == "Against ours, at paper: mine 2 HIGHER."
    for i in range(6):
        import_cell(store, "toy/hard", f"m{i}", float(i))
    many = lines_of(study.judge()[0])
    assert not [line for line in many if line.startswith("mine, easy  ")]
    assert sum("against 2 of ours: " in line for line in many) == 7


def test_a_folder_with_only_an_import(tmp_path):
    store = Store(tmp_path / "results")
    import_cell(store, "toy/easy", "mine", 50.0)
    lines = lines_of(Study(EXPERIMENT, store.root).judge()[0])
    assert any("nothing of ours to compare with: mine" in line for line in lines)
    assert lines[0].endswith("Not measured.")


def test_cells_that_were_not_requested_are_not_missing(tmp_path):
    store = filled(tmp_path)
    for name in ("csv", "json"):
        (store.folder(EXPERIMENT.id, "paper") / f"toy-hard--theirs.{name}").unlink()
    study = Study(EXPERIMENT, store.root)
    whole = lines_of(study.judge()[0])
    assert any("not run: at paper 1 of 4 cells, 5 runs" in line for line in whole)
    easy = lines_of(study.judge(Selection("paper", tasks=("toy/easy",)), pinned=False)[0])
    assert not any("not run" in line for line in easy)


def test_json_lists_what_is_undecided(tmp_path, capsys):
    store = filled(tmp_path)
    for name in ("csv", "json"):
        (store.folder(EXPERIMENT.id, "paper") / f"toy-hard--theirs.{name}").unlink()
    rows = Study(EXPERIMENT, store.root).judge()[0].rows()
    keys = ["id", "kind", "verdict", "budget", "n", "value", "low", "high", "published"]
    assert list(rows[0])[: len(keys)] == keys
    assert "part_of" in rows[0]
    assert len({tuple(row) for row in rows}) == 1
    by_id = {row["id"]: row for row in rows}
    hard = by_id["toy/fig1:wins:toy/hard"]
    assert (hard["verdict"], hard["open_budget"], hard["open_runs"], hard["open_seconds"]) == (M, "paper", 5, 5.0)
    easy = by_id["toy/fig1:wins:toy/easy"]
    assert (easy["verdict"], easy["open_budget"], easy["open_runs"], easy["open_seeds"]) == (S, None, None, None)
    assert by_id["toy/fig1:theirs:toy/hard:final-score"]["open_runs"] == 5
    assert json.dumps(rows, allow_nan=False)


def test_several_works_have_no_common_question():
    asked = [Study(reproduce.experiments()[name], ROOT / "results").judge()[0] for name in ("svg/fig4", "trpo/fig4")]
    assert several_lines(asked, "", 80)[0].startswith("svg/fig4: Does Figure 4 hold?")


def test_compare_prints_the_summary_and_with_verbose_the_details(tmp_path, capsys, monkeypatch):
    store = filled(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(judging, "studies_of", lambda *_, **__: [Study(EXPERIMENT, store.root)])
    judging.compare("toy/fig1")
    short = capsys.readouterr().out
    judging.compare("toy/fig1", verbose=True)
    whole = capsys.readouterr().out
    assert '"ours wins"' not in short
    assert '"ours wins"' in whole
    assert "95 % interval" in whole
    assert short.splitlines()[:5] == whole.splitlines()[:5]
    assert len(short.splitlines()) < len(whole.splitlines())


def test_notes_beyond_a_few_are_counted(tmp_path, capsys, monkeypatch):
    store = filled(tmp_path)
    for i in range(5):
        import_cell(store, "toy/easy", f"mine{i}", 50.0)
    monkeypatch.setattr(judging, "studies_of", lambda *_, **__: [Study(EXPERIMENT, store.root)])
    judging.compare("toy/fig1")
    few = capsys.readouterr().err
    assert few.count("is imported from") == judging.MOST_NOTES
    assert "and 2 more notes: --verbose" in few
    judging.compare("toy/fig1", verbose=True)
    assert capsys.readouterr().err.count("is imported from") == 5


def test_an_outlook_reads_no_row(tmp_path, monkeypatch):
    """It must stay quick: states and JSON only."""
    store = filled(tmp_path)
    monkeypatch.setattr(Store, "rows", lambda *_: pytest.fail("rows were read"))
    assert Outlook(store, EXPERIMENT, Selection()).not_run("paper")[0] == 0
