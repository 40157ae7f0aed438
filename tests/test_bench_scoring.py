"""`doable bench scoring`: what it times, on a tiny random model; never how long it takes."""

import json

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from doable.agent import scoring_cases
from doable.agent.bench_scoring import bench_scoring
from doable.agent.causal_lm import CausalLM
from doable.agent.machine import peak_gflops, peak_memory, products
from doable.agent.phrase_tree import PhraseTree
from doable.agent.precision import Int8Linear, PackedLinear


class Bytes:
    """A tokenizer of bytes, five to a token of its own where a word allows."""

    eos_token_id = 0

    def __call__(self, text, add_special_tokens=False):
        return {"input_ids": [b % 256 for b in text.encode()]}

    def decode(self, tokens):
        return bytes(tokens).decode(errors="replace")


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=256, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=2048, initializer_range=0.5,
    )  # fmt: skip
    return CausalLM(LlamaForCausalLM(config), Bytes(), name="tiny")


@pytest.fixture(scope="module")
def summary(tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("bench") / "scoring"
    made = bench_scoring(
        tiny, precision="bfloat16", out=out, counts=(4, 12), prompt_tokens=500, repeats=1, quick=True, harness=False
    )
    return made, out


def test_every_way_is_timed(summary):
    made, _ = summary
    ways = {(row.way, row.precision, row.phrases, row.turn) for row in made.rows}
    for count in (4, 12):
        for precision in ("float32", "bfloat16"):
            for way in ("full", "best-first"):
                assert {(way, precision, count, "first"), (way, precision, count, "later")} <= ways
        assert {("batched", "float32", count, "later"), ("one by one", "float32", count, "each")} <= ways
    assert all(row.seconds > 0 and row.tokens > 0 for row in made.rows)


def test_the_figures_are_written(summary):
    made, out = summary
    figures = json.loads((out / "summary.json").read_text())
    assert figures == made.figures
    assert figures["max_abs_logprob_error"] < 1e-3
    assert 0 < figures["best_first_node_share"] <= 1
    assert {"later_turn_seconds_12", "later_turn_seconds_12_float32", "ratio_vs_batched_12", "peak_share"} <= set(
        figures
    )
    assert {"bfloat16_top1", "int8_rank", "best_first_node_share_unmasked"} <= set(figures)
    assert json.loads((out / "origin.json").read_text())["precision"] == "bfloat16"
    assert len(json.loads((out / "rows.json").read_text())) == len(made.rows)
    assert "| best-first | bfloat16 | 12 | later |" in (out / "table.md").read_text()


def test_tokens_are_what_goes_through_the_model(summary):
    made, _ = summary
    tokens = {(row.way, row.phrases, row.turn): row.tokens for row in made.rows if row.precision == "float32"}
    assert tokens["full", 12, "later"] < tokens["full", 12, "first"] < tokens["one by one", 12, "each"]
    assert tokens["best-first", 12, "first"] < tokens["full", 12, "first"]


def test_the_model_is_left_as_it_was(summary, tiny):
    assert tiny.precision == "float32"
    assert not any(isinstance(m, PackedLinear | Int8Linear) for m in tiny.model.modules())


def test_phrases_are_nested_and_distinct():
    most = scoring_cases.phrases(551)
    assert len(set(most)) == 551
    assert most[:50] == scoring_cases.phrases(50)
    assert {"done", "pick up the", "go to the"} <= {p if p == "done" else " ".join(p.split()[:3]) for p in most}
    with pytest.raises(ValueError, match="at most"):
        scoring_cases.phrases(5000)


def test_values_are_those_of_an_empty_hand():
    made = scoring_cases.phrases(370)
    can = scoring_cases.can(made, 0)
    assert np.array_equal(can, scoring_cases.can(made, 0))
    by_verb = {verb: can[[p.startswith(verb) for p in made]] for verb in ("find", "pick up", "put down", "bring")}
    assert (by_verb["find"] > 0.4).all()
    assert (by_verb["pick up"] > 0).sum() == 6
    assert not by_verb["put down"].any()
    assert not by_verb["bring"].any()
    assert (scoring_cases.unmasked(made, 0) >= 0.5).all()


@pytest.mark.parametrize("length", [300, 437])
def test_prompts_have_the_length_asked_for_and_grow_at_their_end(length):
    first, *later = scoring_cases.turns(length, lambda text: len(text.split()), seed=3)
    assert length <= len(first.split()) < length + 4
    assert first.endswith("\nRobot:")
    for turn in later:
        assert turn.startswith(first)
        first = turn


def test_the_machine_is_measured():
    assert all(peak_gflops(name, size=64, tries=2) > 0 for name in ("float32", "bfloat16", "int8"))
    assert products(torch.nn.Sequential(torch.nn.Linear(3, 5)), tokens=7) == 2 * 3 * 5 * 7
    with peak_memory() as peak:
        kept = np.ones(30_000_000)
        after = peak()
    assert kept.sum() == 30_000_000
    assert after is None or after > 200


def test_the_tree_is_far_smaller_than_the_phrases():
    made = [[ord(c) for c in phrase] for phrase in scoring_cases.phrases(370)]
    assert len(PhraseTree.build(made).inner()) < sum(map(len, made)) / 2
