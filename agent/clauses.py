"""A goal of several errands, said again as plain ones.

People list, leave the verb away, correct themselves, swap, hide, and make exceptions: "the red bull is for me, the 7up
goes on the table". Their words are taken apart into verbs, things and places; each errand that these make is put in
words that `agent/understanding.py` reads. Silent where a word that may count is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..sim.scene import Scene
from .pieces import TAKES, Unsure, clauses, pieces
from .understanding import read

_FETCHES = ("bring", "get", "grab")
"""Verbs after which a place may be where the thing lies."""


@dataclass
class _Errand:
    verb: str = ""
    things: list[str] = field(default_factory=list)
    to: str = ""
    source: str = ""
    spared: list[str] = field(default_factory=list)


def plainly(goal: str, scene: Scene) -> tuple[str, ...]:
    """The errands of a goal in plain words, in order; none: it is not sure of them."""
    if {"person", "bin"} - {place.kind for place in scene.places}:
        return ()
    try:
        said = [words for errand in _errands(goal, scene) for words in _said(errand, scene)]
    except Unsure:
        return ()
    plain_ones = [words for i, words in enumerate(said) if i == 0 or words != said[i - 1]]
    return tuple(plain_ones) if all(read(words, scene) for words in plain_ones) else ()


def _errands(goal: str, scene: Scene) -> list[_Errand]:
    folding = _Folding()
    for sentence in clauses(goal, scene):
        found = list(pieces(sentence, scene))
        for i, (kind, word) in enumerate(found):
            folding.take(kind, word, found[i + 1 :])
        folding.close()
    return folding.done


class _Folding:
    """Makes errands of pieces, from left to right."""

    def __init__(self):
        self.done: list[_Errand] = []
        self._now = _Errand()
        self._mentioned: _Errand | None = None
        self._which = False
        """Was the last piece 'which is', so that a place tells where a thing is?"""
        self._listing = False
        """Did a place come first, so that all things that follow go there?"""

    def close(self) -> None:
        """What is in hand is a whole errand, or nothing."""
        now, self._now, self._listing = self._now, _Errand(), False
        if now.verb == "is":
            self._mentioned = now
        elif now.verb == "spare":
            last = self.done[-1] if self.done else None
            if last and any(thing.startswith(("all ", "everything")) for thing in last.things):
                last.spared += now.things
        elif now.things or now.verb in ("go", "open", "close", "wipe", "clear"):
            self.done.append(now)
        elif now.verb or now.to or now.source or now.spared:
            raise Unsure

    def take(self, kind: str, word: str, rest: Sequence[tuple[str, str]]) -> None:
        """One more piece; `rest` are those that follow it."""
        now = self._now
        match kind:
            case "verb":
                self._verb(word, rest)
            case "thing":
                self._thing(word)
            case "spared":
                now.spared.append(word)
            case "it":
                self._it()
            case "then":
                self.close()
            case "comma" if word == ":" and now.things and now.to:  # what follows says which
                now.things, self._listing = [], True
            case "belongs" if word == "go" and not now.things:
                self._verb("go", rest)
            case "belongs" | "passive":
                if not now.things:
                    raise Unsure
                if now.verb or now.to:  # the last thing is the first of another errand
                    thing = now.things.pop()
                    self.close()
                    self._now = now = _Errand(things=[thing])
                now.verb = "put" if kind == "belongs" else "toss"
            case "me" if now.to and word.startswith("for "):
                pass  # "put it on the table for me"
            case "me":
                self._goes("user")
            case "beside":
                place = next((errand.to for errand in reversed(self.done) if errand.to), "")
                if not place:
                    raise Unsure
                self._goes(place)
            case "from":
                now.source = word
            case "to":
                self._goes(word)
            case "on":
                every = now.verb in _FETCHES and any(thing.startswith("all ") for thing in now.things)
                lies = self._which or now.verb in ("toss", "hold", "keep", "find", "swap", "clear", "is") or every
                if lies or (now.verb in _FETCHES and now.to == "user"):
                    now.source = word
                elif now.verb in ("get", "grab") or (now.verb == "bring" and now.to):
                    raise Unsure
                else:
                    self._goes(word)
            case "place":
                if now.verb == "clear" and not now.things:
                    now.source = word
                elif now.verb == "go":
                    self._goes(word)
                elif now.verb in ("stock", "open", "close", "wipe") and not now.to:
                    now.to = word
                elif now.things and not now.to and now.verb in ("", "put"):  # "chips, table"
                    self._goes(word)
                else:
                    raise Unsure
        self._which = kind == "which"

    def _verb(self, verb: str, rest: Sequence[tuple[str, str]]) -> None:
        now, then = self._now, rest[0][0] if rest else ""
        taken = now.verb in TAKES and now.things and not now.to
        if verb == "back" or (verb == "go" and taken and then == "me"):  # "get it and come back"
            if not taken:
                self.close()
                self._now.verb = "go"
            self._now.to = "user"
        elif taken and then == "it" and verb not in ("open", "close", "wipe"):
            now.verb = "hold" if verb == "keep" else verb
        elif now.things and not now.verb and not now.to:
            raise Unsure
        else:
            if now.verb == "go" and not now.to:  # "go and get"
                self._now = _Errand()
            self.close()
            self._now.verb = verb

    def _thing(self, word: str) -> None:
        now = self._now
        if now.things and now.to and now.verb != "swap" and not self._listing:
            verb = now.verb
            self.close()
            self._now = now = _Errand("" if verb == "spare" else verb)
        if word == "one":
            before = now.things or (self.done[-1].things if self.done else [])
            if not before:
                raise Unsure
            word = before[-1]
        now.things.append(word)

    def _it(self) -> None:
        now = self._now
        if now.verb in ("open", "close") and self.done:
            now.to = self.done[-1].source or self.done[-1].to  # taken out of it, or put into it
        elif not now.things and now.verb and self._mentioned:
            now.things, now.source = list(self._mentioned.things), self._mentioned.source
            self._mentioned = None
        elif now.verb == "keep" and self.done:
            self.done[-1].verb = "hold"
            self._now = _Errand()
        elif not now.things and self.done and now.verb:
            now.things = list(self.done[-1].things)
        elif not now.things or not now.verb:
            raise Unsure

    def _goes(self, place: str) -> None:
        now = self._now
        if now.verb == "go" or (not now.verb and not now.things and self.done and self.done[-1].verb == "go"):
            if now.to:
                self.close()
            self._now.verb, self._now.to = "go", place
        elif now.to and now.things and now.to != place and now.to != "user":
            now.source, now.to = now.to, place
        else:
            self._listing = not now.things and now.verb in ("", "bring", "put")
            now.to = place


def _said(errand: _Errand, scene: Scene) -> Iterator[str]:
    """An errand in plain words."""
    verb, to, source = errand.verb, errand.to, errand.source
    bins = [p.name for p in scene.places if p.kind == "bin"]
    surfaces = [p.name for p in scene.surfaces()]
    where = f" from the {source}" if source else ""
    match verb:
        case "go" if to and not errand.things:
            yield f"go to the {to}" if to != "user" else "come to me"
        case "open" | "close" if to in scene.drawer_names:
            yield f"{verb} the {to}"
        case "wipe" if to:
            yield f"wipe the {to}"
        case "swap" if len(errand.things) == 2 and source:
            away = next(name for name in surfaces if name not in (source, "user"))
            yield f"put {errand.things[0]} from the {source} on the {away}"
            yield f"put {errand.things[1]} on the {source}"
        case "clear":
            things = errand.things or ["everything"]
            if not source:
                raise Unsure
            for thing in things:
                yield delivery(_but(thing, errand), where, to or bins[0], scene)
        case "hold" | "keep" | "find":
            for thing in errand.things:
                yield f"{'find' if verb == 'find' else 'pick up'} {thing}{where}"
        case "hide":
            drawer = to or next(iter(scene.drawers)).name
            for thing in errand.things:
                yield delivery(thing, where, drawer, scene)
            if drawer in scene.drawer_names:
                yield f"close the {drawer}"
        case "toss":
            for thing in errand.things:
                yield f"throw away {_but(thing, errand)}{where}"
        case "bring" | "get" | "grab" | "put" | "stock" | "":
            goal = to or ("user" if verb in ("bring", "get") else "")
            if not goal or not errand.things:
                raise Unsure
            for thing in errand.things:
                yield delivery(_but(thing, errand), where, goal, scene)
        case _:
            raise Unsure


def _but(thing: str, errand: _Errand) -> str:
    return f"{thing} except {' and '.join(errand.spared)}" if errand.spared else thing


def delivery(thing: str, where: str, to: str, scene: Scene) -> str:
    """That a thing is to be brought to a place, in plain words; `where`: " from the …", or nothing."""
    if to == "user":
        return f"bring me {thing}{where}"
    if to in {p.name for p in scene.places if p.kind == "bin"}:
        return f"throw away {thing}{where}"
    return f"put {thing}{where} {'in' if to in scene.drawer_names and to not in scene.place_names else 'on'} the {to}"
