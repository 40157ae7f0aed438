"""Where no part of the robot may go, whatever it is told: rectangles of the floor, from it to the ceiling.

They are in the robot's own map (`collision.Guard`), like walls that only the robot meets: a motion that would enter one
is refused before it starts, whoever asks for it. Metres, the world frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HEIGHT = 3.0
"""Metres up to which a zone stands."""
_OUT = 2.0
"""Metres beyond the workspace that are closed."""


class ZoneError(ValueError):
    """Text that tells no zones; the message says the rule and the value."""


@dataclass(frozen=True)
class Zone:
    """A rectangle, and what it is called when a motion is refused for it."""

    west: float
    south: float
    east: float
    north: float
    name: str = "forbidden zone"

    def holds(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Is (x, y) in it, or nearer than `margin`?"""
        return self.west - margin < x < self.east + margin and self.south - margin < y < self.north + margin


def parse_zones(text: str) -> tuple[Zone, ...]:
    """'west,south,east,north' in metres; several are joined by ';'. Raises `ZoneError`."""
    return tuple(Zone(*_rectangle(part)) for part in text.split(";") if part.strip())


def around(text: str) -> tuple[Zone, ...]:
    """All that is outside the rectangle 'west,south,east,north'. Raises `ZoneError`."""
    west, south, east, north = _rectangle(text)
    name = "edge of the workspace"
    return (
        Zone(west - _OUT, south - _OUT, west, north + _OUT, name),
        Zone(east, south - _OUT, east + _OUT, north + _OUT, name),
        Zone(west, south - _OUT, east, south, name),
        Zone(west, north, east, north + _OUT, name),
    )


def _rectangle(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise ZoneError(f"Expected 'west,south,east,north' in metres, like '-1,0,1,2', got {text.strip()!r}.") from None
    if not (west < east and south < north and all(map(math.isfinite, (west, south, east, north)))):
        raise ZoneError(f"Expected a rectangle with west < east and south < north, got {text.strip()!r}.")
    return west, south, east, north
