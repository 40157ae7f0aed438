"""A language model that is asked everything once: what it said of a prompt is kept, and said again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .best_first import Found
from .language_model import LanguageModel


class KnowingModel:
    """The model's own answers, each computed once. For benchmarks that meet the same prompts in many episodes."""

    def __init__(self, model: LanguageModel):
        self._model = model
        self._known: dict[bytes, NDArray[np.float64]] = {}
        self._found: dict[bytes, Found] = {}
        self.asked = 0

    @property
    def name(self) -> str:
        """The model's."""
        return self._model.name

    @property
    def says_skills(self) -> bool:
        """The model's."""
        return self._model.says_skills

    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """The model's."""
        self.asked += 1
        key = _key(prompt, continuations)
        if key not in self._known:
            self._known[key] = self._model.loglikelihood(prompt, continuations)
        return self._known[key].copy()

    def generate(self, messages: Any, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """The model's."""
        return self._model.generate(messages, max_new_tokens=max_new_tokens, stop=stop)

    def __getattr__(self, name: str) -> Any:
        own = getattr(self._model, name)
        return partial(self._best_first, own) if name == "best_first" else own

    def _best_first(
        self, search: Any, prompt: str, continuations: Sequence[str], can: NDArray[np.float64], **how: Any
    ) -> Found:
        """The model's, kept by what can be done as well."""
        self.asked += 1
        key = _key(prompt, continuations) + can.tobytes() + repr(sorted(how.items())).encode()
        if key not in self._found:
            self._found[key] = search(prompt, continuations, can, **how)
        return self._found[key]


def _key(prompt: str, continuations: Sequence[str]) -> bytes:
    return hashlib.blake2b("\0".join((prompt, *continuations)).encode(), digest_size=16).digest()
