"""A synthetic experiment of 10,000 cells, to time `plan` and `status`. Nothing in it is ever trained."""

from svgbench.words.experiment import Budget, Column, Experiment, Measure, TaskSpec, Variant

VERSION = 1

EXPERIMENTS = (
    Experiment(
        id="synthetic/grid",
        title="A synthetic grid of 10,000 cells",
        description="100 tasks by 100 variants.",
        tasks=tuple(TaskSpec(f"task-{i:03d}", "svgbench_grid:make", f"task {i}") for i in range(100)),
        variants=tuple(Variant(f"variant-{i:03d}", f"variant {i}", "svgbench_grid:make") for i in range(100)),
        budgets=(Budget("paper", 2, ""),),
        columns=(Column("score", "float", "1", "a number"),),
        measures=(Measure("score", "score"),),
        block_size=2,
    ),
)
