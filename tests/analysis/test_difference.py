"""Two results folders: a changed program is seen, rounding is told as such."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from toy import EXPERIMENT, FINAL, fill
from two_folders import CELL, ONE, Score, diff, edit, folder, line, meta_of, on_platform, said

from svgbench.analysis.judge.difference import differences
from svgbench.analysis.judge.statistics import holm
from svgbench.lab.cells import Selection, expand
from svgbench.lab.store import Store
from svgbench.lab.stored import stored_cells


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


@pytest.mark.parametrize(
    ("other", "seen", "leaves"),
    [
        (lambda s, t: line(s, t) * (1 + 1e-7 * (-1) ** (s + t)), "rounding", None),
        (lambda s, t: line(s, t) * (1 + 1e-9 * 1000.0**t), "grown", 2),
        (lambda s, t: line(s, t) + (0.5 if t >= 3 and s == 4 else 0.0), "changed", 3),
    ],
)
def test_rounding_is_told_apart_from_differences_that_grow_from_it(tmp_path, other, seen, leaves) -> None:
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


EPYC = {"processor": "AMD EPYC"}  # what virtual machines call several


@pytest.mark.parametrize(
    ("a", "b", "platform", "meaning"),
    [
        ({}, {}, "same", "; not the same program's numbers. "),
        ({"cores": 2}, {"cores": 64}, "same", "; not the same program's numbers. "),
        ({**EPYC, "instructions": "x"}, {**EPYC, "instructions": "x"}, "same", "; not the same program's numbers. "),
        (EPYC, EPYC, "unsure", "numbers, unless the machines differ"),
        (EPYC, {**EPYC, "instructions": "x"}, "unsure", "numbers, unless the machines differ"),
        (
            {**EPYC, "instructions": "x"},
            {**EPYC, "instructions": "y"},
            "other",
            "do not tell whether the program changed",
        ),
        (EPYC, {"processor": "Abacus"}, "other", "do not tell whether the program changed"),
        ({"device": "cuda"}, {"device": "cuda"}, "other", "do not tell whether the program changed"),
    ],
)
def test_bits_prove_another_program_on_one_platform_only(tmp_path, a, b, platform, meaning) -> None:
    roots = folder(tmp_path / "a", {CELL: line}), folder(tmp_path / "b", {CELL: lambda s, t: line(s, t) + t})
    for root, about in zip(roots, (a, b), strict=True):
        on_platform(root, **about)
    (found,) = diff(*roots)
    assert (found.platform, found.rows()[0]["platform"]) == (platform, platform)
    text = said([found])
    assert meaning in text
    assert ("not the same program" in text) is (platform != "other")
    for name in {*a, *b} - {"cores"}:
        changed = f"{name}: {a.get(name, 'none')} -> {b.get(name, 'none')}"
        assert (changed in text) is (a.get(name) != b.get(name))


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
    edit(Store(b), cell, **meta_of(a, cell) | {"config": meta_of(a, cell)["config"] | {"came_later": False}})
    assert diff(a, b)[0].changes == (), "the hashes are the same"
    edit(Store(b), cell, **meta_of(a, cell) | {"config_hash": "0" * 12})
    assert [str(c) for c in diff(a, b)[0].changes] == [
        f"config_hash: {meta_of(a, cell)['config_hash']} -> 000000000000"
    ]


def test_statistics_are_paired_by_seed_and_holm_covers_the_requested_cells(tmp_path) -> None:
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


def test_a_cell_within_rounding_weighs_on_no_correction(tmp_path) -> None:
    moved: dict[tuple[str, str], Score] = {CELL: lambda s, t: line(s, t) + 0.1 * (s % 2)}
    rounded = moved | {("toy/hard", "ours"): lambda s, t: line(s, t) * (1 + 1e-8 * (-1) ** s)}
    a = folder(tmp_path / "a", {CELL: line, ("toy/hard", "ours"): line})
    alone, beside = folder(tmp_path / "b", moved), folder(tmp_path / "c", rounded)
    assert diff(a, alone, ONE)[0].verdicts == diff(a, beside, ONE)[0].verdicts


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_the_measure_says_which_way_is_worse(tmp_path, higher_is_better) -> None:
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
