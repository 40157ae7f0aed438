"""The journal of a run: one JSON object a line, whole lines only, safe on disk before the next turn begins.

{"run": {...}}      first: what the run was started with
{"step": {...}}     one a turn, with every candidate and both of its factors
{"result": {...}}   last: how it ended (absent while the run can still go on)
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .codec import from_json, to_json
from .config import Config
from .kept_steps import KeptSteps, copy_beginning, read_lines
from .types import Result, Step


class JournalError(ValueError):
    """A journal that can't be read; the message names the file, the line and the rule."""


@dataclass(frozen=True)
class Header:
    """What a run was started with."""

    run_id: str
    goal: str
    scene: str
    model: str
    config: Config
    started: float
    """Unix seconds; records of memory are dated from it by simulated time, so a resumed run dates them the same."""
    began: float
    """The world's simulated seconds at the start."""
    snapshot: str
    """The world at the start."""
    versions: tuple[str, ...] = ()
    """'package version' of what decides how a run goes."""
    fork_of: str | None = None
    """The run that its first steps are taken from."""
    taken: int = 0
    """How many."""
    remembers: float | None = None
    """Unix seconds: what memory has learned later, this run does not know. None: it knows all."""


@dataclass(frozen=True)
class Footer:
    """How a run ended."""

    status: Literal["reached", "refused", "stopped"]
    reason: str
    seconds: float


class Journal:
    """The file of one run, and its steps."""

    def __init__(self, path: Path, header: Header, steps: KeptSteps, footer: Footer | None = None):
        self.path, self.header, self.steps, self.footer = path, header, steps, footer

    @classmethod
    def start(cls, path: Path, header: Header) -> Journal:
        """A new journal. Raises FileExistsError rather than write over one."""
        with path.open("xb") as file:
            _write(file, "run", header)
        return cls(path, header, KeptSteps(path))

    @classmethod
    def read(cls, path: Path) -> Journal:
        """Read a journal; a last line that was cut short by a crash is left out. Raises `JournalError`."""
        header: Header | None = None
        footer: Footer | None = None
        steps = KeptSteps(path)
        try:
            for number, place, text in read_lines(path):
                try:
                    [(key, value)] = json.loads(text.decode("utf-8", "replace")).items()
                    match key:
                        case "run":
                            header = from_json(Header, value)
                        case "step":
                            steps.add(from_json(Step, value), place)
                        case "result":
                            footer = from_json(Footer, value)
                        case _:
                            raise ValueError(f"expected run, step or result, got {key!r}")
                except (ValueError, AttributeError) as error:
                    raise JournalError(f"{path.name}, line {number}: {error}") from error
        except OSError as error:
            raise JournalError(f"Expected a journal at {str(path)!r}: {error.strerror}.") from error
        if header is None:
            raise JournalError(f"{path.name}: expected a first line that says what was run, found none.")
        return cls(path, header, steps, footer)

    def keep(self, count: int) -> None:
        """Go back to the first `count` steps, without a footer; the file changes whole or not at all."""
        end = self.steps.cut(count)
        if end is None:
            end = _after_steps(self.path)
        self.footer = None
        half = self.path.with_suffix(".half")
        copy_beginning(self.path, end, half)
        os.replace(half, self.path)

    def append(self, step: Step) -> None:
        """Add a step; it is on disk when this returns."""
        with self.path.open("ab") as file:
            place = file.tell()
            _write(file, "step", step)
        self.steps.add(step, place)

    def close(self, footer: Footer) -> None:
        """Say how the run ended."""
        with self.path.open("ab") as file:
            _write(file, "result", footer)
        self.footer = footer

    def result(self) -> Result | None:
        """The run's result; None while it can go on."""
        if self.footer is None:
            return None
        return Result(
            run_id=self.header.run_id,
            goal=self.header.goal,
            status=self.footer.status,
            reason=self.footer.reason,
            steps=self.steps,
            seconds=self.footer.seconds,
        )


def line(key: str, value: Any) -> str:
    """One line of a journal, newline included."""
    return json.dumps({key: to_json(value)}, ensure_ascii=False, allow_nan=False) + "\n"


def _after_steps(path: Path) -> int:
    """Where the last step's line ends, in bytes: what stands behind it is a result, or half a line."""
    end = 0
    for _, place, text in read_lines(path):
        if not text.startswith(b'{"result"'):
            end = place + len(text)
    return end


def _write(file: Any, key: str, value: Any) -> None:
    file.write(line(key, value).encode("utf-8"))
    file.flush()
    os.fsync(file.fileno())
