"""Where our runs of section 5.10's examples and the chapter differ, as data. The chapter prints no numbers."""

from __future__ import annotations

from svgbench.reproduce.scg.deviations import BUDGET
from svgbench.words.experiment import Deviation

NVIL_DEVIATIONS = (
    BUDGET,
    Deviation(
        id="model",
        paper="three layers of hidden variables; neither sizes nor data are given",
        ours="two layers, of 8 and 6 bits, over bars of 4 x 4 pixels; Adam with one rate for all parameters, chosen "
        "from 0.003 and 0.01 on one seed that is none of the ten",
        reason="log p(x) is then a sum over 2^14 values, which a layer at a time takes milliseconds",
        source="section 5.10.1; our choice",
    ),
    Deviation(
        id="equation-42",
        paper="eq. (42) ends with the gradient of log p(h2)",
        ours="that of log p of the last layer but one given the last, and log p of the last",
        reason="as printed it leaves out the last layer, which is sampled; its mean is another gradient",
        source="section 5.10.1, eq. (42), against the definition of L",
    ),
    Deviation(
        id="generative-model",
        paper="p(x) is printed as a sum over h1 and h2, with the parameters theta_3 twice",
        ours="the sum over all layers; the last layer's own distribution has parameters of its own",
        reason="the printed line sums over h1 and h2 only, though h3 stands in it",
        source="section 5.10.1",
    ),
    Deviation(
        id="equation-43",
        paper="eq. (43) has no derivative of -log q in the costs",
        ours="none either; `learned-direct` has it",
        reason="its mean is zero, so both are unbiased; their variances differ",
        source="section 5.10.1, eq. (43), against Theorem 1",
    ),
)

VAE_DEVIATIONS = (
    BUDGET,
    Deviation(
        id="model",
        paper="neural networks that are not described; the data are not named",
        ours="a linear normal model, and 200 points drawn from one; the inference network has one variance for each "
        "hidden number, the same for all x",
        reason="log p(x) is then known in closed form",
        source="section 5.10.1; our choice",
    ),
    Deviation(
        id="variance",
        paper="the inference network gives a mean and a deviation, sigma(x)",
        ours="the deviation does not depend on x",
        reason="that of the exact posterior of this model does not",
        source="section 5.10.1",
    ),
)

MDP_DEVIATIONS = (
    BUDGET,
    Deviation(
        id="process",
        paper="no process, policy or horizon is named",
        ours="3 states, 2 actions, 5 steps; each seed draws transitions, rewards in [0, 1] and the first policy, a "
        "softmax over a table",
        reason="the gradient is then exact, so the bias of an estimator can be measured",
        source="section 5.10.2; our choice",
    ),
    Deviation(
        id="value",
        paper="V_t is written without the state that it is conditioned on",
        ours="the expected rewards from t on, given s_t",
        reason="it is called the state-value function",
        source="section 5.10.2, below eq. (44)",
    ),
)

POMDP_DEVIATIONS = (
    BUDGET,
    Deviation(
        id="task",
        paper="no task is named",
        ours="to remember a cue for 5 steps, on a walk that wrong actions end; the policy and the baseline are GRUs of "
        "8 units with weights of their own",
        reason="observations are so few that the return of a policy and its gradient are sums over all of them, and "
        "what a memory is worth is known",
        source="section 5.10.2; our choice",
    ),
    Deviation(
        id="learning-rate",
        paper="not given",
        ours="0.01, chosen from 0.01 and 0.02 on one seed that is none of the ten",
        reason="with 0.02 the learned baseline's policy stayed at a lesser maximum",
        source="our choice",
    ),
)
