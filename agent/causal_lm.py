"""Causal language models (Llama, GPT, SmolLM, ...) through transformers: exact scores for all phrases in one pass.

The key/value caches of prompts carry over from call to call (`prompt_cache`); the phrases are one prefix tree
(`phrase_tree`) that is read behind the prompt in a tree-attention pass (`tree_pass`), or only as far as a best-first
search (`best_first`) has to. Whether a model's attention can be told who sees whom is tried once, on a few tokens; one
that can't (some with a position bias of their own) is read in batches behind the same cache instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from . import best_first
from .messages import joined, rendered
from .phrase_tree import PhraseTree
from .precision import lower
from .prompt_cache import PromptCache, fork
from .token_batches import marks
from .tree_pass import TreePass

if TYPE_CHECKING:
    from .messages import Messages
    from .precision import Precision

_TREES = 8
"""Sets of phrases whose tree is kept: a library's hardly ever change."""
_BATCH = 32
_WINDOWS = ("sliding_window", "window_size", "attention_window", "attention_chunk_size")
"""What configurations call the number of tokens that some layers look back, if they don't see all."""


class CausalLM:
    """The `LanguageModel` contract, and `best_first.Searching`. Not for several threads at once: it keeps caches."""

    def __init__(self, model: Any, tokenizer: Any, *, name: str, says_skills: bool = False):
        self._model, self._tokenizer, self.name = model.eval(), tokenizer, name
        self.says_skills = says_skills
        self._mark, _ = marks(tokenizer)
        positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self.window: int | None = positions - len(self._mark) if isinstance(positions, int) else None
        """Tokens of prompt and continuation that it can read; None: no limit of its own."""
        self._prompts = PromptCache(model)
        self._trees: dict[tuple[str, ...], PhraseTree] = {}
        self._tree_nodes = 0
        self._can_tree: bool | None = None
        self.precision: Precision = "float32"

    @property
    def tokens_computed(self) -> int:
        """Prompt tokens and tree nodes that went through the model so far: what scoring cost."""
        return self._prompts.computed + self._tree_nodes

    @property
    def model(self) -> Any:
        """The model of transformers inside."""
        return self._model

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer."""
        return self._tokenizer

    def forget(self) -> None:
        """Drop what is kept from call to call: prompts and trees."""
        self._prompts.forget()
        self._trees.clear()

    def lower(self, precision: Precision) -> Callable[[], None]:
        """Compute in `precision` from now on; gives the function that undoes it."""
        self._reads_trees(0)  # tried before, in numbers so exact that a wrong mask shows
        raise_again, before = lower(self._model, precision), self.precision
        self.precision = precision
        self._prompts.forget()

        def undo() -> None:
            raise_again()
            self.precision = before
            self._prompts.forget()

        return undo

    def count_tokens(self, text: str) -> int:
        """Length of a text for this model."""
        return len(self._encode(text))

    @torch.inference_mode()
    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """(n,) natural logs of P(continuation | prompt), exact, in one pass over the continuations' prefix tree."""
        if not continuations:
            return np.zeros(0)
        tree, before = self._tree(continuations), self._begin(prompt)
        if not self._reads_trees(len(before) + int(tree.depths.max(initial=0))):
            return self.loglikelihood_batched(prompt, continuations)
        walk = TreePass(self._model, tree, self._prompts.read(before))
        values = walk.whole()
        self._tree_nodes += walk.computed
        return tree.sums(values)

    @torch.inference_mode()
    def best_first(
        self, prompt: str, continuations: Sequence[str], can: NDArray[np.float64], *, count: int = 1, floor: float = 0.0
    ) -> best_first.Found:
        """The `count` best continuations by log P + log can, exact, reading no more of the tree than that takes."""
        tree, before = self._tree(continuations), self._begin(prompt)
        if not self._reads_trees(len(before) + int(tree.depths.max(initial=0))):
            return best_first.of_all(self.loglikelihood_batched(prompt, continuations), can, count=count)
        walk = TreePass(self._model, tree, self._prompts.read(before))
        found = best_first.search(tree, can, walk.expand, count=count, floor=floor)
        self._tree_nodes += walk.computed
        return found

    @torch.inference_mode()
    def loglikelihood_one_by_one(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """The same by a whole pass for each continuation, with no cache: slow and obviously right."""
        return np.array([self._plain(self._begin(prompt), self._encode(text)) for text in continuations])

    @torch.inference_mode()
    def loglikelihood_batched(
        self, prompt: str, continuations: Sequence[str], *, batch: int = _BATCH
    ) -> NDArray[np.float64]:
        """The same with a row for each continuation behind the prompt's cache, `batch` rows at a time."""
        reading = self._prompts.read(self._begin(prompt))
        encoded = [self._encode(text) for text in continuations]
        values = np.zeros(len(encoded))
        order = sorted((i for i in range(len(encoded)) if encoded[i]), key=lambda i: len(encoded[i]))
        for first in range(0, len(order), batch):
            rows = order[first : first + batch]
            cache = fork(reading.cache, len(reading.tokens))
            cache.batch_repeat_interleave(len(rows))
            # What a row is filled up with stands behind its words, where they don't look.
            ids = torch.zeros(len(rows), max(len(encoded[i]) for i in rows), dtype=torch.long)
            for row, i in enumerate(rows):
                ids[row, : len(encoded[i])] = torch.tensor(encoded[i])
            logprobs = self._model(input_ids=ids, past_key_values=cache).logits.float().log_softmax(-1)
            said = logprobs[:, :-1].gather(2, ids[:, 1:, None])[..., 0].double()  # (rows, T - 1)
            for row, i in enumerate(rows):
                start = float(reading.following[encoded[i][0]])
                values[i] = min(start + float(said[row, : len(encoded[i]) - 1].sum()), 0.0)
            self._tree_nodes += ids.numel()
        return values

    @torch.inference_mode()
    def generate(self, messages: Messages, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """Greedy decoding over the same cache."""
        text = rendered(messages, self._tokenizer)
        tokens = self._begin(text) if text == joined(messages) else self._encode(text)  # templates have marks in them
        said: list[int] = []
        for _ in range(max_new_tokens):
            token = int(self._prompts.read(tokens + said).following.argmax())
            if token == self._tokenizer.eos_token_id:
                break
            said.append(token)
            text = self._tokenizer.decode(said)
            if stop and stop in text:
                return text.split(stop)[0]
        return self._tokenizer.decode(said)

    def _begin(self, prompt: str) -> list[int]:
        """A prompt's tokens, behind the mark that this model's texts begin with, if they do (OPT's, Gemma's)."""
        return [*self._mark, *self._encode(prompt)]

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False)["input_ids"]

    def _tree(self, continuations: Sequence[str]) -> PhraseTree:
        key = tuple(continuations)
        known = self._trees.pop(key, None)
        tree = PhraseTree.build([self._encode(text) for text in key]) if known is None else known
        self._trees[key] = tree  # used last, so dropped last
        if len(self._trees) > _TREES:
            del self._trees[next(iter(self._trees))]
        return tree

    def _plain(self, before: list[int], tokens: list[int]) -> float:
        """log P(tokens | before) by one ordinary pass."""
        if not tokens:
            return 0.0
        logits = self._model(input_ids=torch.tensor([before + tokens]), use_cache=False).logits[0].float()
        logprobs = logits.log_softmax(-1)[len(before) - 1 : -1]  # (tokens, V)
        return float(logprobs.gather(1, torch.tensor(tokens)[:, None]).sum())

    @torch.inference_mode()
    def _reads_trees(self, length: int) -> bool:
        """Can this model read a tree behind a prompt, `length` tokens deep in all?"""
        windows = (getattr(self._model.config, name, None) for name in _WINDOWS)
        if any(isinstance(window, int) and 0 < window < length for window in windows):
            return False  # a mask of ours would open what the window closes
        if self._can_tree is None:
            self._can_tree = self._try_tree()
        return self._can_tree

    def _try_tree(self) -> bool:
        """Does a small tree get the same values as plain passes do?"""
        size = self._model.config.get_text_config().vocab_size
        before, *phrases = ([(7 * i + 3) % size for i in row] for row in ((1, 2, 3), (4, 5, 6), (4, 7, 8), (9, 6, 5)))
        tree = PhraseTree.build(phrases)
        try:
            values = tree.sums(TreePass(self._model, tree, PromptCache(self._model).read(before)).whole())
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError):
            return False  # it takes no positions, or no mask of this shape, or has no such cache
        plain = np.array([self._plain(before, phrase) for phrase in phrases])
        close = 1e-4 if self._model.dtype == torch.float32 else 0.05 * len(phrases)
        return bool(np.abs(values - plain).max() <= close)
