"""What `doable bench scoring` scores: phrases from the library's templates over invented things, prompts, values.

All of it is made from a seed. Ten phrases are among the fifty, these among the 370, and so on.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .prompts import HEADER, continuation

_COLOURS = (
    "green", "red", "blue", "yellow", "white", "black", "grey", "orange", "purple", "brown", "pink", "silver",
    "turquoise", "striped", "spotted", "transparent",
)  # fmt: skip
_THINGS = (
    "bottle", "mug", "plate", "bowl", "spoon", "sponge", "towel", "jar", "box", "basket", "screwdriver", "tape measure",
    "watering can", "lunch box", "notebook", "candle holder", "cutting board", "peanut butter jar", "cereal box",
    "measuring cup", "flashlight", "soap dispenser", "thermos flask", "salt shaker",
)  # fmt: skip
_PLACES = (
    "table", "workbench", "window sill", "bookshelf", "near counter", "far counter", "sofa", "sink", "recycling bin",
    "doorway", "desk", "laundry basket",
)  # fmt: skip
_DRAWERS = ("top drawer", "middle drawer", "bottom drawer", "tool cabinet", "left cupboard", "right cupboard")
_SEEN = 6
"""Things that stand before the robot."""


def things() -> list[str]:
    """384 things, in an order that has nothing to do with their names."""
    named = [f"{colour} {thing}" for colour, thing in product(_COLOURS, _THINGS)]
    return [named[int(i)] for i in np.random.default_rng(0).permutation(len(named))]


def phrases(count: int) -> list[str]:
    """`count` skills as a library grounds them: three for each thing, and those for places and drawers among them."""
    fixed = ["done", "say that it is not possible", "bring it to you"]
    fixed += [f"go to the {place}" for place in _PLACES]
    fixed += [f"{verb} the {drawer}" for drawer in _DRAWERS for verb in ("open", "close")]
    made: list[str] = []
    others = iter(fixed)
    for thing in things():
        made += [f"find the {thing}", f"pick up the {thing}", f"put down the {thing}"]
        if other := next(others, None):
            made.append(other)
    if count > len(made):
        raise ValueError(f"Expected at most {len(made)} phrases, got {count}.")
    return made[:count]


def can(made: list[str], seed: int) -> NDArray[np.float64]:
    """(n,) values as a robot with an empty hand before six things has them.

    Picking up works for what it sees (0.6 to 0.97), finding for nearly all (0.5 to 0.97), going anywhere (0.9 to
    0.99), opening what is closed (0.7 to 0.9); nothing can be put down, brought or closed: 0. `done` and a refusal 0.5.
    """
    rng = np.random.default_rng([seed, len(made)])
    picks = [i for i, phrase in enumerate(made) if phrase.startswith("pick up")]
    seen = {picks[int(i)] for i in rng.permutation(len(picks))[:_SEEN]}
    ranges = {"find": (0.5, 0.97), "go": (0.9, 0.99), "open": (0.7, 0.9), "done": (0.5, 0.5), "say": (0.5, 0.5)}
    values = np.zeros(len(made))
    for i, phrase in enumerate(made):
        low, high = (0.6, 0.97) if i in seen else ranges.get(phrase.split()[0], (0.0, 0.0))
        values[i] = rng.uniform(low, high)
    return values


def unmasked(made: list[str], seed: int) -> NDArray[np.float64]:
    """(n,) values between 0.5 and 1 for everything: what a search has it hardest with."""
    return np.random.default_rng([seed, len(made)]).uniform(0.5, 1.0, len(made))


def turns(length: int, count: Callable[[str], int], seed: int, more: int = 2) -> list[str]:
    """A prompt of `length` tokens (`count` measures them) or a few more, then the same `more` turns later."""
    rng = np.random.default_rng(seed)
    names = things()

    def some(number: int) -> list[str]:
        return [names[int(i)] for i in rng.integers(len(names), size=number)]

    def turn() -> str:
        place = _PLACES[int(rng.integers(len(_PLACES)))]
        return (
            f"{continuation(f'find the {some(1)[0]}')}Done.\nNow: at the {place}, hand empty. "
            f"Seen: {place}: {', '.join(some(2))}.\nRobot:"
        )

    text = f"{HEADER}\nGoal: bring me the {some(1)[0]}\nNow: at the user, hand empty. Seen: nothing yet.\nRobot:"
    while count(longer := text + turn()) <= length:
        text = longer
    beginning = text.removesuffix("\nRobot:").removesuffix(".")
    while count(text) < length:  # the rest: more things in view
        beginning += f", {some(1)[0]}"
        text = f"{beginning}.\nRobot:"
    made = [text]
    for _ in range(more):
        made.append(made[-1] + turn())
    return made
