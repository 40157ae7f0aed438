"""The world without physics: effects happen, and the robot sees no more than a camera would."""

import pytest

from doable.sim.facts import At, Here, Holding, Open, RobotAt
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

SETUP = Setup((("coke", "table"), ("sponge", "far counter"), ("apple", "top drawer")), "user")


@pytest.fixture
def world() -> SymbolicWorld:
    made = SymbolicWorld()
    made.reset(SETUP, seed=1)
    return made


@pytest.fixture
def do(world):
    library = SkillLibrary.of(world.scene)
    return lambda phrase: execute(library[phrase], world)


def test_bringing_the_sponge(world, do):
    for phrase in ("find the sponge", "pick up the sponge", "bring it to you", "put down the sponge"):
        assert do(phrase).status == "done", phrase
    assert At("sponge", "user").holds(world.facts())
    assert Holding(None).holds(world.facts())


def test_nothing_is_seen_before_it_is_looked_at(world, do):
    assert world.observe().objects == ()
    do("go to the table")
    assert [o.type for o in world.observe().objects] == ["coke"]


def test_what_is_in_a_closed_drawer_is_not_seen(world, do):
    do("go to the cabinet")
    assert world.observe().objects == ()
    do("open the top drawer")
    assert [(o.type, o.place) for o in world.observe().objects] == [("apple", "top drawer")]


def test_a_search_fails_with_its_reason(do):
    outcome = do("find the banana")
    assert outcome.status == "failed"
    assert "not seen at" in outcome.reason


def test_preconditions_are_held_against_the_truth(world, do):
    before = world.facts()
    assert do("pick up the coke").status == "failed"
    assert world.facts() == before


def test_a_drawer_that_is_shut_already_is_found_so(world, do):
    assert do("close the top drawer").status == "done"
    assert world.observe().robot.place == "cabinet"
    assert {d.name: d.opening for d in world.observe().drawers} == {"top drawer": 0.0, "bottom drawer": 0.0}


def test_what_somebody_took_away_is_forgotten_when_looked_for(world, do):
    do("go to the table")
    do("go to the user")
    world.remove("coke")
    assert world.observe().nearest("coke") is not None
    do("go to the table")
    assert world.observe().nearest("coke") is None


def test_drawers_open_and_close(world, do):
    do("open the top drawer")
    assert Open("top drawer").holds(world.facts())
    assert RobotAt("cabinet").holds(world.facts())
    do("close the top drawer")
    assert Open("top drawer").holds(world.observe().believed()) is False


def test_same_seed_same_failures():
    def episode(seed):
        world = SymbolicWorld(failure_rate=0.5)
        world.reset(SETUP, seed=seed)
        library = SkillLibrary.of(world.scene)
        return [execute(library["find the sponge"], world).status for _ in range(20)]

    assert episode(3) == episode(3)
    assert episode(3) != episode(4)


def test_a_snapshot_continues_identically(world, do):
    do("find the sponge")
    taken = world.snapshot()
    do("pick up the sponge")
    expected = world.observe()
    other = SymbolicWorld()
    other.restore(taken)
    execute(SkillLibrary.of(other.scene)["pick up the sponge"], other)
    assert other.observe() == expected


def test_what_lies_in_the_bin_is_neither_found_nor_taken_again(world, do):
    for phrase in ("find the coke", "pick up the coke", "go to the trash can", "put down the coke"):
        assert do(phrase).status == "done", phrase
    assert do("pick up the coke").status == "failed"
    assert do("find the coke").status == "failed"


def test_a_search_tries_hints_in_their_order_and_no_place_twice():
    world = SymbolicWorld("kitchen")
    world.reset(Setup((("sponge", "far counter"),), "user"))
    went = []
    move = world._move
    world._move = lambda place: (went.append(place), move(place))[1]
    hints = [("sponge", "top drawer"), ("sponge", "close counter"), ("sponge", "far counter")]
    assert world.make_true(Here("sponge"), hints) is None
    assert went == ["cabinet", "close counter", "far counter"]
