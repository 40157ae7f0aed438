"""Getting about: to a place, to an object that has to be looked for, to the person.

Paths are shortest paths on the visibility graph of the map: the corners of the furniture, grown by the robot's radius,
joined wherever the straight line between two of them is free.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import networkx as nx

from ..sim.observation import Observation, SeenObject
from ..sim.robot import RADIUS, BasePose, Robot
from ..sim.scene import Scene
from ..sim.scene_parts import STAND, Place
from .motion import CannotDo, must, policy, tuck_safely
from .skill import Policy

_DOCK = RADIUS + 0.05
"""Gap at which it has turned to face the place before it drives up, and to which it backs off before it turns away."""

Corner = tuple[float, float]


@dataclass(frozen=True)
class Block:
    """A rectangle that the middle of the base must stay out of, metres."""

    west: float
    south: float
    east: float
    north: float

    def crosses(self, a: Corner, b: Corner) -> bool:
        """Does the line from a to b pass through the inside? (Slab method.)"""
        low, high = 0.0, 1.0
        for start, end, small, big in ((a[0], b[0], self.west, self.east), (a[1], b[1], self.south, self.north)):
            delta = end - start
            if abs(delta) < 1e-9:
                if not small < start < big:
                    return False
                continue
            first, last = sorted(((small - start) / delta, (big - start) / delta))
            low, high = max(low, first), min(high, last)
        return low < high - 1e-9

    def corners(self, out: float) -> tuple[Corner, ...]:
        """The four corners, moved out by `out`."""
        xs, ys = (self.west - out, self.east + out), (self.south - out, self.north + out)
        return tuple((x, y) for x in xs for y in ys)


def blocks(scene: Scene, observation: Observation) -> tuple[Block, ...]:
    """The furniture, with the drawers that are or may be open, and what is forbidden, grown by the robot's radius."""
    found = []
    for place in scene.places:
        reach = -protrusion(scene, observation, place)
        half = place.size[0] / 2
        xs, ys = zip(
            *(place.to_world(along, deep) for along in (-half, half) for deep in (reach, place.size[1])), strict=True
        )
        found.append(Block(min(xs) - RADIUS, min(ys) - RADIUS, max(xs) + RADIUS, max(ys) + RADIUS))
    for zone in scene.forbidden:
        found.append(Block(zone.west - RADIUS, zone.south - RADIUS, zone.east + RADIUS, zone.north + RADIUS))
    return tuple(found)


def protrusion(scene: Scene, observation: Observation, place: Place, but: str = "") -> float:
    """How far open drawers, as last seen, stand out of a place's working edge, metres; but for the drawer `but`.

    A drawer that was never seen may be open.
    """
    seen = {d.name: d.opening for d in observation.drawers if d.opening is not None}
    out = [d.travel * seen.get(d.name, 1.0) for d in scene.drawers if d.cabinet == place.name and d.name != but]
    return max(out, default=0.0)


def find_path(scene: Scene, walls: Sequence[Block], start: Corner, goal: Corner) -> list[Corner] | None:
    """The corners of a shortest free path, from the first after `start` to `goal`; None: there is none."""
    (west, east), (south, north) = scene.room
    margin = RADIUS - 0.02
    inside = Block(west + margin, south + margin, east - margin, north - margin)
    nodes = [start, goal]
    for wall in walls:
        for x, y in wall.corners(0.02):
            free = not any(w.west < x < w.east and w.south < y < w.north for w in walls)
            if free and inside.west < x < inside.east and inside.south < y < inside.north:
                nodes.append((x, y))
    graph = nx.Graph()
    graph.add_nodes_from((start, goal))
    for a, b in combinations(nodes, 2):
        if not any(wall.crosses(a, b) for wall in walls):
            graph.add_edge(a, b, weight=math.dist(a, b))
    try:
        return nx.astar_path(graph, start, goal, heuristic=math.dist)[1:]
    except nx.NetworkXNoPath:
        return None


def stand_pose(scene: Scene, observation: Observation, place: Place) -> BasePose:
    """Where the robot stands at a place: before the middle of its edge, and clear of its open drawers."""
    return place.stand(0.0, STAND + protrusion(scene, observation, place))


def dock_pose(scene: Scene, observation: Observation, place: Place) -> BasePose:
    """Where the robot may turn before a place, and from where it drives straight up to it."""
    return place.stand(0.0, _DOCK + protrusion(scene, observation, place))


def drive(robot: Robot, observation: Observation, place: Place) -> None:
    """Drive to the stand pose of `place`; look before driving up to drawers. Raises `CannotDo`."""
    goal = stand_pose(robot.scene, observation, place)
    x, y, yaw = robot.base_pose()
    if math.dist((x, y), goal[:2]) < 0.02 and abs(math.remainder(yaw - goal[2], 2 * math.pi)) < 0.05:
        return
    if not tuck_safely(robot):
        raise CannotDo("the arm can't be folded for driving")
    walls = blocks(robot.scene, observation)
    x, y, yaw = _undock(robot, observation)
    dock = dock_pose(robot.scene, observation, place)
    path = find_path(robot.scene, walls, (x, y), dock[:2])
    if path is None:
        raise CannotDo(f"there is no free way to the {place.name}")
    turn = math.remainder(dock[2] - yaw, 2 * math.pi)
    legs = [math.dist(a, b) for a, b in zip([(x, y), *path], path, strict=False)]
    done = 0.0
    for corner, leg in zip(path, legs, strict=True):
        done += leg
        share = done / sum(legs) if sum(legs) > 0 else 1.0
        must(robot.drive_to(*corner, yaw + share * turn), f"driving to the {place.name}")
    if any(d.cabinet == place.name for d in robot.scene.drawers):
        goal = stand_pose(robot.scene, robot.observe(), place)
    must(robot.drive_to(*goal, speed=0.6), f"driving up to the {place.name}")


def line_up_before_drawers(robot: Robot, observation: Observation, place: Place, along: float) -> None:
    """At a cabinet: the point straight ahead, and clear of the open drawers. Raises `CannotDo`."""
    gap = STAND + protrusion(robot.scene, observation, place)
    must(robot.drive_to(*place.stand(along, gap), speed=0.5), "driving along the drawers")


def _undock(robot: Robot, observation: Observation) -> BasePose:
    """Back off from the place the robot works at, until it is free to turn."""
    x, y, yaw = robot.base_pose()
    for place in robot.scene.places:
        along, deep = place.to_local(x, y)
        near = _DOCK + protrusion(robot.scene, observation, place)
        if abs(along) <= place.size[0] / 2 + RADIUS and -near < deep < 0:
            back = place.stand(along, near)
            must(robot.drive_to(back[0], back[1], yaw, speed=0.6), f"backing off from the {place.name}")
            break
    return robot.base_pose()


def go_to(place_name: str) -> Policy:
    """Stand at the place."""

    def run(robot: Robot, observation: Observation) -> str:
        drive(robot, observation, robot.scene.place(place_name))
        return f"standing at the {place_name}"

    return policy(run)


def bring() -> Policy:
    """Go to the person with what is in the hand."""

    def run(robot: Robot, observation: Observation) -> str:
        held = robot.holding
        if held is None:
            raise CannotDo("the hand is empty")
        drive(robot, observation, robot.scene.place("user"))
        if robot.holding != held:
            raise CannotDo(f"the {held} was lost on the way")
        return f"standing at the user with the {held}"

    return policy(run)


def find(type_name: str) -> Policy:
    """Stand at a place where an object of the type has just been seen."""

    def run(robot: Robot, observation: Observation) -> str:
        if robot.holding == type_name:
            return f"the {type_name} is in the hand"
        searched: list[str] = []
        while True:
            place = _where_next(robot.scene, observation, type_name, searched)
            if place is None:
                looked = dict.fromkeys([*observation.looked_at, *searched])
                raise CannotDo(f"not seen at: {', '.join(looked)}")
            searched.append(place.name)
            hints = tuple(o for o in observation.objects if o.remembered)
            drive(robot, observation, place)
            observation = robot.observe().with_remembered(hints)
            there = (place.name, *open_drawers(robot.scene, observation, place))
            if any(o.type == type_name and o.place in there and not o.remembered for o in observation.objects):
                return f"the {type_name} is at the {place.name}"

    return policy(run)


def open_drawers(scene: Scene, observation: Observation, place: Place) -> list[str]:
    """The drawers of a cabinet that are seen open."""
    opened = {d.name for d in observation.drawers if d.opening is not None and d.opening >= 0.5}
    return [d.name for d in scene.drawers if d.cabinet == place.name and d.name in opened]


def _where_next(scene: Scene, observation: Observation, type_name: str, searched: Sequence[str]) -> Place | None:
    """Where it was seen, where it is remembered (likeliest first), what was not looked at yet (nearest first), and at
    last all the rest once more, since people move things."""
    x, y = observation.robot.position

    def away(place: Place) -> float:
        return math.dist((x, y), stand_pose(scene, observation, place)[:2])

    def believed(thing: SeenObject) -> tuple[bool, float, float]:
        return thing.remembered, -thing.confidence if thing.remembered else 0.0, math.dist((x, y), thing.position[:2])

    names = {p.name for p in scene.places}
    for thing in sorted((o for o in observation.objects if o.type == type_name), key=believed):
        where = thing.place
        if where in scene.drawer_names and where not in names:
            shut = {d.name for d in observation.drawers if d.opening is not None and d.opening < 0.5}
            where = None if where in shut else scene.drawer(where or "").cabinet
        if where in names and where not in searched:
            return scene.place(where or "")
    rest = [p for p in scene.places if p.kind != "bin" and p.name not in searched]
    return min(rest, key=lambda place: (place.name in observation.looked_at, away(place)), default=None)
