"""What a shell, a pipe, a locale or a terminal may do to a command: no traceback, and the documented exit status."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
from harness import PLUGIN, ROOT, SABOTAGE, cell_of, environment, expected_csv

from svgbench.lab.store import Store

WALK = ("testkit/walk", "--budget", "smoke")
COMMANDS = {
    "version": ("--version",),
    "help": ("--help",),
    "run help": ("run", "--help"),
    "nothing": (),
    "list": ("list",),
    "list json": ("list", "--json"),
    "show": ("show", "gae/fig9"),
    "plan": ("plan", *WALK, "--no-calibrate"),
    "run": ("run", *WALK, "--tasks", "field/calm", "--variants", "drift", "--seeds", "2"),
    "tune": ("tune", "testkit/walk-search", "--budget", "smoke", "--check"),
    "status": ("status", "walk"),
    "logs": ("logs", "testkit/walk"),
    "policy": ("policy", "testkit/walk"),
    "plot": ("plot", "testkit/walk"),
    "table": ("table", "testkit/walk"),
    "table json": ("table", "testkit/walk", "--json"),
    "compare": ("compare", "testkit/walk"),
    "deviations": ("deviations", "maac/fig3"),
    "diff": ("diff", "results", "results"),
    "import": ("import", "mine.csv", "--experiment", *WALK, "--as", "mine", "--task", "field/calm", "--replace"),
    "verify": ("verify",),
    "clean": ("clean", "--dry-run"),
    "doctor": ("doctor",),
    "wrong": ("lsit",),
}
STATUS = {"tune": 4, "wrong": 2}  # of the others 0
NO_TRACE = re.compile("Traceback|Exception ignored")


@pytest.fixture(scope="module")
def shell(forks, tmp_path_factory, two_seeds):
    """Runs a case of `forking.py` in a folder with `results` and `mine.csv`."""
    place = tmp_path_factory.mktemp("terminal")
    shutil.copytree(two_seeds, place / "results")
    (place / "mine.csv").write_text("seed,step,position\n0,1,0.5\n0,2,0.7\n1,1,0.4\n1,2,0.9\n")

    def run(*words, **case):
        return forks(place, *words, **case)

    run.place = place
    return run


CONDITIONS = {
    "a reader that went away": ({"sink": "pipe"}, 141),
    "all closed": ({"closed": [0, 1, 2]}, 0),
    "a full disk": ({"sink": "/dev/full"}, 1),
    "messages on a full disk": ({"messages": "/dev/full", "environment": {"COLUMNS": "0"}}, 0),
    "ascii": ({"encoding": "ascii"}, 0),
    "narrow": ({"environment": {"COLUMNS": "20", "TERM": "dumb", "NO_COLOR": "1"}}, 0),
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_command_ends_as_documented(shell, condition):
    case, status = CONDITIONS[condition]
    for name, words in COMMANDS.items():
        if name in ("doctor", "plot") and condition not in ("all closed", "ascii"):
            continue  # slow, and their output takes the way of the others
        done = shell(*words, **case)
        assert done.status == STATUS.get(name, status), (name, done)
        assert not NO_TRACE.search(done.err), (name, done)
        if status == 1 and name != "wrong":
            assert done.err.splitlines()[-1] == "svgbench: standard output: No space left on device", name


def test_characters_that_ascii_lacks_are_spelled_out(shell):
    assert "lambda = 0.96" in shell("show", "gae/fig9", encoding="ascii").out
    assert re.search(r"\d \+- \d", shell("table", "testkit/walk", encoding="ascii").out)
    assert re.search(r"\d ± \d", shell("table", "testkit/walk").out)
    plain, whole = (shell("list", "--json", encoding=encoding) for encoding in ("ascii", "utf-8"))
    assert plain.out.isascii()
    assert not whole.out.isascii()
    assert plain.json == whole.json, "JSON has escapes of its own"


def test_a_run_finishes_even_if_its_reader_goes_away(shell, tmp_path):
    """Its words are lost; its work is not."""
    for number, (case, status) in enumerate([({"sink": "pipe"}, 141), ({"closed": [0, 1, 2]}, 0)]):
        root = tmp_path / str(number)
        assert shell(*COMMANDS["run"], "--results", str(root), **case).status == status
        assert Store(root).csv_path(cell_of(seeds=2)).read_bytes() == expected_csv(cell_of(seeds=2))


def test_a_verdict_outlives_its_reader(shell):
    """`compare --strict | head` in a script that asks for the status of every part of the pipe."""
    words = ("compare", "testkit/walk", "--budget", "smoke", "--strict")
    assert shell(*words).status == shell(*words, sink="pipe").status == 4, "half of the seeds are missing"


def test_real_pipes_and_locales(tmp_path):
    """The same for processes that a shell starts, where Python itself has looked at the streams first."""
    table = "table sac-svg/table2 --published"
    cases = {
        "show maac/fig3 | true; echo ${PIPESTATUS[0]}": "141\n",
        f"{table} >&-; echo $?": "0\n",
        f"{table} > /dev/full; echo $?": "1\n",
        f"LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 {{}} {table} > out; echo $?": "0\n",
    }
    program = f"{sys.executable} -m svgbench.cli"
    lines = [line.format(program) if "{}" in line else f"{program} {line}" for line in cases]
    done = subprocess.run(
        ["bash", "-c", "; ".join(lines)], capture_output=True, text=True, env=environment((ROOT,)), cwd=tmp_path
    )
    assert done.stdout == "".join(cases.values())
    assert done.stderr == "svgbench: standard output: No space left on device\n"
    assert " +- " in (tmp_path / "out").read_text(encoding="ascii")


def test_ctrl_c_while_the_program_starts(tmp_path):
    path = environment((SABOTAGE, ROOT, PLUGIN), {"INTERRUPT_AT": "typer"})
    done = subprocess.run(
        [sys.executable, "-m", "svgbench.cli", "list"], capture_output=True, text=True, env=path, cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


NUMBERS = {
    "--seeds": ["99999999999999999999", "0-99999999999999999999", "9" * 5000, "1e3", "-1", "5-2", "0", "٣", "²", "1_0"],
    "--jobs": ["0", "-1", "99999", "1.5", "٣", "many"],
    "--time-limit": ["0", "0s", "-5s", "٣h", "9999999999h", "1e3s", "5"],
    "--device": ["cuda:٣", "cuda:", "cuda:-1", "cuda:99999999999"],
    "--tasks": [",", " , "],
    "--variants": [","],
    "--budget": [",", "Paper"],
}


@pytest.mark.parametrize("option", NUMBERS)
def test_numbers_and_names_that_are_none(shell, option):
    for value in ("", " ", *NUMBERS[option]):
        done = shell("run", "testkit/walk", option, value)
        assert (done.status, done.out) == (2, ""), value
        (line,) = done.err.splitlines()
        assert line.startswith(f"svgbench: {option}") or option == "--budget", line
        assert "expected" in line or "names" in line or option == "--budget", line
        assert len(line) < 1300
    assert not (shell.place / "results" / ".work" / "testkit" / "walk" / "paper").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("table", ""),
        ("run", *WALK, "--results", ""),
        ("run", *WALK, "--results="),
        ("plot", *WALK, "--output", " "),
        ("diff", "", "results"),
        ("plan", *WALK, "-o", ""),
        ("import", "mine.csv", "--experiment", "testkit/walk", "--as", ""),
        ("logs", "testkit/walk", "--lines", "-1"),
        ("logs", "testkit/walk", "-n", "ten"),
    ],
)
def test_an_empty_word_is_a_variable_that_was_never_set(shell, words):
    done = shell(*words)
    assert (done.status, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert "expected" in line


def test_a_line_about_a_word_cannot_control_the_terminal(shell):
    done = shell("table", "testkit/walk", "--seeds", "\x1b[31m3")
    assert done.status == 2
    assert done.err.startswith(r"svgbench: --seeds \x1b[31m3: expected")


def test_a_setting_that_only_some_algorithms_have(shell):
    """Both are said: whom it changes, and who is left out."""
    words = ("--tasks", "poplin/hopper", "--budget", "smoke", "--no-calibrate", "--json", "-o", "model_lr=0.002")
    done = shell("plan", "sac-svg/table2", *words)
    assert done.status == 0, done.err
    said = "-o model_lr=0.002 changes (.+); left out, without model_lr: (.+)\n"
    changed, left_out = (names.split(", ") for names in re.fullmatch(said, done.err).groups())
    assert [row["variant"].partition("+")[0] for row in done.json] == changed
    assert "sac" in left_out
    work = shell("plan", "sac-svg", *words[2:])
    assert work.status == 0, work.err
    assert all("+" in row["variant"] for row in work.json)
    assert re.search("^sac-svg/table2.*: -o model_lr=0.002 changes .*", work.err, re.MULTILINE)
