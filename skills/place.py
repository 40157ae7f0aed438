"""Putting down: a free spot on the surface, down to the height at which it was held, let go, look."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..sim.catalogue import object_type
from ..sim.observation import Observation, SeenObject
from ..sim.robot import Robot
from ..sim.scene_parts import Place
from .motion import CannotDo, line, line_up, must, pointing_down, policy, tuck_safely
from .pick import distance, footprint, shape_of
from .skill import Policy

_ABOVE = 0.004
"""How far above the surface a thing is let go, metres."""
_INTO_BIN = 0.05
"""How far above a bin's rim it is let go, metres."""


def put_down(type_name: str) -> Policy:
    """Put what is held on the surface of the robot's place, or into its bin."""

    def run(robot: Robot, observation: Observation) -> str:
        if robot.holding != type_name:
            raise CannotDo(f"the hand does not hold the {type_name}")
        if observation.robot.place is None:
            raise CannotDo("the robot does not stand at a place")
        place = robot.scene.place(observation.robot.place)
        bin_here = place.kind == "bin"
        if not bin_here:
            observation = robot.observe()
        along, deep = (0.0, place.size[1] / 2) if bin_here else _free_spot(robot, observation, place, type_name)
        line_up(robot, place, along, deep)
        grip = robot.gripped
        if grip is None:
            raise CannotDo(f"the {type_name} was lost on the way")
        low = place.height + grip.below + (_INTO_BIN if bin_here else _ABOVE)
        set_down(robot, *place.to_world(along, deep), low, place.facing)
        tuck_safely(robot)
        must(robot.drive_to(*place.stand(place.to_local(*robot.base_pose()[:2])[0]), speed=0.5), "backing off")
        if bin_here:
            return f"the {type_name} is in the {place.name}"
        if not any(o.type == type_name for o in robot.observe().here()):
            raise CannotDo(f"the {type_name} is not seen at the {place.name} afterwards")
        return f"the {type_name} is at the {place.name}"

    return policy(run)


def set_down(robot: Robot, x: float, y: float, low: float, facing: float) -> None:
    """Let go of what is held with the grasp point at (x, y, low), world frame, and come up. Raises `CannotDo`."""
    held = robot.holding
    joints = None
    for turn in (math.pi / 2, -math.pi / 2, math.pi / 4, -math.pi / 4, 0.0):
        top, bottom = (pointing_down(x, y, z, facing + turn) for z in (robot.carry_height, low))
        joints = robot.plan_hand(line(top, bottom))
        if joints is not None:
            break
    if joints is None:
        raise CannotDo("the free spot is out of reach")
    must(robot.ready(), "getting ready")
    must(robot.move_joints(joints[:1]), "reaching out")
    must(robot.move_joints(joints[1:], 0.6), "lowering")
    if robot.holding != held:
        raise CannotDo(f"the {held} was lost on the way")
    robot.release()
    must(robot.move_joints(joints[::-1]), "going up")


def room_for_hand(
    x: float, y: float, others: Sequence[SeenObject], surface: float, radius: float, palm: float
) -> float:
    """Metres between `others`, whose lowest points are at `surface`, and the hand at (x, y) with a thing of `radius`.

    `palm` is the height of the hand's palm. All metres; negative: they would touch.
    """
    room = 1.0
    for other in others:
        shape = shape_of(other, surface)
        # The hand is 0.2 m wide: what is taller than its palm must stay clear of all of it.
        need = 0.12 if surface + shape.height > palm else max(radius, 0.065)
        room = min(room, distance(other, shape, x, y) - need)
    return room


def _free_spot(robot: Robot, observation: Observation, place: Place, type_name: str) -> tuple[float, float]:
    """(along, deep) with room around it, not far from where the robot stands. Raises `CannotDo`: the place is full."""
    kind, radius = object_type(type_name), footprint(type_name)
    grip = robot.gripped
    palm = place.height + (grip.below if grip else kind.size[2]) + robot.hand.palm
    here = place.to_local(*robot.base_pose()[:2])[0]
    edge = place.size[0] / 2 - radius - 0.04
    best: tuple[float, tuple[float, float]] | None = None
    for along in np.arange(-edge, edge + 1e-6, 0.04):
        for deep in np.arange(max(0.12, radius + 0.03), min(0.36, place.size[1] - radius - 0.03), 0.04):
            x, y = place.to_world(float(along), float(deep))
            room = min(0.12, room_for_hand(x, y, observation.here(), place.height, radius, palm))
            cost = -3.0 * room + 0.5 * abs(float(along) - here) + abs(float(deep) - 0.2)
            if room > 0.005 and (best is None or cost < best[0]):
                best = cost, (float(along), float(deep))
    if best is None:
        raise CannotDo(f"there is no free spot on the {place.name}")
    return best[1]
