"""Wiping motions: what the hand holds is pressed down, softly, while it is moved along.

The fingers feel how hard: the forces at their pads, as tactile sensors would tell them. The hand comes down until they
feel a push, and on its way it goes lower or higher as they feel less or more of it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .kinematics import Joints, Pose
from .robot import Motion
from .servo import TICK

if TYPE_CHECKING:
    from .arm import ArmRobot

_DOWN = 0.03
"""The speed at which it comes down on the surface, m/s."""
_DEEPEST = 0.03
"""How far below the path it looks for the surface, metres."""
_SOFT = 5e-5
"""Metres that it gives way a tick for each newton too much."""
_TOO_HARD = 5.0
"""Times the wanted force that end the motion."""


def press_along(robot: ArmRobot, path: Sequence[Pose], force: float, speed: float) -> Motion:
    """What `Robot.press_along` promises. Ends early if it is pressed far too hard, or if nothing is below."""
    to_mount = np.linalg.inv(robot.mount())
    poses = _dense([to_mount @ pose for pose in path], speed * TICK / 240.0)
    line = robot.kinematics.continue_through(robot.arm.goal, poses[::8])
    if line is None:
        return Motion("stopped", "the hand can't reach there")
    refusal = robot.blocked(robot.arm, np.array(line))
    if refusal:
        return Motion("refused", refusal)
    idle, depth, felt = _push(robot), 0.0, 0.0
    while felt < force / 2:
        depth += _DOWN * TICK / 240.0
        if depth > _DEEPEST or not _command(robot, poses[0], depth):
            _rise(robot, poses[0], depth)
            return Motion("stopped", "there is nothing to press on")
        felt = _push(robot) - idle
    end = Motion("reached")
    at = poses[0]
    for at in poses:
        depth += (force - felt) * _SOFT
        if depth > _DEEPEST or not _command(robot, at, depth):
            end = Motion("stopped", "the surface is out of reach")
            break
        felt = _push(robot) - idle
        if felt > _TOO_HARD * force:
            end = Motion("stopped", f"it was pressed with {felt:.0f} N")
            break
    _rise(robot, at, depth)
    return end


def _push(robot: ArmRobot) -> float:
    """The upward force on the fingers' pads, newtons: less than nothing when they carry something."""
    push = 0.0
    for finger in robot.gripper.links:
        for c in robot.physics.p.getContactPoints(bodyA=robot.body, linkIndexA=finger):
            if c[2] != robot.body:
                push += c[9] * c[7][2] + c[10] * c[11][2] + c[12] * c[13][2]
    return push


def _command(robot: ArmRobot, pose: Pose, depth: float) -> bool:
    """Go on to `pose`, `depth` metres lower; False: the arm can't."""
    lower = pose.copy()
    lower[2, 3] -= depth
    found = robot.kinematics.continue_through(robot.arm.goal, [lower])
    if found is None:
        return False
    rates: Joints = (found[-1] - robot.arm.goal) * (240.0 / TICK)
    robot.arm.goal = found[-1]
    robot.command(robot.arm, rates)
    robot.physics.step(TICK)
    return True


def _rise(robot: ArmRobot, pose: Pose, depth: float) -> None:
    """Let go of the surface: straight up to where the path is."""
    while depth > 0.0:
        depth = max(depth - _DOWN * TICK / 240.0, 0.0)
        if not _command(robot, pose, depth):
            return


def _dense(poses: Sequence[Pose], step: float) -> list[Pose]:
    """The same path in poses at most `step` metres apart."""
    dense = [poses[0]]
    for a, b in itertools.pairwise(poses):
        count = max(1, math.ceil(float(np.linalg.norm(b[:3, 3] - a[:3, 3])) / step))
        for k in range(1, count + 1):
            between = b.copy()
            between[:3, 3] = a[:3, 3] + (b[:3, 3] - a[:3, 3]) * (k / count)
            dense.append(between)
    return dense
