"""Tasks: an instruction, the state it starts from, and the goal that facts must reach. One JSON object a line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .catalogue import SPILL, object_type
from .disturbances import Disturbance, as_data, parse_disturbances
from .facts import Condition, parse_condition
from .scene import Scene, load_scene


@dataclass(frozen=True)
class Setup:
    """How an episode starts, and what will go wrong in it.

    Objects as (type, place or drawer), the robot's place, what it holds, open drawers, disturbances.
    """

    objects: tuple[tuple[str, str], ...]
    robot_at: str
    holding: str | None = None
    open_drawers: tuple[str, ...] = ()
    disturbances: tuple[Disturbance, ...] = ()
    clutter: str | None = None
    """The level of clutter that is added when an episode begins; None: nothing is."""
    spills: tuple[str, ...] = ()
    """The surfaces on which something is spilled."""

    @classmethod
    def of(cls, scene: Scene) -> Setup:
        """The scene's own objects, the robot where it starts."""
        return cls(scene.objects, scene.place(scene.robot_at).name)


def setup_data(setup: Setup) -> dict[str, Any]:
    """A setup as JSON."""
    return {**asdict(setup), "disturbances": [as_data(given) for given in setup.disturbances]}


def parse_setup(data: Mapping[str, Any], scene: Scene) -> Setup:
    """The inverse."""
    return Setup(
        objects=tuple((str(kind), str(place)) for kind, place in data["objects"]),
        robot_at=str(data["robot_at"]),
        holding=None if data["holding"] is None else str(data["holding"]),
        open_drawers=tuple(data["open_drawers"]),
        disturbances=parse_disturbances(data["disturbances"], scene),
        clutter=data.get("clutter"),
        spills=tuple(str(place) for place in data.get("spills", ())),
    )


@dataclass(frozen=True)
class Task:
    """One line of a task file, read and checked against its scene."""

    id: str
    family: str
    scene: str
    instruction: str
    setup: Setup
    goal: Condition
    max_steps: int = 20


_KEYS = (
    "id",
    "family",
    "scene",
    "instruction",
    "objects",
    "robot",
    "drawers",
    "clutter",
    "disturbances",
    "max_steps",
    "goal",
)
_REQUIRED = ("id", "instruction", "objects", "goal")


class TaskError(ValueError):
    """A task file that breaks a rule; the message names the file, the line, the rule and the value."""


def read_tasks(path: str | Path) -> list[Task]:
    """Read a JSONL file of tasks. Raises `TaskError`, naming the line, on anything that is not one."""
    path = Path(path)
    if not path.is_file():
        raise TaskError(f"Expected a task file, got {str(path)!r}, which does not exist.")
    tasks = list(_read(path))
    if not tasks:
        raise TaskError(f"Expected at least one task in {path.name}, found none.")
    ids = [task.id for task in tasks]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise TaskError(f"Expected every id in {path.name} once, found {', '.join(twice)} more than once.")
    return tasks


def _read(path: Path) -> Iterator[Task]:
    scenes: dict[str, Scene] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            name = data.get("scene", "kitchen") if isinstance(data, dict) else "kitchen"
            if name not in scenes:
                scenes[name] = load_scene(name)
            yield parse_task(data, scenes[name])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise TaskError(f"{path.name}, line {number}: {error}") from error


def parse_task(data: Any, scene: Scene) -> Task:
    """One task from its JSON object. Raises ValueError saying the rule, the value and the nearest known name."""
    if not isinstance(data, dict):
        raise ValueError(f"Expected a JSON object, got {data!r}.")
    _check_keys(data, _KEYS, "a task key")
    missing = [key for key in _REQUIRED if key not in data]
    if missing:
        raise ValueError(f"Expected the keys {', '.join(_REQUIRED)}; missing: {', '.join(missing)}.")
    instruction = data["instruction"]
    if not isinstance(instruction, str) or not instruction.strip():
        raise ValueError(f"Expected an instruction in words, got {instruction!r}.")
    max_steps = data.get("max_steps", 20)
    if not isinstance(max_steps, int) or isinstance(max_steps, bool) or max_steps < 1:
        raise ValueError(f'Expected "max_steps" to be a whole number of at least 1, got {max_steps!r}.')
    robot = data.get("robot", {})
    _check_keys(robot, ("at", "holding"), "a robot key")
    holding = robot.get("holding")
    objects, spills = [], []
    for entry in data["objects"]:
        _check_keys(entry, ("type", "at"), "an object key")
        where = entry["at"].lower()
        if entry["type"].lower() == SPILL:
            spills.append(_surface(entry["at"], scene))
            continue
        drawer = scene.drawer_names.get(where)
        objects.append((object_type(entry["type"]).name, drawer or scene.place(where).name))
    clutter = data.get("clutter")
    if clutter is not None:
        scene.extra(str(clutter))
    drawers = data.get("drawers", {})
    for name, state in drawers.items():
        if state not in ("open", "closed"):
            raise ValueError(f"Expected drawer {name!r} to be 'open' or 'closed', got {state!r}.")
    return Task(
        id=str(data["id"]),
        family=str(data.get("family", "other")),
        scene=scene.name,
        instruction=instruction,
        setup=Setup(
            objects=tuple(objects),
            robot_at=scene.place(robot.get("at", scene.robot_at)).name,
            holding=None if holding is None else object_type(holding).name,
            open_drawers=tuple(scene.drawer(d).name for d, state in drawers.items() if state == "open"),
            disturbances=parse_disturbances(data.get("disturbances", []), scene),
            clutter=clutter,
            spills=tuple(dict.fromkeys(spills)),
        ),
        goal=parse_condition(data["goal"], scene.place_names, scene.drawer_names, scene.carrier_names),
        max_steps=max_steps,
    )


def _surface(name: str, scene: Scene) -> str:
    """The surface of a name, where something can be spilled. Raises ValueError."""
    surfaces = [place.name for place in scene.surfaces()]
    found = scene.place(name).name
    if found not in surfaces:
        raise ValueError(f"Expected a spill on one of {', '.join(surfaces)}, got {found!r}.")
    return found


def _check_keys(data: Mapping[str, Any], known: tuple[str, ...], role: str) -> None:
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)[0]
            raise ValueError(f"Expected {role} among {', '.join(known)}; got {key!r}. Did you mean {near!r}?")
