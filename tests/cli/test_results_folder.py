"""Files that were cut, edited or made with another version; and seeds requested in several calls."""

from __future__ import annotations

import json
import shutil

from harness import PLUGIN, Bench, block_of, cell_of, expected_csv

from svgbench.lab.pair import read_meta, read_rows


def test_run_repairs_a_torn_csv_and_keeps_the_others(half_done):
    bench, torn, other = half_done, cell_of(seeds=2), cell_of(seeds=2, variant="still")
    assert bench.walk("--seeds", "2", "--variants", "still").status == 0
    kept = bench.store.json_path(other).stat().st_mtime_ns
    path = bench.store.csv_path(torn)
    path.write_bytes(path.read_bytes()[:-7])
    rows = bench.status("--seeds", "2")
    assert {name: row["status"] for name, row in rows.items()} == {"drift": "failed", "still": "done"}
    assert "its first or last line is not whole" in rows["drift"]["note"]
    verified = bench("verify", "--json")
    assert verified.status == 1
    assert [row["status"] for row in verified.json] == ["damaged", "ok"]

    done = bench.walk("--seeds", "2", "--variants", "drift,still")
    assert done.status == 0, done.err
    assert "2 of 4 runs missing" in done.out
    assert bench.csv(torn) == expected_csv(torn)
    assert bench.store.json_path(other).stat().st_mtime_ns == kept
    assert bench("verify").status == 0


def test_an_edited_digit_of_the_same_length(half_done):
    bench, cell = half_done, cell_of(seeds=4)
    path = bench.store.csv_path(cell)
    edited = path.read_bytes().replace(b"0,1,0.8", b"0,1,0.9", 1)
    assert edited != path.read_bytes()
    path.write_bytes(edited)
    verified = bench("verify")
    assert verified.status == 1
    assert "damaged" in verified.out

    done = bench.walk("--seeds", "4")
    assert done.status == 0, done.err
    assert "4 of 4 runs missing" in done.out, "run reads every row: an edited file is not done"
    assert bench.csv(cell) == expected_csv(cell)
    (aside,) = (bench.store.work / "superseded").rglob("*.csv")
    assert aside.read_bytes() == edited


def test_seeds_requested_in_several_calls(tmp_path):
    bench = Bench(tmp_path / "résultats d'été 測試 #1 %s")
    assert bench.walk("--seeds", "1").status == 0
    one = cell_of(seeds=1)
    assert bench.csv(one) == expected_csv(one)
    assert set(bench.entries(one)) == {"0"}
    done = bench.walk("--seeds", "4")
    assert done.status == 0, done.err
    assert "3 of 4 runs missing" in done.out
    cell = cell_of(seeds=4)
    assert bench.csv(cell) == expected_csv(cell), "as if all had been asked for at once"
    log = bench.log(block_of(cell))
    assert "resumed at 30 of 30" in log, "seed 1 was trained with seed 0, and is not trained again"
    assert not list(bench.store.work.rglob("*.pt"))


def test_another_version_is_stale(half_done, tmp_path):
    bench, cell = half_done, cell_of(seeds=2)
    before = bench.csv(cell)
    plugin = tmp_path / "plugin"
    shutil.copytree(PLUGIN, plugin, ignore=shutil.ignore_patterns("__pycache__"))
    source = plugin / "svgbench_testkit" / "walk.py"
    source.write_text(
        source.read_text().replace("VERSION = 1", "VERSION = 2").replace("+= self.config", "-= self.config")
    )
    bench.path = [plugin]
    row = bench.status("--seeds", "2")["drift"]
    assert (row["status"], row["seeds_done"]) == ("stale", 2)
    assert row["note"] == "algorithm version was 1, is now 2"
    assert [r["status"] for r in bench("verify", "--json").json] == ["stale"]

    done = bench.walk("--seeds", "2")
    assert done.status == 0, done.err
    assert "1 cell will be moved to .work/superseded" in done.out
    assert bench.csv(cell) != before
    (aside,) = (bench.store.work / "superseded").rglob("*.csv")
    assert aside.read_bytes() == before
    assert read_rows(aside, read_meta(aside.with_suffix(".json"))) == before
    assert bench.status("--seeds", "2")["drift"]["status"] == "done"
    bench.path = [PLUGIN]
    assert bench.status("--seeds", "2")["drift"]["status"] == "stale", "and the new one is stale for the old code"


def another_mujoco(folder):
    """A folder that makes importlib.metadata see another release of mujoco."""
    info = folder / "mujoco-9.9.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mujoco\nVersion: 9.9.9\n")
    return folder


def test_another_release_of_mujoco_is_other(half_done, tmp_path):
    bench, cell = half_done, cell_of(seeds=2)
    bench.path = [another_mujoco(tmp_path / "elsewhere"), PLUGIN]
    row = bench.status("--seeds", "2")["drift"]
    assert (row["status"], row["note"]) == ("other", "measured with mujoco 4.0.0 (here 9.9.9)")
    done = bench.walk("--seeds", "1")
    assert done.status == 0, done.err
    assert bench.entries(cell)["0"]["platform"]["mujoco"] == "9.9.9"
    assert set(bench.entries(cell)) == {"0"}, "old and new are not mixed in one file"
    assert len(list((bench.store.work / "superseded").rglob("*.csv"))) == 1


def test_a_checkpoint_of_another_release_is_not_resumed(bench, tmp_path):
    """Rows of two releases in one seed would be mixed silently."""
    free = tmp_path / "free"
    words = ("-o", "raise_at=3", "-o", f"until={free}")
    cell = cell_of(*words[1::2], seeds=2)
    assert bench.walk("--seeds", "2", *words).status == 1
    free.touch()
    bench.path = [another_mujoco(tmp_path / "elsewhere"), PLUGIN]
    assert bench.walk("--seeds", "2", *words).status == 0
    log = bench.log(block_of(cell))
    assert log.count("resumed at") == 1, "the retry resumed, the other release did not"
    assert "'mujoco': '4.0.0'" in log
    assert bench.csv(cell) == expected_csv(cell)


def test_a_json_with_another_hash_is_stale(half_done):
    cell = cell_of(seeds=2)
    path = half_done.store.json_path(cell)
    meta = json.loads(path.read_bytes())
    meta["config"]["drift"] = 0.25
    path.write_text(json.dumps(meta | {"config_hash": "0" * 12}))
    row = half_done.status("--seeds", "2")["drift"]
    assert (row["status"], row["note"]) == ("stale", "drift was 0.25, is now 0.5")


def test_clean_removes_unneeded_files_and_no_result(half_done):
    bench, cell = half_done, cell_of(seeds=2)
    log = bench.store.log_path(block_of(cell))
    assert log.exists()
    would = bench("clean", "--dry-run")
    assert str(log) in would.out
    assert log.exists()
    assert bench("clean").status == 0
    assert not log.exists()
    assert bench.csv(cell) == expected_csv(cell)
    assert bench.status("--seeds", "2")["drift"]["status"] == "done"
