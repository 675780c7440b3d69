"""What every experiment of the registry promises, ours and the test kit's."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from svgbench import paper_tables, reproduce
from svgbench.analysis.judge.claim_checks import problems
from svgbench.analysis.judge.effects import FEWEST, candidates, sides, variants_of
from svgbench.lab import source
from svgbench.lab.cells import Selection, blocks, expand
from svgbench.study import Study
from svgbench.words.claims import BestOf
from svgbench.words.experiment import BUDGETS
from svgbench.words.search import tried

EXPERIMENTS = list(reproduce.experiments().values())
RESULTS = Path(__file__).resolve().parents[1] / "results"
BUILT_IN = {"task", "variant", "seed", "step"}

STALE = {("sac-svg/table2", "short"): {"sac-svg-1", "sac-svg-2", "sac-svg-3"}}
"""Committed cells that wait to be repeated, by experiment and budget, the variants. Nothing else may be stale.

Version 2 of sac_svg draws by environment steps. Its runs of Table 2 wait to be repeated.
"""


@pytest.fixture(params=EXPERIMENTS, ids=lambda e: e.id)
def experiment(request):
    return request.param


def measures(experiment):
    """Every measure, of the table and of claims, with the variant that it is read from."""
    found = [(None, m) for m in experiment.measures]
    for claim in experiment.claims:
        for part in claim.parts:
            found += [(v, side.measure) for task in experiment.tasks_of(claim) for side in sides(part)
                      for group in candidates(side, task) for v in group]  # fmt: skip
    return found


def repeated(names):
    return {name for name in names if names.count(name) > 1}


def test_the_registry_is_not_empty_and_holds_the_test_kit():
    assert {"maac/fig3", "testkit/walk"} <= {e.id for e in EXPERIMENTS}
    for experiment in EXPERIMENTS:
        assert experiment in reproduce.resolve(experiment.artifact)
        assert reproduce.resolve(experiment.id) == [experiment]


def test_names_are_unique_and_safe_in_paths(experiment):
    assert re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", experiment.id)
    for things in (experiment.tasks, experiment.variants, experiment.claims, experiment.deviations):
        ids = [thing.id for thing in things]
        assert not repeated(ids)
        assert not repeated([getattr(thing, "label", thing.id) for thing in things])
    assert not repeated([b.name for b in experiment.budgets])
    assert not repeated([c.name for c in experiment.columns])
    assert not {c.name for c in experiment.columns} & BUILT_IN


def test_it_expands_at_every_budget(experiment):
    assert experiment.budgets
    order = [b.name for b in experiment.budgets]
    assert order == [b for b in BUDGETS if b in order], "the largest first"
    for budget in experiment.budgets:
        cells = expand(experiment, Selection(budget=budget.name))
        assert len(cells) == sum(v.runs_on(t.id) for t in experiment.tasks for v in experiment.variants)
        names = [cell.name for cell in cells]
        assert not repeated(names)
        assert all(re.fullmatch(r"[A-Za-z0-9._+-]{1,200}", name) for name in names), names
        assert len({cell.identity for cell in cells}) == len(cells), "two cells that would measure the same"
        for cell in cells:
            names = {cell.task.id, cell.variant.id, "--".join(cell.key)} & budget.seeds_of.keys()
            numbers = {budget.seeds_of[name] for name in names} or {budget.seeds}
            assert cell.seeds[0] == experiment.first_seed
            assert cell.seeds == tuple(range(cell.seeds[0], cell.seeds[0] + len(cell.seeds)))
            assert len(cell.seeds) in numbers
        known = {name for cell in cells for name in (*cell.key, "--".join(cell.key))}
        listed = {*budget.seeds_of, *budget.block_size_of, *budget.threads_of, *budget.config_of, *budget.limits_of}
        assert listed <= known, "an exception for something that there is not"
        assert cells[0].block_size >= 1


def test_budgets_set_what_some_learner_has(experiment):
    fields = {name for v in experiment.variants for name in source.declared(v.learner).types}
    for budget in experiment.budgets:
        assert {*budget.config, *itertools.chain(*budget.config_of.values())} <= fields
        assert budget.note or budget.name == "paper", "a smaller budget says what was cut"


def test_learners_and_tasks_are_what_the_lab_asks_for(experiment):
    from svgbench.lab.block import resolve

    for reference in {v.learner for v in experiment.variants} | {t.make for t in experiment.tasks}:
        assert source.declared(reference).version >= 1
        assert callable(resolve(reference))
    for task in experiment.tasks:
        resolve(task.make)(**task.options)


def test_measures_read_columns_that_there_are(experiment):
    columns = {c.name for c in experiment.columns} | {"step"}
    kinds = {c.name: c.kind for c in experiment.columns} | {"step": "int"}
    for variant, measure in measures(experiment):
        assert measure.column in columns
        assert kinds[measure.column] != "str"
        assert set(measure.where) <= columns
        assert all(kinds[name] == "str" or value == "last" or not isinstance(value, str)
                   for name, value in measure.where.items())  # fmt: skip
        assert variant is None or variant in {v.id for v in experiment.variants}


def test_claims_are_tests(experiment):
    columns = {c.name for c in experiment.columns} | {"step"}
    for claim in experiment.claims:
        assert claim.quote
        assert claim.source
        assert claim.parts
        assert set(claim.per) <= columns
        for part in claim.parts:
            assert part.number, "which number was given to which word"
            per_and_where = set(claim.per) & set(part.left.measure.where)
            assert not per_and_where, "a column is either fixed or split by"


TOO_FEW_TO_CHOOSE = {
    ("trpo-is-best", "trpo/hopper"),
    ("biped-best-gamma-and-lambda", "gae/biped"),
}
"""Claims that the seeds of `paper` cannot decide; the deviations "iterations" and "biped-of-five-settings" say why."""


def test_a_best_of_several_is_asked_of_enough_seeds(experiment):
    few = set()
    for claim in experiment.claims:
        if any(isinstance(side, BestOf) for part in claim.parts for side in sides(part)):
            for task in experiment.tasks_of(claim):
                seeds = (len(experiment.seeds("paper", task, name)) for name in variants_of(claim.parts, task))
                few |= {(claim.id, task)} if min(seeds) < FEWEST else set()
    assert few == TOO_FEW_TO_CHOOSE & {(c.id, t) for c in experiment.claims for t in experiment.tasks_of(c)}


def test_claims_name_what_there_is(experiment):
    table = paper_tables.load(experiment.published) if experiment.published else None
    assert problems(experiment, table) == []


def test_deviations_say_everything(experiment):
    for deviation in experiment.deviations:
        assert all((deviation.paper, deviation.ours, deviation.reason, deviation.source))


def test_published_names_resolve(experiment):
    if experiment.published is None:
        assert all(thing.published is None for thing in (*experiment.tasks, *experiment.variants))
        return
    table = paper_tables.load(experiment.published)
    rows, columns = {n.row for n in table.numbers}, {n.column for n in table.numbers}
    assert {v.published for v in experiment.variants if v.published} <= rows
    assert {t.published for t in experiment.tasks if t.published} <= columns


def test_the_figure_is_where_it_is_said_to_be(experiment):
    from svgbench.lab.block import resolve

    if experiment.figure is not None:
        assert callable(resolve(experiment.figure))


def test_runs_that_are_drawn_are_declared_once(experiment):
    if experiment.draws_from is not None:
        source_of = reproduce.experiments()[experiment.draws_from]
        assert source_of.draws_from is None
        assert {t.id for t in experiment.tasks} <= {t.id for t in source_of.tasks}


@pytest.mark.parametrize("experiment", [e for e in EXPERIMENTS if e.draws_from is None], ids=lambda e: e.id)
def test_committed_results_are_of_this_code(experiment):
    """Where they are not, the list says which, and why."""
    study = Study(experiment, RESULTS)
    for budget in study.budgets():
        rows = study.status(Selection(budget=budget))
        stale = {row["variant"] for row in rows if row["status"] == "stale"}
        assert stale == STALE.get((experiment.id, budget), set())
        assert {row["status"] for row in rows} <= {"done", "missing", "stale", "other"}


SEARCHES = list(reproduce.searches().values())


def test_searches_have_seeds_that_no_figure_has():
    """Not in the seeds asked for, nor in those that train beside them in a block."""
    used = {False: set(), True: set()}
    for experiment in EXPERIMENTS:
        for budget in experiment.budgets:
            for cell in expand(experiment, Selection(budget=budget.name)):
                trained = {seed for block in blocks(cell, cell.seeds) for seed in block.seeds}
                used[experiment.id in reproduce.searches()] |= trained
                if experiment.id in reproduce.searches():
                    assert trained - set(cell.seeds) < set(range(cell.seeds[-1] + 1, cell.seeds[-1] + cell.block_size))
    assert used[True], "some experiment is a search"
    assert not used[True] & used[False]


@pytest.fixture(params=SEARCHES, ids=lambda s: s.id)
def search(request):
    return request.param


def test_a_search_tries_settings_of_its_experiment_and_nothing_else(search):
    """Every setting's config is the searched variant's own but for the grid's fields, the search's and the budget's."""
    of = search.experiment
    assert reproduce.experiments()[of.id] == of
    made = reproduce.experiments()[search.id]
    settings = {s.variant.id: s for s in tried(search)}
    for budget in made.budgets:
        for cell in expand(made, Selection(budget=budget.name)):
            grid, values = settings[cell.variant.id].grid, settings[cell.variant.id].values
            (base,) = expand(of, Selection(of.budgets[0].name, tasks=(cell.task.id,), variants=(grid.variant,)))
            differs = {name for name in cell.config if cell.config[name] != base.config[name]}
            assert differs <= {*values, *search.config, *grid.config, *budget.config}
            assert {name: cell.config[name] for name in values} == values


def test_the_committed_searches_chose_what_is_written(search):
    """Where a search is complete in results/, the experiment has its winners, and no run is stale for it."""
    study = Study(reproduce.experiments()[search.id], RESULTS)
    assert {row["status"] for row in study.status()} <= {"done", "missing"}
    _, rows = study.choose()
    assert {row.field for row in rows} == {field for grid in search.grids for field in grid.fields}
    assert [row for row in rows if row.word == "NOT_CHOSEN"] == []
