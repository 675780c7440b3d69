"""Claims in words, for `show` and for verdicts. Quick to import."""

from __future__ import annotations

from svgbench.lab.experiment import Comparison, Measure, Term


def words_of(part: Comparison) -> str:
    """A comparison as one line: "a: error < b: error"."""
    right = f"{part.right:g}" if isinstance(part.right, float | int) else _term(part.right)
    margin = (
        f" (margin {part.margin:g}{' in the log ratio' if part.scale == 'log_ratio' else ''})" if part.margin else ""
    )
    return f"{_term(part.left)} {part.relation} {right}{margin}"


def _term(term: Term) -> str:
    return f"{term.variant}: {_measure(term.measure)}"


def _measure(measure: Measure) -> str:
    where = " ".join(f"{k}={v}" for k, v in measure.where.items())
    return f"{measure.reduce} {measure.column}{' at ' + where if where else ''}"
