"""The cart-pole of Heess et al. 2015: Figure 2, middle and right. A balance on a track with soft ends.

State and observation s (4): x [m] and v [m/s] of the cart, theta [rad] of the pole from the vertical, omega [rad/s];
theta is not wrapped. Action a (1) in [-1, 1]: the force F = F_max clip(a, -1, 1) [N]. With M = m_c + m_p, a uniform
pole of half length l, and P the sum of F, the cart's friction and the track's end:

    P = F - c v - e,    e = 0 where |x| <= x_end, else k (x - sgn(x) x_end) + d v
    theta'' = (g sin theta - cos theta (P + m_p l omega^2 sin theta) / M - mu omega / (m_p l))
              / (l (4/3 - m_p cos^2 theta / M))
    x''     = (P + m_p l (omega^2 sin theta - theta'' cos theta)) / M

(Barto, Sutton and Anderson 1983, appendix, except for the cart's friction), by semi-implicit Euler: first the
velocities, then the positions with the new velocities, twice 0.02 s in a control step of 0.04 s.

    r(s, a) = (1 + cos theta) / 2 - 0.05 x^2 - 0.01 a^2,  s before the step

The cost is of the action that was demanded: beyond [-1, 1] it has no bound, while the force does not grow. With
`cost_on` "applied" it is of clip(a, -1, 1) and at most 0.01 a step; its derivative beyond the range is 0.

Start: in the middle of the track, the pole within 0.3 rad of upright, x, v and omega within 0.1, all uniform. 125
steps, 5 s. Never terminates: a pole that fell can be swung up again. With `start` "hanging" it hangs, within 0.1 rad.

The paper gives only the name of this task and the sizes of the networks. Masses, length, force and track are those of
the DeepMind control suite's (1 kg, 0.1 kg, a pole of 1 m, 10 N, +-1.8 m; its step is 0.01 s). The rest is chosen. It is
the balance because no algorithm swung the pole up in a search of 96 settings and 200 episodes: all ended with a
spinning pole, which pays half. Friction (1 N s/m and 0.02 N m s) and soft ends of the track keep the motion from being
chaotic. Without them the gradient along an episode with a spinning pole exceeds 1e8, even an exact one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from svgbench.ranges import Count
from svgbench.simulation_batch import DrawnAhead, FullyObserved, RawStep, Rows, never
from svgbench.tasks.svg._state_reward import RewardedByState, StateReward
from svgbench.tasks.unit_box import UnitBox
from svgbench.words.task import Array, Bools, Recorded

VERSION = 2  # the balance, where 1 was the swing-up

HORIZON = 125  # steps
SUBSTEP, SUBSTEPS = 0.02, 2  # s
CART, POLE, HALF_LENGTH, GRAVITY = 1.0, 0.1, 0.5, 9.81  # kg, kg, m, m/s^2
FORCE = 10.0  # N
CART_FRICTION, POLE_FRICTION = 1.0, 0.02  # c [N s/m], mu [N m s]
TRACK_END, END_STIFFNESS, END_DAMPING = 1.8, 100.0, 10.0  # m, N/m, N s/m: the full force presses 0.1 m into it
START = 0.1  # half width, of x, v and omega
STARTS_AHEAD = 16  # starts that a simulation draws at once
ANGLE = {"upright": (0.0, 0.3), "hanging": (np.pi, 0.1)}  # rad: theta, and its half width


def cart_pole_reward(xp: Any, s: Any, a: Any) -> Any:
    """Rewards [...] of s [..., 4], a [..., 1] in a namespace `xp`."""
    return 0.5 * (1.0 + xp.cos(s[..., 2])) - 0.05 * s[..., 0] ** 2 - 0.01 * a[..., 0] ** 2


def applied_cost_reward(xp: Any, s: Any, a: Any) -> Any:
    """The same with the cost of the action that is applied."""
    return cart_pole_reward(xp, s, xp.clip(a, -1.0, 1.0))


REWARDS = {"demanded": cart_pole_reward, "applied": applied_cost_reward}


@dataclass(frozen=True, kw_only=True)
class CartPole(RewardedByState, UnitBox):
    """Satisfies `svgbench.words.task.Task`. Episodes start within `spread` of `angle` [rad]."""

    horizon: int
    angle: float
    spread: float
    id: str = "svg/cart-pole"
    observation_dim: int = 4
    action_dim: int = 1
    dt: float = SUBSTEPS * SUBSTEP
    reward_function: StateReward = StateReward(cart_pole_reward)  # noqa: RUF009  (immutable)
    termination_function: Recorded = never

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
        centre = np.array([0.0, 0.0, task.angle, 0.0])
        width = np.array([START, START, task.spread, START])

        def draw(rng: np.random.Generator) -> Array:
            return centre + rng.uniform(-width, width, (STARTS_AHEAD, 4))

        self._starts = DrawnAhead(self._generators, STARTS_AHEAD, 4, draw)
        self._ahead = (self._starts,)
        self.reset()

    def _begin(self, ids: NDArray[np.int64]) -> Array:
        return self._starts.take(ids)

    def _advance(self, ids: NDArray[np.int64] | None, rows: Rows, actions_nA: Array) -> RawStep:
        before = self._observation[rows]
        force = FORCE * np.clip(actions_nA[:, 0], -1.0, 1.0)
        state = before.T.copy()  # a row for each of the four: neighbours in memory
        for _ in range(SUBSTEPS):
            substep(state, force)
        after = np.ascontiguousarray(state.T)
        none: Bools = np.zeros(len(after), dtype=np.bool_)
        return RawStep(after, self.task.reward_function(before, actions_nA, after), none, none)


def substep(state_4n: Array, force_n: Array) -> None:
    """The equations above, in place."""
    x, v, theta, omega = state_4n
    sin, cos = np.sin(theta), np.cos(theta)
    mass, moment = CART + POLE, POLE * HALF_LENGTH
    beyond = x - np.clip(x, -TRACK_END, TRACK_END)
    end = END_STIFFNESS * beyond + np.where(beyond == 0, 0.0, END_DAMPING * v)
    pushed = force_n - CART_FRICTION * v - end + moment * omega**2 * sin
    falling = GRAVITY * sin - cos * pushed / mass - POLE_FRICTION / moment * omega
    angular = falling / (HALF_LENGTH * (4 / 3 - POLE / mass * cos**2))
    v += SUBSTEP * (pushed - moment * angular * cos) / mass
    x += SUBSTEP * v
    omega += SUBSTEP * angular
    theta += SUBSTEP * omega


def make_cart_pole(
    horizon: Count = HORIZON,
    start: Literal["upright", "hanging"] = "upright",
    cost_on: Literal["demanded", "applied"] = "demanded",
) -> CartPole:
    """svg/cart-pole: as above. Raises ValueError for another start or cost."""
    for name, value, known in (("start", start, ANGLE), ("cost_on", cost_on, REWARDS)):
        if value not in known:
            raise ValueError(f"{name} is {value!r}, expected one of {sorted(known)}")
    angle, spread = ANGLE[start]
    return CartPole(horizon=horizon, angle=angle, spread=spread, reward_function=StateReward(REWARDS[cost_on]))
