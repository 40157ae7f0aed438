"""What a report shows besides the journal: a film, a picture before and after each turn, and where the time went.

An `Album` looks on while the agent works, or while a run that is over is seen again. A picture that can't be taken is
left out and `failed` says why: a report must not break a run.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image

from ..sim.physics_world import PhysicsWorld
from ..sim.recorder import RATE, Recorder, record
from ..sim.views import ROBOT_CAMERAS, shown
from .filming import Captions

if TYPE_CHECKING:
    from ..sim.world import World
    from .agent import Watcher
    from .turn import Turn

SIZE = (320, 240)
"""Width and height of a turn's pictures, pixels."""


@dataclass
class Moment:
    """One turn. `begins` and `ends` are seconds of the film; `before` and `after` JPEG files."""

    begins: float = 0.0
    ends: float = 0.0
    before: bytes | None = None
    after: bytes | None = None
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds on the clock by phase; empty for a run that is seen again."""


class Album:
    """A `Watcher` that keeps pictures and times, and passes everything on to another watcher."""

    def __init__(
        self,
        world: World | None = None,
        then: Watcher | None = None,
        *,
        clocked: bool = True,
        now: Callable[[], float] = time.perf_counter,
    ):
        self.moments: dict[int, Moment] = {}
        """By the turn's index."""
        self.film: bytes | None = None
        """The film (mp4), once it is finished."""
        self.failed: str | None = None
        """Why there are pictures missing; None: there are none missing."""
        self.camera = ""
        """The robot's camera that took the pictures; empty: there are none."""
        self.recorder: Recorder | None = None
        self._world = world if isinstance(world, PhysicsWorld) else None
        if self._world is not None:
            self.camera = ROBOT_CAMERAS[self._world.scene.robot.model][0]
        self._then, self._clocked, self._now = then, clocked, now
        self._last = now()

    def loading(self, what: str) -> None:
        """Something slow begins."""
        if self._then:
            self._then.loading(what)

    def phase(self, name: str, turn: Turn) -> None:
        """A phase is over: note how long it took, and take its picture."""
        moment = self.moments.setdefault(turn["index"] - (name == "remember"), Moment(begins=self._film_time()))
        if self._clocked:
            moment.spent[name] = moment.spent.get(name, 0.0) + self._now() - self._last
        if self._then:
            self._then.phase(name, turn)
        if name == "choose":
            moment.begins, moment.before = self._film_time(), self._picture()
        elif name == "check":
            acted = turn.get("outcome") is not None
            moment.ends, moment.after = self._film_time(), self._picture() if acted else None
        self._last = self._now()

    def _film_time(self) -> float:
        return self.recorder.frames / RATE if self.recorder else 0.0

    def _picture(self) -> bytes | None:
        if self._world is None or self.failed:
            return None
        try:
            file = io.BytesIO()
            Image.fromarray(shown(self._world, self.camera, *SIZE)).save(file, "JPEG", quality=80)
            return file.getvalue()
        except Exception as error:  # whatever a renderer can do
            self.failed = f"{type(error).__name__}: {error}"
            return None


@contextmanager
def album(
    world: World, then: Watcher | None = None, *, max_steps: int | None = None, clocked: bool = True
) -> Iterator[tuple[Album, Watcher]]:
    """An album of what happens in `world`, filmed while the context lasts, and the watcher to give to the agent."""
    made = Album(world, then, clocked=clocked)
    watcher: Watcher = made
    with TemporaryDirectory(prefix="doable-film-") as folder, ExitStack() as stack:
        path = Path(folder) / "film.mp4"
        if isinstance(world, PhysicsWorld):
            made.recorder = stack.enter_context(record(world, path))
            watcher = Captions(made.recorder, made, max_steps)
        try:
            yield made, watcher
        finally:
            stack.close()
            if made.recorder is not None:
                made.failed = made.failed or made.recorder.failed
                made.film = path.read_bytes() if path.is_file() and not made.recorder.failed else None
