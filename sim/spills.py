"""Spills: drops on a surface. A drop is taken up where a held sponge lies on it, pressed down and moving.

What the sponge touches, and how hard, is read from the physics' contact points. A drop itself is only seen: nothing
collides with it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .catalogue import CATALOGUE

if TYPE_CHECKING:
    from .physics import Physics

RADIUS = 0.07
"""Of the circle that a spill's drops lie in, metres."""
_DROPS = 12
_SIZES = (0.010, 0.018)
"""A drop's smallest and largest radius, metres."""
_THICK = 0.002
_PRESS = 1.0
"""Newtons that a sponge must be pressed down with to take up a drop."""
_MOVING = 0.02
"""Metres a second that it must move along the surface."""
_BESIDE = 0.008
"""Metres from the sponge's contact area within which a drop's middle counts as under it."""
_GONE = (0.0, 0.0, -4.0)
_COLOUR = (0.30, 0.13, 0.05, 1.0)

Point = tuple[float, float, float]


def is_absorbent(type_name: str) -> bool:
    """Can a drop be taken up with it?"""
    return "absorbent" in CATALOGUE[type_name].properties


class Spills:
    """The drops of an episode: bodies that are there until they are wiped away."""

    def __init__(
        self,
        physics: Physics,
        spots: Sequence[tuple[str, Point]],
        rng: np.random.Generator,
        types: Mapping[int, str],
        held: Callable[[], int | None],
    ):
        """`spots`: (place, middle (x, y, height of the surface)) of each spill; `types`: body to object type; `held`
        gives the body that is between the fingers."""
        self._physics, self._types, self._held = physics, types, held
        self._place: dict[int, str] = {}
        self._at: dict[int, Point] = {}
        for place, (x, y, z) in spots:
            for i in range(_DROPS):
                out = (RADIUS - _SIZES[1]) * math.sqrt((i + 0.5) / _DROPS)
                turn = i * math.pi * (3 - math.sqrt(5)) + float(rng.uniform(-0.3, 0.3))  # a sunflower's seeds
                at = x + out * math.cos(turn), y + out * math.sin(turn), z + _THICK / 2
                look = physics.p.createVisualShape(
                    physics.p.GEOM_CYLINDER, radius=float(rng.uniform(*_SIZES)), length=_THICK, rgbaColor=_COLOUR
                )
                drop = physics.p.createMultiBody(0.0, -1, look, at)
                self._place[drop], self._at[drop] = place, at
        self._left = set(self._at)
        if self._at:
            physics.laws.append(self._take_up)

    @property
    def drops(self) -> tuple[int, ...]:
        """Every drop's body, the wiped ones too."""
        return tuple(self._at)

    @property
    def dirty(self) -> frozenset[str]:
        """The places where drops are left."""
        return frozenset(self._place[drop] for drop in self._left)

    def _take_up(self) -> None:
        """After a physics step: away with the drops under a sponge that is held, pressed down and moving."""
        if not self._left:
            return
        p = self._physics.p
        for sponge in (body for body, kind in self._types.items() if is_absorbent(kind)):
            touching = [c for c in p.getContactPoints(bodyA=sponge) if c[2] not in self._types and c[9] > 0.0]
            if not touching:
                continue
            for drop in tuple(self._left):
                z = self._at[drop][2]
                below = [c for c in touching if abs(c[6][2] - z) < 0.01]
                if sum(c[9] * abs(c[7][2]) for c in below) < _PRESS:
                    continue
                vx, vy, _ = p.getBaseVelocity(sponge)[0]
                if math.hypot(vx, vy) < _MOVING or self._held() != sponge:
                    break
                if _away(self._at[drop][:2], [c[6][:2] for c in below]) <= _BESIDE:
                    self._remove(drop)

    def _remove(self, drop: int) -> None:
        self._left.discard(drop)
        self._physics.p.resetBasePositionAndOrientation(drop, _GONE, (0.0, 0.0, 0.0, 1.0))

    def state(self) -> list[int]:
        """The numbers of the drops that are wiped away (JSON)."""
        return [i for i, drop in enumerate(self._at) if drop not in self._left]

    def set_state(self, wiped: Sequence[int]) -> None:
        """The inverse; to be called after the physics has been restored."""
        self._left = set(self._at)
        for i, (drop, at) in enumerate(self._at.items()):
            if i in wiped:
                self._remove(drop)
            else:
                self._physics.p.resetBasePositionAndOrientation(drop, at, (0.0, 0.0, 0.0, 1.0))


def _away(point: Sequence[float], area: Sequence[Sequence[float]]) -> float:
    """From a point to the convex hull of the corners `area`, metres; 0 inside."""
    x, y = point
    middle = np.mean(area, axis=0)
    corners = sorted(area, key=lambda c: math.atan2(c[1] - middle[1], c[0] - middle[0]))
    if len(corners) == 1:
        return math.dist(point, corners[0])
    edges = list(itertools.pairwise([*corners, corners[0]]))
    sides = [(b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) for a, b in edges]
    if len(corners) > 2 and min(sides) >= 0.0:
        return 0.0
    return min(_to_edge(x, y, a, b) for a, b in edges)


def _to_edge(x: float, y: float, a: Sequence[float], b: Sequence[float]) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    share = 0.0 if length == 0.0 else min(max(((x - a[0]) * dx + (y - a[1]) * dy) / length, 0.0), 1.0)
    return math.hypot(x - a[0] - share * dx, y - a[1] - share * dy)
