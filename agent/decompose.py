"""A goal in words becomes subgoals in words, each pursued by itself.

The rules only cut where a sentence plainly lists errands, or say it again in plain words (`agent/clauses.py`); what
they can't cut stays whole and the model's next-skill scores carry it. A clause that leans on the one before it ("… and
bring it to me") is never cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..sim.catalogue import CATALOGUE
from ..sim.scene import Scene
from . import understanding
from .clauses import delivery, plainly
from .types import Subgoal

_THEN = re.compile(r"\s*(?:;|[,.]?\s+(?:and\s+)?(?:then|after that|afterwards|next(?! to\b)|finally)\b,?)\s+", re.I)
_LEANS = re.compile(r"\b(it|them|that|those|this|these|there|one|ones|both)\b|\b(?:in|inside|out)$", re.I)
_NEGATION = re.compile(
    r"\b(not|no|isnt|arent|dont|doesnt|cant|wont|without|except|but|other than|instead|rather|or)\b|n['’]t\b", re.I
)
_VERBS = (
    "bring|fetch|get|grab|give|hand|pass|deliver|carry|take|put|place|move|set|leave|drop|throw|toss|discard|pick|lift|"
    "hold|find|locate|go|come|drive|head|walk|visit|open|close|shut|pull|push|slide|restock|return|clear|serve|"
    "stack|lay|stick|shift|chuck|dump|dispose|wipe|clean"
)
_POLITE = r"(?:(?:please|now|also|and|first|firstly|could you|can you|would you),?\s+)*"
_IMPERATIVE = re.compile(rf"^{_POLITE}(?:{_VERBS})\b", re.I)
_VERB = re.compile(rf"\b(?:{_VERBS})\b", re.I)
_AND_VERB = re.compile(rf"\s*(?:,\s*and|,|\band)\s+(?=(?:also\s+|please\s+)?(?:{_VERBS})\b)", re.I)
_WORDS = {w for kind in CATALOGUE.values() for w in (kind.name, *kind.synonyms, *kind.categories)}
_NAMES = "|".join([*sorted(map(re.escape, _WORDS), key=len, reverse=True), r"something to (?:drink|eat)(?! with)"])
_OF = r"(?:can|bottle|bag|pack)s?\s+of\s+"
_THING = rf"(?:(?:the|a|an|some|one|my|that|two|three)\s+)?(?:{_OF})?(?:{_NAMES})(?:\s+(?:can|bottle))?"
_AND = r",\s*and|,|\band|&|\bplus|\bas well as|\b(?:along |together )?with"
_LIST = re.compile(rf"\b{_THING}(?:\s*(?:{_AND})\s+(?:also\s+)?{_THING})+\b", re.I)
_GAP = re.compile(
    rf"\b(?P<verb>put|place|move|take|bring|carry|set)?\s*(?P<first>{_THING})(?P<goes>\s+(?:goes|belongs))?\s+"
    rf"(?P<there>(?:to|on|onto|into|in|at)\s+[\w ]+?)(?:,\s*and|,|\s+and)\s+(?P<second>{_THING})\s+"
    r"(?P<where>(?:to|on|onto|into|in|at)\s+[\w ]+?)(?=[.?!]?$)", re.I)  # fmt: skip
_INTO = re.compile(
    r"\bopen (?P<drawer>the [\w ]*drawer),?(?: and)?(?: then)? (?P<verb>put|place|lay|store|stow|drop) (?P<what>.+?) "
    r"(?:in|inside|into it|in it|inside it)(?=[.?!]?$)", re.I)  # fmt: skip
_JOINT = re.compile(rf"\s*(?:{_AND})\s+(?:also\s+)?", re.I)


_BOTH = re.compile(r"\bboth (?=(?:the|my|your|our|an?)\b[^.;:?!]*? and\b)", re.I)
"""'both the apple and the coke' are these two."""
_TOUR = re.compile(
    rf"^{_POLITE}(?:how would you )?(?:(?:go|drive|head|walk|move|navigate|travel|come|run)(?: over)? to|"
    r"visit(?: both)?|tour|patrol|call at|stop by|check on|make a round:?) (?P<places>[\w ,]+)", re.I)  # fmt: skip
_ON = re.compile(r"\s*(?:,\s*and|,|\band)\s+(?:(?:then|on|also|next|afterwards)\s+)*(?:to\s+)?", re.I)


def decompose(goal: str, scene: Scene | None = None) -> list[Subgoal]:
    """The subgoals of a goal, in order; at least one.

    Where what the cuts leave is not plain in `scene`, and the whole can be said again in plain words, it is.
    """
    goal = _BOTH.sub("", " ".join(goal.split()))
    text = _in_full(goal)
    parts = [part for clause in _cut(text) for tour in _tour(clause) for part in _spread(tour)]
    if scene and not all(understanding.read(part, scene) for part in parts):
        parts = plainly(goal, scene) or parts
    parts = _put_down_there(parts, scene) if scene else parts
    return [Subgoal(part, index) for index, part in enumerate(parts)]


def _put_down_there(parts: Iterable[str], scene: Scene) -> list[str]:
    """'go to the table', 'put down the apple' -> 'put the apple on the table'."""
    said: list[str] = []
    for part in parts:
        meaning, before = understanding.read(part, scene), understanding.read(said[-1], scene) if said else None
        if meaning and meaning.kind == "release" and before and before.kind == "go" and len(meaning.things) == 1:
            said[-1] = delivery(f"the {next(iter(meaning.things))}", "", str(before.to), scene)
        else:
            said.append(part)
    return said


def _in_full(text: str) -> str:
    """'the top drawer … the bottom one', 'open the drawer, put x in', 'put x on p and y on q' with all their words."""
    if "drawer" in text.lower():
        text = re.sub(r"\bthe (top|bottom|upper|lower|middle) one\b", r"the \1 drawer", text, flags=re.I)
        told = {*re.findall(r"\b(top|bottom|upper|lower|middle) drawer\b", text.lower())}
        text = re.sub(r"\bthe drawer\b", f"the {told.pop()} drawer", text) if len(told) == 1 else text
    text = _INTO.sub(r"\g<verb> \g<what> in \g<drawer>", text)
    gap = _GAP.search(text)
    if gap is None or not (gap["verb"] or gap["goes"]) or _NEGATION.search(text):
        return text
    verb = gap["verb"] or "put"
    errands = f"{verb} {gap['first']} {gap['there']}, then {verb} {gap['second']} {gap['where']}"
    before = text[: gap.start()].rstrip()
    # What stands before a colon is said by what stands behind it.
    return errands if before.endswith(":") else f"{before} {errands}".strip()


def _tour(clause: str) -> list[str]:
    """'visit the table and the counter' -> 'go to the table', 'go to the counter'."""
    found = _TOUR.match(clause)
    stops = (
        [re.sub(r" (?:in|of) (?:the|this) kitchen$", "", stop) for stop in _ON.split(found["places"])] if found else []
    )
    if len(stops) < 2 or any(_VERB.search(stop) or _LEANS.search(stop) or len(stop.split()) > 5 for stop in stops):
        return [clause]
    return [f"go to {stop if stop.startswith('the ') else f'the {stop}'}" for stop in stops]


def _cut(text: str) -> list[str]:
    """Cut at "then" and its like, at sentence ends and at "and VERB", where both sides stand on their own."""
    clauses: list[str] = []
    for piece in _split_sentences(text):
        for cut in _THEN.split(piece):
            clauses += _AND_VERB.split(cut) if _IMPERATIVE.match(cut) else [cut]
    merged: list[str] = []
    for clause in (c.strip(" ,.;") for c in clauses):
        if not clause:
            continue
        stands_alone = _IMPERATIVE.match(clause) and not _LEANS.search(clause)
        if merged and not (stands_alone and _IMPERATIVE.match(merged[-1])):
            merged[-1] = f"{merged[-1]}, {clause}"
        else:
            merged.append(clause)
    return [re.sub(r" instead(?=[.?!]*$)", "", clause) for clause in merged] if len(merged) > 1 else [text]


def _split_sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+", text)


def _spread(clause: str) -> list[str]:
    """'bring me a coke and an apple' -> 'bring me a coke', 'bring me an apple'."""
    found = _LIST.search(clause)
    if not found or _NEGATION.search(clause) or not _VERB.search(clause[: found.start()]):
        return [clause]
    # "there" is said in every copy along with what it points at; "it" and "them" point at the list itself.
    if _LEANS.search(re.sub(r"\bthere\b", "", clause[found.end() :], flags=re.I)):
        return [clause]
    things = [thing for thing in _JOINT.split(found.group()) if thing]
    return [clause[: found.start()] + thing + clause[found.end() :] for thing in things]
