"""What a goal and a day may cost is held before it is spent, by all processes together."""

import numpy as np
import pytest

from doable.agent import Agent, Config, ScriptedModel
from doable.agent.accounts import OverBudget
from doable.agent.spending import Ledger, Metered, Purse, Spent
from doable.agent.types import Left
from doable.memory.embedding import HashEmbedder
from doable.memory.store import Memory
from doable.sim.symbolic import SymbolicWorld
from doable.skills.baselines import DeclaredValues

DAY = 86400.0


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "memory", HashEmbedder())


def run(folder, memory, model=None, **limits):
    world = SymbolicWorld()
    world.reset(seed=0)
    words = "scripted:find the sponge;pick up the sponge;bring it to you;put down the sponge;done"
    config = Config(model=words, runs=str(folder / "runs"), **limits)
    return Agent(world, model, memory, DeclaredValues(), config=config).run("bring me the sponge")


def purse(folder, run="a", now=0.0, **limits):
    return Purse(Config(**limits), folder, run, lambda: now)


class Counting:
    """A model that counts what it is asked."""

    name, says_skills = "counting", False

    def __init__(self):
        self.asked = 0

    def count_tokens(self, text):
        return len(text.split())

    def loglikelihood(self, prompt, continuations):
        self.asked += 1
        return np.zeros(len(continuations))

    def generate(self, messages, *, max_new_tokens=64, stop="\n"):
        self.asked += 1
        return "one two three"


def test_words_beyond_the_limit_are_never_sent(tmp_path):
    model = Counting()
    metered = Metered(model, purse(tmp_path, max_tokens=10))
    metered.loglikelihood("a b c", ["d", "e f"])
    with pytest.raises(OverBudget, match="10 tokens a goal would be exceeded: 12"):
        metered.loglikelihood("a b c", ["d", "e f"])
    assert model.asked == 1
    metered.loglikelihood("a b", ["d"])
    assert model.asked == 2


def test_of_an_answer_all_that_it_may_be_long_is_held_and_what_it_was_is_paid(tmp_path):
    mine = purse(tmp_path, max_cost=1.0, price_in=1000.0, price_out=100_000.0)
    metered = Metered(Counting(), mine)
    assert metered.generate("a b", max_new_tokens=9) == "one two three"
    assert mine.left(0, 0.0).cost == pytest.approx(1.0 - 0.002 - 0.3)
    with pytest.raises(OverBudget, match="money a goal"):
        metered.generate("a b", max_new_tokens=9)


def test_a_day_is_shared_by_its_runs_and_over_at_midnight(tmp_path):
    purse(tmp_path, "a", day_tokens=10).after_words(6)
    with pytest.raises(OverBudget, match="tokens a day"):
        purse(tmp_path, "b", day_tokens=10).before_words(5)
    purse(tmp_path, "b", day_tokens=10).before_words(4)
    purse(tmp_path, "b", now=DAY, day_tokens=10).before_words(5)
    assert Ledger(tmp_path).of_run("a") == Spent(tokens=6)


def test_what_is_left_is_the_least_of_goal_and_day(tmp_path):
    mine = purse(tmp_path, max_steps=20, day_steps=5, max_seconds=100.0, max_tokens=1000)
    mine.after_turn(seconds=30.0)
    assert mine.left(turns=1, seconds=30.0) == Left(4, 70.0, 1000, None)
    assert mine.left(1, 30.0).sentence() == "4 turns, 70 simulated seconds, 1,000 tokens"
    assert purse(tmp_path, "plain").left(19, 0.0).sentence() == "1 turn"


def test_a_run_without_limits_counts_for_the_day_as_well(tmp_path):
    purse(tmp_path, "free").after_turn(1.0)
    with pytest.raises(OverBudget, match="1 turns a day"):
        purse(tmp_path, "b", day_steps=1).before_turn()


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"max_tokens": 3000}, "3000 tokens a goal"),
        ({"max_cost": 0.003, "price_in": 1.0}, "0.003 money a goal"),
        ({"day_steps": 2}, "2 turns a day"),
        ({"day_seconds": 15.0}, "15 simulated seconds a day"),
    ],
)
def test_a_run_stops_before_the_limit_and_says_which(tmp_path, memory, limit, words):
    result = run(tmp_path, memory, **limit)
    assert result.status == "stopped"
    assert words in result.reason
    assert result.steps[-1].outcome is None, "nothing is done on the turn that can't be paid"
    assert result.steps[-1].left is not None
    spent = Ledger(tmp_path / "runs").of_today()
    assert spent.tokens <= 3000 or "max_tokens" not in limit
    assert spent.cost <= 0.003 or "max_cost" not in limit
    again = run(tmp_path, memory, **limit)
    assert (len(again.steps) == 1) == any(name.startswith("day") for name in limit)


def test_what_is_left_is_told_to_the_model_only_if_that_is_set(tmp_path, memory):
    read = []
    model = ScriptedModel(lambda prompt, words: read.append(prompt) or -1.0)
    run(tmp_path, memory, model, max_steps=1)
    assert not any("1 turn more" in prompt for prompt in read)
    run(tmp_path, memory, model, max_steps=1, prompt_left=True)
    assert "there may be 1 turn more" in read[-1]


def test_a_plan_is_paid_for_by_the_day(tmp_path, memory):
    world = SymbolicWorld()
    world.reset(seed=0)
    words = "scripted:find the sponge;pick up the sponge;bring it to you;put down the sponge;done"
    config = Config(model=words, runs=str(tmp_path / "runs"), day_tokens=3000)
    agent = Agent(world, None, memory, DeclaredValues(), config=config)
    planned = agent.plan("bring me the sponge")
    assert planned.status == "stopped"
    assert "3000 tokens a day" in planned.reason
    assert 0 < Ledger(tmp_path / "runs").of_today().tokens <= 3000
