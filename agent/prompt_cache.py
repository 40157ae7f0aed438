"""What a causal model has read of its prompts: key/value caches that carry over from call to call.

A prompt is computed only from where it first differs from the one that was read before and begins most like it: the
next turn costs its new words alone, the next subgoal what follows the words they share. A few prompts are kept, so that
taking turns between some (a neutral prompt, other wordings, the last subgoal) does not start anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

_KEPT = 4
"""Prompts: of 300 tokens, each takes 14 MB with the default model."""


def fork(cache: Any, count: int) -> Any:
    """A cache of the first `count` tokens of `cache`, to go on from; `cache` stays as it is."""
    from transformers import DynamicCache

    new = DynamicCache()
    if count:
        for index, layer in enumerate(cache.layers):
            new.update(layer.keys[..., :count, :], layer.values[..., :count, :], index)
    return new


class Reading:
    """A prompt that was read: its tokens, their keys and values, and what the model expects next."""

    def __init__(self, tokens: list[int], cache: Any, following: torch.Tensor):
        self.tokens, self.cache, self.following = tokens, cache, following
        """following: (V,) float32 log-probabilities of the next token."""


class PromptCache:
    """The prompts read last by one model."""

    def __init__(self, model: Any, kept: int = _KEPT):
        self._model, self._kept = model, kept
        self._readings: list[Reading] = []
        """The one used last at the end."""
        self.computed = 0
        """Prompt tokens that went through the model so far."""

    def forget(self) -> None:
        """Start anew: the model has changed."""
        self._readings = []

    def read(self, tokens: Sequence[int]) -> Reading:
        """The reading of exactly `tokens`; only what no earlier reading has is computed."""
        if not len(tokens):
            raise ValueError("Expected a prompt of at least one token, got an empty one.")
        tokens = list(tokens)
        nearest = max(self._readings, key=lambda reading: _common(reading.tokens, tokens), default=None)
        common = _common(nearest.tokens, tokens) if nearest else 0
        if nearest and common == len(nearest.tokens) == len(tokens):
            self._use(nearest)
            return nearest
        known = min(common, len(tokens) - 1)  # the last one is computed in any case: it tells what follows
        cache = fork(nearest.cache if nearest else None, known)
        new = torch.tensor([tokens[known:]])  # (1, new tokens)
        out = self._model(input_ids=new, past_key_values=cache, logits_to_keep=1)
        self.computed += len(tokens) - known
        if nearest and common == len(nearest.tokens):
            self._readings.remove(nearest)  # it has only grown: the longer one serves for both
        reading = Reading(tokens, cache, out.logits[0, -1].float().log_softmax(-1))
        self._use(reading)
        return reading

    def _use(self, reading: Reading) -> None:
        self._readings = [*(other for other in self._readings if other is not reading), reading][-self._kept :]


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the beginning they share."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
