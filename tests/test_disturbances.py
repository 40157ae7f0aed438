"""What goes wrong by order: drawn by the seed, the same in both worlds, true in the facts, and never announced."""

import json
import math
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from doable.sim.catalogue import UnknownName
from doable.sim.disturbances import (
    KINDS,
    NAMED,
    SKILLS,
    Closes,
    FalseDetection,
    Moves,
    SkillFailure,
    Slip,
    Takes,
    as_data,
    load_disturbances,
    parse_disturbances,
)
from doable.sim.facts import At, Open
from doable.sim.physics_world import PhysicsWorld
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup, parse_task
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary
from doable.skills.skill import ENDINGS, FAMILIES

SCENE = load_scene("kitchen")
SETUP = Setup(
    (("coke", "table"), ("apple", "far counter"), ("sponge", "close counter"), ("banana", "top drawer")), "table"
)
DOC = (Path(__file__).parent.parent / "docs" / "disturbances.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def physics():
    made = PhysicsWorld()
    yield made
    made.close()


def start(world, *given, setup=SETUP, seed=1):
    world.reset(replace(setup, disturbances=given), seed=seed)
    return world


def do(world, *phrases):
    library = SkillLibrary.of(world.scene)
    return [execute(library[phrase], world) for phrase in phrases]


def told(world):
    return [event.text for event in world.events]


# What may be written.


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"kind": "slips"}, "Did you mean 'slip'"),
        ({"probability": 0.2}, 'like {"kind": "slip"'),
        ("slip", 'like {"kind": "slip"'),
        ({"kind": "slip", "probabilty": 0.2}, "Did you mean 'probability'"),
        ({"kind": "slip", "probability": 1.2}, r"in \[0, 1\], got 1.2"),
        ({"kind": "slip", "probability": True}, r"in \[0, 1\], got True"),
        ({"kind": "slip", "skill": "pickup"}, "Did you mean 'pick up'"),
        ({"kind": "slip", "times": 0}, "at least 1, got 0"),
        ({"kind": "takes", "after": 0}, "1 skill or more, got 0"),
        ({"kind": "takes", "after": "picking up"}, "Did you mean 'pick up'"),
        ({"kind": "takes", "object": "aple"}, "apple"),
        ({"kind": "takes", "unseen": 1}, "true or false, got 1"),
        ({"kind": "moves", "to": "tabel"}, "Did you mean 'table'"),
        ({"kind": "moves", "to": "trash can"}, "a surface to stand on"),
        ({"kind": "closes", "drawer": "top"}, "top drawer"),
        ({"kind": "false_detection", "seen_as": "fruit"}, "object"),
    ],
    ids=str,
)
def test_what_can_not_be_meant_is_an_error_with_the_nearest_name(entry, message):
    with pytest.raises(ValueError, match=message):
        parse_disturbances([entry], SCENE)


def test_a_task_names_its_disturbances_and_a_mistake_in_them():
    line = {
        "id": "t", "instruction": "bring me the apple", "goal": {"at": ["apple", "user"]},
        "objects": [{"type": "apple", "at": "table"}],
        "disturbances": [{"kind": "takes", "object": "Apple", "after": 2}],
    }  # fmt: skip
    assert parse_task(line, SCENE).setup.disturbances == (Takes("apple", after=2),)
    with pytest.raises(ValueError, match="to be a list"):
        parse_task({**line, "disturbances": {"kind": "takes"}}, SCENE)


def test_what_is_read_can_be_written():
    entries = [entry for entries in NAMED.values() for entry in entries]
    entries += [
        {"kind": "moves", "object": "drink", "to": "table", "after": "find", "times": None, "unseen": False},
        {"kind": "false_detection", "object": "coke", "seen_as": "pepsi"},
    ]
    for given in parse_disturbances(entries, SCENE):
        assert parse_disturbances([as_data(given)], SCENE) == (given,)


def test_sets_are_called_by_name_or_by_file(tmp_path):
    assert load_disturbances("slips") == [{"kind": "slip", "probability": 0.2}]
    with pytest.raises(UnknownName, match="Did you mean 'slips'"):
        load_disturbances("slip")
    with pytest.raises(ValueError, match="does not exist"):
        load_disturbances(tmp_path / "none.json")
    path = tmp_path / "mine.json"
    path.write_text("[{]")
    with pytest.raises(ValueError, match="JSON list"):
        load_disturbances(path)
    path.write_text('[{"kind": "slip"}]')
    assert parse_disturbances(load_disturbances(path), SCENE) == (Slip(),)


def test_the_families_are_those_of_the_skills():
    assert set(SKILLS) == set(FAMILIES) - ENDINGS


def test_the_page_shows_every_kind_and_field_and_its_examples_can_be_read():
    for name, kind in KINDS.items():
        section = DOC.split(f"### `{name}`")[1].split("###")[0]
        for field in fields(kind):
            assert f"`{field.name}`" in section, f"{name}.{field.name}"
    blocks = re.findall(r"```json\n(.*?)```", DOC, re.S)
    assert len(blocks) >= 2
    for block in blocks:
        data = json.loads(block)
        parse_disturbances(data if isinstance(data, list) else data["disturbances"], SCENE)
    for name in NAMED:
        assert f"`{name}`" in DOC


# What happens, without physics.


def test_same_seed_same_trouble_and_one_more_does_not_change_the_rest():
    plan = ["find the apple", "pick up the apple", "bring it to you", "put down the apple", "find the sponge"] * 3

    def episode(seed, *more):
        world = start(SymbolicWorld(), Slip(0.4), SkillFailure(0.3), *more, seed=seed)
        do(world, *plan)
        return [e for e in world.events if e.kind in ("slip", "skill_failure")]

    assert episode(3) == episode(3)
    assert episode(3) != episode(4)
    assert episode(3) == episode(3, FalseDetection(0.5))


def test_a_symbolic_slip_on_the_way_falls_to_the_floor_and_one_in_picking_up_falls_back():
    world = start(SymbolicWorld(), Slip(1.0, "pick up", times=1))
    picked = do(world, "pick up the coke")[0]
    assert (picked.status, picked.reason) == ("failed", "it slipped out of the hand")
    assert At("coke", "table").holds(world.facts())
    world = start(SymbolicWorld(), Slip(1.0, "bring"))
    do(world, "pick up the coke", "bring it to you")
    assert [(o.type, o.place) for o in world.facts().objects if o.type == "coke"] == [("coke", None)]


def test_on_the_tabletop_a_block_slips_and_things_move_on_the_one_table():
    world = SymbolicWorld("tabletop")
    setup = Setup((("blue block", "table"), ("red bowl", "table")), "table")
    start(world, Slip(1.0, times=1), Moves("red bowl", "middle", after=2), setup=setup)
    slipped, placed = do(world, *["put the blue block in the red bowl"] * 2)
    assert (slipped.status, placed.status) == ("failed", "done")
    assert told(world) == [
        "the blue block slipped out of the hand", "somebody moved the red bowl from the table to the middle"
    ]  # fmt: skip


def test_a_symbolic_snapshot_goes_on_with_the_same_draws():
    given = (Slip(0.5), FalseDetection(0.5), Moves(probability=0.5, times=None), Takes(probability=0.2))
    plan = ["find the apple", "pick up the apple", "bring it to you", "find the sponge", "go to the table"] * 2
    world = start(SymbolicWorld(), *given)
    do(world, *plan[:3])
    snapshot = world.snapshot()
    do(world, *plan[3:])
    other = SymbolicWorld()
    other.restore(snapshot)
    do(other, *plan[3:])
    assert other.events == world.events
    assert len(world.events) > 2
    assert other.observe() == world.observe()


def test_people_wait_until_the_robot_is_elsewhere_if_told_so():
    world = start(SymbolicWorld(), Takes("coke", after="go to"))
    do(world, "go to the table")
    assert told(world) == []
    do(world, "go to the user")
    assert told(world) == ["somebody took the coke from the table"]
    world = start(SymbolicWorld(), Takes("coke", after="go to", unseen=False))
    do(world, "go to the table")
    assert told(world) == ["somebody took the coke from the table"]
    assert world.observe().nearest("coke") is None


def test_in_imagination_nothing_comes_between():
    world = start(SymbolicWorld(), SkillFailure(1.0), Takes("apple"), FalseDetection(1.0))
    before, events = world.snapshot(), world.events
    with world.imagine():
        assert do(world, "find the apple")[0].status == "done"
    assert world.events == events
    assert world.snapshot() == before
    assert do(world, "find the apple")[0].status == "failed"


# What happens to bodies.


def body_of(world, kind):
    return next(body for body, name in world.types.items() if name == kind)


@pytest.mark.parametrize("kind", ["coke", "sponge", "apple"])
def test_what_slips_truly_falls_and_the_robot_feels_it_gone(physics, kind):
    setup = Setup(((kind, "table"),), "table")
    start(physics, Slip(1.0, "bring"), setup=setup, seed=2)
    picked, brought = do(physics, f"pick up the {kind}", "bring it to you")
    assert picked.status == "done"
    assert told(physics) == [f"the {kind} slipped out of the hand"]
    assert (brought.status, brought.reason) == ("failed", f"driving to the user: the {kind} slipped out of the hand")
    assert physics.facts().holding is physics.robot.holding is None
    assert physics.physics.p.getBasePositionAndOrientation(body_of(physics, kind))[0][2] < 0.2
    # The fingers hold again afterwards.
    assert physics.physics.p.getDynamicsInfo(physics.robot.body, physics.robot.gripper.links[0])[1] > 1.0


def test_a_drive_stops_at_once_when_what_is_carried_is_gone(physics):
    """Within a tenth of a second of simulated time."""
    start(physics, setup=Setup((), "table", "sponge"), seed=2)
    robot = physics.robot
    x, y, yaw = robot.base_pose()
    gone = []

    def drop():
        if 1.0 < physics.time < 1.3:
            robot.gripper.loosen()
        elif physics.time >= 1.3 and not gone:
            robot.gripper.tighten()
            if robot.holding is None:
                gone.append(physics.time)

    physics.physics.on_step.append(drop)
    try:
        motion = robot.drive_to(x - 1.5 * math.cos(yaw), y - 1.5 * math.sin(yaw), yaw)
    finally:
        physics.physics.on_step.remove(drop)
    assert (motion.status, motion.reason) == ("stopped", "the sponge slipped out of the hand")
    assert 0.0 <= physics.time - gone[0] <= 0.1
    assert math.dist(robot.base_pose()[:2], (x, y)) < 1.4


def test_a_slip_in_the_making_survives_a_snapshot(physics):
    start(physics, Slip(1.0, "bring"), setup=Setup((("coke", "table"),), "table"), seed=2)
    do(physics, "pick up the coke")
    physics.begin_skill("bring")
    physics.physics.step(240)
    snapshot = physics.snapshot()

    def end():
        physics.physics.step(800)
        return physics.events, physics.physics.p.getBasePositionAndOrientation(body_of(physics, "coke"))

    first = end()
    physics.restore(snapshot)
    assert end() == first
    assert first[0]


def test_somebody_moves_takes_and_closes(physics):
    given = (Moves("apple", "close counter", after=1), Takes("sponge", after=1), Closes("top drawer", after="open"))
    start(physics, *given)
    do(physics, "open the top drawer")
    assert told(physics) == [
        "somebody moved the apple from the far counter to the close counter",
        "somebody took the sponge from the close counter",
        "somebody closed the top drawer",
    ]
    facts = physics.facts()
    assert At("apple", "close counter").holds(facts)
    assert At("banana", "top drawer").holds(facts)
    assert not Open("top drawer").holds(facts)
    assert [o.place for o in facts.objects if o.type == "sponge"] == [None]
    # The robot knows by looking alone.
    seen = {d.name: d.opening for d in physics.observe().drawers}
    assert seen["top drawer"] == pytest.approx(0.0, abs=0.1)
    at = [physics.physics.p.getBasePositionAndOrientation(body_of(physics, kind)) for kind in ("apple", "banana")]
    snapshot = physics.snapshot()
    physics.physics.step(240)
    ends = [physics.physics.p.getBasePositionAndOrientation(body_of(physics, kind)) for kind in ("apple", "banana")]
    for (before, _), (after, _) in zip(at, ends, strict=True):
        assert before == pytest.approx(after, abs=0.02)
    events = physics.events
    physics.restore(snapshot)
    assert physics.events == events
    assert physics.physics.p.getBasePositionAndOrientation(body_of(physics, "apple")) == at[0]


def test_nobody_touches_what_is_in_the_hand(physics):
    start(physics, Takes("coke", unseen=False), Moves("coke", unseen=False))
    do(physics, "pick up the coke", "go to the far counter")
    assert physics.events == ()
    assert physics.robot.holding == "coke"


def test_a_false_detection_is_seen_and_is_not_the_truth(physics):
    start(physics, FalseDetection(1.0, "coke", "pepsi"))
    seen = physics.observe()
    assert [o.type for o in seen.objects] == ["pepsi"]
    assert At("coke", "table").holds(physics.facts())
    assert set(told(physics)) == {"the coke was taken for the pepsi"}
    assert physics.detector == "oracle labels"
    do(physics, "pick up the pepsi")
    assert physics.robot.holding == "pepsi"
    assert physics.facts().holding == "coke"


def test_a_skill_fails_without_moving_anything(physics):
    start(physics, SkillFailure(1.0, "go to", times=1))
    failed, gone = do(physics, "go to the user", "go to the user")
    assert (failed.status, failed.seconds) == ("failed", pytest.approx(2.0))
    assert gone.status == "done"
    assert told(physics) == ["the skill 'go to' was made to fail"]


def test_episodes_without_disturbances_do_not_feel_that_there_could_be_any(physics):
    def end(*given):
        start(physics, *given)
        do(physics, "pick up the coke", "go to the far counter")
        return physics.physics.p.getBasePositionAndOrientation(body_of(physics, "coke")), physics.robot.base_pose()

    never = (Slip(0.0), SkillFailure(0.0), FalseDetection(0.0), Moves(probability=0.0), Closes())
    assert end() == end(*never)
