"""Surfaces made by a few lines: turned profiles, boxes, bags, bent tubes. They are seen; collisions are elsewhere.

Metres; the origin is the middle of the bounding box. `uvs` in [0, 1]: u to the right, v upwards in the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SIDES = ("front", "back", "left", "right", "top", "bottom")
"""Of a box: -y, y, -x, x, z, -z."""


@dataclass(frozen=True)
class Mesh:
    """Points (n, 3), their normals (n, 3), where they are in the picture (n, 2), and triangles (m, 3) of them."""

    points: NDArray[np.float64]
    normals: NDArray[np.float64]
    uvs: NDArray[np.float64]
    triangles: NDArray[np.int64]

    def __add__(self, other: Mesh) -> Mesh:
        return Mesh(
            np.vstack([self.points, other.points]),
            np.vstack([self.normals, other.normals]),
            np.vstack([self.uvs, other.uvs]),
            np.vstack([self.triangles, other.triangles + len(self.points)]),
        )

    def moved(self, x: float, y: float, z: float) -> Mesh:
        """The same, somewhere else."""
        return Mesh(self.points + np.array([x, y, z]), self.normals, self.uvs, self.triangles)


def turned(profile: Sequence[tuple[float, float, float]], around: int = 18) -> Mesh:
    """What a lathe makes of a profile: (radius, z, v) from the lowest to the highest point. u goes once around."""
    parts = []
    for (r0, z0, v0), (r1, z1, v1) in pairwise(profile):
        slope = math.atan2(r0 - r1, z1 - z0)

        def ring(u: float, t: float, a=(r0, z0, v0), b=(r1, z1, v1), slope=slope):
            turn = 2 * math.pi * u
            r, z, v = (p + t * (q - p) for p, q in zip(a, b, strict=True))
            c, s = math.cos(turn), math.sin(turn)
            normal = (c * math.cos(slope), s * math.cos(slope), math.sin(slope))
            return (r * c, r * s, z), normal, (u, v)

        parts.append(sheet(ring, around, 1))
    return _joined(parts)


def ball(radius: float, around: int = 16, dent: float = 0.0) -> Mesh:
    """A ball; `dent`: how deep the hollow at its top is."""

    def at(u: float, t: float):
        turn, rise = 2 * math.pi * u, math.pi * (t - 0.5)
        n = (math.cos(turn) * math.cos(rise), math.sin(turn) * math.cos(rise), math.sin(rise))
        hollow = dent * math.exp(-(((math.pi / 2 - rise) / 0.25) ** 2))
        return (radius * n[0], radius * n[1], radius * n[2] - hollow), n, (u, t)

    return sheet(at, around, around // 2 + 2)


def box(size: Sequence[float], faces: dict[str, tuple[float, float, float, float]]) -> Mesh:
    """A box. `faces`: the part (u0, v0, u1, v1) of the picture that is on each; the front looks to -y."""
    x, y, z = (s / 2 for s in size)
    corner: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, ...]]] = {
        # name: lower left corner, way to the right, way up, normal
        "front": ((-x, -y, -z), (2 * x, 0, 0), (0, 0, 2 * z), (0, -1, 0)),
        "back": ((x, y, -z), (-2 * x, 0, 0), (0, 0, 2 * z), (0, 1, 0)),
        "left": ((-x, y, -z), (0, -2 * y, 0), (0, 0, 2 * z), (-1, 0, 0)),
        "right": ((x, -y, -z), (0, 2 * y, 0), (0, 0, 2 * z), (1, 0, 0)),
        "top": ((-x, -y, z), (2 * x, 0, 0), (0, 2 * y, 0), (0, 0, 1)),
        "bottom": ((-x, y, -z), (2 * x, 0, 0), (0, -2 * y, 0), (0, 0, -1)),
    }
    parts = []
    for name, (low, right, up, normal) in corner.items():
        u0, v0, u1, v1 = faces[name]

        def at(u: float, t: float, low=low, right=right, up=up, normal=normal, part=(u0, v0, u1, v1)):
            point = tuple(a + u * r + t * w for a, r, w in zip(low, right, up, strict=True))
            return point, normal, (part[0] + u * (part[2] - part[0]), part[1] + t * (part[3] - part[1]))

        parts.append(sheet(at, 1, 1))
    return _joined(parts)


def bag(size: Sequence[float], fine: int = 7) -> Mesh:
    """A filled bag: round in the middle, seams above and below. Its front is the left half of the picture."""
    width, deep, high = size

    def side(sign: float) -> Callable:
        def thick(u: float, t: float) -> float:
            across = max(0.0, 1 - abs(2 * u - 1) ** 3) ** 0.5
            along = min(1.0, max(0.12, 9 * min(t + 0.10, 1 - t)))
            return deep / 2 * max(0.1, across) * min(1.0, along)

        def point(u: float, t: float) -> tuple[float, float, float]:
            return sign * width * (u - 0.5), -sign * thick(u, t), high * (t - 0.5)

        def at(u: float, t: float):
            e = 0.02
            du = np.subtract(point(min(u + e, 1), t), point(max(u - e, 0), t))
            dt = np.subtract(point(u, min(t + e, 1)), point(u, max(t - e, 0)))
            normal = np.cross(du, dt)
            return point(u, t), tuple(normal / (np.linalg.norm(normal) or 1.0)), (u / 2 + (0 if sign > 0 else 0.5), t)

        return at

    return sheet(side(1.0), fine, fine + 3) + sheet(side(-1.0), fine, fine + 3)


def bent(length: float, wide: float, high: float, bow: float, along: int = 9, around: int = 9) -> Mesh:
    """A tube that tapers to its ends and is bent sideways by `bow`, like a banana that lies on the table."""

    def at(u: float, t: float):
        s = 2 * t - 1
        thin = max(0.22, (1 - abs(s) ** 4) ** 0.5)
        x, y0 = s * length / 2, bow * (s * s - 1 / 3)
        turn = 2 * math.pi * u
        c, w = math.cos(turn), math.sin(turn)
        point = (x, y0 + wide / 2 * thin * c, high / 2 * thin * w - high / 2 * (1 - thin) * 0.6)
        return point, (0.0, c, w), (u, t)

    return sheet(at, around, along)


def sheet(at: Callable, across: int, along: int, flip: bool = False) -> Mesh:
    """A grid over (u, t) in [0, 1]²; `at` gives point, normal and picture position of each of its nodes."""
    nodes = [at(i / across, j / along) for j in range(along + 1) for i in range(across + 1)]
    points, normals, uvs = (np.array(column, dtype=float) for column in zip(*nodes, strict=True))
    row = across + 1
    a = np.array([j * row + i for j in range(along) for i in range(across)])
    triangles = np.vstack([np.stack([a, a + 1, a + row + 1], 1), np.stack([a, a + row + 1, a + row], 1)])
    return Mesh(points, normals, uvs, triangles[:, ::-1] if flip else triangles)


def _joined(parts: Sequence[Mesh]) -> Mesh:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole
