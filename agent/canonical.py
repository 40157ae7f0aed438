"""Errands in plain words: one sentence for each, always built the same way, which `understanding.read` reads back.

These are canonical utterances in the sense of semantic parsing (Berant and Liang 2014; Shin et al. 2021): a language
model says a goal again in them (`restating.py`), and what they mean is then known exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations

from ..sim.catalogue import CATALOGUE, KITCHEN
from ..sim.scene import Scene
from . import understanding
from .describing import FILLER, phrases
from .meaning import Meaning
from .spelling import mended, plain
from .teacher import Errand

REFUSAL = "that is not possible"
UNCLEAR = "that is not clear"
CATEGORIES = {
    "drink": ("a drink", "drinks"), "snack": ("a snack", "snacks"), "soda": ("a soda", "sodas"),
    "fruit": ("a fruit", "fruits"), "chips": ("a bag of chips", "bags of chips"), "can": ("a can", "cans"),
    "bottle": ("a bottle", "bottles"), "food": ("something to eat", "edible things"),
    "energy drink": ("an energy drink", "energy drinks"),
}  # fmt: skip
"""One and many of a category."""
_DIFFERENT = ("differ", "not the same", "sorts", "kinds", "varieties", "each other", "assorted")
_ONES = {one for one, _ in CATEGORIES.values()}
_EITHER = 3
"""Things named that may be told as "the one or the other"."""
_NUMBERS = {2: "two", 3: "three", 4: "four"}


def utterance(errand: Errand, scene: Scene, goal: str = "") -> str | None:
    """The errand in plain words; None: there are none that are read back as it.

    `goal`: what was said. A name that is not named there is not named here, and of several ways to describe things the
    one that shares most words with it is taken.
    """
    different = errand.kind == "deliver" and errand.count > 1 and any(word in goal.lower() for word in _DIFFERENT)
    said = _said(errand, goal, different)
    if said is None or errand.kind in ("refuse", "unclear"):
        return said
    count = errand.count if errand.kind == "deliver" else 1
    to = errand.to or errand.target
    wanted = Meaning(errand.kind, frozenset(errand.what), to, errand.source, count, different=different)
    return said if understanding.read(said, scene) == wanted else None


def told(meaning: Meaning, scene: Scene, goal: str = "") -> str:
    """What was read, in plain words that are read as it; "": there are none."""
    if meaning.kind == "release":
        called = None if len(meaning.things) == len(scene.types) else _called(meaning.things, goal, several=False)
        return f"put down {called[0]}" if called and not called[2] else "put it down"
    if meaning.beside:
        called = _called(meaning.things, goal, several=meaning.count > 1)
        said = f"put {called[0]} next to the {meaning.beside}" if called and not called[2] else ""
        return said if meaning.count == 1 and understanding.read(said, scene) == meaning else ""
    placed = meaning.kind in ("go", "open", "close", "wipe")
    errand = Errand(
        meaning.kind, tuple(sorted(meaning.things)), None if placed else meaning.to, meaning.source, meaning.count,
        target=meaning.to if placed else None,
    )  # fmt: skip
    said = _said(errand, goal, meaning.different)
    again = said and understanding.read(said, scene)
    return said if said and again and replace(again, around=meaning.around, more=meaning.more) == meaning else ""


def named(text: str) -> set[str]:
    """The types that a text calls by their names, however they are spelt."""
    words = " ".join(re.sub(r"[^\w'-]+", " ", plain(text)).split())
    words = f" {mended(words, _spelt(), FILLER)} "
    return {word for phrase, word in phrases().items() if word in CATALOGUE and f" {phrase} " in words}


@cache
def _spelt() -> frozenset[str]:
    return frozenset(word for phrase, known in phrases().items() if known in CATALOGUE for word in phrase.split())


def _said(errand: Errand, goal: str, different: bool) -> str | None:
    match errand.kind:
        case "refuse":
            return REFUSAL
        case "unclear":
            return UNCLEAR
        case "go":
            return f"go to the {errand.target}"
        case "open" | "close" | "wipe":
            return f"{errand.kind} the {errand.target}"
    called = _called(frozenset(errand.what), goal, several=errand.kind == "deliver" and errand.count != 1)
    if called is None:
        return None
    one, many, but = called
    if errand.kind == "deliver" and errand.count == 0:
        what = f"all the {many}" if many else "everything"
        what += f" except {but}" if but else ""
    elif errand.kind == "deliver" and errand.count > 1:
        if not many:
            return None
        what = f"{_NUMBERS[errand.count]} {'different ' if different else ''}{many}" + (f" except {but}" if but else "")
    else:
        what = f"{one} that is not {but}" if but else one
    what += f" from the {errand.source}" if errand.source else ""
    match errand.kind, errand.to:
        case "hold", _:
            return f"pick up {what}"
        case "find", _:
            return f"find {what}"
        case _, "user":
            return f"bring me {what}"
        case _, "trash can":
            return f"throw away {what}"
        case _, to:
            return f"put {what} {'in' if 'drawer' in str(to) else 'on'} the {to}"


def _called(things: frozenset[str], goal: str, *, several: bool) -> tuple[str, str, str] | None:
    """What things are called: one of them, many of them, and what is not meant though it is called the same.

    `several`: not one of them is meant, but a number or all.
    """
    known = named(goal)
    if len(things) == 1 and things & known:
        (name,) = things
        return f"the {name}", many(name), ""
    if not several and 1 < len(things) <= _EITHER and things <= known:
        return " or ".join(f"the {name}" for name in sorted(things)), "", ""
    ways = [way for way in _ways().get(things, []) if not (several and " or " in way[0])]
    fitting = [way for way in ways if named(f"{way[0]} {way[2]}") <= known] or ways
    words = _stems(goal)
    return max(fitting, key=lambda way: _likeness(way, words), default=None)


def _likeness(way: tuple[str, str, str], words: set[str]) -> int:
    """How many words of a goal a way to call things has; what it says beyond them counts against it, and so does
    leaving something out, or either of two."""
    more = bool(way[2]) + (" or " in way[0])
    return len(_stems(way[0]) & words) - len(_stems(f"{way[0]} {way[2]}") - words) - more


def many(name: str) -> str:
    """Several things of one name."""
    first, of, rest = name.partition(" of ")
    return f"{first if first.endswith('s') else first + 's'}{of}{rest}"


def _stems(text: str) -> set[str]:
    return {word.rstrip("s")[:5] for word in re.findall(r"[a-z0-9]{3,}", text.lower())} - {
        "the",
        "that",
        "somet",
        "and",
        "bag",
    }


@cache
def _ways() -> dict[frozenset[str], list[tuple[str, str, str]]]:
    """The ways to call things, those of fewest words first."""
    found: dict[frozenset[str], list[tuple[str, str, str]]] = {frozenset(KITCHEN): [("something", "", "")]}
    without = list(_without())
    for size in range(3):
        for one, many, kinds in _kinds():
            for parts, but, out in without:
                left = frozenset(kinds - out)
                if parts == size and left and (not but or len(kinds) - len(left) >= parts):
                    found.setdefault(left, []).append((one, many, but))
    simple = [(one, kinds) for one, _, kinds in _kinds() if len(one.split()) < 3 or one in _ONES]
    simple += [(f"the {name}", {name}) for name in KITCHEN]
    for (a, these), (b, those) in combinations(simple, 2):
        if not (these <= those or those <= these):
            found.setdefault(frozenset(these | those), []).append((f"{a} or {b}", "", ""))
    return found


def _kinds() -> Iterator[tuple[str, str, set[str]]]:
    """What may be asked for: one, many, and the types."""
    properties = list(dict.fromkeys(word for kind in KITCHEN.values() for word in kind.properties))
    for word, (one, many) in CATEGORIES.items():
        yield one, many, {name for name, kind in KITCHEN.items() if kind.is_a(word)}
    for word in properties:
        yield f"something {word}", f"{word} things", {name for name, kind in KITCHEN.items() if kind.is_a(word)}
    yield "something", "", set(KITCHEN)
    for word, (one, many) in CATEGORIES.items():
        for prop in properties:
            article, rest = ("an" if prop[0] in "aeiou" else "a"), one.split(" ", 1)[1]
            kinds = {name for name, kind in KITCHEN.items() if kind.is_a(word) and kind.is_a(prop)}
            yield f"something {prop} {rest}" if word == "food" else f"{article} {prop} {rest}", f"{prop} {many}", kinds


def _without() -> Iterator[tuple[int, str, set[str]]]:
    """What may be left out: in how many parts, in words, and the types."""
    yield 0, "", set()
    for name in KITCHEN:
        yield 1, f"the {name}", {name}
    for word, (one, _) in CATEGORIES.items():
        yield 1, one, {name for name, kind in KITCHEN.items() if kind.is_a(word)}
    for prop in dict.fromkeys(word for kind in KITCHEN.values() for word in kind.properties):
        yield 1, prop, {name for name, kind in KITCHEN.items() if kind.is_a(prop)}
    for a, b in combinations(KITCHEN, 2):
        yield 2, f"the {a} and the {b}", {a, b}
