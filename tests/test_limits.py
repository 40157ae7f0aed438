"""No motion exceeds a joint's range or speed, whatever is commanded; what would is refused, with the reason."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doable.sim.physics_world import PhysicsWorld

TOLERANCE = 0.05
"""Share of a top speed by which the speed over one command (1/60 s) may exceed it; within one, motors catch up."""
COMMAND = 4


@pytest.fixture(scope="module", params=["kitchen", "tabletop"])
def world(request):
    world = PhysicsWorld(request.param)
    yield world
    world.close()


class Watch:
    """Looks at the joints after every physics step."""

    def __init__(self, robot):
        self.robot, self.path = robot, [robot.joints()]

    def __call__(self):
        self.path.append(self.robot.joints())

    @property
    def fastest(self):
        """The greatest share of its top speed that any joint had over the time of one command."""
        path = np.array(self.path)
        if len(path) <= COMMAND:
            return 0.0
        rates = np.abs(path[COMMAND:] - path[:-COMMAND]) * 240 / COMMAND
        return float((rates / self.robot.limits.velocity).max())

    @property
    def outside(self):
        """How far any joint was beyond its limits."""
        path, limits = np.array(self.path), self.robot.limits
        return float(np.maximum(limits.lower - path, path - limits.upper).max())


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(st.floats(-1, 1), min_size=7, max_size=7), min_size=1, max_size=2), st.floats(0.2, 1.0))
def test_random_motions_keep_all_limits(world, shares, speed):
    robot = world.robot
    watch = Watch(robot)
    robot.physics.on_step.append(watch)
    low, high = np.array(robot.limits.lower), np.array(robot.limits.upper)
    low, high = np.maximum(low, -math.pi), np.minimum(high, math.pi)
    path = [(low + high) / 2 + (high - low) / 2 * np.array(share[: len(low)]) for share in shares]
    motion = robot.move_joints(path, speed)
    robot.physics.on_step.remove(watch)
    assert motion.status in ("reached", "stopped", "refused", "timed out")
    assert motion.ok or motion.reason
    assert watch.fastest <= 1 + TOLERANCE
    assert watch.outside <= 1e-3


def test_a_joint_beyond_its_limit_is_refused_with_its_number(world):
    robot = world.robot
    beyond = robot.joints()
    beyond[3] = robot.limits.upper[3] + 0.2
    before = world.time
    motion = robot.move_joints([beyond])
    assert motion.status == "refused"
    assert "joint 4" in motion.reason
    assert world.time == before
    assert robot.plan_path(beyond) is None


@pytest.mark.parametrize("speed", [0.0, -1.0, 1.5, math.nan])
def test_a_speed_out_of_range_is_refused(world, speed):
    robot = world.robot
    assert robot.move_joints([robot.joints()], speed).status == "refused"
    assert robot.drive_to(*robot.base_pose(), speed=speed).status == "refused"


def test_the_base_keeps_its_speed():
    world = PhysicsWorld("kitchen")
    robot, seen = world.robot, []
    world.physics.on_step.append(lambda: seen.append(robot.measure(robot.base)))
    x, y, yaw = robot.base_pose()
    assert robot.drive_to(x - 1.5, y, yaw + 2.5).ok
    path = np.array(seen)
    rates = np.abs(path[COMMAND:] - path[:-COMMAND]) * 240 / COMMAND
    assert np.hypot(rates[:, 0], rates[:, 1]).max() <= robot.limits.base_speed * (1 + TOLERANCE)
    assert rates[:, 2].max() <= robot.limits.base_turn * (1 + TOLERANCE)
    world.close()


def test_motors_and_fingers_push_no_harder_than_the_makers_allow(world):
    robot = world.robot
    assert np.all(np.array(robot.arm.effort) <= np.array(robot.limits.effort))
    assert max(robot.gripper.state()["force"]) <= robot.limits.grip_force
