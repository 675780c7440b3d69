"""Runs commands in forks of one process, which has imported what they need: `python forking.py KIND < cases`.

KIND is "whole", with what is slow to import, or "quick", with the command line and the declarations only. The blocks
that a command starts are forks too, of the same code; `harness.Bench.start` starts programs, as a user does.

A case is one line of JSON: `words` and what a shell does before it starts a program: `folder`, `closed` file numbers,
`sink` and `messages` (files that standard output and error go to, or "pipe" for one that nobody reads), `environment`,
`encoding` of both streams, `meek` (root may not write or read what others may not), `modules` (a file for the names of
all packages that are imported at the end). The answer, a JSON line too, is the exit status, or 99 after a traceback,
and what was written to each stream.
"""

import ctypes
import gc
import io
import json
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path

PATIENCE = 90  # seconds until a command is ended; nothing is measured against it
THEIRS = []  # a supervisor's streams, kept in its blocks: at their end they would write what it has not written yet


def child(case, out, err):
    signal.alarm(PATIENCE)
    os.chdir(case["folder"])
    os.environ.update(case.get("environment", {}))
    if case.get("meek"):
        give_up_power()
    if case.get("sink") == "pipe":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(case["sink"], os.O_WRONLY) if "sink" in case else out
    os.dup2(writer, 1)
    os.dup2(os.open(case["messages"], os.O_WRONLY) if "messages" in case else err, 2)
    encoding = case.get("encoding", "utf-8")
    open_streams(encoding)
    for handle, name in enumerate(("stdin", "stdout", "stderr")):
        if handle in case.get("closed", ()):
            os.close(handle)
            setattr(sys, name, None)  # as Python starts with a closed one
    try:
        return run(case["words"])
    except BaseException:
        os.write(err, traceback.format_exc().encode())
        return 99
    finally:
        if "modules" in case:
            Path(case["modules"]).write_text(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))


def run(words):
    """The command in this process; its exit status."""
    from svgbench import cli

    sys.argv = ["svgbench", *words]
    try:
        cli.main()
    except SystemExit as end:
        return end.code


def open_streams(encoding="utf-8"):
    """New streams for standard output and error, whose files have changed."""
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(handle, "wb", closefd=False), encoding) for handle in (1, 2))


class Forked:
    """A block in a fork of its supervisor: `svgbench.lab.executor.Handle`."""

    def __init__(self, pid, lifeline):
        self.pid, self.lifeline, self.status = pid, lifeline, None

    def poll(self):
        if self.status is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if ended else None
        return self.status

    def stop(self):
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self):
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


class Forking:
    """What `svgbench.lab.executor.Local` does, without the start of a program."""

    def __init__(self, slots, devices=()):
        self.slots = slots

    def submit(self, placement):
        placement.log.parent.mkdir(parents=True, exist_ok=True)
        reader, lifeline = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = block(placement, reader)
            finally:  # nothing of the supervisor's may go on here
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        os.close(reader)
        return Forked(pid, lifeline)


def block(placement, reader):
    from svgbench.lab import block
    from svgbench.lab.executor import command
    from svgbench.lab.platform import environment

    os.setsid()
    signal.alarm(0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.update(environment(placement.threads))
    log = os.open(placement.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for handle, file in enumerate((reader, log, log)):
        os.dup2(file, handle)
    os.closerange(3, 256)  # the supervisor's locks and other blocks' lifelines
    THEIRS.extend((sys.stdout, sys.stderr))
    open_streams()
    return block.main(command(placement)[3:])


def give_up_power():
    """Drop the capabilities by which root ignores the permissions of files, here and in what is started from here."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 capabilities
    override, search = 1, 2
    if libc.capget(header, sets) == 0:
        for index in range(3):
            sets[index] &= ~(1 << override | 1 << search)
        libc.capset(header, sets)
    for capability in (override, search):
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP: what root would get back with a new program


def answer(case):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os._exit(child(case, out.fileno(), err.fileno()))
        _, status = os.waitpid(pid, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "surrogateescape"))
        return [os.waitstatus_to_exitcode(status), *texts]


QUICK = (("run", "testkit/walk", "-o", "steps=0"), ("status",), ("show", "testkit/walk", "--json"))
WHOLE = (("table", "testkit/walk"), ("verify",), ("plan", "testkit/walk", "--no-calibrate"))


def prepare(kind):
    """Import what the kind of commands needs and read all declarations, once, before the forks, by some commands."""
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        for words in QUICK if kind == "quick" else QUICK + WHOLE:
            run(words)
        os.chdir("/")
    if kind == "whole":
        import matplotlib.figure  # noqa: F401  # imported to be there
        import pandas  # noqa: F401  # imported to be there
        import scipy.stats  # noqa: F401  # imported to be there
        import seaborn  # noqa: F401  # imported to be there
        import svgbench_testkit.walk  # noqa: F401  # imported to be there

        from svgbench.lab import checkpoint, executor  # noqa: F401  # imported to be there

        executor.EXECUTORS["local"] = Forking
    gc.freeze()  # a fork would copy the memory of whatever is collected


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    messages = os.dup(2)
    for standard in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), standard)
    prepare(sys.argv[1])
    os.dup2(messages, 2)
    open_streams()
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()
