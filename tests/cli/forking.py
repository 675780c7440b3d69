"""Runs commands in forks of one process, which has imported what is slow: `python forking.py < cases`, one JSON a line.

A case is `words` and what a shell does before it starts a program: `folder`, `closed` file numbers, `sink` and
`messages` (files that standard output and error go to, or "pipe" for one that nobody reads), `environment`, `encoding`
of both streams, `meek` (root may not write or read what others may not). The answer, a JSON line too, is the exit
status, or 99 after a traceback, and what was written to each stream.
"""

import ctypes
import io
import json
import os
import sys
import tempfile
import traceback


def child(case, out, err):
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
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(handle, "wb", closefd=False), encoding) for handle in (1, 2))
    for handle, name in enumerate(("stdin", "stdout", "stderr")):
        if handle in case.get("closed", ()):
            os.close(handle)
            setattr(sys, name, None)  # as Python starts with a closed one
    from svgbench import cli

    sys.argv = ["svgbench", *case["words"]]
    try:
        cli.main()
    except SystemExit as end:
        return end.code
    except BaseException:
        os.write(err, traceback.format_exc().encode())
        return 99


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


if __name__ == "__main__":
    import matplotlib.figure  # noqa: F401  # imported once, before the forks
    import pandas  # noqa: F401
    import scipy.stats  # noqa: F401
    import seaborn  # noqa: F401

    import svgbench.commands.app  # noqa: F401
    from svgbench import reproduce
    from svgbench.study import Study

    for experiment in reproduce.experiments().values():
        Study(experiment, "nowhere").status()  # reads every declaration
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
