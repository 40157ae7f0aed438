"""The folder of a run: journal.jsonl, checkpoints.sqlite and the newest snapshots of the world.

A snapshot is written whole, and is on disk before any checkpoint names it; so a resumed run finds the world that its
checkpoint speaks of, and no action is repeated in a world that already had it.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import platformdirs
from langgraph.checkpoint.sqlite import SqliteSaver

from .codec import StateSerializer
from .journal import Journal, JournalError

_KEPT = 6
"""Snapshots kept; a turn writes three, and the newest checkpoint names one of the newest two."""
_TURNS = 200
"""Turns whose beginning is kept to go back to."""
_BEGINNING = "1-observe"
_SECOND = "20260101-120000"
"""What a run's id begins with: when it began."""


class _NewestOnly(SqliteSaver):
    """A saver that keeps the newest checkpoint and the one before it, so that a long run's file stays small."""

    def put(self, config, checkpoint, metadata, new_versions):  # type: ignore[override]
        saved = super().put(config, checkpoint, metadata, new_versions)
        before = config.get("configurable", {}).get("checkpoint_id", "")
        with self.cursor() as cursor:
            # Checkpoint ids grow with time.
            for table in ("checkpoints", "writes"):
                cursor.execute(f"DELETE FROM {table} WHERE checkpoint_id < ?", (before,))
        return saved


class UnknownRun(ValueError):
    """A run id that names no run; the message gives the nearest one."""


class CorruptRun(ValueError):
    """A run that can't be resumed; the message says why and where it was set aside."""


def runs_folder(path: str | Path | None = None) -> Path:
    """Where runs are kept: `path`, or the user's data folder."""
    return Path(path) if path else Path(platformdirs.user_data_dir("doable")) / "runs"


def newest(runs: Path, count: int) -> Iterator[tuple[str, Journal]]:
    """Id and journal of the newest runs that can be read, newest first."""
    found = (p for p in runs.iterdir() if p.is_dir()) if runs.is_dir() else ()
    # Of runs that began in the same second, the one that was written to last.
    folders = sorted(found, key=lambda p: (p.name[: len(_SECOND)], p.stat().st_mtime_ns), reverse=True)
    read = 0
    for path in folders:
        if read == count:
            return
        with suppress(JournalError):
            yield path.name, Journal.read(RunFolder(path).journal)
            read += 1


class RunFolder:
    """One run on disk."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.journal = folder / "journal.jsonl"
        self._snapshots = folder / "snapshots"

    @property
    def run_id(self) -> str:
        return self.folder.name

    @classmethod
    def create(cls, runs: Path) -> RunFolder:
        """A new run with an id of its own: its date and four random letters."""
        run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        run = cls(runs / run_id)
        run._snapshots.mkdir(parents=True)
        return run

    @classmethod
    def find(cls, runs: Path, run_id: str) -> RunFolder:
        """The run of an id. Raises `UnknownRun`."""
        known = sorted(p.name for p in runs.iterdir() if p.is_dir()) if runs.is_dir() else []
        if run_id not in known:
            near = difflib.get_close_matches(run_id, known, n=1) or known[-1:]
            hint = f"Did you mean {near[0]!r}?" if near else "There is none yet; start one with: doable run GOAL"
            raise UnknownRun(f"Expected the id of a run in {runs}, got {run_id!r}. {hint}")
        return cls(runs / run_id)

    def read(self) -> Journal:
        """The journal. Raises `CorruptRun`, the run set aside, if it can't be read."""
        try:
            return Journal.read(self.journal)
        except JournalError as error:
            raise self.set_aside(error) from error

    @contextmanager
    def checkpoints(self) -> Iterator[SqliteSaver]:
        """The run's checkpoints. Raises `CorruptRun`, the run set aside, for a file that holds none."""
        with closing(sqlite3.connect(self.folder / "checkpoints.sqlite", check_same_thread=False)) as connection:
            saver = _NewestOnly(connection, serde=StateSerializer())
            try:
                saver.setup()
            except sqlite3.OperationalError:  # a full disk or a lock, not what the file holds
                raise
            except sqlite3.DatabaseError as error:
                raise self.set_aside(error) from error
            yield saver

    def save(self, name: str, snapshot: bytes) -> str:
        """Keep a snapshot of the world; its id. It is on disk when this returns."""
        snapshot_id = f"{name}-{hashlib.sha256(snapshot).hexdigest()[:12]}"
        path = self._snapshots / snapshot_id
        half = path.with_suffix(".half")
        with half.open("wb") as file:
            file.write(snapshot)
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
        # The first one stays: a run without a checkpoint starts from it.
        old = sorted(p for p in self._snapshots.iterdir() if p.suffix != ".half")[1:-_KEPT]
        beginnings = [p for p in old if _BEGINNING in p.name]
        for path in {*old} - {*beginnings[-_TURNS:]}:
            path.unlink()
        return snapshot_id

    def beginning(self, turn: int) -> bytes:
        """The world at the beginning of a turn, counted from 0. Raises ValueError if it is not kept."""
        found = sorted(p.name for p in self._snapshots.iterdir() if p.name.startswith(f"{turn:05d}-{_BEGINNING}"))
        if not found:
            raise ValueError(f"Expected a turn whose world is kept, got {turn + 1}. The newest {_TURNS} turns are.")
        return self.load(found[-1])

    def load(self, snapshot_id: str) -> bytes:
        """A snapshot by its id. Raises ValueError if it is missing or not what was saved."""
        path = self._snapshots / snapshot_id
        if not path.is_file():
            raise ValueError(f"the snapshot {snapshot_id} is missing")
        snapshot = path.read_bytes()
        if not snapshot_id.endswith(hashlib.sha256(snapshot).hexdigest()[:12]):
            raise ValueError(f"the snapshot {snapshot_id} is not what was saved")
        return snapshot

    def set_aside(self, reason: object) -> CorruptRun:
        """Rename the folder, never delete it; the error to raise."""
        aside = self.folder.with_name(f"{self.run_id}.corrupt-{datetime.now(UTC):%Y%m%d-%H%M%S}")
        os.replace(self.folder, aside)
        return CorruptRun(f"The run {self.run_id} can't be resumed: {reason}. It was set aside as {aside}.")
