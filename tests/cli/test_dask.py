"""`--executor dask:ADDRESS` with a scheduler and workers as processes: kill any of them, and nothing is lost.

Most blocks sleep for an hour in their fourth slice, until a file is there: so both are at a known place when something
is killed, and nothing but a new process can finish them.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import harness
import pytest
from harness import Bench, Running, alive, cell_of, environment, expected_csv, kill, wait_until

from svgbench.lab.cells import blocks

pytest.importorskip("distributed")

SLOW = ("-o", "slices=100", "-o", "slice_seconds=0.2")
LEASE = "6"


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """Each run has four processes to start before the first slice."""
    monkeypatch.setattr(harness, "PATIENCE", 400.0)


class Cluster:
    """A scheduler and workers of one thread, each with its nanny, as `dask scheduler` and `dask worker` start them."""

    def __init__(self, folder: Path, workers: int = 2, **extra: str) -> None:
        self.folder, self.file = folder, folder / "scheduler.json"
        self.trace = folder / "trace"
        self.extra = {
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
            "TESTKIT_TRACE": str(folder / "trace"),
            **extra,
        }
        self.scheduler = self.start("scheduler", "--host", "127.0.0.1", "--port", "0")
        wait_until(self.file.exists, "the scheduler")
        self.workers = [self.worker() for _ in range(workers)]

    def start(self, kind: str, *words: str, **extra: str) -> Running:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file", str(self.file)]
        how = {"env": environment(extra=self.extra | extra), "cwd": self.folder}
        return Running([*command, "--no-dashboard", *words], self.folder, **how)

    def worker(self, *words: str, **extra: str) -> Running:
        return self.start("worker", "--nthreads", "1", "--memory-limit", "0", *words, **extra)

    def close(self) -> None:
        for one in (*self.workers, self.scheduler):
            one.kill()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One for the tests that leave it as it was."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


@pytest.fixture
def fresh(tmp_path):
    made = []

    def make(*words, **extra):
        made.append(Cluster(tmp_path, *words, **extra))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Grid:
    """Two blocks of the walk on a cluster; without one, on `dask:local`."""

    def __init__(self, bench: Bench, cluster: Cluster | None, *words: str) -> None:
        self.free = bench.folder / "free"
        hanging = ("-o", "hang_at=3", "-o", f"until={self.free}")
        self.bench, self.words = bench, ("--seeds", "4", *(words or hanging))
        self.cluster, self.trace = cluster, bench.folder / "trace"
        bench.environment["TESTKIT_TRACE"] = str(self.trace)
        self.cell = cell_of(*(word for word in self.words[2:] if word != "-o"), seeds=4)
        self.blocks = blocks(self.cell, self.cell.seeds)

    def start(self, *words: str) -> Running:
        address = self.cluster.file if self.cluster else "local"
        return self.bench.start_walk(*self.words, "--executor", f"dask:{address}", *words)

    def processes(self) -> list[int]:
        """Of blocks, whoever started them."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = path.read_text()
            except OSError:
                continue
            if "svgbench.lab.block" in text and str(self.bench.results) in text and alive(int(path.parent.name)):
                found.append(int(path.parent.name))
        return found

    def slices(self, least: int) -> list[int]:
        """Wait until every block has done so many; the processes of the blocks."""
        wait_until(lambda: all(self.bench.done_slices(one) >= least for one in self.blocks), f"{least} slices")
        return self.processes()

    def check(self, done) -> None:
        """It is done, in the bytes of an undisturbed run, without an attempt too many, and nothing is left. No block
        ever ran twice at once: whoever worked on it began after the one before had ended."""
        assert done.status == 0, done.err
        assert self.bench.csv(self.cell) == expected_csv(self.cell)
        assert {entry["attempts"] for entry in self.bench.entries(self.cell).values()} == {1}
        spans: dict[str, dict[str, list[int]]] = {}
        for line in (self.cluster or self).trace.read_text().splitlines():
            moment, process, _, seed = line.split()
            span = spans.setdefault(seed, {}).setdefault(process, [int(moment)] * 2)
            span[1] = int(moment)
        assert spans.keys() == {"0", "2"}
        for own in spans.values():
            assert all(before[1] < after[0] for before, after in itertools.pairwise(sorted(own.values()))), own
        assert not self.bench.litter() + list(self.bench.store.work.rglob("nonce-*"))
        assert not list(self.bench.store.work.rglob("*.running")) + list(self.bench.store.work.rglob("*.waiting"))


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_workers_that_are_killed(bench, cluster):
    """Their blocks go on at their checkpoints, and this was no attempt of theirs."""
    grid = Grid(bench, cluster)
    running = grid.start()
    pids = grid.slices(3)
    grid.free.touch()
    for pid in pids:
        kill(parent(pid))
    grid.check(running.end())
    for one in grid.blocks:
        assert bench.log(one).count("started on") == 2
        assert len(re.findall(r"resumed at [0-9]+ of 30", bench.log(one))) == 1
    assert not any(map(alive, pids))


def stopped(bench, cluster, number, status, *words):
    """All blocks have made the checkpoint that the stop asked for, and no other."""
    bench.environment["SVGBENCH_CHECKPOINT_SECONDS"] = "1000"
    grid = Grid(bench, cluster, "-o", "slices=2000", "-o", "slice_seconds=0.2")
    running = grid.start(*words)
    grid.slices(2)
    if number:
        running.send(number)
    ended = running.end()
    assert ended.status == status, ended.err
    assert "the same command continues from there" in ended.err
    assert not grid.processes()
    for one in grid.blocks:
        assert (bench.store.block_work(one) / "checkpoint.pt").exists()
        assert 2 <= bench.done_slices(one) < 2000
    assert not list(bench.store.work.rglob("*.running"))


def test_sigterm_to_the_supervisor_stops_at_a_checkpoint(bench, cluster):
    stopped(bench, cluster, signal.SIGTERM, 4)


@pytest.mark.slow
def test_ctrl_c_stops_at_a_checkpoint(bench, cluster):
    stopped(bench, cluster, signal.SIGINT, 130)


@pytest.mark.slow
def test_a_time_limit_stops_at_a_checkpoint(bench, cluster):
    stopped(bench, cluster, 0, 4, "--time-limit", "100s")


@pytest.mark.slow
def test_ctrl_c_twice_does_not_wait_for_the_slice(bench, cluster):
    grid = Grid(bench, cluster)
    running = grid.start()
    pids = grid.slices(3)
    running.send(signal.SIGINT)
    time.sleep(5.0)
    assert running.process.poll() is None, "the first one waits for the slice"
    running.send(signal.SIGINT)
    assert running.end().status == 130
    wait_until(lambda: not any(map(alive, pids)), "the end of the blocks")


@pytest.mark.slow
@pytest.mark.parametrize("who", ["nanny", "sigterm"])
def test_workers_that_end(bench, fresh, who):
    """Their nannies are killed, or they get SIGTERM, as at the end of a batch job. Others come."""
    cluster = fresh()
    grid = Grid(bench, cluster)
    running = grid.start()
    pids = grid.slices(3)
    grid.free.touch()
    for one in cluster.workers:
        one.send(signal.SIGKILL if who == "nanny" else signal.SIGTERM)
    wait_until(lambda: not any(map(alive, pids)), "the end of the blocks")
    cluster.workers.append(cluster.worker())
    grid.check(running.end())
    assert all(re.search(r"resumed at [0-9]+ of 30", bench.log(one)) for one in grid.blocks)


@pytest.mark.slow
def test_a_batch_system_that_tells_the_blocks_to_stop(bench, cluster):
    """Nobody asked the supervisor: the blocks write checkpoints, and are placed again."""
    grid = Grid(bench, cluster, *SLOW)
    running = grid.start()
    for pid in grid.slices(3):
        os.kill(pid, signal.SIGTERM)
    grid.check(running.end())
    assert all("resumed at" in bench.log(one) for one in grid.blocks)


@pytest.mark.slow
def test_a_scheduler_that_is_killed(bench, fresh):
    """The run ends as incomplete, in one line. The same command on another cluster continues."""
    cluster = fresh()
    bench.environment["DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT"] = "5s"
    grid = Grid(bench, cluster)
    running = grid.start()
    pids = grid.slices(3)
    cluster.scheduler.kill()
    ended = running.end()
    assert ended.status == 4, ended.err
    assert ended.err.splitlines()[-1].endswith("is gone; the same command continues"), ended.err
    wait_until(lambda: not any(map(alive, pids)), "the end of the blocks")
    grid.free.touch()
    cluster.file.unlink()
    grid.cluster = fresh()
    grid.check(grid.start().end())
    assert all(len(re.findall(r"resumed at [0-9]+ of 30", bench.log(one))) == 1 for one in grid.blocks)


@pytest.mark.slow
def test_a_supervisor_that_is_killed(bench, cluster):
    """Nothing but their lease ends the blocks."""
    bench.environment["SVGBENCH_LEASE_SECONDS"] = LEASE
    grid = Grid(bench, cluster)
    running = grid.start()
    pids = grid.slices(3)
    running.kill()
    wait_until(lambda: not any(map(alive, pids)), "the end of their lease")
    assert all(f"has not been seen for {LEASE} s" in bench.log(one) for one in grid.blocks)
    grid.free.touch()
    del bench.environment["SVGBENCH_LEASE_SECONDS"]
    grid.check(grid.start().end())


@pytest.mark.slow
def test_tasks_that_somebody_cancels(bench, cluster):
    from distributed import Client, Future

    def keys(dask_scheduler):
        return list(dask_scheduler.tasks)

    grid = Grid(bench, cluster)
    running = grid.start()
    pids = grid.slices(3)
    with Client(scheduler_file=str(cluster.file), set_as_default=False) as client:
        found = client.run_on_scheduler(keys)
        assert len(found) == 2
        grid.free.touch()  # not earlier: connecting can take longer than a block
        client.cancel([Future(key, client=client) for key in found], force=True)
        wait_until(lambda: not any(map(alive, pids)), "the end of the cancelled ones")
    grid.check(running.end())
    assert all(re.search(r"resumed at [0-9]+ of 30", bench.log(one)) for one in grid.blocks)


@pytest.mark.slow
def test_a_block_that_kills_its_workers(bench, fresh):
    """Dask gives up at once here, with KilledWorker. The block fails, with its log; the run ends."""
    cluster = fresh(1, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    grid = Grid(bench, cluster, "-o", "hang_at=1", "-o", "trouble_seed=0")
    running = grid.start()
    over = threading.Event()

    def kill_workers():
        while not over.wait(0.1):
            for pid in grid.processes():
                begun = bench.done_slices(grid.blocks[0]) >= 1 and f"process {pid}," in bench.log(grid.blocks[0])
                if begun and "-000-" in Path(f"/proc/{pid}/cmdline").read_text():
                    kill(parent(pid))
                    wait_until(lambda one=pid: not alive(one), "the end of the block")

    killer = threading.Thread(target=kill_workers)
    killer.start()
    done = running.end()
    over.set()
    killer.join()
    assert done.status == 1, done.err
    assert "lost 5 workers in turn without getting further" in done.err
    assert str(bench.store.log_path(grid.blocks[0])) in done.err
    assert bench.store.state(grid.cell).failed.keys() == {0, 1}
    assert set(bench.store.state(grid.cell).usable) == {2, 3}
    assert bench.log(grid.blocks[0]).count("started on") == 5


@pytest.mark.slow
def test_workers_that_do_not_fit_are_one_line(bench, fresh, tmp_path):
    """The first has no svgbench, the second another version, the third cannot write to the results folder."""
    full = "import svgbench.lab.remote as r\ndef full(*_, **how): raise OSError(28, 'full')\nr.write_atomic = full"
    lines = {
        "import sys; sys.modules['svgbench'] = None": "cannot run svgbench: Exception: ModuleNotFoundError(",
        "import svgbench.lab.remote as r; r.release = lambda _: '0'": "has svgbench 0; here is ",
        full: "does not share ",
    }
    cluster = fresh(0)
    for index, (code, line) in enumerate(lines.items()):
        preload = tmp_path / f"preload{index}.py"
        preload.write_text(code)
        worker = cluster.worker("--preload", str(preload))
        grid = Grid(bench, cluster)
        done = grid.start().end()
        assert done.status == 2, done.err
        (said,) = [one for one in done.err.splitlines() if one.startswith("svgbench:")]
        assert "Dask worker tcp://" in said
        assert line in said
        assert not grid.processes()
        worker.send(signal.SIGTERM)
        worker.end()
    assert not list(bench.store.work.rglob("*.log"))


@pytest.mark.slow
def test_a_worker_that_comes_later(bench, fresh, tmp_path):
    """The run waits for workers; one that does not fit gets no blocks."""
    cluster = fresh(0)
    grid = Grid(bench, cluster, *SLOW)
    running = grid.start()
    wait_until(lambda: "waiting for workers at" in running.files[1].read_text(), "the notice")
    cluster.workers.append(cluster.worker())
    wait_until(lambda: grid.processes(), "a block")
    preload = tmp_path / "preload.py"
    preload.write_text("import svgbench.lab.remote as r; r.release = lambda _: '0'")
    cluster.workers.append(cluster.worker("--preload", str(preload)))
    wait_until(lambda: "it gets no blocks" in running.files[1].read_text(), "the notice")
    grid.check(running.end())


@pytest.mark.slow
def test_a_cluster_on_this_machine(bench):
    """A worker is killed; then Ctrl-C in the terminal, which every process of the group gets; then it ends."""
    grid = Grid(bench, None, *SLOW)
    running = grid.start("--jobs", "2")
    first, second = grid.slices(3)
    assert parent(first) != parent(second)
    kill(parent(first))
    wait_until(lambda: sum(bench.log(one).count("started on") for one in grid.blocks) == 3, "the block again")
    os.killpg(running.process.pid, signal.SIGINT)
    ended = running.end()
    assert ended.status == 130, ended.err
    assert not grid.processes()
    grid.check(grid.start("--jobs", "2").end())


@pytest.mark.slow
def test_doctor_tests_workers_against_each_other(bench, cluster):
    rows = bench.start("doctor", "--shared", "--executor", f"dask:{cluster.file}", "--json").end().json
    found = {row["check"]: row["ok"] for row in rows}
    for check in ("workers", "workers share the folder", "workers' locks exclude", "workers see replaced files"):
        assert found[check], rows
    assert found["a dead worker's lock is free"]
    assert not list(bench.folder.glob(".svgbench-doctor-*"))


@pytest.mark.parametrize(
    ("executor", "said"),
    [
        ("dask", "--executor dask: expected dask:ADDRESS, such as dask:tcp://node7:8786"),
        ("dsk:local", "no executor 'dsk'; did you mean 'dask'? (there are: local, "),
        ("dask:tcp://127.0.0.1:9", "no Dask scheduler answers at tcp://127.0.0.1:9: "),
        ("dask:nothing://x", "no Dask scheduler answers at nothing://x: unknown address scheme"),
    ],
)
def test_what_is_no_cluster_is_one_line(bench, executor, said):
    bench.environment["DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT"] = "500ms"
    done = bench.walk("--seeds", "2", "--executor", executor)
    assert done.status == 2
    (line,) = done.err.splitlines()
    assert said in line
    assert not bench.store.work.exists()
