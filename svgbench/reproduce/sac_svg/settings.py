"""What the experiments of Amos et al. 2020 share: learners, columns, and the cuts of the smaller budgets."""

from __future__ import annotations

from svgbench.words.experiment import Column
from svgbench.words.values import Setting

SAC = "sac"
SAC_SVG = "sac_svg"
RANDOM = "random_policy"
SCHEDULE = "entropy_schedule"

COLUMNS = (
    Column("eval_return", "float", "return", "mean of the evaluation episodes, deterministic policy tanh(mean)"),
    Column("eval_return_sd", "float", "return", "standard deviation over the evaluation episodes"),
    Column("train_return", "float", "return", "of the last training episode that finished, with exploration"),
    Column("alpha", "float", "return per nat", "temperature"),
    Column("entropy", "float", "nats", "of the policy, estimated on the last batch"),
    Column("critic_loss", "float", "return^2", "squared Bellman error of the last batch, summed over the twins"),
    Column("reward_loss", "float", "reward^2", "squared error of the reward network on the last batch"),
    Column("model_loss", "float", "1", "squared error of the dynamics on the last batch, in normalised units"),
)

SHORT_NETWORKS: dict[str, Setting] = {
    "actor_hidden": (64, 64),
    "critic_hidden": (64, 64),
    "head_hidden": (64, 64),
    "encoder_hidden": (64, 64),
    "recurrent_width": 64,
    "step_batch": 64,
    "window_batch": 64,
    "actor_lr": 3e-4,
    "critic_lr": 3e-4,
    "model_free_steps": 2500,
    "eval_every": 2500,
    "steps_per_slice": 250,
}
SMOKE_NETWORKS: dict[str, Setting] = {
    "actor_hidden": (16, 16),
    "critic_hidden": (16, 16),
    "head_hidden": (16,),
    "encoder_hidden": (16,),
    "recurrent_width": 16,
    "model_updates": 1,
    "step_batch": 32,
    "window_batch": 16,
    "actor_lr": 1e-3,
    "critic_lr": 1e-3,
    "alpha_lr": 1e-3,
    "random_steps": 300,
    "learning_starts": 299,
    "model_free_steps": 400,
    "eval_every": 500,
    "eval_episodes": 1,
    "steps_per_slice": 50,
}
SHORT_CUTS = (
    "2 x 64 units for 4 x 512, recurrent 64 for 512, batches 64 for 1024 and 512, policy and critics at 3e-4 for 1e-4"
)
SMOKE_CUTS = "16 units, batches 32 and 16, 1 model update a step for 4, 300 random steps, 1 evaluation episode"
