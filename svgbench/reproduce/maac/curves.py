"""Figure 2 of Clavera et al. 2020, so far with MBPO and SAC, two of the methods that MAAC is compared with.

Both have the settings of MBPO's code (jannerm/mbpo at ac694ff, profile "code" of `mbpo`), so that they differ in the
model and in the number of updates only; "sac-20" has as many updates as MBPO.
"""

from __future__ import annotations

from svgbench.reproduce.task_deviations import task_deviations
from svgbench.words.experiment import Budget, Column, Deviation, Experiment, Measure, Setting, TaskSpec, Variant

OF_MBPO: dict[str, Setting] = {
    "actor_hidden": (256, 256),
    "critic_hidden": (256, 256),
    "actor_lr": 3e-4,
    "critic_lr": 3e-4,
    "alpha_init": 1.0,
    "alpha_lr": 3e-4,
    "step_batch": 256,
    "critic_first": True,
    "averaged_target_policy": False,
    "random_steps": 5000,
    "learning_starts": 5000,
    "normalise_obs": False,
    "eval_every": 1000,
    "eval_episodes": 1,
}
"""What MBPO's code sets for SAC: the defaults of `mbpo`, for `sac`."""

FIG2 = Experiment(
    id="maac/fig2",
    title="Returns against environment steps: MBPO and SAC",
    description=(
        "Evaluations of the deterministic policy against environment steps, on the tasks of Wang and Ba. MBPO learns "
        "its reward with its model. SAC has MBPO's settings, with one update a step and with MBPO's twenty. A rollout "
        "of the figure's axis is 1000 steps."
    ),
    tasks=(
        TaskSpec(
            "poplin/hopper",
            "poplin/hopper",
            "Hopper",
            config={"target_entropy_init": -1.0, "target_entropy_final": -1.0},
        ),
    ),
    variants=(
        Variant("mbpo", "MBPO", "mbpo", profile="code"),
        Variant("sac", "SAC", "sac", OF_MBPO),
        Variant("sac-20", "SAC, 20 updates a step", "sac", {**OF_MBPO, "updates_per_step": 20}),
        Variant("random", "random policy", "random_policy"),
    ),
    budgets=(
        Budget("paper", seeds=4, note="", limits={"total_steps": 200_000}, block_size=4),
        Budget(
            "short",
            seeds=5,
            note=(
                "15k steps for 200k; 2 x 128 units for 2 x 256 and batches of 128 for 256; 5 models of 3 x 128 units "
                "for 7 of 4 x 200, 4 elites for 5, fits every 500 steps for 250, of at most 25 epochs and 600 "
                "minibatches, 10k rollouts a fit for 100k, which grow from 1 to 5 model steps over steps 5k to 15k; 1k "
                "random steps for 5k"
            ),
            limits={"total_steps": 15_000},
            config={
                "actor_hidden": (128, 128),
                "critic_hidden": (128, 128),
                "step_batch": 128,
                "members": 5,
                "elites": 4,
                "model_hidden": (128, 128, 128),
                "model_decay": (2.5e-5, 5e-5, 7.5e-5, 1e-4),
                "fit_every": 500,
                "max_epochs": 25,
                "max_minibatches": 600,
                "rollouts_per_fit": 10_000,
                "rollout_length_final": 5,
                "rollout_grows_from": 4,
                "rollout_grows_until": 14,
                "random_steps": 1000,
                "learning_starts": 1000,
            },
            block_size=5,
        ),
        Budget(
            "smoke",
            seeds=3,
            note=(
                "600 steps; 16 units, batches of 32, 3 models of 2 x 16 units, fits every 100 steps of at most 10 "
                "epochs, 200 rollouts a fit, of 1 to 3 steps; 300 random steps; evaluation every 300 steps"
            ),
            limits={"total_steps": 600},
            config={
                "actor_hidden": (16, 16),
                "critic_hidden": (16, 16),
                "step_batch": 32,
                "actor_lr": 1e-3,
                "critic_lr": 1e-3,
                "alpha_lr": 1e-3,
                "random_steps": 300,
                "learning_starts": 300,
                "eval_every": 300,
                "steps_per_slice": 50,
                "members": 3,
                "elites": 2,
                "model_hidden": (16, 16),
                "model_decay": (2.5e-5, 5e-5, 1e-4),
                "model_batch": 64,
                "epoch_length": 100,
                "fit_every": 100,
                "max_epochs": 10,
                "rollouts_per_fit": 200,
                "rollout_length_final": 3,
                "rollout_grows_from": 0,
                "rollout_grows_until": 2,
            },
            block_size=3,
        ),
    ),
    columns=(
        Column("eval_return", "float", "return", "mean of the evaluation episodes, deterministic policy tanh(mean)"),
        Column("eval_return_sd", "float", "return", "standard deviation over the episodes; NaN of a single one"),
        Column("train_return", "float", "return", "of the last training episode that finished, with exploration"),
        Column("alpha", "float", "return per nat", "temperature"),
        Column("entropy", "float", "nats", "of the policy, estimated on the last batch"),
        Column("critic_loss", "float", "return^2", "squared Bellman error of the last batch, summed over the twins"),
        Column("reward_loss", "float", "reward^2", "NaN: the reward is one of the model's outputs"),
        Column("model_loss", "float", "unit^2", "mean squared error of the elites on held-out data, at the last fit"),
    ),
    measures=(Measure("eval_return", "return of the last evaluation"),),
    deviations=(
        Deviation(
            id="methods",
            paper="MAAC, STEVE, MBPO and SAC on four tasks (Figure 2)",
            ours="MBPO and SAC on hopper; MAAC and STEVE are not yet run",
            reason="built one after the other",
            source="section 5.1",
        ),
        Deviation(
            id="mbpo-hopper",
            paper="MBPO on the paper's tasks; its settings there are not printed",
            ours="Janner et al.'s settings for their hopper, whose reward and termination differ from this task's",
            reason="the same robot; this task never terminates",
            source="code (jannerm/mbpo at ac694ff) examples/config/hopper/0.py",
        ),
        Deviation(
            id="sac-of-mbpo",
            paper="log_std cut to [-20, 2], twin losses with a factor 1/2, temperature loss linear in log alpha (code)",
            ours="log_std within [-5, 2] by a tanh, no factor, temperature loss linear in alpha; the same in SAC",
            reason="SAC's update stands once, so that the curves differ in what they compare",
            source="code softlearning/policies/gaussian_policy.py, softlearning/algorithms/sac.py",
        ),
        Deviation(
            id="model-pool",
            paper="imagined transitions keep their places when the pool grows; one that shrinks stops the run (code)",
            ours="they are ordered by age; the newest are kept",
            reason="the oldest are overwritten first, whatever the schedule",
            source="code mbpo/algorithms/mbpo.py (_reallocate_model_pool)",
        ),
        Deviation(
            id="budget",
            paper="the text prints no length of the curves (near-optimal after 50 and 150 rollouts) and no seeds",
            ours="200k steps, 4 seeds, one evaluation episode every 1000 steps",
            reason="the authors' code: 200 iterations of 1000 steps, seeds 1 to 4",
            source="section 5.1; code (iclavera/meta-mb at 233e0fb) run_scripts/maac_run_sweep.py",
        ),
        *task_deviations("poplin/hopper"),
    ),
)
