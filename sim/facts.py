"""What is the case, and conditions over it.

`Facts` is a flat statement of a situation. The world's `facts()` gives the true one (for tasks and benchmarks alone);
`Observation.believed()` gives the one the robot has seen. A `Condition` is evaluated over either, so a task's goal,
a skill's preconditions and effects, and the agent's check are all written in one language, the one of task files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .catalogue import UnknownName, canonical, is_a


@dataclass(frozen=True)
class ObjectFact:
    """One object: its type and the place or drawer it rests on or in (None: in the hand, on the floor, in the air)."""

    type: str
    place: str | None


@dataclass(frozen=True)
class Facts:
    """A situation. `holding` is the type in the hand, besides those in `objects`."""

    objects: tuple[ObjectFact, ...]
    robot_at: str | None
    holding: str | None
    open_drawers: frozenset[str] = frozenset()
    closed_drawers: frozenset[str] = frozenset()
    visited: tuple[str, ...] = ()
    dirty: frozenset[str] = frozenset()

    def count(self, what: str, place: str) -> int:
        """How many objects that are `what` rest at `place`."""
        return sum(o.place == place and is_a(o.type, what) for o in self.objects)


class Condition(Protocol):
    """Something that is or is not the case."""

    def holds(self, facts: Facts) -> bool: ...


@dataclass(frozen=True)
class At:
    """At least `count` objects that are `what` rest at `place`."""

    what: str
    place: str
    count: int = 1

    def holds(self, facts: Facts) -> bool:
        return facts.count(self.what, self.place) >= self.count


@dataclass(frozen=True)
class Here:
    """An object that is `what` rests at the robot's place, or in one of `drawers` that is there and open."""

    what: str
    drawers: tuple[tuple[str, str], ...] = ()
    """(drawer, its cabinet): what else counts as here while the robot stands at the cabinet."""

    def holds(self, facts: Facts) -> bool:
        at = facts.robot_at
        inside = (drawer for drawer, cabinet in self.drawers if cabinet == at and drawer in facts.open_drawers)
        return at is not None and any(facts.count(self.what, where) > 0 for where in (at, *inside))


@dataclass(frozen=True)
class Present:
    """Something that is `what` is there, wherever, in the hand too."""

    what: str

    def holds(self, facts: Facts) -> bool:
        return any(is_a(o.type, self.what) for o in facts.objects) or Holding(self.what).holds(facts)


@dataclass(frozen=True)
class Holding:
    """The hand holds something that is `what`; None: the hand is empty."""

    what: str | None

    def holds(self, facts: Facts) -> bool:
        if self.what is None or facts.holding is None:
            return self.what is None and facts.holding is None
        return is_a(facts.holding, self.what)


@dataclass(frozen=True)
class RobotAt:
    """The robot stands at `place`."""

    place: str

    def holds(self, facts: Facts) -> bool:
        return facts.robot_at == self.place


@dataclass(frozen=True)
class Visited:
    """The robot has stood at every one of `places`, in any order, since the episode began."""

    places: tuple[str, ...]

    def holds(self, facts: Facts) -> bool:
        return set(self.places) <= set(facts.visited)


@dataclass(frozen=True)
class Open:
    """The drawer is open, by at least half of its travel."""

    drawer: str

    def holds(self, facts: Facts) -> bool:
        return self.drawer in facts.open_drawers


@dataclass(frozen=True)
class Closed:
    """The drawer is closed, to within a tenth of its travel."""

    drawer: str

    def holds(self, facts: Facts) -> bool:
        return self.drawer in facts.closed_drawers


@dataclass(frozen=True)
class Clean:
    """Nothing is spilled on `surface`."""

    surface: str

    def holds(self, facts: Facts) -> bool:
        return self.surface not in facts.dirty


@dataclass(frozen=True)
class Empty:
    """No object rests at `place`."""

    place: str

    def holds(self, facts: Facts) -> bool:
        return all(o.place != self.place for o in facts.objects)


@dataclass(frozen=True)
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]

    def holds(self, facts: Facts) -> bool:
        return all(part.holds(facts) for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]

    def holds(self, facts: Facts) -> bool:
        return any(part.holds(facts) for part in self.parts)


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Condition

    def holds(self, facts: Facts) -> bool:
        return not self.part.holds(facts)


ALWAYS = All(())
"""The condition that always holds."""


def leaves(condition: Condition) -> tuple[Condition, ...]:
    """The parts of a conjunction, however deep; of anything else, itself."""
    if isinstance(condition, All):
        return tuple(leaf for part in condition.parts for leaf in leaves(part))
    return (condition,)


_LEAVES = ("at", "holding", "robot_at", "visited", "open", "closed", "clean", "empty", "all", "any", "not")


def parse_condition(
    data: Mapping[str, Any],
    places: Mapping[str, str],
    drawers: Mapping[str, str],
    receptacles: Mapping[str, str] | None = None,
) -> Condition:
    """Read a goal as written in task files.

    `places`, `drawers` and `receptacles` (objects that others lie in or on) map every accepted name (synonyms included)
    to its canonical one.
    Raises ValueError (`UnknownName` for a name) saying the rule, the value and the nearest known name.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"Expected a goal as a JSON object, got {data!r}.")
    keys = [key for key in data if key != "count"]
    if len(keys) != 1 or ("count" in data and keys != ["at"]):
        raise ValueError(f"Expected a goal with exactly one of {', '.join(_LEAVES)}, got {dict(data)!r}.")
    key, value = keys[0], data[keys[0]]

    def name(known: Mapping[str, str], role: str, word: Any) -> str:
        if not isinstance(word, str) or word.lower() not in known:
            raise UnknownName(role, str(word), known)
        return known[word.lower()]

    def place(word: Any) -> str:
        return name({**places, **drawers, **(receptacles or {})}, "a place", word)

    match key:
        case "at":
            if not isinstance(value, list | tuple) or len(value) != 2:
                raise ValueError(f'Expected {{"at": [what, place]}}, got {dict(data)!r}.')
            count = data.get("count", 1)
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                raise ValueError(f'Expected "count" to be a whole number of at least 1, got {count!r}.')
            return At(canonical(str(value[0])), place(value[1]), count)
        case "holding":
            return Holding(None if value is None else canonical(str(value)))
        case "robot_at":
            return RobotAt(name(places, "a place", value))
        case "visited":
            if not isinstance(value, list | tuple) or not value:
                raise ValueError(f'Expected {{"visited": [place, …]}}, got {dict(data)!r}.')
            return Visited(tuple(name(places, "a place", word) for word in value))
        case "open":
            return Open(name(drawers, "a drawer", value))
        case "closed":
            return Closed(name(drawers, "a drawer", value))
        case "clean":
            return Clean(place(value))
        case "empty":
            return Empty(place(value))
        case "all" | "any":
            if not isinstance(value, list | tuple) or not value:
                raise ValueError(f'Expected {{"{key}": [goal, …]}}, got {dict(data)!r}.')
            parts = tuple(parse_condition(part, places, drawers, receptacles) for part in value)
            return All(parts) if key == "all" else AnyOf(parts)
        case "not":
            return Not(parse_condition(value, places, drawers, receptacles))
        case _:
            raise UnknownName("a goal", key, _LEAVES)
