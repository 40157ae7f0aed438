"""The policies in the kitchen: each does what its skill declares, and says why when it can't."""

import math

import numpy as np
import pytest

from doable.sim.observation import Observation, RobotState
from doable.sim.physics_world import PhysicsWorld
from doable.sim.scene import load_scene
from doable.sim.task import Setup
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary
from doable.skills.motion import line_up, pointing_down
from doable.skills.navigate import blocks, dock_pose, find_path

LIBRARY = SkillLibrary.of(load_scene())
NOTHING_SEEN = Observation(0.0, RobotState((0.0, 0.0), 0.0, None, None))


@pytest.fixture(scope="module")
def world():
    world = PhysicsWorld()
    yield world
    world.close()


def done(world, phrase):
    """Do the skill and hold it to what it declares, by the truth and by what is seen."""
    skill = LIBRARY[phrase]
    outcome = execute(skill, world)
    assert outcome.status == "done", f"{phrase}: {outcome.reason}"
    assert skill.effects.holds(world.facts()), phrase
    assert skill.effects.holds(world.observe().believed()), phrase
    return outcome


def failed(world, phrase):
    outcome = execute(LIBRARY[phrase], world)
    assert outcome.status == "failed"
    assert outcome.reason
    return outcome.reason


def test_it_finds_picks_brings_and_puts_down(world):
    world.reset(Setup((("coke", "table"), ("apple", "table"), ("sponge", "far counter")), "cabinet"), seed=3)
    for phrase in ("find the coke", "pick up the coke", "bring it to you", "put down the coke"):
        done(world, phrase)


def test_it_throws_away(world):
    world.reset(Setup((("apple", "table"),), "trash can", holding="rice chips"), seed=1)
    done(world, "put down the rice chips")
    assert world.facts().count("chips", "trash can") == 1


@pytest.mark.parametrize("drawer", ["top drawer", "bottom drawer"])
def test_it_opens_and_closes_a_drawer(world, drawer):
    world.reset(Setup((("apple", "table"),), "cabinet"), seed=2)
    done(world, f"open the {drawer}")
    done(world, f"close the {drawer}")


def test_it_puts_things_into_an_open_drawer_and_takes_them_out_again(world):
    setup = Setup((("apple", "cabinet"),), "cabinet", "coke", ("top drawer",))
    world.reset(setup, seed=1)
    for phrase in ("put the coke in the top drawer", "find the coke", "pick up the coke"):
        done(world, phrase)


def test_it_wipes_a_spill_with_a_sponge(world):
    world.reset(Setup((("apple", "table"),), "table", "sponge", spills=("table",)), seed=1)
    done(world, "wipe the table")
    assert world.facts().holding == "sponge"


def test_only_what_is_pressed_down_wipes(world):
    """Strokes of the same kind, a centimetre above the drops."""
    world.reset(Setup((), "table", "sponge", spills=("table",)), seed=1)
    robot, place = world.robot, world.scene.place("table")
    x, y = np.mean(world.observe().spills[0].cells, axis=0)
    line_up(robot, place, *place.to_local(x, y))
    path = [pointing_down(x, y, z, place.facing + math.pi / 2) for z in (robot.carry_height, place.height + 0.03)]
    assert robot.ready().ok
    assert all(robot.move_hand(pose).ok for pose in path)
    path[1][1, 3] += 0.05
    assert robot.move_hand(path[1]).ok
    assert world.facts().dirty == {"table"}
    assert len(world.observe().spills) == 1


def test_nothing_is_put_into_a_drawer_that_is_shut(world):
    world.reset(Setup((), "cabinet", "coke"), seed=1)
    assert "not seen open" in failed(world, "put the coke in the top drawer")


def test_what_is_nowhere_is_not_found(world):
    world.reset(Setup((("apple", "table"),), "user"), seed=4)
    reason = failed(world, "find the banana")
    assert reason.startswith("not seen at: ")
    for place in ("table", "close counter", "far counter", "cabinet", "user"):
        assert place in reason


def test_reasons_are_told(world):
    world.reset(Setup((("apple", "table"),), "table", holding="coke"), seed=5)
    assert "holds the coke" in failed(world, "pick up the apple")
    assert "does not hold" in failed(world, "put down the apple")
    assert "holds the coke" in failed(world, "open the top drawer")


def test_the_same_seed_gives_the_same_outcome(world):
    ends = []
    for _ in range(2):
        world.reset(Setup((("orange", "close counter"),), "close counter"), seed=6)
        outcome = done(world, "pick up the orange")
        ends.append((outcome, world.robot.hand_pose().tolist()))
    assert ends[0] == ends[1]


def test_every_place_can_be_reached_from_every_other():
    scene = load_scene()
    docks = [dock_pose(scene, NOTHING_SEEN, place)[:2] for place in scene.places]
    walls = blocks(scene, NOTHING_SEEN)
    assert all(find_path(scene, walls, a, b) for a in docks for b in docks if a != b)


def test_it_does_not_drive_into_a_drawer_it_has_not_seen(world):
    """Told of the closed one, it drives up to a cabinet whose other drawer stands open: that stays as it is."""
    world.reset(Setup((), "user", open_drawers=("bottom drawer",)), seed=0)
    assert "bottom drawer" not in world.observe().believed().open_drawers
    done(world, "close the top drawer")
    assert "bottom drawer" in world.facts().open_drawers
