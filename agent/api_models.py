"""What the HTTP task API takes and gives, as its OpenAPI description shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path as InPath  # pyright: ignore[reportMissingImports]
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .task_store import Mode, Question, State

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
    mode: Mode = Field("auto", description=(
        "'auto' asks nobody; 'unclear' asks a person which object is meant, where that is not clear; "
        "'ask' does that too, and waits for a yes before each skill."
    ))  # fmt: skip
    settings: Settings = Settings()  # type: ignore[call-arg]


class Approval(BaseModel):
    """A person's word on the skill that waits."""

    model_config = ConfigDict(extra="forbid")

    yes: bool = Field(strict=True, description="False: don't; the task stops, and can be resumed.")


class Answer(BaseModel):
    """A person's answer to the question that waits."""

    model_config = ConfigDict(extra="forbid")

    answer: str = Field(
        min_length=1, max_length=2000, pattern=r"\S", examples=["the pepsi"],
        description="One of the question's options, its number from 1, what it is about, or 'none' (the run stops); "
        "where it has no options, what is meant, in words.",
    )  # fmt: skip


class Task(BaseModel):
    """A task as it stands."""

    number: int
    id: str
    goal: str
    mode: Mode
    settings: dict[str, Any]
    state: State
    status: str | None = Field(description="How it ended: reached, refused or stopped.")
    reason: str | None
    run_id: str | None
    created: float
    updated: float
    stopping: bool
    question: Question | None = Field(description="What a person is asked: while 'waiting', it can be answered.")
    artefacts: list[str] = Field(description="What can be fetched of it by name.")


class Tasks(BaseModel):
    """Some tasks, newest first."""

    tasks: list[Task]
    before: int | None = Field(description="Ask with this `before` for older ones; null: there are none.")


class Problem(BaseModel):
    """Why it could not be done."""

    error: str | None = Field(None, examples=["NotAsking", "NoSuchAnswer", "Conflict", "QueueFull"])
    detail: Any


def _problem(description: str) -> dict[str, Any]:
    return {"model": Problem, "description": description}


ALWAYS: dict[int | str, dict[str, Any]] = {
    400: _problem("The body is no JSON."),
    401: _problem("No token, or another one."),
    403: _problem("Not for this machine's own use."),
    413: _problem("The body is too long."),
    429: _problem("Too many requests."),
}
UNKNOWN: dict[int | str, dict[str, Any]] = {404: _problem("There is no such task or file.")}
CONFLICT: dict[int | str, dict[str, Any]] = {409: _problem("It does not stand so.")}
FULL: dict[int | str, dict[str, Any]] = {503: _problem("The queue is full.")}
