"""What a sentence plainly asks for, by the catalogue and the map; None where that is not plain.

The language model decides what helps. This page only knows names, categories, properties, negation and the common verbs
of errands, and says so when it is sure of every word that counts. What it is sure of narrows the objects that come into
question, and tells when an errand is done (`agent/guards.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ..sim.catalogue import CATALOGUE
from ..sim.facts import Facts
from ..sim.scene import Scene
from .describing import FILLER, NOT, NUMBERS, described, phrases
from .spelling import mended, plain

Kind = Literal["deliver", "hold", "find", "go", "open", "close"]


@dataclass(frozen=True)
class Meaning:
    """One errand. `things` are the object types that will do; `to` a place, a drawer or what things lie in or on."""

    kind: Kind
    things: frozenset[str] = frozenset()
    to: str | None = None
    source: str | None = None
    count: int = 1
    """How many of `things`."""

    def __str__(self) -> str:
        """As it is when it is done."""
        things = " or ".join(f"the {thing}" for thing in sorted(self.things))
        match self.kind:
            case "go":
                return f"the robot is at the {self.to}"
            case "open" | "close":
                return f"the {self.to} is {'open' if self.kind == 'open' else 'closed'}"
            case "hold":
                return f"the hand holds {things}"
            case "find":
                return f"{things} is here"
            case "deliver":
                return f"{f'{self.count} of ' if self.count > 1 else ''}{things} is at the {self.to}"

    def reached(self, facts: Facts) -> bool:
        """Is it done, by these facts?"""
        match self.kind:
            case "go":
                return facts.robot_at == self.to
            case "open":
                return self.to in facts.open_drawers
            case "close":
                return self.to in facts.closed_drawers
            case "hold":
                return facts.holding in self.things
            case "find":
                here = {o.type for o in facts.objects if o.place is not None and o.place == facts.robot_at}
                return bool(self.things & {*here, facts.holding})
            case "deliver":
                return sum(o.place == self.to and o.type in self.things for o in facts.objects) >= self.count


_DELIVER = (
    "bring|fetch|get|grab|give|hand|pass|deliver|carry|take|put|place|move|set|serve|transport|return|leave|lay|stick|"
    "shift|relocate|stack|store|stash|drop"
)
_WISHES = (
    r"(?:i|we) (?:really )?(?:want|need|fancy)|(?:i|we)(?: woul)?d (?:like|love)(?: to have)?|"
    r"(?:i|we) could (?:use|do with)|"
    r"(?:may|can|could) (?:i|we) (?:have|get)|let (?:me|us) have|do you have|is there|im waiting for|my order is"
)
_DISCARD = r"throw|toss|discard|trash|bin|dispose of|get rid of|dump|chuck"
_HOLD = r"pick|lift|hold|grasp|take hold of"
_FIND = r"find|locate|look for|search for"
_GO = r"go|drive|walk|head|move|come|roll|navigate|return|travel"
_OPEN, _CLOSE = r"open|pull open", r"close|shut|push shut"
_VERB = re.compile(
    rf"\b(?:(?P<wish>{_WISHES})|(?P<discard>{_DISCARD})|(?P<find>{_FIND})|(?P<hold>{_HOLD})|(?P<open>{_OPEN})|"
    rf"(?P<close>{_CLOSE})|(?P<deliver>{_DELIVER})|(?P<go>{_GO}))\b"
)
_POLITE = re.compile(
    r"\b(?:please|pls|plz|kindly|thanks|thank you|thx|hey|hi|hello|robot|ok|okay|now|next|just|quickly|yo|"
    r"be so kind and|would you mind to|(?:could|can|would|will) (?:you|u)(?: please)?|i (?:want|need) you to|"
    r"i(?: woul)?d like you to|it would be great if you could|see if you can|make sure to|"
    r"when you have (?:a )?(?:moment|time)|right away|asap|any chance (?:you|u) (?:could|can)|lol|ugh|dude|man|"
    r"(?:from )?somewhere in the kitchen|(?:that|which) you are holding|(?:that|which) you hold|in your hand|"
    r"(?:see to it|make sure|ensure)(?: that)?|once more|one more thing|for now|to go)\b"
)
_REFUSED = re.compile(r"\b(?:dont|do not|never|no longer|instead|unless|whatever|or|what|how|why)\b")
_PRELUDE = re.compile(
    r"^(?:(?:go|run|come|walk|drive|also|then|and|over|there)(?:,| and)? )+"
    r"(?=(?:get|fetch|grab|bring|find|pick|take)\b)"
)
_FETCH = re.compile(
    r"^(?:find|look for|pick up|pick|grab|take|get|fetch|locate)(?: me)? (?P<what>.+?)(?: up)?"
    r"(?:,| and|, and|, then| and then) "
    r"(?:(?P<verb>bring|give|hand|pass|deliver|carry|put|place|set|take|drop|throw|toss) (?:it|that|them|this|those)\b|"
    r"(?P<come>come back|return))(?P<rest>.*)$"
)
_IS_TO_BE = re.compile(
    r"^(?P<what>.+?) (?:should (?:be|go)|(?:has|have|needs?) to (?:be|go)|must (?:be|go)|is to be|belongs?|goes) "
    r"(?P<how>open|closed|shut|(?:to|on|onto|into|in|at) .+)$"
)
_SEE_TO_IT = re.compile(r"\b(?:see to it|make sure|ensure)(?: that)? (?P<what>.+?) (?:is|are|stands?) ")
_STOCK = re.compile(r"^(?:restock|stock|replenish|supply|fill up|refill) (?P<where>.+?) with (?P<what>.+)$")
_STATEMENT = re.compile(r"^(?:i|im|ive|we|weve|he|she|they|this|that|the|my|our|there|who|people|ppl|someone|guests)\b")
_GOES_ON = re.compile(r"^(?:and|then|from|pull|push|clean|wipe|turn|switch|wash|wait|there should be)\b")
_WOULD_BE = re.compile(r"^(?P<what>.+) would be (?:lovely|nice|great|perfect|good|awesome|wonderful)$")
_AT = r"(?:to|on|onto|into|in|at|over to|on top of|inside|next to|in front of|back to|off at)"


def read(text: str, scene: Scene) -> Meaning | None:
    """The errand that a sentence plainly asks for, remarks beside the point left out; None: not sure of it."""
    words = mended(plain(text), _known(scene), FILLER)
    sentences = [part.strip() for part in re.split(r"[.?!;:]+(?:\s|$)", words) if part.strip()]
    return _one_of(sentences, scene) or _one_of([c for s in sentences for c in re.split(r"\s*,\s*", s) if c], scene)


def _one_of(parts: Sequence[str], scene: Scene) -> Meaning | None:
    """The errand of the one part that states one; None if there are more, or a part that may be one as well."""
    found = [_read(_pointed(part, [p for p in parts if p is not part], scene), scene) for part in parts]
    sure = [meaning for meaning in found if meaning]
    if len(sure) != 1:
        return None
    rest = [_bare(part) for part, meaning in zip(parts, found, strict=True) if not meaning]
    asked = [words for words in rest if (verb := _VERB.match(words)) and verb.lastgroup != "wish"]
    told = [words for words in rest if not _STATEMENT.match(words) and _named_in(words)]
    return None if asked or told or any(map(_GOES_ON.match, rest)) else sure[0]


def _named_in(words: str) -> bool:
    """Does it name anything of the catalogue?"""
    return any(f" {phrase} " in f" {words} " for phrase in phrases())


def _pointed(part: str, others: Sequence[str], scene: Scene) -> str:
    """With what 'it' and 'there' point at in the other parts, if they name one thing or place only."""
    around = " ".join(others)
    vague = re.search(r"\bto it\b|\b(?:in|with) it\b", part) or re.search(
        r"\b(?:what|which)(?:ever)?\b|\bsome(?:thing|one)\b", around
    )
    if re.search(r"\b(?:it|that one|this one)\b", part) and not vague:
        known = {**phrases(), **{plain(n): f"the {d}" for n, d in scene.drawer_names.items() if " " in n}}
        named = {word for phrase, word in known.items() if re.search(rf"\b{re.escape(phrase)}\b", around)}
        named = {word for word in named if word in CATALOGUE or word.startswith("the ")}
        if len(named) == 1:
            part = re.sub(r"\b(?:it|that one|this one)\b", named.pop(), part, count=1)
    if re.search(r"\bthere\b", part) and not re.search(r"\bthere (?:is|are)\b|\bis there\b", part):
        places = {n for phrase, n in _places(scene).items() if re.search(rf"\bthe {re.escape(phrase)}\b", around)}
        if len(places) == 1:
            part = re.sub(r"\b(?:over )?there\b", f"to the {places.pop()}", part)
    return part


def _bare(sentence: str) -> str:
    """Without politeness and commas, and with errands in two halves ('find x and bring it to me') as one."""
    words = _SEE_TO_IT.sub(r"\g<what> should be ", " ".join(sentence.split()))
    words = " ".join(_POLITE.sub(" ", words).split()).strip(" ,")
    words = re.sub(r"\b(?:in|with) it$", "", _PRELUDE.sub("", words)).strip()
    if halves := _FETCH.match(words):
        rest = "" if halves["come"] and not halves["rest"].strip() else halves["rest"]
        words = f"{halves['verb'] or 'bring'} {halves['what']} {rest}"
    if moved := re.match(r"^(?:pull|slide|push|draw|swing) (.+?) (open|out|shut|closed|in)$", words):
        words = f"{'open' if moved[2] in ('open', 'out') else 'close'} {moved[1]}"
    if stock := _STOCK.match(words):
        words = f"put {stock['what']} on {stock['where']}"
    if not _VERB.match(words) and (state := _IS_TO_BE.match(words)):
        how = {"open": "open", "closed": "close", "shut": "close"}.get(state["how"])
        words = f"{how} {state['what']}" if how else f"put {state['what']} {state['how']}"
    if wish := _WOULD_BE.match(words):
        words = f"i want {wish['what']}"
    return " ".join(words.replace(",", " ").split())


def _read(sentence: str, scene: Scene) -> Meaning | None:
    if _REFUSED.search(NOT.sub(" ", sentence)):
        return None
    words = _bare(sentence)
    found = _VERB.match(words)
    if not found:
        return None
    rest = words[found.end() :].strip()
    kind = str(found.lastgroup)
    if _another_errand(rest, kind, scene):
        return None
    match kind:
        case "open" | "close":
            drawer = _named(re.sub(r"^(?:up )?(?:the |my )?", "", rest), scene.drawer_names)
            return Meaning(kind, to=drawer) if drawer else None
        case "go":
            place = _named(re.sub(rf"^(?:over |back )*(?:{_AT} )?(?:the |where )?", "", rest), _places(scene))
            return Meaning("go", to=place) if place else None
        case "discard":
            bins = [p.name for p in scene.places if p.kind == "bin"]
            rest = re.sub(r"\b(?:away|out)\b", " ", rest)
            rest, to = _cut(rest, scene)
            return _errand("deliver", rest, to or bins[0], scene) if bins and to in (None, *bins) else None
        case "hold":
            return _errand("hold", re.sub(r"\bup\b|^on to\b", " ", rest), None, scene)
        case "find":
            return None if re.match(r"(?:me|us)\b", rest) else _errand("find", rest, None, scene)
        case "wish":
            rest, to = _cut(" ".join(_ASIDE.sub(" ", _TO_ME.sub(" ", rest)).split()), scene)
            if to not in (None, "user"):
                return None
            return _errand("deliver", rest, "user", scene)
        case _:
            return _delivery(found.group(), rest, scene)


_TO_ME = re.compile(
    r"^(?:me|us)\b|\bfor (?:me|us)\b|\b(?:over )?to (?:me|us)\b|\b(?:over )?here\b|\bmy way\b|"
    r"\bto where i (?:am|sit)\b|\bto my place\b|^back$|\bback$"
)
_ASIDE = re.compile(r"\bback(?! counter)\b|\bover\b")


def _delivery(verb: str, rest: str, scene: Scene) -> Meaning | None:
    """'bring …', 'put … on the …', 'take … to the …'."""
    to_me = bool(_TO_ME.search(rest))
    rest = " ".join(_ASIDE.sub(" ", _TO_ME.sub(" ", rest)).split())
    if verb in ("grab", "get", "fetch", "hand", "give", "pass"):  # "on the table" says where it is
        rest = re.sub(r"\b(?:on|at|in|inside) (?=(?:the |my )?[\w ]+$)", "from ", rest)
    rest, to = _cut(rest, scene)
    if to is None:
        if verb in ("leave", "drop", "lay", "set", "stick", "place", "put"):
            return None
        if not to_me and verb not in ("bring", "fetch", "get", "deliver", "serve"):
            return None
        to = "user" if "user" in {p.name for p in scene.places} else None
    elif to_me and to != "user":
        return None
    return _errand("deliver", rest, to, scene) if to else None


def _cut(rest: str, scene: Scene) -> tuple[str, str | None]:
    """'the apple on the table' -> ('the apple', 'table'): what stands before the last place, and that place."""
    names = {**_places(scene), **scene.drawer_names, **scene.carrier_names}
    for name in sorted(names, key=len, reverse=True):
        found = re.search(rf"\b{_AT} (?:the |my |a )?{re.escape(name)}$", rest.strip())
        if found:
            return rest[: found.start()].replace(" down", " ").strip(), names[name]
    return rest, None


def _errand(kind: Kind, rest: str, to: str | None, scene: Scene) -> Meaning | None:
    source = None
    found = re.search(r"\b(?:from|off|(?:which |that )?(?:is |are |stands |lies )?(?:on|at)) (?:the )?(.+)$", rest)
    if found and (source := _named(found.group(1), _places(scene))):
        rest = rest[: found.start()]
    things = described(rest, scene.types)
    if not things or len(things) == len(scene.types):
        return None
    counts = [NUMBERS[word] for word in rest.split() if word in NUMBERS]
    plural = {p for p, w in phrases().items() if p.endswith("s") and p[:-1] in phrases() and w not in CATALOGUE}
    counts += [0 for p in plural if f" {p} " in f" {rest} " and not counts]
    many = 0 in counts or re.search(
        r"\b(?:all|every|everything|each|some of|both|(?:the|these|those) (?:things|objects|items))\b", rest
    )
    return None if many else Meaning(kind, things, to, source, max(counts, default=1))


def _another_errand(rest: str, kind: str, scene: Scene) -> bool:
    """Does a second verb stand in the rest, or a word that leans on another sentence?"""
    rest = re.sub(r"\bon top of\b|\bin front of\b|\boff at\b|\bto (?:clean|wipe|mop|scrub)\b.*$", " ", rest)
    if re.search(r"\b(?:and|then|it|them|because|since|so|but)\b", NOT.sub(" ", rest)):
        return True
    places = sorted((*_places(scene), *scene.drawer_names), key=len, reverse=True)
    second = _VERB.search(re.sub(rf"\b(?:{'|'.join(map(re.escape, places))})\b", " ", rest))
    return bool(second) and second.lastgroup != kind


def _places(scene: Scene) -> Mapping[str, str]:
    return {plain(alias): name for alias, name in scene.place_names.items()}


def _named(text: str, names: Mapping[str, str]) -> str | None:
    return names.get(" ".join(text.split()))


def _known(scene: Scene) -> frozenset[str]:
    """The words that count, which a slip of the fingers may have hit."""
    return _countable() | {w for name in (*scene.place_names, *scene.drawer_names) for w in plain(name).split()}


@cache
def _countable() -> frozenset[str]:
    verbs = re.findall(r"[a-z]{4,}", "|".join((_DELIVER, _DISCARD, _HOLD, _FIND, _OPEN, _CLOSE)))
    names = {part for phrase in phrases() for part in phrase.split()}
    return frozenset({*verbs, *names, "please", "something", "anything"})
