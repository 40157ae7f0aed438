"""A world without physics: what skills declare to change, changes. Thousands of steps a second.

It keeps the `World` contract, and its robot sees no more than a camera would: objects at places it has looked at.
Skills can be made to fail at random, by seed, for training; a setup's disturbances happen as in the one with physics.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .catalogue import is_a
from .clutter import begin
from .disturbances import as_data, parse_disturbances
from .disturber import Disturber, Event
from .facts import AnyOf, At, Clean, Closed, Condition, Facts, Here, Holding, Not, Open, RobotAt, leaves
from .observation import DrawerState, Observation, RobotState, SeenObject, SeenSpill
from .robot import RADIUS
from .scene import Scene, load_scene
from .sightings import Sightings
from .symbolic_room import Room
from .task import Setup
from .world import Moment

_SKILL_SECONDS = 10.0
"""Simulated seconds that a skill takes here, roughly what it takes with physics."""

_SLIPPED = "it slipped out of the hand"


class SymbolicWorld:
    """The `World` contract over sets of facts.

    `failure_rate` is the probability, in [0, 1], that an attempt to change something fails and changes nothing.
    (Training draws it from the world's own generator, and changes it within episodes; tasks name disturbances.)
    """

    def __init__(self, scene: Scene | str = "kitchen", *, failure_rate: float = 0.0):
        self.scene = load_scene(scene) if isinstance(scene, str) else scene
        self.failure_rate = failure_rate
        self.reset()

    def reset(self, setup: Setup | None = None, *, seed: int = 0) -> Observation:
        """Start an episode; `seed` drives random failures and the order of equal objects."""
        setup = begin(self.scene, setup, seed)
        self._rng = np.random.default_rng(seed)
        self._disturber = Disturber(setup.disturbances, seed)
        self.room = Room.of(self.scene, setup)
        self._seen = Sightings(visited=[setup.robot_at])
        self._hints: tuple[tuple[str, str], ...] = ()
        return self.observe()

    @property
    def time(self) -> float:
        """Simulated seconds."""
        return self.room.time

    def observe(self) -> Observation:
        """What stands at the robot's place, and what was seen before."""
        self._look()
        room = self.room
        here = room.robot_at
        x, y, yaw = self.scene.place(here).stand()
        objects = tuple(
            SeenObject(
                type=self._seen.types[i],
                position=room.position(i, where),
                place=where,
                last_seen=time,
                visible=room.fixed or here in (where, room.cabinet(where)),
            )
            for i, (where, time) in sorted(self._seen.things.items())
        )
        drawers = tuple(DrawerState(d.name, *self._seen.drawers.get(d.name, (None, None))) for d in self.scene.drawers)
        return Observation(
            time=self.time,
            robot=RobotState((x, y), yaw, here, room.holding),
            objects=objects,
            drawers=drawers,
            looked_at=tuple(self._seen.looked),
            visited=tuple(self._seen.visited),
            spills=tuple(
                SeenSpill(name, (self.scene.place(name).to_world(0.0, 0.2),), when, room.fixed or name == here)
                for name, when in self._seen.spills.items()
            ),
        )

    def facts(self) -> Facts:
        """The truth."""
        return self.room.facts(tuple(self._seen.visited))

    @property
    def events(self) -> tuple[Event, ...]:
        """What disturbances have done in this episode: for reports, never for the agent."""
        return tuple(self._disturber.events)

    def begin_skill(self, family: str) -> str | None:
        """A skill begins. Gives the reason if it is to fail before it starts."""
        fault = self._disturber.begin_skill(family, self.time)
        if fault:
            self.room.time += _SKILL_SECONDS
        return fault

    def end_skill(self, family: str) -> None:
        """It is over."""
        self._disturber.end_skill(family, self.room)

    def make_true(self, effects: Condition, hints: Sequence[tuple[str, str]] = ()) -> str | None:
        """Let declared effects happen, in order. Gives None, or the reason why they can't.

        `hints`: (type, place) that are remembered, the likeliest first; looked at before where nobody has looked.
        """
        self._hints = tuple(hints)
        held = self.room.holding
        self.room.time += _SKILL_SECONDS
        if self._rng.random() < self.failure_rate:
            return "it slipped"
        for part in leaves(effects):
            reason = self._make(part)
            if reason:
                return reason
        return self._slip(just_taken=held is None)

    def _slip(self, *, just_taken: bool) -> str | None:
        """What is held falls, if it is to: back to where it was just taken from, on the floor on the way elsewhere."""
        if self.room.holding is None or not self._disturber.slip_is_near:
            return None
        self._disturber.slipped(self.room.holding, self.time)
        self.room.let_go(self.room.robot_at if just_taken else None)
        return _SLIPPED

    def _make(self, effect: Condition) -> str | None:
        room = self.room
        match effect:
            case RobotAt(place):
                if reason := self._closed(place):
                    return reason
                self._move(place)
            case Here():
                return None if effect.holds(self._in_view()) else self._search(effect)
            case At(what, where):
                if room.holding is not None and is_a(room.holding, what):
                    room.let_go(where)
                    return None
                there = [i for i, (kind, place) in enumerate(room.objects) if place is not None and is_a(kind, what)]
                if not there:
                    return f"no {what} is there"
                if self._disturber.slip_is_near:  # on the way, back onto what the robot works at
                    room.objects[there[0]][1] = room.robot_at
                    self._disturber.slipped(room.objects[there[0]][0], self.time)
                    return _SLIPPED
                room.objects[there[0]][1] = where
            case Holding(None):
                room.let_go(room.robot_at)
            case Holding(what) if what is not None:
                here = [i for i, (kind, place) in enumerate(room.objects) if room.in_reach(place) and is_a(kind, what)]
                if not here or room.robot_at in room.hidden:
                    return f"no {what} here"
                room.holding = room.objects.pop(here[0])[0]
                self._seen.taken(here[0])
            case Open(drawer) | Closed(drawer):
                cabinet = self.scene.drawer(drawer).cabinet
                if reason := self._closed(cabinet):
                    return reason
                self._move(cabinet)
                room.drawers[drawer] = isinstance(effect, Open)
            case Clean(surface):
                room.dirty = [place for place in room.dirty if place != surface]
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
        return replace(facts, objects=tuple(o for o in facts.objects if o.place not in self.room.hidden))

    def _search(self, here: Here) -> str | None:
        """Visit where the thing was seen, then remembered, then what was not looked at yet, and the rest once more,
        until it is here."""
        rest = sorted((p.name for p in self.scene.surfaces()), key=self._seen.looked.__contains__)
        known = [where for i, (where, _) in self._seen.things.items() if is_a(self.room.objects[i][0], here.what)]
        hinted = [place for kind, place in self._hints if is_a(kind, here.what) and place not in self._seen.looked]
        for place in dict.fromkeys(self.room.cabinet(place) or place for place in (*known, *hinted, *rest)):
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
        return f"the way to the {place} would enter the {zone.name}" if zone and place != self.room.robot_at else None

    def _move(self, place: str) -> None:
        self.room.robot_at = place
        if place not in self._seen.visited:
            self._seen.visited.append(place)
        self._look()

    def _look(self) -> None:
        room, seen = self.room, self._seen
        here = room.robot_at
        if here not in seen.looked:
            seen.looked.append(here)
        for drawer in self.scene.drawers:
            if drawer.cabinet == here:
                seen.drawers[drawer.name] = (float(room.drawers[drawer.name]), self.time)
        for i, (_, place) in enumerate(room.objects):
            if place is not None and room.shows(place):
                seen.things[i] = (place, self.time)
                seen.types[i] = self._disturber.read(room.objects[i][0], self.scene.types, self.time)
            elif room.fixed or seen.things.get(i, ("", 0.0))[0] == here:
                seen.things.pop(i, None)
        for name in [p.name for p in self.scene.places if room.fixed or p.name == here]:
            if name in room.dirty:
                seen.spills[name] = self.time
            else:
                seen.spills.pop(name, None)

    def snapshot(self) -> bytes:
        """The whole state as JSON."""
        state = {
            **self.room.state(), "seen": self._seen.state(), "rng": self._rng.bit_generator.state,
            "disturbances": [as_data(d) for d in self._disturber.disturbances], "disturber": self._disturber.state(),
        }  # fmt: skip
        return json.dumps(state).encode()

    def restore(self, snapshot: bytes) -> Observation:
        """Go back to a snapshot of this scene."""
        state = json.loads(snapshot)
        self.room = Room.from_state(self.scene, state)
        self._seen = Sightings.from_state(state["seen"])
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

    def remove(self, type_name: str) -> None:
        """Somebody takes the first object of this type away; the robot does not know until it looks."""
        self.room.take(next(thing for thing in self.room.things() if thing.type == type_name))


@dataclass(frozen=True)
class _Moment:
    world: SymbolicWorld
    snapshot: bytes

    def restore(self) -> None:
        self.world.restore(self.snapshot)
