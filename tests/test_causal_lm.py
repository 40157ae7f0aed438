"""Scores in one pass equal scores one by one: on a tiny random model, and on the real one."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from doable.agent.causal_lm import CausalLM
from doable.agent.language_model import ScriptedModel, check_language_model
from doable.agent.models import load_model
from doable.agent.prompts import continuation, transcript
from doable.sim.observation import Observation, RobotState
from doable.sim.scene import load_scene
from doable.skills.library import SkillLibrary

TINY = {
    "vocab_size": 128, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "eos_token_id": 0,
}  # fmt: skip


class Letters:
    """A tokenizer of letters."""

    eos_token_id = 0

    def __call__(self, text, add_special_tokens=False):
        return {"input_ids": [ord(c) % 128 for c in text]}

    def decode(self, tokens):
        return "".join(map(chr, tokens))


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return CausalLM(LlamaForCausalLM(LlamaConfig(**TINY)), Letters(), name="tiny")


@pytest.fixture(scope="module")
def real():
    return load_model()


WORDS = st.text("abc ", min_size=1, max_size=12)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(prompt=WORDS, options=st.lists(WORDS, min_size=1, max_size=10))
def test_one_pass_equals_one_by_one(tiny, prompt, options):
    fast, slow = tiny.loglikelihood(prompt, options), tiny.loglikelihood_one_by_one(prompt, options)
    assert np.abs(fast - slow).max() < 1e-3


def test_the_cache_survives_growing_changing_and_shrinking_prompts(tiny):
    options = ["ab", "abc", "b", "a"]
    for prompt in ("hello there", "hello there and more", "hello where and more", "hell", "x", "hello there", "x", "x"):
        fast, slow = tiny.loglikelihood(prompt, options), tiny.loglikelihood_one_by_one(prompt, options)
        assert np.abs(fast - slow).max() < 1e-3, prompt


def test_only_new_tokens_are_computed(tiny):
    tiny.loglikelihood("a prompt of some length", ["a"])
    before = tiny.tokens_computed
    tiny.loglikelihood("a prompt of some length and", ["a"])
    assert tiny.tokens_computed - before == len(" and")


def test_the_contract_of_a_language_model(tiny):
    check_language_model(tiny)
    check_language_model(ScriptedModel(lambda prompt, text: -float(len(text))))


def test_a_model_that_breaks_the_contract_is_told_how():
    broken = ScriptedModel(lambda prompt, text: float("nan"))
    with pytest.raises(ValueError, match="finite"):
        check_language_model(broken)


def test_an_empty_prompt_is_refused(tiny):
    with pytest.raises(ValueError, match="at least one token"):
        tiny.loglikelihood("", ["a"])


START = Observation(0.0, RobotState((0, 0), 0.0, "user", None))


def test_golden_scores_of_the_real_model(real):
    """All phrases of the kitchen behind a real prompt: the same numbers and the same best phrase, to 1e-3."""
    phrases = [continuation(skill.phrase) for skill in SkillLibrary.of(load_scene())]
    prompt = transcript("bring me the orange", [], START)
    fast = real.loglikelihood(prompt, phrases)
    chosen = np.argsort(-fast)[:8].tolist() + list(range(0, len(phrases), 9))
    slow = real.loglikelihood_one_by_one(prompt, [phrases[i] for i in chosen])
    assert np.abs(fast[chosen] - slow).max() < 1e-3
    assert fast[chosen].argmax() == slow.argmax() == 0
    assert phrases[int(fast.argmax())] == " find the orange\n"


def test_the_real_model_generates(real):
    check_language_model(real)
    assert real.generate(transcript("bring me the orange", [], START), max_new_tokens=12) == " find the orange"
