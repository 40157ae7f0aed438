"""Instructions in many people's ways of speaking: what their frames are filled with, and that they can be followed."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from doable.agent.canonical import many
from doable.agent.episodes import episodes
from doable.agent.spoken_frames import SpokenGrammar, spoken_frames
from doable.sim.catalogue import KITCHEN
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld

SCENE = load_scene("kitchen")
PLACES = {p.name for p in SCENE.places} | {d.name for d in SCENE.drawers}


def one(words: str, *errands: str, seed: int = 0, **more: str):
    frame = {"words": words, "do": list(errands), **more}
    return SpokenGrammar(SCENE, frames=[frame]).draw(np.random.default_rng(seed))


def test_every_frame_is_filled_with_what_there_is():
    grammar, rng = SpokenGrammar(SCENE), np.random.default_rng(0)
    for frame in spoken_frames():
        made = grammar.fill(frame, rng)
        assert not re.search(r"[{}]", made.text), frame
        assert made.errands, frame
        for errand in made.errands:
            assert {errand.to, errand.source, errand.target} - {None} <= PLACES, frame
            assert set(errand.what) <= set(KITCHEN), frame
            if errand.kind in ("go", "wipe"):
                assert errand.target in {p.name for p in SCENE.places}, frame
            if errand.kind in ("deliver", "hold", "find"):
                assert len(errand.what) >= errand.count or len(errand.what) == 1, frame
        SymbolicWorld(SCENE).reset(made.setup)


def test_several_of_one_type_are_called_so_and_are_there():
    made = one("two {xs}, please", "2 x > user", seed=3)
    (errand,) = made.errands
    assert (errand.count, len(errand.what)) == (2, 1)
    assert [kind for kind, _ in made.setup.objects].count(errand.what[0]) == 2
    assert re.match(r"two [\w ]+s, please", made.text, re.I)
    assert (many("bag of rice chips"), many("rice chips"), many("lime soda")) == (
        "bags of rice chips",
        "rice chips",
        "lime sodas",
    )


def test_either_of_two_will_do():
    (errand,) = one("the {x} or any {kind}", "[x|k] > user").errands
    (fruit,) = one("a fruit, if not, something clear", "[fruit|clear] > user").errands
    assert len(errand.what) > 1
    assert {*fruit.what} == {"apple", "orange", "banana", "7up"}


@pytest.mark.parametrize("errand", ["unclear", "all x > p", "all k @ w > p", "all [-n] @ top drawer > trash can"])
def test_what_no_teacher_can_follow_is_drawn_only_where_asked_for(errand):
    frames = [{"words": "put it there", "do": [errand]}, {"words": "the {x}", "do": ["x > user"]}]
    rng = np.random.default_rng(0)
    clear = SpokenGrammar(SCENE, frames=frames)
    assert {clear.draw(rng).frame for _ in range(20)} == {"the {x}"}
    both = SpokenGrammar(SCENE, frames=frames, whole=True)
    assert {both.draw(rng).frame for _ in range(20)} == {"the {x}", "put it there"}


def test_no_frame_stands_twice():
    words = [frame["words"] for frame in spoken_frames()]
    assert len(words) == len(set(words))


def test_training_and_development_frames_differ():
    def drawn(part):
        grammar, rng = SpokenGrammar(SCENE, part), np.random.default_rng(0)
        return {grammar.draw(rng).frame for _ in range(200)}

    assert not drawn("train") & drawn("dev")


def test_the_same_seed_gives_the_same():
    def drawn(seed):
        grammar, rng = SpokenGrammar(SCENE), np.random.default_rng(seed)
        return [grammar.draw(rng) for _ in range(20)]

    assert drawn(1) == drawn(1) != drawn(2)


def test_errands_mean_what_the_slots_say():
    made = one("the {x} from the {s} to the {p}, the {y} is for me", "x @ s > p", "y > user")
    first, second = made.errands
    assert first.kind == "deliver"
    assert first.source
    assert first.to
    assert first.source != first.to
    assert second.to == "user"
    assert second.what != first.what
    assert (first.what[0], first.source) in made.setup.objects


@pytest.mark.parametrize("seed", range(8))
def test_what_is_left_out_is_of_the_kind_and_not_wanted(seed):
    made = one("all the {k} off the {s}, not the {n}", "all [k,-n] @ s > trash can", seed=seed)
    (errand,) = made.errands
    assert errand.count == 0
    assert 1 <= len(errand.what) < len(KITCHEN)
    stands = {kind for kind, place in made.setup.objects if place == errand.source}
    assert stands & set(errand.what)


def test_as_many_stand_there_as_are_asked_for():
    for seed in range(8):
        made = one("three {k} for me", "3 k > user", seed=seed)
        assert made.errands[0].count == 3 <= len(made.errands[0].what)


def test_something_may_be_in_the_hand():
    made = one("put that on the {p}", "x > p", hand="x", at="user")
    assert made.setup.holding == made.errands[0].what[0]
    assert made.setup.robot_at == "user"


def test_articles_fit_their_words():
    for seed in range(12):
        text = one("I want a {x} now", "x > user", seed=seed).text.lower()
        if found := re.search(r"want (an?) (\w)", text):
            assert (found[1] == "an") == (found[2] in "aeiou")


@pytest.mark.parametrize("errand", ["fetch x", "x", "[robot] > user", "2 > user"])
def test_an_errand_that_cannot_be_read_says_so(errand):
    with pytest.raises((ValueError, KeyError), match=re.escape(errand.split(" >")[0])):
        one("please", errand)


def test_spoken_episodes_change_nothing_in_the_others():
    plain = list(itertools.islice(episodes(SCENE, "train", 5), 10))
    frames = {frame["words"] for frame in spoken_frames()}
    mixed = list(itertools.islice(episodes(SCENE, "train", 5, spoken=1.0), 40))
    assert all(e.instruction.frame not in frames for e in plain)
    assert sum(e.instruction.frame in frames for e in mixed) > 30
