"""A UR5e with a Robotiq 2F-85 that stands at a table, and a camera that hangs before it: the `Robot` contract."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import airo_models
import numpy as np

from .arm import ArmRobot, axes_of, lens
from .gripper import Gripper
from .kinematics import Pose
from .robot import HandShape, Limits
from .scene import Scene
from .ur_kinematics import UR5eKinematics

if TYPE_CHECKING:
    from .physics import Physics

GRASP_POINT = 0.1425
"""From the flange to the middle of the fingers' pads, metres, as in the URDF."""
STROKE = 0.085
"""The fingers' widest gap, metres (data sheet of the 2F-85)."""
READY = np.array([-0.340, -1.841, 1.918, -1.647, -math.pi / 2, 1.231])
"""The hand 0.40 m before the foot, pointing down, the grasp point 0.30 m above the foot."""
TUCK = READY + np.array([math.pi / 2, 0, 0, 0, 0, 0])
"""The same, swung to the left by the first joint alone: out of the camera's view of the table."""
_NAMES = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
_FINGER_SPEED = 0.06
"""m/s of each finger; the maker allows 0.075."""
_KINEMATICS = UR5eKinematics(GRASP_POINT)
_FRONT = lens((0, 0, 0), (1, 0, 0), (0, 0, 1))
_WRIST = lens((0, 0, 0), (0, 0, 1), (-1, 0, 0))
_FORCE = 20.0
"""Newtons a finger: the least of the maker's 20 to 235. At 40 N a 100 g block shivers up between the pads."""


class UR5e(ArmRobot):
    """The robot in a `Physics`, its foot at `base` = (x, y, z, yaw) and its arm tucked."""

    limits = Limits(
        lower=tuple(_KINEMATICS.lower.tolist()), upper=tuple(_KINEMATICS.upper.tolist()),
        velocity=tuple(_KINEMATICS.velocity.tolist()), effort=tuple(_KINEMATICS.effort.tolist()),
        base_speed=0.0, base_turn=0.0, grip_force=235.0,
    )  # fmt: skip
    hand = HandShape(opening=STROKE, finger=0.0145, palm=0.05, tip=0.019)
    axes = axes_of(limits, STROKE, _FINGER_SPEED)
    speed_share = 0.5
    homes = (TUCK, READY)

    def __init__(self, physics: Physics, scene: Scene, base: tuple[float, float, float, float]):
        p = physics.p
        x, y, z, yaw = base
        c, s = math.cos(yaw), math.sin(yaw)
        self._foot = np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z], [0, 0, 0, 1.0]])
        self.carry_height = z + 0.30
        self._base = base
        body = self.load(p)
        info = [p.getJointInfo(body, i) for i in range(p.getNumJoints(body))]
        joint = {j[1].decode(): j[0] for j in info}
        link = {j[12].decode(): j[0] for j in info}
        self.grasp_link = link["grasp_point"]
        parts = {i: _part(name) for name, i in link.items()} | {-1: "foot"}
        fingers = [joint["left_finger_joint"], joint["right_finger_joint"]]
        gripper = Gripper(physics, body, fingers, opening=STROKE, force=_FORCE, speed=_FINGER_SPEED)
        lenses = {"front": (link["front_camera"], _FRONT), "wrist": (link["wrist_camera"], _WRIST)}
        arm = [joint[f"{name}_joint"] for name in _NAMES]
        super().__init__(physics, scene, body, _KINEMATICS, arm, TUCK, gripper, parts, lenses)
        p.changeDynamics(body, -1, maxJointVelocity=math.pi)
        self.begin()

    def load(self, p: Any, flags: int = 0) -> int:
        """Make the body in a client. Bullet looks for meshes beside the file, so it gets a copy with real paths."""
        text = (Path(__file__).parent / "assets" / "ur5e_2f85.urdf").read_text(encoding="utf-8")
        text = text.replace('"airo_models/', f'"{Path(airo_models.__file__).parent.as_posix()}/')
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "ur5e_2f85.urdf")
            path.write_text(text, encoding="utf-8")
            turn = p.getQuaternionFromEuler((0.0, 0.0, self._base[3]))
            return p.loadURDF(
                str(path), self._base[:3], turn, useFixedBase=True, flags=p.URDF_USE_INERTIA_FROM_FILE | flags
            )

    def mount(self) -> Pose:
        """Its foot, (4, 4), world frame."""
        return self._foot


def _part(link: str) -> str:
    """The robot's own word for one of its links."""
    if "finger" in link:
        return "fingers"
    if link in ("gripper", "wrist_camera", "grasp_point"):
        return "hand"
    if link in ("post", "front_camera"):
        return "camera post"
    return "foot" if link.startswith("base") else "arm"
