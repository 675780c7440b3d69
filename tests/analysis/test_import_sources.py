"""What is no file, archives, pipes: read once and hashed as they are read, or refused in one line."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import environment
from import_kit import OK, WORDS, Call, call, read, refused

from svgbench.analysis.read import import_source

__all__ = ["call"]  # a fixture


@pytest.mark.parametrize(
    ("name", "pack"), [("a.csv.gz", gzip.compress), ("a.csv.bz2", bz2.compress), ("a.csv.xz", lzma.compress)]
)
def test_archives_of_one_file_are_read(call: Call, name: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(OK.encode())
    done = call(packed, name)
    read(done)
    (meta,) = done.results.glob("*/*/*/*.json")
    assert json.loads(meta.read_text())["source_sha256"] == hashlib.sha256(packed).hexdigest()
    read(call(packed, "named-otherwise.csv", "--budget", "short", "--replace"))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_torn_archives_are_refused(call: Call, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(OK.encode() * 3)
    refused(call(packed[:-9], "torn"), "is a torn or damaged archive")
    middle = len(packed) // 2
    flipped = packed[:middle] + bytes([packed[middle] ^ 0x55]) + packed[middle + 1 :]
    refused(call(flipped, "flipped"))


def zipped(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


def test_zip_archives(call: Call) -> None:
    read(call(zipped({"__MACOSX/._a.csv": "x", "folder/": "", "folder/a.csv": OK}), "a.zip"))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.zip", zipped({"a.csv": OK, "b.csv": OK}), "is a zip archive of 2 files; expected one CSV"),
        ("a.zip", zipped({}), "is a zip archive of 0 files"),
        ("a.zip", zipped({"a.csv": OK})[:-30], "is a torn or damaged archive"),
        ("a.zip", zipped({"a.csv": OK})[:-6] + b"\xff\xff\xff\x00\x00\x00", "is a torn or damaged archive"),
        (
            "a.xlsx",
            zipped({"[Content_Types].xml": "", "xl/sheet.xml": ""}),
            "is an office document; save the sheet as CSV",
        ),
        ("a.csv.zip", OK.encode(), "is named .zip but is not a zip archive; if it is a CSV, name it .csv"),
        ("a.csv.gz", OK.encode(), "is named .gz but is not a gzip archive"),
        ("a.csv.zst", OK.encode(), "is named .zst but is not a Zstandard archive"),
        ("a.csv.zst", b"\x28\xb5\x2f\xfd\x24\x00", "is a Zstandard archive; unpack it first"),
        ("a.csv.gz", b"", "is empty"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("a.tar.gz", gzip.compress(b"a.csv\0\0\0\0\0000644" + OK.encode(), mtime=0), "is a binary file, not text"),
        ("a.csv.gz", gzip.compress(OK.encode(), mtime=0) + b"behind", "is a torn or damaged archive"),
    ],
)
def test_archives_that_are_none(call: Call, name: str, data: bytes, said: str) -> None:
    refused(call(data, name), said)


def test_a_path_that_is_not_a_file(call: Call, tmp_path: Path) -> None:
    refused(call(tmp_path), "is an empty folder; expected one with results in it")
    (tmp_path / "mine.csv").write_text(OK)
    refused(call(tmp_path / "mime.csv"), f"no file '{tmp_path}/mime.csv'; did you mean '{tmp_path}/mine.csv'?")
    refused(call(tmp_path / "nowhere" / "x.csv"), "no file")
    refused(call(tmp_path / "mine.csv" / "x.csv"), "cannot be read: Not a directory")
    refused(call(tmp_path / ("x" * 300)), "cannot be read: File name too long")
    (tmp_path / "loop").symlink_to("loop")
    refused(call(tmp_path / "loop"), "cannot be read: Too many levels of symbolic links")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "end"))
        refused(call(tmp_path / "end"), "cannot be read: No such device")
    refused(call(Path("/dev/null")), "is empty")
    refused(call(Path("/dev/zero")), "is a binary file, not text")
    refused(call(Path("/dev/urandom")), "binary file")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_an_unreadable_file(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(OK)
    (tmp_path / "mine.csv").chmod(0)
    refused(call(tmp_path / "mine.csv"), "cannot be read: Permission denied")


def test_endless_input_is_refused(call: Call, monkeypatch) -> None:
    monkeypatch.setattr(import_source, "MOST_BYTES", 100_000)
    refused(call(OK + "\n" * 100_000), "expected a CSV of at most 100000")
    refused(call(gzip.compress(OK.encode() + b"\n" * 1_000_000), "a.csv.gz"), "holds more than 100000 characters")


def test_a_named_pipe_is_read_once_and_hashed_as_it_is_read(call: Call, tmp_path: Path, monkeypatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("w") as file:
            time.sleep(0.3)  # whoever writes may take longer than somebody is waited for
            file.write(OK)

    monkeypatch.setattr(import_source, "WRITER_SECONDS", 0.2)
    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    done = call(pipe)
    writer.join(5)
    read(done)
    (meta,) = done.results.glob("*/*/*/*.json")
    about = json.loads(meta.read_text())
    assert (about["source"], about["source_sha256"]) == ("a pipe", hashlib.sha256(OK.encode()).hexdigest())


def test_a_named_pipe_without_a_writer(call: Call, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(import_source, "WRITER_SECONDS", 0.1)
    os.mkfifo(tmp_path / "pipe")
    refused(call(tmp_path / "pipe"), "is a pipe that nobody wrote to within 0.1 s")


@pytest.mark.parametrize(
    ("shell", "source"),
    [("{0} <(cat mine.csv) {1}", "a pipe"), ("cat mine.csv | {0} - {1}", "standard input")],
)
def test_pipes_of_the_shell(tmp_path: Path, shell: str, source: str) -> None:
    (tmp_path / "mine.csv").write_text(OK)
    words = f"{' '.join(WORDS)} --budget short --results results"
    command = shell.format(f"{sys.executable} -m svgbench.cli import", words)
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, env=environment(), timeout=60
    )
    assert done.returncode == 0, done.stderr
    (meta,) = tmp_path.glob("results/*/*/*/*.json")
    about = json.loads(meta.read_text())
    assert (about["source"], about["source_sha256"]) == (source, hashlib.sha256(OK.encode()).hexdigest())
