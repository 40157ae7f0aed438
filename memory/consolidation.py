"""Episodes into what lasts: lessons, facts, the past kept as past; and what to forget when there is too much.

All by rules over records, since a small language model makes things up: a *lesson* is what failed at a place at least
twice, or failed and then worked; a *fact* is where a thing was nearly always seen; a fact that says otherwise ends the
one before it, which is kept as past. What a person told is never forgotten, and never ended but by what they say later.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from .ranking import DECAY
from .record import Record
from .shelf import Filter
from .store import Memory

_OFTEN = 2
"""Failures of one deed at one place that make a lesson."""
_EPISODES, _MOSTLY, _SIGHTINGS = 3, 0.6, 60
"""A thing's usual place: seen in so many episodes, in this share of them there, of its newest sightings."""
_ALIKE = 50
"""Facts that share a word with a new one and are held against it, the best."""
_ALSO = 20
"""Records that are forgotten beyond what is too much, in hundredths, so that it is not done at every write."""

# What a sentence says of what: of two with the same subject and relation, the later one holds.
_RELATIONS = (
    (r"(?P<s>.+?) (?:is|are) (?:usually|always|kept|stored|now) (?:at|in|on) (?P<o>.+)", "place"),
    (r"(?P<s>.+?) (?:belongs?|goes?|lives?|is kept|are kept) (?:at|in|on|into|onto|to) (?P<o>.+)", "place"),
    (r"(?P<s>.+?)['’]s (?P<r>favou?rite \w+|name|birthday|diet|size) is (?P<o>.+)", None),
    (r"my (?P<r>favou?rite \w+|name|birthday|diet|size) is (?P<o>.+)", None),
    (r"(?P<s>.+?) prefers? (?P<o>.+)", "prefers"),
)  # fmt: skip
_TASTE = re.compile(
    r"(?P<s>.+?) (?P<no>(?:do(?:es)?(?: not|n['’]t)|no longer|never) )?"
    r"(?P<r>likes?|loves?|wants?|drinks?|eats?|needs?)(?P<more> any)? (?P<o>.+)"
)
_TASTES = {"love": "like"}


def subject_of(text: str) -> tuple[tuple[str, ...], str] | None:
    """What a sentence is about, and what it says of it; None for a sentence of no known form.

    'the cups belong on the table' -> (('cups', 'place'), 'table').
    """
    said = " ".join(re.sub(r"\b(?:the|a|an|any)\b", " ", text.lower().strip(" .!")).split())
    for form, relation in _RELATIONS:
        if found := re.fullmatch(form, said):
            parts = found.groupdict()
            return (parts.get("s") or "i", relation or parts["r"]), parts["o"]
    if found := _TASTE.fullmatch(said):
        verb = found["r"].rstrip("s")
        return (found["s"], _TASTES.get(verb, verb), found["o"]), "no" if found["no"] else "yes"
    return None


def learn(memory: Memory, record: Record) -> list[Record]:
    """Remember a fact; those that it contradicts end when it begins. Gives what was added.

    What is inferred does not end what was told.
    """
    added = memory.remember([record])
    about = subject_of(record.text)
    if about is None:
        return added
    for other in memory.by_word(record.text, Filter("fact", until=record.time, past=False), _ALIKE):
        there = subject_of(other.text)
        contradicts = other.id != record.id and there and there[0] == about[0] and there[1] != about[1]
        if contradicts and (record.told or not other.told):
            memory.end(other.id, record.time)
    return added


def consolidate(memory: Memory, episode: str, *, budget: int | None = None) -> list[Record]:
    """Draw from an episode that is over what lasts, and make room if there are more than `budget` records.

    Gives the lessons and facts that are new. Doing it twice changes nothing.
    """
    steps = memory.select(Filter(episode=episode), oldest_first=True)
    new = memory.remember(lessons(steps, memory))
    for fact in usual_places(memory, steps):
        new += learn(memory, fact)
    if budget is not None:
        make_room(memory, budget)
    return new


def lessons(steps: Sequence[Record], memory: Memory) -> list[Record]:
    """What failed where and why, and what then worked; from the deeds of one episode."""
    found: list[Record] = []
    failed: dict[tuple[str, str | None], list[Record]] = defaultdict(list)
    for step in steps:
        deed = _deed(step)
        if deed is None:
            continue
        where = f" at the {step.place}" if step.place and f"at the {step.place}" not in deed else ""
        if step.outcome == "failure":
            failed[deed, step.place].append(step)
            before = memory.count(Filter("episode", step.place, "failure", step.objects or None, until=step.time))
            if len(failed[deed, step.place]) == _OFTEN or (before >= _OFTEN and len(failed[deed, step.place]) == 1):
                reason = step.text.partition(": ")[2]
                found.append(_lesson(f"{deed}{where} tends to fail: {reason or 'unknown why'}", step, "failure"))
        elif tries := failed.pop((deed, step.place), []):
            times = f"{len(tries)} failure{'s' if len(tries) > 1 else ''}"
            found.append(_lesson(f"{deed}{where} worked after {times}: it pays to try again", step, "success"))
    return found


def usual_places(memory: Memory, steps: Sequence[Record]) -> list[Record]:
    """Where the things that an episode saw are nearly always seen."""
    found = []
    for thing in dict.fromkeys(s.objects[0] for s in steps if s.kind == "sighting" and s.objects):
        seen = memory.select(Filter("sighting", objects=[thing]), limit=_SIGHTINGS)
        first: dict[str, Record] = {s.episode: s for s in seen if s.outcome != "failure" and s.place != "user"}
        if len(first) < _EPISODES:
            continue
        place, count = Counter(s.place for s in first.values()).most_common(1)[0]
        text = f"the {thing} is usually at the {place}"
        known = memory.select(Filter("fact", objects=[thing], past=False))
        if count / len(first) >= _MOSTLY and all(fact.text != text for fact in known):
            newest = max(first.values(), key=lambda s: s.time)
            found.append(replace(newest, text=text, kind="fact", place=place, importance=0.6, id="", confidence=1.0))
    return found


def make_room(memory: Memory, budget: int) -> list[str]:
    """Forget what matters least until `budget` records are left, and some more; the ids.

    What matters least: the lowest importance + recency. Never: what a person told, and the newest sighting of a thing.
    """
    over = memory.count() - budget
    if over <= 0:
        return []
    newest = [memory.select(Filter("sighting", objects=[thing]), limit=1) for thing in memory.names("objects")]
    kept = {record.id for found in newest for record in found}
    old = [r for r in memory.select(Filter(told=False)) if r.id not in kept]
    now = max((r.time for r in old), default=0.0)
    old.sort(key=lambda r: (r.importance + DECAY ** ((now - r.time) / 3600), r.time, r.id))
    return memory.forget([r.id for r in old[: over + budget * _ALSO // 1000]])


def _deed(step: Record) -> str | None:
    """What was tried, in the words of its failure: 'pick up the coke'; None: nothing that fails."""
    if step.kind != "episode" or not step.outcome or step.text.startswith("asked to "):
        return None
    if step.outcome == "failure":
        tried = re.match(r"could not (.+?)(?: at the [^:]+)?(?::|$)", step.text)
        return tried[1] if tried else None
    said = re.sub(r" at the .*", "", step.text)
    for past, now in (("picked up", "pick up"), ("found", "find"), ("opened", "open"), ("closed", "close"),
                      ("went to", "go to"), ("brought", "bring")):  # fmt: skip
        said = re.sub(rf"^{past}\b", now, said)
    return said


def _lesson(text: str, step: Record, outcome: str) -> Record:
    return replace(step, text=text, kind="lesson", outcome=outcome, importance=0.8, id="")  # type: ignore[arg-type]
