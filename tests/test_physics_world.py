"""The world with physics: honest looks, true facts, exact snapshots."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from doable.sim.catalogue import KITCHEN
from doable.sim.facts import At, Holding
from doable.sim.physics_world import PhysicsWorld
from doable.sim.task import Setup
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

SETUP = Setup((("coke", "table"), ("sponge", "far counter"), ("apple", "top drawer")), "table")


@pytest.fixture(scope="module")
def world():
    made = PhysicsWorld()
    yield made
    made.close()


def truth(world, kind):
    body = next(b for b, t in world.types.items() if t == kind)
    return world.physics.p.getBasePositionAndOrientation(body)[0]


def test_only_what_is_in_view_is_seen(world):
    seen = world.reset(SETUP, seed=3)
    assert [o.type for o in seen.objects] == ["coke"]
    assert seen.robot.place == "table"
    assert At("sponge", "far counter").holds(world.facts())
    assert At("apple", "top drawer").holds(world.facts())


@pytest.mark.parametrize("kind", KITCHEN)
def test_a_close_look_is_good_to_a_centimetre(world, kind):
    seen = world.reset(Setup(((kind, "table"),), "table"), seed=5)
    thing = seen.nearest(kind)
    assert thing is not None
    close = world.observe(focus=thing.position).nearest(kind)
    assert close is not None
    assert math.dist(close.position, truth(world, kind)) < 0.01
    assert close.place == "table"
    assert close.upright


def test_what_is_gone_is_forgotten_when_its_spot_is_seen_empty(world):
    world.reset(SETUP, seed=3)
    body = next(b for b, t in world.types.items() if t == "coke")
    world.physics.p.resetBasePositionAndOrientation(body, (0, 0, -3), (0, 0, 0, 1))
    assert world.observe().nearest("coke") is None


def test_an_open_drawer_is_seen_open_with_what_is_in_it(world):
    seen = world.reset(Setup((("apple", "top drawer"),), "cabinet", None, ("top drawer",)), seed=1)
    opening = {d.name: d.opening for d in seen.drawers}
    assert opening["top drawer"] == pytest.approx(1.0, abs=0.1)
    assert [(o.type, o.place) for o in seen.objects] == [("apple", "top drawer")]
    assert seen.believed().open_drawers == {"top drawer"}


def test_a_closed_drawer_hides_what_is_in_it(world):
    assert world.reset(Setup((("apple", "top drawer"),), "cabinet"), seed=1).objects == ()


def test_an_episode_can_begin_with_something_in_the_hand(world):
    seen = world.reset(Setup((("coke", "table"),), "user", "apple"), seed=2)
    assert seen.robot.holding == "apple"
    assert Holding("apple").holds(world.facts())
    assert "apple" not in [o.type for o in seen.objects]


def test_a_crowded_place_is_an_error(world):
    with pytest.raises(ValueError, match="full"):
        world.reset(Setup(tuple((kind, "user") for kind in KITCHEN), "table"))


def test_same_seed_same_episode(world):
    def episode():
        world.reset(SETUP, seed=7)
        world.robot.drive_to(1.0, -0.5, 0.3)
        return [truth(world, "coke"), world.robot.base_pose()]

    assert episode() == episode()


CONTINUE = """
import json, sys
from doable.sim.physics_world import PhysicsWorld
world = PhysicsWorld()
world.restore(open(sys.argv[1], "rb").read())
world.robot.drive_to(0.5, 0.5, 1.0)
print(json.dumps([world.physics.p.getBasePositionAndOrientation(b) for b in world.types] + [world.robot.base_pose()]))
"""


def test_a_snapshot_continues_identically_in_another_process(world, tmp_path):
    world.reset(SETUP, seed=3)
    execute(SkillLibrary.of(world.scene)["pick up the coke"], world)
    path = tmp_path / "snapshot"
    path.write_bytes(world.snapshot())
    world.restore(path.read_bytes())
    world.robot.drive_to(0.5, 0.5, 1.0)
    here = [world.physics.p.getBasePositionAndOrientation(b) for b in world.types] + [world.robot.base_pose()]
    there = subprocess.run([sys.executable, "-c", CONTINUE, str(path)], capture_output=True, text=True, check=True)
    assert json.loads(there.stdout) == json.loads(json.dumps(here))


@pytest.mark.parametrize("snapshot", [b"", b"not json", b"{}", json.dumps({"scene": "other"}).encode()])
def test_a_bad_snapshot_is_refused(world, snapshot):
    with pytest.raises(ValueError, match="Expected a snapshot"):
        world.restore(snapshot)


def test_pictures_have_the_shapes_they_say(world):
    world.reset(SETUP, seed=3)
    frame = world.overview(64, 48)
    assert frame.rgb.shape == (48, 64, 3)
    assert frame.depth.shape == (48, 64)
    assert frame.points().shape == (48, 64, 3)
    pixels, depth, inside = frame.project(frame.points().reshape(-1, 3))
    rows, columns = np.mgrid[0:48, 0:64]
    near = frame.depth.ravel() < 11
    assert (inside | ~near).all()
    assert np.abs(pixels[near] - np.stack([rows.ravel(), columns.ravel()], 1)[near]).max() <= 1
    assert np.allclose(depth[near], frame.depth.ravel()[near], atol=1e-3)


def test_a_film_has_its_pictures(world, tmp_path):
    import imageio_ffmpeg

    from doable.sim.captions import Caption
    from doable.sim.recorder import record

    world.reset(SETUP, seed=3)
    with record(world, tmp_path / "film.mp4") as recorder:
        recorder.caption = Caption("a goal", "turn 1", "a step")
        world.physics.step(240)
    count, _ = imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "film.mp4"))
    assert count == recorder.frames >= 5
    with pytest.raises(ValueError, match=r"\.mp4"), record(world, tmp_path / "film.gif"):
        pass
