"""Upgrading results of format 1 to names: JSONs and `.work` are checked first, and no number changes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from harness import cell_of

from svgbench import maintenance, reproduce, strict_json
from svgbench.analysis.judge.changes import changes
from svgbench.lab import checkpoint, files, platform, upgrade
from svgbench.lab.cells import Selection, blocks, describe_job, expand
from svgbench.lab.files import locked
from svgbench.lab.pair import dump_meta
from svgbench.lab.store import Store
from svgbench.lab.stored import stored_cells
from svgbench.words.errors import BusyError, DamagedError

RESULTS = Path(__file__).resolve().parents[2] / "results"
OWN, *_ = expand(reproduce.experiments()["maac/fig3"], Selection("smoke", variants=("learned-f-learned-q",)))
OTHER = cell_of(seeds=2)
MOVED = "svgbench.baselines.maac_gradient_error:make"


def merge(store, cell, seeds=(0, 1)):
    row = ",".join("1" for _ in cell.columns)
    first = cell.block_size * (seeds[0] // cell.block_size)
    shared = {
        "status": "done",
        "config_hash": cell.identity,
        "versions": dict(cell.versions),
        "platform": platform.compared("cpu"),
        "block": f"{first}-{first + cell.block_size - 1}",
        "threads": cell.threads,
        "rows": 2,
    }
    texts = {seed: f"{seed},0,{row}\n{seed},1,{row}\n" for seed in seeds}
    store.merge(cell, texts, {seed: dict(shared) for seed in seeds})


def old_hash(cell):
    return upgrade.former_identity(cell)


def make_old(store, cell, **changed):
    """Write the cell's JSON as version 1 did."""
    path = store.json_path(cell)
    meta = json.loads(path.read_bytes())
    own = cell is OWN
    before = {"format": 1, "learner": MOVED if own else cell.variant.learner, "config_hash": old_hash(cell)}
    meta = {k: before.get(k, v) for k, v in meta.items() if k not in ("factory", "block_size")}
    for entry in meta["seeds"].values():
        if "config_hash" in entry:
            entry["config_hash"] = old_hash(cell)
    path.write_bytes(dump_meta(meta | changed))


@pytest.fixture
def store(tmp_path):
    """A store with two cells of format 1, of an algorithm of ours and of another package's."""
    store = Store(tmp_path / "results")
    for cell in (OWN, OTHER):
        merge(store, cell)
        make_old(store, cell)
    return store


def contents(store):
    return {p.relative_to(store.root): p.read_bytes() for p in sorted(store.root.glob("*/*/*/*--*"))}


def statuses(found):
    return [one.status for one in found]


def test_the_old_rule_is_that_of_the_results_that_it_made():
    """Two cells that were committed under these hashes before anything had a name."""
    known = {
        ("svg/fig3-norm-search", "svg/swimmer-3", "ac.norm-1"): "2df13ab92739",
        ("svg/fig3", "svg/swimmer-3", "ac"): "25ef3f17c0e7",
    }
    for (experiment, task, variant), before in known.items():
        declared = reproduce.experiments()[experiment]
        (cell,) = expand(declared, Selection("paper", tasks=(task,), variants=(variant,)))
        assert old_hash(cell) == before != cell.identity


def test_what_is_written_is_what_a_run_writes_now(store, tmp_path):
    fresh = Store(tmp_path / "fresh")
    for cell in (OWN, OTHER):
        merge(fresh, cell)
    before = contents(store)
    assert statuses(maintenance.upgrade(store, dry_run=True)) == ["upgraded"] * 2
    assert contents(store) == before, "a dry run writes nothing"
    assert statuses(maintenance.upgrade(store, dry_run=False)) == ["upgraded"] * 2
    assert contents(store) == contents(fresh)
    assert {p: d for p, d in contents(store).items() if p.suffix == ".csv"} == {
        p: d for p, d in before.items() if p.suffix == ".csv"
    }
    for cell in (OWN, OTHER):
        assert store.state(replace(cell, seeds=(0, 1)), thorough=True).status == "done"
    assert statuses(maintenance.upgrade(store, dry_run=False)) == ["as it is"] * 2
    assert OWN.identity != old_hash(OWN), "places and names do not hash to the same"


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({"config_hash": "0" * 12}, "the hash of seed 0 is not that of its cell|does not follow"),
        ({"limits": {"total_steps": 9}}, "does not follow from what its JSON says"),
        ({"versions": {"algorithm": 99, "task": 1}}, "does not follow from what its JSON says"),
        ({"learner": "svgbench.baselines.gone:make"}, "does not follow from what its JSON says"),
        ({"config": 3}, "does not follow|cannot be checked"),
        ({"columns": ["position"]}, "is damaged"),
    ],
)
def test_files_changed_by_others_are_named_and_left(store, changed, note):
    import re

    make_old(store, OWN, **changed)
    before = store.json_path(OWN).read_bytes()
    found = {one.file: one for one in maintenance.upgrade(store, dry_run=False)}
    one = found[str(store.json_path(OWN).relative_to(store.root))]
    assert (one.status, bool(re.search(note, one.note))) == ("left", True), one
    assert store.json_path(OWN).read_bytes() == before
    assert sorted(statuses(found.values())) == ["left", "upgraded"]


def test_a_csv_that_was_edited_is_left(store):
    path = store.csv_path(OWN)
    path.write_bytes(path.read_bytes().replace(b"0,1,1", b"0,1,2", 1))
    found = maintenance.upgrade(store, dry_run=False)
    assert sorted(statuses(found)) == ["left", "upgraded"]
    assert "the rows of seed 0 are not those that were written" in next(o.note for o in found if o.status == "left")


def test_a_seed_of_another_hash_is_left(store):
    meta = json.loads(store.json_path(OWN).read_bytes())
    meta["seeds"]["1"]["config_hash"] = "0" * 12
    store.json_path(OWN).write_bytes(dump_meta(meta))
    notes = [one.note for one in maintenance.upgrade(store, dry_run=False) if one.status == "left"]
    assert notes == ["the hash of seed 1 is not that of its cell"]


def test_a_stale_cell_stays_stale(store):
    """Its settings and versions are kept, and its new identity follows from them."""
    was = replace(OWN, versions={"algorithm": 99, "task": 1}, config=dict(OWN.config) | {"gone": 1})
    meta = json.loads(store.json_path(OWN).read_bytes())
    changed = {"config_hash": old_hash(was), "versions": was.versions, "config": was.config}
    for entry in meta["seeds"].values():
        entry["config_hash"] = old_hash(was)
    store.json_path(OWN).write_bytes(dump_meta(meta | changed))
    assert statuses(maintenance.upgrade(store, dry_run=False)) == ["upgraded"] * 2
    state = store.state(replace(OWN, seeds=(0, 1)))
    assert (state.status, state.note) == ("stale", "gone was 1, is now None")
    assert json.loads(store.json_path(OWN).read_bytes())["config_hash"] == upgrade.named_identity(was)


def test_failed_and_imported_cells_are_carried_over(tmp_path):
    store = Store(tmp_path / "results")
    (block,) = blocks(OWN, (0,))
    store.record_failure(block, "it broke", 1, tmp_path / "log")
    make_old(store, OWN)
    folder = store.folder("maac/fig3", "smoke")
    meta = {"format": 1, "task": "t", "variant": "v", "imported": True, "config_hash": "imported", "versions": {}}
    store.adopt(folder, "t--v", [(0, "0,1,2\n")], meta | {"columns": ["x"]})
    assert statuses(maintenance.upgrade(store, dry_run=False)) == ["upgraded"] * 2
    assert store.state(replace(OWN, seeds=(0,))).failed == {0: "it broke"}
    assert json.loads(store.json_path(OWN).read_bytes())["block_size"] == OWN.block_size
    assert json.loads((folder / "t--v.json").read_bytes())["format"] == 2


def test_killed_in_the_middle_and_called_again(store, monkeypatch, tmp_path):
    whole = Store(tmp_path / "whole")
    shutil.copytree(store.root, whole.root)
    maintenance.upgrade(whole, dry_run=False)

    def stop(path, data):
        if path == store.json_path(OTHER):
            raise KeyboardInterrupt
        files.write_atomic(path, data)

    monkeypatch.setattr(upgrade, "write_atomic", stop)
    with pytest.raises(KeyboardInterrupt):
        maintenance.upgrade(store, dry_run=False)
    monkeypatch.undo()
    assert statuses(maintenance.upgrade(store, dry_run=False)) == ["as it is", "upgraded"]
    assert contents(store) == contents(whole)


def test_old_results_are_neither_read_nor_run_anew_and_the_remedy_is_named(store):
    state = store.state(replace(OWN, seeds=(0, 1)))
    assert state.note.endswith(f"to repair: svgbench upgrade --results {store.root}")
    assert (state.status, state.usable, state.damage.mendable) == ("failed", (), True)
    with pytest.raises(DamagedError, match="an older svgbench wrote it"):
        merge(store, OWN, (2, 3))
    assert not list(store.work.rglob("*.csv")), "nothing is moved aside"
    notes = {row["note"] for row in maintenance.verify(store)}
    assert notes == {state.note}


def test_diff_reads_both_formats(store, tmp_path):
    new = Store(tmp_path / "new")
    shutil.copytree(store.root, new.root)
    maintenance.upgrade(new, dry_run=False)
    a, b = (stored_cells(one.root, ("smoke",), reproduce.factories()) for one in (store, new))
    assert a.keys() == b.keys()
    assert [changes(a[key].meta, b[key].meta, (0, 1)) for key in a] == [(), ()]
    make_old(store, OWN, limits={"total_steps": 9})
    a = stored_cells(store.root, ("smoke",), reproduce.factories())
    seen = {c.field for key in a for c in changes(a[key].meta, b[key].meta, (0, 1))}
    assert "total_steps" in seen, "what cannot be carried over is compared as it is"


def test_runs_in_progress_are_continued(store):
    (block,) = blocks(OWN, (2,))
    old = replace(block, cell=replace(OWN, identity=old_hash(OWN)))
    folder, policies = store.block_work(old), store.cell_work(OWN) / f"{old.name}-policies.pt"
    owner = f"{OWN.experiment}/{OWN.budget}/{OWN.name}"
    for path in (folder / "checkpoint.pt", policies):
        checkpoint.save(path, f"{owner}/{old.name}", {"weights": torch.ones(3)})
    job = describe_job(old)
    job["variant"]["learner"], job["task"]["make"] = MOVED, "svgbench.tasks.double_integrator:make"
    (folder / "job-7.json").write_text(strict_json.dumps(job))
    store.log_path(old).write_text("a line\n")
    assert [o.status for o in maintenance.upgrade(store, dry_run=True)] == ["upgraded"] * 5
    assert folder.is_dir()
    assert [o.status for o in maintenance.upgrade(store, dry_run=False)] == ["upgraded"] * 5
    assert not folder.exists()
    named = store.block_work(block)
    for path in (named / "checkpoint.pt", store.cell_work(OWN) / f"{block.name}-policies.pt"):
        assert checkpoint.load(path, f"{owner}/{block.name}")["weights"].tolist() == [1, 1, 1]
    assert json.loads((named / "job-7.json").read_bytes()) == json.loads(strict_json.dumps(describe_job(block)))
    assert store.log_path(block).read_text() == "a line\n"
    assert [o.status for o in maintenance.upgrade(store, dry_run=False)] == ["as it is"] * 2


def test_a_block_that_was_begun_anew_is_not_written_over(store):
    (block,) = blocks(replace(OWN, seeds=(2,)), (2,))
    old = replace(block, cell=replace(OWN, identity=old_hash(OWN)))
    for one in (old, block):
        store.block_work(one).mkdir(parents=True)
    (left,) = [o for o in maintenance.upgrade(store, dry_run=False) if o.status == "left"]
    assert left.note == f"there is {block.name} already"
    assert store.block_work(old).is_dir()


def test_a_folder_at_work_is_left_alone(store):
    (block,) = blocks(replace(OWN, seeds=(0,)), (0,))
    with locked(store.block_lock(block)), pytest.raises(BusyError, match="a run is at work"):
        maintenance.upgrade(store, dry_run=False)


def test_the_committed_results_are_of_todays_format():
    found = json.loads((RESULTS / "svg/fig3/paper/svg-swimmer-3--ac.json").read_bytes())
    assert (found["format"], found["learner"], found["factory"]) == (2, "actor_critic", "svg/swimmer")
