"""A film of an episode: what one or more cameras see, side by side, over a strip that tells what happens; as mp4.

A picture is taken every `EVERY` simulated seconds and shown for 1 / `RATE` seconds, so a film plays three times as fast
as the robot moves. A picture that can't be drawn or written ends the film, never the run: `Recorder.failed` says why.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageDraw

from .captions import HEIGHT, LIGHT, Caption, font, strip
from .physics import STEP
from .physics_world import PhysicsWorld
from .views import check_camera, shown

EVERY = 0.25
"""Simulated seconds between two pictures."""
RATE = 12
"""Pictures a second in the film."""
SIZE = (400, 300)
"""Width and height of one camera's picture, pixels."""


class Recorder:
    """Takes pictures of a world while it moves. `caption` is drawn under each."""

    def __init__(
        self,
        world: PhysicsWorld,
        path: Path,
        cameras: Sequence[str] = ("overview",),
        size: tuple[int, int] = SIZE,
    ):
        self._world, self._size, self._cameras = world, size, tuple(cameras)
        self.caption = Caption()
        self.frames = 0
        """How many pictures were taken."""
        self.failed: str | None = None
        """Why the film is not whole; None: it is."""
        self._steps = 0
        self._last: np.ndarray | None = None
        self.full = (size[0] * len(self._cameras), size[1] + HEIGHT)
        """Width and height of the film, pixels."""
        self._writer: Any = imageio_ffmpeg.write_frames(str(path), self.full, fps=RATE, macro_block_size=1, quality=7)
        self._writer.send(None)
        self.shoot()

    def on_step(self) -> None:
        """Called after every physics step."""
        self._steps += 1
        if self._steps % round(EVERY / STEP) == 0:
            self.shoot()

    def shoot(self) -> None:
        """Take one picture now."""
        if self.failed is None:
            try:
                self._last = self._drawn()
                self._write(self._last)
            except Exception as error:  # whatever a renderer, a font or a full disk can do to a film
                self.failed = f"{type(error).__name__}: {error}"

    def close(self) -> None:
        """Hold the last picture for a second and finish the file."""
        try:
            if self._last is not None and self.failed is None:
                self._last = self._drawn()
                for _ in range(RATE):
                    self._write(self._last)
            self._writer.close()
        except Exception as error:
            self.failed = self.failed or f"{type(error).__name__}: {error}"

    def _drawn(self) -> np.ndarray:
        """The picture of this moment, (height, width, 3) uint8."""
        width, height = self._size
        film = Image.new("RGB", self.full)
        for i, name in enumerate(self._cameras):
            shot = Image.fromarray(shown(self._world, name, width, height))
            if len(self._cameras) > 1:
                ImageDraw.Draw(shot).text(
                    (6, 4), name, font=font(13), fill=LIGHT, stroke_width=2, stroke_fill=(0, 0, 0)
                )
            film.paste(shot, (i * width, 0))
        film.paste(strip(self.caption, self.full[0]), (0, height))
        return np.ascontiguousarray(np.asarray(film))

    def _write(self, film: np.ndarray) -> None:
        self._writer.send(film)
        self.frames += 1


def film_path(path: str | Path) -> Path:
    """Where a film can be written. Raises ValueError for a name that is not an mp4 file's or a folder that isn't."""
    path = Path(path)
    if path.suffix != ".mp4":
        raise ValueError(f"Expected the film's name to end in .mp4, got {path.name!r}.")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"Expected the film's folder to exist, got {str(path.parent)!r}. Make it first.")
    return path


@contextlib.contextmanager
def record(
    world: PhysicsWorld, path: str | Path, cameras: Sequence[str] = ("overview",), size: tuple[int, int] = SIZE
) -> Iterator[Recorder]:
    """Film `world` to `path` (mp4) for as long as the context lasts, each of `cameras` (by name) beside the other.

    Raises ValueError as `film_path` does, `UnknownName` for a camera that isn't there.
    """
    for name in cameras:
        check_camera(world.scene, name)
    recorder = Recorder(world, film_path(path), cameras, size)
    world.physics.on_step.append(recorder.on_step)
    try:
        yield recorder
    finally:
        world.physics.on_step.remove(recorder.on_step)
        recorder.close()
