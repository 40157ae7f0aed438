"""The steps of a run: the newest in memory, all of them in the journal's file, read from there when asked for.

So a run of days takes no more memory in its last hour than in its first.
"""

from __future__ import annotations

import json
import os
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

from .codec import from_json
from .types import Step, Subgoal

IN_MEMORY = 256
"""The newest steps, which need no file."""


class KeptSteps(Sequence[Step]):
    """A sequence of steps, as a tuple of them in all but memory."""

    def __init__(self, path: Path):
        self._path = path
        self._places: array[int] = array("Q")
        """Byte offset of each step's line in the file: 8 bytes a step is all that grows."""
        self._newest: deque[Step] = deque(maxlen=IN_MEMORY)

    def add(self, step: Step, place: int) -> None:
        """One more, whose line begins at byte `place` of the file."""
        self._places.append(place)
        self._newest.append(step)

    def cut(self, count: int) -> int | None:
        """Forget all but the first `count`; where the first that is gone began, None if there is none."""
        if count >= len(self._places):
            return None
        end = self._places[count]
        newest = [self[i] for i in range(max(0, count - IN_MEMORY), count)]
        del self._places[count:]
        self._newest = deque(newest, maxlen=IN_MEMORY)
        return end

    def of(self, subgoal: Subgoal) -> tuple[Step, ...]:
        """The steps of a subgoal that is pursued now, oldest first: the newest ones, as long as they are its."""
        mine: list[Step] = []
        for step in reversed(self._newest):
            if step.subgoal != subgoal:
                break
            mine.append(step)
        return tuple(reversed(mine))

    @property
    def newest(self) -> tuple[Step, ...]:
        """Those in memory."""
        return tuple(self._newest)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Step: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Step, ...]: ...

    def __getitem__(self, index: int | slice) -> Step | tuple[Step, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        place = range(len(self))[index]  # counts from the end, and knows where it is
        held = place - (len(self) - len(self._newest))
        return self._newest[held] if held >= 0 else self._read(place)

    def __iter__(self) -> Iterator[Step]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} steps of {self._path.parent.name}>"

    def _read(self, index: int) -> Step:
        with self._path.open("rb") as file:
            file.seek(self._places[index])
            return from_json(Step, json.loads(file.readline())["step"])


def copy_beginning(path: Path, end: int, to: Path) -> None:
    """The first `end` bytes of a file into another, which is on disk when this returns."""
    with path.open("rb") as old, to.open("wb") as new:
        left = end
        while left and (part := old.read(min(left, 1 << 20))):
            left -= len(part)
            new.write(part)
        new.flush()
        os.fsync(new.fileno())


def read_lines(path: Path) -> Iterator[tuple[int, int, Any]]:
    """Number, byte offset and line (bytes) of each whole line; one that was cut short by a crash is left out."""
    place = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            yield number, place, line
            place += len(line)
