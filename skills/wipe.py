"""Wiping: strokes of a sponge, pressed down softly, over the patch that the camera saw; look, and again if need be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..sim.catalogue import object_type
from ..sim.kinematics import Pose
from ..sim.observation import Observation, SeenObject, SeenSpill
from ..sim.robot import Robot
from ..sim.scene_parts import STAND, Place
from .motion import CannotDo, line, line_up, must, pointing_down, policy, tuck_safely
from .navigate import drive, protrusion
from .pick import distance, shape_of
from .skill import Policy

WIPER = "sponge"
"""What is wiped with."""
_LOOKS = 4
"""How often it looks and strokes over what is left."""
_FORCE = 10.0
"""Newtons that the sponge is pressed down with: enough that one which is held askew comes to lie flat."""
_SPEED = 0.10
"""Of a stroke, m/s."""
_ABOVE = 0.008
"""From the surface to the sponge before it comes down, metres."""
_PATCH = 0.16
"""Metres from its nearest square that are wiped at once."""
_SHORTEST = 0.06
"""Of a stroke, metres."""
_HIDES = 0.40
"""Metres within which a thing may hide a part of the spill."""
_ASIDE = 0.25
"""How far to each side it goes to look behind things, metres."""
_OVERLAP = 0.015
"""Metres at the sponge's long ends that are not counted on."""


def wipe(surface: str) -> Policy:
    """Wipe what is seen spilled on the surface, with the sponge that is held."""

    def run(robot: Robot, observation: Observation) -> str:
        if robot.holding != WIPER:
            raise CannotDo(f"the hand does not hold the {WIPER}")
        place = robot.scene.place(surface)
        drive(robot, observation, place)
        spill, reason = _spill(robot.observe(), surface), ""
        for attempt in range(_LOOKS):
            if spill is None:
                return f"the {surface} is clean"
            reason = _wipe_patch(robot, place, spill, attempt)
            tuck_safely(robot)
            _back_off(robot, place)
            if robot.holding != WIPER:
                raise CannotDo(f"the {WIPER} was lost while wiping")
            spill = _spill(robot.observe(), surface) or _look_behind(robot, place, spill)
        if spill is not None:
            raise CannotDo(reason or f"some of the spill is left on the {surface}")
        return f"the {surface} is clean"

    return policy(run)


def _back_off(robot: Robot, place: Place, along: float | None = None) -> None:
    """Stand clear of the edge, here or at another point along it. Raises `CannotDo`."""
    gap = STAND + protrusion(robot.scene, robot.observe(), place)
    here = place.to_local(*robot.base_pose()[:2])[0]
    must(robot.drive_to(*place.stand(here if along is None else along, gap), speed=0.5), "going back")


def _look_behind(robot: Robot, place: Place, spill: SeenSpill) -> SeenSpill | None:
    """Look from both sides at where it was, if something may hide a part of it."""
    x, y = (float(v) for v in np.mean(spill.cells, axis=0))
    along, deep = place.to_local(x, y)
    near = [o for o in robot.observe().here() if math.dist(o.position[:2], (x, y)) < _HIDES]
    if not any(place.to_local(*o.position[:2])[1] < deep for o in near):
        return None
    for side in (-_ASIDE, _ASIDE):
        _back_off(robot, place, along + side)
        found = _spill(robot.observe(focus=(x, y, place.height)), place.name)
        if found is not None:
            return found
    return None


def _spill(observation: Observation, surface: str) -> SeenSpill | None:
    return next((spill for spill in observation.spills if spill.place == surface), None)


def _wipe_patch(robot: Robot, place: Place, spill: SeenSpill, attempt: int) -> str:
    """Wipe the part of the spill that is nearest. Gives "" or the reason why it could not."""
    middle = np.mean(_nearest(spill, robot.base_pose()[:2]), axis=0)
    line_up(robot, place, *place.to_local(float(middle[0]), float(middle[1])))
    observation = robot.observe(focus=(float(middle[0]), float(middle[1]), place.height))
    closer = _spill(observation, place.name)
    if closer is None:
        return ""
    cells = _nearest(closer, (float(middle[0]), float(middle[1])))
    grip = robot.gripped
    if grip is None:
        raise CannotDo(f"the {WIPER} was lost on the way")
    others = observation.here()
    reason = "there is no room for the hand around the spill"
    for strokes in _ways(robot, place, cells, others, place.height + grip.below + _ABOVE, attempt):
        above = strokes[0].copy()
        above[2, 3] = robot.carry_height
        joints = robot.plan_hand([*line(above, strokes[0]), *strokes[1:]])
        if joints is None:
            reason = "the spill is out of reach"
            continue
        down = len(joints) - len(strokes) + 1
        must(robot.ready(), "getting ready")
        lowered = robot.move_joints(joints[:1])
        if lowered.ok:
            lowered = robot.move_joints(joints[1:down], 0.8)
        if lowered.status == "refused":
            reason = f"coming down: {lowered.reason}"
            continue
        must(lowered, "coming down")
        pressed = robot.press_along(strokes, _FORCE, _SPEED)
        robot.move_hand(_raised(robot))
        return "" if pressed.ok else f"wiping: {pressed.reason}"
    return reason


def _raised(robot: Robot) -> Pose:
    pose = robot.hand_pose()
    pose[2, 3] = robot.carry_height
    return pose


def _nearest(spill: SeenSpill, to: Sequence[float]) -> list[tuple[float, float]]:
    """The squares of the part that is nearest to a point (x, y)."""
    first = min(spill.cells, key=lambda cell: math.dist(cell, to))
    return [cell for cell in spill.cells if math.dist(cell, first) <= _PATCH]


def _ways(
    robot: Robot,
    place: Place,
    cells: Sequence[tuple[float, float]],
    others: Sequence[SeenObject],
    z: float,
    attempt: int,
) -> Iterator[list[Pose]]:
    """Strokes over all squares with the hand turned one way or another, the roomiest first."""
    found = []
    for k in range(8):
        opening = place.facing + math.pi / 2 + (k + 1) // 2 * (-1) ** k * math.pi / 8
        for both_ends in (True, False) if attempt else (False,):
            poses = _strokes(cells, opening, z, both_ends=both_ends)
            room = min((_room(robot, pose, opening, others, place.height) for pose in poses), default=0.0)
            # What was left by strokes one way is taken by others.
            found.append((not both_ends, -min(room, 0.03), (k + 3 * attempt) % 8, opening, poses))
    for _, room, _, opening, poses in sorted(found, key=lambda each: each[:3]):
        if room < 0.0:
            yield poses
            points = ((float(x), float(y), float(z)) for x, y, z in (pose[:3, 3] for pose in poses))
            yield [pointing_down(x, y, z, opening + math.pi) for x, y, z in points]


def _strokes(cells: Sequence[tuple[float, float]], opening: float, z: float, *, both_ends: bool = False) -> list[Pose]:
    """To and fro along the way the fingers open, which is across the sponge: its long side sweeps.

    The sponge tilts between the fingers, one of its ends off the surface; `both_ends` brings either over every square.
    """
    long, _ = sorted(object_type(WIPER).size[:2], reverse=True)
    c, s = math.cos(opening), math.sin(opening)
    along = [c * x + s * y for x, y in cells]
    across = [-s * x + c * y for x, y in cells]
    first, last = min(across), max(across)
    if both_ends:
        first, last = first - long / 2, last + long / 2
    rows = max(1, math.ceil((last - first) / ((long / 2 if both_ends else long) - 2 * _OVERLAP)))
    width = (last - first) / rows
    start, end = min(along), max(along)
    short = max(_SHORTEST - (end - start), 0.0) / 2
    ends = [start - short, end + short]
    poses = []
    for row in range(rows):
        v = first + (row + 0.5) * width
        poses += [pointing_down(c * u - s * v, s * u + c * v, z, opening) for u in (*ends, ends[0])]
    return poses


def _room(robot: Robot, pose: Pose, opening: float, others: Sequence[SeenObject], surface: float) -> float:
    """Metres between the hand with the sponge and its nearest neighbour."""
    long, short = sorted(object_type(WIPER).size[:2], reverse=True)
    c, s = math.cos(opening), math.sin(opening)
    room = 0.1
    for other in others:
        shape = shape_of(other, surface)
        parts = [(short / 2, side * (long / 2 - 0.02), 0.02) for side in (-1.0, 0.0, 1.0)]
        parts.append((short / 2 + robot.hand.finger / 2, 0.0, 0.012))
        if surface + shape.height > pose[2, 3] + robot.hand.palm:
            parts += [(0.07, 0.0, 0.04), (0.03, 0.0, 0.04)]
        for u, v, radius in parts:
            for side in (-u, u):
                x, y = pose[0, 3] + c * side - s * v, pose[1, 3] + s * side + c * v
                room = min(room, distance(other, shape, x, y) - radius)
    return room
