"""A correction in a few words, made into what is to be pursued instead: "no, the pepsi" of "bring me the coke".

Only plain ones are read: one thing or one place in the place of another. Words with a verb of their own are a goal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..sim.catalogue import CATALOGUE

_LEAD = re.compile(
    r"^(?:(?:no|nope|not that(?: one)?|wait|stop|sorry|actually|rather|i meant?|make (?:it|that))\b[ ,.:;!–-]*)+", re.I
)
_HOW = r"(?:to|on|onto|in|into|at)"
_ARTICLE = r"(?:(?:the|a|an|some|my|that) )?"


def corrected(words: str, rest: Sequence[str], places: Iterable[str]) -> str:
    """What to pursue now; `rest` are the errands that are left of the goal, the one in hand first.

    `places` are the names of places and drawers. Raises ValueError where it is not plain what is to be replaced.
    """
    if not rest:
        return words
    said = _LEAD.sub("", " ".join(words.split())).strip(" .!") or words
    things = {n for kind in CATALOGUE.values() for n in (kind.name, *kind.synonyms, *kind.categories)}
    for names, before in ((things, ""), (set(places), f"{_HOW} ")):
        name = rf"{before}{_ARTICLE}(?:{'|'.join(sorted(map(re.escape, names), key=len, reverse=True))})"
        form = re.compile(
            rf"^(?:not (?P<first>{name}),? (?:but )?)?(?P<new>{name})"
            rf"(?: instead(?: of (?P<last>{name}))?|,? not (?P<not>{name}))?$", re.I
        )  # fmt: skip
        if found := form.match(said):
            old = found["first"] or found["last"] or found["not"]
            if before and old is None and not re.search(rf"\b{name}\b", rest[0], re.I):  # a place, where none was said
                errand = re.sub(r" me\b", "", rest[0], flags=re.I, count=1)
                return ", then ".join((f"{errand} {found['new']}", *rest[1:]))
            now = _replaced(rest[0], old or name, found["new"], plainly=old is not None)
            return ", then ".join((now, *rest[1:]))
    return said


def _replaced(errand: str, old: str, new: str, *, plainly: bool) -> str:
    """The errand with `new` for its one part that reads like `old`: words, or a pattern of them."""
    pattern = rf"\b{_ARTICLE}{re.escape(re.sub(rf'^{_ARTICLE}', '', old))}\b" if plainly else rf"\b{old}\b"
    there = [m.group() for m in re.finditer(pattern, errand, re.I)]
    if len(there) != 1:
        raise ValueError(
            f"Expected one thing in {errand!r} that {new!r} is to replace, got {len(there)}. "
            "Say 'the X instead of the Y', or the whole goal anew."
        )
    return re.sub(pattern, new, errand, flags=re.I)
