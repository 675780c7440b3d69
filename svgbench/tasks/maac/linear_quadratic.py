"""Closed forms of the discounted linear-quadratic problem under a linear Gaussian policy.

    s' = A s + B u,   u = -k s + sigma eps,   eps ~ N(0, I),   r(s, u) = -1/2 (s'Qs + u'Ru)

The policy k is fixed and need not be optimal. With M = A - B k:

    V(s)    = -1/2 (s'Ps + c),            P = Q + k'Rk + gamma M'PM,
                                          c = sigma^2 tr(R + gamma B'PB) / (1 - gamma)
    Q(s, a) = -1/2 ([s a]'W[s a] + gamma c),   W = diag(Q, R) + gamma [A B]'P[A B]
    J       = E V(s0)
    dJ/dk   = (gamma B'PM - Rk) sum_t gamma^t X_t,   X_t = E s_t s_t',  X_{t+1} = M X_t M' + sigma^2 BB'

The last line is the policy gradient theorem: at time t a change of the gain moves the action along -s_t, and the
derivative of Q with respect to the action gives the value of that move. For an objective with H real steps and then a
*fixed* action value, the gradient is the same sum up to and including t = H (`objective_gradient`); the rest is its
truncation.

NumPy, float64. Shapes: n states, m actions; gain (m, n); second moments (..., n, n).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LinearQuadratic:
    """Dynamics (A: (n, n), B: (n, m)), cost (Q: (n, n), R: (m, m), symmetric) and discount of a problem."""

    A: Array
    B: Array
    Q: Array
    R: Array
    gamma: float


def _discounted_sum(lq: LinearQuadratic, M: Array, X: Array) -> Array:
    """Solution Y of Y = X + gamma M Y M', over leading axes of X."""
    radius = np.abs(np.linalg.eigvals(M)).max()
    if lq.gamma * radius**2 >= 1:
        raise ValueError(
            f"the discounted cost is infinite: spectral radius {radius:.6g} of A - B k with gamma {lq.gamma}; "
            f"expected gamma * radius^2 < 1"
        )
    n = M.shape[0]
    system = np.eye(n * n) - lq.gamma * np.kron(M, M)
    return np.linalg.solve(system, X.reshape(*X.shape[:-2], n * n, 1)).reshape(X.shape).astype(np.float64)


def value_matrix(lq: LinearQuadratic, gain: Array) -> Array:
    """P of V(s) = -1/2 (s'Ps + c): (n, n)."""
    return _discounted_sum(lq, (lq.A - lq.B @ gain).T, lq.Q + gain.T @ lq.R @ gain)


def value_constant(lq: LinearQuadratic, gain: Array, sigma: float) -> float:
    """c of V(s) = -1/2 (s'Ps + c): the future cost of the policy's noise."""
    if sigma == 0:
        return 0.0
    per_step = np.trace(lq.R + lq.gamma * lq.B.T @ value_matrix(lq, gain) @ lq.B)
    return float(sigma**2 * per_step / (1 - lq.gamma))


def action_value_matrix(lq: LinearQuadratic, gain: Array) -> Array:
    """W of Q(s, a) = -1/2 ([s a]'W[s a] + gamma c): (n + m, n + m)."""
    n, m = lq.B.shape
    cost = np.block([[lq.Q, np.zeros((n, m))], [np.zeros((m, n)), lq.R]])
    dynamics = np.hstack([lq.A, lq.B])
    return cost + lq.gamma * dynamics.T @ value_matrix(lq, gain) @ dynamics


def expected_return(lq: LinearQuadratic, gain: Array, sigma: float, second_moment: Array) -> Array:
    """J: the expected discounted return from start states with E s0 s0' = second_moment (..., n, n)."""
    P = value_matrix(lq, gain)
    return -0.5 * (np.einsum("ij,...ji->...", P, second_moment) + value_constant(lq, gain, sigma))


def return_gradient(lq: LinearQuadratic, gain: Array, sigma: float, second_moment: Array) -> Array:
    """dJ/dk (..., m, n) at start states with E s0 s0' = second_moment (..., n, n)."""
    noise = sigma**2 * lq.B @ lq.B.T
    # with no noise the sum below also exists for gamma = 1
    future_noise = noise * (lq.gamma / (1 - lq.gamma)) if sigma else noise
    states = _discounted_sum(lq, lq.A - lq.B @ gain, second_moment + future_noise)
    return _advantage_slope(lq, gain) @ states


def objective_gradient(lq: LinearQuadratic, gain: Array, sigma: float, second_moment: Array, horizon: int) -> Array:
    """d/dk (..., m, n) of E[sum_{t<H} gamma^t r(s_t, a_t) + gamma^H Q(s_H, a_H)], Q held fixed at the policy's own.

    The objective of Clavera et al. 2020, section 4.1, with exact dynamics and exact Q. It is not dJ/dk: the
    dependence of Q on the policy is left out, and the difference is gamma^{H+1} times a gradient from s_{H+1} on.
    """
    M, noise = lq.A - lq.B @ gain, sigma**2 * lq.B @ lq.B.T
    moment = np.asarray(second_moment, dtype=np.float64)
    states = moment.copy()
    for t in range(1, horizon + 1):
        moment = M @ moment @ M.T + noise
        states += lq.gamma**t * moment
    return _advantage_slope(lq, gain) @ states


def _advantage_slope(lq: LinearQuadratic, gain: Array) -> Array:
    """G (m, n) with E[dQ/da | s] = -G s, so G s s' is the value of moving the action along -s."""
    P = value_matrix(lq, gain)
    return lq.gamma * lq.B.T @ P @ (lq.A - lq.B @ gain) - lq.R @ gain


def optimal_gain(lq: LinearQuadratic) -> tuple[Array, Array]:
    """Gain (m, n) of the best policy, and its P (n, n), by the discounted algebraic Riccati equation."""
    from scipy.linalg import solve_discrete_are  # only tests and documentation use it

    root = np.sqrt(lq.gamma)
    P = solve_discrete_are(root * lq.A, root * lq.B, lq.Q, lq.R)
    gain = np.linalg.solve(lq.R + lq.gamma * lq.B.T @ P @ lq.B, lq.gamma * lq.B.T @ P @ lq.A)
    return gain, P
