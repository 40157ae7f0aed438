"""The loop, whole, over the stand-ins that ship: scripted model, symbolic world, declared values, hash embedder."""

import sys
from collections import Counter
from dataclasses import replace

import pytest

from doable.agent import Agent, Config, ScriptedModel
from doable.agent.best_first import of_all
from doable.agent.journal import Journal
from doable.agent.loop import PHASES
from doable.agent.prompt_forms import Example
from doable.agent.recalling import examples, hints, with_habits
from doable.agent.scoring import State
from doable.memory.embedding import HashEmbedder
from doable.memory.record import Record
from doable.memory.store import Memory
from doable.sim.facts import At
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.baselines import DeclaredValues
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

SPONGE = ["find the sponge", "pick up the sponge", "bring it to you", "put down the sponge", "done"]
SETUP = Setup((("sponge", "far counter"), ("coke", "table")), "user")


def plans(phrases):
    """A model that follows a plan by the number of skills it reads in the prompt: resumable, subgoal by subgoal."""
    return ScriptedModel(by_plan(lambda prompt: phrases))


def by_plan(plan_of):
    def say(prompt, continuation):
        plan = plan_of(prompt)
        turn = prompt.count("\nRobot: ")
        return -0.1 if continuation.strip() == plan[min(turn, len(plan) - 1)] else -9.0

    return say


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "memory", HashEmbedder())


def agent(tmp_path, memory, model, world=None, setup=SETUP, watcher=None, **config):
    world = world or SymbolicWorld()
    world.reset(setup, seed=0)
    settings = Config(runs=str(tmp_path / "runs"), **config)
    return Agent(world, model, memory, DeclaredValues(), config=settings, watcher=watcher)


class Watching:
    def __init__(self):
        self.phases = []

    def loading(self, what):
        pass

    def phase(self, name, turn):
        self.phases.append(name)


def test_a_goal_is_reached_step_by_step(tmp_path, memory):
    watching = Watching()
    run = agent(tmp_path, memory, plans(SPONGE), watcher=watching)
    result = run.run("bring me the sponge")
    assert result.status == "reached"
    assert [s.decision.phrase for s in result.steps] == [*SPONGE[:-1], None]
    assert [s.index for s in result.steps] == [0, 1, 2, 3, 4]
    assert run.world.facts().count("sponge", "user") == 1
    assert result.seconds == 40
    assert tuple(watching.phases[: len(PHASES)]) == PHASES
    assert all(len(s.candidates) == len(run.library) for s in result.steps)


@pytest.mark.parametrize("searching", [False, True])
def test_best_first_runs_as_the_full_pass_does(tmp_path, memory, searching):
    model = plans(SPONGE)
    if searching:
        model.best_first = lambda prompt, texts, can, count=1, floor=0.0: first_alone(
            of_all(model.loglikelihood(prompt, texts), can)
        )
    full = agent(tmp_path, Memory(tmp_path / "other", HashEmbedder()), plans(SPONGE)).run("bring me the sponge")
    best = agent(tmp_path, memory, model, search="best-first").run("bring me the sponge")
    assert best.status == "reached"
    assert [s.decision.phrase for s in best.steps] == [s.decision.phrase for s in full.steps]
    for step, other in zip(best.steps, full.steps, strict=True):
        able = [c for c in other.candidates if c.score > float("-inf")]
        assert step.candidates == tuple(able[:1] if searching else able)


def first_alone(found):
    return replace(found, phrases=found.phrases[:1], log_say=found.log_say[:1])


def test_the_journal_is_the_run(tmp_path, memory):
    result = agent(tmp_path, memory, plans(SPONGE)).run("bring me the sponge")
    journal = Journal.read(tmp_path / "runs" / result.run_id / "journal.jsonl")
    assert journal.result() == result
    assert journal.header.goal == "bring me the sponge"


def test_same_seed_same_run(tmp_path, memory):
    def play(folder):
        world = SymbolicWorld(failure_rate=0.4)
        one = agent(tmp_path / folder, Memory(tmp_path / folder / "m", HashEmbedder()), plans(SPONGE), world)
        return [(s.decision, s.outcome, s.verdict, s.after) for s in one.run("bring me the sponge").steps]

    assert play("a") == play("b")


def test_subgoals_are_pursued_in_order(tmp_path, memory):
    def plan_of(prompt):
        return (
            ["go to the table", "done"] if "go to the table" in prompt.split("\n")[1] else ["find the sponge", "done"]
        )

    result = agent(tmp_path, memory, ScriptedModel(by_plan(plan_of))).run("go to the table, then find the sponge")
    assert result.status == "reached"
    assert [(s.subgoal.index, s.decision.phrase) for s in result.steps] == [
        (0, "go to the table"), (0, None), (1, "find the sponge"), (1, None),
    ]  # fmt: skip


def test_a_refusal_tells_what_was_looked_for(tmp_path, memory):
    plan = ["find the red bull", "say that it is not possible"]
    result = agent(tmp_path, memory, plans(plan)).run("bring me a red bull")
    assert result.status == "refused"
    assert "red bull" in result.reason
    assert "far counter" in result.reason
    assert "sponge" in result.reason


def test_a_skill_that_keeps_failing_is_left_alone(tmp_path, memory):
    world = SymbolicWorld(failure_rate=1.0)
    result = agent(tmp_path, memory, plans(["go to the table"]), world, max_steps=6).run("go to the table")
    phrases = [s.decision.phrase for s in result.steps]
    assert phrases[:3] == ["go to the table"] * 3
    assert phrases[3] != "go to the table"
    assert [s.verdict.then for s in result.steps[:3]] == ["retry", "retry", "replan"]
    assert "failed 3 times" in result.steps[3].decision.reason


def test_limits_stop_the_run(tmp_path, memory):
    turning = [f"go to the {place}" for place in ("table", "cabinet", "far counter", "trash can", "close counter")]
    result = agent(tmp_path, memory, plans(turning), max_steps=3).run("look about")
    assert (result.status, len(result.steps)) == ("stopped", 3)
    assert "3 steps" in result.reason
    result = agent(tmp_path, memory, plans(turning), max_seconds=20).run("look about")
    assert "20 simulated seconds" in result.reason


def test_taking_turns_is_left_alone(tmp_path, memory):
    def say(prompt, continuation):
        here = prompt.rsplit("Now: ", 1)[1]
        go = "go to the user" if "at the table" in here else "go to the table"
        return -0.1 if continuation.strip() == go else -9.0

    result = agent(tmp_path, memory, ScriptedModel(say)).run("tidy up")
    done = Counter((step.decision.phrase, State.of(step.observation)) for step in result.steps)
    assert max(done.values()) == 1, "what led back is not begun again"
    assert any("led back" in step.decision.reason for step in result.steps)


def test_what_happened_is_remembered_once(tmp_path, memory):
    agent(tmp_path, memory, plans(SPONGE)).run("bring me the sponge")
    texts = [r.text for r in memory.recall("sponge", k=50)]
    assert "picked up the sponge at the far counter" in texts
    assert "saw the sponge at the far counter" in texts
    assert "saw the sponge at the user" in texts
    assert len(texts) == len(set(texts))


def test_sightings_of_earlier_episodes_become_hints(tmp_path, memory):
    agent(tmp_path, memory, plans(["find the sponge", "done"])).run("find the sponge")
    result = agent(tmp_path, memory, plans(["done"])).run("find the sponge")
    hint = result.steps[0].observation.nearest("sponge")
    assert hint is not None
    assert (hint.place, hint.remembered, hint.visible, hint.confidence) == ("far counter", True, False, 0.5)
    assert hint.last_seen <= 0
    assert all(r.episode != result.run_id for s in result.steps for r in s.recalled)
    assert len(result.steps[0].recalled) <= 6


def test_only_the_newest_sighting_of_a_type_counts():
    def sighting(place, time):
        return Record(
            text=f"saw the sponge at the {place}", kind="sighting", time=time, place=place, objects=("sponge",),
            outcome=None, importance=0.4, episode="e",
        )  # fmt: skip

    scene = load_scene("kitchen")
    records = [sighting("table", 50.0), sighting("top drawer", 80.0), sighting("far counter", 20.0)]
    [hint] = hints(records, scene, started=100.0)
    assert (hint.place, hint.last_seen) == ("top drawer", -20.0)
    assert hint.position == (*scene.place("cabinet").centre, scene.drawer("top drawer").height)
    assert hints([sighting("garden", 1.0)], scene, started=100.0) == ()


def test_a_search_goes_on_where_things_were_often_seen(memory):
    seen = [("table", 1.0), ("table", 2.0), ("far counter", 3.0), ("user", 4.0)]
    memory.remember([
        Record(f"saw the sponge at the {place}", "sighting", time, place, ("sponge",), None, 0.4, f"e{time}")
        for place, time in seen
    ])  # fmt: skip
    world = SymbolicWorld("kitchen")
    world.reset(Setup((("sponge", "far counter"),), "user"))
    known = with_habits(memory, "sponge", world.observe(), world.scene, "now")
    assert [o.place for o in known.objects if o.remembered] == ["table", "far counter"], "the user's place is in view"
    assert all(o.confidence < 0.5 for o in known.objects)
    execute(SkillLibrary.of(world.scene)["find the sponge"], world, known)
    assert world.facts().visited == ("user", "table", "far counter")


def test_the_agent_never_asks_for_the_truth(tmp_path, memory, monkeypatch):
    askers, truth = set(), SymbolicWorld.facts

    def facts(self):
        askers.add(sys._getframe(1).f_globals["__name__"])
        return truth(self)

    monkeypatch.setattr(SymbolicWorld, "facts", facts)
    agent(tmp_path, memory, plans(SPONGE)).run("bring me the sponge")
    # The symbolic world asks itself, on behalf of its skills.
    assert askers <= {"doable.sim.symbolic", "doable.skills.execute"}


def test_an_empty_goal_is_refused_at_once(tmp_path, memory):
    with pytest.raises(ValueError, match="goal in words"):
        agent(tmp_path, memory, plans(["done"])).run("  ")


def test_a_folder_of_a_run_stays_small(tmp_path, memory):
    turning = [f"go to the {p}" for _ in range(6) for p in ("table", "cabinet", "far counter", "trash can")]
    result = agent(tmp_path, memory, plans(turning), max_steps=12).run("look about")
    folder = tmp_path / "runs" / result.run_id
    assert len(list((folder / "snapshots").iterdir())) <= 12 + 8, "the beginnings of turns, and the newest of others"
    assert (folder / "checkpoints.sqlite").stat().st_size < 1_000_000


def test_what_can_not_be_done_does_not_keep_from_the_rest(tmp_path, memory):
    plan = {"bring me the sponge": SPONGE, "go to the table": ["say that it is not possible"]}
    model = ScriptedModel(by_plan(lambda prompt: plan[prompt.split("\n")[1].removeprefix("Goal: ")]))
    mine = agent(tmp_path, memory, model, guards=False)
    result = mine.run("go to the table, then bring me the sponge")
    assert result.status == "refused"
    assert result.reason.startswith("could not: go to the table.")
    assert At("sponge", "user").holds(mine.world.facts())


def test_goals_that_were_reached_become_examples(tmp_path, memory):
    """Subgoal by subgoal, with the skills that worked; a run that was given up leaves none."""
    plan = {"bring me the sponge": SPONGE, "go to the table": ["go to the cabinet", "go to the table", "done"]}
    model = ScriptedModel(by_plan(lambda prompt: plan[prompt.split("\n")[1].removeprefix("Goal: ")]))
    result = agent(tmp_path, memory, model, guards=False).run("bring me the sponge, then go to the table")
    agent(tmp_path, memory, plans(["say that it is not possible"])).run("paint the wall")
    found = examples(memory, episode="another")
    assert found == (
        Example("bring me the sponge", tuple(SPONGE)),
        Example("go to the table", ("go to the cabinet", "go to the table", "done")),
    )
    assert examples(memory, episode=result.run_id) == ()
    heard = []

    def say(prompt, continuation):
        heard.append(prompt)
        return -0.1 if continuation == " done." else -9.0

    agent(tmp_path, memory, ScriptedModel(say), prompt="dialogue", examples=2).run("please bring me the sponge")
    assert "Human: bring me the sponge\nRobot: 1. find the sponge, 2. pick up the sponge," in heard[0]


def test_a_thought_is_told_with_the_decision(tmp_path, memory):
    class Thinking(ScriptedModel):
        def generate(self, messages, **how):
            return " sponges clean"

    heard = []
    model = Thinking(lambda prompt, c: (heard.append(prompt), -0.1 if c == " done\n" else -9.0)[1])
    result = agent(tmp_path, memory, model, thought_tokens=20).run("clean up")
    assert heard[0].endswith("Thought: sponges clean\nRobot:")
    assert result.steps[0].decision.reason.endswith("thought: sponges clean")
