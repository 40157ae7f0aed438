"""The command line: exit codes, what goes to stdout and what to stderr, and errors that help."""

import json
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from doable.agent import loop
from doable.agent.cli import app
from doable.agent.config import field_docs

PLAN = "scripted:find the sponge;pick up the sponge;bring it to you;put down the sponge;done"
EXPECT = '{"at": ["sponge", "user"]}'


@pytest.fixture
def doable(tmp_path, monkeypatch):
    """Call the command line as a person would, over the stand-ins."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name, value in {
        "WORLD": "symbolic", "VALUES": "declared", "EMBEDDER": "hash", "MODEL": PLAN,
        "RUNS": str(tmp_path / "runs"), "MEMORY": str(tmp_path / "memory"),
    }.items():  # fmt: skip
        monkeypatch.setenv(f"DOABLE_{name}", value)
    return lambda *arguments: CliRunner().invoke(app, list(arguments), prog_name="doable")


def test_a_reached_goal_exits_with_0_and_shows_each_turn(doable):
    done = doable("run", "bring me the sponge", "--expect", EXPECT)
    assert done.exit_code == 0, done.output
    for words in ("bring me the sponge", "turn 5", "say*", "pick up the sponge", "the hand holds the sponge"):
        assert words in done.stdout
    assert "Ground truth: reached" in done.stdout


def test_a_goal_that_is_not_reached_exits_with_1(doable):
    assert doable("run", "bring me the sponge", "--max-steps", "2").exit_code == 1
    lied = doable("run", "bring me the sponge", "--model", "scripted:done", "--no-guards", "--expect", EXPECT)
    assert lied.exit_code == 1
    assert "Ground truth: not reached" in lied.stdout


def test_json_is_all_there_is_on_stdout(doable):
    done = doable("run", "bring me the sponge", "--json", "--expect", EXPECT)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(line) for line in lines] == [["step"]] * 5
    assert lines[0]["step"]["decision"]["phrase"] == "find the sponge"
    assert done.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", " "], ["goal in words"]),
        (["run", "x", "--scene", "kitchn"], ["'kitchn'", "Did you mean 'kitchen'"]),
        (["run", "x", "--max-steps", "no"], ["--max-steps", "whole number", "'no'"]),
        (["run", "x", "--expect", "{"], ["--expect", "JSON"]),
        (["run", "x", "--expect", "[1]"], ["--expect", "object"]),
        (["run", "x", "--expect", '{"at": ["spong", "user"]}'], ["'spong'", "sponge"]),
        (["run", "x", "--config", "none.toml"], ["none.toml"]),
        (["run", "x", "--video", "a.mp4"], ["--world physics"]),
        (["run", "x", "--camera", "head"], ["--video"]),
        (["run", "x", "--video", "a.mp4", "--world", "physics", "--camera", "hed"], ["'hed'", "'head'"]),
        (["run", "x", "--video", "a.avi", "--world", "physics"], [".mp4", "'a.avi'"]),
        (["run", "x", "--video", "none/a.mp4", "--world", "physics"], ["folder", "'none'"]),
        (["resume", "20990101"], ["'20990101'", "none yet"]),
        (["bench", "tasks", "none.jsonl", "--plan-only"], ["none.jsonl"]),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else None,
)
def test_bad_input_exits_with_2_and_helps(doable, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    done = doable(*arguments)
    assert done.exit_code == 2, done.output
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.output
    assert done.stdout == ""


def test_an_interrupted_run_says_how_to_go_on(doable, monkeypatch, tmp_path):
    act, turns = loop.Loop.act, []

    def interrupted(self, turn):
        turns.append(turn)
        if len(turns) == 2:
            raise KeyboardInterrupt
        return act(self, turn)

    monkeypatch.setattr(loop.Loop, "act", interrupted)
    stopped = doable("run", "bring me the sponge")
    assert stopped.exit_code == 130
    [run] = (tmp_path / "runs").glob("*-*-*")
    assert f"doable resume {run.name}" in stopped.stderr
    monkeypatch.undo()
    resumed = doable("resume", run.name, "--runs", str(tmp_path / "runs"))
    assert resumed.exit_code == 0, resumed.output
    assert "turn 2" in resumed.stdout
    assert "turn 1" not in resumed.stdout
    again = doable("resume", run.name, "--runs", str(tmp_path / "runs"))
    assert again.exit_code == 0


def test_a_broken_run_is_reported_and_set_aside(doable, tmp_path):
    doable("run", "bring me the sponge")
    [run] = (tmp_path / "runs").glob("*-*-*")
    (run / "journal.jsonl").write_text("garbage")
    done = doable("resume", run.name)
    assert done.exit_code == 2
    assert "set aside" in done.stderr
    assert [p.name.split("-")[-3] for p in (tmp_path / "runs").glob("*-*-*")] == [f"{run.name.split('-')[-1]}.corrupt"]


def test_what_memory_or_goal_say_does_not_drive_the_terminal(doable):
    done = doable("run", "bring \x1b[31mme [bold]the[/bold] sponge")
    assert "\x1b[31m" not in done.stdout
    assert "[bold]the[/bold]" in done.stdout


def test_help_and_version_are_quick_and_quiet():
    heavy = ("torch", "langgraph", "chromadb")
    code = f"import sys, doable.agent.cli; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("doable ")
    assert "resume" in CliRunner().invoke(app, ["--help"]).stdout


def commands(command, words=""):
    """Every command and group, by the words that call it."""
    inner = getattr(command, "commands", {}).items()
    return {words: command} | {k: c for name, one in inner for k, c in commands(one, f"{words} {name}".strip()).items()}


COMMANDS = commands(get_command(app))


@pytest.mark.parametrize("words", list(COMMANDS))
def test_help_fits_a_screen(words):
    command = COMMANDS[words]
    shown = CliRunner().invoke(app, [*words.split(), "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).stdout
    assert len(shown.splitlines()) <= 40, shown
    assert max(map(len, shown.splitlines())) <= 80
    if not hasattr(command, "commands"):
        assert "Example: doable " in shown
    assert [p.name for p in command.params if not getattr(p, "help", "")] == [], "every option says what it is"


def test_every_setting_is_in_the_whole_help():
    shown = CliRunner().invoke(app, ["run", "--help-all"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    assert all(f"--{name.replace('_', '-')}" in shown.stdout for name in field_docs())
    assert "langchain:PROVIDER:MODEL" in shown.stdout
