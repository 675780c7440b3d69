"""Derivatives of a perceptron's outputs with respect to its inputs, from a recording (`svgbench.nn.flat_mlp`)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from svgbench.nn.flat_mlp import Recording


def pull_back(recording: Recording, u: Float[Tensor, "S B O"]) -> Float[Tensor, "S B I"]:
    """u J: the gradient of sum(u * output) with respect to the inputs."""
    for i in reversed(range(len(recording.weights))):
        u = torch.bmm(u, recording.weights[i].mT)
        if i:
            u = u.mul_(recording.slopes[i - 1])
    return u


def jacobian(recording: Recording) -> Float[Tensor, "S B O I"]:
    """J: the derivative of each output with respect to each input."""
    S, B, out = recording.output.shape
    J = recording.weights[-1].mT.unsqueeze(1).expand(S, B, -1, -1)  # [S, B, out, h]
    for weight, slope in zip(reversed(recording.weights[:-1]), reversed(recording.slopes), strict=True):
        J = J * slope.unsqueeze(2)
        J = torch.bmm(J.flatten(1, 2), weight.mT).view(S, B, out, -1)
    return J
