"""An update as one fixed program: on a GPU a CUDA graph, captured once and launched whole at every step."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
from torch import Tensor

from svgbench.memory.experience import Experience

Program = Callable[[], None]
Update = Callable[[Any, Experience, Mapping[str, Tensor], Tensor | None], None]

WARM_UP = 3  # updates of a program before its capture, as in torch's notes on CUDA graphs


class StaticUpdate:
    """`svgbench.learners.online.OnlineAgent.update` on inputs at fixed addresses.

    A launched graph runs no Python: shapes, addresses and Python numbers are those of the capture. So draws and mask
    are copied into fixed buffers before each update. Anything else that changes between steps must be a tensor that is
    changed in place before the update, by `OnlineAgent.prepare` or `Experience.add`.

    A phase, with or without a mask, is a program. Its first updates run one kernel after another, on the stream of the
    capture; they count like all others. Only the current program is kept, because phases do not come back.

    capture: turns a program into one that does the same when called; by default a CUDA graph on a GPU, the program
        itself on the CPU.
    """

    def __init__(
        self,
        update: Update,
        experience: Experience,
        device: torch.device | str,
        capture: Callable[[Program], Program] | None = None,
    ) -> None:
        self._update, self._experience = update, experience
        device = torch.device(device)
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._capture = capture or (self._graph if self._stream else _itself)
        self._draws: dict[str, Tensor] = {}
        self._active: Tensor | None = None
        self._program: tuple[Hashable, bool] | None = None
        self._updates = 0  # of the current program
        self._captured: Program | None = None

    def __call__(self, phase: Hashable, draws: Mapping[str, Tensor], active: Tensor | None) -> None:
        """One update; see `OnlineAgent.update`."""
        if (phase, active is not None) != self._program:
            self.forget()
            self._program = (phase, active is not None)
        self._fill(draws, active)
        if self._captured is None and self._updates < WARM_UP:
            self._warm_up()
        else:
            self._captured = self._captured or self._capture(self._run)
            self._captured()
        self._updates += 1

    def forget(self) -> None:
        """Capture again: something that the update reads or writes may have moved."""
        self._program, self._captured, self._updates = None, None, 0

    def _run(self) -> None:
        assert self._program is not None
        phase, masked = self._program
        self._update(phase, self._experience, self._draws, self._active if masked else None)

    def _fill(self, draws: Mapping[str, Tensor], active: Tensor | None) -> None:
        if not self._draws:
            self._draws = {name: torch.empty(x.shape, dtype=x.dtype, device=x.device) for name, x in draws.items()}
        for name, buffer in self._draws.items():
            buffer.copy_(draws[name])
        if active is not None:
            self._active = active.clone() if self._active is None else self._active.copy_(active)

    def _warm_up(self) -> None:
        if self._stream is None:
            self._run()
            return
        here = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            self._run()
        here.wait_stream(self._stream)

    def _graph(self, program: Program) -> Program:
        assert self._stream is not None
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._stream.device), torch.cuda.graph(graph, stream=self._stream):
            program()
        return graph.replay


def static_update_on(
    device: torch.device | str, update: Update, draws: Mapping[str, object], experience: Experience
) -> StaticUpdate | None:
    """The update as a static one on a GPU; None on the CPU, and where there are no draws.

    An agent without draws learns elsewhere (`svgbench.learners.model_based`): its update does nothing, and an empty
    graph must not be captured.
    """
    return StaticUpdate(update, experience, device) if draws and torch.device(device).type == "cuda" else None


def _itself(program: Program) -> Program:
    return program
