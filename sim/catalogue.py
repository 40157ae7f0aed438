"""The objects of the scenes: what they are called, what they are good for, how they look and weigh.

One `ObjectType` a thing; every other part asks this page instead of keeping a list of its own.
Sizes in metres, masses in kilograms, friction is Bullet's lateral coefficient, colours are RGB in [0, 1].
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Shape = Literal["box", "cylinder", "sphere", "bowl"]
"""The collision shape; a bowl is a round floor with a ring of boards, open above."""


@dataclass(frozen=True)
class ObjectType:
    """A kind of thing. `size` is the bounding box (x, y, z) in its resting pose, metres."""

    name: str
    shape: Shape
    size: tuple[float, float, float]
    mass: float
    colour: tuple[float, float, float]
    categories: tuple[str, ...]
    properties: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    friction: float = 0.9
    holds: bool = False
    """Things can lie in it."""
    stacks: bool = False
    """Things can be put on top of it."""

    @property
    def cube(self) -> bool:
        """Does it look and stand the same on each of its sides?"""
        return self.shape == "box" and len(set(self.size)) == 1

    def is_a(self, what: str) -> bool:
        """True if `what` (a canonical word) is this type's name, one of its categories or properties."""
        return what == self.name or what in self.categories or what in self.properties


class UnknownName(ValueError):
    """A word that names nothing here. The message gives the nearest known word."""

    def __init__(self, role: str, value: str, known: Iterable[str]):
        known = sorted(set(known))
        near = difflib.get_close_matches(value.lower(), known, n=1, cutoff=0.4)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
        super().__init__(f"Expected the name of {role}, got {value!r}. {hint}")


def _can(name: str, colour: tuple[float, float, float], *more: str, **kw) -> ObjectType:
    return ObjectType(name, "cylinder", (0.066, 0.066, 0.122), 0.35, colour, ("soda", "drink", "can"), more, **kw)


def _bottle(name: str, colour: tuple[float, float, float], *more: str, **kw) -> ObjectType:
    return ObjectType(name, "cylinder", (0.064, 0.064, 0.20), 0.50, colour, ("drink", "bottle"), more, **kw)


def _chips(name: str, colour: tuple[float, float, float], *more: str, **kw) -> ObjectType:
    # A full bag stands by itself, is light, and gives little to hold: low friction.
    size = (0.14, 0.055, 0.17)
    return ObjectType(name, "box", size, 0.08, colour, ("chips", "snack", "food"), more, friction=0.6, **kw)


def _block(colour: str, rgb: tuple[float, float, float]) -> ObjectType:
    # The 4 cm cubes of SayCan's open-source tabletop.
    return ObjectType(
        f"{colour} block", "box", (0.04, 0.04, 0.04), 0.05, rgb, ("block",), (colour,),
        (f"{colour} cube", f"{colour} box"), stacks=True,
    )  # fmt: skip


def _bowl(colour: str, rgb: tuple[float, float, float]) -> ObjectType:
    # Wide enough for a block and the fingers that let go of it.
    return ObjectType(
        f"{colour} bowl", "bowl", (0.16, 0.16, 0.05), 0.25, rgb, ("bowl", "container"), (colour,),
        (f"{colour} dish",), holds=True,
    )  # fmt: skip


KITCHEN: dict[str, ObjectType] = {
    kind.name: kind
    for kind in (
        _can("coke", (0.80, 0.05, 0.08), "caffeinated", "sweet", synonyms=("coke can", "coca cola", "cola")),
        _can("pepsi", (0.05, 0.20, 0.65), "caffeinated", "sweet", synonyms=("pepsi can",)),
        _can("7up", (0.10, 0.65, 0.25), "clear", "sweet", synonyms=("7up can", "seven up", "sprite", "sprite can")),
        _can("lime soda", (0.55, 0.85, 0.20), "sweet", "citrus", synonyms=("lime soda can", "lime")),
        _can(
            "grapefruit soda", (0.98, 0.55, 0.50), "sweet", "citrus",
            synonyms=("grapefruit soda can", "grapefruit"),
        ),
        ObjectType(
            "red bull", "cylinder", (0.053, 0.053, 0.135), 0.27, (0.35, 0.45, 0.85),
            ("energy drink", "drink", "can"), ("caffeinated", "energizing"),
            ("redbull", "redbull can", "red bull can"),
        ),
        _bottle("tea bottle", (0.60, 0.40, 0.15), "caffeinated", synonyms=("tea", "iced tea", "bottle of tea")),
        _bottle(
            "water bottle", (0.70, 0.88, 0.98), "healthy", "refreshing", "unsweetened",
            synonyms=("water", "bottle of water"),
        ),
        ObjectType(
            "apple", "sphere", (0.070, 0.070, 0.070), 0.18, (0.75, 0.12, 0.10),
            ("fruit", "snack", "food"), ("healthy", "sweet", "red"),
        ),
        ObjectType(
            "orange", "sphere", (0.072, 0.072, 0.072), 0.20, (1.00, 0.55, 0.05),
            ("fruit", "snack", "food"), ("healthy", "sweet", "citrus"),
        ),
        ObjectType(
            "banana", "box", (0.17, 0.036, 0.036), 0.12, (0.98, 0.88, 0.20),
            ("fruit", "snack", "food"), ("healthy", "sweet", "yellow"),
        ),
        ObjectType(
            "sponge", "box", (0.11, 0.068, 0.035), 0.03, (0.95, 0.80, 0.30),
            ("cleaning tool",), ("absorbent",), ("kitchen sponge",), friction=1.0,
        ),
        _chips("multigrain chips", (0.62, 0.45, 0.25), "salty", "crunchy", "healthy", synonyms=("multigrain",)),
        _chips("jalapeno chips", (0.15, 0.50, 0.15), "salty", "crunchy", "spicy", 
               synonyms=("jalapeno", "jalapeño chips")),
        _chips("rice chips", (0.93, 0.90, 0.80), "salty", "crunchy", synonyms=("rice crackers",)),
        _chips("sea salt chips", (0.30, 0.55, 0.75), "salty", "crunchy", synonyms=("sea salt", "salt chips")),
        ObjectType(
            "energy bar", "box", (0.13, 0.038, 0.024), 0.06, (0.45, 0.10, 0.45),
            ("snack", "food"), ("energizing", "sweet"), ("protein bar", "granola bar"),
        ),
    )
}  # fmt: skip
"""What stands in a kitchen."""

_COLOURS = {
    "blue": (0.16, 0.35, 0.80), "red": (0.85, 0.14, 0.14), "green": (0.15, 0.62, 0.25), "yellow": (0.95, 0.80, 0.10),
}  # fmt: skip

TABLETOP: dict[str, ObjectType] = {
    kind.name: kind for make in (_block, _bowl) for kind in (make(name, rgb) for name, rgb in _COLOURS.items())
}
"""What stands on the tabletop."""

CATALOGUE: dict[str, ObjectType] = KITCHEN | TABLETOP
"""Every type there is, by name; which of them a scene can hold is its own `types`."""

SPILL = "spill"
"""What a spill is called: a mark on a surface, no object."""

WORDS: frozenset[str] = frozenset(
    word for kind in CATALOGUE.values() for word in (kind.name, *kind.categories, *kind.properties)
)
"""Every word that `ObjectType.is_a` understands."""

_ALIASES: dict[str, str] = {alias: kind.name for kind in CATALOGUE.values() for alias in kind.synonyms} | {
    "beverage": "drink", "fruits": "fruit", "snacks": "snack", "drinks": "drink", "sodas": "soda",
    "bag of chips": "chips", "blocks": "block", "cube": "block", "cubes": "block", "bowls": "bowl",
}  # fmt: skip


def canonical(what: str) -> str:
    """The catalogue's own word for an object type, category or property. Raises `UnknownName`."""
    word = " ".join(what.lower().split())
    word = _ALIASES.get(word, word)
    if word not in WORDS:
        raise UnknownName("an object, category or property", what, [*WORDS, *_ALIASES])
    return word


def object_type(name: str) -> ObjectType:
    """The `ObjectType` of a name or synonym. Raises `UnknownName`."""
    word = " ".join(name.lower().split())
    word = _ALIASES.get(word, word)
    if word not in CATALOGUE:
        names = [*CATALOGUE, *(alias for alias, kind in _ALIASES.items() if kind in CATALOGUE)]
        raise UnknownName("an object", name, names)
    return CATALOGUE[word]


def is_a(type_name: str, what: str) -> bool:
    """Does an object of `type_name` count as `what` (a canonical word)?"""
    return CATALOGUE[type_name].is_a(what)
