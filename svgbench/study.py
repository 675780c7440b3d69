"""One experiment with its results. The commands use it, and `svgbench.load` returns it to Python users.

study = svgbench.load("maac/fig3")
study.frame()                      # all rows of the largest budget that has results
study.compare()                    # verdicts
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from svgbench import reproduce
from svgbench.lab.cells import Selection, expand, expand_declared, reach_of
from svgbench.lab.overrides import Reach
from svgbench.lab.plan import Plan, make_plan
from svgbench.lab.reference import Reference, ReferredStore, reference_of
from svgbench.lab.store import Store
from svgbench.words.experiment import BUDGETS, Experiment

if TYPE_CHECKING:
    import pandas as pd

    from svgbench.analysis.judge.aggregates import Aggregates
    from svgbench.analysis.judge.answers import Judged
    from svgbench.analysis.judge.verdicts import Verdict
    from svgbench.analysis.read.frames import Results
    from svgbench.analysis.read.import_words import Import, Imported, Preview
    from svgbench.analysis.search.choosing import Choice, Written
    from svgbench.analysis.show.tables import DisplayTable
    from svgbench.lab.calibration import Cost, CostEstimate
    from svgbench.lab.runner import RunOptions, RunResult


def results_root(results: Path | str | None = None) -> Path:
    """The store's root: the argument, or else SVGBENCH_RESULTS, or else ./results."""
    return Path(results or os.environ.get("SVGBENCH_RESULTS") or "results")


def load(name: str, results: Path | str | None = None, with_reference: bool = False) -> Study:
    """The study of the experiment called `name`. Raises UsageError if the name means no experiment, or several.

    `with_reference` reads the cells that the results folder lacks from reference results; UsageError if there are none.
    """
    found = reproduce.resolve(name)
    if len(found) > 1:
        from svgbench.words.errors import UsageError

        raise UsageError(f"'{name}' means several experiments: {', '.join(e.id for e in found)}")
    return studies(found, results, with_reference)[0]


def studies(found: Iterable[Experiment], results: Path | str | None, with_reference: bool = False) -> list[Study]:
    """A study of each experiment. UsageError if reference results are requested and none of the works has any."""
    made = [Study(e, results, reference_of(e.work) if with_reference else None) for e in found]
    if with_reference and made and not any(study.reference for study in made):
        from svgbench.words.errors import UsageError

        works = dict.fromkeys(study.experiment.work for study in made)
        raise UsageError(
            f"--with-reference: no reference results of {', '.join(works)} here; "
            f"`svgbench fetch SOURCE {' '.join(works)}` gets them"
        )
    return made


class Study:
    """An experiment and the results folder that holds its runs."""

    def __init__(
        self, experiment: Experiment, results: Path | str | None = None, reference: Reference | None = None
    ) -> None:
        """With a `reference`, the cells that the results folder lacks are read from it; nothing is written there."""
        self.experiment, self.reference = experiment, reference
        root = results_root(results)
        self.own = Store(root)
        self.store = ReferredStore(root, reference) if reference else self.own

    def __repr__(self) -> str:
        return f"<Study {self.experiment.id} in {self.store.root}>"

    def budgets(self) -> list[str]:
        """The budgets that have results, the largest first. Looks at file names only."""
        folder = self.experiment.draws_from or self.experiment.id
        return [b for b in BUDGETS if self.store.cell_files(folder, b)]

    def reading(self, selection: Selection | None) -> Selection:
        """The selection to read with: without one, the largest budget that has results."""
        if selection is not None:
            return selection
        return Selection(budget=next(iter(self.budgets()), self.experiment.budgets[0].name))

    def plan(self, selection: Selection, thorough: bool = False) -> Plan:
        """What is still missing for `selection`; see `svgbench.lab.plan.make_plan`."""
        return make_plan(self.store, self.experiment, selection, reproduce.installed_algorithms(), thorough)

    def replication(self, selection: Selection, thorough: bool = False) -> Plan:
        """What is still missing to repeat stored runs on this machine; see `svgbench.lab.replicas.replication`.

        With a reference, the first measurements may be the reference's; the replicas are the folder's own.
        """
        from svgbench.lab.replicas import replication

        extra = reproduce.installed_algorithms()
        return replication(self.store, self.own, self.experiment, selection, extra, thorough)

    def variants(self) -> set[str]:
        """The variants that a selection may name: declared, installed, and those that have files at some budget."""
        return {v.id for v in self.experiment.variants} | set(reproduce.installed_algorithms()) | self._stored()

    def _stored(self) -> set[str]:
        folder = self.experiment.draws_from or self.experiment.id
        found = {variant for budget in BUDGETS for variant in self.store.variants(folder, budget)}
        return found - {*self.experiment.leaves}

    def check(self, selection: Selection, running: bool = False) -> None:
        """Raise UsageError for any word that the experiment does not know, before anything slow is imported.

        An undeclared variant can be read if the store has it, but it cannot be run.
        """
        folder = self.experiment.draws_from or self.experiment.id
        stored = set() if running else self.store.variants(folder, selection.budget)
        expand_declared(self.experiment, selection, reproduce.installed_algorithms(), stored)

    def reach(self, selection: Selection) -> Reach:
        """Which of the cells that the selection names its overrides change, and which are left out."""
        extra = reproduce.installed_algorithms()
        declared = {v.id for v in self.experiment.variants} | set(extra)
        named = tuple(v for v in selection.variants if v in declared)
        if selection.variants and not named:
            return Reach({}, {}, {})  # an imported one has no settings
        return reach_of(self.experiment, replace(selection, variants=named), extra)

    def jobs(self, plan: Plan, asked: int | None = None) -> int:
        """How many blocks to run at once: as requested, or else the `Cores` that they share; one on a GPU."""
        from svgbench.lab.calibration import default_jobs

        return asked or default_jobs(plan.blocks)

    def estimate(
        self, plan: Plan, jobs: int | None = None, calibrate: bool = True, tell: Callable[[str], None] = lambda _: None
    ) -> tuple[dict[str, Cost], CostEstimate]:
        """The cost of each kind of block here, and of the whole plan. With `calibrate`, unknown costs are measured."""
        from svgbench.lab import calibration

        at_once = self.jobs(plan, jobs)
        if calibrate:
            costs = calibration.costs(self.store, plan.blocks, at_once, tell)
        else:
            costs = calibration.remembered(self.store, plan.blocks)
        return costs, calibration.estimate(plan.blocks, costs, at_once)

    def run(self, plan: Plan, options: RunOptions | None = None, costs: Mapping[str, Cost] | None = None) -> RunResult:
        """Run the plan's missing blocks, the longest first. Must be called from the main thread."""
        from svgbench.lab.calibration import kind
        from svgbench.lab.runner import RunOptions, run_blocks

        known = costs or {}
        longest_first = sorted(plan.blocks, key=lambda b: -known[kind(b.cell)].seconds if kind(b.cell) in known else 0)
        column = self.experiment.measures[0].column if self.experiment.measures else ""
        return run_blocks(self.own, longest_first, options or RunOptions(self.jobs(plan)), column, known)

    def status(self, selection: Selection | None = None) -> list[dict[str, Any]]:
        """One flat row per cell; see `svgbench.lab.statuses.status_rows`."""
        from svgbench.lab.statuses import status_rows

        cells = expand(self.experiment, self.reading(selection), reproduce.installed_algorithms())
        return status_rows(self.store, self.experiment.id, cells)

    def results(self, selection: Selection | None = None) -> Results:
        """The cells as frames, checked against their hashes."""
        from svgbench.analysis.read.frames import read_results

        extra = reproduce.installed_algorithms()
        return read_results(self.store, self.experiment, self.reading(selection), extra)

    def frame(self, selection: Selection | None = None) -> pd.DataFrame:
        """All rows in one frame: task, variant, seed, step, and the experiment's columns."""
        return self.results(selection).frame()

    def table(self, selection: Selection | None = None, whole: bool = True) -> list[DisplayTable]:
        """The experiment's table, a grid per measure: mean, SD and n per cell, published numbers and verdicts.

        Unless `whole`, it is shortened for a screen: see `analysis.summary.results_grids`.
        """
        from svgbench.analysis.show.summary import results_grids

        results = self.results(selection)
        others = selection is None or not selection.variants
        return results_grids(results, self.published(), self._level_words(selection), others, whole)

    def compare(self, selection: Selection | None = None, pinned: bool = True) -> tuple[list[Verdict], tuple[str, ...]]:
        """Verdicts on every claim and published number, and notes on the measurements behind them.

        Without a selection, or with one whose budget is not `pinned`, each is judged at the largest budget at which
        its cells are complete. With overrides, only the changed variants are judged, each against the unchanged one.
        """
        from svgbench.analysis.judge.replicated import on_each
        from svgbench.analysis.judge.verdicts import compare
        from svgbench.analysis.read.on_platforms import on_platforms

        budgets = [selection.budget] if selection and pinned else self.budgets() or [self.experiment.budgets[0].name]
        base = self._narrowed(selection)
        everything = replace(base, tasks=(), variants=(), overrides=())  # a claim may need more variants than named
        results = {b: self.results(replace(everything, budget=b)) for b in budgets}
        cells = {b: r.cells for b, r in results.items()}
        verdicts = compare(self.experiment, cells, self.published(), asked=base)
        there, left = on_platforms(self.store, results)
        verdicts = on_each(verdicts, self.experiment, cells, there, self.published(), base)
        notes = (f"budget {b}: {note}" for b, r in results.items() for note in r.notes)
        return [v for v in verdicts if _is_asked(v, base)], (*left, *notes)

    def aggregates(self, selection: Selection | None = None) -> Aggregates:
        """Statistics over tasks, pairs of variants and single cells, on the experiment's first measure.

        Of one budget: without a selection, the largest that has results. See docs/statistics.md.
        """
        from svgbench.analysis.judge.aggregating import aggregates_of

        return aggregates_of(self.results(selection), self.published())

    def _narrowed(self, selection: Selection | None) -> Selection:
        """The selection; with overrides it names the variants that they make."""
        if selection is None or not selection.overrides:
            return selection or Selection()
        cells = expand(self.experiment, selection, reproduce.installed_algorithms())
        declared = {variant.id for variant in self.experiment.variants}
        changed = dict.fromkeys(cell.variant.id for cell in cells if cell.variant.id not in declared)
        return replace(selection, variants=tuple(changed))

    def judge(self, selection: Selection | None = None, pinned: bool = True) -> tuple[Judged, tuple[str, ...]]:
        """The verdicts of `compare`, with what is still needed to decide them and its cost, and the same notes."""
        from svgbench.analysis.judge.answers import Judged
        from svgbench.analysis.judge.outlook import Outlook

        base = self._narrowed(selection)
        verdicts, notes = self.compare(selection, pinned)
        outlook = Outlook(self.store, self.experiment, base, reproduce.installed_algorithms())
        undeclared = sorted(self._stored() - {variant for _, _, variant in outlook.cells})
        named = [v for v in undeclared if not base.variants or v in base.variants]
        budget = selection.budget if selection and pinned else ""
        return Judged(self.experiment, verdicts, outlook, budget, bool(base.tasks or base.variants), named), notes

    def choose(self, selection: Selection | None = None) -> tuple[list[Choice], list[Written]]:
        """A search's choices at one budget (by default the first declared), and the values written in the experiment.

        Raises UsageError for an experiment that is not a search.
        """
        from svgbench.analysis.search.choosing import choices, written
        from svgbench.words.errors import unknown

        search = reproduce.searches().get(self.experiment.id)
        if search is None:
            raise unknown("search", self.experiment.id, reproduce.searches())
        base = selection or Selection(budget=self.experiment.budgets[0].name)
        everything = replace(base, tasks=(), variants=())  # a winner is the best of all settings
        found = [c for c in choices(search, self.results(everything).cells) if _is_chosen(c, base)]
        return found, written(search, found)

    def unchosen(self) -> int:
        """How many of the experiment's settings no search in this folder has chosen, or a search contradicts."""
        experiments = reproduce.experiments()
        searches = [s for s in reproduce.searches().values() if s.experiment.id == self.experiment.id]
        written = [
            row for s in searches for row in Study(experiments[s.id], self.store.root, self.reference).choose()[1]
        ]
        return sum(row.word != "CHOSEN" for row in written)

    def table_rows(self, selection: Selection | None = None) -> list[dict[str, Any]]:
        """The table as one flat row per cell and measure."""
        from svgbench.analysis.show.summary import results_rows

        return results_rows(self.results(selection), self.published(), self._level_words(selection))

    def _level_words(self, selection: Selection | None) -> dict[tuple[str, str], str]:
        """The verdicts on published numbers at the selection's budget, by task and variant."""
        if self.experiment.published is None:
            return {}
        verdicts, _ = self.compare(self.reading(selection))
        return {(v.task, v.variant): v.verdict for v in verdicts if v.kind == "level" and not v.rival}

    def plot(
        self, output: Path | str = "figures", selection: Selection | None = None, running: bool = False
    ) -> tuple[Results, list[Path]]:
        """Draw the figure as PNG and PDF into `output`; return the results that it shows, and the files.

        The results' notes also name characters of labels that no installed font has. With `running`, the rows so far of
        unfinished blocks are drawn too, as curves of their own, into files with "-running" in their names.
        """
        from svgbench.analysis.show.backend import import_matplotlib

        import_matplotlib()
        from svgbench.analysis.show.plots import draw

        results = self.results(selection)
        if running:
            from svgbench.analysis.read.running import with_running

            extra = reproduce.installed_algorithms()
            results = with_running(results, self.store, self.reading(selection), extra)
        paths, note = draw(results, Path(output), "-running" if running else "")
        return replace(results, notes=(*results.notes, note)) if note else results, paths

    def import_results(self, wanted: Import, preview: Preview | None = None) -> Imported:
        """Store external measurements as a variant of the experiment; see `analysis.read.importing.import_results`."""
        from svgbench.analysis.read.importing import import_results

        return import_results(self.store, self.experiment, wanted, reproduce.installed_algorithms(), preview)

    def export(
        self, format_: str, output: Path | str = "exports", selection: Selection | None = None
    ) -> tuple[Results, list[Path]]:
        """Write the rows for other programs into a folder; return the results written, and the files.

        `format_` is one of `analysis.show.exports`. Raises UsageError for an unknown one, or if there are no results.
        """
        from svgbench.analysis.show.exports import export_of

        results = self.results(selection)
        return results, export_of(format_).write(results, Path(output))

    def follow(
        self, format_: str, output: Path | str, selection: Selection, tell: Callable[[int], None] = lambda _: None
    ) -> None:
        """Write the stored rows and those of running blocks, as they come, until no block has run for a while.

        `tell` hears how many rows were new, each time that there are some.
        """
        from svgbench.analysis.show import following
        from svgbench.analysis.show.exports import export_of

        begin = export_of(format_).follow
        if begin is None:
            from svgbench.words.errors import UsageError

            raise UsageError(f"a {format_} file does not grow with a run; expected 'tensorboard'")
        cells = expand(self.experiment, selection, reproduce.installed_algorithms())
        growing = begin(Path(output), self.experiment.id, selection.budget)
        try:
            following.follow(following.Follower(self.store, cells, growing), tell)
        finally:
            growing.close()

    def undecidable(self, budget: str) -> tuple[list[Any], list[str]]:
        """What `analysis.judge.foregone` finds at `paper`; nothing at another budget, which is never judged."""
        from svgbench.analysis.judge.foregone import undecidable_here

        return undecidable_here(self.store, self.experiment, self.published() if budget == "paper" else None)

    def rivals_n(self) -> list[int]:
        """The distinct numbers of runs behind the published numbers of our experiment."""
        table = self.published()
        return sorted({number.n for number in table.numbers if number.n}) if table else []

    def published(self) -> Any:
        """The published table that belongs to the experiment, or None."""
        if self.experiment.published is None:
            return None
        from svgbench import paper_tables

        return paper_tables.load(self.experiment.published)


def _is_asked(verdict: Verdict, selection: Selection) -> bool:
    """Whether the verdict is on a named task (then none over tasks is), and on or against a named variant."""
    about = {verdict.rival, *verdict.variants}
    return (not selection.tasks or verdict.task in selection.tasks) and (
        not selection.variants or bool(about & set(selection.variants))
    )


def _is_chosen(choice: Choice, selection: Selection) -> bool:
    """Whether the choice is on a named task and of a named setting."""
    settings = {setting.variant.id for setting in choice.settings}
    return (not selection.tasks or bool(set(choice.tasks) & set(selection.tasks))) and (
        not selection.variants or bool(settings & set(selection.variants))
    )
