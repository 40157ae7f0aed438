"""What every robot here is made of: an arm on a mount, a hand with two fingers, motors that are told where to be.

Motions are joint paths, refused where they would meet something, and played by `playing.py`. A robot adds what is its
own: its body, its kinematics, where its arm is mounted, its eyes and, if it has one, its base.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .catalogue import UnknownName, object_type
from .collision import Checker, Guard, Shape
from .kinematics import Joints, Pose
from .observation import Observation, SeenObject
from .paths import find_way
from .playing import Playing
from .pressing import press_along
from .robot import BasePose, Grip, HandShape, Limits, Motion, Point, grasp_height
from .scene import Scene
from .servo import Axis, Motors

if TYPE_CHECKING:
    from .gripper import Gripper
    from .physics import Physics

_ARM_RAMP = 0.2
"""Seconds to top speed."""


def lens(at: Point, target: Point, up: Point) -> Pose:
    """Where a camera is on its link, (4, 4): at `at`, looking to `target`, with `up` upwards in its picture."""
    forward = np.subtract(target, at) / np.linalg.norm(np.subtract(target, at))
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack((right, np.cross(forward, right), forward))
    pose[:3, 3] = at
    return pose


def axes_of(limits: Limits, opening: float, finger_speed: float) -> tuple[Axis, ...]:
    """The axes of a robot for joint-level control: base if it drives, arm, gap between the fingers."""
    base = (Axis("base x", "m", limits.base_speed), Axis("base y", "m", limits.base_speed),
            Axis("base yaw", "rad", limits.base_turn)) if limits.base_speed else ()  # fmt: skip
    joints = zip(limits.velocity, limits.lower, limits.upper, strict=True)
    arm = (Axis(f"joint {i + 1}", "rad", *each) for i, each in enumerate(joints))
    return (*base, *arm, Axis("gripper", "m", 2 * finger_speed, 0.0, opening))


class Kinematics(Protocol):
    """Where the hand is for given joints, and which joints bring it somewhere; in the frame of the arm's mount."""

    lower: Joints
    upper: Joints
    velocity: Joints
    effort: Joints

    def forward(self, joints: Joints) -> Pose:
        """The grasp point, (4, 4)."""
        ...

    def reach_through(self, poses: Sequence[Pose], now: Joints) -> list[Joints] | None:
        """Joints through `poses`, near each other, from wherever the arm is `now`; None: out of reach."""
        ...

    def continue_through(self, joints: Joints, poses: Sequence[Pose]) -> list[Joints] | None:
        """`joints` and a solution for each pose in turn without a jump; None: there is none."""
        ...


class ArmRobot(Playing):
    """The shared part of the `Robot` contract."""

    limits: Limits
    hand = HandShape()
    turns_head = False
    """Does `look_at` turn the first camera?"""
    speed_share = 0.9
    """Fraction of the makers' top speeds that `speed=1` means."""
    carry_height: float
    homes: tuple[Joints, ...]
    """Postures that are free: tucked first, ready last."""
    grasp_link: int
    """The link whose frame is the grasp point's."""
    guard: Guard | None = None
    """Set by the world; without one, nothing is refused for what it would meet."""
    observe: Callable[..., Observation]
    """Set by the world, which owns what was seen."""

    def __init__(
        self, physics: Physics, scene: Scene, body: int, kinematics: Kinematics, arm: Sequence[int],
        start: Joints, gripper: Gripper, parts: Mapping[int, str], lenses: Mapping[str, tuple[int, Pose]],
    ):  # fmt: skip
        """`parts` names each link in the robot's own words; `lenses`: a camera's link and where it is on that."""
        self.physics, self.scene, self.body, self.kinematics = physics, scene, body, kinematics
        self._p, self.gripper, self.parts, self._lenses = physics.p, gripper, dict(parts), dict(lenses)
        self.arm = Motors(list(arm), np.array(start, dtype=float), kinematics.effort, _ARM_RAMP, 0.02)

    # What it knows of itself ------------------------------------------------------------------------------------

    @property
    def time(self) -> float:
        """Seconds of simulated time."""
        return self.physics.time

    @property
    def can_drive(self) -> bool:
        """Has it a base that moves?"""
        return self.limits.base_speed > 0

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
        """(x, y, yaw) of the mount, for a robot that does not drive."""
        mount = self.mount()
        return float(mount[0, 3]), float(mount[1, 3]), math.atan2(mount[1, 0], mount[0, 0])

    def hand_pose(self) -> Pose:
        """The grasp point, (4, 4), world frame."""
        return self.mount() @ self.kinematics.forward(self.measure(self.arm))

    def joints(self) -> Joints:
        """The arm's joint angles, as measured."""
        return self.measure(self.arm)

    def mount(self) -> Pose:
        """Where the arm's mount is, (4, 4), world frame."""
        raise NotImplementedError

    # Eyes -------------------------------------------------------------------------------------------------------

    @property
    def cameras(self) -> tuple[str, ...]:
        """The names of its own cameras."""
        return tuple(self._lenses)

    def look_at(self, point: Point) -> None:
        """A camera that is fixed looks where it looks."""

    def camera_pose(self, name: str) -> Pose:
        """Where a camera is, (4, 4): z the way it looks, x to the right of its picture, y down."""
        if name not in self._lenses:
            raise UnknownName("a camera of the robot", name, self._lenses)
        link, lens = self._lenses[name]
        state = self._p.getLinkState(self.body, link, computeForwardKinematics=1)
        pose = np.eye(4)
        pose[:3, :3] = np.array(self._p.getMatrixFromQuaternion(state[5])).reshape(3, 3)
        pose[:3, 3] = state[4]
        return pose @ lens

    # Motions ----------------------------------------------------------------------------------------------------

    def drive_to(self, x: float, y: float, yaw: float, speed: float = 1.0, *, touch: Collection[str] = ()) -> Motion:
        """A robot without wheels stays."""
        return Motion("refused", "this robot does not drive")

    def plan_hand(self, path: Sequence[Pose]) -> list[Joints] | None:
        """Joint angles through `path`: elbow high, and near to where the arm is."""
        to_mount = np.linalg.inv(self.mount())
        return self.kinematics.reach_through([to_mount @ pose for pose in path], self.arm.goal)

    def plan_path(self, goal: Joints, avoid: Sequence[SeenObject] = ()) -> list[Joints] | None:
        """Postures to `goal` that meet nothing of the map, of itself or of `avoid`; None: no way was found."""
        if self._exceeds(np.array([goal]), 1.0):
            return None
        if self.guard is None:
            return [goal]
        checker = self._checker(avoid)
        joints, (low, high) = self.arm.joints, (self.kinematics.lower, self.kinematics.upper)
        return find_way(lambda q: not checker.meets(joints, q), self.arm.goal, goal, low, high)

    def move_joints(
        self, path: Sequence[Joints], speed: float = 1.0, *, feel: bool = False, avoid: Sequence[SeenObject] = (),
        touch: Collection[str] = (),
    ) -> Motion:  # fmt: skip
        """Through joint angles, each given in radians, at `speed` times the arm's usual speed.

        Refused if a limit would be exceeded, or if it would meet the map, itself or one of `avoid`, but for what
        `touch` names.
        """
        knots = np.array([self.arm.goal, *path])
        refusal = self._exceeds(knots[1:], speed) or self.blocked(self.arm, knots, avoid, touch)
        if refusal:
            return Motion("refused", refusal)
        times = (np.abs(np.diff(knots, axis=0)) / (self.kinematics.velocity * self.speed_share * speed)).max(axis=1)
        until = np.concatenate(([0.0], np.cumsum(np.maximum(times, 1e-4))))

        def command(at: float, rate: float) -> None:
            now = at * until[-1]
            i = min(int(np.searchsorted(until, now, side="right")), len(knots) - 1)
            slope = (knots[i] - knots[i - 1]) / (until[i] - until[i - 1])
            self.arm.goal = knots[i - 1] + slope * (now - until[i - 1])
            self.command(self.arm, slope * until[-1] * rate)

        return self.run(command, float(until[-1]), self.arm, feel=feel)

    def move_hand(
        self, pose: Pose, speed: float = 1.0, *, feel: bool = False, avoid: Sequence[SeenObject] = (),
        touch: Collection[str] = (),
    ) -> Motion:  # fmt: skip
        """In a straight line, in waypoints 3 cm apart, keeping the hand's direction from the first of them on."""
        start = self.mount() @ self.kinematics.forward(self.arm.goal)
        count = max(1, math.ceil(float(np.linalg.norm(pose[:3, 3] - start[:3, 3])) / 0.03))
        path = []
        for k in range(1, count + 1):
            way = pose.copy()
            way[:3, 3] = start[:3, 3] + (pose[:3, 3] - start[:3, 3]) * (k / count)
            path.append(way)
        to_mount = np.linalg.inv(self.mount())
        line = self.kinematics.continue_through(self.arm.goal, [to_mount @ way for way in path])
        joints = line[1:] if line is not None else self.plan_hand(path)
        if joints is None:
            return Motion("stopped", "the hand can't reach there")
        return self.move_joints(joints, speed, feel=feel, avoid=avoid, touch=touch)

    def press_along(self, path: Sequence[Pose], force: float, speed: float) -> Motion:
        """Move what is held along a surface, pressed down with about `force` newtons."""
        return press_along(self, path, force, speed)

    def ready(self) -> Motion:
        """The hand before the robot, pointing down, above all that stands about: the last of its homes."""
        self._rise()
        return self.move_joints([self.homes[-1]])

    def tuck(self) -> Motion:
        """Out of the camera's view, what is held as high as when ready: the first of its homes."""
        self._rise()
        return self.move_joints([self.homes[0]])

    def _rise(self) -> None:
        hand = self.hand_pose()
        if hand[2, 3] < self.carry_height - 0.02:
            hand[2, 3] = self.carry_height
            self.move_hand(hand)

    def blocked(
        self, motors: Motors, path: Joints, avoid: Sequence[SeenObject] = (), touch: Collection[str] = ()
    ) -> str:
        """What `motors` would make the robot meet on a path (n, joints) from where they are; "": nothing."""
        if self.guard is None:
            return ""
        self.guard.moves(touch, self.time)
        return self._checker(avoid).meets_on(motors.joints, path, touch)

    def _checker(self, avoid: Sequence[SeenObject]) -> Checker:
        guard = self.guard
        assert guard is not None  # the callers have looked
        now = np.array([s[0] for s in self._p.getJointStates(self.body, guard.joints)])
        return guard.stand(now, avoid, self.gripped)

    def shape(self) -> Shape:
        """What a guard needs to know of the robot."""
        return Shape(self.load, self.parts, self.arm.joints, self.homes, self.grasp_link)

    def load(self, p: Any, flags: int = 0) -> int:
        """Make the robot's body in a client, with more of Bullet's URDF flags; gives its number there."""
        raise NotImplementedError

    def _exceeds(self, path: Joints, speed: float) -> str:
        """Which limit a joint path (n, joints) at `speed` would break; "": none."""
        if not 0.0 < speed <= 1.0:
            return f"a speed of {speed:g} is not in (0, 1], the share of the arm's usual speed"
        over = (path > self.kinematics.upper + 1e-6) | (path < self.kinematics.lower - 1e-6) | ~np.isfinite(path)
        if not over.any():
            return ""
        step, joint = (int(i) for i in np.argwhere(over)[0])
        low, high = self.kinematics.lower[joint], self.kinematics.upper[joint]
        return f"joint {joint + 1} would go to {path[step, joint]:.2f}, its limits are {low:.2f} and {high:.2f}"

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

    # Snapshots --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that is not in the physics: what is held and where the motors are told to be (JSON)."""
        moved = self.guard.moved if self.guard else {}
        return {"arm": self.arm.goal.tolist(), "gripper": self.gripper.state(), "moved": dict(moved)}

    def set_state(self, state: dict[str, Any]) -> None:
        """The inverse; to be called after the physics has been restored."""
        self.arm.goal = np.array(state["arm"])
        if self.guard:
            self.guard.moved = dict(state["moved"])
        self.gripper.set_state(state["gripper"])
        self.reissue()
