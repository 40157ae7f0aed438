"""What a sentence plainly asks for, by the catalogue and the map; None where that is not plain.

The language model decides what helps. This page only knows names, categories, properties, negation and the common verbs
of errands, and says so when it is sure of every word that counts. What it is sure of narrows the objects that come into
question, and tells when an errand is done (`agent/guards.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from ..sim.catalogue import CATALOGUE
from ..sim.scene import Scene
from .describing import FILLER, NOT, phrases
from .imperatives import REFUSED, VERB, VERB_WORDS, imperative, place_words
from .meaning import Meaning
from .naming import WITH_IT, named
from .spelling import mended, plain
from .wording import bare

_STATEMENT = re.compile(
    r"^(?:i|im|ive|we|weve|he|she|they|there|who|people|ppl|someone|guests)\b|^(?:this|that|the|my|our)\b.*"
    r"\b(?:is|are|was|were|has|have|had|will|looks?|smells?|tastes?|stood|stands?|lies|lay|fell|went|loves?|sits?|needs?)\b"
)
_UNWANTED = re.compile(
    r"\b(?:allergic|not|dont|cant|cannot|hate|dislike|sick|tired|avoid|never|no|without|had enough)\b"
)
_LIKED = re.compile(r"\b(?:like|love|crave|craving|fancy|prefer|fan of|crazy about|mood for|into|need|rather)\b")
_GOES_ON = re.compile(r"^(?:and|then|from|pull|push|clean|wipe|turn|switch|wash|wait|there should be)\b")


def read(text: str, scene: Scene) -> Meaning | None:
    """The errand that a sentence plainly asks for, remarks beside the point left out; None: not sure of it."""
    words = mended(plain(text), known_words(scene), FILLER)
    words = re.sub(r"\binstead of ([\w ]+?),", r"not \1,", in_place_names(words))
    words = re.sub(r",\s*((?:but|only) not?|and (?:isnt|is not|not)|other than|except)\b", r" \1", words)
    sentences = [part.strip() for part in re.split(r"[.?!;:]+(?:\s|$)", words) if part.strip()]
    clauses = [clause for sentence in sentences for clause in re.split(r"\s*,\s*", sentence) if clause]
    halves = [_WOULD.sub(r"i \1", half) for sentence in sentences for half in re.split(r",?\s+but\s+(?=\w)", sentence)]
    plainly = _one_of(sentences, scene) or _one_of(clauses, scene) or _one_of(halves, scene)
    return plainly or (_by_names(sentences[0], scene) if len(sentences) == 1 else None)


def in_place_names(words: str) -> str:
    """'the counter at the far side' and 'the top of the table' as they are called on the map."""
    words = re.sub(r"\bcounter (?:at|on) the (far|near|back) side\b", r"\1 counter", words)
    words = re.sub(r"\b(?:the )?top of the (?=table\b|counter|cabinet|cupboard|\w+ counter)", "the ", words)
    return re.sub(r"\b(?:the place )?where i (?:am|sit)\b", "me", words)


_WOULD = re.compile(r"^(?:i )?(?:really )?(would (?:love|like)|want|need|could (?:use|do with|go for))\b")


def _one_of(parts: Sequence[str], scene: Scene) -> Meaning | None:
    """The errand of the one part that states one; None if there are more, or a part that may be one as well."""
    found = [imperative(_pointed(part, [p for p in parts if p is not part], scene), scene) for part in parts]
    sure = [meaning for meaning in found if meaning]
    if len(sure) != 1:
        return None
    rest = [bare(part, VERB) for part, meaning in zip(parts, found, strict=True) if not meaning]
    asked = [words for words in rest if (verb := VERB.match(words)) and verb.lastgroup != "wish"]
    told = [words for words in rest if not _STATEMENT.match(words) and _named_in(words)]
    if asked or told or any(map(_GOES_ON.match, rest)):
        return None
    return replace(sure[0], things=_liked(sure[0].things, rest))


def _by_names(sentence: str, scene: Scene) -> Meaning | None:
    """The errand of a sentence whose verb is plain and that names one thing, and one place at most to bring it to."""
    words = bare(sentence, VERB)
    found = VERB.match(words)
    if not found or found.lastgroup not in ("deliver", "discard", "hold", "find", "wish") or REFUSED.search(words):
        return None
    kind, verb, rest = found.lastgroup, found.group(), words[found.end() :]
    people = {p.name for p in scene.places if p.kind == "person"}
    places = {name: place for name, place in place_words(scene).items() if place not in people}
    places |= {plain(name): drawer for name, drawer in scene.drawer_names.items()}
    known = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
    first, *others = re.split(r"\b(?:and|then)\b", re.sub(rf"\b(?:{known})\b", " , ", rest))
    if VERB.search(first) or any(not (v := VERB.match(o.strip())) or v.lastgroup != "deliver" for o in others):
        return None
    if any(len(VERB.findall(o)) > 1 or not re.match(r" ?\w+ (?:it|that|this)\b", o) for o in others):
        return None
    found = named(verb, rest, places)
    if found is None or found.thing not in scene.types:
        return None
    things = frozenset({found.thing})
    if kind in ("hold", "find"):
        return None if found.to or found.to_me else Meaning(kind, things, None, found.source)
    if kind == "wish" and (found.to or WITH_IT.search(rest)):
        return None
    if kind == "discard":
        bins = [p.name for p in scene.places if p.kind == "bin"]
        return Meaning("deliver", things, bins[0], found.source) if bins and found.to in (None, bins[0]) else None
    if found.to:
        return None if found.to_me else Meaning("deliver", things, found.to, found.source)
    to_me = found.to_me or kind == "wish" or verb in ("bring", "fetch", "hand", "give", "pass", "serve")
    return Meaning("deliver", things, "user", found.source) if to_me and "user" in people else None


def _liked(things: frozenset[str], remarks: Sequence[str]) -> frozenset[str]:
    """Those of `things` that the remarks leave ('I'm allergic to apples', 'I love spice'); all, if none is left."""
    for remark in remarks:
        named = {w for phrase, w in phrases().items() if f" {phrase} " in f" {remark} "}
        if _UNWANTED.search(remark):
            things = frozenset(t for t in things if t not in named) or things
        elif _LIKED.search(remark) and not named & {*CATALOGUE}:
            things = frozenset(t for t in things if all(CATALOGUE[t].is_a(word) for word in named)) or things
    return things


def _named_in(words: str) -> bool:
    """Does it name anything of the catalogue?"""
    return any(f" {phrase} " in f" {words} " for phrase in phrases())


def _pointed(part: str, others: Sequence[str], scene: Scene) -> str:
    """With what 'it' and 'there' point at in the other parts, if they name one thing or place only."""
    around = " ".join(others)
    vague = re.search(r"\bto it\b|\b(?:in|with) it\b", part) or re.search(
        r"\b(?:what|which)(?:ever)?\b|\bsome(?:thing|one)\b", around
    )
    if re.search(r"\b(?:it|that one|this one)\b", part) and not vague and not NOT.search(around):
        known = {**phrases(), **{plain(n): f"the {d}" for n, d in scene.drawer_names.items() if " " in n}}
        named = {word for phrase, word in known.items() if re.search(rf"\b{re.escape(phrase)}\b", around)}
        named = {word for word in named if word in CATALOGUE or word.startswith("the ")}
        if len(named) == 1:
            part = re.sub(r"\b(?:it|that one|this one)\b", named.pop(), part, count=1)
    if re.search(r"\bthere\b", part) and not re.search(r"\bthere (?:is|are)\b|\bis there\b", part):
        places = {n for phrase, n in place_words(scene).items() if re.search(rf"\bthe {re.escape(phrase)}\b", around)}
        if len(places) == 1:
            part = re.sub(r"\b(?:over )?there\b", f"to the {places.pop()}", part)
    return part


def known_words(scene: Scene) -> frozenset[str]:
    """The words that count, which a slip of the fingers may have hit."""
    return _with((*scene.place_names, *scene.drawer_names))


@cache
def _with(places: tuple[str, ...]) -> frozenset[str]:
    return _countable() | {word for name in places for word in plain(name).split()}


@cache
def _countable() -> frozenset[str]:
    names = {part for phrase in phrases() for part in phrase.split()}
    return frozenset({*VERB_WORDS, *names, "please", "something", "anything"})
