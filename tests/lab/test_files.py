"""Whole files and locks."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys

import pytest

from svgbench.lab.files import is_locked, locked, remove_temporaries, write_atomic
from svgbench.words.errors import BusyError


def test_a_file_is_whole_and_nothing_else_is_there(tmp_path):
    path = tmp_path / "new" / "folder" / "ä b.csv"
    for data in (b"one", b"another", b""):
        write_atomic(path, data)
        assert path.read_bytes() == data
        assert list(path.parent.iterdir()) == [path]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask, "others may read results"


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "chmod"])
def test_a_full_disk_leaves_the_old_file_and_names_it(tmp_path, monkeypatch, call):
    path = tmp_path / "cell.csv"
    write_atomic(path, b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some temporary")

    if call == "write":
        real = os.fdopen
        monkeypatch.setattr(os, "fdopen", lambda *a: type("File", (), {
            "__enter__": lambda self: self, "__exit__": lambda *_: real(*a).close(), "write": full})())  # fmt: skip
    else:
        monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomic(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "folder" / "cell.csv"
    with pytest.raises(OSError, match="Not a directory") as caught:
        write_atomic(path, b"")
    assert caught.value.filename == str(path)


def test_temporaries_of_one_path_only(tmp_path):
    path = tmp_path / "a[1].csv"
    mine, others = tmp_path / ".a[1].csv.x.tmp", [tmp_path / ".a1.csv.x.tmp", tmp_path / ".b.csv.x.tmp", path]
    for file in (mine, *others):
        file.touch()
    remove_temporaries(path)
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_a_lock_excludes_and_ends_with_its_holder(tmp_path):
    path = tmp_path / "folder" / "lock"
    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)
        with pytest.raises(BusyError, match="lock is held by another process"), locked(path, wait=0.05):
            raise AssertionError
    assert not is_locked(path)
    with locked(path, wait=0.0):
        pass


def test_asking_does_not_look_like_holding(tmp_path):
    import fcntl

    path = tmp_path / "lock"
    path.touch()
    with path.open() as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        assert not is_locked(path), "two who only ask, at the same moment"


def test_a_killed_process_holds_no_lock(tmp_path):
    path = tmp_path / "lock"
    code = f"""if True:
        import pathlib, sys, time
        from svgbench.lab.files import locked
        with locked(pathlib.Path({str(path)!r})):
            print("held", flush=True)
            time.sleep(3600)
    """
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        assert is_locked(path)
        process.kill()
        process.wait()
    assert not is_locked(path)
