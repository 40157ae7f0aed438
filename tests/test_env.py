"""The Gymnasium environments: the contract, both action levels, seeds, vectors, films, and nothing that is unseen."""

import json
import subprocess
import sys
import warnings

import gymnasium
import imageio_ffmpeg
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import RecordVideo

import doable.skills.env  # noqa: F401 (registers the names)
from doable.sim.encoding import COLUMNS

SYMBOLIC = {"world": "symbolic"}
JOINT = {"action": "joint"}
AT_TABLE = {
    "instruction": "pick up the coke",
    "goal": {"holding": "coke"},
    "objects": [{"type": "coke", "at": "table"}, {"type": "sponge", "at": "far counter"}],
    "robot": {"at": "table"},
}


def make(**options):
    return gymnasium.make("doable/Kitchen-v0", **options)


@pytest.fixture
def symbolic():
    env = make(**SYMBOLIC)
    yield env.unwrapped
    env.close()


def do(env, phrase):
    return env.step(np.int64(env.action_meanings.index(phrase)))


def column(name):
    return next(i for i, c in enumerate(COLUMNS) if c.startswith(name))


@pytest.mark.parametrize("options", [SYMBOLIC, {"task": AT_TABLE}, {**JOINT, "pixels": True}], ids=str)
def test_check_env_passes_without_a_warning(options):
    env = make(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
    env.close()


@pytest.mark.parametrize("options", [SYMBOLIC, {}, {**JOINT, "pixels": True}], ids=str)
def test_the_tabletop_passes_check_env_too(options):
    env = gymnasium.make("doable/Tabletop-v0", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
    env.close()


@pytest.mark.parametrize("world", ["symbolic", "physics"])
def test_one_skill_does_the_tabletop_task(world):
    env = gymnasium.make("doable/Tabletop-v0", world=world).unwrapped
    env.reset(seed=2)
    info = do(env, "put the blue block in the red bowl")[4]
    assert info["outcome"]["status"] == "done", info
    assert do(env, "done")[1:3] == (1.0, True)
    env.close()


def test_skills_reach_the_goal_and_done_earns_the_reward(symbolic):
    symbolic.reset(seed=1)
    for phrase in ("find the sponge", "pick up the sponge", "bring it to you", "put down the sponge"):
        _, reward, terminated, truncated, info = do(symbolic, phrase)
        assert (reward, terminated, truncated) == (0.0, False, False)
        assert info["outcome"]["status"] == "done"
    assert info["success"]
    _, reward, terminated, _, _ = do(symbolic, "done")
    assert (reward, terminated) == (1.0, True)


def test_saying_done_too_early_ends_without_reward(symbolic):
    symbolic.reset(seed=1)
    assert do(symbolic, "done")[1:3] == (0.0, True)


def test_an_impossible_task_is_done_by_refusing():
    untouched = {
        "instruction": "bring me the moon",
        "family": "impossible",
        "goal": {"robot_at": "user"},
        "objects": [],
    }
    for phrase, reward in (("say that it is not possible", 1.0), ("done", 0.0)):
        env = make(**SYMBOLIC, task=untouched).unwrapped
        env.reset(seed=0)
        assert do(env, phrase)[1:3] == (reward, True)


def test_the_mask_is_what_preconditions_say_of_what_was_seen(symbolic):
    _, info = symbolic.reset(seed=1)
    mask = dict(zip(symbolic.action_meanings, info["action_mask"], strict=True))
    assert mask["find the sponge"]
    assert mask["done"]
    assert not mask["pick up the sponge"], "there is one, but not here"
    assert not mask["put down the sponge"]
    info = do(symbolic, "pick up the sponge")[4]
    assert info["outcome"] == {"status": "failed", "reason": "its preconditions do not hold", "seconds": 0.0}


def test_an_episode_is_truncated_at_its_limit():
    env = make(**SYMBOLIC, max_episode_steps=2)
    env.reset(seed=0)
    assert not env.step(0)[3]
    assert env.step(0)[3]
    by_task = make(**SYMBOLIC, task={**AT_TABLE, "max_steps": 1})
    by_task.reset(seed=0)
    assert by_task.step(0)[3]


def test_a_task_can_come_from_a_file_and_a_goal_stand_for_itself(tmp_path):
    file = tmp_path / "tasks.jsonl"
    file.write_text(json.dumps({"id": "a", **AT_TABLE}) + "\n")
    env = make(**SYMBOLIC, tasks=file, task=0).unwrapped
    assert env.reset()[1]["instruction"] == "pick up the coke"
    env = make(**SYMBOLIC, goal={"open": "top drawer"}, ends="reached").unwrapped
    env.reset()
    assert do(env, "open the top drawer")[1:3] == (1.0, True)
    env.reset(options={"task": AT_TABLE})
    assert do(env, "pick up the coke")[1:3] == (1.0, True)


def test_a_reward_of_ones_own_sees_the_facts_before_and_after():
    env = make(**SYMBOLIC, reward=lambda before, after: len(after.visited) - len(before.visited)).unwrapped
    env.reset(seed=0)
    assert do(env, "go to the table")[1] == 1.0
    assert do(env, "go to the table")[1] == 0.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"action": "joints"}, "'joint'"),
        ({"task": 0}, "tasks="),
        ({"world": "symbolc"}, "'symbolic'"),
        ({"reward": "spars"}, "'sparse'"),
        ({"ends": "sad"}, "'said'"),
        ({**SYMBOLIC, "pixels": True}, "physics"),
        ({**SYMBOLIC, **JOINT}, "no joints"),
        ({**JOINT, "control_hz": 7}, "control_hz"),
        ({"camera": "hed"}, "'head'"),
        ({"task": {"instruction": "x", "objects": [], "goal": {"at": ["spong", "user"]}}}, "sponge"),
        ({"scene": "kitchn"}, "'kitchen'"),
    ],
    ids=str,
)
def test_bad_options_are_told(options, words):
    with pytest.raises(ValueError, match=words):
        make(**options)


def test_bad_actions_are_told(symbolic):
    symbolic.reset()
    with pytest.raises(ValueError, match="whole number"):
        symbolic.step(len(symbolic.action_meanings))
    env = make(**JOINT).unwrapped
    env.reset()
    with pytest.raises(ValueError, match="finite"):
        env.step(np.full(11, np.nan, dtype=np.float32))


def test_observations_hold_what_was_seen_and_no_more():
    env = make(task=AT_TABLE).unwrapped
    seen, _ = env.reset(seed=4)
    kinds = [env.encoder.types[i - 1] for i in seen["types"] if i]
    assert kinds == ["coke"], "the sponge stands where no camera looked"
    assert env.encoder.places[seen["places"][0] - 1] == "table"
    assert np.all(seen["objects"][1:] == 0)
    row = seen["objects"][0]
    at = next(o for o in env.seen.objects if o.type == "coke")
    assert row[:3] == pytest.approx(at.position, abs=1e-5)
    assert row[column("visible")] == 1
    assert row[column("seconds since seen")] == 0
    assert np.all(seen["drawers"][:, 0] == -1)
    env.close()


def test_at_the_joint_level_the_task_can_be_done_and_limits_hold():
    """A servo along the robot's own plan, then closing the fingers and lifting: the reward comes from the facts."""
    env = make(**JOINT, task=AT_TABLE, control_hz=20).unwrapped
    env.reset(seed=4)
    robot, n = env.world.robot, len(env.axis_names)
    coke = env.seen.nearest("coke").position
    over = robot.hand_pose()
    over[:3, :3] = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])

    def go(joints, gripper=0.0):
        reward, ended = 0.0, False
        for _ in range(120):
            action = np.zeros(n, dtype=np.float32)
            error = joints - robot.positions()[3:10]
            speeds = np.array([axis.speed for axis in robot.axes[3:10]])
            action[3:10] = np.clip(error / speeds * 8, -1, 1)
            action[-1] = gripper
            seen, reward, ended, _, _ = env.step(action)
            assert env.observation_space.contains(seen)
            if ended or np.abs(error).max() < 0.01:
                break
        return reward, ended

    path = []
    for height in (0.25, 0.02):
        pose = over.copy()
        pose[:3, 3] = (coke[0], coke[1], coke[2] + height)
        path.append(pose)
    plan = robot.plan_hand(path)
    assert plan is not None
    for joints in plan:
        go(joints)
    for _ in range(12):
        env.step(np.array([0] * (n - 1) + [-1], dtype=np.float32))
    reward, ended = go(plan[0], -1.0)
    assert (reward, ended) == (1.0, True)
    env.close()


def test_servos_keep_their_limits_and_do_not_wind_up():
    env = make(**JOINT, task=AT_TABLE).unwrapped
    env.reset(seed=4)
    robot, n = env.world.robot, len(env.axis_names)
    low = np.array([axis.low for axis in robot.axes])
    high = np.array([axis.high for axis in robot.axes])
    start = robot.positions()
    for _ in range(10):
        env.step(np.array([-1, 0, 0] + [0] * (n - 3), dtype=np.float32))
    assert 0.8 < np.hypot(*(robot.positions() - start)[:2]) < 1.02, "backwards for a second at 1 m/s"
    for _ in range(30):
        env.step(np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1], dtype=np.float32) * 50)
        assert np.all(robot.positions() > low - 0.07)
        assert np.all(robot.positions() < high + 0.07)
        assert np.abs(robot.targets() - robot.positions()).max() < 0.2
    env.close()


ROLLOUT = """
import hashlib, sys, gymnasium, numpy as np, doable.skills.env
env = gymnasium.make("doable/Kitchen-v0", action=sys.argv[1], pixels=sys.argv[1] == "joint")
env.action_space.seed(3)
seen, _ = env.reset(seed=7)
digest = hashlib.sha256()
for _ in range(2):
    for key in sorted(seen):
        digest.update(np.ascontiguousarray(seen[key]).tobytes())
    seen, *_ = env.step(env.action_space.sample())
print(digest.hexdigest())
"""


@pytest.mark.parametrize("level", ["skill", "joint"])
def test_same_seed_same_observations_in_two_processes(level):
    one, other = (
        subprocess.run([sys.executable, "-c", ROLLOUT, level], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert one == other
    assert len(one) == 65


def test_another_seed_is_another_episode():
    env = make(task=AT_TABLE)
    first, second, again = (env.reset(seed=s)[0]["objects"] for s in (1, 2, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, again)
    assert not np.array_equal(env.reset()[0]["objects"], again), "without a seed the generator goes on"
    env.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vectors_of_environments(mode):
    more = {"vector_kwargs": {"context": "spawn"}} if mode == "async" else {}
    envs = gymnasium.make_vec("doable/Kitchen-v0", 2, mode, **more, **JOINT, control_hz=60)
    seen, info = envs.reset(seed=[5, 6])
    assert seen["joints"].shape == (2, 2, 8)
    assert list(info["instruction"]) == ["pick up the coke"] * 2
    assert not np.array_equal(seen["objects"][0], seen["objects"][1])
    _, reward, *_, info = envs.step(envs.action_space.sample())
    assert reward.shape == (2,)
    assert info["success"].tolist() == [False, False]
    envs.close()


def test_vectors_of_skills_give_masks():
    envs = gymnasium.make_vec("doable/Kitchen-v0", 2, "sync", **SYMBOLIC)
    _, info = envs.reset(seed=1)
    assert info["action_mask"].shape == (2, envs.single_action_space.n)
    *_, info = envs.step(np.array([0, 1]))
    assert list(info["outcome"]["status"]) == ["done", "done"]
    envs.close()


def test_record_video_writes_a_film_that_opens(tmp_path):
    env = make(**JOINT, control_hz=60, render_mode="rgb_array", camera="head", render_size=(160, 120))
    env = RecordVideo(env, str(tmp_path), disable_logger=True)
    env.reset(seed=0)
    for _ in range(4):
        env.step(np.zeros(11, dtype=np.float32))
    env.close()
    [film] = tmp_path.glob("*.mp4")
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(film))
    assert frames == 5
    assert seconds == pytest.approx(0.5, abs=0.1)
