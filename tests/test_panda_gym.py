"""Our pick and place in panda-gym's physics, judged by its own success flag."""

import importlib.util
from pathlib import Path

import pytest

_FILE = Path(__file__).parents[1] / "examples" / "panda_gym_arm.py"


@pytest.fixture(scope="module")
def arm():
    pytest.importorskip("panda_gym")
    spec = importlib.util.spec_from_file_location("panda_gym_arm", _FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_cubes_get_to_goals_on_the_table_and_in_the_air(arm):
    env = arm.make(max_steps=100)
    robots = [arm.attempt(env, seed) for seed in range(4)]
    assert sum(robot.success for robot in robots) >= 3
    assert any(robot.goal[2] > 0.45 for robot in robots), "one goal is in the air"


def test_an_episode_that_is_over_moves_nothing(arm):
    env = arm.make(max_steps=5)
    robot = arm.attempt(env, 0)
    assert robot.over
    assert not robot.success
    assert robot.steps == 5
