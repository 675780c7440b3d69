"""Commands in forks of one process, for tests that run many."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PLUGIN, ROOT, Done, environment


@pytest.fixture(scope="session")
def forks():
    """`forks(folder, *words, **case)` runs a case of `forking.py` in that folder; how it ended."""
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("forking.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment((ROOT, PLUGIN), {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}),
    )

    def run(folder, *words, **case):
        server.stdin.write(json.dumps(case | {"folder": str(folder), "words": words}) + "\n")
        server.stdin.flush()
        return Done(*json.loads(server.stdout.readline()))

    yield run
    server.stdin.close()
    server.stdout.close()
    assert server.wait() == 0
