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

from ..sim.catalogue import CATALOGUE
from ..sim.observation import Observation, SeenObject
from ..sim.scene import Scene

Kind = Literal["deliver", "hold", "find", "go", "open", "close", "wipe", "refuse", "unclear"]

DONE = "done"
REFUSE = "say that it is not possible"


@dataclass(frozen=True)
class Errand:
    """One thing to get done.

    `what` are the object types that will do, best first (for wipe: what to wipe with); `to` a place, a drawer or
    what to lay it on; `source` the place or drawer that they must come from; `count` how many different objects (0:
    all of them at `source`); `target` a place or drawer for go, open, close and wipe. What is unclear nobody can do
    before it was asked what is meant.
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
        self._height = {d.name: d.height for d in scene.drawers}
        self._delivered: list[str] = []
        self._given: set[str] = set()
        self._to_stay_open: list[str] = []
        self._opened: list[str] = []
        self._stuck: set[str] = set()
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
        if now.robot.holding is not None:
            return DONE
        shut = [name for name in self._to_stay_open if opening[name] < 0.5]
        if shut:
            return f"open the {shut[0]}"
        # What was opened to get something out or in is closed, if the hand is free.
        left = [name for name in self._opened if name not in self._to_stay_open and opening[name] >= 0.5]
        return f"close the {left[0]}" if left else DONE

    def _finish(self, errand: Errand) -> None:
        self._given.update(self._delivered)  # One thing is not the answer to two errands.
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
        if verb in ("open", "close") and failed:
            self._stuck.add(thing)
        if failed or wanted is None:
            return
        if verb == "open" and wanted.kind == "deliver" and thing not in self._opened:
            self._opened.append(thing)
        if verb == "put down" and thing in wanted.what and wanted.to == now.robot.place:
            self._delivered.append(thing)
        if verb == "put" and phrase in {_put_in(kind, wanted.to) for kind in wanted.what}:
            self._delivered.append(thing.partition(" in the ")[0])

    def _pursue(self, errand: Errand, now: Observation) -> str | None:
        """The next phrase of an errand; None when it is reached."""
        match errand.kind:
            case "refuse":
                return REFUSE
            case "unclear":
                raise ValueError("Expected an errand that is clear, got one that is to be asked about.")
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
            case "wipe":
                return self._wipe(errand, now)
            case "deliver":
                return self._deliver(errand, now)

    def _move_drawer(self, errand: Errand, now: Observation) -> str | None:
        state = next((d.opening for d in now.drawers if d.name == errand.target), None)
        if state is not None and (state >= 0.5) == (errand.kind == "open"):
            return None
        if free := self._free_hand(now):
            return free
        drawer = errand.target or ""
        return self._open(drawer, now) if errand.kind == "open" else self._look(drawer, now) or f"close the {drawer}"

    def _look(self, drawer: str, now: Observation) -> str | None:
        """Look at what can't be moved, and why."""
        unseen = drawer in self._stuck and self._cabinet[drawer] not in now.looked_at
        return f"go to the {self._cabinet[drawer]}" if unseen else None

    def _open(self, drawer: str, now: Observation) -> str:
        """Open a drawer with an empty hand; one above it that stands open keeps the hand from it."""
        cabinet = self._cabinet[drawer]
        above = [name for name, height in self._height.items() if height > self._height[drawer]]
        out = {d.name for d in now.drawers if d.opening is not None and d.opening >= 0.5}
        if over := [name for name in above if name in out and self._cabinet[name] == cabinet]:
            return f"close the {over[0]}"
        return (
            f"go to the {cabinet}" if drawer in self._stuck and cabinet not in now.looked_at else f"open the {drawer}"
        )

    def _wipe(self, errand: Errand, now: Observation) -> str | None:
        dirty = any(spill.place == errand.target for spill in now.spills)
        if not dirty and errand.target in now.looked_at:
            return None
        if now.robot.holding not in errand.what:
            return self._grasp(errand, now)
        return f"wipe the {errand.target}" if now.robot.place == errand.target else f"go to the {errand.target}"

    def _shut(self, drawer: str | None, now: Observation) -> bool:
        """Is this a drawer, and not seen to be open?"""
        return drawer in self._cabinet and not any(d.name == drawer and (d.opening or 0) >= 0.5 for d in now.drawers)

    def _free_hand(self, now: Observation, back: str | None = None, but: str | None = None) -> str | None:
        """How to get rid of what is in the hand without throwing it away or handing it over; None if it is empty.

        `back`: where it best goes; `but`: where it must not.
        """
        if now.robot.holding is None:
            return None
        if back in self._surfaces and now.robot.place != back:
            return f"go to the {back}"
        place = now.robot.place
        if place not in self._surfaces or place == but or self._in_the_way(place, now):
            return f"go to the {self._surfaces[0]}"
        return f"put down the {now.robot.holding}"

    def _deliver(self, errand: Errand, now: Observation) -> str | None:
        if errand.to in CATALOGUE:
            return _lay(errand.what[0], errand.to, now)
        held = now.robot.holding
        if drawer := self._in_the_way(errand.to, now):
            return self._free_hand(now, back=errand.source) or f"close the {drawer}"
        if held in errand.what and held not in self._delivered:
            if errand.to in self._cabinet:
                cabinet = self._cabinet[errand.to]
                if self._shut(errand.to, now):  # It takes an empty hand to open it, and room before the cabinet's top.
                    return self._free_hand(now, but=cabinet)
                return _put_in(held, errand.to) if now.robot.place == cabinet else f"go to the {cabinet}"
            if now.robot.place == errand.to:
                return f"put down the {held}"
            return "bring it to you" if errand.to == "user" else f"go to the {errand.to}"
        there = {o.type for o in now.objects if o.place == errand.to and o.type in errand.what and not o.remembered}
        there = (there - self._given) | set(self._delivered)
        if errand.count and len(there) >= errand.count:
            return None
        if errand.count == 0:
            assert errand.source is not None, "an errand for all objects says where they are"
            if errand.source not in now.looked_at:
                return f"go to the {errand.source}"
            if not any(o.type in errand.what and o.place == errand.source for o in now.objects):
                return None
        known = {o.place for o in self._known(errand, now, there | self._given) if not o.remembered}
        if self._shut(errand.to, now) and known != {self._cabinet[errand.to or ""]}:
            return self._free_hand(now) or self._open(errand.to or "", now)
        return self._grasp(errand, now, skip=there | self._given)

    def _in_the_way(self, place: str | None, now: Observation) -> str | None:
        """The uppermost drawer that stands open there: it keeps the hand from the top of its cabinet."""
        out = [d.name for d in now.drawers if d.opening is not None and d.opening >= 0.5]
        return next((name for name in out if self._cabinet[name] == place), None)

    def _grasp(self, errand: Errand, now: Observation, skip: AbstractSet[str] = frozenset()) -> str:
        free = self._free_hand(now)
        if free:
            return free
        if errand.source in self._cabinet and self._shut(errand.source, now):
            return self._open(errand.source or "", now)
        inside = [o for o in now.objects if o.place in self._cabinet and not self._shut(o.place, now)]
        inside = [o for o in inside if self._cabinet[o.place or ""] == now.robot.place and not o.remembered]
        if found := [o for o in inside if self._wanted(o, errand, skip)]:
            return f"pick up the {_best(errand, found)}"
        known = self._known(errand, now, skip)
        here = [o for o in now.here() if o in known]
        if here:
            drawer = self._in_the_way(now.robot.place, now)
            return f"close the {drawer}" if drawer else f"pick up the {_best(errand, here)}"
        return self._search(errand, now, skip)

    def _search(self, errand: Errand, now: Observation, skip: AbstractSet[str] = frozenset()) -> str:
        known = self._known(errand, now, skip)
        seen = [o for o in known if not o.remembered]
        if known:
            return f"find the {_best(errand, seen or known)}"
        if errand.source and errand.source not in {*now.looked_at, *self._cabinet}:
            return f"go to the {errand.source}"
        left = [kind for kind in errand.what if kind not in skip and kind not in self._unfindable]
        if left:
            return f"find the {left[0]}"
        # Everywhere has been looked at: asking for it once more would only search again.
        return REFUSE

    def _known(self, errand: Errand, now: Observation, skip: AbstractSet[str]) -> list[SeenObject]:
        """Where something is that will do; for a drawer rather not from above it, which needs it shut."""
        known = [o for o in now.objects if self._wanted(o, errand, skip)]
        above = self._cabinet.get(errand.to or "")
        return [o for o in known if o.place != above] or known

    def _wanted(self, seen: SeenObject, errand: Errand, skip: AbstractSet[str]) -> bool:
        return (
            seen.type in errand.what
            and seen.type not in skip
            and seen.place is not None
            and (errand.source is None or seen.place == errand.source)
            and seen.place != errand.to
        )


def _lay(thing: str, on: str, now: Observation) -> str | None:
    """The skill that lays a thing on or in another; None: there it lies."""
    lies = any(o.type == thing and o.place == on for o in now.objects)
    return None if lies else f"put the {thing} {'in' if CATALOGUE[on].holds else 'on'} the {on}"


def _put_in(thing: str, drawer: str | None) -> str:
    return f"put the {thing} in the {drawer}"


def _best(errand: Errand, seen: Sequence[SeenObject]) -> str:
    return min(seen, key=lambda o: errand.what.index(o.type)).type
