"""Instructions in many people's ways of speaking: whole sentences with slots, each with the errands it stands for.

`spoken_frames.yaml` is written in our own words; its head says how. Like all frames, they are divided into a training
and a development part by the frame itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import yaml

from ..sim.catalogue import KITCHEN
from ..sim.scene import Scene
from ..sim.task import Setup
from .canonical import CATEGORIES, many
from .frames import fits, in_a_persons_hand, name_of, part_of, pick
from .slots import PLURALS, Instruction, Slots
from .teacher import Errand, Kind

_THINGS = ("x", "y", "z", "u", "v", "n", "m")
_KINDS = ("sodas", "drinks", "snacks", "fruits", "cans", "bottles", "bags of chips")
"""What many of a kind are called."""
_ERRAND = re.compile(
    r"(?P<verb>hold|find|go|open|close|wipe) (?P<target>[^@]+?)(?: @ (?P<near>.+))?|(?P<none>refuse|unclear)"
    r"|(?:(?P<count>\d|all) )?(?P<thing>\[.*?\]|\w+)(?: @ (?P<source>[^>]+?))? > (?P<to>.+)"
)
_NOT_FOLLOWED = re.compile(r"unclear$|all [^@]+>|all .+@ (?:w|\w+ drawer) >")
"""Errands that a teacher does not know how to do."""
_BRACKET = re.compile(r"\[(.*?)\]")
_ARTICLE = re.compile(r"\b([Aa])n? \{(\w+)\}")
_MOST = 8
"""Objects in a room."""


@cache
def spoken_frames() -> list[dict[str, Any]]:
    return yaml.safe_load((Path(__file__).parent / "spoken_frames.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class _Filled:
    """What the slots of one sentence are filled with: what is said there, and the kinds or the place it stands for."""

    words: Mapping[str, str]
    kinds: Mapping[str, tuple[str, ...]]
    places: Mapping[str, str]

    def place(self, slot: str | None) -> str | None:
        """The place that a slot or a name stands for."""
        return self.places.get(slot, slot) if slot else None


class SpokenGrammar:
    """Draws instructions for a kitchen. `part` chooses the training or the development frames.

    `whole`: all of them, not those alone that a `Teacher` can follow (nothing to ask back, and not all of a kind
    wherever it is or from a drawer).
    """

    def __init__(
        self,
        scene: Scene,
        part: str = "train",
        frames: Sequence[dict[str, Any]] | None = None,
        *,
        whole: bool = False,
    ):
        self._slots = Slots(scene, part)
        known = part_of(spoken_frames(), part) if frames is None else frames
        self._frames = [frame for frame in known if whole or not any(map(_NOT_FOLLOWED.match, frame["do"]))]
        self._drawers = [d.name for d in scene.drawers]

    def draw(self, rng: np.random.Generator) -> Instruction:
        """One instruction with its start state."""
        return self.fill(pick(rng, self._frames), rng)

    def fill(self, frame: Mapping[str, Any], rng: np.random.Generator) -> Instruction:
        """The frame with its slots filled. Raises ValueError for errands that can't be read."""
        filled = self._filled(frame["do"], rng)
        errands = tuple(self._errand(text, filled, rng) for text in frame["do"])
        text = _ARTICLE.sub(lambda found: _with_article(found, filled.words), frame["words"]).format(**filled.words)
        setup = self._setup(frame, errands, filled, rng)
        return Instruction(in_a_persons_hand(text, (), rng), errands, setup, frame["words"])

    def _filled(self, errands: Sequence[str], rng: np.random.Generator) -> _Filled:
        # A kind that as many things are of as are asked for, and as are left out of it.
        fewest = max(
            len(re.findall(r"-[a-z]\b", errand)) + int((re.match(r"\d", errand) or "1")[0]) for errand in errands
        )
        of_kind = {plural: [n for n in KITCHEN if fits(n, PLURALS[plural])] for plural in _KINDS}
        k = pick(rng, [plural for plural, found in of_kind.items() if len(found) >= fewest])
        others = [plural for plural, found in of_kind.items() if not {*found} & {*of_kind[k]}]
        j = pick(rng, [plural for plural in others if len(of_kind[plural]) >= fewest] or others)
        kinds = {"k": _shuffled(rng, of_kind[k]), "j": _shuffled(rng, of_kind[j])}
        # What is left out of a kind is one of that kind; what else is named is none of it, nor what to wipe with.
        named = {word for errand in errands for word in re.findall(r"\w+", errand)}
        apart = {kind for slot in named & {"k", "j"} for kind in kinds[slot]}
        apart |= {"sponge"} if "wipe" in named else set()
        for slot in _THINGS[::-1]:
            free = _shuffled(rng, [kind for kind in KITCHEN if (kind,) not in kinds.values()])
            wanted = _left_out(slot, errands, kinds) or {*KITCHEN} - apart
            kinds[slot] = (next((kind for kind in free if kind in wanted), free[0]),)
        words = {slot: name_of(kinds[slot][0], rng, "the").removeprefix("the ") for slot in _THINGS}
        words |= {f"{slot}s": many(words[slot]) for slot in _THINGS}
        words |= {"k": k, "j": j, "kind": CATEGORIES[PLURALS[k]][0].partition(" ")[2]}
        for slot in "de":
            one_is_left_out = any(f"[{slot},-" in errand for errand in errands)
            while len(kinds.get(slot, ())) < 1 + one_is_left_out:
                words[slot], kinds[slot] = self._slots.described_thing(rng)
        # Places that the sentence says itself come last, and where from is another place than where to.
        said = {place for place in self._slots.surfaces if any(place in errand for errand in errands)}
        surfaces = sorted(_shuffled(rng, self._slots.surfaces), key=lambda place: place in said)
        tables = [place for place in (*surfaces[2:], *surfaces[1::-1]) if place != "cabinet"]
        tables.sort(key=lambda place: place in said)
        places = {"p": surfaces[0], "q": surfaces[1], "s": tables[0], "t": tables[1], "w": pick(rng, self._drawers)}
        return _Filled(words | {slot: self._said(place, rng) for slot, place in places.items()}, kinds, places)

    def _said(self, place: str, rng: np.random.Generator) -> str:
        return pick(rng, self._slots.places[place]) if place in self._slots.places else place

    def _errand(self, text: str, filled: _Filled, rng: np.random.Generator) -> Errand:
        found = _ERRAND.fullmatch(text)
        if not found:
            raise ValueError(f"Expected an errand such as 'x > user', 'all k @ s > p' or 'open w', got {text!r}.")
        if found["none"]:
            return Errand(cast(Kind, found["none"]))
        verb = cast(Kind | None, found["verb"])
        if verb in ("hold", "find"):
            return Errand(verb, _kinds(found["target"], filled, rng), source=filled.place(found["near"]))
        if verb:
            return Errand(verb, ("sponge",) if verb == "wipe" else (), target=filled.place(found["target"]))
        count = {"all": 0, None: 1}[found["count"]] if found["count"] in ("all", None) else int(found["count"])
        what, source = _kinds(found["thing"], filled, rng), filled.place(found["source"])
        return Errand("deliver", what, filled.place(found["to"]), source, count)

    def _setup(
        self, frame: Mapping[str, Any], errands: Sequence[Errand], filled: _Filled, rng: np.random.Generator
    ) -> Setup:
        """A start state in which the errands can mostly be done."""
        surfaces = self._slots.surfaces
        held = filled.kinds[frame["hand"]][0] if "hand" in frame else None
        objects: list[tuple[str, str]] = []
        claimed: set[str] = {held} if held else set()
        for errand in errands:
            missing = errand.count if errand.count else int(rng.integers(1, 4))
            if errand.count and rng.random() < (0.12 if len(errands) == 1 else 0.03):
                missing -= 1  # It can't be done, or not wholly.
            elsewhere = [p for p in surfaces if p not in (errand.source, errand.to)]
            kinds = [kind for kind in errand.what if kind not in claimed]
            for kind in (kinds * missing if len(errand.what) == 1 else kinds)[:missing]:
                claimed.add(kind)
                objects.append((kind, errand.source or pick(rng, [p for p in surfaces if p != errand.to])))
            if errand.source and len(errand.what) == 1 and rng.random() < 0.5:
                objects.append((errand.what[0], pick(rng, elsewhere)))  # One more of it, which is not meant.
        cleared = {errand.source for errand in errands if errand.count == 0}
        wanted = {kind for errand in errands for kind in errand.what if len(errand.what) == 1} | {held}
        mentioned = [filled.kinds[slot][0] for slot in "nm" if f"{{{slot}}}" in frame["words"]]
        spare = [kind for kind in mentioned if rng.random() < 0.85]
        spare += [str(kind) for kind in rng.permutation(list(KITCHEN))[: int(rng.integers(2, 5))]]
        for kind in spare:
            if kind in wanted or kind in {k for k, _ in objects} or len(objects) >= _MOST:
                continue
            meant = any(kind in errand.what for errand in errands if errand.count == 0)
            left_there = kind in mentioned and cleared and not meant
            free = [p for p in surfaces if p not in cleared] if meant else surfaces
            objects.append((kind, str(next(iter(cleared))) if left_there else pick(rng, free)))
        places = [p.name for p in self._slots.scene.places]
        at = frame.get("at") or ("user" if rng.random() < 0.5 else pick(rng, places))
        spills = tuple(str(errand.target) for errand in errands if errand.kind == "wipe")
        if spills and "sponge" not in {kind for kind, _ in objects}:
            objects.append(("sponge", pick(rng, surfaces)))
        closing = {errand.target for errand in errands if errand.kind == "close"}
        drawers = tuple(d for d in self._drawers if rng.random() < (0.8 if d in closing else 0.1))
        return Setup(tuple(objects), filled.place(at) or at, held, drawers, spills=spills)


def _left_out(slot: str, errands: Sequence[str], kinds: Mapping[str, tuple[str, ...]]) -> set[str]:
    """The kinds that a slot which some errand leaves out ('[drink,-n]') is best drawn from."""
    for errand in errands:
        words = [word.strip() for found in _BRACKET.findall(errand) for word in found.split(",")]
        if f"-{slot}" in words:
            wanted = [word for word in words if not word.startswith("-")]
            return {kind for kind in KITCHEN if all(kind in kinds[w] if w in kinds else fits(kind, w) for w in wanted)}
    return set()


def _kinds(thing: str, filled: _Filled, rng: np.random.Generator) -> tuple[str, ...]:
    """The kinds that a slot or a bracket of words stands for, in a random order of preference."""
    if not thing.startswith("["):
        return filled.kinds[thing]
    wanted: list[str] = []
    for either in thing[1:-1].split("|"):
        found = [kind for kind in KITCHEN if all(_is(kind, word.strip(), filled.kinds) for word in either.split(","))]
        wanted += [kind for kind in found if kind not in wanted]
    if not wanted:
        raise ValueError(f"Expected words of the catalogue that something fits, got {thing!r}.")
    return _shuffled(rng, wanted)


def _is(kind: str, word: str, kinds: Mapping[str, tuple[str, ...]]) -> bool:
    """Does a word of a bracket hold of a kind? It is a slot, a word of the catalogue, or "any"; "-" for not."""
    slot = word.removeprefix("-")
    if slot in kinds:
        return (kind in kinds[slot]) != word.startswith("-")
    return word == "any" or fits(kind, word)


def _shuffled(rng: np.random.Generator, kinds: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(kind) for kind in rng.permutation(list(kinds)))


def _with_article(found: re.Match, words: Mapping[str, str]) -> str:
    vowel = words[found[2]][0] in "aeiou"
    return f"{found[1]}{'n' if vowel else ''} {{{found[2]}}}"
