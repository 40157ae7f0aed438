"""A sentence taken apart into verbs, things and places: the pieces that `agent/clauses.py` makes errands of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from ..sim.scene import Scene
from .describing import FILLER, described, phrases
from .spelling import mended, plain
from .understanding import in_place_names, known_words

_VERBS: Mapping[str, str] = {
    "spare": r"(?:just |but |please )*(?:leave|keep)(?= (?:\w+ ){1,4}?(?:alone|be|there|behind|where)\b)|"
    r"(?:just|but) (?:leave|keep)|(?:dont|do not) (?:touch|take|move)",
    "keep": r"(?:hang|hold) on to|keep(?: hold of)?(?= (?:it|that|them)\b)|hold(?= (?:it|that)\b)",
    "hold": r"pick(?: up)?|(?:take|get|catch) hold of|lift(?: up)?",
    "find": r"find|locate|look for|search for",
    "back": r"(?:come|return)(?: right)? back(?! (?:to|here|with)\b)",
    "go": r"(?:go|drive|head|walk|come)(?: (?:on|over|back|across|and))*(?: stand)?|visit|swing by|stop by|inspect|"
    r"check(?: on)?|see(?= the\b)|patrol|(?:do|make) (?:your |the |a )?(?:\w+ )?rounds?|stand|(?:have|take) a look|"
    r"look(?= (?:at|on|over)\b)",
    "get": r"get(?! rid)",
    "grab": r"grab|take(?= the [\w ]+$)",
    "bring": r"bring|fetch|(?<!your )(?<!the )hand(?: over)?|give|gimme|pass|deliver|serve|"
    r"(?:i|we)(?: woul)?d (?:also )?(?:like|love|fancy)(?: to have)?|(?:i|we)ll (?:have|take)|"
    r"(?:i|we) (?:also )?(?:want|need)|(?:may|can|could) (?:i|we) (?:have|get)",
    "stock": r"top up|restock|stock(?: up)?|replenish|supply",
    "toss": r"throw(?: away| out)?|toss(?: out| away)?|chuck(?: out| away)?|dump|discard|get rid of|dispose of|ditch|"
    r"scrap|(?:bin|trash)(?= (?:the|a|an|all|every|both|what|it|that|my)\w*\b)",
    "open": r"open|pull (?:out|open)",
    "close": r"close(?! counter)|shut|push (?:shut|in)",
    "wipe": r"wipe(?: down| off)?|scrub|mop",
    "clear": r"clear(?: off)?|empty",
    "swap": r"swap|exchange|replace|trade|switch",
    "hide": r"hide|conceal",
    "is": r"there(?:s| is| are)(?! for\b)|i(?:ve)? (?:stashed|put|left|kept|have|spilled|finished)|"
    r"(?:i|we) (?:dont|do not) (?:want|need|like)|(?:im|i am|were|we are) (?:done|finished|through) with",
    "put": r"there (?:should|ought to|must|ha(?:s|ve) to|needs? to) be|put|place|set(?: out)?|lay|stick|pop|park|store|"
    r"stow|convey|move|shift|transfer|transport|carry|take|drop(?: off)?|relocate|return|line(?: up)?|load|stack|leave|"
    r"tuck|slide|deposit",
}  # fmt: skip
_TO_BE = (
    r"(?:can|should|must|may|shall|has to|have to|needs? to|wants? to|ought to|is to|are to|(?:is|are) supposed to)"
)
_THROWN = r"(?:binned|thrown(?: away| out)?|tossed(?: out)?|dumped|discarded|trashed|chucked(?: out| away)?)"
_PASSIVE = rf"{_TO_BE} be {_THROWN}"
_BELONGS = (
    rf"(?:goes|belongs?|go|(?:is|are) meant for|{_TO_BE} (?:be|go|stand|sit|end up))"
    r"(?= (?:\w+ )?(?:on|onto|in|into|inside|at|to|by|the)\b)"
)
_WHICH = r"(?:(?:that|which) (?:is|are|stands?|lies?)|thats|standing|lying|sitting)(?= (?:on|in|at|by|inside)\b)"
_THEN = (
    r"(?:then|after that|afterwards|next|finally|lastly|(?:once|when) (?:all )?(?:of )?(?:thats|that is|youre) done)"
)
TAKES = ("get", "grab", "bring", "hold", "find", "put", "clear")
"""Verbs of errands that a second one with "it" goes on with."""
_BESIDE = r"(?:next to|beside|alongside) (?:it|that|them)"
_PRONOUN = r"(?:it|them|that one|this one)(?! (?:is|are)\b)"
_AT_ME = r"\b(?:(?:over |back )?(?:to|for) (?:me|us)|me|us|(?:over |back )?here)\b"
_NOISE = re.compile(
    r"\b(?:please|pls|kindly|thanks|thank you|cheers|robot|hey|hi|hello|okay?|just|now|so|well|yes|yeah|quickly|again|"
    r"(?:could|can|would|will) you(?: please)?|would you mind|i (?:want|need) you to|id like you to|back|over|across|"
    r"out|and|first(?: off| of all)?|firstly|second(?:ly)?|plus|as well(?: as)?|too|also|together|up|down|alone|be|"
    r"there|behind|where (?:it|they) (?:is|are|belongs?)|wait|in your hand|straight|right away|these|with you|"
    r"the following|any ?more|one (?:after|by) (?:another|the other|one)|instead|"
    r"neatly|in a row|all|done|guys?|ones?|around|away|along|old|last|pieces? of)\b"
)
_REASON = re.compile(
    r",?\s*\b(?:(?:because|since|as (?=(?:i|we|he|she|they|it)\b))[^.;!?]*$|"
    r"so (?:that )?(?=(?:i|we|he|she|they|it)\b)[^.;!?,]*)"
)
_ASIDE = re.compile(
    r",?\s*\b(?:before|while|so that|since|because|in case|if you (?:can|could|would)|whichever|for later|"
    r"(?:and )?make sure (?=he|she|they|no|it)|i (?:really )?(?:dont|do not) (?:really )?(?:mind|care))\b[^.;!?,]*"
)
_CORRECTION = (
    r"(?:oh )?(?:no,? wait|wait,? no|no,? sorry|no,? actually|actually,? no|wait|scratch that|i mean|make that|"
    r"on second thoughts?|or rather|sorry|actually)"
)
_STAYS = re.compile(r"\b(?:stays?|remains?)\b(?! with)")
_NOTHING = ("", "the", "a", "any", "of", "is", "are", "that", "was")
_EVERY = re.compile(
    r"\b(?:all(?: of)?(?: the)?|(?:each|every one) of(?: the)?|every|everything|each|whatever(?: is|s)?|what(?:s| is)|"
    r"anything)\b"
)
_EXCEPT = r"(?:except(?: for)?|save(?: for)?|apart from|other than|but not|but|aside from|besides)"
_ASKED = re.compile(r"^(?:is|are|do|does|did|was|if)\b|\b(?:or|who|which|how|why|when|either)\b|\bwhere (?!it|they)")
_MANY = re.compile(r"\b(?:a )?(?:couple|pair)(?: of)?\b|\bboth(?: of)?(?: the)?\b")
_DIFFERENT = re.compile(
    r"\b(two|three|four)\b([^.;!?]*?),? (?:and )?(?:obviously )?"
    r"(?:no two the same|not the same (?:\w+ )?twice|all different)\b"
)


class Unsure(Exception):
    """A word that may count is not known, or it is not plain what it counts for."""


def clauses(goal: str, scene: Scene) -> list[str]:
    """The sentences of a goal that name a thing or a place, as they were meant: without slips and second thoughts."""
    goal = re.sub(r"['’]s(?= (?:for|to go|going)\b)", " is", goal)
    text = _corrected(
        in_place_names(mended(plain(goal), known_words(scene), FILLER)).replace("both of my", "my"), scene
    )
    text = re.sub(r", not (?:on|in|at) the [\w ]+?(?=[.,;!?]|$)", "", text)
    text = re.sub(
        r"^of (?:the|both|these|those)\b(?: two| three)? ([\w ]+?)s?, (.*?\b)(?:the )?one\b", r"\2the \1", text
    )
    text = re.sub(r"\b(two|three|four) (?:sorts|kinds|types) of\b", r"\1 different", text)
    text = re.sub(r"(?:,? and)?,? (?:dont|do not) leave (?:the drawer|it)[^.;!?,]* open[^.;!?]*", ", close it", text)
    text = _DIFFERENT.sub(r"\1 different\2", text)
    text = ". ".join(_REASON.sub(" ", part) for part in re.split(r"[.;!?]+(?:\s|$)", text))
    places = "|".join(map(re.escape, _names(scene)))
    text = re.sub(rf",? ?\b(?:but |just )?the ({places}) ones?\b", r" from the \1", text)
    counts = _counting(scene)
    text = _ASIDE.sub(lambda aside: aside.group() if counts.search(aside.group()) else " ", text)
    to_me = re.compile(rf"\b(?:come|go|drive|back|over)\b.*?{_AT_ME}")
    told = re.split(r"[.;!?]+(?:\s|$)", text)
    return [part for part in told if (counts.search(part) or to_me.search(part)) and not _STAYS.search(part)]


def _corrected(text: str, scene: Scene) -> str:
    """'the pepsi, no wait, the lime soda, sorry' -> 'the lime soda', and places likewise."""
    for lead, names in ((r"(?:(?:the|a|an|some|my) )?", phrases()), (r"(?:on|to|in|at|onto) (?:the )?", _names(scene))):
        name = rf"{lead}(?:{'|'.join(map(re.escape, names))})"
        text = re.sub(
            rf"\b{name},?(?: -+)? {_CORRECTION},? (?:(?:make (?:that|it)|get me|bring me|i meant?) )?(?P<new>{name})\b"
            r"(?:,? (?:sorry|instead|please))*", r"\g<new>", text)  # fmt: skip
    return text


@cache
def _names(scene: Scene) -> Mapping[str, str]:
    """Plain words for places and drawers, longest first; those for people are told apart by `_AT_ME`."""
    people = {p.name for p in scene.places if p.kind == "person"}
    names = {plain(word): name for word, name in scene.place_names.items() if name not in people}
    names |= {plain(word): name for word, name in scene.drawer_names.items() if " " in word}
    return dict(sorted(names.items(), key=lambda item: -len(item[0])))


@cache
def _counting(scene: Scene) -> re.Pattern[str]:
    """Words for a thing or a place: a clause that has none of them is beside the point."""
    things = [phrase for phrase in phrases() if described(phrase, scene.types)]
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, (*things, *_names(scene))))})\b")


def pieces(sentence: str, scene: Scene) -> Iterator[tuple[str, str]]:
    """The pieces of a sentence: (kind, text); what is none of these and no noise is a thing, or unknown."""
    places = "|".join(map(re.escape, _names(scene)))
    pieces = re.compile(
        "|".join([
            rf"(?P<from>\b(?:from|off(?: of)?|out of|away from) (?:the |my )?(?P<p1>{places})\b)",
            rf"(?P<to>\b(?:to|onto|into|towards|for) (?:the |my )?(?P<p2>{places})\b)",
            rf"(?P<on>\b(?:on(?: top of)?|in|at|by|inside|next to) (?:the |my )?(?P<p3>{places})\b)",
            rf"(?P<me>{_AT_ME})", rf"(?P<beside>\b{_BESIDE}\b)", rf"(?P<then>\b{_THEN}\b)",
            rf"(?P<passive>\b{_PASSIVE}\b)", rf"(?P<belongs>\b{_BELONGS})",
            rf"(?P<which>\b{_WHICH})", rf"(?P<it>\b{_PRONOUN}\b)",
            r"(?P<with>(?<!save )(?<!except )\b(?:for|with|by)\b(?= (?:an?|the|some|one|two|three)\b))",
            r"(?P<comma>[,:]|\band\b)",
            *(rf"(?P<verb_{kind}>\b(?:{words})\b)" for kind, words in _VERBS.items()),
            rf"(?P<place>\b(?:the |my )?(?P<p4>{places})\b)",
        ])
    )  # fmt: skip
    end = 0
    for found in pieces.finditer(sentence):
        yield from _thing(sentence[end : found.start()], scene)
        end = found.end()
        kind = str(found.lastgroup)
        place = next((found[p] for p in ("p1", "p2", "p3", "p4") if found[p]), "")
        kind = {"p1": "from", "p2": "to", "p3": "on", "p4": "place"}.get(kind, kind)
        if place:
            yield kind, _names(scene)[place]
        else:
            yield ("verb", kind[5:]) if kind.startswith("verb_") else (kind, found.group())
    yield from _thing(sentence[end:], scene)


def _thing(text: str, scene: Scene) -> Iterator[tuple[str, str]]:
    words = re.sub(r" (?:is|are)$", "", " ".join(_MANY.sub(" two ", f" {text} ").replace("single", " ").split()))
    if _ASKED.search(words):
        raise Unsure
    if words == "two":  # "them both"
        return
    if re.fullmatch(r"(?:and )?(?:(?:the|an?) )?(?:(?:other|new|fresh) )?(?:one|another)(?: one)?", words):
        yield "thing", "one"
        return
    every = bool(_EVERY.search(words))
    alone = r"\b(cans?|bottles?)$" if every else r"^((?:an?|one|two|three|four|2|3) )?(cans?|bottles?)$"
    words = re.sub(alone, lambda found: found.group().replace(found.groups()[-1], f"drink {found.groups()[-1]}"), words)
    words, *others = re.split(rf",? ?\b{_EXCEPT}\b", words)
    bare = " ".join(_EVERY.sub(" ", words).split()) if every else words
    if every and not re.sub(r"\b(?:the|thing|things|stuff|else|thats|that|is|of)\b", " ", bare).strip():
        yield "thing", "everything"
    elif described(bare, scene.types):
        yield "thing", f"all the {bare}" if every else bare
    elif (left := " ".join(_NOISE.sub(" ", bare).split())) and described(left, scene.types):
        yield "thing", f"all the {left}" if every else left
    elif left.strip(" -'\"") not in _NOTHING:
        raise Unsure
    for other in others:
        if not described(" ".join(_NOISE.sub(" ", other).split()), scene.types):
            raise Unsure
        yield "spared", " ".join(_NOISE.sub(" ", other).split())
