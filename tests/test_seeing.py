"""What the cameras tell apart: standing, knocked over, on the floor, in a drawer, carried; and why one is hidden."""

import math

import numpy as np
import pytest

from doable.agent.codec import from_json, to_json
from doable.sim.catalogue import UnknownName
from doable.sim.detector import Detection, OracleLabels
from doable.sim.observation import Observation
from doable.sim.physics_world import PhysicsWorld
from doable.sim.task import Setup


@pytest.fixture(scope="module")
def world():
    made = PhysicsWorld()
    yield made
    made.close()


def body(world, kind):
    return next(b for b, t in world.types.items() if t == kind)


def put(world, kind, x, y, z, roll=0.0):
    turn = world.physics.p.getQuaternionFromEuler((roll, 0.0, 0.0))
    world.physics.p.resetBasePositionAndOrientation(body(world, kind), (x, y, z), turn)


def at(world, kind):
    return world.physics.p.getBasePositionAndOrientation(body(world, kind))[0]


def test_a_thing_that_stands_is_standing(world):
    seen = world.reset(Setup((("coke", "table"),), "table"), seed=3).nearest("coke")
    assert (seen.state, seen.visible, seen.hidden) == ("standing", True, None)


def test_a_can_pushed_over_is_knocked_over(world):
    world.reset(Setup((("coke", "table"),), "table"), seed=3)
    tilt = 1.0
    while tilt > 0.6:  # the cosine of how far it leans
        x, y, z = at(world, "coke")
        world.physics.p.applyExternalForce(
            body(world, "coke"), -1, (0.0, 1.5, 0.0), (x, y, z + 0.06), world.physics.p.WORLD_FRAME
        )
        world.physics.step()
        turn = world.physics.p.getBasePositionAndOrientation(body(world, "coke"))[1]
        tilt = world.physics.p.getMatrixFromQuaternion(turn)[8]
    world.physics.step(400)
    seen = world.observe(focus=at(world, "coke")).nearest("coke")
    assert (seen.state, seen.upright, seen.place) == ("knocked over", False, "table")


@pytest.mark.parametrize(("roll", "upright"), [(0.0, True), (math.pi / 2, False)])
def test_what_fell_to_the_floor_lies_on_the_floor(world, roll, upright):
    world.reset(Setup((("coke", "table"),), "table"), seed=3)
    put(world, "coke", 1.2, 0.6, 0.063, roll)
    world.physics.step(60)
    world.robot.drive_to(0.2, 0.6, 0.0)
    seen = world.observe().nearest("coke")
    assert (seen.state, seen.place, seen.visible) == ("on the floor", None, True)
    assert math.dist(seen.position, at(world, "coke")) < 0.03
    assert seen.upright is upright


@pytest.mark.parametrize("kind", ["banana", "sponge", "coke"])
def test_what_lies_in_the_lowest_drawer_does_not_lie_on_the_floor(world, kind):
    setup = Setup(((kind, "bottom drawer"),), "cabinet", None, ("bottom drawer",))
    seen = world.reset(setup, seed=4).nearest(kind)
    assert (seen.state, seen.place) == ("inside", "bottom drawer")
    assert math.dist(seen.position, at(world, kind)) < 0.03


def test_a_drawer_that_is_closed_takes_along_what_lies_in_it(world):
    world.reset(Setup((("sponge", "top drawer"),), "cabinet", None, ("top drawer",)), seed=1)
    place = world.scene.place("cabinet")
    put(world, "sponge", *place.to_world(0.0, 0.42 - 0.28), 0.56)
    seen = world.observe().nearest("sponge")
    assert (seen.state, seen.place, seen.visible) == ("inside", "top drawer", True)
    cabinet = world._cabinets["cabinet"]
    for _ in range(300):
        world.physics.p.setJointMotorControl2(
            cabinet.body, cabinet.joints["top drawer"], world.physics.p.POSITION_CONTROL, targetPosition=0.0, force=30.0
        )
        world.physics.step()
    for _ in range(2):
        now = world.observe()
        assert now.believed().closed_drawers >= {"top drawer"}
        shut = now.nearest("sponge")
        assert (shut.state, shut.place, shut.visible, shut.hidden) == ("inside", "top drawer", False, "shut in")
        assert shut.last_seen == seen.last_seen
    assert math.dist(shut.position, at(world, "sponge")) < 0.08
    restored = world.restore(world.snapshot()).nearest("sponge")
    assert restored.hidden == "shut in"


def test_what_stands_behind_a_bag_is_occluded_and_what_is_elsewhere_is_out_of_view(world):
    setup = Setup((("apple", "table"), ("rice chips", "table")), "table")
    world.reset(setup, seed=3)
    place = world.scene.place("table")
    put(world, "rice chips", *place.to_world(0.0, 0.08), place.height - 0.5)
    put(world, "apple", *place.to_world(0.0, 0.36), place.height + 0.036)
    world.robot.tuck()
    before = world.observe().nearest("apple")
    assert before.visible
    turn = world.physics.p.getQuaternionFromEuler((0.0, 0.0, math.pi / 2))
    eye = np.array(
        world.physics.p.getLinkState(world.robot.body, world.robot.camera_link, computeForwardKinematics=1)[4]
    )
    nearer = np.array(before.position) + 0.25 * (eye - np.array(before.position))
    world.physics.p.resetBasePositionAndOrientation(body(world, "rice chips"), nearer.tolist(), turn)
    hidden = world.observe().nearest("apple")
    assert (hidden.visible, hidden.hidden, hidden.state) == (False, "occluded", "standing")
    assert hidden.position == before.position
    world.robot.drive_to(0.5, -0.5, math.pi)
    away = world.observe().nearest("apple")
    assert (away.visible, away.hidden) == (False, "out of view")
    assert away.last_seen == before.last_seen < world.time


@pytest.mark.parametrize("kind", ["coke", "apple", "rice chips", "sponge"])
def test_the_wrist_camera_sees_what_is_carried(world, kind):
    seen = world.reset(Setup((("pepsi", "table"),), "user", kind), seed=2)
    assert seen.nearest(kind) is None
    assert (seen.carried.type, seen.carried.state, seen.carried.visible) == (kind, "carried", True)
    assert seen.carried.confidence > 0.9
    assert math.dist(seen.carried.position, at(world, kind)) < 0.06
    frame = world.camera("wrist")
    assert frame.rgb.shape == (64, 64, 3)
    assert (frame.body == body(world, kind)).mean() > 0.03


def test_what_left_the_fingers_is_no_longer_seen_there(world):
    world.reset(Setup((), "user", "coke"), seed=2)
    put(world, "coke", 0.0, 0.0, 0.063)
    felt = world.observe().carried
    assert felt is None or not felt.visible
    world.robot.release()
    assert world.observe().carried is None


def test_the_robots_cameras_have_names(world):
    world.reset(Setup((("coke", "table"),), "table"), seed=3)
    world.observe(focus=at(world, "coke"))
    frame = world.camera("head")
    assert frame.rgb.shape == (120, 160, 3)
    assert set(np.unique(frame.body)) & {body(world, "coke")}
    with pytest.raises(UnknownName, match="wrist"):
        world.camera("wirst")


def test_an_observation_survives_its_journal(world):
    seen = world.reset(Setup((("coke", "table"),), "table", "apple"), seed=3)
    assert from_json(Observation, to_json(seen)) == seen


def test_a_detector_of_ones_own_can_wrap_another(world):
    """What a detector claims is believed as it says: a world takes any object with `name` and `detect`."""

    class Blind:
        name = "blind to cokes"

        def __init__(self, inner):
            self.inner = inner

        def detect(self, frame):
            return [d for d in self.inner.detect(frame) if d.type != "coke"]

    world.reset(Setup((("coke", "table"), ("pepsi", "table")), "table"), seed=3)
    frame = world.camera("head")
    found = Blind(OracleLabels(world.types)).detect(frame)
    assert {d.type for d in found} <= {"pepsi"}
    assert all(isinstance(d, Detection) and d.confidence == 1.0 for d in found)
