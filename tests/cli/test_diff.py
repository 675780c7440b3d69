"""`svgbench diff`: exit statuses, filters, screens, and rows for programs, on committed results."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from harness import ROOT

from svgbench.commands.diffing import diff
from svgbench.words.errors import UsageError

PLACE = Path("maac/fig3/smoke")
NEAR, FAR = "double-integrator/gamma0.9-near", "double-integrator/gamma0.9-far"
LEARNED, EXACT = "learned-f-learned-q", "learned-f-exact-q"


@pytest.fixture
def a(tmp_path) -> Path:
    """Four of the committed cells."""
    (tmp_path / "a" / PLACE).mkdir(parents=True)
    for task in (NEAR, FAR):
        for variant in (LEARNED, EXACT):
            for path in (ROOT / "results" / PLACE).glob(f"{task.replace('/', '-')}--{variant}.*"):
                shutil.copy(path, tmp_path / "a" / PLACE)
    return tmp_path / "a"


@pytest.fixture
def b(a, tmp_path) -> Path:
    return Path(shutil.copytree(a, tmp_path / "b"))


def change(root: Path, value: Callable[[float, int], float], task: str = NEAR, variant: str = LEARNED) -> None:
    """Replace every `relative_error` of a cell by value(it, seed), and put the hashes right."""
    path = root / PLACE / f"{task.replace('/', '-')}--{variant}.json"
    rewrite(path, "relative_error", lambda x, seed, step: value(x, seed))


def rewrite(path: Path, column: str, value: Callable[[float, int, int], float]) -> None:
    """Replace a column of the cell whose JSON is given by value(it, seed, step), and put the hashes right."""
    meta = json.loads(path.read_bytes())
    header, *rows = path.with_suffix(".csv").read_text().splitlines()
    at, at_step = (header.split(",").index(name) for name in (column, "step"))
    texts: dict[str, str] = {}
    for row in rows:
        words = row.split(",")
        words[at] = repr(value(float(words[at]), int(words[0]), int(words[at_step])))
        texts[words[0]] = texts.get(words[0], "") + ",".join(words) + "\n"
    for seed, text in texts.items():
        meta["seeds"][seed]["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    path.with_suffix(".csv").write_text(header + "\n" + "".join(texts.values()))
    path.write_text(json.dumps(meta))


def status(*words, **options) -> int:
    try:
        diff(*words, **options)
    except typer.Exit as end:
        return end.exit_code
    return 0


def statuses(a: Path, b: Path, **options) -> tuple[int, int, int]:
    """Without a flag, with --exact, with --strict."""
    return tuple(status(a, b, **options, **flag) for flag in ({}, {"exact": True}, {"strict": True}))


def test_the_same_bits_pass_everything(a, b, capsys):
    assert statuses(a, b) == (0, 0, 0)
    assert capsys.readouterr().out.splitlines() == ["Same bits in 4 of 4 cells."] * 3


def test_one_bit_fails_exact_alone(a, b, capsys):
    change(b, lambda x, seed: x * (1 + 1e-15 * (seed == 1)))
    assert statuses(a, b) == (0, 3, 0)
    seen = capsys.readouterr()
    assert seen.out.splitlines()[0] == "1 of 4 cells differs, within rounding."
    assert seen.err == "exit status 3: --exact; cells that differ: 1\n"


@pytest.mark.parametrize(("shift", "strict"), [(1.0, 3), (-1.0, 0)])
def test_strict_fails_where_b_is_worse_and_lower_is_better(a, b, capsys, shift, strict):
    change(b, lambda x, seed: x + shift * (1 + 0.001 * seed))
    assert statuses(a, b) == (0, 3, strict)
    out = capsys.readouterr().out
    assert ("HIGHER (worse)" in out, "LOWER," in out) == (shift > 0, shift < 0)


def diverge(root: Path, seeds: Callable[[int], bool]) -> None:
    """Let these seeds of every cell end as diverged; their rows stay as they are."""
    for path in (root / PLACE).glob("*.json"):
        meta = json.loads(path.read_bytes())
        for seed, entry in meta["seeds"].items():
            if seeds(int(seed)):
                entry |= {"status": "diverged", "reason": "a loss is nan"}
        path.write_text(json.dumps(meta))


@pytest.mark.parametrize("seeds", [range(3), [1]], ids=["all", "one"])
def test_strict_fails_where_seeds_diverged_in_b_only(a, b, capsys, seeds):
    """Counted as the worst of the others, a collapse would cost nothing."""
    diverge(b, lambda seed: seed in seeds)
    assert statuses(a, b) == (0, 3, 3)
    text = " ".join(capsys.readouterr().out.split())
    assert f"{4 * len(seeds)} seeds are done in A and diverged in B, which is worse whatever the tests say." in text
    assert "EQUIVALENT" not in text
    diff(a, b, as_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert {(row["worse"], row["seeds_lost"], row["verdict"]) for row in rows} == {(True, len(seeds), "INCONCLUSIVE")}
    if len(seeds) == 3:
        assert {row["reason"] for row in rows} == {"every seed of B failed, and no floor is declared"}
    assert statuses(b, a) == (0, 3, 0), "in the other direction it is better, and still not equivalent"
    capsys.readouterr()
    diff(b, a, as_json=True)
    words = json.loads(capsys.readouterr().out)
    assert all(row["verdict"] == "INCONCLUSIVE" and not row["worse"] for row in words)


def test_seeds_that_diverged_on_both_sides_are_no_difference(a, b, capsys):
    for root in (a, b):
        diverge(root, lambda seed: seed == 1)
    assert statuses(a, b) == (0, 0, 0)


def test_a_change_that_no_test_shows_passes_strict_and_is_told(a, b, capsys):
    change(b, lambda x, seed: x * (1 + (seed - 1) * 0.01))
    assert statuses(a, b) == (0, 3, 0)
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith(
        "1 of 4 cells differs, beyond rounding. 1 cell differs from step 100 on, in 2 of 3 seeds; not"
    )
    assert "none worse" in text


def test_cells_that_b_lacks_are_incomplete_and_cells_that_only_b_has_are_not(a, b):
    for path in (b / PLACE).glob(f"*far--{EXACT}.*"):
        path.unlink()
    assert statuses(a, b) == (0, 4, 4)
    assert statuses(b, a) == (0, 0, 0)
    assert statuses(a, b, tasks=[NEAR]) == (0, 0, 0)
    assert statuses(a, b, variants=[LEARNED]) == (0, 0, 0)


def test_seeds_that_b_lacks_are_incomplete_unless_only_the_others_are_requested(a, b, capsys):
    path = b / PLACE / f"{NEAR.replace('/', '-')}--{LEARNED}.json"
    meta = json.loads(path.read_bytes())
    meta["seeds"]["2"] = {"status": "failed", "error": "RuntimeError: no", "attempts": 2, "log": "x"}
    path.write_text(json.dumps(meta))
    assert statuses(a, b) == (0, 4, 4)
    assert "A has seeds that B lacks, in 1 cell: seed 2." in capsys.readouterr().out
    assert statuses(a, b, seeds="2") == (0, 0, 0)
    assert statuses(a, b, seeds="0-1") == (0, 0, 0)
    assert statuses(a, b, seeds="0,2") == (0, 4, 4)


def test_comparing_nothing_is_no_success(a, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert statuses(tmp_path / "empty", tmp_path / "empty") == (0, 4, 4)
    assert statuses(a, a, budget="paper") == (0, 4, 4)
    assert "Nothing to compare" in capsys.readouterr().out


@pytest.mark.parametrize("part", ["maac", "maac/fig3", "maac/fig3/smoke"])
def test_a_part_of_a_results_folder_is_refused(a, b, part):
    for one, other, meant in ((a / part, b / part, a), (a, b / part, b)):
        with pytest.raises(UsageError, match=f"part of the results folder .*; did you mean '{meant}'"):
            diff(one, other)


def test_filters_narrow_what_is_compared(a, b, capsys):
    change(b, lambda x, seed: x + 1.0 + 0.001 * seed)
    assert statuses(a, b, experiment="maac/fig3", budget="smoke") == (0, 3, 3)
    for options in ({"tasks": [FAR]}, {"variants": [EXACT]}, {"experiment": "gae/fig8"}, {"budget": "short"}):
        assert status(a, b, **options) == 0
    capsys.readouterr()
    diff(a, b, tasks=[f"{NEAR},{FAR}"], variants=[LEARNED], as_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert {(row["task"], row["variant"]) for row in rows} == {(NEAR, LEARNED), (FAR, LEARNED)}
    with pytest.raises(UsageError, match=f"no task 'double-integrator/gamma0.9-nea'; did you mean '{NEAR}'"):
        diff(a, b, tasks=["double-integrator/gamma0.9-nea"])
    with pytest.raises(UsageError, match="no variant 'learned-f-learned'; did you mean 'learned-f-learned-q'"):
        diff(a, b, experiment="maac/fig3", variants=["learned-f-learned"])


def test_an_experiment_that_draws_from_another_reads_its_runs(tmp_path, capsys):
    """sac-svg/fig5 has no runs of its own: they are those of table2."""
    diff(ROOT / "results", ROOT / "results", experiment="sac-svg/fig5", tasks=["poplin/cheetah"])
    assert capsys.readouterr().out.startswith("Same bits in")


@pytest.mark.parametrize(
    ("shift", "verdict", "strict"), [(-500.0, "LOWER", 3), (0.1, "EQUIVALENT", 0)], ids=["worse", "within the margin"]
)
def test_curves_are_compared_on_request(tmp_path, capsys, shift, verdict, strict):
    """Slower learning that ends at the same return shows in the mean over all evaluations alone."""
    a, b = tmp_path / "a", tmp_path / "b"
    place = Path("sac-svg/table2/short")
    (a / place).mkdir(parents=True)
    for variant in ("sac", "random"):
        for path in (ROOT / "results" / place).glob(f"poplin-swimmer--{variant}.*"):
            shutil.copy(path, a / place)
    shutil.copytree(a, b)
    last = max(int(row.split(",")[1]) for row in (a / place / "poplin-swimmer--sac.csv").read_text().splitlines()[1:])
    rewrite(
        b / place / "poplin-swimmer--sac.json",
        "eval_return",
        lambda x, seed, step: x if step == last else x + shift * (1 + 0.001 * seed),
    )
    asked = {"variants": ["sac"], "experiment": "sac-svg/table2"}
    assert status(a, b, strict=True, **asked) == 0
    assert status(a, b, strict=True, curves=True, **asked) == strict
    capsys.readouterr()
    diff(a, b, curves=True, as_json=True, **asked)
    final, mean = json.loads(capsys.readouterr().out)
    assert (final["verdict"], final["setting"]) == ("EQUIVALENT", "return of the last evaluation")
    assert (mean["verdict"], mean["setting"]) == (verdict, "mean of eval_return over all rows")
    assert mean["value"] == pytest.approx(shift * 1.002 * 19 / 20)
    assert "10 % of the distance from a random policy" in mean["reason"] or verdict == "LOWER"


def test_a_measure_that_reads_a_mean_is_not_compared_twice(a, b, capsys):
    change(b, lambda x, seed: x + 1.0)
    diff(a, b, as_json=True, curves=True, variants=[LEARNED], tasks=[NEAR])
    settings = [row["setting"] for row in json.loads(capsys.readouterr().out)]
    assert len(settings) == len(set(settings)) == 5


def test_rows_for_programs_name_what_differs(a, b, capsys):
    change(b, lambda x, seed: x + 1.0 + 0.001 * seed)
    diff(a, b, as_json=True, variants=[LEARNED], tasks=[NEAR])
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 5
    for row in rows:
        assert (row["seen"], row["step"], row["column"], row["seeds_differ"]) == ("changed", 100, "relative_error", 3)
        assert (row["verdict"], row["worse"], row["rival"], row["budget"]) == ("HIGHER", True, "A", "smoke")
        assert row["value"] == pytest.approx(1.001)
