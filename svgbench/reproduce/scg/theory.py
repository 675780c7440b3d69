"""The small theory of Schulman 2016, chapters 2 to 4, as experiments: nothing is sampled, every number is exact."""

from __future__ import annotations

from svgbench.reproduce.scg.claims_theory import (
    BIAS,
    BOUND_CLAIMS,
    BROKEN,
    GAE_CLAIMS,
    MOST,
    MOST_DIFFERENCES,
    POLICY_GRADIENT_CLAIMS,
    SLACK,
    VARIANCE,
    VINE_CLAIMS,
    gae,
)
from svgbench.reproduce.scg.deviations_theory import (
    BOUND_DEVIATIONS,
    GAE_DEVIATIONS,
    POLICY_GRADIENT_DEVIATIONS,
    VINE_DEVIATIONS,
)
from svgbench.words.experiment import Budget, Column, Experiment, TaskSpec, Variant

NO_SIMULATION = "no-simulation"
POLICY_GRADIENTS = "scg_policy_gradient"
LAMBDA = "scg_gae_lambda"
VINE = "scg_vine"
BOUND = "scg_policy_bound"

POLICY_GRADIENT = Experiment(
    id="scg/policy-gradient",
    title="Bias and variance of policy gradient estimators, exactly",
    description=(
        "The estimators of chapter 2 and of eq. (22) on random decision processes of three states and two actions. All "
        "paths of an episode are listed, so bias and variance are sums. Both are over the size of the gradient."
    ),
    tasks=(TaskSpec("process/random", NO_SIMULATION, "random process, 3 states, 2 actions"),),
    variants=(
        Variant("total", "all rewards", POLICY_GRADIENTS, {"weight": "total"}),
        Variant("following", "eq. (1), rewards from t", POLICY_GRADIENTS, {"weight": "following"}),
        Variant("baseline-random", "eq. (2), random b", POLICY_GRADIENTS, {"weight": "baseline-random"}),
        Variant("baseline-value", "eq. (2), b = V", POLICY_GRADIENTS, {"weight": "baseline-value"}),
        Variant("baseline-optimal", "eq. (2), optimal b", POLICY_GRADIENTS, {"weight": "baseline-optimal"}),
        Variant("q", "Q(s, a)", POLICY_GRADIENTS, {"weight": "q"}),
        Variant("advantage", "A(s, a)", POLICY_GRADIENTS, {"weight": "advantage"}),
        Variant("residual", "TD residual of V", POLICY_GRADIENTS, {"weight": "residual"}),
        Variant("discounted", "b = V, discount 0.8", POLICY_GRADIENTS, {"weight": "discounted", "gamma": 0.8}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"longest": 6}),
        Budget("smoke", seeds=3, note="episodes of up to 3 of 6 steps, 3 seeds", limits={"longest": 3}, block_size=3),
    ),
    columns=(
        Column("bias", "float", "1", "norm of E[estimate] - gradient, over the norm of the gradient"),
        Column("variance", "float", "1", "sum of the variances of components, over the squared norm of the gradient"),
    ),
    measures=(VARIANCE, BIAS),
    claims=POLICY_GRADIENT_CLAIMS,
    deviations=POLICY_GRADIENT_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures_theory:policy_gradient",
    step_unit="steps of an episode",
    block_size=10,
    question="Do chapter 2's formulas agree, and does each reduce the variance as it says?",
    headline="baseline",
)

GAE_LAMBDA = Experiment(
    id="scg/gae-lambda",
    title="Bias and variance of GAE and of TD(λ) targets against λ, exactly",
    description=(
        "Generalised advantage estimation on a chain of four states with an exact or an inaccurate value function. All "
        "paths of eight steps are listed. Biases of the gradient are from the undiscounted gradient and from g^γ."
    ),
    tasks=(
        TaskSpec("chain/exact", NO_SIMULATION, "chain, V exact", config={"value": "exact"}),
        TaskSpec("chain/inaccurate", NO_SIMULATION, "chain, V inaccurate", config={"value": "inaccurate"}),
    ),
    variants=(
        Variant("gamma-1", "γ = 1", LAMBDA, {"gamma": 1.0}),
        Variant("gamma-0.9", "γ = 0.9", LAMBDA, {"gamma": 0.9}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"episode": 8}),
        Budget("smoke", seeds=3, note="episodes of 5 of 8 steps, 3 seeds", limits={"episode": 5}, block_size=3),
    ),
    columns=(
        Column("gae_lambda", "float", "1", "λ"),
        Column("bias", "float", "1", "norm of E[estimate] - gradient without discount, over the norm of that gradient"),
        Column("bias_discounted", "float", "1", "norm of E[estimate] - g^γ of eq. (23), over the norm of g^γ"),
        Column("variance", "float", "1", "sum of the variances of components, over the squared norm of g^γ"),
        Column("target_bias", "float", "1", "root mean square of E[target | s] - V, over that of V"),
        Column("target_variance", "float", "1", "mean of Var[target | s], over the mean square of V"),
    ),
    measures=(gae("variance", 0.0), gae("variance", 1.0), gae("bias_discounted", 0.0)),
    claims=GAE_CLAIMS,
    deviations=GAE_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures_theory:gae_lambda",
    step_unit="steps of an episode",
    block_size=10,
    question="Does λ trade bias against variance as chapter 4 says?",
    headline="compromise",
)

VINE_EXPERIMENT = Experiment(
    id="scg/vine",
    title="Variance of the vine's local estimate against single path, exactly",
    description=(
        "The gradient of TRPO's objective at the old policy from K values of Q, one action in each of K states or K "
        "actions in one state. Random processes of four states; moments of returns by recursion."
    ),
    tasks=(TaskSpec("process/rollouts", NO_SIMULATION, "random process, 4 states"),),
    variants=(
        Variant("single-path", "single path", VINE, {"scheme": "single-path"}),
        Variant("single-path-baseline", "single path, b = V", VINE, {"scheme": "single-path", "baseline": "value"}),
        Variant("vine-independent", "vine, independent rollouts", VINE, {"scheme": "vine"}),
        Variant("vine-common", "vine, common random numbers", VINE, {"scheme": "vine", "random_numbers": "common"}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"most_actions": 5}),
        Budget("smoke", seeds=3, note="up to 3 of 5 actions, 3 seeds", limits={"most_actions": 3}, block_size=3),
    ),
    columns=(
        Column("variance", "float", "1", "of the estimate from K Q-values, over the squared norm of its mean"),
        Column("difference_variance", "float", "1", "mean Var[Q^(s, a) - Q^(s, a')], over mean (Q(s, a) - Q(s, a'))^2"),
    ),
    measures=(MOST, MOST_DIFFERENCES),
    claims=VINE_CLAIMS,
    deviations=VINE_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures_theory:vine",
    step_unit="actions K",
    block_size=10,
    question="Does a vine have much lower variance than a single path?",
    headline="vine",
)

POLICY_BOUND = Experiment(
    id="scg/policy-bound",
    title="The policy improvement bound, as printed and as corrected, exactly",
    description=(
        "η of a new policy against lower bounds: eq. (8), Proposition 1 in two readings and corrected, eq. (11), and "
        "Proposition 1a as printed and corrected. Random processes, and one that is made against the bound."
    ),
    tasks=(
        TaskSpec("bound/random", NO_SIMULATION, "random processes", config={"problem": "random"}),
        TaskSpec("bound/made", NO_SIMULATION, "made against the bound", config={"problem": "made"}),
    ),
    variants=(
        Variant("mixture", "eq. (8), mixtures", BOUND, {"bound": "mixture"}),
        Variant("expected", "Prop. 1, ε of E[A]", BOUND, {"bound": "expected"}),
        Variant("largest", "Prop. 1, ε of max A", BOUND, {"bound": "largest"}),
        Variant("corrected", "Prop. 1 corrected", BOUND, {"bound": "corrected"}),
        Variant("divergence", "eq. (11), KL", BOUND, {"bound": "divergence"}),
        Variant("perturbation", "Prop. 1a", BOUND, {"bound": "perturbation"}),
        Variant("perturbation-corrected", "Prop. 1a corrected", BOUND, {"bound": "perturbation-corrected"}),
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"problems": 50}),
        Budget("smoke", seeds=3, note="5 of 50 problems, 3 seeds", limits={"problems": 5}, block_size=3),
    ),
    columns=(
        Column("distance", "float", "1", "α: largest total variation distance of the policies in a state, or weight"),
        Column("slack", "float", "1", "least (η - bound) / |penalty| of the problems; below 0 the bound is broken"),
        Column("broken", "float", "1", "share of the problems in which the bound is broken"),
    ),
    measures=(SLACK, BROKEN),
    claims=BOUND_CLAIMS,
    deviations=BOUND_DEVIATIONS,
    figure="svgbench.reproduce.scg.figures_theory:policy_bound",
    step_unit="problems",
    block_size=10,
    question="Is TRPO's policy improvement bound a bound?",
    headline="eq-11",
)

THEORY = (POLICY_GRADIENT, GAE_LAMBDA, VINE_EXPERIMENT, POLICY_BOUND)
