"""What the experiments of Amos et al. 2020 declare, against their sources: our tables, our configs, each other."""

from __future__ import annotations

import math
import re
from collections import Counter

import pandas as pd
import pytest
from harness import ROOT

from svgbench import paper_tables
from svgbench.analysis.judge.claims import claim_verdicts
from svgbench.analysis.judge.comparisons import Place, judge_part
from svgbench.analysis.judge.foregone import undecidable_here
from svgbench.analysis.judge.judgement import Evidence
from svgbench.analysis.judge.levels import level_margin, level_verdicts
from svgbench.analysis.judge.power import power_tost
from svgbench.analysis.read.measures import CellData
from svgbench.baselines.actor_critic import sac, sac_svg
from svgbench.lab import source
from svgbench.lab.cells import Selection, expand
from svgbench.lab.store import Store
from svgbench.reproduce.sac_svg import deviations, rivals
from svgbench.reproduce.sac_svg.experiments import FIG2, FIG5, FIG6, TABLE2
from svgbench.reproduce.sac_svg.figures import BEST_H
from svgbench.words.values import on_task

COLUMN = {t.id: t.published for t in TABLE2.tasks}
TABLE4 = {  # init, final, beta; Amos et al. 2020, Table 4
    "Ant": (1, -4, 0.0625),
    "Hopper": (1, 1, 0),
    "Swimmer": (-2, -16, 16),
    "Cheetah": (0, -4, 1),
    "Walker2d": (1, 1, 0),
    "PETS Cheetah": (-2, -4, 0.0625),
}


def printed(row, column):
    return float(paper_tables.published_number("sac-svg/table2", row, column).value)


def printed_runs():
    """Cells of five seeds whose mean is the printed one."""
    cells = {}
    for task in TABLE2.tasks:
        for variant in TABLE2.variants:
            if variant.published is not None:
                mean = printed(variant.published, task.published)
                rows = [(seed, 1, mean * (1 + 1e-3 * (seed - 2))) for seed in range(5)]
                frame = pd.DataFrame(rows, columns=["seed", "step", "eval_return"])
                cells[task.id, variant.id] = CellData(task.id, variant.id, frame, tuple(range(5)), tuple(range(5)))
    return Evidence(TABLE2, {"paper": cells}, published=paper_tables.load("sac-svg/table2"))


CLAIMS = {c.id: c for c in TABLE2.claims}


@pytest.mark.parametrize(
    ("claim", "row"), [("outperforms-poplin", "POPLIN-P"), ("poplin-ahead-on-pets-cheetah", "POPLIN-P"),
                       ("sac-above-reported", "SAC*")]
)  # fmt: skip
def test_claims_compare_with_the_printed_numbers(claim, row):
    """A block of made runs that score what the paper prints: each claim against a row holds where the table says."""
    (part,) = CLAIMS[claim].parts
    for task in TABLE2.tasks_of(CLAIMS[claim]):
        ours = {v.id: v.published for v in TABLE2.variants}[on_task(part.left.variant, task)]
        found = judge_part(printed_runs(), part, Place(task, "paper", {}))
        assert found.published == printed(row, COLUMN[task])
        assert found.value == pytest.approx(printed(ours, COLUMN[task]) - found.published)


def test_me_trpo_s_printed_numbers_have_no_verdict_because_ours_is_another_statistic():
    """Five seeds of every row at its printed mean; all but ME-TRPO are judged."""
    evidence = printed_runs()
    words = {}
    for verdict in level_verdicts(evidence, evidence.published):
        words.setdefault(verdict.variant, set()).add((verdict.verdict, verdict.reason))
    changed = "deviation metrpo-statistic changes what the number means"
    assert words.pop("metrpo") == {("NOT_COMPARABLE", changed)}
    assert all(changed != reason for found in words.values() for _, reason in found)


def test_a_rivals_deviations_name_its_rows():
    concerned = {d.id: d.variants for d in rivals.DEVIATIONS}
    assert concerned["td3-statistic"] == ("td3",)
    assert concerned["steve-row"] == ("steve",)
    assert concerned["poplin-average"] == ("poplin-p-avg", "poplin-p-avg-added")
    assert concerned["planned-return"] == ("pets", "poplin-p-avg", "poplin-p-avg-added", "poplin-p-bc")
    for rival in rivals.RIVALS:
        assert {d.id for d in rival.deviations} == {id_ for id_, of in concerned.items() if rival.variant.id in of}


def at_every_budget(experiment, variant, task):
    for budget in experiment.budgets:
        (cell,) = expand(experiment, Selection(budget.name, tasks=(task,), variants=(variant,)))
        yield budget.name, cell


@pytest.mark.parametrize("task", [t.id for t in TABLE2.tasks])
def test_steve_has_the_settings_of_sac_beside_it(task):
    """All that MAAC has and reads; an unread setting has its default. The entropies move over the same steps."""
    unread = {"critic_first": False, "update_before_store": False}
    for (_, sac_cell), (_, cell) in zip(
        at_every_budget(TABLE2, "sac", task), at_every_budget(TABLE2, "steve", task), strict=True
    ):
        assert {k: cell.config.get(k) for k in sac_cell.config} == sac_cell.config | unread
        assert cell.limits == sac_cell.limits


def test_the_words_on_smaller_budgets_are_those_of_the_configs():
    """Learning rates: which are raised at which budget, in which rows."""
    rates = ("actor_lr", "critic_lr", "alpha_lr")
    both, hot = (1e-4, 1e-4, 1e-4), (1e-3, 1e-3, 1e-3)
    expected = {
        **{name: [both, (3e-4, 3e-4, 1e-4), hot] for name in ("sac", "sac-svg-2", "steve", "mve-svg")},
        "mbpo": [(3e-4, 3e-4, 3e-4), (3e-4, 3e-4, 3e-4), hot],
        "td3": [(1e-3, 1e-3, None)] * 3,
    }
    for experiment in (TABLE2, FIG2):
        for variant in (v.id for v in experiment.variants if v.id in expected):
            cells = dict(at_every_budget(experiment, variant, experiment.tasks[0].id)).values()
            assert [tuple(cell.config.get(rate) for rate in rates) for cell in cells] == expected[variant]


def test_the_words_on_blocks_are_those_of_the_cells():
    """The deviations block-size and seeds-on-swimmer."""
    one = {"pets", "poplin-p-avg", "poplin-p-avg-added", "poplin-p-bc", "metrpo", "steve"}
    fewer = []
    for cell in expand(TABLE2, Selection("paper")):
        alone = cell.key in (("poplin/swimmer", "sac"), ("poplin/swimmer", "random"))
        assert cell.block_size == (1 if alone or cell.variant.id in one else 10)
        fewer += [cell.variant.id] * (len(cell.seeds) < 10)
    assert {cell.block_size for cell in expand(TABLE2, Selection("smoke"))} == {10}
    assert {cell.block_size for cell in expand(TABLE2, Selection("short"))} == {5}
    (about,) = [d for d in TABLE2.deviations if d.id == "seeds-on-swimmer"]
    assert sorted(fewer) == sorted(about.variants)


def test_what_five_seeds_can_reproduce_is_on_the_swimmer_and_on_hopper():
    """The comment at WITHIN_A_SITTING: with equal means and spreads, by the margins of random policies at `short`."""
    random = {t.published: svgbench_random(t.id) for t in TABLE2.tasks}
    found = {}
    for number in paper_tables.load("sac-svg/table2").numbers:
        sd = float(number.spread)
        margin, too_wide = level_margin(float(number.value), sd, random[number.column])
        if number.spread_kind == "sd" and not too_wide:
            found[number.row, number.column] = power_tost(0.0, margin / sd, 5, number.n)
    likely = {cell: chance for cell, chance in found.items() if chance > 0.3}
    assert likely.pop(("SAC-SVG(2)", "Hopper")) == pytest.approx(0.63, abs=0.02)
    assert {column for _, column in likely} == {"Swimmer"}
    assert (len(likely), min(likely.values()) > 0.9) == (7, True)


def svgbench_random(task):
    name = f"results/sac-svg/table2/short/{task.replace('/', '-')}--random.csv"
    return pd.read_csv(ROOT / name)["eval_return"].mean()


def test_what_runs_within_a_sitting_runs_seed_by_seed_on_two_threads():
    cells = {cell.key: cell for cell in expand(TABLE2, Selection("paper"))}
    usual = {(10, 10, 1), (10, 1, 1)}  # seeds, seeds of a block, its threads; planners run seed by seed
    found = {key: (len(cell.seeds), cell.block_size, cell.threads) for key, cell in cells.items()}
    assert {found.pop(("poplin/swimmer", variant)) for variant in ("sac", "random")} == {(5, 1, 2)}
    assert set(found.values()) == usual


def test_the_best_h_is_the_printed_one_in_claims_and_in_the_figure():
    rows = {H: f"SAC-SVG({H})" for H in (1, 2, 3, 4, 5, 10)}
    best = {column: max(rows, key=lambda H: printed(rows[H], column)) for column in COLUMN.values()}
    assert best == BEST_H
    for claim in ("outperforms-poplin", "poplin-ahead-on-pets-cheetah"):
        for task in TABLE2.tasks_of(CLAIMS[claim]):
            assert on_task(CLAIMS[claim].parts[0].left.variant, task) == f"sac-svg-{best[COLUMN[task]]}"
    both = [t for c in ("outperforms-poplin", "poplin-ahead-on-pets-cheetah") for t in TABLE2.tasks_of(CLAIMS[c])]
    assert sorted(both) == sorted(COLUMN)


def test_the_papers_own_numbers_support_its_claims_on_as_many_tasks_as_the_words_say():
    """Five seeds at the printed mean, within a thousandth: counts the tasks on which each claim holds."""
    verdicts = {v.id.split(":", 1)[1]: v for v in claim_verdicts(printed_runs())}
    counts = {claim: verdicts[claim].value for claim in CLAIMS if claim in verdicts}
    assert counts == {"outperforms-poplin": 5, "h2-improves-upon-sac": 4, "sac-above-reported": 5, "h10-below-h2": 6}
    for claim, count in counts.items():
        assert verdicts[claim].verdict == "SUPPORTED"
        assert (
            f"(printed: {count:.0f})" in CLAIMS[claim].parts[0].number or "every task" in CLAIMS[claim].parts[0].number
        )
    assert verdicts["poplin-ahead-on-pets-cheetah:poplin/pets-cheetah"].verdict == "SUPPORTED"


def test_cells_have_the_papers_steps_schedules_and_horizons():
    cells = expand(TABLE2, Selection(budget="paper"))
    for cell in cells:
        column = COLUMN[cell.task.id]
        steps = int(paper_tables.published_number("sac-svg/table2", "SAC (our run)", column).env_steps)
        assert cell.limits["total_steps"] == steps
        if not cell.variant.id.startswith("sac"):
            continue
        names = ("target_entropy_init", "target_entropy_final", "target_entropy_decay")
        assert tuple(cell.config[name] for name in names) == TABLE4[column]
        assert cell.config["actor_hidden"] == (512,) * 4
        assert cell.config["step_batch"] == 1024
        if cell.variant.id != "sac":
            assert cell.variant.published == f"SAC-SVG({cell.config['H']})"
            assert cell.config["window_batch"] == 512
            assert cell.config["decoder_hidden"] == ()
    for cell in expand(FIG2, Selection(budget="paper")):
        number = paper_tables.published_number("sac-svg/mbpo-rerun", "SAC-SVG(2)", cell.task.published)
        assert cell.limits["total_steps"] == number.env_steps


def test_figure_5_draws_the_same_cells():
    for budget in ("paper", "short", "smoke"):
        same = [[c.identity for c in expand(e, Selection(budget=budget))] for e in (TABLE2, FIG5)]
        assert same[0] == same[1]


def test_every_difference_of_the_profiles_is_a_deviation():
    words = " ".join(d.ours for d in deviations.TABLE2_DEVIATIONS)
    named = {name for group in re.findall(r"\[([a-z_, A-Z]+)\]", words) for name in group.split(", ")}
    assert set(sac_svg.PROFILES["code"]) | set(sac.PROFILES["code"]) <= named
    known = {name for v in TABLE2.variants for name in source.declared(v.learner).fields}
    assert named <= known


def test_the_schedules_are_computed_at_their_ends():
    from svgbench.lab.block import resolve

    for cell in expand(FIG6, Selection(budget="paper")):
        one = resolve(cell.variant.learner)(cell.config, None, [0], cell.limits, "cpu")
        rows = one.advance()
        assert one.finished
        assert [rows[0]["step"], rows[-1]["step"]] == [0, 1_000_000]
        assert [rows[0]["target_entropy"], rows[-1]["target_entropy"]] == [0.0, -10.0]
        beta = cell.config["target_entropy_decay"]
        middle = rows[len(rows) // 2]
        assert math.isclose(middle["target_entropy"], 10 * 0.5**beta - 10, rel_tol=1e-12)


def test_td3_is_run_as_rlkit_ran_it():
    """The script's sizes at `paper`; the sheet's cut at `short`."""
    (cell,) = expand(TABLE2, Selection("paper", tasks=("poplin/ant",), variants=("td3",)))
    c = cell.config
    assert (c["actor_hidden"], c["critic_hidden"], c["step_batch"]) == ((400, 300), (400, 300), 256)
    assert (c["actor_lr"], c["critic_lr"], c["tau"], c["gamma"]) == (1e-3, 1e-3, 0.005, 0.99)
    assert (c["policy_delay"], c["target_std"], c["target_noise_clip"], c["explore_std"]) == (2, 0.2, 0.5, 0.1)
    assert (c["learning_starts"], c["train_every"], c["updates_per_step"], c["random_steps"]) == (2000, 1000, 1, 0)
    assert cell.variant.published == "TD3*"
    (short,) = expand(TABLE2, Selection("short", tasks=("poplin/ant",), variants=("td3",)))
    assert short.limits == {"total_steps": 50_000}
    assert (short.config["actor_hidden"], short.config["step_batch"], short.config["actor_lr"]) == (
        (128, 128),
        128,
        1e-3,
    )
    assert short.config["learning_starts"] == 2000


def test_planners_are_cut_as_the_sheet_says_and_run_whole_at_paper():
    planners = ("pets", "poplin-p-avg", "poplin-p-avg-added", "poplin-p-bc")

    def cells(budget):
        return {c.variant.id: c for c in expand(TABLE2, Selection(budget, tasks=("poplin/ant",), variants=planners))}

    paper, short = cells("paper"), cells("short")
    for name in planners:
        c = short[name].config
        assert (c["model_hidden"], c["plan_population"], c["plan_horizon"]) == ((128,) * 3, 100, 15)
        assert (c["plan_iterations"], c["model_batch"], c["random_steps"]) == (3, 256, 1000)
        assert short[name].limits == {"total_steps": 20_000 if name == "pets" else 15_000}
        assert TABLE2.last_step("short", "poplin/ant", name) == short[name].limits["total_steps"]
        c = paper[name].config
        assert (c["model_hidden"], c["plan_population"], c["plan_horizon"]) == ((200,) * 4, 500, 30)
        assert (c["plan_iterations"], c["model_batch"], c["eval_episodes"]) == (5, 32, 3)
        assert paper[name].limits == {"total_steps": 200_000}
        assert paper[name].variant.published == ("PETS*" if name == "pets" else "POPLIN-P")
    assert {short[name].config["policy_hidden"] for name in planners[1:]} == {(16,)}
    assert {paper[name].config["policy_hidden"] for name in planners[1:]} == {(32,)}
    assert [paper[name].config["init_variance"] for name in planners] == [0.25, 0.1, 0.1, 0.03]
    assert [paper[name].config["average"] for name in planners[1:3]] == ["replaces", "is added"]
    assert [paper[name].variant.profile for name in planners[1:]] == ["avg", "avg-added", "bc"]
    assert paper["poplin-p-bc"].config["training"] == "clone"
    for cell in cells("smoke").values():  # a policy learns before the end
        assert cell.limits["total_steps"] > cell.config["random_steps"] + cell.config["rollout_steps"]


def test_a_planner_s_model_sees_pets_cheetah_as_the_code_s_does():
    for cell in expand(TABLE2, Selection("paper", variants=("pets", "poplin-p-bc"))):
        own = (cell.config["absolute_at"], cell.config["angle_at"])
        assert own == (((0,), 2) if cell.task.id == "poplin/pets-cheetah" else ((), -1))


def test_me_trpo_is_run_as_the_templates_say():
    """configs/params_*_template.json of WilsonWangTHU/mbbl-metrpo at 09be737; the sheet's cut at `short`."""
    cells = {c.task.id.removeprefix("poplin/"): c for c in expand(TABLE2, Selection("paper", variants=("metrpo",)))}
    hopper = cells["hopper"].config
    assert (hopper["real_paths"], hopper["real_path_length"], hopper["iterations"]) == (6, 1000, 20)
    assert (hopper["timesteps"], hopper["path_length"], hopper["gae_lambda"]) == (50_000, 1000, 0.95)
    assert {name: c.config["hidden"] for name, c in cells.items()} == {
        **dict.fromkeys(("hopper", "walker2d"), (64, 64)),
        **dict.fromkeys(("ant", "swimmer", "cheetah", "pets-cheetah"), (32, 32)),
    }
    assert [name for name, c in cells.items() if c.config["members"] != 5] == ["walker2d"]
    assert [name for name, c in cells.items() if len(c.config["model_hidden"]) != 4] == ["ant"]
    assert [name for name, c in cells.items() if c.config["path_length"] != 1000] == ["swimmer"]
    (short,) = expand(TABLE2, Selection("short", tasks=("poplin/swimmer",), variants=("metrpo",)))
    c = short.config
    assert (c["model_hidden"], c["max_epochs"], c["iterations"]) == ((256, 256), 50, 10)
    assert c["simulations"] * c["path_length"] == 10_000
    assert short.limits == {"total_steps": 50_000}  # a first collection and 8 rounds


def test_steve_imagines_nothing_and_has_no_published_row():
    for cell in expand(TABLE2, Selection("short", variants=("steve",))):
        c = cell.config
        assert (c["H"], c["real_share"], c["critic_steps"], c["targets"]) == (0, 1.0, 3, "weighted")
        assert cell.variant.published is None


def test_numbers_of_wang_and_ba_that_nothing_decides_are_as_many_as_the_page_says():
    """Their ± may be a deviation or an error, so a number counts only if both readings agree."""
    table = paper_tables.load("sac-svg/table2")
    quoted = {n.measured_by: n.spread_kind for n in table.numbers}
    assert quoted == {"the authors": "sd", "Wang and Ba (2019)": "unknown"}
    found, unknown = undecidable_here(Store(ROOT / "results"), TABLE2, table)
    kinds = Counter(one.reason.partition(":")[0] for one in found)
    assert unknown == []
    page = " ".join((ROOT / "svgbench/reproduce/sac_svg/README.md").read_text(encoding="utf-8").split())
    said = re.search(r"(\d+) of (\d+) cells: for (\d+) the printed spread is too wide, and for (\d+)", page)
    assert said is not None
    assert [int(n) for n in said.groups()] == [len(found), len(expand(TABLE2, Selection("paper"))), *kinds.values()]
