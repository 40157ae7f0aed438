"""Looking ahead in the believed world; and no run goes round in circles, whatever model and world do."""

import hashlib
import math
from collections import Counter

import numpy as np
import pytest

from doable.agent import Agent, Config, ScriptedModel
from doable.agent.looking_ahead import far, promising
from doable.agent.scoring import PATIENCE, State, failed
from doable.agent.types import Candidate
from doable.agent.understanding import read
from doable.memory.embedding import HashEmbedder
from doable.memory.store import Memory
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.baselines import DeclaredValues
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

SCENE = load_scene()
LIBRARY = SkillLibrary.of(SCENE)
SKILLS = {skill.phrase: skill for skill in LIBRARY}
SETUP = Setup((("coke", "far counter"), ("apple", "table")), "table")


def at_the_table(setup=SETUP):
    world = SymbolicWorld()
    world.reset(setup, seed=0)
    return world


def distance(phrase, goal, world):
    meaning = read(goal, SCENE)
    assert meaning
    return far(SKILLS[phrase], meaning, world.observe(), (), SCENE, SKILLS)


def test_what_leads_to_the_goal_is_told_from_what_does_not():
    world = at_the_table()
    assert distance("pick up the apple", "put the apple on the close counter", world) == 3
    assert distance("find the apple", "put the apple on the close counter", world) == 4
    assert distance("pick up the coke", "bring me the coke", world) == math.inf, "it is not here"
    execute(LIBRARY["go to the far counter"], world)
    assert distance("pick up the coke", "bring me the coke", world) == 3
    assert world.observe().robot.holding is None, "nothing moved"


def test_the_soonest_of_the_best_is_taken_and_of_equal_ones_the_best():
    def candidates(*phrases):
        return [Candidate(phrase, -float(i), 0.4, -float(i)) for i, phrase in enumerate(phrases)]

    def choose(*phrases, count=3):
        meaning = read("put the apple on the close counter", SCENE)
        seen = at_the_table().observe()
        return promising(
            candidates(*phrases), count, meaning=meaning, observation=seen, steps=(), scene=SCENE, skills=SKILLS
        )

    assert choose("find the apple", "pick up the apple") == ("pick up the apple", 3)
    assert choose("find the apple", "pick up the apple", count=1) == ("find the apple", 4)
    assert choose("find the coke", "pick up the coke")[0] == "find the coke"


class Unsure(DeclaredValues):
    """Believes in everything a little."""

    def __call__(self, observation, skills):
        return np.minimum(super().__call__(observation, skills), 0.4)


@pytest.mark.parametrize(("ahead", "first"), [(0, "find the apple"), (3, "pick up the apple")])
def test_a_run_looks_ahead_where_its_values_are_unsure(tmp_path, ahead, first):
    says = {"find the apple": -0.1, "pick up the apple": -0.2}
    model = ScriptedModel(lambda prompt, text: says.get(text.strip(), -9.0))
    memory = Memory(tmp_path / "m", HashEmbedder())
    config = Config(runs=str(tmp_path / "runs"), max_steps=1, look_ahead=ahead)
    agent = Agent(at_the_table(), model, memory, Unsure(), config=config)
    step = next(agent.stream("put the apple on the close counter"))
    assert step.decision.phrase == first
    assert ("looked ahead" in step.decision.reason) == (ahead > 0)


GOALS = ("bring me the coke", "tidy up", "put the apple on the far counter, then open the top drawer", "dance")


@pytest.mark.parametrize("number", range(12))
def test_whatever_model_and_world_do_no_run_goes_round_in_circles(tmp_path, number):
    """A model that says anything, skills that fail half of the time or always."""

    def anything(prompt, text):
        return -1.0 - hashlib.sha256(f"{number}{prompt[-200:]}{text}".encode()).digest()[0] / 64

    def stubborn(prompt, text):
        return -1.0 - hashlib.sha256(f"{number}{text}".encode()).digest()[0] / 64

    world = SymbolicWorld(failure_rate=(0.5, 1.0)[number % 2])
    world.reset(SETUP, seed=number)
    memory = Memory(tmp_path / "m", HashEmbedder())
    config = Config(runs=str(tmp_path / "runs"), max_steps=30, guards=number % 3 > 0)
    agent = Agent(world, ScriptedModel((anything, stubborn)[number // 6]), memory, DeclaredValues(), config=config)
    result = agent.run(GOALS[number % len(GOALS)])
    assert result.status in ("reached", "refused", "stopped")
    acted = [step for step in result.steps if step.decision.phrase]
    same = Counter((s.subgoal, s.decision.phrase, failed(s), State.of(s.observation)) for s in acted)
    assert max(same.values(), default=0) <= PATIENCE
