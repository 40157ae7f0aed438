"""What a robot is asked about its past, answered from records by rules: an answer, and the records that show it.

    where is the coke?      where was the coke yesterday at 14:30?      when did I last see the coke?
    how often did picking up the coke fail today?      what changed on the table since this morning?
    what did I do today?                  what will the person want next?

What is about names, times and counts is read off the records themselves, not guessed from what lies near by meaning.
Any other question gets the records that fit it best, as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from .moments import Span, clock, span_of
from .record import Record, ago
from .shelf import Filter
from .store import Memory

_LOOK_BACK = 400
"""Records of an object that are read to find its newest place."""
_SOON = 1.0
"""Hours from now on, by the time of day, within which requests of other days count as a habit."""

_NEAR = 5
"""Records that a question gets that no rule fits."""


@dataclass(frozen=True)
class Answer:
    """What was found."""

    text: str
    value: object
    """For programs: a place, unix seconds, (failures, attempts), sets of names, requests; None: not known."""
    evidence: tuple[str, ...]
    """Ids of the records that show it."""
    by_rule: bool = True
    """False: no rule fits the question, and `text` is only what lies near it."""


@dataclass(frozen=True)
class Whereabouts:
    """Where a thing is known to be: `place`, or in the hand; neither: it was gone from where it had been."""

    place: str | None
    held: bool
    record: Record


def ask(memory: Memory, question: str, now: float, aliases: Mapping[str, str] | None = None) -> Answer:
    """Answer a question in words. `now` in unix seconds; `aliases`: other words for names of objects and places."""
    text = " ".join(question.lower().split())
    for alias in sorted(aliases or {}, key=len, reverse=True):
        text = re.sub(rf"\b{re.escape(alias)}\b", (aliases or {})[alias], text)
    span = span_of(text, now)
    thing = _named(text, memory.names("objects"))
    place = _named(text, memory.names("places"))
    if re.search(r"\bhow (?:often|many times)\b", text) and thing:
        return _how_often(memory, thing, span)
    if re.search(r"\bwhat (?:has |is )?(?:changed|different|new)\b", text) and place:
        return _changed(memory, place, span, now)
    if re.search(r"\bwhat (?:did|have) (?:i|you) (?:do|done)\b", text):
        return _did(memory, span)
    if re.search(r"\bwant(?:s)?\b.*\bnext\b|\bnext\b.*\bwant", text):
        return _next_wish(memory, now)
    if re.search(r"\bwhen\b.*\b(?:see|saw|seen)\b", text) and thing:
        return _last_seen(memory, thing, span, now)
    if re.search(r"\bwhere\b", text) and thing:
        return _where(memory, thing, span, now)
    found = memory.recall(text, k=_NEAR, now=now, since=span.since, until=span.until)
    said = "; ".join(record.sentence(now) for record in found)
    return Answer(said or "I remember nothing about that.", None, tuple(r.id for r in found), by_rule=False)


def whereabouts(memory: Memory, thing: str, until: float | None = None) -> Whereabouts | None:
    """The newest thing that is known of where `thing` is, by `until`; None: nothing is."""
    for record in memory.select(Filter(objects=[thing], until=until), limit=_LOOK_BACK):
        if (known := _tells(record, thing)) is not None:
            return known
    return None


def _tells(record: Record, thing: str) -> Whereabouts | None:
    """What one record says about where `thing` is; None: nothing."""
    if record.kind == "sighting":
        return Whereabouts(record.place if record.outcome != "failure" else None, False, record)
    if record.kind != "episode" or record.outcome != "success":
        return None
    if record.text.startswith(f"picked up the {thing}"):
        return Whereabouts(None, True, record)
    if record.text.startswith((f"put down the {thing}", f"found the {thing}")):
        return Whereabouts(record.place, False, record)
    return None


def _where(memory: Memory, thing: str, span: Span, now: float) -> Answer:
    known = whereabouts(memory, thing, span.until)
    if known is None:
        return Answer(f"I have never seen the {thing}.", None, ())
    when = ago(now - known.record.time)
    if known.held:
        return Answer(f"The {thing} is in my hand since {when}.", "hand", (known.record.id,))
    if known.place is None:
        before = _last_place(memory, thing, known.record.time)
        was = f" It was at the {before.place} before." if before else ""
        ids = (known.record.id, *((before.id,) if before else ()))
        return Answer(f"I do not know: {when} the {thing} was no longer where I had seen it.{was}", None, ids)
    return Answer(f"The {thing} is at the {known.place}, as I saw {when}.", known.place, (known.record.id,))


def _last_place(memory: Memory, thing: str, until: float) -> Record | None:
    seen = memory.select(Filter("sighting", objects=[thing], until=until), limit=_LOOK_BACK)
    return next((record for record in seen if record.outcome != "failure"), None)


def _last_seen(memory: Memory, thing: str, span: Span, now: float) -> Answer:
    for record in memory.select(Filter(objects=[thing], since=span.since, until=span.until), limit=_LOOK_BACK):
        known = _tells(record, thing)
        if known is not None and (known.place or known.held):
            where = "in my hand" if known.held else f"at the {known.place}"
            said = f"I last saw the {thing} {ago(now - record.time)}, {clock(record.time)}, {where}."
            return Answer(said, record.time, (record.id,))
    return Answer(f"I have not seen the {thing}{span.words}.", None, ())


def _how_often(memory: Memory, thing: str, span: Span) -> Answer:
    tried = memory.select(Filter("episode", objects=[thing], since=span.since, until=span.until))
    failed = [r for r in tried if r.text.startswith(f"could not pick up the {thing}")]
    worked = [r for r in tried if r.text.startswith(f"picked up the {thing}")]
    attempts = len(failed) + len(worked)
    said = f"Picking up the {thing} failed {len(failed)} of {attempts} times{span.words}."
    return Answer(said, (len(failed), attempts), tuple(r.id for r in (*failed, *worked)))


def _changed(memory: Memory, place: str, span: Span, now: float) -> Answer:
    since = span.since if span.since is not None else now
    came, gone, evidence = set(), set(), []
    for thing in memory.names("objects"):
        before, after = whereabouts(memory, thing, since), whereabouts(memory, thing, span.until)
        was, is_now = (known is not None and known.place == place for known in (before, after))
        if was != is_now and after is not None:
            (came if is_now else gone).add(thing)
            evidence.append(after.record.id)
    news = [f"{what}: {', '.join(sorted(things))}" for what, things in (("new", came), ("gone", gone)) if things]
    said = f"At the {place}{span.words}, as far as I have seen: {'; '.join(news) or 'nothing changed'}."
    return Answer(said, (frozenset(came), frozenset(gone)), tuple(evidence))


def _did(memory: Memory, span: Span) -> Answer:
    done = _requests(memory, span.since, span.until)
    said = "; ".join(
        f"{clock(r.time)} {request} ({'done' if r.outcome == 'success' else 'not done'})" for request, r in done
    )
    value = tuple((request, r.outcome == "success") for request, r in done)
    return Answer(said or f"Nothing{span.words}.", value, tuple(r.id for _, r in done))


def _next_wish(memory: Memory, now: float) -> Answer:
    """What was asked for soon after this time of day on most other days, of as many what comes soonest; else what came
    most often after the latest request. Several times in one day say no more than one: only days make a habit."""
    requests = _requests(memory, None, now)
    hour = _hour(now)
    ahead = [(q, r) for q, r in requests if now - r.time > 43200 and 0 <= (_hour(r.time) - hour) % 24 <= _SOON]
    basis = "around this time on other days"
    if not ahead and requests:
        latest = requests[-1][0]
        ahead = [after for before, after in pairwise(requests) if before[0] == latest]
        basis = f"after {latest!r}"
    if not ahead:
        return Answer("I do not know their habits yet.", None, ())
    days = Counter(request for request, _ in {(q, _date(r.time)) for q, r in ahead})
    wish, _ = min(ahead, key=lambda asked: (-days[asked[0]], (_hour(asked[1].time) - hour) % 24))
    ids = tuple(r.id for request, r in ahead if request == wish)
    often = f"on {days[wish]} day{'s' if days[wish] > 1 else ''}"
    guess = "" if days[wish] > 1 else " That is no habit yet."
    return Answer(f"Probably {wish!r}: asked {basis}, {often}.{guess}", wish, ids)


def _requests(memory: Memory, since: float | None, until: float | None) -> list[tuple[str, Record]]:
    """What was asked for, oldest first, with the record of how it went."""
    told = memory.select(Filter("episode", place="", since=since, until=until), oldest_first=True)
    found = ((re.match(r"""asked to ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""", record.text), record) for record in told)
    return [(match[1][1:-1], record) for match, record in found if match]


def _date(seconds: float) -> date:
    return datetime.fromtimestamp(seconds).date()


def _hour(seconds: float) -> float:
    when = datetime.fromtimestamp(seconds)
    return when.hour + when.minute / 60


def _named(text: str, names: Sequence[str]) -> str | None:
    """The longest of the names that stands in the text."""
    found = [name for name in names if re.search(rf"\b{re.escape(name)}s?\b", text)]
    return max(found, key=len, default=None)
