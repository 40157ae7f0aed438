"""Scene files: the static map of a room (places, drawers) and what stands in it when no task says otherwise.

The map is the robot's own knowledge, like the map of any mobile robot; where objects are is not part of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from .catalogue import CATALOGUE, KITCHEN, UnknownName, object_type
from .scene_file import SceneFile
from .scene_parts import CameraSpec, Decor, Drawer, Place, RobotSpec
from .zones import Zone

_FACING = {"east": 0.0, "north": math.pi / 2, "west": math.pi, "south": -math.pi / 2}


@dataclass(frozen=True)
class Scene:
    """The map, what it can hold, and the default objects as (type, place) pairs."""

    name: str
    room: tuple[tuple[float, float], tuple[float, float]]
    """((west, east), (south, north)), metres."""
    places: tuple[Place, ...]
    drawers: tuple[Drawer, ...]
    robot: RobotSpec
    objects: tuple[tuple[str, str], ...]
    types: tuple[str, ...] = tuple(KITCHEN)
    """The object types that can be here, in the order in which skills are made of them."""
    cameras: tuple[CameraSpec, ...] = ()
    """Fixed cameras; one is named "overview"."""
    clutter: Mapping[str, int] = field(default_factory=dict, hash=False)
    """How many more objects each level (light, medium, heavy) adds to those that are there."""
    walls: frozenset[str] = frozenset({"north", "east"})
    """The sides with a tall wall; the others have a low one, to look in over."""
    decor: tuple[Decor, ...] = ()
    held_out: bool = False
    """Nothing may be trained in it: it is for measuring."""
    forbidden: tuple[Zone, ...] = ()
    """Where no part of the robot may go."""

    @property
    def robot_at(self) -> str:
        """The place where the robot starts; of a fixed arm, the one it works at."""
        return self.robot.at or self.places[0].name

    @cached_property
    def place_names(self) -> Mapping[str, str]:
        """Every accepted name of a place, lower case, to its canonical one."""
        return {alias: p.name for p in self.places for alias in (p.name, *p.synonyms)}

    @cached_property
    def drawer_names(self) -> Mapping[str, str]:
        """Every accepted name of a drawer, lower case, to its canonical one."""
        return {alias: d.name for d in self.drawers for alias in (d.name, *d.synonyms)}

    @cached_property
    def carrier_names(self) -> Mapping[str, str]:
        """Every accepted name of an object type that others lie in or on here, lower case, to its canonical one."""
        kinds = [CATALOGUE[name] for name in self.types if CATALOGUE[name].holds or CATALOGUE[name].stacks]
        return {alias: kind.name for kind in kinds for alias in (kind.name, *kind.synonyms)}

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

    def camera(self, name: str) -> CameraSpec:
        """The fixed camera of a name. Raises `UnknownName`."""
        found = next((c for c in self.cameras if c.name == name), None)
        if found is None:
            raise UnknownName("a camera", name, [c.name for c in self.cameras])
        return found

    def extra(self, level: str) -> int:
        """How many objects a level of clutter adds. Raises `UnknownName` for one that the scene has not."""
        if level not in self.clutter:
            raise UnknownName(f"a clutter level of {self.name}", level, self.clutter)
        return self.clutter[level]

    def standing_at(self, x: float, y: float, yaw: float) -> str | None:
        """The place that a robot base at (x, y, yaw) stands at: before its working edge, within reach, facing it."""
        near: list[tuple[float, str]] = []
        for place in (p for p in self.places if p.on is None):
            along, deep = place.to_local(x, y)
            turned = math.remainder(yaw - place.facing, 2 * math.pi)
            if abs(along) <= place.size[0] / 2 + 0.25 and -0.85 <= deep <= 0.05 and abs(turned) < 0.6:
                near.append((max(abs(along) - place.size[0] / 2, 0.0) - deep, place.name))
        return min(near)[1] if near else None

    def resting_on(self, x: float, y: float, z: float) -> str | None:
        """The place whose surface carries something with its centre at (x, y, z); for a bin, whose inside.

        Of a surface and a spot on it, the spot: the smallest of those that overlap.
        """
        for place in self._smallest_first:
            low, high = (0.0, place.height) if place.kind == "bin" else (place.height - 0.02, place.height + 0.30)
            if place.contains(x, y, 0.02) and low <= z <= high:
                return place.name
        return None

    @cached_property
    def _smallest_first(self) -> tuple[Place, ...]:
        return tuple(sorted(self.places, key=lambda p: p.size[0] * p.size[1] if p.on else math.inf))

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
        """The places where objects may stand about: everything but the bin, the person's own table, and spots."""
        return tuple(p for p in self.places if p.kind not in ("bin", "person", "spot"))


def load_scene(name_or_path: str | Path = "kitchen") -> Scene:
    """Read a scene of the package by name, or a file of the user's own by path.

    Raises `UnknownName` for a name that is neither, `SceneError` (both ValueErrors) for a file that is not a scene.
    """
    path = Path(name_or_path)
    return _scene(SceneFile(path)) if path.suffix else _known(str(name_or_path))


def training_scene(name_or_path: str | Path = "kitchen") -> Scene:
    """A scene to train in. Raises what `load_scene` does, and ValueError for one that is held out for measuring."""
    scene = load_scene(name_or_path)
    if scene.held_out:
        free = ", ".join(name for name in scene_names() if not load_scene(name).held_out)
        raise ValueError(f"Expected a scene to train in, got {scene.name!r}, which is held out. Train in {free}.")
    return scene


def scene_names() -> tuple[str, ...]:
    """The scenes of the package."""
    return tuple(sorted(_shipped()))


@cache
def _known(name: str) -> Scene:
    """A scene of the package, read once."""
    known = _shipped()
    if name not in known:
        raise UnknownName("a scene", name, known)
    return _scene(SceneFile(known[name]))


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in Path(__file__).parent.glob("*.yaml")}


def _scene(file: SceneFile) -> Scene:
    """The scene of a file that keeps the schema. Raises `SceneError` where its parts do not fit together."""
    data = file.data
    places: list[Place] = []
    for i, p in enumerate(data["places"]):
        places.append(file.check(("places", i, "of"), lambda p=p: _place(p, {q.name: q for q in places})))
    drawers = tuple(
        Drawer(d["name"], d["in"], float(d["height"]), float(d.get("travel", 0.28)), tuple(d.get("synonyms", ())))
        for d in data.get("drawers", ())
    )
    (west, east), (south, north) = (map(float, data["room"][axis]) for axis in ("x", "y"))
    room = ((west, east), (south, north))
    robot = data["robot"]
    base = robot.get("base")
    cameras = tuple(
        CameraSpec(
            name=c["name"],
            eye=_point(c["eye"]),
            target=_point(c["target"]),
            fov=math.radians(c.get("fov", 48)),
            width=c.get("width", 480),
            height=c.get("height", 360),
        )
        for c in data.get("cameras", ())
    )
    if not any(c.name == "overview" for c in cameras):
        cameras = (_overview(room), *cameras)
    types = tuple(
        file.check(("types", i), lambda name=name: object_type(name).name)
        for i, name in enumerate(data.get("types", KITCHEN))
    )
    scene = Scene(
        name=data["name"],
        room=room,
        places=tuple(places),
        drawers=drawers,
        robot=RobotSpec(
            model=robot.get("model", "mobile-panda"),
            at=robot.get("at"),
            base=None if base is None else (*_point(base[:3]), math.radians(base[3])),
        ),
        objects=tuple(
            (file.check(("objects", i, "type"), lambda o=o: _held(o["type"], types)), o["at"])
            for i, o in enumerate(data.get("objects", ()))
        ),
        types=types,
        cameras=cameras,
        clutter=dict(data.get("clutter", {})),
        walls=frozenset(data["room"].get("walls", ("north", "east"))),
        decor=tuple(Decor(d["kind"], _point(d["at"]), _FACING[d["facing"]]) for d in data["room"].get("decor", ())),
        held_out=data.get("held_out", False),
    )
    _check(scene, file)
    return scene


def _place(data: Mapping[str, Any], before: Mapping[str, Place]) -> Place:
    """A place; a spot has the height and the facing of the place it is on, which stands before it in the file."""
    on = before.get(data["of"]) if "of" in data else None
    if "of" in data and on is None:
        raise UnknownName("a place before it in the file", data["of"], before)
    return Place(
        name=data["name"],
        kind=data["kind"],
        centre=(float(data["centre"][0]), float(data["centre"][1])),
        size=(float(data["size"][0]), float(data["size"][1])),
        height=float(data["height"]) if on is None else on.height,
        facing=_FACING[data["facing"]] if on is None else on.facing,
        synonyms=tuple(data.get("synonyms", ())),
        on=None if on is None else on.name,
    )


def _held(name: str, types: tuple[str, ...]) -> str:
    """The canonical name of an object that the scene can hold. Raises `UnknownName`."""
    kind = object_type(name)
    if kind.name not in types:
        raise UnknownName("an object of this scene's types", name, types)
    return kind.name


def _check(scene: Scene, file: SceneFile) -> None:
    """Do the names lead somewhere, and does each lead to one thing?"""
    for key, things in (("places", scene.places), ("drawers", scene.drawers), ("cameras", scene.cameras)):
        taken: dict[str, str] = {}
        for i, thing in enumerate(things if key != "cameras" else file.data.get("cameras", ())):
            name = thing["name"] if isinstance(thing, dict) else thing.name
            for alias in (name, *getattr(thing, "synonyms", ())):
                if key != "cameras" and alias != alias.lower():
                    raise file.error((key, i), f"Expected names in lower case, got {alias!r}.")
                if alias in taken:
                    raise file.error((key, i), f"Expected {alias!r} to name one thing, it also names {taken[alias]!r}.")
                taken[alias] = name
    if scene.robot.at is not None:
        file.check(("robot", "at"), lambda: scene.place(scene.robot_at))
    for i, drawer in enumerate(scene.drawers):
        cabinet = file.check(("drawers", i, "in"), lambda drawer=drawer: scene.place(drawer.cabinet))
        if cabinet.kind != "cabinet":
            raise file.error(("drawers", i, "in"), f"Expected the drawer to be in a cabinet, got a {cabinet.kind}.")
        if cabinet.name != drawer.cabinet:
            raise file.error(("drawers", i, "in"), f"Expected the cabinet's own name, got {drawer.cabinet!r}.")
    for i, (_, where) in enumerate(scene.objects):
        if where not in scene.drawer_names:
            file.check(("objects", i, "at"), lambda where=where: scene.place(where))


def _overview(room: tuple[tuple[float, float], tuple[float, float]]) -> CameraSpec:
    """The whole room from above its open corner, for people to look at."""
    (west, east), (south, north) = room
    eye = (west - 0.9, south - 1.6, 4.6)
    return CameraSpec("overview", eye, ((west + east) / 2 + 0.35, (south + north) / 2 + 0.1, 0.4))


def _point(values: list[float]) -> tuple[float, float, float]:
    x, y, z = values
    return float(x), float(y), float(z)
