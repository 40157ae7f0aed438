"""The whole agent with nothing scripted: real model, real physics, real memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from doable.agent import Agent
from doable.agent.config import Config
from doable.agent.models import load_model
from doable.memory import Memory, MiniLM
from doable.sim.facts import At
from doable.sim.physics_world import PhysicsWorld
from doable.sim.task import Setup, read_tasks
from doable.skills.library import SkillLibrary
from doable.skills.value import ValueFunction

AGENT = Path(__file__).parent.parent / "agent"


@pytest.fixture(scope="module")
def world():
    made = PhysicsWorld()
    yield made
    made.close()


@pytest.fixture(scope="module")
def agent_in(world):
    model, values = load_model(), ValueFunction.load()

    def make(folder: Path, setup: Setup, seed: int = 0) -> Agent:
        world.reset(setup, seed=seed)
        config = Config(runs=str(folder / "runs"), seed=seed)
        return Agent(world, model, Memory(folder / "memory", MiniLM()), values, config=config)

    return make


def test_the_demo_goal_is_reached(world, agent_in, tmp_path):
    task = next(task for task in read_tasks(AGENT / "tasks.jsonl") if task.id == "demo")
    result = agent_in(tmp_path, task.setup).run(task.instruction)
    assert result.status == "reached"
    assert task.goal.holds(world.facts())
    journal = next((tmp_path / "runs").glob("*/journal.jsonl")).read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line)["step"] for line in journal if "step" in json.loads(line)]
    assert len(steps) == len(result.steps)
    assert all(len(step["candidates"]) == len(SkillLibrary.of(world.scene)) for step in steps)


def test_what_one_run_saw_the_next_goes_to_first(world, agent_in, tmp_path):
    setup = Setup((("sponge", "close counter"), ("coke", "table")), "user")
    agent_in(tmp_path, setup).run("go to the close counter")
    second = agent_in(tmp_path, setup).run("find the sponge")
    assert any(record.kind == "sighting" and "sponge" in record.objects for record in second.steps[0].recalled)
    assert world.facts().visited == ("user", "close counter")
    fresh = agent_in(tmp_path / "no memory", setup).run("find the sponge")
    assert fresh.status == "reached"
    assert world.facts().visited != ("user", "close counter"), "without memory it looks elsewhere first"


def test_what_is_not_there_is_refused_with_what_was_seen(world, agent_in, tmp_path):
    result = agent_in(tmp_path, Setup((("coke", "table"),), "user")).run("bring me the moon")
    assert result.status == "refused"
    assert "Looked" in result.reason
    assert not At("coke", "user").holds(world.facts())


def test_same_seed_same_run(agent_in, tmp_path):
    setup = Setup((("coke", "table"), ("apple", "far counter")), "user")
    first, second = (agent_in(tmp_path / name, setup, seed=5).run("pick up the apple") for name in ("a", "b"))
    assert [s.after for s in first.steps] == [s.after for s in second.steps], "to the bit"
    for a, b in zip(first.steps, second.steps, strict=True):
        assert a.decision.phrase == b.decision.phrase
        # The second run's prompt is partly in the model's cache, so sums are formed in another order.
        said = {c.phrase: c.log_say for c in b.candidates}
        assert max(abs(c.log_say - said[c.phrase]) for c in a.candidates) < 1e-3


def test_no_socket_leaves_the_machine(tmp_path):
    """A whole run from the command line, with every connection but those to this machine forbidden."""
    code = """
        import socket, sys
        connect = socket.socket.connect
        def guarded(self, address):
            if self.family != socket.AF_UNIX and not str(address[0]).startswith(("127.", "::1", "localhost")):
                raise SystemExit(f"a connection to {address}")
            return connect(self, address)
        socket.socket.connect = guarded
        socket.getaddrinfo = lambda host, *more, **kw: sys.exit(f"a look-up of {host}")
        from doable.agent.cli import app
        app(["run", "go to the table", "--world", "symbolic", "--memory", sys.argv[1], "--runs", sys.argv[2]])
    """
    import textwrap

    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "m"), str(tmp_path / "r")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
