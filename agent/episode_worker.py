"""A worker process of `doable serve`: one episode after the other, told and telling by lines of JSON.

in:   {"config", "patience"}                                    first
      {"task": {"id", "goal", "mode", "settings", "run_id", "said"}}   begin, or go on with a run
      {"cancel": ID}   {"said": ID, "words": TEXT}   {"watch": ID, "on": bool}
out:  {"task": ID, "event": KIND, …}                           see `Telling`
      {"task": ID, "frame": BASE64}                            a picture, while somebody watches

The model and the values are loaded once and kept. When standard input ends, the process ends: what it was at can be
resumed. A person's word is waited for when everything before it is on disk, `patience` seconds long; then the worker
lets go of the task, and whoever takes it later is told what was said in the meantime.
"""

from __future__ import annotations

import base64
import io
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any, TextIO

from ..sim.physics_world import PhysicsWorld
from ..sim.views import shown
from .agent import Agent
from .album import album
from .bench_files import write_whole
from .codec import from_json
from .config import Config
from .parts import make_memory, make_model, make_values
from .report import page, spent_by, weighed
from .runs import RunFolder, runs_folder
from .task_store import Question, Said
from .terminal import plain, seen
from .turn import Turn
from .types import Step

FRAME = (400, 300)
_FRAME_EVERY = 0.25
"""Seconds on the clock between two pictures for somebody who watches."""


class Stop(BaseException):
    """The task is to stop; what was done so far stays. No error, so nothing on the way takes it for one."""


class Left(BaseException):
    """Nobody answers: the task waits without its worker. No error either."""


class Worker:
    """Runs tasks from `commands` and tells of them on `out`."""

    def __init__(self, config: Config, out: TextIO, patience: float):
        self._config, self._out, self._patience = config, out, patience
        self._tasks: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._stopped: set[str] = set()
        self._watched: set[str] = set()
        self._lock = threading.Lock()
        self._model: Any = None
        self._values: Any = None
        self._memory: Any = None

    def listen(self, commands: TextIO) -> None:
        """Take commands until there are no more; then end the process, for nobody is there to be told."""
        for line in commands:
            command = json.loads(line)
            if "task" in command:
                self._tasks.put(command["task"])
            elif "cancel" in command:
                self._stopped.add(command["cancel"])
                self._answers.put(None)
            elif "said" in command:
                self._answers.put(command["words"])
            elif "watch" in command:
                (self._watched.add if command["on"] else self._watched.discard)(command["watch"])
        os._exit(0)  # a checkpoint is on disk; the episode goes on when somebody resumes it

    def run(self) -> None:
        """Run tasks for ever."""
        while task := self._tasks.get():
            try:
                self._episode(task)
            except Stop as stop:
                self.tell(task["id"], "cancelled", reason=str(stop))
            except Left:
                self.tell(task["id"], "left")
            except Exception as error:  # whatever it is, the next task must not suffer
                self.tell(task["id"], "failed", reason=f"{type(error).__name__}: {error}")
            self._watched.discard(task["id"])

    def tell(self, task: str, event: str, **data: Any) -> None:
        """One line out."""
        self._write({"task": task, "event": event, **data})

    def show(self, task: str, world: PhysicsWorld) -> None:
        """A picture of now."""
        file = io.BytesIO()
        from PIL import Image

        Image.fromarray(shown(world, "overview", *FRAME)).save(file, "JPEG", quality=75)
        self._write({"task": task, "frame": base64.b64encode(file.getvalue()).decode()})

    def _write(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._out.write(json.dumps(message, ensure_ascii=True, allow_nan=False) + "\n")
            self._out.flush()

    def stopped(self, task: str) -> bool:
        """Is the task to stop?"""
        return task in self._stopped

    def watched(self, task: str) -> bool:
        """Does somebody look on?"""
        return task in self._watched

    def ask(self, task: str, turn: int, question: Question) -> str:
        """A person's words on a question, waited for. Raises `Stop` if the task is to stop, `Left` if none come."""
        while not self._answers.empty():  # what was said before the question does not count
            self._answers.get_nowait()
        if not self.stopped(task):
            self.tell(task, "waiting", turn=turn, question=asdict(question))
        try:
            words = None if self.stopped(task) else self._answers.get(timeout=self._patience)
        except queue.Empty:
            raise Left from None
        if words is None:
            raise Stop("it was cancelled")
        return words

    def _episode(self, task: dict[str, Any]) -> None:
        config = replace(self._config, **task["settings"])
        folder = runs_folder(config.runs)
        if task.get("run_id"):
            header = RunFolder.find(folder, task["run_id"]).read().header
            config = replace(header.config, runs=config.runs, memory=config.memory)
        self._stopped.discard(task["id"])
        said = Said(**task["said"]) if task["said"] else None
        telling = Telling(self, task["id"], leave=task["mode"] == "ask", said=said)
        self._model = self._model or make_model(config)
        self._values = self._values or make_values(config)
        self._memory = self._memory or make_memory(config)
        agent = Agent(
            config=config, watcher=telling, model=self._model, values=self._values, memory=self._memory,
            person=None if task["mode"] == "auto" else telling.which,
        )  # fmt: skip
        world = agent.world
        telling.agent = agent
        made = None
        with ExitStack() as stack:
            if isinstance(world, PhysicsWorld):
                stack.callback(world.close)
                world.physics.on_step.append(lambda: telling.moved(world))
            try:
                with album(world, telling, max_steps=config.max_steps) as (made, agent.watcher):
                    steps = agent.stream_resumed(task["run_id"]) if task.get("run_id") else agent.stream(task["goal"])
                    for step in steps:
                        self.tell(task["id"], "step", **told(step))
            finally:
                if agent.run_id and made:
                    run = RunFolder.find(folder, agent.run_id)
                    if made.film:
                        (run.folder / "film.mp4").write_bytes(made.film)
                    write_whole(run.folder / "report.html", page(run.read(), made, spent=spent_by(run)))
        result = agent.result
        self.tell(task["id"], "ended", status=result.status, reason=result.reason, seconds=result.seconds)


class Telling:
    """The `Watcher` of a task: tells of choices, asks a person where it should, and stops where it must."""

    def __init__(self, worker: Worker, task: str, *, leave: bool, said: Said | None = None):
        self._worker, self._task, self._leave, self._said = worker, task, leave, said
        self._began = False
        self._turn = 0
        self._said_which = 0
        """The newest turn in which a person said which one is meant."""
        self._shown = 0.0
        self.agent: Agent | None = None

    def loading(self, what: str) -> None:
        """Something slow begins."""
        self._worker.tell(self._task, "loading", what=what)

    def phase(self, name: str, turn: Turn) -> None:
        """Between two phases all is on disk: here one can stop, or wait."""
        if not self._began and self.agent is not None:
            self._began = True
            self._worker.tell(self._task, "began", run_id=self.agent.run_id)
        self._stop()
        if name not in ("choose", "ask"):
            return
        decision, self._turn = turn["decision"], turn["index"] + 1
        self._worker.tell(self._task, "chose", **_choice(turn))
        if self._leave and decision.kind == "act" and self._said_which != self._turn:
            question = Question("approve", f"{decision.phrase}?", ("yes", "no"))
            if self._ask(question) != "yes":
                raise Stop(f"a person said no to {decision.phrase!r}")
            self._worker.tell(self._task, "approved", turn=self._turn, phrase=decision.phrase)

    def which(self, question: str, options: Sequence[str]) -> str:
        """The `Person` of a task: which one is meant."""
        words = self._ask(Question("answer", question, tuple(options)))
        self._said_which = self._turn
        return words

    def _ask(self, question: Question) -> str:
        """What was said to this question while no worker was at the task, else what is said now."""
        said, self._said = self._said, None
        if said and said.text == question.text:
            return said.words
        return self._worker.ask(self._task, self._turn, question)

    def moved(self, world: PhysicsWorld) -> None:
        """After each physics step: stop within a skill, and show what happens."""
        self._stop()
        if self._worker.watched(self._task) and time.monotonic() - self._shown > _FRAME_EVERY:
            self._worker.show(self._task, world)
            self._shown = time.monotonic()

    def _stop(self) -> None:
        if self._worker.stopped(self._task):
            raise Stop("it was cancelled")


def _choice(turn: Turn) -> dict[str, Any]:
    """What was weighed and chosen, before it is done."""
    step = Step(
        index=turn["index"], goal="", subgoal=turn["subgoals"][turn["current"]], observation=turn["observation"],
        recalled=turn["recalled"], candidates=turn["candidates"], decision=turn["decision"], outcome=None, verdict=None,
    )  # fmt: skip
    return told(step)


def told(step: Step) -> dict[str, Any]:
    """A turn as events tell it: the best candidates, the choice, and what came of it."""
    outcome, verdict = step.outcome, step.verdict
    return {
        "turn": step.index + 1,
        "subgoal": plain(step.subgoal.text),
        "sees": seen(step.observation),
        "kind": step.decision.kind,
        "phrase": step.decision.phrase,
        "why": plain(step.decision.reason),
        "candidates": [
            {**row, **{name: round(row[name], 4) for name in ("say", "can", "both")}} for row in weighed(step, 5)
        ],
        "outcome": outcome and {"status": outcome.status, "reason": plain(outcome.reason), "seconds": outcome.seconds},
        "check": verdict and {
            "then": verdict.then, "explanation": plain(verdict.explanation),
            "facts": [{"name": fact.name, "holds": fact.holds} for fact in verdict.facts],
        },
        "recalled": [plain(record.text) for record in step.recalled],
    }  # fmt: skip


def main() -> None:
    """The process: config and patience as JSON in the first line, commands after it."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not get between the lines
    told = json.loads(sys.stdin.readline())
    worker = Worker(from_json(Config, told["config"]), out, told["patience"])
    threading.Thread(target=worker.listen, args=(sys.stdin,), daemon=True).start()
    worker._write({"ready": True})
    worker.run()


if __name__ == "__main__":
    main()
