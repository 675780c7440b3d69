"""`svgbench upgrade`: a folder of an older svgbench, as a user meets it."""

from __future__ import annotations

import json

from harness import Bench, cell_of

from svgbench.lab import upgrade


def make_old(bench, cell):
    path = bench.store.json_path(cell)
    meta = json.loads(path.read_bytes())
    text = json.dumps({k: v for k, v in meta.items() if k not in ("factory", "block_size")} | {"format": 1})
    path.write_text(text.replace(cell.identity, upgrade.former_identity(cell)))


def test_an_old_folder_is_named_carried_over_and_gone_on_with(bench):
    cell = cell_of(seeds=4)
    assert bench.walk("--seeds", "2").status == 0
    whole = bench.store.json_path(cell).read_bytes()
    make_old(bench, cell)
    remedy = f"svgbench upgrade --results {bench.store.root}"
    refused = bench.walk("--seeds", "4")
    assert (refused.status, remedy in " ".join(refused.err.split())) == (1, True)
    assert bench.status("--seeds", "2")["drift"]["note"].endswith(remedy)
    would = bench("upgrade", "--dry-run", "--json")
    assert [row["status"] for row in would.json] == ["upgraded"]
    assert bench.store.json_path(cell).read_bytes() != whole
    done = bench("upgrade")
    assert (done.status, done.out) == (0, "1 upgraded, 0 were so already, 0 left\n")
    assert bench.store.json_path(cell).read_bytes() == whole
    again = bench.walk("--seeds", "4")
    assert (again.status, "2 of 4 runs missing" in again.out) == (0, True)


def test_results_that_cannot_be_upgraded_are_named(bench, tmp_path):
    cell = cell_of(seeds=2)
    assert bench.walk("--seeds", "2").status == 0
    make_old(bench, cell)
    path = bench.store.csv_path(cell)
    path.write_bytes(path.read_bytes().replace(b"up", b"UP", 1))
    done = bench("upgrade")
    assert done.status == 1
    assert done.out.startswith(f"left as it is: testkit/walk/smoke/{cell.name}.json:")
    nowhere = Bench(tmp_path / "nowhere")("upgrade")
    assert (nowhere.status, "no results folder" in nowhere.err) == (2, True)
