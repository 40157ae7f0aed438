"""Going back in time: snapshots, which survive the process, and checkpoints, which are quick and live in it.

    world.snapshot() ─► bytes ─► world.restore()        a file, another process: bodies are made anew, 50 ms
    world.checkpoint() ─► Checkpoint.restore()          in place, while the episode lasts: under 1 ms
    with world.imagine(): …                             look ahead; afterwards nothing has happened

What a world knows besides its bodies (the clock, what was seen, what the hand is told) is its *books*: JSON, and the
same in all three.
"""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from .physics import Physics


class Kept(Protocol):
    """A world that can go back: its physics, and its books."""

    physics: Physics

    def books(self) -> dict[str, Any]:
        """Everything that is not in the physics (JSON)."""
        ...

    def set_books(self, books: Mapping[str, Any]) -> None:
        """The inverse; to be called after the physics has been restored."""
        ...


class Checkpoint:
    """A moment of the running episode, to go back to as often as wanted: bit-exact, and a hundred times faster than a
    snapshot. It ends with the episode. Bullet keeps its memory until it is told: `forget()` it, or use it in a `with`.
    """

    def __init__(self, world: Kept):
        self._world = world
        self._state: int | None = world.physics.remember()
        self._episode = world.physics.episode
        self._books = json.dumps(world.books())

    def restore(self) -> None:
        """Make the world what it was. Raises ValueError if the episode is over, or the checkpoint forgotten."""
        physics = self._world.physics
        if self._state is None or self._episode != physics.episode:
            gone = "was forgotten" if self._state is None else "is of an episode that is over"
            raise ValueError(
                f"Expected a checkpoint of the running episode, but this one {gone}. "
                "Take another one, or keep a snapshot: that lasts."
            )
        physics.go_back(self._state)
        self._world.set_books(json.loads(self._books))

    def forget(self) -> None:
        """Give back its memory. Doing it twice changes nothing."""
        if self._state is not None and self._episode == self._world.physics.episode:
            self._world.physics.forget(self._state)
        self._state = None

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *error: object) -> None:
        self.forget()


@contextlib.contextmanager
def imagined(world: Kept) -> Iterator[Checkpoint]:
    """Whatever happens inside has not happened afterwards. Nobody looks on (hooks are off), so nothing is filmed."""
    hooks = world.physics.on_step
    with Checkpoint(world) as start:
        world.physics.on_step = []
        try:
            yield start
        finally:
            world.physics.on_step = hooks
            start.restore()


def pack(world: Kept, **more: Any) -> bytes:
    """A snapshot: bodies, books, and `more` that is needed to make the bodies anew, as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state.bullet")
        world.physics.save(path)
        bullet = path.read_bytes()
    return json.dumps({**more, **world.books(), "bullet": base64.b64encode(bullet).decode()}).encode()


def unpack(snapshot: bytes) -> tuple[dict[str, Any], bytes]:
    """What was packed, and the bodies' state. Raises ValueError for what is no snapshot."""
    try:
        state = json.loads(snapshot)
        return state, base64.b64decode(state.pop("bullet"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(snapshot, error) from error


def unreadable(snapshot: bytes, error: Exception) -> ValueError:
    """The error for bytes that are no snapshot of a world with physics."""
    return ValueError(f"Expected a snapshot of a physics world, got {len(snapshot)} bytes: {error!r}.")


def put_back(world: Kept, bullet: bytes, books: Mapping[str, Any]) -> None:
    """Set bodies that were made anew, in the same order, as they were."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state.bullet")
        path.write_bytes(bullet)
        world.physics.load(path)
    world.set_books(books)
