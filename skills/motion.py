"""What all policies share: hand poses, motions that must succeed, and an end that is always safe and told.

Positions are metres in the world frame; a hand pose is (4, 4) with z out of the hand and y along the fingers' opening.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..sim.kinematics import Pose
from ..sim.observation import Observation
from ..sim.robot import Motion, Robot
from ..sim.scene_parts import Place
from .skill import Outcome, Policy

WORK_GAP = (0.29, 0.45)
"""Nearest and farthest that the base stands from a working edge when the arm works there."""


class CannotDo(Exception):
    """The policy ends here; the message is the reason told in its outcome."""


class OutOfTime(CannotDo):
    """A motion did not end in time."""


def must(motion: Motion, doing: str) -> None:
    """Go on only if `motion` got there. Raises `CannotDo` with what was being done and why it ended."""
    if not motion.ok:
        kind = OutOfTime if motion.status == "timed out" else CannotDo
        raise kind(f"{doing}: {motion.reason}")


def policy(body: Callable[[Robot, Observation], str]) -> Policy:
    """A policy from a function that gives the reason why it is done, or raises `CannotDo`; ends with the arm tucked."""

    def run(robot: Robot, observation: Observation) -> Outcome:
        start = robot.time
        try:
            reason, status = body(robot, observation), "done"
        except OutOfTime as stop:
            reason, status = str(stop), "timed out"
        except CannotDo as stop:
            reason, status = str(stop), "failed"
        tuck_safely(robot)
        return Outcome(status, reason, robot.time - start)

    return run


def tuck_safely(robot: Robot) -> bool:
    """Fold the arm; if something is in its way, back off first. True: it is folded."""
    for back in (0.0, 0.10, 0.25):
        if back:
            x, y, yaw = robot.base_pose()
            robot.drive_to(x - back * math.cos(yaw), y - back * math.sin(yaw), yaw, speed=0.4)
        if robot.tuck().ok:
            return True
    return False


def pointing_down(x: float, y: float, z: float, opening: float) -> Pose:
    """The hand from above; `opening` is the yaw of the line along which the fingers open, radians."""
    along = np.array([math.cos(opening), math.sin(opening), 0.0])
    return _pose(along, np.array([0.0, 0.0, -1.0]), (x, y, z))


def pointing_ahead(x: float, y: float, z: float, yaw: float, pitch: float) -> Pose:
    """The hand from the front, tilted down by `pitch`; the fingers open in the vertical plane of `yaw`."""
    c, s = math.cos(yaw), math.sin(yaw)
    out = np.array([c * math.cos(pitch), s * math.cos(pitch), -math.sin(pitch)])
    up = np.array([c * math.sin(pitch), s * math.sin(pitch), math.cos(pitch)])
    return _pose(up, out, (x, y, z))


def _pose(y_axis: np.ndarray, z_axis: np.ndarray, at: tuple[float, float, float]) -> Pose:
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack((np.cross(y_axis, z_axis), y_axis, z_axis))
    pose[:3, 3] = at
    return pose


def line(start: Pose, end: Pose, step: float = 0.03) -> list[Pose]:
    """Waypoints at most `step` metres apart from `start` to `end`, with the direction of `start`."""
    count = max(1, math.ceil(float(np.linalg.norm(end[:3, 3] - start[:3, 3])) / step))
    path = []
    for k in range(count + 1):
        pose = start.copy()
        pose[:3, 3] += (end[:3, 3] - start[:3, 3]) * (k / count)
        path.append(pose)
    return path


def line_up(robot: Robot, place: Place, along: float, deep: float) -> None:
    """Drive along the working edge so that the point is straight ahead and well in reach. Raises `CannotDo`."""
    gap = min(max(0.64 - deep, WORK_GAP[0]), WORK_GAP[1])
    x, y, yaw = place.stand(along, gap)
    here_along, here_deep = place.to_local(*robot.base_pose()[:2])
    if abs(here_along - along) > 0.02 and here_deep > -WORK_GAP[1]:
        must(robot.drive_to(*place.stand(here_along, WORK_GAP[1])), "backing off")
    if abs(here_along - along) > 0.02:
        must(robot.drive_to(*place.stand(along, WORK_GAP[1])), "driving along the edge")
    must(robot.drive_to(x, y, yaw, speed=0.5), "driving up to the edge")
