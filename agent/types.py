"""The values that pass from phase to phase, one typed value a phase and one `Step` a turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..memory.record import Record
from ..sim.observation import Observation
from ..skills.skill import Outcome

Reading = Literal["sure", "guess", "unclear", "impossible"]
"""How a goal's words were read. guess: it may mean this, so to have done it is not to have reached the goal; unclear:
nobody could know what is meant, so nothing is done before somebody says it; impossible: no errand of a robot's."""


@dataclass(frozen=True)
class Subgoal:
    """A part of the goal that is pursued by itself, in words."""

    text: str
    index: int = 0
    added: bool = False
    """Not the goal's own: what was left, or came undone, when those were over."""
    reading: Reading = "sure"
    instead: str = ""
    """What else may be meant, where nothing is found that this will do for."""


@dataclass(frozen=True)
class Candidate:
    """A skill as scored this turn.

    `log_say` ≤ 0 is natural log; `can` in [0, 1]; `score` = log_say + log(can), -inf if masked.
    """

    phrase: str
    log_say: float
    can: float
    score: float


@dataclass(frozen=True)
class Decision:
    """What to do this turn, and why. `phrase` names the skill for `act`; None otherwise."""

    kind: Literal["act", "ask", "finish", "refuse", "stop"]
    """ask: a person is to choose among `options`; finish: the subgoal is reached; refuse: the goal cannot be met; stop:
    a limit was hit, or nobody can know what is meant."""
    phrase: str | None
    reason: str
    options: tuple[str, ...] = ()
    """Phrases that a person was asked to choose from."""


OVER = ("finish", "refuse")
"""Kinds of decisions that a subgoal ends with."""


@dataclass(frozen=True)
class Fact:
    """One thing that was looked at by a check."""

    name: str
    holds: bool


@dataclass(frozen=True)
class Verdict:
    """What a look at the world says about the last skill, and what to do next."""

    facts: tuple[Fact, ...]
    explanation: str
    then: Literal["continue", "retry", "replan", "finished"]


@dataclass(frozen=True)
class Errands:
    """What a language model made of a vague goal: what is still to be done, in order, and what it thinks of that."""

    thoughts: str
    errands: tuple[str, ...]
    criticism: str


@dataclass(frozen=True)
class Left:
    """What may still be spent, of the goal's limits and the day's, whichever is less; None: no limit."""

    steps: int
    """Turns."""
    seconds: float | None = None
    """Simulated."""
    tokens: int | None = None
    cost: float | None = None
    """In the currency of the prices."""

    def sentence(self) -> str:
        """In words: '12 turns, 3,400 tokens, 0.02 of money'."""
        parts = [
            f"{self.steps:,} turns" if self.steps != 1 else "1 turn",
            "" if self.seconds is None else f"{self.seconds:,.0f} simulated seconds",
            "" if self.tokens is None else f"{self.tokens:,} tokens",
            "" if self.cost is None else f"{self.cost:,.4g} of money",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Step:
    """One turn of the loop, whole: journal, prompt, trace and memory are projections of a list of these."""

    index: int
    goal: str
    subgoal: Subgoal
    observation: Observation
    """As seen before acting."""
    recalled: tuple[Record, ...]
    candidates: tuple[Candidate, ...]
    """All of them, best first; of a best-first search those that it scored."""
    decision: Decision
    outcome: Outcome | None
    verdict: Verdict | None
    after: Observation | None = None
    """As seen by the check."""
    left: Left | None = None
    """What could still be spent before the turn."""
    errands: Errands | None = None
    """What a vague goal was made into at this turn; None: the list stays as it was."""


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    run_id: str
    goal: str
    status: Literal["reached", "refused", "stopped"]
    """reached: the agent says so (a benchmark asks `facts()`); refused: it says it can't; stopped: a limit, or
    nobody knows what is meant."""
    reason: str
    steps: Sequence[Step]
    seconds: float
    """Simulated seconds."""
