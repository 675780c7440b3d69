"""Files as people have them, given to `svgbench import`: read whole, or refused in one line that says how to mend them.

Every case is built here. Where the reviewed files themselves lie beside the clone, they are read too.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from harness import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_kit import HEADER, MEAN, OK, ROWS, Call, altered, by_column, call, read, refused

from svgbench import cli
from svgbench.analysis.read.import_source import open_source
from svgbench.analysis.read.import_table import read_table
from svgbench.analysis.read.import_values import ColumnKind
from svgbench.words.errors import UsageError

REVIEWED = ROOT.parent / "shared" / "cases" / "import"

__all__ = ["call"]  # a fixture

ACCEPTED = {
    "ok": OK,
    "bom": "\ufeff" + OK,
    "crlf": OK.replace("\n", "\r\n"),
    "cr": OK.replace("\n", "\r"),
    "mixed line ends": OK.replace("0\n", "0\r\n", 3).replace("0\n", "0\r", 2),
    "quoted": "\n".join(",".join(f'"{c}"' for c in line.split(",")) for line in OK.splitlines()),
    "descending": "\n".join([HEADER, *reversed(ROWS)]) + "\n",
    "shuffled": "\n".join([HEADER, *ROWS[1::3], *ROWS[::3], *ROWS[2::3]]) + "\n",
    "float seeds": by_column(lambda c: [f"{c[0]}.0", f"{c[1]}.0", c[2]]),
    "exponents": by_column(lambda c: [f"{c[0]}e0", f"{float(c[1]):e}", f"{float(c[2]):.10E}"]),
    "signs and zeros": by_column(lambda c: [f"+{c[0]}", f"000{c[1]}", f"+{c[2]}00"]),
    "blanks around values": by_column(lambda c: [f" {c[0]} ", f"\t{c[1]}", f" {c[2]}  "]),
    "blank lines": OK.replace("\n", "\n\n") + "\n\n",
    "no final newline": OK.rstrip("\n"),
    "unnamed index": "\n".join(f"{i or ''},{line}" for i, line in enumerate(OK.splitlines())) + "\n",
    "other columns": "\n".join(
        f"{line},{i or 'wall_time'},{'a;b|é' if i else 'note'}" for i, line in enumerate(OK.splitlines())
    ),
    "a text with a line break": OK.replace(HEADER, f"{HEADER},note").replace(".0\n", '.0,"one\ntwo"\n'),
    "columns in another order": "\n".join(",".join(reversed(line.split(","))) for line in OK.splitlines()) + "\n",
}

REFUSED: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "resumed": (
        altered(4, "0,5000,900.0"),
        ("row 4 (line 5): seed 0, step 5000 stands twice with different values, first in row 2 (line 3)",),
    ),
    "every row twice": (OK + "\n".join(ROWS), ("row 21 (line 22): seed 0, step 2500 stands twice with the same",)),
    "the same seed in two spellings": (altered(2, "0.0,2.5e3,1"), ("row 2 (line 3): seed 0, step 2500 stands twice",)),
    "fraction of a seed": (altered(3, "0.5,7500,1"), ("row 3 (line 4): column 'seed' is '0.5'; expected a whole",)),
    "blank seed": (altered(3, ",7500,1"), ("row 3 (line 4): column 'seed' is blank; expected a whole number",)),
    "blank step": (altered(3, "0, ,1"), ("row 3 (line 4): column 'step' is blank",)),
    "nan as a seed": (altered(3, "nan,7500,1"), ("row 3 (line 4): column 'seed' is 'nan'",)),
    "negative step": (altered(3, "0,-7500,1"), ("column 'step' is '-7500'; expected a whole number from 0 to 2^63",)),
    "fraction of a step": (altered(3, "0,7500.25,1"), ("column 'step' is '7500.25'",)),
    "hardly a fraction": (altered(3, "0,7500.00000000000000000001,1"), ("column 'step' is '7500.0000",)),
    "seed beyond 64 bits": (altered(3, "100000000000000000000,7500,1"), ("column 'seed' is '1000000",)),
    "2^63": (altered(3, "9223372036854775808,7500,1"), ("from 0 to 2^63 - 1",)),
    "step 1e30": (altered(3, "0,1e30,1"), ("column 'step' is '1e30'",)),
    "endless exponent": (altered(3, "0,0e99999999999999999999,1"), ("column 'step' is '0e999",)),
    "blank value": (altered(19, "4,7500,"), ("row 19 (line 20): column 'eval_return' is blank", "leave out")),
    "nan": (altered(19, "4,7500,nan"), ("row 19 (line 20): column 'eval_return' is 'nan'; expected a finite",)),
    "inf": (altered(20, "4,10000,inf"), ("row 20 (line 21): column 'eval_return' is 'inf'; expected a finite",)),
    "-Infinity": (altered(20, "4,10000,-Infinity"), ("is '-Infinity'",)),
    "1e61": (altered(20, "4,10000,-1e61"), ("is '-1e61'; expected a finite number (at most 1e+60)",)),
    "1e400": (altered(20, "4,10000,1e400"), ("is '1e400'; expected a finite number (64 bits do not hold it)",)),
    "truth values": (OK.replace("400.0", "True"), ("row 4 (line 5)", "'True'", "no truth value")),
    "hexadecimal": (altered(20, "4,10000,0x1F"), ("'0x1F'", "in decimal digits")),
    "underscores": (altered(20, "4,1_0000,1"), ("column 'step' is '1_0000'", "without separators")),
    "thousands": (altered(20, '4,"10,000",1'), ("row 20 (line 21): column 'step' is '10,000'", "without separators")),
    "thousands, blank": (altered(20, "4,10 000,1"), ("'10 000'", "without separators")),
    "decimal comma": (altered(20, '4,10000,"404,0"'), ("'404,0'", "a point before decimals")),
    "decimal comma, unquoted": (altered(20, "4,10000,404,0"), ("it has 4 fields, the header has 3", "comma inside a")),
    "other digits": (altered(20, "4,10000,٤٠٤"), ("row 20 (line 21): column 'eval_return'",)),
    "a superscript": (altered(20, "4,10000²,1"), ("row 20 (line 21): column 'step'",)),
    "a unit": (altered(20, "4,10k,1"), ("column 'step' is '10k'",)),
    "a word": (altered(20, "4,10000,--"), ("column 'eval_return' is '--'; expected a finite number",)),
    "an escape sequence": (altered(20, "4,10000,\x1b[31m"), (r"'\x1b[31m'",)),
    "header again": (altered(9, HEADER), ("row 9 (line 10): it repeats the header",)),
    "another file behind": (OK + "\ufeff" + OK, ("row 21 (line 22): it repeats the header",)),
    "two lines in one": (
        altered(6, "1,5000,201.02,2500,102.0"),
        ("row 6 (line 7): it has 5 fields", "two lines in one"),
    ),
    "a short row": (altered(6, "1,5000"), ("row 6 (line 7): it has 2 fields, the header has 3",)),
    "a cut line": (OK + "4,12500", ("row 21 (line 22): it has 2 fields", "was it cut?")),
    "a cut value": (altered(20, "4,10000,").rstrip("\n"), ("row 20 (line 21)", "is blank", "was it cut?")),
    "commas at the end": (OK.replace(".0\n", ".0,\n"), ("row 1 (line 2): it has 4 fields", "remove the comma")),
    "comment above": ("# exported 2024\n" + OK, ("line 1 is not a header, '# exported 2024'; remove it", HEADER)),
    "comment within": (altered(6, "# resumed here"), ("row 6 (line 7): it is a comment, '# resumed here'; remove it",)),
    "zeros": (altered(6, "\0\0\0\0"), ("line 7 has NUL bytes",)),
    "a quote that stays open": (altered(6, '1,5000,"201.0'), ("row 6 (line 7): a quote opens there and never closes",)),
    "a quote within": (altered(6, '1,"50"00,201.0'), ("row 6 (line 7)",)),
    "semicolons": (OK.replace(",", ";"), ("is separated by semicolons; save it with commas", "sep=';', decimal=','")),
    "semicolons, decimal comma": (OK.replace(",", ";").replace(".", ","), ("is separated by semicolons",)),
    "tabs": (OK.replace(",", "\t"), ("is separated by tabs; save it with commas between columns", r"sep='\t'")),
    "blanks": (OK.replace(",", "  "), ("is separated by blanks", r"sep=r'\s+'")),
    "a line for a spreadsheet": ("sep=,\n" + OK, ("line 1 is not a header, 'sep='; remove it",)),
    "bars": (OK.replace(",", "|"), ("is separated by bars",)),
    "commas, then semicolons": (altered(6, "1;5000;201.0"), ("row 6 (line 7)", "separated by semicolons")),
    "no header": ("\n".join(ROWS), ("line 1 is data", "put a header above it, with seed,step,eval_return")),
    "capitals": (
        OK.replace("seed,step", "Seed,Step"),
        ("'seed', 'step'; rename 'Seed' to 'seed' and 'Step' to 'step'",),
    ),
    "blanks in the header": (OK.replace(",step,eval", ", step, eval"), ("rename ' step' to 'step'",)),
    "a slip": (OK.replace("eval_return", "eval_retrun"), ("rename 'eval_retrun' to 'eval_return'",)),
    "a column twice": (OK.replace("step,eval_return", "step,step"), ("the header has column 'step' 2 times",)),
    "another column twice": (OK.replace("\n", ",1\n").replace("return,1", "return,seed"), ("column 'seed' 2 times",)),
    "monitor": (
        '#{"t_start": 1.5, "env_id": null}\nr,l,t\n1.0,10,2500\n',
        ("known to be 'eval_return'", "--map", "'r', 'l', 't'"),
    ),
    "wandb": ('"Step","run0 - eval_return"\n"2500","100.0"\n', ("rename 'Step' to 'step'", "'run0 - eval_return'")),
    "a page": ("<!DOCTYPE html>\n<html>\n", ("no column 'seed', 'step', 'eval_return' (it has: '<!DOCTYPE html>')",)),
    "empty": ("", ("is empty",)),
    "blank": (" \n\n", ("no column 'seed'",)),
    "only newlines": ("\n\n\n", ("is blank",)),
    "only a header": (HEADER + "\n", ("has a header and no rows",)),
    "utf-16": (OK.encode("utf-16"), ("is UTF-16 text; save it as UTF-8 (iconv -f UTF-16 -t UTF-8 OLD > NEW)",)),
    "utf-16, no mark": (OK.encode("utf-16-be"), ("is UTF-16 text",)),
    "utf-32": (OK.encode("utf-32"), ("is UTF-32 text",)),
    "utf-32, no mark": (OK.encode("utf-32-le"), ("is UTF-32 text",)),
    "latin-1": (
        OK.replace(HEADER, f"{HEADER},note").replace(".0\n", ".0,é\n").encode("latin-1"),
        ("line 2 is not UTF-8 (byte 0xe9); save the file as UTF-8",),
    ),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01", ("is a binary file, not text",)),
    "a pickle": (b"\x80\x05\x95\x1a\0\0\0\0\0\0\0}\x94(\x8c\x04seed", ("is a binary file, not text",)),
    "noise": (bytes(range(256)) * 8, ("is a binary file, not text",)),
    "an endless line": (HEADER + "\n" + "1" * 600_000, ("line 2 is longer than",)),
    "a long field": (HEADER + "\n0,1," + "1" * 200_000 + "\n", ("row 1 (line 2): field larger",)),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_file_is_read_whole(call: Call, case: str) -> None:
    done = call(ACCEPTED[case])
    read(done)
    assert "5 runs (seeds 0-4), 20 rows\n" in done.out
    (meta,) = done.results.glob("*/*/*/*.json")
    digest = hashlib.sha256(ACCEPTED[case].encode()).hexdigest()
    assert json.loads(meta.read_text())["source_sha256"] == digest


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_is_refused_in_one_line(call: Call, case: str) -> None:
    data, said = REFUSED[case]
    refused(call(data), *said)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["0,7500,x,", '0,7500,"1,', "0,7500,1"])
def test_a_line_is_the_files_own_where_fields_have_several(call: Call, end: str, last: str) -> None:
    lines = [f"{HEADER},note", '0,2500,1,"one', "two", '"', "", "0,5000,2,", "", last]
    refused(call(end.join(lines) + end), "row 3 (line 8): ")


def test_a_gap_between_seeds_is_fine(call: Call) -> None:
    read(call("\n".join([HEADER, *ROWS[:8], *ROWS[12:]])), n=4)


def test_uneven_seeds_are_said_in_every_answer(call: Call, capfd, monkeypatch) -> None:
    done = call("\n".join([HEADER, *ROWS[:10], *ROWS[12:]]) + "\n")
    read(done, mean=362.0)
    assert "seed 2 ends at 5000 of 10000" in done.out
    assert "seed 2 ends at 5000 of 10000" in done.rows[0]["note"]
    for words in (["table"], ["table", "--format", "markdown"], ["table", "--json"], ["plot"], ["compare"]):
        if words == ["compare"]:  # with something of ours beside it
            for path in (ROOT / "results/sac-svg/table2/short").glob("poplin-hopper--sac.*"):
                shutil.copy(path, done.results / "sac-svg/table2/short")
        where = [] if words[0] != "plot" else ["--output", str(done.results.parent / "figures")]
        line = ["svgbench", words[0], "sac-svg/table2", *words[1:], "--budget", "short", "--variants", "mine", *where]
        monkeypatch.setattr(sys, "argv", [*line, "--results", str(done.results)])
        with pytest.raises(SystemExit):
            cli.main()
        out, err = capfd.readouterr()
        shown = out if words[-1] == "--json" or words[0] in ("table", "compare") else err
        assert "seed 2 ends at 5000 of 10000" in " ".join(shown.split()), words


@pytest.mark.parametrize("case", ["semicolons", "semicolons, decimal comma"])
def test_the_advice_for_semicolons_works(call: Call, tmp_path: Path, case: str) -> None:
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text(str(REFUSED[case][0]))
    pd.read_csv(old, sep=";", decimal=",").to_csv(new, index=False)
    read(call(new))


# ---- laws

KINDS = (ColumnKind("seed", "int", least=0), ColumnKind("step", "int", least=0), ColumnKind("eval_return", "float"))


def table_of(data: bytes, folder: Path):
    file = folder / "text.csv"
    file.write_bytes(data)
    with open_source(file) as source:
        return read_table(source, lambda header: KINDS)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 2**63 - 1),
            st.integers(0, 2**63 - 1),
            st.floats(-1e60, 1e60),
        ),
        min_size=1,
        max_size=12,
    ),
    ends=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    mark=st.booleans(),
)
def test_what_python_writes_is_read_exactly(tmp_path: Path, rows, ends, quoting, mark) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator=ends, quoting=quoting).writerows([HEADER.split(","), *rows])
    table = table_of(("\ufeff" * mark + out.getvalue()).encode(), tmp_path)
    found = list(zip(*(table.columns[k.name].tolist() for k in KINDS), strict=True))
    assert repr(found) == repr(rows), "the same bits, -0.0 too"
    assert table.lines.tolist() == list(range(2, len(rows) + 2))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, len(OK) - 1), change=st.sampled_from(["cut", "drop", *" \n\r,;\"'.-+eE_#0\0\t\x1a\xa0é٤"]))
def test_a_damaged_file_is_refused_or_read_as_every_program_reads_it(tmp_path: Path, at: int, change: str) -> None:
    """One byte is lost, added, or everything behind it cut: no row may vanish, and no value be guessed."""
    text = (
        OK[:at] if change == "cut" else OK[:at] + ("" if change == "drop" else change) + OK[at + (change == "drop") :]
    )
    try:
        table = table_of(text.encode(), tmp_path)
    except (UsageError, ValueError):  # ValueError: this test's header check, which the import makes better
        return
    plain = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert len(table) == len(plain) - 1
    for index, (seed, step, value) in enumerate(plain[1:]):
        found = [table.columns[k.name][index].item() for k in KINDS]
        assert found == [int(float(seed)), int(float(step)), float(value)]


# ---- the reviewed files

VERDICTS = {
    **dict.fromkeys(("ok", "bom", "crlf", "cr", "quoted", "desc", "shuffled", "floatseed", "index", "trailing"), MEAN),
    "gapseed": MEAN,
    "uneven": 362.0,
    "resumed": "seed 0, step 5000 stands twice with different values",
    "dupe_exact": "stands twice with the same values",
    "concat": "row 6 (line 7)",
    "headerrep": "row 9 (line 10)",
    "truncline": "row 21 (line 22)",
    "cut": "row 20 (line 21)",
    "trailcomma": "row 1 (line 2)",
    "nul": "line 7",
}


@pytest.mark.skipif(not REVIEWED.is_dir(), reason="the reviewed files do not lie beside this clone")
@pytest.mark.parametrize("file", sorted(REVIEWED.glob("*")), ids=lambda file: file.name)
def test_the_reviewed_files(call: Call, file: Path) -> None:
    right = VERDICTS.get(file.name.split(".")[0] if "notgz" not in file.name else "", "")
    done = call(file)
    if isinstance(right, float):
        read(done, right, 4 if file.stem == "gapseed" else 5)
    else:
        refused(done, right)
