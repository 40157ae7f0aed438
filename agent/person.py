"""The person that a run may ask: at a terminal, from a file of answers, or nobody.

A run never hangs on a question: where nobody answers (None), the best choice is made, and the journal says so.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

NONE = "none"
"""The answer that none of the options is meant."""


class Person(Protocol):
    """Somebody to ask."""

    def __call__(self, question: str, options: Sequence[str]) -> str | None:
        """An answer in words: one of the options, its number from 1, what it is about, or 'none'; None: no answer."""
        ...


class Timed:
    """A person, and the seconds on the clock that all their answers took: these are none of a run's own."""

    def __init__(self, person: Person):
        self._person, self.seconds = person, 0.0

    def __call__(self, question: str, options: Sequence[str]) -> str | None:
        """The person's answer."""
        began = time.monotonic()
        try:
            return self._person(question, options)
        finally:
            self.seconds += time.monotonic() - began


class WrittenAnswers:
    """Answers from a file: a JSON object of a part of the question, in any case, to its answer; '*' fits all others."""

    def __init__(self, answers: Mapping[str, str]):
        self._answers = dict(answers)

    @classmethod
    def read(cls, path: str | Path) -> WrittenAnswers:
        """Raises ValueError for a file that is none."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(f"Expected a file of answers, got {str(path)!r}: {error.strerror}.") from error
        except ValueError as error:
            raise ValueError(f"Expected {path} to be JSON: {error}.") from error
        if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
            raise ValueError(
                f'Expected {path} to map a part of a question to its answer, like {{"which one": "the coke"}}.'
            )
        return cls(data)

    def __call__(self, question: str, options: Sequence[str]) -> str | None:
        """The first answer that fits; None: there is none."""
        fits = (answer for part, answer in self._answers.items() if part != "*" and part.lower() in question.lower())
        return next(fits, self._answers.get("*"))


class AtTerminal:
    """Asks whoever sits there; Ctrl-D is no answer."""

    def __init__(self, ask: Callable[[str], str] = input, show: Callable[[str], None] = print):
        self._ask, self._show = ask, show

    def __call__(self, question: str, options: Sequence[str]) -> str | None:
        """Shows the options with their numbers and waits for a line."""
        for number, option in enumerate(options, 1):
            self._show(f"  {number}. {option}")
        try:
            return self._ask(f"{question} > ").strip() or None
        except EOFError:
            return None


def picked(answer: str | None, options: Sequence[str]) -> str | None:
    """Which option an answer means: its number, its words, or the last words of just one of them; None: none."""
    words = " ".join((answer or "").lower().split()).strip(" .!?")
    if words.isdecimal():
        return options[int(words) - 1] if 1 <= int(words) <= len(options) else None
    if words in options:
        return words
    for article in ("the ", "a ", "an ", "my "):
        words = words.removeprefix(article)
    fits = [option for option in options if words and option.endswith(f" {words}")]
    return fits[0] if len(fits) == 1 else None
