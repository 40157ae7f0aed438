"""Where the robot's cameras look: a head over a place or closely at a point, a fixed one over all of its table."""

from __future__ import annotations

import math
from typing import Any, Protocol

from .camera import Frame, View, take
from .kinematics import Pose
from .physics import Physics
from .robot import Point
from .scene import Scene

_WIDE = (math.radians(60), 160, 120)
"""The head camera's field of view (vertical) and size for looking around: about 8 mm a pixel at 1 m."""
_CLOSE = (math.radians(22), 160, 120)
"""The same, zoomed in: under 3 mm a pixel."""
_FIXED = (math.radians(52), 320, 240)
"""A fixed camera's, which sees all at once and can't come nearer: about 4 mm a pixel at 1 m."""
_WRIST = (math.radians(70), 64, 64)


class _Body(Protocol):
    """What of a robot its eyes need."""

    turns_head: bool

    @property
    def cameras(self) -> tuple[str, ...]: ...

    def camera_pose(self, name: str) -> Pose: ...

    def look_at(self, point: Point) -> None: ...

    def base_pose(self) -> tuple[float, float, float]: ...


def camera_view(robot: _Body, name: str) -> View:
    """The view of a camera of the robot's own, where it looks now."""
    pose = robot.camera_pose(name)
    eye, target = _point(pose[:3, 3]), _point(pose[:3, 3] + pose[:3, 2])
    if name == "wrist":
        return View(eye, target, *_WRIST, up=_point(-pose[:3, 1]), near=0.02)
    return View(eye, target, *(_WIDE if robot.turns_head else _FIXED))


class Eyes:
    """The cameras of a robot in a scene."""

    def __init__(self, physics: Physics, scene: Scene, robot: _Body):
        self._physics, self._scene, self._robot = physics, scene, robot

    def around(self, place: str | None) -> list[Frame]:
        """Over the whole surface of the place at which the robot stands, or straight ahead."""
        if not self._robot.turns_head:
            return [self.head()]
        return [self._look(point, _WIDE) for point in self._glances(place)]

    def closely(self, point: Point) -> Frame:
        """A point, zoomed in."""
        return self._look(point, _CLOSE) if self._robot.turns_head else self.head()

    def wrist(self) -> Frame:
        """What is between the fingers."""
        return take(self._physics, camera_view(self._robot, "wrist"))

    def head(self) -> Frame:
        """What the head, or the fixed camera, looks at now."""
        return take(self._physics, camera_view(self._robot, self._robot.cameras[0]))

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
        eye = _point(self._robot.camera_pose(self._robot.cameras[0])[:3, 3])
        return take(self._physics, View(eye, point, *lens))


def _point(vector: Any) -> Point:
    x, y, z = (float(v) for v in vector)
    return x, y, z
