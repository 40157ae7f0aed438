"""The worker processes of `doable serve`: who works on what, what they tell, and what to do when one dies.

Everything here runs on one event loop. What a worker tells is written to the store before anybody hears of it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sys
from collections import defaultdict
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from .codec import to_json
from .config import Config
from .person import NONE, picked
from .task_store import ACTIVE, NoSuchAnswer, NotAsking, Question, Said, TaskRow, TaskStore

ATTEMPTS = 3
"""Workers that may die of a task before it is given up."""
_LINE = 8 * 2**20
"""Longest line that a worker may write, bytes."""
_LOOK = 5.0
"""Seconds for which a look makes a worker take pictures."""
_PAUSE = 1.0
"""Seconds before a worker that died is replaced."""
_OVER: dict[str, Any] = {"stopping": 0, "question": None, "said": None}
"""What a task that is over no longer does."""


class Pool:
    """Starts `count` workers, gives them the tasks in the store, and keeps the store true.

    `patience`: seconds for which a worker waits for a person before it lets go of a task, which then waits without it.
    """

    def __init__(self, store: TaskStore, config: Config, count: int, folder: Path, patience: float = 20.0):
        self.store = store
        self._patience = patience
        self.runs = Path(config.runs) if config.runs else folder / "runs"
        self.frames: dict[str, bytes] = {}
        """The newest picture (JPEG) of each task that is at work."""
        self.ready = 0
        """Workers that can take a task or are at one."""
        self._configs = [_own(config, self.runs, folder, i) for i in range(count)]
        self._idle: asyncio.Event = asyncio.Event()
        self._at_work: dict[str, asyncio.StreamWriter] = {}
        self._changed: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._looking: set[str] = set()
        self._jobs: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Queue again what an earlier server was at, and begin."""
        self.store.recover()
        self._jobs = [asyncio.create_task(self._keep(config)) for config in self._configs]

    async def close(self) -> None:
        """End the workers; what they were at goes on when a server starts again."""
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    def wake(self) -> None:
        """There may be something to do."""
        self._idle.set()

    def changed(self, task: str) -> asyncio.Event:
        """Set when the task's next event is in the store; a new one each time."""
        return self._changed[task]

    def announce(self, task: str) -> None:
        """Tell those who wait that the task has a new event."""
        if event := self._changed.pop(task, None):
            event.set()

    def cancel(self, task: str) -> TaskRow:
        """Cancel a task, in the queue or at work. Raises `Conflict`."""
        row = self.store.cancel(task)
        self._send(task, {"cancel": task})
        if row.state == "waiting" and task not in self._at_work:
            row = self._cancelled(task)
        self.announce(task)
        return row

    def approve(self, task: str, yes: bool) -> None:
        """Give a person's yes or no to the skill that waits. Raises `NotAsking`."""
        words = "yes" if yes else "no"
        self._said(task, self._asked(task, "approve"), words, f"said {words}", {})

    def answer(self, task: str, words: str) -> None:
        """Give a person's answer to the question that waits. Raises `NotAsking`, `NoSuchAnswer`."""
        question = self._asked(task, "answer")
        if question.options and words.strip().lower() != NONE and picked(words, question.options) is None:
            raise NoSuchAnswer(f"Expected one of {', '.join(map(repr, question.options))}, or {NONE!r}; got {words!r}.")
        self._said(task, question, words, "answered", {"answer": words})

    def _asked(self, task: str, kind: Literal["approve", "answer"]) -> Question:
        """What a task asks now, if it is of this kind. Raises `NotAsking`."""
        row = self.store.get(task)
        state = row.state if row else "unknown"
        question = row.question if row else None
        if row and question and state == "waiting" and not row.stopping:
            if question.kind == kind:
                return question
            raise NotAsking(f"Expected a task that waits for …/{kind}, this one waits for …/{question.kind}.")
        raise NotAsking(f"Expected a task that waits for a person, this one is {state}.")

    def _said(self, task: str, question: Question, words: str, event: str, data: dict[str, Any]) -> None:
        """Pass it on to the worker that waits, or queue the task: the worker that takes it is told what was said."""
        waits = task in self._at_work
        on = {"state": "running"} if waits else {"state": "queued", "queued": 0.0, "attempts": 0}
        said = json.dumps(asdict(Said(question.text, words)))
        self.store.tell(task, event, data, question=None, said=said, **on)
        self._send(task, {"said": task, "words": words})
        self.announce(task)
        self.wake()

    def look(self, task: str) -> None:
        """Somebody looks at a task: its worker takes pictures for the next `_LOOK` seconds."""
        if task in self._at_work and task not in self._looking:
            self._looking.add(task)
            self._send(task, {"watch": task, "on": True})
            asyncio.get_running_loop().call_later(_LOOK, self._look_away, task)

    def _look_away(self, task: str) -> None:
        self._looking.discard(task)
        self._send(task, {"watch": task, "on": False})

    def _send(self, task: str, message: dict[str, Any]) -> None:
        writer = self._at_work.get(task)
        if writer is not None and not writer.is_closing():
            writer.write(json.dumps(message).encode() + b"\n")

    async def _keep(self, config: Config) -> None:
        """Keep one worker alive for ever."""
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "doable.agent.episode_worker",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE,
            )  # fmt: skip
            assert process.stdin
            assert process.stdout
            try:
                told = {"config": to_json(config), "patience": self._patience}
                process.stdin.write(json.dumps(told).encode() + b"\n")
                await self._serve(process.stdin, process.stdout)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            await asyncio.sleep(_PAUSE)

    async def _serve(self, commands: asyncio.StreamWriter, lines: asyncio.StreamReader) -> None:
        """Give a worker one task after the other until it dies."""
        if not await lines.readline():
            return
        self.ready += 1
        try:
            while True:
                row = await self._next(lines)
                if row is None:
                    return
                self._at_work[row.id] = commands
                try:
                    over = await self._episode(row, commands, lines)
                finally:
                    self._at_work.pop(row.id, None)
                    self.frames.pop(row.id, None)
                if not over:
                    self._died(row.id)
                    return
        finally:
            self.ready -= 1

    async def _next(self, lines: asyncio.StreamReader) -> TaskRow | None:
        """The next task, when there is one; None if the worker died while it waited."""
        while not lines.at_eof():
            if row := self.store.take():
                return row
            self._idle.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), 1.0)
        return None

    async def _episode(self, row: TaskRow, commands: asyncio.StreamWriter, lines: asyncio.StreamReader) -> bool:
        """Pass a task on, and what is told of it back; False if the worker died of it."""
        self._send(row.id, {"task": {
            "id": row.id, "goal": row.goal, "mode": row.mode, "settings": row.settings, "run_id": row.run_id,
            "said": row.said and asdict(row.said),
        }})  # fmt: skip
        while line := await lines.readline():
            message = json.loads(line)
            task = message.pop("task", None)
            if task != row.id:
                continue
            if "frame" in message:
                self.frames[task] = base64.b64decode(message["frame"])
                continue
            kind = message.pop("event")
            if kind == "left":
                self._left(task)
                return True
            self.store.tell(task, kind, message, **_changes(kind, message))
            self.announce(task)
            if kind == "waiting" and (row_now := self.store.get(task)) and row_now.stopping:
                self._send(task, {"cancel": task})
            if kind in ("ended", "cancelled", "failed"):
                return True
        return False

    def _left(self, task: str) -> None:
        """Its worker waited long enough for a person. What was said while it went is heard by the next one."""
        row = self.store.get(task)
        if row and row.stopping:
            self._cancelled(task)
        elif row and row.state == "running":
            self.store.tell(task, "queued", {"again": True}, state="queued", queued=0.0, attempts=0)
            self.announce(task)
            self.wake()

    def _cancelled(self, task: str) -> TaskRow:
        """Nobody is at it any more, so it stops by itself."""
        self.store.tell(task, "cancelled", {}, state="cancelled", reason="it was cancelled", **_OVER)
        self.announce(task)
        row = self.store.get(task)
        assert row
        return row

    def _died(self, task: str) -> None:
        row = self.store.get(task)
        if row is None or row.state not in ACTIVE:
            return
        if row.stopping:
            self._cancelled(task)
        elif row.state == "waiting":
            return
        elif row.attempts >= ATTEMPTS:
            why = f"{ATTEMPTS} workers died of it"
            self.store.tell(task, "failed", {"reason": why}, state="failed", reason=why, **_OVER)
        else:
            self.store.tell(task, "queued", {"again": True}, state="queued", queued=0.0)
        self.announce(task)
        self.wake()


def _changes(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """What an event of a worker changes of its task."""
    match kind:
        case "began":
            return {"run_id": data["run_id"]}
        case "waiting":
            return {"state": "waiting", "question": json.dumps(data["question"]), "said": None}
        case "step":
            return {"said": None}
        case "ended":
            return {"state": "ended", "status": data["status"], "reason": data["reason"], **_OVER}
        case "cancelled" | "failed":
            return {"state": kind, "reason": data["reason"], **_OVER}
        case _:
            return {}


def _own(config: Config, runs: Path, folder: Path, number: int) -> Config:
    """The config of one worker: a memory folder of its own, for one process at a time can have one open; all share a
    memory server."""
    memory = config.memory or str(folder / "memory")
    if not memory.startswith(("http://", "https://")):
        memory = str(Path(memory) / f"worker-{number + 1}")
    return replace(config, runs=str(runs), memory=memory, gui=False)
