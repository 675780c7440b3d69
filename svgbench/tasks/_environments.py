"""The entries of gymnasium's registry for our tasks, read from the sources without importing the physics.

A factory whose `horizon` has a default makes an environment. Its id is the factory's name with a hyphen for the slash:
"svgbench/poplin-hopper-v0". The version is the module's `VERSION` less 1. Where a module's `VARIANTS` has an entry for
the factory, it makes several environments: one for each set of options, whose key is appended to the id.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svgbench import factories


@dataclass(frozen=True)
class Environment:
    """make: the factory's name. horizon: control steps."""

    id: str
    make: str
    options: dict[str, Any]
    horizon: int


def environments() -> Iterator[Environment]:
    """All of them, in the order of the factories' names."""
    sources: dict[str, _Source] = {}
    for name in factories.tasks():
        module, function = factories.task_place(name)
        if module not in sources:
            sources[module] = _Source(module)
        source = sources[module]
        horizon = source.horizon(function)
        if horizon is None:
            continue
        for suffix, options in source.constants.get("VARIANTS", {}).get(function, {"": {}}).items():
            words = "-".join(filter(None, (name.replace("/", "-"), suffix)))
            yield Environment(f"svgbench/{words}-v{source.constants['VERSION'] - 1}", name, options, horizon)


class _Source:
    """The constants and the factories of a module."""

    def __init__(self, module: str) -> None:
        inside = module.removeprefix(f"{factories.PACKAGE}.").split(".")
        path: Path = factories.FOLDER.joinpath(*inside).with_suffix(".py")
        self._tree = ast.parse(path.read_bytes(), str(path))
        self.constants: dict[str, Any] = {}
        for node in self._tree.body:
            if isinstance(node, ast.Assign):
                self._bind(node.targets[0], node.value)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                self._bind(node.target, node.value)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):  # a, b = 1, 2
            for one, part in zip(target.elts, value.elts, strict=True):
                self._bind(one, part)
        elif isinstance(target, ast.Name):
            with suppress(ValueError):  # a value that is not a literal is neither a version nor a horizon
                self.constants[target.id] = ast.literal_eval(value)

    def horizon(self, function: str) -> int | None:
        """The default of a factory's parameter `horizon`; None if it has no such default."""
        (made,) = (node for node in self._tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
        positional = [*made.args.posonlyargs, *made.args.args]
        defaults = dict(zip(reversed([a.arg for a in positional]), reversed(made.args.defaults), strict=False))
        defaults |= {a.arg: node for a, node in zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True) if node}
        default = defaults.get("horizon")
        if default is None:
            return None
        value = self.constants[default.id] if isinstance(default, ast.Name) else ast.literal_eval(default)
        return int(value)
