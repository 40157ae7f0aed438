"""What the robot has seen: the only thing that skills, value functions, checks and language models get to know.

Positions are metres in the world frame (x east, y north, z up, origin on the floor in the middle of the room),
angles radians, times seconds of simulated time since reset.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .facts import Facts, ObjectFact

State = Literal["standing", "knocked over", "inside", "on the floor", "carried"]
"""How a thing is, as last seen. `inside`: it lies in a drawer or a container."""
Hidden = Literal["occluded", "shut in", "out of view"]
"""Why the newest pictures do not show a known thing: something stands before it, its drawer is closed, or the camera
looks elsewhere."""


@dataclass(frozen=True)
class SeenObject:
    """An object as the cameras (or, when `remembered`, an earlier episode) last showed it."""

    type: str
    position: tuple[float, float, float]
    """Centre (x, y, z), world frame, metres."""
    place: str | None
    """The place or drawer it rests on or in; None: floor or air."""
    yaw: float = 0.0
    """Direction of its longer horizontal axis, radians in [-pi/2, pi/2)."""
    confidence: float = 1.0
    """In [0, 1]."""
    last_seen: float = 0.0
    """Seconds of simulated time; negative: before this episode began."""
    visible: bool = True
    """In the newest frame."""
    remembered: bool = False
    """Known from memory only, not from a camera in this episode."""
    upright: bool = True
    """False: knocked over."""
    state: State = "standing"
    hidden: Hidden | None = None
    """None: it is visible, or known from a world without pictures."""


@dataclass(frozen=True)
class SeenSpill:
    """A spill as the cameras last showed it, on the surface of one place."""

    place: str
    cells: tuple[tuple[float, float], ...]
    """The middles (x, y) of the 2 cm squares that show some of it, world frame, metres."""
    last_seen: float = 0.0
    visible: bool = True
    """In the newest frame."""


@dataclass(frozen=True)
class RobotState:
    """Proprioception: the base in the world frame, and what the fingers feel."""

    position: tuple[float, float]
    yaw: float
    place: str | None
    """The place it stands at; None: in between."""
    holding: str | None
    """The object type between the fingers, as it was seen when grasped; None: the fingers met or are open."""


@dataclass(frozen=True)
class DrawerState:
    """A drawer as last seen. `opening` is the fraction of its travel in [0, 1]; None: not seen yet."""

    name: str
    opening: float | None
    last_seen: float | None = None


@dataclass(frozen=True)
class Observation:
    """Everything seen up to now. An object that no camera has shown is not in it."""

    time: float
    robot: RobotState
    objects: tuple[SeenObject, ...] = ()
    """Seen objects besides the one in the hand; newest knowledge of each."""
    drawers: tuple[DrawerState, ...] = ()
    looked_at: tuple[str, ...] = ()
    """Places whose surface the camera has shown in this episode, oldest first."""
    visited: tuple[str, ...] = ()
    """Places the robot has stood at in this episode, oldest first."""
    carried: SeenObject | None = None
    """What the fingers hold, as the cameras see it. Not `visible`: felt, but not seen there by the newest pictures;
    confidence 0: never seen there."""
    spills: tuple[SeenSpill, ...] = ()
    """At most one for each place."""

    def here(self) -> tuple[SeenObject, ...]:
        """The objects seen at the robot's own place in this episode."""
        place = self.robot.place
        return tuple(o for o in self.objects if place is not None and o.place == place and not o.remembered)

    def nearest(self, type_name: str) -> SeenObject | None:
        """The object of this type that is nearest to the robot's base, seen ones before remembered ones."""
        x, y = self.robot.position
        return min(
            (o for o in self.objects if o.type == type_name),
            key=lambda o: (o.remembered, (o.position[0] - x) ** 2 + (o.position[1] - y) ** 2),
            default=None,
        )

    def with_remembered(self, objects: tuple[SeenObject, ...]) -> Observation:
        """This observation with sightings of earlier episodes beneath it: what was seen now always wins."""
        known = {o.type for o in self.objects} | {self.robot.holding}
        extra = tuple(o for o in objects if o.type not in known and o.place not in self.looked_at)
        return replace(self, objects=self.objects + extra)

    def believed(self) -> Facts:
        """The situation as seen in this episode (remembered sightings are hints, not facts)."""
        return Facts(
            objects=tuple(ObjectFact(o.type, o.place) for o in self.objects if not o.remembered),
            robot_at=self.robot.place,
            holding=self.robot.holding,
            open_drawers=frozenset(d.name for d in self.drawers if d.opening is not None and d.opening >= 0.5),
            closed_drawers=frozenset(d.name for d in self.drawers if d.opening is not None and d.opening <= 0.1),
            visited=self.visited,
            dirty=frozenset(spill.place for spill in self.spills),
        )
