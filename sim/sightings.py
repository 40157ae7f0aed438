"""What the robot of a symbolic world has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .observation import Observation, SeenObject


@dataclass
class Sightings:
    """Of things by their index in the world, of drawers, spills and places by name; times in simulated seconds."""

    things: dict[int, tuple[str, float]] = field(default_factory=dict)
    """Where each is, and when it was seen there."""
    types: dict[int, str] = field(default_factory=dict)
    """What each was taken for."""
    drawers: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Opening, and when it was seen."""
    spills: dict[str, float] = field(default_factory=dict)
    looked: list[str] = field(default_factory=list)
    """Places that were looked at, oldest first."""
    visited: list[str] = field(default_factory=list)
    """Places that were stood at, oldest first."""

    @classmethod
    def of(cls, seen: Observation, known: Sequence[SeenObject]) -> Sightings:
        """Those of an observation, of its things those `known`, in this order; what is only remembered was not seen."""
        return cls(
            things={i: (o.place or "", o.last_seen) for i, o in enumerate(known) if not o.remembered},
            types={i: o.type for i, o in enumerate(known)},
            drawers={d.name: (d.opening, d.last_seen or 0.0) for d in seen.drawers if d.opening is not None},
            spills={spill.place: spill.last_seen for spill in seen.spills},
            looked=list(seen.looked_at),
            visited=list(seen.visited),
        )

    def taken(self, index: int) -> None:
        """A thing is none of the world's any more; those behind it move up."""
        self.things = {i - (i > index): seen for i, seen in self.things.items() if i != index}
        self.types = {i - (i > index): kind for i, kind in self.types.items() if i != index}

    def state(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**vars(self), "things": list(self.things.items()), "types": list(self.types.items())}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Sightings:
        """The inverse of `state`."""
        return cls(
            things={int(i): (place, time) for i, (place, time) in state["things"]},
            types={int(i): kind for i, kind in state["types"]},
            drawers={name: (opening, time) for name, (opening, time) in state["drawers"].items()},
            spills=dict(state["spills"]),
            looked=list(state["looked"]),
            visited=list(state["visited"]),
        )
