"""Causal language models (Llama, GPT, SmolLM, ...) through transformers: exact scores for all phrases in one pass.

The key/value cache of the prompt carries over from call to call as far as the new prompt begins like the old one; the
phrases are then one tree-attention pass over that cache, which is cropped back afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from .messages import rendered
from .phrase_tree import PhraseTree

if TYPE_CHECKING:
    from .messages import Messages

_CHUNK = 256
"""Rows of logits at a time: 256 x 49,152 floats are 50 MB."""


class CausalLM:
    """The `LanguageModel` contract. Not for several threads at once: it keeps one cache."""

    def __init__(self, model: Any, tokenizer: Any, *, name: str, says_skills: bool = False):
        self._model, self._tokenizer, self.name = model.eval(), tokenizer, name
        self.says_skills = says_skills
        self.tokens_computed = 0
        """Prompt tokens and tree nodes that went through the model so far: what scoring cost."""
        self._forget()

    def count_tokens(self, text: str) -> int:
        """Length of a text for this model."""
        return len(self._encode(text))

    @torch.inference_mode()
    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """(n,) natural logs of P(continuation | prompt), exact, in one pass over the continuations' prefix tree."""
        if not continuations:
            return np.zeros(0)
        tree = PhraseTree.build([self._encode(text) for text in continuations])
        start = self._read(self._encode(prompt))
        return np.minimum(tree.sums(self._node_logprobs(tree, start)), 0.0)

    @torch.inference_mode()
    def loglikelihood_one_by_one(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """The same by a whole pass for each continuation, with no cache: slow and obviously right."""
        before = self._encode(prompt)
        values = []
        for text in continuations:
            tokens = self._encode(text)
            ids = torch.tensor([before + tokens])  # (1, T)
            logits = self._model(input_ids=ids, use_cache=False).logits[0].float()
            logprobs = logits.log_softmax(-1)[len(before) - 1 : -1]  # (len(tokens), V)
            values.append(float(logprobs.gather(1, torch.tensor(tokens)[:, None]).sum()) if tokens else 0.0)
        return np.array(values, dtype=np.float64)

    @torch.inference_mode()
    def generate(self, messages: Messages, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """Greedy decoding over the same cache."""
        tokens = self._encode(rendered(messages, self._tokenizer))
        said: list[int] = []
        for _ in range(max_new_tokens):
            token = int(self._read(tokens + said).argmax())
            if token == self._tokenizer.eos_token_id:
                break
            said.append(token)
            text = self._tokenizer.decode(said)
            if stop and stop in text:
                return text.split(stop)[0]
        return self._tokenizer.decode(said)

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False)["input_ids"]

    def _forget(self) -> None:
        from transformers import DynamicCache

        self._cache = DynamicCache()
        self._cached: list[int] = []
        self._next: torch.Tensor | None = None

    def _crop(self, count: int) -> None:
        """Take the newest `count` tokens out of the cache."""
        if count:
            self._cache.crop(-count)

    def _read(self, tokens: list[int]) -> torch.Tensor:
        """Bring the cache to exactly `tokens`; gives the logits (V,) of what follows."""
        if not tokens:
            raise ValueError("Expected a prompt of at least one token, got an empty one.")
        if tokens == self._cached and self._next is not None:
            return self._next
        keep = 0
        while keep < min(len(tokens) - 1, len(self._cached)) and tokens[keep] == self._cached[keep]:
            keep += 1
        self._crop(len(self._cached) - keep)
        self._cached = tokens[:keep]
        try:
            out = self._model(input_ids=torch.tensor([tokens[keep:]]), past_key_values=self._cache, logits_to_keep=1)
        except BaseException:
            self._forget()  # a half-written cache must not be trusted
            raise
        self.tokens_computed += len(tokens) - keep
        following = out.logits[0, -1].float()
        self._cached, self._next = tokens, following
        return following

    def _node_logprobs(self, tree: PhraseTree, start: torch.Tensor) -> NDArray[np.float64]:
        """(N,) log-probability of each node's token, given the prompt and its ancestors."""
        before, nodes = len(self._cached), len(tree)
        values = np.zeros(nodes)
        roots = np.flatnonzero(tree.parents < 0)
        values[roots] = start.log_softmax(-1)[torch.from_numpy(tree.tokens[roots])].double().numpy()
        inner = tree.inner()
        if not len(inner):
            return values
        dtype = self._model.dtype
        blocked = torch.full((nodes, nodes), torch.finfo(dtype).min, dtype=dtype)
        blocked[torch.from_numpy(tree.mask())] = 0
        mask = torch.cat([torch.zeros(nodes, before, dtype=dtype), blocked], dim=1)[None, None]  # (1, 1, N, before + N)
        try:
            out = self._model(
                input_ids=torch.from_numpy(tree.tokens)[None],
                position_ids=torch.from_numpy(tree.depths + before)[None],
                attention_mask=mask,
                past_key_values=self._cache,
                logits_to_keep=torch.from_numpy(inner),
            )
        except BaseException:
            self._forget()
            raise
        self._crop(nodes)
        self.tokens_computed += nodes
        children = np.flatnonzero(tree.parents >= 0)
        row = np.searchsorted(inner, tree.parents[children])
        for first in range(0, len(inner), _CHUNK):
            logprobs = out.logits[0, first : first + _CHUNK].float().log_softmax(-1)
            mine = (row >= first) & (row < first + _CHUNK)
            tokens = torch.from_numpy(tree.tokens[children[mine]])
            values[children[mine]] = logprobs[torch.from_numpy(row[mine] - first), tokens].double().numpy()
        return values
