"""Evidence that the levels of the claims on Figure 4 can be reached on our tasks: single seeds, rounded down.

No policy is known to reach the 1.25 per step that is required on the walker; the best run, of the sweep of step
sizes, reached 0.95.
"""

from __future__ import annotations

from svgbench.reproduce.on_policy import FINAL_REWARD
from svgbench.words.claims import Reached

REACHED = (
    Reached(
        "trpo/cart-pole",
        FINAL_REWARD,
        9.99,
        by="trpo/fig4 at paper, single-path, seed 3",
        command="svgbench table trpo/fig4 --budget paper --tasks trpo/cart-pole --variants single-path --seeds 3-3",
    ),
    Reached(
        "trpo/swimmer",
        FINAL_REWARD,
        0.14,
        by="trpo/fig4 at paper, single-path, seed 3",
        command="svgbench table trpo/fig4 --budget paper --tasks trpo/swimmer --variants single-path --seeds 3-3",
    ),
    Reached(
        "trpo/hopper",
        FINAL_REWARD,
        2.6,
        by="trpo/fig4 at short, single-path, seed 2",
        command="svgbench table trpo/fig4 --budget short --tasks trpo/hopper --variants single-path --seeds 2-2",
    ),
)
