"""What shows that the levels of the claims on Heess et al. 2015 can be reached on our tasks, as data.

Of a run it is the value of one seed, of a policy written by hand the lower end of the 95 % interval over fifty seeds;
both rounded down.
"""

from __future__ import annotations

from svgbench.reproduce.svg.claims import FINAL
from svgbench.reproduce.svg.claims_fig4 import RESISTING, TRIED
from svgbench.words.claims import Reached

ON_HAND = (
    Reached(
        "svg/hand",
        FINAL,
        -0.453,
        by="svg/fig2 at paper, svg-inf, seed 0",
        command="svgbench table svg/fig2 --budget paper --tasks svg/hand --variants svg-inf --seeds 0-0",
    ),
)
BY_HAND = "python -m svgbench.reproduce.svg.by_hand"
ON_NOISY_HANDS = (
    *ON_HAND,
    Reached("svg/hand-noise-2", FINAL, -0.22, by="steered by hand", command=f"{BY_HAND} svg/hand-noise-2"),
    Reached("svg/hand-noise-4", FINAL, -0.56, by="steered by hand", command=f"{BY_HAND} svg/hand-noise-4"),
)
ON_SWIMMERS = (
    Reached(
        "svg/swimmer-3",
        FINAL,
        188.0,
        by="svg/fig3 at paper, svg-inf, seed 1",
        command="svgbench table svg/fig3 --budget paper --tasks svg/swimmer-3 --variants svg-inf --seeds 1-1",
    ),
)
IN_FIG4 = (
    Reached("svg/swimmer-7", TRIED, 0.56, by="a steered wave by hand", command=f"{BY_HAND} svg/swimmer-7"),
    Reached(
        "svg/reacher-4-target", TRIED, 0.92, by="folded and unfolded by hand", command=f"{BY_HAND} svg/reacher-4-target"
    ),
    Reached(
        "svg/reacher-moving", TRIED, 0.34, by="folded and unfolded by hand", command=f"{BY_HAND} svg/reacher-moving"
    ),
    Reached("svg/gripper", TRIED, 0.49, by="a plan of three phases by hand", command=f"{BY_HAND} svg/gripper"),
    Reached("svg/monoped", TRIED, 0.28, by="a regulator that lands by hand", command=f"{BY_HAND} svg/monoped"),
    Reached("svg/monoped", RESISTING, 0.22, by="a regulator that lands by hand", command=f"{BY_HAND} svg/monoped"),
    Reached("svg/walker", TRIED, 2.54, by="a gait of two states a leg by hand", command=f"{BY_HAND} svg/walker"),
    Reached("svg/cheetah", TRIED, 0.99, by="a rhythm by hand", command=f"{BY_HAND} svg/cheetah"),
    Reached("svg/cheetah-no-springs", TRIED, 2.34, by="a leap by hand", command=f"{BY_HAND} svg/cheetah-no-springs"),
)
