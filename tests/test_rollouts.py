"""Rollouts: situations by seed, the same from any number of workers, and what is held out stays out."""

import importlib.util
import json
import operator

import numpy as np
import pytest

from doable.sim.codec import to_json
from doable.sim.observation import Observation, RobotState
from doable.sim.scene import load_scene
from doable.sim.task import Setup
from doable.skills import rollouts, situations
from doable.skills.pool import run_all

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="doable[ray] is not installed")


def test_held_out_is_held_out():
    for part in ("train", "seeds"):
        for scene in situations.scenes(part):
            assert not scene.held_out
            assert not {*situations.HELD_OUT_TYPES} & {*scene.types}
    assert all(scene.held_out for scene in situations.scenes("layout"))
    assert {scene.name for scene in situations.scenes("train")} >= {"kitchen", "kitchen-wall", "tabletop"}
    rng = np.random.default_rng(0)
    kitchen = load_scene("kitchen")
    assert {situations.draw_setup(kitchen, "train", rng).clutter for _ in range(60)} == {None, "light", "medium"}
    assert {situations.draw_setup(kitchen, "clutter", rng).clutter for _ in range(5)} == {"heavy"}
    for _ in range(20):
        setup = situations.draw_setup(kitchen, "objects", rng)
        assert {*situations.HELD_OUT_TYPES} & {setup.holding, *(kind for kind, _ in setup.objects)}


def test_situations_are_of_many_kinds():
    rng, kitchen = np.random.default_rng(1), situations.scenes("train")[0]
    drawn = [situations.draw_setup(kitchen, "train", rng) for _ in range(150)]
    drawers = {drawer.name for drawer in kitchen.drawers}
    assert any(setup.holding for setup in drawn)
    assert any(setup.open_drawers and setup.holding for setup in drawn)
    assert any(setup.spills and setup.holding == "sponge" for setup in drawn)
    assert any(where in drawers for setup in drawn for _, where in setup.objects)
    assert any(where == "user" for setup in drawn for _, where in setup.objects)


def lines(folder, part="train"):
    return (folder / f"{part}.jsonl").read_text().splitlines()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert rollouts.collect(folder, states=2, seed=1, tries=1) == 2
    return folder


def test_collecting_goes_on_where_it_stopped(whole, tmp_path):
    first, second = lines(whole)
    (tmp_path / "train.jsonl").write_text(first + "\n" + second[:40])  # killed while writing
    told = []
    assert rollouts.collect(tmp_path, states=2, seed=1, tries=1, progress=told.append) == 2
    assert told == [2]
    assert lines(tmp_path) == [first, second]
    states = rollouts.read(tmp_path / "train.jsonl")
    assert [state.number for state in states] == [1_000_000, 1_000_001]
    assert all(trial.tries == 1 and trial.successes in (0, 1) for state in states for trial in state.trials)
    (tmp_path / "train.jsonl").write_text("nothing\n" + second + "\n")
    with pytest.raises(ValueError, match="line 1"):
        rollouts.read(tmp_path / "train.jsonl")


def test_processes_give_what_one_gives():
    assert list(run_all(operator.neg, [3, 1, 2], workers=2)) == [-3, -1, -2]


@needs_ray
def test_ray_actors_give_what_one_process_gives(whole, tmp_path):
    rollouts.collect(tmp_path, states=2, seed=1, tries=1, workers=2, ray="local")
    assert lines(tmp_path) == lines(whole)


def test_a_plan_is_followed(tmp_path):
    plan = situations.Plan("kitchen", Setup((("coke", "table"), ("apple", "table")), "table"), ("pick up the coke",))
    rollouts.write_plans(tmp_path / "plans.jsonl", [plan])
    assert rollouts.read_plans(tmp_path / "plans.jsonl") == [plan]
    (tmp_path / "bad.jsonl").write_text('{"scene": "kitchen-island", "setup": {}, "phrases": []}\n')
    with pytest.raises(ValueError, match="held out"):
        rollouts.read_plans(tmp_path / "bad.jsonl")
    state = rollouts.try_state(rollouts.Job("train", 5, tries=0, plan=plan))
    assert (state.source, state.scene, state.trials) == ("plan", "kitchen", ())


def test_parts_are_named():
    with pytest.raises(ValueError, match="train, seeds, layout, objects, clutter"):
        situations.check_parts(["test"])


def test_states_are_written_whole(tmp_path):
    now = Observation(0.0, RobotState((0.0, 0.0), 0.0, "table", None))
    trial = rollouts.Trial("go to the table", "go to", True, 20, 19, "done", "", 1.0)
    state = rollouts.State(3, "seeds", "kitchen", "random", "light", now, (trial,))
    (tmp_path / "seeds.jsonl").write_text(json.dumps(to_json(state)) + "\n")
    assert rollouts.read(tmp_path / "seeds.jsonl") == [state]
