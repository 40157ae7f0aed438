"""Checks before and after, plans followed blindly, drawers left open, worlds as they are believed to be."""

import json
from dataclasses import replace

import pytest

from doable.agent import Agent, Config, ScriptedModel
from doable.agent.bench_faults import SETTINGS, USUAL, run_faults_benchmark
from doable.agent.checking import unmet
from doable.agent.knowing_model import KnowingModel
from doable.memory.embedding import HashEmbedder
from doable.memory.store import Memory
from doable.sim.believed import BelievedWorld
from doable.sim.disturbances import parse_disturbances
from doable.sim.facts import At
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.baselines import DeclaredValues
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

SCENE = load_scene()
LIBRARY = SkillLibrary.of(SCENE)
SPONGE = ["find the sponge", "pick up the sponge", "bring it to you", "put down the sponge", "done"]
SETUP = Setup((("sponge", "far counter"), ("coke", "table")), "user")
FAILING = parse_disturbances([{"kind": "skill_failure", "probability": 1.0, "skill": "pick up", "times": 1}], SCENE)


def plans(phrases):
    def say(prompt, continuation):
        done = prompt.count("\nDone.")
        return -0.1 if continuation.strip() == phrases[min(done, len(phrases) - 1)] else -9.0

    return ScriptedModel(say)


def pursue(tmp_path, phrases, goal, setup=SETUP, **config):
    world = SymbolicWorld()
    world.reset(setup, seed=0)
    memory = Memory(tmp_path / "memory", HashEmbedder())
    agent = Agent(
        world,
        plans(phrases),
        memory,
        DeclaredValues(),
        config=Config(runs=str(tmp_path / "runs"), max_steps=12, **config),
    )
    return agent.run(goal), world


def done_of(result):
    return [step.decision.phrase for step in result.steps if step.decision.phrase]


@pytest.mark.parametrize("arm", USUAL)
def test_a_failed_skill_ruins_only_what_nobody_looks_at(tmp_path, arm):
    setup, success = replace(SETUP, disturbances=FAILING), arm != "none"
    result, world = pursue(tmp_path, SPONGE, "bring me the sponge", setup, **SETTINGS[arm])
    assert At("sponge", "user").holds(world.facts()) == success
    assert result.status == "reached", "the blind one believes it, too"
    assert done_of(result).count("pick up the sponge") == (2 if success else 1)


def test_a_model_that_is_sure_of_itself_notices_nothing(tmp_path):
    """What it says of its own work is no check: here it finds all well."""
    setup = replace(SETUP, disturbances=FAILING)
    result, world = pursue(tmp_path, SPONGE, "bring me the sponge", setup, checks="critique")
    assert result.status == "reached"
    assert not At("sponge", "user").holds(world.facts())
    assert "the model said yes" in result.steps[0].verdict.explanation


def test_a_plan_is_given_up_after_three_failures(tmp_path):
    setup = replace(SETUP, disturbances=(replace(FAILING[0], times=None),))
    result, _ = pursue(tmp_path, SPONGE, "bring me the sponge", setup, checks="after")
    assert result.status == "stopped"
    assert done_of(result).count("pick up the sponge") == 3


def test_what_is_not_seen_to_be_possible_is_not_tried():
    world = SymbolicWorld()
    now = world.reset(SETUP, seed=0)
    assert unmet(LIBRARY["pick up the sponge"], now).startswith("not tried: it is not seen that")
    assert unmet(LIBRARY["find the sponge"], now) == ""


def test_a_drawer_opened_on_the_way_is_closed(tmp_path):
    setup = Setup((("coke", "top drawer"),), "cabinet")
    phrases = ["open the top drawer", "pick up the coke", "bring it to you", "put down the coke", "done"]
    result, world = pursue(tmp_path, phrases, "bring me the coke", setup)
    assert done_of(result)[-1] == "close the top drawer"
    assert result.steps[-2].decision.reason == "the top drawer was opened on the way"
    assert "top drawer" in world.facts().closed_drawers
    assert result.status == "reached"


def test_a_drawer_that_was_to_be_open_stays(tmp_path):
    result, world = pursue(tmp_path, ["open the top drawer", "done"], "open the top drawer", SETUP)
    assert result.status == "reached"
    assert "top drawer" in world.facts().open_drawers


def test_a_believed_world_knows_what_was_seen():
    world = SymbolicWorld()
    world.reset(SETUP, seed=0)
    execute(LIBRARY["go to the table"], world)
    seen = world.observe()
    believed = BelievedWorld(SCENE, seen)
    assert believed.observe().believed() == seen.believed()
    assert believed.facts().objects == seen.believed().objects
    execute(LIBRARY["find the sponge"], believed)
    assert believed.observe().robot.place not in seen.looked_at, "assumed where nobody has looked"
    assert world.observe() == seen


def test_what_is_known_nowhere_turns_up_however_much_was_looked_for_in_thought():
    world = SymbolicWorld()
    world.reset(SETUP, seed=0)
    believed = BelievedWorld(SCENE, world.observe(), not_at={"user", "table", "close counter"})
    for kind in ("banana", "apple", "orange"):
        assert execute(LIBRARY[f"find the {kind}"], believed).status == "done"


def test_what_was_looked_for_everywhere_is_not_believed_in():
    world = SymbolicWorld()
    world.reset(SETUP, seed=0)
    for place in SCENE.surfaces():
        execute(LIBRARY[f"go to the {place.name}"], world)
    believed = BelievedWorld(SCENE, world.observe())
    assert execute(LIBRARY["find the banana"], believed).status == "failed"


def test_a_model_is_asked_once_about_a_prompt():
    calls = []
    model = KnowingModel(ScriptedModel(lambda prompt, text: calls.append(text) or -1.0))
    first = model.loglikelihood("a", ["b", "c"])
    assert (model.loglikelihood("a", ["b", "c"]) == first).all()
    assert calls == ["b", "c"]
    assert model.name == "scripted"


def test_the_benchmark_goes_on_and_tells(tmp_path):
    config = Config(world="symbolic", model="scripted:go to the table;done", values="declared", embedder="hash")
    kinds = {"horizons": (1,), "faults": ("p=0", "p=0.3")}
    table = run_faults_benchmark(config, tmp_path, n=2, **kinds)
    rows = (tmp_path / "rows.jsonl").read_text()
    assert len(rows.splitlines()) == 2 * 4 * 2
    assert "| p=0.3 | 1 | 2 |" in table
    figures = json.loads((tmp_path / "summary.json").read_text())
    assert figures["episodes"] == 4
    assert figures["loops"] == 0
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert run_faults_benchmark(config, tmp_path, n=2, **kinds) == table
    assert (tmp_path / "rows.jsonl").read_text() == rows
    with pytest.raises(ValueError, match=r"p=0\.3"):
        run_faults_benchmark(config, tmp_path, n=1, faults=("p=0.33",))
