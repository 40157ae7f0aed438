"""A scene's furniture: floor, walls, tables, counters, drawers, the person.

Everything is made of boxes, cylinders and spheres: they are fast, and states restore to the bit. Furniture is built in
the frame of its place: x the way the robot faces, y to its left, origin on the floor below the middle of the surface.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .decor import add_decor, painted_box
from .physics import Physics, pb
from .scene import Scene
from .scene_parts import Drawer, Place

FRONT = 0.02
"""Thickness of a drawer's front."""
HANDLE_OUT = 0.055
"""From a drawer's front to the middle of its handle bar."""
BAR = 0.018
"""Thickness of the bar."""
_WALL = 0.02
_WOOD, _WHITE, _STEEL = (0.55, 0.36, 0.20), (0.90, 0.90, 0.88), (0.35, 0.37, 0.40)


@dataclass(frozen=True)
class Cabinet:
    """The body of a cabinet and the joint of each of its drawers."""

    body: int
    joints: dict[str, int]


def build(physics: Physics, scene: Scene) -> dict[str, Cabinet]:
    """Make floor, walls and furniture; gives the cabinets by place name."""
    p = physics.p
    (west, east), (south, north) = scene.room
    width, length = east - west, north - south
    middle = ((west + east) / 2, (south + north) / 2)
    _box(physics, (width, length, 0.1), (*middle, -0.05), "planks")
    # Tall walls to see things against; low ones where the overview looks in.
    high = {side: 2.2 if side in scene.walls else 0.08 for side in ("north", "east", "south", "west")}
    for size, at in (
        ((width, 0.05, high["north"]), (middle[0], north + 0.025, high["north"] / 2)),
        ((0.05, length, high["east"]), (east + 0.025, middle[1], high["east"] / 2)),
        ((width, 0.05, high["south"]), (middle[0], south - 0.025, high["south"] / 2)),
        ((0.05, length, high["west"]), (west - 0.025, middle[1], high["west"] / 2)),
    ):
        _box(physics, size, at, "plaster" if size[2] > 1.0 else (0.80, 0.84, 0.86))
    cabinets = {}
    for place in scene.places:
        match place.kind:
            case "table":
                _table(physics, place)
            case "person":
                _table(physics, place)
                _person(p, place)
            case "bin":
                _bin(physics, place)
            case "spot":
                pass
            case "cabinet":
                cabinets[place.name] = _cabinet(p, place, [d for d in scene.drawers if d.cabinet == place.name])
            case _:
                _counter(physics, place)
    for decor in scene.decor:
        add_decor(physics, decor)
    return cabinets


def _box(
    physics: Physics,
    size: Sequence[float],
    at: Sequence[float],
    look: Sequence[float] | str,
    yaw: float = 0.0,
) -> int:
    """A box that stays where it is. `look`: a colour, or the name of a picture on its sides."""
    p = physics.p
    half = [s / 2 for s in size]
    texture = -1
    if isinstance(look, str):
        visual, texture = painted_box(physics, size, look)
    else:
        visual = p.createVisualShape(pb.GEOM_BOX, halfExtents=half, rgbaColor=(*look, 1.0))
    turn = p.getQuaternionFromEuler((0.0, 0.0, yaw))
    body = p.createMultiBody(0, p.createCollisionShape(pb.GEOM_BOX, halfExtents=half), visual, list(at), turn)
    if texture >= 0:
        p.changeVisualShape(body, -1, textureUniqueId=texture)
    p.changeDynamics(body, -1, lateralFriction=0.8, rollingFriction=0.001)
    return body


def _part(
    physics: Physics, place: Place, size: Sequence[float], at: Sequence[float], look: Sequence[float] | str
) -> int:
    """A box in the place's frame: `size` (along x, y, z), `at` its centre."""
    x, y = place.to_world(at[1], at[0] + place.size[1] / 2)
    return _box(physics, size, (x, y, at[2]), look, place.facing)


def _table(physics: Physics, place: Place) -> None:
    length, depth = place.size
    _part(physics, place, (depth, length, 0.04), (0, 0, place.height - 0.02), "wood")
    for x in (-1, 1):
        for y in (-1, 1):
            at = (x * (depth / 2 - 0.05), y * (length / 2 - 0.05), (place.height - 0.04) / 2)
            _part(physics, place, (0.05, 0.05, place.height - 0.04), at, _WOOD)


def _counter(physics: Physics, place: Place) -> None:
    length, depth = place.size
    _part(physics, place, (depth, length, 0.03), (0, 0, place.height - 0.015), "stone")
    _part(physics, place, (depth - 0.02, length, place.height - 0.03), (0.01, 0, (place.height - 0.03) / 2), "doors")


def _bin(physics: Physics, place: Place) -> None:
    length, depth = place.size
    wall, high = 0.015, place.height
    _part(physics, place, (depth, length, 0.02), (0, 0, 0.01), _STEEL)
    for x in (-1, 1):
        _part(physics, place, (wall, length, high), (x * (depth - wall) / 2, 0, high / 2), _STEEL)
    for y in (-1, 1):
        _part(physics, place, (depth, wall, high), (0, y * (length - wall) / 2, high / 2), _STEEL)


def _person(p: Any, place: Place) -> None:
    """Stands behind their table. A stand-in for a body: it does not move."""
    x, y = place.to_world(0.0, place.size[1] + 0.20)
    turn = p.getQuaternionFromEuler((0.0, 0.0, place.facing + math.pi))  # towards the robot
    shirt, skin, hair, cloth = (0.85, 0.45, 0.30), (0.93, 0.76, 0.63), (0.25, 0.16, 0.10), (0.20, 0.25, 0.45)
    # radius and height of what is bumped into (0: a ball), its middle, and what is seen: (sizes, at, colour); one size
    # is a ball's radius, two a cylinder's radius and length, three a box's. Boxes are the cheapest to draw.
    parts = (
        (0.13, 0.85, 0.425, [((0.12, 0.13, 0.85), (0, s * 0.085, 0), cloth) for s in (-1, 1)]),
        (0.17, 0.60, 1.15, [((0.15, 0.60), (0, 0, 0), shirt)]
         + [((0.09, 0.09, 0.55), (0, s * 0.19, 0.02), shirt) for s in (-1, 1)]
         + [((0.08, 0.07, 0.09), (0, s * 0.19, -0.30), skin) for s in (-1, 1)]),
        (0.11, 0.0, 1.58, [((0.11,), (0, 0, 0), skin), ((0.20, 0.20, 0.08), (-0.02, 0, 0.09), hair)]
         + [((0.02, 0.03, 0.03), (0.10, s * 0.04, 0.01), (0.10, 0.10, 0.15)) for s in (-1, 1)]),
    )  # fmt: skip
    shapes = {1: pb.GEOM_SPHERE, 2: pb.GEOM_CYLINDER, 3: pb.GEOM_BOX}
    for radius, high, middle, seen in parts:
        kind = {"shapeType": pb.GEOM_CYLINDER, "height": high} if high else {"shapeType": pb.GEOM_SPHERE}
        look = p.createVisualShapeArray(
            shapeTypes=[shapes[len(size)] for size, _, _ in seen],
            radii=[size[0] for size, _, _ in seen],
            lengths=[size[1] if len(size) == 2 else 0.0 for size, _, _ in seen],
            halfExtents=[[s / 2 for s in size] if len(size) == 3 else [0.0] * 3 for size, _, _ in seen],
            visualFramePositions=[list(at) for _, at, _ in seen],
            rgbaColors=[(*colour, 1.0) for _, _, colour in seen],
        )
        p.createMultiBody(0, p.createCollisionShape(radius=radius, **kind), look, (x, y, middle), turn)


def _cabinet(p: Any, place: Place, drawers: Sequence[Drawer]) -> Cabinet:
    """A hollow carcass with drawers on prismatic joints; they stay where they are left, and must be pulled."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cabinet.urdf")
        path.write_text(cabinet_urdf(place, drawers), encoding="utf-8")
        turn = p.getQuaternionFromEuler((0.0, 0.0, place.facing))
        body = p.loadURDF(str(path), (*place.centre, 0.0), turn, useFixedBase=True)
    joints = {p.getJointInfo(body, i)[1].decode(): i for i in range(p.getNumJoints(body))}
    for joint in joints.values():
        # A motor that only brakes: the rails' friction, newtons.
        p.setJointMotorControl2(body, joint, pb.VELOCITY_CONTROL, targetVelocity=0.0, force=4.0)
        p.changeDynamics(body, joint, lateralFriction=0.9, jointDamping=2.0)
    return Cabinet(body, joints)


def cabinet_urdf(place: Place, drawers: Sequence[Drawer]) -> str:
    """The cabinet as URDF text. A drawer's joint is its opening in metres, 0 closed; it slides along -x."""
    length, depth = place.size
    high = place.height
    inner_low = min(d.height for d in drawers) - 0.15 if drawers else high - 0.03
    carcass = [
        ((depth, length, 0.03), (0, 0, high - 0.015), _WHITE),
        ((depth, _WALL, high - 0.03), (0, (length - _WALL) / 2, (high - 0.03) / 2), _WOOD),
        ((depth, _WALL, high - 0.03), (0, -(length - _WALL) / 2, (high - 0.03) / 2), _WOOD),
        ((_WALL, length, high - 0.03), ((depth - _WALL) / 2, 0, (high - 0.03) / 2), _WOOD),
        ((depth, length - 2 * _WALL, inner_low), (0, 0, inner_low / 2), _WOOD),
    ]
    links = [_link("carcass", carcass, mass=0.0)]
    for drawer in drawers:
        width = length - 2 * _WALL - 0.02
        inside = depth - _WALL - 0.03
        front = -depth / 2 - FRONT / 2
        floor = drawer.height - 0.125
        back = -depth / 2 + inside
        parts = [
            ((FRONT, length - 0.01, 0.28), (front, 0, drawer.height), (0.72, 0.55, 0.35)),
            ((inside, width, 0.01), (-depth / 2 + inside / 2, 0, floor), _WHITE),
            ((inside, 0.01, 0.12), (-depth / 2 + inside / 2, width / 2, floor + 0.06), _WHITE),
            ((inside, 0.01, 0.12), (-depth / 2 + inside / 2, -width / 2, floor + 0.06), _WHITE),
            ((0.01, width, 0.12), (back, 0, floor + 0.06), _WHITE),
            ((BAR, 0.16, BAR), (-depth / 2 - FRONT - HANDLE_OUT, 0, drawer.height), _STEEL),
            ((HANDLE_OUT, BAR, BAR), (-depth / 2 - FRONT - HANDLE_OUT / 2, 0.071, drawer.height), _STEEL),
            ((HANDLE_OUT, BAR, BAR), (-depth / 2 - FRONT - HANDLE_OUT / 2, -0.071, drawer.height), _STEEL),
        ]
        links.append(_link(drawer.name, parts, mass=2.0))
        links.append(
            f'<joint name="{drawer.name}" type="prismatic"><parent link="carcass"/><child link="{drawer.name}"/>'
            f'<axis xyz="-1 0 0"/><limit lower="0" upper="{drawer.travel}" effort="100" velocity="1"/></joint>'
        )
    return f'<robot name="cabinet">{"".join(links)}</robot>'


def _link(name: str, parts: Sequence[tuple[Sequence[float], Sequence[float], Sequence[float]]], mass: float) -> str:
    """A link of boxes: (size, centre, colour) each."""
    inertia = '<inertia ixx="0.1" ixy="0" ixz="0" iyy="0.1" iyz="0" izz="0.1"/>'
    text = f'<link name="{name}"><inertial><mass value="{mass}"/>{inertia}</inertial>'
    for i, (size, at, colour) in enumerate(parts):
        shape = f'<origin xyz="{" ".join(map(str, at))}"/><geometry><box size="{" ".join(map(str, size))}"/></geometry>'
        paint = f'<material name="{name}{i}"><color rgba="{" ".join(map(str, colour))} 1"/></material>'
        text += f"<visual>{shape}{paint}</visual><collision>{shape}</collision>"
    return text + "</link>"
