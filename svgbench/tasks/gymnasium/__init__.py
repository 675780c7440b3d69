"""Environments of gymnasium's, as tasks."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from svgbench.tasks.gymnasium.v5 import GymnasiumTask
    from svgbench.words.task import ReferenceTask

    def _conform(task: GymnasiumTask) -> ReferenceTask:
        """Checked by mypy."""
        return task
