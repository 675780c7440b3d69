"""A small experiment and a search for it, in the words of the lab."""

from svgbench.words.claims import Claim, Comparison, Measure, Term
from svgbench.words.experiment import Budget, Column, Deviation, Experiment, TaskSpec, Variant
from svgbench.words.search import Axis, Grid, Search

FINAL = Measure(column="position", label="final position")

EXPERIMENTS = (
    Experiment(
        id="testkit/walk",
        title="Random walks",
        description="Walks with and without drift.",
        tasks=(
            TaskSpec("field/calm", "svgbench_testkit.field:make", "calm", {"scale": 0.1}),
            TaskSpec("field/windy", "svgbench_testkit.field:make", "windy", {"scale": 1.0}),
        ),
        variants=(
            Variant("drift", "drift", "svgbench_testkit.walk:make", {"drift": 0.5}),
            Variant("still", "still", "svgbench_testkit.walk:make", {"drift": 0.0}),
        ),
        budgets=(
            Budget("paper", 10, "everything", config={"slices": 40}),
            Budget("smoke", 4, "six slices"),
        ),
        columns=(
            Column("position", "float", "m", "where the walk is"),
            Column("side", "str", "", "up or down"),
        ),
        measures=(FINAL,),
        claims=(
            Claim(
                id="drift-wins",
                quote="drift goes further",
                source="testkit",
                origin="text",
                parts=(Comparison(Term("drift", FINAL), ">", Term("still", FINAL), "further: by any amount"),),
            ),
        ),
        deviations=(Deviation("noise", "none", "some", "walks are noisy", "testkit"),),
        block_size=2,
    ),
)

SEARCHES = (
    Search(
        id="testkit/walk-search",
        title="Drift and pace",
        description="Two drifts and two paces.",
        experiment=EXPERIMENTS[0],
        grids=(
            Grid("drift", (Axis("drift", (0.25, 0.5)),)),
            Grid("still", (Axis("steps", (5, 6), name="pace", label="pace"),), choice="over tasks"),
        ),
        measure=FINAL,
        budgets=(
            Budget("short", 3, "three slices", config={"slices": 3}, block_size=3),
            Budget("smoke", 2, "one slice", config={"slices": 1}),
        ),
        first_seed=600,
    ),
)
