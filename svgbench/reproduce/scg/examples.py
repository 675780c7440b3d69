"""The examples of section 5.10, Schulman 2016, trained: Figures 13 and 14, as data."""

from __future__ import annotations

from svgbench.reproduce.scg.claims_examples import LOG_LIKELIHOOD, NVIL_CLAIMS, VARIANCE_RATIO
from svgbench.reproduce.scg.deviations_examples import NVIL_DEVIATIONS
from svgbench.words.experiment import Budget, Column, Experiment, TaskSpec, Variant

NO_SIMULATION = "no-simulation"
NVIL = "scg_nvil"

FIG13_NVIL = Experiment(
    id="scg/fig13-nvil",
    title="Neural variational inference: a sigmoid belief network on bars (Figure 13, left)",
    description=(
        "A network of 16 visible and 8 and 6 hidden bits learns the 30 pictures of bars by eq. (42), corrected, and "
        "eq. (43), with the baselines of section 5.4 or none. log p(x) is exact: a sum over all hidden bits."
    ),
    tasks=(TaskSpec("bars/4x4", NO_SIMULATION, "bars, 4 x 4 pixels", best={"log_likelihood": -3.4011973816621555}),),
    variants=(
        Variant("none", "no baseline", NVIL, {"baseline": "none"}),
        Variant("running", "running mean", NVIL, {"baseline": "running"}),
        Variant("learned", "learned, eq. (43)", NVIL, {"baseline": "learned"}),
        Variant(
            "learned-direct", "learned, -log q differentiated", NVIL, {"baseline": "learned", "direct_terms": True}
        ),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"iterations": 2000}),
        Budget("smoke", seeds=3, note="20 of 2000 batches, 3 seeds", limits={"iterations": 20}, block_size=3),
    ),
    columns=(
        Column("log_likelihood", "float", "nats", "mean log p(x) of the 30 pictures, exact"),
        Column("bound", "float", "nats", "mean of the variational lower bound L, of 120 samples"),
        Column("variance", "float", "1", "of one estimate of the gradient by phi, given x; sum over components"),
        Column("variance_ratio", "float", "1", "variance over that without a baseline, same parameters and samples"),
    ),
    measures=(LOG_LIKELIHOOD, VARIANCE_RATIO),
    claims=NVIL_CLAIMS,
    deviations=NVIL_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures_examples:nvil",
    step_unit="iterations",
    block_size=5,
    question="Do the baselines of section 5.4 help neural variational inference?",
)

EXAMPLES = (FIG13_NVIL,)
