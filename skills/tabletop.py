"""Pick and place before a fixed arm: take a block from above, let it go in a bowl, on a block or in a corner."""

from __future__ import annotations

import math

import numpy as np

from ..sim.catalogue import CATALOGUE
from ..sim.facts import At
from ..sim.observation import Observation, SeenObject
from ..sim.robot import Robot
from .motion import CannotDo, must, policy
from .pick import grasp
from .place import set_down
from .skill import Policy

_TRIES = 2
_ABOVE = 0.004
"""How far above what it comes to lie on a thing is let go, metres."""
_FLOOR = 0.012
"""From a bowl's lowest point to what lies in it, metres: a bowl's floor and some air."""
_BLUR = 0.08
"""Metres by which a thing that the arm partly hides may seem to have moved: then the free view of it counts."""
_ROOM = 0.03
"""Metres of free table around what is put at a position: the fingers open there."""


def pick_and_place(what: str, where: str) -> Policy:
    """Move the object of type `what` to `where`: a type that things lie in or on, or a named position."""

    def run(robot: Robot, observation: Observation) -> str:
        held = robot.holding
        if held not in (None, what):
            raise CannotDo(f"the hand holds the {held}")
        observation = robot.observe()
        before = _target(robot, observation, what, where)  # a goal that is nowhere is told before anything moves
        if held is None:
            _take(robot, observation, what)
            observation = robot.observe()
        x, y, below = _target(robot, observation, what, where)
        if math.dist((x, y), before[:2]) < _BLUR:
            x, y = before[:2]
        grip = robot.gripped
        if grip is None:
            raise CannotDo(f"the {what} slipped out of the fingers")
        set_down(robot, x, y, below + grip.below + _ABOVE, _facing(robot))
        must(robot.ready(), "going back")
        if not At(what, where).holds(robot.observe().believed()):
            raise CannotDo(f"the {what} is not seen {preposition(where)} the {where} afterwards")
        return f"the {what} is {preposition(where)} the {where}"

    return policy(run)


def preposition(where: str) -> str:
    """How things are said to be there: on a block, in a bowl or at a position."""
    return "on" if where in CATALOGUE and CATALOGUE[where].stacks else "in"


def _take(robot: Robot, observation: Observation, what: str) -> None:
    """Have it in the hand, above everything that stands about. Raises `CannotDo`."""
    reason = ""
    for _ in range(_TRIES):
        thing = observation.nearest(what)
        if thing is None:
            raise CannotDo(f"no {what} is seen")
        if any(o.place == what for o in observation.objects):
            raise CannotDo(f"something lies on the {what}")
        bottom = thing.position[2] - CATALOGUE[what].size[2] / 2
        # What it lies in or on, and what is lower than it, is not in the fingers' way.
        beside = [o for o in observation.objects if o is not thing and o.type != thing.place]
        beside = [o for o in beside if _top(o) > bottom + 0.01]
        reason = grasp(robot, thing, beside, bottom, _facing(robot))
        if not reason and robot.holding == what:
            return
        robot.release()
        must(robot.ready(), "going back")
        observation = robot.observe()
    raise CannotDo(reason or f"the {what} slipped out of the fingers")


def _target(robot: Robot, observation: Observation, what: str, where: str) -> tuple[float, float, float]:
    """(x, y) of the middle and height of the bottom of `what` when it is at `where`. Raises `CannotDo`."""
    if where not in CATALOGUE:
        return _free_point(robot, observation, what, where)
    carrier = observation.nearest(where)
    if carrier is None:
        raise CannotDo(f"no {where} is seen")
    x, y, z = carrier.position
    on_it = [o for o in observation.objects if o.place == where and o.type != what]
    if CATALOGUE[where].stacks:
        if on_it:
            raise CannotDo(f"the {on_it[0].type} lies on the {where} already")
        return x, y, z + CATALOGUE[where].size[2] / 2
    # Beside what lies in a bowl already there may be no room: it is let go on top, and rolls where it can.
    return x, y, max([z - CATALOGUE[where].size[2] / 2 + _FLOOR, *map(_top, on_it)])


def _free_point(robot: Robot, observation: Observation, what: str, where: str) -> tuple[float, float, float]:
    """The point of a named position that is nearest to its middle and has room around it."""
    place = robot.scene.place(where)
    radius = math.hypot(*CATALOGUE[what].size[:2]) / 2
    others = [o for o in observation.objects if o.type != what]
    best: tuple[float, float, float] | None = None
    reach = [max(size / 2 - 0.02, 0.0) for size in place.size]
    for along in np.linspace(-reach[0], reach[0], 9):
        for deep in np.linspace(-reach[1], reach[1], 9):
            x, y = place.to_world(float(along), float(deep) + place.size[1] / 2)
            away = math.hypot(along, deep)
            free = all(math.dist(o.position[:2], (x, y)) > _radius(o) + radius + _ROOM for o in others)
            if free and (best is None or away < best[0]):
                best = away, x, y
    if best is None:
        raise CannotDo(f"there is no room in the {where}")
    return best[1], best[2], place.height


def _radius(thing: SeenObject) -> float:
    kind = CATALOGUE[thing.type]
    return math.hypot(*kind.size[:2]) / 2 if kind.shape == "box" else kind.size[0] / 2


def _top(thing: SeenObject) -> float:
    return thing.position[2] + CATALOGUE[thing.type].size[2] / 2


def _facing(robot: Robot) -> float:
    return robot.base_pose()[2]
