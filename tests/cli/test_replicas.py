"""`--replicate`: stored runs of another platform are made again, beside the first ones and apart from them."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import replace

import pytest
from harness import block_of, cell_of, expected_csv, forks

from svgbench.lab import block as child
from svgbench.lab import checkpoint, platforms
from svgbench.lab.bundle import bundle
from svgbench.lab.cells import describe_job
from svgbench.lab.delivery import collect
from svgbench.lab.fetch import fetch
from svgbench.lab.platform import compared
from svgbench.lab.stored import replicas_in, stored_cells

ELSEWHERE = {"processor": "AMD EPYC", "instructions": "AuthenticAMD 25 17 1 avx2"}


def pretend(bench, cell, **parts):
    """Let the cell's JSON say that its seeds were made on a platform with these parts."""
    path = bench.store.json_path(cell)
    meta = json.loads(path.read_bytes())
    for entry in meta["seeds"].values():
        entry["platform"] = {k: v for k, v in {**entry["platform"], **parts}.items() if v is not None}
    path.write_text(json.dumps(meta))


def replica_of(cell):
    return replace(cell, replica=platforms.key(platforms.here("cpu")))


@pytest.fixture
def elsewhere(half_done):
    """A results folder in which another platform made seeds 0 and 1 of the walk."""
    pretend(half_done, cell_of(seeds=2), **ELSEWHERE)
    return half_done


def test_a_replica_lies_beside_the_first_measurement(elsewhere, tmp_path):
    bench, cell = elsewhere, cell_of(seeds=2)
    before = {path: path.read_bytes() for path in bench.results.rglob("field-calm--drift.*")}
    told = bench("plan", "testkit/walk", "--budget", "smoke", "--replicate", "--tasks", "field/calm").out
    assert "2 runs first made on AMD 25/17" in told
    assert "2 of 2 runs missing, in 1 block" in told
    assert "6 runs not there to repeat" in told
    done = bench.walk("--replicate")
    assert done.status == 0, done.err
    assert all(path.read_bytes() == data for path, data in before.items()), "the first measurement is as it was"
    own = replica_of(cell)
    assert bench.csv(own) == expected_csv(cell)
    assert bench.entries(own)["0"]["platform"] == platforms.here("cpu")
    assert not bench.store.block_work(block_of(own)).exists()
    again = bench.walk("--replicate")
    assert (again.status, "0 of 2 runs missing" in again.out) == (0, True)
    row = bench.status()["drift"]
    assert row["seeds_done"] == 2
    names = platforms.named([{**platforms.here("cpu"), **ELSEWHERE}, platforms.here("cpu")])
    assert sorted(row["replicated_on"].split("; ")) == sorted(names)
    assert {one["replicated_on"] for name, one in bench.status().items() if name != "drift"} == {""}
    assert "several platforms" in bench("status", "testkit/walk", "--budget", "smoke").out
    (listed,) = (one for one in bench("list", "--json").json if one["id"] == "testkit/walk")
    assert (listed["cells_replicated"], listed["replicated_on"]) == (1, row["replicated_on"])
    assert re.search(r"testkit/walk +[0-9/]+ +smoke\S*\+", bench("list").out)
    ignored = bench.walk("--seeds", "2").out
    assert "0 of 2 runs missing" in ignored, "without --replicate the first measurement counts"
    rows = {row["file"]: row["status"] for row in bench("verify", "--json").json}
    assert len(rows) == 2
    assert set(rows.values()) == {"ok"}, rows

    two = [str(bench.results)] * 2
    same = forks()(bench.folder, "diff", *two, "--replica", own.replica[:9], "--json").json
    assert {(row["verdict"], row["seeds"]) for row in same} == {("IDENTICAL", 2)}, "in truth it is one platform"
    assert forks()(bench.folder, "diff", *two, "--replica", "AMD").status == 2

    index = bundle(bench.results, [], tmp_path / "packed", "1")
    assert index.archives[0].files == 4
    fetch(str(tmp_path / "packed"), ["testkit"], tmp_path / "reference")
    folder = next((tmp_path / "reference").glob("*/testkit")).parent
    assert replicas_in(folder) == [own.replica]
    assert [c.seeds for c in stored_cells(folder, replica=own.replica).values()] == [(0, 1)]
    assert [c.seeds for c in stored_cells(folder).values()] == [(0, 1)]


def test_damage_and_changes_are_seen_in_a_replica_too(elsewhere):
    bench, own = elsewhere, replica_of(cell_of(seeds=2))
    assert bench.walk("--replicate").status == 0
    path = bench.store.json_path(own)
    whole = path.read_text()
    path.write_text(whole.replace(own.identity, "0" * 12))
    assert {row["status"] for row in bench("verify", "--json").json} == {"ok", "stale"}
    told = bench.walk("--replicate")
    assert "1 stale" in told.out
    assert "will be moved to .work/superseded" in told.out
    assert json.loads(path.read_bytes())["config_hash"] == own.identity
    assert bench.csv(own) == expected_csv(own)
    aside = bench.store.work / "superseded" / own.place
    assert [p.name for p in sorted(aside.iterdir())] == [f"{own.name}.001.csv", f"{own.name}.001.json"]
    csv = bench.store.csv_path(own)
    csv.write_bytes(csv.read_bytes().replace(b"up", b"UP"))
    assert {row["status"] for row in bench("verify", "--json").json} == {"ok", "damaged"}


def test_a_replica_of_a_part_of_a_block_is_not_unfinished(elsewhere):
    """Its block trains whole, and its checkpoint is kept for the seed that nobody has asked for."""
    bench, cell = elsewhere, replica_of(cell_of(seeds=2))
    assert bench.walk("--replicate", "--seeds", "1").status == 0
    assert (bench.store.block_work(block_of(cell)) / "checkpoint.pt").exists()
    assert bench.status()["drift"]["replicas_unfinished"] == ""


def test_a_failed_replica_is_told(elsewhere):
    bench, own = elsewhere, replica_of(cell_of(seeds=2))
    block = block_of(own)
    bench.store.record_failure(block, "ArithmeticError: too far", 2, bench.store.log_path(block))
    row = bench.status()["drift"]
    told = f"{own.replica} failed: ArithmeticError: too far"
    assert (row["status"], row["note"], row["replicas_unfinished"]) == ("partial", "", told)
    shown = " ".join(bench("status", "testkit/walk", "--budget", "smoke").out.split())
    assert f"replica {told}: field/calm (drift)" in shown


def test_a_copied_folder_holds_no_replicas(elsewhere, tmp_path):
    """A copy would be packed, and `fetch` would refuse the whole work."""
    bench, own = elsewhere, replica_of(cell_of(seeds=2))
    assert bench.walk("--replicate").status == 0
    folder = bench.store.json_path(own).parent
    for name in ("backup copy", ".hidden", f"{own.replica} (2)"):
        shutil.copytree(folder, folder.with_name(name))
    assert replicas_in(bench.results) == [own.replica]
    assert bench.store.replica_files(own.experiment, own.budget) == [bench.store.json_path(own)]
    rows = {row["file"]: row["status"] for row in bench("verify", "--json").json}
    assert sorted(rows.values()) == ["ok", "ok", *["stray"] * 4], "two files in each copy that is not hidden"
    assert bundle(bench.results, [], tmp_path / "packed", "1").archives[0].files == 4
    assert [one.new for one in fetch(str(tmp_path / "packed"), ["testkit"], tmp_path / "reference")] == [True]


def test_a_replica_counts_only_in_the_folder_of_its_platform(elsewhere):
    """The folder says "here", the seeds say "elsewhere": it was renamed."""
    bench, own = elsewhere, replica_of(cell_of(seeds=2))
    assert bench.walk("--replicate").status == 0
    before = bench.store.json_path(own).read_bytes()
    pretend(bench, own, **ELSEWHERE)
    reason = f"has runs that were made on {platforms.key(bench.entries(own)['0']['platform'])}: was the folder renamed?"
    rows = {row["status"]: row["note"] for row in bench("verify", "--json").json}
    assert rows["damaged"].endswith(reason)
    assert bench("verify").status == 1
    words = ("testkit/walk", "--budget", "smoke", "--replicate", "--tasks", "field/calm", "--variants", "drift")
    told = " ".join(bench("plan", *words).out.split())
    assert "2 of 2 runs missing" in told
    assert reason in told
    refused = bench("run", *words)
    assert refused.status != 0
    assert "no result is lost" in refused.err
    bench.store.json_path(own).write_bytes(before)
    assert "0 of 2 runs missing" in bench("plan", *words).out


def test_a_replica_is_no_first_measurement(elsewhere):
    bench, cell = elsewhere, cell_of(seeds=2)
    own = replica_of(cell)
    assert bench.walk("--replicate").status == 0
    for path in (bench.store.json_path, bench.store.csv_path):
        shutil.copy(path(own), path(cell))
    rows = {row["file"]: row for row in bench("verify", "--json").json}
    told = rows.pop(str(bench.store.csv_path(cell).relative_to(bench.results)))
    assert (told["status"], {row["status"] for row in rows.values()}) == ("damaged", {"ok"})
    assert "no first measurement: was it copied?" in told["note"]
    row = bench.status()["drift"]
    assert (row["status"], row["seeds_done"], row["note"]) == ("failed", 0, told["note"])
    refused = bench.walk()
    assert refused.status != 0
    assert "no result is lost" in refused.err


def test_what_may_be_of_this_platform_is_not_repeated(half_done):
    bench, cell = half_done, cell_of(seeds=2)
    words = ("plan", "testkit/walk", "--budget", "smoke", "--replicate", "--variants", "drift", "--tasks", "field/calm")
    assert "2 runs first made on this platform: not repeated" in bench(*words).out
    pretend(bench, cell, kernels=None)
    assert "2 runs may be of this platform (not recorded: kernels): not repeated" in bench(*words).out
    pretend(bench, cell, processor="VAX-11", instructions=None)  # no processor of ours
    assert "2 runs first made on VAX-11" in bench(*words).out
    refused = bench("run", "testkit/walk", "--with-reference")
    assert (refused.status, "--replicate" in refused.err) == (2, True)


def test_platforms_that_differ_in_their_arithmetic_only_are_told_apart(elsewhere):
    bench, here = elsewhere, platforms.here("cpu")
    other = here | {"kernels": "torch NONE"}
    pretend(bench, cell_of(seeds=2), **{name: other[name] for name in ("processor", "instructions", "kernels")})
    told = bench("plan", "testkit/walk", "--budget", "smoke", "--replicate", "--tasks", "field/calm").out
    mine, theirs = platforms.named([here, other])
    assert here["kernels"] in mine
    assert f"here is {mine}: replicas/{platforms.key(here)}" in " ".join(told.split())
    assert f"2 runs first made on {theirs}" in " ".join(told.split())


def test_first_measurements_may_be_reference_results(elsewhere, tmp_path):
    bench = elsewhere
    reference = tmp_path / "reference"
    shutil.move(bench.results, reference)
    bench.environment["SVGBENCH_REFERENCE"] = str(reference)
    done = bench.walk("--replicate", "--with-reference")
    assert done.status == 0
    (follows,) = (line for line in done.out.splitlines() if line.startswith("next: svgbench "))
    assert follows.endswith("--with-reference"), "without it nothing is compared"
    judged = forks()(bench.folder, *shlex.split(follows)[2:], environment=bench.environment)
    assert (judged.status, "reference results" in judged.err) == (0, True)
    cell = cell_of(seeds=2)
    assert bench.csv(replica_of(cell)) == expected_csv(cell)
    assert not bench.store.json_path(cell).exists()
    assert not (reference / ".work").joinpath(replica_of(cell).place).exists()


class KilledError(Exception):
    pass


def slices(store, block, count):
    """Compute some slices of the block with a checkpoint after each, and go down; None: go to the end."""
    process = child.BlockProcess(store, block, 1)
    make = process.make

    def limited():
        learner = make()
        advance, left = learner.advance, iter(range(count))

        def one():
            if next(left, None) is None:
                raise KilledError
            return advance()

        learner.advance = one
        return learner

    if count is not None:
        process.make = limited
        with pytest.raises(KilledError):
            process.run()
    else:
        assert process.run() == child.FINISHED
        collect(store, block.cell)


def test_a_run_continued_on_another_platform_is_mixed(bench, monkeypatch):
    monkeypatch.setenv(child.CHECKPOINT_SECONDS, "0")
    here = platforms.here("cpu")
    there = here | ELSEWHERE
    cell = cell_of(seeds=2)
    monkeypatch.setattr(platforms, "of_process", lambda *_: there)
    slices(bench.store, block_of(cell), 2)
    monkeypatch.setattr(platforms, "of_process", lambda *_: here)
    slices(bench.store, block_of(cell), None)
    entry = bench.entries(cell)["0"]
    assert (entry["platform"], entry[platforms.EARLIER]) == (here, [there])
    assert bench.csv(cell) == expected_csv(cell)
    assert {name: row["mixed_seeds"] for name, row in bench.status().items()}["drift"] == "0 1"
    shown = bench("status", "testkit/walk", "--budget", "smoke").out
    assert "mixed, continued on another platform: seeds 0-1 of field/calm (drift)" in shown
    assert next(one for one in bench("list", "--json").json if one["id"] == "testkit/walk")["runs_mixed"] == 2
    told = bench.walk("--replicate", "--seeds", "2").out
    assert "2 runs first made on several platforms" in told
    own = replica_of(cell)
    assert platforms.EARLIER not in bench.entries(own)["0"]


def record_less(bench, cell, recorded):
    """Let the block's checkpoint have only these platforms; None: what an older svgbench wrote has none."""
    process = child.BlockProcess(bench.store, block_of(cell), 1)
    payload = checkpoint.load(process.checkpoint, process.owner)
    del payload["platforms"]
    checkpoint.save(process.checkpoint, process.owner, payload | ({} if recorded is None else {"platforms": recorded}))


@pytest.mark.parametrize("recorded", ["nothing", "no arithmetic"])
def test_a_run_that_an_older_svgbench_began_is_mixed(bench, monkeypatch, recorded):
    """It may have been begun anywhere: it is not said to be made wholly here."""
    monkeypatch.setenv(child.CHECKPOINT_SECONDS, "0")
    cell, here = cell_of(seeds=2), platforms.here("cpu")
    vague = {name: value for name, value in here.items() if name != "kernels"}
    slices(bench.store, block_of(cell), 2)
    record_less(bench, cell, None if recorded == "nothing" else [vague])
    slices(bench.store, block_of(cell), None)
    entry = bench.entries(cell)["0"]
    earlier = [compared("cpu") if recorded == "nothing" else vague]
    assert (entry["platform"], entry[platforms.EARLIER]) == (here, earlier)
    assert bench.csv(cell) == expected_csv(cell)


def test_a_replica_that_may_be_mixed_begins_anew(elsewhere, monkeypatch):
    monkeypatch.setenv(child.CHECKPOINT_SECONDS, "0")
    bench, cell = elsewhere, replica_of(cell_of(seeds=2))
    slices(bench.store, block_of(cell), 3)
    record_less(bench, cell, None)
    assert bench.walk("--replicate").status == 0
    assert "may be of another platform" in bench.log(block_of(cell))
    assert platforms.EARLIER not in bench.entries(cell)["0"]
    assert bench.csv(cell) == expected_csv(cell)


def test_a_killed_replica_continues_and_no_other_platform_takes_its_job(elsewhere, monkeypatch):
    monkeypatch.setenv(child.CHECKPOINT_SECONDS, "0")
    bench, cell = elsewhere, replica_of(cell_of(seeds=2))
    slices(bench.store, block_of(cell), 3)
    assert (bench.store.block_work(block_of(cell)) / "checkpoint.pt").exists()
    row = bench.status()["drift"]
    assert (row["seeds_done"], row["replicas_unfinished"]) == (2, f"{cell.replica} partial")
    shown = " ".join(bench("status", "testkit/walk", "--budget", "smoke").out.split())
    assert f"replica {cell.replica} partial: field/calm (drift)" in shown
    assert bench.store.state(replace(cell, replica="")).status == "done", "its unfinished work is not the first one's"
    assert "1 partial" in bench.walk("--replicate").out
    assert "resumed at 15 of 30" in bench.log(block_of(cell))
    assert bench.csv(cell) == expected_csv(cell)
    assert bench.status()["drift"]["replicas_unfinished"] == ""
    with pytest.raises(child.UsageError, match="planned for the platform"):
        child.prepare(describe_job(block_of(replace(cell, replica="another"))))
