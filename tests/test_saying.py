"""Say as the settings ask for it: form, examples, wordings, thought, normalisation, window."""

import numpy as np
import pytest

from doable.agent.config import Config, ConfigError
from doable.agent.examples import ExampleBook, shipped
from doable.agent.language_model import ScriptedModel
from doable.agent.masked_lm import MaskedLM
from doable.agent.prompt_forms import Example
from doable.agent.prompts import Turn
from doable.agent.saying import Saying
from doable.memory.embedding import HashEmbedder
from doable.sim.observation import Observation, RobotState
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

LIBRARY = SkillLibrary.of(load_scene())
PHRASES = [skill.phrase for skill in LIBRARY]
NOW = Observation(0.0, RobotState((0, 0), 0.0, "user", None))


class Recording:
    """A model that notes what it is asked."""

    name = "recording"
    says_skills = False

    def __init__(self, say=lambda prompt, answer: -float(len(answer))):
        self.say, self.asked, self.generated = say, [], []

    def loglikelihood(self, prompt, continuations):
        self.asked.append(prompt)
        return np.array([self.say(prompt, c) for c in continuations])

    def generate(self, messages, *, max_new_tokens=64, stop="\n"):
        self.generated.append((messages, max_new_tokens))
        return " the chips  are salty "


def saying(model, **config):
    return Saying(model, PHRASES, Config(**config), HashEmbedder())


def test_the_default_of_a_model_that_says_skills_is_the_bare_transcript():
    model = Recording()
    model.says_skills = True
    say = saying(model)
    said = say(say.values("go", (), NOW))
    assert model.asked == [
        "You control a kitchen robot. Give its next skill.\nGoal: go\n"
        "Now: at the user, hand empty. Seen: nothing yet.\nRobot:"
    ]
    assert said.thought is None
    assert said.log_say.shape == (len(PHRASES),)
    assert say.probable


def test_other_models_get_a_dialogue_with_examples_the_nearest_last():
    model = Recording()
    say = saying(model, examples=3)
    say(say.values("Please bring me the lime soda, now.", (), NOW))
    assert model.asked[0].count("Human: ") == 4
    assert model.asked[0].split("\n\n")[-2].startswith("Human: Please bring me the lime soda.\n")
    assert not say.probable


def test_examples_of_memory_are_asked_once_a_goal_and_win():
    calls = []

    def remembered():
        calls.append(1)
        return [Example("Please bring me the lime soda.", ("done",)), Example("x", ("fly to the moon", "done"))]

    say = saying(Recording(), examples=30)
    for _ in range(3):
        x = say.values("bring me the lime soda", (), NOW, remembered=remembered)
    assert len(calls) == 1
    assert x.examples[-1] == Example("Please bring me the lime soda.", ("done",))
    assert all(phrase in PHRASES for example in x.examples for phrase in example.phrases)


def test_wordings_are_averaged():
    model = Recording(lambda prompt, answer: -1.0 if prompt.startswith("You control") else -3.0)
    say = saying(model, wordings=2, prompt="transcript")
    assert np.allclose(say(say.values("go", (), NOW)).log_say, -2)
    assert len(model.asked) == 2
    with pytest.raises(ValueError, match="wordings from 1 to 3"):
        saying(model, wordings=9)


def test_a_thought_stands_before_the_cue_and_is_bounded():
    model = Recording()
    say = saying(model, thought_tokens=30, prompt="transcript", examples=0)
    said = say(say.values("bring me something salty", (), NOW))
    [(prompt, most)] = model.generated
    assert prompt.endswith("\nThought:")
    assert most < 30
    assert said.thought == "the chips are salty"
    assert model.asked[0].endswith("\nThought: the chips are salty\nRobot:")


@pytest.mark.parametrize("normalise", ["length", "pmi", "letters"])
def test_normalised_scores_are_a_distribution(normalise):
    model = Recording()
    say = saying(model, normalise=normalise, prompt_tokens=4096)
    said = say(say.values("go", (), NOW))
    assert np.isclose(np.exp(said.log_say).sum(), 1)
    assert (said.log_say <= 0).all()


def test_pmi_asks_the_neutral_prompt_once():
    model = Recording(lambda prompt, answer: -9.0 if "coke" in answer and "Human: something\n" in prompt else -5.0)
    say = saying(model, normalise="pmi", examples=0)
    turns = [Turn(NOW, "go to the table", "Done.")]
    say(say.values("a coke", (), NOW))
    said = say(say.values("a coke", turns, NOW))
    assert len(model.asked) == 3
    assert "coke" in PHRASES[int(np.argmax(said.log_say))]


def test_letters_score_labels():
    model = Recording(lambda prompt, answer: -1.0 if answer == " AB\n" else -5.0)
    say = saying(model, normalise="letters", prompt_tokens=4096)
    assert PHRASES[int(np.argmax(say(say.values("go", (), NOW)).log_say))] == PHRASES[1]


def test_the_model_s_window_is_obeyed():
    model = Recording()
    model.window, model.count_tokens = 300, lambda text: len(text.split())
    say = saying(model, thought_tokens=50)
    turns = [Turn(NOW, PHRASES[i % 60], "Done.") for i in range(500)]
    say(say.values("word " * 900, turns, NOW))
    longest = max(len(answer.split()) for answer in say.answers)
    assert len(model.asked[0].split()) + longest <= 300


def test_settings_that_make_no_sense_are_told():
    for bad in ({"wordings": 0}, {"prompt_tokens": 5}, {"thought_tokens": 2000}, {"examples": -1}):
        with pytest.raises(ConfigError, match="Expected"):
            Config(**bad)


def test_scripts_read_the_transcript():
    assert saying(ScriptedModel(lambda prompt, answer: -1.0)).form.name == "transcript"


def test_masked_models_fill_a_slot():
    model = Recording()
    model.prompt_form = MaskedLM.prompt_form
    say = saying(model)
    say(say.values("go", (), NOW))
    assert model.asked[0].endswith("The next skill is to")
    assert say.answers[0].endswith(".")


def test_shipped_examples_can_be_done():
    """Every one of them, in the kitchen as it stands by default."""
    world = SymbolicWorld()
    for example in shipped():
        world.reset()
        for phrase in example.phrases:
            assert execute(LIBRARY[phrase], world).status == "done", (example.goal, phrase)
        assert LIBRARY[example.phrases[-1]].ends


def test_no_examples_without_any_that_fit():
    assert ExampleBook(HashEmbedder(), ["fly"]).choose("go", 3) == ()
