"""The speed benchmark measures what it says and writes it down; how fast a machine is, no test may ask."""

import json
from contextlib import nullcontext

import pytest
from typer.testing import CliRunner

from doable.agent import bench_world
from doable.agent.cli import app


@pytest.fixture
def figures(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_world, "PLAN", ("go to the table",))
    monkeypatch.setattr(bench_world, "record", lambda *_: nullcontext())  # slow, and tested elsewhere
    options = {"--out": tmp_path, "--scene": "kitchen", "--rounds": 1, "--steps": 40, "--seeds": 1}
    words = [str(word) for option in options.items() for word in option]
    done = CliRunner().invoke(app, ["bench", "world", *words])
    assert done.exit_code == 0, done.output
    assert done.output.strip() == (tmp_path / "table.md").read_text().strip()
    origin = json.loads((tmp_path / "origin.json").read_text())
    assert (origin["scenes"], origin["rounds"], origin["seeds"]) == (["kitchen"], 1, [0])
    return json.loads((tmp_path / "summary.json").read_text())


def test_all_figures_are_there_and_hang_together(figures):
    assert figures["overhead_ratio"] == figures["kitchen.motion_ratio"] > 0
    assert figures["vs_panda_gym"] is None  # of the tabletop, which was not asked for
    assert figures["panda_gym.steps_per_second"] > 0
    ours, bare = figures["kitchen.steps_per_second"], figures["kitchen.bare_steps_per_second"]
    assert figures["kitchen.stepping_ratio"] == pytest.approx(bare / ours, abs=1e-3)
    assert figures["episodes_done"] == 1
    assert figures["realtime_factor_video"] > 0
    assert figures["episode_seconds"] > 1


def test_both_sides_of_a_motion_do_the_same_steps_over_the_same_way():
    world = bench_world.PhysicsWorld("kitchen")
    world.reset(seed=0)
    ours, bare = bench_world._motions(world)
    with world.checkpoint() as start:
        ours()
        steps, ended = round(world.time * 240), world.robot.joints()
        start.restore()
        before = world.robot.joints()
        count = 0

        def counted(client):
            nonlocal count
            count += 1
            step(client)

        step, bench_world.pb.stepSimulation = bench_world.pb.stepSimulation, counted
        try:
            bare()
        finally:
            bench_world.pb.stepSimulation = step
        assert count == steps > 400
        assert world.robot.joints() == pytest.approx(ended, abs=0.01)
        assert before == pytest.approx(ended, abs=0.05)
    world.close()
