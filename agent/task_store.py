"""The tasks of the HTTP API on disk: what was asked, how it stands, and every event in order; SQLite, one file.

A task is written before its creation is answered, and an event before anybody hears of it; so a server that was
killed knows all that it ever said. Events are numbered from 1 within a task, without gaps.

     queued ─► running ─► ended          waiting: until a person has said yes or no, or which one;
      ▲ ▲        │  ▲ ▼                  a while with its worker, then without one
      │ └────────┼─ waiting
      └──────────┴─► cancelled, failed   both can be resumed
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

Mode = Literal["auto", "unclear", "ask"]
State = Literal["queued", "running", "waiting", "cancelled", "failed", "ended"]
STATES: tuple[State, ...] = get_args(State)
ACTIVE: tuple[State, ...] = ("running", "waiting")
OVER: tuple[State, ...] = ("cancelled", "failed", "ended")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, client TEXT NOT NULL, goal TEXT NOT NULL,
    mode TEXT NOT NULL, settings TEXT NOT NULL, state TEXT NOT NULL, status TEXT, reason TEXT, run_id TEXT,
    created REAL NOT NULL, updated REAL NOT NULL, queued REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    stopping INTEGER NOT NULL DEFAULT 0, key TEXT, body TEXT, question TEXT, said TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS by_key ON tasks (client, key) WHERE key IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_state ON tasks (state, queued);
CREATE TABLE IF NOT EXISTS events (
    task TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, time REAL NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (task, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS served (client TEXT PRIMARY KEY, time REAL NOT NULL);
"""


class Conflict(ValueError):
    """What is asked does not fit how the task stands; the message says how it stands."""


class NotAsking(Conflict):
    """A task that asks nothing now, or something else."""


class NoSuchAnswer(Conflict):
    """An answer that is none to the question."""


class QueueFull(ValueError):
    """There is no room for another task now."""


@dataclass(frozen=True)
class Question:
    """What a person is asked."""

    kind: Literal["approve", "answer"]
    """'approve': whether to do a skill; 'answer': which of the options is meant, or without any what in a person's own
    words."""
    text: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """What a person said to the question of this text."""

    text: str
    words: str


@dataclass(frozen=True)
class TaskRow:
    """A task as it stands."""

    number: int
    """Grows with every task; the order of lists."""
    id: str
    client: str
    goal: str
    mode: Mode
    settings: dict[str, Any]
    state: State
    status: str | None
    """How it ended: reached, refused or stopped; None until then."""
    reason: str | None
    run_id: str | None
    created: float
    """Unix seconds, as `updated`."""
    updated: float
    attempts: int
    """How often a worker took it."""
    stopping: bool
    """It was asked to stop, and its worker has not yet."""
    question: Question | None
    """What a person is asked; kept over a restart of the server."""
    said: Said | None
    """What was said to the last one, until a worker has acted on it."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a task; `number` counts from 1."""

    number: int
    kind: str
    time: float
    data: dict[str, Any]


class TaskStore:
    """All tasks. Safe to use from several threads of one process."""

    def __init__(self, path: Path, *, most_queued: int = 100):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._most_queued = most_queued
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        known = {row["name"] for row in self._db.execute("PRAGMA table_info(tasks)")}
        for name in ("question", "said"):
            if name not in known:  # a file of an earlier version
                self._db.execute(f"ALTER TABLE tasks ADD COLUMN {name} TEXT")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def create(
        self, client: str, goal: str, mode: str, settings: dict[str, Any], key: str | None = None
    ) -> tuple[TaskRow, bool]:
        """A new task in the queue, and True; the one that was made with the same idempotency key, and False.

        Raises `Conflict` for a key that was used for something else, `QueueFull` when there is no room.
        """
        body = json.dumps([goal, mode, settings], sort_keys=True, ensure_ascii=False)
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if key is not None:
                row = self._db.execute("SELECT * FROM tasks WHERE client=? AND key=?", (client, key)).fetchone()
                if row is not None:
                    if row["body"] != body:
                        raise Conflict(
                            "Expected the body that this Idempotency-Key was first used with. Take a new key."
                        )
                    return _task(row), False
            self._room()
            now, task = time.time(), secrets.token_hex(8)
            self._db.execute(
                "INSERT INTO tasks (id, client, goal, mode, settings, state, created, updated, queued, key, body) "
                "VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?)",
                (task, client, goal, mode, json.dumps(settings), now, now, now, key, body),
            )
            self._tell(task, "queued", {"goal": goal})
            return self._get(task), True

    def get(self, task: str) -> TaskRow | None:
        """The task of an id."""
        with self._lock:
            row = self._db.execute("SELECT * FROM tasks WHERE id=?", (task,)).fetchone()
        return None if row is None else _task(row)

    def list(self, *, state: str | None = None, before: int | None = None, limit: int = 50) -> Sequence[TaskRow]:
        """Tasks, newest first, with a number below `before`."""
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM tasks WHERE (? IS NULL OR state=?) AND number < ? ORDER BY number DESC LIMIT ?",
                (state, state, before or 2**62, limit),
            ).fetchall()
        return [_task(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many tasks there are of each state."""
        with self._lock:
            found = dict(self._db.execute("SELECT state, COUNT(*) FROM tasks GROUP BY state").fetchall())
        return {state: found.get(state, 0) for state in STATES}

    def events(self, task: str, after: int = 0, limit: int = 500) -> Sequence[Event]:
        """The events of a task with numbers above `after`, in order."""
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM events WHERE task=? AND number>? ORDER BY number LIMIT ?", (task, after, limit)
            ).fetchall()
        return [Event(r["number"], r["kind"], r["time"], json.loads(r["data"])) for r in rows]

    def take(self) -> TaskRow | None:
        """The task whose turn it is, now running: of the client with the fewest at work, then the longest unserved."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._db.execute(
                """SELECT t.id, t.client FROM tasks t LEFT JOIN served s ON s.client = t.client
                   WHERE t.state = 'queued'
                   ORDER BY (SELECT COUNT(*) FROM tasks a
                             WHERE a.client = t.client AND a.state = 'running'),
                            COALESCE(s.time, 0), t.queued, t.number LIMIT 1"""
            ).fetchone()
            if row is None:
                return None
            now = time.time()
            self._db.execute("INSERT OR REPLACE INTO served VALUES (?, ?)", (row["client"], now))
            self._db.execute(
                "UPDATE tasks SET state='running', attempts=attempts+1, updated=? WHERE id=?", (now, row["id"])
            )
            return self._get(row["id"])

    def tell(self, task: str, kind: str, data: dict[str, Any], **changes: Any) -> Event:
        """Note an event and what it changes of the task (columns by name), both or neither."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return self._tell(task, kind, data, **changes)

    def cancel(self, task: str) -> TaskRow:
        """Take it from the queue, or note that it is to stop. Raises `Conflict` if it is over."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._get(task)
            if row.state == "queued":
                self._tell(task, "cancelled", {}, state="cancelled", reason="it was cancelled in the queue")
            elif row.state in ACTIVE:
                if not row.stopping:
                    self._tell(task, "stopping", {}, stopping=1)
            else:
                raise Conflict(f"Expected a task that can be cancelled, this one is {row.state}.")
            return self._get(task)

    def requeue(self, task: str, kind: str) -> TaskRow:
        """Queue a task that was cancelled or failed, to go on. Raises `Conflict` for another, `QueueFull`."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._get(task)
            if row.state not in ("cancelled", "failed"):
                raise Conflict(f"Expected a task that was cancelled or failed, this one is {row.state}.")
            self._room()
            now = time.time()
            self._tell(task, kind, {}, state="queued", reason=None, stopping=0, attempts=0, queued=now, question=None,
                       said=None)  # fmt: skip
            return self._get(task)

    def recover(self) -> Sequence[TaskRow]:
        """Queue again what was at work when the server ended, first in the queue; what was to stop is cancelled.

        What waits for a person goes on waiting.
        """
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            rows = [_task(r) for r in self._db.execute("SELECT * FROM tasks WHERE state IN ('running', 'waiting')")]
            for row in rows:
                if row.stopping:
                    self._tell(row.id, "cancelled", {}, state="cancelled", stopping=0, question=None,
                               reason="it was cancelled")  # fmt: skip
                elif row.question is None:
                    self._tell(row.id, "queued", {"again": True}, state="queued", queued=0.0)
            return rows

    # Inside a transaction.

    def _get(self, task: str) -> TaskRow:
        return _task(self._db.execute("SELECT * FROM tasks WHERE id=?", (task,)).fetchone())

    def _room(self) -> None:
        [count] = self._db.execute("SELECT COUNT(*) FROM tasks WHERE state='queued'").fetchone()
        if count >= self._most_queued:
            raise QueueFull(f"Expected fewer than {self._most_queued} tasks in the queue. Try again later.")

    def _tell(self, task: str, kind: str, data: dict[str, Any], **changes: Any) -> Event:
        now = time.time()
        [last] = self._db.execute("SELECT COALESCE(MAX(number), 0) FROM events WHERE task=?", (task,)).fetchone()
        self._db.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?)", (task, last + 1, kind, now, json.dumps(data, allow_nan=False))
        )
        columns = {**changes, "updated": now}
        names = ", ".join(f"{name}=?" for name in columns)
        self._db.execute(f"UPDATE tasks SET {names} WHERE id=?", (*columns.values(), task))
        return Event(last + 1, kind, now, data)


def _task(row: sqlite3.Row) -> TaskRow:
    return TaskRow(
        number=row["number"],
        id=row["id"],
        client=row["client"],
        goal=row["goal"],
        mode=row["mode"],
        settings=json.loads(row["settings"]),
        state=row["state"],
        status=row["status"],
        reason=row["reason"],
        run_id=row["run_id"],
        created=row["created"],
        updated=row["updated"],
        attempts=row["attempts"],
        stopping=bool(row["stopping"]),
        question=_question(row["question"]),
        said=None if row["said"] is None else Said(**json.loads(row["said"])),
    )


def _question(text: str | None) -> Question | None:
    if text is None:
        return None
    data = json.loads(text)
    return Question(data["kind"], data["text"], tuple(data["options"]))
