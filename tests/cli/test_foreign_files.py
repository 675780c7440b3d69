"""Results changed by git, an editor or a file manager, and folders that cannot be written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import ROOT, cell_of

from svgbench.lab.store import Store

WALK = ("testkit/walk", "--budget", "smoke")
READING = {
    "list": ("list",),
    "status": ("status", "testkit/walk"),
    "logs": ("logs", "testkit/walk"),
    "table": ("table", "testkit/walk"),
    "compare": ("compare", "testkit/walk"),
    "plot": ("plot", "testkit/walk", "--output", "../figures"),
    "plan": ("plan", *WALK, "--no-calibrate"),
    "diff": ("diff", "results", "results"),
    "check": ("tune", "testkit/walk-search", "--budget", "smoke", "--check"),
}
TRAIN = ("run", *WALK, "--seeds", "4", "--tasks", "field/calm", "--variants", "drift")
ENDINGS = "line endings were changed from LF to CRLF, as git does under core.autocrlf; the numbers are the same"


@pytest.fixture(scope="module")
def imported(tmp_path_factory, two_seeds, forks):
    """A folder with results: seeds 0 and 1 of the walk, and three imported cells."""
    root = tmp_path_factory.mktemp("imported")
    folder = root / "place"
    shutil.copytree(two_seeds, folder / "results")
    (root / "mine.csv").write_text("seed,step,position\n0,1,0.5\n0,2,0.7\n1,1,0.4\n1,2,0.9\n")
    for name, task in (("mine", "field/calm"), ("mine", "field/windy"), ("other", "field/calm")):
        words = ("import", "../mine.csv", "--experiment", *WALK, "--as", name, "--task", task)
        assert forks(folder, *words).status == 0
    return folder


@pytest.fixture
def place(tmp_path, imported):
    """A copy of it that a test may change."""
    return Path(shutil.copytree(imported, tmp_path / "place"))


def said(done):
    """All words of a command, however they were wrapped."""
    return " ".join((done.out + done.err).split())


def git(folder, *words):
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@localhost", "-c", "core.autocrlf=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def clone(place, to):
    """A clone by a git that changes line endings."""
    shutil.rmtree(place / "results" / ".work")
    git(place, "init", "-q")
    git(place, "add", "-f", ".")
    git(place, "commit", "-qm", "results")
    subprocess.run(["git", "clone", "-q", "-c", "core.autocrlf=true", place, to], check=True)
    return to


def test_a_clone_with_other_line_endings(forks, place, tmp_path):
    cell = cell_of(seeds=2)
    there = clone(place, tmp_path / "a clone's")
    csv = Store(there / "results").csv_path(cell)
    assert csv.read_bytes().count(b"\r\n") == 61
    verified = forks(there, "verify")
    assert verified.status == 1
    lines = said(verified)
    assert lines.startswith(f"damaged: 4 files, such as testkit/walk/smoke/field-calm--drift.csv: {ENDINGS}")
    assert lines.count(ENDINGS) == 1, "one cause, one sentence"
    assert lines.endswith("0 of 4 files are as they were written")
    for name, words in READING.items():
        done = forks(there, *words)
        assert done.status == {"check": 4, "diff": 1, "plot": 1}.get(name, 0), (name, done)
        if name not in ("list", "logs", "check"):
            assert said(done).count(ENDINGS) == 1, name
    refused = forks(there, *TRAIN)
    assert refused.status == 1
    (line,) = refused.err.splitlines()
    assert line.startswith(
        f"svgbench: testkit/walk would be run again, but no result is lost: {ENDINGS}; to repair: cd "
    )
    assert not list((there / "results").rglob("block-*"))

    measured = there / "results" / "testkit" / "walk" / "smoke" / "field-calm--other.csv"
    measured.write_bytes(crlf(b"seed,step,position\n0,1,0.5\n"))  # not in git: a remedy must not take it back
    remedy = line.partition("; to repair: ")[2]
    subprocess.run(["bash", "-c", remedy], cwd=tmp_path, check=True)
    assert measured.read_bytes() == b"seed,step,position\n0,1,0.5\n"
    git(there, "checkout", "--", measured)
    mended = forks(there, "verify")
    assert mended.status == 0, mended.out
    assert csv.read_bytes() == Store(place / "results").csv_path(cell).read_bytes()
    git(there, "add", "-A")
    git(there, "commit", "-qm", "no text")
    subprocess.run(["git", "clone", "-q", "-c", "core.autocrlf=true", there, tmp_path / "third"], check=True)
    assert forks(tmp_path / "third", "verify").status == 0, "and it does not come back"


def test_our_own_results_are_no_text_to_git():
    asked = ["git", "check-attr", "text", "--", "results/maac/fig3/paper/some--cell.csv", "results/x/y/z/a--b.json"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [line.rpartition(": ")[2] for line in told.splitlines()] == ["unset", "unset"]


def crlf(data):
    return data.replace(b"\n", b"\r\n")


MENDABLE = {
    "endings": ("csv", crlf, "to repair: cd "),
    "old endings": ("csv", lambda data: data.replace(b"\n", b"\r"), ENDINGS),
    "a mark": ("csv", lambda data: b"\xef\xbb\xbf" + data, "a byte-order mark was put before it"),
    "a mark and endings": ("csv", lambda data: b"\xef\xbb\xbf" + crlf(data), ENDINGS),
    "a pointer": (
        "csv",
        lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
        "git lfs pull",
    ),
    "a pointer for the JSON": (
        "json",
        lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
        "git lfs pull",
    ),
    "a newer format": (
        "json",
        lambda data: data.replace(b'"format": 2', b'"format": 3'),
        "a newer svgbench wrote it, in format 3; this one reads format 2",
    ),
    "a merge": ("csv", lambda data: b"<<<<<<< HEAD\n" + data + b"=======\n>>>>>>> other\n", "conflict markers of git"),
    "a merge of the JSON": (
        "json",
        lambda data: data.replace(b"\n", b"\n<<<<<<< HEAD\n", 1),
        "conflict markers of git",
    ),
}


@pytest.mark.parametrize("how", MENDABLE)
def test_a_file_in_another_form_is_refused_with_its_cause_and_not_trained_again(forks, place, how):
    kind, change, words = MENDABLE[how]
    path = Store(place / "results").csv_path(cell_of(seeds=2)).with_suffix(f".{kind}")
    whole = path.read_bytes()
    path.write_bytes(change(whole))
    verified = forks(place, "verify")
    assert verified.status == 1
    assert words in said(verified)
    table = forks(place, "table", "testkit/walk")
    assert table.status == 0
    assert path.name in said(table), "whatever the cause, a single file is named"
    refused = forks(place, *TRAIN)
    assert refused.status == 1
    (line,) = refused.err.splitlines()
    assert words in line
    path.write_bytes(whole)
    assert forks(place, "verify").status == 0


@pytest.mark.parametrize("change", [crlf, lambda data: b"\xef\xbb\xbf" + data], ids=["endings", "mark"])
def test_a_json_in_another_form_says_the_same(forks, place, change):
    """No hash is over its bytes."""
    path = Store(place / "results").json_path(cell_of(seeds=2))
    path.write_bytes(change(path.read_bytes()))
    assert forks(place, "verify").status == 0


def test_a_torn_file_of_other_endings_is_still_torn(forks, place):
    path = Store(place / "results").csv_path(cell_of(seeds=2))
    path.write_bytes(crlf(path.read_bytes().replace(b"0,1,0.8", b"0,1,0.9")))
    verified = said(forks(place, "verify"))
    assert "line endings" not in verified
    assert "its first or last line is not whole" in verified


STRAYS = (
    *(
        "._field-calm--drift.json",
        "._field-calm--drift.csv",
        ".DS_Store",
        "Thumbs.db",
        "notes.txt",
        "foo.json",
        "a.csv",
    ),
    *("field-calm--drift.csv~", "field-calm--drift.json.orig", ".field-calm--drift.csv.abc.tmp", "desktop.ini"),
)


def litter(folder, cell):
    """Every kind of stray file in a results folder."""
    home = Store(folder / "results").csv_path(cell).parent
    for name in STRAYS:
        for where in (home, home.parent, home.parent.parent.parent, home.parent / "paper"):
            where.mkdir(exist_ok=True)
            (where / name).write_bytes(b"\x00\x05\x16\x07 not ours")
    (home / "old").mkdir()
    shutil.copy(home / "field-calm--drift.json", home / "old" / "field-calm--drift.json")
    (home / "field-calm--folder.json").mkdir()
    for kind in ("csv", "json"):
        for of, more in (("mine", " (1)"), ("mine", "-copy"), ("mine", ".sync-conflict-20261128"), ("drift", "-old")):
            shutil.copy(home / f"field-calm--{of}.{kind}", home / f"field-calm--{of}{more}.{kind}")
    (home / "loop").symlink_to(home)
    (home / "nothing.txt").symlink_to("nowhere")


def test_strays_change_nothing(forks, place):
    before = {name: forks(place, *words) for name, words in READING.items()}
    litter(place, cell_of(seeds=2))
    for name, words in READING.items():
        assert forks(place, *words) == before[name], name
    verified = forks(place, "verify")
    assert verified.status == 0
    assert re.search(r"not svgbench's, not read, harmless: \d+ files, such as", said(verified))
    assert "4 of 4 files are as they were written" in verified.out
    rows = forks(place, "verify", "--json").json
    assert {row["status"] for row in rows} == {"ok", "undeclared", "stray"}
    (copy,) = [row for row in rows if "-copy" in row["file"]]
    assert copy["note"] == "a copy of the cell field-calm--mine under another name, not read"


def test_halves_of_pairs(forks, place):
    """A CSV without its JSON, a JSON without its CSV, links to files not fetched: reported, and no command stops."""
    store, cell = Store(place / "results"), cell_of(seeds=2)
    home = store.csv_path(cell).parent
    (home / "field-calm--mine.csv").unlink()
    (home / "field-windy--mine.json").unlink()
    store.csv_path(cell).unlink()
    store.csv_path(cell).symlink_to("../nowhere")
    for name, words in READING.items():
        assert forks(place, *words).status == {"check": 4, "diff": 1}.get(name, 0), name
    verified = forks(place, "verify", "--json")
    assert verified.status == 1
    assert {row["file"].rpartition("/")[2]: row["status"] for row in verified.json} == {
        "field-calm--drift.csv": "damaged",
        "field-calm--mine.csv": "damaged",
        "field-calm--other.csv": "undeclared",
        "field-windy--mine.csv": "orphan",
    }
    table = forks(place, "table", "testkit/walk")
    assert "field-calm--mine.csv is damaged: it is gone" in table.out
    store.json_path(cell).unlink()
    store.json_path(cell).symlink_to("nowhere")
    assert forks(place, "status", "testkit/walk").status == 0
    assert "it is a link to a file that is not here" in said(forks(place, "verify"))
    assert forks(place, *TRAIN).status == 1, "what was not fetched is not trained again"


def test_files_that_may_not_be_read(forks, place):
    store, cell = Store(place / "results"), cell_of(seeds=2)
    for path in (store.csv_path(cell), store.json_path(cell)):
        path.chmod(0)
        for name, words in READING.items() if path.suffix == ".csv" else (("table", READING["table"]),):
            done = forks(place, *words, meek=True)
            assert done.status == {"check": 4, "diff": 1}.get(name, 0), (name, done)
        assert "it cannot be read: Permission denied" in said(forks(place, "verify", meek=True))
        refused = forks(place, *TRAIN, meek=True)
        assert refused.status == 1
        assert re.fullmatch(r"svgbench: .* it cannot be read: Permission denied\n", refused.err)
        path.chmod(0o644)


@pytest.fixture
def read_only(place):
    folders = [Path(folder) for folder, _, _ in os.walk(place / "results")]
    for folder in folders:
        folder.chmod(0o555)
    yield place
    for folder in folders:
        folder.chmod(0o755)


def test_a_folder_that_can_only_be_read(forks, read_only):
    for name, words in READING.items():
        meek = forks(read_only, *words, meek=True)
        assert meek.status == {"check": 4}.get(name, 0), (name, meek)
        if name in ("status", "table"):
            assert meek == forks(read_only, *words), "the same as for who may write"
    assert forks(read_only, "verify", meek=True).status == 0
    before = sorted(read_only.rglob("*"))
    planned = forks(read_only, "plan", *TRAIN[1:], meek=True)
    assert planned.status == 0
    assert "2 of 4 runs missing" in planned.out
    assert re.search(r"about \d+ s with 1 process on this machine", planned.out), "measured, although nowhere kept"
    assert "what was measured is not kept" in planned.err
    refused = forks(read_only, *TRAIN, meek=True)
    assert refused.status == 1
    (line,) = refused.err.splitlines()
    assert line.startswith(f"svgbench: {read_only}/results/")
    assert line.endswith("Permission denied: results cannot be written there; name another folder with --results")
    assert sorted(read_only.rglob("*")) == before


def test_only_the_cells_own_folder_can_only_be_read(forks, place):
    """The block would train, and fail when it delivers."""
    home = Store(place / "results").csv_path(cell_of(seeds=2)).parent
    home.chmod(0o555)
    refused = forks(place, *TRAIN, meek=True)
    home.chmod(0o755)
    assert refused.status == 1
    assert refused.err.startswith(f"svgbench: {home}: Permission denied: results cannot be written there")


@pytest.mark.parametrize("what", ["missing", "a file"])
def test_results_that_are_no_folder(forks, place, what):
    root = place / "elsewhere"
    if what == "a file":
        root.write_text("not a folder")
    for name, words in READING.items():
        if name in ("diff", "plot"):
            continue
        done = forks(place, *words, "--results", str(root))
        assert done.status == (4 if name == "check" else 0), (name, done)
        if name not in ("check", "plan"):
            assert ("is a file; expected a results folder" if what == "a file" else "there is no folder") in done.err
    assert "4 of 4 runs missing" in forks(place, "plan", *TRAIN[1:], "--no-calibrate", "--results", str(root)).out
    assert root.exists() == (what == "a file")
    if what == "a file":
        refused = forks(place, *TRAIN, "--results", str(root))
        assert refused.status == 1
        assert refused.err.startswith(f"svgbench: {root}: Not a directory: results cannot be written there")
