"""docs/scg.md: its blocks run in order, and print what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "scg.md"
BLOCK = re.compile(r"```python\n(.*?)```\n(?:```text\n(.*?)```\n)?", re.DOTALL)


def test_the_guide_does_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(blocks) >= 7
    names: dict[str, object] = {}
    for code, wanted in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(GUIDE), "exec"), names)
        assert printed.getvalue() == wanted, code
    assert {p.name for p in tmp_path.iterdir()} == {"graph.png", "surrogate.png"}


def test_from_a_graph_to_its_surrogate_are_ten_lines():
    first = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))[0][0].strip().splitlines()
    assert len([line for line in first if line and "import" not in line]) <= 10
