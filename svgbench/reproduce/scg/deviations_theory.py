"""Where our runs and the small theory of Schulman 2016, chapters 2 to 4, differ, as data. It prints no numbers."""

from __future__ import annotations

from svgbench.words.experiment import Deviation

PROCESSES = Deviation(
    id="processes",
    paper="the statements are about any decision process; none is named",
    ours="small random processes and a chain, one policy for each seed, every path listed",
    reason="means, variances and gradients are then sums, so that a difference is not noise",
    source="chapters 2, 3 and 4; our choice",
)

POLICY_GRADIENT_DEVIATIONS = (
    PROCESSES,
    Deviation(
        id="time",
        paper="V(s) without time: 'we can include time in the state'",
        ours="V and Q of each time; the optimal baseline too",
        reason="episodes have a fixed length, so values depend on the number of steps left",
        source="chapter 2, note on trajectory lengths",
    ),
)

GAE_DEVIATIONS = (
    PROCESSES,
    Deviation(
        id="episodes",
        paper="infinite sums of rewards, until an absorbing state",
        ours="episodes of eight steps, after which V is 0",
        reason="the paths can then be listed",
        source="section 4.2; our choice",
    ),
    Deviation(
        id="errors-of-v",
        paper="'accurate' and 'inaccurate' value functions are not defined",
        ours="V exact, or with normal errors of half its root mean square, drawn by the seed",
        reason="large enough to see the bias of lambda < 1, small enough that V still helps",
        source="section 4.3; our choice",
    ),
    Deviation(
        id="performance-of-targets",
        paper="on TD(lambda) targets: 'we did not notice a difference in performance'",
        ours="only bias and variance of the targets",
        reason="performance depends on training, which is not exact",
        source="section 4.5, footnote 2",
    ),
)

VINE_DEVIATIONS = (
    PROCESSES,
    Deviation(
        id="independent-states",
        paper="the states of a single path follow each other",
        ours="every state is drawn for itself from the discounted visitation, in both schemes",
        reason="what is compared is the number of Q-values; neighbours on a path would add their correlation",
        source="section 3.5.1; our choice",
    ),
    Deviation(
        id="every-action",
        paper="K actions are sampled, or all are taken where there are few",
        ours="all actions of a state, 2 to 5 of them",
        reason="the estimate is then linear in the returns and its variance exact",
        source="section 3.5.2",
    ),
    Deviation(
        id="objective-of-simulation",
        paper="'we must perform far more calls to the simulator'",
        ours="the cost of rollouts is not measured: variances are for the same number of Q-values",
        reason="the sentence about variance compares the same number of Q-values",
        source="section 3.5.2",
    ),
)

BOUND_DEVIATIONS = (
    PROCESSES,
    Deviation(
        id="epsilon",
        paper="Proposition 1 takes epsilon from eq. (8), where it belongs to the policy that is mixed in; a general "
        "new policy is not such a mixture. Algorithm 3 uses the largest advantage and calls it at most epsilon",
        ours="both readings, and the penalty of the authors' paper, which is twice that of the second",
        reason="the first reading has one factor of the distance too many, the second a factor of two too few",
        source="section 3.3; Schulman et al. 2015, arXiv 1502.05477v5, Theorem 1",
    ),
    Deviation(
        id="proposition-1a",
        paper="epsilon is the smallest of signed ratios, and the proof's norms lose a factor of two",
        ours="as printed, and with the largest size and both factors",
        reason="a negative ratio would make the bound an improvement on L",
        source="section 3.11, eq. (20)",
    ),
    Deviation(
        id="divergence",
        paper="D_TV^2 <= D_KL, with which eq. (11) would follow from Proposition 1",
        ours="eq. (11) as printed",
        reason="Pinsker's inequality is D_TV^2 <= D_KL / 2, which makes up for the factor that Proposition 1 lacks",
        source="section 3.3",
    ),
)
