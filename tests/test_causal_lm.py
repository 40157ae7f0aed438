"""Scores in one pass equal scores one by one: on a tiny random model, and on the real one."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    OPTConfig,
)

from doable.agent import tree_pass
from doable.agent.causal_lm import CausalLM
from doable.agent.language_model import ScriptedModel, check_language_model
from doable.agent.models import load_model
from doable.agent.prompts import continuation, transcript
from doable.agent.scoring import score
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
CAN = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(prompt=WORDS, options=st.lists(WORDS, min_size=1, max_size=10), run=st.integers(1, 9))
def test_one_pass_equals_one_by_one(tiny, prompt, options, run):
    """Whatever the tree, and wherever it is cut into runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree_pass, "RUN", run)
        fast = tiny.loglikelihood(prompt, options)
    slow = tiny.loglikelihood_one_by_one(prompt, options)
    assert np.abs(fast - slow).max() < 1e-3
    assert np.abs(tiny.loglikelihood_batched(prompt, options, batch=3) - slow).max() < 1e-3
    apart = np.abs(slow[:, None] - slow) > 2e-3
    assert (np.sign(fast[:, None] - fast)[apart] == np.sign(slow[:, None] - slow)[apart]).all()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    prompt=WORDS, options=st.lists(st.tuples(WORDS, CAN), min_size=1, max_size=10, unique_by=lambda o: o[0]),
    count=st.integers(1, 3),
)  # fmt: skip
def test_best_first_equals_the_full_pass(tiny, prompt, options, count):
    texts, can = [text for text, _ in options], np.array([value for _, value in options])
    found = tiny.best_first(prompt, texts, can, count=count)
    log_say = tiny.loglikelihood(prompt, texts)
    assert np.abs(found.log_say - log_say[found.phrases]).max(initial=0) < 1e-3
    scores = np.sort(score(log_say, can)[can > 0])[::-1][:count]
    assert np.abs(score(found.log_say, can[found.phrases])[: found.best] - scores).max(initial=0) < 1e-3
    assert found.best == len(scores)


def test_a_big_tree_costs_its_nodes(tiny):
    """400 phrases: every inner node goes through the model once, in runs, whatever the phrases' number."""
    options = [f"{verb}{a}{b}{c}\n" for verb in "xy" for a in "abcdefghij" for b in "abcdefghij" for c in "kl"]
    before = tiny.tokens_computed
    fast = tiny.loglikelihood("what now?", options)
    assert tiny.tokens_computed - before == len("what now?") + 2 + 20 + 200 + 400
    some = list(range(0, 400, 23))
    assert np.abs(fast[some] - tiny.loglikelihood_one_by_one("what now?", [options[i] for i in some])).max() < 1e-3


FAMILIES = {
    "gpt2": GPT2Config(vocab_size=128, n_embd=32, n_layer=2, n_head=4, n_positions=128),
    "opt": OPTConfig(
        vocab_size=128, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64,
        max_position_embeddings=128, word_embed_proj_dim=32,
    ),
    "bloom": BloomConfig(vocab_size=128, hidden_size=32, n_layer=2, n_head=4),
    "neox": GPTNeoXConfig(
        vocab_size=128, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
    ),
    "sliding window": MistralConfig(**TINY, sliding_window=8),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_causal_model_is_exact(family):
    """By trees where its attention takes our mask, in batches where not."""
    torch.manual_seed(0)
    config = FAMILIES[family]
    config.initializer_range = 0.5  # as decided as a trained model, so that a wrong mask shows
    model = CausalLM(AutoModelForCausalLM.from_config(config), Letters(), name=family)
    options = ["ab", "abc", "b", "a", "acb ", "aab"]
    for prompt in ("hi", "hello there and more"):
        fast, slow = model.loglikelihood(prompt, options), model.loglikelihood_one_by_one(prompt, options)
        assert np.abs(fast - slow).max() < 1e-3
    found = model.best_first("hi", options, np.ones(len(options)))
    assert found.phrases[0] == model.loglikelihood_one_by_one("hi", options).argmax()


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


def test_turns_between_prompts_are_kept(tiny):
    one, other = "the first goal, some steps", "the second goal, some steps"
    for prompt in (one, other):
        tiny.loglikelihood(prompt, ["a"])
    before = tiny.tokens_computed
    for prompt in (one + "!", other + "!", one + "!"):
        tiny.loglikelihood(prompt, ["a"])
    assert tiny.tokens_computed - before == 2
    tiny.loglikelihood("the first good", ["a"])
    assert tiny.tokens_computed - before == 2 + len("od")


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
    found = real.best_first(prompt, phrases, np.ones(len(phrases)), count=3)
    assert found.phrases[:3].tolist() == np.argsort(-fast)[:3].tolist()
    assert np.abs(found.log_say - fast[found.phrases]).max() < 1e-3
    assert found.expanded < found.nodes / 3


def test_the_real_model_generates(real):
    check_language_model(real)
    assert real.generate(transcript("bring me the orange", [], START), max_new_tokens=12) == " find the orange"
