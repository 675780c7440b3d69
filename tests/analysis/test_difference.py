"""Two results folders: a changed program is seen, rounding is told as such, and what cannot be compared is said."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from toy import EXPERIMENT, FINAL, fill

from svgbench.analysis.difference import CellDifference, differences
from svgbench.analysis.difference_text import difference_lines
from svgbench.analysis.judgement import Rules
from svgbench.analysis.statistics import holm
from svgbench.lab.cells import Cell, Selection, expand
from svgbench.lab.errors import DamagedError
from svgbench.lab.experiment import Experiment, Measure, Variant
from svgbench.lab.store import Store
from svgbench.lab.stored import stored_cells

Score = Callable[[int, int], float]
ONE = replace(EXPERIMENT, measures=(FINAL,))


def folder(root: Path, scores: dict[tuple[str, str], Score], seeds: int = 5, steps: int = 5, **about: Any) -> Path:
    """A results folder with these cells of the toy at budget paper; `about` goes into every JSON."""
    store = Store(root)
    for cell in expand(EXPERIMENT, Selection(budget="paper", seeds=seeds)):
        if cell.key in scores:
            fill(store, cell, scores[cell.key], steps)
            if about:
                edit(store, cell, **about)
    return root


def edit(store: Store, cell: Cell, **about: Any) -> None:
    path = store.json_path(cell)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | about))


def diff(a: Path, b: Path, experiment: Experiment = EXPERIMENT, rules: Rules | None = None) -> list[CellDifference]:
    cells_a, cells_b = stored_cells(a), stored_cells(b)
    asked = list(dict.fromkeys([*cells_a, *cells_b]))
    return differences(cells_a, cells_b, asked, {experiment.id: experiment}, rules or Rules())


def said(cells: list[CellDifference], **how: Any) -> str:
    lines = difference_lines(cells, 80, **how)
    assert all(len(line) <= 80 for line in lines)
    assert len(lines) <= 40 or how
    return " ".join(" ".join(lines).split())


CELL = ("toy/easy", "ours")


def program(change: str = "") -> Score:
    """A small actor and critic with noise, which learn in single precision; `change` is what somebody changed."""

    def score(seed: int, step: int) -> float:
        rng = np.random.default_rng(seed)
        actor, critic = np.float32(rng.normal()), np.float32(rng.normal())
        rate = np.float32(3e-4 if change == "constant" else 1e-3)
        for update in range(40 * step):
            noise = np.float32(rng.normal())
            if change == "draw" and update == 60:
                noise = np.float32(rng.normal())
            if change == "order":
                actor += rate * (critic - actor)
                critic += rate * (noise - actor)
            else:
                critic += rate * (noise - actor)
                actor += rate * (critic - actor)
        return float(actor)

    return score


@pytest.mark.parametrize(("change", "first"), [("constant", 1), ("order", 1), ("draw", 2)])
def test_a_changed_program_is_seen_where_statistics_decide_nothing(tmp_path, change, first) -> None:
    """Three seeds: no test sees it, and every bit does."""
    a = folder(tmp_path / "a", {CELL: program()}, seeds=3)
    b = folder(tmp_path / "b", {CELL: program(change)}, seeds=3)
    (found,) = diff(a, b, ONE)
    assert (found.seen, found.leaves, len(found.beyond)) == ("changed", first, 3)
    assert {v.verdict for v in found.verdicts} <= {"INCONCLUSIVE", "EQUIVALENT"}
    assert not found.worse
    text = said([found])
    assert text.startswith("1 of 1 cell differs, beyond rounding.")
    assert f"differs from step {first} on, in 3 of 3 seeds; not the same program's numbers." in text


def test_the_same_program_gives_the_same_bits(tmp_path) -> None:
    a, b = (folder(tmp_path / name, {CELL: program()}, seeds=3) for name in "ab")
    (found,) = diff(a, b)
    assert (found.seen, found.differs) == ("same", False)
    assert [(v.verdict, v.n) for v in found.verdicts] == [("IDENTICAL", 3)] * 2
    assert said([found]) == "Same bits in 1 of 1 cell."


def line(seed: int, step: int) -> float:
    return 10.0 + seed + step**1.5


@pytest.mark.parametrize(
    ("other", "seen", "leaves"),
    [
        (lambda s, t: line(s, t) * (1 + 1e-7 * (-1) ** (s + t)), "rounding", None),
        (lambda s, t: line(s, t) * (1 + 1e-9 * 1000.0**t), "grown", 2),
        (lambda s, t: line(s, t) + (0.5 if t >= 3 and s == 4 else 0.0), "changed", 3),
    ],
)
def test_rounding_is_told_apart_from_what_grows_from_it(tmp_path, other, seen, leaves) -> None:
    a, b = folder(tmp_path / "a", {CELL: line}), folder(tmp_path / "b", {CELL: other})
    (found,) = diff(a, b, ONE)
    assert (found.seen, found.leaves) == (seen, leaves)
    (verdict,) = found.verdicts
    if seen == "rounding":
        assert (verdict.verdict, verdict.n) == ("EQUIVALENT", 5)
        assert verdict.reason == "the same within rounding, in every seed and step"
        assert said([found]).startswith("1 of 1 cell differs, within rounding.")
        assert "not the same program" not in said([found])
    if seen == "grown":
        assert "within rounding at first, beyond it from step 2 on, in 5 of 5 seeds" in said([found])
    if seen == "changed":
        assert "from step 3 on, in 1 of 5 seeds; not the same program's numbers" in said([found])


def test_on_another_processor_bits_alone_prove_nothing(tmp_path) -> None:
    a, b = (folder(tmp_path / name, {CELL: score}) for name, score in (("a", line), ("b", lambda s, t: line(s, t) + t)))
    for root, processor in ((a, "Abacus 1"), (b, "Abacus 2")):
        cell = expand(EXPERIMENT, Selection(budget="paper"))[0]
        meta = json.loads(Store(root).json_path(cell).read_bytes())
        for entry in meta["seeds"].values():
            entry["platform"] |= {"processor": processor, "cores": len(processor)}
        edit(Store(root), cell, seeds=meta["seeds"])
    text = said(diff(a, b))
    assert "on another platform: its rounding differs and learning amplifies that" in text
    assert "not the same program" not in text
    assert "processor: Abacus 1 -> Abacus 2" in text
    assert "cores" not in text


def test_everything_that_is_recorded_differently_is_said(tmp_path) -> None:
    a, b = (folder(tmp_path / name, {CELL: line}) for name in "ab")
    cell = expand(EXPERIMENT, Selection(budget="paper"))[0]
    meta = json.loads(Store(b).json_path(cell).read_bytes())
    for entry in meta["seeds"].values():
        entry |= {"revision": "abc", "block": "0-9", "threads": 2, "seconds": 99.0, "attempts": 3}
        entry["platform"]["torch"] = "9.9"
    changed = {"config": meta["config"] | {"critic_lr": 3e-4}, "config_hash": "0" * 12, "seeds": meta["seeds"]}
    edit(Store(b), cell, **changed, versions={"algorithm": 2, "task": 1})
    (found,) = diff(a, b)
    assert found.seen == "same"
    assert {c.field: (c.before, c.after) for c in found.changes} == {
        "critic_lr": ("0.001", "0.0003"),
        "algorithm version": ("1", "2"),
        "block": ("none", "0-9"),
        "threads": ("none", "2"),
        "revision": ("none", "abc"),
        "torch": (meta_of(a, cell)["seeds"]["0"]["platform"]["torch"], "9.9"),
    }
    text = said([found])
    assert text.startswith("Same bits in 1 of 1 cell. Recorded differently all the same: critic_lr: 0.001 -> 0.0003;")
    edit(Store(b), cell, **meta_of(a, cell) | {"config_hash": "0" * 12})
    assert [str(c) for c in diff(a, b)[0].changes] == [
        f"config_hash: {meta_of(a, cell)['config_hash']} -> 000000000000"
    ]


def meta_of(root: Path, cell: Cell) -> dict[str, Any]:
    return dict(json.loads(Store(root).json_path(cell).read_bytes()))


def test_another_column_is_no_other_number_and_no_other_bits_either(tmp_path) -> None:
    a, b = (folder(tmp_path / name, {CELL: line}) for name in "ab")
    cell = expand(EXPERIMENT, Selection(budget="paper"))[0]
    path, meta = Store(b).csv_path(cell), meta_of(b, cell)
    lines = [f"{text},{'more' if i == 0 else '1.0'}\n" for i, text in enumerate(path.read_text().splitlines())]
    path.write_text("".join(lines))
    for seed, entry in meta["seeds"].items():
        own = "".join(text for text in lines if text.startswith(f"{seed},"))
        entry["sha256"] = hashlib.sha256(own.encode()).hexdigest()
    edit(Store(b), cell, seeds=meta["seeds"], columns=[*meta["columns"], "more"])
    (found,) = diff(a, b)
    assert (found.seen, found.differs, found.leaves) == ("columns", True, None)
    assert [(v.verdict, v.value) for v in found.verdicts] == [("EQUIVALENT", 0.0)] * 2
    assert "columns: [" in said([found])


def test_statistics_are_paired_by_seed_and_holm_runs_over_what_was_asked(tmp_path) -> None:
    rng = np.random.default_rng(3)
    base = {
        key: rng.normal(10.0, 3.0, 6) for key in [(t, v) for t in ("toy/easy", "toy/hard") for v in ("ours", "theirs")]
    }
    moved = {key: values + rng.normal(0.25, 0.2, 6) for key, values in base.items()}

    def score(values) -> Score:
        return lambda seed, step: float(values[seed])

    a = folder(tmp_path / "a", {key: score(values) for key, values in base.items()}, seeds=6, steps=2)
    b = folder(tmp_path / "b", {key: score(values) for key, values in moved.items()}, seeds=6, steps=2)
    found = diff(a, b, ONE)
    tests = [stats.ttest_rel(moved[cell.key[2:]], base[cell.key[2:]]) for cell in found]
    adjusted = holm([test.pvalue for test in tests])
    assert min(test.pvalue for test in tests) < 0.05 < max(adjusted)
    for cell, test, p in zip(found, tests, adjusted, strict=True):
        (verdict,) = cell.verdicts
        low, high = test.confidence_interval(0.95)
        assert (verdict.low, verdict.high) == (pytest.approx(low), pytest.approx(high))
        assert "paired by seed, n=6" in verdict.reason
        assert f"Holm p {p:.4g}" in verdict.reason
    cells_a, cells_b = stored_cells(a), stored_cells(b)
    alone = next(k for k, p, t in zip(cells_a, adjusted, tests, strict=True) if p == max(adjusted))
    (one,) = differences(cells_a, cells_b, [alone], {ONE.id: ONE})
    p = stats.ttest_rel(moved[alone[2:]], base[alone[2:]]).pvalue
    assert f"Holm p {p:.4g}" in one.verdicts[0].reason


def test_a_cell_that_one_side_lacks_weighs_on_no_correction(tmp_path) -> None:
    more = {("toy/hard", "ours"): line, ("toy/hard", "theirs"): line}
    moved = {CELL: lambda s, t: line(s, t) + 0.1 * (s % 2)}
    a = folder(tmp_path / "a", {CELL: line, **more})
    b = folder(tmp_path / "b", moved)
    with_lacking = diff(a, b, ONE)[0].verdicts
    assert with_lacking == diff(folder(tmp_path / "c", {CELL: line}), b, ONE)[0].verdicts


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_worse_is_what_the_measure_says(tmp_path, higher_is_better) -> None:
    scores = {"down": lambda s, t: line(s, t) - 5 - 0.1 * s, "up": lambda s, t: line(s, t) + 5 + 0.1 * s}
    measure = replace(FINAL, higher_is_better=higher_is_better)
    for name, score in scores.items():
        a, b = folder(tmp_path / f"a-{name}", {CELL: line}), folder(tmp_path / f"b-{name}", {CELL: score})
        (found,) = diff(a, b, replace(EXPERIMENT, measures=(measure,)))
        (verdict,) = found.verdicts
        assert verdict.verdict == {"down": "LOWER", "up": "HIGHER"}[name]
        bad = (name == "down") is higher_is_better
        assert bool(found.worse) is bad
        assert [row["worse"] for row in found.rows()] == [bad]
        assert ("(worse)" in said([found])) is bad


def test_the_margin_is_a_tenth_of_the_distance_from_a_random_policy(tmp_path) -> None:
    """Its cell is read though only another was asked for."""
    own = replace(EXPERIMENT.variants[1], id="random")
    declared = replace(ONE, variants=(EXPERIMENT.variants[0], own))
    roots = []
    for name, shift in (("a", 0.0), ("b", 0.5)):
        store = Store(tmp_path / name)
        for cell in expand(declared, Selection(budget="paper", tasks=("toy/easy",))):
            level = 4.0 if cell.variant.id == "random" else 24.0 + shift
            fill(store, cell, lambda s, t, level=level: level + 0.01 * s * t)
        roots.append(store.root)
    a, b = map(stored_cells, roots)
    asked = [key for key in a if key[3] == "ours"]
    (found,) = differences(a, b, asked, {declared.id: declared})
    (verdict,) = found.verdicts
    assert verdict.margin == pytest.approx(2.0)
    assert verdict.verdict == "EQUIVALENT"
    assert "within the margin, but not 0" in verdict.reason


def test_cells_and_seeds_that_a_side_lacks_are_a_line(store, experiment, tmp_path) -> None:
    shutil.copytree(store.root / "toy/fig1/paper", tmp_path / "copy/toy/fig1/paper")
    lines = difference_lines(diff(store.root, tmp_path / "copy"), 80)
    assert lines == ["Same bits in 4 of 4 cells.", "", "Only in A: 4 cells (toy/fig1 smoke 4)."]
    back = difference_lines(diff(tmp_path / "copy", store.root), 80)
    assert back[-1] == "Only in B: 4 cells (toy/fig1 smoke 4)."
    five, three = (folder(tmp_path / str(n), {CELL: line}, seeds=n) for n in (5, 3))
    (found,) = diff(five, three)
    assert (found.seen, found.seeds, found.only_a, found.only_b) == ("same", (0, 1, 2), (3, 4), ())
    assert said([found]) == "Same bits in 1 of 1 cell. A has seeds that B lacks, in 1 cell: seeds 3-4."
    assert [row["verdict"] for row in diff(five, tmp_path / "nothing")[0].rows()] == ["ONLY_IN_A"]
    assert said(diff(five, tmp_path / "nothing")).startswith("Nothing to compare")


def test_without_a_common_seed_statistics_are_not_paired(tmp_path) -> None:
    a, b = (folder(tmp_path / name, {CELL: line}, seeds=4) for name in "ab")
    cells_a, cells_b = stored_cells(a), stored_cells(b)
    (key,) = cells_a
    low, high = replace(cells_a[key], seeds=(0, 1)), replace(cells_b[key], seeds=(2, 3))
    (found,) = differences({key: low}, {key: high}, [key], {ONE.id: ONE})
    assert (found.seen, found.differs, found.traces) == ("other seeds", False, ())
    (verdict,) = found.verdicts
    assert verdict.value == pytest.approx(2.0)
    assert "(n=2 against n=2)" in verdict.reason
    assert said([found]).startswith("Same bits in 0 of 1 cell; 1 cell without a common seed.")


def test_a_seed_that_diverged_on_one_side_only_is_a_difference(tmp_path) -> None:
    a, b = (folder(tmp_path / name, {CELL: line}) for name in "ab")
    cell = expand(EXPERIMENT, Selection(budget="paper"))[0]
    meta = meta_of(b, cell)
    meta["seeds"]["2"] |= {"status": "diverged", "reason": "step 3: a loss is nan"}
    edit(Store(b), cell, seeds=meta["seeds"])
    (found,) = diff(a, b)
    assert (found.seen, found.differs) == ("changed", True)
    assert "seed 2 is done in A and diverged in B" in said([found])


def test_an_experiment_that_is_not_declared_is_compared_all_the_same(tmp_path) -> None:
    a, b = folder(tmp_path / "a", {CELL: line}), folder(tmp_path / "b", {CELL: lambda s, t: line(s, t) + t})
    cells_a, cells_b = stored_cells(a), stored_cells(b)
    (found,) = differences(cells_a, cells_b, list(cells_a), {})
    assert (found.seen, [v.verdict for v in found.verdicts]) == ("changed", ["INCONCLUSIVE"])
    assert found.verdicts[0].reason == "toy/fig1 is not declared here"


def test_a_measure_that_one_side_cannot_read_is_named(tmp_path) -> None:
    a, b = folder(tmp_path / "a", {CELL: line}), folder(tmp_path / "b", {CELL: line}, steps=4)
    at_4 = replace(EXPERIMENT, measures=(Measure("score", "at 4", {"step": 4}),))
    (found,) = diff(a, b, at_4)
    assert [(v.setting, v.verdict) for v in found.verdicts] == [("at 4", "ONLY_IN_A")]
    assert found.leaves == 4


def test_rows_for_programs_are_flat_and_have_the_same_keys(tmp_path) -> None:
    a = folder(tmp_path / "a", {CELL: line, ("toy/hard", "ours"): line, ("toy/hard", "theirs"): line})
    b = folder(tmp_path / "b", {CELL: line, ("toy/hard", "ours"): lambda s, t: line(s, t) * (1 + 1e-8 * t)})
    rows = [row for cell in diff(a, b) for row in cell.rows()]
    assert len({tuple(row) for row in rows}) == 1
    assert all(isinstance(value, str | int | float | bool | None) for row in rows for value in row.values())
    assert [row["seen"] for row in rows] == ["same", "same", "rounding", "rounding", "only in A"]
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["rival"] for row in rows} == {"A"}


def test_many_different_cells_fit_a_screen(tmp_path) -> None:
    variants = tuple(
        Variant(f"a-variant-with-quite-a-long-name-{i}", "", EXPERIMENT.variants[0].learner) for i in range(16)
    )
    experiment = replace(EXPERIMENT, variants=variants)
    for name in "ab":
        store = Store(tmp_path / name)
        for i, cell in enumerate(expand(experiment, Selection(budget="smoke"))):
            fill(store, cell, lambda s, t, i=i, n=name: line(s, t) + (5.0 + i + s / 9 if n == "b" else 0.0))
    found = diff(tmp_path / "a", tmp_path / "b", experiment)
    lines = difference_lines(found, 80)
    assert len(lines) <= 40
    assert lines[0] == "32 of 32 cells differ, beyond rounding."
    assert "--verbose" in " ".join(lines)
    whole = difference_lines(found, 80, verbose=True)
    assert all(any(v.id in "\n".join(whole) for v in variants) for v in variants)


@pytest.mark.parametrize(
    ("damage", "said_of_it"),
    [
        (lambda j, c: c.write_bytes(c.read_bytes()[:-3]), "first or last line is not whole"),
        (lambda j, c: c.write_bytes(c.read_bytes().replace(b"10.0", b"10.1", 1)), "not those that were written"),
        (lambda j, c: c.write_bytes(b"\xff\x00" * 40), "is damaged"),
        (lambda j, c: c.unlink(), "is gone"),
        (lambda j, c: j.write_bytes(b"{"), "cannot be read"),
        (lambda j, c: j.write_bytes(b"\xff\xfe"), "cannot be read"),
        (lambda j, c: j.write_bytes(b"[]"), "is not a cell's JSON"),
        (lambda j, c: j.write_text(json.dumps(drop(j, "task"))), "no task"),
        (lambda j, c: j.write_text(json.dumps(drop(j, "columns") | {"columns": [1]})), "a wrong columns"),
        (lambda j, c: j.write_text(json.dumps(drop(j, "seeds") | {"seeds": {"0": {"status": "done"}}})), "no seed's"),
        (lambda j, c: j.write_text(json.dumps(drop(j, "seeds") | {"seeds": {"x": {"status": "done"}}})), "no seed's"),
        (lambda j, c: j.write_text(json.dumps(drop(j, "task") | {"task": "toy/hard"})), "was it renamed?"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, damage, said_of_it) -> None:
    a, b = (folder(tmp_path / name, {CELL: line}) for name in "ab")
    cell = expand(EXPERIMENT, Selection(budget="paper"))[0]
    damage(Store(b).json_path(cell), Store(b).csv_path(cell))
    with pytest.raises(DamagedError, match=said_of_it) as raised:
        diff(a, b)
    assert "\n" not in str(raised.value)
    assert cell.name in str(raised.value)


def drop(path: Path, key: str) -> dict[str, Any]:
    return {k: v for k, v in json.loads(path.read_bytes()).items() if k != key}


def test_strays_in_a_folder_are_no_cells(tmp_path) -> None:
    a, b = (folder(tmp_path / name, {CELL: line}) for name in "ab")
    for root in (a, b):
        place = root / "toy/fig1/paper"
        (place / "._toy-easy--ours.json").write_bytes(b"\x00")
        (place / "notes.json").write_text("{}")
        (root / ".work/superseded/toy").mkdir(parents=True)
        (root / "figures").mkdir()
    assert said(diff(a, b)) == "Same bits in 1 of 1 cell."
