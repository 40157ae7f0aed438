"""What the agent asks of a language model: how likely continuations are, and a few words when it needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .messages import Messages


class LanguageModel(Protocol):
    """Any family of model that can say how likely a text is to go on in a given way."""

    @property
    def name(self) -> str:
        """Which model, for journals and tables."""
        ...

    @property
    def says_skills(self) -> bool:
        """Was it trained to say skills? Then what it would say besides them tells that none of them helps."""
        ...

    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """Natural log of P(continuation | prompt), summed over its tokens: (n,), each ≤ 0.

        Prompt and continuations are tokenised by themselves, so a prompt should end where a word ends, and a
        continuation begin with a space or at a new line.
        """
        ...

    def generate(self, messages: Messages, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """The most likely words that follow, up to `stop` (not included; "" for no stop).

        A text is continued as it stands. Turns, as langchain-core's messages or as pairs like ("human", "Hello"), are
        answered: by an instruct model in its chat template, by a base model as lines of a dialogue.
        """
        ...


Say = Callable[[str, str], float]
"""(prompt, continuation) -> log-probability."""


class ScriptedModel:
    """A deterministic stand-in that ships with the library: its log-probabilities come from a function."""

    says_skills = False
    prompt_form = "transcript"
    """The form of prompt that suits it, where that is not what `says_skills` tells."""

    def __init__(self, say: Say, name: str = "scripted"):
        self._say, self.name = say, name

    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """The function's values."""
        return np.array([float(self._say(prompt, c)) for c in continuations], dtype=np.float64)

    def generate(self, messages: Messages, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """It has nothing to say of its own."""
        return ""


def check_language_model(model: LanguageModel) -> None:
    """The contract of `LanguageModel`; raises ValueError naming the rule that `model` breaks."""
    prompt = "The robot says:"
    options = [" find the coke\n", " find the sponge\n", " done\n", " done\n", " çéﬀ ☂ 漢字\n"]

    def expect(rule: bool, words: str) -> None:
        if not rule:
            raise ValueError(f"Expected of {model.name!r} that {words}.")

    values = model.loglikelihood(prompt, options)
    expect(values.shape == (len(options),), f"it gives one value an option, got shape {values.shape}")
    expect(
        bool(np.isfinite(values).all() and (values <= 0).all()), f"log-probabilities are finite and ≤ 0, got {values}"
    )
    expect(bool(np.isclose(values[2], values[3], atol=1e-4)), "the same option twice has the same value")
    again = model.loglikelihood(prompt, options[::-1])[::-1]
    expect(bool(np.allclose(values, again, atol=1e-3)), "the order of the options does not matter")
    expect(model.loglikelihood(prompt, []).shape == (0,), "no options give no values")
    other = model.loglikelihood("Something else entirely.\nRobot:", options)
    expect(other.shape == values.shape, "another prompt works")
    expect(bool(np.allclose(model.loglikelihood(prompt, options), values, atol=1e-3)), "a prompt can be asked again")
    expect(isinstance(model.generate(prompt, max_new_tokens=4), str), "it goes on with a text")
    turns = [("system", "You are a robot."), ("human", "Say something.")]
    expect(isinstance(model.generate(turns, max_new_tokens=4), str), "it answers messages")
