"""Asking which one is meant, leave to act, and plans: with a scripted model in the symbolic world."""

import json
import math
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doable.agent import Agent, Config, ScriptedModel, WrittenAnswers
from doable.agent.asking import any_will_do, prediction_set, quantile, shares
from doable.agent.bench_asking import Asked, requests, run_asking_benchmark, summarise
from doable.agent.canonical import REFUSAL, UNCLEAR
from doable.agent.parts import following
from doable.agent.person import AtTerminal, picked
from doable.agent.restating import Way
from doable.agent.scoring import rank
from doable.agent.understanding import read
from doable.memory.embedding import HashEmbedder
from doable.memory.store import Memory
from doable.sim.facts import At
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.baselines import DeclaredValues
from doable.skills.library import SkillLibrary

SETUP = Setup((("coke", "table"), ("pepsi", "table"), ("sponge", "far counter")), "table")
SCENE = load_scene()
SKILLS = {skill.phrase: skill for skill in SkillLibrary.of(SCENE)}
OPTIONS = ("pick up the coke", "pick up the pepsi")


def fetches(*kinds):
    """A model that would bring any of these, the first one a little rather."""

    def say(prompt, continuation):
        phrase = continuation.strip()
        turn = prompt.count("\nDone.")
        now = prompt.rsplit("\nNow:", 1)[-1]
        if turn == 0 and phrase in {f"pick up the {kind}" for kind in kinds}:
            return -0.7 - 0.1 * [f"pick up the {kind}" for kind in kinds].index(phrase)
        wanted = {0: "", 1: "bring it to you"}.get(turn, "done")
        if turn == 2:
            wanted = next((f"put down the {kind}" for kind in kinds if f"holding the {kind}" in now), "done")
        return -0.1 if phrase == wanted else -9.0

    return say


def agent(tmp_path, *, person=None, say=None, **config):
    world = SymbolicWorld()
    world.reset(SETUP, seed=0)
    memory = Memory(tmp_path / "memory", HashEmbedder())
    settings = Config(runs=str(tmp_path / "runs"), max_steps=8, **config)
    model = ScriptedModel(say or fetches("coke", "pepsi"))
    return Agent(world, model, memory, DeclaredValues(), config=settings, person=person)


def test_the_one_that_was_meant_is_brought(tmp_path):
    heard = []

    def person(question, options):
        heard.append((question, options))
        return "the pepsi"

    run = agent(tmp_path, person=person)
    result = run.run("bring me the soda")
    assert result.status == "reached"
    assert At("pepsi", "user").holds(run.world.facts())
    [(question, options)] = heard
    assert question == "Which one for 'bring me the soda': the coke or the pepsi?"
    assert options == OPTIONS
    assert result.steps[0].decision.options == OPTIONS
    run.memory.close()


def test_the_same_is_not_asked_twice(tmp_path):
    first = agent(tmp_path, person=WrittenAnswers({"which one": "2"}))
    first.run("bring me the soda")
    first.memory.close()

    def nobody(question, options):
        raise AssertionError(f"asked again: {question}")

    second = agent(tmp_path, person=nobody)
    second.run("bring me the soda")
    assert At("pepsi", "user").holds(second.world.facts())


@pytest.mark.parametrize("goal", ["bring me a soda", "bring me the coke"])
def test_what_is_clear_or_all_the_same_is_not_asked(tmp_path, goal):
    def nobody(question, options):
        raise AssertionError(question)

    assert agent(tmp_path, person=nobody).run(goal).status == "reached"


def test_a_person_may_take_their_time(tmp_path, monkeypatch):
    later, real = [0.0], time.monotonic
    for module in ("loop", "person"):
        monkeypatch.setattr(f"doable.agent.{module}.time", SimpleNamespace(monotonic=lambda: real() + later[0]))

    def slow(question, options):
        later[0] += 10_000
        return "the pepsi"

    run = agent(tmp_path, person=slow, max_wall_seconds=5000.0)
    assert run.run("bring me the soda").status == "reached"
    assert later[0] >= 10_000, "somebody was asked"


def test_where_nobody_answers_the_best_is_done(tmp_path):
    run = agent(tmp_path, person=lambda question, options: None)
    result = run.run("bring me the soda")
    assert At("coke", "user").holds(run.world.facts())
    assert "nobody answered" in result.steps[0].decision.reason


def contradicts(prompt, continuation):
    """Says one thing in the first wording of the prompt and another in the second."""
    first = "pick up the coke" if prompt.startswith("You control") else "pick up the pepsi"
    return -0.1 if continuation.strip() == first else -9.0


def test_a_model_that_contradicts_itself_is_in_doubt_and_somebody_is_asked(tmp_path):
    heard = []

    def person(question, options):
        heard.append(question)
        return "pick up the pepsi"

    run = agent(tmp_path, person=person, say=contradicts, ask_twice=True)
    step = next(run.stream("bring me a soda"))
    assert heard == ["What first for 'bring me a soda': pick up the coke or pick up the pepsi?"]
    assert step.decision.phrase == "pick up the pepsi"


def test_doubt_is_no_truth_where_nobody_can_be_asked_and_one_answer_is_none(tmp_path):
    step = next(agent(tmp_path / "a", say=contradicts, ask_twice=True).stream("bring me a soda"))
    assert step.decision.phrase == "pick up the coke"

    def nobody(question, options):
        raise AssertionError(question)

    sure = agent(tmp_path / "b", person=nobody, say=fetches("coke"), ask_twice=True)
    assert next(sure.stream("bring me a soda")).decision.phrase == "pick up the coke"


def test_none_of_them_stops(tmp_path):
    run = agent(tmp_path, person=lambda question, options: "neither")
    result = run.run("bring me the soda")
    assert result.status == "stopped"
    assert "neither" in result.reason
    assert run.world.facts().holding is None


def test_every_skill_waits_for_a_yes(tmp_path):
    asked = []

    def person(question, options):
        asked.append(question)
        return "yes" if len(asked) < 2 else "no"

    run = agent(tmp_path, person=person, authority="ask-each", yes=1)
    result = run.run("bring me the coke")
    assert result.status == "stopped"
    assert "did not say yes" in result.reason
    assert [step.decision.kind for step in result.steps] == ["act", "act", "stop"]
    assert asked == ["bring it to you?", "put down the coke?"]


def test_where_nobody_is_nobody_says_yes(tmp_path):
    run = agent(tmp_path, authority="ask-each")
    result = run.run("bring me the coke")
    assert result.status == "stopped"
    assert "did not say yes" in result.reason
    assert run.world.facts().holding is None


def test_a_person_chooses_another_skill(tmp_path):
    run = agent(tmp_path, person=lambda q, options: "pick up the pepsi", authority="ask-each", guards=False)
    first = next(iter(run.stream("bring me the coke")))
    assert first.decision.phrase == "pick up the pepsi"


def test_a_plan_moves_nothing_and_leaves_nothing(tmp_path):
    run = agent(tmp_path, authority="plan")
    before = run.world.snapshot()
    result = run.run("bring me the coke")
    assert [s.decision.phrase for s in result.steps] == [
        "pick up the coke",
        "bring it to you",
        "put down the coke",
        None,
    ]
    assert result.status == "reached"
    assert run.world.snapshot() == before
    assert run.memory.count() == 0
    assert not [path for path in (tmp_path / "runs").iterdir() if path.is_dir()], "no run is left"
    assert result.run_id == "", "there is no run to show or to resume"


def test_a_plan_takes_nothing_to_be_where_odd_words_want_it(tmp_path, monkeypatch):
    """The sponge was seen nowhere: it is not assumed on the far counter, where it is to be put."""
    ways = (Way(("put the sponge on the far counter",), 1.0),)
    for module in ("agent", "imagining"):
        monkeypatch.setattr(f"doable.agent.{module}.make_restating", lambda config, model: lambda *goal: ways)
    plan = ["find the sponge", "pick up the sponge", "go to the far counter", "put down the sponge", "done"]
    plain = agent(tmp_path, authority="plan")
    plain.world.reset(Setup((), "far counter"))
    run = Agent(plain.world, following(plan), plain.memory, plain.values, config=plain.config)
    told = [step.decision.phrase for step in run.run("sponge, far side, you know").steps]
    assert told[:2] == ["find the sponge", "pick up the sponge"]
    assert "put down the sponge" in told


def test_answers_come_from_a_file(tmp_path):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"which one": "pepsi", "*": "no"}), encoding="utf-8")
    run = agent(tmp_path, answers=str(path))
    run.run("bring me the soda")
    assert At("pepsi", "user").holds(run.world.facts())
    path.write_text("[1]", encoding="utf-8")
    with pytest.raises(ValueError, match="which one"):
        WrittenAnswers.read(path)
    with pytest.raises(ValueError, match="No such file"):
        WrittenAnswers.read(tmp_path / "no.json")


def test_at_a_terminal_options_have_numbers():
    shown = []
    assert AtTerminal(lambda prompt: " 2 ", shown.append)("Which one?", OPTIONS) == "2"
    assert shown == ["  1. pick up the coke", "  2. pick up the pepsi"]

    def gone(prompt):
        raise EOFError

    assert AtTerminal(gone, shown.append)("Which one?", OPTIONS) is None


@pytest.mark.parametrize(
    ("answer", "option"),
    [
        ("1", OPTIONS[0]),
        ("3", None),
        ("The Pepsi.", OPTIONS[1]),
        ("pick up the coke", OPTIONS[0]),
        ("what", None),
        (None, None),
    ],
)
def test_answers_are_understood(answer, option):
    assert picked(answer, OPTIONS) == option


def test_shares_are_by_object():
    log_say = np.full(len(SKILLS), -20.0)
    phrases = list(SKILLS)
    log_say[phrases.index("find the coke")] = log_say[phrases.index("pick up the coke")] = math.log(0.3)
    log_say[phrases.index("pick up the pepsi")] = math.log(0.4)
    candidates = rank(phrases, log_say, np.ones(len(phrases)))
    found = shares(candidates, SKILLS)
    assert list(found)[:2] == ["coke", "pepsi"]
    assert found["coke"] == pytest.approx(0.6, abs=1e-3)
    assert prediction_set(found, 0.5) == ("coke",)
    assert prediction_set(found, 0.3) == ("coke", "pepsi")
    assert prediction_set(found, 1.1) == ("coke",), "never empty"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200), st.floats(0.05, 0.95))
def test_the_quantile_covers_its_share(scores, target):
    """Of the calibration's own scores at least `target` are within it."""
    q = quantile(scores, target)
    assert np.mean(np.array(scores) <= q) >= target - 1e-9


@pytest.mark.parametrize(
    ("text", "so"),
    [
        ("bring me a soda", True),
        ("bring me the soda", False),
        ("bring me the coke", True),
        ("bring me two sodas", True),
        ("bring me the coke or the pepsi", True),
        ("bring me all the sodas on the table", True),
        ("do it", False),
    ],
)
def test_any_will_do(text, so):
    assert any_will_do(text, read(text, SCENE)) == so


def test_the_benchmark_calibrates_on_one_half_and_measures_on_the_other():
    """Of ten unclear requests in twenty, half are about what is not the likeliest."""
    clear = [Asked("the coke", "coke", True, {"coke": 1.0}, 0.0)] * 10
    unclear = [Asked("the soda", thing, False, {"coke": 0.6, "pepsi": 0.4}, 0.67) for thing in ("coke", "pepsi")] * 5
    figures, table = summarise([*clear, *unclear], [*clear, *unclear])
    assert figures["least"] == pytest.approx(0.4)
    assert figures["success"] == figures["coverage"] == 1.0
    assert figures["question_rate"] == 0.5
    assert figures["never.success"] == 0.75
    assert figures["always.question_rate"] == 1.0
    assert figures["entropy.success"] == 1.0
    assert figures["set_size"] == 1.5
    doubted = [replace(row, doubt=("coke", "pepsi") * (row.meant == "pepsi")) for row in unclear]
    figures, _ = summarise([*clear, *doubted], [*clear, *doubted])
    assert (figures["twice.success"], figures["twice.question_rate"]) == (1.0, 0.25)
    assert "| never | 20 | 75%" in table


def test_requests_are_drawn_by_seed():
    made = list(requests(SCENE, 40, 3))
    assert made == list(requests(SCENE, 40, 3))
    assert made != list(requests(SCENE, 40, 4))
    assert 5 < sum(request.clear for request in made) < 35
    assert all(request.meant in request.things for request in made)
    assert all((request.meant in request.text) or not request.clear for request in made)


def test_the_benchmark_writes_its_figures(tmp_path):
    config = Config(world="symbolic", model="scripted:pick up the coke", values="declared", embedder="hash")
    table = run_asking_benchmark(config, tmp_path, n=2)
    assert (tmp_path / "table.md").read_text() == table
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 4
    assert json.loads((tmp_path / "summary.json").read_text())["n"] == 2


EITHER = "Is this meant by 'that one, you know': 'bring me the coke', or 'bring me the pepsi'?"
OR = "Is this meant by 'that one, you know': 'bring me the pepsi', or 'bring me the coke'?"


class Restated(Agent):
    """Has other words for a goal."""

    def __init__(self, *args, ways, **kwargs):
        super().__init__(*args, **kwargs)
        self._ways = ways

    def _make_restating(self):
        return lambda goal, holding, scene: self._ways


def restated(tmp_path, ways, person):
    """Somebody who would bring a pepsi, where the goal may mean `ways`."""
    plain = agent(tmp_path, person=person, say=fetches("pepsi"))
    return Restated(plain.world, plain.model, plain.memory, plain.values, config=plain.config, person=person, ways=ways)


@pytest.mark.parametrize(
    ("ways", "question", "said"),
    [
        ((Way((UNCLEAR,), 1.0),), "What do you mean by 'that one, you know'?", "bring me the pepsi"),
        ((Way(("bring me the coke",), 0.4), Way(("bring me the pepsi",), 0.3)), EITHER, "2"),
        ((Way(("bring me the pepsi",), 0.4), Way(("bring me the coke",), 0.3)), OR, "yes"),
    ],
)
def test_what_a_goal_means_is_asked_before_anything_is_done_and_once(tmp_path, ways, question, said):
    heard = []

    def person(asked, options):
        heard.append(asked)
        return said

    for _ in range(2):
        run = restated(tmp_path, ways, person)
        result = run.run("that one, you know")
        assert result.status == "reached"
        assert [step.subgoal.text for step in result.steps] == ["bring me the pepsi"] * len(result.steps)
        assert At("pepsi", "user").holds(run.world.facts())
        run.memory.close()
    assert heard == [question]


@pytest.mark.parametrize("person", [None, lambda question, options: None])
def test_nothing_is_done_where_nobody_says_what_is_meant(tmp_path, person):
    run = restated(tmp_path, (Way((UNCLEAR,), 1.0),), person)
    before = run.world.facts()
    result = run.run("that one, you know")
    assert (result.status, [step.outcome for step in result.steps]) == ("stopped", [None])
    assert "not clear what is meant by 'that one, you know'" in result.reason
    assert run.world.facts() == before


def test_what_no_robot_can_do_is_refused_at_once(tmp_path):
    run = restated(tmp_path, (Way((REFUSAL,), 1.0),), None)
    before = run.world.facts()
    result = run.run("that one, you know")
    assert (result.status, len(result.steps), run.world.facts()) == ("refused", 1, before)
    assert "nothing that this robot can do" in result.reason


def test_none_of_the_likely_ways_is_told_in_words(tmp_path):
    heard = []

    def person(asked, options):
        heard.append((asked, len(options)))
        return "none" if options else "bring me the pepsi"

    for _ in range(2):  # the second time it is known
        run = restated(tmp_path, (Way(("bring me the coke",), 0.4),), person)
        result = run.run("that one, you know")
        assert result.steps[-1].subgoal.text == "bring me the pepsi"
        run.memory.close()
    assert heard == [
        ("Is this meant by 'that one, you know': 'bring me the coke'?", 1),
        ("What do you mean by 'that one, you know'?", 0),
    ]


@pytest.mark.parametrize("then", [None, "nothing, thank you"])
def test_what_a_person_does_not_want_is_not_done(tmp_path, then):
    run = restated(tmp_path, (Way(("bring me the coke",), 0.4),), lambda asked, options: "none" if options else then)
    before = run.world.facts()
    assert (run.run("that one, you know").status, run.world.facts()) == ("stopped", before)


@pytest.mark.parametrize(("probability", "status"), [(0.4, "stopped"), (0.6, "reached")])
def test_what_was_done_on_a_guess_is_not_called_reached(tmp_path, probability, status):
    run = restated(tmp_path, (Way(("bring me the pepsi",), probability),), None)
    result = run.run("that one, you know")
    assert At("pepsi", "user").holds(run.world.facts())
    assert result.status == status
    assert ("not sure that this was meant" in result.reason) == (status == "stopped")
