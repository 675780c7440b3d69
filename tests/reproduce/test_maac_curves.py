"""Figures 2 and 4 and Table 1 of Clavera et al. 2020: settings against their sources, at every budget."""

from __future__ import annotations

import pytest

from svgbench.lab.cells import Selection, expand
from svgbench.reproduce.maac.curves import FIG2, FIG4, TABLE1

TASKS = ("poplin/cheetah", "poplin/hopper", "poplin/walker2d", "poplin/ant")
DIMENSIONS = dict(zip(TASKS, (6, 3, 6, 8), strict=True))
LAST_LENGTH = dict(zip(TASKS, (1, 15, 1, 25), strict=True))  # jannerm/mbpo at ac694ff, examples/config/*/0.py
OF_MBPO = dict(zip(TASKS, (40, 20, 20, 20), strict=True))  # updates per environment step, from the same files
SWITCHES = {  # what an ablation changes of MAAC, and what keeps it from planning
    "h0": {"H"},
    "h1": {"H"},
    "h10": {"H"},
    "td": {"critic_steps"},
    "single": {"paths"},
    "one-step": {"H", "critic_steps", "imagined"},
}


def configs(budget, experiment=FIG2):
    return {cell.key: cell.config for cell in expand(experiment, Selection(budget=budget))}


def test_maac_has_the_settings_of_its_code_at_the_paper_s_budget():
    """iclavera/meta-mb at 233e0fb, run_scripts/maac_run_sweep.py: T = 3 (walker2d: 1) is H = 4 (2) model steps."""
    for (task, variant), c in configs("paper").items():
        if variant not in ("maac", "maac-code"):
            continue
        assert (c["H"], c["paths"], c["critic_steps"]) == (2 if task == "poplin/walker2d" else 4, 5, 2)
        assert (c["members"], c["model_hidden"]) == (8, (200,) * 4)
        assert (c["rollout_steps"], c["updates_per_step"], c["rounds"], c["step_batch"]) == (1000, 8, 4, 256)
        assert (c["rollouts_per_fit"], c["rollout_length_final"]) == (100_000, LAST_LENGTH[task])
        assert (c["target_entropy_init"], c["target_entropy_final"]) == (-DIMENSIONS[task],) * 2
        assert c["plan_episodes"] == (5 if variant == "maac" else 0)


def test_in_the_code_s_reading_parts_of_the_reward_belong_to_the_next_observation():
    """tf_reward of meta_mb/envs/mb_envs/*.py: velocities 8 and 13, heights 0."""
    found = {task: c["next_in_reward"] for (task, variant), c in configs("paper").items() if variant == "maac-code"}
    assert found == dict(zip(TASKS, ((8,), (), (0,), (0, 13)), strict=True))
    others = [
        c["next_in_reward"] for (_, v), c in configs("paper").items() if v != "maac-code" and "next_in_reward" in c
    ]
    assert len(others) == 4 * 7
    assert not any(others)


def test_mbpo_has_the_settings_of_its_code_at_the_paper_s_budget():
    for (task, variant), c in configs("paper").items():
        if variant == "mbpo":
            assert (c["updates_per_step"], c["rollout_length_final"]) == (OF_MBPO[task], LAST_LENGTH[task])
            assert (c["members"], c["elites"], c["fit_every"], c["rollouts_per_fit"]) == (7, 5, 250, 100_000)
            assert c["rollout_grows_until"] == (100 if task == "poplin/ant" else 150)


@pytest.mark.parametrize("budget", ["paper", "short", "smoke"])
def test_an_ablation_differs_from_maac_in_its_switch_alone(budget):
    found = configs(budget)
    for task in TASKS:
        maac = found[task, "maac"]
        for variant, switch in SWITCHES.items():
            other = found[task, variant]
            differs = {name for name in maac if maac[name] != other[name]}
            unplanned = {"plan_episodes"} if maac["plan_episodes"] else set()
            assert differs <= switch | unplanned
            assert differs >= (switch | unplanned) - {"H"}, "MAAC's own horizon may be 1, 3 or 10 at a smaller budget"
        assert found[task, "h0"]["H"] == 0
        assert found[task, "h1"]["H"] == 1
        assert found[task, "h10"]["H"] == (4 if budget == "smoke" else 10)


@pytest.mark.parametrize("budget", ["paper", "short"])
def test_sac_at_equal_updates_makes_as_many_as_its_rival(budget):
    found = configs(budget)
    for task in TASKS:
        sac = found[task, "sac"]
        assert sac["updates_per_step"] == 1
        for own, rival in (("sac-maac", "maac"), ("sac-mbpo", "mbpo")):
            equal = found[task, own]
            assert equal["updates_per_step"] == found[task, rival]["updates_per_step"]
            assert {name for name in sac if sac[name] != equal[name]} == {"updates_per_step"}
            shared = set(sac) & set(found[task, rival]) - {"updates_per_step"}
            differs = {name for name in shared if sac[name] != found[task, rival][name]}
            assert differs <= {"critic_first", "learning_starts", "steps_per_slice"}, "what is compared is the model"


def test_a_sentence_about_model_based_and_model_free_methods_is_judged_against_both():
    """Against SAC alone is a question of our own."""
    [own] = [c for c in FIG2.claims if c.origin == "text" and "previous MB and MF methods" in c.quote]
    assert {part.right.variant for part in own.parts} == {"sac", "mbpo", "h0"}
    assert all((part.left.variant, part.relation) == ("maac", ">") for part in own.parts)


def test_figure_4_and_table_1_draw_from_figure_2():
    for experiment in (FIG4, TABLE1):
        assert experiment.draws_from == FIG2.id
        for budget in ("paper", "short", "smoke"):
            ours, of_fig2 = configs(budget, experiment), configs(budget)
            assert all(of_fig2[key] == config for key, config in ours.items())
