"""Columns and measures of the learners that alternate between a batch of paths and an update."""

from __future__ import annotations

from svgbench.words.claims import Measure
from svgbench.words.experiment import Column

COLUMNS = (
    Column("simulated_steps", "int", "steps", "calls of the simulator so far, a vine's branches included"),
    Column("return_mean", "float", "return", "mean over the paths of the batch that ended, undiscounted"),
    Column("episode_length", "float", "steps", "mean over the same paths"),
    Column("reward_per_step", "float", "reward", "what paths earned over the steps they would last in full"),
    Column("kl", "float", "nats", "mean KL divergence of the update, old from new"),
    Column("surrogate_gain", "float", "standardised advantage", "of the surrogate objective, by the update"),
    Column("entropy", "float", "nats", "of the policy that acted"),
    Column("accepted", "float", "1", "share of the full step that the line search took; 0: none"),
    Column("value_error", "float", "1", "squared error of the value function before its update, over the variance"),
)

FINAL_REWARD = Measure("reward_per_step", "reward per step, last 5 iterations", reduce="mean_of_last", k=5)
MEAN_REWARD = Measure("reward_per_step", "reward per step, mean over all iterations", reduce="mean")

CART_POLE_BEST = {"reward_per_step": 10.0, "return_mean": 10_000.0}
"""Of both cart-poles: a step pays 9 + cos(theta) and less for force, and there are 1000."""
