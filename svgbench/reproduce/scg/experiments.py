"""The experiments of Schulman 2016, chapter 5, as data. Everything is checked against exact values."""

from __future__ import annotations

from svgbench.reproduce.scg.claims import (
    BIAS,
    DIFFERENCE,
    ERROR,
    FIG11_CLAIMS,
    FINAL_ERROR,
    GAIN,
    HESSIAN_CLAIMS,
    LARGEST_RISE,
    LEAST_GAP,
    MM_CLAIMS,
    VARIANCE,
)
from svgbench.reproduce.scg.claims_variance import LARGEST, VARIANCE_CLAIMS, at
from svgbench.reproduce.scg.deviations import (
    FIG11_DEVIATIONS,
    HESSIAN_DEVIATIONS,
    MM_DEVIATIONS,
    VARIANCE_DEVIATIONS,
)
from svgbench.reproduce.scg.examples import EXAMPLES
from svgbench.reproduce.scg.statements import STATEMENTS
from svgbench.reproduce.scg.surrogates import FIG12, MOTIF_TASKS
from svgbench.reproduce.scg.theory import THEORY
from svgbench.words.experiment import Budget, Column, Experiment, TaskSpec, Variant

NO_SIMULATION = "no-simulation"
MOTIFS = "scg_motifs"
HESSIANS = "scg_hessian"
UPPER_BOUND = "scg_upper_bound"
VARIANCES = "scg_variance"

FIG11 = Experiment(
    id="scg/fig11",
    title="The five motifs of Figure 11: estimates of the gradient against its exact value",
    description=(
        "One-sample gradient estimates of five small graphs, averaged over n samples. Exact gradients are in closed "
        "form. The estimators of a seed share their samples, so they also compare sample by sample."
    ),
    tasks=MOTIF_TASKS,
    variants=(
        Variant("downstream", "eq. (38)", MOTIFS, {"estimator": "downstream"}),
        Variant("upstream", "eq. (39)", MOTIFS, {"estimator": "upstream"}),
        Variant("algorithm-4", "Algorithm 4, corrected", MOTIFS, {"estimator": "algorithm-4"}),
        Variant("algorithm-4-printed", "Algorithm 4, printed", MOTIFS, {"estimator": "algorithm-4-printed"}),
        Variant("optimal-baseline", "eq. (38), optimal baseline", MOTIFS, {"estimator": "optimal-baseline"}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"samples": 1_000_000}),
        Budget("short", seeds=10, note="a tenth of the samples", limits={"samples": 100_000}),
        Budget("smoke", seeds=3, note="1000 of 1000000 samples, 3 seeds", limits={"samples": 1000}, block_size=3),
    ),
    columns=(
        Column("estimate", "float", "1", "mean of n one-sample estimates of the gradient"),
        Column("exact", "float", "1", "the gradient, in closed form"),
        Column("relative_error", "float", "1", "(estimate - exact) / |exact|"),
        Column("error", "float", "1", "its size"),
        Column("variance", "float", "1", "of one estimate, over the n samples"),
        Column("difference", "float", "1", "from eq. (38) on the same samples, root mean square over |exact|"),
    ),
    measures=(ERROR, VARIANCE, DIFFERENCE),
    claims=FIG11_CLAIMS,
    deviations=FIG11_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures:fig11",
    step_unit="samples",
    block_size=10,
    question="Do the estimators of chapter 5 give the exact gradient?",
)

HESSIAN = Experiment(
    id="scg/hessian",
    title="Surrogate losses differentiated twice, against the exact Hessian",
    description=(
        "Corollary 1's loss, its form with p / p-hat, and DiCE without and with baselines, each differentiated twice. "
        "`error` is that of n samples; `bias` is that of the expectation over all outcomes, which needs no samples."
    ),
    tasks=(
        TaskSpec("hessian/bernoulli", NO_SIMULATION, "one Bernoulli variable", config={"graph": "bernoulli"}),
        TaskSpec("hessian/normal", NO_SIMULATION, "one normal variable", config={"graph": "normal"}),
        TaskSpec("hessian/mdp", NO_SIMULATION, "decision process, 2 steps", config={"graph": "mdp"}),
        TaskSpec("hessian/chain", NO_SIMULATION, "normal chain, 2 steps", config={"graph": "chain"}),
    ),
    variants=(
        Variant("log", "Corollary 1, log p", HESSIANS, {"loss": "log"}),
        Variant("ratio", "Corollary 1, p / p-hat", HESSIANS, {"loss": "ratio"}),
        Variant("dice", "DiCE", HESSIANS, {"loss": "dice"}),
        Variant("dice-first-order", "DiCE, baseline", HESSIANS, {"loss": "dice", "baseline": "first-order"}),
        Variant("dice-second-order", "DiCE, 2nd-order b.", HESSIANS, {"loss": "dice", "baseline": "second-order"}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"samples": 1_000_000}),
        Budget("short", seeds=10, note="a tenth of the samples", limits={"samples": 100_000}),
        Budget("smoke", seeds=3, note="1000 of 1000000 samples, 3 seeds", limits={"samples": 1000}, block_size=3),
    ),
    columns=(
        Column("estimate", "float", "1", "sum of the entries of the estimated Hessian, from n samples"),
        Column("exact", "float", "1", "sum of the entries of the exact Hessian"),
        Column("error", "float", "1", "norm of estimate - exact over the norm of exact (Frobenius)"),
        Column("bias", "float", "1", "the same of the expectation of the estimate, over all outcomes"),
    ),
    measures=(BIAS, FINAL_ERROR),
    claims=HESSIAN_CLAIMS,
    deviations=HESSIAN_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures:hessian",
    step_unit="samples",
    block_size=10,
    question="Does a surrogate loss, differentiated twice, give the Hessian?",
)

MM = Experiment(
    id="scg/mm",
    title="The surrogate as an upper bound, and majorisation-minimisation",
    description=(
        "Eq. (41) at theta_old against the objective, along random directions from it, and iterations that lower the "
        "bound. Random graphs of three Bernoulli nodes with negative costs, one a seed. Everything is exact."
    ),
    tasks=(TaskSpec("bound/three-bernoulli", NO_SIMULATION, "three Bernoulli variables, negative costs"),),
    variants=(
        Variant("one-step", "1 step on the bound", UPPER_BOUND, {"inner_steps": 1}),
        Variant("ten-steps", "10 steps on the bound", UPPER_BOUND, {"inner_steps": 10}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"iterations": 20}),
        Budget("smoke", seeds=3, note="2 of 20 iterations, 3 seeds", limits={"iterations": 2}, block_size=3),
    ),
    columns=(
        Column("offset", "float", "1", "distance of the new parameters from theta_old, along a random direction"),
        Column("bound", "float", "1", "eq. (41) with its constant, at the new parameters"),
        Column("objective", "float", "1", "expected cost at the new parameters"),
        Column("gap", "float", "1", "bound - objective"),
        Column("value", "float", "1", "expected cost at theta_old, the iteration's parameters"),
        Column("change", "float", "1", "of value from the iteration before"),
        Column("gain", "float", "1", "value at the start - value"),
        Column("slope_gap", "float", "1", "largest entry of |slope of bound - slope of objective| at theta_old"),
    ),
    measures=(GAIN, LEAST_GAP, LARGEST_RISE),
    claims=MM_CLAIMS,
    deviations=MM_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures:mm",
    step_unit="iterations",
    block_size=10,
    question="Is eq. (41) an upper bound that can be minimised in place of the objective?",
)

ROUGH = (1, 2, 4, 8, 16)

VARIANCE_EXPERIMENT = Experiment(
    id="scg/variance",
    title="Variance of the score function and of the pathwise derivative",
    description=(
        "Variance of one-sample gradient estimates: against the dimension of a normal vector with a shared mean, with "
        "a cost of order one (mean of squares) and one that grows (sum of squares); against the frequency of a sine; "
        "against the steps of a chaotic chain."
    ),
    tasks=(
        TaskSpec("dimension/mean", NO_SIMULATION, "mean of squares, by dimension", config={"problem": "mean"}),
        TaskSpec("dimension/sum", NO_SIMULATION, "sum of squares, by dimension", config={"problem": "sum"}),
        TaskSpec("rough/wave", NO_SIMULATION, "sine, by frequency", config={"problem": "wave", "sizes": ROUGH}),
        TaskSpec("rough/chain", NO_SIMULATION, "chaotic chain, by steps", config={"problem": "chain", "sizes": ROUGH}),
    ),
    variants=(
        Variant("score", "score function (SF)", VARIANCES, {"estimator": "score"}),
        Variant("score-baseline", "SF, b = E f", VARIANCES, {"estimator": "score", "baseline": "mean"}),
        Variant("path", "pathwise derivative (PD)", VARIANCES, {"estimator": "path"}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"samples": 20_000}),
        Budget("smoke", seeds=3, note="500 of 20000 samples, 3 seeds", limits={"samples": 500}, block_size=3),
    ),
    columns=(
        Column("size", "int", "1", "dimension, frequency, or steps, by the task"),
        Column("estimate", "float", "1", "mean of the estimates"),
        Column("standard_error", "float", "1", "of the mean"),
        Column("variance", "float", "1", "of one estimate"),
    ),
    measures=(LARGEST, at(1), at(10), at(16), at(1000)),
    claims=VARIANCE_CLAIMS,
    deviations=VARIANCE_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures:variance",
    step_unit="samples",
    block_size=10,
    question="Do the variances of the score function and of the pathwise derivative grow as the chapter says?",
)

EXPERIMENTS = (FIG11, FIG12, STATEMENTS, HESSIAN, MM, VARIANCE_EXPERIMENT, *EXAMPLES, *THEORY)
