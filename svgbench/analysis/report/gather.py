"""From verdicts and results to the parts of a report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from svgbench.analysis.judge.aggregates import Aggregates
from svgbench.analysis.judge.aggregating import aggregates_of
from svgbench.analysis.judge.answers import Judged, answer, headline, standing, work_answer, work_standing
from svgbench.analysis.judge.discoveries import told
from svgbench.analysis.judge.judgement import Verdict
from svgbench.analysis.judge.outlook import Outlook
from svgbench.analysis.judge.replicated import in_words
from svgbench.analysis.judge.verdict_words import word_over
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.naming import named_artifact, question
from svgbench.analysis.report.data import BudgetState, ClaimPart, ExperimentPart, Picture, WorkPart
from svgbench.analysis.report.origins import origins
from svgbench.analysis.show.aggregate_text import detail_grids, leaders, mode_sentences, pair_grids, score_grids
from svgbench.analysis.show.answer_text import budgets_of, n_words, open_words
from svgbench.analysis.show.summary import results_grids
from svgbench.analysis.show.tables import DisplayTable
from svgbench.analysis.show.verdict_text import UNITS, estimate, level_grids, place_grids, unmeasured
from svgbench.analysis.show.wording import words_of
from svgbench.lab.store import Store
from svgbench.words.claims import Claim
from svgbench.words.errors import DamagedError, UsageError
from svgbench.words.experiment import BUDGETS, Experiment


def experiment_part(
    store: Store,
    judged: Judged,
    results: Results,
    published: Any,
    notes: Sequence[str],
    draw: bool = True,
) -> ExperimentPart:
    """Everything that a report says of one experiment; `published` is its published table, or None.

    `results` are those of the budget to show; with `draw` the figure is drawn. `notes` are remarks on the measurements.
    """
    experiment, anchor = judged.experiment, anchor_of(judged.experiment.id)
    claims = {claim.id: claim_part(judged, claim, own) for claim, own in judged.claims}
    first = headline(judged)
    words = {(v.task, v.variant): v.verdict for v in judged.levels if v.budget == results.budget}
    shown, why_not = _pictures(results, anchor) if draw else ([], "")
    scores = aggregates_of(results, published) if judged.claims or judged.levels else None
    begun = any(cell.seeds for cell in results.cells.values())
    levels = [v for v in judged.verdicts if v.kind == "level"]
    return ExperimentPart(
        id=experiment.id,
        anchor=anchor,
        title=experiment.title,
        description=experiment.description,
        name=name if (name := named_artifact(experiment)) != experiment.title else experiment.artifact,
        question=question(experiment),
        standing=standing(judged),
        at="" if judged.budgets in ([], [judged.outlook.budgets[0]]) else f" at {' and '.join(judged.budgets)}",
        answer=answer(judged).removeprefix(question(experiment)).strip(),
        caption=answer(judged, brief=True).removeprefix(question(experiment)).strip(),
        headline=claims[first[0].id] if first is not None else None,
        budgets=_budgets(judged.outlook, experiment),
        shown=results.budget,
        spent=experiment.budget(results.budget).note or experiment.budget(results.budget).origin,
        claims=tuple(claims.values()),
        discoveries=told(judged.discoveries),
        levels=tuple(level_grids(experiment, levels)),
        unmeasured=unmeasured(experiment, levels),
        tables=tuple(results_grids(results, published, words)) if begun else (),
        aggregates=_aggregates(scores) if begun and scores else (),
        profile=_profile(results, scores, anchor) if draw and begun and scores else None,
        leaders=leaders(scores) if scores else "",
        deviations=experiment.deviations,
        origins=origins(store, experiment, judged.outlook.budgets),
        notes=tuple(dict.fromkeys((*notes, *results.caveats))),
        pictures=tuple(shown),
        no_picture=why_not,
        begun=judged.begun or begun,
    )


def claim_part(judged: Judged, claim: Claim, own: Sequence[Verdict]) -> ClaimPart:
    """One claim with all its verdicts."""
    budgets = budgets_of(own)
    over, places = [v for v in own if not v.task], [v for v in own if v.task]
    single = [*(v for v in over if v.unit != "tasks"), *([] if over else places)]
    value, interval = estimate(single[0]) if len(single) == 1 else ("", "")
    return ClaimPart(
        id=claim.id,
        anchor=f"{anchor_of(judged.experiment.id)}-{anchor_of(claim.id)}",
        quote=claim.quote,
        source=claim.source,
        tests=tuple(
            f"part {number}: " * (len(claim.parts) > 1) + f"{words_of(part)}. {part.number}"
            for number, part in enumerate(claim.parts, 1)
        ),
        verdict=word_over(own),
        holds=_holds(own),
        budget=" and ".join(budgets),
        n=n_words(claim, own),
        value=str(value),
        interval=str(interval),
        unit=UNITS[single[0].unit] if len(single) == 1 else "",
        needs=open_words(judged, claim, own, budgets, timed=False),
        places=tuple(place_grids(judged.experiment, claim, own)),
        platforms=in_words(own, {task.id: task.label for task in judged.experiment.tasks}),
        over=tuple(f"Over its tasks, budget {v.budget}: {v.words}. {v.reason}" for v in over),
    )


def _holds(own: Sequence[Verdict]) -> str:
    """ "SUPPORTED on 41 of 64 settings", where a claim is judged in several places."""
    places = [v for v in own if v.task]
    if len(places) < 2:
        return ""
    supported = sum(v.verdict == "SUPPORTED" for v in places)
    return f"SUPPORTED on {supported} of {len(places)} {'settings' if any(v.setting for v in places) else 'tasks'}"


def _aggregates(one: Aggregates) -> tuple[DisplayTable, ...]:
    """Scores over tasks, pairs of methods, cells with two modes, and the statistics of each task."""
    better = "higher" if one.higher_is_better else "lower"
    titles = ("Scores over tasks", "Probability of improvement")
    first = [
        replace(grid, title=f"{grid.title or title}: {one.measure}, {better} is better")
        for title, grids in zip(titles, (score_grids(one), pair_grids(one)), strict=True)
        for grid in grids
    ]
    said = (*mode_sentences(one), *one.notes)
    modes = [DisplayTable("Notes", "", (), (), said)] if said else []
    return (*first, *modes, *detail_grids(one))


def _pictures(results: Results, anchor: str) -> tuple[list[Picture], str]:
    """The figure's pages; or why there are none."""
    from svgbench.analysis.report.drawing import pictures

    try:
        return pictures(results, anchor), ""
    except (UsageError, DamagedError) as error:
        return [], str(error)


def _profile(results: Results, scores: Aggregates, anchor: str) -> Picture | None:
    from svgbench.analysis.report.drawing import profile_picture

    return profile_picture(results, scores, anchor)


def _budgets(outlook: Outlook, experiment: Experiment) -> Mapping[str, BudgetState]:
    declared = {budget.name for budget in experiment.budgets}
    return {b: _state(outlook, b) if b in declared else BudgetState("not declared") for b in BUDGETS}


def _state(outlook: Outlook, budget: str) -> BudgetState:
    cells = {key: cell for key, cell in outlook.cells.items() if key[0] == budget}
    done = sum(len(outlook.states[key].done) for key in cells)
    total = sum(len(cell.seeds) for cell in cells.values())
    stale = sum(outlook.states[key].status == "stale" for key in cells)
    return BudgetState("done" if done == total else "partial" if done else "missing", done, total, stale)


def anchor_of(name: str) -> str:
    """A name as part of an element's id: letters, digits and dashes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()


def work_part(title: str, every: Sequence[Judged], parts: Sequence[ExperimentPart]) -> WorkPart:
    """A work with its answer; `every` are the judgements behind `parts`."""
    return WorkPart(parts[0].work, title, work_standing(every), work_answer(title, every), tuple(parts))
