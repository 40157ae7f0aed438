"""`doable bench kills`: does a run that is killed at any instant, and resumed, end as if nothing had happened?

An episode of the symbolic world, in which skills fail now and then, is run once to its end, counting all function
calls that it makes. Then it is run `n` times in processes that kill themselves (SIGKILL) at one of these calls, drawn
by the seed, and resumed in others. The same: result, every step, the state of the world, its clock (so no skill was
done twice in it), and every record of memory.

What was killed before there was a run to resume is told apart: nothing had been done. Of a run that had ended, the
world is not made again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from ..memory.embedding import HashEmbedder
from ..memory.store import Memory
from ..sim.codec import to_json
from ..sim.symbolic import SymbolicWorld
from ..skills.baselines import DeclaredValues
from .agent import Agent
from .bench_files import appending, as_json, results_folder, write_whole
from .config import Config
from .language_model import ScriptedModel
from .origin import origin
from .statistics import wilson

GOAL = "bring me the sponge"
PLAN = ("find the sponge", "pick up the sponge", "bring it to you", "put down the sponge", "done")
_FAILURES, _SEED = 0.3, 4
"""Three of the episode's nine skills fail."""
_BEGAN = 1e9
"""Unix seconds at which all runs begin, so that their records can be compared."""


@dataclass(frozen=True)
class Kill:
    """One kill."""

    number: int
    call: int
    """The function call at which the process was killed."""
    steps: int
    """Turns that were in the journal then; -1: there was no run yet."""
    same: bool
    """Did the resumed run end as the one that was left alone?"""
    differs: str
    """In what it did not."""


def run_kills_benchmark(
    out: str | Path, *, n: int, seed: int = 0, progress: Callable[[int, int], None] = lambda done, total: None
) -> str:
    """Kill and resume `n` runs; writes rows.jsonl, summary.json, table.md, origin.json into `out`. The table.

    Rows that are there are not done again.
    """
    out = results_folder(out)
    with _folder() as folder:
        calls = _in_child(_pursue, folder)
    with _folder() as folder:
        unkilled = _in_child(_essence, folder, False)
    assert isinstance(calls, int), calls
    assert isinstance(unkilled, dict), unkilled
    rng = np.random.default_rng(seed)
    kills = _read(out / "rows.jsonl")[:n]
    with appending(out / "rows.jsonl") as file:
        for number, call in enumerate(rng.integers(1, calls + 1, n)):
            if number < len(kills):
                continue
            kills.append(_kill(number, int(call), unkilled))
            file.write(json.dumps(asdict(kills[-1])) + "\n")
            file.flush()
            progress(number + 1, n)
    figures, table = summarise(kills, calls)
    write_whole(out / "summary.json", as_json(figures))
    write_whole(out / "table.md", table)
    write_whole(out / "origin.json", as_json(origin(seed=seed, n=n, goal=GOAL)))
    return table


def _read(path: Path) -> list[Kill]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [Kill(**json.loads(line)) for line in lines if line.endswith("}")]


def summarise(kills: list[Kill], calls: int) -> tuple[dict[str, float], str]:
    """The figures by name, and a table of where runs were killed."""
    resumed = [kill for kill in kills if kill.steps >= 0]
    same = wilson(sum(kill.same for kill in resumed), len(resumed))
    figures = {"n": len(kills), "resumed": len(resumed), "same": same.value, "same.low": same.low, "calls": calls}
    lines = ["| killed after | n | ended the same |", "| --- | ---: | ---: |"]
    for steps in sorted({kill.steps for kill in kills}):
        there = [kill for kill in kills if kill.steps == steps]
        where = "nothing was begun" if steps < 0 else "1 turn" if steps == 1 else f"{steps} turns"
        lines.append(f"| {where} | {len(there)} | {sum(kill.same for kill in there)} |")
    lines += ["", f"Of {len(resumed)} that were resumed: {same}, at random ones of {calls:,} function calls."]
    return figures, "\n".join(lines) + "\n"


def _kill(number: int, call: int, unkilled: Any) -> Kill:
    with _folder() as folder:
        _in_child(_pursue, folder, call)
        found = [path for path in (folder / "runs").glob("*/journal.jsonl") if path.stat().st_size]
        steps = sum(line.startswith(b'{"step"') for line in found[0].read_bytes().splitlines()) if found else -1
        ended = _in_child(_essence, folder, bool(found))
    parts = ended if isinstance(ended, dict) else {"error": ended}
    differs = [name for name in unkilled if parts.get(name, "nothing") not in (unkilled[name], None)]
    return Kill(number, call, steps, not differs, ", ".join(differs) + str(parts.get("error", "")))


# In a child -----------------------------------------------------------------------------------------------------------


def _agent(folder: Path) -> Agent:
    def say(prompt: str, continuation: str) -> float:
        done = prompt.count("\nDone.")
        return -0.1 if continuation.strip() == PLAN[min(done, len(PLAN) - 1)] else -9.0

    world = SymbolicWorld(failure_rate=_FAILURES)
    world.reset(seed=_SEED)
    memory, config = Memory(folder / "memory", HashEmbedder()), Config(runs=str(folder / "runs"))
    return Agent(world, ScriptedModel(say), memory, DeclaredValues(), config=config, clock=lambda: _BEGAN)


def _pursue(folder: Path, kill_at: int = 0) -> int:
    """Run the episode; how many function calls that took."""
    agent = _agent(folder)
    return _counted(lambda: agent.run(GOAL), kill_at)


def _essence(folder: Path, resume: bool) -> dict[str, Any]:
    """All that has to be the same, after the run in `folder` was resumed, or begun where there is none."""
    agent = _agent(folder)
    runs = folder / "runs"
    journal = next(runs.glob("*/journal.jsonl")) if resume else None
    ended = journal is not None and b'{"result"' in journal.read_bytes()
    result = agent.resume(journal.parent.name) if journal else agent.run(GOAL)
    steps = [to_json((s.index, s.decision, s.candidates, s.outcome, s.verdict, s.after)) for s in result.steps]
    records = sorted((r.text, r.time, r.kind, r.outcome or "") for r in agent.memory.all())
    return {
        "result": [result.status, result.reason, result.seconds],
        "steps": steps,
        "world": None if ended else [to_json(agent.world.observe()), agent.world.time],
        "records": [list(record) for record in records],
    }


def _counted(work: Callable[[], Any], kill_at: int = 0) -> int:
    """How many function calls `work` makes in all threads; at call `kill_at` (from 1) the process is killed."""
    count = 0

    def look(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(look)
    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return count


def _in_child(work: Callable[..., Any], folder: Path, *given: Any) -> Any:
    """What `work` gives in a process of its own, by way of JSON; None if that was killed; a text: its error."""
    told = folder / "told.json"
    told.unlink(missing_ok=True)
    child = _processes().Process(target=_tell, args=(told, work, folder, *given))
    child.start()
    child.join()
    child.close()
    return json.loads(told.read_text(encoding="utf-8")) if told.exists() else None


def _tell(told: Path, work: Callable[..., Any], *given: Any) -> None:
    try:
        answer = work(*given)
    except Exception as error:  # whatever it is, it is told
        answer = f"{type(error).__name__}: {error}"
    write_whole(told, json.dumps(answer))


@cache
def _processes() -> Any:
    """Children of a process without threads that has all modules already: a fork of this one might hang."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@contextlib.contextmanager
def _folder() -> Any:
    folder = Path(tempfile.mkdtemp(prefix="doable-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
