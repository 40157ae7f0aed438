"""Answers to a person's questions, from what the robot has seen and remembers alone: nobody makes them up."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from ..memory.store import Memory
from ..sim.catalogue import canonical
from ..sim.observation import Observation, SeenObject
from .terminal import plain, seen
from .types import Step

_ASKS = re.compile(
    r"^(where|what|which|who|why|when|how|did|do you (?:see|have|know|remember)|have|is|are|was|were)\b", re.I
)
_RECORDS = 3


def is_question(text: str) -> bool:
    """Is this asked for words? 'Can you bring me the coke?' is not: it asks for deeds."""
    text = text.strip()
    return bool(_ASKS.match(text)) and text.endswith("?")


def answer(question: str, observation: Observation, memory: Memory, steps: Sequence[Step] = ()) -> str:
    """What is known of it: things of the question as last seen, the last choice if it asks why, and memories."""
    told: list[str] = []
    if re.match(r"\s*why\b", question, re.I) and steps:
        last = steps[-1]
        told.append(f"I chose {last.decision.phrase or last.decision.kind!r}: {last.decision.reason}.")
    things = [o for o in observation.objects if _names(question, o.type)]
    held = observation.robot.holding
    if held and _names(question, held):
        told.append(f"The {held} is in my hand.")
    told += [_where(o, observation.time) for o in things]
    if not told or re.search(r"\b(see|here|holding|hold|hand|doing|you)\b", question, re.I):
        told.append(f"I am {seen(observation)}.")
    now = time.time()
    records = [] if things else memory.search(question, k=10 * _RECORDS)
    named = [record for record in records if any(_names(question, thing) for thing in record.objects)]
    records = (named or records)[:_RECORDS]
    told += [f"I remember: {plain(record.sentence(now))}." for record in records]
    return "\n".join(told)


def _names(question: str, thing: str) -> bool:
    """Does the question name this thing, by its own name or a synonym of it?"""
    words = re.findall(r"[a-z0-9]+", question.lower())
    spans = {" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, min(i + 4, len(words)) + 1)}
    if thing in spans:
        return True
    for span in spans:
        try:
            if canonical(span) == thing:
                return True
        except ValueError:
            continue
    return False


def _where(thing: SeenObject, now: float) -> str:
    place = thing.place or "floor"
    if thing.remembered:
        return f"The {thing.type} was at the {place} when an earlier run saw it."
    if thing.visible:
        return f"The {thing.type} is at the {place}; I see it."
    return f"The {thing.type} was at the {place} when I saw it, {now - thing.last_seen:.0f} simulated seconds ago."
