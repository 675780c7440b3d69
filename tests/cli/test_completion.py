"""The Tab key, asked as bash, zsh and fish ask it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace
from typing import get_type_hints

import pytest
from harness import PLUGIN, ROOT, environment

from svgbench import reproduce
from svgbench.commands import app, completion

SLOW = {"torch", "scipy", "seaborn", "matplotlib", "pandas", "gymnasium", "numpy", "mujoco"}


@pytest.fixture(scope="module")
def place(tmp_path_factory, two_seeds):
    folder = tmp_path_factory.mktemp("completion")
    shutil.copytree(two_seeds, folder / "results")
    return folder


@pytest.fixture
def tab(forks, place):
    """What bash is offered for a line whose last word is being typed."""

    def press(*words):
        asked = {"COMP_WORDS": "\n".join(("svgbench", *words)), "COMP_CWORD": str(len(words))}
        done = forks(place, environment=asked | {"_SVGBENCH_COMPLETE": "complete_bash"})
        assert (done.status, done.err) == (0, ""), done
        return done.out.strip().splitlines()

    return press


def test_commands_and_options(tab):
    assert tab("t") == ["table", "tune"]
    assert {"list", "run", "compare", "import"} <= set(tab(""))
    assert tab("table", "maac/fig3", "--pub") == ["--published"]
    assert tab("--ver") == ["--version"]


def test_experiments_works_and_artifacts(tab):
    assert tab("run", "sac-svg/t") == ["sac-svg/table2"]
    assert tab("compare", "maa") == ["maac/fig2", "maac/fig3", "maac/fig4", "maac/table1", "maac/bounds", "maac"]
    assert {"fig3", "fig4"} <= set(tab("plot", "fig"))
    assert set(tab("diff", "a", "b", "--experiment", "tr")) >= {"trpo/fig4", "trpo"}
    assert tab("tune", "trpo") == ["trpo/natural-gradient-sweep", "trpo/fig4"]


def test_tasks_variants_and_budgets_of_the_chosen_experiment(tab):
    table2 = reproduce.experiments()["sac-svg/table2"]
    assert tab("table", "sac-svg/table2", "--tasks", "") == [task.id for task in table2.tasks]
    assert tab("run", "sac-svg/table2", "--variants", "sac-svg-1") == ["sac-svg-1", "sac-svg-10"]
    assert tab("run", "testkit/walk", "--budget", "") == ["paper", "smoke"]
    assert tab("run", "--variants", "random", "sac-svg/table2", "--budget", "sm") == ["smoke"]
    assert tab("run", "testkit/walk", "--tasks", "field/calm,f") == ["field/calm,field/windy"], "none twice"
    assert tab("import", "x.csv", "--experiment", "testkit/walk", "--task", "field/w") == ["field/windy"]
    both = tab("table", "maac", "--tasks", "double")
    assert both == [task.id for task in reproduce.experiments()["maac/fig3"].tasks], "of a work"


def test_what_is_stored_can_be_read_and_not_run(tab, forks, place):
    words = (
        "mine.csv",
        "--experiment",
        "testkit/walk",
        "--as",
        "driftwood",
        "--task",
        "field/calm",
        "--budget",
        "smoke",
    )
    (place / "mine.csv").write_text("seed,step,position\n0,1,0.5\n")
    assert forks(place, "import", *words, "--replace").status == 0
    assert tab("table", "testkit/walk", "--variants", "drift") == ["drift", "driftwood"]
    assert tab("run", "testkit/walk", "--variants", "drift") == ["drift"]
    assert tab("run", "testkit/walk", "--variants", "foreign") == ["foreign-walk"], "installed"


def test_settings_with_their_values(tab):
    """Two offers, so that bash puts no space behind the equals sign."""
    assert tab("run", "sac-svg/table2", "-o", "model_l") == ["model_lr=", "model_lr=0.001"]
    assert tab("run", "sac-svg/table2", "--variants", "sac", "-o", "model_l") == [], "SAC has no model"
    assert tab("plan", "testkit/walk", "-o", "slices")[0] == "slices="


def test_words_of_options(tab):
    assert tab("table", "maac/fig3", "--format", "") == ["text", "markdown", "latex", "csv"]
    assert tab("run", "maac/fig3", "--device", "c") == ["cpu", "cuda"]
    assert tab("run", "maac/fig3", "--executor", "") == ["local", "detached", "dask"], "by entry point"
    assert tab("table", "maac/fig3", "--results", "res") == [], "a folder: the shell's own business"


def completers():
    """Every option and argument that the Tab key completes: the command, the parameter, and what offers words."""
    for command, function in app.COMMANDS.items():
        for name, hint in get_type_hints(function, include_extras=True).items():
            for info in getattr(hint, "__metadata__", ()):
                if getattr(info, "autocompletion", None) is not None:
                    yield command, name, info.autocompletion


@pytest.mark.parametrize(("command", "name", "complete"), [pytest.param(*c, id=f"{c[0]}-{c[1]}") for c in completers()])
def test_every_completer_offers_what_begins_with_the_typed_letters(command, name, complete):
    """Also by itself: typer filters too, in some releases."""
    named = {"search": "trpo/fig4"} if command == "tune" else {"experiment": "sac-svg/table2"}
    line = SimpleNamespace(info_name=command, params={} if name in named else named)
    everything = complete(line, "")
    assert everything
    for letter in {word[0] for word, _ in everything}:
        assert complete(line, letter) == [offer for offer in everything if offer[0].startswith(letter)]
    assert complete(line, "~") == []


def test_every_completer_belongs_to_an_option():
    offering = {one for one in vars(completion).values() if getattr(one, "__wrapped__", None) is not None}
    assert offering == {complete for _, _, complete in completers()}


@pytest.mark.parametrize(
    "words",
    [
        ("table", "nonsense", "--tasks", ""),
        ("table", '""', "--variants", "x"),
        ("run", "maac/fig3", "--jobs", "many", "--tasks", "zz"),
        ("nonsense", "x"),
        ("run", "maac/fig3", "-o", "model_lr", "="),
        ("run", "maac/fig3", "--seeds", "1e3", "--strict", "zz"),
    ],
)
def test_a_line_that_is_wrong_offers_nothing_and_says_nothing(tab, words):
    assert tab(*words) == []


def test_zsh_and_fish(forks, place):
    def ask(shell, line, **more):
        extra = {"_TYPER_COMPLETE_ARGS": line, "_SVGBENCH_COMPLETE": f"complete_{shell}"} | more
        return forks(place, environment=extra)

    zsh = ask("zsh", "svgbench compare maac/fig3")
    assert zsh.status == 0
    assert zsh.out.startswith("""_arguments '*: :(("maac/fig3":"Policy-gradient error against the horizon"))'""")
    assert ask("zsh", "svgbench run table2 -o model_l").out.startswith(
        """_arguments '*: :(("model_lr="\n"model_lr=0.001"))'"""
    )
    assert ask("zsh", "svgbench run table2 --results re").out == "_files\n"
    args = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    assert ask("fish", "svgbench tune trpo/", **args).out.splitlines()[0].startswith("trpo/natural-gradient-sweep\t")
    assert ask("fish", "svgbench run testkit/walk --tasks field/c", **args).out == "field/calm\tcalm\n"
    asked = {"_TYPER_COMPLETE_FISH_ACTION": "is-args"}
    assert ask("fish", "svgbench compare maac/f", **asked).status == 0
    assert ask("fish", "svgbench run table2 --results re", **asked).status == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(forks, place, shell):
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}  # typer then takes the shell's name
    done = subprocess.run(
        [sys.executable, "-m", "svgbench.cli", "--show-completion", shell],
        capture_output=True,
        text=True,
        env=environment((ROOT, PLUGIN), named),
        cwd=place,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_SVGBENCH_COMPLETE=complete_{shell}" in done.stdout
    if shell == "bash":
        _in_bash(done.stdout, place)


def _in_bash(script, folder):
    """Bash runs the script, and then its function as on the Tab key."""
    program = folder / "bin" / "svgbench"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m svgbench.cli "$@"\n')
    program.chmod(0o755)
    tab = "\n".join(
        [
            script,
            "complete -p svgbench",
            "COMP_WORDS=(svgbench run sac-svg/table2 --variants sac-svg-1); COMP_CWORD=4; COMPREPLY=()",
            '_svgbench_completion svgbench; printf "%s\\n" "${COMPREPLY[@]}"',
        ]
    )
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", tab], capture_output=True, text=True, env=environment((ROOT, PLUGIN), {"PATH": path})
    )
    registered, *offers = done.stdout.splitlines()
    assert registered == "complete -o default -F _svgbench_completion svgbench"
    assert offers == ["sac-svg-1", "sac-svg-10"]


RECORD = """
import json, sys
from svgbench import cli
try:
    cli.main()
except SystemExit:
    sys.stderr.write(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize("words", [("compare", "maac/f"), ("table", "sac-svg", "--variants", "s"), ("run", "-o", "g")])
def test_it_reads_declarations_only(tmp_path, words):
    asked = {"COMP_WORDS": " ".join(("svgbench", *words)), "COMP_CWORD": str(len(words))}
    done = subprocess.run(
        [sys.executable, "-c", RECORD],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment((ROOT,), asked | {"_SVGBENCH_COMPLETE": "complete_bash"}),
    )
    assert done.stdout
    assert not set(json.loads(done.stderr)) & SLOW
    assert not list(tmp_path.iterdir())
