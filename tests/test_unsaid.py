"""Signs that a goal was not understood."""

import pytest

from doable.agent.unsaid import unsaid, wavers
from doable.sim.scene import load_scene

SCENE = load_scene("kitchen")


@pytest.mark.parametrize(
    ("goal", "errands", "signs"),
    [
        ("bring me an apple", ["bring me the apple"], []),
        ("the coke goes on the counter at the far side", ["put the coke on the far counter"], []),
        ("my cola, please", ["bring me the coke"], []),
        ("put the tea in the top drawer", ["put the tea bottle in the top drawer"], []),
        ("clean off the table", ["throw away everything from the table"], []),
        ("wipe my table", ["wipe the table"], []),
        ("an apple and a coke", ["bring me the apple"], ["the coke is named"]),
        ("the apple from the table", ["bring me the apple"], ["the table is named"]),
        ("an apple please", ["throw away the apple"], ["nothing speaks for 'throw away'"]),
        ("a soda", ["bring me two sodas"], ["nothing speaks for 'two|three|four'"]),
        ("wipe the table", ["go to the table"], ["'wipe the' is said"]),
    ],
)
def test_signs(goal, errands, signs):
    assert unsaid(goal, errands, SCENE) == signs


@pytest.mark.parametrize(
    "goal", ["The coke, no, the pepsi", "two. Sorry, three", "Actually I'm up anyway, hand it to me"]
)
def test_second_thoughts(goal):
    assert wavers(goal)


@pytest.mark.parametrize("goal", ["a coke", "a drink with no sugar", "bring me something"])
def test_none(goal):
    assert not wavers(goal)
