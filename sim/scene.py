"""Scene files: the static map of a room (places, drawers) and what stands in it when no task says otherwise.

The map is the robot's own knowledge, like the map of any mobile robot; where objects are is not part of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from .catalogue import UnknownName, object_type

_FACING = {"east": 0.0, "north": math.pi / 2, "west": math.pi, "south": -math.pi / 2}

STAND = 0.36
"""Metres between a working edge and the middle of a robot's base that stands there."""


@dataclass(frozen=True)
class Place:
    """A piece of furniture with a surface to work on (a bin: an opening to drop into).

    `centre` (x, y) and `size` (length along the working edge, depth), metres; `height` of the surface above the floor,
    metres; `facing` the yaw of a robot that works there, radians.
    """

    name: str
    kind: str
    centre: tuple[float, float]
    size: tuple[float, float]
    height: float
    facing: float
    synonyms: tuple[str, ...] = ()

    def to_world(self, along: float, deep: float) -> tuple[float, float]:
        """World (x, y) of a point `along` the working edge (robot's left positive) and `deep` behind that edge."""
        c, s = math.cos(self.facing), math.sin(self.facing)
        forward = deep - self.size[1] / 2
        return self.centre[0] + c * forward - s * along, self.centre[1] + s * forward + c * along

    def to_local(self, x: float, y: float) -> tuple[float, float]:
        """The inverse of `to_world`: (along, deep), metres."""
        c, s = math.cos(self.facing), math.sin(self.facing)
        dx, dy = x - self.centre[0], y - self.centre[1]
        return -s * dx + c * dy, c * dx + s * dy + self.size[1] / 2

    def stand(self, along: float = 0.0, gap: float = STAND) -> tuple[float, float, float]:
        """Base pose (x, y, yaw) `gap` metres in front of the working edge."""
        x, y = self.to_world(along, -gap)
        return x, y, self.facing

    def contains(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Is (x, y) above this place's footprint, grown by `margin`?"""
        along, deep = self.to_local(x, y)
        return abs(along) <= self.size[0] / 2 + margin and -margin <= deep <= self.size[1] + margin


@dataclass(frozen=True)
class Drawer:
    """A drawer of the place `cabinet`; its handle is `height` metres above the floor, its travel `travel` metres."""

    name: str
    cabinet: str
    height: float
    travel: float = 0.28
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """The map, and the default objects as (type, place) pairs."""

    name: str
    room: tuple[tuple[float, float], tuple[float, float]]
    places: tuple[Place, ...]
    drawers: tuple[Drawer, ...]
    robot_at: str
    objects: tuple[tuple[str, str], ...]

    @cached_property
    def place_names(self) -> Mapping[str, str]:
        """Every accepted name of a place, lower case, to its canonical one."""
        return {alias: p.name for p in self.places for alias in (p.name, *p.synonyms)}

    @cached_property
    def drawer_names(self) -> Mapping[str, str]:
        """Every accepted name of a drawer, lower case, to its canonical one."""
        return {alias: d.name for d in self.drawers for alias in (d.name, *d.synonyms)}

    def place(self, name: str) -> Place:
        """The place of a name or synonym. Raises `UnknownName`."""
        canonical = self.place_names.get(name.lower())
        if canonical is None:
            raise UnknownName("a place", name, self.place_names)
        return next(p for p in self.places if p.name == canonical)

    def drawer(self, name: str) -> Drawer:
        """The drawer of a name or synonym. Raises `UnknownName`."""
        canonical = self.drawer_names.get(name.lower())
        if canonical is None:
            raise UnknownName("a drawer", name, self.drawer_names)
        return next(d for d in self.drawers if d.name == canonical)

    def standing_at(self, x: float, y: float, yaw: float) -> str | None:
        """The place that a robot base at (x, y, yaw) stands at: before its working edge, within reach, facing it."""
        near: list[tuple[float, str]] = []
        for place in self.places:
            along, deep = place.to_local(x, y)
            turned = math.remainder(yaw - place.facing, 2 * math.pi)
            if abs(along) <= place.size[0] / 2 + 0.25 and -0.85 <= deep <= 0.05 and abs(turned) < 0.6:
                near.append((max(abs(along) - place.size[0] / 2, 0.0) - deep, place.name))
        return min(near)[1] if near else None

    def resting_on(self, x: float, y: float, z: float) -> str | None:
        """The place whose surface carries something with its centre at (x, y, z); for a bin, whose inside."""
        for place in self.places:
            low, high = (0.0, place.height) if place.kind == "bin" else (place.height - 0.02, place.height + 0.30)
            if place.contains(x, y, 0.02) and low <= z <= high:
                return place.name
        return None

    def inside_drawer(self, x: float, y: float, z: float, openings: Mapping[str, float]) -> str | None:
        """The drawer that holds something with its centre at (x, y, z). `openings`: each drawer's, metres."""
        for drawer in self.drawers:
            place = self.place(drawer.cabinet)
            along, deep = place.to_local(x, y)
            inside = -openings[drawer.name] <= deep <= place.size[1] - openings[drawer.name]
            if inside and abs(along) <= place.size[0] / 2 and -0.14 <= z - drawer.height <= 0.10:
                return drawer.name
        return None

    def surfaces(self) -> tuple[Place, ...]:
        """The places where objects may stand about: everything but the bin and the person's own table."""
        return tuple(p for p in self.places if p.kind not in ("bin", "person"))


def load_scene(name_or_path: str | Path = "kitchen") -> Scene:
    """Read a scene of the package by name, or a file of the user's own by path.

    Raises `UnknownName` for a name that is neither, ValueError for a file that is not a scene.
    """
    folder = Path(__file__).parent
    path = Path(name_or_path)
    if not path.suffix:
        known = {p.stem: p for p in folder.glob("*.yaml")}
        if str(name_or_path) not in known:
            raise UnknownName("a scene", str(name_or_path), known)
        path = known[str(name_or_path)]
    elif not path.is_file():
        raise ValueError(
            f"Expected a scene file, got {str(path)!r}, which does not exist. Pass a YAML file or 'kitchen'."
        )
    try:
        return _scene(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"Expected {path.name} to be a scene like kitchen.yaml, got {error!r}.") from error


def _scene(data: Mapping[str, Any]) -> Scene:
    places = tuple(
        Place(
            name=p["name"],
            kind=p["kind"],
            centre=(float(p["centre"][0]), float(p["centre"][1])),
            size=(float(p["size"][0]), float(p["size"][1])),
            height=float(p["height"]),
            facing=_FACING[p["facing"]],
            synonyms=tuple(p.get("synonyms", ())),
        )
        for p in data["places"]
    )
    drawers = tuple(
        Drawer(d["name"], d["in"], float(d["height"]), float(d.get("travel", 0.28)), tuple(d.get("synonyms", ())))
        for d in data.get("drawers", ())
    )
    room = data["room"]
    scene = Scene(
        name=data["name"],
        room=((float(room["x"][0]), float(room["x"][1])), (float(room["y"][0]), float(room["y"][1]))),
        places=places,
        drawers=drawers,
        robot_at=data["robot"]["at"],
        objects=tuple((object_type(o["type"]).name, o["at"]) for o in data.get("objects", ())),
    )
    for place in (scene.robot_at, *(at for _, at in scene.objects), *(d.cabinet for d in drawers)):
        scene.place(place)
    return scene
