"""Plans as published: read, put into the library's words, given a start state, and compared by what they change."""

import pytest

from doable.agent.published_plans import PlansError, change, classes_of, read_plans, start_of
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

SCENE = load_scene()
LIBRARY = SkillLibrary.of(SCENE)
# Invented, in the published format.
PLANS = {
    "I fancy a cola.": "find a coke can|pick up the coke can|bring it to you|put down the coke can|done.",
    "Crisps to the table!": "find the bag of chips|pick up the bag of chips|go to the table|put down the bag of chips|"
    "done, I think.",
    "Bin what is on the counter.": "go to the counter|pick up the redbull|go to the trash|put down the redbull|"
    "go to the counter|pick up the tea|go to the trash|put down the tea|done",
    "Lift the apple": "pick up the apple|done",
    "Two oranges away": "find an orange|pick up the orange|go to the trash|put down the orange|"
    "find an orange|pick up the orange|go to the trash|put down the orange|done",
    "Look at table and counter": "go to the table|go to the counter|done",
    "Juggle": "find a juggling ball|whistle|done",
    "Take the pepsi to the far counter": "find a pepsi|pick up the pepsi|go to the counter|put down the pepsi|done",
    "Peek in": "go to the drawer|open the drawer|pick up the banana|close the drawer|done",
}


def written(plans):
    numbered = (", ".join(f"{i}. {step}" for i, step in enumerate(plan.split("|"), 1)) for plan in plans.values())
    return "\n".join(["INPUT\tOUTPUT", *map("\t".join, zip(plans, numbered, strict=True))])


@pytest.fixture
def plans(tmp_path):
    file = tmp_path / "plans.tsv"
    file.write_text(written(PLANS), encoding="utf-8")
    return read_plans(file, SCENE, LIBRARY)


def played(plan, phrases=None, setup=None):
    world = SymbolicWorld(SCENE)
    world.reset(setup or start_of(plan, SCENE))
    before = world.facts()
    outcomes = [execute(LIBRARY[phrase], world).status for phrase in phrases or plan.phrases]
    return change(before, world.facts(), classes_of(plan)), outcomes


def test_words_become_the_library_s(plans):
    assert [plan.row for plan in plans] == list(range(1, 10))
    assert plans[0].phrases == ("find the coke", "pick up the coke", "bring it to you", "put down the coke", "done")
    assert plans[2].phrases[:4] == (
        "go to the close counter", "pick up the red bull", "go to the trash can", "put down the red bull",
    )  # fmt: skip
    assert plans[1].phrases[-1] == "done"
    assert plans[6].unknown == ("find a juggling ball", "whistle")


def test_a_class_of_things_may_be_any_of_them(plans):
    assert plans[1].steps[0].phrases == tuple(
        f"find the {kind} chips" for kind in ("multigrain", "jalapeno", "rice", "sea salt")
    )
    assert set(plans[8].steps[1].phrases) == {"open the top drawer", "open the bottom drawer"}
    assert set(classes_of(plans[1]).values()) == {"multigrain chips"}
    assert set(classes_of(plans[2]).values()) == {"close counter"}
    assert set(plans[2].steps[0].phrases) == {"go to the close counter", "go to the far counter"}
    assert plans[7].steps[2].phrases == ("go to the far counter",)  # the instruction says which
    assert classes_of(plans[0]) == {}


def test_every_published_plan_can_be_played_from_its_start(plans):
    for plan in plans[:6]:
        assert set(played(plan)[1]) == {"done"}, plan


def test_the_start_has_what_the_plan_takes_where_it_takes_it(plans):
    counter = start_of(plans[2], SCENE)
    assert sorted(kind for kind, place in counter.objects if place == "close counter") == ["red bull", "tea bottle"]
    assert {kind for kind, _ in counter.objects} >= {"coke", "sponge", "orange"}
    assert counter.robot_at == "user"
    lifted = start_of(plans[3], SCENE)
    assert ("apple", lifted.robot_at) in lifted.objects
    assert [kind for kind, _ in start_of(plans[4], SCENE).objects].count("orange") == 2
    assert all(place != "table" for kind, place in start_of(plans[1], SCENE).objects if kind == "multigrain chips")


def test_another_way_to_the_same_end_is_as_good(plans):
    wanted, _ = played(plans[0])
    detour = ["go to the table", "pick up the coke", "go to the user", "put down the coke", "go to the table"]
    assert played(plans[0], detour)[0].same(wanted)
    assert not played(plans[0], ["find the pepsi", "pick up the pepsi", "bring it to you", "put down the pepsi"])[
        0
    ].same(wanted)
    assert not played(plans[0], detour[:3])[0].same(wanted)
    assert not played(plans[0], ["done"])[0].same(wanted)


def test_one_of_a_class_is_as_good_as_another(plans):
    wanted, _ = played(plans[1])
    rice = ["find the rice chips", "pick up the rice chips", "go to the table", "put down the rice chips"]
    setup = start_of(plans[1], SCENE)
    assert ("rice chips", "table") in setup.objects  # by default, so it has to be another one
    salt = [phrase.replace("rice", "sea salt") for phrase in rice]
    assert played(plans[1], salt)[0].same(wanted)
    assert not played(plans[1], rice)[0].same(wanted)


def test_where_only_the_robot_moves_its_places_count(plans):
    wanted, _ = played(plans[5])
    assert played(plans[5], ["go to the close counter", "go to the table"])[0].same(wanted)
    assert played(plans[5], ["go to the far counter", "go to the table"])[0].same(wanted)
    assert not played(plans[5], ["go to the table"])[0].same(wanted)
    assert not played(plans[5], ["go to the table", "go to the close counter", "go to the user"])[0].same(wanted)


@pytest.mark.parametrize(
    ("text", "words"), [("a\tb\n", "first line"), ("INPUT\tOUTPUT\nno plan\n", "in line 2"), ("", "got 'nothing'")]
)
def test_a_file_of_another_kind_is_told(tmp_path, text, words):
    file = tmp_path / "other.tsv"
    file.write_text(text)
    with pytest.raises(PlansError, match=words):
        read_plans(file, SCENE, LIBRARY)
