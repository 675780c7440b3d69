"""Figure 12 of Schulman 2016: surrogate losses, compared with the estimator on each sample."""

from __future__ import annotations

from svgbench.reproduce.exact import zero
from svgbench.reproduce.scg.claims import UNTRAINED
from svgbench.reproduce.scg.deviations import BUDGET
from svgbench.words.claims import Claim, Comparison, Measure
from svgbench.words.experiment import Budget, Column, Deviation, Experiment, TaskSpec, Variant

LARGEST = Measure("difference", "largest difference from eq. (38)", reduce="max", higher_is_better=False)


def _same(variant: str, words: str) -> Comparison:
    return zero(variant, LARGEST, f"{words}, up to rounding", UNTRAINED)


CLAIMS = (
    Claim(
        id="corollary-1",
        quote="Then differentiation of L gives us an unbiased gradient estimate",
        source="section 5.3.2, Corollary 1",
        origin="text",
        parts=(_same("log", "that of Theorem 1, which is unbiased: on each sample the number of eq. (38)"),),
    ),
    Claim(
        id="same-gradient",
        quote="There are several alternative ways to define the surrogate objective function that give the same "
        "gradient as L from Corollary 1.",
        source="section 5.3.2, with p / p-hat; and a loss of later work (DiCE)",
        origin="text",
        parts=(_same("ratio", "the same: on each sample"), _same("dice", "the same: on each sample")),
    ),
    Claim(
        id="deterministic-graph",
        quote="In other words, we convert the stochastic computation graph into a deterministic computation graph, to "
        "which we can apply the backpropagation algorithm.",
        source="section 5.3.2 and Figure 12",
        origin="text",
        parts=(_same("graph", "apply: its derivative is on each sample that of eq. (38)"),),
    ),
)

DEVIATIONS = (
    BUDGET,
    Deviation(
        id="functions",
        paper="Figures 11 and 12 name f, y and p; they say nothing of what they are",
        ours="those of scg/fig11",
        reason="the gradients are then known in closed form",
        source="section 5.2.3, Figure 11; our choice",
    ),
    Deviation(
        id="drawing",
        paper="circles for stochastic nodes and squares for deterministic ones; Figure 12 has no costs below",
        ours="costs are diamonds; sampled values are drawn as inputs with a hat, and costs that no parameter "
        "reaches are left out of the surrogate",
        reason="the same drawing serves every graph of the library",
        source="section 5.2.2, Figure 12",
    ),
)

LABELS = {
    "1": "(1) θ → x → y ~ p(x), f(y)",
    "2": "(2) x ~ p(θ), y step, f(y)",
    "3": "(3) x ~ p(θ), y ~ p(x), f(y)",
    "4": "(4) x ~ p(θ), y(θ), f(x, y)",
    "5": "(5) chain, f₁(x₁) + f₂(x₂)",
}
MOTIF_TASKS = tuple(TaskSpec(f"motif/{k}", "no-simulation", text, config={"motif": k}) for k, text in LABELS.items())
"""Of Figures 11 and 12."""

FIG12 = Experiment(
    id="scg/fig12",
    title="Surrogate losses of Figure 11's motifs, drawn, and equal sample by sample",
    description=(
        "Corollary 1's loss, its form with p / p-hat, DiCE, and the surrogate as a deterministic graph. The derivative "
        "of each is compared with eq. (38) on each sample. The figure draws the graphs before and after."
    ),
    tasks=MOTIF_TASKS,
    variants=(
        Variant("log", "Corollary 1, log p", "scg_surrogates", {"loss": "log"}),
        Variant("ratio", "Corollary 1, p / p-hat", "scg_surrogates", {"loss": "ratio"}),
        Variant("dice", "DiCE", "scg_surrogates", {"loss": "dice"}),
        Variant("graph", "Figure 12, graph", "scg_surrogates", {"loss": "graph"}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"samples": 1000}),
        Budget("smoke", seeds=3, note="100 of 1000 samples, 3 seeds", limits={"samples": 100}, block_size=3),
    ),
    columns=(
        Column("difference", "float", "1", "largest |derivative - eq. (38)| / (1 + |eq. (38)|) of a sample"),
        Column("estimate", "float", "1", "mean derivative of the samples"),
        Column("exact", "float", "1", "the gradient, in closed form"),
    ),
    measures=(LARGEST,),
    claims=CLAIMS,
    deviations=DEVIATIONS,
    figure="svgbench.reproduce.scg.figures_surrogates:fig12",
    step_unit="samples",
    block_size=10,
    question="Do surrogate losses have the estimator's gradient, sample by sample?",
)
