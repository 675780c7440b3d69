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
