"""Every skill weighed, say × can: by the model that is set, or by the spare one where that is away or talks nonsense.

Asked twice, in other words and with what is seen in the other order, a model that contradicts itself is in doubt; that
counts as a reason to ask somebody, and never as a truth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from langchain_core.embeddings import Embeddings

from ..sim.observation import Observation
from . import scoring
from .config import Config
from .language_model import LanguageModel
from .prompt_forms import Example, Values
from .prompts import Turn
from .saying import Saying
from .server import ServerError
from .types import Candidate


@dataclass(frozen=True)
class Weighed:
    """What came of it."""

    candidates: tuple[Candidate, ...]
    """All skills, best first; of a best-first search those that were scored."""
    thought: str | None
    """What the model wrote first; None: it was not asked to."""
    doubt: tuple[str, ...] = ()
    """The two phrases that the model said when it was asked twice; none: it was not, or it said the same."""
    instead: str = ""
    """Why a spare model was asked; "": it was not."""


class Weighing:
    """Asks one model about one library of skills, or another one in its place."""

    def __init__(
        self,
        model: LanguageModel,
        phrases: Sequence[str],
        config: Config,
        embedder: Embeddings | None,
        spare: Callable[[], LanguageModel] | None = None,
    ):
        """`spare` makes the model that goes on when `model` can't; None: there is none."""
        self._phrases, self._config, self._embedder, self._spare = tuple(phrases), config, embedder, spare
        self._saying = Saying(model, phrases, config, embedder)
        self._instead = ""

    @property
    def floor(self) -> float:
        """Only of a model that was trained to say skills does it mean something how much it would say besides."""
        return self._config.floor if self._saying.probable else 0.0

    def __call__(
        self,
        goal: str,
        turns: Sequence[Turn],
        observation: Observation,
        *,
        can: np.ndarray,
        tabu: Collection[str],
        plain: bool,
        examples: Callable[[], Sequence[Example]],
        memory: Sequence[str],
    ) -> Weighed:
        """`can`: (n,) in [0, 1]; `tabu`: phrases not to choose; `plain`: is the errand plainly one for these skills?

        Raises `ServerError` when neither model answers, and what a purse raises.
        """
        while True:
            saying, phrases = self._saying, self._phrases
            able = np.array([0.0 if phrase in tabu else value for phrase, value in zip(phrases, can, strict=True)])
            try:
                asked = saying.values(goal, turns, observation, remembered=examples, memory=memory)
                if self._config.search == "best-first":
                    # What was not scored is left out; nothing of it could be chosen, nor lift the sum over the floor.
                    found, thought = saying.best(asked, able, 0.0 if plain else self.floor)
                    said = [phrases[i] for i in found.phrases]
                    ranked = scoring.rank(said, found.log_say, able[found.phrases], tabu)
                else:
                    told = saying(asked)
                    ranked, thought = scoring.rank(phrases, told.log_say, can, tabu), told.thought
                return Weighed(ranked, thought, self._doubt(asked, able, ranked), self._instead)
            except ServerError as error:
                self._ask_the_spare(error)

    def _ask_the_spare(self, error: ServerError) -> None:
        """From now on, instead of the model that failed with `error`; raises that if there is none, or it is asked."""
        if self._spare is None or self._instead:
            raise error
        try:
            spare = self._spare()
        except ValueError as missing:  # it is not here: what stops the run is the first one's failure
            raise error from missing
        self._instead = f"{spare.name} was asked, since: {error}"
        self._saying = Saying(spare, self._phrases, self._config, self._embedder)

    def _doubt(self, asked: Values, able: np.ndarray, ranked: Sequence[Candidate]) -> tuple[str, ...]:
        """The model's two choices, if it is asked twice and they differ."""
        if not self._config.ask_twice or np.count_nonzero(able) < 2 or not ranked:
            return ()
        second = self._phrases[self._saying.second_choice(asked, able)]
        return () if second == ranked[0].phrase else (ranked[0].phrase, second)
