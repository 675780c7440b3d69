"""Claims on four tasks with five variants, for the tests of verdicts."""

from __future__ import annotations

from made_cells import experiment, sample

from svgbench.analysis.show.verdict_text import verdict_lines
from svgbench.words.experiment import TaskSpec, Variant

HIGH, LOW, WIDE = sample(10.0, 1.0, 5), sample(7.0, 1.0, 5), sample(7.1, 9.0, 5)
TASKS = tuple(TaskSpec(t, "m:make", f"task {t}", published=t.upper()) for t in "tuvw")
VARIANTS = tuple(Variant(v, v, "m:make", published=v.upper()) for v in ("a", "b", "c", "d", "random"))
S, R, U, M = "SUPPORTED", "REFUTED", "INCONCLUSIVE", "INCOMPLETE"


def made(*claims, **about):
    return experiment(claims, tasks=TASKS, variants=VARIANTS, **about)


def lines_of(e, verdicts, width=80):
    lines = verdict_lines(e, verdicts, width)
    assert all(len(line) <= width for line in lines)
    return lines
