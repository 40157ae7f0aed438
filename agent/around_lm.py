"""A language model that stands around another one, to count, keep or hear what it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .best_first import Found
from .language_model import LanguageModel


class AroundLM:
    """What it does not define is the model's own; a search for the best phrases goes through `_best_first`."""

    def __init__(self, model: LanguageModel):
        self._model = model

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
        return self._model.loglikelihood(prompt, continuations)

    def generate(self, messages: Any, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """The model's."""
        return self._model.generate(messages, max_new_tokens=max_new_tokens, stop=stop)

    def __getattr__(self, name: str) -> Any:
        own = getattr(self._model, name)
        return partial(self._best_first, own) if name == "best_first" else own

    def _best_first(
        self, search: Any, prompt: str, continuations: Sequence[str], can: NDArray[np.float64], **how: Any
    ) -> Found:
        """The model's own search, for models that have one."""
        return search(prompt, continuations, can, **how)
