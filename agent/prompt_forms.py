"""How a prompt is worded: f_prompt(x), one form a class, from the values x of a turn to pieces of text.

The *prefix* forms end where the skill's phrase follows (transcript, dialogue); the *cloze* form is a sentence with a
slot, "The next skill is to [answer].", which suits masked models. Each form has its *answer space*, a text for every
phrase of the library, and the *answer mapping* between the two (terms after Liu et al. 2021, "Pre-train, Prompt, and
Predict", section 3). Several wordings of each form can be asked together (their section 6.1, prompt ensembling).

Pieces end where the next begins, so a prompt is their concatenation in the form's `order`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ..sim.catalogue import UnknownName
from ..sim.observation import Observation
from .prompts import HEADER, TERMINATOR, Turn, continuation, one_line, situation, turn_lines

FormName = Literal["transcript", "dialogue", "cloze"]
Part = Literal["header", "options", "examples", "memory", "goal", "unfinished", "history", "situation", "opening"]


@dataclass(frozen=True)
class Example:
    """A goal that was reached, and the skills that reached it, the ending included."""

    goal: str
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class Values:
    """x: all that a prompt may tell of a turn."""

    goal: str
    turns: Sequence[Turn]
    """Earlier turns of this subgoal, oldest first."""
    observation: Observation
    examples: tuple[Example, ...] = ()
    """Nearest last."""
    memory: tuple[str, ...] = ()
    """Sentences of records."""
    options: Mapping[str, str] | None = None
    """Label to phrase, if the answer is to be a label."""
    seen: bool = True
    """Tell what the robot sees."""


class Form(Protocol):
    """One way of wording. `w` is the number of the wording, from 0."""

    name: FormName
    wordings: int
    order: tuple[Part, ...]
    """The pieces before the thought, if there is one."""
    rest: tuple[Part, ...]
    """Those after it; the cue comes last."""

    def header(self, w: int) -> str: ...
    def example(self, example: Example, w: int) -> str: ...
    def memory(self, sentence: str, w: int) -> str: ...
    def goal(self, goal: str, w: int) -> str: ...
    def unfinished(self, count: int, failed: Sequence[tuple[str, str]], w: int) -> str:
        """`count` turns are left out of the history; of those skills, `failed` (phrase, result) never worked."""
        ...

    def turn(self, turn: Turn, number: int, before: Observation | None, seen: bool, w: int) -> str:
        """An earlier turn, the `number`-th from 1."""
        ...

    def situation(self, now: Observation, before: Observation | None, seen: bool, w: int) -> str: ...
    def opening(self, w: int) -> str: ...
    def cue(self, number: int, w: int) -> str:
        """What the answer follows directly, if the next skill is the `number`-th."""
        ...

    def answer(self, phrase: str) -> str:
        """The text that is scored for a phrase, terminator included."""
        ...


class Transcript:
    """Goal, what is seen, skill, what came of it, turn by turn: the form that the shipped adapter was trained on."""

    name: FormName = "transcript"
    order: tuple[Part, ...] = (
        "header", "options", "memory", "examples", "goal", "unfinished", "history", "situation",
    )  # fmt: skip
    rest: tuple[Part, ...] = ()
    _WORDS = (
        (HEADER, "Goal: ", "Robot:"),
        ("You are a robot in a kitchen. Say what to do next.", "Task: ", "Robot:"),
        ("A kitchen robot is asked for something and does one skill after the other.", "Request: ", "Next skill:"),
    )
    wordings = len(_WORDS)

    def header(self, w: int) -> str:
        return f"{self._WORDS[w][0]}\n"

    def example(self, example: Example, w: int) -> str:
        cue = self._WORDS[w][2]
        said = "".join(f"{cue}{continuation(phrase)}" for phrase in example.phrases)
        return f"{self.goal(example.goal, w)}{said}\n"

    def memory(self, sentence: str, w: int) -> str:
        return f"Remembered: {one_line(sentence)}\n"

    def goal(self, goal: str, w: int) -> str:
        return f"{self._WORDS[w][1]}{one_line(goal)}\n"

    def unfinished(self, count: int, failed: Sequence[tuple[str, str]], w: int) -> str:
        return _left_out(count, failed) + "\n"

    def turn(self, turn: Turn, number: int, before: Observation | None, seen: bool, w: int) -> str:
        return turn_lines(turn, before, seen=seen, cue=self._WORDS[w][2])

    def situation(self, now: Observation, before: Observation | None, seen: bool, w: int) -> str:
        return f"{situation(now, before, seen=seen)}\n"

    def opening(self, w: int) -> str:
        return ""

    def cue(self, number: int, w: int) -> str:
        return self._WORDS[w][2]

    def answer(self, phrase: str) -> str:
        return continuation(phrase)


class Dialogue:
    """A person asks, the robot answers with a numbered list of skills (the form of SayCan: Ahn et al. 2022)."""

    name: FormName = "dialogue"
    order: tuple[Part, ...] = ("header", "options", "examples", "memory", "situation", "goal", "unfinished")
    rest: tuple[Part, ...] = ("opening", "history")
    _WORDS = (
        ("A person tells a kitchen robot what they want, and the robot lists its skills in order.", "Human", "Robot"),
        ("Somebody asks a helpful robot in the kitchen for something. It answers with its steps.", "Person", "Robot"),
        ("Requests to a household robot, and the plan it follows for each.", "Request", "Plan"),
    )
    wordings = len(_WORDS)

    def header(self, w: int) -> str:
        return f"{self._WORDS[w][0]}\n\n"

    def example(self, example: Example, w: int) -> str:
        said = "".join(f" {i}.{self.answer(phrase)}" for i, phrase in enumerate(example.phrases, 1))
        return f"{self.goal(example.goal, w)}{self.opening(w)}{said.rstrip()}\n\n"

    def memory(self, sentence: str, w: int) -> str:
        return f"Remembered: {one_line(sentence)}\n"

    def goal(self, goal: str, w: int) -> str:
        return f"{self._WORDS[w][1]}: {one_line(goal)}\n"

    def unfinished(self, count: int, failed: Sequence[tuple[str, str]], w: int) -> str:
        return _left_out(count, failed) + "\n"

    def turn(self, turn: Turn, number: int, before: Observation | None, seen: bool, w: int) -> str:
        failed = f" ({_lower(turn.result)})" if turn.failed else ""
        return f" {number}. {turn.phrase}{failed},"

    def situation(self, now: Observation, before: Observation | None, seen: bool, w: int) -> str:
        # The history tells no sights, so all of them belong here; without sights the history says it all.
        return f"{situation(now)}\n" if seen else ""

    def opening(self, w: int) -> str:
        return f"{self._WORDS[w][2]}:"

    def cue(self, number: int, w: int) -> str:
        return f" {number}."

    def answer(self, phrase: str) -> str:
        return f" {phrase}{'.' if phrase in _ENDINGS else ','}"


class Cloze:
    """Sentences with a slot for the answer: 'The next skill is to [answer].'"""

    name: FormName = "cloze"
    order: tuple[Part, ...] = (
        "header", "options", "memory", "examples", "goal", "unfinished", "history", "situation",
    )  # fmt: skip
    rest: tuple[Part, ...] = ()
    _WORDS = (
        ("A robot in a kitchen does what people ask for, one skill at a time.", "Request", "The next skill is to"),
        ("A robot in a kitchen helps people, step by step.", "Wish", "Now the robot should"),
        ("This is how a kitchen robot carries out a request.", "Task", "The best next step is to"),
    )
    wordings = len(_WORDS)

    def header(self, w: int) -> str:
        return f"{self._WORDS[w][0]}\n\n"

    def example(self, example: Example, w: int) -> str:
        said = " ".join(self._WORDS[w][2] + self.answer(phrase) for phrase in example.phrases)
        return f"{self.goal(example.goal, w)}{said}\n\n"

    def memory(self, sentence: str, w: int) -> str:
        return f"Remembered: {one_line(sentence)}.\n"

    def goal(self, goal: str, w: int) -> str:
        return f'{self._WORDS[w][1]}: "{one_line(goal)}"\n'

    def unfinished(self, count: int, failed: Sequence[tuple[str, str]], w: int) -> str:
        return _left_out(count, failed) + "\n"

    def turn(self, turn: Turn, number: int, before: Observation | None, seen: bool, w: int) -> str:
        failed = f" That {_lower(turn.result)}." if turn.failed else ""
        sights = f"{situation(turn.observation, before)}\n" if seen else ""
        return f"{sights}{self._WORDS[w][2]}{self.answer(turn.phrase)}{failed}" + ("\n" if seen else " ")

    def situation(self, now: Observation, before: Observation | None, seen: bool, w: int) -> str:
        return f"{situation(now, before)}\n" if seen else ""

    def opening(self, w: int) -> str:
        return ""

    def cue(self, number: int, w: int) -> str:
        return self._WORDS[w][2]

    def answer(self, phrase: str) -> str:
        return f" {_CLOZE_ANSWERS.get(phrase, phrase)}."


_ENDINGS = ("done", "say that it is not possible")
_CLOZE_ANSWERS = {"done": "stop, as all is done"}
"""The answer mapping, where a phrase does not fill the sentence's slot by itself."""
_FORMS: dict[FormName, type[Form]] = {"transcript": Transcript, "dialogue": Dialogue, "cloze": Cloze}


def form_of(name: str) -> Form:
    """A form by name. Raises `UnknownName`."""
    for known, kind in _FORMS.items():
        if name == known:
            return kind()
    raise UnknownName("a prompt form", name, _FORMS)


class AnswerSpace:
    """The texts that are scored, one a phrase, and the way back from a text to its phrase."""

    def __init__(self, form: Form, phrases: Sequence[str]):
        self.texts = tuple(form.answer(phrase) for phrase in phrases)
        self._phrases = dict(zip(self.texts, phrases, strict=True))
        if len(self._phrases) != len(self.texts):
            twice = sorted({text for text in self.texts if self.texts.count(text) > 1})
            raise ValueError(f"Expected an answer of its own for every skill, got {twice} more than once.")

    def phrase(self, answer: str) -> str:
        """The phrase that an answer stands for. Raises `UnknownName`."""
        if answer not in self._phrases:
            raise UnknownName("an answer", answer, self._phrases)
        return self._phrases[answer]


def options_text(options: Mapping[str, str]) -> str:
    """The list that a label is chosen from."""
    return "Skills:\n" + "".join(f"{label}. {phrase}\n" for label, phrase in options.items()) + "\n"


LABEL_CUE = "Label of the next skill:"


def label_answer(label: str) -> str:
    """The text that is scored for a label."""
    return f" {label}{TERMINATOR}"


def _left_out(count: int, failed: Sequence[tuple[str, str]]) -> str:
    not_yet = "; ".join(f"{phrase} ({_lower(result)})" for phrase, result in failed)
    return f"Before: {count} skills." + (f" Not done yet: {not_yet}." if not_yet else "")


def _lower(result: str) -> str:
    """'Failed: it slipped.' inside a sentence."""
    return result[:1].lower() + result[1:].rstrip(".")
