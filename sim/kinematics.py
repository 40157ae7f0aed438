"""Where the Panda's hand is for given joint angles, and which joint angles bring it somewhere: both in closed form.

All seven joints are used; joint 7 is the free parameter of the redundant arm, so a solution is asked for with a value
of it. Geometry: He and Liu, "Analytical Inverse Kinematics for Franka Emika Panda", ICMA 2021. Angles in radians,
lengths in metres, poses are (4, 4) homogeneous matrices of the *grasp point* between the fingertips in the frame of
the arm's mount; its z axis points out of the hand, its y axis is the one along which the fingers open.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Joints = NDArray[np.float64]
"""(7,) joint angles, radians."""
Pose = NDArray[np.float64]
"""(4, 4) homogeneous matrix."""

GRASP_POINT = 0.105
"""From the hand's own frame to the point between the fingertips, as in the URDF's `panda_grasptarget`."""

_D1, _D3, _D5, _FLANGE = 0.333, 0.316, 0.384, 0.107
_A4, _A7 = 0.0825, 0.088
_UPPER, _FORE = math.hypot(_A4, _D3), math.hypot(_A4, _D5)
_SHOULDER = np.array([0.0, 0.0, _D1])
LOWER = np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973])
UPPER = np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973])
VELOCITY = np.array([2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61])
"""The makers' joint limits (soft limits of the URDF) and top speeds, rad/s."""
EFFORT = np.array([87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0])
"""The makers' torque limits, N m."""

# Each joint: (roll about x before it, (x, y, z) offset), as in the URDF; the joint turns about its z axis.
_CHAIN = (
    (0.0, (0.0, 0.0, _D1)),
    (-math.pi / 2, (0.0, 0.0, 0.0)),
    (math.pi / 2, (0.0, -_D3, 0.0)),
    (math.pi / 2, (_A4, 0.0, 0.0)),
    (-math.pi / 2, (-_A4, _D5, 0.0)),
    (math.pi / 2, (0.0, 0.0, 0.0)),
    (math.pi / 2, (_A7, 0.0, 0.0)),
)


def transform(roll: float, yaw: float, offset: tuple[float, float, float]) -> Pose:
    """Move by `offset`, roll about x, then turn about the new z."""
    cr, sr, cy, sy = math.cos(roll), math.sin(roll), math.cos(yaw), math.sin(yaw)
    x, y, z = offset
    return np.array([[cy, -sy, 0, x], [cr * sy, cr * cy, -sr, y], [sr * sy, sr * cy, cr, z], [0, 0, 0, 1.0]])


_HAND = transform(0.0, -math.pi / 4, (0.0, 0.0, _FLANGE + GRASP_POINT))


def forward(joints: Joints) -> Pose:
    """The grasp point's pose in the mount's frame."""
    pose = np.eye(4)
    for (roll, offset), angle in zip(_CHAIN, joints, strict=True):
        pose = pose @ transform(roll, float(angle), offset)
    return pose @ _HAND


def solutions(pose: Pose, joint7: float) -> Iterator[Joints]:
    """Every (7,) solution within the joint limits that puts the grasp point at `pose` with this angle of joint 7."""
    rotation, tip = pose[:3, :3], pose[:3, 3]
    z_hand = rotation[:, 2]
    x6 = rotation @ np.array([math.cos(joint7 - math.pi / 4), -math.sin(joint7 - math.pi / 4), 0.0])
    wrist = tip - (_FLANGE + GRASP_POINT) * z_hand - _A7 * x6
    reach = wrist - _SHOULDER
    far = float(np.linalg.norm(reach))
    if not abs(_UPPER - _FORE) < far < _UPPER + _FORE:
        return
    elbow = math.acos((_UPPER**2 + _FORE**2 - far**2) / (2 * _UPPER * _FORE))
    q4 = elbow + math.atan(_D5 / _A4) + math.atan(_D3 / _A4) - 2 * math.pi
    if not LOWER[3] < q4 < UPPER[3]:
        return
    at_wrist = math.acos((far**2 + _FORE**2 - _UPPER**2) / (2 * far * _FORE))
    to_axis = math.atan(_A4 / _D5) + at_wrist
    z6 = np.cross(z_hand, x6)
    r6 = np.column_stack((x6, np.cross(z6, x6), z6))
    back = r6.T @ -reach
    flat = math.hypot(back[0], back[1])
    ratio = -far * math.cos(to_axis) / flat if flat > 1e-9 else 2.0
    if abs(ratio) > 1.0:
        return
    phi, theta = math.atan2(back[1], back[0]), math.asin(ratio)
    at_shoulder = 3 * math.pi / 2 - at_wrist - elbow - math.atan(_D3 / _A4)
    along = far * math.sin(at_shoulder) / math.sin(math.pi - at_shoulder - to_axis)
    for q6 in (math.pi - theta - phi, theta - phi):
        q6 = _into(q6, LOWER[5], UPPER[5])
        if q6 is None:
            continue
        z5 = r6 @ np.array([math.sin(q6), math.cos(q6), 0.0])
        line = wrist - along * z5 - _SHOULDER
        length = float(np.linalg.norm(line))
        if length < 1e-6 or abs(line[2]) / length > 0.9999:
            continue
        for sign in (1.0, -1.0):
            q1 = math.atan2(sign * line[1], sign * line[0])
            q2 = sign * math.acos(line[2] / length)
            joints = np.array([q1, q2, *_middle(q1, q2, q4, q6, line / length, reach, z5, r6, wrist), q6, joint7])
            if np.all(joints > LOWER) and np.all(joints < UPPER):
                yield joints


def _middle(
    q1: float, q2: float, q4: float, q6: float, z3: Joints, reach: Joints, z5: Joints, r6: Joints, wrist: Joints
) -> tuple[float, float, float]:
    """Joints 3, 4, 5 once the others are known."""
    y3 = np.cross(z3, reach)
    y3 /= np.linalg.norm(y3)
    x3 = np.cross(y3, z3)
    c1, s1, c2, s2 = math.cos(q1), math.sin(q1), math.cos(q2), math.sin(q2)
    r2 = np.array([[c1 * c2, -c1 * s2, -s1], [s1 * c2, -s1 * s2, c1], [-s2, -c2, 0.0]])
    in2 = r2.T @ x3
    c6, s6 = math.cos(q6), math.sin(q6)
    r5 = r6 @ np.array([[c6, -s6, 0.0], [0.0, 0.0, -1.0], [s6, c6, 0.0]]).T
    in5 = r5.T @ (_SHOULDER + _D3 * z3 + _A4 * x3 - wrist + _D5 * z5)
    return math.atan2(in2[2], in2[0]), q4, -math.atan2(in5[1], in5[0])


def _into(angle: float, low: float, high: float) -> float | None:
    """`angle` plus whole turns so that it falls in [low, high]; None if none does."""
    angle = low + (angle - low) % (2 * math.pi)
    return angle if angle <= high else None


def nearest(pose: Pose, to: Joints, joint7s: Iterable[float]) -> Joints | None:
    """The solution nearest to the joints `to` (largest joint change), over the given angles of joint 7; None: none."""
    found = [joints for q7 in joint7s for joints in solutions(pose, float(q7))]
    return min(found, key=lambda joints: float(np.abs(joints - to).max()), default=None)


def reach_through(poses: Sequence[Pose], now: Joints) -> list[Joints] | None:
    """Joints through `poses` with one angle of joint 7: elbow high, and near to where the arm is `now`; None: none."""
    found = [(_cost(q, now), q) for q7 in np.linspace(-2.8, 2.8, 15) for q in solutions(poses[0], float(q7))]
    for _, joints in sorted(found, key=lambda pair: pair[0]):
        line = continue_through(joints, poses[1:])
        if line is not None:
            return line
    return None


def continue_through(joints: Joints, poses: Sequence[Pose]) -> list[Joints] | None:
    """`joints` and a solution for each pose in turn, no joint jumping by more than 0.6 rad; None: there is none."""
    line = [joints]
    for pose in poses:
        step = nearest(pose, line[-1], (float(joints[6]),))
        if step is None or np.abs(step - line[-1]).max() > 0.6:
            return None
        line.append(step)
    return line


def _cost(joints: Joints, now: Joints) -> float:
    """How much a posture is to be avoided: by the turn to get there, and by an elbow that hangs among the furniture."""
    elbow = 0.333 + 0.316 * math.cos(joints[1]) - 0.0825 * math.sin(joints[1]) * math.cos(joints[2])
    return float(np.abs(joints - now).max()) - 6.0 * min(elbow, 0.6)


class PandaKinematics:
    """The functions of this file and the makers' limits, as a robot wants them."""

    lower, upper, velocity, effort = LOWER, UPPER, VELOCITY, EFFORT

    def forward(self, joints: Joints) -> Pose:
        """The grasp point's pose in the mount's frame."""
        return forward(joints)

    def reach_through(self, poses: Sequence[Pose], now: Joints) -> list[Joints] | None:
        """Joints through `poses` with one angle of joint 7; None: none."""
        return reach_through(poses, now)

    def continue_through(self, joints: Joints, poses: Sequence[Pose]) -> list[Joints] | None:
        """`joints` and a solution for each pose in turn; None: there is none."""
        return continue_through(joints, poses)


PANDA = PandaKinematics()
