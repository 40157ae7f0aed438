"""The other kitchens can be worked in, with physics: from each surface, to the person, the trash and the drawers."""

import pytest

from doable.sim.physics_world import PhysicsWorld
from doable.sim.scene import load_scene
from doable.sim.task import Setup
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary


def play(world, setup, *phrases, seed=1):
    """Do the skills in turn and hold each to what it declares, by the truth."""
    library = SkillLibrary.of(world.scene)
    world.reset(setup, seed=seed)
    for phrase in phrases:
        outcome = execute(library[phrase], world)
        assert outcome.status == "done", f"{world.scene.name}: {phrase}: {outcome.reason}"
        assert library[phrase].effects.holds(world.facts()), f"{world.scene.name}: {phrase}"


@pytest.fixture(scope="module", params=["kitchen-wall", "kitchen-island"])
def world(request):
    made = PhysicsWorld(load_scene(request.param))
    yield made
    made.close()


SETUP = Setup((("coke", "close counter"), ("apple", "table"), ("sponge", "far counter"), ("banana", "cabinet")), "user")


def test_things_are_brought_from_a_counter_and_thrown_away(world):
    phrases = "find the coke", "pick up the coke", "bring it to you", "put down the coke"
    more = "go to the table", "pick up the apple", "go to the trash can", "put down the apple"
    play(world, SETUP, *phrases, *more)


def test_things_are_moved_between_surfaces_and_drawers_are_pulled(world):
    phrases = "find the sponge", "pick up the sponge", "go to the table", "put down the sponge"
    drawers = "open the top drawer", "close the top drawer", "open the bottom drawer", "close the bottom drawer"
    play(world, SETUP, *phrases, *drawers, "pick up the banana", "put down the banana")
