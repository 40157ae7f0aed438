"""The robot: its kinematics, its limits, its grip, its memory of itself."""

import math

import numpy as np
import pytest

from doable.sim.catalogue import CATALOGUE
from doable.sim.kinematics import LOWER, UPPER, forward, solutions
from doable.sim.mobile_panda import READY, TUCK, MobilePanda
from doable.sim.objects import add_object
from doable.sim.physics import Physics
from doable.sim.robot import RADIUS, grasp_height
from doable.sim.scene import load_scene


@pytest.fixture(scope="module")
def physics():
    physics = Physics()
    yield physics
    physics.close()


@pytest.fixture
def robot(physics):
    physics.clear()
    return MobilePanda(physics, load_scene(), (0.5, -0.5, 1.0))


def test_inverse_kinematics_gives_back_the_pose():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(100):
        joints = rng.uniform(LOWER, UPPER)
        pose = forward(joints)
        for solution in solutions(pose, joints[6]):
            found += 1
            np.testing.assert_allclose(forward(solution), pose, atol=1e-6)
            assert np.all(solution > LOWER)
            assert np.all(solution < UPPER)
    assert found > 80


def test_kinematics_agree_with_the_body(robot):
    p = robot.physics.p
    names = {p.getJointInfo(robot.body, i)[12].decode(): i for i in range(p.getNumJoints(robot.body))}
    at = p.getLinkState(robot.body, names["panda_grasptarget"], computeForwardKinematics=1)[4]
    np.testing.assert_allclose(robot.hand_pose()[:3, 3], at, atol=1e-4)


def test_it_starts_where_it_is_told_with_its_arm_tucked(robot):
    assert robot.base_pose() == pytest.approx((0.5, -0.5, 1.0), abs=1e-6)
    assert robot.holding is None
    low, high = np.array(robot.physics.p.getAABB(robot.body, robot.camera_link))
    assert 1.3 < low[2] < high[2] < 1.75
    hand = robot.hand_pose()
    assert math.hypot(hand[0, 3] - 0.5, hand[1, 3] + 0.5) < RADIUS
    assert hand[2, 3] > 1.1


def test_it_drives_within_its_top_speed(robot):
    start = robot.time
    assert robot.drive_to(-0.5, -0.5, -2.0).ok
    assert robot.base_pose() == pytest.approx((-0.5, -0.5, -2.0), abs=0.02)
    assert robot.time - start > 1.0


def test_driving_into_a_wall_stops_and_says_so(robot):
    p = robot.physics.p
    wall = p.createCollisionShape(p.GEOM_BOX, halfExtents=(0.1, 2.0, 0.5))
    p.createMultiBody(0.0, wall, -1, (1.4, -0.5, 0.5))
    motion = robot.drive_to(2.0, -0.5, 0.0)
    assert motion.status == "stopped"
    assert "base" in motion.reason
    assert robot.base_pose()[0] < 1.2


def test_out_of_reach_is_told_without_moving(robot):
    far = robot.hand_pose()
    far[:3, 3] += (2.0, 0.0, 0.0)
    before = robot.hand_pose()
    assert not robot.move_hand(far).ok
    np.testing.assert_allclose(robot.hand_pose(), before, atol=1e-6)


@pytest.mark.parametrize("name", ["coke", "apple", "banana", "rice chips", "water bottle"])
def test_what_it_holds_stays_in_the_hand_until_released(robot, name):
    body = add_object(robot.physics, CATALOGUE[name], (0.0, 0.0, -2.0), 0.0)
    robot.grasp_at_reset(body, name)
    assert robot.holding == name
    assert robot.gripped.below == grasp_height(name)
    assert robot.drive_to(-0.5, 0.5, -1.0).ok
    assert robot.ready().ok
    assert robot.tuck().ok
    assert robot.holding == name
    at = np.array(robot.physics.p.getBasePositionAndOrientation(body)[0])
    assert np.linalg.norm(at - robot.hand_pose()[:3, 3]) < 0.12
    robot.release()
    assert robot.holding is None


def test_a_thing_that_is_taken_away_is_felt(robot):
    body = add_object(robot.physics, CATALOGUE["coke"], (0.0, 0.0, -2.0), 0.0)
    robot.grasp_at_reset(body, "coke")
    robot.physics.p.removeBody(body)
    robot.physics.step(60)
    assert robot.holding is None


def test_the_head_looks_at_a_point(robot):
    robot.look_at((1.5, 0.2, 0.8))
    p = robot.physics.p
    state = p.getLinkState(robot.body, robot.camera_link, computeForwardKinematics=1)
    forward_axis = np.array(p.getMatrixFromQuaternion(state[5])).reshape(3, 3)[:, 0]
    line = np.array([1.5, 0.2, 0.8]) - np.array(state[4])
    assert forward_axis @ (line / np.linalg.norm(line)) > 0.999


def test_its_state_is_json_and_comes_back(robot):
    import json

    robot.ready()
    state = json.loads(json.dumps(robot.state()))
    robot.tuck()
    robot.set_state(state)
    robot.physics.step(480)
    mount_free = np.linalg.norm(robot.hand_pose()[:2, 3] - np.array(robot.base_pose()[:2]))
    assert mount_free > 0.35
    assert not np.allclose(READY, TUCK)
