"""The chat: goals, questions and commands in one world, a person who is asked, and runs that are stopped."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from doable.agent import Agent, Config, Decision, ScriptedModel
from doable.agent.answering import is_question
from doable.agent.chat import Chat
from doable.agent.chat_commands import COMMANDS
from doable.agent.cli import app
from doable.agent.cli_chat import completions
from doable.agent.correcting import corrected
from doable.agent.half_blocks import half_blocks
from doable.agent.parts import following
from doable.agent.runs import newest, runs_folder
from doable.agent.terminal_pictures import drawn, understood
from doable.memory.embedding import HashEmbedder
from doable.memory.store import Memory
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.baselines import DeclaredValues

SPONGE = ["find the sponge", "pick up the sponge", "bring it to you", "put down the sponge", "done"]


class Session:
    """A chat over stand-ins; `answers` are what the person says when asked."""

    def __init__(self, folder, model=None, answers=()):
        world = SymbolicWorld()
        world.reset(Setup((("sponge", "far counter"), ("coke", "table")), "user"), seed=0)
        config = Config(runs=str(folder / "runs"), world="symbolic", values="declared", embedder="hash", guards=False)
        memory = Memory(folder / "memory", HashEmbedder())
        agent = Agent(world, model or following(SPONGE), memory, DeclaredValues(), config=config)
        self.out = io.StringIO()
        self.answers = list(answers)
        self.chat = Chat(agent, Console(file=self.out, width=110, color_system=None), self._ask)

    def _ask(self, prompt):
        if not self.answers:
            raise EOFError
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def __call__(self, *lines):
        """What is written after these lines."""
        start = len(self.out.getvalue())
        for line in lines:
            assert self.chat.hear(line)
        return self.out.getvalue()[start:]

    @property
    def world(self):
        return self.chat.agent.world

    def did(self):
        """The skills of the newest run, in order."""
        return [s.decision.phrase for s in self.chat.agent.result.steps if s.decision.phrase]


@pytest.fixture
def session(tmp_path):
    return Session(tmp_path)


def test_goals_share_one_world(session):
    told = session("bring me the sponge")
    assert "reached" in told
    assert "5 turns" in told
    assert session.world.facts().count("sponge", "user") == 1
    session("bring me the sponge")
    assert session.world.facts().count("sponge", "user") == 1, "the world was not reset"


def test_a_plan_moves_nothing_until_run(session):
    told = session("/plan bring me the sponge")
    assert "find the sponge" in told
    assert session.world.time == 0
    assert "reached" in session("/run")
    assert session.did() == SPONGE[:-1]


def test_a_person_decides(tmp_path):
    session = Session(tmp_path, answers=["y", "what?", "/why", "n"])
    told = session("/auto off", "bring me the sponge")
    assert told.count("find the sponge") >= 2
    assert "Not done. /run goes on" in told
    assert session.world.facts().holding is None
    session.answers = ["y"] * 3
    assert "reached" in session("/run")
    assert session.did() == SPONGE[:-1]


def test_another_candidate_can_be_chosen(tmp_path):
    session = Session(tmp_path, answers=["2", "n"])
    session("/auto off", "bring me the sponge")
    second = session.chat.turn["observation"].robot.place
    assert second == "table", "the second candidate drives there"
    session("/auto on")
    session("/y 1")
    agent = session.chat.agent
    with pytest.raises(ValueError, match="is over"):
        agent.resume(agent.run_id, choose="done")
    session("/plan bring me the sponge")
    with pytest.raises(ValueError, match="the name of a skill, got 'fly'"):
        agent.resume(agent.run_id, choose="fly")
    assert agent.resume(agent.run_id, choose="say that it is not possible").status == "refused"


def test_other_words_are_another_goal(tmp_path):
    session = Session(tmp_path, answers=["no, go to the table", "n"])
    told = session("/auto off", "bring me the sponge")
    assert "go to the table" in session("/runs")
    assert told.count("do it") == 0


def test_a_correction_steers_the_rest(tmp_path):
    """Words typed while a run goes on are heard before the next skill; the run so far is kept."""
    session = Session(tmp_path)
    said = iter([None, None, "no, the coke"])
    session.chat.typed = lambda: next(said, None)
    told = session("bring me the sponge")
    assert "goal      bring me the coke" in told
    new, old = newest(runs_folder(session.chat.agent.config.runs), 2)
    assert [step.decision.phrase for step in old[1].steps] == SPONGE[:2], "what was done stays"
    assert new[1].header.goal == "bring me the coke"


def test_after_a_stop_a_few_words_correct_the_goal(tmp_path):
    session = Session(tmp_path)
    said = iter(["stop"])
    session.chat.typed = lambda: next(said, None)
    session("bring me the sponge, then go to the table")
    told = session("the coke")
    assert "goal      bring me the coke, then go to the table" in told
    assert "the names" not in told


@pytest.mark.parametrize(
    ("words", "rest", "goal"),
    [
        ("no, the pepsi", ["bring me the coke"], "bring me the pepsi"),
        ("the pepsi", ["bring me a coke", "bring me an apple"], "bring me the pepsi, then bring me an apple"),
        ("not the coke but the pepsi", ["put the coke on the table"], "put the pepsi on the table"),
        ("the pepsi instead of the coke", ["take the coke and the 7up"], "take the pepsi and the 7up"),
        ("I meant a pepsi, not the soda", ["bring me the soda"], "bring me a pepsi"),
        ("on the far counter", ["put the coke on the table"], "put the coke on the far counter"),
        ("to the table", ["bring me the coke", "come back"], "bring the coke to the table, then come back"),
        ("in the top drawer", ["put it on the table"], "put it in the top drawer"),
        ("no, go to the table", ["bring me the coke"], "go to the table"),
        ("something healthy", ["bring me the coke"], "something healthy"),
        ("no, the pepsi", [], "no, the pepsi"),
    ],
)
def test_what_a_correction_makes_of_a_goal(words, rest, goal):
    assert corrected(words, rest, ["table", "far counter", "top drawer"]) == goal


def test_what_is_to_be_replaced_must_be_plain():
    with pytest.raises(ValueError, match="got 2"):
        corrected("the pepsi", ["bring the coke and the 7up"], [])


def test_turns_that_are_over_fold_and_can_be_looked_at_again(tmp_path):
    session = Session(tmp_path)
    assert "\x1b" not in session("bring me the sponge"), "no terminal, nothing folds"
    session = Session(tmp_path / "tty")
    session.chat = Chat(
        session.chat.agent,
        Console(file=session.out, width=110, height=60, force_terminal=True, color_system=None, _environ={}),
        session._ask,
    )
    told = session("bring me the sponge")
    screen = on_screen(told)
    assert [line.split()[:3] for line in screen if re.match(r" *\d+ [✓✗]", line)] == [
        [f"{i}", "✓", phrase.split()[0]] for i, phrase in enumerate(SPONGE[:-1], 1)
    ]
    assert sum("weighs" in line for line in screen) == 1, "the newest turn stays open"
    assert any("find the sponge" in line for line in screen)
    assert "weighs" in session("/why 1")
    assert "none of turn 99" in session("/why 99")


def on_screen(text):
    """The lines that a terminal shows, of text that moves up and erases."""
    lines = [""]
    for part in re.split(r"(\n|\x1b\[\d+A\r\x1b\[J)", text):
        if part == "\n":
            lines.append("")
        elif part.startswith("\x1b["):
            lines[-1 - int(part[2 : part.index("A")]) :] = [""]
        else:
            lines[-1] += re.sub(r"\x1b\[[\d;]*m", "", part)
    return lines


def test_pictures_as_the_terminal_says_it_can():
    picture = np.random.default_rng(0).integers(0, 4, (20, 33, 3)).astype(np.uint8) * 85
    answers = (b"\x1b_Gi=31;OK\x1b\\\x1b[?62c", b"\x1b[?62;4;22c", b"\x1b[?64;44c", b"")
    assert [understood(said) for said in answers] == ["kitty", "sixel", None, None]
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", drawn(np.tile(picture, (9, 9, 1)), "kitty", 40))
    assert [head[-3:] for head, _ in pieces] == ["m=1"] * (len(pieces) - 1) + ["m=0"]
    assert all(len(data) <= 4096 for _, data in pieces)
    sent = Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in pieces))))
    assert np.array_equal(np.asarray(sent), np.tile(picture, (9, 9, 1)))
    assert np.abs(unsixel(drawn(picture, "sixel", 40)) - picture.astype(int)).max() <= 3


def unsixel(text):
    """The picture that a terminal would draw, (height, width, 3)."""
    head, body = re.match(r'\x1bPq"1;1;([\d;]+?)((?:#.*))\x1b\\\n', text, re.S).groups()
    width, height = map(int, head.split(";"))
    drawn, palette, colour, x, y = np.zeros((height + 6, width, 3), int), {}, 0, 0, 0
    for define, select, count, run, end in re.findall(r"#(\d+;2;\d+;\d+;\d+)|#(\d+)|(?:!(\d+))?([?-~])|([$-])", body):
        if define:
            name, _, *rgb = map(int, define.split(";"))
            palette[name] = np.array(rgb) * 255 / 100
        elif select:
            colour = int(select)
        elif run:
            for bit in range(6):
                if (ord(run) - 63) >> bit & 1:
                    drawn[y + bit, x : x + int(count or 1)] = palette[colour]
            x += int(count or 1)
        else:
            x, y = 0, y + 6 * (end == "-")
    return drawn[:height]


def test_ctrl_c_keeps_the_run(tmp_path):
    asked = []

    def say(prompt, phrase):
        if prompt.count("\nRobot: ") == 2 and not asked:
            asked.append(prompt)
            raise KeyboardInterrupt
        return plan(prompt, phrase)

    def plan(prompt, phrase):
        turn = prompt.count("\nRobot: ")
        return -0.1 if phrase.strip() == SPONGE[min(turn, 4)] else -9.0

    session = Session(tmp_path, ScriptedModel(say))
    assert "Stopped. /run goes on." in session("bring me the sponge")
    assert session.world.facts().holding == "sponge"
    assert "reached" in session("/run")
    assert session.did() == SPONGE[:-1]


def test_skills_can_be_taken_back(session):
    session("bring me the sponge")
    assert "put down the sponge" in session("/undo")
    assert session.world.facts().holding == "sponge"
    session("/rewind 2")
    assert session.world.facts().holding is None
    assert "from 1 to 1" in session("/rewind 9")


def test_why_and_memory_and_questions(session):
    session("bring me the sponge")
    why = session("/why")
    assert "done" in why
    assert "check: subgoal 1 of 1 is finished" in why
    assert "picked up the sponge" in session("/memory picked up the sponge")
    assert "The sponge is at the user; I see it." in session("where is the sponge?")
    assert "I chose" in session("why did you do that?")
    assert "hand empty" in session("/scene")


def test_forgetting_asks_first(session):
    session("bring me the sponge")
    before = session.chat.agent.memory.count()
    session.answers = ["n"]
    session("/forget all")
    assert session.chat.agent.memory.count() == before
    first = session.chat.agent.memory.all()[0].id[:6]
    session(f"/forget {first}")
    assert session.chat.agent.memory.count() == before - 1
    session.answers = ["y"]
    session("/forget all")
    assert session.chat.agent.memory.count() == 0


def test_runs_resume_budget_and_model(session):
    assert "stopped" in session("/budget steps 2", "bring me the sponge")
    run = session.chat.agent.run_id
    assert run in session("/runs")
    assert "2 turns, any number of simulated seconds, 90 seconds on the clock" in session("/budget wall 90")
    assert "stopped" in session(f"/resume {run}"), "a run that is over only tells its result"
    assert "scripted" in session("/model scripted:done")
    assert "reached" in session("bring me the sponge")
    assert session.did() == []
    assert "not on this machine" in session("/model no/such/model")
    assert "scripted" in session("/model")


def test_what_is_wrong_is_told_and_the_session_goes_on(session):
    for line, words in {
        "/plann x": "Did you mean '/plan'", "/run": "none yet", "/y 3": "none", "/why": "none yet",
        "/auto maybe": "on or off", "/resume": "id of a run", "/resume 2099": "'2099'",
        "/budget x": "steps N", "/forget zzzz": "/memory",
        "/record a.mp4": "physics", "/rewind x": "'x'",
    }.items():  # fmt: skip
        assert words in session(line), line
    assert "reached" in session("bring me the sponge")
    assert session.chat.hear("/quit") is False


def test_every_command_is_in_the_help(session):
    told = session("/help")
    assert all(f"/{name}" in told for name in COMMANDS)


def test_lines_are_completed(session):
    session("bring me the sponge")
    whole = [line for line, _ in completions(session.chat, "/re")]
    assert whole == ["/rewind", "/resume", "/record"]
    assert ("/auto off", "off") in list(completions(session.chat, "/auto o"))
    assert session.chat.agent.run_id in [shown for _, shown in completions(session.chat, "/resume 2")]
    assert "go to the far counter" in [line for line, _ in completions(session.chat, "go to the fa")]


@pytest.mark.parametrize("text", ["where is the coke?", "what do you see?", "Why?", "do you remember the coke?"])
def test_questions_ask_for_words(text):
    assert is_question(text)


@pytest.mark.parametrize(
    "text", ["can you bring me the coke?", "bring me what is left", "could you clean up?", "what a mess"]
)
def test_goals_ask_for_deeds(text):
    assert not is_question(text)


def test_a_terminal_without_tty_gets_plain_lines(tmp_path):
    given = "/auto\n/auto\nbring me the sponge\nwhere is the sponge?\n"
    done = CliRunner().invoke(
        app,
        ["chat", "--world", "symbolic", "--values", "declared", "--embedder", "hash", "--model",
         "scripted:" + ";".join(SPONGE), "--runs", str(tmp_path / "r"), "--memory", str(tmp_path / "m")],
        input=given,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "reached" in done.output
    assert "I see it" in done.output
    assert "\x1b" not in done.output


def test_pictures_in_characters():
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24] = (250, 0, 0)
    colour = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=40, no_color=False)
    with colour.capture() as shown:
        colour.print(half_blocks(picture, colour, 16))
    assert "38;2;250;0;0" in shown.get()
    assert shown.get().count("▀") == 16 * 6
    grey = Console(file=io.StringIO(), color_system=None, width=40)
    lines = half_blocks(picture, grey, 16).plain.splitlines()
    assert [len(line) for line in lines] == [16] * 6
    assert not re.search("[▀\x1b]", "".join(lines))


def test_asking_each_is_the_sessions_own(tmp_path):
    session = Session(tmp_path, answers=["y", "n"])
    asking = replace(session.chat.agent.config, authority="ask-each")
    old = session.chat.agent
    agent = Agent(old.world, old.model, old.memory, old.values, old.library, asking)
    session.chat = Chat(agent, session.chat.console, session._ask)
    told = session("bring me the sponge")
    assert "Not done" in told
    assert session.world.observe().robot.place == "far counter", "the first was done, the second was not"
    assert not session.chat.auto


def test_a_session_can_be_asked_which_one_is_meant(tmp_path):
    session = Session(tmp_path)
    assert session.chat.agent.person is not None
    session.answers = ["2"]
    assert session.chat.agent.person("Which one?", ["find the coke", "find the sponge"]) == "2"
    assert "2. find the sponge" in session.out.getvalue()


def test_what_a_person_made_of_a_question_is_shown(session):
    session.chat.phase("ask", {"index": 0, "decision": Decision("act", "find the coke", "asked")})
    assert "does      find the coke" in session.out.getvalue()
