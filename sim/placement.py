"""Where objects stand when an episode begins: drawn by seed, on their places, touching nothing."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

import numpy as np

from .catalogue import CATALOGUE, ObjectType
from .scene import Scene
from .spills import RADIUS

_GAP = 0.06
"""Free space between the footprints of placed objects, metres."""
_LAYOUTS = 10
"""Tries to place all objects before a place counts as full."""
_NEAREST, _FARTHEST = 0.28, 0.74
"""From a fixed arm's base to the objects before it, metres."""


def layout(
    scene: Scene, objects: Sequence[tuple[str, str]], rng: np.random.Generator
) -> list[tuple[tuple[float, float, float], float]]:
    """A free pose ((x, y, z) of the centre, yaw) for each (type, place or drawer), none touching another.

    Raises ValueError if a place can't hold its objects.
    """
    for _ in range(_LAYOUTS - 1):
        with contextlib.suppress(ValueError):
            return _layout(scene, objects, rng)
    return _layout(scene, objects, rng)


def _layout(
    scene: Scene, objects: Sequence[tuple[str, str]], rng: np.random.Generator
) -> list[tuple[tuple[float, float, float], float]]:
    """One try: each object in turn where it finds room."""
    poses: list[tuple[tuple[float, float, float], float]] = []
    taken: list[tuple[str, float, float, float]] = []
    for type_name, where in objects:
        kind = CATALOGUE[type_name]
        radius = _radius(kind)
        surface = where
        if where not in scene.drawer_names and scene.place(where).on:
            surface = scene.place(where).on or where
        for _ in range(500):
            along, deep, x, y, base = _spot(scene, where, radius, rng)
            others = [(a, d, r) for place, a, d, r in taken if place == surface]
            free = all(math.hypot(along - a, deep - d) >= radius + r + _GAP for a, d, r in others)
            if free and _in_reach(scene, x, y):
                break
        else:
            raise ValueError(
                f"Expected room for every object, but the {where} is full before the {type_name} is placed."
            )
        taken.append((surface, along, deep, radius))
        poses.append(((x, y, base + kind.size[2] / 2 + 0.002), float(rng.uniform(-math.pi / 2, math.pi / 2))))
    return poses


def _radius(kind: ObjectType) -> float:
    """Of the circle on the ground that it stands in, metres."""
    return math.hypot(kind.size[0], kind.size[1]) / 2 if kind.shape == "box" else kind.size[0] / 2


def _in_reach(scene: Scene, x: float, y: float) -> bool:
    """Can a fixed arm work there? A robot that drives goes where it has to."""
    base = scene.robot.base
    return base is None or _NEAREST <= math.dist((x, y), base[:2]) <= _FARTHEST


def spill_spots(
    scene: Scene,
    surfaces: Sequence[str],
    objects: Sequence[tuple[str, tuple[float, float, float]]],
    rng: np.random.Generator,
) -> list[tuple[str, tuple[float, float, float]]]:
    """(surface, middle (x, y, height)) of a spill on each of `surfaces`, as far from `objects` (type, centre) as these
    are from each other.

    Raises ValueError if a surface has no room for it.
    """
    found = []
    for where in surfaces:
        for _ in range(500):
            _, _, x, y, base = _spot(scene, where, RADIUS, rng)
            near = ((_radius(CATALOGUE[name]), ox, oy) for name, (ox, oy, oz) in objects if abs(oz - base) < 0.40)
            if all(math.hypot(x - ox, y - oy) >= RADIUS + r + _GAP for r, ox, oy in near) and _in_reach(scene, x, y):
                found.append((where, (x, y, base)))
                break
        else:
            raise ValueError(f"Expected room for a spill, but the {where} is full.")
    return found


def free_pose(
    scene: Scene,
    type_name: str,
    where: str,
    others: Sequence[tuple[str, tuple[float, float, float]]],
    rng: np.random.Generator,
) -> tuple[tuple[float, float, float], float] | None:
    """A free pose (as of `layout`) for one more object at a place, among `others` (type, centre); None: no room."""
    kind = CATALOGUE[type_name]
    radius = _radius(kind)
    for _ in range(200):
        _, _, x, y, base = _spot(scene, where, radius, rng)
        near = ((_radius(CATALOGUE[name]), ox, oy) for name, (ox, oy, oz) in others if abs(oz - base) < 0.40)
        free = all(math.hypot(x - ox, y - oy) >= radius + r + _GAP for r, ox, oy in near)
        if free and _in_reach(scene, x, y):
            return (x, y, base + kind.size[2] / 2 + 0.002), float(rng.uniform(-math.pi / 2, math.pi / 2))
    return None


def _spot(
    scene: Scene, where: str, radius: float, rng: np.random.Generator
) -> tuple[float, float, float, float, float]:
    """A random spot of a place or drawer: (along, deep), of a named spot in the frame of its table; x, y, height."""
    drawer = next((d for d in scene.drawers if d.name == where), None)
    place = scene.place(drawer.cabinet if drawer else where)
    length, depth = place.size
    if drawer:
        along = float(rng.uniform(-0.2, 0.2))
        deep, base = float(rng.uniform(0.10, 0.20)), drawer.floor
        return along, deep, *place.to_world(along, deep), base
    if place.kind == "bin":
        along, deep = float(rng.uniform(-0.07, 0.07)), float(rng.uniform(0.13, depth - 0.13))
        return along, deep, *place.to_world(along, deep), 0.02
    if place.on:
        x, y = place.to_world(*(float(rng.uniform(-0.02, 0.02)) + middle for middle in (0.0, depth / 2)))
        return *scene.place(place.on).to_local(x, y), x, y, place.height
    reach = max(length / 2 - radius - 0.04, 0.0)
    along = float(rng.uniform(-reach, reach))
    if scene.robot.base:
        deep = float(rng.uniform(radius + 0.04, depth - radius - 0.04))
    else:
        deep = float(rng.uniform(0.10, min(0.40, depth - 0.10)))
    return along, deep, *place.to_world(along, deep), place.height
