"""Masked models (BERT, RoBERTa, ALBERT, DistilBERT) by pseudo-log-likelihood.

Each token of a continuation is masked by itself and predicted from everything else, to its left and right; the sum of
the log-probabilities is the score (Salazar et al. 2020, Masked Language Model Scoring, section 2). It ranks texts, but
it is no probability: it does not sum to one over continuations, and it can't be laid beside a causal model's. A word
of several tokens gives its parts away to each other; `within_word=True` therefore also masks the parts to the right of
the one that is predicted (Kauf & Ivanova 2023, A Better Way to Do Masked Language Model Scoring, PLL-word-l2r).

A tokenizer like BERT's knows no line ends, so there the terminator is not scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from . import token_batches
from .messages import rendered

if TYPE_CHECKING:
    from .messages import Messages


@dataclass(frozen=True)
class _Row:
    """One question: which token stands at the masked place?"""

    phrase: int
    tokens: tuple[int, ...]
    """Marks, prompt and continuation, masked."""
    place: int
    answer: int


class MaskedLM:
    """The `LanguageModel` contract, with pseudo-log-likelihoods."""

    says_skills = False
    prompt_form = "cloze"
    """It fills slots."""

    def __init__(self, model: Any, tokenizer: Any, *, name: str, within_word: bool = False):
        self._model, self._tokenizer, self.name = model.eval(), tokenizer, name
        self._within_word = within_word
        self._before, self._after = token_batches.marks(tokenizer)
        self._mask = tokenizer.mask_token_id
        if self._mask is None:
            raise ValueError(f"Expected a tokenizer with a mask token, got the one of {name!r} without one.")
        positions = getattr(model.config, "max_position_embeddings", None)
        if positions is not None and "roberta" in model.config.model_type:
            positions -= model.config.pad_token_id + 1  # RoBERTa counts positions from there
        # Marks take places too.
        self.window: int | None = None if positions is None else positions - len(self._before) - len(self._after)
        self.tokens_computed = 0
        """Tokens that went through the model so far."""

    def count_tokens(self, text: str) -> int:
        """Length of a text for this model."""
        return len(token_batches.plain(self._tokenizer, text))

    @torch.inference_mode()
    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """(n,) pseudo-log-likelihoods of the continuations behind the prompt, each ≤ 0."""
        texts = list(dict.fromkeys(continuations))
        values = np.zeros(len(texts))
        for rows in token_batches.batches(list(self._rows(prompt, texts)), length=lambda row: len(row.tokens)):
            logits = self._at([row.tokens for row in rows], [row.place for row in rows])  # (B, V)
            answers = torch.tensor([row.answer for row in rows])[:, None]
            logprobs = logits.log_softmax(-1).gather(1, answers)[:, 0].double().numpy()
            np.add.at(values, [row.phrase for row in rows], logprobs)
        index = {text: i for i, text in enumerate(texts)}
        return np.minimum(values[[index[text] for text in continuations]], 0.0)

    @torch.inference_mode()
    def loglikelihood_one_by_one(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """The same by a whole pass for each token, unpadded: slow and obviously right."""
        values = np.zeros(len(continuations))
        for row in self._rows(prompt, continuations):
            logits = self._model(input_ids=torch.tensor([row.tokens])).logits[0, row.place]
            values[row.phrase] += float(logits.float().log_softmax(-1)[row.answer])
        return values

    @torch.inference_mode()
    def generate(self, messages: Messages, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """Words one by one, each the likeliest at a mask behind the last; such models were not made to write."""
        tokens = token_batches.plain(self._tokenizer, rendered(messages, self._tokenizer))
        said: list[int] = []
        for _ in range(max_new_tokens):
            if self.window is not None and len(tokens) + len(said) >= self.window:
                break
            row = (*self._before, *tokens, *said, self._mask, *self._after)
            place = len(row) - len(self._after) - 1
            token = int(self._at([row], [place])[0].argmax())
            if token in self._tokenizer.all_special_ids:
                break
            said.append(token)
            text = self._tokenizer.decode(said)
            if stop and stop in text:
                return text.split(stop)[0]
        return self._tokenizer.decode(said)

    def _rows(self, prompt: str, continuations: Sequence[str]) -> Iterator[_Row]:
        """A question for each token of each continuation."""
        start = [*self._before, *token_batches.plain(self._tokenizer, prompt)]
        for phrase, text in enumerate(continuations):
            encoded = self._tokenizer(text, add_special_tokens=False)
            tokens = encoded["input_ids"]
            words = encoded.word_ids() if self._within_word else range(len(tokens))
            token_batches.check_room(self.name, len(start) - len(self._before) + len(tokens), self.window)
            for i, answer in enumerate(tokens):
                seen = [self._mask if j >= i and words[j] == words[i] else token for j, token in enumerate(tokens)]
                yield _Row(phrase, (*start, *seen, *self._after), len(start) + i, answer)

    def _at(self, rows: Sequence[Sequence[int]], places: Sequence[int]) -> torch.Tensor:
        """(B, V) logits of one place a row."""
        ids, mask = token_batches.padded(rows, token_batches.pad_of(self._tokenizer))
        self.tokens_computed += ids.numel()
        with _only(self._model.base_model, torch.tensor(places)):
            return self._model(input_ids=ids, attention_mask=mask).logits[:, 0].float()


@contextmanager
def _only(encoder: Any, places: torch.Tensor) -> Iterator[None]:
    """Let the encoder hand on one place a row: the head works place by place, and logits elsewhere are waste."""

    def pick(_module: Any, _args: Any, out: Any) -> Any:
        states = out[0]  # (B, T, d)
        out["last_hidden_state"] = states[torch.arange(len(states)), places][:, None]  # (B, 1, d)
        return out

    handle = encoder.register_forward_hook(pick)
    try:
        yield
    finally:
        handle.remove()
