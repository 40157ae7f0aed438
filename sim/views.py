"""The cameras of a physics world by name: the scene's fixed ones, and the robot's own where they look right now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .camera import FAR, Frame, View, take
from .captions import GROUND
from .catalogue import UnknownName
from .eyes import camera_view
from .scene import Scene

if TYPE_CHECKING:
    from .physics_world import PhysicsWorld

ROBOT_CAMERAS = {"mobile-panda": ("head", "wrist"), "ur5e": ("front", "wrist")}
"""Each robot's own, as its class has them: a name can be checked before there is a world."""


def camera_names(scene: Scene) -> tuple[str, ...]:
    """Every name that `view` knows in a scene."""
    return (*(camera.name for camera in scene.cameras), *ROBOT_CAMERAS[scene.robot.model])


def check_camera(scene: Scene, name: str) -> None:
    """Raises `UnknownName` for a camera that isn't there."""
    if name not in camera_names(scene):
        raise UnknownName("a camera", name, camera_names(scene))


def view(world: PhysicsWorld, name: str, width: int, height: int) -> View:
    """Where the camera `name` is and looks at this moment. Raises `UnknownName`."""
    check_camera(world.scene, name)
    if name in world.robot.cameras:
        return replace(camera_view(world.robot, name), width=width, height=height)
    fixed = world.scene.camera(name)
    return View(fixed.eye, fixed.target, fixed.fov, width, height)


def picture(world: PhysicsWorld, name: str, width: int, height: int) -> Frame:
    """One picture, without labels and shadows."""
    return take(world.physics, view(world, name, width, height), labels=False, shadows=False)


def shown(world: PhysicsWorld, name: str, width: int, height: int) -> NDArray[np.uint8]:
    """A picture for people, (height, width, 3): dark where there is nothing, which the renderer leaves white."""
    frame = picture(world, name, width, height)
    return np.where(frame.depth[..., None] < 0.999 * FAR, frame.rgb, np.array(GROUND, np.uint8))
