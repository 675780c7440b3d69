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

Types state shapes, here and in `svgbench.models` and `svgbench.memory`, in the notation of jaxtyping:
`Float[Tensor, "S B O"]` is a tensor of any float type with the axes S, B and O. Within one signature a name has one
length. These names always mean the same:

    S seeds            E ensemble members          *members S alone, or S E
    B samples          N simulations, paths        T time, from 0 within a path, a batch or a window
    I inputs           O outputs, or the numbers of an observation or state
    A action           D features                  H hidden units               P parameters, flat

`*batch` and `*axes` are any axes (none included) that are the same throughout the signature, `...` any that need not
be, and `_` is one axis of any length. An axis marked # may have length 1 where others have more, and `{n}` is the
length that the argument n gives. `Float` is any float type, `Float64`, `Int64` and `Bool` are that type only, and
`np.ndarray` stands in place of `Tensor` for NumPy. A user's run checks nothing of this; the tests check every call.
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
