"""`--precision bf16` as a user meets it: a platform of its own, and refused where it gains nothing."""

from __future__ import annotations

import json

import pytest

from svgbench.commands.options import selection_of
from svgbench.lab import platform, precision
from svgbench.lab.cells import Selection, block_from_job, blocks, describe_job, expand
from svgbench.reproduce.sac_svg.experiments import TABLE2
from svgbench.words.errors import UsageError

WALK = ("walk", "--budget", "smoke", "--tasks", "field/calm", "--variants", "still")
WIDE = ("poplin/swimmer",)


@pytest.mark.skipif(not platform.has_bfloat16(), reason="the processor has no products in bfloat16")
def test_its_results_are_of_another_platform(bench):
    ran = bench("run", *WALK, "--precision", "bf16")
    assert ran.status == 0, ran.err
    assert "matrix products in bf16: never mixed with results in float32" in ran.out
    (path,) = bench.results.glob("testkit/walk/smoke/*--still.json")
    entries = json.loads(path.read_bytes())["seeds"].values()
    assert {entry["platform"]["precision"] for entry in entries} == {"bf16"}
    there, here = bench("status", *WALK, "--precision", "bf16", "--json").json, bench("status", *WALK, "--json").json
    assert [row["status"] for row in (*there, *here)] == ["done", "other"]
    assert here[0]["note"] == "measured with precision bf16 (here float32)"
    (again,) = bench("plan", *WALK, "--no-calibrate", "--json").json
    assert again["seeds_missing"] == again["seeds_total"], "in float32 all of it is missing"


def test_a_block_is_told_and_others_records_have_no_such_word():
    (cell,) = expand(TABLE2, Selection("paper", (0,), WIDE, ("sac",), precision="bf16"))
    (plain,) = expand(TABLE2, Selection("paper", (0,), WIDE, ("sac",)))
    assert cell.identity == plain.identity, "of the platform, not of the cell"
    (block,) = blocks(cell, (0,))
    assert block_from_job(describe_job(block)).cell.precision == "bf16"
    assert "precision" not in platform.describe("cpu"), "records of float32 stay as they were"
    apart = platform.differing(platform.describe("cpu", "bf16"), platform.describe("cpu"))
    assert apart == {"precision": ("bf16", "float32")}


@pytest.mark.parametrize(
    ("device", "has", "words", "named", "said"),
    [
        ("cuda", True, {}, "bf16", "expected --device cpu, not cuda"),
        ("cpu", False, {}, "bf16", "this processor has no products in bfloat16 (no amx_bf16); expected float32"),
        ("cpu", True, {}, "bf61", "did you mean 'bf16'"),
        (
            "cpu",
            True,
            {"budget": "short"},
            "bf16",
            "actor_hidden of sac on poplin/swimmer is 64,64; expected 128 units",
        ),
    ],
)
def test_it_is_refused_in_one_line(device, has, words, named, said, monkeypatch):
    monkeypatch.setattr(platform, "has_bfloat16", lambda: has)

    def ask():
        precision.check(named, device)
        expand(TABLE2, Selection(**{"budget": "paper", **words}, tasks=WIDE, variants=("sac",), precision=named))

    with pytest.raises(UsageError) as caught:
        ask()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_machine_checks_its_own_processor(monkeypatch):
    monkeypatch.setattr(platform, "has_bfloat16", lambda: False)
    assert selection_of("paper", None, None, None, None, "cpu", "bf16", elsewhere=True).precision == "bf16"
    with pytest.raises(UsageError, match="this processor has no products in bfloat16"):
        precision.use("bf16")
