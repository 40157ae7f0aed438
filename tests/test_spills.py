"""Spills: named in tasks, seen by the camera, known in both worlds, and kept in snapshots."""

import pytest

from doable.agent.codec import from_json, to_json
from doable.agent.prompts import situation
from doable.sim.observation import Observation
from doable.sim.physics_world import PhysicsWorld
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup, parse_setup, parse_task, setup_data

SCENE = load_scene()
SETUP = Setup((("apple", "table"), ("sponge", "table")), "user", spills=("table",))


@pytest.fixture(scope="module")
def physics():
    world = PhysicsWorld(SCENE)
    yield world
    world.close()


@pytest.fixture(params=["physics", "symbolic"])
def world(request, physics):
    return physics if request.param == "physics" else SymbolicWorld(SCENE)


def stand_at(world, place):
    if isinstance(world, SymbolicWorld):
        world._move(place)
    else:
        x, y, yaw = SCENE.place(place).stand()
        world.robot.drive_to(x, y, yaw)
    return world.observe()


def test_a_task_names_them():
    line = {"id": "a", "instruction": "clean up", "objects": [{"type": "Spill", "at": "dining table"}],
            "goal": {"clean": "table"}}  # fmt: skip
    task = parse_task(line, SCENE)
    assert task.setup.spills == ("table",)
    assert task.setup.objects == ()
    assert parse_setup(setup_data(task.setup), SCENE) == task.setup
    world = SymbolicWorld(SCENE)
    world.reset(task.setup)
    assert not task.goal.holds(world.facts())


@pytest.mark.parametrize("where", ["trash can", "user"])
def test_only_surfaces_get_dirty(where):
    line = {
        "id": "a",
        "instruction": "clean up",
        "objects": [{"type": "spill", "at": where}],
        "goal": {"clean": "table"},
    }
    with pytest.raises(ValueError, match="Expected a spill on one of table"):
        parse_task(line, SCENE)


def test_they_are_seen_from_where_they_are(world):
    first = world.reset(SETUP, seed=3)
    assert world.facts().dirty == {"table"}
    assert first.spills == ()
    seen = stand_at(world, "table")
    assert [spill.place for spill in seen.spills] == ["table"]
    assert seen.believed().dirty == {"table"}
    assert all(SCENE.place("table").contains(x, y) for x, y in seen.spills[0].cells)
    assert situation(seen, first).startswith("Now: at the table, hand empty. Seen: table: apple")
    assert "spill" in situation(seen, first)
    assert "table clean" in situation(first, seen)
    assert from_json(Observation, to_json(seen)) == seen


def test_a_snapshot_keeps_them(world):
    world.reset(SETUP, seed=3)
    stand_at(world, "table")
    before, snapshot = world.observe(), world.snapshot()
    world.reset(Setup((), "user"))
    assert world.facts().dirty == frozenset()
    assert world.restore(snapshot).spills == before.spills
    assert world.facts().dirty == {"table"}


def test_a_spill_moves_no_object(physics):
    poses = []
    for spills in ((), ("table",)):
        physics.reset(Setup(SETUP.objects, "table", spills=spills), seed=7)
        poses.append([o.position for o in physics.observe().objects])
    assert poses[0] == poses[1]
