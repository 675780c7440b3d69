"""Settings changed on the command line (`-o key=value`), and the cells that they change.

A cell is changed if its learner's config or its budget has every key. The other cells are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from svgbench.lab.fields import Field
from svgbench.lab.source import declared
from svgbench.words.errors import UsageError, unknown
from svgbench.words.experiment import Variant


def parse_overrides(texts: Iterable[str]) -> dict[str, str]:
    """Keys with the text of their values. Raises UsageError if it is not "key=value", or if a key is repeated."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UsageError(f"-o {text}: expected key=value, such as gamma=0.99")
        if key in found:
            raise UsageError(f"-o {key} is given twice: {found[key]} and {value}; expected one value")
        found[key] = value
    return found


def changed_id(variant: str, digest: str) -> str:
    """The id of a declared variant with changed settings. digest: a hash of the changes."""
    return f"{variant}+{digest}"


def unchanged_id(variant: str) -> str:
    """The declared variant whose settings were changed to make this one; "" for any other id."""
    return variant.rpartition("+")[0]


def settings_of(variants: Iterable[Variant]) -> dict[str, tuple[Field, Any]]:
    """The config fields of the variants' learners: name -> (field, default), of the first learner that has it."""
    found: dict[str, tuple[Field, Any]] = {}
    for variant in variants:
        learner = declared(variant.learner)
        for name, field in learner.fields.items():
            found.setdefault(name, (field, learner.defaults[name]))
    return found


@dataclass(frozen=True)
class Reach:
    """The variants that overrides change and leave out: ids, each with its tasks, in declared order."""

    overrides: Mapping[str, str]
    changed: Mapping[str, Sequence[str]]
    left_out: Mapping[str, Sequence[str]]

    def sentence(self) -> str:
        """Both in words; nothing without overrides."""
        if not self.overrides:
            return ""
        words = " ".join(f"-o {key}={value}" for key, value in self.overrides.items())
        changes = f"{words} changes {_listed(self.changed, self.left_out)}"
        if not self.left_out:
            return changes
        keys = " and ".join(self.overrides)
        return f"{changes}; left out, without {keys}: {_listed(self.left_out, self.changed)}"


def _listed(variants: Mapping[str, Sequence[str]], others: Mapping[str, Sequence[str]]) -> str:
    """The variants, each with its tasks if it is also among the others on a different task."""
    return ", ".join(f"{v} (on {', '.join(on)})" if v in others else v for v, on in variants.items())


def reach(overrides: Mapping[str, str], known: Mapping[tuple[str, str], Set[str]], where: str) -> Reach:
    """The cells that the overrides change. `known` has each cell's settings, by variant and task.

    Raises UsageError with the nearest setting if no cell has a key, and if no cell has all keys.
    """
    everything = dict.fromkeys(name for names in known.values() for name in sorted(names))
    for key in overrides:
        if key not in everything:
            raise unknown(f"setting of {where}", key, everything)
    changed: dict[str, list[str]] = {}
    left_out: dict[str, list[str]] = {}
    for (variant, task), names in known.items():
        (changed if overrides.keys() <= names else left_out).setdefault(variant, []).append(task)
    if not changed:
        owners = {key: dict.fromkeys(v for (v, _), names in known.items() if key in names) for key in overrides}
        whose = "; ".join(f"{key} is of {', '.join(variants)}" for key, variants in owners.items())
        raise UsageError(f"no variant of {where} has {' and '.join(overrides)}: {whose}")
    return Reach(overrides, changed, left_out)
