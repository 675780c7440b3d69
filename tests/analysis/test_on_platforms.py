"""A verdict on each platform: from first measurements and replicas that are made up here."""

from __future__ import annotations

from dataclasses import replace

import pytest
from svgbench_testkit.experiments import EXPERIMENTS

from svgbench.analysis.judge.replicated import same_on
from svgbench.analysis.read.naming import name_seeds
from svgbench.analysis.report.markdown import markdown
from svgbench.analysis.report.page import html
from svgbench.analysis.show.answer_text import summary_lines
from svgbench.analysis.show.verdict_text import verdict_lines
from svgbench.describe import platform_sentences
from svgbench.lab import platforms
from svgbench.lab.cells import Selection, expand
from svgbench.lab.platform import describe
from svgbench.lab.replicas import platforms_of
from svgbench.lab.store import Store
from svgbench.reporting import make_report
from svgbench.study import Study

WALK = EXPERIMENTS[0]
INTEL = {"processor": "Intel(R) Xeon(R)", "instructions": "GenuineIntel 6 207 2 avx2"}
HERE = describe("cpu") | INTEL | {"kernels": "torch AVX2"}
THERE = HERE | {"processor": "AMD EPYC", "instructions": "AuthenticAMD 25 17 1 avx2"}
BOTH = "AMD 25/17", "Intel 6/207"


def measure(root, record, ahead, replica=False, seeds=(0, 1, 2, 3), task="field/calm", **entry):
    """Both walks on a field, of which the one with drift is so far ahead; each seed a little further."""
    selection = Selection("smoke", tasks=(task,))
    for cell in expand(WALK, selection):
        own = replace(cell, replica=platforms.key(record)) if replica else cell
        value = ahead if cell.variant.id == "drift" else 0.0
        texts = {seed: f"{seed},29,{value + (0.1 + value / 50) * seed},up\n" for seed in seeds}
        made = {"status": "done", "platform": record, "rows": 1, "seconds": 1.0} | entry
        Store(root).merge(own, texts, {seed: dict(made) for seed in seeds})
    return Study(WALK, root)


def verdict_of(study):
    verdicts, _ = study.compare(Selection("smoke"))
    return next(v for v in verdicts if v.task == "field/calm")


def summary(study):
    return summary_lines(study.judge(Selection("smoke"))[0], 80)


@pytest.fixture
def first(tmp_path):
    return measure(tmp_path, THERE, ahead=5.0)


def test_without_replicas_nothing_is_said(first):
    row = verdict_of(first).as_row()
    assert (row["platforms"], row["platforms_same"]) == (1, 1)
    assert row["by_platform"] == "AMD 25/17: SUPPORTED (n 4)"
    assert "platform" not in "\n".join(summary(first)).lower()


def test_a_verdict_that_is_the_same_on_both(first):
    study = measure(first.store.root, HERE, ahead=4.0, replica=True)
    verdict = verdict_of(study)
    assert (verdict.verdict, [w.platform for w in verdict.platforms]) == ("SUPPORTED", [*BOTH])
    assert verdict.value == verdict_of(first).value
    lines = summary(study)
    assert any(line.split()[:4] == ["drift-wins", "INCOMPLETE", "1/2", "2/2"] for line in lines), (
        lines
    )  # one task lacks runs
    assert "measured on 2 platforms: AMD 25/17, Intel 6/207" in lines
    assert "the verdicts measured on several are the same on each" in lines
    assert max(map(len, lines)) <= 80


def test_a_verdict_that_differs_is_said_plainly(first):
    study = measure(first.store.root, HERE, ahead=-4.0, replica=True)
    row = verdict_of(study).as_row()
    assert (row["verdict"], row["platforms"], row["platforms_same"]) == ("SUPPORTED", 2, 1)
    assert row["by_platform"] == "AMD 25/17: SUPPORTED (n 4); Intel 6/207: REFUTED (n 4)"
    text = " ".join(summary(study))
    plain = "drift-wins: SUPPORTED on AMD 25/17 (n = 4), REFUTED on Intel 6/207 (n = 4)"
    assert f"NOT THE SAME ON EVERY PLATFORM: {plain}" in text
    assert "platforms" in "\n".join(verdict_lines(WALK, study.judge(Selection("smoke"))[0].verdicts, 80))
    report = make_report([study], budget="smoke", draw=False)
    for page in (markdown(report), html(report)):
        assert "REFUTED on Intel 6/207" in page
        assert "Intel 6/207, torch AVX2" in page, "the origin of the runs"
    [told] = platform_sentences(platforms_of(study.store, study.plan(Selection("smoke"))))
    assert told == "all 2 measured cells have two platforms or more"


def test_a_place_that_differs_is_said_although_the_claim_is_not_judged_there(first):
    """The other task has the first platform only, so the claim as a whole is judged there alone."""
    root = first.store.root
    measure(root, THERE, 5.0, task="field/windy")
    study = measure(root, HERE, ahead=-4.0, replica=True)
    claim = [v for v in study.compare(Selection("smoke"))[0] if v.claim == "drift-wins"]
    assert same_on(claim) == (1, 1)
    plain = "SUPPORTED on AMD 25/17 (n = 4), REFUTED on Intel 6/207 (n = 4)"
    text = " ".join(summary(study))
    assert f"NOT THE SAME ON EVERY PLATFORM: drift-wins on calm: {plain}" in text
    assert "the same on each" not in text
    report = make_report([study], budget="smoke", draw=False)
    for page in (markdown(report), html(report)):
        assert f"calm: {plain}" in page


@pytest.mark.parametrize("mixed", [True, False], ids=["mixed", "of two platforms"])
def test_a_first_measurement_of_several_platforms_says_what_one_alone_says(tmp_path, mixed):
    """All seeds were continued here, or two of four were made elsewhere; those made here alone refute the claim."""
    if mixed:
        measure(tmp_path, HERE, 5.0, **{platforms.EARLIER: [THERE]})
    else:
        measure(tmp_path, THERE, 5.0, seeds=(0, 1))
        measure(tmp_path, HERE, 5.0, seeds=(2, 3))
    study = measure(tmp_path, HERE, -4.0, replica=True)
    [own] = verdict_of(study).platforms
    assert own.verdict == ("REFUTED" if mixed else "INCONCLUSIVE")
    plain = f"drift-wins: SUPPORTED as first measured, {own.verdict} on Intel 6/207 (n = 4)"
    assert f"measured on 1 platform: Intel 6/207 NOT THE SAME ON EVERY PLATFORM: {plain}" in " ".join(summary(study))


def test_what_counts_for_no_platform(tmp_path):
    mixed = measure(tmp_path / "mixed", THERE, 5.0, **{platforms.EARLIER: [HERE]})
    assert (verdict_of(mixed).verdict, verdict_of(mixed).platforms) == ("SUPPORTED", ())
    told = "seeds 0-3 continued on another platform"
    assert verdict_of(mixed).caveats == (f"drift: {told}", f"still: {told}")

    few = measure(tmp_path / "few", THERE, 5.0)
    measure(tmp_path / "few", HERE, 4.0, replica=True, seeds=(0, 1, 2))
    assert [w.platform for w in verdict_of(few).platforms] == ["AMD 25/17"]
    measure(tmp_path / "few", HERE, 4.0, replica=True, seeds=(3,))
    assert [w.n for w in verdict_of(few).platforms] == [4, 4]
    stale = tmp_path / "few"
    for path in Store(stale).replica_files(WALK.id, "smoke"):
        path.write_text(path.read_text().replace('"config_hash": "', '"config_hash": "0'))
    assert len(verdict_of(few).platforms) == 1


def cut(path):
    path.with_suffix(".csv").write_bytes(path.with_suffix(".csv").read_bytes()[:-9])


def gone(path):
    path.with_suffix(".csv").unlink()


def stale(path):
    path.write_text(path.read_text().replace('"config_hash": "', '"config_hash": "0'))


def newer(path):
    path.write_text(path.read_text().replace('"format": 2', '"format": 3'))


def unreadable(path):
    path.unlink()
    path.mkdir()


def renamed_folder(path):
    path.write_text(path.read_text().replace("GenuineIntel 6 207", "GenuineIntel 6 208"))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut, "field-calm--drift.csv is damaged: its first or last line is not whole"),
        (gone, "field-calm--drift.csv is damaged: it is gone"),
        (stale, "is stale: other settings or another version than the first measurement"),
        (newer, "field-calm--drift.json: a newer svgbench wrote it, in format 3; this one reads format 2"),
        (unreadable, "field-calm--drift.json: it cannot be read: Is a directory"),
        (renamed_folder, "was the folder renamed?"),
    ],
)
def test_a_replica_that_is_left_out_is_named(first, damage, reason):
    study = measure(first.store.root, HERE, ahead=-4.0, replica=True)
    whole = study.compare(Selection("smoke"))[1]
    assert not any("left out" in note for note in whole)
    [path] = (p for p in study.store.replica_files(WALK.id, "smoke") if "drift" in p.name)
    damage(path)
    verdicts, notes = study.compare(Selection("smoke"))
    assert [len(v.platforms) for v in verdicts if v.task == "field/calm"] == [1]
    (note,) = (n for n in notes if n not in whole)
    assert note.startswith("budget smoke: left out: ")
    assert note.endswith(reason)
    rows = {row["variant"]: row["replicated_on"] for row in study.status(Selection("smoke", tasks=("field/calm",)))}
    assert rows == {"drift": "", "still": "; ".join(sorted(BOTH))}, "status counts what compare counts"


def test_seeds_of_a_platform_are_found_in_both_places(tmp_path):
    """Seeds 0 and 1 were made there, 2 and 3 here, and the replica here has the first two."""
    root = tmp_path / "both"
    measure(root, THERE, 5.0, seeds=(0, 1))
    study = measure(root, HERE, 5.0, seeds=(2, 3))
    assert verdict_of(study).platforms == ()
    assert verdict_of(study).caveats == ("measured on AMD 25/17 and Intel 6/207 together",)
    assert "measured on AMD 25/17 and Intel 6/207 together (calm)" in summary(study)
    study = measure(root, HERE, -5.0, replica=True, seeds=(0, 1))
    assert verdict_of(study).caveats == ()
    assert [(w.platform, w.n) for w in verdict_of(study).platforms] == [("Intel 6/207", 4)]


def test_a_platform_has_the_name_of_its_least_detailed_record(tmp_path):
    """Of seeds 2 and 3 only "AMD EPYC" is recorded: that they were made on the AMD 25/17 of seed 0 is not known."""
    vague = {name: value for name, value in THERE.items() if name not in ("instructions", "kernels")}
    measure(tmp_path, THERE, 5.0, seeds=(0,))
    measure(tmp_path, HERE, 5.0, seeds=(1,))
    study = measure(tmp_path, vague, 5.0, seeds=(2, 3))
    assert verdict_of(study).caveats == ("measured on AMD EPYC and Intel 6/207 together",)
    on = platforms_of(study.store, study.plan(Selection("smoke", tasks=("field/calm",))))
    assert [sorted(names) for names in on.values()] == [["AMD EPYC", "Intel 6/207"]] * 2


def test_an_undeclared_cell_too_says_which_seeds_were_continued_on_another_platform(tmp_path):
    first = expand(WALK, Selection("smoke", tasks=("field/calm",)))[0]
    other = replace(first, variant=replace(first.variant, id="faster", label="Faster"))
    texts = {seed: f"{seed},29,{seed}.5,up\n" for seed in range(4)}
    made = {"status": "done", "platform": THERE, "rows": 1, "seconds": 1.0}
    entries = {seed: made | ({platforms.EARLIER: [HERE]} if seed % 2 else {}) for seed in texts}
    Store(tmp_path).merge(other, texts, entries)
    for seeds, mixed in ((None, (1, 3)), ((2, 3), (3,))):
        read = Study(WALK, tmp_path).results(Selection("smoke", seeds=seeds))
        assert read.cells["field/calm", "faster"].mixed == mixed
        assert any(f"{name_seeds(mixed)} continued on another platform" in note for note in read.caveats)
