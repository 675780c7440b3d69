"""What a report says, as plain data: formatted strings, tables, and figures as SVG. No number is left to round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from svgbench.analysis.show.tables import DisplayTable
from svgbench.words.experiment import Deviation

NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Picture:
    """A figure as one SVG element. `said` is the line under it: n, the meaning of the bands, what was thinned."""

    name: str  # of the page, "" for the main one
    svg: str
    said: str
    width: int  # pixels at which its text is as large as the page's small text


@dataclass(frozen=True)
class ClaimPart:
    """A claim: the quoted sentence, the test that stands for it, and its verdict with n and interval.

    `holds` counts the tasks or settings on which it is SUPPORTED, if there are several; `value` and `interval` are
    those of the deciding comparison, if there is only one place. `places` are all its verdicts.
    """

    id: str
    anchor: str
    quote: str
    source: str
    tests: Sequence[str]
    verdict: str
    holds: str
    budget: str
    n: str
    value: str
    interval: str
    unit: str
    needs: str
    places: Sequence[DisplayTable]
    over: Sequence[str]  # sentences on the verdict over all tasks
    platforms: str = ""  # "on 2 of 2 platforms", or what it is on each; "" if it is measured on one

    @property
    def effect(self) -> str:
        return f"{self.value} {self.interval.replace(' ', NO_BREAK)}".strip()

    @property
    def effect_or_places(self) -> str:
        return self.effect or self.holds or "–"


@dataclass(frozen=True)
class BudgetState:
    """How much of an experiment is measured at a budget; `word` is done, partial, missing or not declared."""

    word: str
    done: int = 0  # runs
    total: int = 0
    stale: int = 0  # cells

    @property
    def text(self) -> str:
        if self.word == "not declared":
            return self.word
        stale = f", {self.stale} cell{'s' * (self.stale > 1)} stale" if self.stale else ""
        return f"{self.word} {self.done}/{self.total}{stale}"


@dataclass(frozen=True)
class ExperimentPart:
    """One experiment: its question, the answer, and everything that the answer is based on."""

    id: str
    anchor: str
    title: str
    description: str
    name: str  # "Figure 3", or the id without the work
    question: str
    standing: str  # the answer in a word or two
    at: str  # " at short" where that answer is not of the paper's budget alone
    answer: str  # the sentences after the question
    caption: str  # the same in one or two sentences
    headline: ClaimPart | None
    budgets: Mapping[str, BudgetState]
    shown: str  # the budget of figure and tables
    spent: str  # what that budget is
    claims: Sequence[ClaimPart]
    discoveries: str  # how many verdicts stay when the false discovery rate is controlled
    levels: Sequence[DisplayTable]  # published numbers, and rivals
    unmeasured: str
    tables: Sequence[DisplayTable]  # none of a search, which has `choices`
    aggregates: Sequence[DisplayTable]
    profile: Picture | None  # the share of runs above each score, over several tasks
    leaders: str  # a sentence on the best scores over the tasks
    deviations: Sequence[Deviation]
    origins: DisplayTable | None
    notes: Sequence[str]
    pictures: Sequence[Picture]
    no_picture: str  # why there is no figure
    begun: bool  # whether anything is measured
    choices: Sequence[DisplayTable] = ()  # of a search: the settings, and the chosen ones marked
    chosen: Sequence[str] = ()  # sentences on its rule and its choices

    @property
    def work(self) -> str:
        return self.id.split("/", 1)[0]


@dataclass(frozen=True)
class WorkPart:
    """One work: its answer, and its experiments in declared order."""

    id: str
    title: str
    standing: str
    answer: str
    experiments: Sequence[ExperimentPart]

    @property
    def questions(self) -> list[ExperimentPart]:
        """The experiments that ask something: those with claims or published numbers."""
        return [one for one in self.experiments if one.claims or one.levels or one.unmeasured]

    @property
    def sections(self) -> list[ExperimentPart]:
        """The experiments with measurements, those that ask something first."""
        begun = [one for one in self.experiments if one.begun]
        return [one for one in begun if one in self.questions] + [one for one in begun if one not in self.questions]


@dataclass(frozen=True)
class Report:
    """A whole report. `version` is that of the program."""

    works: Sequence[WorkPart]
    version: str
    notes: Sequence[str] = ()

    @property
    def experiments(self) -> list[ExperimentPart]:
        return [one for work in self.works for one in work.experiments]

    @property
    def claims(self) -> list[tuple[ExperimentPart, ClaimPart]]:
        """The claims of the experiments with measurements."""
        return [(one, claim) for one in self.experiments if one.begun for claim in one.claims]

    @property
    def title(self) -> str:
        if len(self.experiments) == 1 and (self.works[0].questions or self.experiments[0].choices):
            return self.experiments[0].question
        return "Do the published results hold?"

    @property
    def summary(self) -> str:
        """How many questions are asked and what their answers are, in a sentence."""
        asked = [one for work in self.works for one in work.questions]
        if not any(one.begun for one in self.experiments):
            return "Nothing is measured yet: this results folder has no runs. `svgbench run` makes them."
        if not asked:
            return " ".join(one.answer for one in self.experiments)
        words = Counter(one.standing for one in asked)
        counted = ", ".join(f"{count} {word}" for word, count in words.most_common())
        works = f"{len(self.works)} work{'s' * (len(self.works) != 1)}"
        return f"{works}, {len(asked)} question{'s' * (len(asked) != 1)}: {counted}."
