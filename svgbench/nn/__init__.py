"""What several algorithms share, batched over seeds.

S, the number of seeds, is the first axis of every parameter, batch and statistic; E, the number of ensemble
members, may follow it. A loss is a mean over its own batch and a sum over S (and E), so that one backward pass
gives every member its own gradient:

    streams = Streams(seeds, "init")
    critic = MLP(streams, [3, 100, 100, 1], "tanh")
    adam = Adam(critic.parameters(), lr=1e-3)
    target = target_copy(critic)
    ...
    adam.backward((critic(x_SBO) - y_SB1).square().mean(dim=(1, 2)))  # [S], summed
    adam.step()
    polyak_(target, critic, tau=0.005)
"""

from svgbench.nn.early_stopping import EarlyStopping
from svgbench.nn.layers import ACTIVATIONS, MLP, Linear
from svgbench.nn.normaliser import Normaliser
from svgbench.nn.optim import Adam, clip_grad_norm_, polyak_, target_copy
from svgbench.nn.streams import Streams

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "Adam",
    "EarlyStopping",
    "Linear",
    "Normaliser",
    "Streams",
    "clip_grad_norm_",
    "polyak_",
    "target_copy",
]
