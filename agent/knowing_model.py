"""A language model that is asked everything once: what it said of a prompt is kept, and said again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .around_lm import AroundLM
from .best_first import Found
from .language_model import LanguageModel


class KnowingModel(AroundLM):
    """The model's own answers, each computed once. For benchmarks that meet the same prompts in many episodes."""

    def __init__(self, model: LanguageModel):
        super().__init__(model)
        self._known: dict[bytes, NDArray[np.float64]] = {}
        self._found: dict[bytes, Found] = {}
        self.asked = 0

    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """The model's."""
        self.asked += 1
        key = _key(prompt, continuations)
        if key not in self._known:
            self._known[key] = self._model.loglikelihood(prompt, continuations)
        return self._known[key].copy()

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
