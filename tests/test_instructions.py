"""Training instructions: right by construction, held apart by frame, and free of what results are reported on."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from doable.agent.episodes import episodes, renamed, renaming
from doable.agent.instructions import Grammar
from doable.agent.language_training import (
    Recipe,
    asked_for,
    distinct_episodes,
    encode,
    has_goal,
    read_adapter,
    save_adapter,
)
from doable.agent.teacher import DONE, REFUSE, Errand, Teacher
from doable.sim.catalogue import CATALOGUE, KITCHEN
from doable.sim.facts import At
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup, read_tasks
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

SCENE = load_scene()
AGENT = Path(__file__).parent.parent / "agent"


def test_same_seed_same_episodes():
    def first(seed):
        return [e.segments for e in itertools.islice(episodes(SCENE, "train", seed), 20)]

    assert first(5) == first(5)
    assert first(5) != first(6)


def test_training_and_development_share_no_frame():
    def frames(part):
        grammar, rng = Grammar(SCENE, part), np.random.default_rng(0)
        return {grammar.draw(rng).frame.split("|")[0] for _ in range(1500)}

    shared = frames("train") & frames("dev")
    assert shared <= {"{d}"}, "a frame that is nothing but the need itself"


def test_nothing_of_the_demo_is_in_the_grammar():
    text = (AGENT / "frames.yaml").read_text(encoding="utf-8").lower()
    for word in ("spill", "spilt", "mop ", "mess", "clean up", "clean it", "puddle", "tipped", "knocked over"):
        assert word not in text


def follow(errands, setup):
    """The teacher's phrases, and the world it leaves."""
    world = SymbolicWorld(SCENE)
    world.reset(setup)
    library, teacher, phrases = (
        SkillLibrary.of(SCENE),
        Teacher(errands, scene=SCENE),
        [],
    )
    while not phrases or phrases[-1] not in (DONE, REFUSE):
        phrases.append(teacher.next_phrase(world.observe()))
        outcome = execute(library[phrases[-1]], world)
        teacher.report(phrases[-1], world.observe(), failed=outcome.status != "done")
        assert len(phrases) < 30, phrases
    return phrases, world


def test_the_teacher_brings_what_is_there():
    phrases, world = follow([Errand("deliver", ("coke",), "user")], Setup((("coke", "table"),), "user"))
    assert phrases == ["find the coke", "pick up the coke", "bring it to you", "put down the coke", "done"]
    assert At("coke", "user").holds(world.facts())


def test_the_teacher_takes_another_that_will_do():
    phrases, world = follow([Errand("deliver", ("coke", "pepsi"), "user")], Setup((("pepsi", "table"),), "user"))
    assert phrases[:2] == ["find the coke", "find the pepsi"]
    assert At("pepsi", "user").holds(world.facts())


def test_the_teacher_refuses_what_is_nowhere():
    phrases, _ = follow([Errand("deliver", ("coke",), "user")], Setup((("pepsi", "table"),), "user"))
    assert phrases == ["find the coke", REFUSE]


def test_the_teacher_frees_its_hand_but_never_over_the_bin():
    phrases, world = follow([Errand("hold", ("coke",))], Setup((("coke", "table"),), "trash can", "apple"))
    assert world.facts().holding == "coke"
    assert not At("apple", "trash can").holds(world.facts())
    assert "put down the apple" in phrases


def test_the_teacher_does_not_take_what_it_puts_away_for_what_is_wanted():
    setup = Setup((("coke", "table"),), "cabinet", "apple")
    phrases, world = follow([Errand("deliver", ("coke",), "cabinet")], setup)
    assert phrases[-1] == DONE
    assert At("coke", "cabinet").holds(world.facts())


def test_what_the_teacher_calls_done_is_done():
    """Every kind of instruction, followed where nothing fails: what was asked for is where it was asked to be."""
    grammar, rng, finished = Grammar(SCENE), np.random.default_rng(0), 0
    for _ in range(200):
        made = grammar.draw(rng)
        phrases, world = follow(made.errands, made.setup)
        facts, last = world.facts(), made.errands[-1]
        if phrases[-1] != DONE:
            continue
        finished += 1
        for errand in made.errands:
            there = {o.type for o in facts.objects if o.type in errand.what and o.place == errand.to}
            assert errand.kind != "deliver" or len(there) >= errand.count, made
            assert errand.kind != "open" or errand.target in facts.open_drawers or facts.holding, made
            assert errand.kind != "close" or errand.target in facts.closed_drawers, made
        assert last.kind != "hold" or facts.holding in last.what
        assert last.kind != "go" or facts.robot_at == last.target
    assert finished > 150


def test_things_by_other_names_are_called_so_throughout():
    """Names are copied from the goal, not learned by heart: no kind's own name is left anywhere."""
    grammar = Grammar(SCENE)
    stream = (
        e for e in episodes(SCENE, "train", 2) if any(k not in CATALOGUE for x in e.instruction.errands for k in x.what)
    )
    for episode in itertools.islice(stream, 60):
        instruction, text = episode.instruction, "".join(s.text for s in episode.segments)
        assert all(kind in instruction.text for errand in instruction.errands for kind in errand.what)
        assert " ".join(instruction.text.split()) in text
        said = [s.text.strip() for s in episode.segments if s.text.strip() in episode.phrases]
        assert tuple(said) == episode.phrases
        assert not any(f"the {kind}\n" in text for kind in KITCHEN)
    assert not {name.partition(" (")[0] for name in grammar.other_names} & set(KITCHEN)
    assert not set(grammar.other_names) & set(Grammar(SCENE, "dev").other_names)


def test_what_is_not_called_by_its_name_keeps_it():
    made = (e for e in episodes(SCENE, "train", 2) if any(len(x.what) > 1 for x in e.instruction.errands))
    for episode in itertools.islice(made, 20):
        assert renamed(episode, *renaming(Grammar(SCENE).other_names, np.random.default_rng(0))) is None


def test_most_instructions_reach_an_end_of_their_own():
    made = list(itertools.islice(episodes(SCENE, "dev", 1), 150))
    endings = [e.phrases[-1] for e in made]
    assert set(endings) == {DONE, REFUSE}
    assert endings.count(REFUSE) < 0.25 * len(endings)


@pytest.fixture(scope="module")
def reported():
    return [task for name in ("tasks.jsonl", "demo_rewordings.jsonl") for task in read_tasks(AGENT / name)]


def test_a_reported_goal_in_like_words_is_left_out(reported):
    """With an embedding that calls all sentences alike, whatever has a reported goal must go."""
    recipe = Recipe(same_words=2.0)

    def embed(texts):
        return np.ones((len(texts), 1))

    goals = [asked_for(task) for task in reported]
    for episode in itertools.islice(distinct_episodes(recipe, reported, embed), 200):
        assert not any(has_goal(episode.instruction.errands, goal) for goal in goals)


def test_only_the_robots_words_are_learned():
    class Tokenizer:
        def __call__(self, text, add_special_tokens):
            return {"input_ids": [ord(c) for c in text]}

    episode = next(episodes(SCENE, "train", 0))
    ids, learn = encode(episode, Tokenizer())
    said = "".join(chr(i) for i, flag in zip(ids, learn, strict=True) if flag)
    assert said == "".join(s.text for s in episode.segments if s.learn)


def test_an_adapter_is_read_as_it_was_saved(tmp_path):
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    state = {name: torch.arange(6.0).reshape(2, 3)}
    save_adapter(state, tmp_path / "a.safetensors", Recipe())
    again = read_adapter(tmp_path / "a.safetensors")
    assert list(again) == [name]
    assert torch.equal(again[name], state[name])
