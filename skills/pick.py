"""Picking up: line up, look closely, come down from above between the neighbours, close, lift, feel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..sim.catalogue import object_type
from ..sim.observation import Observation, SeenObject
from ..sim.robot import Grip, HandShape, Robot, grasp_height
from ..sim.scene import Scene
from ..sim.scene_parts import STAND, Place
from .motion import CannotDo, line, line_up, must, pointing_down, policy, tuck_safely
from .navigate import line_up_before_drawers, open_drawers, protrusion
from .skill import Policy

_TRIES = 2
_NARROW = 0.004
"""Metres that the fingers' opening must exceed the thing's width by."""


@dataclass(frozen=True)
class Shape:
    """A thing as it stands or lies: its footprint (length along its yaw, width) and height, metres."""

    length: float
    width: float
    height: float
    round: bool
    """Any yaw is as good as another."""


def shape_of(thing: SeenObject, surface: float) -> Shape:
    """The shape of a seen thing whose lowest point is at `surface` metres."""
    kind = object_type(thing.type)
    x, y, z = kind.size
    if kind.shape == "sphere":
        return Shape(x, x, x, True)
    if kind.shape == "cylinder":
        return Shape(x, x, z, True) if thing.upright else Shape(z, x, x, False)
    if thing.upright:
        return Shape(max(x, y), min(x, y), z, False)
    # A box that fell lies on its broad or on its narrow side: the height of its middle tells.
    height = min(sorted((x, y, z))[:2], key=lambda h: abs(h / 2 - (thing.position[2] - surface)))
    rest = sorted((x, y, z))
    rest.remove(height)
    return Shape(rest[1], rest[0], height, False)


def footprint(type_name: str) -> float:
    """The radius of the circle on the ground that a standing thing is in, metres."""
    kind = object_type(type_name)
    return math.hypot(kind.size[0], kind.size[1]) / 2 if kind.shape == "box" else kind.size[0] / 2


def distance(thing: SeenObject, shape: Shape, x: float, y: float) -> float:
    """From (x, y) to the thing's footprint, metres; 0 inside."""
    dx, dy = x - thing.position[0], y - thing.position[1]
    if shape.round:
        return max(math.hypot(dx, dy) - shape.width / 2, 0.0)
    c, s = math.cos(thing.yaw), math.sin(thing.yaw)
    along, across = abs(c * dx + s * dy) - shape.length / 2, abs(-s * dx + c * dy) - shape.width / 2
    return math.hypot(max(along, 0.0), max(across, 0.0))


def pick(type_name: str) -> Policy:
    """Hold an object of the type that stands at the robot's place."""

    def run(robot: Robot, observation: Observation) -> str:
        held = robot.holding
        if held is not None:
            if held == type_name:
                return f"the {type_name} is in the hand already"
            raise CannotDo(f"the hand holds the {held}")
        name = observation.robot.place
        if name is None:
            raise CannotDo("the robot does not stand at a place")
        place = robot.scene.place(name)
        if place.kind == "bin":
            raise CannotDo(f"the {name} is too deep to reach into")
        reason = ""
        for _ in range(_TRIES):
            thing = _choose(robot.scene, observation, place, type_name)
            where = thing.place or name
            inside = where in robot.scene.drawer_names
            along, deep = place.to_local(*thing.position[:2])
            if inside:
                line_up_before_drawers(robot, observation, place, along)
            else:
                line_up(robot, place, along, deep)
            observation = robot.observe(focus=thing.position)
            thing = _choose(robot.scene, observation, place, type_name, near=thing)
            others = [o for o in observation.objects if o is not thing and o.place == where and not o.remembered]
            surface = robot.scene.drawer(where).floor if inside else place.height
            reason = grasp(robot, thing, others, surface, place.facing)
            tuck_safely(robot)
            if not reason and robot.holding != type_name:
                reason = "it slipped out of the fingers"
            if not reason:
                break
            robot.release()
            observation = robot.observe()
        along = place.to_local(*robot.base_pose()[:2])[0]
        gap = STAND + protrusion(robot.scene, observation, place)
        must(robot.drive_to(*place.stand(along, gap), speed=0.5), "backing off")
        if reason or robot.holding != type_name:
            raise CannotDo(reason or "it slipped out of the fingers")
        return f"the {type_name} is in the hand"

    return policy(run)


def _choose(
    scene: Scene, observation: Observation, place: Place, type_name: str, near: SeenObject | None = None
) -> SeenObject:
    """The thing of the type that is meant, on the place or in one of its open drawers: nearest to the base, or to where
    it was. Raises `CannotDo`."""
    x, y = near.position[:2] if near else observation.robot.position
    at = {place.name, *open_drawers(scene, observation, place)}
    here = [o for o in observation.objects if o.type == type_name and o.place in at and not o.remembered]
    if not here:
        raise CannotDo(f"no {type_name} is seen at the {place.name}")
    return min(here, key=lambda o: math.dist((x, y), o.position[:2]))


def grasp(robot: Robot, thing: SeenObject, others: Sequence[SeenObject], surface: float, facing: float) -> str:
    """Reach down between `others`, close, lift. Gives "" or the reason why it did not work; the hand is up either way.

    `surface` is the height of what the thing stands on, metres; `facing` the yaw that the robot works at, radians.
    """
    shape = shape_of(thing, surface)
    if shape.width + _NARROW > robot.hand.opening:
        return f"the {thing.type} lies so that it is too wide for the fingers"
    x, y, _ = thing.position
    below = max(grasp_height(thing.type, shape.height), robot.hand.tip)
    crowded, refused = True, ""
    for opening in _openings(robot.hand, thing, shape, facing, others, surface, surface + below):
        crowded = False
        top, bottom = (pointing_down(x, y, z, opening) for z in (robot.carry_height, surface + below))
        path = line(top, bottom)
        joints = robot.plan_hand(path)
        if joints is None:
            continue
        must(robot.ready(), "getting ready")
        must(robot.move_joints(joints[:1]), "reaching out")
        down = robot.move_joints(joints[1:], 0.8, feel=True)
        if down.status == "refused":
            refused = down.reason
            continue
        if down.ok:
            robot.grip(Grip(thing.type, below))
            must(robot.move_joints(joints[::-1]), "lifting")
            return "" if robot.holding == thing.type else "the fingers closed on nothing"
        robot.move_hand(path[0])
        return f"coming down: {down.reason}"
    if crowded:
        return f"there is no room for the fingers around the {thing.type}"
    return f"coming down: {refused}" if refused else f"the {thing.type} is out of reach"


def _openings(
    hand: HandShape,
    thing: SeenObject,
    shape: Shape,
    facing: float,
    others: Sequence[SeenObject],
    surface: float,
    z: float,
) -> Iterator[float]:
    """Yaws of the fingers' opening that no neighbour is in the way of, the roomiest and most comfortable first."""
    across = facing + math.pi / 2
    if shape.round and shape.length == shape.width:
        yaws = [across + k * math.pi / 8 for k in range(8)]
    elif shape.length == shape.width:
        yaws = [thing.yaw, thing.yaw + math.pi / 2]
    else:
        yaws = [thing.yaw + math.pi / 2]
    yaws = [math.remainder(yaw - across, math.pi) + across for yaw in yaws]
    room = {yaw: _room(hand, thing, yaw, others, surface, z) for yaw in yaws}
    for yaw in sorted(yaws, key=lambda yaw: (-min(room[yaw], 0.02), abs(yaw - across))):
        if room[yaw] > 0.0:
            yield yaw
            yield yaw + math.pi


def _room(
    hand: HandShape, thing: SeenObject, opening: float, others: Sequence[SeenObject], surface: float, z: float
) -> float:
    """Metres between the open hand and its nearest neighbour; negative: it would hit it."""
    c, s = math.cos(opening), math.sin(opening)
    x, y, _ = thing.position
    room = 1.0
    for other in others:
        shape = shape_of(other, surface)
        # The fingers meet what stands beside them, the palm only what is higher than it.
        parts = [(hand.opening / 2 + hand.finger / 2, 0.012)]
        if surface + shape.height > z + hand.palm:
            parts += [(0.07, 0.035), (0.035, 0.035)]
        for out, radius in parts:
            for side in (-out, out):
                room = min(room, distance(other, shape, x + side * c, y + side * s) - radius)
    return room
