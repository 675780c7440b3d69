"""`python -m benchmarks [NAME ...] [--json]`: every benchmark, or the named ones, each against its peer or limit."""

from __future__ import annotations

import argparse
import importlib
import sys
from dataclasses import asdict

from benchmarks.result import Result
from svgbench import strict_json

NAMES = (
    "commands", "importing", "seed_axis", "lab_overhead", "stepping", "update", "planning", "memory", "trpo",
    "value_gradients", "nvil", "model_based", "growth",
)  # fmt: skip


def main() -> int:
    """Run them one after another; print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all of them if left out")
    parser.add_argument("--json", action="store_true", help="print a list of flat objects")
    options = parser.parse_args()
    wrong = [name for name in options.names if name not in NAMES]
    if wrong:
        parser.error(f"no benchmark '{wrong[0]}' (there are: {', '.join(NAMES)})")
    results: list[Result] = []
    for name in options.names or NAMES:
        print(f"measuring {name} ...", file=sys.stderr)
        results += importlib.import_module(f"benchmarks.{name}").measure()
    if options.json:
        print(strict_json.dumps(strict_json.nulled([asdict(result) for result in results]), indent=1))
        return 0
    for result in results:
        print(result.text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
