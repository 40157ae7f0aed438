"""What a scene is made of: places to work at, drawers, a robot, cameras, and what is only there to be seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .scene import Scene

STAND = 0.36
"""Metres between a working edge and the middle of a robot's base that stands there."""


@dataclass(frozen=True)
class Place:
    """A piece of furniture with a surface to work on (a bin: an opening to drop into; a spot: a named part of one).

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
    on: str | None = None
    """The place that a spot is a part of; None: furniture that stands by itself."""

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

    @property
    def floor(self) -> float:
        """Height of what lies in it above the room's floor, metres."""
        return self.height - 0.12

    def room_above(self, scene: Scene) -> float:
        """From its floor to whatever is above it in the cabinet, metres: how high a thing may be to go in."""
        lids = [d.floor - 0.01 for d in scene.drawers if d.cabinet == self.cabinet and d.height > self.height]
        return min([scene.place(self.cabinet).height - 0.03, *lids]) - self.floor


@dataclass(frozen=True)
class RobotSpec:
    """Which robot, and where it starts: `at` a place; of a fixed arm, `base` (x, y, z, yaw), metres and radians."""

    model: Literal["mobile-panda", "ur5e", "panda"] = "mobile-panda"
    at: str | None = None
    base: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class CameraSpec:
    """A fixed camera: `eye` and `target` (x, y, z), metres; `fov` vertical, radians; pixels."""

    name: str
    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    fov: float = math.radians(48)
    width: int = 480
    height: int = 360


@dataclass(frozen=True)
class Decor:
    """Something that is only there to be seen: its kind, where it is (x, y, z) and the yaw of somebody facing it."""

    kind: str
    at: tuple[float, float, float]
    facing: float
