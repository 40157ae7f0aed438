"""What is left of a goal of several errands when the last one is over."""

import pytest

from doable.agent import Agent, Config, ScriptedModel
from doable.memory.embedding import HashEmbedder
from doable.memory.store import Memory
from doable.sim.disturbances import Moves, SkillFailure
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.baselines import DeclaredValues

GOAL = "put the coke on the cabinet, then bring me the sponge"
SETUP = Setup((("coke", "table"), ("sponge", "far counter"), ("apple", "table")), "user")
SENSE = [
    "done", "put down the coke", "put down the sponge", "put down the apple", "bring it to you", "pick up the coke",
    "pick up the sponge", "pick up the apple", "find the coke", "find the sponge", "find the apple",
    "go to the cabinet", "go to the table", "go to the far counter", "say that it is not possible",
]  # fmt: skip
"""What helps, best first, where guards leave out what does not."""


def says(prompt, continuation):
    """A model that prefers the first of these, whatever the prompt."""
    phrase = continuation.strip()
    return -0.1 - SENSE.index(phrase) if phrase in SENSE else -19.0


def pursue(tmp_path, goal, *disturbances, setup=SETUP, seed=0, **config):
    world = SymbolicWorld()
    world.reset(Setup(setup.objects, setup.robot_at, disturbances=disturbances), seed=seed)
    settings = Config(runs=str(tmp_path / "runs"), max_steps=40, **config)
    memory = Memory(tmp_path / "memory", HashEmbedder())
    agent = Agent(world, ScriptedModel(says), memory, DeclaredValues(), config=settings)
    return world, agent.run(goal)


def texts(result):
    return list(dict.fromkeys((step.subgoal.index, step.subgoal.text) for step in result.steps))


def test_without_a_surprise_nothing_is_done_twice(tmp_path):
    world, result = pursue(tmp_path, GOAL)
    assert result.status == "reached"
    assert len(texts(result)) == 2
    assert world.facts().count("coke", "cabinet") == 1


def test_what_somebody_took_away_is_brought_again(tmp_path):
    """The apple moves where the robot can see it; so the coke, which moved unseen, is looked at again."""
    moves = (
        Moves("apple", to="far counter", after="pick up", unseen=False),
        Moves("coke", to="table", after="bring"),
    )
    world, result = pursue(tmp_path, GOAL, *moves)
    assert result.status == "reached", result.reason
    assert [text for _, text in texts(result)][2:4] == ["go to the cabinet", "put the coke on the cabinet"]
    assert world.facts().count("coke", "cabinet") == 1


def test_what_was_given_up_is_tried_once_more_after_the_rest(tmp_path):
    world, result = pursue(tmp_path, GOAL, SkillFailure(1.0, "pick up", times=3))
    assert result.status == "reached", result.reason
    assert [text for _, text in texts(result)][2:] == ["put the coke on the cabinet"]
    assert world.facts().count("coke", "cabinet") == 1


def test_a_goal_that_ends_at_a_place_ends_there(tmp_path):
    goal = "put the coke on the cabinet, then bring me the sponge, then go to the table"
    world, result = pursue(tmp_path, goal, SkillFailure(1.0, "pick up", times=3))
    assert result.status == "reached", result.reason
    assert [text for _, text in texts(result)][3:] == ["put the coke on the cabinet", "go to the table"]
    assert world.facts().robot_at == "table"


def test_what_is_not_here_is_not_tried_again(tmp_path):
    _, result = pursue(tmp_path, "bring me the banana, then bring me the sponge")
    assert result.status == "refused"
    assert len(texts(result)) == 2
    assert result.reason.startswith("could not: bring me the banana.")


@pytest.mark.parametrize("config", [{"guards": False}, {"checks": "after"}])
def test_who_does_not_check_looks_at_nothing_again(tmp_path, config):
    _, result = pursue(tmp_path, GOAL, Moves("apple", to="far counter", after="find", unseen=False), **config)
    assert {text for _, text in texts(result)} <= {GOAL, "put the coke on the cabinet", "bring me the sponge"}


def test_of_two_of_a_kind_the_second_is_another_one(tmp_path):
    setup = Setup((("coke", "table"), ("coke", "far counter")), "user")
    world, result = pursue(tmp_path, "one coke for me and one on the cabinet", setup=setup)
    assert result.status == "reached", result.reason
    assert world.facts().count("coke", "user") == world.facts().count("coke", "cabinet") == 1
