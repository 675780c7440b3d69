"""Small decision processes whose values, gradients and paths are exact: shared by the studies of chapters 2 to 4.

S states, A actions. Everything is float64. A policy is a softmax of theta [S, A] in each state.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from svgbench.nn.streams import Streams


class Process(NamedTuple):
    """A decision process."""

    start: Tensor  # [S], probabilities
    move: Tensor  # [S, A, S], probabilities of the next state
    reward: Tensor  # [S, A]


class Paths(NamedTuple):
    """All N paths of T steps, with their probabilities."""

    states: Tensor  # [N, T + 1], int64
    actions: Tensor  # [N, T], int64
    probability: Tensor  # [N]


def random_process(stream: Streams, states: int, actions: int) -> Process:
    """Normal rewards of variance 1, and softmaxes of normal numbers, for next states of variance 4."""
    start, move, reward = (
        stream.normal(shape, torch.float64)[0] for shape in ((states,), (states, actions, states), (states, actions))
    )
    return Process(start.softmax(-1), (2 * move).softmax(-1), reward)


def chain(states: int, slip: float) -> Process:
    """States in a row. Action 0 goes left and 1 right, or the other way with probability `slip`; a wall at each end.

    It starts at the left end. The reward is 1 in the right end, whatever is done there.
    """
    place = torch.arange(states)
    left, right = (torch.eye(states, dtype=torch.float64)[(place + way).clamp(0, states - 1)] for way in (-1, 1))
    move = torch.stack([(1 - slip) * left + slip * right, slip * left + (1 - slip) * right], 1)
    reward = torch.zeros(states, 2, dtype=torch.float64)
    reward[-1] = 1
    return Process(torch.eye(states, dtype=torch.float64)[0], move, reward)


def paths(process: Process, policy: Tensor, T: int) -> Paths:
    """Every path of T steps under `policy` [S, A] that has a probability above 0."""
    states, probability = process.start.nonzero(), process.start[process.start > 0]
    actions = states[:, :0]
    for _ in range(T):
        last = states[:, -1]
        joint = probability[:, None, None] * policy[last][:, :, None] * process.move[last]  # [N, A, S]
        path, action, state = joint.nonzero(as_tuple=True)
        states = torch.cat([states[path], state[:, None]], 1)
        actions = torch.cat([actions[path], action[:, None]], 1)
        probability = joint[path, action, state]
    return Paths(states, actions, probability)


def values(process: Process, policy: Tensor, T: int, gamma: float) -> tuple[Tensor, Tensor]:
    """V [T + 1, S] and Q [T, S, A] at each time of an episode of T steps, discounted; V is 0 at its end."""
    V, Q = [torch.zeros_like(process.start)], []
    for _ in range(T):
        Q.append(process.reward + gamma * process.move @ V[-1])
        V.append((policy * Q[-1]).sum(1))
    return torch.stack(V[::-1]), torch.stack(Q[::-1])


def occupancy(process: Process, policy: Tensor, T: int) -> Tensor:
    """[T, S]: the probability of each state at each time."""
    at = [process.start]
    for _ in range(T - 1):
        at.append(torch.einsum("s,sa,sax->x", at[-1], policy, process.move))
    return torch.stack(at)


def gradient(process: Process, theta: Tensor, T: int) -> Tensor:
    """d E[sum of rewards] / d theta [S, A], through the probabilities of all states."""
    theta = theta.detach().requires_grad_()
    policy = theta.softmax(-1)
    objective = torch.einsum("ts,sa,sa->", occupancy(process, policy, T), policy, process.reward)
    return torch.autograd.grad(objective, theta)[0]


def scores(policy: Tensor) -> Tensor:
    """d log policy(a | s) / d theta, [S, A, S * A]."""
    S, A = policy.shape
    own = torch.eye(A, dtype=policy.dtype) - policy[:, None]  # [S, A, A]
    return torch.einsum("sab,sx->saxb", own, torch.eye(S, dtype=policy.dtype)).reshape(S, A, S * A)


def estimates(of: Paths, weights: Tensor, policy: Tensor) -> Tensor:
    """[N, S * A]: eq. (22), the sum over time of score times weight [N, T], of each path."""
    return torch.einsum("nt,ntp->np", weights, scores(policy)[of.states[:, :-1], of.actions])


def mean_and_variance(of: Paths, x: Tensor) -> tuple[Tensor, float]:
    """E[x] [P] and the sum of the variances of its components, of x [N, P]."""
    mean = of.probability @ x
    return mean, (of.probability @ (x - mean).square().sum(1)).item()
