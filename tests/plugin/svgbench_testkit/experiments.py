"""A small experiment in the words of the lab."""

from svgbench.lab.experiment import (
    Budget,
    Claim,
    Column,
    Comparison,
    Deviation,
    Experiment,
    Measure,
    Task,
    Term,
    Variant,
)

FINAL = Measure(column="position", label="final position")

EXPERIMENTS = (
    Experiment(
        id="testkit/walk",
        title="Random walks",
        description="Walks with and without drift.",
        tasks=(
            Task("field/calm", "svgbench_testkit.field:make", "calm", {"scale": 0.1}),
            Task("field/windy", "svgbench_testkit.field:make", "windy", {"scale": 1.0}),
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
