"""Recall: what embeddings are not trusted with, repeats, neighbours, times; and what is data stays data."""

import math

import pytest

from doable.memory import HashEmbedder, Memory, Record, ranking


def record(text, time=0.0, **more):
    given = {"kind": "episode", "place": None, "objects": (), "outcome": None, "importance": 0.5, "episode": "e"}
    return Record(text=text, time=time, **{**given, **more})


@pytest.fixture
def store(tmp_path):
    return Memory(tmp_path, HashEmbedder())


@pytest.mark.parametrize(
    ("query", "text", "trusted"),
    [
        ("what does she not drink", "she drinks coffee", False),
        ("what does she not drink", "she doesn't drink coffee", True),
        ("put 3 apples there", "put 2 apples there", False),
        ("put 3 apples there", "3 apples, please", True),
        ("what does she drink", "she does not drink coffee", True),
    ],
)
def test_numbers_and_negations_are_not_left_to_embeddings(query, text, trusted):
    assert ranking.comparable(query, text) == trusted


def test_recency_halves_in_138_hours():
    assert ranking.DECAY ** (math.log(0.5) / math.log(0.995)) == pytest.approx(0.5)
    assert round(math.log(0.5) / math.log(ranking.DECAY)) == 138


def test_repeats_come_after_what_is_new(store):
    store.remember([record("saw the coke at the table", float(i)) for i in range(5)])
    store.remember([record("put the coke away", 0.0)])
    texts = [r.text for r in store.recall("coke", k=2, now=10.0)]
    assert len(set(texts)) == 2


def test_an_answer_is_found_by_the_question_before_it(store):
    said = ["What did the doctor say about the knee?", "Rest for a week.", "Oh no!"]
    store.remember(
        [record(text, float(i), kind="fact", told=True, episode="talk") for i, text in enumerate(said)]
        + [record(f"walked {i} miles", float(i), kind="fact", told=True, episode="other") for i in range(9)]
    )
    assert store.search("what did the doctor say", k=2)[1].text == "Rest for a week."


def test_times_bound_what_is_recalled_with_and_without_words(store):
    store.remember([record(f"saw thing {i}", float(i), place="table") for i in range(9)])
    assert {r.time for r in store.recall("saw thing", since=3.0, until=5.0, now=9.0)} == {3.0, 4.0, 5.0}
    assert [r.time for r in store.recall("", place="table", since=7.0, now=9.0)] == [8.0, 7.0]


def test_what_is_no_longer_so_is_left_out_of_recall_but_kept(store):
    [old] = store.remember([record("the cups are on the table", kind="fact")])
    store.end(old.id, 5.0)
    assert store.recall("cups", now=6.0) == []
    [found] = store.search("cups", k=1)
    assert found.sentence(6.0) == "just now, no longer so: the cups are on the table"


def test_a_failed_attempt_says_so(store):
    store.remember([record("could not pick up the coke at the table: it slipped", outcome="failure")])
    assert store.recall("coke", now=120.0)[0].sentence(120.0).startswith("2 minutes ago, failure: could not")


def test_a_text_of_a_megabyte_is_found_by_its_beginning(store):
    store.remember([record("needle " + "hay " * 250_000), record("other")])
    assert store.search("needle", k=1)[0].text.startswith("needle hay")
