"""A scene's bodies: floor, furniture, drawers, the person, and objects placed by seed.

Everything is made of boxes, cylinders and spheres: they are fast, and states restore to the bit. Furniture is built in
the frame of its place: x the way the robot faces, y to its left, origin on the floor below the middle of the surface.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .catalogue import CATALOGUE, ObjectType
from .physics import Physics, pb
from .scene import Drawer, Place, Scene

FRONT = 0.02
"""Thickness of a drawer's front."""
HANDLE_OUT = 0.055
"""From a drawer's front to the middle of its handle bar."""
BAR = 0.018
"""Thickness of the bar."""
_WALL = 0.02
_WOOD, _WHITE, _GREY, _STEEL = (0.55, 0.36, 0.20), (0.90, 0.90, 0.88), (0.45, 0.50, 0.55), (0.35, 0.37, 0.40)
_GAP = 0.06
"""Free space between the footprints of placed objects, metres."""
_LAYOUTS = 10
"""Tries to place all objects before a place counts as full."""
_NEAREST, _FARTHEST = 0.28, 0.74
"""From a fixed arm's base to the objects before it, metres."""


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
    _box(p, (width, length, 0.1), (*middle, -0.05), (0.82, 0.75, 0.64))
    # Tall walls to see things against; low ones where the overview looks in.
    high = {side: 2.2 if side in scene.walls else 0.08 for side in ("north", "east", "south", "west")}
    for size, at in (
        ((width, 0.05, high["north"]), (middle[0], north + 0.025, high["north"] / 2)),
        ((0.05, length, high["east"]), (east + 0.025, middle[1], high["east"] / 2)),
        ((width, 0.05, high["south"]), (middle[0], south - 0.025, high["south"] / 2)),
        ((0.05, length, high["west"]), (west - 0.025, middle[1], high["west"] / 2)),
    ):
        _box(p, size, at, (0.80, 0.84, 0.86))
    cabinets = {}
    for place in scene.places:
        match place.kind:
            case "table":
                _table(p, place)
            case "person":
                _table(p, place)
                _person(p, place)
            case "bin":
                _bin(p, place)
            case "spot":
                pass
            case "cabinet":
                cabinets[place.name] = _cabinet(p, place, [d for d in scene.drawers if d.cabinet == place.name])
            case _:
                _counter(p, place)
    return cabinets


def add_object(physics: Physics, kind: ObjectType, at: Sequence[float], yaw: float) -> int:
    """Make one object with its centre `at` (x, y, z)."""
    p = physics.p
    x, y, z = kind.size
    if kind.shape == "box":
        shape = {"shapeType": pb.GEOM_BOX, "halfExtents": (x / 2, y / 2, z / 2)}
        visual = shape
    elif kind.shape == "cylinder":
        shape = {"shapeType": pb.GEOM_CYLINDER, "radius": x / 2, "height": z}
        visual = {"shapeType": pb.GEOM_CYLINDER, "radius": x / 2, "length": z}
    else:
        shape = visual = {"shapeType": pb.GEOM_SPHERE, "radius": x / 2}
    if kind.shape == "bowl":
        collision, look = _bowl(p, kind)
    else:
        collision = p.createCollisionShape(**shape)
        look = p.createVisualShape(**visual, rgbaColor=(*kind.colour, 1.0))
    body = p.createMultiBody(
        kind.mass,
        collision,
        look,
        list(at),
        p.getQuaternionFromEuler((0.0, 0.0, yaw)),
    )
    # Rolling friction keeps a ball where it was put, as its soft skin would.
    rolling = 0.003 if kind.shape in ("cylinder", "sphere") else 0.0
    p.changeDynamics(
        body, -1, lateralFriction=kind.friction, rollingFriction=rolling, spinningFriction=0.003, linearDamping=0.05
    )
    return body


_BOARDS = 12
"""Flat pieces in a bowl's rim. (Bullet takes no more than 16 shapes in one body; with more it crashes.)"""
_LEAN = math.radians(25)
"""How far a bowl's rim leans out."""


def _bowl(p: Any, kind: ObjectType) -> tuple[int, int]:
    """The collision and the visual shape of a bowl: a round floor, and boards around it that lean out. Open above."""
    radius, high = kind.size[0] / 2, kind.size[2]
    thick = 0.005
    low = radius - high * math.tan(_LEAN)
    """The inner radius at the floor."""
    board = high / math.cos(_LEAN)
    middle = (radius + low - thick) / 2
    turns = [2 * math.pi * i / _BOARDS for i in range(_BOARDS)]
    wide = (radius - thick / 2) * math.tan(math.pi / _BOARDS)
    half = [(thick / 2, wide, board / 2)] * _BOARDS
    # The centre of the body is in the middle of its bounding box, as of every object.
    at = [(middle * math.cos(a), middle * math.sin(a), 0.0) for a in turns]
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


def layout(
    scene: Scene, objects: Sequence[tuple[str, str]], rng: np.random.Generator
) -> list[tuple[tuple[float, float, float], float]]:
    """A free pose ((x, y, z) of the centre, yaw) for each (type, place or drawer), none touching another.

    Raises ValueError if a place can't hold its objects.
    """
    for _ in range(_LAYOUTS - 1):
        with contextlib.suppress(ValueError):
            return _layout(scene, objects, rng)
    return _layout(scene, objects, rng)


def _layout(
    scene: Scene, objects: Sequence[tuple[str, str]], rng: np.random.Generator
) -> list[tuple[tuple[float, float, float], float]]:
    """One try: each object in turn where it finds room."""
    poses: list[tuple[tuple[float, float, float], float]] = []
    taken: list[tuple[str, float, float, float]] = []
    for type_name, where in objects:
        kind = CATALOGUE[type_name]
        radius = _radius(kind)
        surface = where
        if where not in scene.drawer_names and scene.place(where).on:
            surface = scene.place(where).on or where
        for _ in range(500):
            along, deep, x, y, base = _spot(scene, where, radius, rng)
            others = [(a, d, r) for place, a, d, r in taken if place == surface]
            free = all(math.hypot(along - a, deep - d) >= radius + r + _GAP for a, d, r in others)
            if free and _in_reach(scene, x, y):
                break
        else:
            raise ValueError(
                f"Expected room for every object, but the {where} is full before the {type_name} is placed."
            )
        taken.append((surface, along, deep, radius))
        poses.append(((x, y, base + kind.size[2] / 2 + 0.002), float(rng.uniform(-math.pi / 2, math.pi / 2))))
    return poses


def _radius(kind: ObjectType) -> float:
    """Of the circle on the ground that it stands in, metres."""
    return math.hypot(kind.size[0], kind.size[1]) / 2 if kind.shape == "box" else kind.size[0] / 2


def _in_reach(scene: Scene, x: float, y: float) -> bool:
    """Can a fixed arm work there? A robot that drives goes where it has to."""
    base = scene.robot.base
    return base is None or _NEAREST <= math.dist((x, y), base[:2]) <= _FARTHEST


def free_pose(
    scene: Scene,
    type_name: str,
    where: str,
    others: Sequence[tuple[str, tuple[float, float, float]]],
    rng: np.random.Generator,
) -> tuple[tuple[float, float, float], float] | None:
    """A free pose (as of `layout`) for one more object at a place, among `others` (type, centre); None: no room."""
    kind = CATALOGUE[type_name]
    radius = _radius(kind)
    for _ in range(200):
        _, _, x, y, base = _spot(scene, where, radius, rng)
        near = ((_radius(CATALOGUE[name]), ox, oy) for name, (ox, oy, oz) in others if abs(oz - base) < 0.40)
        free = all(math.hypot(x - ox, y - oy) >= radius + r + _GAP for r, ox, oy in near)
        if free and _in_reach(scene, x, y):
            return (x, y, base + kind.size[2] / 2 + 0.002), float(rng.uniform(-math.pi / 2, math.pi / 2))
    return None


def _spot(
    scene: Scene, where: str, radius: float, rng: np.random.Generator
) -> tuple[float, float, float, float, float]:
    """A random spot of a place or drawer: (along, deep), of a named spot in the frame of its table; x, y, height."""
    drawer = next((d for d in scene.drawers if d.name == where), None)
    place = scene.place(drawer.cabinet if drawer else where)
    length, depth = place.size
    if drawer:
        along = float(rng.uniform(-0.2, 0.2))
        deep, base = float(rng.uniform(0.10, 0.20)), drawer.height - 0.12
        return along, deep, *place.to_world(along, deep), base
    if place.kind == "bin":
        along, deep = float(rng.uniform(-0.07, 0.07)), float(rng.uniform(0.13, depth - 0.13))
        return along, deep, *place.to_world(along, deep), 0.02
    if place.on:
        x, y = place.to_world(*(float(rng.uniform(-0.02, 0.02)) + middle for middle in (0.0, depth / 2)))
        return *scene.place(place.on).to_local(x, y), x, y, place.height
    reach = max(length / 2 - radius - 0.04, 0.0)
    along = float(rng.uniform(-reach, reach))
    if scene.robot.base:
        deep = float(rng.uniform(radius + 0.04, depth - radius - 0.04))
    else:
        deep = float(rng.uniform(0.10, min(0.40, depth - 0.10)))
    return along, deep, *place.to_world(along, deep), place.height


def _box(p: Any, size: Sequence[float], at: Sequence[float], colour: Sequence[float], yaw: float = 0.0) -> int:
    half = [s / 2 for s in size]
    body = p.createMultiBody(
        0,
        p.createCollisionShape(pb.GEOM_BOX, halfExtents=half),
        p.createVisualShape(pb.GEOM_BOX, halfExtents=half, rgbaColor=(*colour, 1.0)),
        list(at),
        p.getQuaternionFromEuler((0.0, 0.0, yaw)),
    )
    p.changeDynamics(body, -1, lateralFriction=0.8, rollingFriction=0.001)
    return body


def _part(p: Any, place: Place, size: Sequence[float], at: Sequence[float], colour: Sequence[float]) -> int:
    """A box in the place's frame: `size` (along x, y, z), `at` its centre."""
    x, y = place.to_world(at[1], at[0] + place.size[1] / 2)
    return _box(p, size, (x, y, at[2]), colour, place.facing)


def _table(p: Any, place: Place) -> None:
    length, depth = place.size
    _part(p, place, (depth, length, 0.04), (0, 0, place.height - 0.02), _WOOD)
    for x in (-1, 1):
        for y in (-1, 1):
            at = (x * (depth / 2 - 0.05), y * (length / 2 - 0.05), (place.height - 0.04) / 2)
            _part(p, place, (0.05, 0.05, place.height - 0.04), at, _WOOD)


def _counter(p: Any, place: Place) -> None:
    length, depth = place.size
    _part(p, place, (depth, length, 0.03), (0, 0, place.height - 0.015), _WHITE)
    _part(p, place, (depth - 0.02, length, place.height - 0.03), (0.01, 0, (place.height - 0.03) / 2), _GREY)


def _bin(p: Any, place: Place) -> None:
    length, depth = place.size
    wall, high = 0.015, place.height
    _part(p, place, (depth, length, 0.02), (0, 0, 0.01), _STEEL)
    for x in (-1, 1):
        _part(p, place, (wall, length, high), (x * (depth - wall) / 2, 0, high / 2), _STEEL)
    for y in (-1, 1):
        _part(p, place, (depth, wall, high), (0, y * (length - wall) / 2, high / 2), _STEEL)


def _person(p: Any, place: Place) -> None:
    """Stands behind their table. A stand-in for a body: it does not move."""
    x, y = place.to_world(0.0, place.size[1] + 0.20)
    for radius, high, middle, colour in (
        (0.13, 0.85, 0.425, (0.20, 0.25, 0.45)), (0.17, 0.60, 1.15, (0.85, 0.45, 0.30)),
    ):  # fmt: skip
        p.createMultiBody(
            0,
            p.createCollisionShape(pb.GEOM_CYLINDER, radius=radius, height=high),
            p.createVisualShape(pb.GEOM_CYLINDER, radius=radius, length=high, rgbaColor=(*colour, 1)),
            (x, y, middle),
        )
    head = p.createVisualShape(pb.GEOM_SPHERE, radius=0.11, rgbaColor=(0.93, 0.76, 0.63, 1))
    p.createMultiBody(0, p.createCollisionShape(pb.GEOM_SPHERE, radius=0.11), head, (x, y, 1.58))


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
