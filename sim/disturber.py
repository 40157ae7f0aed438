"""When disturbances happen: drawn by the episode's seed, each from a generator of its own, and written down.

Because none draws from another's generator, nor from the one that places the objects, switching one on changes nothing
but what it does. What happens to bodies is the `Stage`'s business: a world with physics has one, a symbolic one too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from .catalogue import CATALOGUE, is_a
from .disturbances import Closes, Disturbance, FalseDetection, Moves, SkillFailure, Slip, Takes
from .scene import Scene

FAULT = "the controller reported a fault"
"""The reason that a skill gives when it is made to fail."""
_STREAM = 0xD157
"""Tells the generators of disturbances from all others of the seed."""
_MOMENT = 1 / 240
"""Seconds; a physics step."""
_WITHIN = 3.0
"""Seconds of holding something within which a slip comes."""


@dataclass(frozen=True)
class Event:
    """Something that happened to the robot: when (simulated seconds), which kind, and what, in words."""

    time: float
    kind: str
    text: str


@dataclass(frozen=True)
class Thing:
    """An object that rests somewhere and is in nobody's hand; `key` is the stage's own name for it."""

    key: int
    type: str
    place: str


class Stage(Protocol):
    """What a world lets happen in it."""

    scene: Scene

    @property
    def time(self) -> float:
        """Simulated seconds."""
        ...

    def watched(self) -> str | None:
        """The place where nothing can happen unseen; None: there is none now."""
        ...

    def things(self) -> Sequence[Thing]:
        """What could be moved or taken, in an order that the episode fixes."""
        ...

    def put(self, thing: Thing, place: str, rng: np.random.Generator) -> bool:
        """Stand it at a free spot of `place`; False: there is none."""
        ...

    def take(self, thing: Thing) -> None:
        """Out of the room."""
        ...

    def open_drawers(self) -> Sequence[str]:
        """Drawers that can be closed now: somewhat open, and not touched by the robot."""
        ...

    def close_drawer(self, name: str) -> None:
        """With what is in it."""
        ...


class Disturber:
    """The disturbances of one episode, and what they have done."""

    def __init__(self, disturbances: Sequence[Disturbance] = (), seed: int = 0):
        self.disturbances = tuple(disturbances)
        self.events: list[Event] = []
        """What has happened, oldest first."""
        self.asleep = False
        """While the world is only imagined nothing happens: what will come can't be foreseen."""
        self._seed = seed
        self._rngs = [np.random.default_rng((seed, _STREAM, i)) for i in range(len(self.disturbances))]
        self._happened = [0] * len(self.disturbances)
        self._due = [False] * len(self.disturbances)
        self._skills = 0
        self._slip: tuple[int, float] | None = None
        """Which slip is to come in this skill, and after how many seconds of holding something."""

    # During a skill.

    def begin_skill(self, family: str, time: float) -> str | None:
        """Draw what this skill meets; gives the reason if it is to fail at once."""
        fault = None
        self._slip = None
        if self.asleep:
            return None
        for i, given in enumerate(self.disturbances):
            if not isinstance(given, Slip | SkillFailure) or given.skill not in (None, family):
                continue
            hit, when = self._rngs[i].random(2)
            if hit >= given.probability or self._exhausted(i):
                continue
            if isinstance(given, Slip):
                self._slip = (i, float(when) * _WITHIN)
            elif fault is None:
                fault = FAULT
                self._note(i, time, f"the skill '{family}' was made to fail")
        return fault

    @property
    def slip_is_near(self) -> bool:
        """Will what is held slip in this skill?"""
        return self._slip is not None

    def held(self, seconds: float) -> bool:
        """Something was held for `seconds` more; True: now it slips."""
        if self._slip is None:
            return False
        which, left = self._slip
        self._slip = (which, left - seconds)
        return left <= seconds

    def slipped(self, what: str, time: float) -> None:
        """Write down that it did."""
        if self._slip is not None:
            self._note(self._slip[0], time, f"the {what} slipped out of the hand")
            self._slip = None

    # Between skills.

    def end_skill(self, family: str, stage: Stage) -> None:
        """Somebody may come by."""
        self._slip = None
        if self.asleep:
            return
        self._skills += 1
        for i, given in enumerate(self.disturbances):
            if not isinstance(given, Moves | Takes | Closes) or self._exhausted(i):
                continue
            if not self._due[i] and self._comes(given.after, family):
                self._due[i] = bool(self._rngs[i].random() < given.probability)
            # What is due waits until it can happen.
            if self._due[i] and (text := self._happen(given, self._rngs[i], stage)):
                self._due[i] = False
                self._note(i, stage.time, text)

    def _comes(self, after: str | int | None, family: str) -> bool:
        return after is None or after == family or (isinstance(after, int) and self._skills >= after)

    def _happen(self, given: Moves | Takes | Closes, rng: np.random.Generator, stage: Stage) -> str | None:
        """Let it happen; what did, in words. None: it can't now."""
        if isinstance(given, Closes):
            drawers = [name for name in stage.open_drawers() if given.drawer in (None, name)]
            if not drawers:
                return None
            name = drawers[int(rng.integers(len(drawers)))]
            stage.close_drawer(name)
            return f"somebody closed the {name}"
        watched = stage.watched() if given.unseen else None
        cabinets = {d.name: d.cabinet for d in stage.scene.drawers}
        things = [
            thing
            for thing in stage.things()
            if (given.object is None or is_a(thing.type, given.object))
            and (watched is None or watched not in (thing.place, cabinets.get(thing.place)))
        ]
        if not things:
            return None
        thing = things[int(rng.integers(len(things)))]
        if isinstance(given, Takes):
            stage.take(thing)
            return f"somebody took the {thing.type} from the {thing.place}"
        surfaces = [p.name for p in stage.scene.surfaces()]
        elsewhere = [name for name in surfaces if name not in (thing.place, watched)]
        # A room with one surface: another spot of it.
        places = [given.to] if given.to else elsewhere or [name for name in surfaces if name != watched]
        places = [place for place in places if place != watched]
        for k in rng.permutation(len(places)):
            if stage.put(thing, places[int(k)], rng):
                return f"somebody moved the {thing.type} from the {thing.place} to the {places[int(k)]}"
        return None

    # In a look.

    @property
    def misreads(self) -> bool:
        """Can a detection be false in this episode?"""
        return any(isinstance(given, FalseDetection) for given in self.disturbances)

    def read(self, kind: str, types: Sequence[str], time: float) -> str:
        """What an object of this type is taken for; mostly itself. `types` are those the scene can hold.

        Drawn by the moment alone: two looks at the same moment agree, however many there are.
        """
        if self.asleep or kind not in CATALOGUE:
            return kind
        for i, given in enumerate(self.disturbances):
            if not isinstance(given, FalseDetection) or not (given.object is None or is_a(kind, given.object)):
                continue
            moment = (self._seed, _STREAM, i, round(time / _MOMENT), list(CATALOGUE).index(kind))
            hit, which = np.random.default_rng(moment).random(2)
            others = [given.seen_as] if given.seen_as else _like(kind, types)
            if hit < given.probability and others:
                read = others[int(which * len(others))]
                event = Event(round(time, 3), given.kind, f"the {kind} was taken for the {read}")
                if event not in self.events:
                    self.events.append(event)
                return read
        return kind

    # What it remembers.

    def _exhausted(self, i: int) -> bool:
        limit = getattr(self.disturbances[i], "times", None)
        return limit is not None and self._happened[i] >= limit

    def _note(self, i: int, time: float, text: str) -> None:
        self._happened[i] += 1
        self.events.append(Event(round(time, 3), self.disturbances[i].kind, text))

    def state(self) -> dict[str, Any]:
        """Everything drawn and done up to now (JSON)."""
        return {
            "seed": self._seed,
            "rngs": [rng.bit_generator.state for rng in self._rngs],
            "happened": list(self._happened),
            "due": list(self._due),
            "skills": self._skills,
            "slip": self._slip,
            "events": [asdict(event) for event in self.events],
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """The inverse, of an episode with the same disturbances."""
        self._seed = int(state["seed"])
        for rng, drawn in zip(self._rngs, state["rngs"], strict=True):
            rng.bit_generator.state = drawn
        self._happened, self._due = list(state["happened"]), list(state["due"])
        self._skills = int(state["skills"])
        self._slip = None if state["slip"] is None else (int(state["slip"][0]), float(state["slip"][1]))
        self.events = [Event(**event) for event in state["events"]]


def _like(kind: str, types: Sequence[str]) -> list[str]:
    """The types of the same shape that share a category, or else of the same shape alone."""
    mine = CATALOGUE[kind]
    same = [t for t in types if t != kind and CATALOGUE[t].shape == mine.shape]
    return [t for t in same if set(CATALOGUE[t].categories) & set(mine.categories)] or same
