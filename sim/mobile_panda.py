"""A Franka Panda on a planar base, with a camera on a mast: the `Robot` contract with physics.

The base is three velocity-limited joints (x, y, yaw) in the same articulated body, so what the hand holds stays by
friction alone.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pybullet_data

from .arm import ArmRobot, axes_of, lens
from .gripper import Gripper
from .kinematics import GRASP_POINT, PANDA, Pose
from .robot import OPENING, BasePose, Limits, Motion, Point
from .scene import Scene
from .servo import Motors

if TYPE_CHECKING:
    from .physics import Physics

MOUNT = (0.12, 0.0, 0.55)
"""The arm's mount in the platform's frame."""
HEAD, CAMERA_OUT = (0.03, 0.20, 1.60), 0.04
"""The head's pan axis in the platform's frame, and how far before it the camera tilts."""
WRIST = lens((0.11, 0.0, GRASP_POINT - 0.05), (0.0, 0.0, GRASP_POINT + 0.01), (-1.0, 0.0, 0.0))
"""The wrist camera on the hand: beside it, looking between the fingertips."""
READY = np.array([1.15, -0.90, -0.51, -1.91, -0.44, 1.11, 1.40])
"""The hand 0.42 m before the middle of the base, pointing down, the grasp point 1.16 m above the floor."""
TUCK = READY - np.array([2.40, 0, 0, 0, 0, 0, 0])
"""The same, swung to the rear right by joint 1 alone, so that what is held stays level."""

_SPEED, _TURN = 1.0, 1.5
"""The base's top speeds, m/s and rad/s."""
_BASE_RAMP = 0.8
"""Seconds to top speed."""


class MobilePanda(ArmRobot):
    """The robot in a `Physics`, standing at `base` with its arm tucked."""

    limits = Limits(
        lower=tuple(PANDA.lower.tolist()), upper=tuple(PANDA.upper.tolist()), velocity=tuple(PANDA.velocity.tolist()),
        effort=tuple(PANDA.effort.tolist()), base_speed=_SPEED, base_turn=_TURN, grip_force=40.0,
    )  # fmt: skip
    axes = axes_of(limits, OPENING, 0.12)
    carry_height = 1.16
    turns_head = True
    homes = (TUCK, READY)

    def __init__(self, physics: Physics, scene: Scene, base: BasePose):
        p = physics.p
        body = self.load(p)
        info = [p.getJointInfo(body, i) for i in range(p.getNumJoints(body))]
        joint = {j[1].decode(): j[0] for j in info}
        link = {j[12].decode(): j[0] for j in info}
        self.grasp_link = link["panda_grasptarget"]
        self.camera_link: int = link["camera"]
        names = ("base_x", "base_y", "base_yaw")
        self.base = self.wheels = Motors(
            [joint[n] for n in names], np.array(base, dtype=float), (800.0, 800.0, 400.0), _BASE_RAMP, 0.01
        )
        self.head = Motors([joint["head_pan"], joint["head_tilt"]], np.array([0.0, 0.4]), (10.0, 10.0), 0.1, 0.01)
        gripper = Gripper(physics, body, [joint["panda_finger_joint1"], joint["panda_finger_joint2"]])
        arm = [joint[f"panda_joint{i}"] for i in range(1, 8)]
        # The wrist's lens is a pose on the hand: a link of its own would change the body that the values know.
        lenses = {"head": (link["camera"], lens((0, 0, 0), (1, 0, 0), (0, 0, 1))), "wrist": (link["panda_hand"], WRIST)}
        parts = {i: _part(name) for name, i in link.items()}
        super().__init__(physics, scene, body, PANDA, arm, TUCK, gripper, parts, lenses)
        for motors in (self.wheels, self.arm, self.head):
            for j, angle in zip(motors.joints, motors.goal, strict=True):
                p.resetJointState(body, j, float(angle))
        self.reissue()

    # What it knows of itself ------------------------------------------------------------------------------------

    def base_pose(self) -> BasePose:
        """(x, y, yaw), yaw in (-pi, pi]."""
        x, y, yaw = self.measure(self.wheels)
        return float(x), float(y), math.remainder(float(yaw), 2 * math.pi)

    def mount(self) -> Pose:
        """Where the arm stands on the platform, (4, 4), world frame."""
        x, y, yaw = self.base_pose()
        c, s = math.cos(yaw), math.sin(yaw)
        at = (x + c * MOUNT[0] - s * MOUNT[1], y + s * MOUNT[0] + c * MOUNT[1], MOUNT[2])
        return np.array([[c, -s, 0, at[0]], [s, c, 0, at[1]], [0, 0, 1, at[2]], [0, 0, 0, 1.0]])

    # Eyes -------------------------------------------------------------------------------------------------------

    def look_at(self, point: Point) -> None:
        """Turn the head so that the camera's axis meets `point`. It is light and fast: it is there at once."""
        x, y, yaw = self.base_pose()
        c, s = math.cos(yaw), math.sin(yaw)
        dx, dy = point[0] - x, point[1] - y
        along, left = c * dx + s * dy - HEAD[0], -s * dx + c * dy - HEAD[1]
        down = math.atan2(HEAD[2] - point[2], math.hypot(along, left) - CAMERA_OUT)
        self.head.goal = np.array([math.atan2(left, along), down])
        for j, angle in zip(self.head.joints, self.head.goal, strict=True):
            self._p.resetJointState(self.body, j, float(angle))
        self.command(self.head, [0.0, 0.0])

    # Base -------------------------------------------------------------------------------------------------------

    def drive_to(self, x: float, y: float, yaw: float, speed: float = 1.0, *, touch: Collection[str] = ()) -> Motion:
        """A straight line from the base's last goal, turning on the way by the shorter side.

        Refused if it is too fast, or if any part of the robot would meet the map, but for what `touch` names.
        """
        if not 0.0 < speed <= _SPEED:
            return Motion("refused", f"a speed of {speed:g} m/s is not in (0, {_SPEED:g}], what the base can do")
        start = self.wheels.goal.copy()
        goal = np.array([x, y, start[2] + math.remainder(yaw - start[2], 2 * math.pi)])
        refusal = self.blocked(self.wheels, np.array([start, goal]), (), touch)
        if refusal:
            return Motion("refused", refusal)
        seconds = max(math.hypot(*(goal - start)[:2]) / speed, abs(goal[2] - start[2]) / _TURN)

        def command(at: float, rate: float) -> None:
            self.wheels.goal = start + at * (goal - start)
            self.command(self.wheels, rate * (goal - start))

        return self.run(command, seconds, self.wheels, feel=False)

    # Arm --------------------------------------------------------------------------------------------------------

    def ready(self) -> Motion:
        """The hand before the robot, pointing down. A hand that is low goes up first."""
        hand = self.hand_pose()
        if hand[2, 3] < 1.1 and np.abs(self.arm.goal - READY).max() > 0.1:
            up = hand.copy()
            up[2, 3] = self.carry_height
            self.move_hand(up)
        return self.move_joints([READY])

    def tuck(self) -> Motion:
        """Back to the tucked pose by way of the ready one."""
        if np.abs(self.arm.goal[1:] - TUCK[1:]).max() < 0.02:
            return self.move_joints([TUCK])
        motion = self.ready()
        return self.move_joints([TUCK]) if motion.ok else motion

    def load(self, p: Any, flags: int = 0) -> int:
        """Make the body in a client. Bullet looks for meshes beside the file, so it gets a copy with real paths."""
        text = (Path(__file__).parent / "assets" / "mobile_panda.urdf").read_text(encoding="utf-8")
        text = text.replace('"franka_panda/', f'"{Path(pybullet_data.getDataPath()).as_posix()}/franka_panda/')
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "mobile_panda.urdf")
            path.write_text(text, encoding="utf-8")
            return p.loadURDF(str(path), useFixedBase=True, flags=p.URDF_USE_INERTIA_FROM_FILE | flags)

    # Machinery --------------------------------------------------------------------------------------------------

    def reissue(self) -> None:
        """Tell all motors again what they were told."""
        self.command(self.wheels, [0.0] * 3)
        self.command(self.arm, [0.0] * 7)
        self.command(self.head, [0.0, 0.0])
        self.gripper.reissue()

    def state(self) -> dict[str, Any]:
        """Everything that is not in the physics (JSON)."""
        return {**super().state(), "base": self.wheels.goal.tolist(), "head": self.head.goal.tolist()}

    def set_state(self, state: dict[str, Any]) -> None:
        """The inverse; to be called after the physics has been restored."""
        self.wheels.goal, self.head.goal = np.array(state["base"]), np.array(state["head"])
        super().set_state(state)


def _part(link: str) -> str:
    """The robot's own word for one of its links."""
    if "finger" in link:
        return "fingers"
    if link == "panda_hand":
        return "hand"
    return "arm" if link.startswith("panda") else "base"
