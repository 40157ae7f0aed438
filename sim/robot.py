"""The robot as skills see it: a base that drives, an arm that reaches, fingers that feel, eyes that look.

Everything a policy may use is here, and nothing here knows more than a real robot would: where its own joints are,
what its own links touch, what its cameras show. Metres, radians, seconds, the world frame.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from .catalogue import object_type
from .kinematics import Joints, Pose
from .observation import Observation, SeenObject
from .scene import Scene

BasePose = tuple[float, float, float]
"""(x, y, yaw) of the base."""
Point = tuple[float, float, float]
"""(x, y, z)."""

RADIUS = 0.40
"""The circle around the base that the robot stays in when its arm is tucked, with what it holds."""
OPENING = 0.08
"""The Panda's fingers' widest gap."""
FINGER = 0.015
"""A Panda finger's thickness along the direction in which it closes."""
PALM = 0.036
"""How far a thing may stick up above the Panda's grasp point before it meets the palm."""


@dataclass(frozen=True)
class HandShape:
    """What a grasp must make room for, metres.

    `opening`: the widest gap; `finger`: a finger's thickness along the way it closes; `palm`: how far a thing may stick
    up above the grasp point; `tip`: how far the fingers reach below it.
    """

    opening: float = OPENING
    finger: float = FINGER
    palm: float = PALM
    tip: float = 0.009


@dataclass(frozen=True)
class Limits:
    """What no motion exceeds. Joints in the order of `move_joints`.

    `lower` and `upper` in radians (metres for a sliding joint), `velocity` in rad/s (m/s), `effort` in N m (N);
    `base_speed` in m/s and `base_turn` in rad/s, 0 for a robot that does not drive; `grip_force` in newtons a finger.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    velocity: tuple[float, ...]
    effort: tuple[float, ...]
    base_speed: float
    base_turn: float
    grip_force: float


@dataclass(frozen=True)
class Motion:
    """How a motion ended.

    `stopped`: something was touched or the joints allow no further; `refused`: it never began, since it would have
    exceeded a limit or met something that is known to be there. The reason says which.
    """

    status: Literal["reached", "stopped", "timed out", "refused"]
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Did it get where it was told to?"""
        return self.status == "reached"


@dataclass(frozen=True)
class Grip:
    """What the hand closed on: the type as it was seen, and how far it reaches down from the grasp point, metres."""

    type: str
    below: float


def grasp_height(type_name: str, height: float | None = None) -> float:
    """Where the fingers hold a thing: metres above its lowest point. Low things and balls in the middle, others near
    the top, as deep as the palm allows. `height`: of a thing that does not stand as usual."""
    kind = object_type(type_name)
    height = kind.size[2] if height is None else height
    return height / 2 if kind.shape == "sphere" else max(height - 0.032, height / 2)


class Robot(Protocol):
    """What a policy may use."""

    scene: Scene
    """The map: places and drawers, not objects."""
    limits: Limits
    """What its motions never exceed."""
    hand: HandShape
    """The size of its hand."""

    @property
    def cameras(self) -> tuple[str, ...]:
        """Its own cameras, the one that `look_at` turns (or that sees the whole table) first."""
        ...

    @property
    def can_drive(self) -> bool:
        """False for an arm that stands in one place: its `drive_to` is refused."""
        ...

    @property
    def carry_height(self) -> float:
        """Height of the grasp point above the floor at which the hand clears all that stands on furniture, metres."""
        ...

    @property
    def time(self) -> float:
        """Seconds of simulated time."""
        ...

    @property
    def holding(self) -> str | None:
        """The type between the fingers, as it was seen when grasped; None: the fingers met or are open."""
        ...

    @property
    def gripped(self) -> Grip | None:
        """How it is held; None: nothing is."""
        ...

    def observe(self, focus: Point | None = None) -> Observation:
        """Look with the robot's own cameras: around, or closely at the point `focus`. Everything seen so far."""
        ...

    def look_at(self, point: Point) -> None:
        """Turn the head camera to a point; nothing happens where it is fixed."""
        ...

    def camera_pose(self, name: str) -> Pose:
        """Where a camera of its own is: (4, 4), z the way it looks, x to the right of its picture, y down."""
        ...

    def base_pose(self) -> BasePose:
        """Where the base is."""
        ...

    def hand_pose(self) -> Pose:
        """Where the grasp point is: (4, 4), z out of the hand, y along the fingers' opening."""
        ...

    def drive_to(self, x: float, y: float, yaw: float, speed: float = 1.0, *, touch: Collection[str] = ()) -> Motion:
        """Drive in a straight line, turning on the way. `speed` in m/s, at most 1.

        Refused if it would meet anything of the map but what `touch` names (drawers that the hand is about to move).
        """
        ...

    def plan_hand(self, path: Sequence[Pose]) -> list[Joints] | None:
        """Joint angles that lead the grasp point through `path`, near each other; None: out of reach."""
        ...

    def plan_path(self, goal: Joints, avoid: Sequence[SeenObject] = ()) -> list[Joints] | None:
        """Postures that lead to `goal` past the map, the robot itself and `avoid`; None: no way was found."""
        ...

    def move_joints(
        self, path: Sequence[Joints], speed: float = 1.0, *, feel: bool = False, avoid: Sequence[SeenObject] = (),
        touch: Collection[str] = (),
    ) -> Motion:  # fmt: skip
        """Move the arm through joint angles at a fraction of its top speed; `feel`: a touch of the fingers stops it.

        Refused if it would exceed a limit or meet the map, the robot itself or one of `avoid`, but for what `touch`
        names.
        """
        ...

    def move_hand(
        self, pose: Pose, speed: float = 1.0, *, feel: bool = False, avoid: Sequence[SeenObject] = (),
        touch: Collection[str] = (),
    ) -> Motion:  # fmt: skip
        """Move the grasp point to `pose` in a straight line; else as `move_joints`."""
        ...

    def press_along(self, path: Sequence[Pose], force: float, speed: float) -> Motion:
        """Move what is held along a surface, pressed down softly.

        `path` is poses of the grasp point close above the surface, the first of them where the hand is. It comes down
        until the fingers feel a push, follows the path at `speed` m/s, lower or higher as they feel less or more than
        `force` newtons, and comes up again.
        """
        ...

    def grip(self, grip: Grip | None = None) -> float:
        """Close the fingers with force; gives the gap that is left. `grip`: what it is to be known as, if there is."""
        ...

    def release(self) -> None:
        """Open the fingers."""
        ...

    def ready(self) -> Motion:
        """Bring the hand before the robot, pointing down, above all furniture."""
        ...

    def tuck(self) -> Motion:
        """Fold the arm over the platform, out of the camera's view; what is held stays above all furniture."""
        ...
