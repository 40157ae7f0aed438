"""A vague goal becomes errands, revised after each, with thoughts and criticism in the journal."""

from doable.agent import Agent, Config, ScriptedModel
from doable.agent.errands import MOST, understood, vague
from doable.agent.journal import Journal
from doable.memory.embedding import HashEmbedder
from doable.memory.store import Memory
from doable.sim.facts import At
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.baselines import DeclaredValues

SCENE = load_scene()
GOAL = "get the kitchen ready for two guests"
SETUP = Setup((("coke", "far counter"), ("apple", "close counter"), ("sponge", "table")), "user")


class Host(ScriptedModel):
    """Writes errands by what it is told was done; does each by following its words."""

    def __init__(self, lists):
        super().__init__(self.follow)
        self.lists, self.told = lists, []

    def follow(self, prompt, continuation):
        goal = prompt.split("Goal: ")[1].split("\n")[0]
        thing, _, place = goal.removeprefix("put the ").partition(" on the ")
        if "\nFailed: " in prompt:
            return -0.1 if continuation.strip() == "say that it is not possible" else -9.0
        plan = [f"find the {thing}", f"pick up the {thing}", f"go to the {place}", f"put down the {thing}", "done"]
        return -0.1 if continuation.strip() == plan[min(prompt.count("\nDone."), 4)] else -9.0

    def generate(self, messages, *, max_new_tokens=64, stop="\n"):
        self.told.append(messages[-1][1])
        return self.lists[min(len(self.told), len(self.lists)) - 1]


FIRST = """Thoughts: drinks and fruit
1. put the coke on the table
2. dance
3. put the 7up on the table
Criticism: no plates"""
THEN = "Thoughts: an apple instead\n1. put the apple on the table\nCriticism: -"


def run(tmp_path, model, goal=GOAL, **config):
    world = SymbolicWorld()
    world.reset(SETUP, seed=0)
    settings = Config(runs=str(tmp_path / "runs"), max_steps=30, errands="same", **config)
    agent = Agent(world, model, Memory(tmp_path / "m", HashEmbedder()), DeclaredValues(), config=settings)
    return agent.run(goal), world


def test_a_vague_goal_is_done_errand_by_errand_and_the_list_is_revised(tmp_path):
    model = Host([FIRST, THEN, THEN])
    result, world = run(tmp_path, model)
    assert result.status == "reached"
    assert At("coke", "table").holds(world.facts())
    assert At("apple", "table").holds(world.facts()), "revised after the first errand"
    assert not At("7up", "table").holds(world.facts())
    assert list(dict.fromkeys(step.subgoal.text for step in result.steps)) == [
        "put the coke on the table", "put the apple on the table",
    ]  # fmt: skip
    assert "Done: put the coke on the table" in model.told[1]
    first = result.steps[0].errands
    assert (first.thoughts, first.criticism) == ("drinks and fruit", "no plates")
    assert first.errands == ("put the coke on the table", "put the 7up on the table"), "dancing is no errand here"
    journal = Journal.read(tmp_path / "runs" / result.run_id / "journal.jsonl")
    assert journal.steps[0].errands == first


def test_an_errand_that_can_not_be_done_is_told_and_the_rest_goes_on(tmp_path):
    model = Host(["1. put the 7up on the table\n2. put the coke on the table", "1. put the coke on the table"])
    result, world = run(tmp_path, model)
    assert At("coke", "table").holds(world.facts())
    assert result.status == "refused"
    assert "could not: put the 7up on the table" in result.reason
    assert "Could not: put the 7up on the table" in model.told[1]


def test_plain_goals_are_not_asked_about_and_nonsense_changes_nothing(tmp_path):
    model = Host(["I am a teapot."])
    assert run(tmp_path, model, "put the coke on the table")[0].status == "reached"
    assert model.told == []
    result, _ = run(tmp_path, model)
    assert {step.subgoal.text for step in result.steps} == {GOAL}


def test_answers_are_read_as_lists_of_plain_errands():
    many = "\n".join(f"{i}. put the {kind} on the table" for i, kind in enumerate(SCENE.types * 2))
    made = understood("thoughts: hm\n- put the coke on the table.\n* put the coke on the table\n7) sing", SCENE)
    assert made.errands == ("put the coke on the table",)
    assert made.thoughts == "hm"
    assert len(understood(many, SCENE).errands) == MOST
    assert vague(GOAL, SCENE)
    assert not vague("bring me the coke", SCENE)
