"""The methods that Table 2 of Amos et al. 2020 quotes from Wang and Ba 2019 (POPLIN), as rows that run.

A rival is one entry of `RIVALS`: its variant, what the budgets cut, and where it differs from what was run for the
printed row. Sources: WilsonWangTHU/mbbl-rlkit at 7fa5c1a (TD3), WilsonWangTHU/POPLIN at edd8dba (PETS, POPLIN-P).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from svgbench.reproduce.sac_svg.rival import Cut, Rival
from svgbench.reproduce.sac_svg.rivals_with_ensembles import METRPO, STEVE
from svgbench.words.experiment import Deviation, Variant
from svgbench.words.values import Setting

TD3 = Rival(
    variant=Variant(
        "td3", "TD3", "td3", {"eval_every": 10_000, "eval_episodes": 10}, profile="rlkit", published="TD3*"
    ),
    short={
        "actor_hidden": (128, 128),
        "critic_hidden": (128, 128),
        "step_batch": 128,
        "actor_lr": 1e-3,
        "critic_lr": 1e-3,
    },
    smoke={"learning_starts": 300, "train_every": 100},
    deviations=(
        Deviation(
            id="td3-statistic",
            paper="the row TD3*: four seeds, mean of the last three evaluations, one episode of the policy each",
            ours="mean of the ten episodes of the last evaluation, as for every row here [eval_every, eval_episodes]",
            reason="one statistic for the whole table; both are returns of the deterministic policy at the end",
            source="Wang and Ba, caption of Table 1; WilsonWangTHU/mbbl-rlkit at 7fa5c1a examples/td3_bm.py",
        ),
        Deviation(
            id="td3-evaluated-after",
            paper="its epochs evaluate before they learn: of 201 epochs, the default, the last evaluation is after "
            "201k steps and 200k updates",
            ours="200k steps and 199k updates, all before the last evaluation [learning_starts, train_every]",
            reason="the table's number of steps",
            source="WilsonWangTHU/mbbl-rlkit at 7fa5c1a rlkit/core/batch_rl_algorithm.py, exp_scripts/td3.sh",
        ),
        Deviation(
            id="td3-fewer-steps",
            paper="201 epochs of 1000 steps by default; the script takes another number from its caller, and none is "
            "recorded. The table's row of steps says 50k for two tasks",
            ours="50k steps on swimmer and PETS Cheetah, as the table says",
            reason="the table's row of steps; a default is not a record of what was run",
            source="Table 2; WilsonWangTHU/mbbl-rlkit at 7fa5c1a examples/td3_bm.py, exp_scripts/td3.sh",
        ),
        Deviation(
            id="td3-short",
            paper="policy and critics of 400 and 300 units, batches of 256",
            ours="`short`: 2 x 128 units, batches of 128, 50k steps; `smoke`: 2 x 16, batches of 32, updates after "
            "every 100 steps",
            reason="minutes on two cores",
            source="our choice",
        ),
    ),
)

_PLANNED_SHORT: dict[str, Setting] = {
    "model_hidden": (128, 128, 128),
    "model_decay": (2.5e-5, 5e-5, 7.5e-5, 1e-4),
    "model_batch": 256,
    "plan_population": 100,
    "plan_elites": 10,
    "plan_iterations": 3,
    "plan_horizon": 15,
    "random_steps": 1000,
    "eval_every": 1000,
    "eval_episodes": 3,
    "steps_per_slice": 50,
}
_PLANNED_SMOKE: dict[str, Setting] = {
    "members": 3,
    "model_hidden": (16, 16),
    "model_decay": (2.5e-5, 5e-5, 1e-4),
    "model_batch": 64,
    "plan_population": 10,
    "plan_elites": 2,
    "plan_iterations": 2,
    "plan_horizon": 3,
    "random_steps": 1000,
    "rollout_steps": 500,  # so that a policy learns once, and AVG's readings part
    "eval_every": 1000,
    "eval_episodes": 3,
    "steps_per_slice": 100,
}
_SEARCH_CUT = (
    "100 candidates, 10 elites, 3 iterations and 15 steps for 500, 50, 5 and 30; models of 3 x 128 units for 4 x 200, "
    "batches of 256 for 32"
)
_PLANNED = (
    Deviation(
        id="planned-return",
        paper="the rows PETS* and POPLIN-P: four seeds, mean of the last 3000 steps of training, which are planned",
        ours="the mean of the last three planned episodes of training, in the column of evaluations [eval_episodes]",
        reason="the same statistic: a planner has no other policy, and an evaluation would plan as much again",
        source="Wang and Ba, caption of Table 1; WilsonWangTHU/POPLIN at edd8dba dmbrl/misc/MBExp.py",
    ),
    Deviation(
        id="planner-settings",
        paper="scripts exist for PETS' cheetah only; settings on the other tasks are not recorded",
        ours="those of the scripts on every task: the code's defaults along the mean of the networks; for POPLIN-P a "
        "policy of 32 units (the default has two layers of 64), and variances of 0.1 (AVG) and 0.03 (BC) "
        "[propagation, plan_population, plan_horizon, model_batch, model_epochs, policy_hidden, init_variance]",
        reason="nothing else is public",
        source="WilsonWangTHU/POPLIN at edd8dba demo_scripts/, dmbrl/config/",
    ),
    Deviation(
        id="planner-reward",
        paper="the code's plans count the reward of the predicted next state; the tasks other than PETS Cheetah pay "
        "the state before the step",
        ours="as the code [reward_of]",
        reason="it moves all rewards of a plan by one step, which hardly changes their order",
        source="WilsonWangTHU/POPLIN at edd8dba dmbrl/controllers/MPC.py, dmbrl/config/gym_hopper.py",
    ),
    Deviation(
        id="planner-pets-cheetah",
        paper="on PETS Cheetah the observation has the pitch; the model sees its sine and cosine, predicts its change, "
        "and predicts the velocity itself, which is no input",
        ours="the observation has sine and cosine; the model predicts the same numbers, from the same inputs "
        "[angle_at, absolute_at]",
        reason="the table's task is that of Amos et al.; POPLIN-P's policy sees sine and cosine, too",
        source="kchua/handful-of-trials at 77fd880 dmbrl/config/halfcheetah.py; facebookresearch/svg at 9fdf03a "
        "svg/env/pets_cheetah.py",
    ),
    Deviation(
        id="planner-short",
        paper="200k steps (50k), and as many plans",
        ours=f"`short`: PETS 20k steps, POPLIN-P 15k steps with a policy of 16 units for 32; {_SEARCH_CUT}. `smoke`: "
        "2k steps, 10 candidates, 3 steps, models of 2 x 16 units, fits every 500 steps",
        reason="a plan costs a second and more. A smaller search changes these methods most: POPLIN-P's claim is what "
        "it finds",
        source="our choice",
    ),
)
"""Of all planners."""

PETS = Rival(
    variant=Variant("pets", "PETS", "pets", profile="wang-ba", published="PETS*"),
    short=_PLANNED_SHORT,
    smoke=_PLANNED_SMOKE,
    steps={"short": 20_000, "smoke": 2000},
    blocks={"paper": 1},  # a stack of searches of this size saves nothing
    deviations=_PLANNED,
)


_POPLIN_P = (
    Deviation(
        id="poplin-variant",
        paper="the row POPLIN-P: whether the policy learned by averages, by cloning or by a GAN is not said",
        ours="two of them, beside the same printed row: averages (AVG) and cloning (BC) [training]",
        reason="which one made the row is not known",
        source="Wang and Ba, Table 1; WilsonWangTHU/POPLIN at edd8dba README.md, demo_scripts/",
    ),
    Deviation(
        id="poplin-initial-weights",
        paper="the code draws the policy's initial weights from one fixed seed in every run",
        ours="from the run's seed",
        reason="seeds shall differ in all that is random",
        source="WilsonWangTHU/POPLIN at edd8dba dmbrl/misc/optimizers/policy_network/tf_networks.py",
    ),
)
"""Of all three rows of POPLIN-P."""
_AVERAGE = Deviation(
    id="poplin-average",
    paper="the text adds the mean deviation to the policy's weights; the code puts it in their place",
    ours="AVG as the code; AVG (added) as the text [average]",
    reason="the printed row comes from the code; that it was meant so is not known",
    source="WilsonWangTHU/POPLIN at edd8dba dmbrl/misc/optimizers/policy_network/BC_WA_policy.py, "
    "tf_networks.py (inferred from the code, not run)",
)


def _poplin_p(name: str, label: str, profile: str, *deviations: Deviation) -> Rival:
    return Rival(
        variant=Variant(name, label, "poplin_p", profile=profile, published="POPLIN-P"),
        short={**_PLANNED_SHORT, "policy_hidden": (16,)},
        smoke={**_PLANNED_SMOKE, "policy_hidden": (4,), "policy_epochs": 10},
        steps={"short": 15_000, "smoke": 2000},
        blocks={"paper": 1},
        deviations=(*_PLANNED, *_POPLIN_P, *deviations),
    )


POPLIN_P = (
    _poplin_p("poplin-p-avg", "POPLIN-P (AVG)", "avg", _AVERAGE),
    _poplin_p("poplin-p-avg-added", "POPLIN-P (AVG, added)", "avg-added", _AVERAGE),
    _poplin_p("poplin-p-bc", "POPLIN-P (BC)", "bc"),
)

RIVALS = (TD3, PETS, *POPLIN_P, METRPO, STEVE)
VARIANTS = tuple(rival.variant for rival in RIVALS)
DEVIATIONS = tuple(
    replace(deviation, variants=tuple(rival.variant.id for rival in RIVALS if deviation in rival.deviations))
    for deviation in dict.fromkeys(deviation for rival in RIVALS for deviation in rival.deviations)
)
"""Each once, with the rows that it concerns."""


def config_of(budget: Cut) -> dict[str, Mapping[str, Setting]]:
    """`Budget.config_of` of the rivals."""
    return {rival.variant.id: getattr(rival, budget) for rival in RIVALS}


def limits_of(budget: Cut) -> dict[str, Mapping[str, Setting]]:
    """`Budget.limits_of` of the rivals."""
    return {rival.variant.id: {"total_steps": rival.steps[budget]} for rival in RIVALS if budget in rival.steps}


def blocks_of(budget: str) -> dict[str, int]:
    """`Budget.block_size_of` of the rivals."""
    return {rival.variant.id: rival.blocks[budget] for rival in RIVALS if budget in rival.blocks}
