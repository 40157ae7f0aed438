"""Steps that are kept: as a tuple of them, whatever is in memory and whatever in the file."""

import pytest

from doable.agent import Config, kept_steps
from doable.agent.journal import Footer, Header, Journal
from doable.agent.kept_steps import KeptSteps
from doable.agent.types import Decision, Step, Subgoal
from doable.sim.observation import Observation, RobotState

HEADER = Header("run", "gö", "kitchen", "scripted", Config(), 0.0, 0.0, "start")
SEEN = Observation(0.0, RobotState((0.0, 0.0), 0.0, "table", None))
STEPS = [
    Step(i, "gö", Subgoal("goal", i // 4), SEEN, (), (), Decision("act", "find the coke", ""), None, None)
    for i in range(10)
]


@pytest.fixture
def journal(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_steps, "IN_MEMORY", 3)
    journal = Journal.start(tmp_path / "journal.jsonl", HEADER)
    for one in STEPS:
        journal.append(one)
    return journal


def test_it_is_the_tuple_that_it_stands_for(journal):
    steps = journal.steps
    assert isinstance(steps, KeptSteps)
    assert (len(steps), list(steps), steps[0], steps[-1], steps[2:5]) == (
        10, STEPS, STEPS[0], STEPS[-1], tuple(STEPS[2:5]),
    )  # fmt: skip
    assert steps == tuple(STEPS)
    assert steps != tuple(STEPS[:9])
    with pytest.raises(IndexError):
        steps[10]
    assert steps.newest == tuple(STEPS[-3:])


def test_a_subgoal_has_its_own(journal):
    assert journal.steps.of(Subgoal("goal", 2)) == tuple(STEPS[8:])
    assert journal.steps.of(Subgoal("goal", 1)) == ()


@pytest.mark.parametrize("count", [0, 4, 9, 10, 12])
def test_going_back_keeps_the_first_ones_in_the_file_and_here(journal, count):
    journal.close(Footer("stopped", "enough", 1.0))
    journal.keep(count)
    again = Journal.read(journal.path)
    assert again.footer is None
    assert again.steps == journal.steps == tuple(STEPS[:count])
    journal.append(STEPS[0])
    assert Journal.read(journal.path).steps == (*STEPS[:count], STEPS[0])


def test_half_a_line_is_left_out_and_cut_off(journal):
    with journal.path.open("ab") as file:
        file.write(b'{"step": {"index"')
    again = Journal.read(journal.path)
    assert again.steps == tuple(STEPS)
    again.keep(len(STEPS))
    assert journal.path.read_bytes().endswith(b"}\n")
