"""The value of `done`: what goals name, and that it grows as they are reached."""

import pytest

from doable.agent import done_value
from doable.agent.done_training import fit_done, rows
from doable.agent.done_value import DoneValue, GoalValues, read
from doable.agent.prompts import Turn
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary
from doable.skills.value import WEIGHTS, BadWeights, ValueFunction

SCENE = load_scene()
LIBRARY = SkillLibrary.of(SCENE)
DONE = LIBRARY.index(LIBRARY["done"])


def play(*phrases, setup=None):
    """What is seen, and the turns, after these skills."""
    world = SymbolicWorld(SCENE)
    now = world.reset(setup or Setup((("sponge", "far counter"), ("coke", "table"), ("apple", "table")), "user"))
    turns = []
    for phrase in phrases:
        assert execute(LIBRARY[phrase], world).status == "done"
        turns.append(Turn(now, phrase, "Done."))
        now = world.observe()
    return now, turns


@pytest.fixture(scope="module")
def value():
    return DoneValue.load(SCENE)


def test_words_are_read():
    words = read("Put the seven up and two fruits from the table into the trash!", SCENE)
    assert words.things[0] == {"7up"}
    assert words.things[1] == {"apple", "orange", "banana"}
    assert (words.source, words.to, words.count) == ("table", "trash can", 2)
    assert read("bring me something salty", SCENE).to == "user"
    assert read("open the upper drawer", SCENE).drawers == ("top drawer",)
    assert read("is it warm?", SCENE).things == ()


def test_it_grows_as_the_goal_is_reached(value):
    goal = "bring me the sponge"
    steps = ("find the sponge", "pick up the sponge", "bring it to you", "put down the sponge")
    worth = [value(goal, *play(*steps[:n])) for n in range(5)]
    assert max(worth[:4]) < 0.2
    assert worth[4] > 0.7


def test_another_thing_will_not_do(value):
    brought = play("find the coke", "pick up the coke", "bring it to you", "put down the coke")
    assert value("bring me the coke", *brought) > 0.7
    assert value("bring me the sponge", *brought) < 0.3
    assert value("bring me a piece of fruit", *brought) < 0.3
    assert value("put the coke on the far counter", *brought) < value("bring me the coke", *brought) - 0.3


@pytest.mark.parametrize(
    ("goal", "phrase"), [("open the top drawer", "open the top drawer"), ("go to the table", "go to the table")]
)
def test_short_goals(value, goal, phrase):
    assert value(goal, *play()) < 0.3
    assert value(goal, *play(phrase)) > 0.6


def test_it_stands_in_for_the_declared_value_of_done(value):
    values = GoalValues(ValueFunction.load(), value)
    now, turns = play()
    towards = values.towards("bring me the sponge", now, turns, LIBRARY)
    assert towards[DONE] == value("bring me the sponge", now, turns) < values(now, LIBRARY)[DONE]
    others = [i for i in range(len(LIBRARY)) if i != DONE]
    assert (towards[others] == values(now, LIBRARY)[others]).all()


def test_training_is_by_seed_and_its_frames_are_divided(tmp_path):
    figures, spans = fit_done(tmp_path / "done.safetensors", episodes=120, command="a test")
    assert figures.auroc > 0.7
    assert spans["auroc"][0] <= figures.auroc <= spans["auroc"][1]
    assert "a test" in (tmp_path / "done.md").read_text()
    assert (rows(SCENE, "dev", 3, 4).x == rows(SCENE, "dev", 3, 4).x).all()
    with pytest.raises(BadWeights, match="'done-2'"):
        DoneValue.load(SCENE, WEIGHTS)
    assert done_value.WEIGHTS.stat().st_size < 1_000_000
