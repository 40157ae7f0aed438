"""Load on the HTTP task API: many clients post, follow events, break off and come back; nothing may be lost.

The server runs as its own process in the symbolic world, with a scripted model, so what is measured is the server and
not a language model. Each client in turn posts a task (every third time twice, with the same idempotency key), reads
how it stands, follows its events (breaking off once in the middle), and looks at each event's number. Where the server
says "later" it comes back when it was told to; what broke off on the way it asks again, with the same key.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from .bench_files import as_json, results_folder, write_whole
from .origin import origin

_GOAL = "bring me the sponge"
_PLAN = "scripted:find the sponge;pick up the sponge;bring it to you;put down the sponge;done"
_OVER = ("ended", "cancelled", "failed")
_PATIENCE = 900.0
"""Seconds that a client waits for a task: how long it took is a figure, only what never comes is wrong."""


@dataclass
class Load:
    """What came of it."""

    clients: int
    seconds: float
    posted: set[str] = field(default_factory=set)
    """Ids of tasks that the server said it has."""
    finished: list[str] = field(default_factory=list)
    """Ids of tasks whose last event was heard."""
    events: int = 0
    busy: int = 0
    """Answers that the queue was full: told to come back, and came back."""
    broken: int = 0
    """Connections that broke off; what was asked on them was asked again."""
    tasks: list[float] = field(default_factory=list)
    """Seconds from a task's post to its last event."""
    reads: list[float] = field(default_factory=list)
    """Seconds of each read of a task."""
    writes: list[float] = field(default_factory=list)
    """Seconds of each post that was taken."""
    wrong: list[str] = field(default_factory=list)
    """Everything that should not have been: gaps, repeats, other answers."""

    def figures(self) -> dict[str, float]:
        """One flat object, figure name to number; times in seconds."""
        told: dict[str, float] = {
            "clients": self.clients, "seconds": self.seconds, "tasks": len(self.posted),
            "finished": len(self.finished), "events": self.events, "busy": self.busy, "broken": self.broken,
            "wrong": len(self.wrong),
        }  # fmt: skip
        for name, values in (("read", self.reads), ("write", self.writes), ("task", self.tasks)):
            if values:
                told |= {f"{name}.n": len(values)} | {f"{name}.p{q}": quantile(values, q / 100) for q in (50, 99)}
        return told

    def table(self) -> str:
        """For a terminal."""
        rows = "\n".join(f"| {name} | {value:g} |" for name, value in self.figures().items())
        return f"| figure | value |\n| --- | ---: |\n{rows}\n" + "".join(f"\nwrong: {text}" for text in self.wrong[:10])


def quantile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def bench_serve(out: Path, *, clients: int, seconds: float, workers: int) -> Load:
    """Put the load on a server of its own, write figures and origin into `out`."""
    out = results_folder(out)
    load = asyncio.run(_run(clients, seconds, workers))
    write_whole(out / "table.md", load.table())
    write_whole(out / "summary.json", as_json(load.figures()))
    write_whole(out / "origin.json", as_json(origin(parts={"world": "symbolic", "workers": str(workers)})))
    return load


async def _run(clients: int, seconds: float, workers: int) -> Load:
    load = Load(clients, seconds)
    with TemporaryDirectory(prefix="doable-load-") as folder:
        async with server(
            Path(folder), "--workers", str(workers), "--queue", str(max(clients // 2, 2)), "--rate", "0"
        ) as url:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=clients)
            async with httpx.AsyncClient(base_url=url, limits=limits, timeout=_PATIENCE, trust_env=False) as http:
                end = time.monotonic() + seconds
                await asyncio.gather(*(_client(http, load, number, end) for number in range(clients)))
                there = await _all(http)
    for text, ids in (("lost", load.posted - there.keys()), ("not asked for", there.keys() - load.posted),
                      ("not finished", load.posted - set(load.finished))):  # fmt: skip
        load.wrong += [f"{task}: {text}" for task in sorted(ids)]
    load.wrong += [f"{t}: {s}" for t, s in there.items() if s != "reached"]
    return load


async def _client(http: httpx.AsyncClient, load: Load, number: int, end: float) -> None:
    count = 0
    while time.monotonic() < end:
        try:
            await _task(http, load, f"client-{number}", count)
        except (httpx.HTTPError, AssertionError, TimeoutError) as error:
            load.wrong.append(f"client {number}, task {count}: {type(error).__name__}: {error}")
        count += 1


async def _task(http: httpx.AsyncClient, load: Load, client: str, count: int) -> None:
    headers = {"X-Client": client, "Idempotency-Key": f"{client}-{count}"}
    ids = set()
    for _ in range(2 if count % 3 == 0 else 1):
        while True:
            answer, took = await _asked(http, load, "POST", "/v1/tasks", json={"goal": _GOAL}, headers=headers)
            if answer.status_code != 503:
                break
            load.busy += 1
            await asyncio.sleep(float(answer.headers["retry-after"]) * random.uniform(0.5, 1.5))
        assert answer.status_code in (200, 201), answer.text
        load.writes.append(took)
        ids.add(answer.json()["id"])
        load.posted |= ids
    assert len(ids) == 1, f"one key made {ids}"
    [task] = ids
    began, last, kinds = time.perf_counter(), 0, []
    async with asyncio.timeout(_PATIENCE):
        for leave_after in itertools.chain(
            (3,), itertools.repeat(None)
        ):  # break off after three events, then come back
            try:
                async for number, kind in _events(http, task, last):
                    assert number == last + 1, f"{task}: event {number} after {last}"
                    last, kinds = number, [*kinds, kind]
                    if leave_after is not None and len(kinds) >= leave_after:
                        break
            except httpx.TransportError:
                load.broken += 1
            answer, took = await _asked(http, load, "GET", f"/v1/tasks/{task}")
            assert answer.status_code == 200, answer.text
            load.reads.append(took)
            if kinds and kinds[-1] in _OVER:
                break
    load.tasks.append(time.perf_counter() - began)
    assert [kind for kind in kinds if kind in _OVER] == ["ended"], f"{task}: {kinds}"
    load.events += len(kinds)
    load.finished.append(task)


async def _asked(
    http: httpx.AsyncClient, load: Load, method: str, path: str, **more: Any
) -> tuple[httpx.Response, float]:
    """An answer, and the seconds it took; asked again where the connection broke."""
    while True:
        began = time.perf_counter()
        try:
            return await http.request(method, path, **more), time.perf_counter() - began
        except httpx.TransportError:
            load.broken += 1
            await asyncio.sleep(0.5)


async def _events(http: httpx.AsyncClient, task: str, after: int) -> AsyncIterator[tuple[int, str]]:
    async with http.stream("GET", f"/v1/tasks/{task}/events", headers={"Last-Event-ID": str(after)}) as answer:
        number = 0
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("event: "):
                yield number, line[7:]


async def _all(http: httpx.AsyncClient) -> dict[str, str]:
    """Every task that the server has, with how it ended."""
    found: dict[str, str] = {}
    before: int | None = None
    while True:
        query: dict[str, Any] = {"limit": 200} | ({"before": before} if before else {})
        answer = (await http.get("/v1/tasks", params=query)).json()
        found |= {task["id"]: task["status"] or task["state"] for task in answer["tasks"]}
        before = answer["before"]
        if before is None:
            return found


@asynccontextmanager
async def server(folder: Path, *arguments: str) -> AsyncIterator[str]:
    """`doable serve` in the symbolic world, as a process of its own; its URL, once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"WORLD": "symbolic", "MODEL": _PLAN, "VALUES": "declared", "EMBEDDER": "hash"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOABLE_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from doable.agent.cli import main; main()", "serve", "--port", str(port),
        "--data", str(folder), *arguments, env=kept | {f"DOABLE_{name}": value for name, value in settings.items()},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(600):
                with suppress(httpx.HTTPError):
                    if (await http.get(f"{url}/readyz")).status_code == 200:
                        break
                if process.returncode is not None:
                    raise RuntimeError(f"The server ended with {process.returncode} before it was ready.")
                await asyncio.sleep(0.2)  # two minutes at most, until it is ready
        yield url
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
