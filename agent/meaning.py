"""One errand: what is to be done with which things, and how it is when it is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..sim.facts import Facts

Kind = Literal["deliver", "hold", "find", "go", "open", "close", "wipe", "release"]


@dataclass(frozen=True)
class Meaning:
    """One errand. `things` are the object types that will do (to wipe with, for wipe); `to` a place, a drawer or what
    things lie in or on; `source` the place or drawer they come from."""

    kind: Kind
    things: frozenset[str] = frozenset()
    to: str | None = None
    source: str | None = None
    count: int = 1
    """How many of `things`; 0: all that are at `source`, or `around`."""
    around: frozenset[str] = frozenset()
    """Of all without a source: the places that are to be left without them."""
    different: bool = False
    """Are no two of them to be of the same type?"""
    more: bool = False
    """Besides those that are there already?"""
    kept: frozenset[str] = frozenset()
    """Places where earlier errands put such things: those stay."""
    beside: str | None = None
    """Of a delivery to no named place: the type of the thing that it is to stand next to; of a search: that it is for
    such a delivery."""

    @property
    def sources(self) -> frozenset[str]:
        """The places that they come from, where that is said."""
        return self.around or (frozenset({self.source}) if self.source else frozenset())

    @property
    def settled(self) -> frozenset[str | None]:
        """Of a delivery: the places whose things of this kind are not to be taken."""
        return frozenset({*self.kept, self.to}) - self.sources

    def __str__(self) -> str:
        """As it is when it is done."""
        things = " or ".join(f"the {thing}" for thing in sorted(self.things))
        match self.kind:
            case "go":
                return f"the robot is at the {self.to}"
            case "open" | "close":
                return f"the {self.to} is {'open' if self.kind == 'open' else 'closed'}"
            case "hold":
                return f"the hand holds {things}"
            case "release":
                return "the hand is empty"
            case "find":
                return f"{things} is here"
            case "wipe":
                return f"the {self.to} is clean"
            case "deliver" if self.count == 0:
                return f"nothing that is meant is left at the {' and the '.join(sorted(self.sources))}"
            case "deliver":
                return f"{f'{self.count} of ' if self.count > 1 else ''}{things} is at the {self.to}"

    def placed(self, facts: Facts) -> Meaning:
        """With the place of what it is to stand next to; where that is not known, finding it comes first."""
        if self.beside is None:
            return self
        places = sorted(o.place for o in facts.objects if o.type == self.beside and o.place)
        if not places:
            return Meaning("find", frozenset({self.beside}), beside=self.beside)
        return replace(self, to=places[0], beside=None)

    def fulfils(self, asked: Meaning) -> bool:
        """Has who did this done what was `asked`? So it is the same, or only less open which things will do.

        (All of fewer things is less.)
        """
        if asked.count == 0 or not self.things <= asked.things:
            return self == asked
        return replace(self, things=asked.things) == asked

    def reached(self, facts: Facts) -> bool:
        """Is it done, by these facts?"""
        match self.kind:
            case "go":
                return facts.robot_at == self.to
            case "open":
                return self.to in facts.open_drawers
            case "close":
                return self.to in facts.closed_drawers
            case "hold":
                return facts.holding in self.things
            case "release":
                return facts.holding not in self.things
            case "find":
                here = {o.type for o in facts.objects if o.place is not None and o.place == facts.robot_at}
                return bool(self.things & {*here, facts.holding})
            case "wipe":
                return self.to not in facts.dirty
            case "deliver" if self.count == 0:
                return not any(o.place in self.sources and o.type in self.things for o in facts.objects)
            case "deliver":
                there = [o.type for o in facts.objects if o.place == self.to and o.type in self.things]
                return len({*there} if self.different else there) >= self.count
