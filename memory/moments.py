"""Times as people say them: 'since this morning', 'yesterday at 14:30', 'in the last 2 hours'. This machine's clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_UNITS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}
_PARTS = {"morning": (5, 12), "afternoon": (12, 18), "evening": (18, 23)}
"""Hours from and to."""


@dataclass(frozen=True)
class Span:
    """From when to when, unix seconds; None: open."""

    since: float | None = None
    until: float | None = None
    words: str = ""
    """As it was said, with a blank before it."""


def clock(seconds: float) -> str:
    """'Nov 25 14:30'."""
    return datetime.fromtimestamp(seconds).strftime("%b %d %H:%M")


def span_of(text: str, now: float) -> Span:
    """The span that a lower-case text speaks of; an open one if it speaks of none."""
    today = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
    point = bool(re.search(r"\bsince\b", text))
    if ago := re.search(r"\b(\d+|an?|one|two|three) (minute|hour|day|week)s? ago\b", text):
        then = now - _number(ago[1]) * _UNITS[ago[2]]
        return Span(then, None, f" since {ago[0]}") if point else Span(None, then, f" {ago[0]}")
    if last := re.search(r"\b(?:in|over|during) the (?:last|past) (?:(\d+) )?(minute|hour|day|week)s?\b", text):
        return Span(now - float(last[1] or 1) * _UNITS[last[2]], None, f" {last[0]}")
    day = today - timedelta(days=1) if "yesterday" in text else today
    named = " yesterday" if "yesterday" in text else ""
    if at := re.search(r"\b(?:at|since|before|after) (\d{1,2})(?::(\d{2}))?\b ?(am|pm)?", text):
        hour = int(at[1]) % 12 + 12 * (at[3] == "pm") if at[3] else int(at[1])
        if hour < 24:
            then = day.replace(hour=hour, minute=int(at[2] or 0)).timestamp()
            opens = at[0].startswith(("since", "after"))
            return Span(then, None, f"{named} {at[0]}") if opens else Span(None, then, f"{named} {at[0]}")
    for part, (begin, end) in _PARTS.items():
        if re.search(rf"\b(?:this|yesterday) {part}\b", text):
            first, last = (day.replace(hour=hour).timestamp() for hour in (begin, end))
            this = f"{named or ' this'} {part}"
            return Span(first, None, f" since{this}") if point else Span(first, min(last, now), this)
    if named:
        first = day.timestamp()
        return Span(first, None, " since yesterday") if point else Span(first, today.timestamp(), named)
    if re.search(r"\btoday\b", text):
        return Span(today.timestamp(), None, " today")
    return Span()


def _number(word: str) -> float:
    return {"a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0}.get(word) or float(word)
