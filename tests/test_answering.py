"""What a robot is asked about its past, and times as people say them."""

from datetime import datetime

import pytest

from doable.memory import HashEmbedder, Memory, Record
from doable.memory.answering import ask
from doable.memory.moments import span_of

NOW = datetime(2026, 3, 4, 18, 0).timestamp()


def at(hour, day=4):
    return datetime(2026, 3, day, hour).timestamp()


def seen(thing, place, time, *, gone=False):
    return Record(
        text=f"{'no longer saw' if gone else 'saw'} the {thing} at the {place}", kind="sighting", time=time,
        place=place,
        objects=(thing,), outcome="failure" if gone else None, importance=0.4, episode="e",
    )  # fmt: skip


def did(text, time, thing=None, place=None, *, worked=True):
    return Record(
        text=text, kind="episode", time=time, place=place, objects=(thing,) if thing else (),
        outcome="success" if worked else "failure", importance=0.5, episode="e",
    )  # fmt: skip


@pytest.fixture
def memory(tmp_path):
    store = Memory(tmp_path, HashEmbedder())
    store.remember([
        seen("coke", "table", at(9)), seen("tea bottle", "table", at(9)), seen("apple", "far counter", at(9)),
        did("could not pick up the coke at the table: it slipped", at(10), "coke", "table", worked=False),
        did("picked up the coke at the table", at(10) + 60, "coke", "table"),
        did("put down the coke at the far counter", at(11), "coke", "far counter"),
        seen("apple", "far counter", at(12), gone=True), seen("sponge", "table", at(13)),
        did("asked to 'bring me the tea bottle': reached, fine", at(17, 2)),
        did("asked to 'bring me the apple': stopped, no way", at(9, 3), worked=False),
        did("asked to 'bring me the tea bottle': reached, fine", at(18, 3) + 60),
        did("asked to 'bring me the coke': reached, fine", at(11)),
        did("picked up the banana at the table", at(17), "banana", "table"),
    ])  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("Where is the coke?", "far counter"),
        ("Where is my cola?", "far counter"),
        ("where was the coke at 10 am?", "table"),
        ("where was the coke this morning", "far counter"),
        ("where was the coke 9 hours ago?", "table"),
        ("where is the banana", "hand"),
        ("where is the apple", None),
        ("where was the coke yesterday?", None),
        ("When did I last see the apple?", at(9)),
        ("when have you last seen the coke?", at(11)),
        ("how often did picking up the coke fail?", (1, 2)),
        ("how many times did picking up the coke fail since 3 pm?", (0, 0)),
        ("what changed on the table since 9:30?", (frozenset({"sponge"}), frozenset({"coke"}))),
        ("what changed on the far counter today?", (frozenset({"coke"}), frozenset())),
        ("what did I do today?", (("bring me the coke", True),)),
        ("what did you do yesterday?", (("bring me the apple", False), ("bring me the tea bottle", True))),
        ("what will the person want next?", "bring me the tea bottle"),
    ],
)
def test_answers(memory, question, value):
    answer = ask(memory, question, NOW, {"cola": "coke"})
    assert answer.value == value
    ids = {r.id for r in memory.all()}
    assert set(answer.evidence) <= ids
    assert answer.evidence or value in (None, (0, 0))


def test_another_question_gets_the_records_that_fit(memory):
    answer = ask(memory, "did something slip?", NOW)
    assert answer.value is None
    assert "slipped" in answer.text
    assert answer.evidence


def test_days_make_a_habit_not_repeats_of_one_day(tmp_path):
    store, asked = Memory(tmp_path, HashEmbedder()), "asked to 'bring me the {}': reached, fine"
    store.remember([
        *(did(asked.format("apple"), at(18, 1) + minute * 60) for minute in (5, 15, 25)),
        *(did(asked.format("tea bottle"), at(18, day) + 1200) for day in (1, 2)),
        did(asked.format("sponge"), at(18, 3) + 300),
    ])  # fmt: skip
    answer = ask(store, "what will the person want next?", NOW)
    assert answer.value == "bring me the tea bottle"
    assert "on 2 days" in answer.text
    assert len(answer.evidence) == 2
    guess = ask(store, "what will the person want next?", at(18, 2))
    assert guess.value in ("bring me the tea bottle", "bring me the apple")
    assert "no habit yet" in guess.text


def test_what_was_never_seen_is_not_made_up(tmp_path):
    answer = ask(Memory(tmp_path, HashEmbedder()), "where is the unicorn?", NOW)
    assert answer.evidence == ()
    assert "nothing" in answer.text


@pytest.mark.parametrize(
    ("words", "since", "until"),
    [
        ("since this morning", at(5), None),
        ("yesterday at 14:00", None, at(14, 3)),
        ("since 2 pm", at(14), None),
        ("in the last 3 hours", at(15), None),
        ("yesterday", at(0, 3), at(0)),
        ("yesterday evening", at(18, 3), at(23, 3)),
        ("two hours ago", None, at(16)),
        ("today", at(0), None),
        ("anything", None, None),
    ],
)
def test_spans(words, since, until):
    span = span_of(words, NOW)
    assert (span.since, span.until) == (since, until)
