"""A killed run, resumed, ends as if nothing had happened; a broken one is set aside."""

import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from doable.agent import Agent, Config, CorruptRun, ScriptedModel, UnknownRun
from doable.agent.cli import app
from doable.agent.runs import RunFolder
from doable.memory.embedding import HashEmbedder
from doable.memory.store import Memory
from doable.sim.symbolic import SymbolicWorld
from doable.skills.baselines import DeclaredValues

PLAN = ["find the sponge", "pick up the sponge", "bring it to you", "put down the sponge", "done"]
GOAL = "bring me the sponge"


def say(prompt, continuation):
    """Follows the plan, and tries again what failed."""
    done = prompt.count("\nDone.")
    return -0.1 if continuation.strip() == PLAN[min(done, len(PLAN) - 1)] else -9.0


def agent(folder):
    world = SymbolicWorld(failure_rate=0.3)
    world.reset(seed=4)
    memory = Memory(folder / "memory", HashEmbedder())
    return Agent(world, ScriptedModel(say), memory, DeclaredValues(), config=Config(runs=str(folder / "runs")))


def essence(result):
    steps = [(s.index, s.subgoal, s.decision, s.candidates, s.outcome, s.verdict, s.after) for s in result.steps]
    return result.status, result.reason, result.seconds, steps


def first_started(folder, result):
    return RunFolder(folder / "runs" / result.run_id).read().header.started


def die(folder, where):
    """Run in a process of its own that kills itself at `where`: a phase done, or in the middle of one."""
    phase, turn = where
    script = f"""
        import os, signal, sys
        sys.path.insert(0, {str(__file__.rsplit("/", 1)[0])!r})
        from pathlib import Path
        import test_resume
        from doable.agent import loop, journal

        def kill():
            os.kill(os.getpid(), signal.SIGKILL)

        class Watcher:
            def loading(self, what): pass
            def phase(self, name, turn):
                if (name, turn["index"]) == {(phase, turn)!r}:
                    kill()

        count = 0
        def after(function, which):
            def wrapped(*given):
                global count
                result = function(*given)
                count += 1
                if count == which + 1:
                    kill()
                return result
            return wrapped

        if {phase!r} == "within act":
            loop.execute = after(loop.execute, {turn})
        if {phase!r} == "within remember":
            journal.Journal.append = after(journal.Journal.append, {turn})
        agent = test_resume.agent(Path({str(folder)!r}))
        agent.watcher = Watcher()
        agent.run(test_resume.GOAL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    [run] = (folder / "runs").glob("*-*-*")
    return run.name


@pytest.fixture(scope="module")
def unkilled(tmp_path_factory):
    return essence(agent(tmp_path_factory.mktemp("unkilled")).run(GOAL))


@pytest.mark.parametrize("where", [("observe", 0), ("within act", 1), ("act", 2), ("within remember", 2)], ids=str)
def test_a_killed_run_ends_as_if_it_had_not_been(tmp_path, unkilled, where):
    run_id = die(tmp_path, where)
    resumed = agent(tmp_path)
    assert essence(resumed.resume(run_id)) == unkilled
    texts = [(r.text, r.time) for r in resumed.memory.recall("sponge", k=100)]
    assert len(texts) == len(set(texts))


def test_an_interrupted_run_goes_on(tmp_path, unkilled):
    stopped = agent(tmp_path)
    steps = stopped.stream(GOAL)
    next(steps)
    steps.close()
    again = agent(tmp_path)
    assert essence(again.resume(stopped.run_id)) == unkilled
    assert essence(agent(tmp_path).resume(stopped.run_id)) == unkilled


def test_an_unknown_run_names_the_nearest(tmp_path):
    run_id = agent(tmp_path).run(GOAL).run_id
    with pytest.raises(UnknownRun, match=run_id):
        agent(tmp_path).resume(run_id[:-1])
    with pytest.raises(UnknownRun, match="none yet"):
        agent(tmp_path / "else").resume(run_id)


@pytest.mark.parametrize("file", ["journal.jsonl", "checkpoints.sqlite", "snapshots"])
@pytest.mark.parametrize("damage", ["garbage", "missing"])
def test_a_broken_run_is_set_aside(tmp_path, file, damage):
    stopped = agent(tmp_path)
    steps = stopped.stream(GOAL)
    next(steps)
    steps.close()
    folder = tmp_path / "runs" / stopped.run_id
    for path in list((folder / file).iterdir()) if file == "snapshots" else [folder / file]:
        path.write_bytes(b"garbage" * 400) if damage == "garbage" else path.unlink()
    if (file, damage) == ("checkpoints.sqlite", "missing"):
        # Without checkpoints there is still the start: the run begins again from there.
        assert agent(tmp_path).resume(stopped.run_id).status == "reached"
        return
    with pytest.raises(CorruptRun, match="set aside"):
        agent(tmp_path).resume(stopped.run_id)
    assert not folder.exists()
    [aside] = (tmp_path / "runs").glob("*.corrupt-*")
    assert list(aside.iterdir())


def test_another_world_is_told_and_the_run_stays(tmp_path):
    stopped = agent(tmp_path)
    next(stopped.stream(GOAL))
    other = agent(tmp_path)
    other.world.scene = replace(other.world.scene, name="garden")
    with pytest.raises(ValueError, match="'kitchen' to resume in, got 'garden'"):
        other.resume(stopped.run_id)
    assert (tmp_path / "runs" / stopped.run_id).exists()


def test_a_snapshot_is_checked(tmp_path):
    run = RunFolder.create(tmp_path)
    name = run.save("00000-0-start", b"state")
    assert run.load(name) == b"state"
    (run.folder / "snapshots" / name).write_bytes(b"other")
    with pytest.raises(ValueError, match="not what was saved"):
        run.load(name)


def test_a_fork_begins_in_the_world_and_with_the_memory_of_then(tmp_path, unkilled):
    first = agent(tmp_path)
    result = first.run(GOAL)
    new = first.fork(result.run_id, 3)
    first.memory.close()
    again = agent(tmp_path)
    forked = again.resume(new)
    assert essence(forked) == unkilled, "the same world, the same draws: the same end"
    assert forked.run_id == new
    assert forked.steps[:2] == result.steps[:2]
    assert not any(record.episode == result.run_id
                   and record.time > first_started(tmp_path, result) + result.steps[2].observation.time
                   for step in forked.steps[2:] for record in step.recalled)  # fmt: skip
    again.memory.close()
    assert essence(agent(tmp_path).resume(result.run_id)) == unkilled, "the old run stays"


@pytest.mark.parametrize("turn", [0, 99])
def test_a_fork_at_a_turn_that_was_not(tmp_path, turn):
    run_id = agent(tmp_path).run(GOAL).run_id
    with pytest.raises(ValueError, match=f"got {turn}"):
        agent(tmp_path).fork(run_id, turn)


def test_runs_are_listed_shown_and_forked(tmp_path):
    runs = ["--runs", str(tmp_path / "runs")]
    done = agent(tmp_path).run(GOAL)
    listed = CliRunner().invoke(app, ["runs", "list", *runs])
    assert done.run_id in listed.output
    assert "reached" in listed.output
    shown = CliRunner().invoke(app, ["runs", "show", done.run_id, "--turn", "1", *runs])
    assert "find the sponge" in shown.output
    made = CliRunner().invoke(app, ["runs", "fork", done.run_id, "--turn", "2", *runs])
    assert made.exit_code == 0, made.output
    assert made.output.split()[0] in CliRunner().invoke(app, ["runs", "list", *runs]).output
    wrong = CliRunner().invoke(app, ["runs", "show", done.run_id, "--turn", "99", *runs])
    assert wrong.exit_code == 2
    assert "got 99" in wrong.output


def test_of_a_long_run_the_newest_turns_are_kept(tmp_path):
    run = RunFolder.create(tmp_path)
    for turn in range(230):
        for phase in ("1-observe", "2-act", "3-check"):
            run.save(f"{turn:05d}-{phase}", f"{turn} {phase}".encode())
    assert run.beginning(229) == b"229 1-observe"
    assert run.beginning(40) == b"40 1-observe"
    with pytest.raises(ValueError, match="got 21"):
        run.beginning(20)
    assert len(list((run.folder / "snapshots").iterdir())) <= 210
