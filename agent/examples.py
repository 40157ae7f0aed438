"""Few-shot examples: goals that were reached and the skills that reached them, the most similar ones chosen.

They come from memory, where every run that reached its goal left its skills (`recalling.summary`), and from a small
set that ships (`examples.yaml`). Neighbours of the goal make better examples than a fixed list (Liu et al. 2022, "What
makes good in-context examples for GPT-3?"), and models heed most what they read last, so the nearest stands last.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from .prompt_forms import Example

_FILE = Path(__file__).with_name("examples.yaml")


@cache
def shipped() -> tuple[Example, ...]:
    """The project's own examples."""
    return tuple(Example(e["goal"], tuple(e["skills"])) for e in yaml.safe_load(_FILE.read_text(encoding="utf-8")))


class ExampleBook:
    """Chooses examples by the similarity of their goals, as `embedder` sees it; each text is embedded once."""

    def __init__(self, embedder: Embeddings, phrases: Collection[str]):
        self._embedder = embedder
        self._phrases = frozenset(phrases)
        self._vectors: dict[str, NDArray[np.float64]] = {}

    def choose(self, goal: str, count: int, remembered: Sequence[Example] = ()) -> tuple[Example, ...]:
        """The `count` examples nearest to `goal`, nearest last; of two for the same goal, the one from memory.

        Left out are examples with skills that are not in the library.
        """
        if count < 1:
            return ()
        pool = {e.goal: e for e in (*shipped(), *remembered) if self._phrases.issuperset(e.phrases)}
        if not pool:
            return ()
        self._embed([goal, *pool])
        near = np.array([self._vectors[text] @ self._vectors[goal] for text in pool])
        order = np.argsort(near, kind="stable")[-count:]
        examples = list(pool.values())
        return tuple(examples[int(i)] for i in order)

    def _embed(self, texts: Sequence[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._vectors |= zip(new, np.array(self._embedder.embed_documents(new)), strict=True)
