"""The documentation: commands that parse, links that lead somewhere, examples that run, generated pages."""

from __future__ import annotations

import importlib.util
import math
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
from harness import ROOT
from typer.exceptions import TyperException

from svgbench import reproduce
from svgbench.commands.app import app
from svgbench.commands.diffing import _key
from svgbench.lab import registry
from svgbench.lab.block import resolve
from svgbench.words.experiment import Experiment

OURS = ("README.md", "CONTRIBUTING.md", "docs/*.md", "results/README.md", "svgbench/reproduce/*/README.md")
PAGES = sorted(path for pattern in OURS for path in ROOT.glob(pattern))
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
COMMAND = re.compile(r"^(?:\$ |exec |[A-Z_]+=\S+ |\.venv/bin/|\S*/bin/)*svgbench (.*)$")
PLACES = ("EXP", "SEARCH")
"""Words that stand for a name."""
OWN = ("mine", "random-search")
"""Variants of the reader's own."""


def commands(text: str) -> list[str]:
    """What follows `svgbench` in lines of code. A line that ends in a backslash goes on in the next."""
    text = text.replace("\\\n", " ")
    lines = re.findall(r"^(?: {4,}|\t)(.*)$", text, re.MULTILINE)
    lines += [line for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return [match[1] for line in lines if (match := COMMAND.match(line.strip()))]


def mentioned(text: str) -> list[str]:
    """What follows `svgbench` in code within sentences, where arguments may be left out."""
    return re.findall(r"(?<!`)`svgbench ([^`\n]+)`(?!`)", text)


def parse(line: str) -> dict[str, Any]:
    """The parameters of a command line, parsed as the program does; the command does not run.

    Raises TyperException or UsageError for a line that the program would refuse.
    """
    name, *words = shlex.split(line, comments=True)
    command = typer.main.get_command(app).commands.get(name)
    assert command is not None, f"no command {name}"
    return command.make_context(name, words).params


def refusal(line: str) -> str:
    """The error of a command line; empty without one."""
    try:
        parse(line)
    except TyperException as error:
        return error.format_message()
    return ""


def headings(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(path: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = []
    for target, anchor in LINK.findall(text):
        if "://" in target:
            continue
        page = (path.parent / target).resolve() if target else path
        if not page.exists() or (anchor and page.suffix == ".md" and anchor not in headings(page)):
            found.append(f"{target}#{anchor}" if anchor else target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert not broken_links(page)


def test_a_broken_link_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A title\n[a](b.md) [c](#a-title) [d](#none) [e](page.md#a-title) `[f](g.md)`\n")
    assert broken_links(page) == ["b.md", "#none"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_parse_and_name_what_exists(page):
    text = page.read_text(encoding="utf-8")
    for line in commands(text):
        if line.startswith(("COMMAND ", "-")):
            continue
        given = parse(line)
        name = given.get("experiment")
        experiments = [e for one in ([name] if isinstance(name, str) else name or ()) for e in _resolved(one)]
        for word, known in (
            ("tasks", [task.id for e in experiments for task in e.tasks]),
            ("variants", [variant.id for e in experiments for variant in e.variants]),
        ):
            asked = [one for value in given.get(word) or () for one in value.split(",")]
            asked = [one for one in asked if not one.startswith("$")]
            assert not experiments or set(asked) <= {*known, *OWN}, (line, asked)
    for line in mentioned(text):
        if not line.startswith(("COMMAND", "-")):
            assert re.match(r"$|Missing", refusal(line)), line


def test_a_replica_that_a_page_names_is_of_one_platform():
    """The committed results have replicas of several experiments, each on another Intel."""
    given = [
        parse(line) for page in PAGES for line in commands(page.read_text(encoding="utf-8")) if "--replica " in line
    ]
    assert given
    for one in given:
        assert _key(ROOT / "results", one["replica"], {one["experiment"]}, one["budget"])


def _resolved(name: str) -> list[Experiment]:
    return [] if name in PLACES else reproduce.resolve(name)


def test_a_command_that_does_not_parse_is_seen():
    text = "`svgbench compare --stric`\n\n    A=1 .venv/bin/svgbench run \\\n  maac/fig3 --sedes 3  # why\n"
    (line,), (other,) = commands(text), mentioned(text)
    for one in (line, other):
        with pytest.raises(TyperException, match="o such option"):
            parse(one)


def test_the_gymnasium_page_does_what_it_says(tmp_path, monkeypatch):
    pytest.importorskip("stable_baselines3")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/gymnasium.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "gymnasium.md", "exec"), names)
    assert math.isfinite(names["mean"])
    assert list((tmp_path / "runs/seed0").glob("*.monitor.csv"))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The example package of the page, as `pip install -e` makes it known."""
    text = (ROOT / "docs/adding-an-algorithm.md").read_text(encoding="utf-8")
    folder = tmp_path_factory.mktemp("example")
    files = dict(re.findall(r"`my_package/([\w./]+)`:\n\n```\w+\n(.*?)```", text, re.DOTALL))
    metadata = tomllib.loads(files["pyproject.toml"])["project"]
    group, points = metadata["entry-points"].popitem()
    files["my_package-0.1.dist-info/METADATA"] = f"Metadata-Version: 2.1\nName: {metadata['name']}\nVersion: 0.1\n"
    lines = "\n".join(f"{name} = {value}" for name, value in points.items())
    files["my_package-0.1.dist-info/entry_points.txt"] = f"[{group}]\n{lines}\n"
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    assert {path.name for path in folder.glob("*.*")} >= {"pyproject.toml", "test_random_search.py"}
    return folder


def test_the_example_of_an_algorithm_runs_in_the_lab(package, bench):
    bench.path = [package]
    words = ("trpo/fig4", "--tasks", "trpo/cart-pole", "--variants", "random-search", "--budget", "smoke")
    done = bench("run", *words, "--seeds", "2")
    assert done.status == 0, done.err
    (row,) = bench("table", *words, "--seeds", "2", "--json").json[:1]
    assert (row["variant"], row["n"]) == ("random-search", 2)
    assert row["mean"] > 1, "more than a pole that falls at once"


def test_the_example_of_an_algorithm_runs_without_being_installed(package, bench, tmp_path):
    (tmp_path / "random_search.py").write_bytes((package / "random_search.py").read_bytes())
    bench.path = [tmp_path]
    bench.environment = {"SVGBENCH_ALGORITHMS": "random-search=random_search:make"}
    words = ("trpo/fig4", "--tasks", "trpo/cart-pole", "--budget", "smoke", "--variants")
    assert bench("run", *words, "random-search", "--seeds", "2").status == 0
    bench.environment = {}
    (row,) = bench("table", *words, "random-search", "--seeds", "2", "--json").json[:1]
    assert (row["variant"], row["n"]) == ("random-search", 2)
    for wrong in ("random_search:make", "a b=m:make", "cem=random_search:make,cem=other:make"):
        bench.environment = {"SVGBENCH_ALGORITHMS": wrong}
        refused = bench("plan", *words, "random-search")
        assert refused.status == 2
        assert refused.err.startswith("svgbench: SVGBENCH_ALGORITHMS")


def test_the_example_of_an_algorithm_passes_its_own_tests(package, monkeypatch):
    monkeypatch.syspath_prepend(str(package))
    names: dict[str, Any] = {}
    exec(compile((package / "test_random_search.py").read_text(), "test_random_search.py", "exec"), names)
    names["test_a_seed_does_not_depend_on_its_companions"]()
    names["test_a_saved_learner_continues"]()


def test_the_changed_lines_of_the_example_make_a_row_of_table_2(package):
    """The page's diff, applied to its file, and one iteration on the hopper."""
    text = (ROOT / "docs/adding-an-algorithm.md").read_text(encoding="utf-8")
    (diff,) = re.findall(r"```diff\n(.*?)```", text, re.DOTALL)
    code = (package / "random_search.py").read_text()
    for change in diff.strip().split("\n\n"):
        old, new = ("\n".join(x[1:] for x in change.splitlines() if x[0] == sign) for sign in "-+")
        assert code.count(old) == 1, old
        code = code.replace(old, new)
    names: dict[str, Any] = {}
    exec(compile(code, "random_search.py", "exec"), names)
    experiment = reproduce.experiments()["sac-svg/table2"]
    learner = names["make"]({}, resolve("poplin/hopper")(), [0, 1], {"total_steps": 200}, "cpu")
    rows = learner.advance()
    assert learner.finished
    assert [(row["seed"], row["step"]) for row in rows] == [(0, 200), (1, 200)]
    assert rows[0].keys() == {"seed", "step", *(column.name for column in experiment.columns)}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages of the site, without results."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    output = tmp_path_factory.mktemp("site")
    generate.generate(output, with_results=False)
    return output


def test_every_algorithm_and_experiment_has_a_page(site):
    pages = site / "pages"
    assert {path.stem for path in pages.glob("algorithms/*.md")} == {"index", *registry.algorithms()}
    declared = [e for e in reproduce.experiments().values() if e.work != "testkit"]
    assert {path.stem for path in pages.glob("experiments/*.md")} == {
        "index",
        *(e.id.replace("/", "-") for e in declared),
    }
    for experiment in declared:
        text = (pages / "experiments" / f"{experiment.id.replace('/', '-')}.md").read_text(encoding="utf-8")
        for part in (*experiment.variants, *experiment.tasks, *experiment.claims):
            assert f"`{part.id}`" in text
        assert all(f"**{deviation.id}.**" in text for deviation in experiment.deviations)
    sac_svg = (pages / "algorithms/sac_svg.md").read_text(encoding="utf-8")
    assert "gamma^t (r(x_t, u_t)" in sac_svg, "equations are printed as they are"
    assert "| `tau` | float, from 0 to 1 | `0.005` | weight of the online critics" in sac_svg
    assert "(../experiments/sac-svg-table2.md)" in sac_svg
    study = (pages / "algorithms/maac_gradient_error.md").read_text(encoding="utf-8")
    assert "at most, per environment step" in study, "the comment of a field that takes several lines"


def test_links_between_the_sites_pages_lead_somewhere(site):
    broken = {str(page): found for page in site.rglob("*.md") if (found := broken_links(page))}
    assert not broken
    settings = tomllib.loads((site / "zensical.toml").read_text(encoding="utf-8"))
    named = set(re.findall(r"[\w./-]+\.md", str(settings["project"]["nav"])))
    assert named == {path.relative_to(site / "pages").as_posix() for path in site.rglob("*.md")}
