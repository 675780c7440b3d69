"""The examples of section 5.10, Schulman 2016, trained: Figures 13 and 14, as data."""

from __future__ import annotations

from svgbench.reproduce.scg.claims_examples import (
    ERROR,
    LOG_LIKELIHOOD,
    MDP_CLAIMS,
    NVIL_CLAIMS,
    POMDP_CLAIMS,
    REGRET,
    RETURN,
    VAE_CLAIMS,
    VARIANCE,
)
from svgbench.reproduce.scg.deviations_examples import (
    MDP_DEVIATIONS,
    NVIL_DEVIATIONS,
    POMDP_DEVIATIONS,
    VAE_DEVIATIONS,
)
from svgbench.words.experiment import Budget, Column, Experiment, TaskSpec, Variant

NO_SIMULATION = "no-simulation"
NVIL = "scg_nvil"
VAE = "scg_vae"
MDP = "scg_mdp"
POMDP = "scg_pomdp"

WITHOUT = Column("variance_without", "float", "1", "the same without a baseline, same parameters and samples")

FIG13_NVIL = Experiment(
    id="scg/fig13-nvil",
    title="Neural variational inference: a sigmoid belief network on bars (Figure 13, left)",
    description=(
        "A network of 16 visible and 8 and 6 hidden bits learns the 30 pictures of bars by eq. (42), corrected, and "
        "eq. (43), with the baselines of section 5.4 or none. log p(x) is exact: a sum over all hidden bits."
    ),
    tasks=(TaskSpec("bars/4x4", NO_SIMULATION, "bars, 4 x 4 pixels"),),
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
        WITHOUT,
        Column(
            "bias_42",
            "float",
            "1",
            "|mean of eq. (42), corrected, - gradient by theta| / |gradient|, of a picture, exact",
        ),
        Column("bias_42_printed", "float", "1", "the same of eq. (42) as printed"),
    ),
    measures=(LOG_LIKELIHOOD, VARIANCE),
    claims=NVIL_CLAIMS,
    deviations=NVIL_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures_examples:nvil",
    step_unit="iterations",
    block_size=5,
    question="Do the baselines of section 5.4 help neural variational inference?",
)

FIG13_VAE = Experiment(
    id="scg/fig13-vae",
    title="A variational autoencoder before and after re-parameterisation (Figure 13, right)",
    description=(
        "A linear normal model with d hidden and 2 d visible numbers learns 200 points, by the score function of h or "
        "the pathwise derivative through h. log p(x) is exact. Both variances are measured at the same parameters."
    ),
    tasks=(
        TaskSpec("latent/1", NO_SIMULATION, "1 hidden number", config={"latent": 1}),
        TaskSpec("latent/10", NO_SIMULATION, "10 hidden numbers", config={"latent": 10}),
    ),
    variants=(
        Variant("before", "before: score function", VAE, {"graph": "before", "entropy": "sampled"}),
        Variant(
            "before-baseline",
            "before, running mean",
            VAE,
            {"graph": "before", "entropy": "sampled", "baseline": "running"},
        ),
        Variant("after", "after: pathwise derivative", VAE, {"graph": "after", "entropy": "exact"}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"iterations": 500}),
        Budget("smoke", seeds=3, note="20 of 500 batches, 3 seeds", limits={"iterations": 20}, block_size=3),
    ),
    columns=(
        Column("log_likelihood", "float", "nats", "mean log p(x) of the data, exact"),
        Column("gap", "float", "nats", "largest mean log p(x) of any parameters (probabilistic PCA) - that of these"),
        Column("bound", "float", "nats", "mean of the variational lower bound L, one sample of h for each point"),
        Column("variance", "float", "1", "of one estimate of the gradient by phi, given x; sum over components"),
        Column("variance_after", "float", "1", "of the pathwise derivative at the same parameters"),
    ),
    measures=(LOG_LIKELIHOOD, VARIANCE),
    claims=VAE_CLAIMS,
    deviations=VAE_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures_examples:vae",
    step_unit="iterations",
    block_size=10,
    question="Does re-parameterisation give a better estimator of the same gradient?",
)

POLICY_COLUMNS = (
    Column("expected_return", "float", "1", "of the policy, exact"),
    Column("regret", "float", "1", "best expected return - that of the policy"),
    Column("error", "float", "1", "mean estimate - gradient, along it, over the first policy's gradient"),
    Column("variance", "float", "1", "of one path's estimate of the gradient; sum over components"),
    WITHOUT,
)

FIG14_MDP = Experiment(
    id="scg/fig14-mdp",
    title="Policy gradients of a decision process as a graph (Figure 14, left)",
    description=(
        "Random processes of 3 states, 2 actions and 5 steps, one a seed; eq. (44) with three baselines or none. "
        "Returns and gradients are exact, by dynamic programming."
    ),
    tasks=(TaskSpec("mdp/random", NO_SIMULATION, "random decision process"),),
    variants=(
        Variant("none", "no baseline", MDP, {"baseline": "none"}),
        Variant("running", "running mean", MDP, {"baseline": "running"}),
        Variant("learned", "learned b(s), a table", MDP, {"baseline": "learned"}),
        Variant("value", "V(s), exact", MDP, {"baseline": "value"}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"iterations": 300}),
        Budget("smoke", seeds=3, note="20 of 300 batches, 3 seeds", limits={"iterations": 20}, block_size=3),
    ),
    columns=POLICY_COLUMNS,
    measures=(RETURN, REGRET, ERROR, VARIANCE),
    claims=MDP_CLAIMS,
    deviations=MDP_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures_examples:policy",
    step_unit="iterations",
    block_size=10,
    question="Does eq. (44) estimate the policy gradient, and do baselines help it?",
)

FIG14_POMDP = Experiment(
    id="scg/fig14-pomdp",
    title="Policy gradients with hidden states and a recurrent policy (Figure 14, right)",
    description=(
        "To remember a cue for 5 steps: eq. (45) with a GRU as the policy and a GRU as the baseline, other baselines, "
        "none, and a policy without memory. Returns and gradients are exact: a sum over all observations."
    ),
    tasks=(TaskSpec("pomdp/cue", NO_SIMULATION, "remember a cue for 5 steps"),),
    variants=(
        Variant("none", "no baseline", POMDP, {"baseline": "none"}),
        Variant("running", "running mean", POMDP, {"baseline": "running"}),
        Variant("learned", "learned b(o), a GRU", POMDP, {"baseline": "learned"}),
        Variant("memoryless", "learned b(o), policy without memory", POMDP, {"baseline": "learned", "memory": False}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"iterations": 600}),
        Budget("smoke", seeds=3, note="20 of 600 batches, 3 seeds", limits={"iterations": 20}, block_size=3),
    ),
    columns=POLICY_COLUMNS,
    measures=(RETURN, REGRET, ERROR, VARIANCE),
    claims=POMDP_CLAIMS,
    deviations=POMDP_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures_examples:policy",
    step_unit="iterations",
    block_size=5,
    question="Does eq. (45) train a recurrent policy where the state is hidden?",
)

EXAMPLES = (FIG13_NVIL, FIG13_VAE, FIG14_MDP, FIG14_POMDP)
