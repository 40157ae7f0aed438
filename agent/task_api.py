"""The HTTP task API: tasks come in, workers do them, events go out as they happen. OpenAPI 3.1 at /openapi.json.

POST /v1/tasks            GET /v1/tasks             GET /v1/tasks/ID          GET /v1/tasks/ID/events
POST …/ID/cancel          POST …/ID/resume          POST …/ID/approve         GET …/ID/artefacts/NAME
GET  …/ID/camera          GET /healthz /readyz      GET /metrics              GET / (the page)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import (  # pyright: ignore[reportMissingImports]
    FastAPI,
    Header,
    HTTPException,
    Query,
    Request,
    Response,
)
from fastapi import Path as InPath  # pyright: ignore[reportMissingImports]
from fastapi.responses import (  # pyright: ignore[reportMissingImports]
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    StreamingResponse,
)
from prometheus_client import CollectorRegistry, Gauge, generate_latest  # pyright: ignore[reportMissingImports]
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.routing import Match  # pyright: ignore[reportMissingImports]

from .api_guard import Guard
from .config import Config
from .html import PAGES
from .task_store import OVER, STATES, Conflict, QueueFull, State, TaskRow, TaskStore
from .worker_pool import Pool

_BEAT = 15.0
"""Seconds after which a silent stream says that it is alive."""
ARTEFACTS = {
    "journal.jsonl": "application/x-ndjson",
    "report.html": "text/html; charset=utf-8",
    "film.mp4": "video/mp4",
}

_EVENT = {
    "type": "object", "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "description": "Counts from 1; send the last one as Last-Event-ID to go on after it."},
        "event": {"type": "string", "examples": ["queued", "began", "chose", "waiting", "step", "ended"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}  # fmt: skip

TaskId = Annotated[str, InPath(pattern="^[0-9a-f]{16}$", description="The task's id.")]


def _whole(value: object) -> object:
    """81.0 is a whole number in JSON, as 81 is; `true` is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Seed = Annotated[int, Field(strict=True, ge=0, lt=2**31), BeforeValidator(_whole)]
Steps = Annotated[int, Field(strict=True, ge=1, le=200), BeforeValidator(_whole)]


class Settings(BaseModel):
    """What a task may set of the agent's configuration; the rest is the server's."""

    model_config = ConfigDict(extra="forbid")

    seed: Seed | None = Field(None, description="Draws where objects stand.")
    clutter: Literal["light", "medium", "heavy"] | None = None
    disturb: Literal["slips", "failures", "labels", "people", "all"] | None = None
    max_steps: Steps | None = None
    max_seconds: float | None = Field(None, strict=True, gt=0, le=86400, description="Simulated seconds.")
    max_wall_seconds: float | None = Field(None, strict=True, gt=0, le=86400)


class NewTask(BaseModel):
    """A goal in words, and how to pursue it."""

    model_config = ConfigDict(extra="forbid")

    goal: str = Field(min_length=1, max_length=2000, pattern=r"\S", examples=["bring me the sponge"])
    mode: Literal["auto", "ask"] = Field("auto", description="'ask' waits for a person's yes before each skill.")
    settings: Settings = Settings()  # type: ignore[call-arg]


class Approval(BaseModel):
    """A person's word on the skill that waits."""

    model_config = ConfigDict(extra="forbid")

    yes: bool = Field(strict=True, description="False: don't; the task stops, and can be resumed.")


class Task(BaseModel):
    """A task as it stands."""

    number: int
    id: str
    goal: str
    mode: Literal["auto", "ask"]
    settings: dict[str, Any]
    state: State
    status: str | None = Field(description="How it ended: reached, refused or stopped.")
    reason: str | None
    run_id: str | None
    created: float
    updated: float
    stopping: bool
    artefacts: list[str] = Field(description="What can be fetched of it by name.")


class Tasks(BaseModel):
    """Some tasks, newest first."""

    tasks: list[Task]
    before: int | None = Field(description="Ask with this `before` for older ones; null: there are none.")


class Problem(BaseModel):
    """Why it could not be done."""

    detail: Any


def make_app(
    pool: Pool, store: TaskStore, *, token: str | None = None, rate: float = 50.0, scene: str = "kitchen"
) -> FastAPI:
    """The API over a pool of workers, as an ASGI application."""
    registry = CollectorRegistry()
    _gauges(registry, store, pool)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.start()
        yield
        await pool.close()

    problems: dict[int | str, dict[str, Any]] = {
        code: {"model": Problem, "description": text}
        for code, text in {
            401: "No token, or another one.", 403: "Not for this machine's own use.", 429: "Too many requests.",
            413: "The body is too long.", 400: "The body is no JSON.",
        }.items()
    }  # fmt: skip
    unknown: dict[int | str, dict[str, Any]] = {
        404: {"model": Problem, "description": "There is no such task or file."}
    }
    conflict: dict[int | str, dict[str, Any]] = {409: {"model": Problem, "description": "It does not stand so."}}
    full: dict[int | str, dict[str, Any]] = {503: {"model": Problem, "description": "The queue is full."}}
    app = FastAPI(
        title="doable", version=version("doable"), lifespan=lifespan, docs_url=None, redoc_url=None,
        description="Tasks for an agent that does only what is doable.", responses=problems,
    )  # fmt: skip
    app.add_middleware(Guard, token=token, rate=rate, registry=registry)

    @app.exception_handler(Conflict)
    async def _conflict(_: Request, error: Conflict) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 409)

    @app.exception_handler(QueueFull)
    async def _full(_: Request, error: QueueFull) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "5"})

    @app.exception_handler(405)
    async def _method(request: Request, _: Exception) -> JSONResponse:
        may = {m for r in app.routes if r.matches(request.scope)[0] != Match.NONE for m in getattr(r, "methods", ())}
        allowed = ", ".join(sorted(may))
        return JSONResponse({"detail": f"Expected one of {allowed}."}, 405, {"Allow": allowed})

    def found(task: str) -> TaskRow:
        row = store.get(task)
        if row is None:
            raise HTTPException(404, f"Expected the id of a task, got {task!r}. GET /v1/tasks lists them.")
        return row

    def shown(row: TaskRow) -> Task:
        folder = pool.runs / row.run_id if row.run_id else None
        there = [name for name in ARTEFACTS if folder and (folder / name).is_file()]
        fields = {name: value for name, value in asdict(row).items() if name in Task.model_fields}
        return Task(**fields, artefacts=there)

    @app.post("/v1/tasks", status_code=201, responses={**conflict, **full, 200: {"model": Task}})
    async def create(
        new: NewTask,
        request: Request,
        response: Response,
        idempotency_key: Annotated[
            str | None, Header(min_length=1, max_length=200, description="The same key makes the same task, once.")
        ] = None,
        x_client: Annotated[
            str | None, Header(min_length=1, max_length=100, description="In whose turn it is queued.")
        ] = None,
    ) -> Task:
        """Queue a task. Answers 200 with the task that is there for a key that was used before."""
        client = x_client or (request.client.host if request.client else "unknown")
        settings = new.settings.model_dump(exclude_none=True)
        row, made = store.create(client, new.goal, new.mode, settings, idempotency_key)
        if not made:
            response.status_code = 200
        pool.wake()
        response.headers["Location"] = f"/v1/tasks/{row.id}"
        return shown(row)

    @app.get("/v1/tasks")
    async def listed(
        state: State | None = None,
        before: Annotated[int | None, Query(ge=1, lt=2**62)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Tasks:
        """Tasks, newest first."""
        rows = store.list(state=state, before=before, limit=limit + 1)
        return Tasks(
            tasks=[shown(r) for r in rows[:limit]], before=rows[limit - 1].number if len(rows) > limit else None
        )

    @app.get("/v1/tasks/{task}", responses=unknown)
    async def got(task: TaskId) -> Task:
        """How a task stands."""
        return shown(found(task))

    @app.post("/v1/tasks/{task}/cancel", responses={**unknown, **conflict})
    async def cancel(task: TaskId) -> Task:
        """Stop a task; what was done stays, and can be resumed. At work, it stops within a skill."""
        found(task)
        return shown(pool.cancel(task))

    @app.post("/v1/tasks/{task}/resume", responses={**unknown, **conflict, **full})
    async def resume(task: TaskId) -> Task:
        """Queue a task that was cancelled or failed, to go on where it was."""
        found(task)
        row = store.requeue(task, "resumed")
        pool.announce(task)
        pool.wake()
        return shown(row)

    @app.post("/v1/tasks/{task}/approve", responses={**unknown, **conflict})
    async def approve(task: TaskId, word: Approval) -> Task:
        """Say yes or no to the skill that waits (mode 'ask')."""
        found(task)
        pool.approve(task, word.yes)
        return shown(found(task))

    @app.get(
        "/v1/tasks/{task}/events",
        responses={**unknown, 200: {"content": {"text/event-stream": {"schema": _EVENT}}}},
        response_class=StreamingResponse,
    )
    async def events(
        task: TaskId,
        last_event_id: Annotated[int, Header(ge=0, lt=2**62, description="Events after this one.")] = 0,
        follow: Annotated[bool, Query(description="Go on until the task is over; false: what there is now.")] = True,
    ) -> StreamingResponse:
        """What happens, as server-sent events: every event once, in order, from the first or after Last-Event-ID."""
        found(task)
        return StreamingResponse(_stream(pool, store, task, last_event_id, follow), media_type="text/event-stream")

    @app.get(
        "/v1/tasks/{task}/camera",
        responses={
            **unknown,
            204: {"description": "There is none now."},
            200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        },
        response_class=Response,
    )
    async def camera(task: TaskId) -> Response:
        """The newest picture of a task at work; asking keeps them coming for some seconds."""
        found(task)
        pool.look(task)
        frame = pool.frames.get(task)
        return Response(status_code=204) if frame is None else Response(frame, media_type="image/jpeg")

    @app.get(
        "/v1/tasks/{task}/artefacts/{name}",
        responses={**unknown, 200: {"content": {
            kind: {"schema": {"type": "string", "format": "binary"}} for kind in ARTEFACTS.values()
        }}},
        response_class=FileResponse,
    )  # fmt: skip
    async def artefact(task: TaskId, name: Literal["journal.jsonl", "report.html", "film.mp4"]) -> FileResponse:
        """A file of the run: its journal, its report (once it ended or stopped) or its film."""
        row = found(task)
        path: Path | None = pool.runs / row.run_id / name if row.run_id else None
        if path is None or not path.is_file():
            raise HTTPException(404, f"Expected a file that is there, {name!r} is not (yet).")
        return FileResponse(
            path, media_type=ARTEFACTS[name], headers={"Content-Security-Policy": "sandbox allow-scripts"}
        )

    @app.get("/healthz", response_class=PlainTextResponse)
    async def health() -> str:
        """The server is alive."""
        return "ok\n"

    @app.get("/readyz", response_class=PlainTextResponse, responses={503: {"description": "No worker is ready."}})
    async def ready() -> PlainTextResponse:
        """It can do tasks: the store answers, and a worker is there."""
        store.counts()
        return PlainTextResponse("ready\n") if pool.ready else PlainTextResponse("no worker is ready\n", 503)

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    _page(app, scene)
    return app


def _page(app: FastAPI, scene: str) -> None:
    policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src blob: data:"

    for path, name, kind in (
        ("/", "serve.html", "text/html"),
        ("/page.js", "serve.js", "text/javascript"),
        ("/page.css", "style.css", "text/css"),
    ):
        text = (PAGES / name).read_text(encoding="utf-8")

        def answer(text: str = text, kind: str = kind) -> Response:
            return Response(text, media_type=kind, headers={"Content-Security-Policy": policy})

        app.add_api_route(path, lambda a=answer: a(), include_in_schema=False, methods=["GET"])


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


def serving(config: Config, folder: Path, *, workers: int, most_queued: int, token: str | None, rate: float) -> FastAPI:
    """The whole server over a folder of its own: store, workers and application."""
    store = TaskStore(folder / "tasks.sqlite", most_queued=most_queued)
    pool = Pool(store, config, workers, folder)
    return make_app(pool, store, token=token, rate=rate)
