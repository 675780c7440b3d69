"""An executor whose blocks do not notice that their supervisor has gone, and that cannot stop them: as an engine on
other machines after its scheduler has died. Only the lease ends them, and only the supervisor's record stops them."""

from __future__ import annotations

import os
import subprocess

from svgbench.lab.executor import Placement, command
from svgbench.lab.platform import environment


class Handle:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def poll(self) -> int | None:
        return self.process.poll()

    def stop(self) -> None:
        pass

    def kill(self) -> None:
        pass


class Detached:
    def __init__(self, slots: int | None, address: str = "") -> None:
        self.slots = slots or 1

    def submit(self, placement: Placement) -> Handle:
        pipe = placement.job.with_suffix(".pipe")
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
        both = os.open(pipe, os.O_RDWR)  # the process holds both ends, so its input never ends
        placement.log.parent.mkdir(parents=True, exist_ok=True)
        with placement.log.open("ab") as log:
            process = subprocess.Popen(
                command(placement),
                stdin=both,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(placement.threads),
                start_new_session=True,
            )
        os.close(both)
        return Handle(process)
