"""Figures 2 and 4 and Table 1 of Clavera et al. 2020: learning curves, ablations, and planning at test time.

`maac/fig2` declares all runs; `maac/fig4` and `maac/table1` draw from them. All methods share the settings of soft
actor-critic in MAAC's code, which are MBPO's. So they differ only in how they use a model and in the number of updates.
MBPO has the settings of its own code (jannerm/mbpo at ac694ff, examples/config/*/0.py).
"""

from __future__ import annotations

from dataclasses import replace

from svgbench.reproduce.maac.claims_curves import (
    FAILURES,
    FIG2_CLAIMS,
    FIG4_CLAIMS,
    FINAL,
    MEAN,
    PLANNED,
    TABLE1_CLAIMS,
    UNPLANNED,
)
from svgbench.reproduce.maac.deviations_curves import FIG2_DEVIATIONS, FIG4_DEVIATIONS, TABLE1_DEVIATIONS
from svgbench.reproduce.part_of import part_of
from svgbench.words.experiment import Budget, Column, Experiment, TaskSpec, Variant
from svgbench.words.values import PerTask, Setting

OF_SAC: dict[str, Setting] = {
    "actor_hidden": (256, 256),
    "critic_hidden": (256, 256),
    "actor_lr": 3e-4,
    "critic_lr": 3e-4,
    "alpha_init": 1.0,
    "alpha_lr": 3e-4,
    "step_batch": 256,
    "averaged_target_policy": False,
    "random_steps": 5000,
    "learning_starts": 5000,
    "normalise_obs": False,
    "eval_every": 1000,
    "eval_episodes": 1,
}
"""The settings of soft actor-critic in MBPO's and MAAC's code, for `sac`. `mbpo` and `maac` have them as defaults."""

MANY: PerTask[Setting] = PerTask(
    {"poplin/cheetah": 40, "poplin/hopper": 20, "poplin/walker2d": 20, "poplin/ant": 20},
)
"""Updates per environment step of MBPO's code."""

LENGTHS: PerTask[Setting] = PerTask(
    {"poplin/cheetah": 1, "poplin/hopper": 15, "poplin/walker2d": 1, "poplin/ant": 25},
)
"""Model steps of the last rollouts, in MBPO's code and in MAAC's."""

MBPO: dict[str, Setting | PerTask[Setting]] = {
    "updates_per_step": MANY,
    "rollout_length_final": LENGTHS,
    "rollout_grows_until": PerTask({"poplin/ant": 100}),
}

MAAC: dict[str, Setting | PerTask[Setting]] = {
    "H": PerTask({"poplin/walker2d": 2}),
    "rollout_length_final": LENGTHS,
}
OF_NEXT: PerTask[Setting] = PerTask({"poplin/cheetah": (8,), "poplin/walker2d": (0,), "poplin/ant": (0, 13)})
"""The components (a velocity, a height) that the reward in MAAC's code takes from the next observation: `tf_reward`."""

ONE_STEP: dict[str, Setting | PerTask[Setting]] = {"H": 0, "critic_steps": 0, "imagined": "single steps"}

BASE = ("maac", "td", "single", "maac-code")
"""MAAC, and the variants with the same H."""


def aims_at(target_entropy: float) -> dict[str, Setting]:
    """A constant target entropy, in nats."""
    return {"target_entropy_init": target_entropy, "target_entropy_final": target_entropy}


FIG2 = Experiment(
    id="maac/fig2",
    title="Returns against environment steps: MAAC, MBPO, STEVE on SAC, and SAC",
    description=(
        "Evaluations of the deterministic policy against environment steps, on the tasks of Wang and Ba. MAAC and its "
        "ablations know the reward and learn only transitions. MBPO also learns its reward. SAC has no model. It has "
        "one update per step, or as many as MAAC or MBPO. A rollout of the figure has 1000 steps."
    ),
    tasks=(
        TaskSpec("poplin/cheetah", "poplin/cheetah", "Cheetah", config=aims_at(-6.0)),
        TaskSpec("poplin/hopper", "poplin/hopper", "Hopper", config=aims_at(-3.0)),
        TaskSpec("poplin/walker2d", "poplin/walker2d", "Walker2d", config=aims_at(-6.0)),
        TaskSpec("poplin/ant", "poplin/ant", "Ant", config=aims_at(-8.0)),
    ),
    variants=(
        Variant("maac", "MAAC", "maac", {**MAAC, "plan_episodes": 5}, profile="text"),
        Variant("mbpo", "MBPO", "mbpo", MBPO, profile="code"),
        Variant("sac", "SAC", "sac", OF_SAC),
        Variant("h0", "STEVE on SAC (MAAC, H = 0)", "maac", {**MAAC, "H": 0}, profile="text"),
        Variant("one-step", "one-step MBPO (MAAC, H = 0, no STEVE)", "maac", {**MAAC, **ONE_STEP}, profile="text"),
        Variant("sac-maac", "SAC, as many updates as MAAC", "sac", {**OF_SAC, "updates_per_step": 8}),
        Variant("sac-mbpo", "SAC, as many updates as MBPO", "sac", {**OF_SAC, "updates_per_step": MANY}),
        Variant("random", "random policy", "random_policy"),
        Variant("h10", "MAAC, H = 10", "maac", {**MAAC, "H": 10}, profile="text"),
        Variant("maac-code", "MAAC, as its code has it", "maac", {**MAAC, "next_in_reward": OF_NEXT}, profile="code"),
        Variant("td", "MAAC without STEVE", "maac", {**MAAC, "critic_steps": 0}, profile="text"),
        Variant("single", "MAAC, single sample", "maac", {**MAAC, "paths": 1}, profile="text"),
        Variant("h1", "MAAC, H = 1", "maac", {**MAAC, "H": 1}, profile="text"),
    ),
    budgets=(
        Budget("paper", seeds=4, note="", limits={"total_steps": 200_000}, block_size=4),
        Budget(
            "short",
            seeds=6,
            note=(
                "15k steps (paper: 200k); 2 x 128 units (2 x 256), batches of 128 (256); 1k random steps (5k); initial "
                "temperature 0.1 (1); models of 3 x 128 units (4 x 200); fits of at most 100 epochs and 600 "
                "minibatches; MBPO: 10 updates per step (20 or 40), 5 models (7), 4 elites (5), fits every 500 steps "
                "(250), 10k rollouts per fit (100k), from 1 to 5 steps long over steps 5k to 15k on hopper and ant; "
                "MAAC: 4 updates per step (8), H = 3 (4), 2 paths (5), 4 models (8), rollouts of 500 steps (1000) with "
                "2 rounds (4) of 5k imagined rollouts (100k), as long as MBPO's, 50k imagined transitions kept (2m); "
                "planning: 100 candidates (256), 3 iterations (5)"
            ),
            limits={"total_steps": 15_000},
            config={
                "actor_hidden": (128, 128),
                "critic_hidden": (128, 128),
                "step_batch": 128,
                "alpha_init": 0.1,
                "random_steps": 1000,
                "learning_starts": 1500,  # MAAC's, after one rollout
                "updates_per_step": 4,
                "model_hidden": (128, 128, 128),
                "members": 4,
                "max_epochs": 100,
                "max_minibatches": 600,
                "rollout_steps": 500,
                "rounds": 2,
                "paths": 2,
                "rollouts_per_fit": 5000,
                "rollout_length_final": 5,
                "rollout_grows_from": 7,  # iterations of 500 steps: at 5k
                "rollout_grows_until": 27,
                "imagined_capacity": 50_000,
                "plan_population": 100,
                "plan_elites": 10,
                "plan_iterations": 3,
            },
            block_size=3,  # so that a block ends within an hour
            seeds_of={"poplin/ant": 3},
            block_size_of={"poplin/ant": 3},
            config_of={
                **{name: {"H": 3} for name in BASE},
                "single": {"H": 3, "paths": 1},
                "mbpo": {
                    "learning_starts": 1000,
                    "updates_per_step": 10,
                    "members": 5,
                    "elites": 4,
                    "model_decay": (2.5e-5, 5e-5, 7.5e-5, 1e-4),
                    "fit_every": 500,
                    "rollouts_per_fit": 10_000,
                    "rollout_grows_from": 4,  # epochs of 1000 steps: at 5k
                    "rollout_grows_until": 14,
                },
                "sac": {"learning_starts": 1000, "updates_per_step": 1},
                "sac-maac": {"learning_starts": 1000},
                "sac-mbpo": {"learning_starts": 1000, "updates_per_step": 10},
                "poplin/cheetah": {"rollout_length_final": 1},
                "poplin/walker2d": {"rollout_length_final": 1},
                **{f"poplin/walker2d--{name}": {"H": 2} for name in BASE},
            },
        ),
        Budget(
            "smoke",
            seeds=3,
            note=(
                "600 steps; 4 updates per step for MBPO, 2 for MAAC; 16 units, batches of 32, 3 or 4 models of 2 x 16 "
                "units, fits every 100 steps of at most 10 epochs, 200 rollouts per fit, 1 to 3 steps long on every "
                "task; MAAC: H = 2 (the variant H = 10: 4), 2 paths, 2 rounds; 300 random steps; evaluations every 300 "
                "steps; one episode with planning, with 10 candidates"
            ),
            limits={"total_steps": 600},
            config={
                "actor_hidden": (16, 16),
                "critic_hidden": (16, 16),
                "step_batch": 32,
                "actor_lr": 1e-3,
                "critic_lr": 1e-3,
                "alpha_lr": 1e-3,
                "random_steps": 300,
                "learning_starts": 400,
                "updates_per_step": 2,
                "eval_every": 300,
                "steps_per_slice": 50,
                "model_hidden": (16, 16),
                "members": 4,
                "model_batch": 64,
                "max_epochs": 10,
                "rollout_steps": 100,
                "rounds": 2,
                "paths": 2,
                "rollouts_per_fit": 200,
                "rollout_length_final": 3,
                "rollout_grows_from": 0,
                "rollout_grows_until": 2,
                "plan_population": 10,
                "plan_elites": 2,
                "plan_iterations": 2,
                "plan_horizon": 2,
            },
            block_size=3,
            config_of={
                **{name: {"H": 2} for name in BASE},
                "maac": {"H": 2, "plan_episodes": 1},
                "single": {"H": 2, "paths": 1},
                "h10": {"H": 4},
                "mbpo": {
                    "learning_starts": 300,
                    "updates_per_step": 4,
                    "members": 3,
                    "elites": 2,
                    "model_decay": (2.5e-5, 5e-5, 1e-4),
                    "epoch_length": 100,
                    "fit_every": 100,
                },
                "sac": {"learning_starts": 300, "updates_per_step": 1},
                "sac-maac": {"learning_starts": 300},
                "sac-mbpo": {"learning_starts": 300, "updates_per_step": 4},
                "random": {"eval_episodes": 2},
            },
        ),
    ),
    columns=(
        Column(
            "eval_return", "float", "return", "mean over evaluation episodes of the deterministic policy, tanh(mean)"
        ),
        Column("eval_return_sd", "float", "return", "standard deviation over the episodes; NaN for a single one"),
        Column("train_return", "float", "return", "of the last finished training episode, with exploration"),
        Column("alpha", "float", "return per nat", "temperature"),
        Column("entropy", "float", "nats", "of the policy, estimated from the last batch"),
        Column("critic_loss", "float", "return^2", "squared Bellman error of the last batch, summed over the twins"),
        Column(
            "model_loss",
            "float",
            "unit^2 or 1",
            "at the last fit, on held-out data: MBPO: squared error of the elites; MAAC: loss of scaled outputs",
        ),
        Column("planned_return", "float", "return", "with planning, after training; NaN before"),
        Column("unplanned_return", "float", "return", "without planning, from the same starts"),
    ),
    measures=(FINAL, MEAN),
    claims=FIG2_CLAIMS,
    failures=FAILURES,
    deviations=FIG2_DEVIATIONS,
    figure="svgbench.reproduce.maac.figures_curves:fig2",
    headline="more-efficient-than-model-based",
    question="Is MAAC more sample efficient than MBPO, STEVE and SAC?",
)

TESTED = ("maac", "random")
ABLATED = ("maac", "h0", "td", "single", "h1", "h10", "random")


FIG4 = replace(
    part_of(FIG2, ABLATED),
    id="maac/fig4",
    title="Ablations of MAAC: horizon, STEVE, number of paths",
    description=(
        "Runs of maac/fig2: MAAC, and MAAC with H = 0, without STEVE's targets, with a single path from each state, "
        "and with horizons of 1 and 10 model steps."
    ),
    claims=FIG4_CLAIMS,
    failures=FAILURES,
    deviations=FIG4_DEVIATIONS,
    figure="svgbench.reproduce.maac.figures_curves:fig4",
    headline="h0-drops",
    question="Does MAAC need the gradient through its model, STEVE and several samples?",
)

COLUMN = {
    "poplin/cheetah": "HalfCheetahEnv",
    "poplin/hopper": "HopperEnv",
    "poplin/walker2d": "Walker2dEnv",
    "poplin/ant": "AntEnv",
}
"""The column of the published table, for each task."""

TRIED = part_of(FIG2, TESTED)

TABLE1 = replace(
    TRIED,
    id="maac/table1",
    title="Planning at test time",
    description=(
        "Runs of maac/fig2: after training, episodes of the final policy with and without planning in its model, from "
        "the same initial states. The planner is a cross-entropy search that starts from the policy."
    ),
    variants=tuple(replace(v, published="maac") if v.id == "maac" else v for v in TRIED.variants),
    tasks=tuple(replace(task, published=COLUMN[task.id]) for task in FIG2.tasks),
    measures=(UNPLANNED, PLANNED),
    claims=TABLE1_CLAIMS,
    failures=FAILURES,
    deviations=TABLE1_DEVIATIONS,
    figure="svgbench.reproduce.maac.figures_curves:table1",
    published="maac/table1",
    headline="planning-helps",
    question="Does planning at test time help, and more so in complex domains?",
)
