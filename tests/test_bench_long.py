"""A goal of many errands: all of it in the journal, little of it in memory, prompts that don't grow."""

import json

from doable.agent import Agent, Config, ScriptedModel, kept_steps
from doable.agent.bench_long import errands, run_long_benchmark
from doable.agent.runs import RunFolder
from doable.memory.embedding import HashEmbedder
from doable.memory.store import Memory
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.skills.baselines import DeclaredValues

COUNT = 60


def test_a_long_goal_is_pursued_with_little_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_steps, "IN_MEMORY", 8)
    prompts = []

    def say(prompt, continuation):
        prompts.append(len(prompt))
        goal = prompt.split("Goal: ")[1].split("\n")[0]
        return -0.1 if continuation.strip() == goal else -9.0

    world = SymbolicWorld()
    world.reset(seed=0)
    config = Config(runs=str(tmp_path / "runs"), max_steps=1000)
    agent = Agent(world, ScriptedModel(say), Memory(tmp_path / "m", HashEmbedder()), DeclaredValues(), config=config)
    goal = ", then ".join(f"go to the {('table', 'cabinet', 'far counter')[i % 3]}" for i in range(COUNT))
    sizes = []
    for step in agent.stream(goal):
        if step.decision.kind == "finish":
            sizes.append((RunFolder(tmp_path / "runs" / agent.run_id).folder / "checkpoints.sqlite").stat().st_size)
    result = agent.result
    assert result.status == "reached"
    assert len(result.steps) == 2 * COUNT
    assert len(result.steps.newest) == 8
    assert [step.subgoal.index for step in result.steps] == [i // 2 for i in range(2 * COUNT)]
    assert max(sizes[COUNT // 2 :]) <= 1.3 * max(sizes[: COUNT // 2])
    half = len(prompts) // 2
    assert max(prompts[half:]) <= max(prompts[:half])
    assert max(len(step.goal) for step in result.steps) < 1100 < len(goal)


def test_a_run_of_many_subgoals_goes_on_where_it_was_cut_short(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_steps, "IN_MEMORY", 4)

    def agent():
        world = SymbolicWorld()
        world.reset(seed=0)
        model = ScriptedModel(lambda prompt, text: -0.1 if text.strip() in prompt.split("\n")[1] else -9.0)
        config = Config(runs=str(tmp_path / "runs"), max_steps=99)
        return Agent(world, model, Memory(tmp_path / "m", HashEmbedder()), DeclaredValues(), config=config)

    goal = ", then ".join(f"go to the {('table', 'cabinet')[i % 2]}" for i in range(10))
    cut = agent()
    steps = cut.stream(goal)
    for _ in range(13):
        next(steps)
    steps.close()
    cut.memory.close()
    result = agent().resume(cut.run_id)
    assert result.status == "reached"
    assert [step.index for step in result.steps] == list(range(20))


def test_errands_move_things_from_where_they_are():
    goal, setup = errands(load_scene(), 30, seed=0)
    where = dict(setup.objects)
    for told in goal.split(", then "):
        thing, to = told.removeprefix("put the ").split(" on the ")
        assert where[thing] != to
        where[thing] = to


def test_the_benchmark_writes_its_figures(tmp_path):
    table = run_long_benchmark(Config(values="declared", embedder="hash"), tmp_path, subgoals=3, stand_in=True)
    assert (tmp_path / "table.md").read_text() == table
    figures = json.loads((tmp_path / "summary.json").read_text())
    assert (figures["reached"], figures["subgoals"]) == (1.0, 3)
    assert 0 < figures["longest_prompt"] < 500
