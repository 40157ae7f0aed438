"""What is looked at over HTTP: events as they happen, pictures, files, the server's own health, and the page at /."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Header, HTTPException, Query, Response  # pyright: ignore[reportMissingImports]
from fastapi.responses import (  # pyright: ignore[reportMissingImports]
    FileResponse,
    PlainTextResponse,
    StreamingResponse,
)
from prometheus_client import CollectorRegistry, Gauge, generate_latest  # pyright: ignore[reportMissingImports]

from .api_models import UNKNOWN, TaskId
from .html import PAGES
from .task_store import OVER, STATES, TaskRow, TaskStore
from .worker_pool import Pool

_BEAT = 15.0
"""Seconds after which a silent stream says that it is alive."""
ARTEFACTS = {
    "journal.jsonl": "application/x-ndjson",
    "report.html": "text/html; charset=utf-8",
    "film.mp4": "video/mp4",
}
_FILE = {"schema": {"type": "string", "format": "binary"}}
_EVENT = {
    "type": "object", "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "description": "Counts from 1; send the last one as Last-Event-ID to go on after it."},
        "event": {"type": "string", "examples": ["queued", "began", "chose", "waiting", "answered", "step", "ended"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}  # fmt: skip


def found(store: TaskStore, task: str) -> TaskRow:
    """The task of an id; 404 if there is none."""
    row = store.get(task)
    if row is None:
        raise HTTPException(404, f"Expected the id of a task, got {task!r}. GET /v1/tasks lists them.")
    return row


def artefacts(pool: Pool, row: TaskRow) -> list[str]:
    """The names of the files that there are of a task."""
    return [name for name in ARTEFACTS if row.run_id and (pool.runs / row.run_id / name).is_file()]


def of_a_task(pool: Pool, store: TaskStore) -> APIRouter:
    """Events, camera and files of a task."""
    router = APIRouter(prefix="/v1/tasks/{task}")

    @router.get(
        "/events",
        responses={**UNKNOWN, 200: {"content": {"text/event-stream": {"schema": _EVENT}}}},
        response_class=StreamingResponse,
    )
    async def events(
        task: TaskId,
        last_event_id: Annotated[int, Header(ge=0, lt=2**62, description="Events after this one.")] = 0,
        follow: Annotated[bool, Query(description="Go on until the task is over; false: what there is now.")] = True,
    ) -> StreamingResponse:
        """What happens, as server-sent events: every event once, in order, from the first or after Last-Event-ID."""
        found(store, task)
        return StreamingResponse(_stream(pool, store, task, last_event_id, follow), media_type="text/event-stream")

    @router.get(
        "/camera",
        responses={**UNKNOWN, 204: {"description": "There is none now."}, 200: {"content": {"image/jpeg": _FILE}}},
        response_class=Response,
    )
    async def camera(task: TaskId) -> Response:
        """The newest picture of a task at work; asking keeps them coming for some seconds."""
        found(store, task)
        pool.look(task)
        frame = pool.frames.get(task)
        return Response(status_code=204) if frame is None else Response(frame, media_type="image/jpeg")

    @router.get(
        "/artefacts/{name}",
        responses={**UNKNOWN, 200: {"content": dict.fromkeys(ARTEFACTS.values(), _FILE)}},
        response_class=FileResponse,
    )
    async def artefact(task: TaskId, name: Literal["journal.jsonl", "report.html", "film.mp4"]) -> FileResponse:
        """A file of the run: its journal, its report (once it ended or stopped) or its film."""
        row = found(store, task)
        if row.run_id is None or name not in artefacts(pool, row):
            raise HTTPException(404, f"Expected a file that is there, {name!r} is not (yet).")
        policy = {"Content-Security-Policy": "sandbox allow-scripts"}
        return FileResponse(pool.runs / row.run_id / name, media_type=ARTEFACTS[name], headers=policy)

    return router


def of_the_server(pool: Pool, store: TaskStore, registry: CollectorRegistry) -> APIRouter:
    """Health, metrics and the page."""
    router = APIRouter()
    _gauges(registry, store, pool)

    @router.get("/healthz", response_class=PlainTextResponse)
    async def health() -> str:
        """The server is alive."""
        return "ok\n"

    @router.get("/readyz", response_class=PlainTextResponse, responses={503: {"description": "No worker is ready."}})
    async def ready() -> PlainTextResponse:
        """It can do tasks: the store answers, and a worker is there."""
        store.counts()
        return PlainTextResponse("ready\n") if pool.ready else PlainTextResponse("no worker is ready\n", 503)

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src blob: data:"
    for path, name, kind in (
        ("/", "serve.html", "text/html"),
        ("/page.js", "serve.js", "text/javascript"),
        ("/page.css", "style.css", "text/css"),
    ):
        text = (PAGES / name).read_text(encoding="utf-8")

        def answer(text: str = text, kind: str = kind) -> Response:
            return Response(text, media_type=kind, headers={"Content-Security-Policy": policy})

        router.add_api_route(path, lambda a=answer: a(), include_in_schema=False, methods=["GET"])
    return router


async def _stream(pool: Pool, store: TaskStore, task: str, after: int, follow: bool) -> AsyncIterator[str]:
    """Events as text, from the store alone: whoever comes back misses none and hears none twice."""
    while True:
        changed = pool.changed(task)  # before looking, so that nothing falls between
        some = store.events(task, after)
        for event in some:
            after = event.number
            data = json.dumps({"time": event.time, **event.data}, ensure_ascii=False)
            yield f"id: {event.number}\nevent: {event.kind}\ndata: {data}\n\n"
        row = store.get(task)
        if some:
            continue
        if not follow or row is None or row.state in OVER:
            pool.announce(task)  # nobody waits for it any more
            return
        try:
            await asyncio.wait_for(changed.wait(), _BEAT)
        except TimeoutError:
            yield ": still here\n\n"


def _gauges(registry: CollectorRegistry, store: TaskStore, pool: Pool) -> None:
    tasks = Gauge("doable_tasks", "Tasks by state.", ["state"], registry=registry)
    for state in STATES:
        tasks.labels(state).set_function(lambda state=state: store.counts()[state])
    Gauge("doable_workers_ready", "Workers that can take a task or are at one.", registry=registry).set_function(
        lambda: pool.ready
    )
