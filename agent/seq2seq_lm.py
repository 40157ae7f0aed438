"""Sequence-to-sequence models (T5, BART): the encoder reads the prompt once, the decoder scores all continuations.

The answer of such a model is a text of its own that begins at its start and ends with its end token. So a
continuation's leading space is left away, and the line end that ends it is scored as that token: what
P(" done\\n" | prompt) is for a causal model, P("done", end | prompt) is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from . import token_batches
from .messages import rendered

if TYPE_CHECKING:
    from .messages import Messages


class Seq2SeqLM:
    """The `LanguageModel` contract, exact. Not for several threads at once: it keeps the last prompt's encoding."""

    says_skills = False

    def __init__(self, model: Any, tokenizer: Any, *, name: str):
        self._model, self._tokenizer, self.name = model.eval(), tokenizer, name
        self._before, after = token_batches.marks(tokenizer)
        start = model.generation_config.decoder_start_token_id
        self._start = model.config.decoder_start_token_id if start is None else start
        if self._start is None:
            raise ValueError(f"Expected a model with a decoder_start_token_id, got {name!r} without one.")
        positions = getattr(model.config, "max_position_embeddings", None)  # T5's positions are relative: no limit
        # Marks take places too.
        self.window: int | None = positions - len(self._before) - len(after) if isinstance(positions, int) else None
        self.tokens_computed = 0
        """Tokens that went through encoder or decoder so far."""
        self._prompt: str | None = None
        self._read: Any = None

    def count_tokens(self, text: str) -> int:
        """Length of a text for this model."""
        return len(token_batches.plain(self._tokenizer, text))

    @torch.inference_mode()
    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """(n,) natural logs of P(continuation | prompt), by one pass of the encoder and batches of the decoder."""
        if not continuations:
            return np.zeros(0)
        targets = {text: self.target(text) for text in dict.fromkeys(continuations)}
        token_batches.check_room(self.name, max(map(len, targets.values())), self.window)
        values = {text: 0.0 for text, target in targets.items() if not target}
        for texts in token_batches.batches([t for t in targets if targets[t]], length=lambda t: len(targets[t])):
            values.update(zip(texts, self._batch(prompt, [targets[t] for t in texts]), strict=True))
        return np.minimum([values[text] for text in continuations], 0.0)

    @torch.inference_mode()
    def loglikelihood_one_by_one(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """The same by a whole pass of encoder and decoder for each continuation: slow and obviously right."""
        source = torch.tensor([self._tokenizer(prompt)["input_ids"]])
        values = []
        for text in continuations:
            tokens = [self._start, *self._before, *(target := self.target(text))]
            logits = self._model(input_ids=source, decoder_input_ids=torch.tensor([tokens]), use_cache=False).logits
            logprobs = logits[0].float().log_softmax(-1)
            begin = len(self._before)
            values.append(sum(float(logprobs[begin + i, token]) for i, token in enumerate(target)))
        return np.array(values, dtype=np.float64)

    @torch.inference_mode()
    def generate(self, messages: Messages, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """Greedy decoding."""
        source = torch.tensor([self._tokenizer(rendered(messages, self._tokenizer))["input_ids"]])
        out = self._model.generate(
            source, attention_mask=torch.ones_like(source), max_new_tokens=max_new_tokens, do_sample=False, num_beams=1
        )
        text = self._tokenizer.decode(out[0], skip_special_tokens=True).strip()
        return text.split(stop)[0] if stop else text

    def target(self, continuation: str) -> list[int]:
        """The tokens that are scored: the text's, and the end token if the continuation ends its line."""
        tokens = token_batches.plain(self._tokenizer, continuation.strip())
        return [*tokens, self._tokenizer.eos_token_id] if continuation.endswith("\n") else tokens

    def _encode(self, prompt: str) -> tuple[torch.Tensor, Any, torch.Tensor]:
        """The encoder's states (1, T, d), the decoder's cache after what begins every answer, the logits (V,) there.

        The cache holds each layer's keys and values of the encoder's states, so that they are computed once and not
        for every continuation.
        """
        if self._prompt == prompt:
            return self._read
        token_batches.check_room(self.name, self.count_tokens(prompt), self.window)
        tokens = self._tokenizer(prompt)["input_ids"]
        states = self._model.get_encoder()(input_ids=torch.tensor([tokens]))
        begin = torch.tensor([[self._start, *self._before]])
        out = self._model(encoder_outputs=states, decoder_input_ids=begin, use_cache=True)
        self.tokens_computed += len(tokens) + begin.shape[1]
        self._prompt, self._read = prompt, (states.last_hidden_state, out.past_key_values, out.logits[0, -1].float())
        return self._read

    def _batch(self, prompt: str, rows: list[list[int]]) -> list[float]:
        """Log-probabilities of rows of tokens behind the prompt."""
        states, cache, first = self._encode(prompt)
        ids, real = token_batches.padded(rows, token_batches.pad_of(self._tokenizer))  # (B, T)
        picked = first.log_softmax(-1)[ids[:, :1]]  # (B, 1)
        if ids.shape[1] > 1:
            out = self._model(
                encoder_outputs=(states.expand(len(rows), -1, -1),),
                decoder_input_ids=ids[:, :-1],  # padding stands at the end, where nothing real attends to it
                past_key_values=_for_rows(cache, len(rows)),
                use_cache=True,
            )
            self.tokens_computed += ids[:, :-1].numel()
            logprobs = out.logits.float().log_softmax(-1)  # (B, T - 1, V)
            picked = torch.cat([picked, logprobs.gather(-1, ids[:, 1:, None])[..., 0]], dim=1)
        return (picked.double() * real).sum(1).tolist()


def _for_rows(cache: Any, rows: int) -> Any:
    """A cache of one row, seen as one of many: nothing is copied until the decoder appends to its own part."""
    from transformers import DynamicCache, EncoderDecoderCache

    halves = []
    for half in (cache.self_attention_cache, cache.cross_attention_cache):
        seen = DynamicCache()
        for index, layer in enumerate(half.layers):
            seen.update(layer.keys, layer.values, index)
            mine: Any = seen.layers[index]
            mine.keys, mine.values = (part.expand(rows, -1, -1, -1) for part in (layer.keys, layer.values))
        halves.append(seen)
    return EncoderDecoderCache(*halves)
