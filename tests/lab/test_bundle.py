"""Archives of results: equal bytes, hostile tars, damaged and cut files, a server that misbehaves."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import shutil
import tarfile
import threading

import numpy as np
import pytest
from harness import ROOT, cell_of, forks

from svgbench.lab import policies
from svgbench.lab.bundle import INDEX, Archive, bundle, read_index
from svgbench.lab.fetch import fetch
from svgbench.lab.reference import FETCHED, Reference, ReferredStore, fetched, reference_of, reference_root
from svgbench.lab.store import Store
from svgbench.lab.unpack import unpack
from svgbench.words.errors import DamagedError, UsageError
from svgbench.words.policy import TrainedPolicy

NAME = "testkit/walk/smoke/field-calm--drift"


@pytest.fixture
def packed(two_seeds, tmp_path):
    bundle(two_seeds, (), tmp_path / "packed", "1.2.3")
    return tmp_path / "packed"


def test_equal_results_give_equal_bytes(two_seeds, packed, tmp_path):
    copy = shutil.copytree(two_seeds, tmp_path / "copy")  # other times, another order of files
    (copy / "README.md").write_text("not svgbench's")
    (copy / "testkit/walk/smoke/notes--mine.txt").write_text("not svgbench's")
    cell = Store(copy).csv_path(cell_of(seeds=2))
    cell.write_bytes(cell.read_bytes() + b"7,0,1.0,1.0\n")  # a seed that the JSON does not list does not exist
    bundle(copy, ("testkit",), tmp_path / "again", "1.2.3")
    names = sorted(path.name for path in packed.iterdir())
    assert names == [INDEX, "svgbench-results-testkit.tar.gz"]
    for name in names:
        assert (packed / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_archive_holds_the_cells_and_nothing_else(two_seeds, packed):
    assert (two_seeds / ".work").is_dir()
    with tarfile.open(packed / "svgbench-results-testkit.tar.gz") as tar:
        members = tar.getmembers()
    assert [m.name for m in members] == [f"{NAME}.csv", f"{NAME}.json"]
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, 0, "", "")}


def test_a_damaged_cell_is_not_packed(half_done, tmp_path):
    path = half_done.store.csv_path(cell_of(seeds=2))
    path.write_bytes(path.read_bytes().replace(b"0,1,0", b"0,1,1", 1))
    with pytest.raises(DamagedError, match="seed 0"):
        bundle(half_done.results, (), tmp_path / "packed", "1.2.3")
    assert not (tmp_path / "packed" / INDEX).exists()


def test_an_unknown_work_is_refused(two_seeds, tmp_path):
    with pytest.raises(UsageError, match="did you mean 'testkit'"):
        bundle(two_seeds, ("tetskit",), tmp_path / "packed", "1.2.3")
    assert not (tmp_path / "packed").exists()


@pytest.mark.parametrize("how", ["", INDEX, "svgbench-results-testkit.tar.gz"])
def test_a_folder_an_index_and_an_archive_are_sources(packed, tmp_path, two_seeds, how):
    root = tmp_path / "data"
    (first,) = fetch(str(packed / how), (), root)
    assert first.new
    for ending in (".csv", ".json"):
        path = first.folder / f"{NAME}{ending}"
        assert path.read_bytes() == (two_seeds / f"{NAME}{ending}").read_bytes()
        assert path.stat().st_mode & 0o777 == 0o444
    listed = (root / FETCHED).stat().st_mtime_ns
    (second,) = fetch(str(packed / how), ("testkit",), root)
    assert (second.new, second.folder) == (False, first.folder)
    assert (root / FETCHED).stat().st_mtime_ns == listed
    assert sorted(path.name for path in root.iterdir()) == sorted([".lock", FETCHED, first.folder.name])


def test_what_was_lost_is_fetched_again(packed, tmp_path):
    (first,) = fetch(str(packed), (), tmp_path / "data")
    (first.folder / f"{NAME}.csv").unlink()
    (second,) = fetch(str(packed), (), tmp_path / "data")
    assert second.new
    assert (first.folder / f"{NAME}.csv").is_file()


def test_a_newer_archive_replaces_the_older(packed, tmp_path, half_done):
    root = tmp_path / "data"
    (old,) = fetch(str(packed), (), root)
    (root / ".part-of-a-killed-fetch").mkdir()
    assert half_done.walk("--seeds", "2", "--variants", "still").status == 0
    bundle(half_done.results, (), tmp_path / "newer", "1.2.3")
    (new,) = fetch(str(tmp_path / "newer"), (), root)
    assert fetched(root)["testkit"]["sha256"] == new.folder.name
    assert sorted(path.name for path in root.iterdir()) == sorted([".lock", FETCHED, new.folder.name])
    assert old.folder != new.folder


def test_small_policies_of_finished_seeds_are_packed(half_done, tmp_path):
    cell, store = cell_of(seeds=2), half_done.store
    rows = store.csv_path(cell).read_text().splitlines(keepends=True)[1:]
    text = {seed: "".join(row for row in rows if row.startswith(f"{seed},")) for seed in (0, 1)}
    small, large = (policy_of(width) for width in (2, 600))
    policies.keep(store, cell, 0, small, text[0])
    policies.keep(store, cell, 1, small, "rows of another run")
    policies.keep(store, cell, 5, small, text[0])  # a seed that is not done
    bundle(half_done.results, (), tmp_path / "packed", "1.2.3")
    (got,) = fetch(str(tmp_path / "packed"), (), tmp_path / "data")
    kept = f".policies/{NAME}/seed-0000.npz"
    assert got.archive.files == 3
    assert (got.folder / kept).read_bytes() == (half_done.results / kept).read_bytes()
    assert not fetch(str(tmp_path / "packed"), (), tmp_path / "data")[0].new
    policies.keep(store, cell, 0, large, text[0])
    assert bundle(half_done.results, (), tmp_path / "packed", "1.2.3").archives[0].files == 2


def policy_of(width):
    vector = np.ones(width)
    return TrainedPolicy(vector, vector, 0.0, (np.ones((width, width)),), (vector,), "tanh", False, vector, vector)


def entry(name=f"{NAME}.csv", data=b"0,1\n", kind=tarfile.REGTYPE, **fields):
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, len(data)
    for field, value in fields.items():
        setattr(member, field, value)
    return member, data


def tarball(*entries, form=tarfile.USTAR_FORMAT):
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w", format=form) as tar:
        for member, data in entries:
            tar.addfile(member, io.BytesIO(data))
    return text.getvalue()


def unpacked(data, folder, unpacked_bytes=4, files=1):
    """Unpack a tar as if the index named it, under `folder`/in."""
    path = folder / "hostile.tar.gz"
    path.write_bytes(gzip.compress(data, 1))
    archive = Archive(work="testkit", file=path.name, bytes=1, sha256="0" * 64, files=files, unpacked=unpacked_bytes)
    unpack(path, archive, folder / "in")


def test_a_plain_archive_is_unpacked(tmp_path):
    unpacked(tarball(entry()), tmp_path)
    assert (tmp_path / "in" / f"{NAME}.csv").read_bytes() == b"0,1\n"


@pytest.mark.parametrize(
    "name",
    [
        f"/{NAME}.csv",
        "testkit/../smoke/field-calm--drift.csv",
        "../walk/smoke/field-calm--drift.csv",
        "testkit/walk/smoke/../field-calm--drift.csv",
        "testkit/walk/smoke/..--drift.csv",
        f"other/{NAME.partition('/')[2]}.csv",
        "testkit/walk/huge/field-calm--drift.csv",
        "testkit/.walk/smoke/field-calm--drift.csv",
        f".work/{NAME}.csv",
        f"{NAME}.pt",
        f".policies/{NAME}/seed-0000.pkl",
        f".policies/{NAME}/../seed-0000.npz",
        f".policies/../{NAME}/seed-0000.npz",
        f".policies/{NAME.replace('testkit', 'other')}/seed-0000.npz",
        f"{NAME}/seed-0000.npz",
        f"{NAME}.csv/",
        f"{NAME}\n.csv",
        f"{NAME}.csv/more.csv",
        "C:\\walk\\smoke\\a--b.csv",
    ],
)
def test_a_name_that_is_no_cells_is_refused(tmp_path, name):
    with pytest.raises(DamagedError, match=r"is not a (file of testkit's results|plain file)"):
        unpacked(tarball(entry(name)), tmp_path)
    assert not (tmp_path / "in").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hostile.tar.gz"]


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_only_plain_files_are_unpacked(tmp_path, kind):
    with pytest.raises(DamagedError, match="is not a plain file"):
        unpacked(tarball(entry(data=b"", kind=kind, linkname="/etc/passwd")), tmp_path)
    assert not (tmp_path / "in").exists()


def test_headers_that_change_the_next_entry_are_refused(tmp_path):
    long = entry("testkit/walk/smoke/" + "a" * 200 + "--b.csv")
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        with pytest.raises(DamagedError, match="is not a plain file"):
            unpacked(tarball(long, form=form), tmp_path)


def test_no_size_is_believed(tmp_path):
    bomb = tarball(entry(data=bytes(10**7)))
    with pytest.raises(DamagedError, match="more than the index says"):
        unpacked(bomb, tmp_path)
    assert not list(tmp_path.rglob("*.csv"))
    huge, _ = entry()
    huge.size = 10**15
    with pytest.raises(DamagedError, match="more than the index says"):
        unpacked(huge.tobuf(tarfile.GNU_FORMAT) + bytes(1024), tmp_path)
    with pytest.raises(DamagedError, match="more than the index says"):
        unpacked(tarball(entry(), entry(f"{NAME}.json")), tmp_path)
    with pytest.raises(DamagedError, match="less than the index says"):
        unpacked(tarball(entry("testkit/walk/smoke/a--b.csv")), tmp_path, 8, 2)


def test_a_name_that_is_there_twice_is_refused(tmp_path):
    with pytest.raises(DamagedError, match="is there twice"):
        unpacked(tarball(entry(), entry()), tmp_path, 8, 2)


def test_a_cut_or_changed_archive_leaves_nothing(packed, tmp_path):
    path, root = packed / "svgbench-results-testkit.tar.gz", tmp_path / "data"
    whole = path.read_bytes()
    for wrong, why in (
        (whole[:-9], "is cut"),
        (whole[:-9] + bytes(9), "not what the index says"),
        (whole * 2, "larger"),
    ):
        path.write_bytes(wrong)
        with pytest.raises(DamagedError, match=why):
            fetch(str(packed), (), root)
        assert [path.name for path in root.iterdir()] == [".lock"]
    for cut in (whole[: len(whole) // 2], whole[:2], b"", b"not gzip", gzip.compress(b"not a tar" * 99)):
        path.write_bytes(cut)  # with an index that agrees
        index = json.loads((packed / INDEX).read_bytes())
        index["archives"][0] |= {"bytes": max(len(cut), 1), "sha256": hashlib.sha256(cut).hexdigest()}
        (packed / INDEX).write_text(json.dumps(index))
        with pytest.raises(DamagedError):
            fetch(str(packed), (), root)
        assert [path.name for path in root.iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file", "../../etc/passwd"),
        ("file", "/etc/passwd"),
        ("work", ".."),
        ("work", "a/b"),
        ("sha256", "../" * 21 + "x"),
        ("bytes", 10**12),
        ("bytes", "12"),
        ("files", -1),
        ("unpacked", 1e300),
        ("unpacked", None),
    ],
)
def test_a_wrong_index_is_refused(packed, field, value):
    index = json.loads((packed / INDEX).read_bytes())
    index["archives"][0][field] = value
    with pytest.raises(DamagedError, match=rf"archives\.0\.{field}"):
        read_index(json.dumps(index).encode(), "here")


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"[" * 10**5, b"\xff", b'{"format": 2}', b'{"format": NaN}'])
def test_what_is_no_index_is_refused(text):
    with pytest.raises(DamagedError, match="here is no index"):
        read_index(text, "here")


@pytest.mark.parametrize("folder", ["..", "/", "", "a" * 64 + "/.."])
def test_a_list_that_names_another_folder_is_refused(tmp_path, folder):
    (tmp_path / FETCHED).write_text(json.dumps({"testkit": {"sha256": folder, "svgbench": "1"}}))
    with pytest.raises(DamagedError, match="remove it and fetch again"):
        fetched(tmp_path)


def test_a_folder_of_results_is_not_fetched_into(packed, half_done):
    before = sorted(half_done.results.rglob("*"))
    with pytest.raises(UsageError, match="results of its own"):
        fetch(str(packed), (), half_done.results)
    assert sorted(half_done.results.rglob("*")) == before


class Server(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.server.target + self.path.removeprefix("/moved"))
            self.end_headers()
        elif self.path.startswith("/short/") and self.path.endswith(".gz"):
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"only this")
        elif self.path.startswith("/short/"):
            self.path = self.path.removeprefix("/short")
            super().do_GET()
        else:
            super().do_GET()

    def log_message(self, *_):
        """Nothing: the tests' output is not the place."""


@pytest.fixture
def server(packed):
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *how: Server(*how, directory=str(packed)))
    made.target = ""
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize("how", ["", "/", "/index.json?download=1", "/svgbench-results-testkit.tar.gz", "/moved/"])
def test_fetch_from_a_server(server, tmp_path, how):
    (first,) = fetch(f"http://127.0.0.1:{server.server_port}{how}", (), tmp_path / "data")
    assert (first.folder / f"{NAME}.csv").is_file()


def test_a_server_that_fails(server, tmp_path):
    base, root = f"http://127.0.0.1:{server.server_port}", tmp_path / "data"
    with pytest.raises(OSError, match="404") as missing:
        fetch(f"{base}/nowhere/", (), root)
    assert missing.value.filename == f"{base}/nowhere/index.json"
    with pytest.raises(DamagedError, match="is cut: 9 bytes"):
        fetch(f"{base}/short/", (), root)
    server.target = "file:///etc"
    with pytest.raises(OSError, match="file"):
        fetch(f"{base}/moved/index.json", (), root)
    server.target = "ftp://127.0.0.1:9"
    with pytest.raises(OSError, match="ftp"):
        fetch(f"{base}/moved/index.json", (), root)
    server.shutdown()
    server.server_close()
    with pytest.raises(OSError, match="refused"):
        fetch(base, (), root)
    assert not fetched(root)


@pytest.mark.parametrize("source", ["ftp://host/index.json", "file:///etc/passwd", "nowhere", "https:", __file__])
def test_a_source_that_is_none_is_refused(tmp_path, source):
    with pytest.raises(UsageError, match=r"expected|no file or folder"):
        fetch(source, (), tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("source", ["http://[::1", "http://host:port/", "http://127.0.0.1/é.json", "https://a b/"])
def test_what_is_no_address_is_refused(tmp_path, source):
    with pytest.raises(UsageError, match="not a web address"):
        fetch(source, (), tmp_path / "data")


def test_own_cells_come_first_and_the_reference_is_never_written(two_seeds, bench):
    before = {path: path.stat().st_mtime_ns for path in two_seeds.rglob("*")}
    drift, still = cell_of(seeds=2), cell_of(seeds=2, variant="still")
    assert bench.walk("--seeds", "1", "--variants", "still").status == 0
    store = ReferredStore(bench.results, Reference(two_seeds, "made here"))
    assert store.is_lent("testkit/walk", "smoke", drift.name)
    assert not store.is_lent("testkit/walk", "smoke", still.name)
    assert (store.state(drift).done, store.state(still).done) == ((0, 1), (0,))
    assert store.rows(drift) == Store(two_seeds).rows(drift)
    assert store.variants("testkit/walk", "smoke") == {"drift", "still"}
    store.csv_path(still).unlink()  # damaged, and still one's own
    assert store.state(still).status == "failed"
    assert {path: path.stat().st_mtime_ns for path in two_seeds.rglob("*")} == before


def test_the_order_in_which_reference_results_are_looked_for(packed, two_seeds, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("SVGBENCH_REFERENCE", raising=False)
    committed = reference_of("maac")
    assert committed == Reference(ROOT / "results", "committed with svgbench")
    assert reference_of("testkit") is None
    (got,) = fetch(str(packed), (), reference_root())
    assert got.folder.is_relative_to(tmp_path)
    assert reference_of("testkit") == Reference(got.folder, "fetched, svgbench 1.2.3")
    assert reference_of("maac") == committed
    monkeypatch.setenv("SVGBENCH_REFERENCE", str(two_seeds))
    assert reference_of("testkit") == Reference(two_seeds, str(two_seeds))
    monkeypatch.setenv("SVGBENCH_REFERENCE", str(tmp_path / "nowhere"))
    assert reference_of("maac") is None


def reading(bench, words, reference):
    bench.environment |= {"SVGBENCH_REFERENCE": str(reference)}
    return bench(*words)


def test_commands_read_the_reference_only_when_asked(two_seeds, bench, tmp_path):
    words = ("table", "testkit/walk", "--budget", "smoke", "--json")
    without = reading(bench, words, two_seeds)
    assert not [row for row in without.json if row["n"]]
    done = reading(bench, (*words, "--with-reference"), two_seeds)
    assert [row["variant"] for row in done.json if row["n"]]
    assert reading(bench, ("list", "testkit/walk", "--json", "--with-reference"), two_seeds).json[0]["runs_done"]
    plotted = reading(
        bench, ("plot", "testkit/walk", "--budget", "smoke", "--with-reference", "--output", str(tmp_path)), two_seeds
    )
    assert plotted.status == 0, plotted.err
    assert "reference results" in plotted.err
    assert not bench.results.exists()


def test_the_commands_bundle_and_fetch(two_seeds, bench, tmp_path):
    shutil.copytree(two_seeds, bench.results)
    assert bench("bundle", "testkit", "--output", str(tmp_path / "packed")).status == 0
    shutil.rmtree(bench.results)
    empty = reading(bench, ("list", "testkit"), tmp_path / "data")
    assert "svgbench fetch SOURCE" in empty.err
    refused = bench("compare", "testkit/walk", "--with-reference")
    assert refused.status == 2
    assert "`svgbench fetch SOURCE testkit` gets them" in refused.err
    environment = {"SVGBENCH_REFERENCE": str(tmp_path / "data")}
    got = forks()(tmp_path, "fetch", str(tmp_path / "packed"), environment=environment)
    assert got.status == 0, got.err
    assert "testkit: 2 files" in got.out
    assert "--with-reference reads them" in bench("list", "testkit").err
    compared = bench("compare", "testkit/walk", "--with-reference", "--budget", "smoke")
    assert compared.status == 0, compared.err
    assert "reference results (fetched" in compared.err
