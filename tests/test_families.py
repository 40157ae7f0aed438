"""Every family of language model, tiny and random: the contract, and the same numbers as the slow, obvious way."""

import numpy as np
import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from doable.agent import token_batches
from doable.agent.causal_lm import CausalLM
from doable.agent.families import family_of, scorer
from doable.agent.language_model import check_language_model
from doable.agent.masked_lm import MaskedLM
from doable.agent.models import load_model
from doable.agent.permutation_lm import PermutationLM
from doable.agent.seq2seq_lm import Seq2SeqLM
from doable.agent.uncached_lm import UncachedLM

PROMPT = "User: bring me the coke\nRobot: find the coke\nRobot:"
PHRASES = [
    " find the coke\n",
    " find the sponge\n",
    " pick up the coke\n",
    " find the coke can\n",
    " done\n",
    " done\n",
]
WORDS = "User : bring me the coke Robot find sponge pick up can done The robot says You are a Something else entirely ."
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


def tokenizer(before=(), after=(), **special):
    """Words and parts of words, with a family's marks around a text; it knows no line ends, like BERT's and T5's."""
    marks = ["<pad>", "<unk>", "<s>", "</s>", "<mask>", "<eop>"]
    words = [*marks, *dict.fromkeys(WORDS.split()), "sp", "##onge", "##ay", "##er"]
    words.remove("sponge")
    made = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    template = " ".join([*before, "$A", *after])
    made.post_processor = processors.TemplateProcessing(template, special_tokens=[(m, words.index(m)) for m in marks])
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", unk_token="<unk>", eos_token="</s>", **special
    )


def letters(before=(), after=(), **special):
    """A byte-level tokenizer: every text has tokens, line ends too, like GPT's, BART's and RoBERTa's."""
    marks = ["<pad>", "<s>", "</s>", "<mask>"]
    vocab = {w: i for i, w in enumerate([*marks, *sorted(pre_tokenizers.ByteLevel.alphabet()), "Ġt", "he", "Ġthe"])}
    made = Tokenizer(models.BPE(vocab, [("Ġ", "t"), ("h", "e"), ("Ġt", "he")]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    template = " ".join([*before, "$A", *after])
    made.post_processor = processors.TemplateProcessing(template, special_tokens=[(m, vocab[m]) for m in marks])
    return hf.PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>", **special)


def random(architecture, config):
    """Weights large enough that every token a model reads makes a difference."""
    torch.manual_seed(0)
    model = architecture(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3)
    return model


def t5():
    config = hf.T5Config(
        vocab_size=60, d_model=32, d_ff=64, d_kv=8, num_layers=2, num_heads=4, decoder_start_token_id=0, pad_token_id=0,
        eos_token_id=3,
    )  # fmt: skip
    return Seq2SeqLM(random(hf.T5ForConditionalGeneration, config), tokenizer(after=["</s>"]), name="tiny t5")


def bart():
    config = hf.BartConfig(
        vocab_size=270, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=128, pad_token_id=0,
        bos_token_id=1, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2,
    )  # fmt: skip
    words = letters(["<s>"], ["</s>"], bos_token="<s>")
    return Seq2SeqLM(random(hf.BartForConditionalGeneration, config), words, name="tiny bart")


def bert(within_word=False):
    model = random(hf.BertForMaskedLM, hf.BertConfig(vocab_size=60, max_position_embeddings=128, **SMALL))
    words = tokenizer(["<s>"], ["</s>"], cls_token="<s>", sep_token="</s>", mask_token="<mask>")
    return MaskedLM(model, words, name="tiny bert", within_word=within_word)


def roberta():
    config = hf.RobertaConfig(vocab_size=270, max_position_embeddings=130, pad_token_id=0, **SMALL)
    words = letters(["<s>"], ["</s>"], bos_token="<s>", mask_token="<mask>")
    return MaskedLM(random(hf.RobertaForMaskedLM, config), words, name="tiny roberta")


def albert():
    config = hf.AlbertConfig(vocab_size=60, embedding_size=16, max_position_embeddings=128, **SMALL)
    words = tokenizer(["<s>"], ["</s>"], cls_token="<s>", sep_token="</s>", mask_token="<mask>")
    return MaskedLM(random(hf.AlbertForMaskedLM, config), words, name="tiny albert")


def distilbert():
    config = hf.DistilBertConfig(vocab_size=60, dim=32, n_layers=2, n_heads=4, hidden_dim=64)
    words = tokenizer(["<s>"], ["</s>"], cls_token="<s>", sep_token="</s>", mask_token="<mask>")
    return MaskedLM(random(hf.DistilBertForMaskedLM, config), words, name="tiny distilbert")


def xlnet():
    config = hf.XLNetConfig(vocab_size=60, d_model=32, n_layer=2, n_head=4, d_inner=64)
    words = tokenizer(after=["</s>", "<s>"], sep_token="</s>", cls_token="<s>", mask_token="<mask>")
    return PermutationLM(random(hf.XLNetLMHeadModel, config), words, name="tiny xlnet")


FAMILIES = [t5, bart, bert, roberta, albert, distilbert, xlnet]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda make: make.__name__)
def model(request):
    return request.param()


def test_every_family_keeps_the_contract(model):
    check_language_model(model)
    assert not model.says_skills


def test_batches_equal_the_obvious_way(model, monkeypatch):
    monkeypatch.setattr(token_batches, "ROWS", 3)
    for prompt, phrases in ((PROMPT, [*PHRASES, " done", "\n"]), ("Robot:", PHRASES[::-1])):
        fast, slow = model.loglikelihood(prompt, phrases), model.loglikelihood_one_by_one(prompt, phrases)
        assert np.abs(fast - slow).max() < 1e-3
        assert np.abs(fast).max() > 1


def test_the_prompt_matters(model):
    other = "The robot says:"
    assert np.abs(model.loglikelihood(PROMPT, PHRASES) - model.loglikelihood(other, PHRASES)).max() > 0.01


def test_what_a_model_writes_ends_at_the_stop(model):
    text = model.generate(PROMPT, max_new_tokens=12, stop="e")
    assert "e" not in text
    assert len(model.generate([("human", "bring me the coke")], max_new_tokens=3).split()) <= 4


@pytest.mark.parametrize("make", [bart, bert, roberta])
def test_a_prompt_beyond_the_window_is_refused(make):
    with pytest.raises(ValueError, match=r"at most 12\d tokens .*--prompt-tokens"):
        make().loglikelihood("the coke " * 128, PHRASES)


@pytest.mark.parametrize("make", [bart, bert, roberta])
def test_a_prompt_that_just_fits_is_read(make):
    """Every position that there is can be used, and none beyond."""
    model = make()
    room = model.window - (model.count_tokens(" done") if isinstance(model, MaskedLM) else 0)
    prompt = " the" * room
    assert model.count_tokens(prompt) == room
    assert np.isfinite(model.loglikelihood(prompt, [" done"])).all()


# What is particular to a family.


def test_the_encoder_reads_a_prompt_once():
    model = t5()
    model.loglikelihood(PROMPT, PHRASES)
    prompt = model.count_tokens(PROMPT)
    before = model.tokens_computed
    model.loglikelihood(PROMPT, PHRASES)
    assert 0 < model.tokens_computed - before < prompt * len(PHRASES)


def test_the_answer_of_a_seq2seq_model_ends_with_its_end_token():
    for model in (t5(), bart()):
        assert model.target(" done\n")[-1] == model._tokenizer.eos_token_id
        assert model.target(" done\n")[:-1] == model.target("done")


def test_permutation_probabilities_sum_to_one():
    """Over all tokens in the place of one: it is a distribution, not a score."""
    model = xlnet()
    vocabulary = torch.arange(60)[:, None]
    memory = model._memory(model._tokenizer(PROMPT, add_special_tokens=False)["input_ids"])
    with torch.inference_mode():
        logprobs = model._logits(vocabulary, memory).log_softmax(-1)[torch.arange(60), 0, vocabulary[:, 0]]
    assert float(logprobs.exp().sum()) == pytest.approx(1, abs=1e-4)


def test_parts_of_a_word_do_not_give_each_other_away():
    """The variant differs where a word has several tokens, and only there."""
    plain, variant = (bert(within_word=within_word) for within_word in (False, True))
    assert plain.count_tokens(" sponge") == 2
    one, other = (model.loglikelihood(PROMPT, [" sponge\n", " done\n"]) for model in (plain, variant))
    assert abs(one[0] - other[0]) > 0.01
    assert one[1] == pytest.approx(other[1], abs=1e-5)
    assert np.abs(other - variant.loglikelihood_one_by_one(PROMPT, [" sponge\n", " done\n"])).max() < 1e-3


# Causal models: the same prefix-tree code for all, and another way where an architecture can't be told who sees whom.

BUILT = {"vocab_size": 270, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
GROUPED = BUILT | {"intermediate_size": 64, "num_key_value_heads": 2}
CAUSAL = {
    "gpt2": (hf.GPT2LMHeadModel, hf.GPT2Config(vocab_size=270, n_embd=32, n_layer=2, n_head=4, n_positions=256)),
    "opt": (hf.OPTForCausalLM, hf.OPTConfig(ffn_dim=64, word_embed_proj_dim=32, max_position_embeddings=256, **BUILT)),
    "bloom": (hf.BloomForCausalLM, hf.BloomConfig(vocab_size=270, hidden_size=32, n_layer=2, n_head=4)),
    "llama": (hf.LlamaForCausalLM, hf.LlamaConfig(**GROUPED)),
    "neox": (hf.GPTNeoXForCausalLM, hf.GPTNeoXConfig(intermediate_size=64, **BUILT)),
    "qwen2": (hf.Qwen2ForCausalLM, hf.Qwen2Config(**GROUPED)),
    "mpt": (hf.MptForCausalLM, hf.MptConfig(vocab_size=270, d_model=32, n_heads=4, n_layers=2, max_seq_len=256)),
    "window": (hf.MistralForCausalLM, hf.MistralConfig(sliding_window=16, **GROUPED)),
    "local": (
        hf.GPTNeoForCausalLM,
        hf.GPTNeoConfig(
            vocab_size=270, hidden_size=32, num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]],
            window_size=16, max_position_embeddings=256,
        ),
    ),
    "mamba": (hf.MambaForCausalLM, hf.MambaConfig(vocab_size=270, hidden_size=32, num_hidden_layers=2, state_size=4)),
}  # fmt: skip


@pytest.fixture(scope="module", params=CAUSAL)
def causal(request):
    return scorer(random(*CAUSAL[request.param]), letters(), name=request.param)


def test_every_causal_architecture_is_exact(causal):
    """From prompt to prompt: grown, cut, changed in the middle, come back to."""
    for prompt in ("Robot:", PROMPT, PROMPT + " done\nRobot:", PROMPT[:20] + "x", "Robot:", PROMPT):
        fast, slow = causal.loglikelihood(prompt, PHRASES), causal.loglikelihood_one_by_one(prompt, PHRASES)
        assert np.abs(fast - slow).max() < 1e-3
        assert fast.argmax() == slow.argmax()


def test_every_causal_architecture_keeps_the_contract(causal):
    check_language_model(causal)


def test_best_first_equals_the_full_pass_whatever_the_architecture(causal):
    if isinstance(causal, UncachedLM):
        assert not hasattr(causal, "best_first")
        return
    can = np.linspace(0.2, 1, len(PHRASES))
    totals = causal.loglikelihood_one_by_one(PROMPT, PHRASES) + np.log(can)
    found = causal.best_first(PROMPT, PHRASES, can)
    assert totals[found.phrases[0]] == pytest.approx(totals.max(), abs=1e-3)
    assert found.log_say[0] + np.log(can[found.phrases[0]]) == pytest.approx(totals.max(), abs=1e-3)


@pytest.mark.parametrize("architecture", ["opt", "mamba"])
def test_a_prompt_begins_with_the_mark_that_the_model_knows(architecture):
    """As its tokenizer does it by default; a continuation goes on with the text and has none."""
    model, words = random(*CAUSAL[architecture]), letters(["<s>"], ["</s>"], bos_token="<s>")
    tokens = [1, *words(PROMPT + " done", add_special_tokens=False)["input_ids"]]
    said = words.decode(tokens[1:])
    assert said == PROMPT + " done"
    with torch.inference_mode():
        logprobs = model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0].log_softmax(-1)
    expected = sum(float(logprobs[i - 1, tokens[i]]) for i in range(len(tokens) - len(" done"), len(tokens)))
    assert scorer(model, words, name="marked").loglikelihood(PROMPT, [" done"]) == pytest.approx([expected], abs=1e-3)


def test_causal_models_tell_their_window():
    """So that prompts can keep to it."""
    windows = {name: scorer(random(*CAUSAL[name]), letters(), name=name).window for name in ("gpt2", "opt", "bloom")}
    assert windows == {"gpt2": 256, "opt": 256, "bloom": None}


def test_only_recurrent_models_are_read_anew():
    assert isinstance(scorer(random(*CAUSAL["mamba"]), letters(), name="mamba"), UncachedLM)
    assert isinstance(scorer(random(*CAUSAL["bloom"]), letters(), name="bloom"), CausalLM)


# Which family a model is of.


@pytest.mark.parametrize(
    ("config", "family"),
    [
        (hf.GPT2Config(), "causal"),
        (hf.LlamaConfig(), "causal"),
        (hf.OPTConfig(), "causal"),
        (hf.BloomConfig(), "causal"),
        (hf.T5Config(), "seq2seq"),
        (hf.BartConfig(architectures=["BartModel"]), "seq2seq"),
        (hf.BertConfig(), "masked"),
        (hf.BertConfig(architectures=["BertForMaskedLM"]), "masked"),
        (hf.BertConfig(architectures=["BertLMHeadModel"], is_decoder=True), "causal"),
        (hf.RobertaConfig(architectures=["RobertaForMaskedLM"]), "masked"),
        (hf.AlbertConfig(), "masked"),
        (hf.DistilBertConfig(), "masked"),
        (hf.XLNetConfig(), "permutation"),
    ],
    ids=lambda value: getattr(value, "model_type", value),
)
def test_the_configuration_says_the_family(config, family):
    assert family_of(config) == family


def test_a_model_without_words_is_refused():
    with pytest.raises(ValueError, match="'vit', which gives no words"):
        family_of(hf.ViTConfig())


def test_a_folder_is_read_as_its_family(tmp_path, model):
    """Saved and loaded through `--model FOLDER`, the same scores come out."""
    folder = tmp_path / model.name.replace(" ", "-")
    model._model.save_pretrained(folder)
    model._tokenizer.save_pretrained(folder)
    loaded = load_model(str(folder))
    assert type(loaded) is type(model)
    assert np.abs(loaded.loglikelihood(PROMPT, PHRASES) - model.loglikelihood(PROMPT, PHRASES)).max() < 1e-3
