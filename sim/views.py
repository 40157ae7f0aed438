"""The cameras of a physics world by name: the scene's fixed ones, and the robot's own where they look right now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .camera import Frame, View, take
from .catalogue import UnknownName
from .eyes import camera_view

if TYPE_CHECKING:
    from .physics_world import PhysicsWorld


def camera_names(world: PhysicsWorld) -> tuple[str, ...]:
    """Every name that `view` knows."""
    return ("overview", *world.robot.cameras)


def view(world: PhysicsWorld, name: str, width: int, height: int) -> View:
    """Where the camera `name` is and looks at this moment. Raises `UnknownName`."""
    match name:
        case "overview":
            camera = world.scene.camera("overview")
            return View(camera.eye, camera.target, camera.fov, width, height)
        case _ if name in world.robot.cameras:
            return replace(camera_view(world.robot, name), width=width, height=height)
        case _:
            raise UnknownName("a camera", name, camera_names(world))


def picture(world: PhysicsWorld, name: str, width: int, height: int) -> Frame:
    """One picture, without labels and shadows."""
    return take(world.physics, view(world, name, width, height), labels=False, shadows=False)
