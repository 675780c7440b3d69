"""How our runs of Figures 2 and 4 and of Table 1 of Clavera et al. 2020 differ from the paper's."""

from __future__ import annotations

from svgbench.reproduce.task_deviations import task_deviations
from svgbench.words.experiment import Deviation

TASKS = task_deviations("poplin/cheetah", "poplin/hopper", "poplin/walker2d", "poplin/ant")

SHARED = (
    Deviation(
        id="sac-of-mbpo",
        paper="log_std cut to [-20, 2], twin losses with a factor 1/2, temperature loss linear in log alpha (code)",
        ours="log_std within [-5, 2] by a tanh, no factor, temperature loss linear in alpha; the same in SAC",
        reason="SAC's update stands once, so that the curves differ in what they compare",
        source="code softlearning/policies/gaussian_policy.py, softlearning/algorithms/sac.py",
    ),
    Deviation(
        id="budget",
        paper="the text prints no length of the curves (near-optimal after 50 and 150 rollouts) and no seeds",
        ours="200k steps, 4 seeds, one evaluation episode every 1000 steps",
        reason="the authors' code: 200 iterations of 1000 steps, seeds 1 to 4",
        source="section 5.1; code (iclavera/meta-mb at 233e0fb) run_scripts/maac_run_sweep.py",
    ),
    Deviation(
        id="settings-of-maac",
        paper="H, the members of the ensemble, the number of samples and every other setting are not printed",
        ours="those of the authors' code; H = 4 model steps (walker2d: 2), which the code writes as T = 3 and T = 1",
        reason="the nearest source",
        source="section 4.3; code (iclavera/meta-mb at 233e0fb) run_scripts/maac_run_sweep.py, meta_mb/algos/maac.py",
    ),
    Deviation(
        id="steve",
        paper="STEVE targets; in the code their variance at depth 0 is 0, so that they are one-step targets",
        ours="variances over members and critics, at depth 0 over the critics; the variant 'maac-code' has the code's",
        reason="the text's method; with the code's, the ablation '-STEVE' compares a thing with itself",
        source="section 4.3; code meta_mb/algos/maac.py",
    ),
    Deviation(
        id="model-noise",
        paper="a Gaussian model; in the code the noise of differentiated paths is scaled by the variance",
        ours="by the standard deviation; the variant 'maac-code' has the code's",
        reason="the text's model",
        source="section 4.3; code meta_mb/dynamics/probabilistic_mlp_dynamics_ensemble.py (predict_sym)",
    ),
    Deviation(
        id="imagined-rollouts",
        paper="trajectories sampled from the model; in the code a rollout of length L is L sets of single steps",
        ours="rollouts of the code's lengths; the variant 'maac-code' has the code's",
        reason="the text's algorithm 1",
        source="algorithm 1; code meta_mb/trainers/maac_trainer.py",
    ),
    Deviation(
        id="lag",
        paper="in the code policy and critics learn from a rollout only after the next has been made",
        ours="they learn from it at once; the variant 'maac-code' has the code's",
        reason="the text's algorithm 1",
        source="algorithm 1; code meta_mb/trainers/maac_trainer.py",
    ),
    Deviation(
        id="reward",
        paper="r(s); in the code the known reward has parts of the next observation, on some tasks",
        ours="the task's own, of the observation and the action before the step",
        reason="it is what the task pays",
        source="section 4.3; code meta_mb/envs/mb_envs/*.py (tf_reward)",
    ),
    Deviation(
        id="order",
        paper="algorithm 1 updates the policy, then the critics; the code computes both at once",
        ours="the policy first; the critics' targets are of the policy after its update",
        reason="the text's order",
        source="algorithm 1; code meta_mb/algos/maac.py",
    ),
    Deviation(
        id="shared-noise",
        paper="in the code the members' estimates of a target draw noise of their own",
        ours="members share the noise of the policy and of the model, so that they differ in what they have learned",
        reason="a variance over members that does not measure the noise",
        source="code meta_mb/algos/maac.py (_get_q_target)",
    ),
    Deviation(
        id="real-share",
        paper="not printed; the code's sweep has 5 and 10 % of real transitions in a batch",
        ours="5 %, for MAAC and for MBPO",
        reason="MBPO's code has 5 %",
        source="code run_scripts/maac_run_sweep.py",
    ),
    Deviation(
        id="initial-weights",
        paper="the code's networks start from Xavier's uniform distribution",
        ours="models start as MBPO's, policies and critics as torch's linear layers",
        reason="one kind of model and one soft actor-critic under all curves",
        source="code meta_mb/dynamics/, meta_mb/policies/networks/mlp.py",
    ),
    Deviation(
        id="activations",
        paper="in the code hidden units of policy or critics are tanh on some tasks",
        ours="ReLU in both, on every task",
        reason="SAC's networks stand once, so that the curves differ in what they compare",
        source="code run_scripts/maac_run_sweep.py",
    ),
)

FIG2_DEVIATIONS = (
    *SHARED,
    Deviation(
        id="steve-horizon",
        paper="STEVE on SAC; its horizon and settings are not printed",
        ours="MAAC with H = 0, which shares everything with MAAC but the policy's objective",
        reason="so the authors' code switches between them",
        source="section 5.1; code meta_mb/algos/maac.py",
    ),
    Deviation(
        id="mbpo-tasks",
        paper="MBPO on the paper's tasks; its settings there are not printed",
        ours="Janner et al.'s settings for their task with the same robot. Its reward differs, and their hopper, "
        "walker and ant terminate",
        reason="the same robots; none of these tasks terminates",
        source="code (jannerm/mbpo at ac694ff) examples/config/*/0.py",
    ),
    Deviation(
        id="target-entropy",
        paper="MAAC's code aims at an entropy of -dim(A) for all methods; MBPO's at -3, -1, -3 and -4 nats on cheetah, "
        "hopper, walker2d and ant",
        ours="-dim(A) for all methods: -6, -3, -6 and -8 nats",
        reason="one soft actor-critic under all curves",
        source="code (iclavera/meta-mb at 233e0fb) meta_mb/algos/maac.py; (jannerm/mbpo) examples/config/*/0.py",
    ),
    Deviation(
        id="model-pool",
        paper="imagined transitions keep their places when the pool grows; one that shrinks stops the run (code)",
        ours="they are ordered by age; the newest are kept",
        reason="the oldest are overwritten first, whatever the schedule",
        source="code mbpo/algorithms/mbpo.py (_reallocate_model_pool)",
    ),
    *TASKS,
)

FIG4_DEVIATIONS = (
    *SHARED,
    Deviation(
        id="ablated-tasks",
        paper="which tasks Figure 4 shows is not in the text, beside ant",
        ours="the four tasks of Figure 2",
        reason="the claims name simple environments and ant",
        source="section 5.3",
    ),
    *TASKS,
)

TABLE1_DEVIATIONS = (
    *SHARED,
    Deviation(
        id="converged",
        paper="the converged policy; when it counts as converged is not said",
        ours="the policy at the end of the budget",
        reason="a rule that does not look at the return",
        source="Table 1",
    ),
    Deviation(
        id="episodes",
        paper="the number of episodes and of seeds behind the ± is not printed; the code's script runs one",
        ours="five episodes of each seed, with planning and without from the same starts",
        reason="a difference in pairs",
        source="Table 1; code (iclavera/meta-mb at c1cd562) map_mpc_run_sweep.py",
    ),
    Deviation(
        id="planner",
        paper="the cross-entropy method that begins at the policy's distribution; in the code log_std stands for the "
        "deviation, and the terminal value has a factor gamma too many",
        ours="256 candidates, 25 elites, 5 iterations and a horizon of 5, as the code; the deviation and the factor as "
        "they should be",
        reason="the text's planner",
        source="section 5.4; code (iclavera/meta-mb at c1cd562) meta_mb/policies/mpc_controller.py",
    ),
    *TASKS,
)
