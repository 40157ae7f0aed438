"""A Franka Panda on a planar base, with a camera on a mast: the `Robot` contract with physics.

The base is three velocity-limited joints (x, y, yaw) in the same articulated body, so what the hand holds stays by
friction alone. Motions are joint paths at limited speed with ramps; they stop when a link of the arm meets something.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pybullet_data

from .catalogue import object_type
from .gripper import Gripper
from .kinematics import EFFORT, LOWER, UPPER, VELOCITY, Joints, Pose, continue_through, forward, reach_through
from .observation import Observation
from .robot import OPENING, BasePose, Grip, Motion, Point, grasp_height
from .scene import Scene
from .servo import Axis, Servo

if TYPE_CHECKING:
    from .physics import Physics

MOUNT = (0.12, 0.0, 0.55)
"""The arm's mount in the platform's frame."""
HEAD, CAMERA_OUT = (0.03, 0.20, 1.60), 0.04
"""The head's pan axis in the platform's frame, and how far before it the camera tilts."""
READY = np.array([1.15, -0.90, -0.51, -1.91, -0.44, 1.11, 1.40])
"""The hand 0.42 m before the middle of the base, pointing down, the grasp point 1.16 m above the floor."""
TUCK = READY - np.array([2.40, 0, 0, 0, 0, 0, 0])
"""The same, swung to the rear right by joint 1 alone, so that what is held stays level."""

_TICK = 4
"""Physics steps between two commands: 60 commands a second."""
_TOUCH = 15.0
"""Newtons on a link that count as having met something."""
_BASE_RAMP, _ARM_RAMP = 0.8, 0.2
"""Seconds to top speed."""
_ARM_SPEED = 0.9
"""Fraction of the makers' top speeds that `speed=1` means."""
_BASE_FORCE = [800.0, 800.0, 400.0]
"""Newtons, newtons, newton metres."""
_AXES = (
    Axis("base x", "m", 1.0), Axis("base y", "m", 1.0), Axis("base yaw", "rad", 1.5),
    *(Axis(f"joint {i + 1}", "rad", float(VELOCITY[i]), float(LOWER[i]), float(UPPER[i])) for i in range(7)),
    Axis("gripper", "m", 0.24, 0.0, OPENING),
)  # fmt: skip


class MobilePanda(Servo):
    """The robot in a `Physics`, standing at `base` with its arm tucked."""

    observe: Callable[..., Observation]
    """Set by the world, which owns the camera's eye and what was seen."""
    axes = _AXES
    _base_force, _arm_force = _BASE_FORCE, EFFORT

    def __init__(self, physics: Physics, scene: Scene, base: BasePose):
        self.physics, self.scene = physics, scene
        p = self._p = physics.p
        self.body = _load(p)
        info = [p.getJointInfo(self.body, i) for i in range(p.getNumJoints(self.body))]
        joint = {j[1].decode(): j[0] for j in info}
        link = {j[12].decode(): j[0] for j in info}
        self.camera_link: int = link["camera"]
        self._base = [joint[name] for name in ("base_x", "base_y", "base_yaw")]
        self._arm = [joint[f"panda_joint{i}"] for i in range(1, 8)]
        self._head = [joint["head_pan"], joint["head_tilt"]]
        self._names = {i: _part(name) for name, i in link.items()}
        self._base_goal, self._arm_goal = np.array(base, dtype=float), TUCK.copy()
        self._head_goal = [0.0, 0.4]
        self.gripper = Gripper(physics, self.body, [joint["panda_finger_joint1"], joint["panda_finger_joint2"]])
        for joints, angles in ((self._base, self._base_goal), (self._arm, TUCK), (self._head, self._head_goal)):
            for j, angle in zip(joints, angles, strict=True):
                p.resetJointState(self.body, j, float(angle))
        self._reissue()

    # What it knows of itself ------------------------------------------------------------------------------------

    @property
    def time(self) -> float:
        """Seconds of simulated time."""
        return self.physics.time

    @property
    def holding(self) -> str | None:
        """The type between the fingers, as it was seen when grasped."""
        grip = self.gripper.gripped
        return grip.type if grip else None

    @property
    def gripped(self) -> Grip | None:
        """How it is held."""
        return self.gripper.gripped

    def base_pose(self) -> BasePose:
        """(x, y, yaw), yaw in (-pi, pi]."""
        x, y, yaw = self._measure(self._base)
        return float(x), float(y), math.remainder(float(yaw), 2 * math.pi)

    def hand_pose(self) -> Pose:
        """The grasp point, (4, 4), world frame."""
        return self._mount() @ forward(self._measure(self._arm))

    def _measure(self, joints: Sequence[int]) -> Joints:
        return np.array([s[0] for s in self._p.getJointStates(self.body, joints)])

    def _mount(self) -> Pose:
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
        self._head_goal = [math.atan2(left, along), down]
        for j, angle in zip(self._head, self._head_goal, strict=True):
            self._p.resetJointState(self.body, j, angle)
        self._command(self._head, self._head_goal, [0.0, 0.0], [10.0, 10.0])

    # Base -------------------------------------------------------------------------------------------------------

    def drive_to(self, x: float, y: float, yaw: float, speed: float = 1.0) -> Motion:
        """A straight line from the base's last goal, turning on the way by the shorter side."""
        start = self._base_goal.copy()
        goal = np.array([x, y, start[2] + math.remainder(yaw - start[2], 2 * math.pi)])
        speed = min(speed, 1.0)
        seconds = max(math.hypot(*(goal - start)[:2]) / speed, abs(goal[2] - start[2]) / 1.5)

        def command(at: float, rate: float) -> None:
            self._base_goal = start + at * (goal - start)
            self._command(self._base, self._base_goal, rate * (goal - start), _BASE_FORCE)

        return self._run(command, seconds, _BASE_RAMP, self._base, lambda: self._base_goal, 0.01, feel=False)

    # Arm --------------------------------------------------------------------------------------------------------

    def plan_hand(self, path: Sequence[Pose]) -> list[Joints] | None:
        """Joint angles through `path` with one angle of joint 7: elbow high, and near to where the arm is."""
        to_mount = np.linalg.inv(self._mount())
        return reach_through([to_mount @ pose for pose in path], self._arm_goal)

    def move_joints(self, path: Sequence[Joints], speed: float = 1.0, *, feel: bool = False) -> Motion:
        """Through (7,) joint angles, each given in radians, at `speed` times the arm's usual speed."""
        knots = np.array([self._arm_goal, *path])
        times = (np.abs(np.diff(knots, axis=0)) / (VELOCITY * _ARM_SPEED * speed)).max(axis=1)
        until = np.concatenate(([0.0], np.cumsum(np.maximum(times, 1e-4))))

        def command(at: float, rate: float) -> None:
            now = at * until[-1]
            i = min(int(np.searchsorted(until, now, side="right")), len(knots) - 1)
            slope = (knots[i] - knots[i - 1]) / (until[i] - until[i - 1])
            self._arm_goal = knots[i - 1] + slope * (now - until[i - 1])
            self._command(self._arm, self._arm_goal, slope * until[-1] * rate, EFFORT)

        return self._run(command, float(until[-1]), _ARM_RAMP, self._arm, lambda: self._arm_goal, 0.02, feel=feel)

    def move_hand(self, pose: Pose, speed: float = 1.0, *, feel: bool = False) -> Motion:
        """In a straight line, in waypoints 3 cm apart, keeping the hand's direction from the first of them on."""
        start = self._mount() @ forward(self._arm_goal)
        count = max(1, math.ceil(float(np.linalg.norm(pose[:3, 3] - start[:3, 3])) / 0.03))
        path = []
        for k in range(1, count + 1):
            way = pose.copy()
            way[:3, 3] = start[:3, 3] + (pose[:3, 3] - start[:3, 3]) * (k / count)
            path.append(way)
        to_mount = np.linalg.inv(self._mount())
        line = continue_through(self._arm_goal, [to_mount @ way for way in path])
        joints = line[1:] if line is not None else self.plan_hand(path)
        if joints is None:
            return Motion("stopped", "the hand can't reach there")
        return self.move_joints(joints, speed, feel=feel)

    def ready(self) -> Motion:
        """The hand before the robot, pointing down. A hand that is low goes up first."""
        hand = self.hand_pose()
        if hand[2, 3] < 1.1 and np.abs(self._arm_goal - READY).max() > 0.1:
            up = hand.copy()
            up[2, 3] = 1.16
            self.move_hand(up)
        return self.move_joints([READY])

    def tuck(self) -> Motion:
        """Back to the tucked pose by way of the ready one."""
        if np.abs(self._arm_goal[1:] - TUCK[1:]).max() < 0.02:
            return self.move_joints([TUCK])
        motion = self.ready()
        return self.move_joints([TUCK]) if motion.ok else motion

    # Fingers ----------------------------------------------------------------------------------------------------

    def grip(self, grip: Grip | None = None) -> float:
        """Close until both fingers stand still; gives the gap between them, metres."""
        return self.gripper.close(grip)

    def release(self) -> None:
        """Open the fingers all the way."""
        self.gripper.open()

    def grasp_at_reset(self, body: int, type_name: str) -> None:
        """Start an episode with `body` between the fingers, as if it had been picked up."""
        kind = object_type(type_name)
        below = grasp_height(type_name)
        hand = self.hand_pose()
        at = hand[:3, 3] + np.array([0.0, 0.0, kind.size[2] / 2 - below])
        opening = math.atan2(hand[1, 1], hand[0, 1])
        yaw = opening if kind.size[0] < kind.size[1] else opening + math.pi / 2
        turn = self._p.getQuaternionFromEuler((0.0, 0.0, yaw))

        def hold_there() -> None:
            self._p.resetBasePositionAndOrientation(body, at.tolist(), turn)

        self.gripper.close(Grip(type_name, below), hold_there)

    # Machinery --------------------------------------------------------------------------------------------------

    def _command(self, joints: Sequence[int], goals: Any, rates: Any, forces: Any) -> None:
        self._p.setJointMotorControlArray(
            self.body, joints, self._p.POSITION_CONTROL, targetPositions=list(goals), targetVelocities=list(rates),
            forces=list(forces), positionGains=[0.3] * len(joints), velocityGains=[1.0] * len(joints),
        )  # fmt: skip

    def _run(
        self, command: Callable[[float, float], None], seconds: float, ramp: float, joints: Sequence[int],
        goal: Callable[[], Joints], tolerance: float, *, feel: bool,
    ) -> Motion:  # fmt: skip
        """Play `command(progress in [0, 1], its rate)` with a trapezoidal speed; wait until it is there."""
        if seconds < 1e-3:
            command(1.0, 0.0)
            self.physics.step(_TICK)
            return Motion("reached")
        # At full speed progress takes `seconds`; a motion shorter than its ramps never gets there.
        top = min(1.0, math.sqrt(seconds / ramp))
        rise = ramp * top
        total = seconds / top + rise
        tick = _TICK / 240.0
        for k in range(1, math.ceil(total / tick) + 1):
            t = min(k * tick, total)
            left = total - t
            if t < rise:
                at, rate = t * t / (2 * ramp), t / ramp
            elif left < rise:
                at, rate = seconds - left * left / (2 * ramp), left / ramp
            else:
                at, rate = top * (t - rise / 2), top
            command(at / seconds, rate / seconds)
            self.physics.step(_TICK)
            touched = self._touched(feel)
            if touched:
                self._freeze(joints)
                return Motion("stopped", f"the {touched} met something")
        for _ in range(30):
            if np.abs(self._measure(joints) - goal()).max() < tolerance:
                return Motion("reached")
            self.physics.step(_TICK)
        self._freeze(joints)
        return Motion("timed out", "it did not get there in time")

    def _touched(self, feel: bool) -> str | None:
        """The part of the robot that presses on something harder than it should; None: none."""
        forces: dict[str, float] = {}
        for contact in self._p.getContactPoints(bodyA=self.body):
            part = self._names[contact[3]]
            if contact[2] != self.body and (feel or part != "fingers"):
                forces[part] = forces.get(part, 0.0) + contact[9]
        return next((part for part, force in forces.items() if force > _TOUCH), None)

    def _freeze(self, joints: Sequence[int]) -> None:
        """Stay where the joints are."""
        if joints is self._base:
            self._base_goal = self._measure(joints)
        else:
            self._arm_goal = self._measure(joints)
        self._reissue()
        self.physics.step(_TICK)

    def _reissue(self) -> None:
        self._command(self._base, self._base_goal, [0.0] * 3, _BASE_FORCE)
        self._command(self._arm, self._arm_goal, [0.0] * 7, EFFORT)
        self._command(self._head, self._head_goal, [0.0, 0.0], [10.0, 10.0])
        self.gripper.reissue()

    def state(self) -> dict[str, Any]:
        """Everything that is not in the physics: what is held and where the motors are told to be (JSON)."""
        return {
            "base": self._base_goal.tolist(), "arm": self._arm_goal.tolist(), "head": list(self._head_goal),
            "gripper": self.gripper.state(),
        }  # fmt: skip

    def set_state(self, state: dict[str, Any]) -> None:
        """The inverse; to be called after the physics has been restored."""
        self._base_goal, self._arm_goal = np.array(state["base"]), np.array(state["arm"])
        self._head_goal = list(state["head"])
        self.gripper.set_state(state["gripper"])
        self._reissue()


def _load(p: Any) -> int:
    """The body of the URDF file. Bullet looks for meshes beside the file only, so it gets a copy with real paths."""
    text = (Path(__file__).parent / "assets" / "mobile_panda.urdf").read_text(encoding="utf-8")
    text = text.replace('"franka_panda/', f'"{Path(pybullet_data.getDataPath()).as_posix()}/franka_panda/')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mobile_panda.urdf")
        path.write_text(text, encoding="utf-8")
        return p.loadURDF(str(path), useFixedBase=True, flags=p.URDF_USE_INERTIA_FROM_FILE)


def _part(link: str) -> str:
    """The robot's own word for one of its links."""
    if "finger" in link:
        return "fingers"
    if link == "panda_hand":
        return "hand"
    return "arm" if link.startswith("panda") else "base"
