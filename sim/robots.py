"""Which robot a scene has: one word in its file, one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arm import ArmRobot
from .catalogue import UnknownName
from .mobile_panda import MobilePanda
from .robot import BasePose
from .scene import Scene
from .ur5e import UR5e

if TYPE_CHECKING:
    from .physics import Physics

MODELS = ("mobile-panda", "ur5e")


def make_robot(physics: Physics, scene: Scene, stand: BasePose) -> ArmRobot:
    """The scene's robot in `physics`: a mobile one at `stand`, a fixed arm where the scene's file says.

    Raises `UnknownName` for a model that there is none of, ValueError for a fixed arm without a base.
    """
    model, foot = scene.robot.model, scene.robot.base
    if model not in MODELS:
        raise UnknownName("a robot", model, MODELS)
    if model == "mobile-panda":
        return MobilePanda(physics, scene, stand)
    if foot is None:
        raise ValueError(f"Expected a base [x, y, z, yaw] for the {model} of the scene {scene.name!r}, got none.")
    return UR5e(physics, scene, foot)
