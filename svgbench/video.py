"""Clips of trained policies: an episode of the run's own task, drawn off screen, as MP4 or GIF."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svgbench.policies import Policy
from svgbench.words.errors import UsageError

Frame = NDArray[np.uint8]

KINDS = (".mp4", ".gif")
STREAM = "video"  # of the episodes' starts


@dataclass(frozen=True)
class Clip:
    """What to draw.

    frames: at most; an episode that ends earlier makes fewer. every: control steps from one picture to the next; None:
    as many as make the clip run at the speed of the simulation. fps: pictures a second when it is played. width,
    height: pixels, even numbers. episode: which start; each number is another one.
    """

    frames: int = 100
    every: int | None = None
    fps: int = 25
    width: int = 480
    height: int = 360
    episode: int = 0

    def steps_between(self, dt: float) -> int:
        """Control steps from one picture to the next, for control steps of dt seconds."""
        return self.every or max(1, round(1 / (self.fps * dt)))


@dataclass(frozen=True)
class Filmed:
    """A clip that was made. steps, episode_return: of the episode as far as it was simulated. ended: its end was
    reached. backend: what drew. seconds: of processor time."""

    path: Path
    frames: int
    steps: int
    every: int
    episode_return: float
    ended: bool
    backend: str
    seconds: float


def suffix_of(output: Path | None) -> str:
    """The kind of file to write: that of `output`, or else MP4 if it can be written, or else GIF.

    Raises UsageError for another kind, and for MP4 without its extra.
    """
    able = find_spec("imageio_ffmpeg") is not None
    if output is None:
        return KINDS[0] if able else KINDS[1]
    if output.suffix not in KINDS:
        raise UsageError(f"--output {output}: expected a name that ends in {' or '.join(KINDS)}")
    if output.suffix == ".mp4" and not able:
        raise UsageError(f"--output {output}: MP4 needs the extra, svgbench[video]; a GIF needs nothing")
    return output.suffix


def check(policy: Policy, clip: Clip) -> Any:
    """The run's task. Raises UsageError for one that has no picture, and for sizes that cannot be."""
    task = policy.task()
    if not hasattr(task, "model"):
        raise UsageError(f"{task.id} is a plain equation and has no picture; tasks on MuJoCo have")
    for name, value in (("--width", clip.width), ("--height", clip.height)):
        if value % 2 or not 32 <= value <= 4096:
            raise UsageError(f"{name} {value}: expected an even number from 32 to 4096")
    return task


def film(policy: Policy, output: Path, clip: Clip) -> Filmed:
    """Simulate one episode of the policy and write its clip to `output`, whose name says the kind of file.

    The file appears when it is whole. Raises UsageError where nothing can be drawn.
    """
    from svgbench.tasks.rendering import Renderer

    task, begun = check(policy, clip), time.process_time()
    simulation = task.simulate([clip.episode], 1, STREAM, autoreset=False)
    try:
        renderer = Renderer(simulation.task.model, clip.width, clip.height)
    except RuntimeError as error:
        raise UsageError(f"{error}: install EGL (libegl1) or OSMesa (libosmesa6)") from None
    every = clip.steps_between(task.dt)
    told: dict[str, Any] = {"frames": 0, "steps": 0, "episode_return": 0.0, "ended": False}
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as folder:
            whole = Path(folder) / output.name
            pictures = _pictures(policy, simulation, renderer, clip.frames, every, told)
            WRITERS[output.suffix](whole, pictures, clip)
            os.replace(whole, output)
    finally:
        renderer.close()
    return Filmed(output, every=every, backend=renderer.backend, seconds=time.process_time() - begun, **told)


def _pictures(
    policy: Policy, simulation: Any, renderer: Any, frames: int, every: int, told: dict[str, Any]
) -> Iterator[Frame]:
    """The pictures of an episode, the first of its start; `told` says how far it came."""
    obs = simulation.observe()
    while True:
        yield renderer.frame(simulation.physics.get_data(0))
        told["frames"] += 1
        if told["frames"] == frames or told["ended"]:
            return
        for _ in range(every):
            step = simulation.step(policy(obs))
            obs = step.observation
            told["steps"] += 1
            told["episode_return"] += float(step.reward[0])
            told["ended"] = bool(step.terminated[0] | step.truncated[0])
            if told["ended"]:
                break


def _mp4(path: Path, pictures: Iterator[Frame], clip: Clip) -> None:
    import imageio_ffmpeg  # type: ignore[import-untyped]  # an extra; it has no types

    size = (clip.width, clip.height)
    writer = imageio_ffmpeg.write_frames(str(path), size, fps=clip.fps, macro_block_size=2, ffmpeg_log_level="error")
    writer.send(None)
    try:
        for picture in pictures:
            writer.send(np.ascontiguousarray(picture))
    finally:
        writer.close()


def _gif(path: Path, pictures: Iterator[Frame], clip: Clip) -> None:
    from PIL import Image

    first, *rest = (Image.fromarray(picture).convert("P", palette=Image.Palette.ADAPTIVE) for picture in pictures)
    first.save(path, save_all=True, append_images=rest, duration=round(1000 / clip.fps), loop=0)


WRITERS: dict[str, Callable[[Path, Iterator[Frame], Clip], None]] = {".mp4": _mp4, ".gif": _gif}
