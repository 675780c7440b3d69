"""Puts the commit into the wheel and the source archive, so that results say which code made them outside a clone too.

`svgbench.lab.platform.revision` reads it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILE = "svgbench/REVISION"


class RevisionHook(BuildHookInterface):
    """Adds `svgbench/REVISION`: the commit of the checkout, with "+" if `svgbench` has changes.

    A wheel that is built from a source archive keeps the archive's. Without git or a commit there is no such file.
    """

    written: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # it runs from the checkout, which knows
            return
        revision = _revision(Path(self.root))
        if revision:
            self.written = Path(self.directory) / "REVISION"
            self.written.parent.mkdir(parents=True, exist_ok=True)
            self.written.write_text(revision + "\n", encoding="utf-8")
            build_data["force_include"][str(self.written)] = FILE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self.written is not None:
            self.written.unlink()


def _revision(root: Path) -> str:
    if not (root / ".git").exists():
        return ""
    git = ["git", "-C", str(root)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run([*git, "status", "--porcelain", "svgbench"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head[:12] + ("+" if changed else "")
