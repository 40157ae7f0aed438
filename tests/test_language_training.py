"""Any causal model can be taught to say skills: tiny random ones of three families, trained for a few steps."""

import itertools
import json

import pytest
import torch
import transformers as hf
from safetensors import safe_open
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from typer.testing import CliRunner

from doable.agent.cli import app
from doable.agent.episodes import episodes
from doable.agent.language_training import Recipe, base_of, encode, robots_loss, train
from doable.agent.models import ModelNotFound, load_model, merge_adapter, split_adapter
from doable.agent.token_batches import marks
from doable.sim.scene import training_scene

SMALL = {"vocab_size": 260, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
         "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 4096}  # fmt: skip
LLAMA = hf.LlamaForCausalLM, hf.LlamaConfig(**SMALL)
GPT2 = hf.GPT2LMHeadModel, hf.GPT2Config(vocab_size=260, n_embd=16, n_layer=2, n_head=2, n_positions=4096)
GEMMA = hf.Gemma3ForCausalLM, hf.Gemma3TextConfig(**SMALL, head_dim=8, sliding_window=64, final_logit_softcapping=2.0)
FAMILIES = {"llama": LLAMA, "gpt2": GPT2, "gemma3": GEMMA}
TWO_STEPS = Recipe(episodes=4, tokens_per_step=2400, rank=2, max_tokens=4096)


def letters(mark):
    """A byte-level tokenizer whose texts begin with <s>, if `mark` says so, as Gemma's do."""
    vocab = {w: i for i, w in enumerate(["<pad>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    made = Tokenizer(models.BPE(vocab, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    if mark:
        made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return hf.PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>", bos_token="<s>")


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request, tmp_path_factory):
    """A model of the family, saved."""
    torch.manual_seed(0)
    architecture, config = FAMILIES[request.param]
    model = architecture(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3)
    path = tmp_path_factory.mktemp(request.param)
    model.save_pretrained(path)
    letters(request.param == "gemma3").save_pretrained(path)
    return path


def taught(folder, out, work, **more):
    train(str(folder), out, work, TWO_STEPS, [], None, log=lambda _: None, **more)
    return out


@pytest.fixture(scope="module")
def adapter(folder, tmp_path_factory):
    made = tmp_path_factory.mktemp("adapter")
    return taught(folder, made / "taught.safetensors", made / "work")


def rows(folder, count=3):
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    mark, _ = marks(tokenizer)
    return [encode(e, tokenizer, mark) for e in itertools.islice(episodes(training_scene(), "train", 0), count)]


def full_loss(model, rows):
    """The obvious way: every row by itself, all logits of the model's own forward, the robot's tokens of them."""
    losses = []
    for ids, learn in rows:
        logprobs = model(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)
        losses += [-logprobs[i - 1, ids[i]] for i in range(1, len(ids)) if learn[i]]
    return torch.stack(losses).mean()


@torch.no_grad()
def test_the_loss_is_the_cross_entropy_of_the_models_own_forward(folder):
    from peft import LoraConfig, get_peft_model

    model = hf.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    some = rows(folder)
    expected = full_loss(model, some)
    tuned = get_peft_model(model, LoraConfig(target_modules="all-linear"))
    assert torch.allclose(robots_loss(tuned, some), expected, rtol=1e-5)
    assert torch.allclose(full_loss(model, some), expected)  # its head is as it was


@torch.no_grad()
def test_a_taught_model_says_more_likely_what_the_robot_says(folder, adapter):
    plain, tuned = (hf.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32) for _ in range(2))
    merge_adapter(tuned, adapter)
    some = rows(folder, 4)
    assert full_loss(tuned, some) < full_loss(plain, some)


@torch.no_grad()
def test_the_merged_model_is_the_one_that_was_trained(folder, adapter):
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    from doable.agent.language_training import read_adapter

    merged, plain = (hf.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32) for _ in range(2))
    merge_adapter(merged, adapter)
    config = LoraConfig(r=TWO_STEPS.rank, lora_alpha=int(TWO_STEPS.alpha), target_modules="all-linear")
    trained = get_peft_model(plain, config)
    set_peft_model_state_dict(trained, read_adapter(adapter))
    ids = torch.tensor([rows(folder, 1)[0][0]])
    assert torch.allclose(merged(ids).logits, trained(ids).logits, atol=1e-4)


def test_every_linear_layer_but_the_head_is_taught(folder, adapter):
    with safe_open(adapter, "pt") as file:
        changed = {name.rpartition(".")[0] for name in file.keys()}  # noqa: SIM118 (not a dict)
        about = file.metadata()
    model = hf.AutoModelForCausalLM.from_pretrained(folder)
    linear = (torch.nn.Linear, hf.pytorch_utils.Conv1D)
    assert changed == {n for n, m in model.named_modules() if isinstance(m, linear) and n != "lm_head"}
    assert about["base"] == base_of(str(folder)) == json.loads(about["recipe"])["base"]
    assert about["base"].startswith(folder.name)


def assert_same(one, other):
    one, other = load_file(one), load_file(other)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_training_goes_on_where_it_was_stopped_and_twice_is_the_same(folder, adapter, tmp_path, monkeypatch):
    again = taught(folder, tmp_path / "again.safetensors", tmp_path / "again")
    assert_same(again, adapter)
    monkeypatch.setattr("doable.agent.language_training.SAVE_EVERY", 1)

    def stop(line):
        if "step 1/" in line:
            monkeypatch.setattr("doable.agent.language_training.robots_loss", interrupted)

    def interrupted(*_):
        raise KeyboardInterrupt

    told = []
    with pytest.raises(KeyboardInterrupt):
        train(str(folder), tmp_path / "b.safetensors", tmp_path / "w", TWO_STEPS, [], None, log=stop)
    monkeypatch.setattr("doable.agent.language_training.robots_loss", robots_loss)
    monkeypatch.setattr("doable.agent.language_training.distinct_episodes", None)  # nothing is drawn twice
    train(str(folder), tmp_path / "b.safetensors", tmp_path / "w", TWO_STEPS, [], None, log=told.append)
    assert "going on from step 1" in told
    assert_same(tmp_path / "b.safetensors", adapter)


def test_the_result_is_used_by_the_name_of_model_and_adapter(folder, adapter):
    plain, tuned = load_model(str(folder)), load_model(f"{folder}+{adapter}")
    assert tuned.name == f"{folder}+taught"
    assert tuned.says_skills
    assert not plain.says_skills
    asked = ("User: bring me the coke\nRobot:", [" find the coke\n", " done\n"])
    assert (tuned.loglikelihood(*asked) != plain.loglikelihood(*asked)).any()
    assert (load_model(f"{folder}+{adapter}:plain").loglikelihood(*asked) == plain.loglikelihood(*asked)).all()


def test_an_adapter_of_another_model_is_refused(folder, adapter, tmp_path):
    wide = hf.LlamaForCausalLM(hf.LlamaConfig(**{**SMALL, "hidden_size": 24}))
    wide.save_pretrained(tmp_path / "wide")
    letters(False).save_pretrained(tmp_path / "wide")
    with pytest.raises(ValueError, match=f"made for {folder.name}"):
        load_model(f"{tmp_path / 'wide'}+{adapter}")
    with pytest.raises(ValueError, match="to start from, got taught"):
        taught(tmp_path / "wide", tmp_path / "no.safetensors", tmp_path / "work", start=adapter)


def test_only_causal_models_of_this_machine_are_taught(tmp_path):
    small = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 60}
    hf.T5ForConditionalGeneration(hf.T5Config(**small)).save_pretrained(tmp_path / "t5")
    for model, words in ((tmp_path / "t5", "family is seq2seq"), ("http://localhost:1/v1", "local folder")):
        with pytest.raises(ValueError, match=words):
            taught(model, tmp_path / "no.safetensors", tmp_path / "work")


def test_a_name_is_parted_at_the_adapters_file(tmp_path):
    file = tmp_path / "a+b.safetensors"
    file.touch()
    assert split_adapter(f"c++/model+{file}") == ("c++/model", file)
    assert split_adapter("owner/model") == ("owner/model", None)
    with pytest.raises(ModelNotFound, match="MODEL\\+FILE"):
        split_adapter(f"model+{tmp_path / 'none.safetensors'}")


def test_the_command_takes_a_model(tmp_path):
    given = ["--model", str(tmp_path), "--out", str(tmp_path / "a.safetensors"), "--work", str(tmp_path / "work")]
    done = CliRunner().invoke(app, ["train", "language", *given])
    assert done.exit_code == 2
    assert "config.json" in done.stderr
