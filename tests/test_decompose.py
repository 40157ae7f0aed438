"""Goals to subgoals: cut where a sentence plainly lists errands, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doable.agent.decompose import decompose
from doable.sim.scene import load_scene


def parts(goal: str) -> list[str]:
    return [subgoal.text for subgoal in decompose(goal)]


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("bring me both the rice chips and the coke", ["bring me the rice chips", "bring me the coke"]),
        ("bring me a coke", ["bring me a coke"]),
        ("bring me a coke and an apple", ["bring me a coke", "bring me an apple"]),
        (
            "put the pepsi, the 7up and the tea on the table",
            ["put the pepsi on the table", "put the 7up on the table", "put the tea on the table"],
        ),
        ("go to the table, then open the top drawer", ["go to the table", "open the top drawer"]),
        ("Open the top drawer. Bring me the orange.", ["Open the top drawer", "Bring me the orange"]),
        ("open the top drawer and bring me the orange", ["open the top drawer", "bring me the orange"]),
        ("give me a snack, a soda and some fruit", ["give me a snack", "give me a soda", "give me some fruit"]),
        (
            "wait, the coke and the tea are mine: bring me a pepsi",
            ["wait, the coke and the tea are mine: bring me a pepsi"],
        ),
        ("bring me a coke with the rice chips", ["bring me a coke", "bring me the rice chips"]),
        (
            "stack the red block on the green block, then put the blue block in the red bowl",
            ["stack the red block on the green block", "put the blue block in the red bowl"],
        ),
        (
            "take the coke to the table and the tea to the close counter",
            ["take the coke to the table", "take the tea to the close counter"],
        ),
        (
            "Tidy up: the coke goes to the table and the tea to the close counter.",
            ["put the coke to the table", "put the tea to the close counter"],
        ),
        ("Shut the top drawer, pull the bottom one open", ["Shut the top drawer", "pull the bottom drawer open"]),
        ("visit the table and the far counter", ["go to the table", "go to the far counter"]),
        ("Go to the table, the cabinet, and the bin", ["go to the table", "go to the cabinet", "go to the bin"]),
        ("open the top drawer and put the tea inside", ["put the tea in the top drawer"]),
        ("go to the table and bring me the coke", ["go to the table", "bring me the coke"]),
        # What leans on the clause before it is not cut off.
        ("pick up the coke, then put it on the table", ["pick up the coke, then put it on the table"]),
        ("find the coke and bring it to me", ["find the coke and bring it to me"]),
        # A remark is no errand, a negation no list.
        ("I dropped my tea, can you bring me a snack?", ["I dropped my tea, can you bring me a snack?"]),
        ("bring me a drink but not the coke or the pepsi", ["bring me a drink but not the coke or the pepsi"]),
        ("not coke and pepsi, bring something else", ["not coke and pepsi, bring something else"]),
    ],
)
def test_cuts(goal, expected):
    assert parts(goal) == expected


@given(st.text(min_size=1).filter(str.strip))
def test_any_text_gives_at_least_one_numbered_subgoal(goal):
    subgoals = decompose(goal)
    assert [s.index for s in subgoals] == list(range(len(subgoals)))
    assert subgoals
    assert all(s.text for s in subgoals)


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("go to the table and put down the apple", ["put the apple on the table"]),
        ("put down the apple and go to the table", ["put down the apple", "go to the table"]),
    ],
)
def test_what_is_put_down_after_a_drive_goes_there(goal, expected):
    assert [subgoal.text for subgoal in decompose(goal, load_scene("kitchen"))] == expected
