"""Figures 2, 4 and 7 of Amos et al. 2020: learning curves on the tasks of MBPO, and value expansion of the critics.

`sac-svg/fig2` declares all runs. `sac-svg/fig4` and `sac-svg/fig7` draw from them. MBPO has the settings of its own
code (jannerm/mbpo at ac694ff, examples/config/*/0.py), the others those of the code of SAC-SVG. All are compared at
equal environment steps, as in the papers, although MBPO makes many more updates in each.
"""

from __future__ import annotations

from dataclasses import replace

from svgbench.reproduce.part_of import part_of
from svgbench.reproduce.sac_svg.claims import FIG2_CLAIMS, FINAL
from svgbench.reproduce.sac_svg.claims_curves import BEST, FIG4_CLAIMS, FIG7_CLAIMS, LAST, MODEL_LAST, MORE_FIG2_CLAIMS
from svgbench.reproduce.sac_svg.deviations_curves import FIG2_DEVIATIONS, FIG4_DEVIATIONS, FIG7_DEVIATIONS
from svgbench.reproduce.sac_svg.settings import (
    COLUMNS,
    RANDOM,
    SAC,
    SAC_SVG,
    SHORT_CUTS,
    SHORT_NETWORKS,
    SMOKE_CUTS,
    SMOKE_NETWORKS,
)
from svgbench.words.experiment import Budget, Column, Experiment, TaskSpec, Variant
from svgbench.words.values import PerTask, Setting

MBPO_ENTROPIES: PerTask[Setting] = PerTask(
    {"mbpo/hopper": -1.0, "mbpo/walker2d": -3.0, "mbpo/ant": -4.0, "mbpo/cheetah": -3.0, "mbpo/humanoid": -2.0}
)
"""MBPO's target entropies, in nats."""

MBPO: dict[str, Setting | PerTask[Setting]] = {
    "updates_per_step": PerTask({"mbpo/cheetah": 40}),
    "target_entropy_init": MBPO_ENTROPIES,
    "target_entropy_final": MBPO_ENTROPIES,
    "rollout_length_final": PerTask(
        {"mbpo/hopper": 15, "mbpo/walker2d": 1, "mbpo/ant": 25, "mbpo/cheetah": 1, "mbpo/humanoid": 25}
    ),
    "rollout_grows_until": PerTask({"mbpo/ant": 100, "mbpo/humanoid": 300}),
    "fit_every": PerTask({"mbpo/humanoid": 1000}),
    "retain_epochs": PerTask({"mbpo/humanoid": 5}),
    "model_hidden": PerTask({"mbpo/humanoid": (400, 400, 400, 400)}),
    "eval_episodes": 10,
}
"""MBPO's settings where tasks differ; the others are its defaults. It is evaluated as the others are."""

TERMINATING = ("mbpo/hopper", "mbpo/walker2d", "mbpo/ant", "mbpo/humanoid")

EXPANDED: dict[str, Setting] = {"critic_steps": 2, "expansion": "td-k"}
PLAIN: dict[str, Setting] = {"critic_steps": 2, "expansion": "plain"}
AS_CODED: dict[str, Setting] = {**EXPANDED, "expansion_reading": "code"}
WALKER = "mbpo/walker2d"

SHORT = f"50k steps, 3 seeds; {SHORT_CUTS}; 2.5k model-free steps for 10k; evaluation each 2.5k steps for 25k"
SMOKE = f"1k steps, 3 seeds; {SMOKE_CUTS}"
SHORT_MBPO = (
    "MBPO: the same policy and critics (2 x 256), batches of 64 (256), initial temperature 0.1 (1), 1k random steps "
    "(5k), 10 updates per step (20 or 40), 5 models (7) of 3 x 128 units (4 x 200), 4 elites (5), fits every 500 steps "
    "(250) of at most 100 epochs and 600 minibatches, 10k rollouts per fit (100k), from 1 to 5 steps long over steps "
    "5k to 15k where its code's grow"
)
SMOKE_MBPO = (
    "MBPO: 2 updates per step, 3 models of 2 x 16 units, fits every 100 steps of at most 10 epochs, 200 rollouts per "
    "fit, from 1 to 3 steps long"
)

FIG2 = Experiment(
    id="sac-svg/fig2",
    title="SAC-SVG(2), SAC and MBPO on the five tasks of MBPO",
    description=(
        "Evaluations against environment steps on the gym tasks of 2020, ant and humanoid with truncated observations. "
        "SAC-SVG(2) is compared with SAC, with MBPO, and with the authors' rerun of April 2021, whose numbers are "
        "published and whose schedules are run here. MBPO makes 20 or 40 updates of policy and critics in a step (10 "
        "at `short`), the others one. Also run: SAC-SVG(2) without weights on terminations, and the variants of "
        "sac-svg/fig4."
    ),
    tasks=(
        TaskSpec(
            "mbpo/hopper",
            "mbpo/hopper",
            "Hopper",
            published="Hopper",
            config={"target_entropy_init": 0.0, "target_entropy_final": -2.0, "target_entropy_decay": 0.03125},
        ),
        TaskSpec(
            "mbpo/walker2d",
            "mbpo/walker2d",
            "Walker2d",
            published="Walker2d",
            config={"target_entropy_init": -2.0, "target_entropy_final": -8.0, "target_entropy_decay": 0.0625},
            limits={"paper": {"total_steps": 2_000_000}},
        ),
        TaskSpec(
            "mbpo/ant",
            "mbpo/ant",
            "Ant",
            published="Ant",
            config={"target_entropy_init": 0.0, "target_entropy_final": -2.0, "target_entropy_decay": 4.0},
            limits={"paper": {"total_steps": 2_000_000}},
        ),
        TaskSpec(
            "mbpo/cheetah",
            "mbpo/cheetah",
            "Cheetah",
            published="Cheetah",
            config={"target_entropy_init": -2.0, "target_entropy_final": -3.0, "target_entropy_decay": 1.0},
            limits={"paper": {"total_steps": 2_000_000}},
        ),
        TaskSpec(
            "mbpo/humanoid",
            "mbpo/humanoid",
            "Humanoid",
            published="Humanoid",
            config={"target_entropy_init": -2.0, "target_entropy_final": -2.0, "target_entropy_decay": 1.0},
            limits={"paper": {"total_steps": 5_000_000}},
        ),
    ),
    variants=(
        Variant("sac", "SAC", SAC, profile="code"),
        Variant("sac-svg-2", "SAC-SVG(2)", SAC_SVG, {"H": 2}, profile="code", published="SAC-SVG(2)"),
        Variant("mbpo", "MBPO", "mbpo", MBPO, profile="code"),
        Variant("random", "random policy", RANDOM),
        Variant(
            "unweighted",
            "SAC-SVG(2) without termination weights",
            SAC_SVG,
            {"H": 2, "balanced_termination": False},
            profile="code",
            tasks=TERMINATING,
        ),
        Variant("mve-sac", "MVE critic + SAC actor", SAC_SVG, {"H": 0, **EXPANDED}, profile="code"),
        Variant("mve-svg", "MVE critic + SVG(2) actor", SAC_SVG, {"H": 2, **EXPANDED}, profile="code"),
        Variant("plain-sac", "plain MVE critic + SAC actor", SAC_SVG, {"H": 0, **PLAIN}, profile="code"),
        Variant("plain-svg", "plain MVE critic + SVG(2) actor", SAC_SVG, {"H": 2, **PLAIN}, profile="code"),
        Variant(
            "coded-sac",
            "MVE critic as coded + SAC actor",
            SAC_SVG,
            {"H": 0, **AS_CODED},
            profile="code",
            tasks=(WALKER,),
        ),
        Variant(
            "coded-svg",
            "MVE critic as coded + SVG(2) actor",
            SAC_SVG,
            {"H": 2, **AS_CODED},
            profile="code",
            tasks=(WALKER,),
        ),
    ),
    budgets=(
        Budget(
            "paper",
            seeds=10,
            note="",
            limits={"total_steps": 1_000_000},
            config={"steps_per_slice": 1, "eval_every": 25_000},
            block_size=10,
            block_size_of={"mbpo": 1},  # up to 5.5 GB of imagined transitions a seed
        ),
        Budget(
            "short",
            seeds=3,
            note=f"{SHORT}; {SHORT_MBPO}",
            limits={"total_steps": 50_000},
            config=SHORT_NETWORKS,
            block_size=3,
            config_of={
                "mbpo": {
                    "alpha_init": 0.1,
                    "random_steps": 1000,
                    "learning_starts": 1000,
                    "updates_per_step": 10,
                    "members": 5,
                    "elites": 4,
                    "model_hidden": (128, 128, 128),
                    "model_decay": (2.5e-5, 5e-5, 7.5e-5, 1e-4),
                    "max_epochs": 100,
                    "max_minibatches": 600,
                    "fit_every": 500,
                    "rollouts_per_fit": 10_000,
                    "rollout_length_final": 5,
                    "rollout_grows_from": 4,  # epochs of 1000 steps: at 5k
                    "rollout_grows_until": 14,
                    "retain_epochs": 1,
                },
                "mbpo/cheetah--mbpo": {"rollout_length_final": 1},
                "mbpo/walker2d--mbpo": {"rollout_length_final": 1},
            },
        ),
        Budget(
            "smoke",
            seeds=3,
            note=f"{SMOKE}; {SMOKE_MBPO}",
            limits={"total_steps": 1000},
            config=SMOKE_NETWORKS,
            block_size=3,
            config_of={
                "mbpo": {
                    "learning_starts": 300,
                    "updates_per_step": 2,
                    "eval_episodes": 1,
                    "members": 3,
                    "elites": 2,
                    "model_hidden": (16, 16),
                    "model_decay": (2.5e-5, 5e-5, 1e-4),
                    "model_batch": 64,
                    "max_epochs": 10,
                    "epoch_length": 100,
                    "fit_every": 100,
                    "rollouts_per_fit": 200,
                    "rollout_length_final": 3,
                    "rollout_grows_from": 0,
                    "rollout_grows_until": 2,
                    "retain_epochs": 1,
                },
                "random": {"eval_episodes": 2},
            },
        ),
    ),
    columns=(
        *COLUMNS[:-1],
        Column(
            "model_loss",
            "float",
            "1 or unit^2",
            "squared error of the dynamics on the last batch, in normalised units; MBPO: of the elites at the last "
            "fit, on held-out data, in the task's units",
        ),
    ),
    measures=(FINAL,),
    claims=(*FIG2_CLAIMS, *MORE_FIG2_CLAIMS),
    deviations=FIG2_DEVIATIONS,
    figure="svgbench.reproduce.sac_svg.figures_curves:fig2",
    published="sac-svg/mbpo-rerun",
    headline="matches-the-best",
    question="Does SAC-SVG(2) match the best of SAC and MBPO on every task?",
)

ABLATED = ("sac", "sac-svg-2", "random", "mve-sac", "mve-svg", "plain-sac", "plain-svg", "coded-sac", "coded-svg")


def ablation(*tasks: str) -> Experiment:
    """Figure 4's variants on these tasks, without published numbers. They use Figure 2's runs."""
    notes = {"paper": "", "short": SHORT, "smoke": SMOKE}  # without MBPO's
    part = part_of(FIG2, ABLATED, tasks)
    return replace(
        part,
        tasks=tuple(replace(task, published=None) for task in part.tasks),
        variants=tuple(replace(variant, published=None) for variant in part.variants),
        budgets=tuple(replace(budget, note=notes[budget.name]) for budget in part.budgets),
        published=None,
    )


FIG4 = replace(
    ablation(*(task.id for task in FIG2.tasks)),
    id="sac-svg/fig4",
    title="Model rollouts in the updates of critics and of the actor",
    description=(
        "Runs of sac-svg/fig2: SAC and SAC-SVG(2), and both with value expansion of the critics' targets (MVE, "
        "Feinberg et al.) over two model steps: TD-k targets, and plain ones. On walker2d also TD-k targets with the "
        "slips of the authors' code."
    ),
    measures=(LAST, BEST),
    claims=FIG4_CLAIMS,
    deviations=FIG4_DEVIATIONS,
    figure="svgbench.reproduce.sac_svg.figures_curves:fig4",
    headline="mve-then-degrades",
    question="Does value expansion of the critics' targets first keep up, and then degrade?",
)

FIG7 = replace(
    ablation(WALKER),
    id="sac-svg/fig7",
    title="Walker: model error and return with value expansion of the critics' targets",
    description=(
        "Runs of sac-svg/fig2 on walker2d: error of the dynamics on its training batches, and return of evaluations, "
        "with value expansion of the critics' targets, under SAC's and under SVG(2)'s actor. Every seed is drawn."
    ),
    measures=(LAST, MODEL_LAST),
    claims=FIG7_CLAIMS,
    deviations=FIG7_DEVIATIONS,
    figure="svgbench.reproduce.sac_svg.figures_curves:fig7",
    headline="model-error-grows",
    question="Does the model's error grow while its rollouts train the critics?",
)
