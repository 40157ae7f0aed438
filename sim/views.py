"""The cameras of a physics world by name: the scene's fixed ones, and the robot's own where they look right now."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .camera import Frame, View, overview, take
from .catalogue import UnknownName

if TYPE_CHECKING:
    from .physics_world import PhysicsWorld

_HEAD_FOV, _WRIST_FOV = math.radians(60), math.radians(75)
ROBOT_CAMERAS = ("head", "wrist")


def camera_names(world: PhysicsWorld) -> tuple[str, ...]:
    """Every name that `view` knows."""
    return ("overview", *ROBOT_CAMERAS)


def view(world: PhysicsWorld, name: str, width: int, height: int) -> View:
    """Where the camera `name` is and looks at this moment. Raises `UnknownName`."""
    if name == "overview":
        return overview(world.scene.room, width, height)
    if name not in ROBOT_CAMERAS:
        raise UnknownName("a camera", name, camera_names(world))
    robot = world.robot
    if name == "head":
        eye, ahead = robot.head_pose()
        target = tuple(float(e + a) for e, a in zip(eye, ahead, strict=True))
        return View(eye, target, _HEAD_FOV, width, height)  # type: ignore[arg-type]
    hand = robot.hand_pose()
    # Beside the hand, a little behind the fingertips, looking at the point between them.
    eye = hand @ np.array([0.07, 0.0, -0.15, 1.0])
    return View(tuple(eye[:3].tolist()), tuple(hand[:3, 3].tolist()), _WRIST_FOV, width, height)


def picture(world: PhysicsWorld, name: str, width: int, height: int) -> Frame:
    """One picture, without labels and shadows."""
    return take(world.physics, view(world, name, width, height), labels=False, shadows=False)
