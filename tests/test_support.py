"""What lies in or on what."""

import pytest

from doable.sim.catalogue import CATALOGUE
from doable.sim.support import carrier

BLOCK, BOWL = CATALOGUE["blue block"].size[2], CATALOGUE["red bowl"].size[2]
TABLE = 0.72
BOWL_AT = ("red bowl", (0.0, 0.0, TABLE + BOWL / 2))
BLOCK_AT = ("green block", (0.3, 0.0, TABLE + BLOCK / 2))


def block(x, y, bottom):
    return "blue block", (x, y, bottom + BLOCK / 2)


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (block(0.0, 0.02, TABLE + 0.01), "red bowl"),
        (block(0.0, 0.2, TABLE), None),
        (block(0.0, 0.0, TABLE + 0.2), None),
        (block(0.3, 0.01, TABLE + BLOCK), "green block"),
        (block(0.3, 0.01, TABLE + BLOCK + 0.05), None),
        (block(0.3, 0.0405, TABLE), None),
    ],
    ids=["in a bowl", "beside it", "held above it", "on a block", "held above it", "beside it, touching"],
)
def test_what_a_block_lies_in_or_on(thing, expected):
    assert carrier(thing, [BOWL_AT, BLOCK_AT]) == expected


def test_a_block_on_a_block_in_a_bowl_lies_on_the_block():
    inside = ("green block", (0.0, 0.0, TABLE + 0.01 + BLOCK / 2))
    assert carrier(inside, [BOWL_AT]) == "red bowl"
    assert carrier(block(0.0, 0.0, TABLE + 0.01 + BLOCK), [BOWL_AT, inside]) == "green block"


def test_kitchen_things_carry_nothing():
    assert carrier(("apple", (0.0, 0.0, 0.98)), [("coke", (0.0, 0.0, 0.88))]) is None
