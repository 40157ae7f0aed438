"""What words describe, by the catalogue: names, categories, properties, negation; None where a word is unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from ..sim.catalogue import CATALOGUE, canonical
from .spelling import plain

NOT = re.compile(
    r"\b(?:that (?:is|are) not|that isnt|that arent|that is neither|thats not|which is not|which isnt|other than|"
    r"except(?: for)?|but neither|(?:but|only) not|but no|and isnt|and not|neither|apart from|besides|with no|"
    r"(?:(?<=thing)|(?<=to drink)|(?<=to eat)) but(?: no)?|without(?: any)?|that has no|that have no|free of|not)\b"
)
"""Where the part of a description begins that must not hold."""
OR = re.compile(r"\bor (?:else )?(?=(?:the|an?|some|any|something|anything|my|our) )")
"""Between two things of which either will do."""
_EITHER = re.compile(r"\beither\b")
FILLER = frozenset(
    re.findall(
        r"\w+",
        "a an the some any one two three both my your our that this those these of is are there it its with on side "
        "something anything thing things item object kind sort piece bit nice good fresh cold single whole different "
        "more another extra additional "
        "can cans bottle bottles bag bags pack packet",
    )
)
"""Words that say nothing of the thing."""
NUMBERS = {"two": 2, "2": 2, "three": 3, "3": 3, "four": 4, "4": 4}
_WORDS = {
    "to drink": "drink", "drinkable": "drink", "to eat": "food", "edible": "food", "caffeine": "caffeinated",
    "salt": "salty", "fizzy drink": "soda", "soft drink": "soda", "piece of fruit": "fruit", "crisps": "chips",
    "bags of chips": "chips", "bag of chips": "chips", "packs of chips": "chips", "sweets": "sweet", "cubes": "block",
    "spice": "spicy", "chili": "spicy", "bubbles": "soda", "fizz": "soda", "fizzy": "soda", "sugar": "sweet",
    "sugary": "sweet", "carbonated": "soda", "bubbly": "soda", "stimulant": "caffeinated", "coca-cola": "coke",
    "cereal bar": "energy bar", "muesli bar": "energy bar", "snack bar": "energy bar", "ice tea": "tea bottle",
    "mineral water": "water bottle", "bottled water": "water bottle", "still water": "water bottle",
    "invigorating": "energizing", "energising": "energizing", "dish sponge": "sponge", "scrubber": "sponge",
}  # fmt: skip
"""Words beside the catalogue's own, and what they mean there."""
_ALONE = {"drink", "soda", "snack", "fruit", "chips", "block", "bowl", "energy drink", "cleaning tool", "food"}
"""Categories that may stand for a thing; of the others, like "can", another word has to say what."""
_LISTED = re.compile(r"\b(?:or|nor|and)(?: no)?\b|,")
"""Between things that are all not meant."""
_CLEANING = re.compile(r"\bto (?:clean|wipe|mop|scrub)\b(?!.*\bto\b).*$")


def described(text: str, types: Iterable[str]) -> frozenset[str] | None:
    """The types that fit a description, like "a soda that is not a coke" or "the coke or the tea"; None: not every word
    of it is known."""
    text = re.sub(r"\b(?:without(?: any)?|with no|that has no) sugar\b|\bsugar ?free\b", " unsweetened ", text)
    # "anything but the coke to drink" is something to drink
    text = re.sub(rf"\b(\w*thing)\b(.*{NOT.pattern}.*) (to (?:drink|eat))$", r"\1 \3\2", text)
    parts = NOT.split(text)
    if _EITHER.search(parts[0]) and not OR.search(parts[0]) and len(parts) > 1 and OR.search(parts[1]):
        return None  # It may end what is not meant, or what is.
    ways = [_fitting(way, tuple(types)) for way in OR.split(_EITHER.sub(" ", parts[0]))]
    fitting: frozenset[str] = frozenset()
    for way in ways:
        if way is None:
            return None
        fitting |= way
    for part in (one for listed in parts[1:] for one in _LISTED.split(listed) if one.strip()):
        out = _fitting(part, tuple(types), bare=True)
        if out is None or any(way and way & out for way in ways[:-1]):
            return None
        fitting -= out
    return fitting


def _fitting(text: str, types: tuple[str, ...], *, bare: bool = False) -> frozenset[str] | None:
    """The types of which all words of `text` hold; all types for "something"; None: a word is not known.

    `bare`: a property by itself ("without caffeine") will do.
    """
    text = " ".join(_CLEANING.sub(" cleaning tool ", text).split())
    left = f" {text} "
    known: list[str] = []
    for phrase, word in phrases().items():
        if f" {phrase} " in left:
            left = left.replace(f" {phrase} ", "  ")
            known.append(word)
    if set(left.split()) - FILLER - {*NUMBERS}:
        return None
    vague = {"something", "anything", "one", "thing", "things", "item"} & {*left.split()}
    alone = bool(
        re.fullmatch(r" (?:(?:any|an?|one|two|three|the|that|this|those|these) )?(?:cans?|bottles?) ", f" {text} ")
    )
    if not (vague or alone or (bare and known)) and not any(w in CATALOGUE or w in _ALONE for w in known):
        return None
    names = [word for word in known if word in CATALOGUE]
    if len(set(names)) > 1:
        return None
    return frozenset(t for t in types if all(CATALOGUE[t].is_a(word) for word in known))


@cache
def phrases() -> Mapping[str, str]:
    """Everything that the catalogue has a word for, longest first; plurals too."""
    words: dict[str, str] = dict(_WORDS)
    for kind in CATALOGUE.values():
        for word in (kind.name, *kind.synonyms, *kind.categories, *kind.properties):
            words.setdefault(plain(word), canonical(word))
            words.setdefault(plain(word) + "s", canonical(word))
    for plural in ("beverage", "beverages"):
        words[plural] = "drink"
    return dict(sorted(words.items(), key=lambda item: -len(item[0])))
