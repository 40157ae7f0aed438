"""What lasts of an episode, what ends, and what is forgotten."""

import pytest

from doable.memory import HashEmbedder, Memory, Record
from doable.memory.consolidation import consolidate, learn, make_room, subject_of


def record(text, time=0.0, **more):
    given = {"kind": "episode", "place": None, "objects": (), "outcome": None, "importance": 0.5, "episode": "e"}
    return Record(text=text, time=time, **{**given, **more})


def tried(time, *, worked=False, episode="e"):
    text = "picked up the coke at the table" if worked else "could not pick up the coke at the table: it slipped"
    outcome = "success" if worked else "failure"
    return record(text, time, place="table", objects=("coke",), outcome=outcome, episode=episode)


def told(text, time):
    return record(text, time, kind="fact", told=True, episode="told")


@pytest.fixture
def store(tmp_path):
    return Memory(tmp_path, HashEmbedder())


def test_what_failed_twice_and_then_worked_becomes_lessons_once(store):
    store.remember([tried(1.0), tried(2.0), tried(3.0, worked=True)])
    texts = [r.text for r in consolidate(store, "e")]
    assert texts == [
        "pick up the coke at the table tends to fail: it slipped",
        "pick up the coke at the table worked after 2 failures: it pays to try again",
    ]
    assert consolidate(store, "e") == []


def test_a_failure_that_comes_back_in_a_later_episode_is_a_lesson(store):
    store.remember([tried(1.0, episode="a")])
    assert consolidate(store, "a") == []
    store.remember([tried(9.0, episode="b")])
    assert [r.kind for r in consolidate(store, "b")] == ["lesson"]


def test_a_usual_place_is_inferred_and_gives_way_to_a_new_one(store):
    def seen(place, numbers):
        for n in numbers:
            store.remember([record("saw it", n, kind="sighting", place=place, objects=("sponge",), episode=f"e{n}")])
            consolidate(store, f"e{n}")

    seen("far counter", range(3))
    seen("table", range(10, 20))
    facts = [r for r in store.all() if r.kind == "fact"]
    assert [(r.text, r.until is None) for r in facts] == [
        ("the sponge is usually at the far counter", False), ("the sponge is usually at the table", True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "contradicts"),
    [
        ("the cups belong on the table", "the cups belong in the top drawer", True),
        ("Ann's favourite drink is tea", "Ann's favourite drink is coke", True),
        ("Ann likes coke", "Ann does not like coke", True),
        ("Ann likes coke", "Ann no longer likes the coke", True),
        ("Ann likes coke", "Ann likes tea", False),
        ("Ann likes coke", "Bob does not like coke", False),
        ("the cups belong on the table", "the plates belong in the top drawer", False),
    ],
)
def test_the_later_of_two_contradictory_facts_holds_and_the_other_is_past(store, before, after, contradicts):
    [old] = learn(store, told(before, 1.0))
    learn(store, told(after, 2.0))
    assert store.get(old.id).until == (2.0 if contradicts else None)


def test_what_is_inferred_does_not_end_what_was_told(store):
    [old] = learn(store, told("the cups belong on the table", 1.0))
    learn(store, record("the cups belong in the top drawer", 2.0, kind="fact"))
    assert store.get(old.id).until is None


def test_sentences_of_no_known_form_are_about_nothing():
    assert subject_of("guests come at noon") is None


def test_forgetting_keeps_what_was_told_and_the_newest_sightings(store):
    kept = [told(f"a thing to know {i}", 0.0) for i in range(5)]
    newest = record("saw the coke", 0.5, kind="sighting", objects=("coke",), importance=0.1)
    store.remember([*kept, newest, *(record(f"deed {i}", float(i), importance=0.1) for i in range(20))])
    make_room(store, 10)
    left = store.all()
    assert len(left) == 10
    assert {*kept, newest} <= set(left)
    assert {r.text for r in left} >= {"deed 19", "deed 18"}
    make_room(store, 1)
    assert set(store.all()) == {*kept, newest}
