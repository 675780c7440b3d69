"""The tasks of Heess et al. 2015."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from svgbench.tasks.svg._mujoco import StateTask
    from svgbench.tasks.svg.cart_pole import CartPole
    from svgbench.tasks.svg.hand import Hand
    from svgbench.words.task import StateRewardTask

    def _conform(hand: Hand, cart_pole: CartPole, on_mujoco: StateTask) -> tuple[StateRewardTask, ...]:
        """Checked by mypy."""
        return hand, cart_pole, on_mujoco
