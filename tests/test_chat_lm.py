"""Chat models that choose: letters with and without log-probabilities, groups beyond the alphabet, samples."""

import math
import re

import httpx
import numpy as np
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from doable.agent import models
from doable.agent.chat_lm import LETTERS, ChatLM, letter_of
from doable.agent.language_model import check_language_model
from doable.agent.models import ModelNotFound
from doable.agent.retrying import Patience
from doable.agent.server import ServerError

QUICK = Patience(timeout=1.0, total=5.0, pause=0.001)


def weight(option):
    """How much the model of the tests likes an option."""
    return 1.0 + len(option) % 7 + (20.0 if "sponge" in option else 0.0)


class Chooser(BaseChatModel):
    """Chooses by weight; answers as it is told to. `faults`: errors that come first."""

    tells: bool = False
    takes_logprobs: bool = True
    says: str = "{letter}"
    always: str = ""
    faults: list = []  # noqa: RUF012 (pydantic copies it)
    asked: list = []  # noqa: RUF012

    @property
    def _llm_type(self):
        return "chooser"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        if self.faults:
            raise self.faults.pop(0)
        if kwargs and not self.takes_logprobs:
            raise TypeError("unexpected keyword argument 'logprobs'")
        text = messages[-1].content
        self.asked.append(text)
        listed = re.findall(r"^(?:([A-Z])\)|-) (.*)$", text, re.M)
        if not listed:
            return self.reply("well then\nsecond line")
        weights = np.array([weight(option) for _, option in listed])
        letter, option = listed[int(weights.argmax())]
        letter = self.always or letter
        metadata = {}
        if self.tells and kwargs.get("logprobs"):
            logs = np.log(weights / weights.sum())
            top = [{"token": name, "logprob": float(value)} for (name, _), value in zip(listed, logs, strict=True)]
            top = sorted(top, key=lambda entry: -entry["logprob"])[: kwargs["top_logprobs"]]
            metadata = {"logprobs": {"content": [top[0] | {"top_logprobs": top}]}}
            letter = top[0]["token"]
        return self.reply(self.says.format(letter=letter, option=option), metadata)

    def reply(self, text, metadata=None):
        message = AIMessage(text, response_metadata=metadata or {})
        return ChatResult(generations=[ChatGeneration(message=message)])


def lm(how="letters", times=None, **settings):
    return ChatLM(Chooser(asked=[], **settings), name="chooser", how=how, times=times, patience=QUICK)


def luce(options):
    weights = np.array([weight(option.strip()) for option in options])
    return np.log(weights / weights.sum())


OPTIONS = [" find the coke\n", " find the sponge\n", " done\n", " pick up the coke\n"]


@pytest.mark.parametrize(
    "model",
    [lm(), lm(tells=True), lm(takes_logprobs=False), lm("samples", says="{option}")],
    ids=["counted", "told", "old", "sampled"],
)
def test_the_contract_and_the_best_option(model):
    check_language_model(model)
    values = model.loglikelihood("Robot:", OPTIONS)
    assert int(values.argmax()) == 1
    assert np.exp(values).sum() == pytest.approx(1)
    assert not model.says_skills


def test_log_probabilities_are_read_where_there_are_some():
    assert lm(tells=True).loglikelihood("Robot:", OPTIONS) == pytest.approx(luce(OPTIONS))


def test_more_options_than_letters_keep_their_odds():
    """Groups, then their best: by the axiom of choice the same as one question, were there letters enough."""
    options = [f" find the x{'x' * i} {j}\n" for i in range(8) for j in range(5)]  # 40: two groups of 20
    model = lm(tells=True, times=1)
    assert model.loglikelihood("Robot:", options) == pytest.approx(luce(options))
    assert model.calls == 3


def test_more_groups_than_letters_work_too():
    options = [f" find thing {i}\n" for i in range(26 * 26 + 1)] + [" find the sponge\n"]
    model = lm(times=1)
    values = model.loglikelihood("Robot:", options)
    assert int(values.argmax()) == len(options) - 1
    assert np.isfinite(values).all()
    assert model.calls == 27 + 3


def test_a_liking_for_a_letter_evens_out():
    """A model that always says A says nothing: asked with each option at A, all are the same."""
    values = lm(always="A", times=4).loglikelihood("Robot:", OPTIONS)
    assert values == pytest.approx([math.log(1 / 4)] * 4)


def test_a_question_is_asked_once():
    model = lm()
    model.loglikelihood("Robot:", OPTIONS)
    before = model.calls
    model.loglikelihood("Robot:", OPTIONS[::-1])
    assert model.calls == before == 4


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(b)", "B"),
        ("B) find the coke", "B"),
        ("B.\nBecause it is thirsty.", "B"),
        ("The answer is **B**.", "B"),
        ("I think B fits best", "B"),
        ("A robot can't know.", None),
        ("Z", None),
        ("", None),
    ],
)
def test_answers_are_read(text, letter):
    assert letter_of(text, 4) == (None if letter is None else LETTERS.index(letter))


def test_what_it_thinks_is_not_its_answer():
    assert int(lm(says="<think>A? C? No.</think>{letter}").loglikelihood("Robot:", OPTIONS).argmax()) == 1


def test_what_passes_is_tried_again():
    model = lm(faults=[httpx.ConnectError("no"), TimeoutError()])
    assert int(model.loglikelihood("Robot:", OPTIONS).argmax()) == 1


def test_what_does_not_pass_is_told_without_the_key(monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "s3cret-s3cret")
    model = lm(faults=[RuntimeError("bad key s3cret-s3cret")] * 2)
    with pytest.raises(ServerError, match="Expected an answer of 'chooser', got RuntimeError: bad key …"):
        model.loglikelihood("Robot:", OPTIONS)


@pytest.mark.parametrize(("how", "words"), [("letters", "letter from A to D"), ("samples", "one of 4 options")])
def test_answers_that_can_t_be_read_are_told(how, words):
    with pytest.raises(ServerError, match=words):
        lm(how, says="I would rather not").loglikelihood("Robot:", OPTIONS)


def test_it_writes_one_line():
    assert lm().generate("Once upon") == "well then"
    assert lm().generate([("human", "Hello")], stop="") == "well then\nsecond line"


def test_a_name_makes_a_model(monkeypatch):
    import langchain.chat_models

    made = {}

    def init_chat_model(spec, **how):
        made.update(spec=spec, **how)
        return Chooser(asked=[])

    monkeypatch.setattr(langchain.chat_models, "init_chat_model", init_chat_model)
    model = models.load_model("langchain:openai:gpt-4o-mini")
    assert (model.name, made["spec"]) == ("langchain:openai:gpt-4o-mini", "openai:gpt-4o-mini")
    assert made["timeout"] > 0
    assert int(model.loglikelihood("Robot:", OPTIONS).argmax()) == 1
    assert models.load_model("langchain-sampled:openai:x")._how == "samples"


@pytest.mark.parametrize("name", ["langchain:nobody:nothing", "langchain:"])
def test_a_name_that_langchain_does_not_know_is_told(name):
    with pytest.raises(ModelNotFound, match=r"langchain:PROVIDER:MODEL"):
        models.load_model(name)
