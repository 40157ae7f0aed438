"""Causal models whose past can't be cut back (Mamba and other recurrent ones): whole passes, batched, exact and slow.

What such a model keeps of a prompt is a state and not a list of tokens, so there is nothing that phrases could share
token by token. Prompt and continuation are read together, many rows at a time.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from . import token_batches
from .messages import joined, rendered
from .prompt_cache import PromptCache

if TYPE_CHECKING:
    from .messages import Messages


@torch.inference_mode()
def keeps_tokens(model: Any) -> bool:
    """Can a causal model go on from the middle of what it has read? Tried on a few tokens."""
    size = model.config.get_text_config().vocab_size
    one, other = ([(7 * i + 3) % size for i in row] for row in ((1, 2, 3, 4), (1, 2, 5, 6, 7)))
    try:
        cache = PromptCache(model)
        cache.read(one)
        found = cache.read(other).following
    except (TypeError, ValueError, RuntimeError, IndexError, AttributeError):
        return False  # it has no such cache
    whole = model(input_ids=torch.tensor([other]), use_cache=False).logits[0, -1].float().log_softmax(-1)
    return bool(torch.allclose(found, whole, atol=1e-3 if model.dtype == torch.float32 else 0.1))


class UncachedLM:
    """The `LanguageModel` contract, exact."""

    def __init__(self, model: Any, tokenizer: Any, *, name: str, says_skills: bool = False):
        self._model, self._tokenizer, self.name = model.eval(), tokenizer, name
        self.says_skills = says_skills
        self._mark, _ = token_batches.marks(tokenizer)
        self._trims = "logits_to_keep" in inspect.signature(model.forward).parameters
        self.tokens_computed = 0
        """Tokens that went through the model so far."""

    def count_tokens(self, text: str) -> int:
        """Length of a text for this model."""
        return len(token_batches.plain(self._tokenizer, text))

    @torch.inference_mode()
    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """(n,) natural logs of P(continuation | prompt)."""
        before = self._begin(prompt)
        if not before:
            raise ValueError("Expected a prompt of at least one token, got an empty one.")
        encoded = {text: token_batches.plain(self._tokenizer, text) for text in dict.fromkeys(continuations)}
        values = {text: 0.0 for text, tokens in encoded.items() if not tokens}
        for texts in token_batches.batches([t for t in encoded if encoded[t]], length=lambda t: len(encoded[t])):
            # What a row is filled up with stands behind its words, where they don't look.
            ids, real = token_batches.padded([encoded[t] for t in texts], 0)  # (B, T)
            rows = torch.cat([torch.tensor(before).expand(len(texts), -1), ids], dim=1)
            logprobs = self._logits(rows, ids.shape[1] + 1)[:, :-1].log_softmax(-1)  # (B, T, V)
            picked = logprobs.gather(-1, ids[..., None])[..., 0].double() * real
            values.update(zip(texts, picked.sum(1).tolist(), strict=True))
        return np.minimum([values[text] for text in continuations], 0.0) if continuations else np.zeros(0)

    @torch.inference_mode()
    def loglikelihood_one_by_one(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """The same by a pass for each continuation, unpadded: slow and obviously right."""
        before, values = self._begin(prompt), []
        for text in continuations:
            tokens = token_batches.plain(self._tokenizer, text)
            logits = self._model(input_ids=torch.tensor([before + tokens]), use_cache=False).logits[0].float()
            logprobs = logits.log_softmax(-1)[len(before) - 1 :]
            values.append(sum(float(logprobs[i, token]) for i, token in enumerate(tokens)))
        return np.array(values)

    @torch.inference_mode()
    def generate(self, messages: Messages, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """Greedy decoding, each time from the start."""
        text = rendered(messages, self._tokenizer)
        # Templates have the mark in them.
        tokens = self._begin(text) if text == joined(messages) else token_batches.plain(self._tokenizer, text)
        said: list[int] = []
        for _ in range(max_new_tokens):
            token = int(self._logits(torch.tensor([tokens + said]), 1)[0, -1].argmax())
            if token == self._tokenizer.eos_token_id:
                break
            said.append(token)
            text = self._tokenizer.decode(said)
            if stop and stop in text:
                return text.split(stop)[0]
        return self._tokenizer.decode(said)

    def _begin(self, prompt: str) -> list[int]:
        """A prompt's tokens, behind the mark that this model's texts begin with, if they do."""
        return [*self._mark, *token_batches.plain(self._tokenizer, prompt)]

    def _logits(self, ids: torch.Tensor, last: int) -> torch.Tensor:
        """(B, last, V) logits of the last places of ids (B, T)."""
        self.tokens_computed += ids.numel()
        trim = {"logits_to_keep": last} if self._trims else {}
        return self._model(input_ids=ids, use_cache=False, **trim).logits[:, -last:].float()
