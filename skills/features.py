"""What a value function gets to know of a skill in a situation: numbers from the observation, and from nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..sim.catalogue import CATALOGUE
from ..sim.observation import Observation, SeenObject
from ..sim.scene import Scene
from .skill import Skill

VERSION = "1"
"""Changes whenever the meaning of a column does; weights of another version are refused."""
LEARNED: tuple[str, ...] = ("go to", "find", "pick up", "put down", "bring", "open", "close")
"""The families whose values are learned, in the order of their columns."""
_KINDS = ("counter", "table", "cabinet", "bin", "person")
_SHAPES = ("box", "cylinder", "sphere")
_FAR = 3.0
"""Distances beyond this many metres say no more."""

NAMES: tuple[str, ...] = (
    *(f"family: {name}" for name in LEARNED),
    *(f"robot at: {kind}" for kind in _KINDS),
    *(f"target at: {kind}" for kind in _KINDS),
    "holding anything", "holding the target", "share of places looked at", "objects here (of 10)",
    *(f"shape: {shape}" for shape in _SHAPES),
    "size x (m)", "size y (m)", "size z (m)", "mass (kg)", "friction",
    "known", "remembered", "visible", "here", "upright", "confidence", "age (min)",
    "base distance (m)", "along (m)", "to the end (m)", "deep (m)", "turned (0 along the edge, 1 across)",
    "gap to neighbour (m)", "neighbour height (m)",
    "drawer opening", "drawer seen", "other drawers open",
)  # fmt: skip
"""One name a column, with its unit."""


class BadObservation(ValueError):
    """An observation with numbers that are none."""


def features(observation: Observation, skills: Sequence[Skill], scene: Scene) -> NDArray[np.float32]:
    """(n, len(NAMES)) float32, a row for each skill. Raises `BadObservation` for NaN or infinity in the observation."""
    rows = np.array([_row(observation, skill, scene) for skill in skills], dtype=np.float32)
    rows = rows.reshape(len(skills), len(NAMES))
    if not np.isfinite(rows).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(rows))[0])
        raise BadObservation(
            f"Expected finite numbers in an observation, got {rows[row, column]} as {NAMES[column]!r} "
            f"of {skills[row].phrase!r}. Look again before valuing skills."
        )
    return rows


def _row(now: Observation, skill: Skill, scene: Scene) -> list[float]:
    place = now.robot.place
    kind = CATALOGUE.get(skill.target or "") or CATALOGUE.get(now.robot.holding or "")
    thing = now.nearest(skill.target) if skill.target in CATALOGUE else None
    target_place = skill.target if skill.target in scene.place_names else thing.place if thing else None
    if skill.family == "bring":
        target_place = "user"
    surfaces = [p.name for p in scene.surfaces()]
    looked = sum(name in now.looked_at for name in surfaces) / max(1, len(surfaces))
    row = [float(skill.family == family) for family in LEARNED]
    row += _kind_of(place, scene)
    row += _kind_of(target_place, scene)
    row += [float(now.robot.holding is not None), float(now.robot.holding == skill.target is not None), looked]
    row += [min(len(now.here()), 10) / 10]
    if kind is None:
        row += [0.0] * (len(_SHAPES) + 5)
    else:
        row += [float(kind.shape == shape) for shape in _SHAPES]
        row += [*kind.size, kind.mass, kind.friction]
    row += _seen(now, thing, scene)
    drawer = next((d for d in now.drawers if d.name == skill.target), None)
    others = [d.opening for d in now.drawers if d.name != skill.target and d.opening is not None]
    row += [
        drawer.opening if drawer and drawer.opening is not None else 0.0,
        float(drawer is not None and drawer.opening is not None),
        max(others, default=0.0),
    ]
    return row


def _kind_of(place: str | None, scene: Scene) -> list[float]:
    """One-hot of a place's kind; a drawer is of its cabinet's; all 0 for none."""
    if place in scene.drawer_names and place not in scene.place_names:
        return [float(kind == "cabinet") for kind in _KINDS]
    found = scene.place(place).kind if place is not None and place in scene.place_names else None
    return [float(found == kind) for kind in _KINDS]


def _seen(now: Observation, thing: SeenObject | None, scene: Scene) -> list[float]:
    """What is known of the target object; all 0 when nothing is."""
    if thing is None:
        return [0.0] * 14
    x, y, _ = thing.position
    distance = math.dist(now.robot.position, (x, y))
    along = end = deep = turned = 0.0
    if thing.place in scene.place_names:
        place = scene.place(thing.place or "")
        along, deep = place.to_local(x, y)
        end = max(0.0, place.size[0] / 2 - abs(along))
        turned = abs(math.cos(thing.yaw - place.facing))
    near = [o for o in now.objects if o is not thing and o.place == thing.place]
    neighbour = min(near, key=lambda o: math.dist(o.position[:2], (x, y)), default=None)
    gap = min(math.dist(neighbour.position[:2], (x, y)), 0.5) if neighbour else 0.5
    height = CATALOGUE[neighbour.type].size[2] if neighbour else 0.0
    return [
        1.0, float(thing.remembered), float(thing.visible),
        float(thing.place is not None and thing.place == now.robot.place and not thing.remembered),
        float(thing.upright), thing.confidence, max(-60.0, min((now.time - thing.last_seen) / 60, 60.0)),
        min(distance, _FAR) if math.isfinite(distance) else distance,
        along, end, deep, turned, gap, height,
    ]  # fmt: skip
