"""The contract every world keeps, with physics or without."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from .disturber import Event
from .facts import Facts
from .observation import Observation
from .robot import Robot
from .scene import Scene
from .task import Setup


class Moment(Protocol):
    """A moment of an episode, to go back to."""

    def restore(self) -> None:
        """Make the world what it was."""
        ...


class World(Protocol):
    """A place to act in. `PhysicsWorld` moves bodies; `SymbolicWorld` lets declared effects happen."""

    scene: Scene

    @property
    def time(self) -> float:
        """Seconds of simulated time since reset."""
        ...

    @property
    def events(self) -> tuple[Event, ...]:
        """What disturbances have done in this episode: for reports, never for the agent."""
        ...

    def reset(self, setup: Setup | None = None, *, seed: int = 0) -> Observation:
        """Start an episode. Same setup, same seed: same episode. None: the scene's own objects."""
        ...

    def observe(self) -> Observation:
        """Look with the robot's own cameras and give everything seen in this episode."""
        ...

    def begin_skill(self, family: str) -> str | None:
        """A skill begins: what may go wrong in it is drawn. Gives the reason if it is to fail before it starts."""
        ...

    def end_skill(self, family: str) -> None:
        """It is over: what other people do in between happens now."""
        ...

    def facts(self) -> Facts:
        """The truth, for tasks and benchmarks alone; never for a skill, a value function or a check of the agent's."""
        ...

    def snapshot(self) -> bytes:
        """The whole state of the episode; `restore` of it, in this or a new process, continues identically."""
        ...

    def restore(self, snapshot: bytes) -> Observation:
        """Go back to a snapshot taken in a world of the same scene."""
        ...

    def imagine(self) -> AbstractContextManager[Moment]:
        """Look ahead: what happens inside has not happened afterwards. Gives the start, to try from more than once."""
        ...


class EmbodiedWorld(World, Protocol):
    """A world with a robot in it, whose policies move it."""

    robot: Robot
