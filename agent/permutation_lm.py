"""Permutation models (XLNet): exact left-to-right probabilities in the order that the permutation mask sets.

The prompt is read once, all of it at once, and kept as the model's memory; in each continuation a token sees the prompt
and what stands before it, and is predicted by the query stream, which does not see the token itself (Yang et al. 2019,
XLNet, section 2.3). The product over the tokens is a proper probability. XLNet's tokenizer knows no line ends: the one
that ends a continuation is scored as the end of a paragraph, <eop>.
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


class PermutationLM:
    """The `LanguageModel` contract, exact. Not for several threads at once: it keeps the last prompt's memory."""

    says_skills = False
    window = None
    """Positions are relative: no limit."""

    def __init__(self, model: Any, tokenizer: Any, *, name: str):
        self._model, self._tokenizer, self.name = model.eval(), tokenizer, name
        # The memory has to hold the whole prompt, and nothing but the prompt.
        model.transformer.mem_len = model.transformer.reuse_len = None
        ends = [tokenizer.convert_tokens_to_ids("<eop>"), tokenizer.sep_token_id]
        self._end = next((end for end in ends if end is not None and end != tokenizer.unk_token_id), None)
        self.tokens_computed = 0
        """Tokens that went through the model so far."""
        self._read: tuple[list[int], Any] | None = None

    def count_tokens(self, text: str) -> int:
        """Length of a text for this model."""
        return len(token_batches.plain(self._tokenizer, text))

    @torch.inference_mode()
    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """(n,) natural logs of P(continuation | prompt): one pass over the prompt, then batches of continuations."""
        if not continuations:
            return np.zeros(0)
        memory = self._memory(token_batches.plain(self._tokenizer, prompt))
        targets = {text: self.target(text) for text in dict.fromkeys(continuations)}
        values = {text: 0.0 for text, target in targets.items() if not target}
        for texts in token_batches.batches([t for t in targets if targets[t]], length=lambda t: len(targets[t])):
            ids, real = token_batches.padded([targets[t] for t in texts], token_batches.pad_of(self._tokenizer))
            logprobs = self._logits(ids, memory).log_softmax(-1)  # (B, T, V)
            picked = logprobs.gather(-1, ids[..., None])[..., 0].double() * real
            values.update(zip(texts, picked.sum(1).tolist(), strict=True))
        return np.minimum([values[text] for text in continuations], 0.0)

    @torch.inference_mode()
    def loglikelihood_one_by_one(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """The same by a whole pass for each token, without memory or padding: slow and obviously right."""
        before = token_batches.plain(self._tokenizer, prompt)
        values = np.zeros(len(continuations))
        for phrase, text in enumerate(continuations):
            target = self.target(text)
            for i, token in enumerate(target):
                tokens = before + target[: i + 1]
                count = len(tokens)
                hidden = torch.zeros(1, count, count)  # (1, who sees, what): 1 where it is not seen
                for place in range(len(before), count):
                    hidden[0, : place + 1, place] = 1  # nobody up to its own place sees it: not even its own query
                where = torch.zeros(1, 1, count)
                where[0, 0, -1] = 1
                out = self._model(
                    input_ids=torch.tensor([tokens]), perm_mask=hidden, target_mapping=where, use_mems=False
                )
                values[phrase] += float(out.logits[0, 0].float().log_softmax(-1)[token])
        return values

    @torch.inference_mode()
    def generate(self, messages: Messages, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """Greedy decoding, token by token behind the prompt's memory."""
        memory = self._memory(token_batches.plain(self._tokenizer, rendered(messages, self._tokenizer)))
        said: list[int] = []
        for _ in range(max_new_tokens):
            # What stands at the place that is asked for does not matter: no stream sees it.
            token = int(self._logits(torch.tensor([[*said, 0]]), memory)[0, -1].argmax())
            if token in self._tokenizer.all_special_ids or (token == self._end and stop == "\n"):
                break
            said.append(token)
            text = self._tokenizer.decode(said)
            if stop and stop in text:
                return text.split(stop)[0]
        return self._tokenizer.decode(said)

    def target(self, continuation: str) -> list[int]:
        """The tokens that are scored."""
        tokens = token_batches.plain(self._tokenizer, continuation)
        lost = continuation.endswith("\n") and not token_batches.plain(self._tokenizer, "\n")
        return [*tokens, self._end] if lost and self._end is not None else tokens

    def _memory(self, tokens: list[int]) -> tuple[torch.Tensor, ...]:
        """The layers' states of the prompt, (T, 1, d) each."""
        if not tokens:
            raise ValueError("Expected a prompt of at least one token, got an empty one.")
        if self._read is None or self._read[0] != tokens:
            out = self._model.transformer(input_ids=torch.tensor([tokens]), use_mems=True)
            self.tokens_computed += len(tokens)
            self._read = (tokens, out.mems)
        return self._read[1]

    def _logits(self, ids: torch.Tensor, memory: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """(B, T, V): for each place of ids (B, T), what could stand there after the prompt and the tokens before it."""
        rows, count = ids.shape
        self.tokens_computed += ids.numel()
        hidden = torch.ones(count, count).triu().expand(rows, -1, -1)  # a place sees those before it
        out = self._model(
            input_ids=ids,
            mems=tuple(states.expand(-1, rows, -1) for states in memory),
            perm_mask=hidden,
            target_mapping=torch.eye(count).expand(rows, -1, -1),
            use_mems=False,
        )
        return out.logits.float()
