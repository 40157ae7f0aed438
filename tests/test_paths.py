"""What a motion would meet is known before it starts, from the map and from what was seen; ways around are found."""

import math

import numpy as np
import pytest

from doable.sim.observation import DrawerState, SeenObject
from doable.sim.paths import find_way
from doable.sim.physics_world import PhysicsWorld
from doable.sim.task import Setup


@pytest.fixture(scope="module")
def kitchen():
    world = PhysicsWorld("kitchen")
    yield world
    world.close()


@pytest.fixture(scope="module")
def tabletop():
    world = PhysicsWorld("tabletop")
    yield world
    world.close()


def down(x, y, z, opening=math.pi / 2):
    along, out = np.array([math.cos(opening), math.sin(opening), 0.0]), np.array([0.0, 0.0, -1.0])
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack((np.cross(along, out), along, out))
    pose[:3, 3] = (x, y, z)
    return pose


def tower(x=0.05, y=0.0):
    """Blocks as if seen one above the other: too high to sweep over."""
    return [SeenObject("red block", (x, y, 0.74 + 0.04 * k), "table") for k in range(12)]


def test_driving_into_furniture_is_refused_before_it_starts(kitchen):
    kitchen.reset(Setup((), "table"))
    before = kitchen.robot.base_pose()
    motion = kitchen.robot.drive_to(before[0] + 0.5, before[1], before[2])
    assert motion.status == "refused"
    assert "would meet the table" in motion.reason
    assert kitchen.robot.base_pose() == pytest.approx(before, abs=1e-6)
    assert kitchen.time == 0.0


def test_reaching_into_furniture_is_refused_before_it_starts(kitchen):
    kitchen.reset(Setup((), "close counter"))
    robot = kitchen.robot
    assert robot.ready().ok
    hand = robot.hand_pose()
    hand[2, 3] = 0.80
    motion = robot.move_hand(hand)
    assert motion.status == "refused"
    assert "the fingers would meet the close counter" in motion.reason


def test_the_robot_does_not_reach_into_itself(kitchen):
    kitchen.reset(Setup((), "user"))
    x, y, yaw = kitchen.robot.base_pose()
    assert kitchen.robot.drive_to(x - 0.8, y, yaw).ok
    motion = kitchen.robot.move_joints([np.array([0.0, 1.7, 0.0, -2.5, 0.0, 3.5, 0.8])])
    assert motion.status == "refused"
    assert "robot's own" in motion.reason


def test_a_drawer_is_where_it_was_last_seen(kitchen):
    kitchen.reset(Setup((), "cabinet"))
    robot = kitchen.robot
    x, y, yaw = robot.base_pose()
    assert robot.drive_to(x, y - 0.4, yaw).ok
    assert not robot.blocked(robot.base, np.array([(x, y - 0.4, yaw), (x, y, yaw)]))
    seen = kitchen.observe()
    open_now = tuple(DrawerState(d.name, 1.0, 0.0) for d in seen.drawers)
    robot.guard.see(open_now)
    motion = robot.drive_to(x, y, yaw)
    assert motion.status == "refused"
    assert "drawer" in motion.reason
    assert robot.drive_to(x, y, yaw, touch=[d.name for d in seen.drawers]).ok
    # It has moved them, for all it knows: where they are now is not held against it until it has looked.
    assert set(robot.state()["moved"]) == {d.name for d in seen.drawers}
    assert not robot.blocked(robot.base, np.array([(x, y, yaw), (x, y - 0.1, yaw)]))
    kitchen.observe()
    assert not robot.state()["moved"]


def test_only_what_the_caller_has_seen_is_in_the_way(tabletop):
    tabletop.reset(Setup((("red bowl", "middle"),), "table"))
    robot = tabletop.robot
    ends = [robot.plan_hand([down(0.1, side, 0.80)])[0] for side in (0.3, -0.3)]
    assert robot.move_joints(ends[:1]).ok
    assert not robot.blocked(robot.arm, np.array(ends))
    motion = robot.move_joints(ends[1:], avoid=tower())
    assert motion.status == "refused"
    assert "red block" in motion.reason


def test_a_way_around_is_found_and_is_the_same_each_time(tabletop):
    tabletop.reset(Setup((), "table"))
    robot = tabletop.robot
    ends = [robot.plan_hand([down(0.1, side, 0.80)])[0] for side in (0.3, -0.3)]
    assert robot.move_joints(ends[:1]).ok
    ways = [robot.plan_path(ends[1], avoid=tower()) for _ in range(2)]
    assert ways[0] is not None
    np.testing.assert_array_equal(ways[0], ways[1])
    assert len(ways[0]) > 1
    assert robot.move_joints(ways[0], avoid=tower()).ok
    np.testing.assert_allclose(robot.joints(), ends[1], atol=0.03)


def test_what_is_held_is_part_of_the_robot(tabletop):
    tabletop.reset(Setup((), "table", holding="blue block"))
    robot = tabletop.robot
    high, low = down(0.1, 0.0, 0.90), down(0.1, 0.0, 0.715)
    assert robot.move_joints(robot.plan_hand([high])).ok
    motion = robot.move_hand(low)
    assert motion.status == "refused"
    assert "would meet the table" in motion.reason


def test_no_way_is_told_as_none():
    low, high = np.full(2, -1.0), np.full(2, 1.0)
    assert find_way(lambda q: abs(q[0]) > 0.2, np.array([-0.5, 0.0]), np.array([0.5, 0.0]), low, high) is None
    way = find_way(lambda q: abs(q[0]) > 0.2 or q[1] > 0.5, np.array([-0.5, 0.0]), np.array([0.5, 0.0]), low, high)
    assert way is not None
    np.testing.assert_array_equal(way[-1], [0.5, 0.0])
