"""Which platforms are the same, by what old and new records say of them."""

from __future__ import annotations

import pytest

from svgbench.lab import kernels, platform, platforms

VAGUE = {"device": "cpu", "machine": "x86_64", "processor": "AMD EPYC", "torch": "2.13.0", "mujoco": "4.0.0"}
MILAN = VAGUE | {"instructions": "AuthenticAMD 25 1 1 avx2"}
GENOA = VAGUE | {"instructions": "AuthenticAMD 25 17 1 avx2 avx512f avx512_bf16"}
INTEL = VAGUE | {
    "processor": "Intel(R) Xeon(R) Processor",
    "instructions": "GenuineIntel 6 207 2 avx2 avx512f",
    "kernels": "torch AVX512, MKL AVX512/14",
}


@pytest.mark.parametrize(
    ("one", "other", "parts"),
    [
        (VAGUE, INTEL, ("processor",)),
        (VAGUE, GENOA, ()),  # it may be one
        (GENOA, MILAN, ("instructions",)),
        (GENOA, GENOA | {"processor": "AMD EPYC 9B14", "cores": 64, "python": "3.12.1"}, ()),
        (GENOA, GENOA | {"instructions": "AuthenticAMD 25 17 2 avx2 avx512f avx512_bf16"}, ()),  # a stepping
        (GENOA, GENOA | {"torch": "2.14.0"}, ("torch",)),
        (INTEL, INTEL | {"kernels": "torch AVX2, MKL AVX2"}, ("kernels",)),
        (INTEL, {k: v for k, v in INTEL.items() if k != "kernels"}, ()),
        (INTEL, INTEL | {"device": "cuda", "accelerator": "NVIDIA H200"}, ("device",)),
        ({}, INTEL, ()),
    ],
)
def test_platforms_differ_where_what_both_say_differs(one, other, parts):
    assert platforms.differing(one, other) == platforms.differing(other, one) == parts


def test_a_record_that_says_less_tells_what_it_lacks():
    assert platforms.untold(VAGUE, GENOA) == ("instructions",)
    assert platforms.untold(GENOA, VAGUE) == ()


def test_a_vague_record_belongs_to_the_only_platform_that_it_fits():
    assert platforms.grouped([VAGUE, INTEL, GENOA]) == [[INTEL], [GENOA, VAGUE]]
    assert [VAGUE] in platforms.grouped([VAGUE, MILAN, GENOA]), "it cannot be told which of the two it is"


def test_a_group_is_named_by_what_all_of_its_records_say():
    groups = platforms.grouped([VAGUE, INTEL, GENOA])
    assert platforms.names_of(groups) == ["Intel 6/207", "AMD EPYC"]
    assert platforms.names_of(platforms.grouped([INTEL, GENOA])) == ["Intel 6/207", "AMD 25/17"]


def test_keys_and_names_tell_platforms_apart():
    other = INTEL | {"kernels": "torch AVX2, MKL AVX2"}
    newer = INTEL | {"torch": "2.14.0"}
    assert len({platforms.key(one) for one in (VAGUE, MILAN, GENOA, INTEL, other, newer)}) == 6
    assert platforms.key(INTEL | {"cores": 8}) == platforms.key(INTEL)
    assert platforms.key(INTEL).startswith("GenuineIntel-6-207-")
    assert platforms.named([VAGUE, MILAN, GENOA, INTEL]) == ["AMD EPYC", "AMD 25/1", "AMD 25/17", "Intel 6/207"]
    assert platforms.named([INTEL, newer]) == ["Intel 6/207 (torch 2.13.0)", "Intel 6/207 (torch 2.14.0)"]
    assert platforms.named([INTEL, other]) == [
        "Intel 6/207 (torch AVX512, MKL AVX512/14)",
        "Intel 6/207 (torch AVX2, MKL AVX2)",
    ]
    assert platforms.named([INTEL | {"device": "cuda", "accelerator": "NVIDIA H200"}]) == ["cuda NVIDIA H200"]


def test_a_key_is_told_from_other_names_of_folders():
    strange = {"processor": "\u9f99\u82af", "torch": "2.13.0"}
    long = {"processor": "a very long name " * 9}
    assert all(platforms.is_key(platforms.key(one)) for one in ({}, VAGUE, MILAN, INTEL, strange, long))
    name = platforms.key(INTEL)
    others = "backup copy", f".{name}", f"{name} (copy)", f"{name}.bak", f"{name}-old", f"copy_of_{name}", "", "[x]*?"
    assert not any(map(platforms.is_key, others))


def test_another_process_finds_the_arithmetic_of_this_one():
    assert kernels.kernels_of_blocks() == kernels.kernels()
    assert kernels.kernels().startswith("torch ")
    assert platforms.key(platforms.here("cpu")) == platforms.key(platforms.of_process("cpu"))


@pytest.mark.parametrize(("flags", "has"), [("avx512f avx512_bf16", False), ("avx512_bf16 amx_tile amx_bf16", True)])
def test_products_in_bfloat16_need_amx(flags, has, monkeypatch):
    monkeypatch.setattr(platform, "_cpuinfo", lambda: {"flags": f"fpu {flags}"})
    assert platform.has_bfloat16() == has
