"""The settings that the algorithms of Heess et al. 2015 share. An algorithm's `Config` inherits the groups it needs.

Sources: T1 is the paper's Table 1 (swimmer-3). D is its appendix D, which searched over the setting and does not print
the value. The rest is our choice: the code of 2015 is unpublished.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from svgbench.ranges import Count, Length, Natural, NonNegative, Positive, Precision, Share, Widths

ADDED = {"sub_networks": True}


@dataclass(frozen=True)
class Settings:
    """What every algorithm has: the policy, the database and how episodes are collected."""

    hidden: Widths = (50, 50)  # tanh units of the policy (T1)
    policy_std: Positive = 0.2  # half control ranges (D)
    gamma: Share = 0.995  # (D: swimmer)
    policy_lr: NonNegative = 3e-4  # Adam (D)
    max_grad_norm: Positive = 10.0  # V_max (D)

    batch_size: Count = 32  # transitions of a minibatch, of the model, the critic and the policy
    replay_size: Count = 100_000  # transitions of D
    simulations: Count = 1  # N, episodes collected (the planner: and imagined) before each round of training
    steps_per_slice: Count = 250  # control steps per slice: noise is drawn by slices, so this is part of the numbers
    dtype: Precision = "float32"


@dataclass(frozen=True)
class ModelSettings(Settings):
    """A learned model of the dynamics."""

    model_hidden: Annotated[Widths, Length(1)] = (20, 20)  # tanh units for each dimension of the state (T1)
    sub_networks: bool = True  # one for each dimension of the state (appendix C); else one network of `model_hidden`
    model_lr: NonNegative = 1e-3  # Adam (D)
    model_updates: Natural = 100  # after each round of episodes (D)


@dataclass(frozen=True)
class CriticSettings(Settings):
    """A critic, V or Q, trained by Algorithm 4."""

    value_hidden: Widths = (200, 100)  # tanh units (T1)
    value_scale: Positive = 10.0  # the network's output is multiplied by this, in units of return
    value_lr: NonNegative = 1e-3  # Adam (D)
    value_updates: Natural = 100  # M, after each round of episodes (D)
    target_period: Count = 50  # C, in updates (Algorithm 4)


@dataclass(frozen=True)
class StateValueSettings(CriticSettings):
    """A critic of states, V: its updates are weighted by importance."""

    importance_cap: Positive = 5.0  # upper bound of w; 20 for the 4-target reacher and the gripper (D)


@dataclass(frozen=True)
class MinibatchSettings(Settings):
    """K policy updates on minibatches of transitions after each round of episodes."""

    policy_updates: Count = 50  # K (D)
    replay: bool = False  # policy updates use D, as in SVG(1)-ER; otherwise the new episodes
    kl_weight: NonNegative = 0.0  # reward per nat; the paper has this penalty for SVG(1)-ER (D)
