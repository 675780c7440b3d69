"""Published numbers: what ships loads, says where it comes from, and a broken file says where it is broken."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from svgbench import paper_tables
from svgbench.paper_tables import PublishedDataError, PublishedTable, UnknownPublishedError

GOOD = """
cite = "Somebody (2000), Something"

[tables.one]
title = "A table"
kind = "printed"
source = "Table 1"
columns = ["Ant", "Big Ant"]
env_steps = { Ant = 1000, "Big Ant" = 2000 }

[tables.one.defaults]
spread_kind = "sd"
statistic = "last"
policy_mode = "deterministic"
selection = "unknown"
measured_by = "the authors"

[tables.one.protocols.ours]
n = 10

[[tables.one.rows]]
id = "SAC"
label = "SAC (ours)"
protocol = "ours"
[tables.one.rows.cells]
Ant = [1.50, 0.20]
"Big Ant" = { value = 1234, spread = 5, printed = "1,234 ± 5", n = 3, env_steps = 7 }

[[tables.one.rows]]
id = "TRPO"
n = "unknown"
[tables.one.rows.cells]
Ant = { value = -2e3, spread_kind = "none" }
"""

TABLES = [paper_tables.load(table_id) for table_id in paper_tables.ids()]


def read(tmp_path: Path, text: str) -> dict[str, PublishedTable]:
    path = tmp_path / "some_work.toml"
    path.write_text(text, encoding="utf-8")
    return paper_tables.read(path)


def test_ids_name_every_table_of_every_file() -> None:
    folder = Path(paper_tables.__file__).parent
    found = {table_id for file in folder.glob("*.toml") for table_id in paper_tables.read(file)}
    assert found == set(paper_tables.ids())
    assert found >= {"sac-svg/table2", "sac-svg/mbpo-rerun", "maac/table1", "trpo/table1", "duan2016/rllab"}


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.id)
def test_every_number_says_where_it_stands_and_what_it_is(table: PublishedTable) -> None:
    assert table.numbers
    assert len({(n.row, n.column) for n in table.numbers}) == len(table.numbers)
    for n in table.numbers:
        label = table.row_labels[table.rows.index(n.row)]
        assert (n.source.row, n.source.column) == (label, n.column)
        assert table.source in n.source.table
        assert n.value.is_finite()
        assert n.selection
        assert n.measured_by
        assert (n.spread is None) == (n.spread_kind in ("none", "interval95"))
        assert (n.interval is None) == (n.spread_kind != "interval95")


@pytest.mark.parametrize(
    ("table", "size"),
    [
        ("sac-svg/table2", 12 * 6),
        ("sac-svg/mbpo-rerun", 2 * 5),
        ("maac/table1", 2 * 4),
        ("trpo/table1", 6 * 7),
        ("henderson2018/environments", 4 * 4),
        ("henderson2018/trpo-codebases", 14 * 2),
        ("engstrom2020/ablation", 4 * 3),
        ("openai-baselines/mujoco1m", 2 * 7),
        ("sb3-contrib/trpo", 1 * 5),
        ("tianshou/trust-region", 2 * 9),
    ],
)
def test_the_papers_leave_no_cell_empty(table: str, size: int) -> None:
    loaded = paper_tables.load(table)
    assert len(loaded.numbers) == size == len(loaded.rows) * len(loaded.columns)


@pytest.mark.parametrize(
    ("table", "row", "column", "text"),
    [
        ("sac-svg/table2", "SAC-SVG(1)", "Ant", "3691.00 ± 1096.77"),
        ("sac-svg/table2", "SAC-SVG(10)", "Hopper", "-2511.05 ± 881.26"),
        ("sac-svg/table2", "SAC-SVG(5)", "PETS Cheetah", "4896.22 ± 1033.33"),
        ("sac-svg/table2", "SAC (our run)", "Swimmer", "351.24 ± 5.27"),
        ("sac-svg/table2", "POPLIN-P", "PETS Cheetah", "12227.9 ± 5652.8"),
        ("sac-svg/table2", "METRPO*", "Walker2d", "-1609.3 ± 657.5"),
        ("sac-svg/mbpo-rerun", "SAC-SVG(2)", "Humanoid", "8062.065070 ± 2809.256164"),
        ("maac/table1", "maac+mpc", "HalfCheetahEnv", "1.09e4 ± 94.5"),
        ("maac/table1", "maac+mpc", "HopperEnv", "2.8e3 ± 11"),
        ("trpo/table1", "Deep Q Learning", "Breakout", "168.0"),
        ("trpo/table1", "Random", "Enduro", "0"),
        ("trpo/table1", "TRPO - vine", "Q*bert", "7732.5"),
        ("duan2016/rllab", "TRPO", "Swimmer", "96.0 ± 0.2"),
        ("duan2016/rllab", "TRPO", "Cart-Pole Balancing", "4869.8 ± 37.6"),
        ("duan2016/rllab", "TNPG", "2D Walker", "1382.6 ± 108.2"),
        ("duan2016/rllab", "REPS", "2D Walker", "-37.0 ± 38.1"),
        ("duan2016/rllab", "CMA-ES", "Simple Humanoid", "28.7 ± 3.9"),
        ("duan2016/rllab", "DDPG", "Full Humanoid", "119.0 ± 31.2"),
        ("henderson2018/trpo-codebases", "Schulman 2015a 64,64", "Hopper-v1", "2674 ± 227"),
        ("henderson2018/trpo-codebases", "Schulman 2017 400,300", "HalfCheetah-v1", "-155 ± 188"),
        ("henderson2018/environments", "TRPO", "HalfCheetah-v1", "1254.5 [999, 1464]"),
        ("engstrom2020/ablation", "TRPO+", "Hopper-v2", "2466 [2381, 2549]"),
        ("openai-baselines/mujoco1m", "trpo_mpi", "Reacher", "-4.82"),
        ("sb3-contrib/trpo", "TRPO", "Swimmer", "359 ± 2"),
        ("tianshou/trust-region", "NPG", "Hopper", "1915.2 ± 550.5"),
    ],
)
def test_digits_are_the_papers(table: str, row: str, column: str, text: str) -> None:
    assert paper_tables.published_number(table, row, column).text == text


def test_table2_holds_two_protocols() -> None:
    table = paper_tables.load("sac-svg/table2")
    ours = {r for r in table.rows if r.startswith("SAC-SVG") or r == "SAC (our run)"}
    for n in table.numbers:
        expected = (10, "last", None) if n.row in ours else (4, "mean_of_last", "3000 training steps")
        assert (n.n, n.statistic, n.window) == expected
        assert n.env_steps == (50_000 if n.column in ("Swimmer", "PETS Cheetah") else 200_000)
    assert len(ours) == 7


def test_second_references_are_marked() -> None:
    ours = {"sac-svg", "maac", "trpo"}
    for table in TABLES:
        assert (table.kind == "library") == (table.id.split("/")[0] not in ours)
        if table.kind == "library":
            assert table.notes[0].startswith("A second reference, not the thesis's own")
            assert all(n.measured_by[0].isupper() for n in table.numbers), "a name, not 'the authors'"


def test_duan_averages_over_all_of_training() -> None:
    table = paper_tables.load("duan2016/rllab")
    assert [(r, c) for r in table.rows for c in table.columns if table.get(r, c) is None] == [
        ("CMA-ES", "Full Humanoid")
    ]
    for n in table.numbers:
        assert (n.n, n.spread_kind, n.window) == (5, "sd", "500 iterations, which are all of training")
        assert n.env_steps == (None if n.row in ("Random", "DDPG") else 500 * 50_000)


def test_inheritance_goes_from_the_defaults_to_the_cell(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD)["some-work/one"]
    ant, big, trpo = table.numbers
    assert (ant.n, ant.env_steps, ant.statistic, ant.text) == (10, 1000, "last", "1.50 ± 0.20")
    assert (big.n, big.env_steps, big.text, big.value) == (3, 7, "1,234 ± 5", Decimal(1234))
    assert (trpo.n, trpo.spread, trpo.text) == (None, None, "-2e3")
    assert str(ant.source) == "Somebody (2000), Table 1, row SAC (ours), column Ant"
    assert table.get("TRPO", "Big Ant") is None


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("[1.50, 0.20]", '["x", 0.20]', "tables.one.rows[0].cells.Ant.value"),
        ("[1.50, 0.20]", "[1.50]", "tables.one.rows[0].cells.Ant"),
        ("[1.50, 0.20]", "[nan, 0.20]", "tables.one.rows[0].cells.Ant.value"),
        ("[1.50, 0.20]", "[true, 0.20]", "tables.one.rows[0].cells.Ant.value"),
        ("[1.50, 0.20]", "[1.50, -0.20]", "tables.one.rows[0].cells.Ant.spread"),
        ("[1.50, 0.20]", "1.50", "tables.one.rows[0] (SAC).cells.Ant"),
        ("1,234 ± 5", "1,235 ± 5", "tables.one.rows[0].cells.Big Ant"),
        ("Ant = [", "Aunt = [", "tables.one.rows[0] (SAC).cells"),
        ("n = 10", "n = 0", "tables.one.protocols.ours.n"),
        ("n = 10", "", "no `n`"),
        ("n = 10", 'm = "x"', "tables.one.protocols.ours"),
        ('protocol = "ours"', 'protocol = "hours"', "tables.one.rows[0] (SAC).protocol"),
        ('statistic = "last"', 'statistic = "first"', "tables.one.defaults.statistic"),
        ('statistic = "last"', 'statistic = "mean_of_last"', "`window`"),
        ('source = "Table 1"', "", "tables.one.source"),
        ('id = "TRPO"', 'id = "SAC"', "tables.one.rows"),
        ('columns = ["Ant", "Big Ant"]', 'columns = ["Ant", "Ant"]', "tables.one.columns"),
        ("Ant = 1000,", "Aunt = 1000,", "tables.one.env_steps"),
        ('source = "Table 1"', 'source = "Table 1"\nsteps_row = "Steps"\nenv_stepss = 1', "tables.one.env_stepss"),
        ("[tables.one.defaults]", "[tables.one.defaults", "not TOML"),
    ],
)
def test_a_broken_file_names_file_and_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    assert old in GOOD
    with pytest.raises(PublishedDataError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    message = str(caught.value)
    assert message.startswith("some_work.toml: ")
    assert key in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        ('{ value = 1, spread_kind = "interval95" }', "`interval` goes with"),
        ('{ value = 1, spread = 1, interval = [0, 2], spread_kind = "interval95" }', "spread 1 with"),
        ("{ value = 1, spread = 1, interval = [0, 2] }", "`interval` goes with"),
        ('{ value = 1, interval = [2, 0], spread_kind = "interval95" }', "cells.Ant: "),
        ('{ value = 3, interval = [0, 2], spread_kind = "interval95" }', "cells.Ant: "),
        ('{ value = 1, interval = [0], spread_kind = "interval95" }', "cells.Ant.interval"),
        ('{ value = 1, interval = [0, 2], spread_kind = "interval95", printed = "1" }', "cells.Ant: "),
    ],
)
def test_a_wrong_interval_names_its_cell(tmp_path: Path, cell: str, key: str) -> None:
    with pytest.raises(PublishedDataError) as caught:
        read(tmp_path, GOOD.replace("[1.50, 0.20]", cell, 1))
    assert key in str(caught.value)


def test_an_interval_keeps_its_digits(tmp_path: Path) -> None:
    cell = '{ value = 1.50, interval = [-0.20, 2.0], spread_kind = "interval95" }'
    ant = read(tmp_path, GOOD.replace("[1.50, 0.20]", cell, 1))["some-work/one"].get("SAC", "Ant")
    assert ant is not None
    assert (ant.spread, ant.interval) == (None, (Decimal("-0.20"), Decimal("2.0")))
    assert ant.text == "1.50 [-0.20, 2.0]"


def test_a_steps_row_needs_steps_everywhere(tmp_path: Path) -> None:
    text = GOOD.replace("env_steps = { Ant = 1000,", 'steps_row = "Steps"\nenv_steps = {', 1)
    with pytest.raises(PublishedDataError, match="steps_row"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("table", "row", "column", "near"),
    [
        ("sac-svg/table3", "SAC-SVG(2)", "Ant", "sac-svg/table2"),
        ("sac-svg/table2", "SAC-SVG2", "Ant", "SAC-SVG(2)"),
        ("sac-svg/table2", "SAC-SVG(2)", "Hoper", "Hopper"),
    ],
)
def test_a_wrong_name_points_to_the_nearest(table: str, row: str, column: str, near: str) -> None:
    with pytest.raises(UnknownPublishedError, match="did you mean") as caught:
        paper_tables.published_number(table, row, column)
    assert f"did you mean '{near}'?" in str(caught.value)


def test_listing_the_tables_imports_nothing_slow() -> None:
    code = (
        "import sys; from svgbench import paper_tables; assert paper_tables.ids(); "
        "print(sorted({'pydantic', 'pandas', 'numpy', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_documentation_names_every_table_and_no_other() -> None:
    page = Path(paper_tables.__file__).parents[2] / "docs" / "published-numbers.md"
    named = re.findall(r"^\| `([^`/]+/[^`]+)` \|", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(named) == list(paper_tables.ids())
