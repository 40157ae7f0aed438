"""A goal in anybody's words, said again in plain ones: what is taken of it, and what is taught."""

from __future__ import annotations

import itertools
import math

import pytest

from doable.agent import Agent
from doable.agent.agenda import Agenda
from doable.agent.canonical import REFUSAL, UNCLEAR
from doable.agent.config import Config
from doable.agent.restatements import restatements
from doable.agent.restating import Restater, Way, accepted, answer, fulfil, prompt, restater
from doable.agent.types import OVER, Subgoal
from doable.agent.understanding import read
from doable.sim.facts import At
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup

SCENE = load_scene("kitchen")


def agenda(goal, *ways, **settings):
    """`ways`: what the goal may mean, each half as likely as the one before."""
    asked = []

    def restating(*told):
        asked.append(told)
        return tuple(Way(errands, 0.7 / 2**i) for i, errands in enumerate(ways) if errands)

    return Agenda(goal, SCENE, Config(**settings), restating=restating), asked


def test_a_goal_in_odd_words_becomes_plain_errands():
    mine, asked = agenda("apple: here; coke: gone", ("bring me the apple", "throw away the coke"))
    begun = mine.beginning("sponge")
    assert begun.subgoals == (Subgoal("bring me the apple", 0), Subgoal("throw away the coke", 1))
    assert not begun.question
    assert asked == [("apple: here; coke: gone", "sponge", SCENE)]


def test_what_else_may_be_meant_stands_beside_an_errand():
    wide = ("bring me a drink", "open the top drawer")
    narrow = ("bring me a bottle", "open the top drawer")
    goal = "something wet, and drawer up top open"
    mine, _ = agenda(goal, narrow, ("bring me a snack",), wide, sure=0.1)
    assert [s.instead for s in mine.beginning().subgoals] == ["bring me a drink", ""]
    mine, _ = agenda(goal, narrow, ("bring me a snack",), wide, sure=0.5)
    assert [s.instead for s in mine.beginning().subgoals] == ["", ""], "not sure enough to be called reached"
    mine, _ = agenda(goal, narrow, ("bring me a snack",), wide, sure=0.8)
    assert [s.instead for s in mine.beginning().subgoals] == ["bring me a drink", ""], "a guess may be followed by one"
    mine, _ = agenda(goal, wide, narrow)
    assert [s.instead for s in mine.beginning().subgoals] == ["", ""], "who brings a bottle has brought a drink"


def test_where_nothing_is_found_what_else_may_be_meant_is_done(tmp_path, monkeypatch):
    goal = "a thing to sip, for my sister on the table, nothing that fizzes"
    ways = (Way(("put the water bottle on the table",), 0.7), Way(("put a bottle on the table",), 0.65))
    world = SymbolicWorld()
    world.reset(Setup((("tea bottle", "far counter"), ("coke", "close counter")), "user"))
    monkeypatch.setattr("doable.agent.agent.make_restating", lambda *_: lambda *_: ways)
    config = Config(runs=str(tmp_path / "runs"), memory=str(tmp_path / "memory"), values="declared")
    result = Agent(world, config=config).run(goal)
    assert result.status == "reached", result.reason
    assert [s.subgoal.text for s in result.steps if s.decision.kind in OVER] == ["; ".join(e) for e, _ in ways]
    assert At("tea bottle", "table").holds(world.facts())


def test_one_thing_that_will_do_is_put_to_the_model_by_its_name():
    mine, _ = agenda("something red here")
    assert mine.words(Subgoal("put something red in the bottom drawer")) == "put the apple in the bottom drawer"
    for same in ("bring me a drink", "fetch me that sprite", "open the top drawer", "you know what"):
        assert mine.words(Subgoal(same)) == same


def test_a_plain_goal_is_not_said_again():
    mine, asked = agenda("bring me the apple", ("bring me the coke",))
    assert mine.beginning().subgoals == (Subgoal("bring me the apple", 0),)
    assert not asked


def test_where_it_is_not_known_how_the_goal_stays_as_it_is():
    goal = "the apple, you know what to do"
    assert agenda(goal, ())[0].beginning() == ((Subgoal(goal, 0),), "", ())
    assert agenda(goal, ("bring me the apple",), decompose=False)[0].beginning().subgoals == (Subgoal(goal, 0),)


def test_what_is_not_in_the_hand_is_not_let_go_of():
    mine, asked = agenda("drop the coke", ("throw away the coke",))
    assert [subgoal.text for subgoal in mine.beginning("coke").subgoals] == ["drop the coke"]
    assert not asked
    assert [subgoal.text for subgoal in mine.beginning(None).subgoals] == ["throw away the coke"]
    assert asked


def test_where_no_way_is_sure_a_person_is_asked():
    goal, here, there = "the apple, you know where", ("bring me the apple",), ("put the apple on the table",)
    mine, _ = agenda(goal, here, there, sure=0.8)
    begun = mine.beginning()
    assert begun.subgoals == (Subgoal("bring me the apple", reading="guess"),)
    assert repr(goal) in begun.question
    assert begun.options == ("bring me the apple", "put the apple on the table")
    assert mine.answered("yes", begun.options) == (Subgoal("bring me the apple"),)
    assert mine.answered("2", begun.options) == (Subgoal("put the apple on the table"),)
    assert mine.answered("throw away the apple, then close the top drawer", begun.options) == (
        Subgoal("throw away the apple", 0),
        Subgoal("close the top drawer", 1),
    )
    assert agenda(goal, here, there)[0].beginning() == ((Subgoal("bring me the apple"),), "", ())


@pytest.mark.parametrize("said", [None, "", "none", "the usual", "sing me a song"])
def test_an_answer_that_says_nothing_changes_nothing(said):
    assert agenda("the usual", (UNCLEAR,))[0].answered(said, ()) == ()


def test_an_answer_may_be_in_odd_words_too():
    mine, asked = agenda("the usual", ("bring me the apple",))
    assert mine.answered("apple, quick, I'm starving", (), "coke") == (Subgoal("bring me the apple"),)
    assert asked == [("the usual: apple, quick, I'm starving", "coke", SCENE)]
    assert agenda("the usual", ("bring me the apple",), sure=0.9)[0].answered("apple, quick", ()) == ()


def test_what_is_not_clear_is_asked_about():
    goal, known = "put it over there, will you", (UNCLEAR,)
    begun = agenda(goal, known)[0].beginning()
    assert begun == ((Subgoal(goal, reading="unclear"),), f"What do you mean by {goal!r}?", ())
    assert agenda(goal, known, sure=0.9)[0].beginning() == begun, "nothing else is likely"
    begun = agenda("the apple, over there, will you", known, ("bring me the apple",), sure=0.9)[0].beginning()
    assert begun.subgoals == (Subgoal("bring me the apple", reading="guess"),)
    assert not begun.options


def test_what_no_robot_can_do_is_not_tried():
    goal = "the apple wants peeling, be a dear"
    assert agenda(goal, (REFUSAL,))[0].beginning() == ((Subgoal(goal, reading="impossible"),), "", ())
    unsure = agenda(goal, (REFUSAL,), sure=0.9)[0].beginning()
    assert unsure.subgoals == (Subgoal(goal, reading="guess"),), "the planner may know"
    assert unsure.question


def test_what_rules_may_have_misread_is_a_guess_unless_the_model_says_the_same():
    goal = "I need my orange, and since you're at it, the banana goes in the top drawer"
    for ways in ((UNCLEAR,),), ():
        begun = agenda(goal, *ways)[0].beginning()
        assert begun.options == ("bring me the orange",)
        assert [subgoal.reading for subgoal in begun.subgoals] == ["guess"]
    begun = agenda(goal, ("bring me the orange",))[0].beginning()
    assert (begun.question, begun.subgoals[0].reading) == ("", "sure")


def test_second_thoughts_are_a_reason_to_ask_the_model():
    goal, said = "bring me two cans. three. sorry, bring me three.", ("bring me three cans",)
    assert [subgoal.text for subgoal in agenda(goal, said)[0].beginning().subgoals] == [*said]
    unsure = agenda(goal, said, sure=0.9)[0].beginning()
    assert unsure == Agenda(goal, SCENE, Config()).beginning(), "what was read is kept"


def test_a_goal_that_the_rules_may_have_misread_is_said_again():
    goal = "I need my orange, and since you're at it, the banana goes in the top drawer"
    said = ("bring me the orange", "put the banana in the top drawer")
    assert [subgoal.text for subgoal in agenda(goal, said)[0].beginning().subgoals] == list(said)
    worse = ("bring me the orange",)
    assert agenda(goal, worse)[0].beginning() == Agenda(goal, SCENE, Config()).beginning(), "no fewer signs"


def test_a_table_with_blocks_has_rules_alone():
    asked = []
    table = load_scene("tabletop")
    mine = Agenda("red block: blue bowl", table, Config(), restating=lambda *told: asked.append(told) or ("x",))
    assert mine.beginning().subgoals == (Subgoal("red block: blue bowl"),)
    assert not asked


class Saying(Restater):
    """Says what it is told to."""

    def __init__(self, *ways):
        self._said = list(ways)

    def ways(self, goal, holding=None):
        return self._said


def test_of_what_is_taken_the_likeliest_is_given():
    goal = "the apple is for me and the coke belongs in the bin"
    whole = ("bring me the apple", "throw away the coke")
    (first, second) = Saying((whole, -1.0), (("bring me the apple",), -1.5))(goal, None, SCENE)
    assert (first.errands, second.errands) == (whole, ("bring me the apple",))
    assert (first.probability, second.probability) == pytest.approx((math.exp(-1.0), math.exp(-1.5)))
    (only,) = Saying((("bring me the banana",), -0.1), (whole, -9.0))(goal, None, SCENE)
    assert only == (whole, pytest.approx(math.exp(-9.0)))
    ways = Saying((whole, -0.1), ((REFUSAL,), -0.2), (("bring me the apple",), -0.3))(goal, None, SCENE)
    assert [way.errands for way in ways] == [whole, (REFUSAL,)]
    assert Saying(((UNCLEAR,), -0.1), (whole, -9.0))(goal, None, SCENE)[0].errands == (UNCLEAR,)
    assert Saying()(goal, None, SCENE) == ()


def test_two_ways_of_the_same_meaning_are_one():
    ways = Saying((("bring me the apple",), -1.0), (("fetch the apple",), -2.0))("the apple, me", None, SCENE)
    assert ways == ((("bring me the apple",), pytest.approx(math.exp(-1.0) + math.exp(-2.0))),)


def test_a_way_that_does_what_others_ask_for_is_the_better_bet():
    drink, coffee, citrus = "bring me a drink", "bring me a caffeinated drink", "bring me something citrus"
    goal = "an exam at eight, and I nod off: a drink"
    first, second, third = Saying(((drink,), -0.6), ((coffee,), -1.1), ((citrus,), -2.5))(goal, None, SCENE)
    assert first == ((coffee,), pytest.approx(math.exp(-0.6) + math.exp(-1.1)))
    assert (second.errands, third.errands) == ((drink,), (citrus,))
    assert second.probability == pytest.approx(math.exp(-0.6))
    assert Saying(((drink,), -0.6), ((coffee,), -3.1))(goal, None, SCENE)[0].errands == (drink,)  # hardly meant


@pytest.mark.parametrize(
    ("done", "asked", "right"),
    [
        ("bring me the coke", "bring me a soda", True),
        ("bring me a soda", "bring me the coke", False),
        ("bring me the coke from the table", "bring me the coke", False),  # it may stand elsewhere
        ("bring me two sodas", "bring me two drinks", True),
        ("bring me two sodas", "bring me a soda", False),
        ("put the coke on the table", "bring me a soda", False),
        ("bring me all the sodas from the table", "bring me all the drinks from the table", False),
        ("throw away the coke; bring me the apple", "bring me a fruit; throw away a soda", True),
        ("throw away the coke; bring me the apple", "bring me a fruit", False),
        ("bring me a drink; bring me the coke", "bring me the coke; bring me a drink", True),
        ("go to the table", "go to the table", True),
        ("go to the table", "go to the cabinet", False),
    ],
)
def test_who_does_the_one_has_done_the_other(done, asked, right):
    meant = [[read(errand, SCENE) for errand in errands.split("; ")] for errands in (done, asked)]
    assert fulfil(*meant) is right


def test_nothing_is_left_out_unless_the_goal_speaks_of_it():
    banish = "Banish the jalapeno chips from the table. The close counter can have them."
    assert not accepted(
        banish, ("put everything except the jalapeno chips from the table on the close counter",), None, SCENE
    )
    assert accepted(banish, ("put the jalapeno chips from the table on the close counter",), None, SCENE)
    bar = "everything from the table, bar the banana, into the trash"
    assert accepted(bar, ("throw away everything except the banana from the table",), None, SCENE)
    assert not accepted("an energy bar", ("bring me a snack that is not the energy bar",), None, SCENE)
    parted = ("put the coke on the cabinet", "throw away all the sodas except the coke from the table")
    assert accepted("all sodas from the table go to the bin, the coke to the cabinet", parted, None, SCENE)


def test_what_is_left_out_is_of_the_kind():
    goal = "a soda, any but the coke, the apple is not for me"
    assert accepted(goal, ("bring me a soda that is not the coke",), None, SCENE)
    assert not accepted(goal, ("bring me a soda that is not the apple",), None, SCENE)


def test_a_place_that_the_goal_does_not_name_is_not_taken():
    assert accepted("coke to the counter", ("put the coke on the close counter",), None, SCENE)
    assert accepted("coke, bin", ("throw away the coke",), None, SCENE)
    assert accepted("give the bottom one a push", ("close the bottom drawer",), None, SCENE)
    assert accepted("coke to thefar counter", ("put the coke on the far counter",), None, SCENE)
    assert not accepted("give the bottom one a push", ("close the top drawer",), None, SCENE)
    assert not accepted("put down the coke", ("put the coke on the table",), None, SCENE)
    assert not accepted("the coke, the coke", ("bring me the coke", "bring me the coke"), None, SCENE)


def test_what_the_goal_does_not_name_is_not_taken():
    goal = "I'd kill for that apple over there"
    assert accepted(goal, ("bring me the apple",), None, SCENE)
    assert not accepted(goal, ("bring me the banana",), None, SCENE)
    assert accepted("put that on the table", ("put the banana on the table",), "banana", SCENE)
    assert not accepted("coek to the table", ("put the banana on the table",), "banana", SCENE)
    assert accepted("my hands are sticky", ("bring me something absorbent",), None, SCENE)


def test_what_is_not_plain_is_not_taken():
    assert not accepted("the apple", ("do something about the apple",), None, SCENE)
    assert not accepted("the apple", ("bring me the apple", "sing"), None, SCENE)
    assert not accepted("the apple", (), None, SCENE)


def test_what_is_taught_is_plain():
    for episode in itertools.islice(restatements(SCENE, "train", 0), 200):
        asked, said = episode.segments
        assert not asked.learn
        assert said.learn
        assert asked.text.startswith(prompt(episode.instruction.text, None).partition("\n")[0])
        errands = tuple(said.text.strip().split("; "))
        assert said.text == answer(errands)
        known = [kind for errand in episode.instruction.errands for kind in errand.what if kind in SCENE.types]
        if known and errands not in ((REFUSAL,), (UNCLEAR,)):
            assert all(read(errand, SCENE) for errand in errands), errands


def test_the_same_seed_teaches_the_same():
    def taught(seed):
        return [e.segments for e in itertools.islice(restatements(SCENE, "train", seed), 20)]

    assert taught(1) == taught(1) != taught(2)


@pytest.mark.parametrize(
    ("goal", "holding", "errands"),
    [
        (
            "Right, the coke's mine, hand it over, and whatever fruit is on the table goes to the far counter",
            None,
            ("bring me the coke", "put all the fruits from the table on the far counter"),
        ),
        ("Two things now: apple, my hand. sponge, bin.", None, ("bring me the apple", "throw away the sponge")),
        ("what you're carrying belongs on the cabinet", "banana", ("put the banana on the cabinet",)),
    ],
)
def test_the_model_that_ships(goal, holding, errands):
    ways = restater()(goal, holding, SCENE)
    assert (ways[0].errands if ways else ()) == errands
