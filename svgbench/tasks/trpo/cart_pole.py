"""Cart-poles with a continuous force, of Schulman 2016: Figure 4 (chapter 3) and Figure 8 (chapter 4).

State and observation s = (x [m], v [m/s], theta [rad], omega [rad/s]): the cart's position and velocity, the pole's
angle from the vertical and its rate, in these units; `observation_scale` is what the original code's policy divides
them by. Action a (1) in [-1, 1]: the force F = F_max clip(a, -1, 1) [N]. With M = m_c + m_p, sgn(v) = 1 if v > 0,
else -1, and sigma = 1 (Barto, Sutton and Anderson 1983, appendix):

    theta'' = (g sin theta - cos theta (F + m_p l omega^2 sin theta - mu_c sgn v) / M - mu_p omega / (m_p l))
              / (l (4/3 - m_p cos^2 theta / M))
    x''     = (F + m_p l (omega^2 sin theta - sigma theta'' cos theta) - mu_c sgn v) / M

integrated by semi-implicit Euler: first the velocities, then the positions with the new velocities.

    r = 10 - (1 - cos theta) - 1e-5 F^2,  theta before the step
    terminates where |x| > 2.4 or |theta| exceeds the task's limit, after the step

The original code reports an end one step later and pays nothing in that last step; the sum is the same. Start: each of
the four uniform in +-0.05. 1000 steps at most.

Sources: RLR, SFPD/rlreloaded at 650c64e, control4/mdps/cartpole.py (dynamics, reward, limits, start, scale); 1000
steps: thesis, sections 3.14 and 4.6.2; Barto, Sutton and Anderson 1983 for the constants of that name. The thesis
prints no equation, and says of both chapters that the constants are Barto's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svgbench.ranges import Count
from svgbench.simulation_batch import DrawnAhead, FullyObserved, RawStep, Rows
from svgbench.tasks.unit_box import UnitBox
from svgbench.words.task import Array

VERSION = 1

HORIZON = 1000  # steps
POSITION_LIMIT = 2.4  # m
START = 0.05  # half width, of each of the four
STARTS_AHEAD = 16  # starts that a simulation draws at once; sixteen take no longer to draw than one


@dataclass(frozen=True)
class Constants:
    """Those of the equations above, in SI units.

    Two of the original code's are not what the equations mean, because it mixes the rates of theta and pi - theta:
    `pole_friction` is negative (it speeds the pole up, by 2e-5 of its rate), and `reaction` is -1 (the pole pushes
    the cart where it should pull: 10 N accelerate the cart by 8.4 m/s^2, not 9.8).
    """

    gravity: float  # g
    cart_mass: float  # m_c
    pole_mass: float  # m_p
    length: float  # l: of half the pole, in Barto's equations; the original code has a whole metre there
    cart_friction: float  # mu_c
    pole_friction: float  # mu_p
    reaction: float  # sigma
    force: float  # F_max
    dt: float
    angle_limit: float


RLR = Constants(
    gravity=10.0,
    cart_mass=1.0,
    pole_mass=0.1,
    length=1.0,
    cart_friction=5e-4,
    pole_friction=-2e-6,
    reaction=-1.0,
    force=10.0,
    dt=0.05,
    angle_limit=0.2,
)
BARTO = Constants(
    gravity=9.8,
    cart_mass=1.0,
    pole_mass=0.1,
    length=0.5,
    cart_friction=5e-4,
    pole_friction=2e-6,
    reaction=1.0,
    force=10.0,
    dt=0.02,
    angle_limit=float(np.deg2rad(12)),
)


def reward(cos: Any, force: Any) -> Any:
    """10 - (1 - cos theta) - 1e-5 F^2, [...], of the angle before the step."""
    return 9.0 + cos - 1e-5 * force**2


@dataclass(frozen=True)
class CartPole(UnitBox):
    """Satisfies `svgbench.words.task.Task`."""

    id: str
    constants: Constants
    horizon: int
    observation_dim: int = 4
    action_dim: int = 1

    @property
    def dt(self) -> float:
        return self.constants.dt

    @property
    def observation_scale(self) -> Array:
        """What the original code's policy divides an observation [O] by."""
        return np.array([POSITION_LIMIT, 4.0, 0.2, 4.0])

    def reward_function(self, obs: Any, action: Any, next_obs: Any) -> Any:
        """Rewards [...] of recorded arrays obs [..., 4], action [..., 1]; `next_obs` does not count."""
        force = self.constants.force * np.clip(action[..., 0], -1.0, 1.0)
        return reward(np.cos(obs[..., 2]), force)

    def termination_function(self, obs: Any, action: Any, next_obs: Any) -> Any:
        """Booleans [...] of recorded next_obs [..., 4]; NaN terminates."""
        within = (abs(next_obs[..., 0]) <= POSITION_LIMIT) & (abs(next_obs[..., 2]) <= self.constants.angle_limit)
        return ~within

    def simulate(
        self,
        seeds: Sequence[int],
        copies: int = 1,
        stream: str = "train",
        threads: int = 1,
        autoreset: bool = True,
    ) -> CartPoles:
        """A batch of len(seeds) * copies simulations; see `svgbench.words.task.Task.simulate`. One thread."""
        return CartPoles(self, seeds, copies, stream, autoreset)


class CartPoles(FullyObserved):
    """A batch of cart-poles. Their observation is their whole state, except for starts drawn ahead."""

    def __init__(self, task: CartPole, seeds: Sequence[int], copies: int, stream: str, autoreset: bool) -> None:
        super().__init__(task, seeds, copies, stream, autoreset)
        self.task = task
        self._starts = DrawnAhead(
            self._generators, STARTS_AHEAD, 4, lambda rng: rng.uniform(-START, START, (STARTS_AHEAD, 4))
        )
        self._ahead = (self._starts,)
        self.reset()

    def _begin(self, ids: NDArray[np.int64]) -> Array:
        return self._starts.take(ids)

    def _advance(self, ids: NDArray[np.int64] | None, rows: Rows, actions_nA: Array) -> RawStep:
        c = self.task.constants
        # A row for each of the four, so that everything below runs over neighbours in memory.
        x, v, theta, omega = np.ascontiguousarray(self._observation[rows].T)
        force = c.force * np.clip(actions_nA[:, 0], -1.0, 1.0)
        sin, cos = np.sin(theta), np.cos(theta)

        mass, moment = c.cart_mass + c.pole_mass, c.pole_mass * c.length
        pushed = force + moment * omega**2 * sin - np.where(v > 0, c.cart_friction, -c.cart_friction)
        falling = c.gravity * sin - cos * pushed / mass - c.pole_friction / moment * omega
        angular = falling / (c.length * (4 / 3 - c.pole_mass / mass * cos**2))
        linear = (pushed - c.reaction * moment * angular * cos) / mass

        after = np.empty((len(x), 4))
        after[:, 1] = v_after = v + c.dt * linear
        after[:, 0] = x + c.dt * v_after
        after[:, 3] = omega_after = omega + c.dt * angular
        after[:, 2] = theta + c.dt * omega_after
        ended = self.task.termination_function(None, None, after)
        return RawStep(after, reward(cos, force), ended, np.zeros(len(x), dtype=np.bool_))


def make_cart_pole(horizon: Count = HORIZON) -> CartPole:
    """trpo/cart-pole: as in the original code (RLR), including its two wrong signs (`Constants`).

    dt 0.05 s, F_max 10 N, g 10 m/s^2, m_c 1 kg, m_p 0.1 kg, l 1 m, mu_c 5e-4 N, |mu_p| 2e-6 N m s; |theta| <= 0.2.
    """
    return CartPole(id="trpo/cart-pole", constants=RLR, horizon=horizon)


def make_cart_pole_barto(horizon: Count = HORIZON) -> CartPole:
    """trpo/cart-pole-barto: the same task with the constants of Barto, Sutton and Anderson 1983, and their equations.

    dt 0.02 s, F_max 10 N, g 9.8 m/s^2, m_c 1 kg, m_p 0.1 kg, l 0.5 m, mu_c 5e-4 N, mu_p 2e-6 N m s; |theta| <= 12
    degrees. Their force was +10 or -10 N; here it is any force between these.
    """
    return CartPole(id="trpo/cart-pole-barto", constants=BARTO, horizon=horizon)
