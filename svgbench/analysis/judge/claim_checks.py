"""Whether claims and deviations fit their experiment: all tasks and variants that they name exist, and so on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from svgbench.analysis.judge.absolute import level_of
from svgbench.analysis.judge.effects import sides, variants_of
from svgbench.analysis.judge.judgement import PublishedNumbers
from svgbench.analysis.read.naming import RANDOM_VARIANT
from svgbench.words.claims import (
    BestOf,
    Change,
    Claim,
    Comparison,
    OfDistance,
    Published,
    Reached,
    RelativeSD,
    Side,
    Term,
)
from svgbench.words.experiment import Deviation, Experiment
from svgbench.words.values import PerTask, on_task


def problems(experiment: Experiment, published: PublishedNumbers | None) -> list[str]:
    """What is wrong with an experiment's claims, with what was reached and with its deviations, each as a line; [] if
    nothing is.

    `published` is the table behind `Published`.
    """
    beside = [
        f"reached by {found.by}: {problem}" for found in experiment.reached for problem in _about(experiment, found)
    ]
    beside += [
        f"deviation {one.id}: {problem}"
        for one in experiment.deviations
        for problem in _about_a_deviation(experiment, one)
    ]
    return beside + [
        f"claim {claim.id}: {problem}"
        for claim in experiment.claims
        for problem in (
            *_about_the_claim(experiment, claim),
            *(p for part in claim.parts for p in _about_a_part(experiment, claim, part, published)),
        )
    ]


def _about(experiment: Experiment, found: Reached) -> Iterator[str]:
    yield from _unknown("task", [found.task], [task.id for task in experiment.tasks])
    yield from _unknown("column", [found.measure.column], ["step", *(c.name for c in experiment.columns)])


def _about_a_deviation(experiment: Experiment, deviation: Deviation) -> Iterator[str]:
    if deviation.variants is not None and not deviation.variants:
        yield "it concerns no variant; expected None (all) or at least one"
    yield from _unknown("variant", deviation.variants or (), [variant.id for variant in experiment.variants])


def _about_the_claim(experiment: Experiment, claim: Claim) -> Iterator[str]:
    tasks = experiment.tasks_of(claim)
    yield from _unknown("task", tasks, [task.id for task in experiment.tasks])
    yield from _unknown("budget", claim.budgets or (), [b.name for b in experiment.budgets])
    if not claim.parts or not tasks:
        yield "it has no part or no task; expected at least one of each"
    if claim.at_least is not None:
        if not 1 <= claim.at_least <= len(tasks):
            yield f"at_least is {claim.at_least}; expected 1 to {len(tasks)}, the number of its tasks"
        if claim.per:
            yield "it is counted over tasks and judged per column; expected one of the two"

    if claim.across and (len(tasks) != 2 or claim.per or claim.at_least is not None or claim.rising):
        yield "it is read across tasks; expected two of them, in order, no `per`, no `at_least` and no `rising`"
    if claim.rising:
        plain = [
            isinstance(p.left, Term) and isinstance(p.right, Term) and p.scale == "difference" for p in claim.parts
        ]
        if len(tasks) < 2 or claim.per or claim.at_least is not None:
            yield "it rises over tasks; expected at least two of them, in order, no `per` and no `at_least`"
        if not all(plain) or any(p.relation != ">" or p.margin != 0.0 for p in claim.parts):
            yield "it rises over tasks; expected parts that compare two means by '>', without a margin"
        if not any(v.id == RANDOM_VARIANT for v in experiment.variants):
            yield f"it rises over tasks in shares; expected a variant '{RANDOM_VARIANT}'"


def _about_shares(experiment: Experiment, claim: Claim, part: Comparison) -> Iterator[str]:
    """A comparison of failed shares has two cells or two changes, and a declared level whose measure it names."""
    if claim.across and part.scale != "failed_share":
        yield "it is read across tasks; expected shares of failed seeds only"
    if part.scale != "failed_share":
        return
    if type(part.left) is not type(part.right) or not isinstance(part.left, Term | Change):
        yield "shares of failed seeds are compared; expected two terms, or two changes"
    if claim.per or claim.rising or not isinstance(part.margin, int | float) or part.margin >= 1 or part.no_level:
        yield "shares of failed seeds are compared; expected no `per`, `rising` or `no_level`, and a margin below 1"
    for task in experiment.tasks_of(claim):
        level = experiment.failure_on(task)
        if level is None:
            yield f"no level of failure is declared on {task}"
        elif any(side.measure != level.measure for side in sides(part)):
            yield f"failure on {task} is by '{level.measure.label}'; expected that measure on both sides"


def _about_a_part(
    experiment: Experiment, claim: Claim, part: Comparison, published: PublishedNumbers | None
) -> Iterator[str]:
    tasks = experiment.tasks_of(claim)
    words = [part.right, part.margin, *(getattr(side, "variant", None) for side in sides(part))]
    unfit = [word for word in words if isinstance(word, PerTask) and sorted(word.values) != sorted(tasks)]
    for word in unfit:
        yield f"a value per task has {', '.join(word.values) or 'none'}; expected {', '.join(tasks)}"
    if not unfit:
        known = {variant.id: variant for variant in experiment.variants}
        named = [(v, t) for t in tasks for v in variants_of([part], t)]
        yield from _unknown("variant", dict.fromkeys(v for v, _ in named), list(known))
        yield from (f"variant '{v}' is not run on {t}" for v, t in named if v in known and not known[v].runs_on(t))
    yield from _about_margins(part)
    yield from _about_sides(part)
    yield from _about_every(part)
    yield from _about_measures(experiment, part)
    yield from _about_premises(claim, part)
    yield from _about_shares(experiment, claim, part)
    if not unfit:
        yield from _about_level(experiment, claim, part)
    if isinstance(part.right, Published):
        yield from _about_published(experiment, claim, part.right, published)


def _about_margins(part: Comparison) -> Iterator[str]:
    if isinstance(part.margin, OfDistance):
        if not 0 < part.margin.share < 1:
            yield f"the margin is a share of {part.margin.share}; expected one between 0 and 1"
        if part.scale != "difference" or any(isinstance(side, Change | RelativeSD) for side in sides(part)):
            yield "the margin is a share of a distance; expected a difference of means"
        return
    least = min(part.margin.values.values(), default=0.0) if isinstance(part.margin, PerTask) else part.margin
    if least < 0 or (least == 0 and part.relation in ("<~", ">~")):
        yield f"the margin of '{part.relation}' is {least}; expected a number {'>' if least == 0 else '>='} 0"


def _about_sides(part: Comparison) -> Iterator[str]:
    found = sides(part)
    for one, other in pairwise(found):
        if one.measure.higher_is_better != other.measure.higher_is_better:
            yield "one side is better when higher, the other when lower"
        if isinstance(one, BestOf) and isinstance(other, BestOf) and set(one.variants) & set(other.variants):
            yield "the two bests share a variant"
    for side in found:
        if isinstance(side, BestOf) and (not side.variants or len(set(side.variants)) < len(side.variants)):
            yield f"the best of ({', '.join(side.variants)}); expected different variants, at least one"
    if any(isinstance(side, RelativeSD) for side in found) and (
        not isinstance(part.left, RelativeSD) or isinstance(part.right, Side) or part.scale != "difference"
    ):
        yield "a relative SD is compared; expected it on the left, less a number"
    numbers = part.right.values.values() if isinstance(part.right, PerTask) else [part.right]
    if isinstance(part.left, RelativeSD) and any(isinstance(x, float | int) and x <= 0 for x in numbers):
        yield "a relative SD is compared with a number that is not positive"
    if part.scale == "log_ratio" and any(isinstance(x, float | int) and x <= 0 for x in numbers):
        yield "a ratio with a number that is not positive"


def _about_measures(experiment: Experiment, part: Comparison) -> Iterator[str]:
    for measure in (side.measure for side in sides(part)):
        if (measure.reduce == "rank_correlation") != bool(measure.beside):
            yield f"{measure.reduce} has the column '{measure.beside}' beside; expected that of rank_correlation only"
        yield from _unknown("column", [measure.beside] * bool(measure.beside), [c.name for c in experiment.columns])


def _about_premises(claim: Claim, part: Comparison) -> Iterator[str]:
    if part.premise and (claim.over_tasks or part.scale == "failed_share" or all(p.premise for p in claim.parts)):
        yield "it is a premise; expected a part beside it that is none, of a claim that is judged on each task"


def _about_every(part: Comparison) -> Iterator[str]:
    plain = isinstance(part.left, Term) and not isinstance(part.right, Published | BestOf | Change | RelativeSD)
    if part.every and not (plain and part.scale == "difference" and not isinstance(part.margin, OfDistance)):
        yield "it is about every problem; expected a term, less a term or a number, with a margin that is a number"


def _about_level(experiment: Experiment, claim: Claim, part: Comparison) -> Iterator[str]:
    if part.no_level and (isinstance(part.right, Side | Published) or isinstance(part.left, RelativeSD)):
        yield "it says why it is about no level; expected that of a comparison with a number only"
    best = {task.id: task.best.get(part.left.measure.column) for task in experiment.tasks}
    for task in experiment.tasks_of(claim):
        level, top = level_of(part, task), best.get(task)
        if level is None or top is None or part.scale != "difference" or not isinstance(part.left, Term | BestOf):
            continue
        asked = on_task(part.right, task) if isinstance(part.right, float | int | PerTask) else None
        if asked is not None and level.sign * (asked - top) > 0:
            yield f"its number {asked:g} is beyond {top:g}, which no policy betters on {task}"


def _about_published(
    experiment: Experiment, claim: Claim, right: Published, table: PublishedNumbers | None
) -> Iterator[str]:
    if claim.budgets != ("paper",):
        yield "it compares with a published number; expected budgets ('paper',)"
    for task in experiment.tasks:
        if task.id not in experiment.tasks_of(claim):
            continue
        try:
            found = None if table is None or task.published is None else table.get(right.row, task.published)
        except LookupError as error:
            yield str(error.args[0])
        else:
            if found is None:
                yield f"no number is printed in row '{right.row}' for {task.id}"


def _unknown(kind: str, names: Iterable[str], known: list[str]) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield f"no {kind} '{name}' (there are: {', '.join(known)})"
