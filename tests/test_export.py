"""Recordings that others read: Rerun files and LeRobot datasets, live and from runs that are over."""

import json
import os
import subprocess
import sys

import imageio_ffmpeg
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from doable.agent.cli import app
from doable.agent.filming import RerunWatcher
from doable.agent.replay import Replay, ReplayError
from doable.agent.types import Candidate, Decision, Subgoal
from doable.sim.lerobot import LeRobotWriter
from doable.sim.physics_world import PhysicsWorld
from doable.sim.rerun_log import log
from doable.sim.sampling import Sampler
from doable.sim.task import Setup

AXES = ["joint 1 (rad)", "gripper (m)"]
TURN = {
    "index": 0, "subgoals": (Subgoal("bring me the coke"),), "current": 0,
    "candidates": (Candidate("find the coke", -0.1, 0.9, -0.2), Candidate("done", -3.0, 1.0, -3.0)),
    "decision": Decision("act", "find the coke", "best"), "outcome": None, "after": None,
}  # fmt: skip


def dataset(folder, lengths=(7, 5), tasks=("bring me the coke", "open the drawer")):
    writer = LeRobotWriter(folder, fps=10, axes=AXES, cameras={"head": (64, 48)}, robot_type="test")
    for episode, (length, task) in enumerate(zip(lengths, tasks, strict=True)):
        writer.begin(task)
        for i in range(length):
            state = np.array([i, 10.0 * episode])
            shot = np.full((48, 64, 3), 40 * episode + 10 * i, np.uint8)
            writer.add(state, state + 1, {"head": shot}, "first" if i < 3 else "second")
        writer.end(success=episode == 0)
    writer.close()
    return folder


def test_a_dataset_has_the_layout_and_its_tables_agree(tmp_path):
    folder = dataset(tmp_path / "set")
    info = json.loads((folder / "meta/info.json").read_text())
    assert (info["codebase_version"], info["fps"], info["robot_type"]) == ("v3.0", 10, "test")
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (2, 12, 2)
    assert info["splits"] == {"train": "0:2"}
    data = pq.read_table(folder / info["data_path"].format(chunk_index=0, file_index=0)).to_pydict()
    assert set(info["features"]) == {*data, "observation.images.head"}
    assert info["features"]["observation.state"] == {"dtype": "float32", "shape": [2], "names": AXES}
    assert data["index"] == list(range(12))
    assert data["episode_index"] == [0] * 7 + [1] * 5
    assert data["frame_index"] == [*range(7), *range(5)]
    assert np.allclose(data["timestamp"], np.array(data["frame_index"]) / 10)
    assert data["task_index"] == data["episode_index"]
    assert data["subtask_index"] == [0] * 3 + [1] * 4 + [0] * 3 + [1] * 2
    assert np.allclose(np.array(data["action"]) - data["observation.state"], 1)
    episodes = pq.read_table(folder / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [e["length"] for e in episodes] == [7, 5]
    assert [(e["dataset_from_index"], e["dataset_to_index"]) for e in episodes] == [(0, 7), (7, 12)]
    assert [e["tasks"] for e in episodes] == [["bring me the coke"], ["open the drawer"]]
    assert [e["success"] for e in episodes] == [True, False]
    key = "videos/observation.images.head"
    assert [e[f"{key}/from_timestamp"] for e in episodes] == [0.0, 0.7]
    assert [e[f"{key}/to_timestamp"] for e in episodes] == [0.7, 1.2]


def test_tasks_are_an_index_as_its_loader_expects(tmp_path):
    pandas = pytest.importorskip("pandas")
    tasks = pandas.read_parquet(dataset(tmp_path / "set") / "meta/tasks.parquet")
    assert tasks.loc["open the drawer"].task_index == 1
    assert list(tasks.index) == ["bring me the coke", "open the drawer"]


def test_films_have_a_picture_for_every_row(tmp_path):
    folder = dataset(tmp_path / "set")
    film = folder / "videos/observation.images.head/chunk-000/file-000.mp4"
    frames = imageio_ffmpeg.read_frames(str(film))
    about = next(frames)
    assert (about["size"], about["fps"], about["codec"]) == ((64, 48), 10.0, "h264")
    shades = [np.frombuffer(f, np.uint8).mean() for f in frames]
    assert len(shades) == 12
    assert shades == pytest.approx([10 * i for i in range(7)] + [40 + 10 * i for i in range(5)], abs=4)


def test_statistics_of_all_are_those_of_every_row(tmp_path):
    folder = dataset(tmp_path / "set")
    stats = json.loads((folder / "meta/stats.json").read_text())
    rows = np.array(pq.read_table(folder / "data/chunk-000/file-000.parquet")["observation.state"].to_pylist())
    for name, value in (("mean", rows.mean(0)), ("std", rows.std(0)), ("min", rows.min(0)), ("max", rows.max(0))):
        assert stats["observation.state"][name] == pytest.approx(value), name
    assert stats["observation.state"]["count"] == [12]
    assert np.array(stats["observation.images.head"]["mean"]).shape == (3, 1, 1)


def test_another_reader_reads_the_dataset(tmp_path):
    """Rerun's own reader of LeRobot datasets, version 3."""
    experimental = pytest.importorskip("rerun.experimental")
    reader = experimental.LeRobotReader(dataset(tmp_path / "set"))
    assert len(list(reader.episodes())) == 2
    assert "3" in str(reader.version)


def test_bad_datasets_are_told(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("x")
    with pytest.raises(ValueError, match="new or empty"):
        dataset(tmp_path / "set")
    with pytest.raises(ValueError, match="even"):
        LeRobotWriter(tmp_path / "a", fps=10, axes=AXES, cameras={"head": (63, 48)}, robot_type="test")
    with pytest.raises(ValueError, match="at least one frame"):
        dataset(tmp_path / "b", (), ())
    with pytest.raises(ValueError, match="divide 240"):
        Sampler(None, 7, (), None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that is over."""
    folder = tmp_path_factory.mktemp("runs")
    done = CliRunner().invoke(app, [
        "run", "go to the cabinet", "--model", "scripted:go to the cabinet;done", "--values", "declared",
        "--embedder", "hash", "--memory", str(folder / "memory"), "--runs", str(folder / "runs"),
        "--rerun", str(folder / "live.rrd"),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    return next((folder / "runs").glob("*-*-*"))


def entities(path):
    from rerun.chunk import RrdReader

    return {str(chunk.entity_path): chunk for chunk in RrdReader(path).stream()}


def test_a_live_recording_holds_poses_cameras_scores_and_decisions(run):
    found = entities(run.parent.parent / "live.rrd")
    paths = {path.replace("\\", "") for path in found}
    for path in ("/world/objects/coke", "/world/robot/base", "/world/robot/hand", "/world/places/table",
                 "/world/cameras/head", "/world/cameras/head/rgb", "/world/cameras/head/depth",
                 "/world/cameras/overview/rgb", "/scores/say/go to the cabinet", "/scores/can/done",
                 "/decisions"):  # fmt: skip
        assert path in paths, sorted(paths)
    assert "simulation" in found["/world/robot/base"].timeline_names


def test_a_run_is_seen_again_as_a_dataset_a_film_and_a_recording(run, tmp_path):
    def export(*arguments):
        done = CliRunner().invoke(app, ["export", *map(str, arguments)])
        assert done.exit_code == 0, done.output

    export("lerobot", run, run, "--out", tmp_path / "set", "--camera", "wrist", "--fps", "4")
    data = pq.read_table(tmp_path / "set/data/chunk-000/file-000.parquet").to_pydict()
    rows = np.array(data["observation.state"])
    half = len(rows) // 2
    assert np.array_equal(rows[:half], rows[half:]), "the same run, twice"
    assert np.hypot(*(rows[half - 1] - rows[0])[:2]) > 0.5, "the base drove"
    film = tmp_path / "set/videos/observation.images.wrist/chunk-000/file-000.mp4"
    assert imageio_ffmpeg.count_frames_and_secs(str(film))[0] == len(rows)
    export("rerun", run.name, "--runs", run.parent, "--out", tmp_path / "again.rrd", "--camera", "head")
    assert "/world/cameras/head/rgb" in entities(tmp_path / "again.rrd")
    export("film", run, "--out", tmp_path / "again.mp4")
    assert imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "again.mp4"))[0] > 10


def test_a_run_that_goes_another_way_is_not_exported(run, tmp_path):
    copy = tmp_path / "run"
    copy.mkdir()
    lines = (run / "journal.jsonl").read_text().splitlines()
    step = json.loads(lines[1])
    step["step"]["after"]["robot"]["position"] = [0.0, 0.0]
    (copy / "journal.jsonl").write_text("\n".join([lines[0], json.dumps(step), *lines[2:]]) + "\n")
    done = CliRunner().invoke(app, ["export", "lerobot", str(copy), "--out", str(tmp_path / "set")])
    assert done.exit_code == 2
    assert "turn 1 the robot is at" in done.stderr
    assert not (tmp_path / "set").exists(), "half a dataset helps nobody"
    header = json.loads(lines[0])
    header["run"]["config"]["world"] = "symbolic"
    (copy / "journal.jsonl").write_text(json.dumps(header) + "\n")
    with pytest.raises(ReplayError, match="physics"):
        Replay(str(copy))


def test_a_recording_that_breaks_breaks_no_run(tmp_path):
    world = PhysicsWorld()
    world.reset(Setup((("coke", "table"), ("coke", "table")), "table"))
    with log(world, tmp_path / "a.rrd", ("head",)) as made:
        RerunWatcher(made).phase("choose", {**TURN, "observation": world.observe()})
        assert made.failed is None
        RerunWatcher(made).phase("choose", {"index": 0})
        assert made.failed
        world.physics.step(24)
    assert world.physics.on_step == []
    assert "/world/objects/coke 2" in {path.replace("\\", "") for path in entities(tmp_path / "a.rrd")}
    world.close()


def test_recording_leaves_nothing_at_home_and_talks_to_nobody(tmp_path):
    """Rerun's analytics keep a file in the user's folders as soon as they start: here they never do."""
    code = """
        import socket, sys
        def refused(*_, **__): raise SystemExit("a connection")
        socket.socket.connect = socket.getaddrinfo = refused
        from doable.sim.rerun_log import log
        from doable.sim.physics_world import PhysicsWorld
        world = PhysicsWorld()
        with log(world, sys.argv[1], ("head",)) as made:
            world.physics.step(24)
        assert made.failed is None, made.failed
    """
    import textwrap

    home = tmp_path / "home"
    home.mkdir()
    env = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "c"), "XDG_DATA_HOME": str(home / "d")}
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "a.rrd")]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert [p for p in home.rglob("*") if "rerun" in p.name.lower() or "analytics" in p.name] == []


def test_bad_names_of_recordings_are_told(tmp_path):
    done = CliRunner().invoke(app, ["run", "x", "--rerun", str(tmp_path / "a.rr")])
    assert done.exit_code == 2
    assert ".rrd" in done.stderr
    done = CliRunner().invoke(app, ["export", "film", "20990101", "--runs", str(tmp_path), "--out", "a.mp4"])
    assert done.exit_code == 2
    assert "20990101" in done.stderr
