"""Where models come from, and what is said when one is not there."""

import pytest
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

from doable.agent import models
from doable.agent.models import ModelNotFound, load_model, merge_adapter

CONFIG = LlamaConfig(
    vocab_size=64,
    hidden_size=16,
    intermediate_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    num_key_value_heads=1,
)


def adapter(path, module="model.layers.0.self_attn.q_proj", rank=2, inputs=16, outputs=16, **metadata):
    torch.manual_seed(1)
    tensors = {f"{module}.lora_A": torch.randn(rank, inputs), f"{module}.lora_B": torch.randn(outputs, rank)}
    save_file(tensors, path, {"format": "doable-lora-1", "rank": str(rank), "alpha": "4", **metadata})
    return tensors


def test_an_adapter_adds_its_low_rank_product(tmp_path):
    model = LlamaForCausalLM(CONFIG)
    before = model.model.layers[0].self_attn.q_proj.weight.clone()
    tensors = adapter(tmp_path / "a.safetensors")
    merge_adapter(model, tmp_path / "a.safetensors")
    a, b = tensors.values() if next(iter(tensors)).endswith("A") else reversed(tensors.values())
    assert torch.allclose(model.model.layers[0].self_attn.q_proj.weight, before + 4 / 2 * b @ a, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "words"),
    [({"format": "other"}, "format"), ({"module": "no.such"}, "lacks"), ({"inputs": 8}, "lacks")],
)
def test_an_adapter_that_does_not_fit_is_refused(tmp_path, given, words):
    adapter(tmp_path / "a.safetensors", **given)
    with pytest.raises(ValueError, match=words):
        merge_adapter(LlamaForCausalLM(CONFIG), tmp_path / "a.safetensors")


def test_an_unknown_name_tells_the_nearest():
    with pytest.raises(ModelNotFound, match="smollm2-135m-instruct"):
        load_model("smollm-135")


def test_a_missing_model_tells_three_ways(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "_WHEEL", {models.DEFAULT: "no_such_wheel"})
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelNotFound, match=r"pip install .*--model FOLDER.*HF_HUB_OFFLINE"):
        load_model(cache=tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelNotFound, match=r"config\.json"):
        load_model(str(tmp_path))


def test_the_shipped_adapter_is_part_of_the_default_model():
    assert load_model().name == "smollm2-135m-instruct+planner"
    assert load_model("smollm2-135m-instruct:plain").name == "smollm2-135m-instruct"
