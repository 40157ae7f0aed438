"""Where a search drives next, by what was seen and what is remembered: geometry alone, no physics."""

from dataclasses import replace

import pytest

from doable.sim.observation import DrawerState, SeenObject
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.navigate import _where_next

SCENE = load_scene("kitchen")


def known(place, confidence=0.5, *, thing="sponge", remembered=True):
    where = SCENE.drawer(place).cabinet if place in SCENE.drawer_names else place
    centre = SCENE.place(where).centre
    return SeenObject(
        thing, (*centre, 0.8), place, confidence=confidence, visible=not remembered, remembered=remembered
    )


@pytest.fixture
def at_user():
    world = SymbolicWorld(SCENE)
    world.reset(Setup((), "user"))
    return world.observe()


def searched_in_turn(observation, *objects, thing="sponge"):
    """The places of a search that finds nothing."""
    observation, searched = replace(observation, objects=objects), []
    while (place := _where_next(SCENE, observation, thing, searched)) is not None:
        searched.append(place.name)
    return searched


def test_of_several_hints_the_likeliest_is_first_however_far(at_user):
    hints = [known("table", 0.1), known("far counter", 0.5), known("close counter", 0.3)]
    for order in (hints, hints[::-1]):
        first = searched_in_turn(at_user, *order)
        assert first[:3] == ["far counter", "close counter", "table"]
        assert len(first) == len(set(first)), "nowhere twice"


def test_of_equal_hints_the_nearest_is_first(at_user):
    x, y = at_user.robot.position
    names = ["table", "close counter", "far counter"]
    near = sorted(names, key=lambda n: (SCENE.place(n).centre[0] - x) ** 2 + (SCENE.place(n).centre[1] - y) ** 2)
    assert searched_in_turn(at_user, *(known(name) for name in names))[:3] == near


def test_what_was_seen_comes_before_any_hint(at_user):
    objects = known("table", 1.0), known("far counter", 0.2, remembered=False)
    assert searched_in_turn(at_user, *objects)[:2] == ["far counter", "table"]


def test_hints_of_other_things_do_not_count(at_user):
    hints = known("far counter", 1.0, thing="coke"), known("table", 0.1)
    assert searched_in_turn(at_user, *hints) == searched_in_turn(at_user, hints[1])


def test_a_hint_in_a_drawer_leads_to_its_cabinet_unless_that_drawer_is_shut(at_user):
    hints = known("top drawer", 0.5), known("far counter", 0.4)
    cabinet = SCENE.drawer("top drawer").cabinet
    assert searched_in_turn(at_user, *hints)[:2] == [cabinet, "far counter"]
    shut = replace(at_user, drawers=(DrawerState("top drawer", 0.0),))
    assert searched_in_turn(shut, *hints)[0] == "far counter"


def test_what_was_looked_at_is_searched_once_more_after_all_else(at_user):
    everywhere = {p.name for p in SCENE.places if p.kind != "bin"}
    looked = replace(at_user, looked_at=tuple(p.name for p in SCENE.places))
    in_turn = searched_in_turn(looked, known("table"), known("far counter", 0.2))
    assert in_turn[:2] == ["table", "far counter"]
    assert sorted(in_turn) == sorted(searched_in_turn(looked)) == sorted(everywhere)
    assert searched_in_turn(replace(at_user, looked_at=("user", "table")))[-2:] in (
        ["user", "table"],
        ["table", "user"],
    )
