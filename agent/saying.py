"""Say: how likely the language model finds each skill now, as the settings word the prompt and normalise the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from ..sim.observation import Observation
from . import normalising
from .accounts import estimate
from .best_first import Found, Searching, of_all
from .budget import Budget, Count, Prompt, compose
from .config import Config
from .examples import ExampleBook
from .language_model import LanguageModel
from .prompt_forms import AnswerSpace, Example, Values, form_of, label_answer
from .prompts import Turn
from .server import ServerError

_EXAMPLES = 8
"""For models that were not trained to say skills, unless told otherwise."""
_NEUTRAL = "something"
"""The goal of the neutral prompt: it speaks for no skill."""


@dataclass(frozen=True)
class Said:
    """What the model says of a turn."""

    log_say: NDArray[np.float64]
    """(n,) natural logs, ≤ 0, in the library's order."""
    thought: str | None
    """The line of reasoning that was written first; None: not asked for."""


class Saying:
    """Asks one model about one library of skills."""

    def __init__(
        self, model: LanguageModel, phrases: Sequence[str], config: Config, embedder: Embeddings | None = None
    ):
        self._model, self._phrases, self._config = model, tuple(phrases), config
        auto = getattr(model, "prompt_form", "transcript" if model.says_skills else "dialogue")
        self.form = form_of(auto if config.prompt == "auto" else config.prompt)
        if not 1 <= config.wordings <= self.form.wordings:
            raise ValueError(
                f"Expected wordings from 1 to {self.form.wordings}, which is how many the prompt form "
                f"{self.form.name!r} has, got {config.wordings}."
            )
        wanted = config.examples if config.examples is not None else 0 if auto == "transcript" else _EXAMPLES
        self._book = ExampleBook(embedder, self._phrases) if wanted and embedder is not None else None
        self._wanted_examples = wanted
        seen = {"auto": self.form.name == "transcript", "none": False, "seen": True}
        self._seen = seen[config.prompt_scene]
        self._options = None
        if config.normalise == "letters":
            self._options = dict(zip(normalising.labels(len(self._phrases)), self._phrases, strict=True))
        answers = [label_answer(label) for label in self._options] if self._options else None
        self.answers = tuple(answers or AnswerSpace(self.form, self._phrases).texts)
        """The texts that are scored, one a skill."""
        self.count: Count = getattr(model, "count_tokens", estimate)
        longest = max(map(self.count, self.answers), default=0)
        window = getattr(model, "window", None) or config.prompt_tokens
        self._budget = Budget.of(min(config.prompt_tokens, window) - longest - config.thought_tokens)
        self._chosen: dict[str, tuple[Example, ...]] = {}
        self._neutral: dict[tuple[str, ...], NDArray[np.float64]] = {}

    @property
    def probable(self) -> bool:
        """Is exp(log say) the model's own probability of the skill's words, as it was trained to say them?"""
        plain = self._config.normalise == "sum" and self._config.wordings == 1 and not self._config.thought_tokens
        return self._model.says_skills and plain and self.form.name == "transcript"

    def values(
        self,
        goal: str,
        turns: Sequence[Turn],
        observation: Observation,
        *,
        remembered: Callable[[], Sequence[Example]] = tuple,
        memory: Sequence[str] = (),
    ) -> Values:
        """x, with the examples that fit the goal.

        `remembered` gives those of memory. It is asked once a goal, so that the prompt's beginning stays as it is.
        """
        if self._book is not None and goal not in self._chosen:
            self._chosen = {goal: self._book.choose(goal, self._wanted_examples, remembered())}
        return Values(goal, turns, observation, self._chosen.get(goal, ()), tuple(memory), self._options, self._seen)

    def prompts(self, x: Values) -> list[Prompt]:
        """f_prompt(x), one a wording."""
        return [self._compose(x, w) for w in range(self._config.wordings)]

    def __call__(self, x: Values) -> Said:
        """Log say of every skill. Several wordings: the mean of their log-likelihoods."""
        raw, thought = self.loglikelihood(x)
        return Said(self.normalised(raw, x), thought)

    def loglikelihood(self, x: Values) -> tuple[NDArray[np.float64], str | None]:
        """(n,) the answers' log-likelihoods, mean over the wordings, and the thought of the first wording."""
        thought = None
        rows = []
        for w, prompt in enumerate(self.prompts(x)):
            text = prompt.text
            if self._config.thought_tokens:
                # The first wording thinks; the others read the same thought.
                thought = self._think(prompt) if w == 0 else thought
                text = prompt.with_thought(thought or "")
            rows.append(_sound(self._model.loglikelihood(text, self.answers), self._model.name))
        return np.mean(rows, axis=0), thought

    def best(self, x: Values, can: NDArray[np.float64], floor: float = 0.0) -> tuple[Found, str | None]:
        """Only what it takes to know the best skill by say × can, and whether the sum of say × can reaches `floor`."""
        if not isinstance(self._model, Searching):
            raw, thought = self.loglikelihood(x)
            return of_all(raw, can), thought
        [prompt] = self.prompts(x)
        thought = self._think(prompt) if self._config.thought_tokens else None
        text = prompt.text if thought is None else prompt.with_thought(thought)
        return self._model.best_first(text, self.answers, can, floor=floor), thought

    def second_choice(self, x: Values, can: NDArray[np.float64]) -> int:
        """The best skill by say × can when the same is asked in other words, with what is seen told in the other order.

        Its index in the library; `can` (n,) must be more than 0 somewhere.
        """
        seen = replace(x.observation, objects=x.observation.objects[::-1])
        prompt = self._compose(replace(x, observation=seen), min(1, self.form.wordings - 1)).text
        if isinstance(self._model, Searching):
            return int(self._model.best_first(prompt, self.answers, can).phrases[0])
        raw = _sound(self._model.loglikelihood(prompt, self.answers), self._model.name)
        return int(of_all(self.normalised(raw, x), can).phrases[0])

    def normalised(self, raw: NDArray[np.float64], x: Values) -> NDArray[np.float64]:
        """(n,) log say from the answers' log-likelihoods, by the normalisation that is set."""
        match self._config.normalise:
            case "length":
                return normalising.by_length(raw, [self.count(answer) for answer in self.answers])
            case "pmi":
                return normalising.by_pmi(raw, self._neutral_values(x))
            case "letters":
                return normalising.over_library(raw)
            case _:
                return normalising.by_sum(raw)

    def _compose(self, x: Values, w: int) -> Prompt:
        return compose(self.form, x, w, budget=self._budget, count=self.count, most_turns=self._config.prompt_steps)

    def _think(self, prompt: Prompt) -> str:
        """One line, in as many tokens as are allowed."""
        said = self._model.generate(
            prompt.lead + "Thought:", max_new_tokens=self._config.thought_tokens - _THOUGHT_FRAME, stop="\n"
        )
        return " ".join(said.split())

    def _neutral_values(self, x: Values) -> NDArray[np.float64]:
        """The answers behind the neutral prompt: same examples, a goal that says nothing, nothing done yet."""
        neutral = replace(x, goal=_NEUTRAL, turns=(), memory=(), seen=False)
        prompts = tuple(prompt.text for prompt in self.prompts(neutral))
        if prompts not in self._neutral:
            rows = [self._model.loglikelihood(prompt, self.answers) for prompt in prompts]
            self._neutral = {prompts: np.mean(rows, axis=0)}
        return self._neutral[prompts]


_THOUGHT_FRAME = 6
"""Tokens that 'Thought: ' and the line's end may take."""


def _sound(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Log-probabilities as they are. Raises `ServerError` for what can be none."""
    bad = values[~(np.isfinite(values) & (values <= 0))]
    if bad.size:
        raise ServerError(f"Expected log-probabilities of at most 0 from {name}, got {bad[0]}. Look at its log.")
    return values
