"""From an object's pixels to where it is in the room: depth, the catalogue's sizes and the map say it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .catalogue import CATALOGUE
from .detector import Detection
from .observation import SeenObject
from .scene import Scene
from .scene_parts import Drawer

ON_FLOOR = 0.23
"""What lies lower than this, metres, and at no place, lies on the floor: the tallest thing is lower, no drawer is."""


def locate(detection: Detection, points: NDArray[np.float64], scene: Scene, eye: Sequence[float]) -> SeenObject:
    """Where an object is, from the points (n, 3) of its pixels.

    Of a box or cylinder the top face is seen: its middle is the object's. Of a ball a cap is seen: its centre is where
    a sphere of the catalogue's radius fits. The height of the top above its support tells whether it still stands.
    """
    kind = CATALOGUE[detection.type]
    top = float(np.percentile(points[:, 2], 97))
    if kind.shape == "sphere":
        x, y, z = _ball(points, kind.size[0] / 2, np.asarray(eye))
        yaw, upright = 0.0, True
    else:
        face = points[points[:, 2] > top - 0.004]
        x, y = face[:, :2].mean(axis=0)
        spread = np.cov(face[:, :2].T) if len(face) > 2 else np.eye(2)
        axis = np.linalg.eigh(spread)[1][:, -1]
        yaw = _square_yaw(face[:, :2]) if kind.cube else math.atan2(axis[1], axis[0])
        surface = next((p.height for p in scene.places if p.kind != "bin" and p.contains(x, y, 0.02)), None)
        if top < ON_FLOOR and not any(p.contains(x, y, 0.02) for p in scene.places):
            surface = 0.0
        high = kind.size[2] if surface is None or top < surface else top - surface
        # A cube stands on whichever side it lies on, be it on a table or on another.
        upright = kind.cube or abs(high - kind.size[2]) < 0.25 * kind.size[2] or high > 0.30
        z = top - (kind.size[2] if upright else high) / 2
    return SeenObject(
        type=kind.name,
        position=(float(x), float(y), float(z)),
        place=scene.resting_on(float(x), float(y), float(z)),
        yaw=(yaw + math.pi / 2) % math.pi - math.pi / 2,
        confidence=min(1.0, len(points) / 40) * detection.confidence,
        upright=upright,
    )


def _square_yaw(points: NDArray[np.float64]) -> float:
    """The yaw of a square from points (n, 2) on it: that of the smallest rectangle around them, in [0, pi/2)."""
    yaws = np.radians(np.arange(0.0, 90.0, 1.5))
    axes = np.array([np.cos(yaws), np.sin(yaws)])
    along, across = np.ptp(points @ axes, axis=0), np.ptp(points @ np.array([-axes[1], axes[0]]), axis=0)
    return float(yaws[int(np.argmin(along * across))])


def _ball(points: NDArray[np.float64], radius: float, eye: NDArray[np.float64]) -> NDArray[np.float64]:
    """The centre of a sphere of known radius: the seen cap lies on average 2/3 of a radius before it."""
    middle = points.mean(axis=0)
    away = middle - eye
    centre = middle + 2 / 3 * radius * away / np.linalg.norm(away)
    for _ in range(10):  # Gauss-Newton on the distances to the surface
        offset = centre - points
        distance = np.linalg.norm(offset, axis=1)
        step = np.linalg.lstsq(offset / distance[:, None], radius - distance, rcond=None)[0]
        centre = centre + step
    return centre if np.linalg.norm(centre - middle) < 1.5 * radius else middle


def drawer_region(drawer: Drawer, points: NDArray[np.float64], scene: Scene) -> NDArray[np.bool_]:
    """Which of the points (…, 3) lie where the map says that this drawer slides, its front and handle included."""
    place = scene.place(drawer.cabinet)
    c, s = math.cos(place.facing), math.sin(place.facing)
    dx, dy = points[..., 0] - place.centre[0], points[..., 1] - place.centre[1]
    along, before = -s * dx + c * dy, -(c * dx + s * dy) - place.size[1] / 2
    return (
        (np.abs(points[..., 2] - drawer.height) <= 0.15)
        & (np.abs(along) <= place.size[0] / 2)
        & (np.abs(before - drawer.travel / 2) <= drawer.travel / 2 + 0.12)
    )
