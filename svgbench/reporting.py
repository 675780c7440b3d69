"""Reports of results: one HTML page, or Markdown. `svgbench report` uses it, and so can Python.

from svgbench.reporting import make_report, write_report
report = make_report([svgbench.load("maac/fig3")])
write_report(report, "report.html")
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import svgbench
from svgbench import reproduce
from svgbench.lab.cells import Selection
from svgbench.lab.files import write_atomic
from svgbench.lab.reference import Reference
from svgbench.study import Study
from svgbench.words.errors import unknown

if TYPE_CHECKING:
    from svgbench.analysis.judge.answers import Judged
    from svgbench.analysis.report.data import ExperimentPart, Report

FORMATS = {"html": "report.html", "markdown": "report.md"}
"""The formats of a report, and the file that each is written to by default."""


@dataclass(frozen=True)
class _Asked:
    """The request to one process, which loads the study itself."""

    experiment: str
    results: Path
    reference: Reference | None
    budget: str | None
    draw: bool

    def study(self) -> Study:
        return Study(reproduce.experiments()[self.experiment], self.results, self.reference)


def make_report(
    studies: Sequence[Study],
    budget: str | None = None,
    jobs: int = 1,
    draw: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """The report of these experiments' results.

    With a `budget` everything is judged and shown there; without, each claim at the largest budget that can decide it,
    and figures and tables at the largest with results. With more than one of `jobs` the experiments are read and drawn
    in as many processes, which find them by name; a script needs `if __name__ == "__main__"` then. `draw` makes the
    figures. `tell` is called with each finished experiment's name.
    """
    from svgbench.analysis.report.data import Report
    from svgbench.analysis.report.gather import work_part

    found: dict[str, tuple[Judged, ExperimentPart]] = {}
    for name, made in _each(studies, budget, jobs, draw):
        found[name] = made
        tell(name)
    works: dict[str, list[str]] = {}
    for study in studies:
        works.setdefault(study.experiment.work, []).append(study.experiment.id)
    parts = [
        work_part(reproduce.title_of(work), [found[i][0] for i in ids], [found[i][1] for i in ids])
        for work, ids in works.items()
    ]
    return Report(tuple(parts), svgbench.__version__)


def write_report(report: Report, output: Path | str, format: str = "html") -> Path:
    """Write a report as "html" or "markdown". UsageError for another format."""
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if format == "html":
        from svgbench.analysis.report.page import html as render
    else:
        from svgbench.analysis.report.markdown import markdown as render
    path = Path(output)
    write_atomic(path, render(report).encode())
    return path


def _each(
    studies: Sequence[Study], budget: str | None, jobs: int, draw: bool
) -> Iterator[tuple[str, tuple[Judged, ExperimentPart]]]:
    if jobs == 1 or len(studies) == 1:
        for study in studies:
            yield study.experiment.id, _part(study, budget, draw)
        return
    weights = {study.experiment.id: _weight(study) for study in studies}
    of_work: dict[str, int] = {}
    for study in studies:
        of_work[study.experiment.work] = of_work.get(study.experiment.work, 0) + weights[study.experiment.id]
    longest_first = sorted(studies, key=lambda s: (-of_work[s.experiment.work], -weights[s.experiment.id]))
    asked = [_Asked(s.experiment.id, s.store.root, s.reference, budget, draw) for s in longest_first]
    before = active_children()
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        with _interrupts_held():
            futures: list[tuple[str, Future[Any]]] = [(one.experiment, pool.submit(_found, one)) for one in asked]
        try:
            for name, future in futures:
                yield name, future.result()
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in active_children():
                if process not in before:
                    process.terminate()
            if isinstance(error, BrokenProcessPool):
                raise ChildProcessError("a process of the report was ended from outside; --jobs 1 has none") from None
            raise


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes that start here ignore Ctrl-C, which reaches every process of a terminal: the parent ends them."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _weight(study: Study) -> int:
    """An estimate of the time: more for more files, and for more settings of claims.

    The works that take longest come first, and within a work its experiments, so that works end one after another.
    """
    experiment = study.experiment
    files = sum(len(study.store.cell_files(experiment.draws_from or experiment.id, b)) for b in study.budgets())
    return files * (1 + sum(len(claim.parts) * (1 + 9 * len(claim.per)) for claim in experiment.claims))


def _found(asked: _Asked) -> tuple[Judged, ExperimentPart]:
    return _part(asked.study(), asked.budget, asked.draw)


def _part(study: Study, budget: str | None, draw: bool) -> tuple[Judged, ExperimentPart]:
    from svgbench.analysis.report.gather import experiment_part
    from svgbench.analysis.show.backend import import_matplotlib

    if draw:
        import_matplotlib()
    selection = None if budget is None else Selection(budget=budget)
    judged, notes = study.judge(selection, pinned=budget is not None)
    results = study.results(selection)
    part = experiment_part(study.store, judged, results, study.published(), notes, draw)
    search = reproduce.searches().get(study.experiment.id)
    if search is not None:
        from svgbench.analysis.report.chosen import Chosen, of_search

        part = of_search(part, Chosen(search, *study.choose(study.reading(selection))))
    return judged, part
