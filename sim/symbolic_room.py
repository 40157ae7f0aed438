"""What is really in a symbolic world's room, and what people can do in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .catalogue import CATALOGUE
from .disturber import Thing
from .facts import Facts, ObjectFact
from .scene import Scene
from .task import Setup


@dataclass
class Room:
    """The truth, which the robot sees only a part of. It is the `Stage` of what happens by itself."""

    scene: Scene
    robot_at: str
    holding: str | None = None
    objects: list[list[Any]] = field(default_factory=list)
    """[type, place or drawer; None: nowhere]."""
    drawers: dict[str, bool] = field(default_factory=dict)
    """Is it open?"""
    dirty: list[str] = field(default_factory=list)
    time: float = 0.0
    """Simulated seconds."""

    @classmethod
    def of(cls, scene: Scene, setup: Setup) -> Room:
        """As an episode starts."""
        return cls(
            scene=scene,
            robot_at=setup.robot_at,
            holding=setup.holding,
            objects=[[kind, place] for kind, place in setup.objects],
            drawers={d.name: d.name in setup.open_drawers for d in scene.drawers},
            dirty=list(setup.spills),
        )

    def facts(self, visited: tuple[str, ...] = ()) -> Facts:
        """All that is true, for a robot that has stood at the places `visited`."""
        return Facts(
            objects=tuple(ObjectFact(kind, place) for kind, place in self.objects),
            robot_at=self.robot_at,
            holding=self.holding,
            open_drawers=frozenset(self.open_drawers()),
            closed_drawers=frozenset(name for name, is_open in self.drawers.items() if not is_open),
            visited=visited,
            dirty=frozenset(self.dirty),
        )

    @property
    def fixed(self) -> bool:
        """A fixed arm's camera sees all that it works at."""
        return self.scene.robot.base is not None

    @property
    def hidden(self) -> set[str]:
        """Places where nothing is seen or taken again."""
        return {p.name for p in self.scene.places if p.kind == "bin"}

    def shows(self, place: str) -> bool:
        """Is what rests at `place` in view from where the robot stands?"""
        if self.cabinet(place) == self.robot_at:
            return self.drawers[place]
        return (place == self.robot_at or self.fixed) and self.robot_at not in self.hidden

    def in_reach(self, place: str | None) -> bool:
        """Can what rests at `place` be taken from where the robot stands?"""
        if place is None:
            return False
        return place == self.robot_at or (self.drawers.get(place, False) and self.cabinet(place) == self.robot_at)

    def cabinet(self, place: str) -> str | None:
        """The cabinet of a drawer; None for a place."""
        return next((d.cabinet for d in self.scene.drawers if d.name == place), None)

    def let_go(self, where: str | None) -> None:
        """What is held is at `where` now, if anything is."""
        if self.holding is not None:
            self.objects.append([self.holding, where])
            self.holding = None

    def position(self, index: int, where: str) -> tuple[float, float, float]:
        """A nominal position, in metres in the world frame: objects stand in a row along the place's edge."""
        if where in CATALOGUE:
            below = next(i for i, (kind, _) in enumerate(self.objects) if kind == where)
            x, y, z = self.position(below, self.objects[below][1])
            return x, y, z + CATALOGUE[where].size[2]
        cabinet = self.cabinet(where)
        place = self.scene.place(cabinet or where)
        x, y = place.to_world(0.18 * (index % 7 - 3), 0.2)
        height = CATALOGUE[self.objects[index][0]].size[2] / 2
        return x, y, (self.scene.drawer(where).height if cabinet else place.height) + height

    def state(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "objects": self.objects, "robot_at": self.robot_at, "holding": self.holding, "open": self.drawers,
            "dirty": self.dirty, "time": self.time,
        }  # fmt: skip

    @classmethod
    def from_state(cls, scene: Scene, state: Mapping[str, Any]) -> Room:
        """The inverse of `state`."""
        return cls(
            scene=scene,
            robot_at=state["robot_at"],
            holding=state["holding"],
            objects=[list(thing) for thing in state["objects"]],
            drawers=dict(state["open"]),
            dirty=list(state["dirty"]),
            time=state["time"],
        )

    # What people do: the `Stage` of this world.

    def watched(self) -> str | None:
        """Where the robot stands."""
        return None if self.fixed else self.robot_at

    def things(self) -> list[Thing]:
        """What stands or lies somewhere."""
        return [Thing(i, kind, place) for i, (kind, place) in enumerate(self.objects) if place is not None]

    def put(self, thing: Thing, place: str, rng: np.random.Generator) -> bool:
        """Stand it at `place`; here there is room for everything."""
        self.objects[thing.key][1] = place
        return True

    def take(self, thing: Thing) -> None:
        """Out of the room."""
        self.objects[thing.key][1] = None

    def open_drawers(self) -> list[str]:
        """The drawers that stand open."""
        return [name for name, is_open in self.drawers.items() if is_open]

    def close_drawer(self, name: str) -> None:
        """With what is in it."""
        self.drawers[name] = False
