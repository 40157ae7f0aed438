"""The HTTP task API: tasks come in, workers do them, events go out as they happen. OpenAPI 3.1 at /openapi.json.

POST /v1/tasks            GET /v1/tasks             GET /v1/tasks/ID          GET /v1/tasks/ID/events
POST …/ID/cancel          POST …/ID/resume          POST …/ID/approve         POST …/ID/answer
GET  …/ID/camera          GET …/ID/artefacts/NAME   GET /healthz /readyz      GET /metrics, / (the page)
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from fastapi import (  # pyright: ignore[reportMissingImports]
    APIRouter,
    FastAPI,
    Header,
    Query,
    Request,
    Response,
)
from fastapi.responses import JSONResponse  # pyright: ignore[reportMissingImports]
from prometheus_client import CollectorRegistry  # pyright: ignore[reportMissingImports]
from starlette.routing import Match  # pyright: ignore[reportMissingImports]

from .api_guard import Guard
from .api_models import ALWAYS, CONFLICT, FULL, UNKNOWN, Answer, Approval, NewTask, Task, TaskId, Tasks
from .api_watching import artefacts, found, of_a_task, of_the_server
from .config import Config
from .task_store import Conflict, QueueFull, State, TaskRow, TaskStore
from .worker_pool import Pool


def serving(
    config: Config,
    folder: Path,
    *,
    workers: int,
    most_queued: int,
    token: str | None,
    rate: float,
    patience: float,
) -> FastAPI:
    """The whole server over a folder of its own: store, workers and application."""
    store = TaskStore(folder / "tasks.sqlite", most_queued=most_queued)
    pool = Pool(store, config, workers, folder, patience)
    return make_app(pool, store, token=token, rate=rate)


def make_app(pool: Pool, store: TaskStore, *, token: str | None = None, rate: float = 50.0) -> FastAPI:
    """The API over a pool of workers, as an ASGI application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.start()
        yield
        await pool.close()

    app = FastAPI(
        title="doable", version=version("doable"), lifespan=lifespan, docs_url=None, redoc_url=None,
        description="Tasks for an agent that does only what is doable.", responses=ALWAYS,
    )  # fmt: skip
    registry = CollectorRegistry()
    app.add_middleware(Guard, token=token, rate=rate, registry=registry)

    @app.exception_handler(Conflict)
    async def _conflict(_: Request, error: Conflict) -> JSONResponse:
        return JSONResponse({"error": type(error).__name__, "detail": str(error)}, 409)

    @app.exception_handler(QueueFull)
    async def _full(_: Request, error: QueueFull) -> JSONResponse:
        return JSONResponse({"error": "QueueFull", "detail": str(error)}, 503, {"Retry-After": "5"})

    @app.exception_handler(405)
    async def _method(request: Request, _: Exception) -> JSONResponse:
        may = {m for r in app.routes if r.matches(request.scope)[0] != Match.NONE for m in getattr(r, "methods", ())}
        allowed = ", ".join(sorted(may))
        return JSONResponse({"detail": f"Expected one of {allowed}."}, 405, {"Allow": allowed})

    for router in (_tasks(pool, store), of_a_task(pool, store), of_the_server(pool, store, registry)):
        app.include_router(router)
    return app


def _tasks(pool: Pool, store: TaskStore) -> APIRouter:
    """Tasks: made, listed, and told what to do."""
    router = APIRouter(prefix="/v1/tasks")

    def shown(row: TaskRow) -> Task:
        fields = {name: getattr(row, name) for name in Task.model_fields if name != "artefacts"}
        return Task(**fields, artefacts=artefacts(pool, row))

    @router.post("", status_code=201, responses={**CONFLICT, **FULL, 200: {"model": Task}})
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

    @router.get("")
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

    @router.get("/{task}", responses=UNKNOWN)
    async def got(task: TaskId) -> Task:
        """How a task stands."""
        return shown(found(store, task))

    @router.post("/{task}/cancel", responses={**UNKNOWN, **CONFLICT})
    async def cancel(task: TaskId) -> Task:
        """Stop a task; what was done stays, and can be resumed. At work, it stops within a skill."""
        found(store, task)
        return shown(pool.cancel(task))

    @router.post("/{task}/resume", responses={**UNKNOWN, **CONFLICT, **FULL})
    async def resume(task: TaskId) -> Task:
        """Queue a task that was cancelled or failed, to go on where it was."""
        found(store, task)
        row = store.requeue(task, "resumed")
        pool.announce(task)
        pool.wake()
        return shown(row)

    @router.post("/{task}/approve", responses={**UNKNOWN, **CONFLICT})
    async def approve(task: TaskId, word: Approval) -> Task:
        """Say yes or no to the skill that waits (mode 'ask')."""
        found(store, task)
        pool.approve(task, word.yes)
        return shown(found(store, task))

    @router.post("/{task}/answer", responses={**UNKNOWN, **CONFLICT})
    async def answer(task: TaskId, word: Answer) -> Task:
        """Answer the question that waits: which one is meant."""
        found(store, task)
        pool.answer(task, word.answer)
        return shown(found(store, task))

    return router
