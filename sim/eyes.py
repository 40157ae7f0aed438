"""Where the robot's cameras look: the head over a place or closely at a point, the wrist between the fingers."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from .camera import Frame, View, take
from .kinematics import Pose
from .physics import Physics
from .robot import Point
from .scene import Scene

_WIDE = (math.radians(60), 160, 120)
"""The head camera's field of view (vertical) and size for looking around: about 8 mm a pixel at 1 m."""
_CLOSE = (math.radians(22), 160, 120)
"""The same, zoomed in: under 3 mm a pixel."""
_WRIST = (math.radians(70), 64, 64)
_MOUNT = np.array([0.11, 0.0, -0.05])
"""The wrist camera beside the hand, in the grasp point's frame (z out of the hand, y along the fingers' opening)."""


class _Body(Protocol):
    """What of a robot its eyes need."""

    body: int
    camera_link: int

    def look_at(self, point: Point) -> None: ...

    def base_pose(self) -> tuple[float, float, float]: ...

    def hand_pose(self) -> Pose: ...


def wrist_view(hand: Pose) -> View:
    """The wrist camera's view, from the hand's pose (4, 4), world frame: the tips of the fingers in the middle."""
    eye = hand[:3, 3] + hand[:3, :3] @ _MOUNT
    return View(_point(eye), _point(hand[:3, 3] + 0.01 * hand[:3, 2]), *_WRIST, up=_point(-hand[:3, 0]), near=0.02)


def head_view(physics: Physics, robot: _Body) -> View:
    """The head camera's view as the head is turned now."""
    state = physics.p.getLinkState(robot.body, robot.camera_link, computeForwardKinematics=1)
    eye, turn = np.array(state[4]), np.reshape(physics.p.getMatrixFromQuaternion(state[5]), (3, 3))
    return View(_point(eye), _point(eye + turn[:, 0]), *_WIDE)


class Eyes:
    """The cameras of a robot in a scene."""

    def __init__(self, physics: Physics, scene: Scene, robot: _Body):
        self._physics, self._scene, self._robot = physics, scene, robot

    def around(self, place: str | None) -> list[Frame]:
        """Over the whole surface of the place at which the robot stands, or straight ahead."""
        return [self._look(point, _WIDE) for point in self._glances(place)]

    def closely(self, point: Point) -> Frame:
        """A point, zoomed in."""
        return self._look(point, _CLOSE)

    def wrist(self) -> Frame:
        """What is between the fingers."""
        return take(self._physics, wrist_view(self._robot.hand_pose()))

    def head(self) -> Frame:
        """What the head looks at now."""
        return take(self._physics, head_view(self._physics, self._robot))

    def _glances(self, name: str | None) -> list[Point]:
        """The points to look at from here, world frame."""
        if name is None:
            x, y, yaw = self._robot.base_pose()
            return [(x + 1.5 * math.cos(yaw), y + 1.5 * math.sin(yaw), 0.7)]
        place = self._scene.place(name)
        spread = (-0.3, 0.3) if place.size[0] > 1.0 else (0.0,)
        points = [(*place.to_world(share * place.size[0], 0.25), place.height) for share in spread]
        points += [(*place.to_world(0.0, -0.15), d.height) for d in self._scene.drawers[:1] if d.cabinet == name]
        return points

    def _look(self, point: Point, lens: tuple[float, int, int]) -> Frame:
        self._robot.look_at(point)
        eye = self._physics.p.getLinkState(self._robot.body, self._robot.camera_link, computeForwardKinematics=1)[4]
        return take(self._physics, View(eye, point, *lens))


def _point(vector: Any) -> Point:
    x, y, z = (float(v) for v in vector)
    return x, y, z
