"""How prompts are worded: golden texts of each form, answers and the way back, and the transcript as it was trained."""

import itertools

import pytest

from doable.agent.budget import Budget, compose
from doable.agent.episodes import episodes
from doable.agent.prompt_forms import AnswerSpace, Example, Values, form_of
from doable.agent.prompts import Turn, transcript
from doable.sim.catalogue import UnknownName
from doable.sim.observation import Observation, RobotState, SeenObject
from doable.sim.scene import load_scene
from doable.skills.library import SkillLibrary

START = Observation(0.0, RobotState((0, 0), 0.0, "user", None))
CHIPS = SeenObject("sea salt chips", (0, 0, 1), "far counter")
AT_COUNTER = Observation(9.0, RobotState((0, 2), 1.5, "far counter", None), (CHIPS,))
PHRASES = [skill.phrase for skill in SkillLibrary.of(load_scene())]
X = Values(
    goal="bring me something\nsalty",
    turns=[
        Turn(START, "find the coke", "Failed: not seen at: table"),
        Turn(START, "find the sea salt chips", "Done."),
    ],
    observation=AT_COUNTER,
    examples=(Example("wait at the table", ("go to the table", "done")),),
    memory=("saw the coke at the table",),
)


def told(form, x=X, w=0, total=2048):
    return compose(form_of(form), x, w, budget=Budget.of(total), count=lambda t: len(t.split()), most_turns=20).text


def test_golden_transcript():
    assert told("transcript") == (
        "You control a kitchen robot. Give its next skill.\n"
        "Remembered: saw the coke at the table\n"
        "Goal: wait at the table\nRobot: go to the table\nRobot: done\n\n"
        "Goal: bring me something salty\n"
        "Now: at the user, hand empty. Seen: nothing yet.\n"
        "Robot: find the coke\nFailed: not seen at: table\n"
        "Now: at the user, hand empty.\n"
        "Robot: find the sea salt chips\nDone.\n"
        "Now: at the far counter, hand empty. Seen: far counter: sea salt chips (salty, crunchy).\n"
        "Robot:"
    )


def test_golden_dialogue():
    assert told("dialogue") == (
        "A person tells a kitchen robot what they want, and the robot lists its skills in order.\n\n"
        "Human: wait at the table\nRobot: 1. go to the table, 2. done.\n\n"
        "Remembered: saw the coke at the table\n"
        "Now: at the far counter, hand empty. Seen: far counter: sea salt chips (salty, crunchy).\n"
        "Human: bring me something salty\n"
        "Robot: 1. find the coke (failed: not seen at: table), 2. find the sea salt chips, 3."
    )


def test_golden_cloze():
    x = Values(X.goal, X.turns, X.observation, X.examples, seen=False)
    assert told("cloze", x) == (
        "A robot in a kitchen does what people ask for, one skill at a time.\n\n"
        'Request: "wait at the table"\n'
        "The next skill is to go to the table. The next skill is to stop, as all is done.\n\n"
        'Request: "bring me something salty"\n'
        "The next skill is to find the coke. That failed: not seen at: table. "
        "The next skill is to find the sea salt chips. The next skill is to"
    )


@pytest.mark.parametrize("form", ["transcript", "dialogue", "cloze"])
def test_what_is_seen_is_told_only_if_asked(form):
    blind = Values(X.goal, X.turns, X.observation, seen=False)
    assert "salty, crunchy" in told(form)
    assert "salty, crunchy" not in told(form, blind)


@pytest.mark.parametrize("form", ["transcript", "dialogue", "cloze"])
def test_options_are_listed_and_asked_for(form):
    text = told(form, Values(X.goal, X.turns, X.observation, options={"A": "find the coke", "B": "done"}))
    assert "Skills:\nA. find the coke\nB. done\n" in text
    assert text.endswith("\nLabel of the next skill:")


@pytest.mark.parametrize("form", ["transcript", "dialogue", "cloze"])
def test_every_wording_is_another_one_that_tells_the_same(form):
    texts = [told(form, w=w) for w in range(form_of(form).wordings)]
    assert len(set(texts)) == len(texts) > 1
    assert all("bring me something salty" in text and "find the coke" in text for text in texts)


@pytest.mark.parametrize("form", ["transcript", "dialogue", "cloze"])
def test_answers_lead_back_to_their_phrases(form):
    space = AnswerSpace(form_of(form), PHRASES)
    assert [space.phrase(answer) for answer in space.texts] == PHRASES
    assert all(answer.startswith(" ") and answer[-1] in "\n,." for answer in space.texts)
    with pytest.raises(UnknownName, match="Did you mean"):
        space.phrase(" find the cok")


def test_an_unknown_form_is_told():
    with pytest.raises(UnknownName, match="Did you mean 'dialogue'"):
        form_of("dialog")


def test_the_form_is_the_transcript_that_was_trained():
    for episode in itertools.islice(episodes(load_scene(), "train", 3), 20):
        text = "".join(segment.text for segment in episode.segments)
        assert text.startswith(told("transcript", Values("", (), START)).split("Goal:")[0] + "Goal: ")
    assert told("transcript", Values(X.goal, X.turns, X.observation)) == transcript(X.goal, X.turns, X.observation)
