"""A film of an episode: the room from above, with a line of text, as mp4."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .physics import STEP
from .physics_world import PhysicsWorld

EVERY = 0.2
"""Simulated seconds between two pictures."""
RATE = 15
"""Pictures a second in the film: it plays three times as fast as the robot moves."""
_STRIP = 40


class Recorder:
    """Takes pictures of a world while it moves. `caption` is written under each."""

    def __init__(self, world: PhysicsWorld, path: Path, size: tuple[int, int] = (480, 360)):
        self._world, self._size = world, size
        self.caption = ""
        self.frames = 0
        """How many pictures were taken."""
        self._steps = 0
        self._font = ImageFont.load_default(15)
        full = (size[0], size[1] + _STRIP)
        self._writer = imageio_ffmpeg.write_frames(str(path), full, fps=RATE, macro_block_size=1, quality=7)
        self._writer.send(None)
        self.shoot()

    def on_step(self) -> None:
        """Called after every physics step."""
        self._steps += 1
        if self._steps % round(EVERY / STEP) == 0:
            self.shoot()

    def shoot(self) -> None:
        """Take one picture now."""
        width, height = self._size
        picture = Image.new("RGB", (width, height + _STRIP), (24, 26, 30))
        picture.paste(Image.fromarray(self._world.overview(width, height).rgb), (0, 0))
        draw = ImageDraw.Draw(picture)
        lines = self.caption.split("\n")[:2]
        for i, line in enumerate(lines):
            draw.text((8, height + 2 + 18 * i), line, font=self._font, fill=(235, 235, 235))
        self._writer.send(np.ascontiguousarray(np.asarray(picture)))
        self.frames += 1

    def close(self) -> None:
        """Hold the last picture for a second and finish the file."""
        for _ in range(RATE):
            self.shoot()
        self._writer.close()


def film_path(path: str | Path) -> Path:
    """Where a film can be written. Raises ValueError for a name that is not an mp4 file's or a folder that isn't."""
    path = Path(path)
    if path.suffix != ".mp4":
        raise ValueError(f"Expected the film's name to end in .mp4, got {path.name!r}.")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"Expected the film's folder to exist, got {str(path.parent)!r}. Make it first.")
    return path


@contextlib.contextmanager
def record(world: PhysicsWorld, path: str | Path) -> Iterator[Recorder]:
    """Film `world` to `path` (mp4) for as long as the context lasts. Raises ValueError as `film_path` does."""
    recorder = Recorder(world, film_path(path))
    world.physics.on_step.append(recorder.on_step)
    try:
        yield recorder
    finally:
        world.physics.on_step.remove(recorder.on_step)
        recorder.close()
