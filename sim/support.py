"""What lies in or on another object: a block in a bowl or on a block. The same for truth and for sight."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .catalogue import CATALOGUE

_SLACK = 0.012
"""Metres by which a resting thing may seem to hover or sink."""

Placed = tuple[str, tuple[float, float, float]]
"""(type, centre (x, y, z)), metres."""


def carrier(thing: Placed, others: Iterable[Placed], blur: float = 0.0) -> str | None:
    """The type of the object that `thing` lies in or on; None: on furniture, or nowhere.

    It lies in a bowl whose wall its centre is within, unless it rests on something that lies there itself, and on a
    block whose top its own bottom touches and whose middle it does not overhang; by `blur` metres more where the
    positions are seen only.
    """
    kind, (x, y, z) = CATALOGUE[thing[0]], thing[1]
    bottom = z - kind.size[2] / 2
    around: list[tuple[float, str]] = []
    for name, (ox, oy, oz) in others:
        other = CATALOGUE[name]
        away, half = math.hypot(x - ox, y - oy), other.size[2] / 2
        if other.stacks and away <= other.size[0] / 2 + blur and abs(bottom - (oz + half)) <= _SLACK:
            return name
        if other.holds and away <= other.size[0] / 2 and oz - half - _SLACK <= bottom <= oz + half + _SLACK:
            around.append((away, name))
    return min(around, default=(0.0, None))[1]
