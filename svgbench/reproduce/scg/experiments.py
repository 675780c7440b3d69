"""The experiments of Schulman 2016, chapter 5, as data. Everything is checked against exact values."""

from __future__ import annotations

from svgbench.lab.experiment import Budget, Column, Experiment, Task, Variant
from svgbench.reproduce.scg.claims import DIFFERENCE, ERROR, FIG11_CLAIMS, VARIANCE
from svgbench.reproduce.scg.deviations import FIG11_DEVIATIONS

NO_SIMULATION = "svgbench.tasks.no_simulation:make"
MOTIFS = "svgbench.baselines.scg_motifs:make"

FIG11 = Experiment(
    id="scg/fig11",
    title="The five motifs of Figure 11: estimates of the gradient against its exact value",
    description=(
        "One-sample gradient estimates of five small graphs, averaged over n samples. Exact gradients are in closed "
        "form. The estimators of a seed share their samples, so they also compare sample by sample."
    ),
    tasks=(
        Task("motif/1", NO_SIMULATION, "(1) θ → x → y ~ p(x), f(y)", config={"motif": "1"}),
        Task("motif/2", NO_SIMULATION, "(2) x ~ p(θ), y step, f(y)", config={"motif": "2"}),
        Task("motif/3", NO_SIMULATION, "(3) x ~ p(θ), y ~ p(x), f(y)", config={"motif": "3"}),
        Task("motif/4", NO_SIMULATION, "(4) x ~ p(θ), y(θ), f(x, y)", config={"motif": "4"}),
        Task("motif/5", NO_SIMULATION, "(5) chain, f₁(x₁) + f₂(x₂)", config={"motif": "5"}),
    ),
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
    question="do the estimators of chapter 5 give the exact gradient?",
)

EXPERIMENTS = (FIG11,)
