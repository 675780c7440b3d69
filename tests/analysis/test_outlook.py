"""What a verdict still needs: missing runs, the seeds that would decide it, and their cost."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from made_cells import by_key, cell, claim, compared, experiment, sample
from scipy import stats
from toy import EXPERIMENT, fill

from svgbench.analysis.judge import outlook as outlook_module
from svgbench.analysis.judge.judgement import PartResult, Verdict
from svgbench.analysis.judge.outlook import MOST_SEEDS, Open, Outlook, forecast
from svgbench.analysis.judge.verdict_words import of_claim, word_over
from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.read.frames import read_results
from svgbench.lab.calibration import Cost, kind
from svgbench.lab.cells import Selection, expand
from svgbench.lab.store import Store
from svgbench.words.claims import Claim
from svgbench.words.experiment import Budget


def t_half(n: int, sd: float) -> float:
    return float(stats.t.ppf(0.975, n - 1)) * sd / math.sqrt(n)


def judged(part: Any, a: Sequence[float], b: Sequence[float] | None = None) -> tuple[Claim, Verdict]:
    made = claim(part)
    cells = [cell("a", a)] + ([cell("b", b)] if b is not None else [])
    (verdict,) = compare(experiment((made,)), {"paper": by_key(*cells)})
    return made, verdict


# (value - threshold) / sd of the seeds, the relation, and what it becomes
@pytest.mark.parametrize(
    ("relation", "distance", "word"), [(">", 0.7, "SUPPORTED"), (">", -0.7, "REFUTED"), ("<", -0.5, "SUPPORTED")]
)
def test_a_forecast_is_the_n_at_which_the_interval_no_longer_reaches_the_threshold(relation, distance, word):
    sd = 3.0
    made, verdict = judged(compared(relation, 10.0), sample(10.0 + distance * sd, sd, 5))
    assert verdict.verdict == "INCONCLUSIVE"
    n, becomes = forecast(made, verdict)
    assert becomes == word
    assert t_half(n, sd) <= abs(distance) * sd < t_half(n - 1, sd)


@pytest.mark.parametrize("value", [0.4, -0.4, 2.0])
def test_a_forecast_of_similar(value):
    made, verdict = judged(compared("~", 0.0, margin=1.0), sample(value, 2.0, 4))
    assert verdict.verdict == "INCONCLUSIVE"
    n, becomes = forecast(made, verdict)
    room = abs(abs(value) - 1.0)  # to the nearer end of the margin
    assert becomes == ("SUPPORTED" if abs(value) < 1 else "REFUTED")
    assert t_half(n, 2.0) <= room < t_half(n - 1, 2.0)


def test_a_forecast_of_a_ratio_is_on_the_scale_of_its_logarithm():
    logs = sample(0.3, 0.6, 4)
    made, verdict = judged(compared("<", 1.0, scale="log_ratio"), [math.exp(x) for x in logs])
    assert verdict.verdict == "INCONCLUSIVE"
    n, becomes = forecast(made, verdict)
    assert becomes == "REFUTED"
    assert t_half(n, 0.6) <= 0.3 < t_half(n - 1, 0.6)


@pytest.mark.parametrize(
    ("relation", "threshold", "share", "word"),
    [
        (">", 0.0, 1 / 1.5, "SUPPORTED"),  # the lower end has to come up to the threshold
        (">", 2.0, 1 / 4, "REFUTED"),  # the upper end down to it
        ("<", 2.0, 1 / 4, "SUPPORTED"),
        ("<", 0.0, 1 / 1.5, "REFUTED"),
        ("~", 2.0, 1 / 4, "SUPPORTED"),  # both ends within; the upper one is farther out
        ("~", 0.5, 0.5 / 1.5, "REFUTED"),
    ],
)
def test_the_end_that_is_in_the_way_has_to_move(relation, threshold, share, word):
    part = PartResult("", "INCONCLUSIVE", "difference", "", 5, value=1.0, low=-0.5, high=5.0, threshold=threshold)
    assert outlook_module._needed(part, relation) == (pytest.approx(share), word)


def test_a_claim_that_a_hundred_seeds_do_not_decide_has_no_forecast():
    made, verdict = judged(compared(">", 0.0), sample(0.001, 1.0, 5))
    assert forecast(made, verdict)[0] == MOST_SEEDS + 1
    made, one_seed = judged(compared(">", 0.0), [1.0])
    assert one_seed.verdict == "INCONCLUSIVE"
    assert forecast(made, one_seed)[0] == MOST_SEEDS + 1


# ---- runs and costs, over a store


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr("svgbench.analysis.judge.outlook.default_jobs", lambda *_: 1)
    return Store(tmp_path / "results")


def outlook_and_verdicts(store: Store, toy: Any, budgets: Sequence[str] = ("paper", "smoke"), **asked: Any) -> Any:
    results = {b: read_results(store, toy, Selection(b, **asked)) for b in budgets}
    verdicts = compare(toy, {b: r.cells for b, r in results.items()})
    return Outlook(store, toy, Selection(**asked)), verdicts


def toy(*claims: Claim, **about: Any) -> Any:
    return replace(EXPERIMENT, published=None, claims=claims or EXPERIMENT.claims, **about)


def fill_all(store: Store, one: Any, budget: str, without: Sequence[tuple[str, str]] = (), **how: Any) -> None:
    for c in expand(one, Selection(budget)):
        if c.key not in without:
            fill(store, c, how.get("score", lambda seed, step: 1.0 * seed + step))


def seconds_of(store: Store, c: Any, seconds: float) -> None:
    """Write into the cell's JSON that each of its seeds took `seconds`."""
    path = store.json_path(c)
    meta = json.loads(path.read_bytes())
    for entry in meta["seeds"].values():
        entry["seconds"] = seconds
    path.write_text(json.dumps(meta))


def test_missing_runs_are_counted_and_priced_by_cells_that_are_like_them(made):
    one = toy()
    fill_all(made, one, "paper", without=[("toy/hard", "ours")])
    outlook, verdicts = outlook_and_verdicts(made, one)
    assert outlook.not_run("paper") == (1, Open("paper", 5, pytest.approx(5.0)))  # one second a seed, of toy/easy
    assert outlook.measured("paper") == 3
    (open_hard,) = [outlook.of_claim(one.claims[0], [v]) for v in verdicts if v.verdict == "INCOMPLETE"]
    assert (open_hard.budget, open_hard.runs) == ("paper", 5)
    (easy,) = [v for v in verdicts if v.verdict != "INCOMPLETE"]
    assert easy.verdict == "REFUTED"  # the same scores: not above
    assert outlook.of_claim(one.claims[0], [easy]) is None


@pytest.mark.parametrize(("scores", "at_least"), [((0.0, 3.0, 0.5, 2.0, -1.2), True), ((1.0,) * 5, False)])
def test_missing_runs_may_not_be_enough_where_another_task_is_undecided(made, scores, at_least):
    one = toy(replace(EXPERIMENT.claims[0], at_least=2))
    (ours, theirs, *_) = expand(one, Selection("paper"))
    fill(made, ours, lambda seed, step: step + scores[seed])
    fill(made, theirs, lambda seed, step: 1.0 * step)
    outlook, verdicts = outlook_and_verdicts(made, one, ["paper"])
    asks = outlook.of_claim(one.claims[0], verdicts)
    assert asks is not None
    assert (asks.runs, asks.at_least) == (10, at_least)


def test_nothing_like_it_is_no_price(made):
    one = toy()
    fill_all(made, one, "paper", without=[("toy/easy", "ours"), ("toy/hard", "ours")])
    other = replace(one.variants[0], learner="sac")
    outlook = Outlook(made, replace(one, variants=(other, one.variants[1])), Selection())
    assert outlook.not_run("paper")[1] == Open("paper", 10, None)


def test_a_longer_budget_is_scaled_by_its_length_and_not_compared_where_more_was_cut(made):
    budgets = (
        Budget("paper", 5, "", limits={"total_steps": 4000}),
        Budget("short", 5, "", limits={"total_steps": 1000}),
    )
    long = toy(budgets=budgets, tasks=EXPERIMENT.tasks[:1])
    fill_all(made, long, "short")
    for c in expand(long, Selection("short")):
        seconds_of(made, c, 3.0 if c.variant.id == "ours" else 1.0)
    assert Outlook(made, long, Selection()).not_run("paper") == (2, Open("paper", 10, pytest.approx(60.0 + 20.0)))
    cut = replace(long, budgets=(budgets[0], replace(budgets[1], config={"paths": 128})))
    fill_all(made, cut, "short")
    assert Outlook(made, cut, Selection()).not_run("paper")[1] == Open("paper", 10, None)


def test_another_task_is_no_guide_where_it_counts_something_else(made):
    easy, hard = EXPERIMENT.tasks
    for config, known in (({"gamma": 0.5}, True), ({"paths": 256}, False)):
        one = toy(tasks=(easy, replace(hard, config=config)))
        fill_all(made, one, "paper", without=[("toy/hard", "ours"), ("toy/hard", "theirs")])
        seconds = Outlook(made, one, Selection()).not_run("paper")[1].seconds
        assert (seconds is not None) is known


def test_the_cost_measured_by_plan_comes_first(made):
    one = toy(tasks=EXPERIMENT.tasks[:1])
    fill_all(made, one, "smoke")
    (ours, _) = expand(one, Selection("paper"))
    path = made.work / "calibration" / f"{kind(ours)}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(dataclasses.asdict(Cost(seconds=500.0, start_seconds=1.0))))
    outlook = Outlook(made, one, Selection(variants=("ours",)))
    assert outlook.not_run("paper") == (1, Open("paper", 5, pytest.approx(501.0)))


def test_more_seeds_of_an_open_claim_are_those_that_the_store_lacks(made):
    spread = {0: 0.0, 1: 3.0, 2: 0.5, 3: 2.0, 4: -1.2}
    one = toy(tasks=EXPERIMENT.tasks[:1])
    for c in expand(one, Selection("paper")):
        fill(made, c, lambda seed, step, v=c.variant.id: spread[seed] if v == "ours" else 0.0)
    outlook, (verdict,) = outlook_and_verdicts(made, one)
    n, _ = forecast(one.claims[0], verdict)
    asks = outlook.of_claim(one.claims[0], [verdict])
    assert verdict.verdict == "INCONCLUSIVE"
    assert 5 < n < 100
    assert (asks.seeds, asks.runs) == (n, 2 * (n - 5))
    few, (narrow,) = outlook_and_verdicts(made, one, seeds=3)
    asks = few.of_claim(one.claims[0], [narrow])
    assert asks is not None
    assert asks.seeds is not None
    assert asks.runs == 2 * max(asks.seeds - 5, 0), "seeds 3 and 4 are stored, though not asked for"


@pytest.mark.parametrize(
    ("words", "at_least", "ns", "expected"),
    [
        ("SUU", 2, {"u": 12, "v": 30}, ["u"]),  # one more decides it
        ("SUU", 3, {"u": 12, "v": 30}, ["u", "v"]),  # both are needed
        ("RUU", 2, {"u": 12, "v": 30}, ["u", "v"]),
    ],
)
def test_a_counted_claim_asks_for_the_tasks_that_need_the_fewest_seeds(words, at_least, ns, expected):
    names = {"S": "SUPPORTED", "U": "INCONCLUSIVE", "R": "REFUTED"}
    verdicts = [SimpleVerdict(task, names[word]) for task, word in zip("tuv", words, strict=True)]
    forecasts = sorted(((v, ns[v.task], "SUPPORTED") for v in verdicts if v.task in ns), key=lambda one: one[1])
    enough = outlook_module._enough(forecasts, [v.verdict for v in verdicts], at_least)  # type: ignore[arg-type]
    assert [v.task for v, *_ in enough] == expected


@dataclasses.dataclass(frozen=True)
class SimpleVerdict:
    task: str
    verdict: str


def test_a_claim_below_the_papers_budget_that_cannot_be_refuted_asks_for_that_budget(made):
    one = toy(tasks=EXPERIMENT.tasks[:1])
    fill_all(made, one, "smoke")
    outlook, (verdict,) = outlook_and_verdicts(made, one, ["smoke"])
    asks = outlook.of_claim(one.claims[0], [replace(verdict, verdict="INCONCLUSIVE", cause="budget")])
    assert asks is not None
    assert (asks.budget, asks.runs, asks.seeds) == ("paper", 10, None)


def test_a_level_that_no_run_has_reached_asks_for_no_run(made):
    one = toy(tasks=EXPERIMENT.tasks[:1])
    fill_all(made, one, "smoke")
    outlook, (verdict,) = outlook_and_verdicts(made, one, ["smoke"])
    assert outlook.of_claim(one.claims[0], [replace(verdict, verdict="INCONCLUSIVE", cause="threshold")]) is None
    assert outlook.of_claim(one.claims[0], [replace(verdict, verdict="INCONCLUSIVE")]) is not None


def test_words_of_verdicts():
    two = (Claim("c", "q", "s", "text", (compared(">"),)), Claim("c2", "q", "s", "text", (compared("<"),)))
    cells = by_key(*(cell(v, x, t) for t in "tu" for v, x in (("a", [2.0, 2.1, 1.9]), ("b", [1.0, 1.1, 0.9]))))
    verdicts = compare(experiment(two), {"short": cells})
    assert [v.id for v in of_claim(verdicts, "c2")] == ["w/x:c2:t", "w/x:c2:u"]
    assert word_over(of_claim(verdicts, "c")) == "SUPPORTED"
    assert word_over(verdicts) == "mixed"
