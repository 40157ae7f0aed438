"""The live trace: what is shown fits the terminal it is shown in."""

import io

import numpy as np
import pytest
from rich.console import Console

from doable.agent.terminal import Terminal, bar, plain, seen, shares
from doable.agent.types import Candidate, Decision, Fact, Result, Subgoal, Verdict
from doable.sim.observation import Observation, RobotState, SeenObject
from doable.skills.skill import Outcome

APPLE = SeenObject("apple", (0.0, 0.0, 0.0), "table")
HINT = SeenObject("sponge", (0.0, 0.0, 0.0), "far counter", remembered=True)
SEEN = Observation(0.0, RobotState((0.0, 0.0), 0.0, "table", None), (APPLE, HINT))
CANDIDATES = (
    Candidate("find the sponge", -0.5, 0.9, -0.6),
    Candidate("done", -3.0, 1.0, -3.0),
    Candidate("pick up the apple", -1.0, 0.8, float("-inf")),
)
TURN = {
    "index": 0, "observation": SEEN, "recalled": (), "subgoals": (Subgoal("a"), Subgoal("b", 1)), "current": 0,
    "candidates": CANDIDATES, "decision": Decision("act", "find the sponge", "best; set aside: 'x' failed"),
    "outcome": Outcome("failed", "not seen at: table", 3.0),
    "verdict": Verdict((Fact("the sponge is here", False),), "not seen", "retry"),
}  # fmt: skip
PHASES = ("observe", "recall", "decompose", "score", "choose", "act", "check", "remember")


def shown(width=100, **console):
    out = io.StringIO()
    terminal = Terminal(Console(file=out, width=width, **console))
    terminal.goal("bring me the sponge", "kitchen")
    for name in PHASES:
        terminal.phase(name, TURN)
    terminal.result(Result("r1", "g", "stopped", "a limit", (), 3.0))
    return out.getvalue()


def test_a_turn_shows_what_was_weighed_and_what_came_of_it():
    text = shown()
    for words in ("turn 1", "apple", "1. a; 2. b", "find the sponge", "0.90", "masked", "set aside: 'x' failed",
                  "failed: not seen at: table, 3.0 s", "✗ not seen", "tries again", "stopped", "run r1"):  # fmt: skip
        assert words in text


@pytest.mark.parametrize(
    ("said", "told"), [("bring me the sponge", False), ("sponge, quick!", True), ("bring me the coke, quick", True)]
)
def test_a_goal_that_is_pursued_in_other_words_is_told_in_these(said, told):
    out = io.StringIO()
    terminal = Terminal(Console(file=out, width=100))
    terminal.goal(said, "kitchen")
    terminal.phase("decompose", TURN | {"subgoals": (Subgoal("bring me the sponge"),)})
    assert ("plans" in out.getvalue()) == told
    assert "pursues" not in out.getvalue()
    terminal.phase("decompose", TURN | {"subgoals": (Subgoal("bring me the coke", reading="guess"),)})
    assert "guesses   1. bring me the coke" in out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 200])
def test_no_line_is_wider_than_the_terminal(width):
    assert max(map(len, shown(width).splitlines())) <= width


def test_no_colour_when_nobody_wants_it(monkeypatch):
    assert "\x1b[" not in shown()
    monkeypatch.setenv("NO_COLOR", "1")
    text = shown(force_terminal=True)
    assert not [code for code in ("[31m", "[32m", "[34m", "[36m") if code in text]


def test_a_resumed_run_begins_in_the_middle_of_a_turn():
    out = io.StringIO()
    terminal = Terminal(Console(file=out, width=100))
    terminal.phase("act", TURN)
    assert "turn 1" in out.getvalue()
    assert "find the sponge" in out.getvalue()


def test_say_is_shown_as_a_share_among_the_candidates():
    assert shares(CANDIDATES).sum() == pytest.approx(1.0)
    assert np.argmax(shares(CANDIDATES)) == 0
    masked = [Candidate("a", float("-inf"), 1.0, float("-inf"))] * 2
    assert shares(masked).tolist() == [0.5, 0.5]


def test_bars_fit_their_width_in_any_encoding():
    assert bar(1.0, 8) == "█" * 8
    assert bar(0.0, 8) == ""
    assert bar(0.5, 8, "ascii") == "####"


def test_one_line_of_what_is_seen():
    assert seen(SEEN) == "at the table, hand empty; here: apple; remembered: sponge (far counter)"


def test_plain_text_is_one_harmless_line():
    assert plain("a\x1b[31m\nb\tc") == "a [31m b c"
