"""Summaries of verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from svgbench.analysis.judge.judgement import Verdict


def of_claim(verdicts: Iterable[Verdict], claim: str) -> list[Verdict]:
    """The verdicts on a claim, by its id: on its tasks and settings, and over its tasks."""
    return [v for v in verdicts if v.kind == "claim" and v.claim == claim]


def deciding_part(verdict: Verdict) -> int | None:
    """The part of a claim whose value its verdict shows, counted from 0; None if there is none yet."""
    if verdict.verdict == "INCOMPLETE":
        return None
    same = [(part.value, part.low) == (verdict.value, verdict.low) for part in verdict.details]
    return same.index(True) if True in same else None


def tally(verdicts: Iterable[Verdict]) -> str:
    """ "12 SUPPORTED, 3 REFUTED", commonest first."""
    return tally_words(v.verdict for v in verdicts)


def tally_words(words: Iterable[str]) -> str:
    """The same for words."""
    return ", ".join(f"{count} {word}" for word, count in Counter(words).most_common())


def word_over(verdicts: Sequence[Verdict]) -> str:
    """One word for a claim: its verdict over its tasks, else the word that all its verdicts share, else "mixed".

    While places are missing and nothing is refuted, it is INCOMPLETE.
    """
    over = [v.verdict for v in verdicts if not v.task]
    words = {*over} or {v.verdict for v in verdicts}
    if "INCOMPLETE" in words and "REFUTED" not in words:
        return "INCOMPLETE"
    return str(words.pop()) if len(words) == 1 else "mixed"
