"""The check after each skill, and when a run ends."""

import pytest

from doable.agent.checking import Ending, Limits, check, conclude, ending, findings, in_words
from doable.agent.types import Decision, Step, Subgoal, Verdict
from doable.sim.facts import All, AnyOf, At, Closed, Here, Holding, Not, Open, RobotAt, Visited
from doable.sim.observation import Observation, RobotState, SeenObject
from doable.skills.skill import Outcome, Skill

PICK = Skill("pick up", "sponge", "pick up the sponge", effects=Holding("sponge"))
PUT = Skill("put down", "sponge", "put down the sponge", effects=All((Holding(None), Here("sponge"))))
DONE, FAILED = Outcome("done", "held", 3.0), Outcome("failed", "it slipped", 3.0)
NO_LIMITS = Limits(100)


def seen(place="table", holding=None, objects=(), time=0.0, **more):
    things = tuple(SeenObject(kind, (0.0, 0.0, 0.0), at) for kind, at in objects)
    return Observation(time, RobotState((0.0, 0.0), 0.0, place, holding), things, **more)


def step(phrase, then="continue", before=None, after=None, kind="act", index=0, reason=""):
    before = before or seen()
    decision = Decision(kind, phrase if kind == "act" else None, reason)
    return Step(0, "goal", Subgoal("goal", index), before, (), (), decision, DONE, Verdict((), "why", then), after)


def end(steps, subgoals=1, limits=NO_LIMITS, seconds=0.0, wall_seconds=0.0, **more):
    return ending(
        steps, turns=len(steps), subgoals=subgoals, limits=limits, seconds=seconds, wall_seconds=wall_seconds, **more
    )


def test_seen_and_said_go_on():
    verdict = check(PICK, DONE, seen(), seen(holding="sponge"))
    assert verdict.then == "continue"
    assert [(f.name, f.holds) for f in verdict.facts] == [("the hand holds the sponge", True)]


def test_what_is_seen_wins_over_what_is_said():
    lied = check(PICK, DONE, seen(), seen())
    assert lied.then == "retry"
    assert "not seen that the hand holds the sponge" in lied.explanation
    modest = check(PICK, FAILED, seen(), seen(holding="sponge"))
    assert modest.then == "continue"
    assert "it slipped" in modest.explanation


def test_every_part_of_the_effects_is_a_named_fact():
    verdict = check(PUT, DONE, seen(holding="sponge"), seen())
    assert {f.name: f.holds for f in verdict.facts} == {"the hand is empty": True, "the sponge is here": False}


def test_a_third_failure_here_asks_for_another_way():
    first = step("pick up the sponge", "retry")
    assert check(PICK, FAILED, seen(), seen(), [first]).then == "retry"
    assert check(PICK, FAILED, seen(), seen(), [first, first]).then == "replan"
    assert check(PICK, FAILED, seen("far counter"), seen("far counter"), [first, first]).then == "retry"


def test_remembered_things_are_not_facts():
    hint = SeenObject("sponge", (0.0, 0.0, 0.0), "table", remembered=True)
    find = Skill("find", "sponge", "find the sponge", effects=Here("sponge"))
    assert check(find, DONE, seen(), seen().with_remembered((hint,))).then == "retry"


def test_a_skill_that_declares_nothing_is_believed():
    assert check(Skill("go to", None, "go"), DONE, seen(), seen()).then == "continue"
    assert check(Skill("go to", None, "go"), FAILED, seen(), seen()).then == "retry"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (At("coke", "table"), "the coke is at the table"),
        (At("coke", "table", 2), "2 coke are at the table"),
        (AnyOf((Open("top drawer"), Closed("top drawer"))), "the top drawer is open or the top drawer is closed"),
        (Not(Holding(None)), "the hand holds something"),
        (Not(RobotAt("table")), "not: the robot is at the table"),
        (Visited(("table", "user")), "the robot has been at table, user"),
    ],
)
def test_conditions_in_words(condition, words):
    assert in_words(condition) == words


def test_done_ends_the_last_subgoal_only():
    assert end([step(None, kind="finish", index=0)], subgoals=2) is None
    assert end([step(None, kind="finish", index=1)], subgoals=2) == Ending("reached", "all 2 subgoals are finished")
    assert conclude(Decision("finish", None, ""), Subgoal("x", 0), 2).then == "finished"
    assert conclude(Decision("refuse", None, ""), Subgoal("x", 0), 2) is None


def test_one_of_several_that_can_not_be_done_does_not_keep_from_the_rest():
    refusal = step(None, kind="refuse", index=0, reason="best")
    assert end([refusal], subgoals=2, given_up=["bring me tea"]) is None
    assert end([refusal], subgoals=2, limits=Limits(1), given_up=["bring me tea"]).status == "stopped"
    last = end([refusal, step(None, kind="finish", index=1)], subgoals=2, given_up=["bring me tea"])
    assert last.status == "refused"
    assert last.reason.startswith("could not: bring me tea.")
    assert end([refusal] * 3, subgoals=4, given_up=["x"] * 3) is None
    assert end([refusal] * 3, subgoals=4, given_up=["x"] * 3, revised=True).status == "refused"
    many = end([step(None, kind="finish", index=1)], subgoals=2, given_up=["x"] * 12)
    assert "; and 2 more." in many.reason


def test_a_refusal_tells_what_was_looked_for_and_seen():
    after = seen(objects=[("apple", "table")], looked_at=("table", "user"))
    steps = [step("find the sponge", "replan", after=after), step(None, kind="refuse", before=after, reason="best")]
    told = end(steps)
    assert told is not None
    assert told.status == "refused"
    assert "sponge" in told.reason
    assert "table, user" in told.reason
    assert "apple (table)" in told.reason
    assert "Seen: nothing" in findings([step(None, kind="refuse")])


@pytest.mark.parametrize(
    ("limits", "word"), [(Limits(1), "1 steps"), (Limits(9, 10.0), "simulated"), (Limits(9, None, 10.0), "clock")]
)
def test_limits_stop(limits, word):
    told = end([step("find the coke")], limits=limits, seconds=11, wall_seconds=11)
    assert told is not None
    assert told.status == "stopped"
    assert word in told.reason


@pytest.mark.parametrize("then", ["retry", "continue"])
def test_the_same_result_in_the_same_state_a_fourth_time_stops(then):
    steps = [step("find the coke", then) for _ in range(4)]
    assert end(steps[:3]) is None
    assert "same result in the same situation 4 times" in end(steps).reason
    assert end([*steps[:3], step("find the coke", then, before=seen(objects=[("coke", "table")]))]) is None
    assert end([*steps[:3], step("find the coke", then, index=1)], subgoals=2) is None, "another subgoal"


@pytest.mark.parametrize("length", [2, 3])
def test_cycles_of_any_length_are_stopped(length):
    places = ["table", "user", "cabinet"][:length]
    visited = tuple(places)
    looks = [seen(place, visited=visited) for place in places]
    turn = [
        step(f"go to the {places[(i + 1) % length]}", before=looks[i], after=looks[(i + 1) % length])
        for i in range(length)
    ]
    assert end(turn * 3) is None
    assert end([*turn * 3, turn[0]]).status == "stopped"
