"""Precision: what is lowered, how near it stays, and what 'auto' makes of it."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from doable.agent import precision
from doable.agent.language_model import ScriptedModel
from doable.agent.precision import Agreement, Int8Linear, PackedLinear, choose, lower, measure, situations


def bfloat16_linear(weight, bias):
    return PackedLinear(weight, bias, torch.bfloat16)


@pytest.mark.parametrize(("layer", "error"), [(PackedLinear, 1e-6), (bfloat16_linear, 0.01), (Int8Linear, 0.02)])
def test_a_lowered_layer_is_near_the_layer(layer, error):
    torch.manual_seed(0)
    full = nn.Linear(64, 32)
    x = torch.randn(2, 5, 64)
    x[0, 0] *= 100  # a token with inputs far larger than the rest must not spoil theirs
    expected, got = full(x), layer(full.weight, full.bias)(x)
    assert got.dtype == x.dtype
    assert got.shape == expected.shape
    off = (got - expected).norm(dim=-1) / expected.norm(dim=-1)
    assert off.max() < error


@pytest.mark.parametrize(("name", "error"), [("float32", 1e-5), ("bfloat16", 0.05), ("int8", 0.05)])
def test_lowering_spares_the_head_and_can_be_undone(name, error):
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=128, n_embd=32, n_layer=2, n_head=4, n_positions=64)).eval()
    ids, head = torch.tensor([[1, 2, 3, 4]]), model.lm_head
    before = model(input_ids=ids).logits
    undo = lower(model, name)
    lowered = model(input_ids=ids).logits
    assert (lowered - before).abs().max() < error
    hidden = torch.randn(1, 3, 32)
    assert (model.lm_head(hidden) - head(hidden)).abs().max() < 1e-5
    assert not any(type(m).__name__ == "Conv1D" for m in model.modules())
    undo()
    assert torch.equal(model(input_ids=ids).logits, before)


def test_agreement():
    one = np.array([-1.0, -2.0, -3.0, -4.0])
    assert Agreement.of([one, one], [one * 2, one - 1]) == Agreement(1.0, 1.0, 2)
    half = Agreement.of([one, one], [one, one[::-1]])
    assert (half.top1, half.rank) == (0.5, 0.0)
    assert Agreement(1.0, 0.999, 20).good
    assert not Agreement(1.0, 0.98, 20).good
    assert not Agreement(0.9, 0.999, 20).good


def test_situations_are_turns_that_offer_the_right_phrase():
    made = situations(2)
    assert len(made) >= 2
    assert all(prompt.endswith("Robot:") and len(options) > 40 for prompt, options in made)
    assert made == situations(2)


class Lowered(ScriptedModel):
    """A scripted model that int8 spoils and bfloat16 does not."""

    def __init__(self):
        super().__init__(lambda prompt, text: -float(hash_of(prompt + text)))
        self.precision, self.asked = "float32", 0

    def lower(self, name):
        self.precision = name
        return lambda: setattr(self, "precision", "float32")

    def loglikelihood(self, prompt, continuations):
        self.asked += 1
        values = super().loglikelihood(prompt, continuations)
        return values[::-1] if self.precision == "int8" else values


def hash_of(text):
    return int.from_bytes(text.encode()[-40:], "big") % 9973


def test_auto_takes_the_fastest_that_agrees_and_remembers(tmp_path):
    model, notes = Lowered(), tmp_path / "cache" / "precision.json"
    assert choose(model, "a/model", notes, possible=["int8", "bfloat16"]) == "bfloat16"
    assert model.precision == "float32"
    asked = model.asked
    assert choose(model, "a/model", notes, possible=["int8", "bfloat16"]) == "bfloat16"
    assert choose(model, "a/model", notes, possible=["int8"]) == "float32"
    assert choose(model, "a/model", notes, possible=[]) == "float32"
    assert model.asked == asked
    assert len(json.loads(notes.read_text())) == 2
    choose(model, "another/model", notes, possible=["int8"])
    assert model.asked > asked


def test_what_ships_is_not_measured_again(tmp_path, monkeypatch):
    shipped = tmp_path / "shipped.json"
    shipped.write_text(json.dumps({"ours+1a2b/bfloat16": {"top1": 1.0, "rank": 0.999, "decisions": 20}}))
    monkeypatch.setattr(precision, "SHIPPED", shipped)
    folder = tmp_path / "ours+1a2b"
    folder.mkdir()
    (folder / "doable.json").write_text("{}")
    model = Lowered()
    assert choose(model, folder, tmp_path / "notes.json", possible=["bfloat16"]) == "bfloat16"
    assert model.asked == 0


def test_measure_leaves_the_model_as_it_was():
    model = Lowered()
    measured = measure(model, ["int8", "bfloat16"], situations(1))
    assert measured["bfloat16"].top1 == 1.0
    assert measured["int8"].rank < 0.5
    assert model.precision == "float32"


def test_what_is_fast_is_read_off_the_processor():
    assert set(precision.fast_here()) <= {"bfloat16", "int8"}
