"""An episode as a row every so often: where the robot's axes are, where they are told to be, what cameras see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from .physics import STEP
from .physics_world import PhysicsWorld
from .views import picture

_SIZES = {"wrist": (96, 96)}
_SIZE = (160, 120)


class Sink(Protocol):
    """Takes the rows: state and action (n,), pictures (height, width, 3) by camera, the skill that runs."""

    def add(
        self,
        state: NDArray[np.float64],
        action: NDArray[np.float64],
        pictures: Mapping[str, NDArray[np.uint8]],
        subtask: str,
    ) -> None: ...


class Sampler:
    """Looks on while a world moves, `fps` times a simulated second; a context manager."""

    def __init__(self, world: PhysicsWorld, fps: int, cameras: Sequence[str], sink: Sink):
        """Raises ValueError for a rate that the physics' 240 steps a second can't be divided by."""
        if not 1 <= fps <= 240 or round(1 / STEP) % fps:
            raise ValueError(f"Expected fps to divide 240, the physics' steps a second, got {fps}. Try 10 or 30.")
        self._world, self._cameras, self._sink = world, tuple(cameras), sink
        self._every = round(1 / STEP) // fps
        self._steps = 0
        self._skill = ""

    @staticmethod
    def size(camera: str) -> tuple[int, int]:
        """Width and height of a camera's pictures."""
        return _SIZES.get(camera, _SIZE)

    def told(self, skill: str) -> None:
        """The skill that runs from now on."""
        self._skill = skill

    def on_step(self) -> None:
        """Called after every physics step; the first row is the moment before the first."""
        if self._steps % self._every == 0:
            robot = self._world.robot
            shots = {name: picture(self._world, name, *self.size(name)).rgb for name in self._cameras}
            self._sink.add(robot.positions(), robot.targets(), shots, self._skill)
        self._steps += 1

    def __enter__(self) -> Self:
        self._world.physics.on_step.append(self.on_step)
        return self

    def __exit__(self, *_: object) -> None:
        self._world.physics.on_step.remove(self.on_step)
