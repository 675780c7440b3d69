"""The same report as Markdown, for a README or an issue: words and tables, without figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from svgbench.analysis.report.data import ClaimPart, ExperimentPart, Report, WorkPart
from svgbench.analysis.show.table_markup import markdown_text
from svgbench.analysis.show.tables import DisplayTable, render
from svgbench.words.experiment import BUDGETS, Deviation

CLAIM_COLUMNS = ("verdict", "supported on", "budget", "n", "value", "95 % interval")


def markdown(report: Report) -> str:
    """The report as GitHub's Markdown. Names, labels and sentences are escaped."""
    blocks = [f"# {markdown_text(report.title)}", markdown_text(report.summary), "## Answers"]
    for work in report.works:
        blocks += _answers(work)
    blocks += ["## Coverage", _coverage(report)]
    for work in report.works:
        if work.sections:
            blocks += [f"## {markdown_text(work.title)}", markdown_text(work.answer)]
            blocks += [block for one in work.sections for block in _experiment(one)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _answers(work: WorkPart) -> list[str]:
    lines = [
        f"- {markdown_text(one.question)} **{markdown_text(one.standing.capitalize())}**: {markdown_text(_after(one))}"
        for one in work.questions
        if one.begun
    ]
    unmeasured = [one.name for one in work.questions if not one.begun]
    lines += ["- Not measured: " + markdown_text(", ".join(unmeasured)) + "."] if unmeasured else []
    return [f"### {markdown_text(work.title)}: {work.standing}", "\n".join(lines)]


def _after(one: ExperimentPart) -> str:
    head = one.headline
    effect = f", {head.unit} {head.effect}" if head is not None and head.effect else ""
    return one.answer + (f" Headline: {head.id}, n = {head.n}{effect}." if head is not None else "")


def _coverage(report: Report) -> str:
    rows = [(one.id, tuple(one.budgets[b].text for b in BUDGETS)) for one in report.experiments]
    return render(DisplayTable("", "experiment", BUDGETS, rows), "markdown").strip()


def _experiment(one: ExperimentPart) -> Iterator[str]:
    yield f"### {markdown_text(f'{one.id}: {one.title}')}"
    yield markdown_text(f"{one.question} {one.answer}" if one.claims or one.choices else one.answer)
    if one.claims:
        yield "#### Claims"
        yield markdown_text(one.discoveries)
        yield _table("claim", CLAIM_COLUMNS, map(_row, one.claims))
        yield "\n".join(f"- {markdown_text(f'{c.id}: “{c.quote}” ({c.source})')}" for c in one.claims)
    yield from _grids("#### Published numbers and other methods", one.levels)
    yield from _grids("#### Over all tasks", one.aggregates)
    yield from _grids("#### Choice", one.choices)
    if one.chosen:
        yield "\n".join(f"- {markdown_text(sentence)}" for sentence in one.chosen)
    yield from _grids("#### Table", one.tables)
    if one.deviations:
        yield "#### Known differences from the paper"
        yield "\n".join(f"- {markdown_text(f'{_named(d)}: paper: {d.paper}; ours: {d.ours}')}" for d in one.deviations)
    if one.origins is not None:
        yield from _grids("#### Origin", [one.origins])
    if one.notes:
        yield "#### Notes"
        yield "\n".join(f"- {markdown_text(note)}" for note in one.notes)


def _named(deviation: Deviation) -> str:
    """Its id, with the variants that it concerns where these are not all."""
    return deviation.id if deviation.variants is None else f"{deviation.id} ({', '.join(deviation.variants)})"


def _row(claim: ClaimPart) -> tuple[str, tuple[str, ...]]:
    verdict = f"{claim.verdict} ({claim.platforms})" if claim.platforms else claim.verdict
    return claim.id, (verdict, claim.holds, claim.budget, claim.n, claim.value, claim.interval)


def _table(corner: str, columns: Sequence[str], rows: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    return render(DisplayTable("", corner, columns, tuple(rows)), "markdown").strip()


def _grids(heading: str, grids: Sequence[DisplayTable]) -> Iterator[str]:
    if grids:
        yield heading
        yield from (render(grid, "markdown").strip() for grid in grids)
