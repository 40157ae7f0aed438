"""Words as they are compared: in lower case, without apostrophes, and mended where a finger slipped."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache


def plain(text: str) -> str:
    """Lower case, one space, no apostrophes; "w/" as "with"."""
    text = re.sub(r"\bw/?\s", "with ", text.lower())
    text = re.sub(r"\bsmth\b|\bsth\b", "something", text)
    return " ".join(text.replace("’", "'").replace("'", "").replace("ñ", "n").split())


def mended(text: str, known: frozenset[str], right: Collection[str] = ()) -> str:
    """Words that are one slip of the fingers away from one of `known`, as that one; those that are `right` stay."""
    return re.sub(r"[a-z]{4,}", lambda m: m.group() if m.group() in right else _nearest(m.group(), known), text)


@lru_cache(8192)
def _nearest(word: str, known: frozenset[str]) -> str:
    if word in known:
        return word
    near = [other for other in known if len(other) > 3 and _slip(word, other)]
    return near[0] if len(near) == 1 else word


def _slip(word: str, other: str) -> bool:
    """One letter too many or too few, or two swapped. (One for another would make 'plate' a 'place'.)"""
    short, long = sorted((word, other), key=len)
    if len(long) - len(short) == 1:
        return any(long[:i] + long[i + 1 :] == short for i in range(len(long))) and long != short + "s"
    if len(long) != len(short):
        return False
    wrong = [i for i in range(len(word)) if word[i] != other[i]]
    return (
        len(wrong) == 2
        and wrong[1] == wrong[0] + 1
        and word[wrong[0]] == other[wrong[1]]
        and (word[wrong[1]] == other[wrong[0]])
    )
