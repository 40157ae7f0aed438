"""The tabletop: what can be said there, what it means, and that the arm does it."""

import pytest

from doable.sim.facts import At, parse_condition
from doable.sim.physics_world import PhysicsWorld
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

SCENE = load_scene("tabletop")
LIBRARY = SkillLibrary.of(SCENE)
SPOTS = [p.name for p in SCENE.places if p.kind == "spot"]


def test_every_block_goes_to_every_bowl_block_and_position():
    moves = [skill.phrase for skill in LIBRARY if not skill.ends]
    assert len(moves) == len(set(moves)) == 4 * (4 + 3 + 5)
    assert {"put the blue block in the red bowl", "put the red block on the green block"} <= set(moves)
    assert "put the yellow block in the top left corner" in moves


@pytest.mark.parametrize("skill", [s for s in LIBRARY if not s.ends], ids=lambda s: s.phrase)
def test_declared_effects_come_true_where_preconditions_hold(skill):
    world = SymbolicWorld(SCENE)
    world.reset()
    assert skill.preconditions.holds(world.observe().believed())
    assert execute(skill, world).status == "done"
    assert skill.effects.holds(world.facts())
    assert skill.effects.holds(world.observe().believed())
    assert not skill.preconditions.holds(world.facts()), "what is there need not be put there"


def test_what_carries_something_stays():
    world = SymbolicWorld(SCENE)
    world.reset()
    execute(LIBRARY["put the blue block on the red block"], world)
    believed = world.observe().believed()
    assert not LIBRARY["put the red block in the green bowl"].preconditions.holds(believed)
    assert not LIBRARY["put the green block on the red block"].preconditions.holds(believed)
    assert LIBRARY["put the green block on the blue block"].preconditions.holds(believed)


def test_goals_may_name_what_things_lie_in():
    goal = parse_condition({"at": ["blue cube", "red dish"]}, SCENE.place_names, {}, SCENE.carrier_names)
    assert goal == At("blue block", "red bowl")
    world = SymbolicWorld(SCENE)
    world.reset(Setup((("red bowl", "middle"), ("blue block", "red bowl")), "table"))
    assert goal.holds(world.facts())


def test_the_arm_puts_blocks_where_they_are_wanted_and_sees_them_there():
    world = PhysicsWorld(SCENE)
    stack = "put the red block on the green block"
    moves = [(3, stack), (12, stack), (1, "put the blue block in the red bowl"), (1, "put the red block in the middle")]
    for seed, phrase in moves:
        world.reset(seed=seed)
        outcome = execute(LIBRARY[phrase], world)
        assert outcome.status == "done", (seed, phrase, outcome.reason)
        assert LIBRARY[phrase].effects.holds(world.facts()), "by the true state too"
    world.close()
