"""The UR5e's kinematics in closed form, by the `ur-analytic-ik` wheel, for a grasp point before its flange.

Angles in radians, lengths in metres; poses are (4, 4) of the grasp point in the frame of the arm's foot (x ahead, z
up), its z axis out of the hand, its y axis the one along which the fingers open. The wheel agrees with the maker's
URDF to 1e-7 m (tests/test_robots.py). Its solutions lie within half a turn; the joints go a whole turn either way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from ur_analytic_ik import ur5e  # pyright: ignore[reportAttributeAccessIssue]

from .kinematics import Joints, Pose

TURN = 2 * math.pi
UPPER = np.array([TURN, TURN, math.pi, TURN, TURN, TURN])
VELOCITY = np.full(6, math.pi)
"""The maker's joint limits and top speeds (data sheet: 180 degrees a second), rad and rad/s."""
EFFORT = np.array([150.0, 150.0, 150.0, 28.0, 28.0, 28.0])
"""The maker's largest torques, N m."""
_JUMP = 0.6
"""Radians between two waypoints that count as a jump to another posture."""

_FOOT = np.diag([-1.0, -1.0, 1.0, 1.0])
"""The maker's controller counts x backwards from the foot's own frame."""


class UR5eKinematics:
    """With the grasp point `reach` metres before the flange, its axes the flange's."""

    lower, upper, velocity, effort = -UPPER, UPPER, VELOCITY, EFFORT

    def __init__(self, reach: float):
        self._tool = np.eye(4)
        self._tool[2, 3] = reach

    def forward(self, joints: Joints) -> Pose:
        """The grasp point's pose."""
        return _FOOT @ ur5e.forward_kinematics_with_tcp(*(float(q) for q in joints), self._tool)

    def solutions(self, pose: Pose, near: Joints) -> Iterator[Joints]:
        """Every posture that puts the grasp point at `pose`, each joint turned to within half a turn of `near`."""
        for found in ur5e.inverse_kinematics_with_tcp(np.ascontiguousarray(_FOOT @ pose), self._tool):
            joints = found + TURN * np.round((near - found) / TURN)
            joints += TURN * ((joints < self.lower).astype(float) - (joints > self.upper).astype(float))
            if np.all(np.isfinite(joints)) and np.all(np.abs(joints) <= UPPER):
                yield joints

    def reach_through(self, poses: Sequence[Pose], now: Joints) -> list[Joints] | None:
        """Joints through `poses` in one posture: elbow up, and near to where the arm is `now`; None: none."""
        for joints in sorted(self.solutions(poses[0], now), key=lambda q: _cost(q, now)):
            line = self.continue_through(joints, poses[1:])
            if line is not None:
                return line
        return None

    def continue_through(self, joints: Joints, poses: Sequence[Pose]) -> list[Joints] | None:
        """`joints` and a solution for each pose in turn, no joint jumping by more than 0.6 rad; None: there is none."""
        line = [joints]
        for pose in poses:
            step = min(self.solutions(pose, line[-1]), key=lambda q: float(np.abs(q - line[-1]).max()), default=None)
            if step is None or np.abs(step - line[-1]).max() > _JUMP:
                return None
            line.append(step)
        return line


def _cost(joints: Joints, now: Joints) -> float:
    """How much a posture is to be avoided: by the turn to get there, and by an elbow or a wrist that hangs low."""
    elbow = -0.425 * math.sin(joints[1])
    wrist = elbow - 0.392 * math.sin(joints[1] + joints[2])
    return float(np.abs(joints - now).max()) - 6.0 * (min(elbow, 0.35) + min(wrist, 0.2))
