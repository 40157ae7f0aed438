"""What no part of the robot may enter, whoever asks; and shares of its speed and force."""

from dataclasses import replace

import numpy as np
import pytest

from doable.agent import Config
from doable.agent.parts import fenced
from doable.sim.physics_world import PhysicsWorld
from doable.sim.robot import RADIUS
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.sim.zones import Zone, ZoneError, around, parse_zones
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

SCENE = load_scene("kitchen")
BEFORE_THE_TABLE = "1.0,-1.6,1.8,-0.2"
AMID = "-0.6,-0.4,0.4,0.6"


def closed(text):
    return fenced(SCENE, Config(forbidden=text))


@pytest.fixture(scope="module")
def world():
    world = PhysicsWorld(closed(f"{BEFORE_THE_TABLE};{AMID}"), speed=0.5, force=0.5)
    yield world
    world.close()


def test_a_motion_into_a_zone_is_refused_and_one_past_it_is_not(world):
    world.reset()
    robot = world.robot
    before = robot.base_pose()
    motion = robot.drive_to(0.0, 0.0, before[2])
    assert motion.status == "refused"
    assert "would meet the forbidden zone" in motion.reason
    assert robot.base_pose() == pytest.approx(before, abs=1e-3)
    assert robot.drive_to(before[0] - 0.5, before[1], before[2]).ok


def test_skills_go_round_a_zone_and_fail_where_there_is_no_way(world):
    world.reset()
    library, path = SkillLibrary.of(world.scene), []
    look = lambda: path.append(world.robot.base_pose())  # noqa: E731
    world.physics.on_step.append(look)
    assert execute(library["go to the trash can"], world).status == "done"
    failed = execute(library["go to the table"], world)
    world.physics.on_step.remove(look)
    assert (failed.status, failed.reason) == ("failed", "there is no free way to the table")
    xy = np.array(path)[:, :2]
    assert not any(zone.holds(x, y, RADIUS - 0.1) for zone in world.scene.forbidden for x, y in xy[::20])
    speed = np.abs(xy[4:] - xy[:-4]).max() * 60
    assert speed <= 0.5 * world.robot.limits.base_speed * 1.05


def test_the_fingers_press_with_their_share(world):
    world.reset()
    assert max(world.robot.gripper.state()["force"]) == pytest.approx(10.0)


def test_the_arm_alone_is_stopped_too():
    world = PhysicsWorld(SCENE)
    assert world.robot.ready().ok
    x, y = world.robot.hand_pose()[:2, 3]
    world.close()
    world = PhysicsWorld(replace(SCENE, forbidden=(Zone(x - 0.1, y - 0.1, x + 0.1, y + 0.1),)))
    motion = world.robot.ready()
    assert motion.status == "refused"
    assert "forbidden zone" in motion.reason
    world.close()


def test_the_symbolic_world_keeps_out_too():
    world = SymbolicWorld(closed(BEFORE_THE_TABLE))
    library = SkillLibrary.of(world.scene)
    failed = execute(library["go to the table"], world)
    assert failed.reason == "the way to the table would enter the forbidden zone"
    world.reset(Setup((("coke", "table"),), "user"))
    assert execute(library["find the coke"], world).status == "failed"
    assert "table" not in world.observe().visited


def test_a_workspace_closes_what_is_around_it():
    zones = around("-1,-1,1,1")
    points = [(x, y) for x in np.linspace(-2.9, 2.9, 30) for y in np.linspace(-2.9, 2.9, 30)]
    assert all(any(z.holds(x, y) for z in zones) != (abs(x) < 1 and abs(y) < 1) for x, y in points)
    world = SymbolicWorld(fenced(SCENE, Config(workspace="-3,-3,1,3")))
    assert "edge of the workspace" in execute(SkillLibrary.of(SCENE)["go to the table"], world).reason


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "1,0,0,1", "0,0,nan,1"])
def test_what_is_no_rectangle_is_told(text):
    with pytest.raises(ZoneError, match="Expected"):
        parse_zones(text)
