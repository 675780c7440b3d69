"""The answer to the question of an experiment or a work, derived from its verdicts, in one or two sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from svgbench.analysis.judge.discoveries import Discovery, discoveries
from svgbench.analysis.judge.judgement import Verdict
from svgbench.analysis.judge.outlook import Open, Outlook
from svgbench.analysis.judge.verdict_words import of_claim, tally, tally_words, word_over
from svgbench.analysis.read.naming import question
from svgbench.words.claims import Claim
from svgbench.words.experiment import Experiment

NOTHING_TO_JUDGE = ("NOT_COMPARABLE", "INCOMPLETE")
NOTHING = "nothing to judge"
SMOKE = "A smoke run shows that the code runs; it decides nothing about the paper."


@dataclass(frozen=True)
class Judged:
    """An experiment, its verdicts, and what they leave open.

    `pinned` is the requested budget, or ""; `narrowed` says that tasks or variants were named.
    `undeclared` are the variants in the folder that no experiment declares.
    """

    experiment: Experiment
    verdicts: Sequence[Verdict]
    outlook: Outlook
    pinned: str = ""
    narrowed: bool = False
    undeclared: Sequence[str] = ()

    @cached_property
    def claims(self) -> list[tuple[Claim, list[Verdict]]]:
        """The claims that have verdicts, with all their verdicts."""
        found = ((claim, of_claim(self.verdicts, claim.id)) for claim in self.experiment.claims)
        return [(claim, own) for claim, own in found if own]

    @cached_property
    def discoveries(self) -> list[Discovery]:
        """The claims' verdicts with their p-values, adjusted over the experiment (false discovery rate)."""
        return discoveries(self.experiment, self.verdicts)

    @cached_property
    def levels(self) -> list[Verdict]:
        return [v for v in self.verdicts if v.kind == "level" and not v.rival]

    @cached_property
    def rivals(self) -> list[Verdict]:
        return [v for v in self.verdicts if v.rival]

    @property
    def begun(self) -> bool:
        """Whether any cell of ours has a finished seed, or a verdict has read something else."""
        return bool(self.budgets) or any(map(self.outlook.measured, self.outlook.budgets))

    @property
    def comparable(self) -> list[Verdict]:
        return [v for v in self.levels if v.verdict not in NOTHING_TO_JUDGE]

    @cached_property
    def budgets(self) -> list[str]:
        """The budgets at which a verdict read a measurement."""
        return list(dict.fromkeys(v.budget for v in self.verdicts if v.n))

    def holds(self, claim: Claim, verdicts: Sequence[Verdict]) -> str:
        """The number of tasks or settings on which a claim is SUPPORTED, as "2/6".

        "" if all its verdicts are the same, or if it is INCOMPLETE and nowhere SUPPORTED.
        """
        each, over = [v for v in verdicts if v.task], [v for v in verdicts if not v.task]
        counted, word = bool(over) and claim.at_least is not None, word_over(verdicts)
        if not counted and (over or word not in ("mixed", "INCOMPLETE")):
            return ""
        supported = int(over[0].value or 0) if counted else sum(v.verdict == "SUPPORTED" for v in each)
        if word == "INCOMPLETE" and not supported:
            return ""
        return f"{supported}/{len(self.experiment.tasks_of(claim)) if counted else len(each)}"

    def open_of(self, verdict: Verdict) -> Open | None:
        """The runs that one verdict needs."""
        if verdict.kind == "level":
            return self.outlook.of_level(verdict)
        claim = next(claim for claim, own in self.claims if verdict in own)
        return self.outlook.of_claim(claim, [verdict])

    def rows(self) -> list[dict[str, str | int | float | None]]:
        """The verdicts as flat rows, each with the runs that it needs; None if it needs none or they are unknown."""
        rows = []
        tested = {one.verdict.id: one for one in self.discoveries}
        for verdict in self.verdicts:
            test = tested.get(verdict.id)
            asks = self.open_of(verdict)
            rows.append(
                verdict.as_row()
                | {
                    "open_budget": asks.budget if asks else None,
                    "open_runs": asks.runs if asks else None,
                    "open_seconds": asks.seconds if asks else None,
                    "open_seeds": asks.seeds if asks else None,
                    "p": test.p if test else None,
                    "p_fdr": test.adjusted if test else None,
                }
            )
        return rows


def answer(judged: Judged, brief: bool = False) -> str:
    """The question and its answer: the counts of verdicts and the headline claim's verdict; brief: without places."""
    experiment = judged.experiment
    if not judged.claims and not judged.levels:
        about = "has no claim and no published number of" if judged.narrowed else "declares no claim and has no"
        nothing = f"{experiment.id} {about} {'what was named' if judged.narrowed else 'published numbers'}."
        return _rivals(judged) or nothing
    if not judged.budgets:
        return f"{question(experiment)} {_unmeasured(judged)}."
    before, at, after = _measured(judged)
    core = f"{'for what was named, ' * judged.narrowed}{at}, {_core(judged, brief)}."
    sentences = [before, core[:1].upper() + core[1:], _headline(judged, brief), _numbers(judged), after]
    return " ".join([question(experiment), *filter(None, [*sentences, _rivals(judged)])])


def _unmeasured(judged: Judged) -> str:
    """The answer if no verdict has read a measurement."""
    outlook = judged.outlook
    budgets = [judged.pinned] if judged.pinned else outlook.budgets
    begun = [f"{outlook.measured(b)} of {outlook.asked_cells(b)} cells at {b}" for b in budgets if outlook.measured(b)]
    if begun:
        return f"Nothing can be judged yet: measured are {' and '.join(begun)}"
    return f"Not measured at {judged.pinned}" if judged.pinned else "Not measured"


def _measured(judged: Judged) -> tuple[str, str, str]:
    """The measured parts: a sentence before the answer, the budget in it, a sentence after it."""
    outlook, paper = judged.outlook, judged.outlook.budgets[0]
    if judged.pinned:
        return "", f"at {judged.pinned}", SMOKE if judged.pinned == "smoke" else ""
    done, cells = outlook.measured(paper), outlook.asked_cells(paper)
    at = judged.budgets
    if not done and paper not in at:
        return "Not measured at the paper's budget.", f"at {' and '.join(at)}", SMOKE if at == ["smoke"] else ""
    part = f"{done} of {cells} cells are measured at the paper's budget." if done < cells else ""
    return "", "at the paper's budget" if at == [paper] else f"at {' and '.join(at)}", part


def standing(judged: Judged) -> str:
    """The answer in a word or two, as `answer` begins: "yes", "no", "in part", "open", "nothing against it so far".

    "not measured" or "not judged yet" if no verdict has read a measurement, "nothing to judge" if there is no claim and
    no published number, or none that can be compared.
    """
    if not judged.claims and not judged.levels:
        return NOTHING
    if not judged.budgets:
        return "not judged yet" if judged.begun else "not measured"
    asked = _asked(judged)
    return _standing(asked) if asked.words else NOTHING


def headline(judged: Judged) -> tuple[Claim, list[Verdict]] | None:
    """The experiment's headline claim with its verdicts; None if it has none."""
    experiment = judged.experiment
    wanted = experiment.headline or (experiment.claims[0].id if experiment.claims else "")
    return next(((claim, own) for claim, own in judged.claims if claim.id == wanted), None)


@dataclass(frozen=True)
class _Asked:
    """The words to answer with: those of all claims or, without claims, of the published numbers.

    `partly`: whether a claim that is mixed is SUPPORTED somewhere.
    """

    words: list[str]
    of: str
    yes: str
    no: tuple[str, str]
    partly: bool = False


def _asked(judged: Judged) -> _Asked:
    if judged.claims:
        return _of_claims([judged])
    found = [v.verdict for v in judged.comparable]
    return _Asked([*found], "published number", "REPRODUCED", ("WORSE", "BETTER"))


def _of_claims(every: Sequence[Judged]) -> _Asked:
    claims = [own for judged in every for _, own in judged.claims]
    words = [word_over(own) for own in claims]
    partly = any(
        v.verdict == "SUPPORTED" for own, word in zip(claims, words, strict=True) if word == "mixed" for v in own
    )
    return _Asked(words, "claim", "SUPPORTED", ("REFUTED", "mixed"), partly)


def _standing(asked: _Asked) -> str:
    words, yes = asked.words, asked.yes
    against = sum(words.count(word) for word in asked.no)
    if len(set(words)) == 1 and words[0] != "mixed":
        return {yes: "yes", asked.no[0]: "no"}.get(words[0], "open")
    if not against and yes in words:
        return "nothing against it so far"
    return "in part" if yes in words or asked.partly else "no" if against else "open"


def _core(judged: Judged, brief: bool) -> str:
    """The verdict over all claims; without claims, over the published numbers."""
    asked = _asked(judged)
    words, of = asked.words, asked.of
    if not words:
        return f"none of its {len(judged.levels)} published numbers can be compared"
    start = _standing(asked)
    if len(set(words)) == 1 and words[0] != "mixed":
        every = f"its {of} is" if len(words) == 1 else f"{'both' if len(words) == 2 else f'all {len(words)}'} {of}s are"
        return f"{start}: {every} {words[0]}"
    return f"{start}: of {len(words)} {of}s {tally_words(words)}{'' if brief else _mixed(judged)}"


def _mixed(judged: Judged) -> str:
    """The tally of claims whose tasks or settings have different verdicts."""
    mixed = [v for _, own in judged.claims if word_over(own) == "mixed" for v in own]
    return f" ({places(mixed)} of mixed ones: {tally(mixed)})" if mixed else ""


def places(verdicts: Sequence[Verdict]) -> str:
    """The places of a claim's verdicts, counted: "6 tasks", "64 settings"."""
    each = [v for v in verdicts if v.task]
    return f"{len(each)} {'settings' if any(v.setting for v in each) else 'tasks'}"


def _headline(judged: Judged, brief: bool) -> str:
    found = headline(judged)
    if found is None or len(judged.claims) == 1:
        return ""
    claim, own = found
    each = [v for v in own if v.task]
    if len({word_over(all_of_one) for _, all_of_one in judged.claims} | {v.verdict for v in each}) == 1:
        return ""  # the answer has already said so
    on = f" (of {places(own)} {tally(each)})" if len(each) > 1 and not brief else ""
    return f"Its headline, {claim.id}, is {word_over(own)}{on}."


def _numbers(judged: Judged) -> str:
    """The verdicts on published numbers, if there are claims too; "" if there are none."""
    if not judged.claims or not judged.comparable:
        return ""
    return f"Of {len(judged.levels)} published numbers {tally(judged.comparable)}."


def _rivals(judged: Judged) -> str:
    """How imported variants, and those made with -o, compare with ours."""
    names = dict.fromkeys(v.variant for v in judged.rivals)
    budgets = " and ".join(dict.fromkeys(v.budget for v in judged.rivals))
    told = [f"{name} {tally(v for v in judged.rivals if v.variant == name)}" for name in names]
    return f"Against ours, at {budgets}: {'; '.join(told)}." if told else ""


def work_answer(title: str, every: Sequence[Judged]) -> str:
    """The answer for a whole work, over all claims of its experiments."""
    words = [word_over(own) for judged in every for _, own in judged.claims]
    asked = f"Do the results of {title} hold?"
    if not words:
        return f"{asked} It declares no claim."
    if not any(judged.budgets for judged in every):
        return f"{asked} Nothing can be judged yet."
    start = work_standing(every).capitalize()
    counted = sum(bool(judged.claims) for judged in every)
    where = f"in {counted} experiments" if counted > 1 else "in one experiment"
    sentences = [f"{asked} {start}: of {len(words)} claims {where} {tally_words(words)}."]
    cut = [one.experiment.artifact for one in every if not one.outlook.measured(one.outlook.budgets[0])]
    if cut:
        sentences.append(f"Not measured at the paper's budget: {', '.join(cut)}.")
    return " ".join(sentences)


def work_standing(every: Sequence[Judged]) -> str:
    """The answer for a whole work in a word or two, as in `standing`; a claim that is mixed is against "yes"."""
    asked = _of_claims(every)
    if not asked.words:
        return NOTHING
    return _standing(asked) if any(judged.budgets for judged in every) else "not measured"
