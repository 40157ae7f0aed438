"""What can go wrong in an episode besides the robot's own mistakes: said in a task, drawn by its seed, never announced.

This page says what there is and reads it from JSON (docs/disturbances.md); `disturber.py` draws when it happens.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from .catalogue import UnknownName, canonical, object_type
from .scene import Scene

SKILLS = ("go to", "find", "pick up", "put down", "put in", "bring", "open", "close", "wipe", "pick and place")
"""The families of skills that move something, as `skill` and `after` name them."""


@dataclass(frozen=True)
class Slip:
    """What is held falls out of the hand in the midst of a skill, within three seconds of being held in it."""

    kind: ClassVar[str] = "slip"
    probability: float = 0.2
    """In [0, 1], for each skill."""
    skill: str | None = None
    """Only in skills of this family; None: in all."""
    times: int | None = None
    """How often at most in an episode; None: without limit."""


@dataclass(frozen=True)
class SkillFailure:
    """A skill fails before it moves anything."""

    kind: ClassVar[str] = "skill_failure"
    probability: float = 0.1
    """In [0, 1], for each skill."""
    skill: str | None = None
    """Only skills of this family; None: all."""
    times: int | None = None
    """How often at most in an episode; None: without limit."""


@dataclass(frozen=True)
class FalseDetection:
    """The detector takes an object for another of its shape, in one look."""

    kind: ClassVar[str] = "false_detection"
    probability: float = 0.05
    """In [0, 1], for each type in each look."""
    object: str | None = None
    """Only objects that are this (type, category or property); None: all."""
    seen_as: str | None = None
    """The type it is taken for; None: one that is like it, drawn anew each time."""


@dataclass(frozen=True)
class Moves:
    """Somebody carries an object to a free spot elsewhere, between two skills."""

    kind: ClassVar[str] = "moves"
    object: str | None = None
    """What is moved (type, category or property); None: anything."""
    to: str | None = None
    """The place it is put; None: any other surface."""
    after: str | int | None = None
    """A family of skills, or how many skills must be over; None: any skill."""
    probability: float = 1.0
    """In [0, 1], at the end of each skill that `after` allows."""
    times: int | None = 1
    """How often at most in an episode; None: without limit."""
    unseen: bool = True
    """Wait until the robot stands elsewhere (a fixed arm always does, between skills)."""


@dataclass(frozen=True)
class Takes:
    """Somebody takes an object away for good, between two skills. Fields as of `Moves`."""

    kind: ClassVar[str] = "takes"
    object: str | None = None
    after: str | int | None = None
    probability: float = 1.0
    times: int | None = 1
    unseen: bool = True


@dataclass(frozen=True)
class Closes:
    """Somebody closes an open drawer, between two skills, wherever the robot stands. Fields as of `Moves`."""

    kind: ClassVar[str] = "closes"
    drawer: str | None = None
    """None: any that is open."""
    after: str | int | None = None
    probability: float = 1.0
    times: int | None = 1


Disturbance = Slip | SkillFailure | FalseDetection | Moves | Takes | Closes
KINDS: dict[str, type[Disturbance]] = {
    kind.kind: kind for kind in (Slip, SkillFailure, FalseDetection, Moves, Takes, Closes)
}

_PEOPLE = ({"kind": "moves", "probability": 0.15, "times": 3}, {"kind": "closes", "probability": 0.15, "times": 2})
NAMED: dict[str, tuple[dict[str, Any], ...]] = {
    "slips": ({"kind": "slip", "probability": 0.2},),
    "failures": ({"kind": "skill_failure", "probability": 0.1},),
    "labels": ({"kind": "false_detection", "probability": 0.05},),
    "people": _PEOPLE,
}
"""Sets to be called by name; none of them makes a task impossible."""
NAMED["all"] = tuple(entry for name in ("slips", "failures", "labels", "people") for entry in NAMED[name])


def load_disturbances(name_or_path: str | Path) -> list[Any]:
    """The entries of a named set or of a JSON file, not yet held against a scene. Raises ValueError, `UnknownName`."""
    path = Path(name_or_path)
    if not path.suffix:
        if str(name_or_path) not in NAMED:
            raise UnknownName("a set of disturbances (or of a .json file)", str(name_or_path), NAMED)
        return list(NAMED[str(name_or_path)])
    if not path.is_file():
        raise ValueError(f"Expected a file of disturbances, got {str(path)!r}, which does not exist.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'Expected {path.name} to be a JSON list like [{{"kind": "slip"}}]: {error}.') from error


def parse_disturbances(data: Any, scene: Scene) -> tuple[Disturbance, ...]:
    """Disturbances from a list of JSON objects. Raises ValueError saying the rule, the value and the nearest name."""
    if not isinstance(data, Sequence) or isinstance(data, str):
        raise ValueError(f'Expected disturbances to be a list like [{{"kind": "slip"}}], got {data!r}.')
    return tuple(_parse(entry, scene) for entry in data)


def as_data(disturbance: Disturbance) -> dict[str, Any]:
    """The JSON object that it is read from; fields at their defaults are left out."""
    given = {f.name: getattr(disturbance, f.name) for f in fields(disturbance)}
    changed = {f.name: given[f.name] for f in fields(disturbance) if given[f.name] != f.default}
    return {"kind": disturbance.kind, **changed}


def _parse(entry: Any, scene: Scene) -> Disturbance:
    if not isinstance(entry, Mapping) or "kind" not in entry:
        raise ValueError(f'Expected a disturbance like {{"kind": "slip", "probability": 0.2}}, got {entry!r}.')
    kind = KINDS.get(str(entry["kind"]))
    if kind is None:
        raise UnknownName("a disturbance", str(entry["kind"]), KINDS)
    known = [f.name for f in fields(kind)]
    values = {}
    for key, value in entry.items():
        if key == "kind":
            continue
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)[0]
            raise ValueError(
                f"Expected a field of {kind.kind!r} among {', '.join(known)}; got {key!r}. Did you mean {near!r}?"
            )
        values[key] = None if value is None else _value(kind.kind, key, value, scene)
    return kind(**values)


def _value(kind: str, key: str, value: Any, scene: Scene) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    match key:
        case "probability":
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise ValueError(f"Expected the probability of {kind!r} to be in [0, 1], got {value!r}.")
            return float(value)
        case "times":
            if not whole or value < 1:
                raise ValueError(f"Expected the times of {kind!r} to be a whole number of at least 1, got {value!r}.")
            return value
        case "unseen":
            if not isinstance(value, bool):
                raise ValueError(f"Expected unseen of {kind!r} to be true or false, got {value!r}.")
            return value
        case "after" if whole:
            if value < 1:
                raise ValueError(f"Expected after of {kind!r} to be 1 skill or more, got {value!r}.")
            return value
        case "after" | "skill":
            if value not in SKILLS:
                raise UnknownName("a family of skills", str(value), SKILLS)
            return value
        case "object":
            return canonical(str(value))
        case "seen_as":
            return object_type(str(value)).name
        case "drawer":
            return scene.drawer(str(value)).name
        case _:  # "to"
            place = scene.place(str(value))
            if place.kind == "bin":
                raise ValueError(f"Expected 'to' of {kind!r} to be a surface to stand on, got the {place.name}.")
            return place.name
