"""The methods that Table 2 of Amos et al. 2020 quotes from Wang and Ba 2019 (POPLIN), as rows that run.

A rival is one entry of `RIVALS`: its variant, what the budgets cut, and where it differs from what was run for the
printed row. Sources: WilsonWangTHU/mbbl-rlkit at 7fa5c1a (TD3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from svgbench.words.experiment import Deviation, Setting, Variant

Cut = Literal["short", "smoke"]


@dataclass(frozen=True)
class Rival:
    """A row that the table quotes.

    short, smoke: settings in these budgets, in addition to those that all variants have. steps: environment steps in a
    budget, where they differ from the table's.
    """

    variant: Variant
    short: Mapping[str, Setting]
    smoke: Mapping[str, Setting]
    deviations: tuple[Deviation, ...]
    steps: Mapping[Cut, int] = field(default_factory=dict)


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
            paper="its epochs evaluate before they learn: the last evaluation is after 201k steps and 200k updates",
            ours="200k steps and 199k updates, all before the last evaluation [learning_starts, train_every]",
            reason="the table's number of steps",
            source="WilsonWangTHU/mbbl-rlkit at 7fa5c1a rlkit/core/batch_rl_algorithm.py, exp_scripts/td3.sh",
        ),
        Deviation(
            id="td3-fewer-steps",
            paper="201 epochs of 1000 steps on every task; the table's row of steps says 50k for two of them",
            ours="50k steps on swimmer and PETS Cheetah, as the table says",
            reason="the table's caption of steps; the script's default is not a record of what was run",
            source="Table 2; WilsonWangTHU/mbbl-rlkit at 7fa5c1a examples/td3_bm.py",
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

RIVALS = (TD3,)
VARIANTS = tuple(rival.variant for rival in RIVALS)
DEVIATIONS = tuple(deviation for rival in RIVALS for deviation in rival.deviations)


def config_of(budget: Cut) -> dict[str, Mapping[str, Setting]]:
    """`Budget.config_of` of the rivals."""
    return {rival.variant.id: getattr(rival, budget) for rival in RIVALS}


def limits_of(budget: Cut) -> dict[str, Mapping[str, Setting]]:
    """`Budget.limits_of` of the rivals."""
    return {rival.variant.id: {"total_steps": rival.steps[budget]} for rival in RIVALS if budget in rival.steps}
