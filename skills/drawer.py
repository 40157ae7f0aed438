"""Drawers: to open one take its handle and drive back, to close one push its front with the fist; then look."""

from __future__ import annotations

import math

from ..sim.kinematics import Joints
from ..sim.observation import Observation
from ..sim.robot import Motion, Robot
from ..sim.scene_parts import Drawer, Place
from .motion import CannotDo, line, must, pointing_ahead, policy, tuck_safely
from .navigate import STAND, drive, protrusion
from .skill import Policy

_HANDLE = 0.075
"""From the cabinet's front edge to the middle of a closed drawer's handle, metres: map knowledge."""
_REACHES = ((0.0, 0.62), (0.35, 0.62), (0.7, 0.58), (0.9, 0.55))
"""(pitch of the hand, distance from the base's middle to the handle) to try: low handles are taken from above."""
_FRONT = 0.02
"""From the edge to the outside of a closed drawer's front, metres."""
_BESIDE = 0.16
"""How far beside the handle's middle the front is pushed, metres."""
_UNFOLD = 0.32
"""How far before its work the arm unfolds, metres."""
_APPROACH = 0.09
_TIGHT = 0.010
"""A gap of the fingers below which they hold nothing; the bar is 18 mm thick."""


def open_drawer(name: str) -> Policy:
    """Pull the drawer out to its end."""
    return _slide(name, opened=True)


def close_drawer(name: str) -> Policy:
    """Push the drawer in."""
    return _slide(name, opened=False)


def _slide(name: str, *, opened: bool) -> Policy:
    def run(robot: Robot, observation: Observation) -> str:
        if robot.holding is not None:
            raise CannotDo(f"the hand holds the {robot.holding}")
        drawer = robot.scene.drawer(name)
        place = robot.scene.place(drawer.cabinet)
        drive(robot, observation, place)
        for _ in range(2):
            observation = robot.observe()
            opening = _opening(observation, name)
            if opening is None:
                raise CannotDo(f"the {name} is not seen")
            if (opening >= 0.6) if opened else (opening <= 0.08):
                break
            _check_above(robot, observation, drawer)
            if opened:
                _pull(robot, place, drawer, opening * drawer.travel)
            else:
                _push(robot, place, drawer)
            # Clear of whatever stands open now, where it sees the whole front.
            out = max(drawer.travel if opened else 0.0, protrusion(robot.scene, observation, place, but=name))
            must(robot.drive_to(*place.stand(0.0, STAND + out), speed=0.6), "going back")
        opening = _opening(robot.observe(), name)
        if opening is None or ((opening < 0.5) if opened else (opening > 0.1)):
            seen = "it is not seen" if opening is None else f"it is {opening:.0%} open"
            raise CannotDo(f"after {'pulling' if opened else 'pushing'}, {seen}")
        return f"the {name} is {'open' if opened else 'closed'}"

    return policy(run)


def _opening(observation: Observation, name: str) -> float | None:
    return next((d.opening for d in observation.drawers if d.name == name), None)


def _check_above(robot: Robot, observation: Observation, drawer: Drawer) -> None:
    """A drawer that stands open above is in the hand's way."""
    for other in robot.scene.drawers:
        if other.cabinet == drawer.cabinet and other.height > drawer.height:
            opening = _opening(observation, other.name)
            if opening is not None and opening > 0.2:
                raise CannotDo(f"the {other.name} stands open above the {drawer.name}")


def _reach(robot: Robot, place: Place, along: float, out: float, height: float) -> list[Joints]:
    """Drive up and plan to a point `out` metres before the cabinet's edge, from the front. Raises `CannotDo`."""
    x, y = place.to_world(along, -out)
    for pitch, reach in _REACHES:
        must(robot.drive_to(*place.stand(along, out + reach), speed=0.6), "lining up")
        at = pointing_ahead(x, y, height, place.facing, pitch)
        before = at.copy()
        before[:3, 3] -= _APPROACH * at[:3, 2]
        joints = robot.plan_hand(line(before, at))
        if joints is not None:
            # The arm unfolds where it can't hit the cabinet; then it is driven there.
            must(_advance(robot, -_UNFOLD), "making room")
            must(robot.ready(), "getting ready")
            must(robot.move_joints(joints[:1], 0.7), "unfolding")
            must(_advance(robot, _UNFOLD), "driving up")
            return joints
    raise CannotDo("the drawer is out of reach")


def _pull(robot: Robot, place: Place, drawer: Drawer, now: float) -> None:
    """Take the handle of a drawer that is `now` metres open and drive back until it is all open."""
    joints = _reach(robot, place, 0.0, _HANDLE + now, drawer.height)
    must(robot.move_joints(joints[1:], 0.5, feel=True, touch=(drawer.name,)), "reaching for the handle")
    if robot.grip() < _TIGHT:
        robot.release()
        robot.move_joints(joints[::-1], 0.7)
        raise CannotDo("the fingers missed the handle")
    # A little further than the rail goes: the fingers slip on the bar rather than leave the drawer ajar.
    pulled = _advance(robot, now - drawer.travel - 0.01, moving=drawer)
    robot.release()
    must(robot.move_joints(joints[::-1], 0.7), "letting go of the handle")
    _advance(robot, -_UNFOLD)
    tuck_safely(robot)
    must(pulled, "pulling the drawer")


def _push(robot: Robot, place: Place, drawer: Drawer) -> None:
    """Push the front, beside the handle, with closed fingers, until it is where it is when closed."""
    out = _FRONT + drawer.travel + 0.05
    joints = _reach(robot, place, _BESIDE, out, drawer.height)
    robot.grip()
    must(robot.move_joints(joints[1:], 0.7, feel=True, touch=(drawer.name,)), "reaching for the drawer")
    pushed = _advance(robot, drawer.travel + 0.05, moving=drawer)
    _advance(robot, -_UNFOLD)
    robot.release()
    tuck_safely(robot)
    must(pushed, "pushing the drawer")


def _advance(robot: Robot, way: float, moving: Drawer | None = None) -> Motion:
    """Drive straight ahead, or back if negative, slowly; the hand may be `moving` a drawer by that."""
    x, y, yaw = robot.base_pose()
    at = x + way * math.cos(yaw), y + way * math.sin(yaw), yaw
    touch = (moving.name,) if moving else ()
    return robot.drive_to(*at, speed=0.5 if abs(way) == _UNFOLD else 0.3, touch=touch)
