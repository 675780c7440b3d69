"""Synthetic experiments, to time the lab. Nothing in them is ever trained: `svgbench_made_up` makes up their rows."""

from svgbench.words.claims import Measure
from svgbench.words.experiment import Budget, Column, Experiment, TaskSpec, Variant

VERSION = 1
LEARNER = "svgbench_grid:make"


def _grid(name: str, tasks: int, variants: int, budget: Budget, block_size: int) -> Experiment:
    return Experiment(
        id=f"synthetic/{name}",
        title=f"A synthetic grid of {tasks * variants:,} cells",
        description=f"{tasks} tasks by {variants} variants, {budget.seeds} seeds in blocks of {block_size}.",
        tasks=tuple(TaskSpec(f"task-{i:03d}", LEARNER, f"task {i}") for i in range(tasks)),
        variants=tuple(Variant(f"variant-{i:03d}", f"variant {i}", LEARNER) for i in range(variants)),
        budgets=(budget,),
        columns=(Column("score", "float", "1", "a number"),),
        measures=(Measure("score", "score"),),
        block_size=block_size,
    )


EXPERIMENTS = (
    _grid("grid", 100, 100, Budget("paper", 2, ""), block_size=2),
    _grid("growth", 10, 100, Budget("smoke", 100, ""), block_size=10),
)
