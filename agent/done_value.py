"""The value of `done`: does the goal look reached from here?

    (goal text, what is seen, what was done for it) ──► P(a person who asked for this would call it finished)

It is learned like the other values, from finished and unfinished episodes (`done_training.py`), from features that
anybody could tell from the words: which of the catalogue's things, places and drawers they name, whether they ask to
bring, put, throw away, hold, find, go, open, close, clear or wipe, and how what they name now stands. What words mean
beyond the catalogue ("something for my thirst") is the language model's to know; there the value goes by what was done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..sim.catalogue import CATALOGUE, WORDS, canonical
from ..sim.observation import Observation
from ..sim.scene import Scene
from ..skills.skill import Skill
from ..skills.value import Learned, ValueFunction
from .prompts import Turn

WEIGHTS = Path(__file__).parent / "weights" / "done.safetensors"
VERSION = "done-2"
FAMILY = "done"

_ASKS = {
    "bring": r"bring|fetch|get|grab|give|hand|pass|deliver|carry|send|serve|have|want|need|like",
    "put": r"put|place|move|set|leave|drop|lay|restock|return|bring|take",
    "throw": r"throw|toss|discard|trash|bin|rid|dispose|rubbish|garbage|waste",
    "hold": r"pick|hold|lift|grasp|take|grab",
    "find": r"find|locate|look|search|where|spot",
    "go": r"go|drive|head|come|walk|visit|stand|move|roll|tour|round",
    "open": r"open|pull",
    "close": r"close|shut|push",
    "clear": r"clear|empty|tidy|remove|free",
    "wipe": r"wipe|scrub|wash|polish|sponge",
}  # fmt: skip
_ASK = {name: re.compile(rf"\b(?:{words})\b", re.I) for name, words in _ASKS.items()}
_POLITE = re.compile(r"\b(?:can|could|would|may) (?:you|u|i|we)\b", re.I)
_NOT = re.compile(r"\b(?:no|not|dont|don't|doesn't|without|except|but|other than|instead of)\b[^,.;]{0,14}$", re.I)
_CUT = re.compile(r"(?<=[.!?;,])\s+")
_ME = re.compile(r"\b(?:me|my|i|us|here|user|person)\b", re.I)
_FROM = re.compile(r"\b(?:from|off|out of|that is on|standing on|at)\s+(?:the\s+)?$", re.I)
_NUMBERS = {"two": 2, "2": 2, "three": 3, "3": 3, "four": 4, "4": 4, "both": 2}
_ALL = re.compile(r"\b(?:all|every|everything|any)\b", re.I)
_MOVES = ("go to", "find", "pick up", "put the", "put down", "bring", "open", "close", "wipe")

NAMES = (
    *(f"asks to {name}" for name in _ASKS), "says me", "says all", "number named", "things named (of 3)",
    "kinds that fit the first (of 10)", "places named (of 3)", "drawers named (of 2)", "destination known",
    "destination is the person", "destination is a bin", "source named",
    "hand empty", "holding what is named", "holding something else",
    "named here", "named seen", "named at the destination", "as many as named at the destination", "named at source",
    "a spill at a place named", "a place named looked at", "anything at a place named",
    "every named thing at the destination", "robot at the destination", "robot at a place named",
    "robot at the last place named", "places named visited", "drawer named open", "drawer named shut",
    "drawer named seen",
    "skills done (of 10)", "skills failed (of 10)", "last failed",
    *(f"last: {name}" for name in _MOVES), *(f"before last: {name}" for name in _MOVES),
    "last moved what is named", "put down what is named", "put down what is named at the destination",
    "put down at all (of 3)", "put down, things named (of 3)", "put down at the person",
)  # fmt: skip


@dataclass(frozen=True)
class Words:
    """What the words of a goal name, in order."""

    things: tuple[frozenset[str], ...]
    """For each thing named, the object types that it can be."""
    places: tuple[str, ...]
    source: str | None
    drawers: tuple[str, ...]
    to: str | None
    """The place or drawer that things are to come to."""
    count: int
    all: bool
    me: bool
    asks: tuple[bool, ...]


@lru_cache(maxsize=256)
def read(goal: str, scene: Scene) -> Words:
    """What a goal names, of the catalogue and of the scene's map, where it asks for something and not beside that."""
    whole = " ".join(_POLITE.sub(" ", goal.lower()).split())
    asking = [clause for clause in _CUT.split(whole) if any(ask.search(clause) for ask in _ASK.values())]
    text = " ".join(asking) or whole
    places, source, drawers, last = [], None, [], None
    spans: list[tuple[int, int]] = []
    for found in _names({**scene.place_names, **scene.drawer_names}).finditer(text):
        word = found.group(1)
        if word in ("you", "me"):
            continue
        spans.append(found.span())
        if word in scene.drawer_names and not (word in scene.place_names and "drawer" not in word):
            drawers.append(scene.drawer_names[word])
            continue
        place = scene.place_names[word]
        places.append(place)
        if _FROM.search(text[: found.start()]):
            source = place
        else:
            last = place
    rest = "".join(" " if any(a <= i < b for a, b in spans) else c for i, c in enumerate(text))
    things = []
    for found in _names(_things()).finditer(rest):
        if _NOT.search(rest[: found.start()]):
            continue
        kinds = frozenset(k for k in scene.types if CATALOGUE[k].is_a(_things()[found.group(1)]))
        if kinds and kinds not in things:
            things.append(kinds)
    asks = tuple(bool(pattern.search(text)) for pattern in _ASK.values())
    asked = dict(zip(_ASKS, asks, strict=True))
    me = bool(_ME.search(text))
    bins = [p.name for p in scene.places if p.kind == "bin"]
    to = last or (drawers[-1] if drawers and things and asked["put"] else None)
    if to is None and asked["throw"] and bins:
        to = bins[0]
    if to is None and "user" in scene.place_names and (asked["bring"] or me):
        to = scene.place_names["user"]
    count = next((n for word, n in _NUMBERS.items() if re.search(rf"\b{word}\b", text)), 1)
    return Words(tuple(things), tuple(places), source, tuple(drawers), to, count, bool(_ALL.search(text)), me, asks)


def features(goal: str, now: Observation, turns: Sequence[Turn], scene: Scene) -> NDArray[np.float32]:
    """(1 + len(NAMES),) float32; the first column is the family's, always 1."""
    words = read(goal, scene)
    named = frozenset().union(*words.things) if words.things else frozenset()
    seen = [o for o in now.objects if not o.remembered]
    here = now.robot.place
    held = now.robot.holding
    there = [o.type for o in seen if o.place == words.to and words.to is not None]
    fits = [kind for kind in there if kind in named]
    delivered = {m for m, at in _put_down(turns) if m in named and at == words.to}
    gone_there = {*fits, *delivered}
    bins = {p.name for p in scene.places if p.kind == "bin"}
    openings = {d.name: d.opening for d in now.drawers}
    opening = openings.get(words.drawers[-1]) if words.drawers else None
    done = [t for t in turns if not t.failed]
    moves = [_move(t.phrase) for t in turns[-2:]]
    last_thing = _thing(turns[-1].phrase) if turns else None
    put = _put_down(turns)
    row = [
        1.0, *words.asks, words.me, words.all, words.count, min(len(words.things), 3) / 3,
        min(len(words.things[0]), 10) / 10 if words.things else 0.0, min(len(words.places), 3) / 3,
        min(len(words.drawers), 2) / 2, words.to is not None, words.to == "user", words.to in bins,
        words.source is not None,
        held is None, held in named, held is not None and held not in named,
        any(o.type in named for o in now.here()), any(o.type in named for o in seen), bool(fits),
        len(gone_there) >= words.count and bool(gone_there),
        any(o.type in named and o.place == words.source for o in seen) if words.source else 0.0,
        any(spill.place in words.places for spill in now.spills), any(p in now.looked_at for p in words.places),
        any(o.place in words.places for o in seen),
        bool(words.things) and all(gone_there & kinds for kinds in words.things),
        here is not None and here == words.to, here in words.places, bool(words.places) and here == words.places[-1],
        bool(words.places) and set(words.places) <= {*now.visited},
        opening is not None and opening >= 0.5, opening is not None and opening <= 0.1, opening is not None,
                min(len(done), 10) / 10, min(len(turns) - len(done), 10) / 10, bool(turns) and turns[-1].failed,
        *_one_hot(moves[-1] if moves else -1), *_one_hot(moves[-2] if len(moves) > 1 else -1),
        last_thing in named, any(m in named for m, _ in put), bool(delivered), min(len(put), 3) / 3,
        min(len({m for m, _ in put if m in named}), 3) / 3, any(at == "user" for _, at in put),
    ]  # fmt: skip
    return np.array(row, dtype=np.float32)


class DoneValue:
    """P(finished) of a goal, by a small ensemble, calibrated."""

    def __init__(self, learned: Learned, scene: Scene):
        self._learned, self._scene = learned, scene

    @classmethod
    def load(cls, scene: Scene, path: Path | None = None) -> DoneValue:
        """From a safetensors file; None: the one that ships. Raises `BadWeights`, saying what is wrong with it."""
        return cls(Learned.load(path or WEIGHTS, VERSION, NAMES), scene)

    def __call__(self, goal: str, now: Observation, turns: Sequence[Turn]) -> float:
        """In (0, 1). `turns` are what was done for this goal."""
        row = torch.from_numpy(features(goal, now, turns, self._scene)[None])
        return float(self._learned.probabilities(row, np.zeros(1, dtype=np.intp))[0])


class GoalValues:
    """The values of all skills, `done` by the goal's own words."""

    def __init__(self, values: ValueFunction, done: DoneValue):
        self._values, self._done = values, done

    def __call__(self, observation: Observation, skills: Sequence[Skill]) -> NDArray[np.float64]:
        """(n,) in [0, 1]; `done` as declared, for no goal is known."""
        return self._values(observation, skills)

    def towards(
        self, goal: str, observation: Observation, turns: Sequence[Turn], skills: Sequence[Skill]
    ) -> NDArray[np.float64]:
        """(n,) in [0, 1], while `goal` is pursued."""
        can = self._values(observation, skills)
        value = self._done(goal, observation, turns)
        return np.array([value if s.family == FAMILY else v for s, v in zip(skills, can, strict=True)])


@lru_cache(maxsize=1)
def _things() -> dict[str, str]:
    """Every word for things, to the catalogue's own; plurals too."""
    words = {word: word for word in WORDS}
    words |= {alias: kind.name for kind in CATALOGUE.values() for alias in kind.synonyms}
    for word in list(words):
        words.setdefault(f"{word}s", words[word])
    return {word: canonical(name) for word, name in words.items()}


@lru_cache(maxsize=32)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<!\w)({longest_first})(?!\w)")


def _names(words) -> re.Pattern[str]:
    return _pattern(tuple(words))


def _move(phrase: str) -> int:
    return next((i for i, name in enumerate(_MOVES) if phrase.startswith(name)), -1)


def _thing(phrase: str) -> str | None:
    """The thing that a phrase is about: 'put the apple in the top drawer' -> 'apple'."""
    found = _names(CATALOGUE).search(phrase)
    return found.group(1) if found else None


def _put_down(turns: Sequence[Turn]) -> list[tuple[str, str | None]]:
    """(thing, place) of all that was put down, or put somewhere, for the goal."""
    return [
        (_thing(t.phrase) or "", t.observation.robot.place)
        for t in turns
        if not t.failed and _move(t.phrase) in (_MOVES.index("put the"), _MOVES.index("put down"))
    ]


def _one_hot(which: int) -> list[float]:
    return [float(i == which) for i in range(len(_MOVES))]
