"""An object of the catalogue as a body: boxes, cylinders and spheres to collide with, and its look.

Primitive shapes are fast, and states restore to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from . import looks
from .catalogue import ObjectType
from .physics import Physics, pb

_BOARDS = 12
"""Flat pieces in a bowl's rim. (Bullet takes no more than 16 shapes in one body; with more it crashes.)"""
_LEAN = math.radians(25)
"""How far a bowl's rim leans out."""
_LIFT = 0.003
"""Metres between the ground and the lower edge of a bowl's rim."""


def add_object(physics: Physics, kind: ObjectType, at: Sequence[float], yaw: float) -> int:
    """Make one object with its centre `at` (x, y, z)."""
    p = physics.p
    collision, look = _shapes(p, kind)
    drawn = looks.visual(physics, kind)
    body = p.createMultiBody(
        kind.mass,
        collision,
        drawn[0] if drawn else look,
        list(at),
        p.getQuaternionFromEuler((0.0, 0.0, yaw)),
    )
    if drawn:
        p.changeVisualShape(body, -1, textureUniqueId=drawn[1])
    # Rolling friction keeps a ball where it was put, as its soft skin would.
    rolling = 0.003 if kind.shape in ("cylinder", "sphere") else 0.0
    p.changeDynamics(
        body, -1, lateralFriction=kind.friction, rollingFriction=rolling, spinningFriction=0.003, linearDamping=0.05
    )
    return body


def _shapes(p: Any, kind: ObjectType) -> tuple[int, int]:
    """The collision shape and a visual shape like it, in the type's colour."""
    x, y, z = kind.size
    colour = (*kind.colour, 1.0)
    match kind.shape:
        case "box":
            half = (x / 2, y / 2, z / 2)
            return (
                p.createCollisionShape(pb.GEOM_BOX, halfExtents=half),
                p.createVisualShape(pb.GEOM_BOX, halfExtents=half, rgbaColor=colour),
            )
        case "cylinder":
            return (
                p.createCollisionShape(pb.GEOM_CYLINDER, radius=x / 2, height=z),
                p.createVisualShape(pb.GEOM_CYLINDER, radius=x / 2, length=z, rgbaColor=colour),
            )
        case "sphere":
            return (
                p.createCollisionShape(pb.GEOM_SPHERE, radius=x / 2),
                p.createVisualShape(pb.GEOM_SPHERE, radius=x / 2, rgbaColor=colour),
            )
        case "bowl":
            return _bowl(p, kind)


def _bowl(p: Any, kind: ObjectType) -> tuple[int, int]:
    """The collision and the visual shape of a bowl: a round floor, and boards around it that lean out. Open above."""
    radius, high = kind.size[0] / 2, kind.size[2]
    thick = 0.005
    low = radius - high * math.tan(_LEAN)
    """The inner radius at the floor."""
    # The boards end above the floor: a bowl stands on four points of it, and physics has a sixth of the contacts.
    board = (high - _LIFT) / math.cos(_LEAN)
    middle = (radius + low - thick) / 2
    turns = [2 * math.pi * i / _BOARDS for i in range(_BOARDS)]
    wide = (radius - thick / 2) * math.tan(math.pi / _BOARDS)
    half = [(thick / 2, wide, board / 2)] * _BOARDS
    # The centre of the body is in the middle of its bounding box, as of every object.
    at = [(middle * math.cos(a), middle * math.sin(a), _LIFT / 2) for a in turns]
    lean = p.getQuaternionFromEuler((0.0, _LEAN, 0.0))
    nothing = (0.0, 0.0, 0.0)
    turned = [p.multiplyTransforms(nothing, p.getQuaternionFromEuler((0.0, 0.0, a)), nothing, lean)[1] for a in turns]
    kinds = [pb.GEOM_CYLINDER] + [pb.GEOM_BOX] * _BOARDS
    places = [(0.0, 0.0, thick / 2 - high / 2), *at]
    ways = [(0.0, 0.0, 0.0, 1.0), *turned]
    radii, lengths = [low] + [0.0] * _BOARDS, [thick] + [0.0] * _BOARDS
    halves = [(0.0, 0.0, 0.0), *half]
    inside = tuple(0.45 + 0.55 * c for c in kind.colour)
    collision = p.createCollisionShapeArray(
        shapeTypes=kinds, radii=radii, lengths=lengths, halfExtents=halves,
        collisionFramePositions=places, collisionFrameOrientations=ways,
    )  # fmt: skip
    look = p.createVisualShapeArray(
        shapeTypes=kinds, radii=radii, lengths=lengths, halfExtents=halves,
        visualFramePositions=places, visualFrameOrientations=ways,
        rgbaColors=[(*inside, 1.0)] + [(*kind.colour, 1.0)] * _BOARDS,
    )  # fmt: skip
    return collision, look
