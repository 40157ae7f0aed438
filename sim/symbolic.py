"""A world without physics: what skills declare to change, changes. Thousands of steps a second.

It keeps the `World` contract, and its robot sees no more than a camera would: objects at places it has looked at.
Skills can be made to fail at random, by seed, for training; a setup's disturbances happen as in the one with physics.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .catalogue import CATALOGUE, is_a
from .clutter import begin
from .disturbances import as_data, parse_disturbances
from .disturber import Disturber, Event, Thing
from .facts import AnyOf, At, Clean, Closed, Condition, Facts, Here, Holding, Not, ObjectFact, Open, RobotAt, leaves
from .observation import DrawerState, Observation, RobotState, SeenObject, SeenSpill
from .robot import RADIUS
from .scene import Scene, load_scene
from .sightings import Sightings
from .task import Setup
from .world import Moment

_SKILL_SECONDS = 10.0
"""Simulated seconds that a skill takes here, roughly what it takes with physics."""

_SLIPPED = "it slipped out of the hand"

_Object = list[Any]
"""[type, place or drawer; None: nowhere]."""


class SymbolicWorld:
    """The `World` contract over sets of facts.

    `failure_rate` is the probability, in [0, 1], that an attempt to change something fails and changes nothing.
    (Training draws it from the world's own generator, and changes it within episodes; tasks name disturbances.)
    """

    def __init__(self, scene: Scene | str = "kitchen", *, failure_rate: float = 0.0):
        self.scene = load_scene(scene) if isinstance(scene, str) else scene
        self.failure_rate = failure_rate
        self._fixed = self.scene.robot.base is not None
        """A fixed arm's camera sees all that it works at."""
        self._hidden = {p.name for p in self.scene.places if p.kind == "bin"}
        self.reset()

    def reset(self, setup: Setup | None = None, *, seed: int = 0) -> Observation:
        """Start an episode; `seed` drives random failures and the order of equal objects."""
        setup = begin(self.scene, setup, seed)
        self._rng = np.random.default_rng(seed)
        self._disturber = Disturber(setup.disturbances, seed)
        self._objects: list[_Object] = [[kind, place] for kind, place in setup.objects]
        self._robot_at = setup.robot_at
        self._holding = setup.holding
        self._open = {d.name: d.name in setup.open_drawers for d in self.scene.drawers}
        self._dirty = list(setup.spills)
        self._seen = Sightings(visited=[setup.robot_at])
        self._hints: tuple[tuple[str, str], ...] = ()
        self.time = 0.0
        return self.observe()

    def observe(self) -> Observation:
        """What stands at the robot's place, and what was seen before."""
        self._look()
        place = self.scene.place(self._robot_at)
        x, y, yaw = place.stand()
        objects = tuple(
            SeenObject(
                type=self._seen.types[i],
                position=self._position(i, where),
                place=where,
                last_seen=time,
                visible=self._fixed or where == self._robot_at or self._cabinet(where) == self._robot_at,
            )
            for i, (where, time) in sorted(self._seen.things.items())
        )
        drawers = tuple(DrawerState(d.name, *self._seen.drawers.get(d.name, (None, None))) for d in self.scene.drawers)
        return Observation(
            time=self.time,
            robot=RobotState((x, y), yaw, self._robot_at, self._holding),
            objects=objects,
            drawers=drawers,
            looked_at=tuple(self._seen.looked),
            visited=tuple(self._seen.visited),
            spills=tuple(
                SeenSpill(name, (self.scene.place(name).to_world(0.0, 0.2),), when, self._fixed or name == place.name)
                for name, when in self._seen.spills.items()
            ),
        )

    def facts(self) -> Facts:
        """The truth."""
        return Facts(
            objects=tuple(ObjectFact(kind, place) for kind, place in self._objects),
            robot_at=self._robot_at,
            holding=self._holding,
            open_drawers=frozenset(name for name, is_open in self._open.items() if is_open),
            closed_drawers=frozenset(name for name, is_open in self._open.items() if not is_open),
            visited=tuple(self._seen.visited),
            dirty=frozenset(self._dirty),
        )

    @property
    def events(self) -> tuple[Event, ...]:
        """What disturbances have done in this episode: for reports, never for the agent."""
        return tuple(self._disturber.events)

    def begin_skill(self, family: str) -> str | None:
        """A skill begins. Gives the reason if it is to fail before it starts."""
        fault = self._disturber.begin_skill(family, self.time)
        if fault:
            self.time += _SKILL_SECONDS
        return fault

    def end_skill(self, family: str) -> None:
        """It is over."""
        self._disturber.end_skill(family, self)

    def make_true(self, effects: Condition, hints: Sequence[tuple[str, str]] = ()) -> str | None:
        """Let declared effects happen, in order. Gives None, or the reason why they can't.

        `hints`: (type, place) that are remembered, the likeliest first; looked at before where nobody has looked.
        """
        self._hints = tuple(hints)
        held = self._holding
        self.time += _SKILL_SECONDS
        if self._rng.random() < self.failure_rate:
            return "it slipped"
        for part in leaves(effects):
            reason = self._make(part)
            if reason:
                return reason
        return self._slip(just_taken=held is None)

    def _slip(self, *, just_taken: bool) -> str | None:
        """What is held falls, if it is to: back to where it was just taken from, on the floor on the way elsewhere."""
        if self._holding is None or not self._disturber.slip_is_near:
            return None
        self._disturber.slipped(self._holding, self.time)
        self._objects.append([self._holding, self._robot_at if just_taken else None])
        self._holding = None
        return _SLIPPED

    def _make(self, effect: Condition) -> str | None:
        match effect:
            case RobotAt(place):
                if reason := self._closed(place):
                    return reason
                self._move(place)
            case Here():
                return None if effect.holds(self._in_view()) else self._search(effect)
            case At(what, where):
                if self._holding is not None and is_a(self._holding, what):
                    self._objects.append([self._holding, where])
                    self._holding = None
                    return None
                there = [i for i, (kind, place) in enumerate(self._objects) if place is not None and is_a(kind, what)]
                if not there:
                    return f"no {what} is there"
                if self._disturber.slip_is_near:  # on the way, back onto what the robot works at
                    self._objects[there[0]][1] = self._robot_at
                    self._disturber.slipped(self._objects[there[0]][0], self.time)
                    return _SLIPPED
                self._objects[there[0]][1] = where
            case Holding(None):
                if self._holding is not None:
                    self._objects.append([self._holding, self._robot_at])
                    self._holding = None
            case Holding(what) if what is not None:
                here = [
                    i for i, (kind, place) in enumerate(self._objects) if self._in_reach(place) and is_a(kind, what)
                ]
                if not here or self._robot_at in self._hidden:
                    return f"no {what} here"
                self._take(here[0])
            case Open(drawer) | Closed(drawer):
                cabinet = self.scene.drawer(drawer).cabinet
                if reason := self._closed(cabinet):
                    return reason
                self._move(cabinet)
                self._open[drawer] = isinstance(effect, Open)
            case Clean(surface):
                self._dirty = [place for place in self._dirty if place != surface]
            case AnyOf(parts):
                return None if effect.holds(self._in_view()) else self._make(parts[0])
            case Not():
                return None if effect.holds(self.facts()) else "its effects do not hold"
            case _:
                raise ValueError(f"Expected an effect that a skill declares, got {effect}.")
        return None

    def _in_view(self) -> Facts:
        """The facts without what lies in a bin: it can't be found or taken again."""
        facts = self.facts()
        return replace(facts, objects=tuple(o for o in facts.objects if o.place not in self._hidden))

    def _search(self, here: Here) -> str | None:
        """Visit where the thing was seen, then remembered, then what was not looked at yet, and the rest once more,
        until it is here."""
        rest = sorted((p.name for p in self.scene.surfaces()), key=self._seen.looked.__contains__)
        known = [where for i, (where, _) in self._seen.things.items() if is_a(self._objects[i][0], here.what)]
        hinted = [place for kind, place in self._hints if is_a(kind, here.what) and place not in self._seen.looked]
        for place in dict.fromkeys(self._cabinet(place) or place for place in (*known, *hinted, *rest)):
            if self._closed(place):
                continue
            self._move(place)
            if here.holds(self._in_view()):
                return None
        looked = ", ".join(self._seen.looked)
        return f"not seen at: {looked}"

    def _closed(self, place: str) -> str | None:
        """Why the robot may not stand at a place; None: it may."""
        x, y, _ = self.scene.place(place).stand()
        zone = next((zone for zone in self.scene.forbidden if zone.holds(x, y, RADIUS)), None)
        return f"the way to the {place} would enter the {zone.name}" if zone and place != self._robot_at else None

    def _move(self, place: str) -> None:
        self._robot_at = place
        if place not in self._seen.visited:
            self._seen.visited.append(place)
        self._look()

    def _look(self) -> None:
        here, seen = self._robot_at, self._seen
        if here not in seen.looked:
            seen.looked.append(here)
        for drawer in self.scene.drawers:
            if drawer.cabinet == here:
                seen.drawers[drawer.name] = (float(self._open[drawer.name]), self.time)
        for i, (_, place) in enumerate(self._objects):
            if place is not None and self._shows(place):
                seen.things[i] = (place, self.time)
                seen.types[i] = self._disturber.read(self._objects[i][0], self.scene.types, self.time)
            elif self._fixed or seen.things.get(i, ("", 0.0))[0] == here:
                seen.things.pop(i, None)
        for name in [p.name for p in self.scene.places if self._fixed or p.name == here]:
            if name in self._dirty:
                seen.spills[name] = self.time
            else:
                seen.spills.pop(name, None)

    def _shows(self, place: str) -> bool:
        """Is what rests at `place` in view from here?"""
        here = self._robot_at
        if self._cabinet(place) == here:
            return self._open[place]
        return (place == here or self._fixed) and here not in self._hidden

    def _in_reach(self, place: str | None) -> bool:
        """Can what rests at `place` be taken from here?"""
        if place is None:
            return False
        return place == self._robot_at or (self._open.get(place, False) and self._cabinet(place) == self._robot_at)

    def _cabinet(self, place: str) -> str | None:
        """The cabinet of a drawer; None for a place."""
        return next((d.cabinet for d in self.scene.drawers if d.name == place), None)

    def _take(self, index: int) -> None:
        self._holding = self._objects.pop(index)[0]
        self._seen.taken(index)

    def _position(self, index: int, where: str) -> tuple[float, float, float]:
        """A nominal position: objects stand in a row along the place's edge."""
        if where in CATALOGUE:
            below = next(i for i, (kind, _) in enumerate(self._objects) if kind == where)
            x, y, z = self._position(below, self._objects[below][1])
            return x, y, z + CATALOGUE[where].size[2]
        cabinet = self._cabinet(where)
        place = self.scene.place(cabinet or where)
        x, y = place.to_world(0.18 * (index % 7 - 3), 0.2)
        height = CATALOGUE[self._objects[index][0]].size[2] / 2
        return x, y, (self.scene.drawer(where).height if cabinet else place.height) + height

    def snapshot(self) -> bytes:
        """The whole state as JSON."""
        state = {
            "objects": self._objects, "robot_at": self._robot_at, "holding": self._holding, "open": self._open,
            "seen": self._seen.state(), "time": self.time, "rng": self._rng.bit_generator.state, "dirty": self._dirty,
            "disturbances": [as_data(d) for d in self._disturber.disturbances], "disturber": self._disturber.state(),
        }  # fmt: skip
        return json.dumps(state).encode()

    def restore(self, snapshot: bytes) -> Observation:
        """Go back to a snapshot of this scene."""
        state = json.loads(snapshot)
        self._objects = [list(o) for o in state["objects"]]
        self._robot_at, self._holding = state["robot_at"], state["holding"]
        self._open, self._dirty = dict(state["open"]), list(state["dirty"])
        self._seen = Sightings.from_state(state["seen"])
        self.time = state["time"]
        self._rng.bit_generator.state = state["rng"]
        asleep = self._disturber.asleep
        self._disturber = Disturber(parse_disturbances(state["disturbances"], self.scene))
        self._disturber.set_state(state["disturber"])
        self._disturber.asleep = asleep
        return self.observe()

    @contextlib.contextmanager
    def imagine(self) -> Iterator[Moment]:
        """Look ahead: what happens inside has not happened afterwards. Gives the start, to try from more than once."""
        start = _Moment(self, self.snapshot())
        self._disturber.asleep = True
        try:
            yield start
        finally:
            self._disturber.asleep = False
            start.restore()

    # What people do: the `Stage` of this world.

    def watched(self) -> str | None:
        """Where the robot stands."""
        return self._robot_at if self.scene.robot.base is None else None

    def things(self) -> list[Thing]:
        """What stands or lies somewhere."""
        return [Thing(i, kind, place) for i, (kind, place) in enumerate(self._objects) if place is not None]

    def put(self, thing: Thing, place: str, rng: np.random.Generator) -> bool:
        """Stand it at `place`; here there is room for everything."""
        self._objects[thing.key][1] = place
        return True

    def take(self, thing: Thing) -> None:
        """Out of the room."""
        self._objects[thing.key][1] = None

    def open_drawers(self) -> list[str]:
        """The drawers that stand open."""
        return [name for name, is_open in self._open.items() if is_open]

    def close_drawer(self, name: str) -> None:
        """With what is in it."""
        self._open[name] = False

    def remove(self, type_name: str) -> None:
        """Somebody takes the first object of this type away; the robot does not know until it looks."""
        self.take(next(thing for thing in self.things() if thing.type == type_name))


@dataclass(frozen=True)
class _Moment:
    world: SymbolicWorld
    snapshot: bytes

    def restore(self) -> None:
        self.world.restore(self.snapshot)
