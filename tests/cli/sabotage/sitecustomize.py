"""Kills a block's process, or a supervisor, in the middle of a chosen system call. Python imports this file at its
start when its folder is on PYTHONPATH, which it is only for the tests that ask for it; the shipped code knows nothing
of it.

SABOTAGE is JSON: `call` ("fsync", "replace", "unlink" or "rmdir"), `path` (a regular expression for the file), `nth`
(1 is the first such call), `after` (let the call happen first), `who` ("block": kill the supervisor first, then the
block; "supervisor": kill it alone).
Before a sabotaged fsync half of the file is cut off: what a process killed while it writes leaves behind.
INTERRUPT_AT is the name of a module: Ctrl-C is pressed while it is imported.
LOCKS is the name of an error with which every lock fails; or "own" for locks that only this process sees.
HOST is the name of this machine.
"""

import errno
import fcntl
import json
import os
import re
import signal
import socket
import sys


def _sabotage(call, path, who, nth=1, after=False):
    real = getattr(os, call)
    calls = 0

    def wrapped(*args, **kwargs):
        nonlocal calls
        target = os.readlink(f"/proc/self/fd/{args[0]}") if call == "fsync" else os.fspath(args[-1])
        if not re.search(path, target):
            return real(*args, **kwargs)
        calls += 1
        if calls < nth:
            return real(*args, **kwargs)
        if after:
            real(*args, **kwargs)
        elif call == "fsync":
            os.ftruncate(args[0], os.fstat(args[0]).st_size // 2)
        if who == "block":
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(os, call, wrapped)


if "SABOTAGE" in os.environ:
    _case = json.loads(os.environ["SABOTAGE"])
    if {"block": "svgbench.lab.block", "supervisor": "svgbench.cli"}[_case["who"]] in sys.orig_argv:
        _sabotage(**_case)


class _Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            os.kill(os.getpid(), signal.SIGINT)


if "INTERRUPT_AT" in os.environ:
    sys.meta_path.insert(0, _Interrupt())


def _flock(handle, how):
    if os.environ["LOCKS"] != "own":
        raise OSError(getattr(errno, os.environ["LOCKS"]), os.strerror(getattr(errno, os.environ["LOCKS"])))


if "LOCKS" in os.environ:
    fcntl.flock = _flock
if "HOST" in os.environ:
    socket.gethostname = lambda: os.environ["HOST"]
