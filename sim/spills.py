"""Spills: drops on a surface. A drop is taken up where a held sponge lies on it, pressed down and moving.

What the sponge touches, and how hard, is read from the physics' contact points. A drop itself is only seen: nothing
collides with it.
"""

from __future__ import annotations

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
_SIZES = (0.012, 0.020)
"""A drop's smallest and largest radius, metres."""
_THICK = 0.007
"""Metres: so that what is painted on a counter, up to 5 mm high, does not hide it."""
_PRESS = 2.0
"""Newtons that a sponge must be pressed down with to take up a drop."""
_MOVING = 0.02
"""Metres a second that it must move along the surface."""
_GIVES = 0.003
"""How far a sponge's underside gives way, metres: it need not lie quite flat."""
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
                at = x + out * math.cos(turn), y + out * math.sin(turn), z
                look = physics.p.createVisualShape(
                    physics.p.GEOM_CYLINDER, radius=float(rng.uniform(*_SIZES)), length=_THICK, rgbaColor=_COLOUR
                )
                drop = physics.p.createMultiBody(0.0, -1, look)
                self._lie(drop, at)
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
            touching = [c for c in p.getContactPoints(bodyA=sponge) if c[9] > 0.0 and c[2] not in self._types]
            for drop in tuple(self._left) if touching else ():
                at = self._at[drop]
                if sum(c[9] * c[7][2] for c in touching if abs(c[6][2] - at[2]) < 0.01) < _PRESS:
                    continue
                vx, vy, _ = p.getBaseVelocity(sponge)[0]
                if math.hypot(vx, vy) < _MOVING or self._held() != sponge:
                    break
                if self._is_under(sponge, at):
                    self._remove(drop)

    def _is_under(self, sponge: int, at: Point) -> bool:
        """Is the point below the sponge's underside, and no further from it than the sponge gives?"""
        centre, turn = self._physics.p.getBasePositionAndOrientation(sponge)
        axes = np.reshape(self._physics.p.getMatrixFromQuaternion(turn), (3, 3))
        beyond = np.abs(axes.T @ np.subtract(at, centre)) - np.array(CATALOGUE[self._types[sponge]].size) / 2
        down = int(np.argmax(np.abs(axes[2])))
        return bool(beyond[down] <= _GIVES and max(np.delete(beyond, down)) <= 0.0)

    def _remove(self, drop: int) -> None:
        self._left.discard(drop)
        self._lie(drop, _GONE)

    def _lie(self, drop: int, at: Point) -> None:
        """Put it on a surface there."""
        x, y, z = at
        self._physics.p.resetBasePositionAndOrientation(drop, (x, y, z + _THICK / 2), (0.0, 0.0, 0.0, 1.0))

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
                self._lie(drop, at)
