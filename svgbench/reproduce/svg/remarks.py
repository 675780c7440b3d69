"""What Heess et al. 2015 say in passing, as data: REINFORCE, the KL penalty, V_max, sub-networks of the model.

Each word of a claim has a number, fixed before any run. Nothing here has a figure or a number in the paper.
"""

from __future__ import annotations

import math
from dataclasses import replace

from svgbench.reproduce.svg.claims import FAILURES, FINAL, LEARNING
from svgbench.reproduce.svg.deviations import REMARKS_DEVIATIONS
from svgbench.reproduce.svg.tasks import CART_POLE, HAND, SWIMMER_3
from svgbench.reproduce.svg.variants import (
    CART_POLE_ER,
    COLUMNS,
    HAND_INF,
    SMOKE,
    SVG_INF,
    SVG_ONE,
    SWIMMER_ER,
    SWIMMER_INF,
    SWIMMER_ONE,
    UNTRAINED,
    Settings,
    per_task,
)
from svgbench.words.claims import BestOf, Change, Claim, Comparison, Measure, OfDistance, Term
from svgbench.words.experiment import Budget, Experiment, Variant
from svgbench.words.values import PerTask, Setting

REINFORCE = "reinforce"
MODEL_ERROR = Measure(
    "model_error", "one-step error of the model, last 100 episodes", reduce="mean_of_last", k=100,
    higher_is_better=False, scale="log_ratio",
)  # fmt: skip

ON_HAND = ("svg/hand",)
ON_SWIMMER = ("svg/swimmer-3",)
OF_REPLAY = ("svg/cart-pole", "svg/swimmer-3")
ALONG_EPISODES = ("svg/hand", "svg/swimmer-3")

ER = per_task({"svg/cart-pole": CART_POLE_ER, "svg/swimmer-3": SWIMMER_ER})
INF = per_task({"svg/hand": HAND_INF, "svg/swimmer-3": SWIMMER_INF})
UNLIMITED: dict[str, Setting] = {"max_grad_norm": 1e18}
"""The largest number that a setting may be. Only gradients of the swimmer's first episodes are longer, up to 3e28; as
they are they would leave the range of float32."""
ONE_NETWORK: Settings = {
    "sub_networks": False,
    "model_hidden": PerTask({"svg/hand": (68, 68), "svg/swimmer-3": (73, 73)}),
}
"""As many weights as the sub-networks of 20/20 units have: 6129 of 6129, and 7091 of 7010."""
REINFORCES = {
    f"reinforce-{rate:g}-{std:g}": (rate, std) for rate in (1e-3, 1e-2) for std in (0.3, 1.0)
}  # rates and noises of SVG(∞)'s search on the hand

REMARKS_CLAIMS = (
    Claim(
        id="reinforce-is-very-poor",
        quote="We also tested REINFORCE on this problem but achieved very poor results due to the long horizon.",
        source="footnote 5",
        origin="text",
        parts=(
            Comparison(
                left=BestOf(tuple(REINFORCES), FINAL),
                relation="<",
                right=Term("svg-inf", FINAL),
                margin=OfDistance(0.75),
                number="very poor: less than a quarter of SVG(∞)'s improvement over the untrained policy, with the "
                "best of four settings",
            ),
        ),
        tasks=ON_HAND,
    ),
    Claim(
        id="the-kl-penalty-helps-in-some-cases",
        quote="In some cases we found it helpful to apply an additional regularizer",
        source="appendix D",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-1-er", LEARNING),
                relation=">",
                right=Term("svg-1-er-free", LEARNING),
                number="helpful: a higher return of SVG(1)-ER, averaged over all episodes; in some cases: on one of "
                "two tasks at least",
            ),
        ),
        tasks=OF_REPLAY,
        at_least=1,
    ),
    Claim(
        id="clipping-improves-stability",
        quote='we found that "clipping" the policy gradient improved stability',
        source="appendix D",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-inf", FINAL),
                relation=">",
                right=Term("svg-inf-unclipped", FINAL),
                number="stability: a higher return of SVG(∞) over the last 100 episodes; seeds that stop or fall count",
            ),
        ),
        tasks=ALONG_EPISODES,
    ),
    Claim(
        id="clipping-is-primarily-for-svg-inf",
        quote="We used this approach for all algorithms although it was primarily necessary for SVG(∞).",
        source="appendix D",
        origin="text",
        parts=(
            Comparison(
                left=Change("svg-inf", "svg-inf-unclipped", FINAL),
                relation="<",
                right=Change("svg-1", "svg-1-unclipped", FINAL),
                number="primarily: without the limit SVG(∞) loses more return than SVG(1)",
            ),
        ),
        tasks=ON_SWIMMER,
    ),
    Claim(
        id="sub-networks-predict-best",
        quote="We found that the models exhibited the lowest per-step prediction error when the μ̂ and σ̂ vector "
        "components were computed by parallel subnetworks",
        source="appendix C",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-inf", MODEL_ERROR),
                relation="<",
                right=Term("svg-inf-one-network", MODEL_ERROR),
                number="lowest: lower than that of one network with as many weights, by any share, on new episodes",
                scale="log_ratio",
            ),
        ),
        tasks=ALONG_EPISODES,
    ),
    Claim(
        id="sub-networks-improve-significantly",
        quote="constructing models as separate sub-networks per predicted state dimension improved model quality "
        "significantly",
        source="section 5",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-inf", MODEL_ERROR),
                relation="<",
                right=Term("svg-inf-one-network", MODEL_ERROR),
                margin=math.log(1.25),
                number="significantly: the error of one network is at least 1.25 times theirs",
                scale="log_ratio",
            ),
        ),
        tasks=ALONG_EPISODES,
    ),
)

REMARKS = Experiment(
    id="svg/remarks",
    title="REINFORCE on the hand; the KL penalty, V_max and sub-networks, with and without",
    description=(
        "What the paper says in passing. REINFORCE beside SVG(∞) on the hand; SVG(1)-ER with and without the penalty "
        "on the change of its policy; SVG(∞) and SVG(1) with and without a limit on the gradient's norm; SVG(∞) with a "
        "sub-network of the model for each dimension of the state, and with one network of as many weights."
    ),
    tasks=(HAND, CART_POLE, SWIMMER_3),
    variants=(
        Variant("svg-inf", "SVG(∞)", SVG_INF, INF, tasks=ALONG_EPISODES),
        Variant("svg-inf-unclipped", "SVG(∞), no V_max", SVG_INF, INF | UNLIMITED, tasks=ALONG_EPISODES),
        Variant("svg-inf-one-network", "SVG(∞), one network", SVG_INF, INF | ONE_NETWORK, tasks=ALONG_EPISODES),
        *(
            Variant(
                name,
                f"REINFORCE, {rate:g}, {std:g}",
                REINFORCE,
                {"policy_lr": rate, "policy_std": std},
                tasks=ON_HAND,
            )
            for name, (rate, std) in REINFORCES.items()
        ),
        Variant("svg-1-er", "SVG(1)-ER", SVG_ONE, ER, tasks=OF_REPLAY),
        Variant("svg-1-er-free", "SVG(1)-ER, no penalty", SVG_ONE, ER | {"kl_weight": 0.0}, tasks=OF_REPLAY),
        Variant("svg-1", "SVG(1)", SVG_ONE, SWIMMER_ONE, tasks=ON_SWIMMER),
        Variant("svg-1-unclipped", "SVG(1), no V_max", SVG_ONE, SWIMMER_ONE | UNLIMITED, tasks=ON_SWIMMER),
        replace(UNTRAINED, tasks=ON_HAND),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"episodes": 500}),
        Budget("short", seeds=5, note="200 episodes for 500, 5 seeds", limits={"episodes": 200}, block_size=5),
        SMOKE,
    ),
    columns=COLUMNS,
    measures=(FINAL, LEARNING, MODEL_ERROR),
    claims=REMARKS_CLAIMS,
    failures=tuple(level for level in FAILURES if level.task != "svg/swimmer-5"),
    deviations=REMARKS_DEVIATIONS,
    figure="svgbench.reproduce.svg.remark_figures:remarks",
    question="Do the paper's remarks hold?",
    step_unit="episodes",
    block_size=10,
)
