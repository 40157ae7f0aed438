"""The one thing and the one place that a sentence names, where its words are too many or too odd to be read plainly.

'take the pepsi away from there and leave it by the sink' is no plain sentence, but it names one thing and one place to
bring it to. Silent where anything is described, refused, chosen among, or named twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..sim.catalogue import CATALOGUE
from .describing import FILLER, NOT, phrases

_OPEN = re.compile(
    r"\b(?:something|anything|what|whatever|which|some|any|else|another|instead|rather|or|if|unless|dont|not|no|never|"
    r"isnt|arent|cant|wont|except|like|than|all|every|everything|each|both|two|three|four|other|of|until|when|after|before)\b"
)
"""What a name alone does not tell: another thing may be meant, or more than one errand."""
_AWAY = re.compile(r"\b(?:from|off|out of|away from)(?: of)?(?: the| my| our)?$")
_LIES = re.compile(r"\b(?:on|at|in|inside)(?: the| my| our)?$")
WITH_IT = re.compile(r"\b(?:know|see|where|how|gone|thrown|moved|put|away|out|washed|open|opened|to be)\b")
"""Words after a wish that make it one for something to be done, not for the thing."""
_ME = re.compile(r"\b(?:me|us)\b")
_BESIDE = re.compile(
    r"\b(?:side|end|edge|corner|far|near|left|right(?! (?:by|now|next|over|on|at|in|about))|around|with you)\b"
)
"""Where something else than a named place is meant."""
_TAKES = ("grab", "get", "fetch", "hand", "give", "pass", "bring")
"""Verbs after which a place is where the thing lies."""


@dataclass(frozen=True)
class Named:
    """What is named: a type of thing, where it comes from and where it is to go (None: nothing is said)."""

    thing: str
    source: str | None
    to: str | None
    to_me: bool


def named(verb: str, rest: str, places: Mapping[str, str]) -> Named | None:
    """What stands behind a verb; `places` are plain words for places and drawers. None: that is not plain."""
    if _OPEN.search(rest) or NOT.search(rest):
        return None
    sources, targets = set(), set()
    for phrase in sorted(places, key=len, reverse=True):
        while found := re.search(rf"\b{re.escape(phrase)}\b", rest):
            before = rest[: found.start()].rstrip()
            lies = _AWAY.search(before) or (verb in _TAKES and _LIES.search(before))
            (sources if lies else targets).add(places[phrase])
            rest = f"{before} , {rest[found.end() :]}"
    left, known = f" {rest} ", []
    for phrase, word in phrases().items():
        if f" {phrase} " in left:
            left = left.replace(f" {phrase} ", " , ")
            known.append(word)
    things = {*known} - FILLER
    if len(things) != 1 or not things <= {*CATALOGUE} or _BESIDE.search(left):
        return None
    if len(sources) > 1 or len(targets) > 1:
        return None
    return Named(things.pop(), next(iter(sources), None), next(iter(targets), None), bool(_ME.search(rest)))
