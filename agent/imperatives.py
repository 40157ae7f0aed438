"""The errand of one clause that begins with its verb, remarks aside: "put the apple on the table".

What is not plain in it is not guessed: None. Sentences are taken apart by `agent/understanding.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..sim.catalogue import CATALOGUE
from ..sim.scene import Scene
from .describing import NOT, NUMBERS, OR, described, phrases
from .meaning import Kind, Meaning
from .spelling import plain
from .wording import POLITE, bare

_DELIVER = (
    "bring|fetch|get|grab|give|hand|pass|deliver|carry|take|put|place|move|set|serve|transport|return|leave|lay|stick|"
    "shift|relocate|stack|store|stash|drop|send"
)
_WISHES = (
    r"(?:i|we) (?:really )?(?:want|need|fancy)|(?:i|we)(?: woul)?d (?:like|love)(?: to have)?|"
    r"(?:i|we) could (?:use|do with|go for|murder)|(?:i|we)(?: woul)?d (?:kill|die) for|"
    r"(?:may|can|could) (?:i|we) (?:have|get)|let (?:me|us) have|do you have|is there|im waiting for|my order is"
)
_DISCARD = r"throw|toss|discard|trash|bin|dispose of|get rid of|dump|chuck"
_HOLD = r"pick|lift|hold|grasp|take hold of"
_FIND = r"find|locate|look for|search for"
_GO = r"go|drive|walk|head|move|come|roll|navigate|return|travel"
_OPEN, _CLOSE = r"open|pull open", r"close|shut|push shut"
_CLEAR = r"clear|empty|tidy(?: up)?|clean (?:off|up)|clean (?=the \w+(?: \w+)? off$)"
_WIPE = r"wipe|scrub|mop|clean|polish"
VERB = re.compile(
    rf"\b(?:(?P<wish>{_WISHES})|(?P<discard>{_DISCARD})|(?P<find>{_FIND})|(?P<hold>{_HOLD})|(?P<open>{_OPEN})|"
    rf"(?P<close>{_CLOSE})|(?P<clear>{_CLEAR})|(?P<wipe>{_WIPE})|(?P<deliver>{_DELIVER})|(?P<go>{_GO}))\b"
)
_OTHERS = "clear|empty|tidy|clean|wipe|scrub"
VERB_WORDS = frozenset(re.findall(r"[a-z]{4,}", "|".join((_DELIVER, _DISCARD, _HOLD, _FIND, _OPEN, _CLOSE, _OTHERS))))
"""Of four letters and more."""
REFUSED = re.compile(r"\b(?:dont|do not|never|no longer|instead|unless|whatever|or|what|how|why)\b")
_HERE = (
    r"(?: (?:gently|carefully|slowly|safely|again|already|then|right|back))*"
    r"(?: (?:here|there|where you(?: a)?re(?: standing)?|where you stand|on the spot|wherever you(?: a)?re))?"
    r"(?: (?:gently|carefully|slowly|safely|again|already|then))*"
)
_RELEASE = re.compile(
    rf"(?:you (?:can|may|should) )?(?:(?:put|set|lay|place) (?:down (?P<a>.+?)|(?P<b>.+?) down)|"
    rf"leave (?P<c>.+?)(?= here\b)|"
    rf"(?:release|let go of|let loose of|unhand|drop|relinquish|stop holding) (?P<d>.+?)){_HERE}|"
    r"(?:you (?:can|may|should) )?(?:(?:empty|free|clear|open) your (?:hands?|gripper|grip|claw|fingers)|let go)"
)
_IN_HAND = re.compile(
    r"(?:it|this|that|(?:the|this|that) (?:thing|one|object|item)|(?:what|whatever|anything|everything)"
    r"(?: (?:its|is|youre|you are|you hold|youve got|you have|thats|that is|holding|carrying|in|your|the|hand|gripper|"
    r"claw))*)"
)
"""What is in the hand, whatever it is."""
_AT = r"(?:to|on|onto|into|in|at|over to|on top of|inside|next to|in front of|back to|off at)"


def imperative(sentence: str, scene: Scene) -> Meaning | None:
    """What the clause asks for; None: not sure of it, or it asks for more."""
    if released := _released(sentence, scene):
        return released
    if REFUSED.search(OR.sub(" ", NOT.split(POLITE.sub(" ", sentence))[0])):
        return None
    words = bare(sentence, VERB)
    found = VERB.match(words)
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
            rest = re.sub(r"^(?:over |back |right )*here$", "to me", rest)
            place = _named(re.sub(rf"^(?:over |back )*(?:{_AT} )?(?:the |where )?", "", rest), place_words(scene))
            return Meaning("go", to=place) if place else None
        case "discard":
            bins = [p.name for p in scene.places if p.kind == "bin"]
            rest = " ".join(re.sub(r"\b(?:away|out(?! of))\b", " ", rest).split())
            cut, to = _cut(rest, scene)
            if not bins or (to not in (None, *bins) and not _errand("deliver", rest, bins[0], scene)):
                return None
            return _errand("deliver", cut if to in bins else rest, bins[0], scene)
        case "hold":
            return _errand("hold", re.sub(r"\bup\b|^on to\b", " ", rest), None, scene)
        case "clear":
            return _cleared(rest, scene)
        case "wipe":
            place = _named(
                re.sub(r"^(?:down |off )?(?:the |my )?| with (?:the |a )?sponge$", "", rest), place_words(scene)
            )
            tools = frozenset(name for name in scene.types if CATALOGUE[name].is_a("cleaning tool"))
            return Meaning("wipe", tools, place) if place in {p.name for p in scene.surfaces()} else None
        case "find":
            return None if re.match(r"(?:me|us)\b", rest) else _errand("find", rest, None, scene)
        case "wish":
            rest, to = _cut(" ".join(_ASIDE.sub(" ", _TO_ME.sub(" ", rest)).split()), scene)
            if to not in (None, "user"):
                return None
            return _errand("deliver", rest, "user", scene)
        case _:
            return _delivery(found.group(), rest, scene)


def _released(sentence: str, scene: Scene) -> Meaning | None:
    """'put it down', 'let go of the apple': here, for no place is named."""
    found = _RELEASE.fullmatch(" ".join(POLITE.sub(" ", sentence).replace(",", " ").split()))
    if not found:
        return None
    what = next(filter(None, found.groups()), "it")
    things = frozenset(scene.types) if _IN_HAND.fullmatch(what) else described(what, scene.types)
    return Meaning("release", frozenset(things)) if things else None


_FROM = re.compile(r"\b(?:from|off|out of|(?:which |that )?(?:is |are |stands? |lies? )?(?:on|at|in)) (?:the )?(.+)$")
_ALL = re.compile(r"\b(?:all|every|everything|each)\b")
_TO_ME = re.compile(
    r"^(?:me|us)\b|\bfor (?:me|us)\b|\b(?:over )?to (?:me|us)\b|\b(?:over )?here\b|\bmy way\b|"
    r"\bto where i (?:am|sit)\b|\bto my place\b|^back$|\bback$"
)
_BESIDE = re.compile(
    r" (?:down )?(?:right |just )?(?:(?:next to|beside|alongside|close to|to where) (?P<thing>(?:the|my|an?) [\w ]+?)"
    r"(?: is| stands)?|where (?P<there>(?:the|my) [\w ]+?) (?:is|stands))$"
)
_ASIDE = re.compile(r"\bback(?! counter)\b|\bover\b")


def _delivery(verb: str, rest: str, scene: Scene) -> Meaning | None:
    """'bring …', 'put … on the …', 'take … to the …'."""
    to_me = bool(_TO_ME.search(rest))
    rest = " ".join(_ASIDE.sub(" ", _TO_ME.sub(" ", rest)).split())
    # "on the table" says where it is
    fetched = verb in ("grab", "get", "fetch", "hand", "give", "pass") or (verb == "bring" and _ALL.search(rest))
    if fetched or (to_me and verb in ("bring", "take", "carry", "deliver", "move", "send", "serve")):
        rest = re.sub(r"\b(?:on|at|in|inside) (?=(?:the |my )?[\w ]+$)", "from ", rest)
    if not to_me and (near := _BESIDE.search(rest)):
        return _put_beside(rest[: near.start()], near["thing"] or near["there"], scene)
    rest, to = _cut(rest, scene)
    if to is None:
        if verb in ("leave", "drop", "lay", "set", "stick", "place", "put"):
            return None
        if not to_me and verb not in ("bring", "fetch", "get", "deliver", "serve", "hand", "give", "pass"):
            return None
        to = "user" if "user" in {p.name for p in scene.places} else None
    elif to_me and to != "user":
        return None
    return _errand("deliver", rest, to, scene) if to else None


def _put_beside(what: str, where: str, scene: Scene) -> Meaning | None:
    """'the orange', 'the coke': the orange is to stand at the place of the coke."""
    meaning, other = _errand("deliver", what, None, scene), described(where, scene.types)
    if meaning is None or not meaning.count or not other or len(other) > 1 or meaning.things == other:
        return None
    return replace(meaning, things=meaning.things - other, beside=next(iter(other)))


def _cleared(rest: str, scene: Scene) -> Meaning | None:
    """'the table', 'off the table', 'the chips off the table': into the bin, where nothing is said of where to."""
    bins = [p.name for p in scene.places if p.kind == "bin"]
    rest = re.sub(r"^(?:off|out|up) | (?:off|up)$", "", rest)
    place = _named(re.sub(r"^(?:the |my )", "", rest), place_words(scene))
    if place is None:
        cleared = _errand("deliver", rest, bins[0] if bins else None, scene)
        return cleared if cleared and cleared.source else None
    if not bins or place not in {p.name for p in scene.surfaces()}:
        return None
    return Meaning("deliver", frozenset(scene.types), bins[0], place, 0)


def _cut(rest: str, scene: Scene) -> tuple[str, str | None]:
    """'the apple on the table' -> ('the apple', 'table'): what stands before the last place, and that place."""
    names = {**place_words(scene), **scene.drawer_names, **scene.carrier_names}
    for name in sorted(names, key=len, reverse=True):
        found = re.search(rf"\b{_AT} (?:the |my |a )?{re.escape(name)}$", rest.strip())
        if found:
            return rest[: found.start()].replace(" down", " ").strip(), names[name]
    return rest, None


def _errand(kind: Kind, rest: str, to: str | None, scene: Scene) -> Meaning | None:
    source = None
    found = _FROM.search(rest)
    if found and (source := _named(found.group(1), {**place_words(scene), **scene.drawer_names})):
        rest = rest[: found.start()]
    every = bool(_ALL.search(rest))
    rest = re.sub(r"\b(?:all (?:of|that (?:is|are))|all|every|each)\b", " ", rest)
    rest = re.sub(r"^(?:everything|things?|stuff)\b(?= \w)", "anything", rest) if every else rest
    whole = re.sub(r"\b(?:the|stuff|things?|objects?|items?|it|of)\b", " ", rest).strip() in ("", "everything")
    either = OR.search(NOT.split(rest)[0])
    if either and (every or _another_errand(rest[either.end() :], None, scene)):
        return None
    things = frozenset(scene.types) if every and whole else described(rest, scene.types)
    if not things or (len(things) == len(scene.types) and not (every and whole)):
        return None
    counts = [NUMBERS[word] for word in rest.split() if word in NUMBERS]
    if either and counts:
        return None
    plural = {p for p, w in phrases().items() if p.endswith("s") and p[:-1] in phrases() and w not in CATALOGUE}
    many = any(f" {p} " in f" {rest} " for p in plural) and not counts
    if many or every or re.search(r"\b(?:some of|both|(?:the|these|those) (?:things|objects|items))\b", rest):
        if not every or kind != "deliver" or counts or source == to:
            return None
        surfaces = frozenset(p.name for p in scene.surfaces())
        if source is None and not whole:
            return Meaning(kind, things, to, None, 0, around=surfaces - {to})
        stood = surfaces | {*scene.drawer_names.values()}
        return Meaning(kind, things, to, source, 0) if source in stood else None
    words = {*rest.split()}
    more = bool(words & {"more", "another", "extra", "additional"})
    return Meaning(kind, things, to, source, max(counts, default=1), different="different" in words, more=more)


def _another_errand(rest: str, kind: str | None, scene: Scene) -> bool:
    """Does a second verb, of another kind than `kind`, stand in the rest, or a word that leans on another sentence?"""
    rest = re.sub(r"\bon top of\b|\bin front of\b|\boff at\b|\bto (?:clean|wipe|mop|scrub)\b.*$", " ", rest)
    rest = re.sub(r"\ball of it\b|\bcleaning\b", " ", rest)
    if re.search(r"\b(?:and|then|it|them|because|since|so|but)\b", NOT.split(rest)[0]):
        return True
    places = sorted((*place_words(scene), *scene.drawer_names), key=len, reverse=True)
    second = VERB.search(re.sub(rf"\b(?:{'|'.join(map(re.escape, places))})\b", " ", rest))
    return bool(second) and second.lastgroup not in (kind, "clear", "wipe")  # "a clear soda", "a polish"


def place_words(scene: Scene) -> Mapping[str, str]:
    """Names by the plain words for them."""
    return {plain(alias): name for alias, name in scene.place_names.items()}


def _named(text: str, names: Mapping[str, str]) -> str | None:
    return names.get(" ".join(text.split()))
