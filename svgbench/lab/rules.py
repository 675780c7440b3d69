"""Rules between the settings of a cell, which the range of a single field cannot express.

A learner's module states them as a literal, each rule with its reason. svgbench reads them without importing it:

    RULES = {"learning_starts > H + 1": "a window must fit", "std_min <= std_max": "they are bounds"}

A rule is a Python expression that must be true. It may contain names of config fields and of the budget's limits;
`horizon`, if the task's factory has that option; `device`; numbers, strings, tuples and their elements; arithmetic,
comparisons, `in`, `and`, `or`, `not`; `len(parts)` and `all(part > 0 for part in parts)` of a tuple. A rule is skipped
if it names something that the cell does not have.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

from svgbench.words.errors import UsageError

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.Not: operator.not_, ast.USub: operator.neg}

OTHER_NAMES = frozenset(("horizon", "device"))
"""What a rule may name beside fields and limits."""


def check(rules: Mapping[str, str], values: Mapping[str, Any], where: str) -> None:
    """Raise UsageError for the first rule that does not hold, naming its settings and their values."""
    for rule, reason in rules.items():
        tree, names = _parsed(rule)
        if names <= values.keys() and not _value(tree, values, rule):
            *many, last = [f"{name} is {values[name]!r}" for name in sorted(names)]
            have = f"{', '.join(many)} and {last}" if many else last
            raise UsageError(f"{where}: {have}, expected {rule}: {reason}")


def names_in(rule: str) -> frozenset[str]:
    """The settings that a rule names. Raises UsageError if it is not an expression."""
    return _parsed(rule)[1]


@functools.cache
def _parsed(rule: str) -> tuple[ast.expr, frozenset[str]]:
    try:
        tree = ast.parse(rule, mode="eval").body
    except SyntaxError:
        raise _unreadable(rule) from None
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    parts = {
        node.target.id for node in nodes if isinstance(node, ast.comprehension) and isinstance(node.target, ast.Name)
    }
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return tree, frozenset(names - parts - (called & {"all", "len"}))


def _value(node: ast.expr, values: Mapping[str, Any], rule: str) -> Any:
    def of(part: ast.expr) -> Any:
        return _value(part, values, rule)

    try:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return values[node.id]
            case ast.Tuple():
                return tuple(map(of, node.elts))
            case ast.Subscript():
                return of(node.value)[of(node.slice)]
            case ast.UnaryOp():
                return UNARY[type(node.op)](of(node.operand))
            case ast.BinOp():
                return BINARY[type(node.op)](of(node.left), of(node.right))
            case ast.BoolOp(op=ast.And()):
                return all(map(of, node.values))
            case ast.BoolOp():
                return any(map(of, node.values))
            case ast.Compare():
                parts = [of(part) for part in (node.left, *node.comparators)]
                pairs = zip(node.ops, parts, parts[1:], strict=False)
                return all(COMPARE[type(op)](one, other) for op, one, other in pairs)
            case ast.Call(func=ast.Name(id="len"), args=[many]):
                return len(of(many))
            case ast.Call(func=ast.Name(id="all"), args=[ast.GeneratorExp(elt=rest, generators=[loop])]):
                return all(_value(rest, {**values, name: part}, rule) for name, part in _parts(loop, values, rule))
    except (KeyError, TypeError, ArithmeticError, IndexError):
        raise _unreadable(rule) from None
    raise _unreadable(rule)


def _parts(loop: ast.comprehension, values: Mapping[str, Any], rule: str) -> list[tuple[str, Any]]:
    """The name in `for name in many`, with each element."""
    match loop:
        case ast.comprehension(target=ast.Name(id=name), ifs=[]):
            return [(name, part) for part in _value(loop.iter, values, rule)]
    raise _unreadable(rule)


def _unreadable(rule: str) -> UsageError:
    return UsageError(f"'{rule}' is not a rule that svgbench can judge; see svgbench.lab.rules")
