"""The experiments of chapter 3 of Schulman 2016 (PhD thesis, University of California, Berkeley), as data.

Figure 4 compares eight methods on four tasks. Its axes end where the authors' own configurations do (50 iterations on
cart-pole and swimmer, 200 on hopper and walker), not where the thesis's Table 2 says; so the sizes and the profile are
the code's.
"""

from __future__ import annotations

from svgbench.reproduce.on_policy import CART_POLE_BEST, COLUMNS, FINAL_REWARD, MEAN_REWARD
from svgbench.reproduce.trpo.claims import (
    CROSSCHECK_CLAIMS,
    CROSSCHECK_FAILURES,
    FAILURES,
    FIG4_CLAIMS,
    FINAL_RETURN,
    LARGER,
    MEAN_RETURN,
)
from svgbench.reproduce.trpo.deviations import CROSSCHECK_DEVIATIONS, FIG4_DEVIATIONS, REMARKS_DEVIATIONS
from svgbench.reproduce.trpo.reached import REACHED
from svgbench.reproduce.trpo.remarks import FALL, REMARKS_CLAIMS
from svgbench.words.experiment import Budget, Experiment, TaskSpec, Variant
from svgbench.words.values import PerTask, Setting

TRPO = "trpo"
NATURAL_GRADIENT = "natural_gradient"
RWR = "reward_weighted_regression"
CEM = "cross_entropy"
CMA = "cma_es"
GAE = "gae"
SB3 = "svgbench.baselines.on_policy.sb3_trpo:make"

CART_POLE: dict[str, Setting] = {
    "hidden": (),
    "simulations": 256,
    "rollout_set": 200,
    "observation_scaling": "range",
}
SWIMMER: dict[str, Setting] = {"hidden": (30,), "simulations": 400, "path_length": 500, "rollout_set": 1000}
LEGGED: dict[str, Setting] = {
    "hidden": (50, 50),
    "simulations": 512,
    "rollout_set": 5000,
    "observation_clip": 5.0,
    "fisher_fraction": 0.1,
    "init_std_parameters": 0.1,
    "extra_std": 0.01,
    "extra_iterations": 50,
}

TASKS = (
    TaskSpec(
        "trpo/cart-pole",
        "trpo/cart-pole",
        "Cart-pole",
        config=CART_POLE,
        best=CART_POLE_BEST,
    ),
    TaskSpec(
        "trpo/cart-pole-barto",
        "trpo/cart-pole-barto",
        "Cart-pole, Barto et al.",
        config=CART_POLE,
        best=CART_POLE_BEST,
    ),
    TaskSpec("trpo/swimmer", "trpo/swimmer", "Swimmer", config=SWIMMER),
    TaskSpec(
        "trpo/hopper",
        "trpo/hopper",
        "Hopper",
        config=LEGGED,
        limits={"paper": {"iterations": 200}, "short": {"iterations": 100}},
    ),
    TaskSpec(
        "trpo/walker",
        "trpo/walker",
        "Walker",
        config=LEGGED,
        limits={"paper": {"iterations": 200}, "short": {"iterations": 100}},
    ),
)
MULTIPLIER: PerTask[Setting] = PerTask(  # from trpo/natural-gradient-sweep
    {
        "trpo/cart-pole": 0.3,
        "trpo/cart-pole-barto": 3.0,
        "trpo/swimmer": 0.3,
        "trpo/hopper": 10.0,
        "trpo/walker": 1.0,
    }
)
CART_POLES = ("trpo/cart-pole", "trpo/cart-pole-barto")
SMALL = (*CART_POLES, "trpo/swimmer")

SHORT_CUTS = "48 paths of at most 1000 steps, rollout sets of 100 states"
FIG4 = Experiment(
    id="trpo/fig4",
    title="Eight methods on cart-pole, swimmer, hopper and walker",
    description=(
        "Cost per time step against iterations for trust region policy optimization by single paths and by vines, the "
        "natural gradient, TRPO with the empirical Fisher matrix and under the maximum KL divergence, cross-entropy "
        "method, CMA-ES and reward-weighted regression. Cost is minus what paths earned over the steps that they "
        "would last in full: a fall costs what could have been earned after it."
    ),
    tasks=TASKS,
    variants=(
        Variant("single-path", "TRPO, single path", TRPO, profile="code"),
        Variant("vine", "TRPO, vine", TRPO, {"simulations": 32}, profile="code-vine"),
        Variant("natural-gradient", "natural gradient", NATURAL_GRADIENT, {"multiplier": MULTIPLIER}, profile="code"),
        Variant("empirical-fim", "empirical FIM", TRPO, {"fisher": "empirical"}, profile="code", tasks=SMALL),
        Variant("max-kl", "max KL", TRPO, {"constraint": "max"}, profile="code", tasks=CART_POLES),
        Variant("cem", "CEM", CEM, profile="code"),
        Variant("cma", "CMA", CMA, profile="code", tasks=SMALL),
        Variant("rwr", "RWR", RWR, profile="code"),
    ),
    budgets=(
        Budget(
            "paper",
            seeds=5,
            note="",
            limits={"iterations": 50},
            seeds_of={"trpo/hopper--vine": 3},  # 406 million steps each
            block_size_of=dict.fromkeys(LARGER, 1),  # 100 million steps a seed: each is stored when it is done
        ),
        Budget(
            "short",
            seeds=3,
            note=f"{SHORT_CUTS}, 100 of 200 iterations on hopper and walker, 3 seeds",
            limits={"iterations": 50},
            config={"simulations": 48, "rollout_set": 100},
            block_size=3,
        ),
        Budget(
            "smoke",
            seeds=2,
            note="5 iterations of 8 paths of at most 100 steps, rollout sets of 8 states, 2 seeds",
            limits={"iterations": 5},
            config={"simulations": 8, "path_length": 100, "rollout_set": 8, "branch_length": 20, "steps_per_slice": 50},
            block_size=2,
        ),
    ),
    columns=COLUMNS,
    measures=(FINAL_REWARD, MEAN_REWARD),
    claims=FIG4_CLAIMS,
    failures=FAILURES,
    reached=REACHED,
    deviations=FIG4_DEVIATIONS,
    figure="svgbench.reproduce.trpo.figures:fig4",
    step_unit="iterations",
    block_size=5,
)

CROSSCHECK = Experiment(
    id="trpo/crosscheck",
    title="Our TRPO and sb3-contrib's on gymnasium's own Swimmer-v5 and Hopper-v5",
    description=(
        "A library's answer to hold ours against: the same tasks, bit for bit, and the same settings, which are the "
        "library's defaults; 500k steps in batches of 2048 of one simulation. Ours is trust region policy "
        "optimization with generalized advantage estimation, its value function fitted by Adam as the library does. "
        "The library bounds the mean over an action's dimensions of the KL divergence, ours its sum, so that ours is "
        "given as many times 0.01 as an action has dimensions."
    ),
    tasks=(
        TaskSpec(
            "gymnasium/swimmer-v5",
            "gymnasium/swimmer",
            "Swimmer-v5",
            config={"max_kl": 0.02, "cg_damping": 0.2},
        ),
        TaskSpec(
            "gymnasium/hopper-v5",
            "gymnasium/hopper",
            "Hopper-v5",
            config={"max_kl": 0.03, "cg_damping": 0.3},
        ),
    ),
    variants=(
        Variant("ours", "ours", GAE, profile="sb3"),
        Variant("sb3-contrib", "sb3-contrib", SB3),
    ),
    budgets=(
        Budget("paper", seeds=5, note="", limits={"iterations": 244}),
        Budget(
            "smoke",
            seeds=2,
            note="2 iterations of 1100 steps, 2 seeds",
            limits={"iterations": 2},
            config={"timesteps": 1100},
            block_size=2,
        ),
    ),
    ours=True,
    columns=COLUMNS,
    measures=(FINAL_RETURN, MEAN_RETURN),
    claims=CROSSCHECK_CLAIMS,
    failures=CROSSCHECK_FAILURES,
    question="Does our TRPO learn what the library's learns?",
    deviations=CROSSCHECK_DEVIATIONS,
    step_unit="iterations",
    block_size=5,
)

FEWER: dict[str, Setting] = {"simulations": 64}
REMARKS = Experiment(
    id="trpo/remarks",
    title="Conjugate gradient steps, data of the Fisher matrix, line search; noise of the cross-entropy method",
    description=(
        "What chapters 2 and 3 say in passing, on the cart-pole and on the swimmer: k = 10 steps of conjugate "
        "gradients against 20, Fisher products on all data against 10 % of it, the line search against whole steps, "
        "and the cross-entropy method with and without extra variance. A part of the figure's paths per iteration."
    ),
    tasks=(
        TaskSpec("trpo/cart-pole", "trpo/cart-pole", "Cart-pole", config=CART_POLE | FEWER, best=CART_POLE_BEST),
        TaskSpec("trpo/swimmer", "trpo/swimmer", "Swimmer", config=SWIMMER | {"simulations": 20}),
    ),
    variants=(
        Variant("single-path", "k = 10, all data, line search", TRPO, profile="code"),
        Variant("k-20", "k = 20", TRPO, {"cg_iterations": 20}, profile="code"),
        Variant("tenth", "10 % of the data", TRPO, {"fisher_fraction": 0.1}, profile="code"),
        Variant("whole-step", "no line search", TRPO, {"line_search": False}, profile="code"),
        Variant("cem", "CEM", CEM, {"simulations": 64}, profile="code"),
        Variant(
            "cem-without-noise", "CEM, no extra variance", CEM, {"simulations": 64, "extra_std": 0.0}, profile="code"
        ),
    ),
    budgets=(
        Budget("paper", seeds=5, note="", limits={"iterations": 50}),
        Budget(
            "smoke",
            seeds=2,
            note="5 iterations of 8 paths of at most 100 steps, 2 seeds",
            limits={"iterations": 5},
            config={"simulations": 8, "path_length": 100, "steps_per_slice": 50},
            block_size=2,
        ),
    ),
    columns=COLUMNS,
    measures=(FINAL_REWARD, MEAN_REWARD, FALL),
    claims=REMARKS_CLAIMS,
    failures=FAILURES,
    question="Do the remarks of chapters 2 and 3 hold?",
    deviations=REMARKS_DEVIATIONS,
    figure="svgbench.reproduce.trpo.figures:sweep",
    step_unit="iterations",
    block_size=5,
)

EXPERIMENTS = (FIG4, CROSSCHECK, REMARKS)
