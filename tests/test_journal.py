"""Step <-> JSON, and the journal's promises about crashes."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doable.agent.codec import StateSerializer, from_json, to_json
from doable.agent.config import Config
from doable.agent.journal import Footer, Header, Journal, JournalError, line
from doable.agent.types import Candidate, Decision, Step, Subgoal
from doable.memory.record import Record
from doable.sim.observation import Observation, RobotState

FINITE = st.floats(allow_nan=False, allow_infinity=False)
st.register_type_strategy(
    Record,
    st.builds(
        Record,
        text=st.text("abc é", min_size=1).filter(str.strip),
        kind=st.sampled_from(["episode", "sighting", "fact", "lesson"]),
        time=st.floats(0, 2e9),
        place=st.none() | st.just("table"),
        objects=st.tuples() | st.tuples(st.just("apple")),
        outcome=st.sampled_from(["success", "failure", None]),
        importance=st.floats(0, 1),
        episode=st.text("abc", min_size=1),
    ),
)

HEADER = Header("r1", "bring me an apple", "kitchen", "scripted", Config(), 1.5, 0.0, "s0", ("doable 0.1.0",))


def a_step(index=0):
    observation = Observation(0.0, RobotState((0.0, 1.0), 0.0, "table", None))
    candidates = (Candidate("done", -0.5, 1.0, -0.5), Candidate("find the coke", -2.0, 0.0, float("-inf")))
    return Step(index, "g", Subgoal("g"), observation, (), candidates, Decision("finish", None, "é"), None, None)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.from_type(Step))
def test_any_step_survives_the_round_trip(step):
    text = line("step", step)
    assert text.endswith("\n")
    assert "\n" not in text[:-1]
    again = from_json(Step, json.loads(text)["step"])
    assert to_json(again) == to_json(step)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.from_type(Observation), st.lists(st.builds(Candidate, st.text(), FINITE, FINITE, FINITE)))
def test_checkpoints_give_back_equal_values(observation, candidates):
    serializer = StateSerializer()
    state = {"observation": observation, "candidates": tuple(candidates), "n": 1, "none": None, "list": [1, "a"]}
    again = serializer.loads_typed(serializer.dumps_typed(state))
    assert to_json(again) == to_json(state)
    assert type(again["candidates"]) is tuple
    assert type(again["list"]) is list


@pytest.mark.parametrize("odd", [{"reading": "guess"}, {"reading": "unclear"}, {"added": True}, {"index": 5}])
def test_subgoals_come_back_as_they_were(odd):
    serializer = StateSerializer()
    plain = tuple(Subgoal(f"errand {i}", i) for i in range(3))
    for subgoals in (plain, (*plain[:2], replace(plain[2], **odd))):
        assert serializer.loads_typed(serializer.dumps_typed(subgoals)) == subgoals


def test_masked_scores_are_valid_json():
    text = line("step", a_step())
    json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
    assert from_json(Step, json.loads(text)["step"]) == a_step()


def test_a_journal_reads_back_whole(tmp_path):
    journal = Journal.start(tmp_path / "j.jsonl", HEADER)
    journal.append(a_step(0))
    journal.append(a_step(1))
    assert Journal.read(journal.path).result() is None
    journal.close(Footer("reached", "done", 12.5))
    again = Journal.read(journal.path)
    assert again.header == HEADER
    assert again.steps == (a_step(0), a_step(1))
    assert again.result() == journal.result()
    assert again.result().seconds == 12.5


def test_a_torn_last_line_is_left_out(tmp_path):
    journal = Journal.start(tmp_path / "j.jsonl", HEADER)
    journal.append(a_step())
    with journal.path.open("a") as file:
        file.write(line("step", a_step(1))[:-20])
    assert Journal.read(journal.path).steps == (a_step(),)


def test_going_back_drops_later_steps(tmp_path):
    journal = Journal.start(tmp_path / "j.jsonl", HEADER)
    for index in range(3):
        journal.append(a_step(index))
    journal.close(Footer("stopped", "limit", 1.0))
    journal.keep(1)
    journal.append(a_step(7))
    again = Journal.read(journal.path)
    assert again.steps == (a_step(0), a_step(7))
    assert again.footer is None


@pytest.mark.parametrize(
    "text", ["", "garbage\n", '{"step": {}}\n', '{"run": {"run_id": 3}}\n', "[]\n", '{"other": 1}\n', "\x00\xff\n"]
)
def test_anything_else_is_told(tmp_path, text):
    path = tmp_path / "j.jsonl"
    path.write_text(text)
    with pytest.raises(JournalError, match=r"j\.jsonl"):
        Journal.read(path)


def test_a_journal_is_never_written_over(tmp_path):
    Journal.start(tmp_path / "j.jsonl", HEADER)
    with pytest.raises(FileExistsError):
        Journal.start(tmp_path / "j.jsonl", HEADER)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (Subgoal, {"text": "a", "indx": 1}, "indx"),
        (Subgoal, {}, "whole Subgoal"),
        (Decision, {"kind": "dance", "phrase": None, "reason": ""}, "dance"),
        (tuple[float, float], [1.0], "list"),
        (float, "one", "float"),
    ],
)
def test_bad_data_names_the_rule(kind, data, words):
    with pytest.raises(ValueError, match=words):
        from_json(kind, data)
