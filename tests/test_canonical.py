"""Errands in plain words: read back as what they are, in words that the goal has."""

from __future__ import annotations

import numpy as np
import pytest

from doable.agent.canonical import REFUSAL, UNCLEAR, _ways, named, told, utterance
from doable.agent.instructions import Grammar
from doable.agent.meaning import Meaning
from doable.agent.spoken_frames import SpokenGrammar
from doable.agent.teacher import Errand
from doable.agent.understanding import read
from doable.sim.catalogue import KITCHEN
from doable.sim.scene import load_scene

SCENE = load_scene("kitchen")
DRINKS = tuple(name for name, kind in KITCHEN.items() if kind.is_a("drink"))
SODAS = tuple(name for name, kind in KITCHEN.items() if kind.is_a("soda"))
FRUITS = tuple(name for name, kind in KITCHEN.items() if kind.is_a("fruit"))


@pytest.mark.parametrize(
    ("errand", "goal", "said"),
    [
        (Errand("deliver", ("apple",), "user"), "an apple, quick", "bring me the apple"),
        (Errand("deliver", ("apple",), "trash can", "table"), "Apple! Bin!", "throw away the apple from the table"),
        (Errand("deliver", ("coke",), "top drawer"), "hide my cola", "put the coke in the top drawer"),
        (Errand("deliver", DRINKS, "table"), "something to drink there", "put a drink on the table"),
        (Errand("deliver", SODAS, "user", count=2), "two sodas", "bring me two sodas"),
        (Errand("deliver", SODAS, "user", count=2), "sodas, two sorts", "bring me two different sodas"),
        (
            Errand("deliver", tuple(KITCHEN), "cabinet", "table", count=0),
            "the lot",
            "put everything from the table on the cabinet",
        ),
        (
            Errand("deliver", tuple(k for k in SODAS if k != "coke"), "user", "table", count=0),
            "sodas, never mind the coke",
            "bring me all the sodas except the coke from the table",
        ),
        (Errand("hold", ("apple",)), "have the apple ready", "pick up the apple"),
        (Errand("find", ("apple",)), "where's my apple", "find the apple"),
        (Errand("go", target="user"), "here, boy", "go to the user"),
        (Errand("wipe", ("sponge",), target="table"), "crumbs", "wipe the table"),
        (Errand("deliver", ("apple",), "user", count=2), "apples, a pair", "bring me two apples"),
        (
            Errand("deliver", ("coke",), "table", "far counter", count=0),
            "cokes",
            "put all the cokes from the far counter on the table",
        ),
        (Errand("deliver", ("pepsi", "coke"), "user"), "coke, or pepsi", "bring me the coke or the pepsi"),
        (Errand("find", (*FRUITS, "7up")), "fruit, else the 7up", "find a fruit or the 7up"),
        (
            Errand("deliver", ("tea bottle", "water bottle"), "user"),
            "a can, no, make that a bottle; not the tea again",
            "bring me a bottle",
        ),
        (Errand("refuse"), "sing", REFUSAL),
        (Errand("unclear"), "put it there", UNCLEAR),
    ],
)
def test_plain_words(errand, goal, said):
    assert utterance(errand, SCENE, goal) == said


def test_all_that_words_call_one_or_the_other_is_called_by_its_kind():
    bottles = tuple(name for name, kind in KITCHEN.items() if kind.is_a("bottle"))
    errand = Errand("deliver", bottles, "trash can", "table", count=0)
    goal = "all the bottles on the table, that is the tea bottle and the water bottle, are for the bin"
    assert utterance(errand, SCENE, goal) == "throw away all the bottles from the table"
    meaning = read("throw away all the bottles from the table", SCENE)
    assert meaning
    assert told(meaning, SCENE, goal) == "throw away all the bottles from the table"


def test_what_can_not_be_told_is_not_told_otherwise():
    assert told(Meaning("deliver", frozenset({"apple", "sponge", "coke"}), "user", "table", 0), SCENE) == ""


def test_every_way_to_call_things_is_read_back():
    for things, ways in _ways().items():
        for one, _, but in ways:
            said = f"bring me {one}" + (f" that is not {but}" if but else "")
            meaning = read(said, SCENE)
            assert meaning is None or meaning.things == things, said
            assert meaning or " or " not in one, said


def test_what_is_not_named_is_described():
    errand = Errand("deliver", ("sponge",), "user")
    assert utterance(errand, SCENE, "my hands are sticky") == "bring me something absorbent"
    assert utterance(errand, SCENE, "the sponge please") == "bring me the sponge"


def test_what_is_left_out_is_called_as_in_the_goal():
    errand = Errand("deliver", ("multigrain chips", "rice chips", "sea salt chips"), "user")
    assert "not spicy" in (utterance(errand, SCENE, "chips that are not spicy") or "")
    assert "not the jalapeno chips" in (utterance(errand, SCENE, "chips, any but jalapeno") or "")


def test_what_no_words_fit_has_none():
    assert utterance(Errand("deliver", ("apple", "sponge", "coke"), "user"), SCENE) is None


@pytest.mark.parametrize("grammar", [Grammar, SpokenGrammar])
def test_nearly_all_errands_have_plain_words_that_are_read_back(grammar):
    drawn, rng, without = grammar(SCENE), np.random.default_rng(0), 0
    for _ in range(200):
        made = drawn.draw(rng)
        for errand in made.errands:
            said = utterance(errand, SCENE, made.text)
            without += said is None
            if said and said != REFUSAL:
                meaning = read(said, SCENE)
                assert meaning, said
                assert set(meaning.things) == set(errand.what), said
    assert without < 20


def test_names_are_known_however_they_are_spelt():
    assert named("A coka... no, a pespi, and two bananas!") == {"pepsi", "banana"}
    assert named("something to drink") == set()
