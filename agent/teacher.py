"""The teacher that training targets come from: knows what an instruction means, sees only what the robot sees.

An `Errand` is the meaning of an instruction, known because the instruction was made from it. `Teacher.next_phrase`
gives the right next skill for an observation; it never looks at the world's facts, so what it does can be learned
from the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from ..sim.observation import Observation, SeenObject
from ..sim.scene import Scene

Kind = Literal["deliver", "hold", "find", "go", "open", "close", "refuse"]

DONE = "done"
REFUSE = "say that it is not possible"


@dataclass(frozen=True)
class Errand:
    """One thing to get done.

    `what` are the object types that will do, best first; `to` a place; `source` the place that they must come from;
    `count` how many different objects (0: all of them at `source`); `target` a place or drawer for go, open and close.
    """

    kind: Kind
    what: tuple[str, ...] = ()
    to: str | None = None
    source: str | None = None
    count: int = 1
    target: str | None = None


class Teacher:
    """Follows one instruction's errands through one episode."""

    def __init__(self, errands: Sequence[Errand], *, scene: Scene):
        self._errands = list(errands)
        self._surfaces = tuple(p.name for p in scene.surfaces())
        self._cabinet = {d.name: d.cabinet for d in scene.drawers}
        self._delivered: list[str] = []
        self._to_stay_open: list[str] = []
        self._unfindable: set[str] = set()

    def next_phrase(self, now: Observation) -> str:
        """The right next skill's phrase."""
        while self._errands:
            phrase = self._pursue(self._errands[0], now)
            if phrase is not None:
                return phrase
            self._finish(self._errands.pop(0))
        # What had to be shut to get at the top of a cabinet is opened again, if that was asked for.
        opening = {d.name: d.opening or 0.0 for d in now.drawers}
        shut = [name for name in self._to_stay_open if opening[name] < 0.5 and now.robot.holding is None]
        return f"open the {shut[0]}" if shut else DONE

    def _finish(self, errand: Errand) -> None:
        self._delivered = []
        if errand.kind in ("open", "close") and errand.target:
            self._to_stay_open = [name for name in self._to_stay_open if name != errand.target]
            self._to_stay_open += [errand.target] * (errand.kind == "open")

    def report(self, phrase: str, now: Observation, *, failed: bool) -> None:
        """Tell the teacher how the phrase it gave went; `now` is what is seen afterwards."""
        verb, _, thing = phrase.partition(" the ")
        if verb == "find" and failed and self._errands and all(place in now.looked_at for place in self._surfaces):
            self._unfindable.update(self._errands[0].what)
        wanted = self._errands[0] if self._errands else None
        if verb == "put down" and not failed and wanted and thing in wanted.what and wanted.to == now.robot.place:
            self._delivered.append(thing)

    def _pursue(self, errand: Errand, now: Observation) -> str | None:
        """The next phrase of an errand; None when it is reached."""
        match errand.kind:
            case "refuse":
                return REFUSE
            case "go":
                return None if now.robot.place == errand.target else f"go to the {errand.target}"
            case "open" | "close":
                return self._move_drawer(errand, now)
            case "find":
                found = {now.robot.holding, *(o.type for o in now.here())} & {*errand.what}
                return None if found else self._search(errand, now)
            case "hold":
                if now.robot.holding in errand.what:
                    return None
                return self._grasp(errand, now)
            case "deliver":
                return self._deliver(errand, now)

    def _move_drawer(self, errand: Errand, now: Observation) -> str | None:
        state = next((d.opening for d in now.drawers if d.name == errand.target), None)
        if state is not None and (state >= 0.5) == (errand.kind == "open"):
            return None
        return self._free_hand(now) or f"{errand.kind} the {errand.target}"

    def _free_hand(self, now: Observation, back: str | None = None) -> str | None:
        """How to get rid of what is in the hand without throwing it away or handing it over; None if it is empty."""
        if now.robot.holding is None:
            return None
        if back in self._surfaces and now.robot.place != back:
            return f"go to the {back}"
        if now.robot.place not in self._surfaces or self._in_the_way(now.robot.place, now):
            return f"go to the {self._surfaces[0]}"
        return f"put down the {now.robot.holding}"

    def _deliver(self, errand: Errand, now: Observation) -> str | None:
        held = now.robot.holding
        if drawer := self._in_the_way(errand.to, now):
            return self._free_hand(now, back=errand.source) or f"close the {drawer}"
        if held in errand.what and held not in self._delivered:
            if now.robot.place == errand.to:
                return f"put down the {held}"
            return "bring it to you" if errand.to == "user" else f"go to the {errand.to}"
        there = {o.type for o in now.objects if o.place == errand.to and o.type in errand.what and not o.remembered}
        there |= set(self._delivered)
        if errand.count and len(there) >= errand.count:
            return None
        if errand.count == 0:
            assert errand.source is not None, "an errand for all objects says where they are"
            if errand.source not in now.looked_at:
                return f"go to the {errand.source}"
            if not any(o.type in errand.what and o.place == errand.source for o in now.objects):
                return None
        return self._grasp(errand, now, skip=there)

    def _in_the_way(self, place: str | None, now: Observation) -> str | None:
        """The uppermost drawer that stands open there: it keeps the hand from the top of its cabinet."""
        out = [d.name for d in now.drawers if d.opening is not None and d.opening >= 0.5]
        return next((name for name in out if self._cabinet[name] == place), None)

    def _grasp(self, errand: Errand, now: Observation, skip: AbstractSet[str] = frozenset()) -> str:
        free = self._free_hand(now)
        if free:
            return free
        here = [o for o in now.here() if self._wanted(o, errand, skip)]
        if here:
            drawer = self._in_the_way(now.robot.place, now)
            return f"close the {drawer}" if drawer else f"pick up the {_best(errand, here)}"
        return self._search(errand, now, skip)

    def _search(self, errand: Errand, now: Observation, skip: AbstractSet[str] = frozenset()) -> str:
        known = [o for o in now.objects if self._wanted(o, errand, skip)]
        seen = [o for o in known if not o.remembered]
        if known:
            return f"find the {_best(errand, seen or known)}"
        if errand.source and errand.source not in now.looked_at:
            return f"go to the {errand.source}"
        left = [kind for kind in errand.what if kind not in skip and kind not in self._unfindable]
        if left:
            return f"find the {left[0]}"
        # Everywhere has been looked at: asking for it once more would only search again.
        return REFUSE

    def _wanted(self, seen: SeenObject, errand: Errand, skip: AbstractSet[str]) -> bool:
        return (
            seen.type in errand.what
            and seen.type not in skip
            and seen.place is not None
            and (errand.source is None or seen.place == errand.source)
            and seen.place != errand.to
        )


def _best(errand: Errand, seen: Sequence[SeenObject]) -> str:
    return min(seen, key=lambda o: errand.what.index(o.type)).type
