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
Foot = tuple[float, float, float, float]
"""(x, y, z, yaw) of a fixed arm's foot."""


def make_robot(physics: Physics, scene: Scene, model: str, base: BasePose | Foot) -> ArmRobot:
    """The robot `model` in `physics`: a mobile one stands at (x, y, yaw), a fixed arm at (x, y, z, yaw).

    Raises `UnknownName` for a model that there is none of, ValueError for a base that does not fit it.
    """
    match model, base:
        case "mobile-panda", (x, y, yaw):
            return MobilePanda(physics, scene, (x, y, yaw))
        case "ur5e", (x, y, z, yaw):
            return UR5e(physics, scene, (x, y, z, yaw))
        case (("mobile-panda" | "ur5e"), _):
            shape = "(x, y, yaw)" if model == "mobile-panda" else "(x, y, z, yaw)"
            raise ValueError(f"Expected {shape} for the base of a {model}, got {base}.")
    raise UnknownName("a robot", model, MODELS)
