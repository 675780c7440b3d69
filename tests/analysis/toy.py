"""A declared experiment whose rows come from a formula, so that no test here has to train."""

from __future__ import annotations

from collections.abc import Callable

from svgbench.lab.block import as_csv
from svgbench.lab.cells import Cell
from svgbench.lab.platform import compared
from svgbench.lab.store import Store
from svgbench.words.claims import Claim, Comparison, Measure, Term
from svgbench.words.experiment import Budget, Column, Deviation, Experiment, TaskSpec, Variant
from svgbench.words.values import Setting

FINAL = Measure("score", "final score")
LEARNER = "maac_gradient_error"
TASK = "maac/double-integrator"
OPTIONS: dict[str, Setting] = {"gamma": 0.9, "gain": (0.0, 0.0), "sigma": 1.0, "horizon": 25}
LIMITS: dict[str, Setting] = {"total_steps": 4000}

WINS = Comparison(Term("ours", FINAL), ">", Term("theirs", FINAL), "wins: by any amount")

EXPERIMENT = Experiment(
    id="toy/fig1",
    title="A toy",
    description="Scores from a formula.",
    tasks=(
        TaskSpec("toy/easy", TASK, "easy", OPTIONS, published="PETS Cheetah"),
        TaskSpec("toy/hard", TASK, "hard", OPTIONS, published="Swimmer"),
    ),
    variants=(
        Variant("ours", "ours", LEARNER, published="SAC-SVG(2)"),
        Variant("theirs", "theirs", LEARNER, {"critic": "exact"}, published="SAC (our run)"),
    ),
    budgets=(Budget("paper", 5, "", LIMITS), Budget("smoke", 3, "three seeds", LIMITS)),
    columns=(Column("score", "float", "1", "a number"), Column("phase", "str", "", "train or test")),
    measures=(FINAL, Measure("score", "mean score", reduce="mean")),
    claims=(Claim("wins", "ours wins", "nowhere", "text", (WINS,)),),
    deviations=(Deviation("toy", "a", "b", "c", "d"),),
    step_unit="rows",  # which no limit counts
    published="sac-svg/table2",
)


def fill(store: Store, cell: Cell, score: Callable[[int, int], float], steps: int = 3) -> None:
    """Finish all of the cell's seeds with rows score(seed, step)."""
    texts, entries = {}, {}
    for seed in cell.seeds:
        rows = [{"seed": seed, "step": t, "score": score(seed, t), "phase": "train"} for t in range(steps)]
        texts[seed] = as_csv(rows, cell.columns)
        entries[seed] = {"status": "done", "rows": steps, "seconds": 1.0, "platform": compared("cpu")}
    store.merge(cell, texts, entries)
