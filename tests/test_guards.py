"""Choices held against what the goal plainly asks for, in the symbolic world."""

from dataclasses import replace

import pytest

from doable.agent import Agent, Config, ScriptedModel
from doable.agent.guards import UNASKED, UNSEEN, UNSOUGHT, masks, reached
from doable.agent.understanding import read
from doable.memory.embedding import HashEmbedder
from doable.memory.store import Memory
from doable.sim.disturbances import Slip
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.baselines import DeclaredValues
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

SETUP = Setup((("coke", "table"), ("pepsi", "table"), ("sponge", "far counter")), "table")


@pytest.fixture
def world():
    world = SymbolicWorld()
    world.reset(SETUP, seed=0)
    return world


def masked(world, text):
    meaning = read(text, world.scene)
    assert meaning
    return masks(meaning, SkillLibrary.of(world.scene), world.observe(), (), world.scene)


def run(world, tmp_path, goal, say, **config):
    settings = Config(runs=str(tmp_path / "runs"), **({"max_steps": 8} | config))
    memory = Memory(tmp_path / "memory", HashEmbedder())
    return Agent(world, ScriptedModel(say), memory, DeclaredValues(), config=settings).run(goal)


def says(*phrases):
    """A model that prefers these phrases in this order, whatever the prompt."""
    order = {phrase: -0.1 - i for i, phrase in enumerate(phrases)}
    return lambda prompt, continuation: order.get(continuation.strip(), -9.0)


def test_other_things_are_not_taken(world):
    found = masked(world, "bring me a soda that isn't coke")
    assert found["pick up the coke"] == found["find the apple"] == UNASKED
    assert "pick up the pepsi" not in found
    assert "find the 7up" not in found


def test_done_needs_to_be_seen(world):
    assert masked(world, "open the top drawer")["done"] == UNSEEN
    execute(SkillLibrary.of(world.scene)["open the top drawer"], world)
    assert "done" not in masked(world, "open the top drawer")


def test_what_is_let_go_of_is_put_down_where_the_robot_stands(world, tmp_path):
    world.reset(replace(SETUP, objects=SETUP.objects[:2], holding="sponge"), seed=0)
    found = masked(world, "let go of the sponge")
    assert "put down the sponge" not in found
    assert {"go to the table", "bring it to you", "pick up the coke", "done"} <= {*found}
    result = run(world, tmp_path, "put it down", says("bring it to you", "go to the table", "put down the sponge"))
    assert [step.decision.phrase for step in result.steps[:1]] == ["put down the sponge"]
    assert result.status == "reached"


@pytest.mark.parametrize(("stands", "known"), [("far counter", False), ("table", True)])
def test_what_is_to_stand_next_to_a_thing_waits_for_it(world, tmp_path, stands, known):
    world.reset(Setup((("coke", "table"), ("sponge", stands)), "table"), seed=0)
    say = says("pick up the coke", "put down the coke", "go to the user", "go to the table", "go to the far counter")
    result = run(world, tmp_path, "put the coke next to the sponge", say, max_steps=14)
    phrases = [step.decision.phrase for step in result.steps if step.decision.phrase]
    assert result.status == "reached"
    assert ("coke", stands) in {(o.type, o.place) for o in world.facts().objects}
    assert (phrases[:1] == ["find the sponge"]) is not known


def test_a_refusal_needs_to_have_looked(world):
    refuse = "say that it is not possible"
    assert masked(world, "bring me the banana")[refuse] == UNSOUGHT
    for place in world.scene.surfaces():
        execute(SkillLibrary.of(world.scene)[f"go to the {place.name}"], world)
    assert refuse not in masked(world, "bring me the banana")
    assert masked(world, "bring me the coke")[refuse] == UNSOUGHT


def test_it_is_not_given_up_while_another_that_will_do_is_seen(world, tmp_path):
    """The first choice is nowhere; another soda stands there."""
    world.reset(Setup((("pepsi", "far counter"), ("apple", "table")), "user"), seed=0)
    first, then = says("find the coke"), says("say that it is not possible", "find the pepsi", "pick up the pepsi")
    result = run(
        world,
        tmp_path,
        "get me a can of soda that isn't 7up",
        lambda prompt, phrase: (then if "Failed" in prompt else first)(prompt, phrase),
    )
    assert [step.decision.phrase for step in result.steps][:2] == ["find the coke", "find the pepsi"]
    assert result.status != "refused"


def test_what_is_carried_goes_where_it_is_wanted(world):
    library = SkillLibrary.of(world.scene)
    execute(library["pick up the coke"], world)
    found = masked(world, "put the coke on the close counter")
    assert {"bring it to you", "put down the coke", "go to the far counter"} <= set(found)
    assert "go to the close counter" not in found
    execute(library["go to the close counter"], world)
    assert "put down the coke" not in masked(world, "put the coke on the close counter")
    # And what is in the hand but not wanted is not delivered.
    assert "bring it to you" in masked(world, "bring me the sponge")


def test_all_of_a_kind_are_taken_from_where_they_stand(world):
    library, text = SkillLibrary.of(world.scene), "bring me all the sodas from the table"
    assert {"done", "find the coke", "go to the far counter"} <= set(
        masked(world, "bring me all the sodas on the cabinet")
    )
    found = masked(world, text)
    assert "pick up the coke" not in found
    for phrase in ("pick up the coke", "bring it to you", "put down the coke"):
        assert phrase not in masked(world, text), phrase
        execute(library[phrase], world)
    assert masked(world, text)["done"] == UNSEEN
    for phrase in ("go to the table", "pick up the pepsi", "bring it to you", "put down the pepsi"):
        assert phrase not in masked(world, text), phrase
        execute(library[phrase], world)
    assert "done" not in masked(world, text)


def test_one_that_is_asked_for_from_a_place_is_not_taken_elsewhere(world):
    assert masked(world, "bring me the coke from the close counter")["pick up the coke"] == UNASKED
    execute(SkillLibrary.of(world.scene)["go to the close counter"], world)
    assert "find the coke" not in masked(world, "bring me the coke from the close counter"), "it is not where they said"


def test_a_place_is_clean_when_it_has_been_looked_at(world):
    world.reset(Setup((("sponge", "far counter"),), "user", spills=("table",)), seed=0)
    library, text = SkillLibrary.of(world.scene), "wipe the table"
    assert masked(world, text)["done"] == UNSEEN
    for phrase in ("find the sponge", "pick up the sponge", "go to the table", "wipe the table"):
        assert phrase not in masked(world, text), phrase
        execute(library[phrase], world)
    assert "done" not in masked(world, text)


def test_a_goal_that_is_seen_to_hold_is_finished(world, tmp_path):
    world.reset(Setup((("coke", "user"),), "user"), seed=0)
    result = run(world, tmp_path, "bring me the coke", says("find the coke"))
    assert (result.status, len(result.steps)) == ("reached", 1)
    assert "it is seen that the coke is at the user" in result.steps[0].decision.reason


def test_a_model_that_says_done_at_once_goes_on(world, tmp_path):
    eager = says("done", "put down the coke", "bring it to you", "pick up the coke")
    result = run(world, tmp_path, "bring me the coke", eager)
    assert [s.decision.phrase for s in result.steps] == [
        "pick up the coke", "bring it to you", "put down the coke", None,
    ]  # fmt: skip
    assert world.facts().count("coke", "user") == 1


def test_without_guards_the_model_has_its_way(world, tmp_path):
    result = run(world, tmp_path, "bring me the coke", says("done"), guards=False)
    assert (result.status, len(result.steps)) == ("reached", 1)


def test_what_fell_into_the_bin_counts_as_put_there(world, tmp_path):
    plan = says("put down the coke", "pick up the coke", "go to the trash can")
    result = run(world, tmp_path, "throw the coke away", plan)
    assert result.status == "reached"
    assert world.facts().count("coke", "trash can") == 1
    assert reached(read("throw the coke away", world.scene), world.observe(), result.steps, world.scene)


def test_where_nothing_that_is_meant_can_be_is_not_driven_to(world):
    assert masked(world, "bring me the sponge")["go to the table"] == UNASKED
    assert "go to the far counter" not in masked(world, "bring me the sponge")
    assert "go to the cabinet" not in masked(world, "bring me the sponge")


def test_what_stands_where_it_is_to_go_is_left_there(world):
    found = masked(world, "put two sodas on the table")
    assert found["pick up the coke"] == found["find the pepsi"] == UNASKED
    assert "find the 7up" not in found
    assert "done" not in found


def test_one_more_is_another_one(world):
    assert masked(world, "put another soda on the table")["done"] == UNSEEN


def test_all_of_a_kind_are_looked_for_everywhere(world):
    meaning = read("put all the sodas except the pepsi on the far counter", world.scene)
    assert meaning
    assert meaning.sources == {p.name for p in world.scene.surfaces()} - {"far counter"}
    assert not reached(meaning, world.observe(), (), world.scene)
    assert masked(world, "put all the sodas on the far counter")["go to the far counter"] == UNASKED
    library = SkillLibrary.of(world.scene)
    for phrase in ("find the coke", "pick up the coke", "go to the far counter", "put down the coke"):
        assert execute(library[phrase], world).status == "done"
    assert not reached(meaning, world.observe(), (), world.scene)  # not everywhere has been looked
    for place in world.scene.surfaces():
        execute(library[f"go to the {place.name}"], world)
    assert reached(meaning, world.observe(), (), world.scene)


def test_no_two_of_a_kind(world):
    meaning = read("put three different drinks on the table", world.scene)
    assert meaning
    assert meaning.different
    assert masked(world, "put three different drinks on the table")["done"] == UNSEEN


IN_A_DRAWER = Setup((("rice chips", "bottom drawer"), ("coke", "bottom drawer"), ("apple", "table")), "user")


def test_all_of_a_drawer_is_taken_from_it_before_it_is_shut(world):
    world.reset(IN_A_DRAWER, seed=0)
    library, goal = SkillLibrary.of(world.scene), "put everything from the bottom drawer on the table"
    shut = masked(world, goal)
    assert {shut[name] for name in ("find the apple", "find the coke", "go to the table")} == {UNASKED}
    assert shut["done"] == UNSEEN
    assert not {"open the bottom drawer", "go to the cabinet"} & {*shut}
    execute(library["open the bottom drawer"], world)
    stands_open = masked(world, goal)
    assert stands_open["close the bottom drawer"] == UNASKED
    assert not {"pick up the coke", "pick up the rice chips"} & {*stands_open}


@pytest.mark.parametrize("to", ["cabinet", "table"])
def test_all_of_a_drawer_can_be_picked_up_where_it_is(world, to):
    world.reset(IN_A_DRAWER, seed=0)
    execute(SkillLibrary.of(world.scene)["open the bottom drawer"], world)
    found = masked(world, f"put everything from the bottom drawer on the {to}")
    assert not {"pick up the coke", "pick up the rice chips"} & {*found}


def test_an_open_drawer_that_nobody_stood_at_is_not_known_to_be_empty(world):
    world.reset(Setup((("apple", "table"),), "user", open_drawers=("bottom drawer",)), seed=0)
    seen = world.observe()
    far = replace(seen, drawers=tuple(replace(d, opening=float(d.name == "bottom drawer")) for d in seen.drawers))
    meaning = read("put everything from the bottom drawer on the table", world.scene)
    assert meaning
    assert not reached(meaning, far, (), world.scene)
    assert "go to the cabinet" not in masks(meaning, SkillLibrary.of(world.scene), far, (), world.scene)


def test_a_bare_drawer_may_be_shut_and_another_place_looked_at(world):
    world.reset(Setup((("coke", "bottom drawer"),), "user"), seed=0)
    execute(SkillLibrary.of(world.scene)["open the top drawer"], world)
    assert not {"close the top drawer"} & {*masked(world, "bring me the coke from the top drawer")}


def test_what_slipped_is_still_to_be_brought(world, tmp_path):
    """All of a place is not done while one of them lies elsewhere."""
    slips = Setup((("coke", "table"),), "user", disturbances=(Slip(1.0, "bring"),))
    world.reset(slips, seed=0)
    say = says("go to the table", "pick up the coke", "bring it to you", "put down the coke")
    result = run(world, tmp_path, "bring me all the sodas from the table", say)
    assert result.status != "reached"


def test_a_drawer_is_empty_once_it_was_seen_so(world, tmp_path):
    world.reset(IN_A_DRAWER, seed=0)
    say = says(
        "open the bottom drawer", "put down the coke", "put down the rice chips", "go to the table",
        "pick up the coke", "pick up the rice chips", "go to the cabinet",
    )  # fmt: skip
    result = run(world, tmp_path, "put everything from the bottom drawer on the table", say, max_steps=16)
    there = {o.type: o.place for o in world.facts().objects}
    assert result.status == "reached"
    assert there == {"rice chips": "table", "coke": "table", "apple": "table"}
    assert "bottom drawer" in world.facts().closed_drawers
