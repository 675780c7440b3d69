"""The first output of `compare`: the answer, a line for each claim, and one for missing runs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace

from svgbench.analysis.judge.answers import Judged, answer, standing, work_answer
from svgbench.analysis.judge.discoveries import not_staying, told
from svgbench.analysis.judge.judgement import CAUSES, Verdict
from svgbench.analysis.judge.outlook import MOST_SEEDS, Open
from svgbench.analysis.judge.replicated import is_told, same_on, unlike
from svgbench.analysis.judge.verdict_words import tally, tally_words, word_over
from svgbench.analysis.read.naming import name_seeds, question
from svgbench.analysis.show.tables import DisplayTable, Rounded, render
from svgbench.analysis.show.verdict_text import estimate
from svgbench.lab.eta import duration
from svgbench.words.claims import Claim

SCREEN = 40
"""Lines of several experiments; beyond that their claims are left out."""
MOST_RIVALS = 10
"""Most comparisons with rivals that are listed one by one."""
MOST_DISAGREE = 3
"""Most verdicts on which two statistics disagree that are shown without --verbose."""
MOST_CAVEATS = 4
"""Most caveats that are shown without --verbose."""
SHORT = {"budget": "", "premise": "premise", "threshold": "threshold"}
"""Causes in a list's last column. A claim that a larger budget would decide shows its runs at that budget."""
LEAST_LAST = 12  # least width of a list's last column; with less room the list becomes paragraphs


def summary_lines(judged: Judged, width: int, more: bool = True) -> list[str]:
    """One experiment: the answer, a line per claim, published numbers, rivals, missing runs, the meaning of the words.

    The last line says where there is `more`.
    """
    parts = [
        _wrapped(answer(judged), width),
        _claim_list(judged, width),
        _platforms(judged, width),
        _wrapped(told(judged.discoveries), width)
        + [line for words in ([] if more else not_staying(judged.discoveries)) for line in _wrapped(words, width)],
        _disagreements(judged, width, MOST_DISAGREE if more else None),
        _failed([judged], width, MOST_CAVEATS if more else None),
        _rivals(judged, width),
        _caveats(judged, width, MOST_CAVEATS if more else None),
        _published(judged, width) + _alone(judged, width) + _not_run(judged, width),
        _legend(judged, width) + ["intervals, margins, quotes: --verbose"] * bool(more and judged.verdicts),
    ]
    return [line for part in parts if part for line in ("", *part)][1:]


def several_lines(every: Sequence[Judged], title: str, width: int) -> list[str]:
    """Several experiments, within a screen if possible: each with its claims, or only its answer.

    Unmeasured experiments share one line, and so do those without any verdict. `title` is the work's, or "" for
    experiments of several works.
    """
    asked = [judged for judged in every if judged.verdicts]
    told = [judged for judged in asked if judged.begun]
    head = _wrapped(work_answer(title, asked), width) if title else []
    tail = [
        *_named("not measured", [one for one in asked if not one.begun], width),
        *_named("without claims and published numbers", [one for one in every if not one.verdicts], width),
        *_failed(asked, width, MOST_CAVEATS),
        *_not_run_of(asked, width),
    ]
    with_claims = [_answered(one, width) + _claim_list(one, width) for one in told]
    if len(head) + sum(len(block) + 1 for block in with_claims) + len(tail) <= SCREEN:
        blocks = [head, *with_claims, tail]
    else:
        more = _wrapped("the claims: svgbench compare with one of these names", width)
        answers = [line for one in told for line in _answered(one, width)]
        if len(head) + len(answers) + len(more) + len(tail) + 2 > SCREEN:
            answers = [line for one in told for line in _answered(one, width, brief=True)]
        if len(head) + len(answers) + len(more) + len(tail) + 2 > SCREEN:
            answers = [line for one in told for line in _in_a_word(one, width)]
        blocks = [head, answers, more + tail]
    return [line for block in blocks if block for line in ("", *block)][1:]


def _answered(judged: Judged, width: int, brief: bool = False) -> list[str]:
    return _wrapped(f"{judged.experiment.id}: {answer(judged, brief)}", width)


def _in_a_word(judged: Judged, width: int) -> list[str]:
    """The question, the word that answers it, and the counts of the claims' verdicts."""
    counts = tally_words(word_over(own) for _, own in judged.claims)
    answered = f"{question(judged.experiment)} {standing(judged).capitalize()}{f': {counts}' if counts else ''}."
    return _wrapped(f"{judged.experiment.id}: {answered}", width)


def _named(what: str, some: Sequence[Judged], width: int) -> list[str]:
    return _wrapped(f"{what}: {', '.join(one.experiment.id for one in some)}", width) if some else []


# ---- claims


def _claim_list(judged: Judged, width: int) -> list[str]:
    """A line for each claim: its name, verdict, budget, n, and open runs; no lines if nothing is measured."""
    if not judged.claims or not judged.begun:
        return []
    heads = ["claim", "verdict", "platforms", "budget", "n", "open"]
    rows = [_claim_row(judged, claim, own) for claim, own in judged.claims]
    left_out = {"budget"} if [row[3] for row in rows] == judged.budgets * len(rows) else set()  # the answer names it
    left_out |= set() if is_told(judged.verdicts) else {"platforms"}
    for more in (left_out, left_out | {"platforms"}):
        kept = [place for place, head in enumerate(heads) if head not in more]
        named, cells = [heads[place] for place in kept], [[row[place] for place in kept] for row in rows]
        if _room(_sizes([named, *cells]), width) >= LEAST_LAST:
            break
    return _columns(named, cells, width) + (
        _below([(row[0], row[2]) for row in rows], width) if more > left_out else []
    )


def _below(on: Sequence[tuple[str, str]], width: int) -> list[str]:
    """The column of platforms as a line below the list, for a terminal without room for it."""
    by_share: dict[str, list[str]] = {}
    for claim, share in on:
        by_share.setdefault(share, []).append(claim)
    told = [f"{share} {', '.join(claims)}" for share, claims in by_share.items() if share not in ("-", "1/1")]
    rest = "the others 1/1 or on none" if told and len(told) < len(by_share) else ""
    return ["", *_wrapped(f"platforms: {'; '.join([*told, rest] if rest else told)}", width)] if told else []


def _claim_row(judged: Judged, claim: Claim, own: Sequence[Verdict]) -> tuple[str, ...]:
    budgets = budgets_of(own)
    verdict = f"{word_over(own)} {judged.holds(claim, own)}".rstrip()
    same, of = same_on(own)
    on = f"{same}/{of}" if of else "-"
    return claim.id, verdict, on, "+".join(budgets), n_words(claim, own), open_words(judged, claim, own, budgets)


def _platforms(judged: Judged, width: int) -> list[str]:
    """The platforms, if there are several, and what is not the same on each; claims first, then numbers."""
    if not is_told(judged.verdicts):
        return []
    names = dict.fromkeys(word.platform for v in judged.verdicts for word in v.platforms)
    labels = {task.id: task.label for task in judged.experiment.tasks}
    named = [(claim.id, own) for claim, own in judged.claims]
    named += [(f"{v.variant} on {v.task} against the published number", [v]) for v in judged.levels]
    differing = [
        f"{name}{f' on {place}' if place else ''}: {words}"
        for name, own in named
        for place, words in unlike(own, labels)
    ]
    lines = _wrapped(f"measured on {len(names)} platform{'s' * (len(names) > 1)}: {', '.join(names)}", width)
    if not differing:
        return [*lines, *_wrapped("the verdicts measured on several are the same on each", width)]
    told = [f"NOT THE SAME ON EVERY PLATFORM: {words}" for words in differing[:MOST_RIVALS]]
    told += [f"and {len(differing) - MOST_RIVALS} more: --json"] * (len(differing) > MOST_RIVALS)
    return [*lines, *(line for words in told for line in _wrapped(words, width))]


def budgets_of(own: Sequence[Verdict]) -> list[str]:
    """The budgets of a claim's verdicts: that of the one over all tasks, or those of its places."""
    return [v.budget for v in own if not v.task] or list(dict.fromkeys(v.budget for v in own))


def n_words(claim: Claim, own: Sequence[Verdict]) -> str:
    """The number of seeds behind a claim's verdicts, "10+" if places have more, "0" if nothing is complete."""
    counts = sorted({v.n for v in own if (v.task or claim.over_tasks) and v.verdict != "INCOMPLETE"})
    return f"{counts[0]}{'+' * (len(counts) > 1)}" if counts else "0"


def open_words(judged: Judged, claim: Claim, own: Sequence[Verdict], budgets: Sequence[str], timed: bool = True) -> str:
    """What would decide a claim: the cause, or the runs, with their time on this machine if `timed`. "" if decided."""
    word, asks = word_over(own), judged.outlook.of_claim(claim, own)
    asks = asks if asks is None or timed else replace(asks, seconds=None)
    found = {v.cause for v in own} if word == "INCONCLUSIVE" else set()
    words = [SHORT.get(cause, reason) for cause, reason in CAUSES.items() if cause in found]
    refuted, undecided = (sum(v.verdict == w for v in own) for w in ("REFUTED", "INCONCLUSIVE"))
    if word in ("mixed", "INCOMPLETE") and refuted:
        words.append(f"{refuted} REFUTED")
    if word == "mixed":
        words += [f"{undecided} open"] * bool(undecided)
        asks = asks if asks and asks.seeds is None else None
    if asks:
        words.append(("" if asks.budget in budgets else f"{asks.budget}: ") + _bill(asks))
    return ", ".join(filter(None, words))


def _bill(asks: Open) -> str:
    """ "10 runs, 4.1 h", "at least 10 runs", "n = 14, 2 h", "n > 100"."""
    if asks.seeds is not None and asks.seeds > MOST_SEEDS:
        return f"n > {MOST_SEEDS}"
    runs = f"{'at least ' * asks.at_least}{asks.runs} run{'s' * (asks.runs != 1)}"
    what = f"n = {asks.seeds}" if asks.seeds is not None else runs
    if asks.seeds is not None and not asks.runs:
        return f"{what}, stored"
    return what if asks.seconds is None else f"{what}, {duration(asks.seconds)}"


def _legend(judged: Judged, width: int) -> list[str]:
    """The meaning of those signs that occur in the list."""
    words = []
    if any(v.cause == "premise" for v in judged.verdicts):
        words.append("premise: what the claim takes for granted does not hold")
    if any(v.cause == "threshold" for v in judged.verdicts):
        words.append("threshold: not shown to be reachable")
    shares = [(held, own) for claim, own in judged.claims if judged.begun and (held := judged.holds(claim, own))]
    if shares:
        held, own = shares[0]
        settings = any(v.setting for v in own)
        words.append(f"{held}: SUPPORTED on {held.replace('/', ' of ')} {'settings' if settings else 'tasks'}")
    asks = [judged.outlook.of_claim(claim, own) for claim, own in judged.claims if word_over(own) != "mixed"]
    if any(a is not None and a.seeds is not None for a in asks):
        words.append("open, n: so many seeds would decide it if mean and spread stayed")
    if judged.begun and any(n_words(claim, own).endswith("+") for claim, own in judged.claims):
        words.append("n, +: some tasks have more seeds")
    return _wrapped("; ".join(words), width)


# ---- the rest


def _published(judged: Judged, width: int) -> list[str]:
    if not judged.levels or not judged.budgets:
        return []
    reasons = {v.reason for v in judged.levels}
    why = f" ({reasons.pop()})" if len(reasons) == 1 and not judged.comparable else ""
    return _wrapped(f"published numbers: {tally(judged.levels)}{why}", width)


def _rivals(judged: Judged, width: int) -> list[str]:
    """Imported variants against ours: each comparison, or a tally for each variant and task, or for each variant."""
    rivals, labels = judged.rivals, {task.id: task.label for task in judged.experiment.tasks}
    if not rivals:
        return []
    measure = judged.experiment.measures[0].label
    if len(rivals) <= MOST_RIVALS:
        rows = []
        for v in rivals:
            cells = (v.verdict, v.rival, *estimate(v), Rounded(v.n, 0))
            rows.append((f"{v.variant}, {labels.get(v.task, v.task)}", cells))
        columns = ("is", "than", "difference", "95 % interval", "n")
        return render(DisplayTable(measure, "", columns, rows), "text", width).splitlines()
    groups = dict.fromkeys((v.variant, v.task) for v in rivals)
    lines: list[str] = []
    if len(groups) <= MOST_RIVALS:
        for variant, task in groups:
            own = [v for v in rivals if (v.variant, v.task) == (variant, task)]
            lines += _wrapped(f"{variant}, {labels.get(task, task)}, against {len(own)} of ours: {tally(own)}", width)
        return lines
    for variant in dict.fromkeys(variant for variant, _ in groups):
        own = [v for v in rivals if v.variant == variant]
        lines += _wrapped(f"{variant}, against ours on {len({v.task for v in own})} tasks: {tally(own)}", width)
    return lines


def _caveats(judged: Judged, width: int, most: int | None) -> list[str]:
    """The caveats of the cells behind the numbers, each once with its tasks, up to a limit."""
    labels = {task.id: task.label for task in judged.experiment.tasks}
    where: dict[str, list[str]] = {}
    for verdict in judged.verdicts:
        for caveat in verdict.caveats:
            where.setdefault(caveat, []).extend([labels.get(verdict.task, verdict.task)] * bool(verdict.task))
    told = [f"{caveat} ({'; '.join(dict.fromkeys(tasks))})" if tasks else caveat for caveat, tasks in where.items()]
    more = [f"and {len(told) - most} more such notes: --verbose"] if most is not None and len(told) > most else []
    return [line for words in [*told[:most], *more] for line in _wrapped(words, width)]


def _failed(every: Sequence[Judged], width: int, most: int | None) -> list[str]:
    """The cells of which seeds failed, each once, whatever the verdicts say."""
    seeds: dict[str, set[int]] = {}
    for one in every:
        labels = {task.id: task.label for task in one.experiment.tasks}
        for verdict in one.verdicts:
            for cell in verdict.failed:
                words = [*([one.experiment.id] if len(every) > 1 else []), labels.get(cell.task, cell.task)]
                budget = f" at {verdict.budget}" if len(one.budgets) > 1 else ""
                seeds.setdefault(f"{' '.join(words)}, {cell.variant}{budget}", set()).update(cell.seeds)
    told = [f"{name}: {name_seeds(own)}" for name, own in seeds.items()]
    more = [f"and {len(told) - most} more cells"] if most is not None and len(told) > most else []
    return _wrapped(f"seeds that failed: {'; '.join([*told[:most], *more])}", width) if told else []


def _alone(judged: Judged, width: int) -> list[str]:
    """Undeclared variants that none of ours is compared with."""
    alone = [name for name in judged.undeclared if name not in {v.variant for v in judged.rivals}]
    return _wrapped(f"with nothing of ours to compare with: {', '.join(alone)}", width) if alone else []


def _not_run(judged: Judged, width: int) -> list[str]:
    """Cells that lack seeds, at the paper's budget and at the largest with any seeds, and their cost."""
    outlook, experiment = judged.outlook, judged.experiment
    started = [budget for budget in outlook.budgets if outlook.measured(budget)]
    budgets = [judged.pinned] if judged.pinned else list(dict.fromkeys([outlook.budgets[0], *started[:1]]))
    parts, unknown = [], False
    for budget in budgets:
        cells, asks = outlook.not_run(budget)
        if cells:
            cost = "" if asks.seconds is None else f", about {duration(asks.seconds)}"
            parts.append(f"at {budget} {cells} of {outlook.asked_cells(budget)} cells, {asks.runs} runs{cost}")
            unknown |= asks.seconds is None
    if not parts:
        return []
    hint = f" (what it costs: svgbench plan {experiment.id})" if unknown else ""
    return _wrapped(f"not run: {'; '.join(parts)}{hint}", width)


def _not_run_of(every: Sequence[Judged], width: int) -> list[str]:
    """The missing runs of several experiments at the paper's budget, or at the requested one."""
    parts = []
    ids = {one.experiment.id for one in every}
    for one in (one for one in every if one.experiment.draws_from not in ids):
        budget = one.pinned or one.outlook.budgets[0]
        _, asks = one.outlook.not_run(budget)
        if asks.runs:
            cost = "" if asks.seconds is None else f" ({duration(asks.seconds)})"
            parts.append(f"{one.experiment.id} {asks.runs} runs at {budget}{cost}")
    return _wrapped(f"not run: {', '.join(parts)}", width) if parts else []


def _disagreements(judged: Judged, width: int, most: int | None) -> list[str]:
    """The claims on which medians say something else than means, because the seeds of a cell split into two modes."""
    labels = {task.id: task.label for task in judged.experiment.tasks}
    found = [v for v in judged.verdicts if v.disagreement]
    said = [
        f"{v.claim} on {' '.join([labels.get(v.task, v.task), *v.setting.split()])}: {v.disagreement}" for v in found
    ]
    more = [f"and {len(said) - most} more: --verbose"] if most is not None and len(said) > most else []
    return _wrapped(f"two modes: {'; '.join([*said[:most], *more])}", width) if said else []


def _columns(heads: Sequence[str], rows: Iterable[Sequence[str]], width: int) -> list[str]:
    """Left-aligned columns; the last one is wrapped. Without room for columns, each row becomes a paragraph."""
    table = [list(row) for row in (heads, *rows)]
    sizes = _sizes(table)
    room = _room(sizes, width)
    if room < LEAST_LAST:
        named = [", ".join(f"{h} {c}" for h, c in zip(heads[1:], row[1:], strict=True) if c) for row in table[1:]]
        return [
            line for row, words in zip(table[1:], named, strict=True) for line in _wrapped(f"{row[0]}: {words}", width)
        ]
    lines = []
    for row in table:
        first, *more = textwrap.wrap(row[-1], room) or [""]
        lines.append("  ".join([*(c.ljust(s) for c, s in zip(row, sizes, strict=False)), first]).rstrip())
        lines += [" " * (width - room) + line for line in more]
    return [lines[0], "-" * min(width, max(map(len, lines))), *lines[1:]]


def _sizes(table: Sequence[Sequence[str]]) -> list[int]:
    """The widths of all columns but the last."""
    return [max(map(len, column)) for column in list(zip(*table, strict=True))[:-1]]


def _room(sizes: Sequence[int], width: int) -> int:
    """The width that columns of these sizes leave for the last one."""
    return width - sum(sizes) - 2 * len(sizes)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)
