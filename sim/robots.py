"""Which robot a scene has: one word in its file, one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .arm import ArmRobot
from .catalogue import UnknownName
from .mobile_panda import MobilePanda
from .robot import BasePose
from .scene import Scene
from .ur5e import UR5e

if TYPE_CHECKING:
    from .physics import Physics

Maker = Callable[["Physics", Scene, BasePose], ArmRobot]


def _ur5e(physics: Physics, scene: Scene, stand: BasePose) -> ArmRobot:
    return UR5e(physics, scene, foot(scene))


MAKERS: dict[str, Maker] = {"mobile-panda": MobilePanda, "ur5e": _ur5e}
"""A maker for each model that a scene can name; docs/robots.md shows how to add one."""


def foot(scene: Scene) -> tuple[float, float, float, float]:
    """(x, y, z, yaw) of the scene's fixed arm. Raises ValueError if the scene gives none."""
    if scene.robot.base is None:
        model = scene.robot.model
        raise ValueError(f"Expected a base [x, y, z, yaw] for the {model} of the scene {scene.name!r}, got none.")
    return scene.robot.base


def make_robot(physics: Physics, scene: Scene, stand: BasePose) -> ArmRobot:
    """The scene's robot in `physics`: a mobile one at `stand`, a fixed arm where the scene's file says.

    Raises `UnknownName` for a model that there is none of, ValueError for a fixed arm without a base.
    """
    if scene.robot.model not in MAKERS:
        raise UnknownName("a robot", scene.robot.model, MAKERS)
    return MAKERS[scene.robot.model](physics, scene, stand)
