"""Films: the strip tells what it is given and always fits; cameras by name; a film that breaks breaks no run."""

import itertools

import imageio_ffmpeg
import numpy as np
import pytest

from doable.agent.filming import Captions, caption
from doable.agent.types import Candidate, Decision, Subgoal, Verdict
from doable.sim import recorder as recording
from doable.sim.captions import BOTH, CAN, GROUND, HEIGHT, LIGHT, SAY, Caption, Weighed, fitted, strip
from doable.sim.physics_world import PhysicsWorld
from doable.sim.recorder import EVERY, RATE, record
from doable.sim.task import Setup
from doable.sim.views import camera_names, picture, shown
from doable.skills.skill import Outcome

WEIGHED = Weighed("pick up the sponge", 0.5, 1.0, 0.25)
TURN = {
    "index": 2, "subgoals": (Subgoal("bring me the sponge"),), "current": 0,
    "candidates": (
        Candidate("find the sponge", -0.1, 0.9, -0.2), Candidate("done", -3.0, 1.0, -3.0),
        Candidate("pick up the sponge", -1.0, 0.0, float("-inf")),
    ),
    "decision": Decision("act", "done", "only for this test"),
}  # fmt: skip


@pytest.fixture(scope="module")
def world():
    made = PhysicsWorld()
    made.reset(Setup((("coke", "table"),), "table"))
    yield made
    made.close()


def pixels(picture, colour):
    return int((np.asarray(picture) == np.array(colour)).all(-1).sum())


def test_bars_are_as_long_as_what_they_stand_for():
    drawn = strip(Caption(weighed=(WEIGHED,)), 640)
    assert drawn.size == (640, HEIGHT)
    say, can, both = (pixels(drawn, colour) for colour in (SAY, CAN, BOTH))
    assert say / can == pytest.approx(0.5, abs=0.03)
    assert 0.2 < both / can < 0.35
    masked = strip(Caption(weighed=(Weighed("x", 0.5, 1.0, 0.0, masked=True),)), 640)
    assert pixels(masked, CAN) == 0


def test_words_fit_whatever_they_are():
    long = "bring me the \x1b[31m sponge\n" * 40
    assert fitted("short", 14, 200) == "short"
    assert fitted(long, 14, 200).endswith("…")
    assert "\x1b" not in fitted(long, 14, 1e9)
    assert fitted(long, 14, 0) == "…"
    drawn = np.asarray(strip(Caption(long, "turn 1", long, long, True, (Weighed(long, 1.5, -1, 0.5),) * 9), 400))
    assert drawn.shape == (HEIGHT, 400, 3)
    assert pixels(drawn[:, -4:], LIGHT) == 0, "nothing is drawn over the edge"


def test_the_strip_is_told_by_the_turn():
    told = caption(TURN, 20)
    assert (told.goal, told.turn, told.does) == ("bring me the sponge", "turn 3/20", "done")
    assert [w.text for w in told.weighed] == ["done", "find the sponge", "pick up the sponge"], "the chosen one first"
    assert told.weighed[2].masked
    assert sum(w.say for w in told.weighed) == pytest.approx(1.0)
    after = TURN | {"outcome": Outcome("done", "grasped", 6.0), "verdict": Verdict((), "it is not held", "retry")}
    assert (caption(after).result, caption(after).failed) == ("it is not held", True)
    assert caption(TURN | {"outcome": Outcome("done", "grasped", 6.0)}).result == "done: grasped, 6.0 s"


def test_a_film_shows_its_cameras_side_by_side(world, tmp_path):
    with record(world, tmp_path / "film.mp4", ("overview", "head", "wrist"), size=(160, 120)) as film:
        Captions(film).phase("choose", TURN)
        world.physics.step(round(240 * EVERY) * 4)
    frames = imageio_ffmpeg.read_frames(str(tmp_path / "film.mp4"))
    about = next(frames)
    assert about["size"] == (480, 120 + HEIGHT)
    assert about["fps"] == RATE
    pictures = [np.frombuffer(f, np.uint8).reshape(120 + HEIGHT, 480, 3) for f in frames]
    assert len(pictures) == film.frames == 1 + 1 + 4 + RATE
    views = np.split(pictures[-1][:120], 3, axis=1)
    assert all(view.std() > 10 for view in views)
    assert all(np.abs(a.astype(int) - b).mean() > 10 for a, b in itertools.pairwise(views))
    assert pictures[-1][120:].max() > 200, "the strip is written on"


@pytest.mark.parametrize("scene", ["kitchen", "tabletop"])
def test_every_camera_can_be_named(scene):
    world = PhysicsWorld(scene)
    assert set(camera_names(world.scene)) == {"overview", *world.robot.cameras}
    for name in camera_names(world.scene):
        assert picture(world, name, 80, 60).rgb.std() > 5
    world.close()


def test_where_there_is_nothing_people_see_a_dark_ground(world):
    seen, for_people = picture(world, "overview", 80, 60).rgb, shown(world, "overview", 80, 60)
    changed = (seen != for_people).any(axis=2)
    assert (seen[0, 0] == 255).all()
    assert changed[0, 0]
    assert not changed[30, 40]
    assert (for_people[changed] == GROUND).all()


def test_a_camera_that_is_not_there_is_told(world, tmp_path):
    with pytest.raises(ValueError, match="'wrist'"), record(world, tmp_path / "a.mp4", ("wirst",)):
        pass


def test_a_film_that_breaks_breaks_no_run(world, tmp_path, monkeypatch):
    def broken(*_):
        raise OSError("no space left")

    with record(world, tmp_path / "film.mp4", size=(160, 120)) as film:
        monkeypatch.setattr(recording, "shown", broken)
        world.physics.step(240)
        assert film.failed == "OSError: no space left"
        Captions(film).phase("choose", {"index": 0})
    assert world.physics.on_step == []


def test_captions_that_cannot_be_told_break_no_run(world, tmp_path):
    with record(world, tmp_path / "film.mp4", size=(160, 120)) as film:
        Captions(film).phase("choose", {"index": 0})
        assert film.failed is not None
        assert "decision" in film.failed
